//! The size of rows, which the server limits whatever is in them: text and bytes of a limited
//! length count with all of it, those of any length with a pointer.
use crate::{ddl, types::grammar::Declared};
use connect_api::{DEFAULT, Kind, LENGTH, Result, VENDOR_TYPE, arrow::schema::Field};

/// Bytes that the columns of a table created here may have: the server takes 65,535, and columns that
/// are added later want room too.
const MOST_BYTES: usize = 60_000;

/// What a column of unbounded text or bytes counts.
const POINTER: usize = 12;

/// The most bytes that a column of a type takes of a row, at four bytes a character.
pub(crate) fn bytes(column_type: &str) -> usize {
    let of = Declared::parse(column_type);
    let length = of.first().map_or(1, |n| n as usize);
    let prefixed = |bytes: usize| bytes + if bytes > 255 { 2 } else { 1 };
    match of.base.as_str() {
        "varchar" => prefixed(4 * length),
        "char" => prefixed(4 * length),
        "varbinary" => prefixed(length),
        "binary" => length,
        "tinyint" | "year" => 1,
        "smallint" | "enum" => 2,
        "mediumint" | "date" => 3,
        "int" | "float" | "inet4" => 4,
        "bigint" | "double" | "bit" | "set" | "time" | "datetime" | "timestamp" => 8,
        "decimal" => 32,
        "inet6" | "uuid" => 16,
        _ => POINTER,
    }
}

/// The fields as columns are created for them beside others that take `taken` bytes of a row: the
/// longest texts and byte strings without their length where a row would be too large with it.
/// `in_key`: the field is part of the primary key, which takes no unbounded ones.
///
/// # Errors
/// As [`ddl::column_type`].
pub(crate) fn fitted(
    fields: &[&Field],
    in_key: impl Fn(usize) -> bool,
    taken: usize,
    mariadb: bool,
) -> Result<Vec<Field>> {
    let mut fields: Vec<Field> = fields.iter().copied().cloned().collect();
    let sizes = fields.iter().enumerate().map(|(i, field)| {
        let column_type = ddl::column_type(field, in_key(i).then_some("utf8mb4_bin"), mariadb)?;
        Ok(bytes(&column_type.sql))
    });
    let mut sizes = sizes.collect::<Result<Vec<usize>>>()?;
    let nulls = fields.len().div_ceil(8);
    while taken + nulls + sizes.iter().sum::<usize>() > MOST_BYTES {
        let long = |i: &usize| {
            let field = &fields[*i];
            let limited = matches!(Kind::of(field), Kind::Text | Kind::Bytes);
            // MySQL has no such default of unbounded text.
            let preset = !mariadb && field.metadata().contains_key(DEFAULT);
            limited && !in_key(*i) && !preset && sizes[*i] > POINTER
        };
        let Some(longest) = (0..fields.len()).filter(long).max_by_key(|i| sizes[*i]) else {
            break;
        };
        let mut metadata = fields[longest].metadata().clone();
        metadata.retain(|key, _| key != LENGTH && key != VENDOR_TYPE);
        fields[longest].set_metadata(metadata);
        sizes[longest] = POINTER;
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn text(length: u32) -> Field {
        let length = [(LENGTH.to_owned(), length.to_string())];
        Kind::Text
            .field("c", true)
            .with_metadata(HashMap::from(length))
    }

    fn kept(lengths: &[u32], key: usize, taken: usize) -> Vec<u32> {
        let fields: Vec<_> = lengths.iter().map(|n| text(*n)).collect();
        let fields: Vec<_> = fields.iter().collect();
        let fitted = fitted(&fields, |i| i < key, taken, true).unwrap();
        let length = |field: &Field| field.metadata().get(LENGTH)?.parse().ok();
        fitted.iter().filter_map(length).collect()
    }

    #[test]
    fn the_longest_texts_lose_their_length_where_a_row_would_be_too_large() {
        assert_eq!(kept(&[4_000, 4_000, 4_000], 0, 0), [4_000; 3]);
        assert_eq!(kept(&[4_000; 20], 0, 0).len(), 3);
        assert_eq!(kept(&[1_000; 17], 0, 0).len(), 14);
        assert!(kept(&[16_000, 16_000], 0, 0).is_empty());
        assert_eq!(kept(&[10, 16_000, 20], 0, 0), [10, 20]);
        // Keys keep theirs, whatever they take.
        assert_eq!(kept(&[200, 14_990], 1, 0), [200]);
        // Beside the columns that are there.
        assert_eq!(kept(&[4_000, 30], 0, 50_000), [30]);
        assert!(kept(&[4_000, 30], 0, 70_000).is_empty());
    }

    #[test]
    fn types_count_with_the_most_that_they_hold() {
        for (column_type, expected) in [
            ("varchar(63) CHARACTER SET utf8mb4", 253),
            ("varchar(4000) CHARACTER SET utf8mb4", 16_002),
            ("varbinary(255)", 256),
            ("binary(16)", 16),
            ("longtext CHARACTER SET utf8mb4", 12),
            ("json", 12),
            ("decimal(65,30)", 32),
            ("bigint unsigned", 8),
            ("datetime(6)", 8),
            ("enum('a','b')", 2),
        ] {
            assert_eq!(bytes(column_type), expected, "{column_type}");
        }
    }
}
