//! Frames of a batch, written straight into the batch's buffer.
use crate::{
    Batch, EVENT_TIME, KEYS, MAX_PROPERTIES, NAME_END, OP, UNIQ_KEY, VALUE_END,
    id::{ID_PROPERTY_BYTES, MessageIds},
};
use bytes::Bytes;
use connect_api::{Error, ErrorKind, Op, Result};

/// Size, magic, CRC, flag and body length.
pub(crate) const HEAD: usize = 20;
/// The length of the properties.
pub(crate) const PROPERTIES_LENGTH: usize = 2;

/// A message to be framed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outgoing<'a> {
    /// KEYS; empty where it has none.
    pub key: &'a [u8],
    /// Body; empty for a tombstone.
    pub body: &'a [u8],
    /// Event time, milliseconds since 1970-01-01.
    pub time: Option<i64>,
    /// What the row does at the sink, where that is not said by the common properties.
    pub op: Option<Op>,
    /// More properties. `UNIQ_KEY` and those that the fields above give are left out.
    pub headers: &'a [(Box<str>, Box<str>)],
}

/// Properties that many messages share, rendered once.
#[derive(Debug, Clone, Default)]
pub struct CommonProperties(Vec<u8>);

impl CommonProperties {
    /// Appends a property.
    ///
    /// # Errors
    /// `Data`: a separator is in the name or the value.
    pub fn push(&mut self, name: &str, value: &str) -> Result<()> {
        check_property(name.as_bytes(), value.as_bytes())?;
        write_property(&mut self.0, name, value.as_bytes());
        Ok(())
    }

    pub(crate) fn push_op(&mut self, op: Op) {
        write_property(&mut self.0, OP, op_value(op));
    }
}

/// Frames of one batch under construction.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    messages: usize,
}

impl Frames {
    /// Takes the memory of a batch that is done with.
    pub(crate) fn reuse(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, messages: 0 }
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.messages
    }

    /// No messages.
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Bytes of all frames.
    pub fn total_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Takes messages back, to what [`total_bytes`](Self::total_bytes) and [`len`](Self::len) were.
    pub(crate) fn truncate(&mut self, bytes: usize, messages: usize) {
        self.bytes.truncate(bytes);
        self.messages = messages;
    }

    /// Appends a message.
    ///
    /// # Errors
    /// `Data`: the body is longer than `max_body` bytes, the properties longer than
    /// [`MAX_PROPERTIES`], or a separator is in a property; nothing was appended.
    pub fn push(
        &mut self,
        message: &Outgoing<'_>,
        common: &CommonProperties,
        max_body: usize,
    ) -> Result<()> {
        self.push_with_id(message, common, max_body, &mut MessageIds::reserve(1))
    }

    pub(crate) fn push_with_id(
        &mut self,
        message: &Outgoing<'_>,
        common: &CommonProperties,
        max_body: usize,
        ids: &mut MessageIds,
    ) -> Result<()> {
        let body_length = match i32::try_from(message.body.len()) {
            Ok(length) if message.body.len() <= max_body => length,
            _ => return Err(body_too_long(message.body.len(), max_body)),
        };
        let start = self.bytes.len();
        let written = self.write(message, common, body_length, ids);
        match written {
            Ok(()) => self.messages += 1,
            Err(_) => self.bytes.truncate(start),
        }
        written
    }

    fn write(
        &mut self,
        message: &Outgoing<'_>,
        common: &CommonProperties,
        body_length: i32,
        ids: &mut MessageIds,
    ) -> Result<()> {
        let out = &mut self.bytes;
        let start = out.len();
        let known = common.0.len() + ID_PROPERTY_BYTES + KEYS.len() + 2 + message.key.len();
        out.reserve(HEAD + message.body.len() + PROPERTIES_LENGTH + known);
        // Size is set below; magic, CRC and flag are 0.
        out.extend_from_slice(&[0; 16]);
        out.extend_from_slice(&body_length.to_be_bytes());
        out.extend_from_slice(message.body);
        let properties = out.len() + PROPERTIES_LENGTH;
        out.extend_from_slice(&[0; PROPERTIES_LENGTH]);
        out.extend_from_slice(&common.0);
        if !message.key.is_empty() {
            check_property(KEYS.as_bytes(), message.key)?;
            write_property(out, KEYS, message.key);
        }
        out.extend_from_slice(ids.next());
        if let Some(time) = message.time {
            write_time(out, time);
        }
        if let Some(op) = message.op {
            write_property(out, OP, op_value(op));
        }
        for (name, value) in message.headers {
            if !is_given(name, message) {
                check_property(name.as_bytes(), value.as_bytes())?;
                write_property(out, name, value.as_bytes());
            }
        }
        let length = out.len() - properties;
        let Some(length16) = i16::try_from(length).ok() else {
            return Err(Error::new(
                ErrorKind::Data,
                format!("properties have {length} bytes, at most {MAX_PROPERTIES} can be sent"),
            ));
        };
        let Ok(size) = i32::try_from(out.len() - start) else {
            return Err(body_too_long(message.body.len(), i32::MAX as usize));
        };
        out[properties - PROPERTIES_LENGTH..properties].copy_from_slice(&length16.to_be_bytes());
        out[start..start + 4].copy_from_slice(&size.to_be_bytes());
        Ok(())
    }

    /// The batch to send.
    pub fn into_batch(self) -> Batch {
        Batch {
            frames: Bytes::from(self.bytes),
            messages: self.messages,
        }
    }
}

fn body_too_long(length: usize, limit: usize) -> Error {
    Error::new(
        ErrorKind::Data,
        format!("body has {length} bytes, at most {limit} can be sent"),
    )
}

fn is_given(name: &str, message: &Outgoing<'_>) -> bool {
    match name {
        UNIQ_KEY => true,
        KEYS => !message.key.is_empty(),
        EVENT_TIME => message.time.is_some(),
        OP => message.op.is_some(),
        _ => false,
    }
}

fn check_property(name: &[u8], value: &[u8]) -> Result<()> {
    let separated = |bytes| memchr::memchr2(NAME_END, VALUE_END, bytes).is_some();
    if !separated(name) && !separated(value) {
        return Ok(());
    }
    let name = String::from_utf8_lossy(name);
    Err(Error::new(
        ErrorKind::Data,
        format!("property {name:?} holds a byte 1 or 2, which separate properties of a message"),
    ))
}

fn write_property(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.push(NAME_END);
    out.extend_from_slice(value);
    out.push(VALUE_END);
}

fn write_time(out: &mut Vec<u8>, time: i64) {
    let mut digits = itoa::Buffer::new();
    write_property(out, EVENT_TIME, digits.format(time).as_bytes());
}

fn op_value(op: Op) -> &'static [u8] {
    match op {
        Op::Read => b"r",
        Op::Create => b"c",
        Op::Update => b"u",
        Op::Delete => b"d",
    }
}

/// What the property [`OP`] says.
///
/// # Errors
/// `Data`: none of `r`, `c`, `u`, `d`.
pub fn op_of(value: &[u8]) -> Result<Op> {
    match value {
        b"r" => Ok(Op::Read),
        b"c" => Ok(Op::Create),
        b"u" => Ok(Op::Update),
        b"d" => Ok(Op::Delete),
        _ => Err(Error::new(
            ErrorKind::Data,
            format!("property {OP} is none of r, c, u, d"),
        )),
    }
}

#[cfg(test)]
mod tests;
