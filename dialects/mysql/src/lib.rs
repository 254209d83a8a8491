//! MySQL (5.7 to 9) and MariaDB: tables to Arrow columns and back.
//!
//! [`open`] takes a URL (`mysql://user@host:3306/db`, `mariadb://…`,
//! `jdbc:mysql://host/db?user=…`) and gives a [`Dialect`]. Rows are read by prepared statements
//! straight from the binary protocol, and written by statements of up to 512 rows.
//!
//! Every session has the time zone +00:00, the character set utf8mb4 and strict modes: what does
//! not fit is refused and never cut. A `datetime` is mapped to a local time, a `timestamp` to an
//! instant, a `time` to a span. Comments mark columns created here for kinds that have no type of their
//! own: `boolean` on tinyint(1), `uuid` on binary(16), `UTC` on datetime, `time of day` on time.
//! Geometries are mapped to WKB, and to EWKB where they have an SRID; a type that is not known as
//! the server's text.
//!
//! - An insert that passes over keys that are there is `ON DUPLICATE KEY UPDATE` of nothing, as
//!   `INSERT IGNORE` would hide other faults; triggers of updates see such rows. Any unique key of
//!   the table decides.
//! - Updates go by way of a temporary table, or row by row where the user may not create one.
//! - [`Visibility`](dialect_core::Visibility) is what `INNODB_TRX` shows; the privilege PROCESS is
//!   needed for it. A transaction is seen from its first statement on InnoDB on.
//! - The types of a query are those of a temporary table of none of its rows; where none can be created
//!   decimals are mapped to text.
//! - A cursor that is dropped before its last row costs the connection.
//!
//! ```no_run
//! use connect_api::Result;
//! use dialect_core::{OpenOptions, TableName};
//!
//! # async fn example() -> Result<()> {
//! let options = OpenOptions::default();
//! let dialect = dialect_mysql::open("mysql://ann@localhost/shop?sslMode=required", &options)?;
//! let mut connection = dialect.connect().await?;
//! let orders = connection.describe(&TableName::new("orders")).await?;
//! println!("{orders:?}");
//! connection.close().await
//! # }
//! ```
mod bind;
mod catalog;
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

#[cfg(feature = "fuzzing")]
pub use decode::fuzzing;

use connect_api::Result;
use dialect::MySql;
use dialect_core::{Address, Dialect, Host, OpenOptions};
use options::Settings;
use std::sync::Arc;

/// The schemes of its URLs.
pub const SCHEMES: &[&str] = &["mysql", "mariadb"];

/// The dialect for a URL; no I/O is done. The port is 3306 where none is given.
///
/// Parameters: `ssl-mode` or `sslMode` (`disable`, `preferred` if not given, `required`,
/// `verify-ca`, `verify-identity`), `useSSL`, `requireSSL`, `verifyServerCertificate`, `ssl-ca` or
/// `serverSslCert`, `ssl-cert`, `ssl-key` (files in PEM form), `socket` (path), `connectTimeout`
/// (milliseconds), `maxStatementTime` (seconds), `readOnly`, `sessionVariables` (`a=1,b=2`),
/// `target_session_attrs` (`targetServerType`), `tinyInt1isBit`, `zeroDateTimeBehavior` (`exception`,
/// `convertToNull`). Others that the Java
/// drivers have are taken without effect, and a warning says why: `serverTimezone`,
/// `characterEncoding`, `useUnicode`, `rewriteBatchedStatements`, `useServerPrepStmts`,
/// `cachePrepStmts`, `useCursorFetch`, `yearIsDateType`, `socketTimeout`, `tcpKeepAlive`,
/// `allowPublicKeyRetrieval`.
///
/// Of the options, the statement timeout is `max_statement_time` on MariaDB and on MySQL
/// `max_execution_time`, which limits SELECT alone; the idle timeout is `wait_timeout`, in whole
/// seconds. Settings of the session may be any variables but those on which it depends that values
/// arrive as they were (`sql_mode`, `time_zone`, character sets).
///
/// # Errors
/// `Config`: the URL cannot be read, no user is given, or a parameter is not known.
/// `Unsupported`: keep-alive, as the driver gives no way to its socket.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let mut address = Address::parse(url, options)?;
    if address.hosts.is_empty() {
        address.hosts.push(Host {
            name: "localhost".to_owned(),
            port: None,
        });
    }
    let settings = Settings::read(&address, options)?;
    Ok(Arc::new(MySql::new(address, settings)))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let url = "jdbc:mysql://db/shop?user=ann&password=planted-secret";
        let dialect = open(url, &OpenOptions::default()).unwrap();
        let shown = format!("{dialect:?} {}", dialect.address());
        assert!(shown.contains("mysql://db/shop"), "{shown}");
        assert!(!shown.contains("planted-secret"), "{shown}");
    }
}
