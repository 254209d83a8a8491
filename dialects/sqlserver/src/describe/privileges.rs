//! Privileges of the session's user.
use crate::{
    catalog::{self, rows::optional},
    describe::text,
    session::Session,
    syntax::SqlServerSyntax,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Access, Syntax as _, Table};

/// Asks whether the user may do this with the table.
pub(crate) async fn check_access(
    session: &mut Session,
    table: &Table,
    access: Access,
) -> Result<()> {
    let permission = match access {
        Access::Select => "SELECT",
        Access::Insert => "INSERT",
        Access::Update => "UPDATE",
        Access::Delete => "DELETE",
    };
    let what = format!("access to table {}", table.name);
    let name = SqlServerSyntax.table(&table.name)?;
    let rows = session
        .rows(&what, catalog::ACCESS, vec![text(&name), text(permission)])
        .await?;
    let may = |i| rows.first().and_then(|row| optional(row, i));
    // Rows that change or go are found by their key.
    let finds = matches!(access, Access::Update | Access::Delete);
    match (may(0), may(1)) {
        (Some(1), Some(1)) => Ok(()),
        (Some(1), _) if !finds => Ok(()),
        (Some(1), _) => Err(Error::new(
            ErrorKind::Auth,
            format!(
                "{what}: the user may {permission} but not SELECT, and the rows are found by their key"
            ),
        )),
        (Some(_), _) => Err(Error::new(
            ErrorKind::Auth,
            format!("{what}: the user may not {permission}"),
        )),
        (None, _) => Err(Error::new(
            ErrorKind::Schema,
            format!("{what}: there is no such table"),
        )),
    }
}
