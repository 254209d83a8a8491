//! What tells a table from another that takes its name later: the number that InnoDB gives it, which
//! changes with each change that writes the table anew, and where that is not shown the time at which
//! it was created.
use super::{named, with_schemas};
use crate::{
    catalog::{
        self,
        rows::{optional, text},
    },
    error_codes::statement_error as error,
    server::Server,
};
use connect_api::{ErrorKind, Result};
use dialect_core::{Identity, IdentityChanges, TableName};
use sqlx::{AssertSqlSafe, MySqlConnection};
use std::collections::BTreeMap;

const WHAT: &str = "ask for the identities of tables";

/// The identities of tables; `None` of those that have none.
pub(crate) async fn identities(
    driver: &mut MySqlConnection,
    server: &Server,
    names: &[TableName],
) -> Result<Vec<Option<Identity>>> {
    let names = with_schemas(server, names);
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = BTreeMap::new();
    match read(driver, server, catalog::table_ids_sql(server, &names)).await {
        Ok(ids) => found.extend(ids),
        // The privilege PROCESS is missing, or the server has no such table.
        Err(e) => match e.kind() {
            ErrorKind::Auth | ErrorKind::Schema | ErrorKind::Unsupported => {}
            _ => return Err(e),
        },
    }
    let rest: Vec<TableName> = names
        .iter()
        .filter(|name| named(server, &found, name).is_none())
        .cloned()
        .collect();
    if !rest.is_empty() {
        found.extend(read(driver, server, catalog::created_sql(&rest)).await?);
    }
    let identity = |name: &TableName| {
        let (_, text) = named(server, &found, name)?;
        Some(Identity {
            text: text.clone(),
            changes: IdentityChanges::WithRebuild,
        })
    };
    Ok(names.iter().map(identity).collect())
}

/// Rows of schema, name, what the number is, and the number.
async fn read(
    driver: &mut MySqlConnection,
    server: &Server,
    (sql, params): (String, Vec<String>),
) -> Result<Vec<(TableName, String)>> {
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    for param in params {
        query = query.bind(param);
    }
    let rows = query.fetch_all(driver).await;
    let mut found = Vec::new();
    for row in rows.map_err(|e| error(WHAT, e))? {
        let read = || {
            let name = TableName {
                schema: Some(text(&row, 0)?),
                name: text(&row, 1)?,
            };
            Ok((name, text(&row, 2)?, optional(&row, 3)?))
        };
        let (name, what, number) = read().map_err(|e| error(WHAT, e))?;
        let place = server.place();
        found.extend(number.map(|number| (name, format!("{place} {what} {number}"))));
    }
    Ok(found)
}
