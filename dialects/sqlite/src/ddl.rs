//! Types of columns that are created.
pub(crate) mod delete_capture;

use crate::types::{VENDOR as SQLITE, recreated};
use connect_api::{
    Error, ErrorKind, Kind, LENGTH, Result, VENDOR, VENDOR_TYPE, arrow::schema::Field,
};
use dialect_core::ValueOptions;

/// The type of a column for values of `field`; SQLite's own where the field brings one.
pub(crate) fn column_type(field: &Field, values: &ValueOptions) -> Result<String> {
    let metadata = |key: &str| field.metadata().get(key).map(String::as_str);
    let kind = Kind::of(field);
    if let (Some(SQLITE), Some(vendor_type)) = (metadata(VENDOR), metadata(VENDOR_TYPE))
        && let Some(made) = recreated(vendor_type, &kind, values)
    {
        return Ok(made);
    }
    Ok(match kind {
        Kind::Bool => "BOOLEAN".to_owned(),
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => "INTEGER".to_owned(),
        Kind::UInt8 | Kind::UInt16 | Kind::UInt32 => "INTEGER".to_owned(),
        Kind::UInt64 => "DECIMAL_TEXT(20,0)".to_owned(),
        Kind::Float32 | Kind::Float64 => "REAL".to_owned(),
        Kind::Decimal {
            precision,
            scale: scale @ 0..,
        }
        | Kind::WideDecimal {
            precision,
            scale: scale @ 0..,
        } => format!("DECIMAL_TEXT({precision},{scale})"),
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal => {
            "DECIMAL_TEXT".to_owned()
        }
        Kind::Text => match metadata(LENGTH).and_then(|n| n.parse::<u32>().ok()) {
            Some(length) => format!("VARCHAR({length})"),
            None => "TEXT".to_owned(),
        },
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => "JSON_TEXT".to_owned(),
        Kind::Interval => "TEXT".to_owned(),
        Kind::Bytes => "BLOB".to_owned(),
        Kind::Uuid => "UUID_BLOB".to_owned(),
        Kind::Date => "DATE_TEXT".to_owned(),
        Kind::Time => "TIME_TEXT".to_owned(),
        Kind::TimeNanos => "TIME_TEXT(9)".to_owned(),
        Kind::Duration => "DURATION_INTEGER".to_owned(),
        Kind::Timestamp { utc: false } => "TIMESTAMP_TEXT".to_owned(),
        Kind::Timestamp { utc: true } => "TIMESTAMPTZ_TEXT".to_owned(),
        Kind::OffsetTimestamp => "TIMESTAMP_OFFSET_TEXT".to_owned(),
        Kind::Other(data_type) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "column `{}`: no type of SQLite for Arrow type {data_type}",
                    field.name()
                ),
            ));
        }
    })
}
