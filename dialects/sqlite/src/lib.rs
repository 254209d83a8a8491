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
mod catalog;
mod codec;
mod connection;
mod cursor;
mod declared;
mod plan;
mod refusal;
#[cfg(feature = "conformance")]
mod samples;
mod session;
mod settings;
mod syntax;
mod thread;
mod write;

#[cfg(feature = "conformance")]
pub use samples::samples;

use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Kind, Result};
use connection::SqliteConnection;
use dialect_core::{
    Address, Capabilities, Column, Connection, Dialect, Grain, OpenOptions, Syntax, WritePlan,
    WriteRequest,
};
use settings::Settings;
use std::{fmt, sync::Arc};
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
    Ok(Arc::new(Sqlite {
        address,
        settings,
        syntax,
    }))
}

struct Sqlite {
    address: Address,
    settings: Arc<Settings>,
    syntax: SqliteSyntax,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sqlite").field(&self.address).finish()
    }
}

#[async_trait]
impl Dialect for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn address(&self) -> &str {
        self.address.shown()
    }

    fn syntax(&self) -> &dyn Syntax {
        &self.syntax
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            upsert: true,
            folds_columns: true,
            transactional_ddl: true,
            concurrent_writers: false,
            savepoints: true,
            widen: false,
            blocks: false,
            ..Capabilities::default()
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan(&self.syntax, &self.settings.values, request)
    }

    fn takes(&self, kind: &Kind, column: &Column) -> bool {
        codec::Encoder::choose(kind, column, &self.settings.values).is_some()
    }

    fn grain(&self, column: &Column) -> Grain {
        codec::grain(column, &self.settings.values)
    }

    fn is_already_there(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Schema
            && error.code() == Some("1")
            && refusal::is_already_there(&error.report())
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let connection =
            SqliteConnection::open(self.settings.clone(), self.syntax, self.address()).await?;
        Ok(Box::new(connection))
    }
}
