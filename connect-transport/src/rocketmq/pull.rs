//! The messages of a pull's answer, decoded in place.
//!
//! A message, big-endian, after Apache RocketMQ's `MessageDecoder`:
//! `size i32 | magic i32 | body CRC i32 | queue id i32 | flag i32 | queue offset i64 |
//! physical offset i64 | system flag i32 | born i64 | born host (4 or 16 bytes) + port i32 |
//! stored i64 | store host (4 or 16) + port i32 | reconsume times i32 | prepared offset i64 |
//! body length i32 | body | topic length (u8; u16 by magic version 2) | topic |
//! properties length i16 | properties`.
use super::compression::{self, Compression};
use crate::{Pulled, message::Slices};
use bytes::Bytes;
use connect_api::{Error, ErrorKind, Result};
use std::ops::Range;

const MAGIC_V1: u32 = 0xdaa3_20a7;
const MAGIC_V2: u32 = 0xdaa3_20ab;

const COMPRESSED: i32 = 1;
const BORN_HOST_V6: i32 = 1 << 4;
const STORE_HOST_V6: i32 = 1 << 5;
/// The body holds messages of its own: a topic of batch messages.
const BATCHES: i32 = 1 << 6 | 1 << 7;

/// A message up to the properties' length, with the shortest hosts and nothing in it.
const MIN_MESSAGE: usize = 91;

/// So many bytes of decompressed bodies end a pull early, so that a few compressed messages do
/// not take all memory.
const MAX_DECOMPRESSED: usize = 64 << 20;

/// Decodes the body of a pull's answer; `next` is where the broker says to go on, `end` where the
/// queue ends.
///
/// The answer may hold fewer messages than were sent where they are large once decompressed;
/// [`Pulled::next`] then is the first of the others.
/// Every length is checked before it is used, and the checksum of a body where there is one.
///
/// # Errors
/// `Data`: the answer is cut off or damaged. `Unsupported`: a message holds batches.
pub(super) fn decode(answer: Bytes, next: i64, end: i64) -> Result<Pulled> {
    let mut buffers = Vec::with_capacity(1);
    // Small messages are some 300 bytes.
    let mut messages = Vec::with_capacity((answer.len() / 256).clamp(1, 1024));
    // The offset after the last message.
    let mut after = 0;
    let mut decompressed = 0;
    let total = answer.len();
    let mut start = 0;
    while start < total {
        let (size, mut parsed) =
            decode_message(&answer[start..]).map_err(|damage| damage.at(start, total))?;
        let slices = &mut parsed.slices;
        slices.body = start + slices.body.start..start + slices.body.end;
        slices.properties = start + slices.properties.start..start + slices.properties.end;
        if let Some(compression) = parsed.compression {
            if decompressed > MAX_DECOMPRESSED {
                break;
            }
            let body = compression::decompress(compression, &answer[slices.body.clone()])
                .map_err(|e| e.context(format_args!("message at offset {}", slices.offset)))?;
            decompressed += body.len();
            slices.body = 0..body.len();
            buffers.push(Bytes::from(body));
            // The answer itself will be the first.
            slices.body_buffer = buffers.len();
        }
        if slices.offset < after {
            return Err(Damage("offsets do not rise").at(start, total));
        }
        after = slices.offset + 1;
        messages.push(parsed.slices);
        start += size;
    }
    buffers.insert(0, answer);
    Ok(Pulled {
        buffers,
        messages,
        next: if start < total {
            after
        } else {
            after.max(next)
        },
        end,
    })
}

pub(super) struct Parsed {
    pub(super) slices: Slices,
    pub(super) compression: Option<Compression>,
}

/// Decodes the message that `bytes` begin with; its size, and ranges in `bytes`.
pub(super) fn decode_message(bytes: &[u8]) -> Result<(usize, Parsed), Damage> {
    let size = bytes
        .first_chunk()
        .map_or(0, |size| u32::from_be_bytes(*size)) as usize;
    if size < MIN_MESSAGE || size > bytes.len() {
        return Err(Damage("a message is cut off"));
    }
    let mut fields = Fields {
        bytes: &bytes[..size],
        at: 4,
    };
    let magic = u32::from_be_bytes(fields.take()?);
    if magic != MAGIC_V1 && magic != MAGIC_V2 {
        return Err(Damage("a message of an unknown form"));
    }
    let checksum = u32::from_be_bytes(fields.take()?);
    fields.skip(4 + 4)?;
    let offset = i64::from_be_bytes(fields.take()?);
    fields.skip(8)?;
    let system_flag = i32::from_be_bytes(fields.take()?);
    let host = |v6| if system_flag & v6 == 0 { 4 } else { 16 };
    let born = i64::from_be_bytes(fields.take()?);
    fields.skip(host(BORN_HOST_V6) + 4)?;
    let stored = i64::from_be_bytes(fields.take()?);
    fields.skip(host(STORE_HOST_V6) + 4 + 4 + 8)?;
    let body_length = u32::from_be_bytes(fields.take()?);
    let body = fields.slice(body_length as usize)?;
    let topic_length = if magic == MAGIC_V1 {
        let [length] = fields.take()?;
        usize::from(length)
    } else {
        usize::from(u16::from_be_bytes(fields.take()?))
    };
    fields.skip(topic_length)?;
    let properties_length = usize::from(u16::from_be_bytes(fields.take()?));
    let properties = fields.slice(properties_length)?;
    if fields.at != size || !(0..i64::MAX).contains(&offset) {
        return Err(Damage("the lengths of a message do not add up"));
    }
    if system_flag & BATCHES != 0 {
        return Err(Damage(BATCHED));
    }
    // Brokers keep 31 bits of it, and none where they did not compute it.
    if checksum != 0 && crc32fast::hash(&bytes[body.clone()]) & 0x7fff_ffff != checksum {
        return Err(Damage("the checksum of a body is wrong"));
    }
    let compressed = system_flag & COMPRESSED != 0 && !body.is_empty();
    let slices = Slices {
        offset,
        born,
        stored,
        body_buffer: 0,
        body,
        properties,
    };
    Ok((
        size,
        Parsed {
            slices,
            compression: compressed.then(|| Compression::of(system_flag)),
        },
    ))
}

/// Takes the fields of one message, none beyond its end.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let field = rest.first_chunk().ok_or(TOO_LONG)?;
        self.at += N;
        Ok(*field)
    }

    #[inline]
    fn slice(&mut self, length: usize) -> Result<Range<usize>, Damage> {
        let start = self.at;
        self.skip(length)?;
        Ok(start..self.at)
    }

    #[inline]
    fn skip(&mut self, length: usize) -> Result<(), Damage> {
        let left = self.bytes.len().saturating_sub(self.at);
        if length > left {
            return Err(TOO_LONG);
        }
        self.at += length;
        Ok(())
    }
}

/// What is wrong with a message.
pub(super) struct Damage(&'static str);

const TOO_LONG: Damage = Damage("a part of a message is longer than the message");
const BATCHED: &str = "a message that holds batches of messages; such topics are not read";

impl Damage {
    pub(super) fn at(&self, start: usize, length: usize) -> Error {
        let kind = if self.0 == BATCHED {
            ErrorKind::Unsupported
        } else {
            ErrorKind::Data
        };
        Error::new(
            kind,
            format!("answer of {length} bytes, at byte {start}: {}", self.0),
        )
    }
}

#[cfg(test)]
mod tests;
