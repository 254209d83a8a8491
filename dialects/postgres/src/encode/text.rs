//! Text into columns of text, and of what has a text form of its own.
use super::{TOO_LONG, Writer, sized};
use crate::{encode::target::Target, types::numeric};
use connect_api::{
    arrow::array::{FixedSizeBinaryArray, StringArray},
    uuid,
};
use dialect_core::ValueError;

pub(super) const NOT_A_UUID: ValueError = ValueError("is not a UUID");
pub(super) const HOLDS_NUL: ValueError = ValueError("holds a NUL character, which text cannot");

pub(super) fn texts<'a>(a: &'a StringArray, target: &Target) -> Option<Writer<'a>> {
    Some(match *target {
        Target::Text(max) => sized(a, move |row, out| {
            let text = a.value(row);
            // Blanks beyond the length would be cut without a word, so it is checked here.
            if max.is_some_and(|max| longer(text, max)) {
                return Err(TOO_LONG);
            }
            put_text(text, out)
        }),
        Target::Json => sized(a, |row, out| put_text(a.value(row), out)),
        Target::Jsonb => sized(a, |row, out| {
            out.push(1);
            put_text(a.value(row), out)
        }),
        Target::Uuid => sized(a, |row, out| {
            out.extend_from_slice(&uuid::parse(a.value(row).as_bytes()).ok_or(NOT_A_UUID)?);
            Ok(())
        }),
        Target::Numeric(to) => sized(a, move |row, out| {
            numeric::write_text(a.value(row), to, out)
        }),
        _ => return None,
    })
}

pub(super) fn uuids<'a>(a: &'a FixedSizeBinaryArray, target: &Target) -> Option<Writer<'a>> {
    match target {
        Target::Uuid => Some(sized(a, move |row, out| {
            out.extend_from_slice(a.value(row));
            Ok(())
        })),
        Target::Text(max) if max.is_none_or(|max| max >= 36) => Some(sized(a, move |row, out| {
            uuid::write(out, a.value(row));
            Ok(())
        })),
        _ => None,
    }
}

pub(super) fn put_text(text: &str, out: &mut Vec<u8>) -> Result<(), ValueError> {
    if text.as_bytes().contains(&0) {
        return Err(HOLDS_NUL);
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn longer(text: &str, max: u32) -> bool {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    text.len() > max && text.chars().count() > max
}
