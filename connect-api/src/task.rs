//! Tasks: what moves records.
use crate::{
    error::{Error, Result},
    origin::{Origin, Origins},
    part::PartBoard,
    position::{Offset, Partition, Position},
    records::Records,
    schema::SchemaRef,
};
use async_trait::async_trait;
use std::{path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Reads stored positions.
#[async_trait]
pub trait PositionReader: Send + Sync {
    /// The stored offsets of `partitions`, in their order; `None` where nothing is stored.
    ///
    /// # Errors
    /// `Connect`, `Timeout`, `Internal`: the store cannot be read.
    async fn read(&self, partitions: &[Partition]) -> Result<Vec<Option<Offset>>>;
}

/// Handed to `start`.
#[derive(Clone)]
pub struct TaskContext {
    /// Name of the connector.
    pub connector: Arc<str>,
    /// Number of the task in its connector, from 0.
    pub task: u32,
    /// What earlier runs of the task have stored.
    pub positions: Arc<dyn PositionReader>,
    /// Fires when the task is to stop; a long wait inside the task ends then.
    pub stop: CancellationToken,
    /// How the parts of the task are doing, for its status.
    pub parts: PartBoard,
    /// A directory that tasks of the connector may keep files in, beside what `positions` holds; `None`
    /// where there is none. It need not exist yet.
    pub state: Option<Arc<Path>>,
}

impl TaskContext {
    /// What the task calls itself to the systems that it connects to: their lists of sessions show it.
    pub fn application(&self) -> String {
        format!("rocketmq-connect {}-{}", self.connector, self.task)
    }

    /// A context for a task that is run by hand or by a test: nothing is stored, and nobody asks it to
    /// stop unless `stop` is cancelled.
    pub fn standalone(connector: impl Into<Arc<str>>) -> Self {
        Self {
            connector: connector.into(),
            task: 0,
            positions: Arc::new(NothingStored),
            stop: CancellationToken::new(),
            parts: PartBoard::default(),
            state: None,
        }
    }

    /// What is stored of one partition.
    ///
    /// # Errors
    /// As [`PositionReader::read`].
    pub async fn stored(&self, partition: &Partition) -> Result<Option<Offset>> {
        let stored = self.positions.read(std::slice::from_ref(partition)).await?;
        Ok(stored.into_iter().flatten().next())
    }
}

/// The positions of a task that runs for the first time.
struct NothingStored;

#[async_trait]
impl PositionReader for NothingStored {
    async fn read(&self, partitions: &[Partition]) -> Result<Vec<Option<Offset>>> {
        Ok(vec![None; partitions.len()])
    }
}

/// Answer of [`SourceTask::poll`].
#[derive(Debug)]
pub enum Polled {
    /// Rows of one topic and one schema, with their position; without rows, the position alone,
    /// which counts once the rows before it are in the broker.
    Records(Records),
    /// Rows of one topic that cannot be read, with the position after them: the runtime sends
    /// them to the dead letter queue, or the task ends before them.
    Refused {
        /// The columns that the rows are found by.
        keys: Records,
        /// Why: `Data`.
        error: Error,
    },
    /// Nothing now; the runtime polls again, at the latest after this time.
    Idle(std::time::Duration),
    /// Nothing ever again.
    Finished,
}

/// Reads a system. One owner, one call at a time.
#[async_trait]
pub trait SourceTask: Send {
    /// Opens what is needed and resumes at the stored positions.
    ///
    /// # Errors
    /// By kind; [`ErrorKind::disposition`](crate::ErrorKind::disposition) says what follows.
    async fn start(&mut self, cx: TaskContext) -> Result<()>;

    /// The next batch. May be dropped at any await: rows count only once returned.
    ///
    /// # Errors
    /// By kind; after one that is retried, `stop` and `start` follow before the next poll.
    async fn poll(&mut self) -> Result<Polled>;

    /// Rows that were returned cannot be sent, whatever is tried: the task may stop reading their table
    /// before them, and go on with others.
    ///
    /// # Errors
    /// `error` itself: the task ends before these rows.
    async fn undeliverable(&mut self, records: &Records, error: Error) -> Result<()> {
        let _ = records;
        Err(error)
    }

    /// The batch at `position` is in the broker and the position is stored.
    ///
    /// # Errors
    /// Fails the task.
    async fn commit(&mut self, position: &Position) -> Result<()> {
        let _ = position;
        Ok(())
    }

    /// Closes what `start` opened; called also after a failure.
    ///
    /// # Errors
    /// Logged, no more.
    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A row the sink refuses, for the dead-letter queue.
#[derive(Debug)]
pub struct Rejected {
    /// Index in the records of the `put`.
    pub row: usize,
    /// Why: `Data` for a fault of this row; `Schema` or `Unsupported` where the target, which is
    /// sound by itself, takes no row of this schema.
    pub error: Error,
}

/// Answer of [`SinkTask::put`]: rows now durable, and rows refused one by one.
#[derive(Debug, Default)]
pub struct PutOutcome {
    /// Rows that are durable now.
    pub written: usize,
    /// Rows that are not, each with its reason; every other row is written or skipped.
    pub rejected: Vec<Rejected>,
    /// Rows that the settings leave out.
    pub skipped: usize,
}

/// What a sink knows of the rows of a topic before it has seen one.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The columns rows go to: how values are read from bodies without a schema. `None`
    /// where the target does not exist yet.
    pub schema: Option<SchemaRef>,
    /// Names of the key columns that are read from the message key; empty where the key comes
    /// from the body, or there is none.
    pub key: Vec<String>,
    /// What the table that rows were read from is to the sink.
    pub origins: Origins,
    /// Why the settings leave these rows out: they are counted, and not decoded. `None` where they
    /// are written.
    pub skipped: Option<Box<str>>,
}

/// Writes to a system.
#[async_trait]
pub trait SinkTask: Send {
    /// Opens what is needed.
    ///
    /// # Errors
    /// By kind; [`ErrorKind::disposition`](crate::ErrorKind::disposition) says what follows.
    async fn start(&mut self, cx: TaskContext) -> Result<()>;

    /// What the sink knows of the rows of `topic`. Called once a topic, before its first row is
    /// decoded, and again after the task was restarted.
    ///
    /// # Errors
    /// As in `start`.
    async fn target(&mut self, topic: &str) -> Result<Target> {
        let _ = topic;
        Ok(Target::default())
    }

    /// What the sink knows of the rows of `topic` that were read from `origin`. Called where
    /// [`target`](Self::target) said that origins matter, once an origin, before the first of its
    /// rows is decoded; after a restart first for the origin that was taken first before.
    ///
    /// # Errors
    /// As in `start`. `Data`: the sink takes no rows of this origin; each of them is refused.
    async fn target_of(&mut self, topic: &str, origin: &Origin) -> Result<Target> {
        let _ = origin;
        self.target(topic).await
    }

    /// Writes a batch. `Ok` means durable; borrowed, so a retry costs no copy; must tolerate the
    /// same batch twice.
    ///
    /// # Errors
    /// By kind. After an error none of the batch counts as written; after one that is retried
    /// the same batch comes again, preceded by `stop` and `start` where the kind is `Connect`.
    async fn put(&mut self, records: &Records) -> Result<PutOutcome>;

    /// As [`put`](Self::put), for a task that ends at the first row that is refused: the rows
    /// before the first of `rejected` are durable. Rows behind it count as not written; a sink
    /// that can keep them out does so.
    ///
    /// # Errors
    /// As in `put`, but rows at the front of the batch may be durable then.
    async fn put_until_refused(&mut self, records: &Records) -> Result<PutOutcome> {
        self.put(records).await
    }

    /// Bytes for each of the rows that are the same for rows of one key, so that rows wait behind
    /// one of their key that is not written yet (G2); `None` where the rows have no key.
    ///
    /// # Errors
    /// `Unsupported`: keys that cannot be compared.
    fn keys(&self, records: &Records) -> Result<Option<Vec<Box<[u8]>>>> {
        let _ = records;
        Ok(None)
    }

    /// Closes what `start` opened; called also after a failure.
    ///
    /// # Errors
    /// Logged, no more.
    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}
