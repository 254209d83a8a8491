//! The dialect: what it can do, and how it opens a file.
use crate::{
    connection::SqliteConnection, encode, error_codes, options::Settings, plan,
    syntax::SqliteSyntax, types,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Kind, Result};
use dialect_core::{
    Address, Capabilities, Column, Connection, DatetimePrecision, Dialect, Syntax, WritePlan,
    WriteRequest,
};
use std::{fmt, sync::Arc};

/// A file. `Debug` shows where it is.
pub(crate) struct Sqlite {
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
        encode::Encoder::choose(kind, column, &self.settings.values).is_some()
    }

    fn datetime_precision(&self, column: &Column) -> DatetimePrecision {
        types::cell::datetime_precision(column, &self.settings.values)
    }

    fn already_exists(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Schema
            && error.code() == Some("1")
            && error_codes::already_exists(&error.report())
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let connection =
            SqliteConnection::open(self.settings.clone(), self.syntax, self.address()).await?;
        Ok(Box::new(connection))
    }
}

impl Sqlite {
    pub(crate) fn new(address: Address, settings: Arc<Settings>, syntax: SqliteSyntax) -> Self {
        Self {
            address,
            settings,
            syntax,
        }
    }
}
