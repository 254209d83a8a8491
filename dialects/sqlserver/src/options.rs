//! What a URL and the options say of the connection: the parameters of plain URLs and those of
//! Microsoft's drivers.
pub(crate) mod jdbc;
use connect_api::{
    Error, ErrorKind, Result,
    config::{Secret, Setting as _, nearest},
};
use dialect_core::{Address, OpenOptions, TlsMode, ValueOptions};
use std::{path::PathBuf, time::Duration};

/// The parameters that a URL may have, for the message about one that it may not.
const KNOWN: &[&str] = &[
    "applicationIntent",
    "applicationName",
    "connectTimeout",
    "encrypt",
    "hostNameInCertificate",
    "instanceName",
    "lockTimeout",
    "loginTimeout",
    "multiSubnetFailover",
    "packetSize",
    "password",
    "queryTimeout",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "trustServerCertificate",
    "user",
];

/// Parameters of Microsoft's drivers that change nothing here, and why.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    (
        "sendstringparametersasunicode",
        "text is always bound as Unicode",
    ),
    ("selectmethod", "rows are always streamed"),
    ("responsebuffering", "rows are always streamed"),
    (
        "sendtimeasdatetime",
        "times are always bound as their own type",
    ),
    (
        "usebulkcopyforbatchinsert",
        "bulk loads are chosen when a write is planned",
    ),
];

/// How the server is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// Plain text.
    None,
    /// The login alone, whoever the server is: what the drivers' `encrypt=false` means.
    Login,
    /// All, where the server has TLS; whoever it is.
    Preferred,
    /// All, whoever the server is.
    Required,
    /// All, and the certificate is one of the host that a trusted authority has signed.
    Verified,
    /// The same, before anything else is said (TDS 8.0).
    Strict,
}

/// How connections are opened and configured.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) database: String,
    pub(crate) encryption: Encryption,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) client: Option<(PathBuf, PathBuf)>,
    pub(crate) host_in_certificate: Option<String>,
    pub(crate) instance: Option<String>,
    pub(crate) application: String,
    /// The URL names the application.
    pub(crate) is_named: bool,
    pub(crate) packet_bytes: u32,
    pub(crate) connect_timeout: Duration,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) keep_alive: Option<Duration>,
    pub(crate) read_only: bool,
    /// Statements that begin a session, after those of the dialect.
    pub(crate) session: Vec<String>,
    pub(crate) values: ValueOptions,
}

/// What is said of TLS, before it is one decision.
#[derive(Default)]
struct Tls {
    mode: Option<TlsMode>,
    encrypt: Option<Encrypt>,
    trust: Option<bool>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encrypt {
    Optional,
    Mandatory,
    Strict,
}

impl Settings {
    /// Reads what `address` and `options` say.
    ///
    /// # Errors
    /// `Config`: no user, a parameter that is not known, or a value that cannot be read; all are
    /// named. `Unsupported`: an option that neither the server nor the driver can heed.
    pub(crate) fn read(address: &Address, options: &OpenOptions) -> Result<Self> {
        let user = address.user.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!("connection.user: no user is given for {address}, here or in the URL"),
            )
        })?;
        if options.idle_timeout.is_some() {
            return Err(unsupported(
                "an idle timeout, as the server does not end idle sessions",
            ));
        }
        let mut settings = Self {
            user,
            password: address.password.clone().unwrap_or_else(|| Secret::new("")),
            database: address.database.clone(),
            encryption: Encryption::Verified,
            ca: None,
            client: None,
            host_in_certificate: None,
            instance: None,
            application: "rocketmq-connect".to_owned(),
            is_named: false,
            // Larger packets make bulk loads faster; encrypted ones are of 16,383 bytes at most.
            packet_bytes: 16_000,
            connect_timeout: options.connect_timeout,
            statement_timeout: options.statement_timeout,
            keep_alive: options.keep_alive,
            read_only: options.read_only,
            // What the URL says comes after it.
            session: options.lock_timeout.map(lock_timeout).into_iter().collect(),
            values: options.values,
        };
        let mut tls = Tls::default();
        let mut faults = Vec::new();
        for (name, value) in &address.parameters {
            if let Err(fault) = settings.parameter(name, value, &mut tls, options) {
                faults.push(fault);
            }
        }
        for (name, value) in &options.session {
            match session_statement(name, value) {
                Ok(statement) => settings.session.push(statement),
                Err(fault) => faults.push(fault),
            }
        }
        tls.mode = options.tls.mode.or(tls.mode);
        tls.ca = options.tls.ca.clone().or(tls.ca);
        tls.certificate = options.tls.certificate.clone().or(tls.certificate);
        tls.key = options.tls.key.clone().or(tls.key);
        if let Err(fault) = settings.tls(tls)? {
            faults.push(fault);
        }
        if faults.is_empty() {
            return Ok(settings);
        }
        Err(Error::new(
            ErrorKind::Config,
            format!("connection.url: {}", faults.join("; ")),
        ))
    }

    fn parameter(
        &mut self,
        name: &str,
        value: &str,
        tls: &mut Tls,
        options: &OpenOptions,
    ) -> Result<(), String> {
        let plain = name.replace(['-', '_'], "").to_ascii_lowercase();
        match plain.as_str() {
            "sslmode" => tls.mode = Some(TlsMode::parse(value)?),
            "sslrootcert" | "sslca" => tls.ca = Some(value.into()),
            "sslcert" => tls.certificate = Some(value.into()),
            "sslkey" => tls.key = Some(value.into()),
            "encrypt" => {
                tls.encrypt = Some(match value.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "mandatory" => Encrypt::Mandatory,
                    "false" | "no" | "optional" => Encrypt::Optional,
                    "strict" => Encrypt::Strict,
                    _ => return Err("`encrypt` is true, false or strict".to_owned()),
                });
            }
            "trustservercertificate" => tls.trust = Some(flag(name, value)?),
            "hostnameincertificate" => self.host_in_certificate = Some(value.to_owned()),
            "instancename" | "instance" => self.instance = Some(value.to_owned()),
            "applicationname" | "app" => {
                self.application = value.to_owned();
                self.is_named = true;
            }
            "packetsize" => {
                self.packet_bytes = match value.parse() {
                    Ok(bytes @ 512..=32_767) => bytes,
                    _ => return Err(format!("`{name}` is a number from 512 to 32767")),
                };
            }
            "connecttimeout" => {
                self.connect_timeout = Duration::from_millis(number(name, value)?);
            }
            // Seconds in Microsoft's drivers; 0 is theirs for "wait for ever".
            "logintimeout" => self.connect_timeout = Duration::from_secs(number(name, value)?),
            "querytimeout" if options.statement_timeout.is_none() => {
                let seconds = number(name, value)?;
                self.statement_timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
            }
            "querytimeout" => {}
            "locktimeout" => {
                let millis: i32 = value
                    .parse()
                    .map_err(|_e| format!("`{name}` is not a number of milliseconds"))?;
                self.session.push(format!("SET LOCK_TIMEOUT {millis}"));
            }
            "applicationintent" => match value.to_ascii_lowercase().as_str() {
                "readonly" => self.read_only = true,
                "readwrite" => {}
                _ => return Err(format!("`{name}` is ReadOnly or ReadWrite")),
            },
            // Hosts are tried in order, and all addresses of a host.
            "multisubnetfailover" => {
                flag(name, value)?;
            }
            "integratedsecurity" if !flag(name, value)? => {}
            "integratedsecurity" | "authentication" | "authenticationscheme" => {
                return Err(format!(
                    "`{name}`: only a user of SQL Server and its password can log in"
                ));
            }
            other => {
                if let Some((_, instead)) = WITHOUT_EFFECT.iter().find(|(n, _)| *n == other) {
                    tracing::warn!(
                        parameter = name,
                        instead,
                        "this parameter of the URL has no effect"
                    );
                    return Ok(());
                }
                let hint = nearest(name, KNOWN.iter().copied())
                    .map(|known| format!("; did you mean `{known}`?"))
                    .unwrap_or_default();
                return Err(format!(
                    "unknown parameter `{}`; known are {}{hint}",
                    name.escape_debug(),
                    KNOWN.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Decides how the server is met: the mode goes before Microsoft's two flags, and without
    /// either the certificate is verified.
    fn tls(&mut self, tls: Tls) -> Result<Result<(), String>> {
        self.encryption = match (tls.mode, tls.encrypt, tls.trust) {
            (Some(TlsMode::Disable), ..) => Encryption::None,
            (Some(TlsMode::Prefer), ..) => Encryption::Preferred,
            (Some(TlsMode::Require), ..) => Encryption::Required,
            (Some(TlsMode::VerifyCa), ..) => {
                return Err(unsupported(
                    "sslmode verify-ca, as the driver always compares the certificate's name; \
                     use verify-full, with hostNameInCertificate where it is another",
                ));
            }
            (Some(TlsMode::VerifyFull), ..) => Encryption::Verified,
            (None, Some(Encrypt::Strict), _) => Encryption::Strict,
            (None, Some(Encrypt::Optional), _) => Encryption::Login,
            (None, _, Some(true)) => Encryption::Required,
            (None, Some(Encrypt::Mandatory) | None, _) => Encryption::Verified,
        };
        self.client = match (tls.certificate, tls.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Ok(Err(
                    "a client's certificate (sslcert) and its key (sslkey) go together".to_owned(),
                ));
            }
        };
        let verified = matches!(self.encryption, Encryption::Verified | Encryption::Strict);
        if tls.ca.is_some() && !verified {
            return Ok(Err(
                "sslrootcert is of use only where the certificate is verified: sslmode=verify-full"
                    .to_owned(),
            ));
        }
        if self.client.is_some() && self.encryption == Encryption::None {
            return Ok(Err("sslcert needs TLS".to_owned()));
        }
        self.ca = tls.ca;
        Ok(Ok(()))
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("SQL Server cannot be opened with {what}"),
    )
}

fn lock_timeout(timeout: Duration) -> String {
    format!("SET LOCK_TIMEOUT {}", timeout.as_millis())
}

/// `SET name value`, where both are words: what comes from a configuration is no place for other
/// statements.
fn session_statement(name: &str, value: &str) -> Result<String, String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ' ';
    if name.trim().is_empty() || !name.chars().all(word) {
        return Err(format!(
            "session setting `{}` is not the name of one",
            name.escape_debug()
        ));
    }
    if !value.chars().all(|c| word(c) || matches!(c, '-' | '.')) || value.contains("--") {
        return Err(format!(
            "session setting `{name}`: its value is not a word or a number"
        ));
    }
    Ok(format!("SET {} {}", name.trim(), value.trim()))
}

fn flag(name: &str, value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!("`{name}` is true or false")),
    }
}

fn number(name: &str, value: &str) -> Result<u64, String> {
    value
        .parse()
        .map_err(|_e| format!("`{name}` is not a whole number"))
}

#[cfg(test)]
mod tests;
