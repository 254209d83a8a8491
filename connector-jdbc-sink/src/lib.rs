//! Records to tables: the JDBC sink.
//!  [`JdbcSink`] writes the rows of topics to the tables of any database that has a dialect: as
//! inserts, upserts or updates, with deletes for tombstones (messages without a body). A batch is
//! one transaction, written in the fastest way that the database supports; several rows of a key
//! are reduced to those that determine the final state. Rows that the database rejects are found by
//! bisection and returned with their errors; the others are written.
//!  Delivery is at-least-once: after a crash, the last batches are delivered again. Upserts,
//! updates and deletes are idempotent; plain inserts are rejected if the table has a unique key,
//! and duplicated if it has none.
//!
//! ```
//! use connect_api::{DynConnector, config::Settings};
//! use connector_jdbc_sink::JdbcSink;
//! use dialect_core::{Dialect, OpenOptions};
//! use std::sync::Arc;
//!
//! // A program gives `dialects::open`; this one has no database at all.
//! let open = |_: &str, _: &OpenOptions| -> connect_api::Result<Arc<dyn Dialect>> {
//!     Err(connect_api::Error::new(connect_api::ErrorKind::Config, "no dialects built in"))
//! };
//! let sink = JdbcSink::new(Arc::new(open));
//! let settings = Settings::from_iter([
//!     ("connection.url", "sqlite:copy.db"),
//!     ("insert.mode", "upsert"),
//!     ("pk.mode", "record_key"),
//!     ("delete.enabled", "true"),
//! ]);
//! assert!(sink.validate(&settings).is_empty());
//! ```
mod attempt;
mod batch;
mod coerce;
mod config;
mod dry_run;
mod evolve;
mod keys;
mod local_time;
mod name_case;
mod reduce;
mod self_reference;
mod table_filter;
mod table_name;
mod table_owner;
mod target;
mod task;
mod write_records;

pub use config::{InsertMode, KeyMode, Narrow, SinkConfig};

use connect_api::{Connector, Direction, Result, TaskKind, config::Faults};
use dialect_core::{Dialect, DialectProvider};
use std::sync::Arc;
use table_owner::TableOwners;
use target::Target;

/// The JDBC sink connector.
#[derive(Clone)]
pub struct JdbcSink {
    provider: Arc<dyn DialectProvider>,
    owners: Arc<TableOwners>,
}

impl JdbcSink {
    /// A sink that opens databases with `provider`.
    pub fn new(provider: Arc<dyn DialectProvider>) -> Self {
        Self {
            provider,
            owners: Arc::default(),
        }
    }

    fn open(&self, config: &SinkConfig) -> Result<Arc<dyn Dialect>> {
        self.provider
            .open(config.connection.url.expose(), &config.open_options())
    }

    /// Checks the tables of the known topics.
    async fn check_tables(&self, config: &SinkConfig) -> Result<Faults> {
        let dialect = self.open(config)?;
        // One attempt: the caller needs an answer now.
        let mut connection = dialect.connect().await?;
        let mut faults = Faults::default();
        if !config.is_by_topic() {
            faults.note(
                "the target table depends on the message: tables are checked when their \
                 first rows arrive",
            );
        }
        for table in config.known_tables()? {
            if !config.includes_table(&table, None) {
                faults.note(config.skip_message(&format!("table {table}")));
                continue;
            }
            let target = Target::describe(connection.as_mut(), table).await?;
            let mut of_table = target.faults(config, dialect.as_ref());
            target
                .check_access(config, dialect.as_ref(), connection.as_mut(), &mut of_table)
                .await?;
            for note in target.notes(config, dialect.as_ref()) {
                of_table.note(note);
            }
            faults.extend(of_table);
        }
        connection.close().await?;
        Ok(faults)
    }
}

impl Connector for JdbcSink {
    type Config = SinkConfig;
    const NAME: &'static str = "jdbc-sink";
    const ALIASES: &'static [&'static str] = &[
        "JdbcSinkConnector",
        "org.apache.rocketmq.connect.jdbc.sink.JdbcSinkConnector",
        "org.apache.rocketmq.connect.jdbc.mysql.sink.JdbcSinkConnector",
        "org.apache.rocketmq.connect.jdbc.mysql.sink.MysqlJdbcSinkConnector",
        "org.apache.rocketmq.connect.jdbc.mysql.sink.BaseSinkConnector",
        "org.apache.rocketmq.connect.jdbc.connector.JdbcSinkConnector",
        "MysqlJdbcSinkConnector",
        "io.confluent.connect.jdbc.JdbcSinkConnector",
    ];
    const DIRECTION: Direction = Direction::Sink;

    fn notes(&self, config: &SinkConfig) -> Vec<String> {
        config.ineffective()
    }

    async fn check(&self, config: SinkConfig) -> Faults {
        self.check_tables(&config).await.unwrap_or_else(|e| {
            let mut faults = Faults::default();
            faults.general(e.report());
            faults
        })
    }

    fn task(&self, config: SinkConfig) -> Result<TaskKind> {
        let dialect = self.open(&config)?;
        Ok(TaskKind::Sink(Box::new(task::Task::new(
            dialect,
            config,
            self.owners.clone(),
        ))))
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
