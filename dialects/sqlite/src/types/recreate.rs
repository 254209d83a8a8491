//! Types of another SQLite, re-created here.
use crate::types::{Declared, NO_TYPE};
use connect_api::Kind;
use dialect_core::ValueOptions;

/// The words that types consist of. A type may come from a foreign message: words such as
/// `PRIMARY`, `CHECK` or `DEFAULT` after it would be more than a type.
const WORDS: &[&str] = &[
    "ANY",
    "BIG",
    "BIGINT",
    "BLOB",
    "BOOL",
    "BOOLEAN",
    "BYTEA",
    "CHAR",
    "CHARACTER",
    "CLOB",
    "DATE",
    "DATETIME",
    "DATE_TEXT",
    "DEC",
    "DECIMAL",
    "DECIMAL_TEXT",
    "DOUBLE",
    "DURATION_INTEGER",
    "FLOAT",
    "FLOAT4",
    "FLOAT8",
    "GEOMETRY",
    "GUID",
    "INT",
    "INT2",
    "INT4",
    "INT8",
    "INTEGER",
    "JSON",
    "JSON_TEXT",
    "LONGBLOB",
    "LONGTEXT",
    "MEDIUMBLOB",
    "MEDIUMINT",
    "MEDIUMTEXT",
    "MONEY",
    "NATIVE",
    "NCHAR",
    "NUMBER",
    "NUMERIC",
    "NVARCHAR",
    "PRECISION",
    "REAL",
    "SMALLINT",
    "STRING",
    "TEXT",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "TIMESTAMPTZ_TEXT",
    "TIMESTAMP_OFFSET_TEXT",
    "TIMESTAMP_TEXT",
    "TIME_TEXT",
    "TINYBLOB",
    "TINYINT",
    "TINYTEXT",
    "UNSIGNED",
    "UUID",
    "UUID_BLOB",
    "VARBINARY",
    "BINARY",
    "VARCHAR",
    "VARYING",
    "WITH",
    "WITHOUT",
    "ZONE",
];

/// The type as it is written in DDL, rebuilt from known words and numbers; `None` where
/// it consists of anything else, or a column of it would not be described as `kind`.
pub(crate) fn recreated(text: &str, kind: &Kind, values: &ValueOptions) -> Option<String> {
    let declared = Declared::parse(text);
    let known = declared
        .name
        .split(' ')
        .all(|word| word.is_empty() || WORDS.contains(&word));
    let plain = text == NO_TYPE
        || text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b' ' | b'(' | b')' | b','));
    let described = declared.described(values, false).kind;
    if !known || !plain || declared.numbers.len() > 2 || described.as_ref() != Some(kind) {
        return None;
    }
    // The words after the brackets have gone before them: SQLite reads both alike, but people may
    // have put them where they belong.
    let (before, after) = match text.split_once(')') {
        Some((before, after)) if !declared.numbers.is_empty() => (before, after.trim()),
        _ => (text, ""),
    };
    let words = |part: &str| {
        part.split('(')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut made = if text == NO_TYPE {
        String::new()
    } else {
        words(before)
    };
    if !declared.numbers.is_empty() {
        let numbers: Vec<_> = declared.numbers.iter().map(u32::to_string).collect();
        made.push_str(&format!("({})", numbers.join(",")));
    }
    if !after.is_empty() {
        made.push_str(&format!(" {}", words(after)));
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_put_together_from_known_words() {
        let options = ValueOptions::default();
        let decimal = Kind::Decimal {
            precision: 12,
            scale: 2,
        };
        for (text, kind, made) in [
            ("VARCHAR(20)", Kind::Text, "VARCHAR(20)"),
            ("decimal( 12 , 2 )", decimal.clone(), "decimal(12,2)"),
            ("double   precision", Kind::Float64, "double precision"),
            (
                "timestamp(6) with time zone",
                Kind::Text,
                "timestamp(6) with time zone",
            ),
            (NO_TYPE, Kind::Text, ""),
        ] {
            assert_eq!(recreated(text, &kind, &options).as_deref(), Some(made));
        }
        for (text, kind) in [
            ("INTEGER PRIMARY KEY", Kind::Int64),
            ("INTEGER); DROP TABLE t --", Kind::Int64),
            ("TEXT COLLATE NOCASE", Kind::Text),
            ("TEXT DEFAULT (1)", Kind::Text),
            ("TEXT(1,2,3)", Kind::Text),
            ("TEXT(1) CHECK (0)", Kind::Text),
            ("DECIMAL(12,2)", Kind::Text),
            ("`TEXT`", Kind::Text),
        ] {
            assert_eq!(recreated(text, &kind, &options), None, "{text}");
        }
    }
}
