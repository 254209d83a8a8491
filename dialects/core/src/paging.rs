//! The text of queries that read pages.
use crate::{Page, Param, Statement, Syntax};
use connect_api::{Kind, Result, Value};

/// See [`Syntax::select`].
pub(crate) fn select<S: Syntax + ?Sized>(syntax: &S, page: &Page<'_>) -> Result<Statement> {
    let mut params = Vec::new();
    let columns = page
        .columns
        .iter()
        .map(|i| syntax.select_column(&page.table.columns[*i]))
        .collect::<Result<Vec<_>>>()?;
    let mut sql = format!(
        "SELECT {} FROM {}",
        columns.join(", "),
        syntax.table(&page.table.name)?
    );
    let keys = page
        .key
        .iter()
        .map(|part| syntax.key_expression(page, part))
        .collect::<Result<Vec<_>>>()?;
    let mut conditions = Vec::new();
    if let Some(after) = page.after.filter(|after| !after.is_empty()) {
        let bound = &keys[..after.len().min(keys.len())];
        if let Some((condition, param)) = syntax.lower_bound(page, &after[0]) {
            conditions.push(condition);
            params.push(param);
        }
        conditions.push(syntax.after(page, bound, after, &mut params));
    }
    // Rows without a key have no place in the order of pages.
    for (part, key) in page.key.iter().zip(&keys) {
        if part.columns.iter().all(|i| page.table.columns[*i].nullable) {
            conditions.push(format!("{key} IS NOT NULL"));
        }
    }
    if let (Some(delay), Some(first)) = (page.before_now, keys.first()) {
        conditions.push(format!(
            "{first} < {}",
            syntax.now(page.key_column(0), delay)
        ));
    }
    if !conditions.is_empty() {
        sql.push_str(" WHERE ");
        sql.push_str(&conditions.join(" AND "));
    }
    if !keys.is_empty() {
        sql.push_str(" ORDER BY ");
        sql.push_str(&keys.join(", "));
    }
    if let Some(limit) = page.limit {
        sql.push_str(&syntax.limit(limit.get()));
    }
    Ok(Statement { sql, params })
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
    Ok(Statement {
        sql: format!(
            "SELECT COUNT(*) FROM {} WHERE {}",
            syntax.table(&page.table.name)?,
            nulls.join(" OR ")
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
    let mut bind = |i: usize| {
        let column = page.key_column(i);
        params.push(Param {
            value: after[i].clone(),
            kind: column.kind.clone().unwrap_or(Kind::Text),
        });
        syntax.key_placeholder(params.len(), column)
    };
    if let [key] = keys {
        return format!("{key} > {}", bind(0));
    }
    if syntax.row_values() {
        let places: Vec<_> = (0..keys.len()).map(&mut bind).collect();
        return format!("({}) > ({})", keys.join(", "), places.join(", "));
    }
    // (a > ?) OR (a = ? AND b > ?) OR …, with `a >= ?` in front so that an index serves.
    let mut alternatives = Vec::new();
    let bound = format!("{} >= {}", keys[0], bind(0));
    for last in 0..keys.len() {
        let mut terms: Vec<_> = (0..last)
            .map(|i| format!("{} = {}", keys[i], bind(i)))
            .collect();
        terms.push(format!("{} > {}", keys[last], bind(last)));
        alternatives.push(format!("({})", terms.join(" AND ")));
    }
    format!("{bound} AND ({})", alternatives.join(" OR "))
}
