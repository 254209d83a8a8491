//! A connection on its own thread: all that blocks stands here and below.
pub(crate) mod probe;
pub(crate) mod thread;
use crate::{error_codes::refusal, options::Settings, plan::server::Server, server::Profile};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::statement_excerpt;
use odbc_api::{
    Connection, ConnectionOptions, Cursor as _, Error as OdbcError, IntoParameter as _,
    ResultSetMetadata as _,
};
use std::sync::{Arc, OnceLock};

pub(crate) struct Session {
    pub(crate) connection: Connection<'static>,
    pub(crate) server: Server,
    pub(crate) settings: Arc<Settings>,
    in_transaction: bool,
    /// The transaction has failed; what it would commit is not whole.
    failed: bool,
    /// The server has ended the session.
    lost: bool,
}

impl Session {
    /// Connects; what is found out about the server is kept in `known`.
    pub(crate) fn open(settings: Arc<Settings>, known: &OnceLock<Server>) -> Result<Self> {
        let profile = settings.profile.unwrap_or(Profile::Generic);
        let user = settings.user.as_deref().unwrap_or_default();
        let what = format!("connect to {} as user `{user}`", settings.shown);
        let environment = odbc_api::environment().map_err(|e| refusal(profile, &what, &e))?;
        let seconds = u32::try_from(settings.connect_timeout.as_secs().max(1)).unwrap_or(u32::MAX);
        let options = ConnectionOptions {
            login_timeout_sec: Some(seconds),
            ..ConnectionOptions::default()
        };
        let string = settings.connection_string();
        let mut connected = environment.connect_with_connection_string(string.expose(), options);
        // A driver that takes no timeout; ours stands around the call.
        if matches!(&connected, Err(OdbcError::Diagnostics { record, .. })
            if matches!(record.state.as_str(), "HYC00" | "HY092" | "IM001"))
        {
            let options = ConnectionOptions::default();
            connected = environment.connect_with_connection_string(string.expose(), options);
        }
        let connection = connected.map_err(|e| login_error(&settings, &what, &e))?;
        let server = match known.get() {
            Some(server) => *server,
            None => {
                let server = Server::ask(&connection, &settings)?;
                *known.get_or_init(|| server)
            }
        };
        tracing::debug!(address = settings.shown, ?server, "connected");
        let mut session = Self {
            connection,
            server,
            settings,
            in_transaction: false,
            failed: false,
            lost: false,
        };
        for statement in probe::session(server.syntax.profile, &session.settings)? {
            session.execute(&statement)?;
        }
        Ok(session)
    }

    /// The error of an operation of the driver; it may show that the session is lost, or that its
    /// transaction is.
    pub(crate) fn fault(&mut self, what: impl std::fmt::Display, cause: &OdbcError) -> Error {
        let mut error = refusal(self.server.syntax.profile, &what, cause);
        self.failed |= self.in_transaction;
        if !self.in_transaction && self.server.syntax.profile == Profile::Postgres {
            // The transaction that psqlodbc begins for a cursor of its own would stay, failed.
            drop(self.connection.execute("ROLLBACK", (), None));
        }
        let unclear = matches!(error.kind(), ErrorKind::Internal | ErrorKind::Timeout);
        self.lost |= error.kind() == ErrorKind::Connect
            || (unclear && self.connection.is_dead().unwrap_or(false));
        if self.lost && error.kind() != ErrorKind::Connect {
            error = Error::new(ErrorKind::Connect, format!("{what}: the connection broke"))
                .with_source(error);
        }
        error
    }

    /// Refuses to go on with a session that is lost.
    pub(crate) fn check(&self) -> Result<()> {
        if self.lost {
            return Err(Error::new(
                ErrorKind::Connect,
                format!("{}: the connection was lost before", self.settings.shown),
            ));
        }
        Ok(())
    }

    /// Seconds that the driver is to give a statement, where no setting of the session does.
    pub(crate) fn timeout(&self) -> Option<usize> {
        let by_driver = matches!(
            self.server.syntax.profile,
            Profile::SqlServer | Profile::Oracle | Profile::Db2 | Profile::Generic
        );
        let timeout = self.settings.statement_timeout.filter(|_| by_driver)?;
        usize::try_from(timeout.as_secs().max(1)).ok()
    }

    /// Runs a statement; the number of rows it changed.
    pub(crate) fn execute(&mut self, sql: &str) -> Result<u64> {
        self.check()?;
        let ran = self.run(sql);
        ran.map_err(|e| self.fault(format_args!("statement `{}`", excerpt(sql)), &e))
    }

    fn run(&self, sql: &str) -> Result<u64, OdbcError> {
        let mut statement = self.connection.preallocate()?;
        if let Some(seconds) = self.timeout() {
            statement.set_query_timeout_sec(seconds)?;
        }
        let gives_rows = statement.execute(sql, ())?.is_some();
        // What gives rows changes none, and drivers differ in what they count there.
        let count = if gives_rows {
            None
        } else {
            statement.row_count().unwrap_or(None)
        };
        Ok(count.map_or(0, |n| n as u64))
    }

    pub(crate) fn begin(&mut self) -> Result<()> {
        self.check()?;
        let begun = self.connection.set_autocommit(false);
        begun.map_err(|e| self.fault("begin", &e))?;
        (self.in_transaction, self.failed) = (true, false);
        Ok(())
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        self.check()?;
        if self.failed && self.server.syntax.profile == Profile::Postgres {
            // The driver would say that it is committed, and the server undo it.
            return Err(Error::new(
                ErrorKind::Internal,
                "commit of a transaction that has failed",
            ));
        }
        let committed = self.connection.commit();
        committed.map_err(|e| self.fault("commit", &e))?;
        self.end()
    }

    pub(crate) fn rollback(&mut self) -> Result<()> {
        if !self.in_transaction {
            return Ok(());
        }
        self.check()?;
        let undone = self.connection.rollback();
        undone.map_err(|e| self.fault("rollback", &e))?;
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        (self.in_transaction, self.failed) = (false, false);
        let ended = self.connection.set_autocommit(true);
        ended.map_err(|e| self.fault("end of a transaction", &e))
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// A place in the transaction was gone back to: it is whole again.
    pub(crate) fn mended(&mut self) {
        self.failed = false;
    }

    /// All rows of a query as text; for catalogues.
    pub(crate) fn texts(&mut self, sql: &str, params: &[&str]) -> Result<Vec<Vec<Option<String>>>> {
        self.check()?;
        let found = Self::texts_of(&self.connection, sql, params);
        found.map_err(|e| self.fault("reading the catalogue", &e))
    }

    pub(crate) fn texts_of(
        connection: &Connection<'static>,
        sql: &str,
        params: &[&str],
    ) -> Result<Vec<Vec<Option<String>>>, OdbcError> {
        let params: Vec<_> = params.iter().map(|p| p.into_parameter()).collect();
        let Some(mut cursor) = connection.execute(sql, &params[..], None)? else {
            return Ok(Vec::new());
        };
        let columns = u16::try_from(cursor.num_result_cols()?).unwrap_or_default();
        let mut rows = Vec::new();
        while let Some(mut row) = cursor.next_row()? {
            let mut cells = Vec::with_capacity(columns.into());
            for column in 1..=columns {
                let mut text = Vec::new();
                let there = row.get_text(column, &mut text)?;
                cells.push(there.then(|| String::from_utf8_lossy(&text).into_owned()));
            }
            rows.push(cells);
        }
        Ok(rows)
    }
}

/// The driver's error at the login, without the secrets of the connection string.
fn login_error(settings: &Settings, what: &str, cause: &OdbcError) -> Error {
    let error = refusal(Profile::Generic, what, cause);
    let said = error.to_string();
    // psqlodbc gives every refusal of the server the state of a broken connection.
    let kind = if said.contains("authentication failed") || said.contains("Access denied") {
        ErrorKind::Auth
    } else if error.kind() == ErrorKind::Internal {
        ErrorKind::Connect
    } else {
        error.kind()
    };
    let error_without_secrets = Error::new(kind, settings.without_secrets(&said));
    match error.code() {
        Some(code) => error_without_secrets.with_code(code),
        None => error_without_secrets,
    }
}

/// The first characters of a statement, up to its first quote, for messages.
fn excerpt(sql: &str) -> String {
    let short = statement_excerpt(sql, 60);
    // Text in quotes may be a value.
    match short.find('\'') {
        Some(at) => format!("{}…", &short[..at]),
        None => short,
    }
}
