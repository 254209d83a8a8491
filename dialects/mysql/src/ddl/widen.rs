//! Columns that are altered to hold more.
use crate::{
    ddl::column_type,
    types::{MARKS, grammar::quoted, stored},
};
use connect_api::{Error, ErrorKind, Kind, LENGTH, Result, arrow::schema::Field};
use dialect_core::{Column, TableName};

/// The definition of `column` once it holds the values of `field` too: its new type, and what it
/// was beside its type.
pub(crate) fn widened(
    table: &TableName,
    column: &Column,
    field: &Field,
    mariadb: bool,
) -> Result<String> {
    let refused = |why: &str| {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "column `{}` of table `{table}`: it is {} and cannot become {:?}: {why}",
                column.name,
                column.vendor_type,
                Kind::of(field)
            ),
        )
    };
    if column.generated {
        return Err(refused("the database computes it"));
    }
    let length = field.metadata().get(LENGTH).and_then(|l| l.parse().ok());
    let new = column_type(field, None, mariadb)?;
    if !holds(column, &Kind::of(field), length) {
        return Err(refused("the new type would not hold what the old one does"));
    }
    let mut sql = new.sql;
    let is_timestamp = sql.starts_with("timestamp");
    if !column.nullable {
        sql = sql.trim_end_matches(" NULL").to_owned() + " NOT NULL";
    } else if !is_timestamp {
        sql.push_str(" NULL");
    }
    if let Some(default) = &column.default {
        let unbounded = sql.starts_with("longtext") || sql.starts_with("longblob");
        match (unbounded, mariadb) {
            // MySQL takes no literals there, but expressions.
            (true, false) => sql.push_str(&format!(" DEFAULT ({default})")),
            _ => sql.push_str(&format!(" DEFAULT {default}")),
        }
    }
    if column.auto_increment {
        sql.push_str(" AUTO_INCREMENT");
    }
    let own = column.comment.as_deref().filter(|c| !MARKS.contains(c));
    match (new.mark, own) {
        (Some(mark), None) => sql.push_str(&format!(" COMMENT '{mark}'")),
        (Some(_), Some(_)) => {
            return Err(refused("its comment stands where the kind would be marked"));
        }
        (None, Some(own)) => sql.push_str(&format!(" COMMENT {}", quoted(own))),
        (None, None) => {}
    }
    Ok(sql)
}

/// Whether a column created for `to`, of so many characters or bytes, holds every value of `column`.
fn holds(column: &Column, to: &Kind, length: Option<u32>) -> bool {
    let Some((from, _)) = stored(column) else {
        return false;
    };
    if let (Some((least, most)), Some((to_least, to_most))) = (range(&from), range(to)) {
        return to_least <= least && most <= to_most;
    }
    let digits = |kind: &Kind| match *kind {
        Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => {
            let scale = i16::from(scale);
            Some((i16::from(precision) - scale, scale))
        }
        _ => None,
    };
    let whole = |kind: &Kind| range(kind).map(|(_, most)| (most.to_string().len(), 0));
    if let Some((to_whole, to_places)) = digits(to) {
        let from = digits(&from).or_else(|| {
            whole(&from).and_then(|(n, places)| Some((i16::try_from(n).ok()?, places)))
        });
        return from.is_some_and(|(n, places)| n <= to_whole && places <= to_places);
    }
    let roomy = match (column.length, length) {
        (_, None) => true,
        (Some(old), Some(new)) => old <= new,
        (None, Some(_)) => false,
    };
    match (&from, to) {
        (Kind::Float32, Kind::Float64) => true,
        (Kind::Bytes, Kind::Bytes) | (Kind::Text | Kind::Uuid, Kind::Text) => roomy,
        (Kind::Text, Kind::BigDecimal) => false,
        (from, Kind::Float64) => range(from)
            .is_some_and(|(least, most)| least >= i32::MIN.into() && most <= u32::MAX.into()),
        (from, Kind::Text | Kind::BigDecimal) => {
            length.is_none() && (range(from).is_some() || digits(from).is_some())
        }
        // The same kind with all its digits: text and times of fewer are among them.
        (from, to) => from == to && length.is_none(),
    }
}

/// The least and the greatest whole number of a kind.
fn range(kind: &Kind) -> Option<(i128, i128)> {
    Some(match kind {
        Kind::Bool => (0, 1),
        Kind::Int8 => (i8::MIN.into(), i8::MAX.into()),
        Kind::Int16 => (i16::MIN.into(), i16::MAX.into()),
        Kind::Int32 => (i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 => (i64::MIN.into(), i64::MAX.into()),
        Kind::UInt8 => (0, u8::MAX.into()),
        Kind::UInt16 => (0, u16::MAX.into()),
        Kind::UInt32 => (0, u32::MAX.into()),
        Kind::UInt64 => (0, u64::MAX.into()),
        _ => return None,
    })
}
