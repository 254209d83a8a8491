//! How much an embedded store keeps.
use std::time::Duration;

/// 1 GiB a queue.
pub const MAX_QUEUE_BYTES: u64 = 1 << 30;
/// Three days, as a stock RocketMQ broker keeps its messages.
pub const MAX_AGE: Duration = Duration::from_secs(72 * 3_600);
/// 16 MiB: reads are of what was written last, or go through a queue once; the system's own cache
/// of the file serves the rest.
pub const CACHE_BYTES: usize = 16 << 20;

/// What becomes of batches beyond the bounds that a group has not read yet. A group counts for a
/// queue once it has committed an offset of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unread {
    /// They stay, and the file grows (G3).
    #[default]
    Keep,
    /// They are deleted; the group continues at the oldest remaining message.
    Trim,
}

/// Settings of an [`Embedded`](crate::embedded::Embedded) store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// The oldest batches of a queue go while it holds more bytes than this.
    pub max_queue_bytes: u64,
    /// Batches older than this go.
    pub max_age: Duration,
    /// Whether batches that a group has not read go too.
    pub unread: Unread,
    /// Memory for pages of the file.
    pub cache_bytes: usize,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            max_queue_bytes: MAX_QUEUE_BYTES,
            max_age: MAX_AGE,
            unread: Unread::default(),
            cache_bytes: CACHE_BYTES,
        }
    }
}
