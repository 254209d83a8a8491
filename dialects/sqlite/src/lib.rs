//! SQLite: a file's tables read into Arrow columns, and Arrow columns written to them.
//!
//! [`open`] takes `sqlite:path`, `jdbc:sqlite:path` or `sqlite::memory:`. The file must be there
//! unless the URL ends in `?mode=rwc`; `mode=ro` reads only. Other parameters: `busy_timeout`
//! (milliseconds that a writer waits for another, 5000), `journal_mode` (`wal`, which stays with
//! the file, or `keep`), `foreign_keys` (`false`, as SQLite has it). A commit is on the disk
//! (`synchronous` FULL).
//!
//! A column holds what its declared type says, and a cell that says otherwise is an error. Dates
//! are ISO 8601 text. SQLite keeps the float -0.0 as 0.0.
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
mod declared;
mod plan;
mod refusal;
mod settings;
mod syntax;

use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result};
use connection::SqliteConnection;
use dialect_core::{
    Address, Capabilities, Connection, Dialect, OpenOptions, Syntax, WritePlan, WriteRequest,
};
use refusal::refusal;
use settings::Settings;
use sqlx::ConnectOptions as _;
use std::{fmt, sync::Arc};
use syntax::SqliteSyntax;

/// The schemes of its URLs.
pub const SCHEMES: &[&str] = &["sqlite"];

/// The dialect for a URL; no I/O is done.
///
/// # Errors
/// `Config`: the URL names no file, or has parameters that are not known.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let address = Address::parse(url, options)?;
    let settings = Arc::new(Settings::new(&address, options)?);
    Ok(Arc::new(Sqlite { address, settings }))
}

struct Sqlite {
    address: Address,
    settings: Arc<Settings>,
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
        &SqliteSyntax
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            upsert: true,
            transactional_ddl: true,
            concurrent_writers: false,
            ..Capabilities::default()
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan(request)
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let address = self.address();
        let path = &self.settings.path;
        let there =
            !self.settings.needs_file() || tokio::fs::try_exists(path).await.unwrap_or(true);
        if !there {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "{address}: there is no such file; `?mode=rwc` at the end of the URL makes one"
                ),
            ));
        }
        let connected = self.settings.driver().connect().await;
        let driver = connected.map_err(|e| refusal(format_args!("{address}: opening"), e))?;
        Ok(Box::new(SqliteConnection::new(
            driver,
            self.settings.clone(),
        )))
    }
}
