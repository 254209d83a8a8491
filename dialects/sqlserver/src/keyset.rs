//! Conditions of pages by key. T-SQL has no row values: they are written out.
use crate::{
    civil_time::{datetime_floor, minute_floor},
    declared::Base,
    syntax::{SqlServerSyntax, declared},
};
use connect_api::{Kind, Result, Value};
use dialect_core::{Page, Param, Statement, Syntax as _};

/// The value of a key part as it is compared. A `datetime` counts thirds of ten milliseconds: the
/// last of them that is not after the value divides the rows as the value does.
fn compared(page: &Page<'_>, part: usize, value: &Value) -> Param {
    let column = page.key_column(part);
    let value = match (declared(column).base, value) {
        (Base::DateTime, Value::Timestamp(micros)) => Value::Timestamp(datetime_floor(*micros)),
        (Base::SmallDateTime, Value::Timestamp(micros)) => Value::Timestamp(minute_floor(*micros)),
        (_, value) => value.clone(),
    };
    Param {
        value,
        kind: column.kind.clone().unwrap_or(Kind::Text),
    }
}

/// `a >= x AND (a > x OR (a = x AND b > y))`; each value is bound once.
fn beyond(
    page: &Page<'_>,
    keys: &[String],
    values: &[Value],
    params: &mut Vec<Param>,
    (sign, last_sign): (&str, &str),
) -> String {
    let places: Vec<_> = keys
        .iter()
        .zip(values)
        .enumerate()
        .map(|(i, (_, value))| {
            params.push(compared(page, i, value));
            SqlServerSyntax.key_placeholder(params.len(), page.key_column(i))
        })
        .collect();
    if let ([key], [place]) = (keys, &places[..]) {
        return format!("{key} {last_sign} {place}");
    }
    let alternatives: Vec<_> = (0..places.len())
        .map(|last| {
            let mut terms: Vec<_> = (0..last)
                .map(|i| format!("{} = {}", keys[i], places[i]))
                .collect();
            let sign = if last + 1 == places.len() {
                last_sign
            } else {
                sign
            };
            terms.push(format!("{} {sign} {}", keys[last], places[last]));
            format!("({})", terms.join(" AND "))
        })
        .collect();
    // The first part alone in front, so that an index serves.
    format!(
        "{} {sign}= {} AND ({})",
        keys[0],
        places[0],
        alternatives.join(" OR ")
    )
}

/// The condition that the key is greater than `after`.
pub(crate) fn after(
    page: &Page<'_>,
    keys: &[String],
    after: &[Value],
    params: &mut Vec<Param>,
) -> String {
    beyond(page, keys, after, params, (">", ">"))
}

/// The condition that the first parts of the key are not greater than `until`.
pub(crate) fn until(
    page: &Page<'_>,
    keys: &[String],
    until: &[Value],
    params: &mut Vec<Param>,
) -> String {
    beyond(page, keys, until, params, ("<", "<="))
}

/// Counts the rows that have no key.
pub(crate) fn count_without_key(page: &Page<'_>) -> Result<Statement> {
    let nulls = page
        .key
        .iter()
        .map(|part| {
            let key = SqlServerSyntax.key_expression(page, part)?;
            Ok(format!("{key} IS NULL"))
        })
        .collect::<Result<Vec<_>>>()?;
    let source = match page.query {
        Some(query) => format!("({}\n) AS [q]", query.trim().trim_end_matches(';')),
        None => SqlServerSyntax.table(&page.table.name)?,
    };
    Ok(Statement {
        sql: format!(
            "SELECT COUNT_BIG(*) FROM {source} WHERE {}",
            nulls.join(" OR ")
        ),
        params: Vec::new(),
    })
}
