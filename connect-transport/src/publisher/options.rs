//! How a publisher batches, retries and holds back.
use crate::Frames;
use std::{num::NonZeroUsize, time::Duration};

/// 500: nothing is gained beyond, by RocketMQ's client and by the embedded store.
pub const BATCH_MESSAGES: NonZeroUsize = NonZeroUsize::new(500).unwrap();
/// 1 MiB: a quarter of what a stock broker takes, and 500 messages seldom reach it.
pub const BATCH_BYTES: usize = 1 << 20;
/// 3.875 MiB: with the longest properties it stays below the 4 MiB that a stock broker takes.
pub const MAX_MESSAGE_BYTES: usize = (4 << 20) - (128 << 10);
/// 8 MiB: several batches for each of a dozen queues, and a small part of a worker's memory.
pub const MAX_IN_FLIGHT_BYTES: usize = 8 << 20;
/// First pause before a batch is sent again; doubled each time, with jitter.
pub const RETRY_DELAY: Duration = Duration::from_millis(100);
/// Longest pause before a batch is sent again.
pub const MAX_RETRY_DELAY: Duration = Duration::from_secs(5);

/// Settings of a [`Publisher`](crate::Publisher).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherOptions {
    /// Most messages of a batch.
    pub batch_messages: NonZeroUsize,
    /// Most bytes of a batch of several messages.
    pub batch_bytes: usize,
    /// Longest body.
    pub max_message_bytes: usize,
    /// `send` waits while more bytes than this are not acknowledged.
    pub max_in_flight_bytes: usize,
    /// First pause before a batch is sent again.
    pub retry_delay: Duration,
    /// Longest pause before a batch is sent again.
    pub max_retry_delay: Duration,
    /// How long a batch is tried; `None` stands for ever.
    pub retry_timeout: Option<Duration>,
}

impl PublisherOptions {
    /// A message of so many bytes still belongs into the batch.
    pub(super) fn has_room(&self, batch: &Frames, bytes: usize) -> bool {
        batch.is_empty()
            || batch.len() < self.batch_messages.get()
                && batch.total_bytes() + bytes <= self.batch_bytes
    }
}

impl Default for PublisherOptions {
    fn default() -> Self {
        Self {
            batch_messages: BATCH_MESSAGES,
            batch_bytes: BATCH_BYTES,
            max_message_bytes: MAX_MESSAGE_BYTES,
            max_in_flight_bytes: MAX_IN_FLIGHT_BYTES,
            retry_delay: RETRY_DELAY,
            max_retry_delay: MAX_RETRY_DELAY,
            retry_timeout: None,
        }
    }
}
