//! URLs of databases, and how they are opened.
use connect_api::{Error, ErrorKind, Result, config::Secret};
use percent_encoding::percent_decode_str;
use std::{fmt, time::Duration};

connect_api::choice! {
    /// How SQLite columns declared DATE, TIME, DATETIME or TIMESTAMP are carried.
    pub enum SqliteDates {
        /// As the text that stands in them.
        Text = "text",
        /// As dates and times, read from ISO 8601 text; any other text is an error.
        Iso = "iso",
    }
}

/// How to open a database, beside its URL.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// User; goes before the URL's.
    pub user: Option<String>,
    /// Password; goes before the URL's.
    pub password: Option<Secret>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// See [`SqliteDates`].
    pub sqlite_dates: SqliteDates,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            user: None,
            password: None,
            connect_timeout: Duration::from_secs(10),
            sqlite_dates: SqliteDates::Text,
        }
    }
}

/// A database URL, taken apart: `postgres://user:password@host:5432/db?key=value`, `sqlite:path`,
/// each also with `jdbc:` in front.
///
/// `Debug` and `Display` leave out user, password and parameters.
#[derive(Clone)]
pub struct Address {
    /// What stands before the first colon, after `jdbc:`; lower case.
    pub scheme: String,
    /// Host, without brackets; empty for a file.
    pub host: String,
    /// Port, where one is given.
    pub port: Option<u16>,
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
        let (mut host, mut port, mut user, mut password) = (String::new(), None, None, None);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let database = match path.strip_prefix("//") {
            Some(_) if scheme != "sqlite" => {
                let parsed = url::Url::parse(&format!("{scheme}:{path}"))
                    .map_err(|e| wrong(format!("is not a URL: {e}")))?;
                host = parsed
                    .host_str()
                    .unwrap_or_default()
                    .trim_matches(['[', ']'])
                    .to_owned();
                port = parsed.port();
                user = Some(decode(parsed.username())).filter(|u| !u.is_empty());
                password = parsed.password().map(|p| Secret::new(decode(p)));
                decode(parsed.path().trim_start_matches('/'))
            }
            Some(file) => decode(file),
            None => decode(path),
        };
        let mut parameters = Vec::new();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "user" => user = Some(value.into_owned()),
                "password" => password = Some(Secret::new(&*value)),
                _ => parameters.push((key.into_owned(), value.into_owned())),
            }
        }
        let port_text = port.map(|p| format!(":{p}")).unwrap_or_default();
        let shown = if host.is_empty() {
            format!("{scheme}:{database}")
        } else {
            format!("{scheme}://{host}{port_text}/{database}")
        };
        Ok(Self {
            scheme,
            host,
            port,
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
                (address.host.as_str(), address.port),
                ("db.example", Some(5433))
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
        assert_eq!((address.host.as_str(), address.port), ("::1", None));
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
                (address.host.as_str(), address.database.as_str()),
                ("", path),
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
        ] {
            let error = Address::parse(url, &OpenOptions::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            for shown in [error.report(), format!("{error:?}")] {
                assert!(!shown.contains(PLANTED), "{shown}");
            }
        }
    }
}
