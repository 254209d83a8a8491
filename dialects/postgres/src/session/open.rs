//! How a session begins: connected, and set as it is to be.
use crate::{
    catalog, error_codes,
    options::Settings,
    session::pooler::{self, set_local},
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{ServerRole, TargetSession};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _, postgres::PgConnectOptions};
use std::sync::Arc;

/// The first version whose servers end sessions that are idle outside transactions.
const ENDS_IDLE: u32 = 140_000;

/// A session that has begun.
pub(crate) struct Begun {
    pub(crate) driver: PgConnection,
    /// The text that begins each of its transactions where a pooler stands before the server.
    pub(crate) pooled: Option<Arc<str>>,
    /// See [`Connection::session`](dialect_core::Connection::session).
    pub(crate) id: Option<Box<str>>,
    /// If one of several hosts is looked for.
    pub(crate) role: Option<ServerRole>,
}

/// Connects and sets what the session is to have set, within the time allowed.
pub(crate) async fn begin(
    settings: &Settings,
    driver: &PgConnectOptions,
    what: &str,
) -> Result<Begun> {
    let connecting = async {
        let (mut driver, pooled) = pooler::open(settings, driver, what).await?;
        let id = match &pooled {
            None => {
                set(settings, &mut driver, what).await?;
                id(&mut driver, what).await?
            }
            Some(begin) => {
                try_out(settings, &mut driver, begin, what).await?;
                None
            }
        };
        let role = match settings.target {
            TargetSession::Any => None,
            _ => Some(role(&mut driver, what).await?),
        };
        Ok(Begun {
            driver,
            pooled,
            id,
            role,
        })
    };
    match tokio::time::timeout(settings.connect_timeout, connecting).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            format!("{what}: no response within {:?}", settings.connect_timeout),
        )),
    }
}

/// Whether the server takes changes.
async fn role(session: &mut PgConnection, what: &str) -> Result<ServerRole> {
    let asked = sqlx::raw_sql("SELECT pg_catalog.pg_is_in_recovery()");
    let row = session.fetch_one(asked).await;
    let standby = row.and_then(|row| row.try_get_unchecked::<bool, _>(0));
    match standby.map_err(|e| error_codes::error(what, e))? {
        true => Ok(ServerRole::Standby),
        false => Ok(ServerRole::Primary),
    }
}

/// How the server calls the session; `None` for servers like PostgreSQL that do not show their sessions
/// as it does.
async fn id(session: &mut PgConnection, what: &str) -> Result<Option<Box<str>>> {
    let asked = sqlx::raw_sql(catalog::OWN_SESSION);
    match session.fetch_optional(asked).await {
        Ok(row) => {
            Ok(row.and_then(|row| row.try_get_unchecked::<String, _>(0).ok().map(Into::into)))
        }
        Err(sqlx::Error::Database(_)) => Ok(None),
        Err(e) => Err(error_codes::error(what, e)),
    }
}

async fn set(settings: &Settings, session: &mut PgConnection, what: &str) -> Result<()> {
    if settings.ends_idle && session.server_version_num().is_some_and(|v| v < ENDS_IDLE) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("{what}: servers before PostgreSQL 14 do not end idle sessions"),
        ));
    }
    // In one round trip, those of the user in one each, so that the one at fault can be named.
    let ours = "SELECT set_config(name, value, false) \
                FROM unnest($1::text[], $2::text[]) AS s (name, value)";
    let (names, values): (Vec<_>, Vec<_>) = settings
        .session
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .unzip();
    sqlx::query(ours)
        .bind(names)
        .bind(values)
        .execute(&mut *session)
        .await
        .map_err(|e| error_codes::error(what, e))?;
    for (name, value) in &settings.wanted {
        sqlx::query("SELECT set_config($1, $2, false)")
            .bind(name)
            .bind(value)
            .execute(&mut *session)
            .await
            .map_err(|e| refused(what, name, e))?;
    }
    Ok(())
}

/// Tries what each transaction will set, so that a setting at fault can be named.
async fn try_out(
    settings: &Settings,
    session: &mut PgConnection,
    begin: &Arc<str>,
    what: &str,
) -> Result<()> {
    let Err(first) = undone(session, begin).await else {
        tracing::debug!(what, "connected through a connection pooler");
        return Ok(());
    };
    for (name, value) in &settings.wanted {
        let set = format!("BEGIN; SELECT {}", set_local(name, value));
        if let Err(e) = undone(session, &set).await {
            return Err(refused(what, name, e));
        }
    }
    Err(error_codes::error(what, first))
}

/// Runs what begins a transaction, and undoes it.
async fn undone(session: &mut PgConnection, begin: &str) -> sqlx::Result<()> {
    let begun = sqlx::raw_sql(AssertSqlSafe(begin));
    let begun = (&mut *session).execute(begun).await;
    let rollback = sqlx::raw_sql("ROLLBACK");
    (&mut *session).execute(rollback).await?;
    begun.map(|_| ())
}

/// What the user asked for cannot be set.
fn refused(what: &str, name: &str, cause: sqlx::Error) -> Error {
    let error = error_codes::error(&format!("{what}: setting `{name}` of the session"), cause);
    match error.kind() {
        ErrorKind::Data | ErrorKind::Schema | ErrorKind::Unsupported | ErrorKind::Busy => {
            let refused = Error::new(
                ErrorKind::Config,
                format!(
                    "{what}: setting `{name}` of the session: the server has none, or takes no such value"
                ),
            );
            match error.code() {
                Some(code) => refused.with_code(code),
                None => refused,
            }
        }
        _ => error,
    }
}
