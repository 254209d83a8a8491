//! Asks the catalogue about tables.
pub(crate) mod activity;
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
    let names: Vec<_> = names
        .iter()
        .map(|name| TableName {
            schema: name.schema.clone().or(server.database.clone()),
            name: name.name.clone(),
        })
        .collect();
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
    let lower = |name: &TableName| {
        let lower = |text: &String| text.to_lowercase();
        (name.schema.as_ref().map(lower), lower(&name.name))
    };
    Ok(names
        .iter()
        .map(|name| {
            let same = found.get_key_value(name).or_else(|| {
                let mut like = found.iter().filter(|(n, _)| lower(n) == lower(name));
                like.next().filter(|_| server.names_in_any_case)
            });
            same.and_then(|(name, table)| table.table(name, server, values))
        })
        .collect())
}

/// Whether an index begins with the column.
pub(crate) async fn has_index(
    connection: &mut MySqlConnection,
    table: &Table,
    column: usize,
) -> Result<Option<bool>> {
    let column = table.columns.get(column).map(|column| column.name.as_str());
    let row = sqlx::query(catalog::INDEXES)
        .bind(table.name.schema.as_deref())
        .bind(&table.name.name)
        .bind(column.unwrap_or_default())
        .fetch_one(connection)
        .await;
    let indexes = row.and_then(|row| text(&row, 0));
    let indexes = indexes.map_err(|e| error("ask for indexes", e))?;
    Ok(Some(indexes != "0"))
}

/// What the columns of a table are, as one number; `None` where there is no such table. Servers look
/// at the one table where both names are compared by `=`.
pub(crate) async fn fingerprint(
    connection: &mut MySqlConnection,
    server: &Server,
    name: &TableName,
) -> Result<Option<String>> {
    let schema = name.schema.as_ref().or(server.database.as_ref());
    let row = sqlx::query(catalog::FINGERPRINT)
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
