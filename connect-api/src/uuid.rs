//! UUIDs and their text.
use crate::text::TextSink;
use ::uuid::Uuid;

/// The bytes of a UUID's text, in the order of the text: 32 hexadecimal digits of either case,
/// alone, or with hyphens after the 8th, 12th, 16th and 20th, and then also in braces.
pub fn parse(text: &[u8]) -> Option<[u8; 16]> {
    Uuid::try_parse_ascii(text).ok().map(Uuid::into_bytes)
}

/// Appends the text of 36 characters, in small letters, of 16 bytes; others are no UUID and have
/// no text.
pub fn write(out: &mut impl TextSink, bytes: &[u8]) {
    if let Ok(uuid) = Uuid::from_slice(bytes) {
        out.push_text(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_uuids_are_read_in_each_spelling_and_written_in_one() {
        let bytes = [
            0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 1, 2, 3, 4, 5, 6, 7,
        ];
        for text in [
            "01234567-89ab-cdef-0001-020304050607",
            "01234567-89AB-CDEF-0001-020304050607",
            "0123456789abcdef0001020304050607",
            "{01234567-89ab-cdef-0001-020304050607}",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(bytes), "{text}");
        }
        for text in [
            "",
            "0123456789abcdef000102030405060",
            "01234567-89abcdef-0001-020304050607",
            "0123456789abcdef000102030405060g",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        let mut text = String::new();
        write(&mut text, &bytes);
        assert_eq!(text, "01234567-89ab-cdef-0001-020304050607");
    }
}
