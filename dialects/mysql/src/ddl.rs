//! Types of columns that are created.
pub(crate) mod delete_capture;
pub(crate) mod row_size;
pub(crate) mod widen;

use crate::types::{
    BOOLEAN, MARKS, TIME_OF_DAY, UTC, UUID, VENDOR_NAME, WKB,
    grammar::{Declared, quoted},
    kind,
};
use connect_api::{
    Error, ErrorKind, Kind, LENGTH, Result, VENDOR, VENDOR_TYPE, arrow::schema::Field,
};
use dialect_core::{TimeMapping, TinyInt1, UnknownTypes, Unrepresentable, ValueOptions, ZeroDates};

/// The longest `varchar` and `varbinary` that columns are created with: rows hold 65,535 bytes, and
/// a character takes four.
const MAX_INLINE: u32 = 16_383;

/// Length of text and bytes in a key: the index takes 3,072 bytes, a character four of them.
const KEY_LENGTH: u32 = 255;

/// The type of a column that is created.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ColumnType {
    pub(crate) sql: String,
    /// The comment that distinguishes its kind from others of the type.
    pub(crate) mark: Option<&'static str>,
}

impl ColumnType {
    fn of(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            mark: None,
        }
    }

    fn marked(sql: impl Into<String>, mark: &'static str) -> Self {
        Self {
            sql: sql.into(),
            mark: Some(mark),
        }
    }
}

/// Two keys that differ only in case, accents or blanks at their end are two keys elsewhere.
fn collated(key: Option<&str>) -> String {
    key.map_or_else(String::new, |collation| format!(" COLLATE {collation}"))
}

/// Text of any length.
fn unbounded() -> ColumnType {
    ColumnType::of("longtext CHARACTER SET utf8mb4")
}

/// See [`Syntax::column_type`](dialect_core::Syntax::column_type). `key`: it is in a key, whose
/// texts have this collation.
pub(crate) fn column_type(field: &Field, key: Option<&str>, mariadb: bool) -> Result<ColumnType> {
    let in_key = key.is_some();
    let metadata = |key: &str| field.metadata().get(key);
    let length = metadata(LENGTH)
        .and_then(|l| l.parse::<u32>().ok())
        .filter(|l| *l > 0);
    let of = Kind::of(field);
    if let (Some(VENDOR_NAME), Some(vendor_type)) =
        (metadata(VENDOR).map(String::as_str), metadata(VENDOR_TYPE))
        && let Some(same) = recreated(vendor_type, &of, key, mariadb)
    {
        return Ok(same);
    }
    let collation = collated(key);
    let varchar = |n: u32| ColumnType::of(format!("varchar({n}) CHARACTER SET utf8mb4{collation}"));
    Ok(match of {
        Kind::Bool => ColumnType::marked("tinyint(1)", BOOLEAN),
        Kind::Int8 => ColumnType::of("tinyint"),
        Kind::Int16 => ColumnType::of("smallint"),
        Kind::Int32 => ColumnType::of("int"),
        Kind::Int64 => ColumnType::of("bigint"),
        Kind::UInt8 => ColumnType::of("tinyint unsigned"),
        Kind::UInt16 => ColumnType::of("smallint unsigned"),
        Kind::UInt32 => ColumnType::of("int unsigned"),
        Kind::UInt64 => ColumnType::of("bigint unsigned"),
        Kind::Float32 => ColumnType::of("float"),
        Kind::Float64 => ColumnType::of("double"),
        Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale }
            if scale <= 0 && u16::from(precision) + u16::from(scale.unsigned_abs()) <= 65 =>
        {
            let digits = u16::from(precision) + u16::from(scale.unsigned_abs());
            ColumnType::of(format!("decimal({digits})"))
        }
        Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale }
            if (1..=30).contains(&scale) && precision <= 65 =>
        {
            ColumnType::of(format!("decimal({precision},{scale})"))
        }
        Kind::Decimal { .. }
        | Kind::WideDecimal { .. }
        | Kind::BigDecimal
        | Kind::Text
        | Kind::Json
        | Kind::List(_)
        | Kind::Struct(_)
        | Kind::Map(_)
            if in_key =>
        {
            varchar(length.unwrap_or(KEY_LENGTH).min(KEY_LENGTH))
        }
        Kind::Text => match length {
            Some(n) if n <= MAX_INLINE => varchar(n),
            _ => unbounded(),
        },
        Kind::BigDecimal | Kind::Decimal { .. } | Kind::WideDecimal { .. } => unbounded(),
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => ColumnType::of("json"),
        Kind::Bytes if field.extension_type_name() == Some(WKB) && !in_key => {
            ColumnType::of("geometry")
        }
        Kind::Bytes => match length {
            Some(n) if in_key => ColumnType::of(format!("varbinary({})", n.min(KEY_LENGTH))),
            Some(n) if n <= MAX_INLINE => ColumnType::of(format!("varbinary({n})")),
            _ if in_key => ColumnType::of(format!("varbinary({KEY_LENGTH})")),
            _ => ColumnType::of("longblob"),
        },
        // Not MariaDB's uuid, which refuses those of versions and variants that it does not know.
        Kind::Uuid => ColumnType::marked("binary(16)", UUID),
        Kind::Date => ColumnType::of("date"),
        Kind::Time | Kind::TimeNanos => ColumnType::marked("time(6)", TIME_OF_DAY),
        Kind::Duration => ColumnType::of("time(6)"),
        Kind::Timestamp { utc: false } => ColumnType::of("datetime(6)"),
        Kind::Timestamp { utc: true } | Kind::OffsetTimestamp => {
            ColumnType::marked("datetime(6)", UTC)
        }
        Kind::Interval => varchar(64),
        Kind::Other(data_type) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "column `{}`: no column type of MySQL is known for Arrow type {data_type}",
                    field.name()
                ),
            ));
        }
    })
}

/// A type of ours, rebuilt from its parts: it may come from a foreign message, and nothing of it
/// is pasted. `None` where it is none, or does not hold `of`.
fn recreated(vendor_type: &str, of: &Kind, key: Option<&str>, mariadb: bool) -> Option<ColumnType> {
    let declared = Declared::parse(vendor_type);
    if !declared.whole {
        return None;
    }
    let mark = mark(&declared, of)?;
    let sql = render(&declared, key, mariadb)?;
    Some(ColumnType { sql, mark })
}

/// The comment by which a column of the type is read as the kind; `None` where it never is.
#[expect(
    clippy::option_option,
    reason = "a type that is right may need no mark"
)]
fn mark(declared: &Declared, of: &Kind) -> Option<Option<&'static str>> {
    let plain = ValueOptions {
        unknown_types: UnknownTypes::Fail,
        ..ValueOptions::default()
    };
    let number = ValueOptions {
        tinyint1: TinyInt1::Number,
        ..plain
    };
    let text = ValueOptions {
        zero_dates: ZeroDates::Text,
        unrepresentable: Unrepresentable::Text,
        time_mapping: TimeMapping::Time,
        ..plain
    };
    let is = |mark: &str, values: &ValueOptions| kind(declared, mark, values).as_ref() == Some(of);
    if is("", &plain) {
        return Some(None);
    }
    if let Some(mark) = MARKS.into_iter().find(|mark| is(mark, &plain)) {
        return Some(Some(mark));
    }
    (is("", &number) || is("", &text)).then_some(None)
}

/// The text of a type, of words known here alone.
fn render(of: &Declared, key: Option<&str>, mariadb: bool) -> Option<String> {
    let in_key = key.is_some();
    let base = of.base.as_str();
    let numbers = |least: usize, most: usize, limit: u32| {
        let right = (least..=most).contains(&of.numbers.len())
            && of.labels.is_empty()
            && of.numbers.iter().all(|n| *n <= limit);
        right.then(|| match of.numbers.as_slice() {
            [] => String::new(),
            numbers => {
                let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
                format!("({})", numbers.join(","))
            }
        })
    };
    let sign = match (of.unsigned, of.zerofill) {
        (_, true) => " unsigned zerofill",
        (true, _) => " unsigned",
        _ => "",
    };
    let text = format!(" CHARACTER SET utf8mb4{}", collated(key));
    let text = text.as_str();
    // The numbers, what stands behind them, and whether an index takes the type.
    let (brackets, behind, indexed) = match base {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => {
            (numbers(0, 1, 255)?, sign, true)
        }
        "float" | "double" if of.numbers.len() != 1 => (numbers(0, 2, 255)?, sign, true),
        "decimal" => {
            let (p, s) = (of.first().unwrap_or(10), of.numbers.get(1).unwrap_or(&0));
            let right = (1..=65).contains(&p) && *s <= 30.min(p);
            (numbers(0, 2, 65).filter(|_| right)?, sign, true)
        }
        "bit" => (numbers(1, 1, 64)?, "", true),
        "char" => (numbers(0, 1, 255)?, text, true),
        "varchar" => {
            let most = if in_key { KEY_LENGTH } else { MAX_INLINE };
            (numbers(1, 1, most)?, text, true)
        }
        "tinytext" | "text" | "mediumtext" | "longtext" => (numbers(0, 0, 0)?, text, false),
        "binary" => (numbers(0, 1, 255)?, "", true),
        "varbinary" => (numbers(1, 1, MAX_INLINE)?, "", true),
        "tinyblob" | "blob" | "mediumblob" | "longblob" => (numbers(0, 0, 0)?, "", false),
        "enum" | "set" => {
            let labels: Vec<_> = of.labels.iter().map(|l| quoted(l)).collect();
            let right = !labels.is_empty() && of.numbers.is_empty();
            let brackets = format!("({})", labels.join(","));
            (right.then_some(brackets)?, text, true)
        }
        "date" => (numbers(0, 0, 0)?, "", true),
        "time" | "datetime" => (numbers(0, 1, 6)?, "", true),
        // Without the word it would be NOT NULL on old servers.
        "timestamp" => (numbers(0, 1, 6)?, if in_key { "" } else { " NULL" }, true),
        "year" => (numbers(0, 1, 4).map(|_| String::new())?, "", true),
        "json" => (numbers(0, 0, 0)?, "", false),
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" | "geomcollection" => {
            (numbers(0, 0, 0)?, "", false)
        }
        "inet4" | "inet6" | "uuid" if mariadb => (numbers(0, 0, 0)?, "", true),
        "vector" => (numbers(1, 1, 16_383)?, "", false),
        _ => return None,
    };
    // MariaDB knows the old name alone.
    let base = match base {
        "geomcollection" => "geometrycollection",
        base => base,
    };
    (indexed || !in_key).then(|| format!("{base}{brackets}{behind}"))
}

#[cfg(test)]
mod tests;
