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
mod connection;
mod cursor;
mod decode;
mod encode;
mod numeric;
mod oid;
mod plan;
mod refusal;
mod settings;
mod syntax;
mod target;
mod write;

pub use syntax::PostgresSyntax;

use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result};
use connection::PostgresConnection;
use dialect_core::{
    Address, Capabilities, Connection, Dialect, Host, OpenOptions, Syntax, WritePlan, WriteRequest,
};
use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions};
use std::{fmt, sync::Arc, time::Duration};

/// Opens the dialect for `postgres://user:password@host:port/database`, also `postgresql:` and
/// `jdbc:postgresql:`; no I/O is done. Parameters: `sslmode` (`disable`, `prefer`, `require`,
/// `verify-ca`, `verify-full`; `prefer` if not given), `sslrootcert`, `sslcert`, `sslkey` (files
/// in PEM form), `application_name`, `connect_timeout` (seconds), `search_path`.
///
/// # Errors
/// `Config`: it is no such URL, has a parameter that is not known, or one of a wrong value; it is
/// named.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let address = Address::parse(url, options)?;
    let (driver, connect_timeout) = settings::settings(&address, options)?;
    Ok(Arc::new(Postgres {
        address,
        driver,
        connect_timeout,
    }))
}

/// A database. `Debug` shows where it is, without user and password.
struct Postgres {
    address: Address,
    driver: PgConnectOptions,
    connect_timeout: Duration,
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
            ..Capabilities::default()
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan(request)
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let connect = |host: &Host| {
            let driver = self.driver.clone().host(&host.name);
            self.connect_to(driver.port(host.port.unwrap_or(settings::PORT)))
        };
        let driver = if self.address.hosts.is_empty() {
            let driver = self.driver.clone().host("localhost");
            self.connect_to(driver.port(settings::PORT)).await?
        } else {
            self.address.first(connect).await?
        };
        Ok(Box::new(PostgresConnection::new(driver)))
    }
}

impl Postgres {
    async fn connect_to(&self, driver: PgConnectOptions) -> Result<PgConnection> {
        let what = format!(
            "connecting to {} as user `{}`",
            self.address,
            driver.get_username()
        );
        match tokio::time::timeout(self.connect_timeout, driver.connect()).await {
            Ok(Ok(driver)) => Ok(driver),
            Ok(Err(e)) => Err(refusal::error(&what, e)),
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!("{what}: no answer in {:?}", self.connect_timeout),
            )),
        }
    }
}
