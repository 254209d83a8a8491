//! Databases behind one interface: describe tables, read them into Arrow batches, write Arrow batches
//! to them by the fastest way that the database has.
//!
//! [`Database`] has the everyday calls: connect by URL, read a table or a query as a stream of batches,
//! write batches into a table. [`BlockingReader`] is the same reading as Arrow's `RecordBatchReader`.
//! [`open`] gives the [`Dialect`] below it, with pages by key, write plans, transactions and DDL. Each
//! database stands behind a feature of its name: `postgres`, `mysql` (and MariaDB), `sqlite`,
//! `sqlserver`, `odbc`; `odbc-vendored` builds the driver manager in.
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use dialects::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
//! use dialects::{Database, Result, Write};
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
//! let names: ArrayRef = Arc::new(StringArray::from(vec!["Ada", "Grace"]));
//! let batch = RecordBatch::try_from_iter([("id", ids), ("name", names)])?;
//! let mut database = Database::connect("sqlite::memory:").await?;
//! let how = Write::upsert().by_key(["id"]).create_table();
//! let written = database.write("people", &batch, &how).await?;
//! assert_eq!(written.rows, 2);
//!
//! let mut people = database.read_query("SELECT name FROM people WHERE id > 1").await?;
//! while let Some(batch) = people.next().await? {
//!     assert_eq!(batch.num_rows(), 1);
//! }
//! # Ok(())
//! # }
//! ```
mod database;

pub use database::{Batches, BlockingReader, Database, Write, Written};
pub use dialect_core::*;

// What the signatures of this crate hold, so that it is used alone.
pub use connect_api::{
    self, Disposition, Error, ErrorKind, Kind, Op, Records, Rejected, Result, Schema, SchemaRef,
    arrow,
};

use connect_api::config::nearest;
use std::sync::Arc;

/// Directives for `tracing_subscriber::EnvFilter` that silence the drivers: they write what a server
/// says to the log, values of rows among it, and all of it comes back as an error too.
pub const LOG_FILTER: &str = "odbc_api=off,sqlx=off,tiberius=off";

type Open = fn(&str, &OpenOptions) -> Result<Arc<dyn Dialect>>;

/// A database that this crate knows, built in or not.
struct Known {
    /// The feature that builds it in.
    feature: &'static str,
    schemes: &'static [&'static str],
    open: Option<Open>,
}

const KNOWN: &[Known] = &[
    Known {
        feature: "sqlite",
        schemes: &["sqlite"],
        #[cfg(feature = "sqlite")]
        open: Some(dialect_sqlite::open),
        #[cfg(not(feature = "sqlite"))]
        open: None,
    },
    Known {
        feature: "postgres",
        schemes: &["postgres", "postgresql"],
        #[cfg(feature = "postgres")]
        open: Some(dialect_postgres::open),
        #[cfg(not(feature = "postgres"))]
        open: None,
    },
    Known {
        feature: "mysql",
        schemes: &["mysql", "mariadb"],
        #[cfg(feature = "mysql")]
        open: Some(dialect_mysql::open),
        #[cfg(not(feature = "mysql"))]
        open: None,
    },
    Known {
        feature: "sqlserver",
        schemes: &["sqlserver"],
        #[cfg(feature = "sqlserver")]
        open: Some(dialect_sqlserver::open),
        #[cfg(not(feature = "sqlserver"))]
        open: None,
    },
    Known {
        feature: "odbc",
        schemes: &["odbc"],
        #[cfg(feature = "odbc")]
        open: Some(dialect_odbc::open),
        #[cfg(not(feature = "odbc"))]
        open: None,
    },
];

/// The dialect for `url`: `sqlite:path`, `postgres://…`, `postgresql://…`, `mysql://…`,
/// `mariadb://…`, `sqlserver://…`, each also with `jdbc:` in front, and `odbc:` with a connection
/// string. Nothing is connected yet. Connections over a network end their waits as [`ProbedDialect`]
/// says. This function is an [`DialectProvider`].
///
/// # Errors
/// `Config`: the URL is none, or of a database that is not known; `Unsupported`: it is known, and
/// its feature is off. What the dialect itself says of the URL.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let url = url.trim();
    let plain = url.strip_prefix("jdbc:").unwrap_or(url);
    let wrong = |why: String| Error::new(ErrorKind::Config, format!("connection.url: {why}"));
    let all = || KNOWN.iter().flat_map(|known| known.schemes.iter().copied());
    let list = || all().collect::<Vec<_>>().join(", ");
    // What stands before no colon may be anything, a password too: it is not repeated.
    let Some((scheme, _)) = plain.split_once(':') else {
        return Err(wrong(format!(
            "is not a URL; it begins with one of {}, then a colon",
            list()
        )));
    };
    let scheme = scheme.to_ascii_lowercase();
    let Some(known) = KNOWN.iter().find(|known| known.schemes.contains(&&*scheme)) else {
        let hint = nearest(&scheme, all())
            .map(|name| format!("; did you mean `{name}`?"))
            .unwrap_or_default();
        return Err(wrong(format!(
            "no database is known as `{}`; known are {}{hint}",
            scheme.escape_debug(),
            list()
        )));
    };
    match known.open {
        // A file does not fall silent.
        Some(open) if known.schemes == ["sqlite"] => open(url, options),
        Some(open) => Ok(Arc::new(ProbedDialect::new(open(url, options)?, options))),
        None => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "connection.url: this program was built without `{scheme}`; build it with the feature `{}`",
                known.feature
            ),
        )),
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str) -> Error {
        open(url, &OpenOptions::default()).unwrap_err()
    }

    #[test]
    fn a_scheme_that_is_not_known_is_answered_with_the_known_ones() {
        let error = error("postgress://user:hunter2@host/db");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.report(),
            "connection.url: no database is known as `postgress`; known are sqlite, postgres, \
             postgresql, mysql, mariadb, sqlserver, odbc; did you mean `postgres`?"
        );
    }

    #[test]
    fn what_is_no_url_is_not_repeated() {
        let error = error("hunter2");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.report().contains("is not a URL"));
        assert!(!error.report().contains("hunter2"));
    }

    #[test]
    fn a_database_that_is_not_built_in_names_its_feature() {
        for known in KNOWN.iter().filter(|known| known.open.is_none()) {
            let error = error(&format!("jdbc:{}://host/db", known.schemes[0]));
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(
                error
                    .report()
                    .contains(&format!("feature `{}`", known.feature))
            );
        }
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn the_function_is_a_dialect_provider() {
        let provider: &dyn DialectProvider = &open;
        let options = OpenOptions::default();
        let opened = provider.open("sqlite::memory:", &options);
        assert_eq!(opened.unwrap().address(), "sqlite::memory:");
        assert_eq!(
            provider.open("jdbc:sqlite:a.db", &options).unwrap().name(),
            "SQLite"
        );
    }
}
