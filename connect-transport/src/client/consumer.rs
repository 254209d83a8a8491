//! Consumes a topic as a member of a group.
mod claims;
mod intake;

use super::ReceivedMessage;
use crate::{Joining, Peer, Queue, Transport, id};
use claims::Claims;
use connect_api::{Disposition, Error, ErrorKind, Result};
use futures_util::{Stream, future::select_all, stream};
use intake::Intake;
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

/// How long errors that pass are tried again before they are told: two minutes, in which a broker is
/// restarted.
pub const RETRY_TIMEOUT: Duration = Duration::from_secs(120);
/// Pause before the next try.
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
    /// How long errors that pass are tried again before they are told.
    pub retry_timeout: Duration,
    /// A name that no other consumer has and that stays the same after a restart, e.g. of the machine and
    /// the service. With it, a program that was killed has its queues again at once, and not after the
    /// minute for which brokers keep them for whoever died.
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
    claims: Claims,
    intakes: Vec<Intake>,
    /// The intake that is looked at first, so that each has its turn.
    turn: usize,
    /// What [`recv`](Self::recv) hands out next.
    gathered: VecDeque<ReceivedMessage>,
    /// Where the queue goes on behind `gathered`.
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
        let claims = Claims::open(transport.clone(), joining, queues).await?;
        Ok(Self {
            transport,
            group: group.into(),
            options,
            claims,
            intakes: Vec::new(),
            turn: 0,
            gathered: VecDeque::new(),
            behind: 0,
        })
    }

    /// The group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The queues that this consumer has for itself now; none while another one of its group has them.
    pub fn queues(&self) -> Vec<Queue> {
        let standing = self.claims.standing();
        standing.held.into_iter().map(|held| held.queue).collect()
    }

    /// The other members of the group, as last seen.
    pub fn others(&self) -> Vec<Peer> {
        self.claims.standing().others
    }

    /// The next messages, all of one queue; none when none came within `wait`. They count as handed out:
    /// [`commit`](Self::commit) once they are worked on. Dropping the future loses nothing.
    ///
    /// The consumer keeps its queues while the messages are worked on, however long that takes.
    ///
    /// # Errors
    /// Errors that pass (`Connect`, `Timeout`, `Busy`) once they have lasted for
    /// [`ConsumerOptions::retry_timeout`]. `Auth`: the topic may not be read with this group. `Schema`:
    /// the topic is gone. `Conflict`: a consumer of another kind is in the group, and would read the
    /// same messages. `poll` may be called again after any of them, and goes on where it was.
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
    /// goes on behind. Offsets of queues that another member has by now are left to it.
    ///
    /// # Errors
    /// As [`poll`](Self::poll); the same messages are committed by the next call.
    pub async fn commit(&mut self) -> Result<()> {
        let standing = self.claims.standing();
        let handed_out: Vec<_> = self
            .intakes
            .iter()
            .enumerate()
            .filter(|(_, intake)| intake.is_ahead() && standing.held.contains(&intake.held))
            .map(|(index, intake)| (index, intake.next))
            .collect();
        if handed_out.is_empty() {
            return Ok(());
        }
        let offsets: Vec<_> = handed_out
            .iter()
            .map(|(index, next)| (self.intakes[*index].held.queue.clone(), *next))
            .collect();
        let Self {
            transport, group, ..
        } = self;
        let commit = || transport.commit(group, &offsets);
        retried(self.options.retry_timeout, commit).await?;
        for (index, next) in handed_out {
            self.intakes[index].committed = next;
        }
        Ok(())
    }

    /// Leaves the group, so that another consumer has the queues at once. What was not committed is
    /// handed out again.
    ///
    /// # Errors
    /// `Connect`, `Timeout`: brokers could not be told; they give the queues to others within a minute.
    pub async fn close(self) -> Result<()> {
        self.claims.leave().await
    }

    fn handed_out(&mut self, queue: &Queue, next: i64) {
        let of_queue = |intake: &&mut Intake| intake.held.queue == *queue;
        if let Some(intake) = self.intakes.iter_mut().find(of_queue) {
            intake.next = next;
        }
    }

    /// Waits for messages; `false` when none came.
    async fn gather(&mut self, wait: Duration) -> Result<bool> {
        let deadline = Instant::now() + wait;
        loop {
            self.follow_claims().await?;
            let left = deadline.saturating_duration_since(Instant::now());
            let count = self.intakes.len();
            self.turn = (self.turn + 1) % count.max(1);
            let (front, back) = self.intakes.split_at_mut(self.turn);
            let patience = self.options.retry_timeout;
            let pulls: Vec<_> = back
                .iter_mut()
                .chain(front)
                .map(|intake| Box::pin(intake.pull(left, patience)))
                .collect();
            let pulled = async {
                match pulls.is_empty() {
                    true => std::future::pending().await,
                    false => select_all(pulls).await,
                }
            };
            let (pulled, index, _) = tokio::select! {
                pulled = pulled => pulled,
                () = self.claims.changed() => continue,
                () = sleep_until(deadline) => return Ok(false),
            };
            let pulled = pulled?;
            let queue = &self.intakes[(self.turn + index) % count].held.queue;
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

    /// Opens readers of queues that were gained, and drops those of queues that were lost.
    async fn follow_claims(&mut self) -> Result<()> {
        let standing = self.claims.standing_seen();
        self.intakes.retain(|intake| {
            let kept = standing.held.contains(&intake.held);
            if !kept {
                let (queue, group) = (&intake.held.queue, &*self.group);
                tracing::warn!(%queue, group, "the queue is not this consumer's any more");
            }
            kept
        });
        for held in standing.held {
            if self.intakes.iter().any(|intake| intake.held == held) {
                continue;
            }
            let open = || Intake::open(&*self.transport, &self.group, &held, self.options.start);
            let intake = retried(self.options.retry_timeout, open).await?;
            self.intakes.push(intake);
        }
        match standing.fault {
            Some(fault) => Err(Error::new(fault.kind(), fault.report())),
            None => Ok(()),
        }
    }
}

/// Tries `call` again after errors that pass, for `patience`.
async fn retried<T, F>(patience: Duration, mut call: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let begun = Instant::now();
    loop {
        match call().await {
            Err(error) if passes(&error) && begun.elapsed() < patience => {
                tracing::warn!(error = error.report(), "tried again");
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
    let why = format!("topic `{topic}` does not exist; Client::create_topic makes it");
    Error::new(ErrorKind::Schema, why)
}

/// A name that no other consumer has.
fn owner() -> Arc<str> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("consumer-{:016x}-{count}", id::process()).into()
}
