//! What the first connection finds out about driver and database, for all that follow.
use crate::{
    error_codes::refusal, options::Settings, plan::server::Server, server::Profile,
    session::Session, syntax::OdbcSyntax,
};
use connect_api::{Error, ErrorKind, Result};
use odbc_api::{BindParamDesc, Connection, Error as OdbcError};

impl Server {
    /// Asks the driver.
    pub(crate) fn ask(connection: &Connection<'static>, settings: &Settings) -> Result<Self> {
        let profile = match settings.profile {
            Some(profile) => profile,
            None => {
                let name = connection.database_management_system_name();
                let what = "asking the driver for its database";
                Profile::of(&name.map_err(|e| refusal(Profile::Generic, what, &e))?)
            }
        };
        // A driver without an answer quotes as SQL-92 does.
        let quote = connection.identifier_quote_char().ok().flatten();
        let longest = [
            connection.max_table_name_len(),
            connection.max_column_name_len(),
        ];
        let longest = longest.into_iter().flatten().filter(|n| *n > 0).min();
        let mut syntax = OdbcSyntax::unknown(Some(profile), settings.values);
        syntax.quote = quote.filter(|q| !q.is_whitespace()).unwrap_or(syntax.quote);
        syntax.max_identifier = match (profile, longest) {
            // What drivers say is off by what they count.
            (Profile::MySql { .. }, _) => 64,
            (Profile::Postgres, _) => 63,
            (_, Some(longest)) => longest.into(),
            (_, None) => syntax.max_identifier,
        };
        let arrays = !settings.read_only && walks_arrays(connection, profile);
        Ok(Self {
            syntax,
            arrays,
            others: settings.other_keys,
        })
    }
}

/// Statements that set a session.
pub(crate) fn session(profile: Profile, settings: &Settings) -> Result<Vec<String>> {
    let unsupported = |option: &str| {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "{option}: this database has no statement for it that is known here; set it in the driver's connection string"
            ),
        )
    };
    let mut statements = Vec::new();
    match profile {
        Profile::Postgres => statements.extend(
            [
                "SET client_min_messages = warning",
                "SET datestyle = 'ISO, YMD'",
                "SET timezone = 'UTC'",
                "SET intervalstyle = postgres",
                "SET bytea_output = hex",
                "SET extra_float_digits = 1",
            ]
            .map(str::to_owned),
        ),
        Profile::MySql { .. } => statements.extend(
            [
                "SET time_zone = '+00:00'",
                "SET SESSION sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_DATE,\
                 NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,\
                 NO_ENGINE_SUBSTITUTION'",
            ]
            .map(str::to_owned),
        ),
        Profile::Sqlite => statements.push("PRAGMA synchronous = FULL".to_owned()),
        Profile::SqlServer | Profile::Oracle | Profile::Db2 | Profile::Generic => {}
    }
    if let Some(timeout) = settings.statement_timeout {
        let (ms, seconds) = (timeout.as_millis().max(1), timeout.as_secs_f64());
        match profile {
            Profile::Postgres => statements.push(format!("SET statement_timeout = {ms}")),
            Profile::MySql { mariadb: true } => {
                statements.push(format!("SET SESSION max_statement_time = {seconds}"));
            }
            Profile::MySql { mariadb: false } => {
                statements.push(format!("SET SESSION max_execution_time = {ms}"));
            }
            // By the driver, with each statement.
            Profile::SqlServer | Profile::Oracle | Profile::Db2 | Profile::Generic => {}
            Profile::Sqlite => return Err(unsupported("statement_timeout")),
        }
    }
    if let Some(timeout) = settings.lock_timeout {
        let ms = timeout.as_millis().max(1);
        statements.extend(match profile {
            Profile::Postgres => Some(format!("SET lock_timeout = {ms}")),
            Profile::MySql { .. } => {
                let seconds = ms.div_ceil(1_000);
                Some(format!("SET SESSION lock_wait_timeout = {seconds}"))
            }
            Profile::SqlServer => Some(format!("SET LOCK_TIMEOUT {ms}")),
            // They have none that is the session's, or do not wait.
            Profile::Oracle | Profile::Db2 | Profile::Sqlite | Profile::Generic => None,
        });
    }
    for (name, value) in &settings.session {
        let (name, value) = (setting_name(name)?, setting_value(value)?);
        statements.push(match profile {
            Profile::Postgres => format!("SET {name} = {value}"),
            Profile::MySql { .. } => format!("SET SESSION {name} = {value}"),
            Profile::Sqlite => format!("PRAGMA {name} = {value}"),
            Profile::SqlServer => format!("SET {name} {value}"),
            Profile::Oracle => format!("ALTER SESSION SET {name} = {value}"),
            Profile::Db2 | Profile::Generic => return Err(unsupported("session")),
        });
    }
    if settings.read_only {
        statements.push(
            match profile {
                Profile::Postgres => "SET default_transaction_read_only = on",
                Profile::MySql { .. } => "SET SESSION TRANSACTION READ ONLY",
                Profile::Sqlite => "PRAGMA query_only = ON",
                Profile::SqlServer | Profile::Oracle | Profile::Db2 | Profile::Generic => {
                    return Err(unsupported("read_only"));
                }
            }
            .to_owned(),
        );
    }
    Ok(statements)
}

fn setting_name(name: &str) -> Result<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.';
    if !name.is_empty() && name.bytes().all(plain) {
        return Ok(name);
    }
    Err(Error::new(
        ErrorKind::Config,
        format!(
            "session: `{}` is not the name of a setting",
            name.escape_debug()
        ),
    ))
}

/// A word, a number, or a literal of anything else.
fn setting_value(value: &str) -> Result<String> {
    let word = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if word || value.parse::<f64>().is_ok_and(f64::is_finite) {
        return Ok(value.to_owned());
    }
    let value = value
        .strip_prefix('\'')
        .and_then(|v| v.strip_suffix('\''))
        .unwrap_or(value);
    if value.contains(['\0', '\\']) {
        return Err(Error::new(
            ErrorKind::Config,
            "session: a value holds a backslash or a NUL",
        ));
    }
    Ok(format!("'{}'", value.replace('\'', "''")))
}

/// Tries it in a temporary table: three rows whose contents are read back, then an array with a
/// duplicate in it that must be reported. A driver that cannot is used row by row.
fn walks_arrays(connection: &Connection<'static>, profile: Profile) -> bool {
    let create = match profile {
        Profile::Postgres | Profile::MySql { .. } | Profile::Sqlite => {
            "CREATE TEMPORARY TABLE connect_arrays (id bigint NOT NULL PRIMARY KEY, v varchar(20))"
        }
        Profile::SqlServer => {
            "CREATE TABLE #connect_arrays (id bigint NOT NULL PRIMARY KEY, v varchar(20))"
        }
        // No temporary table of one form: whether arrays work would be found out on the user's.
        Profile::Oracle | Profile::Db2 | Profile::Generic => return false,
    };
    let name = if profile == Profile::SqlServer {
        "#connect_arrays"
    } else {
        "connect_arrays"
    };
    if let Err(error) = connection.execute(create, (), None) {
        tracing::debug!(
            error = refusal(profile, "temporary table", &error).report(),
            "array binding is not tested"
        );
        return false;
    }
    let walked = tried(connection, name);
    let walks = match &walked {
        Ok(walks) => *walks,
        Err(error) => {
            tracing::debug!(
                error = refusal(profile, "array", error).report(),
                "array binding failed"
            );
            false
        }
    };
    let drop = match profile {
        Profile::MySql { .. } => format!("DROP TEMPORARY TABLE {name}"),
        _ => format!("DROP TABLE {name}"),
    };
    if let Err(error) = connection.execute(&drop, (), None) {
        tracing::debug!(
            error = refusal(profile, "temporary table", &error).report(),
            "the temporary table could not be dropped"
        );
    }
    if !walks {
        tracing::warn!(
            "the driver does not support array binding correctly: rows are written one by one"
        );
    }
    walks
}

fn tried(connection: &Connection<'static>, name: &str) -> Result<bool, OdbcError> {
    let rows: [(i64, Option<&str>); 3] = [(1, Some("one")), (2, None), (1 << 40, Some("drei"))];
    fill(connection, name, &rows)?;
    let sql = format!("SELECT id, v FROM {name} ORDER BY id");
    let found = Session::texts_of(connection, &sql, &[])?;
    let expected: Vec<Vec<Option<String>>> = rows
        .iter()
        .map(|(id, v)| vec![Some(id.to_string()), v.map(str::to_owned)])
        .collect();
    if found != expected {
        return Ok(false);
    }
    // A driver that goes on after a refused row, and calls it success, would lose it (G3).
    let refused = fill(
        connection,
        name,
        &[(7, None), (2, Some("again")), (8, None)],
    );
    Ok(refused.is_err())
}

fn fill(
    connection: &Connection<'static>,
    name: &str,
    rows: &[(i64, Option<&str>)],
) -> Result<(), OdbcError> {
    let mut prepared = connection.prepare(&format!("INSERT INTO {name} (id, v) VALUES (?, ?)"))?;
    let columns = [BindParamDesc::i64(true), BindParamDesc::text(20)];
    let mut inserter = prepared.column_inserter(rows.len(), columns)?;
    inserter.set_num_rows(rows.len());
    if let Some(mut ids) = inserter.column_mut(0).as_nullable_slice::<i64>() {
        for (i, (id, _)) in rows.iter().enumerate() {
            ids.set_cell(i, Some(*id));
        }
    }
    if let Some(mut texts) = inserter.column_mut(1).as_text() {
        for (i, (_, text)) in rows.iter().enumerate() {
            texts.set_cell(i, text.map(str::as_bytes));
        }
    }
    inserter.execute().map(|_| ())
}
