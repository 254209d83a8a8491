//! The parameters of a URL.
use connect_api::config::nearest;
use dialect_core::{TargetSession, TinyInt1, TlsMode, TlsOptions, ZeroDates};
use std::time::Duration;

/// The parameters that a URL may have, for the message about one that it may not. Hyphens,
/// underscores and case make no difference.
pub(super) const KNOWN: [&str; 31] = [
    "allowPublicKeyRetrieval",
    "characterEncoding",
    "connectTimeout",
    "maxStatementTime",
    "password",
    "readOnly",
    "requireSSL",
    "rewriteBatchedStatements",
    "serverSslCert",
    "serverTimezone",
    "sessionVariables",
    "socket",
    "socketTimeout",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "sslMode",
    "targetServerType",
    "target_session_attrs",
    "tcpKeepAlive",
    "tinyInt1isBit",
    "useCursorFetch",
    "useServerPrepStmts",
    "useSSL",
    "useUnicode",
    "user",
    "verifyServerCertificate",
    "yearIsDateType",
    "zeroDateTimeBehavior",
    "cachePrepStmts",
];

/// What the parameters of a URL say.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) tls: TlsOptions,
    pub(super) socket: Option<String>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) statement_timeout: Option<Duration>,
    pub(super) read_only: bool,
    pub(super) tinyint1: Option<TinyInt1>,
    pub(super) zero_dates: Option<ZeroDates>,
    pub(super) session: Vec<(String, String)>,
    pub(super) target: TargetSession,
    /// What `useSSL` and its like say; a mode goes before it.
    use_ssl: Option<bool>,
    require_ssl: bool,
    verify: Option<bool>,
}

impl Given {
    /// Reads all; what is wrong with them.
    pub(super) fn read(&mut self, parameters: &[(String, String)]) -> Vec<String> {
        let faults = parameters
            .iter()
            .filter_map(|(name, value)| self.parameter(name, value).err())
            .collect();
        if self.tls.mode.is_none() {
            self.tls.mode = match (self.use_ssl, self.verify) {
                (Some(false), _) => Some(TlsMode::Disable),
                (Some(true), Some(true)) => Some(TlsMode::VerifyCa),
                (Some(true), _) => Some(TlsMode::Require),
                (None, _) if self.require_ssl => Some(TlsMode::Require),
                (None, _) => None,
            };
        }
        faults
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<(), String> {
        let plain = name.replace(['-', '_'], "").to_ascii_lowercase();
        let file = || Some(value.into());
        match plain.as_str() {
            "sslmode" => self.tls.mode = Some(tls_mode(value)?),
            "usessl" => self.use_ssl = Some(flag(name, value)?),
            "requiressl" => self.require_ssl = flag(name, value)?,
            "verifyservercertificate" => self.verify = Some(flag(name, value)?),
            "sslca" | "serversslcert" => self.tls.ca = file(),
            "sslcert" => self.tls.certificate = file(),
            "sslkey" => self.tls.key = file(),
            "socket" => self.socket = Some(value.to_owned()),
            "tinyint1isbit" => {
                self.tinyint1 = Some(match flag(name, value)? {
                    true => TinyInt1::Bool,
                    false => TinyInt1::Number,
                });
            }
            "zerodatetimebehavior" => self.zero_dates = Some(zero_dates(value)?),
            "targetsessionattrs" | "targetservertype" => {
                self.target = TargetSession::parse(value).map_err(|e| format!("`{name}` {e}"))?;
            }
            "readonly" => self.read_only = flag(name, value)?,
            "connecttimeout" => self.connect_timeout = Some(millis(name, value)?),
            "maxstatementtime" => {
                let seconds = value.parse().ok().filter(|s: &f64| *s > 0.0);
                let seconds = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
                self.statement_timeout =
                    Some(seconds.ok_or(format!("`{name}` is not a number of seconds"))?);
            }
            "sessionvariables" => {
                for part in value.split([',', ';']).filter(|p| !p.trim().is_empty()) {
                    let (variable, value) = part
                        .split_once('=')
                        .ok_or(format!("`{name}` is not of the form a=1,b=2"))?;
                    let value = value.trim().trim_matches('\'');
                    self.session
                        .push((variable.trim().to_owned(), value.to_owned()));
                }
            }
            "servertimezone" => ignored(name, "the session's time zone is always +00:00"),
            "characterencoding" | "useunicode" => {
                ignored(name, "the connection's character set is always utf8mb4");
            }
            "rewritebatchedstatements" => {
                ignored(name, "rows are always written many a statement");
            }
            "useserverprepstmts" | "cacheprepstmts" => {
                ignored(
                    name,
                    "statements are always prepared by the server, and kept",
                );
            }
            "usecursorfetch" => ignored(name, "rows are always read as they come"),
            "yearisdatetype" => ignored(name, "a YEAR is always a number"),
            "sockettimeout" => ignored(name, "a statement's time is limited by the server"),
            "tcpkeepalive" => ignored(name, "the operating system's setting applies"),
            "allowpublickeyretrieval" => ignored(
                name,
                "a password is sent over TLS, or scrambled, never under a key that the server names",
            ),
            _ => {
                let known = || KNOWN.into_iter();
                let hint = match nearest(name, known()) {
                    Some(like) => format!("did you mean `{like}`?"),
                    None => format!("known are {}", KNOWN.join(", ")),
                };
                return Err(format!("unknown parameter `{name}`; {hint}"));
            }
        }
        Ok(())
    }
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

fn millis(name: &str, value: &str) -> Result<Duration, String> {
    let millis = value.parse().ok().filter(|m| *m > 0);
    millis
        .map(Duration::from_millis)
        .ok_or(format!("`{name}` is not a number of milliseconds"))
}

/// Connector/J's values; it has no mapping to text.
fn zero_dates(value: &str) -> Result<ZeroDates, String> {
    match value.replace('_', "").to_ascii_lowercase().as_str() {
        "exception" => Ok(ZeroDates::Error),
        "converttonull" => Ok(ZeroDates::Null),
        _ => Err(
            "`zeroDateTimeBehavior` is exception or convertToNull; dates are not rounded to \
             others"
                .to_owned(),
        ),
    }
}

/// The modes of MySQL's clients, and MariaDB's words for them.
fn tls_mode(value: &str) -> Result<TlsMode, String> {
    let plain = value.replace('_', "-").to_ascii_lowercase();
    Ok(match plain.as_str() {
        "disable" | "disabled" => TlsMode::Disable,
        "preferred" | "prefer" => TlsMode::Prefer,
        "required" | "require" | "trust" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-identity" | "verify-full" => TlsMode::VerifyFull,
        _ => {
            return Err(
                "`sslMode` is one of disable, preferred, required, verify-ca, verify-identity"
                    .to_owned(),
            );
        }
    })
}
