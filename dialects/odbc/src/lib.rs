//! Any database with an ODBC driver: its tables read into Arrow columns, and Arrow columns written
//! to them.
//!
//! [`open`] takes `odbc:` and a connection string: `odbc:Driver={PostgreSQL Unicode};Server=db;…`,
//! `odbc:DSN=shop`. User and password of the options become `UID` and `PWD`. People are shown
//! driver, DSN, server and database alone. TLS, keep-alive and several hosts are the driver's, and
//! belong into its string: as options they are refused.
//!
//! What a database is called by its driver decides the SQL that it is given: PostgreSQL, MySQL and
//! MariaDB, SQLite, SQL Server, Oracle, Db2; every other one gets SQL-92, is described by ODBC's
//! own functions, and written row by row, each counted first where it is upserted. A driver that
//! gives another name is put right by `ConnectProfile=mariadb` in the string. All this is known
//! **after the first connection**: until then [`Dialect::syntax`] and
//! [`Dialect::capabilities`] are those of an unknown database.
//!
//! Drivers block: each connection lives on a thread of its own. Columns with a bound are fetched by
//! blocks, two in flight; where a column has none (`text`, `longblob`), rows come one by one.
//!
//! # What each driver does
//! Seen on the drivers of Debian 12, and met as told:
//!
//! | driver | what it does | what is done |
//! |---|---|---|
//! | psqlodbc 13.02 | takes dates and times apart, and loses `BC` and years over 9999 | they are read as the server's text |
//! | | ends the connection at a statement of 7,498 parameters | a statement has 4,096 at most |
//! | | would set a savepoint around each statement of a transaction | `Protocol=7.4-0`, unless it is given |
//! | | holds the whole result of a query in memory | `UseDeclareFetch=1;Fetch=32` where the string names the driver (32 rows of a MiB are held, and no block of bound columns is smaller); put it into the DSN else |
//! | | cuts a text at U+0000 | such a text is refused |
//! | sqliteodbc 0.9998 | reads floats to 15 digits, and any text in a column of numbers as 0 | all cells are read as text, and checked |
//! | | takes all cells of an array of bytes to be as long as the longest | such rows go one by one |
//! | | counts a `?` between backticks as a parameter | names stand in double quotes |
//! | | ends a text at U+0000, both ways | such a text is refused when written; read, it is cut |
//! | | has no limit of time | `statement_timeout` is refused |
//! | | holds the whole result of a query in memory | `StepAPI=1` where the string names the driver |
//! | maodbc 3.1.15 | refuses dates of year 1 as dates | they are bound as text |
//! | | tells TIME beyond a day wrongly | times are read as the server's text |
//! | | holds the whole result of a query in memory, and has no option against it | read large tables by pages |
//! | sqliteodbc, maodbc | walk arrays of 32-bit floats by eight bytes | floats are fetched as 64-bit ones |
//!
//! Arrays of values are tried on a temporary table at the first connection (not by read-only
//! sessions): a driver that loses, changes or swallows something is used row by row.
//!
//! # Limits
//! `unique_keys` of databases that are not known are empty, as SQLStatistics is not asked. MySQL's
//! `datetime` is mapped to a local time; an instant is written to it in UTC. MariaDB's `json` is
//! described as the `longtext` that it is. odbc-api writes what drivers say, values among it, to
//! the `log` crate as warnings of target `odbc_api`: silence that target, as `dialects::LOG_FILTER`
//! does.
//!
//! ```no_run
//! use dialect_core::{OpenOptions, TableName};
//!
//! # async fn example() -> connect_api::Result<()> {
//! let url = "odbc:Driver={PostgreSQL Unicode};Server=localhost;Database=shop;UID=ann";
//! let dialect = dialect_odbc::open(url, &OpenOptions::default())?;
//! let mut connection = dialect.connect().await?;
//! let orders = connection.describe(&TableName::new("orders")).await?;
//! println!("{orders:?}");
//! connection.close().await
//! # }
//! ```
mod bind;
#[cfg(feature = "conformance")]
pub mod conformance;
mod connection;
mod cursor;
mod ddl;
mod decode;
mod describe;
mod dialect;
mod encode;
mod error_codes;
mod options;
mod plan;
mod server;
mod session;
mod syntax;
mod types;
mod write;

use connect_api::Result;
use dialect::Odbc;
use dialect_core::{Dialect, OpenOptions};
use options::Settings;
use std::sync::Arc;

/// The schemes of its URLs.
pub const SCHEMES: &[&str] = &["odbc"];

/// The dialect for a URL; no I/O is done.
///
/// # Errors
/// `Config`: the connection string cannot be read, or names no driver; `Unsupported`: an option
/// that belongs to the driver's connection string.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let settings = Arc::new(Settings::new(url, options)?);
    Ok(Arc::new(Odbc::new(settings)))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let url = "odbc:Driver={SQLite3};Database=/tmp/x.db;UID=ann;PWD=planted-secret;Key=planted-secret";
        let dialect = open(url, &OpenOptions::default()).unwrap();
        let shown = format!("{dialect:?} {}", dialect.address());
        assert!(shown.contains("Database=/tmp/x.db"), "{shown}");
        assert!(!shown.contains("planted-secret"), "{shown}");
    }
}
