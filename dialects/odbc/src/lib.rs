//! Any database with an ODBC driver: its tables read into Arrow columns, and Arrow columns written
//! to them.
//!
//! [`open`] takes `odbc:` and a connection string: `odbc:Driver={PostgreSQL Unicode};Server=db;…`,
//! `odbc:DSN=shop`. User and password of the options become `UID` and `PWD`. People are shown
//! driver, DSN, server and database alone. TLS, keep-alive and several hosts are the driver's, and
//! belong into its string: as options they are refused.
//!
//! What a database is called by its driver decides the SQL that it is given: PostgreSQL, MySQL and
//! MariaDB, SQLite, SQL Server, Oracle, Db2; every other one gets SQL-92, is described by ODBC's
//! own functions, and written row by row, each counted first where it is upserted. A driver that
//! gives another name is put right by `ConnectProfile=mariadb` in the string. All this is known
//! **after the first connection**: until then [`Dialect::syntax`] and
//! [`Dialect::capabilities`] are those of an unknown database.
//!
//! Drivers block: each connection lives on a thread of its own. Columns with a bound are fetched by
//! blocks, two in flight; where a column has none (`text`, `longblob`), rows come one by one.
//!
//! # What each driver does
//! Seen on the drivers of Debian 12, and met as told:
//!
//! | driver | what it does | what is done |
//! |---|---|---|
//! | psqlodbc 13.02 | takes dates and times apart, and loses `BC` and years over 9999 | they are read as the server's text |
//! | | ends the connection at a statement of 7,498 parameters | a statement has 4,096 at most |
//! | | would set a savepoint around each statement of a transaction | `Protocol=7.4-0`, unless it is given |
//! | | holds the whole result of a query in memory | `UseDeclareFetch=1;Fetch=32` where the string names the driver (32 rows of a MiB are held, and no block of bound columns is smaller); put it into the DSN else |
//! | | cuts a text at U+0000 | such a text is refused |
//! | sqliteodbc 0.9998 | reads floats to 15 digits, and any text in a column of numbers as 0 | all cells are read as text, and checked |
//! | | takes all cells of an array of bytes to be as long as the longest | such rows go one by one |
//! | | counts a `?` between backticks as a parameter | names stand in double quotes |
//! | | ends a text at U+0000, both ways | such a text is refused when written; read, it is cut |
//! | | has no limit of time | `statement_timeout` is refused |
//! | | holds the whole result of a query in memory | `StepAPI=1` where the string names the driver |
//! | maodbc 3.1.15 | refuses dates of year 1 as dates | they are bound as text |
//! | | tells TIME beyond a day wrongly | times are read as the server's text |
//! | | holds the whole result of a query in memory, and has no option against it | read large tables by pages |
//! | sqliteodbc, maodbc | walk arrays of 32-bit floats by eight bytes | floats are fetched as 64-bit ones |
//!
//! Arrays of values are tried on a temporary table at the first connection (not by read-only
//! sessions): a driver that loses, changes or swallows something is used row by row.
//!
//! # Limits
//! `unique_keys` of databases that are not known are empty, as SQLStatistics is not asked. MySQL's
//! `datetime` is carried as a wall clock; an instant is written to it in UTC. MariaDB's `json` is
//! described as the `longtext` that it is. odbc-api writes what drivers say, values among it, to
//! the `log` crate as warnings of target `odbc_api`: silence that target, as `dialects::LOG_FILTER`
//! does.
//!
//! ```no_run
//! use dialect_core::{OpenOptions, TableName};
//!
//! # async fn example() -> connect_api::Result<()> {
//! let url = "odbc:Driver={PostgreSQL Unicode};Server=localhost;Database=shop;UID=ann";
//! let dialect = dialect_odbc::open(url, &OpenOptions::default())?;
//! let mut connection = dialect.connect().await?;
//! let orders = connection.describe(&TableName::new("orders")).await?;
//! println!("{orders:?}");
//! connection.close().await
//! # }
//! ```
mod catalog;
mod connection;
mod cursor;
mod declared;
mod decode;
mod encode;
mod handle;
mod plan;
mod profile;
mod refusal;
mod rowset;
#[cfg(feature = "conformance")]
pub mod samples;
mod server;
mod session;
mod settings;
mod syntax;
mod write;

use crate::{
    connection::OdbcConnection, profile::Profile, server::Server, settings::Settings,
    syntax::OdbcSyntax,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Kind, Result};
use dialect_core::{
    Capabilities, Column, Connection, Dialect, Grain, OpenOptions, Syntax, WritePlan, WriteRequest,
};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// The schemes of its URLs.
pub const SCHEMES: &[&str] = &["odbc"];

/// The dialect for a URL; no I/O is done.
///
/// # Errors
/// `Config`: the connection string cannot be read, or names no driver; `Unsupported`: an option
/// that belongs to the driver's connection string.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let settings = Arc::new(Settings::new(url, options)?);
    Ok(Arc::new(Odbc {
        before: Server {
            syntax: OdbcSyntax::unknown(settings.profile, settings.values),
            arrays: false,
            others: settings.other_keys,
        },
        settings,
        known: Arc::default(),
    }))
}

struct Odbc {
    settings: Arc<Settings>,
    /// What is taken for true before the first connection.
    before: Server,
    /// What the first connection found out.
    known: Arc<OnceLock<Server>>,
}

impl Odbc {
    fn server(&self) -> &Server {
        self.known.get().unwrap_or(&self.before)
    }
}

impl fmt::Debug for Odbc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Odbc").field(&self.settings.shown).finish()
    }
}

#[async_trait]
impl Dialect for Odbc {
    fn name(&self) -> &'static str {
        "ODBC"
    }

    fn address(&self) -> &str {
        &self.settings.shown
    }

    fn syntax(&self) -> &dyn Syntax {
        &self.server().syntax
    }

    fn capabilities(&self) -> Capabilities {
        let profile = self.server().syntax.profile;
        Capabilities {
            upsert: profile.has_upsert(),
            upsert_by_any_key: profile.is_mysql(),
            folds_columns: profile.is_mysql() || profile == Profile::Sqlite,
            transactional_ddl: matches!(
                profile,
                Profile::Postgres | Profile::Sqlite | Profile::SqlServer | Profile::Db2
            ),
            concurrent_writers: profile != Profile::Sqlite,
            savepoints: profile.has_savepoints(),
            widen: matches!(profile, Profile::Postgres | Profile::MySql { .. }),
            ..Capabilities::default()
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan_write(self.server(), request)
    }

    fn takes(&self, kind: &Kind, column: &Column) -> bool {
        encode::Encoder::choose(self.server().syntax.profile, kind, column).is_some()
    }

    fn grain(&self, column: &Column) -> Grain {
        Grain::digits(encode::digits_of(self.server().syntax.profile, column))
    }

    fn is_already_there(&self, error: &Error) -> bool {
        let said = error.to_string();
        // Standard, PostgreSQL (the last: two at the same moment), and by words.
        matches!(error.code(), Some("42S01" | "42S21" | "42P07" | "42701"))
            || said.contains("pg_type_typname_nsp_index")
            || said.contains("pg_class_relname_nsp_index")
            || said.contains("already exists")
            || said.contains("duplicate column name")
            || said.contains("Duplicate column name")
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let connected = OdbcConnection::open(self.settings.clone(), self.known.clone()).await?;
        Ok(Box::new(connected))
    }
}

/// What an SQLSTATE means; the longest beginning that is named decides.
const KINDS: &[(ErrorKind, &[&str])] = &[
    // Connections; psqlodbc's dead ones; shutdown, crash, an ended session; a login's timeout.
    (
        ErrorKind::Connect,
        &["08", "57P01", "57P02", "57P03", "01002", "IM004", "25P03"],
    ),
    (
        ErrorKind::Timeout,
        &["HYT00", "HYT01", "57014", "70100", "S1T00"],
    ),
    (ErrorKind::Busy, &["53", "55006", "HY001", "HY013", "HY014"]),
    (ErrorKind::Conflict, &["40", "55P03"]),
    (
        ErrorKind::Data,
        &["21", "22", "23", "44", "0A000D", "P0001"],
    ),
    (
        ErrorKind::Schema,
        &["42", "3D", "3F", "S0", "2BP01", "07", "HY090"],
    ),
    (ErrorKind::Auth, &["28", "42501", "25006"]),
    // The driver is not there, or has no such thing.
    (ErrorKind::Config, &["IM", "01000"]),
    (ErrorKind::Unsupported, &["0A", "HYC00", "HY092"]),
];

/// MySQL's numbers where its driver has no state of their own, and those whose state says less.
const MYSQL: &[(ErrorKind, &[i32])] = &[
    (
        ErrorKind::Connect,
        &[
            1053, 1077, 1079, 1080, 1129, 1152, 1184, 1927, 2002, 2003, 2006, 2013, 2055, 3169,
            4031,
        ],
    ),
    (ErrorKind::Timeout, &[1969, 3024]),
    (
        ErrorKind::Busy,
        &[1021, 1037, 1038, 1040, 1041, 1114, 1135, 1203, 1206, 1226],
    ),
    (ErrorKind::Conflict, &[1020, 1205, 1213]),
    (
        ErrorKind::Auth,
        &[1044, 1045, 1142, 1143, 1227, 1290, 1698, 1792],
    ),
    (
        ErrorKind::Data,
        &[
            1048, 1062, 1118, 1153, 1216, 1217, 1242, 1264, 1265, 1292, 1366, 1406, 1451, 1452,
            1526, 1644, 1690, 3140, 3819, 4025,
        ],
    ),
    (
        ErrorKind::Schema,
        &[1049, 1050, 1051, 1054, 1060, 1064, 1091, 1146, 1364],
    ),
];

/// SQLite's primary codes: its driver says HY000 of them all.
const SQLITE: &[(ErrorKind, &[i32])] = &[
    (ErrorKind::Auth, &[3, 8, 14, 23]),
    (ErrorKind::Conflict, &[4, 17]),
    (ErrorKind::Busy, &[5, 6, 7, 13, 15]),
    (ErrorKind::Timeout, &[9]),
    (ErrorKind::Connect, &[10]),
    (ErrorKind::Config, &[11, 26]),
    (ErrorKind::Data, &[18, 19, 20]),
    (ErrorKind::Schema, &[1]),
];

/// What an error means: by the database's own number where it is known, else by the state.
pub(crate) fn kind_of(profile: Profile, state: &str, native: i32, message: &str) -> ErrorKind {
    let by_number = |table: &[(ErrorKind, &[i32])], number: i32| {
        let found = table.iter().find(|(_, numbers)| numbers.contains(&number));
        found.map(|(kind, _)| *kind)
    };
    let own = match profile {
        Profile::MySql { .. } => by_number(MYSQL, native),
        Profile::Sqlite if state == "HY000" => by_number(SQLITE, native & 0xff),
        // A privilege that is missing has the class of syntax.
        Profile::Postgres if state == "42501" => Some(ErrorKind::Auth),
        _ => None,
    };
    if let Some(kind) = own {
        return kind;
    }
    let states = KINDS
        .iter()
        .flat_map(|(kind, states)| states.iter().map(move |s| (*kind, *s)));
    let found = states
        .filter(|(_, beginning)| state.starts_with(beginning))
        .max_by_key(|(_, beginning)| beginning.len());
    match found {
        Some((kind, _)) => kind,
        None if message.contains("connection dead") || message.contains("Could not send") => {
            ErrorKind::Connect
        }
        None => ErrorKind::Internal,
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_their_kinds() {
        for (state, kind) in [
            ("08S01", ErrorKind::Connect),
            ("HYT00", ErrorKind::Timeout),
            ("40001", ErrorKind::Conflict),
            ("22003", ErrorKind::Data),
            ("23505", ErrorKind::Data),
            ("42S02", ErrorKind::Schema),
            ("42S22", ErrorKind::Schema),
            ("42501", ErrorKind::Auth),
            ("28000", ErrorKind::Auth),
            ("IM002", ErrorKind::Config),
            ("HY000", ErrorKind::Internal),
        ] {
            assert_eq!(kind_of(Profile::Generic, state, 0, ""), kind, "{state}");
        }
        let mysql = Profile::MySql { mariadb: true };
        assert_eq!(kind_of(mysql, "HY000", 1205, ""), ErrorKind::Conflict);
        assert_eq!(kind_of(Profile::Sqlite, "HY000", 1555, ""), ErrorKind::Data);
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = "odbc:Driver={SQLite3};Database=/tmp/x.db;UID=ann;PWD=planted-secret;Key=planted-secret";
        let dialect = open(url, &OpenOptions::default()).unwrap();
        let shown = format!("{dialect:?} {}", dialect.address());
        assert!(shown.contains("Database=/tmp/x.db"), "{shown}");
        assert!(!shown.contains("planted-secret"), "{shown}");
    }
}
