//! Checksums of keys, that the database computes as this crate does.
//!
//! The checksum of some keys is the sum of those of each: the number in the first 15 hexadecimal digits
//! of the MD5 of its text. The text is, for each column, the length of the value's text in bytes, a colon, and
//! the text: integers in decimal digits, UUIDs in lower case with hyphens, text as it is in UTF-8.
use connect_api::{Kind, ValueRef};
use md5::{Digest as _, Md5};
use std::fmt::Write as _;

/// Values of this kind are numbers without fraction, or UUIDs.
pub const fn is_number_or_uuid(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Int8
            | Kind::Int16
            | Kind::Int32
            | Kind::Int64
            | Kind::UInt8
            | Kind::UInt16
            | Kind::UInt32
            | Kind::UInt64
            | Kind::Uuid
    )
}

/// The checksum of one key; `None` if values of its types have none.
pub fn of_key<'a>(key: impl IntoIterator<Item = ValueRef<'a>>) -> Option<u64> {
    let mut text = String::new();
    let mut part = String::new();
    for value in key {
        part.clear();
        match value {
            ValueRef::Int(v) => write!(part, "{v}").ok()?,
            ValueRef::UInt(v) => write!(part, "{v}").ok()?,
            ValueRef::Text(v) => part.push_str(v),
            ValueRef::Bytes(bytes) => {
                let uuid: [u8; 16] = bytes.try_into().ok()?;
                for (i, byte) in uuid.iter().enumerate() {
                    if matches!(i, 4 | 6 | 8 | 10) {
                        part.push('-');
                    }
                    write!(part, "{byte:02x}").ok()?;
                }
            }
            _ => return None,
        }
        write!(text, "{}:{part}", part.len()).ok()?;
    }
    let digest = Md5::digest(text);
    let first: [u8; 8] = digest.first_chunk().copied()?;
    Some(u64::from_be_bytes(first) >> 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_text() {
        // printf 1:7 | md5sum
        let seven = of_key([ValueRef::Int(7)]);
        assert_eq!(seven, of_key([ValueRef::UInt(7)]));
        assert_eq!(
            seven.map(|sum| format!("{sum:015x}")).as_deref(),
            Some("a9857b2167864a5")
        );
        // printf 1:a2:bc | md5sum
        let texts = of_key([ValueRef::Text("a"), ValueRef::Text("bc")]);
        assert_eq!(
            texts.map(|sum| format!("{sum:015x}")).as_deref(),
            Some("c899d7cd06102a9")
        );
        assert_ne!(texts, of_key([ValueRef::Text("ab"), ValueRef::Text("c")]));
        let uuid = of_key([ValueRef::Bytes(&[0xAB; 16])]);
        assert_eq!(
            uuid,
            of_key([ValueRef::Text("abababab-abab-abab-abab-abababababab")])
        );
        assert_eq!(of_key([ValueRef::Float(1.0)]), None);
    }
}
