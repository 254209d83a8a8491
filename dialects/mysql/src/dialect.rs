//! The dialect: what it can do, and how it connects.
use crate::{encode, error_codes, options::Settings, plan, session::Session, syntax::MySqlSyntax};
use async_trait::async_trait;
use connect_api::{Error, Kind, Result};
use dialect_core::{
    Address, Capabilities, Column, Connection, DatetimePrecision, Dialect, ServerRole, Syntax,
    VisibleBy, WritePlan, WriteRequest,
};
use std::fmt;

/// A database. `Debug` shows where it is, without user and password.
pub(crate) struct MySql {
    address: Address,
    settings: Settings,
    syntax: MySqlSyntax,
}

impl fmt::Debug for MySql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MySql").field(&self.address).finish()
    }
}

#[async_trait]
impl Dialect for MySql {
    fn name(&self) -> &'static str {
        "MySQL"
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
            upsert_by_any_key: true,
            folds_columns: true,
            transactional_ddl: false,
            concurrent_writers: true,
            savepoints: true,
            widen: true,
            blocks: false,
            visibility: VisibleBy::Transactions,
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan_write(request, self.settings.other_keys)
    }

    fn takes(&self, kind: &Kind, column: &Column) -> bool {
        encode::Encoder::new(kind, column, false).is_some()
    }

    fn datetime_precision(&self, column: &Column) -> DatetimePrecision {
        DatetimePrecision::digits(encode::places(column))
    }

    fn already_exists(&self, error: &Error) -> bool {
        error_codes::already_exists(error)
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        dialect_core::choose_cryptography();
        let shown = self.address.shown();
        let connect = async |host: &_| {
            let session = Session::open(&self.settings, host, shown).await?;
            let role = match session.server.replica {
                true => ServerRole::Standby,
                false => ServerRole::Primary,
            };
            Ok((session, Some(role)))
        };
        let target = self.settings.target;
        let connection = self.address.first_of(target, connect).await?;
        self.syntax.server.get_or_init(|| connection.server.clone());
        Ok(Box::new(connection))
    }
}

impl MySql {
    pub(crate) fn new(address: Address, settings: Settings) -> Self {
        let syntax = MySqlSyntax {
            mariadb: address.scheme == "mariadb",
            ..MySqlSyntax::default()
        };
        Self {
            address,
            settings,
            syntax,
        }
    }
}
