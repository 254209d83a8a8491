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
use std::{fmt, sync::Arc};

/// Longest name of an application, in bytes; the server cuts longer ones.
const MAX_NAME: usize = 63;

/// A name that the server shows as it is: it replaces other characters than ASCII.
fn application_name(name: &str) -> String {
    let shown = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    };
    let mut name: String = name.chars().map(shown).collect();
    if name.len() > MAX_NAME {
        // The number of the task stands at the end.
        let end = name.split_off(name.len() - 20);
        name.truncate(MAX_NAME - end.len() - 2);
        name.push_str("..");
        name.push_str(&end);
    }
    name
}

/// A database. `Debug` shows where it is, without user and password.
#[derive(Clone)]
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

    fn named(&self, application: &str) -> Option<Arc<dyn Dialect>> {
        if self.settings.is_named {
            return None;
        }
        let mut named = self.clone();
        let name = application_name(application);
        named.settings.driver = named.settings.driver.application_name(&name);
        Some(Arc::new(named))
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        dialect_core::choose_cryptography();
        let begun = if self.address.hosts.is_empty() {
            let driver = self.settings.driver.clone().host("localhost");
            self.connect_to(driver.port(options::PORT)).await?
        } else {
            let connect = async |host: &Host| {
                let driver = self.settings.driver.clone().host(&host.name);
                let driver = driver.port(host.port.unwrap_or(options::PORT));
                let begun = self.connect_to(driver).await?;
                let role = begun.role;
                Ok((begun, role))
            };
            let target = self.settings.target;
            self.address.first_of(target, connect).await?
        };
        Ok(Box::new(Session::new(begun, self.values)))
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
