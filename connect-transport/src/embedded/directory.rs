//! The topics and queues of a store, in memory.
use super::table::{QUEUES, TOPICS};
use crate::Queue;
use connect_api::{Error, ErrorKind, Result};
use redb::{ReadableTable as _, WriteTransaction};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::watch;

/// What a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Extent {
    /// The oldest offset.
    pub(super) first: i64,
    /// The offset that the next message gets.
    pub(super) next: i64,
    /// Bytes of all batches.
    pub(super) bytes: u64,
}

/// A queue of a topic.
#[derive(Debug)]
pub(super) struct QueueEntry {
    pub(super) topic: u32,
    pub(super) id: u32,
    /// As last committed. The writer sets it; readers wait on it.
    pub(super) extent: watch::Sender<Extent>,
}

impl QueueEntry {
    pub(super) fn extent(&self) -> Extent {
        *self.extent.borrow()
    }
}

#[derive(Debug)]
struct Topic {
    number: u32,
    queues: Vec<Arc<QueueEntry>>,
}

impl Topic {
    fn new(number: u32, queues: u32) -> Self {
        let entry = |id| {
            let (extent, _) = watch::channel(Extent::default());
            Arc::new(QueueEntry {
                topic: number,
                id,
                extent,
            })
        };
        Self {
            number,
            queues: (0..queues).map(entry).collect(),
        }
    }
}

/// Topics by name.
#[derive(Debug, Default)]
pub(super) struct Directory(RwLock<HashMap<Box<str>, Topic>>);

impl Directory {
    /// Reads the directory, and creates the tables where the file is new.
    pub(super) fn load(txn: &WriteTransaction) -> Result<Self, redb::Error> {
        let mut topics = HashMap::new();
        let extents = txn.open_table(QUEUES)?;
        for topic in txn.open_table(TOPICS)?.iter()? {
            let (name, value) = topic?;
            let (number, queues) = value.value();
            let topic = Topic::new(number, queues);
            for queue in &topic.queues {
                if let Some(extent) = extents.get((number, queue.id))? {
                    let (first, next, bytes) = extent.value();
                    queue.extent.send_replace(Extent { first, next, bytes });
                }
            }
            topics.insert(name.value().into(), topic);
        }
        Ok(Self(RwLock::new(topics)))
    }

    /// The queues of `topic`; empty where there is no such topic.
    pub(super) fn queues(&self, topic: &str) -> Vec<Queue> {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = topics.get(topic) else {
            return Vec::new();
        };
        let (topic, broker) = (Arc::<str>::from(topic), Arc::<str>::from(""));
        let queue = |q: &Arc<QueueEntry>| Queue {
            topic: topic.clone(),
            broker: broker.clone(),
            id: q.id,
        };
        found.queues.iter().map(queue).collect()
    }

    /// The entry of `queue`.
    ///
    /// # Errors
    /// `Schema`: there is none.
    pub(super) fn entry(&self, queue: &Queue) -> Result<Arc<QueueEntry>> {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let topic = topics.get(&*queue.topic);
        let entry = topic.and_then(|t| t.queues.get(usize::try_from(queue.id).ok()?));
        entry.cloned().ok_or_else(|| {
            let text = match topic {
                None => format!("topic `{}` does not exist; create it", queue.topic),
                Some(topic) => format!(
                    "topic `{}` has no queue {}, it has {}",
                    queue.topic,
                    queue.id,
                    topic.queues.len()
                ),
            };
            Error::new(ErrorKind::Schema, text)
        })
    }

    /// All queues.
    pub(super) fn entries(&self) -> Vec<Arc<QueueEntry>> {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        topics.values().flat_map(|t| t.queues.clone()).collect()
    }

    pub(super) fn contains(&self, topic: &str) -> bool {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        topics.contains_key(topic)
    }

    /// A number that no topic has.
    pub(super) fn free_number(&self) -> u32 {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        topics.values().map(|t| t.number + 1).max().unwrap_or(0)
    }

    pub(super) fn insert(&self, name: &str, number: u32, queues: u32) {
        let mut topics = self.0.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(name.into(), Topic::new(number, queues));
    }
}

/// The state of the queues that a commit touches, before it is committed.
pub(super) type Touched = BTreeMap<(u32, u32), (Arc<QueueEntry>, Extent)>;
