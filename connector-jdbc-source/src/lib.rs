//! Tables to records: the JDBC source.
//!
//! [`JdbcSource`] reads the tables of any database that has a dialect, in pages by key: each page
//! is a short statement, memory is bounded, and the position is the key of the last row. In the
//! modes `incrementing`, `timestamp` and `timestamp+incrementing` it reads new (and changed) rows,
//! from the position that was stored; in mode `bulk` whole tables, again and again. The message
//! key is the primary key; a soft-delete column makes deletes.
//!
//! A page ends between two keys. Where the catalogue says nothing of keys that tell rows apart, a run
//! of equal keys is never cut: one that is longer than a page is read by a cursor, in batches, and
//! the position moves at its end.
//!
//! What the modes see: rows whose transaction commits late, with a smaller number or an older
//! time than rows that were read already, are not seen; `timestamp.delay.interval.ms` keeps a
//! distance from the present for them. Rows that are deleted are seen by `delete.column.name`
//! alone. Rows of a page are sent as [`Op::Read`](connect_api::Op::Read): inserts and updates look
//! the same. A table whose columns change while it is read is read by its present columns from the
//! first row on that was committed after the change.
//!
//! ```
//! use connect_api::{DynConnector, config::Settings};
//! use connector_jdbc_source::JdbcSource;
//! use dialect_core::{Dialect, OpenOptions};
//! use std::sync::Arc;
//!
//! // A program gives `dialects::open`; this one has no database at all.
//! let open = |_: &str, _: &OpenOptions| -> connect_api::Result<Arc<dyn Dialect>> {
//!     Err(connect_api::Error::new(connect_api::ErrorKind::Config, "no dialects built in"))
//! };
//! let source = JdbcSource::new(Arc::new(open));
//! let settings = Settings::from_iter([
//!     ("connection.url", "sqlite:shop.db"),
//!     ("mode", "incrementing"),
//!     ("table.whitelist", "orders"),
//!     ("topic.prefix", "shop-"),
//! ]);
//! assert!(source.validate(&settings).is_empty());
//! ```
mod bisect;
mod config;
mod discovery;
mod local_time;
mod mode_columns;
mod page;
mod position;
mod read_plan;
mod result_stream;
mod schema_change;
mod table;
mod table_types;
mod task;
mod task_split;
mod ties;
mod unique_key;
mod unreadable;
mod watermark;

pub use config::{Mode, OptionalName, SourceConfig};
pub use dialect_core::Selection;
pub use table_types::TableTypes;

use connect_api::{Connector, Direction, Result, SchemaRef, TaskKind, config::Faults};
use dialect_core::{Dialect, Opener, TableName};
use discovery::Discovery;
use read_plan::ReadPlan;
use std::{num::NonZeroU32, sync::Arc};

/// The JDBC source connector.
#[derive(Clone)]
pub struct JdbcSource {
    opener: Arc<dyn Opener>,
}

impl JdbcSource {
    /// A source whose databases are opened by `opener`.
    pub fn new(opener: Arc<dyn Opener>) -> Self {
        Self { opener }
    }

    fn open(&self, config: &SourceConfig) -> Result<Arc<dyn Dialect>> {
        self.opener
            .open(config.connection.url.expose(), &config.open_options())
    }

    /// Looks at the tables, with a connection of its own.
    async fn discover(&self, config: &SourceConfig) -> Result<Discovery> {
        let dialect = self.open(config)?;
        // One try: who asks wants to know now, and the runtime asks again by itself.
        let mut connection = dialect.connect().await?;
        let mut discovery = Discovery::run(connection.as_mut(), dialect.syntax(), config).await?;
        discovery.check_access(connection.as_mut()).await?;
        connection.close().await?;
        Ok(discovery)
    }
}

impl Connector for JdbcSource {
    type Config = SourceConfig;
    const NAME: &'static str = "jdbc-source";
    const ALIASES: &'static [&'static str] = &[
        "JdbcSourceConnector",
        "org.apache.rocketmq.connect.jdbc.source.JdbcSourceConnector",
        "org.apache.rocketmq.connect.jdbc.mysql.source.JdbcSourceConnector",
        "org.apache.rocketmq.connect.jdbc.mysql.source.MysqlJdbcSourceConnector",
        "org.apache.rocketmq.connect.jdbc.connector.JdbcSourceConnector",
        "MysqlJdbcSourceConnector",
        "io.confluent.connect.jdbc.JdbcSourceConnector",
    ];
    const DIRECTION: Direction = Direction::Source;

    async fn plan(&self, config: SourceConfig, max: NonZeroU32) -> Result<Vec<SourceConfig>> {
        let plans = self.discover(&config).await?.into_plans()?;
        let names: Vec<TableName> = plans.into_iter().map(|r| r.table.name).collect();
        Ok(task_split::split(&config, &names, max))
    }

    fn notes(&self, config: &SourceConfig) -> Vec<String> {
        // What is wrong with the URL is a fault of `check`.
        let dialect = self.open(config).ok();
        let side_by_side = dialect.is_some_and(|d| d.capabilities().concurrent_writers);
        let mut notes = config.ineffective();
        notes.extend(config.late_commit_warning().filter(|_| side_by_side));
        notes
    }

    async fn schemas(&self, config: SourceConfig) -> Result<Vec<SchemaRef>> {
        let discovery = self.discover(&config).await?;
        Ok(discovery.plans.into_iter().map(|r| r.schema).collect())
    }

    async fn check(&self, config: SourceConfig) -> Faults {
        match self.discover(&config).await {
            Ok(discovery) => discovery.faults,
            Err(e) => {
                let mut faults = Faults::default();
                faults.general(e.report());
                faults
            }
        }
    }

    async fn topics(&self, config: SourceConfig) -> Vec<String> {
        // What goes wrong here is a fault of `check`.
        let discovery = self.discover(&config).await;
        let plans = discovery
            .and_then(Discovery::into_plans)
            .unwrap_or_default();
        let of = |plan: ReadPlan| config.topic_of(&plan.table.name.name);
        plans.into_iter().map(of).collect()
    }

    fn task(&self, config: SourceConfig) -> Result<TaskKind> {
        let dialect = self.open(&config)?;
        Ok(TaskKind::Source(Box::new(task::Task::new(dialect, config))))
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
