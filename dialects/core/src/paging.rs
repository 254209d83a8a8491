//! The text of queries that read pages.
use crate::{
    query::{KeyValues, Page, Param, Statement},
    syntax::Syntax,
};
use connect_api::{Error, ErrorKind, Kind, Result, Value};
use std::num::NonZeroU32;

/// See [`Syntax::select`].
pub(crate) fn select<S: Syntax + ?Sized>(syntax: &S, page: &Page<'_>) -> Result<Statement> {
    let columns = page
        .columns
        .iter()
        .map(|i| syntax.select_column(&page.table.columns[*i]))
        .collect::<Result<Vec<_>>>()?;
    let mut params = Vec::new();
    let sql = select_list(syntax, page, &columns.join(", "), &mut params)?;
    Ok(Statement { sql, params })
}

/// See [`Syntax::select_any`].
pub(crate) fn select_any<S: Syntax + ?Sized>(syntax: &S, pages: &[Page<'_>]) -> Result<Statement> {
    let mut params = Vec::new();
    let mut columns = Vec::with_capacity(pages.len());
    for (i, page) in pages.iter().enumerate() {
        let page = Page {
            limit: Some(NonZeroU32::MIN),
            ..page.clone()
        };
        let first = select_list(syntax, &page, syntax.one(), &mut params)?;
        columns.push(format!("({first}) AS p{i}"));
    }
    Ok(Statement {
        sql: format!("SELECT {}", columns.join(", ")),
        params,
    })
}

/// Reads `columns` of a page.
fn select_list<S: Syntax + ?Sized>(
    syntax: &S,
    page: &Page<'_>,
    columns: &str,
    params: &mut Vec<Param>,
) -> Result<String> {
    let limit_first = page.limit.map(|limit| syntax.limit_first(limit.get()));
    let mut sql = format!(
        "SELECT{} {} FROM {}",
        limit_first.unwrap_or_default(),
        columns,
        source(syntax, page)?
    );
    let keys = page
        .key
        .iter()
        .map(|part| syntax.key_expression(page, part))
        .collect::<Result<Vec<_>>>()?;
    let mut conditions = Vec::new();
    after_condition(syntax, page, &keys, params, &mut conditions);
    // Rows without a key have no place in the order of pages.
    for (part, key) in page.key.iter().zip(&keys) {
        if part.columns.iter().all(|i| page.table.columns[*i].nullable) {
            conditions.push(format!("{key} IS NOT NULL"));
        }
    }
    if let (Some(delay), Some(first)) = (page.before_now, keys.first()) {
        let steps = page.key[0].columns.iter();
        let step = steps.map(|i| syntax.step(&page.table.columns[*i])).max();
        let back = delay.saturating_add(step.unwrap_or_default());
        let present = syntax.present(page.key_column(0), page.east, back);
        conditions.push(format!("{first} < {present}"));
    }
    until_condition(syntax, page, &keys, params, &mut conditions);
    if let Some(blocks) = &page.blocks {
        conditions.push(syntax.in_blocks(blocks).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "tables cannot be read by blocks here",
            )
        })?);
    }
    if let Some(filter) = page.filter {
        // The line ends, so that a comment in the user's words does not swallow the bracket.
        conditions.push(format!("({filter}\n)"));
    }
    if !conditions.is_empty() {
        sql.push_str(" WHERE ");
        sql.push_str(&conditions.join(" AND "));
    }
    if !keys.is_empty() {
        sql.push_str(" ORDER BY ");
        let separator = if page.descending { " DESC, " } else { ", " };
        sql.push_str(&keys.join(separator));
        sql.push_str(separator.trim_end_matches(", "));
    }
    if let Some(limit) = page.limit {
        sql.push_str(&syntax.limit(limit.get()));
    }
    Ok(sql)
}

/// The lower bound of a page.
fn after_condition<S: Syntax + ?Sized>(
    syntax: &S,
    page: &Page<'_>,
    keys: &[String],
    params: &mut Vec<Param>,
    conditions: &mut Vec<String>,
) {
    if let Some(after) = page.after.filter(|after| !after.is_empty()) {
        let bound = &keys[..after.len().min(keys.len())];
        if let Some((condition, param)) = syntax.lower_bound(page, &after[0]) {
            conditions.push(condition);
            params.push(param);
        }
        conditions.push(syntax.after(page, bound, after, params));
    }
}

/// The upper bound of a page.
fn until_condition<S: Syntax + ?Sized>(
    syntax: &S,
    page: &Page<'_>,
    keys: &[String],
    params: &mut Vec<Param>,
    conditions: &mut Vec<String>,
) {
    if let Some(until) = page.until.filter(|until| !until.is_empty()) {
        let bound = &keys[..until.len().min(keys.len())];
        conditions.push(syntax.until(page, bound, until, params));
    }
}

/// The rows that quantiles are taken of: their first key part, and what stands after WHERE, with its
/// values.
///
/// # Errors
/// As [`Syntax::select`]; `Internal`: the page has no key.
pub fn keyed_rows<S: Syntax + ?Sized>(
    syntax: &S,
    page: &Page<'_>,
) -> Result<(String, String, Vec<Param>)> {
    let keys = page
        .key
        .iter()
        .map(|part| syntax.key_expression(page, part));
    let keys: Vec<String> = keys.collect::<Result<_>>()?;
    let Some(first) = keys.first() else {
        return Err(Error::new(
            ErrorKind::Internal,
            "quantiles of a page without a key",
        ));
    };
    let (mut params, mut conditions) = (Vec::new(), vec![format!("{first} IS NOT NULL")]);
    after_condition(syntax, page, &keys, &mut params, &mut conditions);
    until_condition(syntax, page, &keys, &mut params, &mut conditions);
    if let Some(filter) = page.filter {
        conditions.push(format!("({filter}\n)"));
    }
    Ok((first.clone(), conditions.join(" AND "), params))
}

/// What stands after FROM.
fn source<S: Syntax + ?Sized>(syntax: &S, page: &Page<'_>) -> Result<String> {
    Ok(match page.query {
        Some(query) => {
            let query = query.trim().trim_end_matches(';');
            let name = syntax.quote("q")?;
            format!("({query}\n){}{name}", syntax.subquery_alias())
        }
        None => syntax.table(&page.table.name)?,
    })
}

/// See [`Syntax::quantiles`].
pub(crate) fn quantiles<S: Syntax + ?Sized>(
    syntax: &S,
    page: &Page<'_>,
    parts: NonZeroU32,
) -> Result<Statement> {
    let (key, conditions, params) = keyed_rows(syntax, page)?;
    let alias = syntax.subquery_alias();
    let (k, part) = (unlike("k", page), unlike("part", page));
    // The last key of each part: where the number of the part changes to the next row. Rows of one
    // key may lie in two parts: they are put in the order of the parts.
    Ok(Statement {
        sql: format!(
            "SELECT {k} FROM (SELECT {k}, {part}, LEAD({part}) OVER (ORDER BY {k}, {part}) AS following FROM (\
             SELECT {key} AS {k}, NTILE({parts}) OVER (ORDER BY {key}) AS {part} FROM {} \
             WHERE {conditions}){alias}a){alias}b WHERE following <> {part} ORDER BY {k}",
            source(syntax, page)?
        ),
        params,
    })
}

/// A name for a column of the statement's own that no column of the table has: MariaDB takes the
/// name of a result for the result, where the key is meant.
fn unlike(name: &str, page: &Page<'_>) -> String {
    let mut name = name.to_owned();
    let columns = &page.table.columns;
    while columns.iter().any(|c| c.name.eq_ignore_ascii_case(&name)) {
        name.push_str("_of_slice");
    }
    name
}

/// See [`Syntax::count_without_key`].
pub(crate) fn count_without_key<S: Syntax + ?Sized>(
    syntax: &S,
    page: &Page<'_>,
) -> Result<Statement> {
    let nulls = page
        .key
        .iter()
        .map(|part| Ok(format!("{} IS NULL", syntax.key_expression(page, part)?)))
        .collect::<Result<Vec<_>>>()?;
    let mut condition = nulls.join(" OR ");
    if let Some(filter) = page.filter {
        condition = format!("({condition}) AND ({filter}\n)");
    }
    Ok(Statement {
        sql: format!(
            "SELECT {} FROM {} WHERE {condition}",
            syntax.count(),
            source(syntax, page)?,
        ),
        params: Vec::new(),
    })
}

/// See [`Syntax::after`].
pub(crate) fn after<S: Syntax + ?Sized>(
    syntax: &S,
    page: &Page<'_>,
    keys: &[String],
    after: &[Value],
    params: &mut Vec<Param>,
) -> String {
    compared(syntax, page, keys, after, params, (">", ">", ">="))
}

/// See [`Syntax::until`].
pub(crate) fn until<S: Syntax + ?Sized>(
    syntax: &S,
    page: &Page<'_>,
    keys: &[String],
    until: &[Value],
    params: &mut Vec<Param>,
) -> String {
    compared(syntax, page, keys, until, params, ("<=", "<", "<="))
}

/// A microsecond later.
fn next(value: &Value) -> Value {
    match value {
        Value::Timestamp(micros) => Value::Timestamp(micros.saturating_add(1)),
        Value::OffsetTimestamp(micros, offset) => {
            Value::OffsetTimestamp(micros.saturating_add(1), *offset)
        }
        Value::Time(micros) => Value::Time(micros.saturating_add(1)),
        other => other.clone(),
    }
}

/// The condition that the keys stand in a relation to values. The signs are those of the whole, of a
/// part that decides before the last, and of the first part by itself.
fn compared<S: Syntax + ?Sized>(
    syntax: &S,
    page: &Page<'_>,
    keys: &[String],
    values: &[Value],
    params: &mut Vec<Param>,
    (whole, strict, loose): (&str, &str, &str),
) -> String {
    // A value that is cut stands for all that is cut to it: the next decides.
    let cut = keys.len().checked_sub(1).filter(|last| {
        let mut columns = page.key[*last].columns.iter();
        columns.any(|i| syntax.key_values(&page.table.columns[*i]) == KeyValues::Cut)
    });
    let whole = match (cut, whole) {
        (Some(_), ">") => ">=",
        (Some(_), "<=") => "<",
        _ => whole,
    };
    let mut bind = |i: usize| {
        let column = page.key_column(i);
        let value = if cut == Some(i) {
            next(&values[i])
        } else {
            values[i].clone()
        };
        params.push(Param {
            value: syntax.bound_key(column, &value),
            kind: column.kind.clone().unwrap_or(Kind::Text),
        });
        syntax.key_placeholder(params.len(), column)
    };
    if let [key] = keys {
        return format!("{key} {whole} {}", bind(0));
    }
    if syntax.row_values() {
        let places: Vec<_> = (0..keys.len()).map(&mut bind).collect();
        return format!("({}) {whole} ({})", keys.join(", "), places.join(", "));
    }
    let bound_once: Option<Vec<_>> = syntax
        .named_placeholders()
        .then(|| (0..keys.len()).map(&mut bind).collect());
    let mut place = |i: usize| match &bound_once {
        Some(places) => places[i].clone(),
        None => bind(i),
    };
    // (a > ?) OR (a = ? AND b > ?) OR …, with `a >= ?` in front so that an index serves.
    let mut alternatives = Vec::new();
    let bound = format!("{} {loose} {}", keys[0], place(0));
    for last in 0..keys.len() {
        let mut terms: Vec<_> = (0..last)
            .map(|i| format!("{} = {}", keys[i], place(i)))
            .collect();
        let sign = if last + 1 == keys.len() {
            whole
        } else {
            strict
        };
        terms.push(format!("{} {sign} {}", keys[last], place(last)));
        alternatives.push(format!("({})", terms.join(" AND ")));
    }
    format!("{bound} AND ({})", alternatives.join(" OR "))
}

#[cfg(test)]
mod tests {
    use crate::{
        Page, Syntax as _, Table,
        syntax::tests::{Plain, key, table},
    };
    use connect_api::{Kind, Value};
    use std::{num::NonZeroU32, time::Duration};

    fn page<'a>(
        table: &'a Table,
        key: &'a [crate::query::KeyPart],
        after: Option<&'a [Value]>,
    ) -> Page<'a> {
        Page {
            key,
            after,
            limit: NonZeroU32::new(5),
            ..Page::of(table, &[1, 0])
        }
    }

    fn text(page: &Page<'_>, row_values: bool) -> (String, Vec<Value>) {
        let statement = Plain { row_values }.select(page).unwrap();
        assert!(statement.params.iter().all(|p| p.kind == Kind::Int64));
        (
            statement.sql,
            statement.params.into_iter().map(|p| p.value).collect(),
        )
    }

    #[test]
    fn a_whole_table_is_read_without_order() {
        let table = table(&["a", "b?"]);
        let whole = Page {
            limit: None,
            ..page(&table, &[], None)
        };
        assert_eq!(
            text(&whole, true),
            ("SELECT \"b\", \"a\" FROM \"s\".\"t\"".to_owned(), vec![])
        );
    }

    #[test]
    fn pages_follow_one_column() {
        let table = table(&["a", "b?"]);
        let key = key(&[&[0]]);
        let first = page(&table, &key, None);
        assert_eq!(
            text(&first, true).0,
            "SELECT \"b\", \"a\" FROM \"s\".\"t\" ORDER BY \"a\" LIMIT 5"
        );
        let after = [Value::Int(7)];
        let next = page(&table, &key, Some(&after));
        assert_eq!(
            text(&next, true),
            (
                "SELECT \"b\", \"a\" FROM \"s\".\"t\" WHERE \"a\" > $1 ORDER BY \"a\" LIMIT 5"
                    .to_owned(),
                vec![7.into()]
            )
        );
    }

    #[test]
    fn pages_follow_several_columns_with_and_without_row_values() {
        let table = table(&["a", "b", "c"]);
        let key = key(&[&[0], &[1], &[2]]);
        let after = [1, 2, 3].map(Value::Int);
        let next = page(&table, &key, Some(&after));
        let (sql, values) = text(&next, true);
        assert!(
            sql.contains("WHERE (\"a\", \"b\", \"c\") > ($1, $2, $3) ORDER BY \"a\", \"b\", \"c\""),
            "{sql}"
        );
        assert_eq!(values, after);
        let (sql, values) = text(&next, false);
        assert!(
            sql.contains(
                "WHERE \"a\" >= $1 AND ((\"a\" > $2) OR (\"a\" = $3 AND \"b\" > $4) OR \
                 (\"a\" = $5 AND \"b\" = $6 AND \"c\" > $7)) ORDER BY"
            ),
            "{sql}"
        );
        assert_eq!(values, [1, 1, 1, 2, 1, 2, 3].map(Value::Int));
    }

    #[test]
    fn after_a_part_of_the_key_its_whole_group_is_passed_over() {
        let table = table(&["a", "b"]);
        let key = key(&[&[0], &[1]]);
        let after = [Value::Int(1)];
        let (sql, _) = text(&page(&table, &key, Some(&after)), true);
        assert!(
            sql.contains("WHERE \"a\" > $1 ORDER BY \"a\", \"b\""),
            "{sql}"
        );
        let (sql, _) = text(&page(&table, &key, Some(&[])), true);
        assert!(!sql.contains("WHERE"), "{sql}");
    }

    #[test]
    fn the_first_of_several_columns_that_is_not_null_is_a_key() {
        let table = table(&["a?", "b?", "id"]);
        let key = key(&[&[0, 1], &[2]]);
        let after = [1, 2].map(Value::Int);
        let page = Page {
            before_now: Some(Duration::from_secs(9)),
            ..page(&table, &key, Some(&after))
        };
        let (sql, _) = text(&page, true);
        let first = "COALESCE(\"a\", \"b\")";
        assert!(
            sql.ends_with(&format!(
                "WHERE ({first}, \"id\") > ($1, $2) AND {first} IS NOT NULL AND {first} < now(9) \
                 ORDER BY {first}, \"id\" LIMIT 5"
            )),
            "{sql}"
        );
        let without = Plain { row_values: true }.count_without_key(&page).unwrap();
        assert_eq!(
            without.sql,
            format!("SELECT COUNT(*) FROM \"s\".\"t\" WHERE {first} IS NULL OR \"id\" IS NULL")
        );
        assert_eq!(
            Plain { row_values: true }.select_now(&table.columns[0]).sql,
            "SELECT now(0)"
        );
    }

    #[test]
    fn what_can_still_get_the_same_time_is_left_out() {
        let mut table = table(&["a", "b?"]);
        table.columns[1].vendor_type = "seconds".to_owned();
        let key = key(&[&[0, 1]]);
        let page = Page {
            before_now: Some(Duration::from_secs(9)),
            ..page(&table, &key, None)
        };
        assert!(text(&page, true).0.contains("< now(10) ORDER"));
        // A clock of its own is that of columns without a zone alone.
        let east = Page {
            east: Some(28_800_000_000),
            ..page
        };
        assert!(text(&east, true).0.contains("< now(10) ORDER"));
        table.columns[0].kind = Some(Kind::Timestamp { utc: false });
        let east = Page {
            table: &table,
            key: &key,
            before_now: Some(Duration::from_secs(9)),
            east: Some(28_800_000_000),
            ..Page::of(&table, &[1])
        };
        let sql = Plain { row_values: true }.select(&east).unwrap().sql;
        assert!(sql.contains("< utc(28790000000) ORDER"), "{sql}");
    }

    #[test]
    fn pages_end_at_a_key() {
        let table = table(&["a", "b"]);
        let key = key(&[&[0], &[1]]);
        let until = [Value::Int(1), Value::Int(2)];
        let page = Page {
            until: Some(&until),
            filter: Some("a <> 3 -- not three"),
            ..page(&table, &key, None)
        };
        let tail = "(a <> 3 -- not three\n) ORDER BY \"a\", \"b\" LIMIT 5";
        let (sql, values) = text(&page, true);
        assert!(
            sql.ends_with(&format!("WHERE (\"a\", \"b\") <= ($1, $2) AND {tail}")),
            "{sql}"
        );
        assert_eq!(values, until);
        let (sql, values) = text(&page, false);
        let expanded = "\"a\" <= $1 AND ((\"a\" < $2) OR (\"a\" = $3 AND \"b\" <= $4))";
        assert!(
            sql.ends_with(&format!("WHERE {expanded} AND {tail}")),
            "{sql}"
        );
        assert_eq!(values, [1, 1, 1, 2].map(Value::Int));
    }
}
