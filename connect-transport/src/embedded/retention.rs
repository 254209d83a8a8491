//! Lets go of the oldest batches.
use super::{
    EmbeddedOptions, Unread,
    directory::{Extent, QueueEntry, Touched},
    table::{BATCHES, OFFSETS, Stamp},
};
use redb::{ReadableTable, WriteTransaction};

/// Most batches of a queue that go in one commit: an append waits for at most so many.
const MOST_AT_ONCE: usize = 64;

/// What one look has done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trimmed {
    /// More batches are to go.
    pub(super) more: bool,
    /// Messages let go that a group has not read.
    pub(super) unread: u64,
}

/// Trims the touched queues that hold too many bytes, and with `by_age` those with batches that
/// are too old.
pub(super) fn trim(
    txn: &WriteTransaction,
    options: &EmbeddedOptions,
    now: i64,
    by_age: bool,
    touched: &mut Touched,
) -> Result<Trimmed, redb::Error> {
    let mut trimmed = Trimmed::default();
    let age = i64::try_from(options.max_age.as_millis()).unwrap_or(i64::MAX);
    let oldest_kept = if by_age {
        now.saturating_sub(age)
    } else {
        i64::MIN
    };
    for (queue, extent) in touched.values_mut() {
        if by_age || extent.bytes > options.max_queue_bytes {
            trim_queue(txn, options, oldest_kept, queue, extent, &mut trimmed)?;
        }
    }
    Ok(trimmed)
}

fn trim_queue(
    txn: &WriteTransaction,
    options: &EmbeddedOptions,
    oldest_kept: i64,
    queue: &QueueEntry,
    extent: &mut Extent,
    trimmed: &mut Trimmed,
) -> Result<(), redb::Error> {
    let (topic, id) = (queue.topic, queue.id);
    let offsets = txn.open_table(OFFSETS)?;
    // The offset that the slowest group has got to.
    let mut unread = i64::MAX;
    for entry in offsets.range((topic, id, "")..)? {
        let (key, offset) = entry?;
        if (key.value().0, key.value().1) != (topic, id) {
            break;
        }
        unread = unread.min(offset.value());
    }
    let mut batches = txn.open_table(BATCHES)?;
    let was = extent.first;
    let mut left = MOST_AT_ONCE;
    while left > 0 {
        let kept = options.unread == Unread::Keep && unread <= extent.first;
        if extent.first >= extent.next || kept {
            break;
        }
        let Some((first, stamp, bytes)) = oldest(&batches, topic, id)? else {
            break;
        };
        let end = first + i64::from(stamp.messages);
        let beyond = extent.bytes > options.max_queue_bytes || stamp.stored < oldest_kept;
        if !beyond || (options.unread == Unread::Keep && unread < end) {
            break;
        }
        batches.remove((topic, id, first))?;
        left -= 1;
        extent.first = end;
        extent.bytes = extent.bytes.saturating_sub(bytes);
    }
    let lost = extent.first.saturating_sub(unread.max(was)).max(0);
    trimmed.unread += lost.unsigned_abs();
    trimmed.more |= left == 0;
    Ok(())
}

/// Offset, stamp and bytes of the oldest batch.
fn oldest(
    batches: &impl ReadableTable<(u32, u32, i64), &'static [u8]>,
    topic: u32,
    queue: u32,
) -> Result<Option<(i64, Stamp, u64)>, redb::Error> {
    let range = (topic, queue, i64::MIN)..=(topic, queue, i64::MAX);
    let Some(found) = batches.range(range)?.next() else {
        return Ok(None);
    };
    let (key, value) = found?;
    let (stamp, _) = Stamp::split(value.value())?;
    Ok(Some((key.value().2, stamp, value.value().len() as u64)))
}
