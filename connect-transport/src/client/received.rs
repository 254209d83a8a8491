//! A message that was received.
use super::TAGS;
use crate::{KEYS, Message, Properties, Queue};
use bytes::Bytes;
use connect_api::{Error, ErrorKind, Result};
use std::{fmt, str};

/// A message that was received. `Debug` shows where it was, and nothing of what is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    queue: Queue,
    offset: i64,
    born: i64,
    stored: i64,
    /// The body, then the properties.
    bytes: Bytes,
    body_length: usize,
}

impl ReceivedMessage {
    pub(super) fn of(queue: &Queue, message: &Message<'_>) -> Self {
        let Properties(properties) = message.properties;
        Self {
            queue: queue.clone(),
            offset: message.offset,
            born: message.born,
            stored: message.stored,
            bytes: Bytes::from([message.body, properties].concat()),
            body_length: message.body.len(),
        }
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.queue.topic
    }

    /// The queue of the topic.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The message's offset in its queue; queue and offset identify a message that is delivered again.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// When the producer created it, milliseconds since 1970-01-01.
    pub fn born(&self) -> i64 {
        self.born
    }

    /// When it was stored, milliseconds since 1970-01-01.
    pub fn stored(&self) -> i64 {
        self.stored
    }

    /// The key.
    pub fn key(&self) -> Option<&[u8]> {
        self.property(KEYS)
    }

    /// The tag.
    pub fn tag(&self) -> Option<&[u8]> {
        self.property(TAGS)
    }

    /// The value of a property.
    pub fn property(&self, name: &str) -> Option<&[u8]> {
        self.properties().get(name)
    }

    /// All properties, the key, the tag and those of RocketMQ among them.
    pub fn properties(&self) -> Properties<'_> {
        Properties(&self.bytes[self.body_length..])
    }

    /// The body; empty for a tombstone.
    pub fn body(&self) -> &[u8] {
        &self.bytes[..self.body_length]
    }

    /// The body without a copy.
    pub fn into_body(self) -> Bytes {
        self.bytes.slice(..self.body_length)
    }

    /// The body as text.
    ///
    /// # Errors
    /// `Data`: it is not UTF-8; the message names the place.
    pub fn text(&self) -> Result<&str> {
        str::from_utf8(self.body()).map_err(|e| {
            let why = format!(
                "{} at offset {}: the body is not UTF-8",
                self.queue, self.offset
            );
            Error::new(ErrorKind::Data, why).with_source(e)
        })
    }
}

impl fmt::Debug for ReceivedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedMessage")
            .field("queue", &format_args!("{}", self.queue))
            .field("offset", &self.offset)
            .field("body_bytes", &self.body_length)
            .finish()
    }
}
