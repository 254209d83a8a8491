//! Messages on their way: batches out, pulls in, both in RocketMQ's own frames.
//!
//! A frame of a batch, big-endian, after Apache RocketMQ's `MessageDecoder.encodeMessage`:
//! `total size i32 | magic i32 = 0 | body CRC i32 = 0 | flag i32 = 0 | body length i32 | body |
//! properties length i16 | properties`, the properties being `name \x01 value \x02`, repeated.
//! The embedded store keeps batches as they are, so that both transports share the hot path.
use bytes::Bytes;
use std::ops::Range;

/// Between a property's name and its value.
pub const NAME_END: u8 = 1;
/// After a property's value.
pub const VALUE_END: u8 = 2;
/// Longest properties of one message, in bytes.
pub const MAX_PROPERTIES: usize = 32_767;

/// Property of the message key.
pub const KEYS: &str = "KEYS";
/// Property of the message id that RocketMQ's tools show: 32 hexadecimal digits.
pub const UNIQ_KEY: &str = "UNIQ_KEY";
/// Property of a batch that a topic keeps as one: how many messages it holds, as the broker counted
/// them (RIP-26).
#[cfg(feature = "rocketmq")]
pub(crate) const INNER_NUM: &str = "INNER_NUM";
/// Property of the event time, milliseconds since 1970-01-01.
pub const EVENT_TIME: &str = "connect.timestamp";
/// Property of what the row does at the sink: `r`, `c`, `u`, `d`; `r` where it is absent.
pub const OP: &str = "connect-ext-op";

/// Property that names the table a row was read from, as the Java original names it.
pub const SOURCE_TABLE: &str = "connect-ext-__source_table";
/// Property that names the schema or database of that table, likewise.
pub const SOURCE_SCHEMA: &str = "connect-ext-__source_db";

/// Property that names the database of that table, beside its schema.
pub const SOURCE_DATABASE: &str = "connect-ext-__source_catalog";
/// Property that names the columns of the row: the same for rows of the same columns and key.
pub const SCHEMA_VERSION: &str = "connect-ext-__schema_version";
/// Property of the source's position after the page that the row was read with, as JSON.
pub const SOURCE_POSITION: &str = "connect-ext-__source_position";

/// Frames of messages for one queue.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The frames, one after another.
    pub frames: Bytes,
    /// How many.
    pub messages: usize,
}

/// Messages of one queue, as they came.
#[derive(Debug, Clone, Default)]
pub struct Pulled {
    /// The buffers that the messages lie in: the answer, and bodies that came compressed.
    pub(crate) buffers: Vec<Bytes>,
    pub(crate) messages: Vec<Slices>,
    /// Offset to go on from.
    pub next: i64,
    /// Offset that the newest message of the queue had, plus one, when the answer was made.
    pub end: i64,
}

/// Where the parts of a message lie in `Pulled::buffers`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slices {
    pub(crate) offset: i64,
    pub(crate) born: i64,
    pub(crate) stored: i64,
    pub(crate) body: Part,
    pub(crate) properties: Part,
}

/// Bytes of a buffer. A pull may have thousands of messages: a part is kept small.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Part {
    /// Index of the buffer.
    buffer: u32,
    start: u32,
    length: u32,
}

impl Part {
    /// `range` of the buffer with this index; `None` where a buffer is longer than 4 GiB.
    pub(crate) fn new(buffer: usize, range: Range<usize>) -> Option<Self> {
        u32::try_from(range.end).ok()?;
        Some(Self {
            buffer: u32::try_from(buffer).ok()?,
            start: u32::try_from(range.start).ok()?,
            length: u32::try_from(range.len()).ok()?,
        })
    }

    fn of(self, buffers: &[Bytes]) -> &[u8] {
        let start = self.start as usize;
        &buffers[self.buffer as usize][start..start + self.length as usize]
    }
}

/// A message seen in place.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its place in the queue.
    pub offset: i64,
    /// When the producer made it, milliseconds since 1970-01-01.
    pub born: i64,
    /// When the broker stored it, milliseconds since 1970-01-01.
    pub stored: i64,
    /// Body; empty for a tombstone.
    pub body: &'a [u8],
    /// Properties as they lie in the message.
    pub properties: Properties<'a>,
}

impl Pulled {
    /// Number of messages.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// No messages.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Bytes held in memory: the messages as they were received, and where each of them lies.
    pub fn total_bytes(&self) -> usize {
        let buffers: usize = self.buffers.iter().map(Bytes::len).sum();
        buffers + size_of_val(self.messages.as_slice())
    }

    /// One of the messages alone, by copy.
    pub fn only(&self, index: usize) -> Option<Self> {
        let message = self.messages.get(index)?;
        let body = message.body.of(&self.buffers);
        let properties = message.properties.of(&self.buffers);
        let buffer = Bytes::from([body, properties].concat());
        let only = Slices {
            body: Part::new(0, 0..body.len())?,
            properties: Part::new(0, body.len()..buffer.len())?,
            ..*message
        };
        Some(Self {
            buffers: vec![buffer],
            messages: vec![only],
            next: message.offset + 1,
            end: self.end,
        })
    }

    /// The message at `index`, counted from 0.
    pub fn get(&self, index: usize) -> Option<Message<'_>> {
        self.messages.get(index).map(|m| self.seen(m))
    }

    /// The messages, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Message<'_>> {
        self.messages.iter().map(|m| self.seen(m))
    }

    #[inline]
    fn seen(&self, message: &Slices) -> Message<'_> {
        Message {
            offset: message.offset,
            born: message.born,
            stored: message.stored,
            body: message.body.of(&self.buffers),
            properties: Properties(message.properties.of(&self.buffers)),
        }
    }
}

/// The properties of a message, in place.
#[derive(Debug, Clone, Copy)]
pub struct Properties<'a>(pub(crate) &'a [u8]);

impl<'a> Properties<'a> {
    /// Names and values, in order.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let name_end = memchr::memchr(NAME_END, rest)?;
            let (name, after) = (&rest[..name_end], &rest[name_end + 1..]);
            let value_end = memchr::memchr(VALUE_END, after).unwrap_or(after.len());
            rest = after.get(value_end + 1..).unwrap_or_default();
            Some((name, &after[..value_end]))
        })
    }

    /// The values of `names`, found in one pass.
    pub fn pick<const N: usize>(self, names: [&str; N]) -> [Option<&'a [u8]>; N] {
        let mut found = [None; N];
        for (name, value) in self.iter() {
            for (slot, wanted) in found.iter_mut().zip(names) {
                if name == wanted.as_bytes() {
                    *slot = Some(value);
                }
            }
        }
        found
    }

    /// The value of `name`.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.iter()
            .find(|(n, _)| *n == name.as_bytes())
            .map(|(_, value)| value)
    }
}
