//! What tasks are doing, for anyone to see.
use connect_api::{Direction, Error, ErrorKind, Part, PartBoard};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::watch;

/// A task: its connector's name and its number there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TaskId {
    /// Name of the connector.
    pub connector: Arc<str>,
    /// From 0.
    pub task: u32,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskState {
    /// Made, not running yet.
    Unassigned,
    /// Moving records.
    Running,
    /// Waiting before it tries again what failed.
    Retrying,
    /// Stopped by a fault; it moves nothing until someone restarts it.
    Failed,
    /// Stopped, as asked.
    Stopped,
    /// Came to the end of what there is to read.
    Finished,
}

impl TaskState {
    /// The task is over.
    pub fn is_end(self) -> bool {
        match self {
            Self::Unassigned | Self::Running | Self::Retrying => false,
            Self::Failed | Self::Stopped | Self::Finished => true,
        }
    }
}

/// What a task has moved.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) records: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) dead_letters: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) retries: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// Records that are durable where the task writes: the topic, or the database.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }
}

/// A task as it stands.
#[derive(Debug, Clone, Serialize)]
pub struct TaskStatus {
    /// Which task.
    #[serde(flatten)]
    pub id: TaskId,
    /// Which way it moves records.
    #[serde(serialize_with = "direction")]
    pub direction: Direction,
    /// What it is doing.
    pub state: TaskState,
    /// Why it failed, what it is about to try again, or what does not succeed while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Records that are durable where the task writes.
    pub records: u64,
    /// Batches they came in.
    pub batches: u64,
    /// Messages sent to the dead letter queue.
    pub dead_letters: u64,
    /// Rows that the sink's settings leave out.
    pub skipped: u64,
    /// Number of retries.
    pub retries: u64,
    /// How the tables or queries of the task are doing, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<Box<str>, Part>,
}

/// Why a task does not run.
#[derive(Debug, Clone, Serialize)]
pub struct Cause {
    /// Kind of the error.
    #[serde(serialize_with = "kind")]
    pub kind: ErrorKind,
    /// The error with what caused it.
    pub message: String,
}

fn direction<S: serde::Serializer>(direction: &Direction, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(match direction {
        Direction::Source => "source",
        Direction::Sink => "sink",
    })
}

fn kind<S: serde::Serializer>(kind: &ErrorKind, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(kind.name())
}

struct Entry {
    direction: Direction,
    state: TaskState,
    cause: Option<Cause>,
    counters: Arc<Counters>,
    parts: PartBoard,
}

/// The states of all tasks of a worker.
pub struct StatusBoard {
    entries: Mutex<BTreeMap<TaskId, Entry>>,
    changes: watch::Sender<u64>,
}

impl Default for StatusBoard {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            changes: watch::channel(0).0,
        }
    }
}

impl StatusBoard {
    fn locked<R>(&self, f: impl FnOnce(&mut BTreeMap<TaskId, Entry>) -> R) -> R {
        f(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Enters a task, and gives it its counters and the board of its parts.
    pub(crate) fn enter(&self, id: TaskId, direction: Direction) -> (Arc<Counters>, PartBoard) {
        let (counters, parts) = (Arc::new(Counters::default()), PartBoard::default());
        let entry = Entry {
            direction,
            state: TaskState::Unassigned,
            cause: None,
            counters: counters.clone(),
            parts: parts.clone(),
        };
        self.locked(|entries| entries.insert(id, entry));
        self.changes.send_modify(|n| *n += 1);
        (counters, parts)
    }

    pub(crate) fn set(&self, id: &TaskId, state: TaskState, error: Option<&Error>) {
        let cause = error.map(|e| Cause {
            kind: e.kind(),
            message: e.report(),
        });
        self.locked(|entries| {
            if let Some(entry) = entries.get_mut(id) {
                entry.state = state;
                entry.cause = cause;
            }
        });
        self.changes.send_modify(|n| *n += 1);
    }

    /// All tasks, by connector and number.
    pub fn tasks(&self) -> Vec<TaskStatus> {
        self.locked(|entries| {
            entries
                .iter()
                .map(|(id, entry)| TaskStatus {
                    id: id.clone(),
                    direction: entry.direction,
                    state: entry.state,
                    cause: entry.cause.clone(),
                    records: entry.counters.records(),
                    batches: entry.counters.batches.load(Ordering::Relaxed),
                    dead_letters: entry.counters.dead_letters.load(Ordering::Relaxed),
                    skipped: entry.counters.skipped.load(Ordering::Relaxed),
                    retries: entry.counters.retries.load(Ordering::Relaxed),
                    parts: entry.parts.all(),
                })
                .collect()
        })
    }

    /// Fires when a state changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
