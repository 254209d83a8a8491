//! The work of one lane: batch after batch, each until it is stored.
use super::{PublisherOptions, outbox::Outbox};
use crate::{Batch, Lane, Queue};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use connect_api::{Disposition, Error, Result};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// One queue's way from the outbox to its lane.
pub(super) struct Delivery {
    pub(super) lane: Box<dyn Lane>,
    pub(super) queue: Queue,
    /// Number of the queue in the outbox.
    pub(super) index: usize,
    pub(super) outbox: Arc<Outbox>,
    pub(super) options: PublisherOptions,
    /// Another lane has failed.
    pub(super) halt: CancellationToken,
}

impl Delivery {
    /// Sends what comes, until a lane of the publisher fails.
    pub(super) async fn run(mut self) {
        let halt = self.halt.clone();
        // G2: the next batch of the queue is taken only when the one before is stored.
        while let Some(parcel) = halt.run_until_cancelled(self.outbox.next(self.index)).await {
            match self.deliver(&parcel.batch).await {
                Ok(()) => self.outbox.stored(self.index, parcel),
                Err(error) => {
                    self.outbox.fail(error);
                    halt.cancel();
                }
            }
        }
    }

    async fn deliver(&mut self, batch: &Batch) -> Result<()> {
        let started = Instant::now();
        let mut delays = ExponentialBuilder::new()
            .with_min_delay(self.options.retry_delay)
            .with_max_delay(self.options.max_retry_delay)
            .without_max_times()
            .with_jitter()
            .build();
        loop {
            let error = match self.lane.send(batch).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let tried = started.elapsed();
            let pause = match error.kind().disposition() {
                Disposition::Retry if self.options.retry_timeout.is_none_or(|t| tried < t) => {
                    let next = delays.next().unwrap_or(self.options.max_retry_delay);
                    error.retry_after().unwrap_or(next)
                }
                Disposition::Retry => return Err(self.given_up(error, tried)),
                Disposition::DeadLetter | Disposition::Fail | Disposition::Stop => {
                    return Err(error);
                }
            };
            warn!(
                queue = %self.queue,
                messages = batch.messages,
                error = %error.report(),
                pause_ms = pause.as_millis(),
                "batch not stored, it is sent again"
            );
            let paused = self.halt.run_until_cancelled(tokio::time::sleep(pause));
            if paused.await.is_none() {
                return Err(error);
            }
        }
    }

    fn given_up(&self, error: Error, tried: Duration) -> Error {
        let queue = &self.queue;
        error.context(format!(
            "queue {queue}: gave up after {} s",
            tried.as_secs()
        ))
    }
}
