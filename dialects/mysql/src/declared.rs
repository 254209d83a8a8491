//! Column types as they are declared, and what columns of them hold.
use crate::syntax::{BOOLEAN, UTC, UUID};
use connect_api::Kind;
use dialect_core::Column;

/// A column as the catalogue describes it.
#[derive(Debug, Default)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) column_type: String,
    pub(crate) nullable: bool,
    pub(crate) default: bool,
    pub(crate) extra: String,
    pub(crate) comment: String,
    pub(crate) length: Option<u64>,
}

impl Described {
    /// The column; `json`: a check of the table says that it is JSON.
    pub(crate) fn column(&self, json: bool, tinyint1_is_bool: bool) -> Column {
        let extra = self.extra.to_ascii_lowercase();
        let base = base_type(&self.column_type);
        let kind = match (base, self.comment.as_str()) {
            ("tinyint", BOOLEAN) if self.column_type.starts_with("tinyint(1)") => Some(Kind::Bool),
            ("tinyint", _) if tinyint1_is_bool && self.column_type == "tinyint(1)" => {
                Some(Kind::Bool)
            }
            ("datetime", UTC) => Some(Kind::Timestamp { utc: true }),
            ("binary", UUID) if self.length == Some(16) => Some(Kind::Uuid),
            ("longtext", _) if json => Some(Kind::Json),
            _ => kind(&self.column_type),
        };
        let sized = matches!(base, "char" | "varchar" | "binary" | "varbinary");
        Column {
            name: self.name.clone(),
            kind,
            vendor_type: if json {
                "json".to_owned()
            } else {
                self.column_type.clone()
            },
            length: self
                .length
                .filter(|_| sized)
                .and_then(|l| u32::try_from(l).ok()),
            nullable: self.nullable,
            has_default: self.default
                || extra.contains("default_generated")
                || extra.contains("auto_increment"),
            auto_increment: extra.contains("auto_increment"),
            generated: extra.contains("virtual generated")
                || extra.contains("stored generated")
                || extra.contains("persistent"),
            ..Column::default()
        }
    }
}

/// `decimal` of `decimal(12,2) unsigned`.
pub(crate) fn base_type(column_type: &str) -> &str {
    column_type.split(['(', ' ']).next().unwrap_or(column_type)
}

/// The numbers in the brackets of `decimal(12,2)`; those that are not there are `None`.
pub(crate) fn type_numbers(column_type: &str) -> (Option<u8>, Option<u8>) {
    let Some((_, rest)) = column_type.split_once('(') else {
        return (None, None);
    };
    let mut numbers = rest
        .split(')')
        .next()
        .unwrap_or_default()
        .split(',')
        .map(|n| n.trim().parse().ok());
    (numbers.next().flatten(), numbers.next().flatten())
}

/// What a column of this type holds; `None` for types that are not carried.
pub(crate) fn kind(column_type: &str) -> Option<Kind> {
    let unsigned = column_type.contains(" unsigned");
    let numbers = type_numbers(column_type);
    Some(match (base_type(column_type), unsigned) {
        ("tinyint", false) => Kind::Int8,
        ("tinyint", true) => Kind::UInt8,
        ("smallint", false) => Kind::Int16,
        ("smallint", true) => Kind::UInt16,
        ("mediumint" | "int" | "integer", false) => Kind::Int32,
        ("mediumint" | "int" | "integer", true) => Kind::UInt32,
        ("bigint", false) => Kind::Int64,
        ("bigint", true) => Kind::UInt64,
        ("float", _) => Kind::Float32,
        ("double" | "real", _) => Kind::Float64,
        ("decimal" | "numeric", _) => {
            let (precision, scale) = (numbers.0.unwrap_or(10), numbers.1.unwrap_or(0));
            if precision > 38 {
                return None;
            }
            Kind::Decimal {
                precision,
                scale: i8::try_from(scale).ok()?,
            }
        }
        ("bit", _) if numbers.0.unwrap_or(1) == 1 => Kind::Bool,
        ("bit", _) => Kind::UInt64,
        (
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set"
            | "inet4" | "inet6",
            _,
        ) => Kind::Text,
        ("binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob", _) => {
            Kind::Bytes
        }
        ("date", _) => Kind::Date,
        ("time", _) => Kind::Time,
        ("datetime", _) => Kind::Timestamp { utc: false },
        ("timestamp", _) => Kind::Timestamp { utc: true },
        ("year", _) => Kind::Int16,
        ("json", _) => Kind::Json,
        ("uuid", _) => Kind::Uuid,
        _ => return None,
    })
}
