//! Tables to records: the JDBC source.
//!  [`JdbcSource`] reads the tables of any database that has a dialect by keyset pagination: each
//! page is a short statement, memory is bounded, and the position is the key of the last row. The
//! modes `incrementing`, `timestamp` and `timestamp+incrementing` read new (and changed) rows from
//! the stored position; mode `bulk` reads whole tables repeatedly. The message key is the primary
//! key; a soft-delete column produces deletes.
//!  A page ends between two keys. If the catalog does not prove that the key is unique, ties (rows
//! with equal keys) are never split: ties that do not fit a page are read in batches from one
//! statement, and the position moves at their end.
//!  Rows of a transaction that commits late, with a smaller number or an older timestamp than rows that
//! were already read, are delivered too (`gap.safe`): rows that were read are checked for such rows
//! until no transaction can add one. Deleted rows are visible with `deletes.mode` alone. Rows are sent as
//! [`Op::Read`](connect_api::Op::Read): inserts and updates look the same. If the columns of a
//! table change while it is read, rows that were committed after the change are read with the new
//! columns.
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
mod access_check;
mod bisect;
mod column_list;
mod column_rules;
mod config;
mod deletes;
mod discovery;
mod failed_tables;
mod idle;
mod index_check;
mod key_template;
mod late_rows;
mod local_time;
mod mode_columns;
mod opening;
mod page;
mod position;
mod projection;
mod queries;
mod read_plan;
mod reader;
mod recheck;
mod replaced;
mod result_stream;
mod resume;
mod row_ids;
mod scalar;
mod schema_change;
mod signals;
mod snapshot;
mod startup_check;
mod table;
mod table_monitor;
mod table_patterns;
mod table_queue;
mod table_settings;
mod table_types;
mod task;
mod task_share;
mod ties;
mod topics;
mod unique_key;
mod unreadable;
mod visibility_check;
mod watermark;

pub use column_list::{ColumnLengths, ColumnList, ColumnNames, ColumnTexts};
pub use config::{Mode, OptionalName, SnapshotMode, SourceConfig};
pub use deletes::Deletes;
pub use dialect_core::Selection;
pub use key_template::ColumnTemplate;
pub use queries::Queries;
pub use table_patterns::TablePatterns;
pub use table_settings::TableSettings;
pub use table_types::TableTypes;
pub use task_share::TaskShare;
pub use topics::{ExtraProperties, Template, TopicMap};

use connect_api::{
    Connector, Direction, Error, ErrorKind, Result, SchemaRef, Survey, TaskKind, config::Faults,
};
use deletes::capture_check;
use dialect_core::{Connection, Dialect, DialectProvider};
use discovery::{Discovery, Wanted};
use std::{num::NonZeroU32, sync::Arc};
use task_share::Load;
use visibility_check::ServerVisibility;

/// The JDBC source connector.
#[derive(Clone)]
pub struct JdbcSource {
    provider: Arc<dyn DialectProvider>,
}

impl JdbcSource {
    /// A source that opens databases with `provider`.
    pub fn new(provider: Arc<dyn DialectProvider>) -> Self {
        Self { provider }
    }

    fn open(&self, config: &SourceConfig) -> Result<Arc<dyn Dialect>> {
        self.provider
            .open(config.connection.url.expose(), &config.open_options())
    }

    /// Describes the tables, with its own connection.
    async fn discover(&self, config: &SourceConfig) -> Result<Discovery> {
        let dialect = self.open(config)?;
        // One attempt: the caller needs an answer now, and the runtime retries by itself.
        let mut connection = dialect.connect().await?;
        let discovery = discover(connection.as_mut(), dialect.as_ref(), config).await?;
        connection.close().await?;
        Ok(discovery)
    }

    /// Looks at the database with its own connection: all errors of the tables, notes on how they are
    /// read, and what they give.
    async fn look(&self, config: &SourceConfig) -> Result<Survey> {
        let dialect = self.open(config)?;
        let mut connection = dialect.connect().await?;
        let (connection_ref, dialect) = (connection.as_mut(), dialect.as_ref());
        let discovery = discover(connection_ref, dialect, config).await?;
        let (plans, mut faults) = discovery.into_faults();
        let syntax = dialect.syntax();
        let visibility = ServerVisibility::ask(connection_ref, dialect, &plans).await?;
        let of_server = visibility.check_notes(config);
        of_server.into_iter().for_each(|note| faults.note(note));
        let notes = visibility.table_notes(connection_ref, syntax, &plans);
        let notes = notes.await?.into_iter().flatten();
        notes.for_each(|note| faults.note(note));
        for plan in &plans {
            if plan.config.captures_deletes() {
                let found = capture_check::find(plan, connection_ref, syntax).await?;
                faults.extend(found.faults);
            }
            if plan.config.compares_keys() {
                deletes::compared_table::check(plan, syntax, &mut faults);
            }
        }
        connection.close().await?;
        Ok(Survey {
            faults,
            topics: plans.iter().map(|plan| plan.topic.to_string()).collect(),
            schemas: plans.into_iter().map(|plan| plan.schema).collect(),
        })
    }
}

/// What was looked at, or that it cannot be.
fn survey(looked: Result<Survey>) -> Survey {
    looked.unwrap_or_else(|e| {
        let mut survey = Survey::default();
        survey.faults.general(e.report());
        survey
    })
}

async fn discover(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    config: &SourceConfig,
) -> Result<Discovery> {
    let mut discovery = Discovery::run(connection, dialect.syntax(), config).await?;
    let found = discovery.faults.iter().count();
    discovery.check_access(connection, dialect).await?;
    if discovery.faults.iter().count() > found {
        // A table may have changed after it was described.
        discovery = Discovery::run(connection, dialect.syntax(), config).await?;
        discovery.check_access(connection, dialect).await?;
    }
    if let Some(error) = signals::check(connection, config).await? {
        discovery.faults.general(error.report());
    }
    if discovery.faults.is_empty() {
        let plans = &mut discovery.plans;
        let notes = startup_check::time_notes(connection, dialect, plans).await?;
        notes
            .into_iter()
            .for_each(|note| discovery.faults.note(note));
    }
    Ok(discovery)
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
        if config.share.is_planned() {
            let message = "`task.tables`: the connector sets it for its tasks; leave it out";
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut discovery = self.discover(&config).await?;
        for note in discovery.faults.take_notes() {
            tracing::warn!("{note}");
        }
        // Their task waits for them.
        let locked: Vec<_> = discovery
            .locked
            .drain(..)
            .map(|(table, _)| Load { rows: None, table })
            .collect();
        let exact = discovery.exact.clone();
        let tables = discovery.into_plans()?.into_iter();
        let tables = tables.filter(|plan| plan.query.is_none());
        let tables = tables.map(|plan| Load {
            rows: plan.table.row_estimate,
            table: Wanted {
                exact: exact.contains(&plan.table.name),
                name: plan.table.name,
            },
        });
        let tables = tables.chain(locked).collect();
        Ok(task_share::split(&config, tables, max))
    }

    fn notes(&self, config: &SourceConfig) -> Vec<String> {
        // Errors in the URL are reported by `check`.
        let dialect = self.open(config).ok();
        let side_by_side = dialect.is_some_and(|d| d.capabilities().concurrent_writers);
        let mut notes = config.ineffective();
        notes.extend(config.late_commit_warning().filter(|_| side_by_side));
        notes
    }

    async fn check(&self, config: SourceConfig) -> Faults {
        survey(self.look(&config).await).faults
    }

    async fn survey(&self, config: SourceConfig) -> Option<Survey> {
        Some(survey(self.look(&config).await))
    }

    async fn schemas(&self, config: SourceConfig) -> Result<Vec<SchemaRef>> {
        Ok(self.look(&config).await?.schemas)
    }

    async fn ddl(&self, config: SourceConfig) -> Result<Vec<String>> {
        let dialect = self.open(&config)?;
        let mut connection = dialect.connect().await?;
        let syntax = dialect.syntax();
        let discovery = Discovery::run(connection.as_mut(), syntax, &config).await?;
        let mut script = Vec::new();
        for plan in discovery.into_plans()? {
            if plan.config.captures_deletes() {
                let found = capture_check::find(&plan, connection.as_mut(), syntax).await?;
                script.extend(found.script(&plan));
            }
        }
        connection.close().await?;
        Ok(script)
    }

    async fn topics(&self, config: SourceConfig) -> Vec<String> {
        // Errors are reported by `check`.
        survey(self.look(&config).await).topics
    }

    fn task(&self, config: SourceConfig) -> Result<TaskKind> {
        let dialect = self.open(&config)?;
        Ok(TaskKind::Source(Box::new(task::Task::new(dialect, config))))
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
