//! The dialect: what it can do, and how it connects.
use crate::{
    error_codes,
    options::{self, Settings},
    plan,
    session::{self, Session},
    syntax::PostgresSyntax,
    types,
};
use async_trait::async_trait;
use connect_api::{Error, Kind, Result};
use dialect_core::{
    Address, Capabilities, Column, Connection, DatetimePrecision, Dialect, Host, Syntax,
    ValueOptions, VisibleBy, WritePlan, WriteRequest,
};
use sqlx::postgres::PgConnectOptions;
use std::fmt;

/// A database. `Debug` shows where it is, without user and password.
pub(crate) struct Postgres {
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
            visibility: VisibleBy::Transactions,
            ..Capabilities::default()
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan(request, &self.values)
    }

    fn takes(&self, kind: &Kind, column: &Column) -> bool {
        plan::target(kind, column, &self.values).is_some()
    }

    fn datetime_precision(&self, column: &Column) -> DatetimePrecision {
        let digits = types::name::Vendor::parse(&column.vendor_type).map(|vendor| vendor.digits());
        DatetimePrecision::digits(digits.unwrap_or(6))
    }

    fn already_exists(&self, error: &Error) -> bool {
        error_codes::already_exists(error)
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        dialect_core::choose_cryptography();
        let (session, pooled) = if self.address.hosts.is_empty() {
            let driver = self.settings.driver.clone().host("localhost");
            self.connect_to(driver.port(options::PORT)).await?
        } else {
            let connect = |host: &Host| {
                let driver = self.settings.driver.clone().host(&host.name);
                self.connect_to(driver.port(host.port.unwrap_or(options::PORT)))
            };
            self.address.first(connect).await?
        };
        let connection = Session::new(session, self.values, pooled);
        Ok(Box::new(connection))
    }
}

impl Postgres {
    pub(crate) fn new(address: Address, settings: Settings, values: ValueOptions) -> Self {
        Self {
            address,
            settings,
            values,
        }
    }

    async fn connect_to(&self, driver: PgConnectOptions) -> Result<session::Begun> {
        let user = driver.get_username();
        let what = format!("connecting to {} as user `{user}`", self.address);
        session::begin(&self.settings, &driver, &what).await
    }
}
