//! Tables as SQLite's pragmas describe them.
mod query;

pub(crate) use query::describe_query;

use crate::{
    catalog::{
        COLUMNS, Found, IS_ANALYZED, KEYS, LIST, MAIN, REFERENCES, SET, add_column, add_key,
        add_reference, begun, place, table_type,
    },
    error_codes::refusal,
    session::Session,
    syntax::quoted,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Table, TableName, TableType};
use rusqlite::{Connection, Row};
use std::{collections::HashMap, time::Duration};

fn broken(error: &rusqlite::Error) -> Error {
    refusal("reading the catalogue", error)
}

/// Tables and views of a schema, by name.
pub(crate) fn tables(
    session: &Session,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    rows(&session.driver, LIST, schema.unwrap_or(MAIN), |row| {
        let name = TableName {
            schema: schema.map(str::to_owned),
            name: row.get(0)?,
        };
        let found: String = row.get(1)?;
        Ok((name, table_type(&found)))
    })
    .map_err(|e| broken(&e))
}

/// Tables with their columns and keys, in the order of `names`; `None` where there is none of the
/// name. A statement each for columns, keys and references of all of them.
pub(crate) fn describe(session: &Session, names: &[TableName]) -> Result<Vec<Option<Table>>> {
    let driver = &session.driver;
    // All of it from one state of the file.
    let alone = driver.is_autocommit();
    if alone {
        session.run("BEGIN").map_err(|e| broken(&e))?;
    }
    let described = read(session, names);
    if alone {
        session.run("COMMIT").map_err(|e| broken(&e))?;
    }
    let mut tables = described.map_err(|e| broken(&e))?;
    for found in tables.iter_mut().flatten() {
        if !found.table.table_type.is_table() {
            let name = &found.table.name;
            let columns = query::view(session, &found.schema, name)?;
            found.table.columns = columns;
        }
    }
    Ok(tables
        .into_iter()
        .map(|found| found.map(Found::table))
        .collect())
}

/// The greatest number of a row, which is found at once; of a table without such numbers, what ANALYZE
/// counted.
pub(crate) fn row_estimates(session: &Session, names: &[TableName]) -> Result<Vec<Option<u64>>> {
    let described = describe(session, names)?;
    let estimate = |table: Option<Table>| {
        let table = table?;
        let greatest = || {
            let schema = quoted(table.name.schema.as_deref().unwrap_or(MAIN));
            let sql = format!(
                "SELECT COALESCE(max(rowid), 0) FROM {schema}.{}",
                quoted(&table.name.name)
            );
            let row = session
                .driver
                .query_row(&sql, [], |row| row.get::<_, i64>(0));
            row.ok().and_then(|rows| u64::try_from(rows).ok())
        };
        let is_table = table.table_type.is_table();
        table.row_estimate.or_else(|| is_table.then(greatest)?)
    };
    Ok(described.into_iter().map(estimate).collect())
}

/// The file counts the changes of its tables.
pub(crate) fn fingerprint(session: &Session, name: &TableName) -> Result<Option<String>> {
    let schema = quoted(name.schema.as_deref().unwrap_or(MAIN));
    let sql = format!("PRAGMA {schema}.schema_version");
    let version = session
        .timed(Duration::ZERO, |driver| {
            let mut statement = driver.prepare_cached(&sql)?;
            statement.query_row([], |row| row.get::<_, i64>(0))
        })
        .map_err(|e| broken(&e))?;
    Ok(Some(version.to_string()))
}

fn read(session: &Session, names: &[TableName]) -> Result<Vec<Option<Found>>, rusqlite::Error> {
    let driver = &session.driver;
    let pairs: Vec<_> = names
        .iter()
        .map(|name| [name.schema.as_deref().unwrap_or(MAIN), &name.name])
        .collect();
    let set = serde_json::json!(pairs).to_string();
    let mut all: Vec<Option<Found>> = names.iter().map(|_| None).collect();
    rows(driver, &format!("{SET}{COLUMNS}"), &set, |row| {
        let n = place(row)?;
        let (Some(found), Some(name)) = (all.get_mut(n), names.get(n)) else {
            return Ok(());
        };
        if found.is_none() {
            *found = Some(begun(row, name)?);
        }
        if let Some(found) = found {
            add_column(&session.settings.values, row, found)?;
        }
        Ok(())
    })?;
    rows(driver, &format!("{SET}{KEYS}"), &set, |row| {
        if let Some(Some(found)) = all.get_mut(place(row)?) {
            add_key(row, found)?;
        }
        Ok(())
    })?;
    let mut last = None;
    rows(driver, &format!("{SET}{REFERENCES}"), &set, |row| {
        let at = (place(row)?, row.get::<_, i64>(1)?);
        if let Some(Some(found)) = all.get_mut(at.0) {
            add_reference(row, found, last != Some(at))?;
        }
        last = Some(at);
        Ok(())
    })?;
    let mut analyzed: HashMap<String, bool> = HashMap::new();
    for found in all.iter_mut().flatten() {
        let is_analyzed = match analyzed.get(&found.schema) {
            Some(known) => *known,
            None => {
                let mut statement = driver.prepare_cached(IS_ANALYZED)?;
                let is = statement.exists([&found.schema])?;
                analyzed.insert(found.schema.clone(), is);
                is
            }
        };
        if is_analyzed {
            found.table.row_estimate = estimate(driver, found)?;
        }
    }
    Ok(all)
}

/// The number of rows that ANALYZE counted, where somebody ran it.
fn estimate(driver: &Connection, found: &Found) -> Result<Option<u64>, rusqlite::Error> {
    let schema = found.schema.replace('`', "``");
    let counted = format!("SELECT stat FROM `{schema}`.sqlite_stat1 WHERE tbl = ?1 COLLATE NOCASE");
    let counts = rows(driver, &counted, &found.table.name.name, |row| {
        row.get::<_, Option<String>>(0)
    })?;
    // The first number is that of the rows of an index; one that is partial has fewer.
    let first = |stat: &String| stat.split(' ').next().and_then(|n| n.parse::<u64>().ok());
    Ok(counts.iter().flatten().filter_map(first).max())
}

/// What a statement with one parameter gives.
fn rows<T>(
    driver: &Connection,
    sql: &str,
    parameter: &str,
    mut each: impl FnMut(&Row<'_>) -> Result<T, rusqlite::Error>,
) -> Result<Vec<T>, rusqlite::Error> {
    let mut statement = driver.prepare_cached(sql)?;
    let mut rows = statement.query([parameter])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(each(row)?);
    }
    Ok(all)
}

/// A query or a view that SQLite cannot make sense of.
fn unreadable(operation: &str, error: &rusqlite::Error) -> Error {
    let error = refusal(operation, error);
    match error.kind() {
        ErrorKind::Internal => Error::new(ErrorKind::Schema, error.report()),
        _ => error,
    }
}
