//! PostgreSQL: tables are read into Arrow columns over the binary protocol, and written from them
//! by `COPY … (FORMAT binary)`, straight into the table or by way of a temporary one.
//!
//! [`Postgres`] is the dialect, opened by URL without I/O; [`PostgresSyntax`] is its SQL. Servers
//! from version 12 on. Sessions are in UTC. A batch for `Upsert` or `Update` must hold each key
//! once; two rows with one key are an error of kind `Data`.
//!
//! ```no_run
//! use dialect_core::{Address, Dialect as _, OpenOptions, TableName};
//! use dialect_postgres::Postgres;
//!
//! # async fn example() -> connect_api::Result<()> {
//! let options = OpenOptions::default();
//! let address = Address::parse("postgres://ann@127.0.0.1/shop?sslmode=prefer", &options)?;
//! let database = Postgres::new(address, &options)?;
//! let mut connection = database.connect().await?;
//! for column in connection.describe(&TableName::new("orders")).await?.map_or(vec![], |t| t.columns) {
//!     println!("{} {}", column.name, column.vendor_type);
//! }
//! connection.close().await
//! # }
//! ```
mod bind;
mod catalog;
mod connection;
mod cursor;
mod decode;
mod encode;
mod numeric;
mod plan;
mod refusal;
mod settings;
mod syntax;
mod write;

pub use syntax::PostgresSyntax;

use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result};
use connection::PostgresConnection;
use dialect_core::{
    Address, Capabilities, Connection, Dialect, OpenOptions, Syntax, WritePlan, WriteRequest,
};
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use std::{fmt, time::Duration};

/// The schemes of URLs that [`Postgres::new`] takes.
pub const SCHEMES: [&str; 2] = ["postgres", "postgresql"];

/// A PostgreSQL database.
///
/// `Debug` shows where it is, without user and password.
pub struct Postgres {
    address: Address,
    driver: PgConnectOptions,
    connect_timeout: Duration,
}

impl Postgres {
    /// The database at `address`. Its parameters: `sslmode` (`disable`, `prefer`, `require`,
    /// `verify-ca`, `verify-full`; `prefer` if not given), `sslrootcert`, `sslcert`, `sslkey`
    /// (files in PEM form), `application_name`, `connect_timeout` (seconds), `search_path`.
    ///
    /// # Errors
    /// `Config`: an unknown parameter, or one with a wrong value; it is named.
    pub fn new(address: Address, options: &OpenOptions) -> Result<Self> {
        let (driver, connect_timeout) = settings::settings(&address, options)?;
        Ok(Self {
            address,
            driver,
            connect_timeout,
        })
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Postgres").field(&self.address).finish()
    }
}

#[async_trait]
impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn address(&self) -> &str {
        self.address.shown()
    }

    fn syntax(&self) -> &dyn Syntax {
        &PostgresSyntax
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            upsert: true,
            transactional_ddl: true,
            concurrent_writers: true,
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan(request)
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let what = format!(
            "connecting to {} as user `{}`",
            self.address,
            self.driver.get_username()
        );
        let connecting = self.driver.connect();
        match tokio::time::timeout(self.connect_timeout, connecting).await {
            Ok(Ok(driver)) => Ok(Box::new(PostgresConnection::new(driver))),
            Ok(Err(e)) => Err(refusal::error(&what, e)),
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!("{what}: no answer in {:?}", self.connect_timeout),
            )),
        }
    }
}
