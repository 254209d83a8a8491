//! What a URL and the options say about the connection.
use connect_api::{
    Error, ErrorKind, Result,
    config::{Setting as _, nearest},
};
use dialect_core::{Address, OpenOptions, Pooler, TargetSession, TlsMode};
use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgSslMode},
};
use std::time::Duration;

/// The parameters that a URL may have: those of libpq, and the JDBC driver's names for them.
const PARAMETERS: [&str; 20] = [
    "ApplicationName",
    "application_name",
    "connectTimeout",
    "connect_timeout",
    "currentSchema",
    "keepalives_idle",
    "loginTimeout",
    "options",
    "password",
    "readOnly",
    "search_path",
    "ssl",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement_timeout",
    "targetServerType",
    "target_session_attrs",
    "user",
];
/// What our reading of values depends on.
const OURS: [&str; 4] = ["client_encoding", "datestyle", "intervalstyle", "timezone"];
/// The port of a host without one.
pub(crate) const PORT: u16 = 5432;

/// How sessions are opened and configured.
#[derive(Clone)]
pub(crate) struct Settings {
    /// For the driver. It holds the password: it is not shown anywhere.
    pub(crate) driver: PgConnectOptions,
    /// Longest wait for a connection.
    pub(crate) connect_timeout: Duration,
    /// Parameters of the server that each session sets, ours.
    pub(crate) session: Vec<(&'static str, String)>,
    /// The same, as the user wants them.
    pub(crate) wanted: Vec<(String, String)>,
    /// Only servers from 14 on end sessions that are idle outside transactions.
    pub(crate) ends_idle: bool,
    /// What stands before the server, as far as it is known.
    pub(crate) pooler: Pooler,
    /// Which of several hosts is wanted.
    pub(crate) target: TargetSession,
    /// The URL names the application.
    pub(crate) is_named: bool,
}

impl Settings {
    /// Reads what `address` and `options` say.
    ///
    /// # Errors
    /// `Config`: a parameter that is not known, or a value that cannot be read; all are named.
    pub(crate) fn read(address: &Address, options: &OpenOptions) -> Result<Self> {
        let mut driver = PgConnectOptions::new_without_pgpass()
            .application_name("rocketmq-connect")
            .ssl_mode(PgSslMode::Prefer)
            .extra_float_digits(None)
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
        let mut settings = Self {
            driver,
            connect_timeout: options.connect_timeout,
            // Not as the session is asked for: poolers refuse the last one then.
            session: vec![
                ("intervalstyle", "iso_8601".to_owned()),
                ("extra_float_digits", "2".to_owned()),
            ],
            wanted: Vec::new(),
            ends_idle: options.idle_timeout.is_some(),
            pooler: options.pooler,
            target: TargetSession::default(),
            is_named: false,
        };
        let mut faults = Vec::new();
        // A mode goes before `ssl`.
        let mut parameters: Vec<_> = address.parameters.iter().collect();
        parameters.sort_by_key(|(name, _)| name != "ssl");
        for (name, value) in parameters {
            if let Err(fault) = settings.parameter(name, value) {
                faults.push(fault);
            }
        }
        settings.tls(options);
        settings.timeouts(options);
        for (name, value) in &options.session {
            settings.want(name, value, &mut faults);
        }
        if faults.is_empty() {
            return Ok(settings);
        }
        Err(Error::new(
            ErrorKind::Config,
            format!("connection.url: {}", faults.join("; ")),
        ))
    }

    fn want(&mut self, name: &str, value: &str, faults: &mut Vec<String>) {
        if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            faults.push(format!(
                "session setting `{name}` cannot be changed: values are read by it"
            ));
            return;
        }
        self.wanted.push((name.to_owned(), value.to_owned()));
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<(), String> {
        let driver = self.driver.clone();
        match name {
            "sslmode" => {
                let mode = TlsMode::parse(value).map_err(|e| format!("`{name}`: {e}"))?;
                self.driver = driver.ssl_mode(ssl_mode(mode));
            }
            "ssl" => {
                let mode = match flag(name, value)? {
                    true => PgSslMode::VerifyFull,
                    false => PgSslMode::Disable,
                };
                self.driver = driver.ssl_mode(mode);
            }
            "sslrootcert" => self.driver = driver.ssl_root_cert(value),
            "sslcert" => self.driver = driver.ssl_client_cert(value),
            "sslkey" => self.driver = driver.ssl_client_key(value),
            "application_name" | "ApplicationName" => {
                self.driver = driver.application_name(value);
                self.is_named = true;
            }
            "search_path" | "currentSchema" => self.session.push(("search_path", value.to_owned())),
            "connect_timeout" | "connectTimeout" | "loginTimeout" => {
                self.connect_timeout = seconds(name, value)?;
            }
            "statement_timeout" => {
                let millis: u64 = value
                    .parse()
                    .map_err(|_e| format!("`{name}` is not a number of milliseconds"))?;
                self.session
                    .push(("statement_timeout", format!("{millis}ms")));
            }
            "keepalives_idle" => {
                let idle = seconds(name, value)?.as_secs();
                self.session.push(("tcp_keepalives_idle", idle.to_string()));
            }
            "target_session_attrs" | "targetServerType" => {
                self.target = TargetSession::parse(value).map_err(|e| format!("`{name}` {e}"))?;
            }
            "readOnly" => {
                if flag(name, value)? {
                    self.session.push(read_only());
                }
            }
            "options" => {
                let mut faults = Vec::new();
                for (name, value) in command_line(value)? {
                    self.want(&name, &value, &mut faults);
                }
                if let Some(fault) = faults.pop() {
                    return Err(fault);
                }
            }
            _ => {
                let near = nearest(name, PARAMETERS.into_iter());
                let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return Err(format!(
                    "PostgreSQL has no parameter `{name}` here{near} (there are {})",
                    PARAMETERS.join(", ")
                ));
            }
        }
        Ok(())
    }

    fn tls(&mut self, options: &OpenOptions) {
        let mut driver = self.driver.clone();
        let tls = &options.tls;
        if let Some(mode) = tls.mode {
            driver = driver.ssl_mode(ssl_mode(mode));
        }
        if let Some(ca) = &tls.ca {
            driver = driver.ssl_root_cert(ca);
        }
        if let Some(certificate) = &tls.certificate {
            driver = driver.ssl_client_cert(certificate);
        }
        if let Some(key) = &tls.key {
            driver = driver.ssl_client_key(key);
        }
        self.driver = driver;
    }

    fn timeouts(&mut self, options: &OpenOptions) {
        let millis = |time: Duration| format!("{}ms", time.as_millis().max(1));
        if let Some(time) = options.statement_timeout {
            self.session.push(("statement_timeout", millis(time)));
        }
        if let Some(time) = options.lock_timeout {
            // First: what the URL says goes before it.
            self.session.insert(0, ("lock_timeout", millis(time)));
        }
        if let Some(time) = options.idle_timeout {
            let idle = "idle_in_transaction_session_timeout";
            self.session.push((idle, millis(time)));
            self.session.push(("idle_session_timeout", millis(time)));
        }
        if let Some(idle) = options.keep_alive {
            // The server's side asks, which finds out about both.
            let seconds = idle.as_secs().max(1).to_string();
            self.session.push(("tcp_keepalives_idle", seconds));
        }
        if options.read_only {
            self.session.push(read_only());
        }
    }
}

/// The session may not write.
fn read_only() -> (&'static str, String) {
    ("default_transaction_read_only", "on".to_owned())
}

fn ssl_mode(mode: TlsMode) -> PgSslMode {
    match mode {
        TlsMode::Disable => PgSslMode::Disable,
        TlsMode::Prefer => PgSslMode::Prefer,
        TlsMode::Require => PgSslMode::Require,
        TlsMode::VerifyCa => PgSslMode::VerifyCa,
        TlsMode::VerifyFull => PgSslMode::VerifyFull,
    }
}

fn flag(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" | "" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{name}` is neither true nor false")),
    }
}

fn seconds(name: &str, value: &str) -> Result<Duration, String> {
    let seconds = value.parse().ok().filter(|s| *s > 0);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{name}` is not a number of seconds"))
}

/// Reads `-c name=value --name=value`, blanks in values behind a backslash, as libpq does.
fn command_line(text: &str) -> Result<Vec<(String, String)>, String> {
    let (mut words, mut word, mut escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            _ if escaped => {
                word.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            c if c.is_ascii_whitespace() => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match word.as_str() {
            "-c" => words.next(),
            word => word
                .strip_prefix("--")
                .or_else(|| word.strip_prefix("-c"))
                .map(str::to_owned),
        };
        let setting = setting
            .as_deref()
            .and_then(|setting| setting.split_once('='));
        let (name, value) =
            setting.ok_or("`options` is not of the form `-c name=value`".to_owned())?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, options: &OpenOptions) -> Result<Settings> {
        Settings::read(&Address::parse(url, options)?, options)
    }

    #[test]
    fn a_url_says_all_that_the_driver_needs() {
        let url = "jdbc:postgresql://db.example/shop?user=ann&password=x&sslmode=verify-full\
                   &connect_timeout=3&currentSchema=sales&options=-c%20geqo%3Doff%20--work-mem%3D9MB";
        let settings = read(url, &OpenOptions::default()).unwrap();
        let driver = &settings.driver;
        assert_eq!(driver.get_database(), Some("shop"));
        assert_eq!(driver.get_username(), "ann");
        assert_eq!(driver.get_application_name(), Some("rocketmq-connect"));
        assert!(matches!(driver.get_ssl_mode(), PgSslMode::VerifyFull));
        assert_eq!(settings.connect_timeout, Duration::from_secs(3));
        assert!(settings.session.contains(&("search_path", "sales".into())));
        let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            settings.wanted,
            [owned("geqo", "off"), owned("work_mem", "9MB")]
        );
    }

    #[test]
    fn both_spellings_say_the_same() {
        let none = OpenOptions::default();
        for (libpq, jdbc) in [
            ("sslmode=verify-full", "ssl=true"),
            ("sslmode=disable", "ssl=false"),
            ("sslmode=require", "ssl=true&sslmode=require"),
            ("connect_timeout=7", "loginTimeout=7"),
            ("application_name=x", "ApplicationName=x"),
        ] {
            let of = |parameters: &str| {
                let settings = read(&format!("postgres://u@h/d?{parameters}"), &none).unwrap();
                format!(
                    "{:?} {:?} {:?}",
                    settings.driver.get_ssl_mode(),
                    settings.connect_timeout,
                    settings.driver.get_application_name()
                )
            };
            assert_eq!(of(libpq), of(jdbc));
        }
    }

    #[test]
    fn options_become_settings_of_the_session() {
        let options = OpenOptions {
            statement_timeout: Some(Duration::from_millis(1_500)),
            idle_timeout: Some(Duration::from_secs(60)),
            keep_alive: Some(Duration::from_secs(30)),
            read_only: true,
            session: vec![("work_mem".to_owned(), "8MB".to_owned())],
            ..OpenOptions::default()
        };
        let settings = read("postgres://u@h/d", &options).unwrap();
        let shown: Vec<_> = settings
            .session
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            shown,
            [
                "intervalstyle=iso_8601",
                "extra_float_digits=2",
                "statement_timeout=1500ms",
                "idle_in_transaction_session_timeout=60000ms",
                "idle_session_timeout=60000ms",
                "tcp_keepalives_idle=30",
                "default_transaction_read_only=on",
            ]
        );
        assert_eq!(settings.wanted.len(), 1);
    }

    #[test]
    fn an_unknown_parameter_is_refused_by_name() {
        let ours = OpenOptions {
            session: vec![("TimeZone".to_owned(), "Europe/Paris".to_owned())],
            ..OpenOptions::default()
        };
        let none = OpenOptions::default();
        for (url, options, word) in [
            ("sslmod=require", &none, "did you mean `sslmode`?"),
            ("sslmode=maybe", &none, "verify-full"),
            ("connect_timeout=soon", &none, "`connect_timeout`"),
            ("readOnly=perhaps", &none, "`readOnly`"),
            ("options=work_mem", &none, "`options`"),
            ("ssl=false", &ours, "`TimeZone` cannot be changed"),
        ] {
            let url = format!("postgres://u:hunter2@h/d?{url}");
            let error = read(&url, options).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(word), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let several = read("postgres://u@h/d?a=1&b=2", &none).err().unwrap();
        assert!(several.to_string().contains("`a`") && several.to_string().contains("`b`"));
    }
}
