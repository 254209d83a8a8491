//! What a publisher has accepted and its lanes have not stored yet.
use crate::{Batch, Frames};
use connect_api::{Error, ErrorKind, Result};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// A batch under construction, and the ticket of its first message.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) frames: Frames,
    pub(super) first: u64,
}

/// A batch that a lane sends.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) batch: Batch,
    /// What the batch counted in `unacknowledged`.
    bytes: usize,
}

#[derive(Debug, Default)]
struct QueueState {
    /// Full batches, oldest first.
    sealed: VecDeque<Pending>,
    /// The newest batch, which still grows.
    open: Option<Pending>,
    /// Ticket of the first message of the batch in flight.
    in_flight: Option<u64>,
}

impl QueueState {
    /// Ticket of the oldest message that is not stored.
    fn oldest(&self) -> Option<u64> {
        let waiting = self.sealed.front().or(self.open.as_ref());
        self.in_flight.or(waiting.map(|p| p.first))
    }
}

#[derive(Debug)]
enum Health {
    Well,
    /// Failed, and the error was not returned yet.
    Failed(Error),
    /// Failed, and the error was returned.
    Reported(ErrorKind, String),
}

#[derive(Debug)]
struct State {
    queues: Vec<QueueState>,
    unacknowledged: usize,
    /// Buffers to be used again, at most one a queue.
    spare: Vec<Vec<u8>>,
    health: Health,
}

/// Shared by a publisher and its lanes. Locked twice a page and twice a batch, never across an
/// await.
#[derive(Debug)]
pub(super) struct Outbox {
    topic: Arc<str>,
    state: Mutex<State>,
    /// By queue: something to send.
    wake: Vec<Notify>,
    /// Something was stored, or all is over.
    progress: Notify,
}

impl Outbox {
    pub(super) fn new(topic: Arc<str>, queues: usize) -> Self {
        Self {
            topic,
            state: Mutex::new(State {
                queues: (0..queues).map(|_| QueueState::default()).collect(),
                unacknowledged: 0,
                spare: Vec::new(),
                health: Health::Well,
            }),
            wake: (0..queues).map(|_| Notify::new()).collect(),
            progress: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the open batches, by queue, to append to them, and buffers for new ones.
    pub(super) fn take_open(&self, open: &mut [Option<Pending>], spare: &mut Vec<Vec<u8>>) {
        let mut state = self.state();
        for (open, queue) in open.iter_mut().zip(&mut state.queues) {
            *open = queue.open.take();
        }
        spare.append(&mut state.spare);
    }

    /// Hands over full batches in order, gives the open ones back, and counts `added` bytes.
    pub(super) fn put(
        &self,
        sealed: &mut Vec<(usize, Pending)>,
        open: &mut [Option<Pending>],
        added: usize,
    ) {
        let mut state = self.state();
        state.unacknowledged += added;
        for (queue, pending) in sealed.drain(..) {
            state.queues[queue].sealed.push_back(pending);
        }
        for ((open, queue), wake) in open.iter_mut().zip(&mut state.queues).zip(&self.wake) {
            queue.open = open.take();
            if queue.in_flight.is_none() && queue.oldest().is_some() {
                wake.notify_one();
            }
        }
    }

    /// The next batch of `queue`, as soon as there is one.
    pub(super) async fn next(&self, queue: usize) -> Parcel {
        loop {
            if let Some(parcel) = self.take_next(queue) {
                return parcel;
            }
            self.wake[queue].notified().await;
        }
    }

    fn take_next(&self, queue: usize) -> Option<Parcel> {
        let mut state = self.state();
        let queue = &mut state.queues[queue];
        let pending = queue.sealed.pop_front().or_else(|| queue.open.take())?;
        queue.in_flight = Some(pending.first);
        Some(Parcel {
            bytes: pending.frames.total_bytes(),
            batch: pending.frames.into_batch(),
        })
    }

    /// The batch in flight of `queue` is stored.
    pub(super) fn stored(&self, queue: usize, parcel: Parcel) {
        let frames = parcel.batch.frames;
        let mut state = self.state();
        state.queues[queue].in_flight = None;
        state.unacknowledged -= parcel.bytes;
        if frames.is_unique() && state.spare.len() < state.queues.len() {
            state.spare.push(Vec::from(frames));
        }
        drop(state);
        self.progress.notify_waiters();
    }

    /// A lane has failed; the first failure counts.
    pub(super) fn fail(&self, error: Error) {
        let mut state = self.state();
        if matches!(state.health, Health::Well) {
            state.health = Health::Failed(error);
        }
        drop(state);
        self.progress.notify_waiters();
    }

    /// The failure: once as it was, then by its kind and text.
    pub(super) fn check(&self) -> Result<()> {
        let mut state = self.state();
        match std::mem::replace(&mut state.health, Health::Well) {
            Health::Well => Ok(()),
            Health::Failed(error) => {
                state.health = Health::Reported(error.kind(), error.to_string());
                Err(error)
            }
            Health::Reported(kind, text) => {
                let error = Error::new(
                    kind,
                    format!("topic `{}`: sending has failed before: {text}", self.topic),
                );
                state.health = Health::Reported(kind, text);
                Err(error)
            }
        }
    }

    /// Ticket of the oldest message that is not stored.
    pub(super) fn oldest(&self) -> Option<u64> {
        let state = self.state();
        state.queues.iter().filter_map(QueueState::oldest).min()
    }

    /// Bytes that are accepted and not stored.
    pub(super) fn unacknowledged(&self) -> usize {
        self.state().unacknowledged
    }

    /// Waits until `done` holds or the publisher has failed. Nothing is lost when it is dropped.
    pub(super) async fn until(&self, done: impl Fn(&Self) -> bool) -> Result<()> {
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            // Registered before the look, so that progress in between is seen.
            progress.as_mut().enable();
            if done(self) {
                return Ok(());
            }
            self.check()?;
            progress.await;
        }
    }
}
