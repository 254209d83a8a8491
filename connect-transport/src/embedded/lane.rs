//! Writes to one queue.
use super::{directory::QueueEntry, write_queue::WriteQueue, write_request::WriteRequest};
use crate::{Batch, Lane, Queue, parse_frames};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result};
use std::sync::Arc;

pub(super) struct QueueLane {
    pub(super) writes: Arc<WriteQueue>,
    pub(super) queue: Queue,
    pub(super) entry: Arc<QueueEntry>,
}

#[async_trait]
impl Lane for QueueLane {
    async fn send(&mut self, batch: &Batch) -> Result<i64> {
        // The store must be readable for ever: it takes no batch whose frames cannot be found again.
        let count = parse_frames(&batch.frames).try_fold(0, |n, frame| frame.map(|_| n + 1));
        let count = count.map_err(|e| e.context(format!("queue {}", self.queue)))?;
        if count != batch.messages || count == 0 {
            let (queue, said) = (&self.queue, batch.messages);
            let text = format!("queue {queue}: batch said to be of {said} messages has {count}");
            return Err(Error::new(ErrorKind::Data, text));
        }
        self.writes
            .submit(WriteRequest::Append(self.entry.clone(), batch.clone()))
            .await
    }
}
