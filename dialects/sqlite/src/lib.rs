//! SQLite: a file's tables read into Arrow columns, and Arrow columns written to them.
//!
//! [`open`] takes `sqlite:path`, `jdbc:sqlite:path` or `sqlite::memory:`. The file must be there
//! unless the URL ends in `?mode=rwc`; `mode=ro` reads only. Other parameters: `busy_timeout`
//! (milliseconds that a writer waits for another, 5000), `cache` (`private`, or `shared` by the
//! connections of this program), `journal_mode` (`wal`, which stays with the file, another of
//! SQLite's, or `keep`), `foreign_keys` (`false`), and PRAGMAs such as `cache_size`,
//! `mmap_size` or `synchronous` (`FULL`: a commit is on the disk). Options that are for servers
//! (user, password, TLS, idle timeout, keep-alive) are refused.
//!
//! A column holds what its declared type says, and a cell that says otherwise is an error of its
//! row, unless `values.sqlite_typing` has all columns read as text or `values.unrepresentable` such
//! cells as NULL. A column without a type, and one of a type that is not known, is read as text:
//! text as it is, numbers and bytes as SQLite writes them in SQL. Dates are what
//! `values.sqlite_dates` says; Julian days count to the millisecond, as SQLite's functions have
//! it. An expression of a view or a query is of the kind of its first value. SQLite keeps the float
//! -0.0 as 0.0.
//!
//! Each connection has a thread, which steps a statement and decodes its cells in place, one batch
//! ahead of the reader, and binds cells of columns where they lie.
//!
//! ```
//! use dialect_core::{OpenOptions, TableName};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> connect_api::Result<()> {
//! let dialect = dialect_sqlite::open("sqlite::memory:", &OpenOptions::default())?;
//! let mut connection = dialect.connect().await?;
//! connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)").await?;
//! let table = connection.describe(&TableName::new("people")).await?;
//! assert_eq!(table.map(|t| t.primary_key), Some(vec!["id".to_owned()]));
//! # connection.close().await
//! # }
//! ```
mod bind;
mod catalog;
#[cfg(feature = "conformance")]
mod conformance;
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
mod session;
mod syntax;
mod types;
mod write;

#[cfg(feature = "conformance")]
pub use conformance::samples;

use connect_api::Result;
use dialect::Sqlite;
use dialect_core::{Address, Dialect, OpenOptions};
use options::Settings;
use std::sync::Arc;
use syntax::SqliteSyntax;

/// The schemes of its URLs.
pub const SCHEMES: &[&str] = &["sqlite"];

/// The dialect for a URL; no I/O is done.
///
/// # Errors
/// `Config`: the URL names no file, or has parameters that are not known. `Unsupported`: options
/// that are for servers.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let address = Address::parse(url, options)?;
    let settings = Arc::new(Settings::new(&address, options)?);
    let syntax = SqliteSyntax::new(options.values);
    Ok(Arc::new(Sqlite::new(address, settings, syntax)))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
