//! The text of statements that make tables and write rows.
use crate::{Pair, Syntax, Table, TableName};
use connect_api::{Result, Schema};

/// See [`Syntax::create_table`].
pub(crate) fn create_table<S: Syntax + ?Sized>(
    syntax: &S,
    table: &TableName,
    schema: &Schema,
) -> Result<String> {
    let mut lines = Vec::new();
    for (i, field) in schema.columns().fields().iter().enumerate() {
        let in_key = schema.key().contains(&i);
        let not_null = in_key || field.metadata().contains_key(connect_api::NOT_NULL);
        lines.push(format!(
            "{} {}{}",
            syntax.quote(field.name())?,
            syntax.column_type(field, in_key)?,
            if not_null { " NOT NULL" } else { "" }
        ));
    }
    if !schema.key().is_empty() {
        let key = schema
            .key()
            .iter()
            .map(|i| syntax.quote(schema.field(*i).name()))
            .collect::<Result<Vec<_>>>()?;
        lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    Ok(format!(
        "CREATE TABLE IF NOT EXISTS {} ({})",
        syntax.table(table)?,
        lines.join(", ")
    ))
}

/// See [`Syntax::insert`].
pub(crate) fn insert<S: Syntax + ?Sized>(
    syntax: &S,
    table: &Table,
    pairs: &[Pair],
    rows: usize,
) -> Result<String> {
    let names = syntax.names(table, pairs)?.join(", ");
    let mut sql = format!(
        "INSERT INTO {} ({names}) VALUES ",
        syntax.table(&table.name)?
    );
    syntax.push_rows(table, pairs, rows, &mut sql);
    Ok(sql)
}

/// See [`Syntax::update`].
pub(crate) fn update<S: Syntax + ?Sized>(
    syntax: &S,
    table: &Table,
    pairs: &[Pair],
    key: usize,
) -> Result<String> {
    let names = syntax.names(table, pairs)?;
    let set: Vec<_> = (key..pairs.len())
        .map(|i| {
            let place = syntax.placeholder(i - key + 1, &table.columns[pairs[i].to]);
            format!("{} = {place}", names[i])
        })
        .collect();
    let filter: Vec<_> = (0..key)
        .map(|i| {
            let n = pairs.len() - key + i + 1;
            let place = syntax.placeholder(n, &table.columns[pairs[i].to]);
            format!("{} = {place}", names[i])
        })
        .collect();
    let (set, filter) = (set.join(", "), filter.join(" AND "));
    Ok(format!(
        "UPDATE {} SET {set} WHERE {filter}",
        syntax.table(&table.name)?
    ))
}

/// See [`Syntax::delete`].
pub(crate) fn delete<S: Syntax + ?Sized>(
    syntax: &S,
    table: &Table,
    key: &[Pair],
    rows: usize,
) -> Result<String> {
    let names = syntax.names(table, key)?;
    let mut sql = format!("DELETE FROM {} WHERE ", syntax.table(&table.name)?);
    if let ([name], 1) = (&names[..], rows) {
        let place = syntax.placeholder(1, &table.columns[key[0].to]);
        sql.push_str(&format!("{name} = {place}"));
    } else if let [name] = &names[..] {
        let places: Vec<_> = (1..=rows)
            .map(|n| syntax.placeholder(n, &table.columns[key[0].to]))
            .collect();
        sql.push_str(&format!("{name} IN ({})", places.join(", ")));
    } else {
        sql.push_str(&format!("({}) IN ({}", names.join(", "), syntax.row_list()));
        syntax.push_rows(table, key, rows, &mut sql);
        sql.push(')');
    }
    Ok(sql)
}

/// See [`Syntax::push_rows`].
pub(crate) fn push_rows<S: Syntax + ?Sized>(
    syntax: &S,
    table: &Table,
    pairs: &[Pair],
    rows: usize,
    sql: &mut String,
) {
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for (i, pair) in pairs.iter().enumerate() {
            if i > 0 {
                sql.push_str(", ");
            }
            let n = row * pairs.len() + i + 1;
            sql.push_str(&syntax.placeholder(n, &table.columns[pair.to]));
        }
        sql.push(')');
    }
}
