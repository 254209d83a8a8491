//! A sink task, driven as the runtime drives it.
use async_trait::async_trait;
use connect_api::{
    ConnectRecord, DynConnector, Kind, Offset, Op, PartBoard, Partition, PositionReader,
    PutOutcome, Records, Result, Schema, SchemaRef, SinkTask, TaskContext, TaskKind, Value,
    config::Settings,
};
use connector_jdbc_sink::JdbcSink;
use std::{sync::Arc, time::Duration};
pub(crate) use test_support::{Database, unique};
use tokio_util::sync::CancellationToken;

/// The longest time that a test waits for an event.
const DEADLINE: Duration = Duration::from_secs(60);

/// A sink on the database of a test.
pub(crate) trait Sink {
    /// Settings with the keys that every test needs, and `more`.
    fn settings(&self, more: &[(&str, &str)]) -> Settings;

    /// A started task.
    async fn start(&self, more: &[(&str, &str)]) -> Run;
}

impl Sink for Database {
    fn settings(&self, more: &[(&str, &str)]) -> Settings {
        let mut settings = self.connection_settings();
        more.iter()
            .for_each(|(key, value)| settings.set(*key, *value));
        settings
    }

    async fn start(&self, more: &[(&str, &str)]) -> Run {
        let TaskKind::Sink(mut task) = connector().task(&self.settings(more)).unwrap() else {
            panic!("not a sink");
        };
        task.start(context()).await.unwrap();
        Run { task }
    }
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
        parts: PartBoard::default(),
        state: None,
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

    /// Puts, and returns the rejected rows with their messages.
    pub(crate) async fn put(&mut self, records: &Records) -> Vec<(usize, String)> {
        let outcome = self.try_put(records).await;
        let outcome = outcome.unwrap_or_else(|e| panic!("{}", e.report()));
        assert_eq!(outcome.written + outcome.rejected.len(), records.len());
        let rejected = outcome.rejected.into_iter();
        rejected.map(|r| (r.row, r.error.report())).collect()
    }
}

/// Columns `id` and `name`; the key is `id`.
pub(crate) fn people() -> SchemaRef {
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Text.field("name", true),
    ];
    Schema::new("people", fields, &[]).unwrap()
}

/// Rows of [`people`]; a delete if the name is `None`.
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
