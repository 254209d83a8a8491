//! Tables as SQLite's pragmas tell them.
mod query;

pub(crate) use query::describe_query;

use crate::{
    declared::{Declared, NO_TYPE},
    refusal::refusal,
    session::Session,
    syntax::quoted,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Column, ForeignKey, Table, TableName, TableType};
use rusqlite::{Connection, Row};
use std::time::Duration;

/// The kind of database, as its URLs name it.
pub(crate) const VENDOR: &str = "sqlite";
/// The schema of the file itself.
const MAIN: &str = "main";

const LIST: &str = "SELECT name, type FROM pragma_table_list \
    WHERE schema = ?1 COLLATE NOCASE AND type <> 'shadow' \
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

/// The tables of a set, which comes as JSON: an array of pairs, schema and name, found in any case.
const SET: &str = "WITH wanted AS (SELECT w.key AS n, l.schema, l.name, l.type, l.wr, l.strict \
    FROM json_each(?1) w JOIN pragma_table_list l ON l.schema = w.value ->> 0 COLLATE NOCASE \
    AND l.name = w.value ->> 1 COLLATE NOCASE \
    WHERE l.type <> 'shadow' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\') ";
/// Hidden: 1 for hidden columns of virtual tables, 2 and 3 for generated ones.
const COLUMNS: &str = "SELECT t.n, t.schema, t.name, t.type, t.wr, t.strict, c.name, c.type, \
    c.\"notnull\", c.dflt_value, c.pk, c.hidden \
    FROM wanted t JOIN pragma_table_xinfo(t.name, t.schema) c \
    WHERE c.hidden <> 1 ORDER BY t.n, c.cid";
/// Indexes that hold for every row; `pk` for a primary key that is not the rowid.
const KEYS: &str = "SELECT t.n, l.name, l.origin, i.name, i.coll FROM wanted t \
    JOIN pragma_index_list(t.name, t.schema) l JOIN pragma_index_xinfo(l.name, t.schema) i \
    WHERE l.\"unique\" AND NOT l.partial AND i.key ORDER BY t.n, l.seq, i.seqno";
/// A reference that names no columns is to the primary key, which stands in its place.
const REFERENCES: &str = "SELECT t.n, f.id, f.\"table\", f.\"from\", COALESCE(f.\"to\", \
    (SELECT p.name FROM pragma_table_xinfo(f.\"table\", t.schema) p WHERE p.pk = f.seq + 1)) \
    FROM wanted t JOIN pragma_foreign_key_list(t.name, t.schema) f ORDER BY t.n, f.id DESC, f.seq";

fn table_type(text: &str) -> TableType {
    match text {
        "view" => TableType::View,
        _ => TableType::Table,
    }
}

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

/// A table on its way.
struct Found {
    table: Table,
    schema: String,
    without_rowid: bool,
    /// The primary key has an index: it is not the rowid.
    indexed_key: bool,
    /// Columns of the primary key, each with its place in it.
    key: Vec<(i64, String)>,
    /// Unique indexes by name, each with its columns; an expression has no name.
    unique: Vec<(String, Vec<Option<String>>)>,
}

impl Found {
    fn table(mut self) -> Table {
        self.key.sort_unstable();
        self.table.primary_key = self.key.into_iter().map(|(_, name)| name).collect();
        // `INTEGER PRIMARY KEY` is the rowid itself: it needs no index, is never NULL, and counts
        // up.
        if let ([key], false, false) = (
            &self.table.primary_key[..],
            self.without_rowid,
            self.indexed_key,
        ) {
            for column in self.table.columns.iter_mut().filter(|c| c.name == *key) {
                column.nullable = false;
                column.has_default = true;
                column.auto_increment = true;
            }
        }
        self.table.unique_keys = self
            .unique
            .into_iter()
            .filter_map(|(_, columns)| columns.into_iter().collect())
            .collect();
        self.table
    }
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
            add_column(session, row, found)?;
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
    for found in all.iter_mut().flatten() {
        found.table.row_estimate = estimate(driver, found)?;
    }
    Ok(all)
}

fn place(row: &Row<'_>) -> Result<usize, rusqlite::Error> {
    row.get::<_, i64>(0)
        .map(|n| usize::try_from(n).unwrap_or(usize::MAX))
}

fn begun(row: &Row<'_>, name: &TableName) -> Result<Found, rusqlite::Error> {
    let found: String = row.get(3)?;
    Ok(Found {
        table: Table {
            name: TableName {
                schema: name.schema.clone(),
                name: row.get(2)?,
            },
            table_type: table_type(&found),
            vendor: VENDOR,
            ..Table::default()
        },
        schema: row.get(1)?,
        without_rowid: row.get(4)?,
        indexed_key: false,
        key: Vec::new(),
        unique: Vec::new(),
    })
}

fn add_column(session: &Session, row: &Row<'_>, found: &mut Found) -> Result<(), rusqlite::Error> {
    let declared: String = row.get(7)?;
    let (strict, pk): (bool, i64) = (row.get(5)?, row.get(10)?);
    // SQLite itself keeps other types out of these.
    let certain = strict || (pk > 0 && declared.eq_ignore_ascii_case("INTEGER"));
    let default: Option<String> = row.get(9)?;
    let column = Column {
        name: row.get(6)?,
        nullable: row.get::<_, i64>(8)? == 0,
        has_default: default
            .as_ref()
            .is_some_and(|text| !text.eq_ignore_ascii_case("null")),
        default,
        generated: row.get::<_, i64>(11)? > 1,
        ..column(session, &declared, certain)
    };
    if pk > 0 {
        found.key.push((pk, column.name.clone()));
    }
    found.table.columns.push(column);
    Ok(())
}

/// A column of a declared type, which may be empty.
fn column(session: &Session, declared_type: &str, certain: bool) -> Column {
    let declared = Declared::parse(declared_type);
    let described = declared.described(&session.settings.values, certain);
    Column {
        kind: described.kind,
        extension: described.extension,
        length: declared.length(),
        nullable: true,
        vendor_type: if declared_type.is_empty() {
            NO_TYPE.to_owned()
        } else {
            declared_type.to_owned()
        },
        ..Column::default()
    }
}

fn add_key(row: &Row<'_>, found: &mut Found) -> Result<(), rusqlite::Error> {
    let origin: String = row.get(2)?;
    let (named, collation): (Option<String>, String) = (row.get(3)?, row.get(4)?);
    let equates = match collation.to_ascii_uppercase().as_str() {
        "BINARY" => None,
        "NOCASE" => Some(format!("case of ASCII letters ({collation})")),
        "RTRIM" => Some(format!("blanks at the end ({collation})")),
        _ => Some(format!(
            "what its collation does not tell apart ({collation})"
        )),
    };
    if let (Some(equates), Some(name)) = (equates, &named) {
        let columns = found.table.columns.iter_mut();
        for column in columns.filter(|c| c.name == *name) {
            column.equates = Some(equates.clone());
        }
    }
    if origin == "pk" {
        found.indexed_key = true;
        return Ok(());
    }
    let (index, column): (String, Option<String>) = (row.get(1)?, named);
    match found.unique.last_mut().filter(|(last, _)| *last == index) {
        Some((_, columns)) => columns.push(column),
        None => found.unique.push((index, vec![column])),
    }
    Ok(())
}

fn add_reference(row: &Row<'_>, found: &mut Found, new: bool) -> Result<(), rusqlite::Error> {
    if new {
        found.table.foreign_keys.push(ForeignKey {
            columns: Vec::new(),
            table: TableName {
                schema: found.table.name.schema.clone(),
                name: row.get(2)?,
            },
            referred: Vec::new(),
        });
    }
    if let Some(reference) = found.table.foreign_keys.last_mut() {
        reference.columns.push(row.get(3)?);
        // A reference to a table that is not there yet, whose key nobody knows.
        reference.referred.extend(row.get::<_, Option<String>>(4)?);
    }
    Ok(())
}

/// The number of rows that ANALYZE counted, where somebody ran it.
fn estimate(driver: &Connection, found: &Found) -> Result<Option<u64>, rusqlite::Error> {
    let there = "SELECT 1 FROM pragma_table_list WHERE schema = ?1 AND name = 'sqlite_stat1'";
    if !driver.prepare_cached(there)?.exists([&found.schema])? {
        return Ok(None);
    }
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
