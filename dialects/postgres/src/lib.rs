//! PostgreSQL: tables are read into Arrow columns over the binary protocol, and written from them
//! by `COPY … (FORMAT binary)`, straight into the table or by way of a temporary one.
//!
//! [`open`] gives the dialect for a URL, without I/O; [`PostgresSyntax`] is its SQL. Servers
//! from version 12 on. Sessions are in UTC. A batch for `Upsert` or `Update` must hold each key
//! once; two rows with one key are an error of kind `Data`.
//!
//! ```no_run
//! use dialect_core::{OpenOptions, TableName};
//!
//! # async fn example() -> connect_api::Result<()> {
//! let url = "postgres://ann@127.0.0.1/shop?sslmode=prefer";
//! let database = dialect_postgres::open(url, &OpenOptions::default())?;
//! let mut connection = database.connect().await?;
//! for column in connection.describe(&TableName::new("orders")).await?.map_or(vec![], |t| t.columns) {
//!     println!("{} {}", column.name, column.vendor_type);
//! }
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
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod options;
mod plan;
mod session;
mod syntax;
mod types;
mod write;

pub use syntax::PostgresSyntax;

use connect_api::Result;
use dialect::Postgres;
use dialect_core::{Address, Dialect, OpenOptions};
use options::Settings;
use std::sync::Arc;

/// Opens the dialect for `postgres://user:password@host:port/database`, also `postgresql:` and
/// `jdbc:postgresql:`, with several hosts behind commas; no I/O is done.
///
/// Parameters, with the JDBC driver's names: `sslmode` (`disable`, `prefer`, `require`,
/// `verify-ca`, `verify-full`; `prefer` if not given; `ssl=true` is `verify-full`),
/// `sslrootcert`, `sslcert`, `sslkey` (files in PEM form), `application_name`
/// (`ApplicationName`), `connect_timeout` (`connectTimeout`, `loginTimeout`; seconds),
/// `search_path` (`currentSchema`), `statement_timeout` (milliseconds), `keepalives_idle`
/// (seconds), `readOnly`, `target_session_attrs` (`targetServerType`), `options` (`-c name=value`).
///
/// A pooler that gives each transaction another session of the server is found as a session
/// begins, unless the options say what there is: [`Pooler`](dialect_core::Pooler).
///
/// `keep_alive` is asked of the server's side of the connection (`tcp_keepalives_idle`);
/// `idle_timeout` needs PostgreSQL 14. A read-only session is one by default only
/// (`default_transaction_read_only`): it keeps from mistakes, not from ill will.
///
/// # Errors
/// `Config`: it is no such URL, has a parameter that is not known, or one of a wrong value; all
/// are named.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let address = Address::parse(url, options)?;
    let settings = Settings::read(&address, options)?;
    Ok(Arc::new(Postgres::new(address, settings, options.values)))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
