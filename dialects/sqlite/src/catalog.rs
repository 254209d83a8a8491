//! Tables as SQLite's pragmas tell them.
use crate::{declared::Declared, refusal::refusal, settings::Settings};
use connect_api::{Error, Result};
use dialect_core::{Column, Table, TableName, TableType};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

/// `main`, or the schema (attached database) that is asked for; names in any case.
const FIND: &str = "SELECT name, type, wr FROM pragma_table_list \
    WHERE name = ?1 COLLATE NOCASE AND schema = ?2 COLLATE NOCASE AND type <> 'shadow' \
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
const LIST: &str = "SELECT name, type FROM pragma_table_list \
    WHERE schema = ?1 COLLATE NOCASE AND type <> 'shadow' \
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
/// Hidden: 1 for hidden columns of virtual tables, 2 and 3 for generated ones.
const COLUMNS: &str = "SELECT name, type, \"notnull\", dflt_value, pk, hidden \
    FROM pragma_table_xinfo(?1, ?2) WHERE hidden <> 1 ORDER BY cid";
/// Indexes that hold for every row; `pk` for a primary key that is not the rowid.
const INDEXES: &str = "SELECT l.name, l.origin, i.name \
    FROM pragma_index_list(?1, ?2) l, pragma_index_info(l.name, ?2) i \
    WHERE l.\"unique\" AND NOT l.partial ORDER BY l.seq, i.seqno";
const MAIN: &str = "main";

fn table_type(text: &str) -> TableType {
    match text {
        "view" => TableType::View,
        _ => TableType::Table,
    }
}

async fn rows(
    connection: &mut SqliteConnection,
    text: &'static str,
    parameters: &[&str],
) -> Result<Vec<SqliteRow>> {
    let mut query = sqlx::query(text);
    for parameter in parameters {
        query = query.bind(*parameter);
    }
    query.fetch_all(connection).await.map_err(broken)
}

fn broken(error: sqlx::Error) -> Error {
    refusal("reading the catalogue", error)
}

/// Tables and views of a schema, by name.
pub(crate) async fn tables(
    connection: &mut SqliteConnection,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let rows = rows(connection, LIST, &[schema.unwrap_or(MAIN)]).await?;
    rows.iter()
        .map(|row| {
            let name = TableName {
                schema: schema.map(str::to_owned),
                name: row.try_get(0).map_err(broken)?,
            };
            Ok((name, table_type(row.try_get(1).map_err(broken)?)))
        })
        .collect()
}

/// A table with its columns and keys; `None` where there is none of this name.
pub(crate) async fn describe(
    connection: &mut SqliteConnection,
    settings: &Settings,
    name: &TableName,
) -> Result<Option<Table>> {
    let schema = name.schema.as_deref().unwrap_or(MAIN);
    let found = rows(connection, FIND, &[&name.name, schema]).await?;
    let Some(found) = found.first() else {
        return Ok(None);
    };
    let own_name: String = found.try_get(0).map_err(broken)?;
    let without_rowid: bool = found.try_get(2).map_err(broken)?;
    let described = rows(connection, COLUMNS, &[&own_name, schema]).await?;
    let keys = unique_keys(connection, &own_name, schema).await?;
    let mut columns = Vec::with_capacity(described.len());
    let mut primary_key = Vec::new();
    for row in &described {
        let column = column(row, settings).map_err(broken)?;
        let place: i64 = row.try_get(4).map_err(broken)?;
        if place > 0 {
            primary_key.push((place, column.name.clone()));
        }
        columns.push(column);
    }
    primary_key.sort_unstable();
    let primary_key: Vec<_> = primary_key.into_iter().map(|(_, name)| name).collect();
    // `INTEGER PRIMARY KEY` is the rowid itself: it needs no index, is never NULL, and counts up.
    if let ([key], false, false) = (&primary_key[..], without_rowid, keys.primary) {
        for column in columns.iter_mut().filter(|c| c.name == *key) {
            column.nullable = false;
            column.has_default = true;
            column.auto_increment = true;
        }
    }
    Ok(Some(Table {
        name: TableName {
            schema: name.schema.clone(),
            name: own_name,
        },
        table_type: table_type(found.try_get(1).map_err(broken)?),
        columns,
        primary_key,
        unique_keys: keys.others,
        vendor: "sqlite",
        ..Table::default()
    }))
}

fn column(row: &SqliteRow, settings: &Settings) -> Result<Column, sqlx::Error> {
    let declared_type: String = row.try_get(1)?;
    let declared = Declared::parse(&declared_type);
    let default: Option<String> = row.try_get(3)?;
    Ok(Column {
        name: row.try_get(0)?,
        kind: declared.kind(settings.dates),
        length: declared.length(),
        nullable: row.try_get::<i64, _>(2)? == 0,
        has_default: default
            .as_ref()
            .is_some_and(|text| !text.eq_ignore_ascii_case("null")),
        auto_increment: false,
        generated: row.try_get::<i64, _>(5)? > 1,
        vendor_type: if declared_type.is_empty() {
            "without a type".to_owned()
        } else {
            declared_type
        },
        default,
        ..Column::default()
    })
}

struct Keys {
    /// The primary key has an index: it is not the rowid.
    primary: bool,
    others: Vec<Vec<String>>,
}

async fn unique_keys(connection: &mut SqliteConnection, table: &str, schema: &str) -> Result<Keys> {
    let mut primary = false;
    // The columns of each index; an expression has no name.
    let mut indexes: Vec<(String, Vec<Option<String>>)> = Vec::new();
    for row in rows(connection, INDEXES, &[table, schema]).await? {
        if row.try_get::<&str, _>(1).map_err(broken)? == "pk" {
            primary = true;
            continue;
        }
        let index: String = row.try_get(0).map_err(broken)?;
        let column = row.try_get(2).map_err(broken)?;
        match indexes.last_mut().filter(|(last, _)| *last == index) {
            Some((_, columns)) => columns.push(column),
            None => indexes.push((index, vec![column])),
        }
    }
    let others = indexes
        .into_iter()
        .filter_map(|(_, columns)| columns.into_iter().collect())
        .collect();
    Ok(Keys { primary, others })
}
