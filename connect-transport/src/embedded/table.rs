//! What stands in the file.
use redb::TableDefinition;

/// Topic to its number and its number of queues.
pub(super) const TOPICS: TableDefinition<'_, &str, (u32, u32)> = TableDefinition::new("topics");
/// Number of the topic and queue to oldest offset, next offset and bytes held.
pub(super) const QUEUES: TableDefinition<'_, (u32, u32), (i64, i64, u64)> =
    TableDefinition::new("queues");
/// Number of the topic, queue and offset of the first message to the batch as it came, with its
/// [`Stamp`] in front.
pub(super) const BATCHES: TableDefinition<'_, (u32, u32, i64), &[u8]> =
    TableDefinition::new("batches");
/// Number of the topic, queue and group to the committed offset.
pub(super) const OFFSETS: TableDefinition<'_, (u32, u32, &str), i64> =
    TableDefinition::new("offsets");

/// Stands in front of the frames of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// When the batch was stored, milliseconds since 1970-01-01.
    pub(super) stored: i64,
    /// Number of messages.
    pub(super) messages: u32,
}

impl Stamp {
    /// `stored i64 | messages u32`, big-endian.
    pub(super) const BYTES: usize = 12;

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.stored.to_be_bytes());
        bytes[8..].copy_from_slice(&self.messages.to_be_bytes());
        bytes
    }

    /// The stamp and the frames behind it.
    pub(super) fn split(value: &[u8]) -> Result<(Self, &[u8]), redb::Error> {
        let parts = value.split_first_chunk().and_then(|(stored, rest)| {
            let (messages, frames) = rest.split_first_chunk()?;
            Some((
                i64::from_be_bytes(*stored),
                u32::from_be_bytes(*messages),
                frames,
            ))
        });
        let (stored, messages, frames) = parts.ok_or_else(|| {
            redb::Error::Corrupted(format!("batch of {} bytes has no stamp", value.len()))
        })?;
        Ok((Self { stored, messages }, frames))
    }
}
