//! Asks the catalogue about tables.
pub(crate) mod activity;
pub(crate) mod identity;
pub(crate) mod privileges;
pub(crate) mod query;
pub(crate) mod time_zone;
pub(crate) mod visibility;

use crate::{
    catalog::{
        self,
        rows::{self, Found, table_type, text},
    },
    error_codes::statement_error as error,
    server::Server,
};
use connect_api::Result;
use dialect_core::{Table, TableName, TableType, ValueOptions};
use sqlx::{AssertSqlSafe, MySqlConnection, mysql::MySqlRow};
use std::collections::BTreeMap;

/// Tables and views of `schema`, else of the connection's own, by name.
pub(crate) async fn tables(
    connection: &mut MySqlConnection,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let query = sqlx::query(AssertSqlSafe(catalog::tables_sql())).bind(schema);
    let rows = query.fetch_all(connection).await;
    listed(rows.map_err(|e| error(LISTING, e))?)
}

/// The same of all schemas.
pub(crate) async fn tables_of_all_schemas(
    connection: &mut MySqlConnection,
) -> Result<Vec<(TableName, TableType)>> {
    let query = sqlx::query(AssertSqlSafe(catalog::tables_of_all_schemas_sql()));
    let rows = query.fetch_all(connection).await;
    listed(rows.map_err(|e| error(LISTING, e))?)
}

const LISTING: &str = "list the tables";

fn listed(rows: Vec<MySqlRow>) -> Result<Vec<(TableName, TableType)>> {
    let mut tables = rows
        .iter()
        .map(|row| {
            let name = TableName {
                schema: Some(text(row, 0)?),
                name: text(row, 1)?,
            };
            Ok((name, table_type(&text(row, 2)?, &text(row, 3)?)))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| error(LISTING, e))?;
    tables.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tables)
}

/// The tables `names`, in one round trip; `None` where there is none of a name.
pub(crate) async fn describe(
    connection: &mut MySqlConnection,
    server: &Server,
    names: &[TableName],
    values: &ValueOptions,
) -> Result<Vec<Option<Table>>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let names = with_schemas(server, names);
    let what = || match &names[..] {
        [name] => format!("describe table {name}"),
        names => format!("describe {} tables", names.len()),
    };
    let (sql, params) = catalog::describe_sql(server, &names);
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(names.len() == 1);
    for param in params {
        query = query.bind(param);
    }
    let rows = query
        .fetch_all(connection)
        .await
        .map_err(|e| error(what(), e))?;
    let mut found = BTreeMap::<TableName, Found>::new();
    for row in &rows {
        rows::read(row, &mut found).map_err(|e| error(what(), e))?;
    }
    Ok(names
        .iter()
        .map(|name| {
            let (name, table) = named(server, &found, name)?;
            table.table(name, server, values)
        })
        .collect())
}

/// The names, each of a schema.
fn with_schemas(server: &Server, names: &[TableName]) -> Vec<TableName> {
    let with_schema = |name: &TableName| TableName {
        schema: name.schema.clone().or(server.database.clone()),
        name: name.name.clone(),
    };
    names.iter().map(with_schema).collect()
}

/// What was found of a name, as the server compares names.
fn named<'a, T>(
    server: &Server,
    found: &'a BTreeMap<TableName, T>,
    name: &TableName,
) -> Option<(&'a TableName, &'a T)> {
    let lower = |name: &TableName| {
        let lower = |text: &String| text.to_lowercase();
        (name.schema.as_ref().map(lower), lower(&name.name))
    };
    found.get_key_value(name).or_else(|| {
        let in_any_case = server.names_in_any_case.then(|| lower(name))?;
        found.iter().find(|(name, _)| lower(name) == in_any_case)
    })
}

/// The text that a query says of each of these tables, whose schema and name come before it.
async fn texts_of(
    connection: &mut MySqlConnection,
    server: &Server,
    names: &[TableName],
    (sql, params): (String, Vec<String>),
    what: &str,
) -> Result<Vec<Option<String>>> {
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    for param in params {
        query = query.bind(param);
    }
    let rows = query.fetch_all(connection).await;
    let mut found = BTreeMap::new();
    for row in rows.map_err(|e| error(what, e))? {
        let read = || {
            let name = TableName {
                schema: Some(text(&row, 0)?),
                name: text(&row, 1)?,
            };
            Ok((name, rows::optional(&row, 2)?))
        };
        let (name, text) = read().map_err(|e| error(what, e))?;
        found.insert(name, text);
    }
    let of = |name: &TableName| named(server, &found, name)?.1.clone();
    Ok(names.iter().map(of).collect())
}

/// The fingerprints of several tables.
pub(crate) async fn fingerprints(
    connection: &mut MySqlConnection,
    server: &Server,
    names: &[TableName],
) -> Result<Vec<Option<String>>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let names = with_schemas(server, names);
    let query = catalog::fingerprints_sql(&names);
    let what = "ask whether tables have changed";
    texts_of(connection, server, &names, query, what).await
}

/// The engines of several tables.
pub(crate) async fn engines(
    connection: &mut MySqlConnection,
    server: &Server,
    names: &[TableName],
) -> Result<Vec<Option<String>>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let names = with_schemas(server, names);
    let query = catalog::engines_sql(&names);
    texts_of(
        connection,
        server,
        &names,
        query,
        "ask for the engines of tables",
    )
    .await
}

/// What the columns of a table are, as one number; `None` where there is no such table. Servers look
/// at the one table where both names are compared by `=`.
pub(crate) async fn fingerprint(
    connection: &mut MySqlConnection,
    server: &Server,
    name: &TableName,
) -> Result<Option<String>> {
    let schema = name.schema.as_ref().or(server.database.as_ref());
    let row = sqlx::query(AssertSqlSafe(catalog::fingerprint_sql()))
        .bind(schema)
        .bind(&name.name)
        .fetch_one(connection)
        .await;
    let fingerprint = row.and_then(|row| text(&row, 0));
    let fingerprint =
        fingerprint.map_err(|e| error(format!("ask whether table {name} has changed"), e))?;
    // No columns: no such table.
    Ok((fingerprint != "0").then_some(fingerprint))
}
