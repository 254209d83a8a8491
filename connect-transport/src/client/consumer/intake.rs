//! One queue that a consumer reads.
use super::{RETRY_PAUSE, Start, claims::Held, passes};
use crate::{Pulled, Reader, Transport};
use connect_api::Result;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A queue, how far it was handed out, and how far that is committed.
pub(super) struct Intake {
    pub(super) held: Held,
    reader: Box<dyn Reader>,
    /// Offset behind what was handed out.
    pub(super) next: i64,
    pub(super) committed: i64,
    /// Since when there are only errors.
    failing: Option<Instant>,
}

impl Intake {
    /// Goes on where the group has committed; where it has not, commits where it begins, so that a
    /// restart before the first commit passes nothing over, and tools see what is not read yet.
    pub(super) async fn open(
        transport: &dyn Transport,
        group: &str,
        held: &Held,
        start: Start,
    ) -> Result<Self> {
        let queue = &held.queue;
        let committed = transport
            .committed(group, std::slice::from_ref(queue))
            .await?;
        let next = match committed.into_iter().flatten().next() {
            Some(offset) => offset,
            None => {
                let bounds = transport.bounds(queue).await?;
                let offset = match start {
                    Start::Latest if !held.added => bounds.end,
                    Start::Latest | Start::Earliest => bounds.start,
                };
                transport.commit(group, &[(queue.clone(), offset)]).await?;
                offset
            }
        };
        Ok(Self {
            held: held.clone(),
            reader: transport.reader(group, queue, next).await?,
            next,
            committed: next,
            failing: None,
        })
    }

    pub(super) fn is_ahead(&self) -> bool {
        self.next != self.committed
    }

    /// The next messages. Dropped, nothing is lost.
    pub(super) async fn pull(&mut self, wait: Duration, patience: Duration) -> Result<Pulled> {
        loop {
            let error = match self.reader.pull(wait).await {
                Ok(pulled) => {
                    self.failing = None;
                    return Ok(pulled);
                }
                Err(error) => error,
            };
            let queue = &self.held.queue;
            let since = *self.failing.get_or_insert_with(|| {
                tracing::warn!(%queue, error = error.report(), "the pull is tried again");
                Instant::now()
            });
            if !passes(&error) || since.elapsed() >= patience {
                return Err(error);
            }
            sleep(error.retry_after().unwrap_or(RETRY_PAUSE)).await;
        }
    }
}
