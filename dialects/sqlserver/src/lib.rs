//! SQL Server (2016 and later, Azure SQL): tables to Arrow columns and back.
//!
//! [`open`] takes a URL (`sqlserver://user@host:1433/db`, or Microsoft's
//! `jdbc:sqlserver://host:1433;databaseName=db;user=…`) and gives a [`Dialect`]. Rows are streamed
//! from the TDS protocol into columns. They are written by bulk loads, straight into the table or
//! into a temporary one that is merged by UPDATE and INSERT in one transaction; few rows are bound
//! as parameters.
//!
//! `money` is read as a decimal, `datetimeoffset` with its offset, text of every code page as
//! Unicode; a character that a `varchar` column does not have is refused, and never becomes `?`.
//! Column types of text contain the collation where it is not the database's, and always where it
//! gives a code page. Spatial values are WKB with their reference system, as PostGIS has it.
//!
//! The driver's log repeats what the server says, values of rows among it: it is not heard once a
//! session stands.
//!
//! Without `sslmode` or `encrypt`, TLS is required and the certificate verified, as in Microsoft's
//! drivers. A statement's time ends when the server has said nothing for so long. A read-only
//! connection asks for a readable secondary and refuses to execute or write.
//!
//! ```no_run
//! use connect_api::Result;
//! use dialect_core::{OpenOptions, TableName};
//!
//! # async fn example() -> Result<()> {
//! let url = "jdbc:sqlserver://db.example;databaseName=shop;user=ann;password={s;cret}";
//! let dialect = dialect_sqlserver::open(url, &OpenOptions::default())?;
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
pub(crate) mod literal;
mod options;
mod plan;
mod session;
mod syntax;
mod types;
mod write;

use connect_api::{Error, ErrorKind, Result};
use dialect::SqlServer;
use dialect_core::{Address, Dialect, OpenOptions};
use options::{Settings, jdbc};
use std::sync::Arc;

/// The schemes of its URLs.
pub const SCHEMES: &[&str] = &["sqlserver"];

/// The dialect for a URL; no I/O is done. The port is 1433 where none is given.
///
/// Parameters, in any case: `sslmode` (`disable`, `prefer`, `require`, `verify-full`),
/// `sslrootcert`, `sslcert`, `sslkey` (files in PEM or DER form), `encrypt` (`true`, `false`:
/// the login alone, `strict`), `trustServerCertificate`, `hostNameInCertificate`, `instanceName`,
/// `applicationName`, `applicationIntent`, `packetSize`, `connectTimeout` (milliseconds),
/// `loginTimeout`, `queryTimeout` (seconds), `lockTimeout` (milliseconds). Others of Microsoft's
/// drivers are taken without effect, and a warning says why.
///
/// # Errors
/// `Config`: the URL cannot be read, no user is given, or a parameter is not known.
/// `Unsupported`: an idle timeout, or the TLS mode `verify-ca`.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let plain = jdbc::plain(url)
        .transpose()
        .map_err(|fault| Error::new(ErrorKind::Config, format!("connection.url: {fault}")))?;
    let address = Address::parse(plain.as_deref().unwrap_or(url), options)?;
    let settings = Settings::read(&address, options)?;
    Ok(Arc::new(SqlServer::new(address, settings)))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
