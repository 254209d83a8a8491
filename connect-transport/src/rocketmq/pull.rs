//! The messages of a pull's answer, decoded in place.
//!
//! A message, big-endian, after Apache RocketMQ's `MessageDecoder`:
//! `size i32 | magic i32 | body CRC i32 | queue id i32 | flag i32 | queue offset i64 |
//! physical offset i64 | system flag i32 | born i64 | born host (4 or 16 bytes) + port i32 |
//! stored i64 | store host (4 or 16) + port i32 | reconsume times i32 | prepared offset i64 |
//! body length i32 | body | topic length (u8; u16 by magic version 2) | topic |
//! properties length i16 | properties`.
//!
//! Topics of type `BatchCQ` (RIP-26) keep a batch as one such message: its system flag says so, its
//! body is the batch as it was sent, and its offset is that of the first message in it.
use super::compression::{self, Compression};
use crate::{
    INNER_NUM, Properties, Pulled,
    frames::{Frame, parse_frames},
    message::{Part, Slices},
};
use bytes::Bytes;
use connect_api::{Error, ErrorKind, Result};
use std::ops::Range;

const MAGIC_V1: u32 = 0xdaa3_20a7;
const MAGIC_V2: u32 = 0xdaa3_20ab;

const COMPRESSED: i32 = 1;
const BORN_HOST_V6: i32 = 1 << 4;
const STORE_HOST_V6: i32 = 1 << 5;
/// The body is a batch of messages (`NEED_UNWRAP_FLAG` and `INNER_BATCH_FLAG`); by one of them alone
/// Java's consumers take a message as it is.
const BATCH: i32 = 1 << 6 | 1 << 7;

/// A message up to the properties' length, with the shortest hosts and nothing in it.
const MIN_MESSAGE: usize = 91;

/// So many bytes of decompressed bodies end a pull early, so that a few compressed messages do
/// not take all memory.
const MAX_DECOMPRESSED: usize = 64 << 20;

/// Decodes the body of a pull's answer; `from` is the offset that was asked for, `next` where the
/// broker says to continue, `end` where the queue ends.
///
/// The answer may hold fewer messages than were sent where they are large once decompressed;
/// [`Pulled::next`] then is the first of the others. Messages of a batch that lie before `from` are
/// left out. Every length is checked before it is used, and the checksum of a body where there is
/// one.
///
/// # Errors
/// `Data`: the answer is cut off or damaged.
pub(super) fn decode(answer: Bytes, from: i64, next: i64, end: i64) -> Result<Pulled> {
    let mut buffers = Vec::with_capacity(1);
    // Small messages are some 300 bytes.
    let mut messages = Vec::with_capacity((answer.len() / 256).clamp(1, 1024));
    // The offset after the last message.
    let mut after = 0;
    let mut decompressed = 0;
    let total = answer.len();
    let mut start = 0;
    while start < total {
        let damaged = |damage: Damage| damage.at(start, total);
        let (size, parsed) = decode_message(&answer[start..]).map_err(damaged)?;
        let shift = |range: &Range<usize>| start + range.start..start + range.end;
        let (mut body, properties) = (shift(&parsed.body), shift(&parsed.properties));
        let mut buffer = 0;
        if let Some(compression) = parsed.compression {
            if decompressed > MAX_DECOMPRESSED {
                break;
            }
            let plain = compression::decompress(compression, &answer[body])
                .map_err(|e| e.context(format_args!("message at offset {}", parsed.offset)))?;
            decompressed += plain.len();
            body = 0..plain.len();
            buffers.push(Bytes::from(plain));
            // The answer itself will be the first.
            buffer = buffers.len();
        }
        if parsed.offset < after {
            return Err(damaged(Damage("offsets do not rise")));
        }
        let part = |buffer, range| Part::new(buffer, range).ok_or_else(|| damaged(TOO_LONG));
        let slices = Slices {
            offset: parsed.offset,
            born: parsed.born,
            stored: parsed.stored,
            body: part(buffer, body.clone())?,
            properties: part(0, properties)?,
        };
        if parsed.is_batch {
            let plain = buffer.checked_sub(1).map(|plain| &buffers[plain]);
            let batch = &plain.unwrap_or(&answer)[body.clone()];
            let shift = |range: Range<usize>| body.start + range.start..body.start + range.end;
            after = parsed.unwrap_batch(&answer[start..], batch, |offset, frame| {
                if offset >= from {
                    messages.push(Slices {
                        offset,
                        body: part(buffer, shift(frame.body))?,
                        properties: part(buffer, shift(frame.properties))?,
                        ..slices
                    });
                }
                Ok(())
            })?;
        } else {
            after = parsed.offset + 1;
            if parsed.offset >= from {
                messages.push(slices);
            }
        }
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

/// A message as it stands in an answer; ranges count from its first byte.
pub(super) struct Parsed {
    pub(super) offset: i64,
    pub(super) born: i64,
    pub(super) stored: i64,
    pub(super) body: Range<usize>,
    pub(super) properties: Range<usize>,
    pub(super) compression: Option<Compression>,
    /// The body, decompressed, is a batch of messages.
    pub(super) is_batch: bool,
}

impl Parsed {
    /// Calls `found` with the offset and the place of each message in the batch that the body is, and
    /// gives the offset after the last; `bytes` begin with this message, `batch` is its body,
    /// decompressed.
    ///
    /// # Errors
    /// `Data`: a length does not fit, or there are not as many as the broker counted; and those of
    /// `found`.
    pub(super) fn unwrap_batch(
        &self,
        bytes: &[u8],
        batch: &[u8],
        mut found: impl FnMut(i64, Frame) -> Result<()>,
    ) -> Result<i64> {
        let mut next = self.offset;
        for frame in parse_frames(batch) {
            let frame =
                frame.map_err(|e| e.context(format_args!("batch at offset {}", self.offset)))?;
            found(next, frame)?;
            next = next.saturating_add(1);
        }
        // A broker counts the messages as it stores the batch, and gives each an offset.
        let counted = Properties(&bytes[self.properties.clone()]).get(INNER_NUM);
        let counted = counted.and_then(|digits| str::from_utf8(digits).ok()?.parse::<i64>().ok());
        let count = next - self.offset;
        match counted {
            Some(counted) if counted != count => Err(Error::new(
                ErrorKind::Data,
                format!(
                    "batch at offset {}: the broker counted {counted} messages, it holds {count}",
                    self.offset
                ),
            )),
            _ if next == i64::MAX => Err(Damage("offsets end").at(0, bytes.len())),
            // A batch without messages has an offset of its own.
            _ => Ok(next.max(self.offset + 1)),
        }
    }
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
    // Brokers keep 31 bits of it, and none where they did not compute it.
    if checksum != 0 && crc32fast::hash(&bytes[body.clone()]) & 0x7fff_ffff != checksum {
        return Err(Damage("the checksum of a body is wrong"));
    }
    let compressed = system_flag & COMPRESSED != 0 && !body.is_empty();
    let parsed = Parsed {
        offset,
        born,
        stored,
        body,
        properties,
        compression: compressed.then(|| Compression::of(system_flag)),
        is_batch: system_flag & BATCH == BATCH,
    };
    Ok((size, parsed))
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

impl Damage {
    pub(super) fn at(&self, start: usize, length: usize) -> Error {
        Error::new(
            ErrorKind::Data,
            format!("answer of {length} bytes, at byte {start}: {}", self.0),
        )
    }
}

#[cfg(test)]
mod tests;
