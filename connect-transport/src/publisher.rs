//! Publishes pages of messages to the queues of one topic: in order, acknowledged, with back-pressure.
mod delivery;
mod options;
mod outbox;
#[cfg(test)]
mod tests;

use crate::{Frames, Page, Transport, id::MessageIds};
use connect_api::{Error, ErrorKind, Rejected, Result};
use delivery::Delivery;
pub use options::{
    BATCH_BYTES, BATCH_MESSAGES, MAX_IN_FLIGHT_BYTES, MAX_MESSAGE_BYTES, MAX_RETRY_DELAY,
    PublisherOptions, RETRY_DELAY,
};
use outbox::{Outbox, Pending};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use twox_hash::XxHash3_64;

/// Sends pages of messages to one topic.
///
/// A message with a key goes to the queue that the key's XXH3 hash (64 bits, seed 0) names, so
/// that messages of one key keep their order as long as the topic has as many queues (G2).
/// Messages without a key go to one queue after another, a batch or the rest of a page each.
/// A queue has one batch in flight, which is retried after transient errors, and sends what has
/// gathered as soon as it is free; nothing waits for a batch to fill.
#[derive(Debug)]
pub struct Publisher {
    topic: Arc<str>,
    options: PublisherOptions,
    outbox: Arc<Outbox>,
    lanes: JoinSet<()>,
    stop: CancellationToken,
    last_ticket: u64,
    /// Queue of the next message without a key.
    round: usize,
    /// Kept from page to page for their memory.
    open: Vec<Option<Pending>>,
    /// Bytes and messages of the open batches before the page.
    before: Vec<Option<(usize, usize)>>,
    sealed: Vec<(usize, Pending)>,
    spare: Vec<Vec<u8>>,
}

impl Publisher {
    /// Opens a lane to every queue of `topic`. When `stop` fires, [`send`](Self::send) ends with
    /// `Stopped`; what was accepted is sent until [`close`](Self::close).
    ///
    /// # Errors
    /// `Schema`: there is no such topic. Else as [`Transport::lane`].
    pub async fn open(
        transport: &Arc<dyn Transport>,
        topic: &str,
        options: PublisherOptions,
        stop: CancellationToken,
    ) -> Result<Self> {
        let queues = transport.queues(topic).await?;
        if queues.is_empty() {
            return Err(Error::new(
                ErrorKind::Schema,
                format!("topic `{topic}` does not exist or has no queue to write to; create it"),
            ));
        }
        let count = queues.len();
        let topic: Arc<str> = topic.into();
        let outbox = Arc::new(Outbox::new(topic.clone(), count));
        let (mut lanes, halt) = (JoinSet::new(), CancellationToken::new());
        for (index, queue) in queues.into_iter().enumerate() {
            let delivery = Delivery {
                lane: transport.lane(&queue).await?,
                queue,
                index,
                outbox: outbox.clone(),
                options: options.clone(),
                halt: halt.clone(),
            };
            lanes.spawn(delivery.run());
        }
        Ok(Self {
            topic,
            options,
            outbox,
            lanes,
            stop,
            last_ticket: 0,
            round: 0,
            open: (0..count).map(|_| None).collect(),
            before: vec![None; count],
            sealed: Vec::new(),
            spare: Vec::new(),
        })
    }

    /// The topic.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// Number of queues of the topic.
    pub fn queues(&self) -> usize {
        self.open.len()
    }

    /// Accepts all messages of the page, or none, and gives its ticket: 1, 2, 3 and so on. Waits
    /// first while more than `max_in_flight_bytes` are not acknowledged; dropped meanwhile, none
    /// was accepted.
    ///
    /// # Errors
    /// `Data`: a message is too long or a property holds a separator; the text names the row, and
    /// the publisher continues. `Stopped`: `stop` has fired. Else what a lane has failed with: once
    /// as it was, then as an error of the same kind; nothing is accepted any more.
    pub async fn send(&mut self, page: Page<'_>) -> Result<u64> {
        self.room().await?;
        self.accept(page, None)
    }

    /// As [`send`](Self::send), but messages that can never be sent are left out and reported,
    /// in order; the ticket stands for the others.
    ///
    /// # Errors
    /// As `send`, but `Data` only for the properties that the page has in common.
    pub async fn send_valid(
        &mut self,
        page: Page<'_>,
        rejected: &mut Vec<Rejected>,
    ) -> Result<u64> {
        self.room().await?;
        self.accept(page, Some(rejected))
    }

    async fn room(&self) -> Result<()> {
        self.outbox.check()?;
        let most = self.options.max_in_flight_bytes;
        let room = self.outbox.until(|o| o.unacknowledged() <= most);
        let stopped = || {
            let text = format!("topic `{}`: asked to stop", self.topic);
            Error::new(ErrorKind::Stopped, text)
        };
        self.stop
            .run_until_cancelled(room)
            .await
            .unwrap_or_else(|| Err(stopped()))
    }

    fn accept(&mut self, page: Page<'_>, rejected: Option<&mut Vec<Rejected>>) -> Result<u64> {
        let ticket = self.last_ticket + 1;
        self.outbox.take_open(&mut self.open, &mut self.spare);
        for (before, open) in self.before.iter_mut().zip(&self.open) {
            let open = open.as_ref().map(|p| &p.frames);
            *before = open.map(|f| (f.total_bytes(), f.len()));
        }
        let framed = self.frame(page, ticket, rejected);
        let added = match framed {
            Ok(added) => {
                self.last_ticket = ticket;
                added
            }
            Err(_) => {
                self.take_back();
                0
            }
        };
        self.outbox.put(&mut self.sealed, &mut self.open, added);
        framed.map(|_| ticket)
    }

    /// Appends the page's messages to the open batches; gives the bytes added.
    fn frame(
        &mut self,
        page: Page<'_>,
        ticket: u64,
        mut rejected: Option<&mut Vec<Rejected>>,
    ) -> Result<usize> {
        let context = |e: Error| e.context(format!("topic `{}`", self.topic));
        let common = page.render_common().map_err(context)?;
        let mut ids = MessageIds::reserve(page.len());
        let mut added = 0;
        for row in 0..page.len() {
            let message = page.message(row);
            let key = page.queue_key(row);
            let keyed = !key.is_empty();
            let mut queue = if keyed {
                self.queue_of(key)
            } else {
                self.round
            };
            // Headers are few and short: not worth a look before they are written.
            let bytes = message.body.len() + message.key.len() + 128;
            while let Some(full) =
                self.open[queue].take_if(|p| !self.options.has_room(&p.frames, bytes))
            {
                self.sealed.push((queue, full));
                if !keyed {
                    queue = (queue + 1) % self.open.len();
                    self.round = queue;
                }
            }
            let slot = &mut self.open[queue];
            let pending = slot.get_or_insert_with(|| Pending {
                frames: Frames::reuse(self.spare.pop().unwrap_or_default()),
                first: ticket,
            });
            let bytes = pending.frames.total_bytes();
            let max_body = self.options.max_message_bytes;
            match pending
                .frames
                .push_with_id(&message, &common, max_body, &mut ids)
            {
                Ok(()) => added += pending.frames.total_bytes() - bytes,
                Err(error) => {
                    let error = error.context(format!("topic `{}`: row {row}", self.topic));
                    let Some(rejected) = rejected.as_deref_mut() else {
                        return Err(error);
                    };
                    rejected.push(Rejected { row, error });
                }
            }
        }
        self.round = (self.round + 1) % self.open.len();
        for open in &mut self.open {
            // All of its messages were rejected.
            open.take_if(|p| p.frames.is_empty());
        }
        Ok(added)
    }

    fn queue_of(&self, key: &[u8]) -> usize {
        let count = self.open.len();
        if count == 1 {
            return 0;
        }
        let scaled = u128::from(XxHash3_64::oneshot(key)) * count as u128;
        usize::try_from(scaled >> 64).unwrap_or_default()
    }

    /// Restores the open batches as they were before the page.
    fn take_back(&mut self) {
        // The first sealed batch of a queue is the one that was open before.
        for (queue, pending) in self.sealed.drain(..).rev() {
            self.open[queue] = Some(pending);
        }
        for (open, before) in self.open.iter_mut().zip(&self.before) {
            match (open.as_mut(), before) {
                (Some(pending), Some((bytes, messages))) => {
                    pending.frames.truncate(*bytes, *messages);
                }
                (_, _) => *open = None,
            }
        }
    }

    /// The highest ticket up to which every message is stored (G1), 0 before the first.
    ///
    /// # Errors
    /// As [`send`](Self::send), for a lane that has failed.
    pub fn acknowledged(&self) -> Result<u64> {
        self.outbox.check()?;
        Ok(self.stored())
    }

    /// As [`acknowledged`](Self::acknowledged), also after a failure.
    pub fn stored(&self) -> u64 {
        self.outbox
            .oldest()
            .map_or(self.last_ticket, |oldest| oldest - 1)
    }

    /// Waits until every message up to `ticket` is stored. May be dropped and called again.
    ///
    /// # Errors
    /// As [`acknowledged`](Self::acknowledged).
    pub async fn wait(&self, ticket: u64) -> Result<()> {
        self.outbox
            .until(|o| o.oldest().is_none_or(|oldest| oldest > ticket))
            .await
    }

    /// As [`wait`](Self::wait), apart from the publisher, which is used by others meanwhile.
    pub(crate) fn receipt(&self, ticket: u64) -> impl Future<Output = Result<()>> + Send + use<> {
        let outbox = self.outbox.clone();
        let stored = move |o: &Outbox| o.oldest().is_none_or(|oldest| oldest > ticket);
        async move { outbox.until(stored).await }
    }

    /// Waits until everything accepted is stored. May be dropped and called again.
    ///
    /// # Errors
    /// As [`acknowledged`](Self::acknowledged).
    pub async fn flush(&self) -> Result<()> {
        self.wait(self.last_ticket).await
    }

    /// Waits until everything accepted is stored, at most for `deadline`, and ends the lanes.
    /// [`stored`](Self::stored) still answers. A publisher that is dropped ends them at once.
    ///
    /// # Errors
    /// As [`acknowledged`](Self::acknowledged). `Timeout`: something is not stored yet.
    pub async fn close(&mut self, deadline: Duration) -> Result<()> {
        let flushed = tokio::time::timeout(deadline, self.flush()).await;
        self.lanes.shutdown().await;
        flushed.unwrap_or_else(|late| {
            let bytes = self.outbox.unacknowledged();
            let seconds = deadline.as_secs_f32();
            let topic = &self.topic;
            let text = format!("topic `{topic}`: {bytes} bytes not acknowledged in {seconds} s");
            Err(Error::new(ErrorKind::Timeout, text).with_source(late))
        })
    }
}
