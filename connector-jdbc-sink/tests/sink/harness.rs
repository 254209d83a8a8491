//! A database, records made by hand, and a task driven as the runtime drives it.
use async_trait::async_trait;
use connect_api::{
    ConnectRecord, DynConnector, Kind, Offset, Op, Partition, PositionReader, PutOutcome, Records,
    Result, Schema, SchemaRef, SinkTask, TaskContext, TaskKind, Value, config::Settings,
};
use connector_jdbc_sink::JdbcSink;
use dialects::{OpenOptions, Page, TableName};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Longest time that a test waits for something that must come.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Database {
    pub(crate) url: String,
    _dir: Option<TempDir>,
}

impl Database {
    /// A SQLite file of its own.
    pub(crate) async fn sqlite(statements: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}?mode=rwc", dir.path().join("sink.db").display());
        let database = Self {
            url,
            _dir: Some(dir),
        };
        for statement in statements {
            database.execute(statement).await;
        }
        database
    }

    /// The server whose URL stands in the environment.
    pub(crate) fn server(variable: &str) -> Self {
        let url = std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: run `eval \"$(scripts/services env)\"` first")
        });
        Self { url, _dir: None }
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let dialect = dialects::open(&self.url, &OpenOptions::default()).unwrap();
        let mut connection = dialect.connect().await.unwrap();
        connection
            .execute(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {}", e.report()));
        connection.close().await.unwrap();
    }

    pub(crate) fn settings(&self, more: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::from_iter([
            ("connection.url", self.url.as_str()),
            ("connection.backoff.ms", "1"),
        ]);
        more.iter()
            .for_each(|(key, value)| settings.set(*key, *value));
        settings
    }

    /// A started task.
    pub(crate) async fn start(&self, more: &[(&str, &str)]) -> Run {
        let TaskKind::Sink(mut task) = connector().task(&self.settings(more)).unwrap() else {
            panic!("not a sink");
        };
        task.start(context()).await.unwrap();
        Run { task }
    }

    /// The columns of a table.
    pub(crate) async fn columns(&self, table: &str) -> Option<dialects::Table> {
        let dialect = dialects::open(&self.url, &OpenOptions::default()).unwrap();
        let mut connection = dialect.connect().await.unwrap();
        let table = connection.describe(&TableName::new(table)).await.unwrap();
        connection.close().await.unwrap();
        table
    }

    /// The rows of a table, as text, sorted.
    pub(crate) async fn rows(&self, table: &str) -> Vec<String> {
        let rows = self.all(table).await.into_iter().map(|row| {
            let cells = row.iter().map(shown);
            cells.collect::<Vec<_>>().join(" ")
        });
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        rows
    }

    /// The rows of a table of two columns, a number and a value, in the order of the numbers.
    pub(crate) async fn values(&self, table: &str) -> Vec<(i64, Value)> {
        let rows = self.all(table).await.into_iter();
        let mut rows: Vec<(i64, Value)> = rows
            .map(|mut row| match (row.remove(0), row.remove(0)) {
                (Value::Int(id), value) => (id, value),
                (other, _) => panic!("{other:?} is no number"),
            })
            .collect();
        rows.sort_by_key(|(id, _)| *id);
        rows
    }

    async fn all(&self, table: &str) -> Vec<Vec<Value>> {
        let dialect = dialects::open(&self.url, &OpenOptions::default()).unwrap();
        let mut connection = dialect.connect().await.unwrap();
        let name = TableName::new(table);
        let table = connection
            .describe(&name)
            .await
            .unwrap()
            .expect("the table");
        let columns: Vec<usize> = (0..table.columns.len()).collect();
        let schema = table.schema(&columns, &[]).unwrap();
        let page = Page::of(&table, &columns);
        let statement = dialect.syntax().select(&page).unwrap();
        let mut cursor = connection.query(&statement, &schema).await.unwrap();
        let mut rows = Vec::new();
        while let Some(batch) = cursor.next(1_000, usize::MAX).await.unwrap() {
            let records = Records::new("t".into(), schema.clone(), batch).unwrap();
            rows.extend(records.rows().map(|row| {
                let cells = (0..columns.len()).map(|i| row.get(i).to_value());
                cells.collect()
            }));
        }
        rows
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Int(v) => v.to_string(),
        Value::Text(v) => v.to_string(),
        Value::Bool(v) => v.to_string(),
        other => format!("{other:?}"),
    }
}

/// A name that no other test has.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{}_{next}", std::process::id())
}

pub(crate) fn connector() -> Arc<dyn DynConnector> {
    Arc::new(JdbcSink::new(Arc::new(dialects::open)))
}

struct Nothing;

#[async_trait]
impl PositionReader for Nothing {
    async fn read(&self, partitions: &[Partition]) -> Result<Vec<Option<Offset>>> {
        Ok(vec![None; partitions.len()])
    }
}

pub(crate) fn context() -> TaskContext {
    TaskContext {
        connector: "test".into(),
        task: 0,
        positions: Arc::new(Nothing),
        stop: CancellationToken::new(),
    }
}

pub(crate) struct Run {
    pub(crate) task: Box<dyn SinkTask>,
}

impl Run {
    pub(crate) async fn try_put(&mut self, records: &Records) -> Result<PutOutcome> {
        tokio::time::timeout(DEADLINE, self.task.put(records))
            .await
            .expect("a put ends in time")
    }

    /// Puts, and returns the refused rows with their messages.
    pub(crate) async fn put(&mut self, records: &Records) -> Vec<(usize, String)> {
        let outcome = self.try_put(records).await;
        let outcome = outcome.unwrap_or_else(|e| panic!("{}", e.report()));
        assert_eq!(outcome.written + outcome.rejected.len(), records.len());
        let rejected = outcome.rejected.into_iter();
        rejected.map(|r| (r.row, r.error.report())).collect()
    }
}

/// Columns `id` and `name`, the key being `id`.
pub(crate) fn people() -> SchemaRef {
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Text.field("name", true),
    ];
    Schema::new("people", fields, &[]).unwrap()
}

/// Rows of [`people`]; a delete where the name is left out.
pub(crate) fn rows(topic: &str, rows: &[(i64, Option<&str>)]) -> Records {
    let record = |(id, name): &(i64, Option<&str>)| ConnectRecord {
        values: vec![(*id).into(), (*name).into()],
        op: if name.is_some() { Op::Read } else { Op::Delete },
        ..ConnectRecord::default()
    };
    Records::from_rows(topic.into(), people(), rows.iter().map(record)).unwrap()
}

pub(crate) fn of<const N: usize>(
    topic: &str,
    schema: &SchemaRef,
    rows: impl IntoIterator<Item = [Value; N]>,
) -> Records {
    let rows = rows.into_iter().map(ConnectRecord::from);
    Records::from_rows(topic.into(), schema.clone(), rows).unwrap()
}
