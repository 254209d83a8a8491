//! What a URL says of a driver, and what is asked of it.
use crate::server::Profile;
use connect_api::{
    Error, ErrorKind, Result,
    config::{Secret, nearest},
};
use dialect_core::{OpenOptions, TlsOptions};
use std::{fmt, time::Duration};

/// The attribute that is ours and not the driver's: the kind of database, where a driver gives it
/// another name.
const PROFILE: &str = "ConnectProfile";

/// Attributes that people are shown; whatever else stands there may be a secret.
const SHOWN: &[&str] = &[
    "driver",
    "dsn",
    "filedsn",
    "server",
    "servername",
    "host",
    "hostname",
    "address",
    "database",
    "dbq",
    "initial catalog",
    "port",
];

/// A connection string, taken apart, and how sessions behave.
///
/// `Debug` shows what [`shown`](Self::shown) has.
pub(crate) struct Settings {
    /// In their order, as they were given.
    attributes: Vec<(String, Secret)>,
    pub(crate) profile: Option<Profile>,
    pub(crate) user: Option<String>,
    pub(crate) shown: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) lock_timeout: Option<Duration>,
    pub(crate) session: Vec<(String, String)>,
    pub(crate) read_only: bool,
    pub(crate) values: dialect_core::ValueOptions,
    pub(crate) other_keys: dialect_core::OtherKeys,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settings").field(&self.shown).finish()
    }
}

fn wrong(why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Config, format!("connection.url: {why}"))
}

fn left_to_the_driver(option: &str, where_to: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("{option}: the ODBC driver's own; set it in its connection string ({where_to})"),
    )
}

impl Settings {
    pub(crate) fn new(url: &str, options: &OpenOptions) -> Result<Self> {
        let url = url.trim();
        let plain = url.strip_prefix("jdbc:").unwrap_or(url);
        let text = match plain.split_once(':') {
            Some((scheme, text)) if scheme.eq_ignore_ascii_case("odbc") => text,
            _ => return Err(wrong("begins with `odbc:`, then a connection string")),
        };
        check(options)?;
        let mut attributes = parse(text)?;
        let profile = match take(&mut attributes, PROFILE) {
            Some(name) => Some(profile(name.expose())?),
            None => None,
        };
        if !attributes
            .iter()
            .any(|(name, _)| ["driver", "dsn", "filedsn"].contains(&&*name.to_ascii_lowercase()))
        {
            return Err(wrong(
                "names neither Driver nor DSN; expected e.g. odbc:Driver={PostgreSQL Unicode};Server=db;Database=shop",
            ));
        }
        if let Some(user) = &options.user {
            take(&mut attributes, "UID");
            take(&mut attributes, "User");
            attributes.push(("UID".to_owned(), Secret::new(user.as_str())));
        }
        if let Some(password) = &options.password {
            take(&mut attributes, "PWD");
            take(&mut attributes, "Password");
            attributes.push(("PWD".to_owned(), password.clone()));
        }
        let shown: Vec<_> = attributes
            .iter()
            .filter(|(name, _)| SHOWN.contains(&&*name.to_ascii_lowercase()))
            .map(|(name, value)| format!("{name}={}", value.expose()))
            .collect();
        let user = attributes
            .iter()
            .find(|(name, _)| ["uid", "user"].contains(&&*name.to_ascii_lowercase()))
            .map(|(_, value)| value.expose().to_owned());
        Ok(Self {
            profile,
            user,
            shown: format!("odbc:{}", shown.join(";")),
            connect_timeout: options.connect_timeout,
            statement_timeout: options.statement_timeout,
            lock_timeout: options.lock_timeout,
            session: options.session.clone(),
            read_only: options.read_only,
            values: options.values,
            other_keys: options.other_keys,
            attributes: with_defaults(attributes),
        })
    }

    /// The whole string, for the driver manager alone.
    pub(crate) fn connection_string(&self) -> Secret {
        let attributes: Vec<_> = self
            .attributes
            .iter()
            .map(|(name, value)| format!("{name}={}", braced(value.expose())))
            .collect();
        Secret::new(attributes.join(";"))
    }

    /// A message of a driver without what the connection string has beside what is shown.
    pub(crate) fn without_secrets(&self, message: &str) -> String {
        let mut clean = message.to_owned();
        for (name, value) in &self.attributes {
            let (name, value) = (name.to_ascii_lowercase(), value.expose());
            let known = SHOWN.contains(&&*name) || name == "uid" || name == "user";
            if !known && value.len() > 3 {
                clean = clean.replace(value, "***");
            }
        }
        clean
    }
}

/// Options that cannot be set for a session of any driver.
fn check(options: &OpenOptions) -> Result<()> {
    if options.tls != TlsOptions::default() {
        return Err(left_to_the_driver("tls", "sslmode, Encrypt, SSLCA, …"));
    }
    if options.keep_alive.is_some() {
        return Err(left_to_the_driver("keep_alive", "KeepaliveTime, …"));
    }
    if options.idle_timeout.is_some() {
        return Err(left_to_the_driver(
            "idle_timeout",
            "or use `session`, as the database names it",
        ));
    }
    Ok(())
}

/// Attributes by which a driver does what all do. Those that are given stay.
fn with_defaults(mut attributes: Vec<(String, Secret)>) -> Vec<(String, Secret)> {
    let driver = attributes
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("driver"))
        .map(|(_, value)| value.expose().to_ascii_lowercase())
        .unwrap_or_default();
    let is = |part: &str| driver.contains(part);
    let defaults: &[(&str, &str)] = if is("postgresql") || is("psqlodbc") {
        // Not a savepoint around each statement, nor ROLLBACK behind our back; results by pieces, of
        // so few rows that those of a MiB each are held, too. Blocks of bound columns are larger
        // pieces: the driver fetches no less than a block.
        &[
            ("Protocol", "7.4-0"),
            ("UseDeclareFetch", "1"),
            ("Fetch", "32"),
        ]
    } else if is("mariadb") || is("maodbc") {
        &[("FORWARDONLY", "1")]
    } else if is("sqlite") {
        // Results row by row.
        &[("StepAPI", "1")]
    } else {
        &[]
    };
    for (name, value) in defaults {
        if !attributes.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
            attributes.push(((*name).to_owned(), Secret::new(*value)));
        }
    }
    attributes
}

fn take(attributes: &mut Vec<(String, Secret)>, name: &str) -> Option<Secret> {
    let at = attributes
        .iter()
        .position(|(n, _)| n.eq_ignore_ascii_case(name))?;
    Some(attributes.remove(at).1)
}

fn profile(name: &str) -> Result<Profile> {
    let all = Profile::ALL.iter().map(|(name, _)| *name);
    Profile::ALL
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name.trim()))
        .map(|(_, profile)| *profile)
        .ok_or_else(|| {
            let names: Vec<_> = all.clone().collect();
            let hint = nearest(name, all)
                .map(|name| format!("; did you mean `{name}`?"))
                .unwrap_or_default();
            wrong(format_args!(
                "{PROFILE}: `{}` is none of {}{hint}",
                name.escape_debug(),
                names.join(", ")
            ))
        })
}

/// Reads `name=value;name={va;l}}ue};…`. Faults are reported without the text: it may hold a
/// password.
fn parse(text: &str) -> Result<Vec<(String, Secret)>> {
    let mut attributes = Vec::new();
    let mut rest = text.trim_start();
    if rest.contains('\0') {
        return Err(wrong("the connection string holds a NUL"));
    }
    while !rest.trim_start_matches([';', ' ']).is_empty() {
        rest = rest.trim_start_matches([';', ' ']);
        let (name, after) = rest
            .split_once('=')
            .ok_or_else(|| wrong("an attribute of the connection string has no `=`"))?;
        let name = name.trim();
        if name.is_empty() || name.contains([';', '{', '}']) {
            return Err(wrong("an attribute of the connection string has no name"));
        }
        let value;
        (value, rest) = match after.trim_start().strip_prefix('{') {
            Some(braced) => take_braced(braced).ok_or_else(|| {
                wrong(format_args!("attribute `{name}`: its brace is not closed"))
            })?,
            None => {
                let (value, rest) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), rest)
            }
        };
        attributes.push((name.to_owned(), Secret::new(value)));
    }
    Ok(attributes)
}

/// The value up to the brace that closes it, `}}` being a `}` in it.
fn take_braced(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('}')?;
        value.push_str(before);
        match after.strip_prefix('}') {
            Some(after) => {
                value.push('}');
                rest = after;
            }
            None => return Some((value, after)),
        }
    }
}

/// Braces where the value needs them: drivers differ in what they make of those it does not need.
fn braced(value: &str) -> String {
    let plain = !value.contains([
        ';', '{', '}', '[', ']', '(', ')', ',', '?', '*', '=', '!', '@',
    ]) && value.trim() == value
        && !value.contains(' ');
    if plain {
        value.to_owned()
    } else {
        format!("{{{}}}", value.replace('}', "}}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialect_core::{TlsMode, TlsOptions};

    fn settings(url: &str) -> Result<Settings> {
        Settings::new(url, &OpenOptions::default())
    }

    #[test]
    fn values_in_braces_hold_anything() {
        let settings = settings("jdbc:odbc: driver={My}}Driver; 2}; PWD = a b ;DSN=x;;").unwrap();
        let string = settings.connection_string();
        assert_eq!(string.expose(), "driver={My}}Driver; 2};PWD={a b};DSN=x");
        assert_eq!(settings.shown, "odbc:driver=My}Driver; 2;DSN=x");
    }

    #[test]
    fn known_drivers_hold_results_by_pieces_unless_the_string_says_otherwise() {
        for (driver, expected) in [
            (
                "PostgreSQL Unicode",
                "Driver={PostgreSQL Unicode};FETCH=5;Protocol=7.4-0;UseDeclareFetch=1",
            ),
            ("SQLite3", "Driver=SQLite3;FETCH=5;StepAPI=1"),
            ("Other", "Driver=Other;FETCH=5"),
        ] {
            let settings = settings(&format!("odbc:Driver={driver};FETCH=5")).unwrap();
            assert_eq!(settings.connection_string().expose(), expected);
        }
    }

    #[test]
    fn options_go_before_the_string() {
        let options = OpenOptions {
            user: Some("grace".to_owned()),
            password: Some(Secret::new("p;w")),
            ..OpenOptions::default()
        };
        let settings = Settings::new("odbc:DSN=x;Uid=ada;pwd=old", &options).unwrap();
        assert_eq!(
            settings.connection_string().expose(),
            "DSN=x;UID=grace;PWD={p;w}"
        );
        assert_eq!(settings.user.as_deref(), Some("grace"));
    }

    #[test]
    fn nothing_but_places_is_shown() {
        let url =
            "odbc:Driver={X};Server=db;UID=ada;PWD=hunter2;Token=hunter2;Odd=hunter2;Database=d";
        let settings = settings(url).unwrap();
        let shown = format!("{settings:?} {}", settings.shown);
        assert!(
            !shown.contains("hunter2") && !shown.contains("ada"),
            "{shown}"
        );
        assert_eq!(settings.shown, "odbc:Driver=X;Server=db;Database=d");
        let said = settings.without_secrets("login with hunter2 at db failed");
        assert_eq!(said, "login with *** at db failed");
    }

    #[test]
    fn what_is_wrong_with_a_string_is_said_without_it() {
        for (url, part) in [
            ("odbc:hunter2", "has no `=`"),
            ("odbc:=hunter2", "has no name"),
            (
                "odbc:Driver={hunter2",
                "attribute `Driver`: its brace is not closed",
            ),
            ("odbc:PWD=hunter2", "names neither Driver nor DSN"),
            (
                "odbc:DSN=x;ConnectProfile=postgre",
                "did you mean `postgres`?",
            ),
            ("hunter2", "begins with `odbc:`"),
        ] {
            let error = settings(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(part), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn what_belongs_to_the_driver_is_not_taken_silently() {
        let tls = TlsOptions {
            mode: Some(TlsMode::Require),
            ..TlsOptions::default()
        };
        let second = Some(Duration::from_secs(1));
        for options in [
            OpenOptions {
                tls,
                ..OpenOptions::default()
            },
            OpenOptions {
                keep_alive: second,
                ..OpenOptions::default()
            },
            OpenOptions {
                idle_timeout: second,
                ..OpenOptions::default()
            },
        ] {
            let error = Settings::new("odbc:DSN=x", &options).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("connection string"), "{error}");
        }
    }
}
