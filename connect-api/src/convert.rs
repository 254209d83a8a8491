//! Converters: records to message bodies and back.
use crate::{error::Result, records::Records, schema::SchemaRef};
use std::{ops::Range, sync::Arc};

/// Many byte strings in one buffer: the layout of an Arrow binary column.
#[derive(Debug, Clone, Default)]
pub struct Blobs {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Blobs {
    /// No strings; the memory stays.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// No strings.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all strings.
    pub fn total_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The buffer, for who writes a string in place and then calls [`end`](Self::end).
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Ends the string that was written to [`buffer`](Self::buffer).
    pub fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// Appends a string.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.end();
    }

    /// Keeps the first `strings` strings, and drops what was written after them.
    pub fn truncate(&mut self, strings: usize) {
        self.ends.truncate(strings);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Where string `i` lies in the buffer.
    pub fn range(&self, i: usize) -> Range<usize> {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        start..self.ends[i]
    }

    /// String `i`.
    pub fn get(&self, i: usize) -> &[u8] {
        &self.bytes[self.range(i)]
    }
}

/// Keys and bodies of a batch, one of each a row.
#[derive(Debug, Clone, Default)]
pub struct Encoded {
    /// Message keys; empty strings where the schema has no key.
    pub keys: Blobs,
    /// What messages have as their key instead, while `keys` choose their queues; an empty string for a
    /// message that has its own key, and none at all where all do.
    pub lookup_keys: Blobs,
    /// Message bodies; an empty body is a tombstone.
    pub bodies: Blobs,
}

impl Encoded {
    /// No messages; the memory stays.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.lookup_keys.clear();
        self.bodies.clear();
    }
}

/// Turns records into messages and back. One a task, shared by its topics.
pub trait Converter: Send + Sync {
    /// Writes the bodies of all rows, in order, after what `bodies` holds. A row whose op is
    /// `Delete` gets an empty body, or what the other side takes for a delete. After an error `bodies` holds what it held before.
    ///
    /// # Errors
    /// `Data`: a value that the format cannot represent; the message names column and row.
    /// `Unsupported`: a column of a kind that the format does not support.
    fn encode(&self, records: &Records, bodies: &mut Blobs) -> Result<()>;

    /// A decoder for one topic. `target` is what the sink knows of its rows.
    ///
    /// # Errors
    /// `Config`, `Schema`: what is known does not suffice to read bodies of this format.
    fn decoder(&self, topic: Arc<str>, target: crate::task::Target) -> Result<Box<dyn Decoder>>;

    /// What who checks a configuration should know of rows of this schema: what their bodies
    /// would lose, or which of their columns the other side may not read. Nothing by default.
    fn notes(&self, schema: &crate::schema::Schema) -> Vec<String> {
        let _ = schema;
        Vec::new()
    }
}

/// A message as it came.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessageRef<'a> {
    /// KEYS of the message; empty where there is none.
    pub key: &'a [u8],
    /// Body; empty for a tombstone.
    pub body: &'a [u8],
    /// Event time, milliseconds since 1970-01-01.
    pub time: Option<i64>,
}

/// Answer of [`Decoder::push`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The message is a row of the records being built.
    Row,
    /// The message is of another schema: take the records that are built, then push it again.
    TakeFirst,
}

/// Gathers messages of one topic into records.
pub trait Decoder: Send {
    /// Appends a message.
    ///
    /// # Errors
    /// `Data`: this message cannot be read. `Schema`, `Unsupported`: no message of this form can,
    /// with what is known of the target. Nothing of it was appended.
    fn push(&mut self, message: MessageRef<'_>) -> Result<Pushed>;

    /// Rows gathered so far.
    fn rows(&self) -> usize;

    /// Takes the rows out, `None` where there are none.
    ///
    /// # Errors
    /// `Internal`.
    fn take(&mut self) -> Result<Option<Records>>;

    /// The schema of the rows that are being built, once it is known.
    fn schema(&self) -> Option<&SchemaRef>;
}
