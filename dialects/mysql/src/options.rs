//! What a URL and the options say of the connection: MySQL's own parameters and those of the JDBC
//! drivers.
mod parameter;

use crate::server::Server;
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{
    Address, Host, OpenOptions, OtherKeys, TargetSession, TlsMode, TlsOptions, ValueOptions,
};
use sqlx::{
    ConnectOptions as _,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};
use std::{fmt, time::Duration};

/// Statements that a session keeps prepared; the server has room for 16,382 of all sessions by default. For
/// each that is new beyond them, the driver closes another one first. That are two short packets, of which TCP
/// holds back the second for up to 40 ms (Nagle's algorithm; the driver does not set TCP_NODELAY).
const STATEMENTS: usize = 4_096;

/// What every session is set to, beside what the driver sets (`time_zone = '+00:00'`, character
/// set utf8mb4).
///
/// - The modes are all set, none is left to the server: nothing is cut or replaced silently
///   (`STRICT_…`), a 0 in an AUTO_INCREMENT column stays a 0, `"` quotes text, `||` is OR.
/// - A read that waits for its sink is not broken off after a minute.
const MODES: &str = "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,\
    NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION";

/// Variables on which it depends that values arrive as they were: they are not the user's.
const RESERVED: [&str; 10] = [
    "autocommit",
    "character_set_client",
    "character_set_connection",
    "character_set_results",
    "collation_connection",
    "names",
    "sql_auto_is_null",
    "sql_mode",
    "sql_safe_updates",
    "time_zone",
];

/// How connections are opened and configured.
#[derive(Clone)]
pub(crate) struct Settings {
    /// For the driver. It holds the password: it is not shown anywhere.
    pub(crate) driver: MySqlConnectOptions,
    /// Longest wait for a connection.
    pub(crate) connect_timeout: Duration,
    pub(crate) values: ValueOptions,
    pub(crate) other_keys: OtherKeys,
    /// Which of several hosts is wanted.
    pub(crate) target: TargetSession,
    statement_timeout: Option<Duration>,
    lock_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    read_only: bool,
    tls: TlsOptions,
    /// Variables and their values as SQL.
    variables: Vec<(String, String)>,
}

/// A statement that a session begins with, and what is done by it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Begin {
    pub(crate) what: String,
    pub(crate) sql: String,
}

impl Settings {
    /// Reads what `address` and `options` say.
    ///
    /// # Errors
    /// `Config`: a parameter that is not known, or a value that cannot be read; all are named.
    /// `Unsupported`: an option that the driver cannot heed.
    pub(crate) fn read(address: &Address, options: &OpenOptions) -> Result<Self> {
        if options.keep_alive.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "keep-alive: the driver gives no way to the socket, and the server has no setting \
                 for it; the operating system's applies (net.ipv4.tcp_keepalive_time)",
            ));
        }
        let mut driver = MySqlConnectOptions::new()
            .statement_cache_capacity(STATEMENTS)
            // The session's modes are set here, all of them.
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            // Statements hold no values, but are long, and there are many.
            .disable_statement_logging();
        // The driver would take `root`.
        let user = address.user.as_deref().ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!("connection.user: no user is given for {address}, here or in the URL"),
            )
        })?;
        driver = driver.username(user);
        if let Some(password) = &address.password {
            driver = driver.password(password.expose());
        }
        if !address.database.is_empty() {
            driver = driver.database(&address.database);
        }
        let mut given = parameter::Given::default();
        let mut faults = given.read(&address.parameters);
        if let Some(socket) = &given.socket {
            driver = driver.socket(socket);
        }
        let tls = TlsOptions {
            mode: options.tls.mode.or(given.tls.mode),
            ca: options.tls.ca.clone().or(given.tls.ca),
            certificate: options.tls.certificate.clone().or(given.tls.certificate),
            key: options.tls.key.clone().or(given.tls.key),
        };
        if tls.certificate.is_some() != tls.key.is_some() {
            faults.push("a client certificate and its key belong together: one is missing".into());
        }
        driver = with_tls(driver, &tls);
        let mut variables = Vec::new();
        for (name, value) in given.session.iter().chain(&options.session) {
            match variable(name, value) {
                Ok(variable) => variables.push(variable),
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("connection.url: {}", faults.join("; ")),
            ));
        }
        let default = OpenOptions::default();
        // What the options say goes before the URL, where they say anything but their defaults.
        let mut values = options.values;
        if let Some(tinyint1) = given
            .tinyint1
            .filter(|_| values.tinyint1 == default.values.tinyint1)
        {
            values.tinyint1 = tinyint1;
        }
        if let Some(zero) = given
            .zero_dates
            .filter(|_| values.zero_dates == default.values.zero_dates)
        {
            values.zero_dates = zero;
        }
        let connect_timeout = match given.connect_timeout {
            Some(timeout) if options.connect_timeout == default.connect_timeout => timeout,
            _ => options.connect_timeout,
        };
        Ok(Self {
            driver,
            connect_timeout,
            values,
            other_keys: options.other_keys,
            target: given.target,
            lock_timeout: options.lock_timeout,
            statement_timeout: options.statement_timeout.or(given.statement_timeout),
            idle_timeout: options.idle_timeout,
            read_only: options.read_only || given.read_only,
            tls,
            variables,
        })
    }

    /// Looks for the files of TLS, whose absence the driver would report as a lost connection.
    ///
    /// # Errors
    /// `Config`: one cannot be read; it is named.
    pub(crate) fn check_files(&self) -> Result<()> {
        let files = [
            ("ssl-ca", &self.tls.ca),
            ("ssl-cert", &self.tls.certificate),
            ("ssl-key", &self.tls.key),
        ];
        for (name, file) in files {
            let Some(file) = file else { continue };
            if let Err(e) = std::fs::File::open(file) {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("{name}: cannot read {}", file.display()),
                )
                .with_source(e));
            }
        }
        Ok(())
    }

    /// The driver's options to connect to `host`.
    pub(crate) fn of(&self, host: &Host) -> MySqlConnectOptions {
        let driver = self.driver.clone().port(host.port.unwrap_or(3306));
        match host.name.as_str() {
            "" => driver.host("localhost"),
            name => driver.host(name),
        }
    }

    /// The statements that a session on this server begins with.
    ///
    /// # Errors
    /// `Unsupported`: an option that the server cannot heed.
    pub(crate) fn session(&self, server: &Server) -> Result<Vec<Begin>> {
        let begin = |what: &str, sql: String| Begin {
            what: what.to_owned(),
            sql,
        };
        // Dates that are none come and go as text, or are refused.
        let zero = match crate::types::zero_dates(&self.values) {
            dialect_core::ZeroDates::Text => "",
            _ => ",NO_ZERO_DATE,NO_ZERO_IN_DATE",
        };
        let locks = self.lock_timeout.map(|timeout| {
            let seconds = timeout.as_millis().div_ceil(1_000);
            format!(", lock_wait_timeout = {seconds}")
        });
        let locks = locks.unwrap_or_default();
        let mut all = vec![begin(
            "set the session's modes",
            format!("SET SESSION sql_mode = '{MODES}{zero}', net_write_timeout = 3600{locks}"),
        )];
        if let Some(timeout) = self.idle_timeout {
            let seconds = timeout.as_secs().max(1);
            all.push(begin(
                "set the idle timeout",
                format!("SET SESSION wait_timeout = {seconds}"),
            ));
        }
        if let Some(timeout) = self.statement_timeout {
            let limit = server.statement_timeout(timeout).ok_or_else(|| {
                Error::new(
                    ErrorKind::Unsupported,
                    format!("statement timeout: {server} has no limit of a statement's time"),
                )
            })?;
            all.push(begin(
                "set the statement timeout",
                format!("SET SESSION {limit}"),
            ));
        }
        for (name, value) in &self.variables {
            all.push(begin(
                &format!("set `{name}`"),
                format!("SET SESSION {name} = {value}"),
            ));
        }
        if self.read_only {
            all.push(begin(
                "set the session to read only",
                "SET SESSION TRANSACTION READ ONLY".to_owned(),
            ));
        }
        Ok(all)
    }
}

// Not derived: the driver's settings hold the password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

fn with_tls(mut driver: MySqlConnectOptions, tls: &TlsOptions) -> MySqlConnectOptions {
    driver = driver.ssl_mode(match tls.mode {
        Some(TlsMode::Disable) => MySqlSslMode::Disabled,
        Some(TlsMode::Prefer) | None => MySqlSslMode::Preferred,
        Some(TlsMode::Require) => MySqlSslMode::Required,
        Some(TlsMode::VerifyCa) => MySqlSslMode::VerifyCa,
        Some(TlsMode::VerifyFull) => MySqlSslMode::VerifyIdentity,
    });
    if let Some(ca) = &tls.ca {
        driver = driver.ssl_ca(ca);
    }
    if let Some(certificate) = &tls.certificate {
        driver = driver.ssl_client_cert(certificate);
    }
    if let Some(key) = &tls.key {
        driver = driver.ssl_client_key(key);
    }
    driver
}

/// A variable of the session and its value as SQL: a number as it is, else a text.
fn variable(name: &str, value: &str) -> Result<(String, String), String> {
    let mut chars = name.chars();
    let right = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 64;
    if !right {
        return Err(format!(
            "session setting `{}` is no name of a variable",
            name.escape_debug()
        ));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) {
        return Err(format!(
            "session setting `{name}` is set here, so that values arrive as they were"
        ));
    }
    let digits = value.strip_prefix('-').unwrap_or(value);
    let number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.matches('.').count() <= 1
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let value = match number {
        true => value.to_owned(),
        // Quoted as in a session without other modes than ours.
        false => crate::types::grammar::quoted(value),
    };
    Ok((lower, value))
}

#[cfg(test)]
mod tests;
