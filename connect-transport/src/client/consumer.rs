//! Consumes a topic as a member of a group.
mod assignment;
mod fetcher;

use super::ReceivedMessage;
use crate::{Joining, Peer, Queue, Transport, id};
use assignment::Assignment;
use connect_api::{Disposition, Error, ErrorKind, Result};
use fetcher::QueueFetcher;
use futures_util::{Stream, future::select_all, stream};
use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};

/// How long calls are retried after transient errors before the error is returned: two minutes, in
/// which a broker is restarted.
pub const RETRY_TIMEOUT: Duration = Duration::from_secs(120);
/// Pause before the next attempt.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// [`Consumer::recv`] looks so often whether it is time for something else.
const WAIT: Duration = Duration::from_secs(60);

/// Where a group begins in a queue of which it has committed no offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With the oldest message that is there.
    #[default]
    Earliest,
    /// With the next message that is sent. A queue that is added to the topic later is read from its
    /// beginning.
    Latest,
}

/// Settings of a [`Consumer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerOptions {
    /// Where the group begins in a queue of which it has committed no offset.
    pub start: Start,
    /// How long calls are retried after transient errors before the error is returned.
    pub retry_timeout: Duration,
    /// A name that no other consumer has and that stays the same after a restart, e.g. of the machine and
    /// the service. With it, a program that was killed has its queues again at once, and not after the
    /// minute for which brokers keep them for a member that died.
    pub name: Option<String>,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        Self {
            start: Start::default(),
            retry_timeout: RETRY_TIMEOUT,
            name: None,
        }
    }
}

/// Consumes a topic as a member of a group, at least once (G1): what was handed out and not committed
/// is handed out again, to this consumer after a restart or to another one of the group.
///
/// It reads all queues of the topic, each in order, and finds queues that are added within half a
/// minute. No two consumers of a group read a queue at a time: the first one reads, another one stands
/// by and takes over within seconds when the first is closed, and within a minute when it has died. A
/// consumer that was dropped leaves the group on its own time, if the Tokio runtime is still there.
pub struct Consumer {
    transport: Arc<dyn Transport>,
    group: Arc<str>,
    options: ConsumerOptions,
    assignment: Assignment,
    fetchers: Vec<QueueFetcher>,
    /// The fetcher that is polled first, so that each has its turn.
    turn: usize,
    /// What [`recv`](Self::recv) hands out next.
    gathered: VecDeque<ReceivedMessage>,
    /// The offset after the last of `gathered`.
    behind: i64,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("group", &self.group)
            .field("queues", &self.queues())
            .finish_non_exhaustive()
    }
}

impl Consumer {
    pub(super) async fn open(
        transport: Arc<dyn Transport>,
        group: &str,
        topic: &str,
        options: ConsumerOptions,
    ) -> Result<Self> {
        let queues = transport.queues(topic).await?;
        if queues.is_empty() {
            return Err(no_topic(topic));
        }
        transport.create_group(group).await?;
        let joining = Joining {
            group: group.into(),
            topics: vec![topic.into()],
            owner: match &options.name {
                Some(name) => name.as_str().into(),
                None => owner(),
            },
            name: format!("a consumer of topic {topic}").into(),
        };
        let assignment = Assignment::open(transport.clone(), joining, queues).await?;
        Ok(Self {
            transport,
            group: group.into(),
            options,
            assignment,
            fetchers: Vec::new(),
            turn: 0,
            gathered: VecDeque::new(),
            behind: 0,
        })
    }

    /// The group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The queues that are assigned to this consumer now; none while another one of its group holds them.
    pub fn queues(&self) -> Vec<Queue> {
        let state = self.assignment.state();
        let assigned = state.assigned.into_iter();
        assigned.map(|assigned| assigned.queue).collect()
    }

    /// The other members of the group, as last seen.
    pub fn others(&self) -> Vec<Peer> {
        self.assignment.state().others
    }

    /// The next messages, all of one queue; none when none came within `wait`. They count as handed out:
    /// [`commit`](Self::commit) once they are worked on. Dropping the future loses nothing.
    ///
    /// The consumer keeps its queues while the messages are worked on, however long that takes.
    ///
    /// # Errors
    /// Transient errors (`Connect`, `Timeout`, `Busy`) once they have lasted for
    /// [`ConsumerOptions::retry_timeout`]. `Auth`: the topic may not be read with this group. `Schema`:
    /// the topic is gone. `Conflict`: a consumer of another kind is in the group, and would read the
    /// same messages. `poll` may be called again after any of them, and continues where it was.
    pub async fn poll(&mut self, wait: Duration) -> Result<Vec<ReceivedMessage>> {
        if self.gathered.is_empty() && !self.gather(wait).await? {
            return Ok(Vec::new());
        }
        let messages = Vec::from(std::mem::take(&mut self.gathered));
        if let Some(last) = messages.last() {
            self.handed_out(last.queue(), self.behind);
        }
        Ok(messages)
    }

    /// The next message, as soon as there is one. It counts as handed out. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub async fn recv(&mut self) -> Result<ReceivedMessage> {
        loop {
            if let Some(message) = self.gathered.pop_front() {
                let next = match self.gathered.is_empty() {
                    true => self.behind,
                    false => message.offset() + 1,
                };
                self.handed_out(message.queue(), next);
                return Ok(message);
            }
            self.gather(WAIT).await?;
        }
    }

    /// What [`recv`](Self::recv) gives, as a stream that never ends.
    pub fn stream(&mut self) -> impl Stream<Item = Result<ReceivedMessage>> + Send + '_ {
        stream::unfold(self, |consumer| async {
            Some((consumer.recv().await, consumer))
        })
    }

    /// Commits the offsets of all that was handed out; `Ok` means that they are stored, and the group
    /// continues after them. Offsets of queues that are no longer assigned to this consumer are not committed.
    ///
    /// # Errors
    /// As [`poll`](Self::poll); the same messages are committed by the next call.
    pub async fn commit(&mut self) -> Result<()> {
        let state = self.assignment.state();
        let handed_out: Vec<_> = self
            .fetchers
            .iter()
            .enumerate()
            .filter(|(_, fetcher)| {
                fetcher.has_uncommitted() && state.assigned.contains(&fetcher.assigned)
            })
            .map(|(index, fetcher)| (index, fetcher.next))
            .collect();
        if handed_out.is_empty() {
            return Ok(());
        }
        let offsets: Vec<_> = handed_out
            .iter()
            .map(|(index, next)| (self.fetchers[*index].assigned.queue.clone(), *next))
            .collect();
        let Self {
            transport, group, ..
        } = self;
        let commit = || transport.commit(group, &offsets);
        retried(self.options.retry_timeout, commit).await?;
        for (index, next) in handed_out {
            self.fetchers[index].committed = next;
        }
        Ok(())
    }

    /// Leaves the group, so that another consumer has the queues at once. What was not committed is
    /// handed out again.
    ///
    /// # Errors
    /// `Connect`, `Timeout`: brokers could not be notified; they give the queues to others within a minute.
    pub async fn close(self) -> Result<()> {
        self.assignment.leave().await
    }

    fn handed_out(&mut self, queue: &Queue, next: i64) {
        let of_queue = |fetcher: &&mut QueueFetcher| fetcher.assigned.queue == *queue;
        if let Some(fetcher) = self.fetchers.iter_mut().find(of_queue) {
            fetcher.next = next;
        }
    }

    /// Waits for messages; `false` when none came.
    async fn gather(&mut self, wait: Duration) -> Result<bool> {
        let deadline = Instant::now() + wait;
        loop {
            self.follow_assignment().await?;
            let left = deadline.saturating_duration_since(Instant::now());
            let count = self.fetchers.len();
            self.turn = (self.turn + 1) % count.max(1);
            let (front, back) = self.fetchers.split_at_mut(self.turn);
            let patience = self.options.retry_timeout;
            let pulls: Vec<_> = back
                .iter_mut()
                .chain(front)
                .map(|fetcher| Box::pin(fetcher.pull(left, patience)))
                .collect();
            let pulled = async {
                match pulls.is_empty() {
                    true => std::future::pending().await,
                    false => select_all(pulls).await,
                }
            };
            let (pulled, index, _) = tokio::select! {
                pulled = pulled => pulled,
                () = self.assignment.changed() => continue,
                () = sleep_until(deadline) => return Ok(false),
            };
            let pulled = pulled?;
            let queue = &self.fetchers[(self.turn + index) % count].assigned.queue;
            let messages = pulled.iter();
            self.gathered = messages
                .map(|message| ReceivedMessage::of(queue, &message))
                .collect();
            self.behind = pulled.next;
            if !self.gathered.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Opens fetchers for queues that were gained, and drops those of queues that were lost.
    async fn follow_assignment(&mut self) -> Result<()> {
        let state = self.assignment.state_seen();
        self.fetchers.retain(|fetcher| {
            let kept = state.assigned.contains(&fetcher.assigned);
            if !kept {
                let (queue, group) = (&fetcher.assigned.queue, &*self.group);
                tracing::warn!(%queue, group, "the queue is no longer assigned to this consumer");
            }
            kept
        });
        for assigned in state.assigned {
            if self
                .fetchers
                .iter()
                .any(|fetcher| fetcher.assigned == assigned)
            {
                continue;
            }
            let open =
                || QueueFetcher::open(&*self.transport, &self.group, &assigned, self.options.start);
            let fetcher = retried(self.options.retry_timeout, open).await?;
            self.fetchers.push(fetcher);
        }
        match state.fault {
            Some(fault) => Err(Error::new(fault.kind(), fault.report())),
            None => Ok(()),
        }
    }
}

/// Retries `call` after transient errors, for `patience`.
async fn retried<T, F>(patience: Duration, mut call: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let begun = Instant::now();
    loop {
        match call().await {
            Err(error) if passes(&error) && begun.elapsed() < patience => {
                tracing::warn!(error = error.report(), "will be retried");
                sleep(error.retry_after().unwrap_or(RETRY_PAUSE)).await;
            }
            answer => return answer,
        }
    }
}

fn passes(error: &Error) -> bool {
    match error.kind().disposition() {
        Disposition::Retry => true,
        Disposition::DeadLetter | Disposition::Fail | Disposition::Stop => false,
    }
}

fn no_topic(topic: &str) -> Error {
    let why = format!("topic `{topic}` does not exist; Client::create_topic creates it");
    Error::new(ErrorKind::Schema, why)
}

/// A name that no other consumer has.
fn owner() -> Arc<str> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("consumer-{:016x}-{count}", id::process()).into()
}
