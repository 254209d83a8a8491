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
mod declared;
mod decode;
mod described;
mod encode;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod merge;
mod numeric;
mod oid;
mod plan;
mod pooler;
mod query_columns;
mod refusal;
mod replace;
mod session;
mod settings;
mod stage;
mod syntax;
mod target;
mod trial;
mod vendor;
mod widen;
mod write;

pub use syntax::PostgresSyntax;

use async_trait::async_trait;
use connect_api::{Error, Kind, Result};
use connection::PostgresConnection;
use dialect_core::{
    Address, Capabilities, Column, Connection, Dialect, Grain, Host, OpenOptions, Syntax,
    ValueOptions, VisibleBy, WritePlan, WriteRequest,
};
use settings::Settings;
use sqlx::postgres::PgConnectOptions;
use std::{fmt, sync::Arc};

/// Opens the dialect for `postgres://user:password@host:port/database`, also `postgresql:` and
/// `jdbc:postgresql:`, with several hosts behind commas; no I/O is done.
///
/// Parameters, with the JDBC driver's names: `sslmode` (`disable`, `prefer`, `require`,
/// `verify-ca`, `verify-full`; `prefer` if not given; `ssl=true` is `verify-full`),
/// `sslrootcert`, `sslcert`, `sslkey` (files in PEM form), `application_name`
/// (`ApplicationName`), `connect_timeout` (`connectTimeout`, `loginTimeout`; seconds),
/// `search_path` (`currentSchema`), `statement_timeout` (milliseconds), `keepalives_idle`
/// (seconds), `readOnly`, `options` (`-c name=value`).
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
    Ok(Arc::new(Postgres {
        address,
        settings,
        values: options.values,
    }))
}

/// A database. `Debug` shows where it is, without user and password.
struct Postgres {
    address: Address,
    settings: Settings,
    values: ValueOptions,
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
            savepoints: true,
            widen: true,
            blocks: true,
            visibility: VisibleBy::Snapshot,
            ..Capabilities::default()
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan(request, &self.values)
    }

    fn takes(&self, kind: &Kind, column: &Column) -> bool {
        plan::target(kind, column, &self.values).is_some()
    }

    fn grain(&self, column: &Column) -> Grain {
        let digits = vendor::Vendor::parse(&column.vendor_type).map(|vendor| vendor.digits());
        Grain::digits(digits.unwrap_or(6))
    }

    fn is_already_there(&self, error: &Error) -> bool {
        refusal::is_already_there(error)
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        dialect_core::choose_cryptography();
        let (session, pooled) = if self.address.hosts.is_empty() {
            let driver = self.settings.driver.clone().host("localhost");
            self.connect_to(driver.port(settings::PORT)).await?
        } else {
            let connect = |host: &Host| {
                let driver = self.settings.driver.clone().host(&host.name);
                self.connect_to(driver.port(host.port.unwrap_or(settings::PORT)))
            };
            self.address.first(connect).await?
        };
        let connection = PostgresConnection::new(session, self.values, pooled);
        Ok(Box::new(connection))
    }
}

impl Postgres {
    async fn connect_to(&self, driver: PgConnectOptions) -> Result<session::Begun> {
        let user = driver.get_username();
        let what = format!("connecting to {} as user `{user}`", self.address);
        session::begin(&self.settings, &driver, &what).await
    }
}
