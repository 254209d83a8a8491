//! Fetches the messages of one queue.
use super::{RETRY_PAUSE, Start, assignment::AssignedQueue, passes};
use crate::{Pulled, Reader, Transport};
use connect_api::Result;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The reader of an assigned queue, with the position of its messages and the committed offset.
pub(super) struct QueueFetcher {
    pub(super) assigned: AssignedQueue,
    reader: Box<dyn Reader>,
    /// Offset after the last message that was returned.
    pub(super) next: i64,
    pub(super) committed: i64,
    /// Time of the first error of a series.
    failing: Option<Instant>,
}

impl QueueFetcher {
    /// Resumes at the group's committed offset; where there is none, commits the offset it starts at,
    /// so that a restart before the first commit skips nothing, and tools see the lag.
    pub(super) async fn open(
        transport: &dyn Transport,
        group: &str,
        assigned: &AssignedQueue,
        start: Start,
    ) -> Result<Self> {
        let queue = &assigned.queue;
        let committed = transport
            .committed(group, std::slice::from_ref(queue))
            .await?;
        let next = match committed.into_iter().flatten().next() {
            Some(offset) => offset,
            None => {
                let bounds = transport.bounds(queue).await?;
                let offset = match start {
                    Start::Latest if !assigned.added => bounds.end,
                    Start::Latest | Start::Earliest => bounds.start,
                };
                transport.commit(group, &[(queue.clone(), offset)]).await?;
                offset
            }
        };
        Ok(Self {
            assigned: assigned.clone(),
            reader: transport.reader(group, queue, next).await?,
            next,
            committed: next,
            failing: None,
        })
    }

    pub(super) fn has_uncommitted(&self) -> bool {
        self.next != self.committed
    }

    /// The next messages. Dropping the future loses nothing.
    pub(super) async fn pull(&mut self, wait: Duration, patience: Duration) -> Result<Pulled> {
        loop {
            let error = match self.reader.pull(wait).await {
                Ok(pulled) => {
                    self.failing = None;
                    return Ok(pulled);
                }
                Err(error) => error,
            };
            let queue = &self.assigned.queue;
            let since = *self.failing.get_or_insert_with(|| {
                tracing::warn!(%queue, error = error.report(), "pull failed, will be retried");
                Instant::now()
            });
            if !passes(&error) || since.elapsed() >= patience {
                return Err(error);
            }
            sleep(error.retry_after().unwrap_or(RETRY_PAUSE)).await;
        }
    }
}
