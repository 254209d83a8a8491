//! Describes queries.
use crate::{
    catalog::rows::{optional, text},
    error_codes::statement_error as error,
    server::Server,
    types::{Described, VENDOR_NAME},
};
use connect_api::{Error, ErrorKind, Kind, Result};
use dialect_core::{Column, Table, TableName, ValueOptions};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Executor as _, MySqlConnection, SqlSafeStr as _,
    Statement as _, TypeInfo as _,
};

/// The temporary table that shows the types of a query.
const TYPES_TABLE: &str = "`rocketmq_connect_query`";

/// The columns of a query. It is prepared, which gives its names and errors; then a temporary table
/// is created from none of its rows, which gives the types with all their numbers. A user who may not
/// create one gets the types of the prepared statement: decimals are of any number of digits then.
pub(crate) async fn describe(
    driver: &mut MySqlConnection,
    server: &Server,
    query: &str,
    values: &ValueOptions,
) -> Result<Table> {
    let query = query.trim().trim_end_matches(';');
    // No row is read; and the server refuses two columns of one name.
    let whole = format!("SELECT * FROM ({query}\n) AS q LIMIT 0");
    let prepared = driver
        .prepare(AssertSqlSafe(whole.clone()).into_sql_str())
        .await
        .map_err(|e| error("describe the query", e))?;
    if let Some(column) = prepared.columns().iter().find(|c| c.name().is_empty()) {
        return Err(Error::new(
            ErrorKind::Schema,
            format!("the query's column {} has no name", column.ordinal() + 1),
        ));
    }
    let columns = match temporary_columns(driver, server, &whole, values).await? {
        Some(columns) => columns,
        None => prepared
            .columns()
            .iter()
            .map(|column| of_wire(column.name(), column.type_info().name(), server, values))
            .collect(),
    };
    Ok(Table {
        name: TableName::new("q"),
        columns,
        vendor: VENDOR_NAME,
        ..Table::default()
    })
}

/// The names and types of a query's columns, as it is prepared again.
pub(crate) async fn fingerprint(driver: &mut MySqlConnection, query: &str) -> Result<String> {
    let what = "ask whether the query's columns have changed";
    let query = query.trim().trim_end_matches(';');
    let whole = format!("SELECT * FROM ({query}\n) AS q LIMIT 0");
    // The driver caches the description of a statement that it has prepared.
    let cleared = driver.clear_cached_statements().await;
    cleared.map_err(|e| error(what, e))?;
    let prepared = driver
        .prepare(AssertSqlSafe(whole).into_sql_str())
        .await
        .map_err(|e| error(what, e))?;
    let columns = prepared.columns().iter();
    let described: Vec<_> = columns
        .map(|column| (column.name(), column.type_info().name()))
        .collect();
    Ok(format!("{described:?}"))
}

/// The columns of a temporary table created from the query; `None` where none can be created.
async fn temporary_columns(
    driver: &mut MySqlConnection,
    server: &Server,
    whole: &str,
    values: &ValueOptions,
) -> Result<Option<Vec<Column>>> {
    let what = "describe the query";
    let run = |sql: String| sqlx::raw_sql(AssertSqlSafe(sql).into_sql_str());
    let drop = || run(format!("DROP TEMPORARY TABLE IF EXISTS {TYPES_TABLE}"));
    let create = run(format!("CREATE TEMPORARY TABLE {TYPES_TABLE} {whole}"));
    if let Err(e) = driver.execute(create).await {
        let e = error(what, e);
        return match e.kind() {
            ErrorKind::Connect | ErrorKind::Timeout => Err(e),
            _ => {
                tracing::debug!(error = e.report(), "no temporary table for a query's types");
                Ok(None)
            }
        };
    }
    let rows = driver
        .fetch_all(run(format!("SHOW FULL COLUMNS FROM {TYPES_TABLE}")))
        .await;
    driver.execute(drop()).await.map_err(|e| error(what, e))?;
    let rows = rows.map_err(|e| error(what, e))?;
    let column = |row| -> Result<Column, sqlx::Error> {
        let column_type = text(row, 1)?;
        let described = Described {
            name: text(row, 0)?,
            // The type of a column that is nothing but NULL: MariaDB's, MySQL's.
            column_type: match column_type.as_str() {
                "binary(0)" | "varbinary(0)" | "null" => "text".to_owned(),
                _ => column_type,
            },
            nullable: optional(row, 3)?.as_deref() != Some("NO"),
            comment: text(row, 8)?,
            ..Described::default()
        };
        Ok(described.column(values, server))
    };
    rows.iter()
        .map(|row| column(row).map(Some))
        .collect::<Result<_, _>>()
        .map_err(|e| error(what, e))
}

/// A column by the name that the driver has for the type of a result.
fn of_wire(name: &str, wire: &str, server: &Server, values: &ValueOptions) -> Column {
    let column_type = match wire {
        "BOOLEAN" => "tinyint(1)".to_owned(),
        "BIT" => "bit(64)".to_owned(),
        "NULL" => "text".to_owned(),
        other => other.to_ascii_lowercase(),
    };
    let described = Described {
        name: name.to_owned(),
        column_type,
        nullable: true,
        ..Described::default()
    };
    let column = described.column(values, server);
    match wire {
        "DECIMAL" => Column {
            kind: Some(Kind::BigDecimal),
            ..column
        },
        _ => column,
    }
}
