//! A session of the driver, and what it is in the middle of.
mod open;

use crate::{error_codes::statement_error, server::Server};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{ValueOptions, statement_excerpt};
use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _, SqlStr, mysql::MySqlConnection};

/// A connection to a MySQL or MariaDB server.
pub(crate) struct Session {
    pub(crate) driver: MySqlConnection,
    /// The server behind it.
    pub(crate) server: Server,
    pub(crate) values: ValueOptions,
    pub(crate) in_transaction: bool,
    /// A cursor has left rows on the wire.
    pub(crate) left: bool,
    /// The server does not let this user create temporary tables.
    pub(crate) no_stage: bool,
}

/// The one place where text becomes SQL: it comes from the dialect's
/// [`MySqlSyntax`](crate::syntax::MySqlSyntax), which quotes every name, and values are bound.
pub(crate) fn sql(text: &str) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}

impl Session {
    /// The driver, unless rows of an earlier reading are on the wire.
    pub(crate) fn ready(&mut self) -> Result<&mut MySqlConnection> {
        if self.left {
            return Err(Error::new(
                ErrorKind::Connect,
                "a query was left in the middle, and its other rows are still coming: reconnect",
            ));
        }
        Ok(&mut self.driver)
    }

    /// Runs a statement of no results as text, not prepared.
    pub(crate) async fn run(&mut self, text: &str) -> Result<u64> {
        let done = self
            .ready()?
            .execute(sqlx::raw_sql(sql(text)))
            .await
            .map_err(|e| statement_error(statement_excerpt(text, 80), e))?;
        Ok(done.rows_affected())
    }
}
