//! The databases that are measured.
use connect_api::{Error, ErrorKind, Result};
use dialects::{Dialect, OpenOptions};
use std::{env, path::Path, sync::Arc};
use url::Url;

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brand {
    /// PostgreSQL of `scripts/services`.
    Postgres,
    /// MariaDB of `scripts/services`.
    Mariadb,
    /// SQLite, in a file of its own.
    Sqlite,
    /// The same databases by their ODBC drivers.
    Odbc(Driver),
}

/// An ODBC driver, as Debian has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as their databases")]
pub enum Driver {
    Postgres,
    Mariadb,
    Sqlite,
}

impl Brand {
    /// Those that this program was built with.
    pub const ALL: &[Self] = &[
        Self::Postgres,
        Self::Mariadb,
        Self::Sqlite,
        #[cfg(feature = "odbc")]
        Self::Odbc(Driver::Postgres),
        #[cfg(feature = "odbc")]
        Self::Odbc(Driver::Mariadb),
        #[cfg(feature = "odbc")]
        Self::Odbc(Driver::Sqlite),
    ];

    /// The same database by its own dialect: whose SQL it has.
    pub(crate) fn native(self) -> Self {
        match self {
            Self::Odbc(Driver::Postgres) => Self::Postgres,
            Self::Odbc(Driver::Mariadb) => Self::Mariadb,
            Self::Odbc(Driver::Sqlite) => Self::Sqlite,
            native => native,
        }
    }

    /// Its name, for ids of benches.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Sqlite => "sqlite",
            Self::Odbc(Driver::Postgres) => "odbc-postgres",
            Self::Odbc(Driver::Mariadb) => "odbc-mariadb",
            Self::Odbc(Driver::Sqlite) => "odbc-sqlite",
        }
    }

    /// Its name, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mariadb => "MariaDB",
            Self::Sqlite => "SQLite",
            Self::Odbc(Driver::Postgres) => "ODBC, PostgreSQL",
            Self::Odbc(Driver::Mariadb) => "ODBC, MariaDB",
            Self::Odbc(Driver::Sqlite) => "ODBC, SQLite",
        }
    }
}

/// One database.
#[derive(Debug, Clone)]
pub struct Database {
    brand: Brand,
    url: String,
    dialect: Arc<dyn Dialect>,
}

impl Database {
    /// The database of this brand: that of the environment, as `scripts/services env` prints it;
    /// for SQLite a file in `directory`.
    ///
    /// # Errors
    /// `Config`: the environment does not say where it is; `Unsupported`: this program was built
    /// without ODBC.
    pub fn open(brand: Brand, directory: &Path) -> Result<Self> {
        let url = match brand {
            Brand::Postgres => address("CONNECT_TEST_POSTGRES_URL")?,
            Brand::Mariadb => address("CONNECT_TEST_MYSQL_URL")?,
            Brand::Sqlite => format!("sqlite:{}?mode=rwc", directory.join("bench.db").display()),
            Brand::Odbc(Driver::Sqlite) => {
                let file = directory.join("bench-odbc.db");
                format!("odbc:Driver={{SQLite3}};Database={}", file.display())
            }
            Brand::Odbc(Driver::Postgres) => {
                server("PostgreSQL Unicode", &address("CONNECT_TEST_POSTGRES_URL")?)?
            }
            Brand::Odbc(Driver::Mariadb) => {
                server("MariaDB Unicode", &address("CONNECT_TEST_MYSQL_URL")?)?
            }
        };
        let dialect = dialects::open(&url, &OpenOptions::default())?;
        Ok(Self {
            brand,
            url,
            dialect,
        })
    }

    /// Which it is.
    pub fn brand(&self) -> Brand {
        self.brand
    }

    /// Its dialect.
    pub fn dialect(&self) -> &Arc<dyn Dialect> {
        &self.dialect
    }

    /// Its URL, with the password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn address(variable: &str) -> Result<String> {
    env::var(variable).map_err(|e| {
        let text = format!("{variable} is not set; run: eval \"$(scripts/services env)\"");
        Error::new(ErrorKind::Config, text).with_source(e)
    })
}

/// The connection string of a server whose URL is that of its own dialect.
fn server(driver: &str, address: &str) -> Result<String> {
    let wrong = |e| Error::new(ErrorKind::Config, "not the URL of a server").with_source(e);
    let url = Url::parse(address).map_err(wrong)?;
    Ok(format!(
        "odbc:Driver={{{driver}}};Server={};Port={};Database={};UID={};PWD={}",
        url.host_str().unwrap_or_default(),
        url.port().unwrap_or_default(),
        url.path().trim_start_matches('/'),
        url.username(),
        url.password().unwrap_or_default(),
    ))
}
