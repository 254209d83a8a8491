//! Writes to one queue.
use super::{
    desk::{Desk, Work},
    directory::QueueEntry,
};
use crate::{Batch, Lane, Queue, walk};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result};
use std::sync::Arc;

pub(super) struct QueueLane {
    pub(super) desk: Arc<Desk>,
    pub(super) queue: Queue,
    pub(super) entry: Arc<QueueEntry>,
}

#[async_trait]
impl Lane for QueueLane {
    async fn send(&mut self, batch: &Batch) -> Result<i64> {
        // The store must be readable for ever: what it cannot walk it does not take.
        let count = walk(&batch.frames).try_fold(0, |n, frame| frame.map(|_| n + 1));
        let count = count.map_err(|e| e.context(format!("queue {}", self.queue)))?;
        if count != batch.messages || count == 0 {
            let (queue, said) = (&self.queue, batch.messages);
            let text = format!("queue {queue}: batch said to be of {said} messages has {count}");
            return Err(Error::new(ErrorKind::Data, text));
        }
        self.desk
            .have(Work::Append(self.entry.clone(), batch.clone()))
            .await
    }
}
