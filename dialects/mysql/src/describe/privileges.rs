//! Privileges of the session's user.
use crate::{
    catalog::{self, rows::text},
    error_codes::statement_error,
    session::sql,
    syntax::MySqlSyntax,
};
use connect_api::{Disposition, Error, ErrorKind, Result};
use dialect_core::{Access, Syntax as _, Table, denied};
use sqlx::{Executor as _, MySqlConnection};

/// Asks whether the user may do this with the table: servers check privileges when a statement is
/// prepared, so it is not run.
pub(crate) async fn check(
    driver: &mut MySqlConnection,
    table: &Table,
    access: Access,
) -> Result<()> {
    let text = access_sql(table, access)?;
    driver
        .prepare(sql(&text))
        .await
        .map_err(|e| statement_error(format_args!("access to table {}", table.name), e))?;
    Ok(())
}

/// Tables that are asked about by one statement; servers join no more than 61.
const TOGETHER: usize = 32;

/// The same of several tables.
pub(crate) async fn check_all(
    driver: &mut MySqlConnection,
    tables: &[&Table],
    access: Access,
) -> Result<Vec<Result<()>>> {
    let mut allowed = Vec::with_capacity(tables.len());
    for group in tables.chunks(TOGETHER) {
        if access == Access::Select && is_readable(driver, group).await? {
            allowed.extend(group.iter().map(|_| Ok(())));
            continue;
        }
        for table in group {
            allowed.push(denied(check(driver, table, access).await)?);
        }
    }
    Ok(allowed)
}

/// [`granted`] of several tables.
pub(crate) async fn granted_all(
    driver: &mut MySqlConnection,
    tables: &[&Table],
    access: Access,
) -> Result<Vec<Result<Vec<usize>>>> {
    let mut all = Vec::with_capacity(tables.len());
    for group in tables.chunks(TOGETHER) {
        if access == Access::Select && is_readable(driver, group).await? {
            let columns = |table: &&Table| Ok((0..table.columns.len()).collect());
            all.extend(group.iter().map(columns));
            continue;
        }
        for table in group {
            all.push(denied(granted(driver, table, access).await)?);
        }
    }
    Ok(all)
}

/// All columns of all of these tables can be read; if not, which of them cannot is not known.
async fn is_readable(driver: &mut MySqlConnection, tables: &[&Table]) -> Result<bool> {
    if tables.len() < 2 {
        return Ok(false);
    }
    let syntax = MySqlSyntax::default();
    let names = tables.iter().enumerate().map(|(i, table)| {
        let name = syntax.table(&table.name)?;
        Ok(format!("{name} AS `t{i}`"))
    });
    let names: Vec<String> = names.collect::<Result<_>>()?;
    let all = format!("SELECT * FROM {} LIMIT 0", names.join(", "));
    match driver.prepare(sql(&all)).await {
        Ok(_) => Ok(true),
        Err(e) => match statement_error("access to tables", e) {
            e if e.kind().disposition() == Disposition::Retry => Err(e),
            _ => Ok(false),
        },
    }
}

/// A statement that needs the privilege, never run.
fn access_sql(table: &Table, access: Access) -> Result<String> {
    let syntax = MySqlSyntax::default();
    let name = syntax.table(&table.name)?;
    let columns = || table.columns.iter().filter(|c| !c.generated);
    let first = |columns: &mut dyn Iterator<Item = &str>| match columns.next() {
        Some(column) => syntax.quote(column),
        None => Err(Error::new(
            ErrorKind::Schema,
            format!("table {}: it has no column that can be written", table.name),
        )),
    };
    let key = first(
        &mut table
            .primary_key
            .iter()
            .map(String::as_str)
            .chain(columns().map(|c| c.name.as_str())),
    )?;
    let value = first(
        &mut columns()
            .map(|c| c.name.as_str())
            .filter(|c| !table.primary_key.iter().any(|k| k == c))
            .chain(columns().map(|c| c.name.as_str())),
    )?;
    Ok(match access {
        Access::Select => format!("SELECT {key} FROM {name} LIMIT 0"),
        Access::Insert => format!("INSERT INTO {name} ({value}) VALUES (?)"),
        // A condition would need SELECT too, which an upsert does not.
        Access::Update => format!("UPDATE {name} SET {value} = ? LIMIT 0"),
        Access::Delete => format!("DELETE FROM {name} WHERE {key} = ?"),
    })
}

/// Indexes of the columns of a table with which the user may do this. The
/// catalogue hides the columns with which the user may do nothing.
pub(crate) async fn granted(
    driver: &mut MySqlConnection,
    table: &Table,
    access: Access,
) -> Result<Vec<usize>> {
    if access == Access::Select {
        let name = MySqlSyntax::default().table(&table.name)?;
        let all = format!("SELECT * FROM {name} LIMIT 0");
        let prepared = driver.prepare(sql(&all)).await;
        prepared.map_err(|e| {
            let shown: Vec<_> = table
                .columns
                .iter()
                .map(|c| format!("`{}`", c.name))
                .collect();
            let what = format!(
                "table {} has columns beside {} that the user may not read",
                table.name,
                shown.join(", ")
            );
            statement_error(what, e)
        })?;
        return Ok((0..table.columns.len()).collect());
    }
    let word = match access {
        Access::Select => "select",
        Access::Insert => "insert",
        Access::Update => "update",
        // There are no such rights over columns.
        Access::Delete => return Ok((0..table.columns.len()).collect()),
    };
    let what = || format!("privileges on columns of table {}", table.name);
    let rows = sqlx::query(catalog::GRANTED)
        .bind(table.name.schema.as_deref())
        .bind(&table.name.name)
        .fetch_all(driver)
        .await
        .map_err(|e| statement_error(what(), e))?;
    let mut granted = Vec::new();
    for row in &rows {
        let privileges = text(row, 1).map_err(|e| statement_error(what(), e))?;
        let name = text(row, 0).map_err(|e| statement_error(what(), e))?;
        if privileges.split(',').any(|privilege| privilege == word) {
            granted.extend(table.index_of(&name));
        }
    }
    granted.sort_unstable();
    Ok(granted)
}
