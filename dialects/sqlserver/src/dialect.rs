//! The dialect: what it can do, and how it connects.
use crate::{
    encode::Encoder,
    error_codes,
    options::Settings,
    plan,
    session::Session,
    syntax::SqlServerSyntax,
    types::{civil_time, declared},
};
use async_trait::async_trait;
use connect_api::{Error, Kind, Result};
use dialect_core::{
    Address, Capabilities, Column, Connection, DatetimePrecision, Dialect, Syntax, VisibleBy,
    WritePlan, WriteRequest,
};
use std::{fmt, sync::Arc};

/// A database. `Debug` shows where it is, without user and password.
pub(crate) struct SqlServer {
    address: Address,
    settings: Settings,
}

impl fmt::Debug for SqlServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlServer").field(&self.address).finish()
    }
}

#[async_trait]
impl Dialect for SqlServer {
    fn name(&self) -> &'static str {
        "SQL Server"
    }

    fn address(&self) -> &str {
        self.address.shown()
    }

    fn syntax(&self) -> &dyn Syntax {
        &SqlServerSyntax
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            upsert: true,
            transactional_ddl: true,
            concurrent_writers: true,
            savepoints: true,
            widen: true,
            blocks: false,
            visibility: VisibleBy::RowVersion,
            ..Capabilities::default()
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan_write(request)
    }

    fn takes(&self, kind: &Kind, column: &Column) -> bool {
        Encoder::new(kind, column, &declared(column), false).is_some()
    }

    fn datetime_precision(&self, column: &Column) -> DatetimePrecision {
        civil_time::datetime_precision(&declared(column))
    }

    fn already_exists(&self, error: &Error) -> bool {
        error_codes::already_exists(error)
    }

    fn named(&self, application: &str) -> Option<Arc<dyn Dialect>> {
        if self.settings.is_named {
            return None;
        }
        let mut settings = self.settings.clone();
        // The longest name that the server takes.
        settings.application = application.chars().take(128).collect();
        Some(Arc::new(Self::new(self.address.clone(), settings)))
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        dialect_core::choose_cryptography();
        let connection = self
            .address
            .first(async |host| Session::open(&self.settings, &self.address, host).await)
            .await?;
        Ok(Box::new(connection))
    }
}

impl SqlServer {
    pub(crate) fn new(address: Address, settings: Settings) -> Self {
        Self { address, settings }
    }
}
