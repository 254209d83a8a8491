//! What a URL says of the connection: MySQL's own parameters and those of the JDBC drivers.
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Address, Host, OpenOptions};
use sqlx::{
    ConnectOptions as _,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};
use std::time::Duration;

/// The parameters that a URL may have, for the message about one that it may not.
const KNOWN: [&str; 16] = [
    "allowPublicKeyRetrieval",
    "characterEncoding",
    "connectTimeout",
    "password",
    "rewriteBatchedStatements",
    "serverTimezone",
    "socket",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode (sslMode)",
    "tinyInt1isBit",
    "useServerPrepStmts",
    "useSSL",
    "useUnicode",
    "user",
];

/// How connections are made, and what they are told.
#[derive(Clone)]
pub(crate) struct Settings {
    /// For the driver. It holds the password: it is not shown anywhere.
    pub(crate) driver: MySqlConnectOptions,
    /// Longest wait for a connection.
    pub(crate) connect_timeout: Duration,
    /// `tinyint(1)` is carried as a boolean.
    pub(crate) tinyint1_is_bool: bool,
}

impl Settings {
    /// Reads what `address` and `options` say.
    ///
    /// # Errors
    /// `Config`: a parameter that is not known, or a value that cannot be read; all are named.
    pub(crate) fn read(address: &Address, options: &OpenOptions) -> Result<Self> {
        let mut driver = MySqlConnectOptions::new()
            // The session's modes are set by `connection`, all of them.
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
        let mut settings = Self {
            driver,
            connect_timeout: options.connect_timeout,
            tinyint1_is_bool: false,
        };
        let (mut ssl_mode, mut use_ssl) = (None, None);
        let mut faults = Vec::new();
        for (name, value) in &address.parameters {
            match settings.parameter(name, value) {
                Ok(Some(Tls::Mode(mode))) => ssl_mode = Some(mode),
                Ok(Some(Tls::Use(mode))) => use_ssl = Some(mode),
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("connection.url: {}", faults.join("; ")),
            ));
        }
        if let Some(mode) = ssl_mode.or(use_ssl) {
            settings.driver = settings.driver.ssl_mode(mode);
        }
        Ok(settings)
    }

    /// What the driver is told to reach `host`.
    pub(crate) fn of(&self, host: &Host) -> MySqlConnectOptions {
        let driver = self.driver.clone().port(host.port.unwrap_or(3306));
        match host.name.as_str() {
            "" => driver.host("localhost"),
            name => driver.host(name),
        }
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<Option<Tls>, String> {
        // MySQL writes `ssl-mode`, Connector/J `sslMode`, both also without the hyphen.
        let plain = name.replace(['-', '_'], "").to_ascii_lowercase();
        let driver = self.driver.clone();
        match plain.as_str() {
            "sslmode" => return ssl_mode(value).map(|mode| Some(Tls::Mode(mode))),
            "usessl" => {
                let mode = match flag(name, value)? {
                    true => MySqlSslMode::Required,
                    false => MySqlSslMode::Disabled,
                };
                return Ok(Some(Tls::Use(mode)));
            }
            "sslca" => self.driver = driver.ssl_ca(value),
            "sslcert" => self.driver = driver.ssl_client_cert(value),
            "sslkey" => self.driver = driver.ssl_client_key(value),
            "socket" => self.driver = driver.socket(value),
            "tinyint1isbit" => self.tinyint1_is_bool = flag(name, value)?,
            "connecttimeout" => {
                let millis = value
                    .parse()
                    .map_err(|_e| format!("`{name}` is not a number of milliseconds"))?;
                self.connect_timeout = Duration::from_millis(millis);
            }
            "servertimezone" => ignored(name, "the session's time zone is always +00:00"),
            "characterencoding" | "useunicode" => {
                ignored(name, "the connection's character set is always utf8mb4");
            }
            "rewritebatchedstatements" => {
                ignored(name, "rows are always written many a statement");
            }
            "useserverprepstmts" => ignored(name, "statements are always prepared by the server"),
            "allowpublickeyretrieval" => ignored(
                name,
                "a password is sent over TLS, or scrambled, never under a key that the server names",
            ),
            _ => {
                return Err(format!(
                    "unknown parameter `{name}`; known are {}",
                    KNOWN.join(", ")
                ));
            }
        }
        Ok(None)
    }
}

/// What a parameter says of TLS; a mode goes before `useSSL`.
enum Tls {
    Mode(MySqlSslMode),
    Use(MySqlSslMode),
}

fn ignored(parameter: &str, instead: &str) {
    tracing::warn!(
        parameter,
        instead,
        "this parameter of the URL has no effect"
    );
}

fn flag(name: &str, value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!("`{name}` is true or false")),
    }
}

/// The modes of MySQL's clients, and MariaDB's words for them.
fn ssl_mode(value: &str) -> Result<MySqlSslMode, String> {
    let plain = value.replace('_', "-").to_ascii_lowercase();
    Ok(match plain.as_str() {
        "disable" | "disabled" => MySqlSslMode::Disabled,
        "preferred" | "prefer" => MySqlSslMode::Preferred,
        "required" | "require" | "trust" => MySqlSslMode::Required,
        "verify-ca" => MySqlSslMode::VerifyCa,
        "verify-identity" | "verify-full" => MySqlSslMode::VerifyIdentity,
        _ => {
            return Err(
                "`sslMode` is one of disable, preferred, required, verify-ca, verify-identity"
                    .to_owned(),
            );
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Settings> {
        let options = OpenOptions::default();
        let address =
            Address::parse(&format!("jdbc:mysql://ann@db/shop?{query}"), &options).unwrap();
        Settings::read(&address, &options)
    }

    #[test]
    fn all_unknown_parameters_are_refused_by_name() {
        let error = read("sslMode=required&autoReconnect=true&useSSL=perhaps")
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(text.contains("unknown parameter `autoReconnect`"), "{text}");
        assert!(text.contains("`useSSL` is true or false"), "{text}");
        assert!(!text.contains("perhaps"), "{text}");
    }

    #[test]
    fn a_url_without_a_user_is_refused() {
        let options = OpenOptions::default();
        let address = Address::parse("mysql://db/shop", &options).unwrap();
        let error = Settings::read(&address, &options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("connection.user"), "{error}");
    }

    #[test]
    fn tls_modes_are_read_in_every_spelling_and_go_before_use_ssl() {
        for (query, mode) in [
            ("", "Preferred"),
            ("ssl-mode=VERIFY_IDENTITY", "VerifyIdentity"),
            ("sslMode=verify-full", "VerifyIdentity"),
            ("sslmode=verify-ca", "VerifyCa"),
            ("sslMode=trust", "Required"),
            ("sslMode=disable", "Disabled"),
            ("useSSL=false", "Disabled"),
            ("useSSL=true", "Required"),
            ("sslMode=preferred&useSSL=true", "Preferred"),
        ] {
            let settings = read(query).ok().unwrap();
            assert_eq!(
                format!("{:?}", settings.driver.get_ssl_mode()),
                mode,
                "{query}"
            );
        }
        assert!(read("sslMode=perhaps").is_err());
    }

    #[test]
    fn parameters_of_the_java_drivers_are_taken() {
        let query = "useSSL=false&serverTimezone=UTC&characterEncoding=utf8&useUnicode=true\
                     &rewriteBatchedStatements=true&allowPublicKeyRetrieval=true\
                     &useServerPrepStmts=true&connectTimeout=1500&tinyInt1isBit=true";
        let settings = read(query).ok().unwrap();
        assert_eq!(settings.connect_timeout, Duration::from_millis(1500));
        assert!(settings.tinyint1_is_bool);
    }
}
