//! The dialect: what it can do, and how it connects.
use crate::{
    connection::OdbcConnection,
    encode,
    options::Settings,
    plan::{self, server::Server},
    server::Profile,
    syntax::OdbcSyntax,
};
use async_trait::async_trait;
use connect_api::{Error, Kind, Result};
use dialect_core::{
    Capabilities, Column, Connection, DatetimePrecision, Dialect, Syntax, WritePlan, WriteRequest,
};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// A database. `Debug` shows the connection string without its secrets.
pub(crate) struct Odbc {
    settings: Arc<Settings>,
    /// What is taken for true before the first connection.
    before: Server,
    /// What the first connection found out.
    known: Arc<OnceLock<Server>>,
}

impl Odbc {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self {
            before: Server {
                syntax: OdbcSyntax::unknown(settings.profile, settings.values),
                arrays: false,
                others: settings.other_keys,
            },
            settings,
            known: Arc::default(),
        }
    }

    fn server(&self) -> &Server {
        self.known.get().unwrap_or(&self.before)
    }
}

impl fmt::Debug for Odbc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Odbc").field(&self.settings.shown).finish()
    }
}

#[async_trait]
impl Dialect for Odbc {
    fn name(&self) -> &'static str {
        "ODBC"
    }

    fn address(&self) -> &str {
        &self.settings.shown
    }

    fn syntax(&self) -> &dyn Syntax {
        &self.server().syntax
    }

    fn capabilities(&self) -> Capabilities {
        let profile = self.server().syntax.profile;
        Capabilities {
            upsert: profile.has_upsert(),
            upsert_by_any_key: profile.is_mysql(),
            folds_columns: profile.is_mysql() || profile == Profile::Sqlite,
            transactional_ddl: matches!(
                profile,
                Profile::Postgres | Profile::Sqlite | Profile::SqlServer | Profile::Db2
            ),
            concurrent_writers: profile != Profile::Sqlite,
            savepoints: profile.has_savepoints(),
            widen: matches!(profile, Profile::Postgres | Profile::MySql { .. }),
            ..Capabilities::default()
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan_write(self.server(), request)
    }

    fn takes(&self, kind: &Kind, column: &Column) -> bool {
        encode::Encoder::choose(self.server().syntax.profile, kind, column).is_some()
    }

    fn datetime_precision(&self, column: &Column) -> DatetimePrecision {
        DatetimePrecision::digits(encode::digits_of(self.server().syntax.profile, column))
    }

    fn already_exists(&self, error: &Error) -> bool {
        let said = error.to_string();
        // Standard, PostgreSQL (the last: two at the same moment), and by words.
        matches!(error.code(), Some("42S01" | "42S21" | "42P07" | "42701"))
            || said.contains("pg_type_typname_nsp_index")
            || said.contains("pg_class_relname_nsp_index")
            || said.contains("already exists")
            || said.contains("duplicate column name")
            || said.contains("Duplicate column name")
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let connected = OdbcConnection::open(self.settings.clone(), self.known.clone()).await?;
        Ok(Box::new(connected))
    }
}
