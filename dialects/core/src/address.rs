//! URLs of databases.
use crate::options::OpenOptions;
use connect_api::{Error, ErrorKind, Result, config::Secret};
use percent_encoding::percent_decode_str;
use std::fmt;

/// A host of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Name or address, without brackets.
    pub name: String,
    /// Port, where one is given.
    pub port: Option<u16>,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brackets = self.name.contains(':');
        let (open, close) = if brackets { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}", self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// A database URL, taken apart: `postgres://user:password@host:5432/db?key=value`, `sqlite:path`,
/// each also with `jdbc:` in front. Several hosts, separated by commas, are tried in order.
///
/// `Debug` and `Display` leave out user, password and parameters.
#[derive(Clone)]
pub struct Address {
    /// What stands before the first colon, after `jdbc:`; lower case.
    pub scheme: String,
    /// Hosts, in the order in which they are tried; empty for a file.
    pub hosts: Vec<Host>,
    /// Database, or path of the file; percent-decoded.
    pub database: String,
    /// User, from the options, the URL, or its `user` parameter.
    pub user: Option<String>,
    /// Password, from the options, the URL, or its `password` parameter.
    pub password: Option<Secret>,
    /// The other parameters, decoded, in order.
    pub parameters: Vec<(String, String)>,
    /// What people are shown.
    shown: String,
}

impl Address {
    /// Takes `url` apart; what `options` gives goes before what stands in the URL.
    ///
    /// # Errors
    /// `Config`: it is not a URL; the message does not repeat it, as it may hold a password.
    pub fn parse(url: &str, options: &OpenOptions) -> Result<Self> {
        let url = url.trim();
        let plain = url.strip_prefix("jdbc:").unwrap_or(url);
        let wrong = |why: String| Error::new(ErrorKind::Config, format!("connection.url: {why}"));
        let (scheme, rest) = plain.split_once(':').ok_or_else(|| {
            wrong("is not a URL; expected e.g. postgres://host:5432/database".to_owned())
        })?;
        let scheme = scheme.to_ascii_lowercase();
        let (mut hosts, mut user, mut password) = (Vec::new(), None, None);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let database = match path.strip_prefix("//") {
            Some(rest) if scheme != "sqlite" => {
                let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
                let (who, places) = match authority.rsplit_once('@') {
                    Some((who, places)) => (who, places),
                    None => ("", authority),
                };
                let (name, secret) = match who.split_once(':') {
                    Some((name, secret)) => (name, Some(secret)),
                    None => (who, None),
                };
                user = Some(decode(name)).filter(|u| !u.is_empty());
                password = secret.map(|p| Secret::new(decode(p)));
                hosts = places
                    .split(',')
                    .filter(|place| !place.is_empty())
                    .map(|place| host(&scheme, place).map_err(wrong))
                    .collect::<Result<_>>()?;
                decode(database)
            }
            Some(file) => decode(file),
            None if scheme == "sqlite" => decode(path),
            // What stands there may be a password: it is not repeated.
            None => {
                return Err(wrong(format!(
                    "names no host; expected {scheme}://host:port/database"
                )));
            }
        };
        // The rest of a password that has a `/` or `?` in it: neither half may be shown.
        let stray = |text: &str| scheme != "sqlite" && text.contains('@');
        let raw = path.trim_start_matches('/').split_once('/');
        let names = |(_, after): (&str, &str)| stray(after);
        if raw.is_some_and(names)
            || query
                .split('&')
                .any(|p| stray(p.split('=').next().unwrap_or(p)))
        {
            return Err(wrong(
                "has an `@` after its host; write `/`, `?`, `#` and `@` in user, password and \
                 database as %2F, %3F, %23 and %40, or give the password as a key of its own"
                    .to_owned(),
            ));
        }
        let mut parameters = Vec::new();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "user" => user = Some(value.into_owned()),
                "password" => password = Some(Secret::new(&*value)),
                _ => parameters.push((key.into_owned(), value.into_owned())),
            }
        }
        let shown = if hosts.is_empty() {
            format!("{scheme}:{database}")
        } else {
            let hosts: Vec<_> = hosts.iter().map(Host::to_string).collect();
            format!("{scheme}://{}/{database}", hosts.join(","))
        };
        Ok(Self {
            scheme,
            hosts,
            database,
            user: options.user.clone().or(user),
            password: options.password.clone().or(password),
            parameters,
            shown,
        })
    }

    /// What people are shown: scheme, host, port and database.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// Reads `name`, `name:port` or `[::1]:port`.
fn host(scheme: &str, place: &str) -> std::result::Result<Host, String> {
    // The address may hold a piece of a password with an `@` or `,` that was not encoded: it is
    // not repeated.
    let parsed = url::Url::parse(&format!("{scheme}://{place}"))
        .map_err(|e| format!("is not a URL: {e}"))?;
    let name = parsed.host_str().unwrap_or_default();
    Ok(Host {
        name: decode(name.trim_matches(['[', ']'])),
        port: parsed.port(),
    })
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANTED: &str = "hunter2";

    fn parsed(url: &str) -> Address {
        Address::parse(url, &OpenOptions::default()).unwrap()
    }

    #[test]
    fn every_spelling_of_a_url_says_the_same() {
        for url in [
            "postgres://ada:hunter2@db.example:5433/shop?sslmode=require",
            "jdbc:postgres://db.example:5433/shop?user=ada&password=hunter2&sslmode=require",
            " POSTGRES://ada:hunter2@db.example:5433/shop?sslmode=require ",
        ] {
            let address = parsed(url);
            assert_eq!(address.scheme, "postgres");
            assert_eq!(
                address.hosts,
                [Host {
                    name: "db.example".to_owned(),
                    port: Some(5433)
                }]
            );
            assert_eq!(address.database, "shop");
            assert_eq!(address.user.as_deref(), Some("ada"));
            assert_eq!(address.password.as_ref().map(Secret::expose), Some(PLANTED));
            assert_eq!(
                address.parameters,
                [("sslmode".to_owned(), "require".to_owned())]
            );
            assert_eq!(address.shown(), "postgres://db.example:5433/shop");
        }
    }

    #[test]
    fn parts_are_decoded() {
        let address = parsed("mysql://a%40b:p%3A%2F%3F@[::1]/my%20db?x=%26");
        assert_eq!(address.user.as_deref(), Some("a@b"));
        assert_eq!(address.password.as_ref().map(Secret::expose), Some("p:/?"));
        assert_eq!(
            address.hosts,
            [Host {
                name: "::1".to_owned(),
                port: None
            }]
        );
        assert_eq!(address.database, "my db");
        assert_eq!(address.parameters, [("x".to_owned(), "&".to_owned())]);
    }

    #[test]
    fn files_have_no_host() {
        for (url, path) in [
            ("sqlite:data/a.db", "data/a.db"),
            ("sqlite://data/a.db", "data/a.db"),
            ("sqlite:///data/a.db", "/data/a.db"),
            ("jdbc:sqlite:/data/a%3Fb.db?mode=rwc", "/data/a?b.db"),
            ("sqlite::memory:", ":memory:"),
        ] {
            let address = parsed(url);
            assert_eq!(
                (address.hosts.len(), address.database.as_str()),
                (0, path),
                "{url}"
            );
        }
    }

    #[test]
    fn options_go_before_the_url() {
        let options = OpenOptions {
            user: Some("grace".to_owned()),
            password: Some(Secret::new("better")),
            ..OpenOptions::default()
        };
        let address = Address::parse("mysql://ada:hunter2@h/d", &options).unwrap();
        assert_eq!(address.user.as_deref(), Some("grace"));
        assert_eq!(
            address.password.as_ref().map(Secret::expose),
            Some("better")
        );
    }

    #[test]
    fn passwords_are_never_shown() {
        for url in [
            "postgres://ada:hunter2@host/db",
            "postgres://host/db?password=hunter2&sslpassword=hunter2",
            "jdbc:mysql://host/db?user=ada&password=hunter2",
        ] {
            let address = parsed(url);
            for shown in [
                format!("{address}"),
                format!("{address:?}"),
                format!("{address:#?}"),
            ] {
                assert!(
                    !shown.contains(PLANTED) && !shown.contains("ada"),
                    "{shown}"
                );
            }
        }
        let options = OpenOptions {
            password: Some(Secret::new(PLANTED)),
            ..OpenOptions::default()
        };
        assert!(!format!("{options:?}").contains(PLANTED));
        for url in [
            "hunter2",
            "postgres://ada:hunter2@host:port/db",
            "postgres://ada:hunter2@ho st/",
            "postgres:ada:hunter2",
            "postgres://ada:5/hunter2@host/db",
            "postgres://ada:5?hunter2@host/db",
            "postgres://ada:5/hunter2?x@host/db",
        ] {
            let error = Address::parse(url, &OpenOptions::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            for shown in [error.report(), format!("{error:?}")] {
                assert!(!shown.contains(PLANTED), "{shown}");
            }
        }
    }
}
