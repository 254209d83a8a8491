//! Durable ordered queues in one local file.
//!
//! The file is a [redb](https://docs.rs/redb) database. A batch is kept as it came, as one value;
//! one thread writes, and what all lanes have handed in while the last commit went to the disk
//! goes into the next one. `Ok` from a lane and from a commit of offsets means synced: also after
//! `kill -9` every acknowledged batch is there, in order, once. Opening takes milliseconds, also
//! then.
//!
//! One process has the file open at a time, so that all members of a group are of that process.
//! Groups need not be created before they are used.
mod directory;
mod lane;
mod lock_owner;
mod member;
mod options;
mod reader;
mod retention;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod write_queue;
mod write_request;
mod writer;

use crate::{
    Joining, Lane, Member, Queue, QueueType, Reader, Transport, queue_claims::QueueClaims,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result};
use lane::QueueLane;
use member::LocalMember;
pub use options::{CACHE_BYTES, EmbeddedOptions, MAX_AGE, MAX_QUEUE_BYTES, Unread};
use reader::QueueReader;
use std::{
    num::NonZeroU32,
    ops::Range,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::Store;
use tokio::sync::oneshot;
use write_queue::WriteQueue;
use write_request::WriteRequest;

/// A transport that keeps its messages in one local file.
///
/// Dropped without [`close`](Transport::close), it lets the file go a moment later, when its lanes
/// and readers are gone too.
#[derive(Debug)]
pub struct Embedded {
    store: Arc<Store>,
    writes: Arc<WriteQueue>,
    claims: Arc<QueueClaims>,
    /// Hears when the writer has ended; taken by the first `close`.
    writer: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Embedded {
    /// Opens the file, or creates it; its directory must exist.
    ///
    /// # Errors
    /// `Config`: the file is open elsewhere (the text says where), is no store, or cannot be
    /// reached. `Internal`: its tables cannot be read.
    pub async fn open(path: impl AsRef<Path>, options: EmbeddedOptions) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let context = format!("store {}", path.display());
        let broke = |text: &str| Error::new(ErrorKind::Internal, format!("{context}: {text}"));
        let opening = tokio::task::spawn_blocking(move || {
            let store = Arc::new(Store::open(&path, &options)?);
            Ok::<_, Error>((store, options))
        });
        let opened = opening.await;
        let (store, options) = opened.map_err(|e| broke("opening broke off").with_source(e))??;
        let (writes, writer) = WriteQueue::open(store.clone(), options)
            .map_err(|e| broke("no thread for its writer").with_source(e))?;
        Ok(Self {
            store,
            writes: Arc::new(writes),
            claims: Arc::default(),
            writer: Mutex::new(Some(writer)),
        })
    }
}

#[async_trait]
impl Transport for Embedded {
    async fn queues(&self, topic: &str) -> Result<Vec<Queue>> {
        Ok(self.store.directory.queues(topic))
    }

    // Batches are kept as they are sent, whatever the type.
    async fn create_topic(&self, topic: &str, queues: NonZeroU32, _: QueueType) -> Result<()> {
        if !self.store.directory.contains(topic) {
            self.writes
                .submit(WriteRequest::Create(topic.into(), queues))
                .await?;
        }
        Ok(())
    }

    async fn create_group(&self, _group: &str) -> Result<()> {
        Ok(())
    }

    async fn join(&self, joining: Joining) -> Result<Box<dyn Member>> {
        Ok(Box::new(LocalMember::new(self.claims.clone(), joining)))
    }

    async fn lane(&self, queue: &Queue) -> Result<Box<dyn Lane>> {
        Ok(Box::new(QueueLane {
            writes: self.writes.clone(),
            entry: self.store.directory.entry(queue)?,
            queue: queue.clone(),
        }))
    }

    async fn reader(&self, _group: &str, queue: &Queue, offset: i64) -> Result<Box<dyn Reader>> {
        let entry = self.store.directory.entry(queue)?;
        Ok(Box::new(QueueReader::new(
            self.store.clone(),
            entry,
            offset,
        )))
    }

    async fn committed(&self, group: &str, queues: &[Queue]) -> Result<Vec<Option<i64>>> {
        let entry = |queue| self.store.directory.entry(queue);
        let entries = queues.iter().map(entry).collect::<Result<Vec<_>>>()?;
        let group: Box<str> = group.into();
        let read = self.store.read("reading offsets", move |txn| {
            let offsets = txn.open_table(table::OFFSETS)?;
            let offset = |queue: Arc<_>| -> Result<_, redb::Error> {
                let queue: &directory::QueueEntry = &queue;
                let found = offsets.get((queue.topic, queue.id, &*group))?;
                Ok(found.map(|offset| offset.value()))
            };
            entries.into_iter().map(offset).collect()
        });
        self.store.answer(read.await)
    }

    async fn commit(&self, group: &str, offsets: &[(Queue, i64)]) -> Result<()> {
        let entry = |(queue, offset): &(Queue, i64)| {
            let entry = self.store.directory.entry(queue)?;
            Ok((entry, *offset))
        };
        let offsets = offsets.iter().map(entry).collect::<Result<_>>()?;
        self.writes
            .submit(WriteRequest::Commit(group.into(), offsets))
            .await?;
        Ok(())
    }

    async fn bounds(&self, queue: &Queue) -> Result<Range<i64>> {
        let extent = self.store.directory.entry(queue)?.extent();
        Ok(extent.first..extent.next)
    }

    async fn close(&self, deadline: Duration) {
        self.writes.close();
        self.store.closed.cancel();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let store = self.store.clone();
        let closing = async move {
            if let Some(writer) = writer {
                // An error is how the end of the thread is heard.
                writer.await.ok();
            }
            tokio::task::spawn_blocking(move || store.close())
                .await
                .ok();
        };
        if tokio::time::timeout(deadline, closing).await.is_err() {
            tracing::warn!("the embedded store is still busy after {deadline:?}, left to itself");
        }
    }
}
