//! What a URL says about the connection.
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Address, OpenOptions};
use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};
use std::time::Duration;

/// The parameters that a URL may have, for messages.
const PARAMETERS: &str = "sslmode, sslrootcert, sslcert, sslkey, application_name, \
     connect_timeout, search_path (or ApplicationName, loginTimeout, currentSchema)";

/// The port of a host without one.
pub(crate) const PORT: u16 = 5432;

/// The driver's options and the longest wait for a connection.
pub(crate) fn settings(
    address: &Address,
    options: &OpenOptions,
) -> Result<(PgConnectOptions, Duration)> {
    let mut driver = PgConnectOptions::new_without_pgpass()
        .application_name("rocketmq-connect")
        .ssl_mode(PgSslMode::Prefer)
        .disable_statement_logging();
    if !address.database.is_empty() {
        driver = driver.database(&address.database);
    }
    if let Some(user) = &address.user {
        driver = driver.username(user);
    }
    if let Some(password) = &address.password {
        driver = driver.password(password.expose());
    }
    let mut timeout = options.connect_timeout;
    for (name, value) in &address.parameters {
        driver = match name.as_str() {
            "sslmode" => driver.ssl_mode(ssl_mode(value)?),
            "sslrootcert" => driver.ssl_root_cert(value),
            "sslcert" => driver.ssl_client_cert(value),
            "sslkey" => driver.ssl_client_key(value),
            "application_name" | "ApplicationName" => driver.application_name(value),
            "search_path" | "currentSchema" => driver.options([("search_path", value)]),
            "connect_timeout" | "loginTimeout" => {
                let seconds = value.parse().ok().filter(|s| *s > 0);
                timeout = Duration::from_secs(seconds.ok_or_else(|| {
                    wrong(format!("parameter `{name}` is not a number of seconds"))
                })?);
                driver
            }
            _ => {
                return Err(wrong(format!(
                    "PostgreSQL has no parameter `{name}` here; there are {PARAMETERS}"
                )));
            }
        };
    }
    Ok((driver, timeout))
}

fn ssl_mode(value: &str) -> Result<PgSslMode> {
    Ok(match value {
        "disable" => PgSslMode::Disable,
        "prefer" => PgSslMode::Prefer,
        "require" => PgSslMode::Require,
        "verify-ca" => PgSslMode::VerifyCa,
        "verify-full" => PgSslMode::VerifyFull,
        _ => {
            return Err(wrong(
                "sslmode is one of disable, prefer, require, verify-ca, verify-full".to_owned(),
            ));
        }
    })
}

fn wrong(why: String) -> Error {
    Error::new(ErrorKind::Config, format!("connection.url: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(url: &str) -> Result<(PgConnectOptions, Duration)> {
        let options = OpenOptions::default();
        settings(&Address::parse(url, &options)?, &options)
    }

    #[test]
    fn a_url_says_all_that_the_driver_needs() {
        let (driver, timeout) = open(
            "jdbc:postgresql://db.example/shop?user=ann&password=x&sslmode=verify-full&connect_timeout=3",
        )
        .unwrap();
        assert_eq!(driver.get_database(), Some("shop"));
        assert_eq!(driver.get_username(), "ann");
        assert_eq!(driver.get_application_name(), Some("rocketmq-connect"));
        assert!(matches!(driver.get_ssl_mode(), PgSslMode::VerifyFull));
        assert_eq!(timeout, Duration::from_secs(3));
    }

    #[test]
    fn an_unknown_parameter_is_refused_by_name() {
        for (url, word) in [
            ("postgres://h/d?sslmod=require", "`sslmod`"),
            ("postgres://h/d?sslmode=maybe", "verify-full"),
            ("postgres://h/d?connect_timeout=soon", "`connect_timeout`"),
        ] {
            let error = open(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
