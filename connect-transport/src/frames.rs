//! Frames of a batch, found again.
use crate::{
    Properties,
    frame::{HEAD, PROPERTIES_LENGTH},
};
use connect_api::{Error, ErrorKind, Result};
use std::ops::Range;

/// Where the parts of a frame lie in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The body.
    pub body: Range<usize>,
    /// The properties.
    pub properties: Range<usize>,
}

impl Frame {
    /// The properties in `frames`, the batch that the frame was found in.
    pub fn properties<'a>(&self, frames: &'a [u8]) -> Properties<'a> {
        Properties(frames.get(self.properties.clone()).unwrap_or_default())
    }
}

/// Parses the frames of a batch. Every length is checked before it is used; after an error the iterator
/// ends.
///
/// # Errors
/// `Data`: a length does not fit; the message says where.
pub fn parse_frames(frames: &[u8]) -> impl Iterator<Item = Result<Frame>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= frames.len() {
            return None;
        }
        let start = at;
        at = frames.len();
        let frame = frame_at(frames, start).map(|(frame, end)| {
            at = end;
            frame
        });
        Some(frame.ok_or_else(|| {
            Error::new(
                ErrorKind::Data,
                format!(
                    "batch of {} bytes: no message at byte {start}",
                    frames.len()
                ),
            )
        }))
    })
}

/// The frame at `start` and where it ends.
fn frame_at(frames: &[u8], start: usize) -> Option<(Frame, usize)> {
    let int = |at: usize| -> Option<usize> {
        let bytes = frames.get(at..at.checked_add(4)?)?;
        usize::try_from(i32::from_be_bytes(bytes.try_into().ok()?)).ok()
    };
    let end = start.checked_add(int(start)?)?;
    let body = start + HEAD..(start + HEAD).checked_add(int(start + HEAD - 4)?)?;
    let length = frames.get(body.end..body.end.checked_add(PROPERTIES_LENGTH)?)?;
    let length = usize::try_from(i16::from_be_bytes(length.try_into().ok()?)).ok()?;
    let properties = body.end + PROPERTIES_LENGTH..body.end + PROPERTIES_LENGTH + length;
    let whole = properties.end == end && end <= frames.len();
    whole.then_some((Frame { body, properties }, end))
}
