//! What the collation of a `char`, `varchar` or `text` column says of the characters it can hold.
use dialect_core::ValueError;
use encoding_rs::Encoding;
use std::borrow::Cow;

const UNMAPPABLE: ValueError = ValueError(
    "has a character that the code page of the column does not have, and would become `?`",
);
const UNKNOWN: ValueError =
    ValueError("is not of ASCII alone, and the code page of the column is not known here");

/// The code page of a collation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodePage {
    /// All characters.
    Utf8,
    /// Those of an encoding.
    Of(&'static Encoding),
    /// One that is not known here, such as those of DOS: ASCII is certain.
    Unknown,
}

/// The language that a collation's name begins with, and its encoding. Those that are not here are
/// of the western European code page 1252 or have none, and then are `n…` types alone.
const LANGUAGES: &[(&str, &Encoding)] = &[
    ("Albanian", encoding_rs::WINDOWS_1250),
    ("Arabic", encoding_rs::WINDOWS_1256),
    ("Bosnian_Latin", encoding_rs::WINDOWS_1250),
    ("Bosnian_Cyrillic", encoding_rs::WINDOWS_1251),
    ("Chinese_PRC", encoding_rs::GBK),
    ("Chinese_Simplified", encoding_rs::GBK),
    ("Chinese_Taiwan", encoding_rs::BIG5),
    ("Chinese_Traditional", encoding_rs::BIG5),
    ("Chinese_Hong_Kong", encoding_rs::BIG5),
    ("Croatian", encoding_rs::WINDOWS_1250),
    ("Cyrillic", encoding_rs::WINDOWS_1251),
    ("Czech", encoding_rs::WINDOWS_1250),
    ("Danish_Norwegian", encoding_rs::WINDOWS_1252),
    ("Danish_Greenlandic", encoding_rs::WINDOWS_1252),
    ("Estonian", encoding_rs::WINDOWS_1257),
    ("Finnish_Swedish", encoding_rs::WINDOWS_1252),
    ("French", encoding_rs::WINDOWS_1252),
    ("German_PhoneBook", encoding_rs::WINDOWS_1252),
    ("Greek", encoding_rs::WINDOWS_1253),
    ("Hebrew", encoding_rs::WINDOWS_1255),
    ("Hungarian", encoding_rs::WINDOWS_1250),
    ("Icelandic", encoding_rs::WINDOWS_1252),
    ("Japanese", encoding_rs::SHIFT_JIS),
    ("Korean", encoding_rs::EUC_KR),
    ("Latin1_General", encoding_rs::WINDOWS_1252),
    ("Latvian", encoding_rs::WINDOWS_1257),
    ("Lithuanian", encoding_rs::WINDOWS_1257),
    ("Macedonian", encoding_rs::WINDOWS_1251),
    ("Modern_Spanish", encoding_rs::WINDOWS_1252),
    ("Norwegian", encoding_rs::WINDOWS_1252),
    ("Persian", encoding_rs::WINDOWS_1256),
    ("Polish", encoding_rs::WINDOWS_1250),
    ("Romanian", encoding_rs::WINDOWS_1250),
    ("Serbian_Latin", encoding_rs::WINDOWS_1250),
    ("Serbian_Cyrillic", encoding_rs::WINDOWS_1251),
    ("Slovak", encoding_rs::WINDOWS_1250),
    ("Slovenian", encoding_rs::WINDOWS_1250),
    ("Spanish", encoding_rs::WINDOWS_1252),
    ("Thai", encoding_rs::WINDOWS_874),
    ("Traditional_Spanish", encoding_rs::WINDOWS_1252),
    ("Turkish", encoding_rs::WINDOWS_1254),
    ("Ukrainian", encoding_rs::WINDOWS_1251),
    ("Urdu", encoding_rs::WINDOWS_1256),
    ("Vietnamese", encoding_rs::WINDOWS_1258),
];

/// The code pages that names of `SQL_…` collations give after `CP`.
const NUMBERS: &[(&str, &Encoding)] = &[
    ("1", encoding_rs::WINDOWS_1252),
    ("1250", encoding_rs::WINDOWS_1250),
    ("1251", encoding_rs::WINDOWS_1251),
    ("1253", encoding_rs::WINDOWS_1253),
    ("1254", encoding_rs::WINDOWS_1254),
    ("1255", encoding_rs::WINDOWS_1255),
    ("1256", encoding_rs::WINDOWS_1256),
    ("1257", encoding_rs::WINDOWS_1257),
];

impl CodePage {
    /// The code page of the collation of this name.
    pub(crate) fn of(collation: &str) -> Self {
        if collation.ends_with("_UTF8") {
            return Self::Utf8;
        }
        if let Some(rest) = collation.strip_prefix("SQL_") {
            let number = rest.split('_').find_map(|part| part.strip_prefix("CP"));
            let known = NUMBERS.iter().find(|(n, _)| Some(*n) == number);
            return known.map_or(Self::Unknown, |(_, encoding)| Self::Of(encoding));
        }
        let known = LANGUAGES
            .iter()
            .find(|(language, _)| collation.starts_with(language));
        known.map_or(Self::Unknown, |(_, encoding)| Self::Of(encoding))
    }

    /// How many bytes the text takes in a column of this code page.
    ///
    /// # Errors
    /// A character that it does not have: the server would store a question mark instead.
    pub(crate) fn bytes(self, text: &str) -> Result<usize, ValueError> {
        if text.is_ascii() {
            return Ok(text.len());
        }
        match self {
            Self::Utf8 => Ok(text.len()),
            Self::Unknown => Err(UNKNOWN),
            Self::Of(encoding) => match encoding.encode(text) {
                (_, _, true) => Err(UNMAPPABLE),
                // The encoding of the web has control characters where that of Windows has none.
                (Cow::Borrowed(bytes), ..) => Ok(bytes.len()),
                (Cow::Owned(bytes), ..) => Ok(bytes.len()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_page_follows_from_the_collation() {
        for (collation, page) in [
            (
                "SQL_Latin1_General_CP1_CI_AS",
                CodePage::Of(encoding_rs::WINDOWS_1252),
            ),
            (
                "SQL_Latin1_General_CP1251_CS_AS",
                CodePage::Of(encoding_rs::WINDOWS_1251),
            ),
            ("SQL_Latin1_General_CP850_BIN2", CodePage::Unknown),
            (
                "Latin1_General_100_CI_AS_SC",
                CodePage::Of(encoding_rs::WINDOWS_1252),
            ),
            ("Latin1_General_100_CI_AS_SC_UTF8", CodePage::Utf8),
            ("Japanese_CI_AS", CodePage::Of(encoding_rs::SHIFT_JIS)),
            ("Indic_General_100_CI_AS", CodePage::Unknown),
        ] {
            assert_eq!(CodePage::of(collation), page, "{collation}");
        }
    }

    #[test]
    fn characters_that_would_become_question_marks_are_refused() {
        let western = CodePage::of("SQL_Latin1_General_CP1_CI_AS");
        assert_eq!(western.bytes("Größe €"), Ok(7));
        assert_eq!(western.bytes("Ω"), Err(UNMAPPABLE));
        assert_eq!(CodePage::of("Greek_CI_AS").bytes("Ω"), Ok(1));
        assert_eq!(CodePage::of("Japanese_CI_AS").bytes("日本"), Ok(4));
        assert_eq!(CodePage::Utf8.bytes("Ω"), Ok(2));
        assert_eq!(CodePage::Unknown.bytes("plain"), Ok(5));
        assert_eq!(CodePage::Unknown.bytes("é"), Err(UNKNOWN));
    }
}
