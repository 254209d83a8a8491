//! What queries and views give.
use crate::{catalog::column, describe::unreadable, types::VENDOR};
use crate::{
    session::Session,
    syntax::quoted,
    types::{ANY, AS_TEXT},
};
use connect_api::{Error, ErrorKind, Kind, Result};
use dialect_core::{Column, SqliteTyping, Table, TableName, TableType};
use rusqlite::{Statement, types::ValueRef};
use std::time::Duration;

/// Rows that are looked at for the types of expressions: those of a batch.
const ROWS: usize = 1_000;

/// What an expression's type is called.
const EXPRESSION: &str = "expression";

/// The columns of a query, as a table without keys.
///
/// A column of a table has its declared type. An expression has none: its kind is that of its
/// first value among the first rows, for which the query is run so far, and text where there is
/// none. This is the only kind that follows a value.
pub(crate) fn describe_query(session: &Session, query: &str) -> Result<Table> {
    let query = query.trim().trim_end_matches(';');
    let wrong = |e: &rusqlite::Error| unreadable("query", e);
    // The query as pages have it: whatever cannot stand there is none.
    let wrapped = format!("SELECT * FROM ({query}\n) AS q");
    // Preparing goes by the tables as this session knows them; reading finds out what others did.
    session
        .run("SELECT 1 FROM sqlite_schema LIMIT 1")
        .map_err(|e| wrong(&e))?;
    session.driver.prepare(&wrapped).map_err(|e| wrong(&e))?;
    let statement = session.driver.prepare(query).map_err(|e| wrong(&e))?;
    let columns = columns(session, &statement, &wrapped)?;
    let fault = |why: String| Error::new(ErrorKind::Schema, format!("query: {why}"));
    for (i, column) in columns.iter().enumerate() {
        if column.name.is_empty() {
            return Err(fault(format!("column {} has no name", i + 1)));
        }
        if let Some(same) = columns[..i]
            .iter()
            .find(|other| other.name.eq_ignore_ascii_case(&column.name))
        {
            return Err(fault(format!("two columns have the name `{}`", same.name)));
        }
    }
    Ok(Table {
        name: TableName::new("q"),
        table_type: TableType::View,
        columns,
        vendor: VENDOR,
        ..Table::default()
    })
}

/// The columns of a view.
pub(super) fn view(session: &Session, schema: &str, name: &TableName) -> Result<Vec<Column>> {
    let all = format!("SELECT * FROM {}.{}", quoted(schema), quoted(&name.name));
    let operation = format!("view {name}");
    let statement = session
        .driver
        .prepare(&all)
        .map_err(|e| unreadable(&operation, &e))?;
    columns(session, &statement, &all)
}

/// The columns of a statement; `all` gives the same ones.
fn columns(session: &Session, statement: &Statement<'_>, all: &str) -> Result<Vec<Column>> {
    let of_tables = statement.columns_with_metadata();
    let mut columns = Vec::with_capacity(of_tables.len());
    let mut expressions = Vec::new();
    for (i, (declared, origin)) in statement.columns().iter().zip(&of_tables).enumerate() {
        if origin.origin_name().is_none() {
            expressions.push(i);
        }
        columns.push(Column {
            name: declared.name().to_owned(),
            ..column(
                &session.settings.values,
                declared.decl_type().unwrap_or_default(),
                false,
            )
        });
    }
    let typing = session.settings.values.sqlite_typing;
    let found = match typing {
        SqliteTyping::Strict if !expressions.is_empty() => first_kinds(session, all, &expressions)
            .map_err(|e| unreadable("looking for the types of expressions", &e))?,
        _ => vec![None; expressions.len()],
    };
    for (i, kind) in expressions.into_iter().zip(found) {
        columns[i].extension = match (typing, &kind) {
            (SqliteTyping::Text, _) => Some(AS_TEXT),
            (SqliteTyping::Strict, None) => Some(ANY),
            (SqliteTyping::Strict, Some(_)) => None,
        };
        columns[i].kind = Some(kind.unwrap_or(Kind::Text));
        columns[i].vendor_type = EXPRESSION.to_owned();
    }
    Ok(columns)
}

/// The kinds of the first values of these columns.
fn first_kinds(
    session: &Session,
    all: &str,
    expressions: &[usize],
) -> Result<Vec<Option<Kind>>, rusqlite::Error> {
    session.timed(Duration::ZERO, |driver| {
        let mut statement = driver.prepare(all)?;
        let mut found = vec![None; expressions.len()];
        let mut rows = statement.raw_query();
        for _ in 0..ROWS {
            let Some(row) = rows.next()? else { break };
            for (i, found) in expressions.iter().zip(&mut found) {
                if found.is_none() {
                    *found = match row.get_ref(*i)? {
                        ValueRef::Null => None,
                        ValueRef::Integer(_) => Some(Kind::Int64),
                        ValueRef::Real(_) => Some(Kind::Float64),
                        ValueRef::Text(_) => Some(Kind::Text),
                        ValueRef::Blob(_) => Some(Kind::Bytes),
                    };
                }
            }
            if found.iter().all(Option::is_some) {
                break;
            }
        }
        Ok(found)
    })
}
