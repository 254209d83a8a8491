//! The types of MySQL and MariaDB by name.
use crate::types::Declared;
use connect_api::Kind;
use dialect_core::{Binary16, TimeMapping, TinyInt1, ValueOptions, ZeroDates};

/// What a type holds; `None` where it is not known.
pub(crate) fn mysql(declared: &Declared, values: &ValueOptions) -> Option<Kind> {
    let name = declared
        .name
        .strip_suffix(" zerofill")
        .unwrap_or(&declared.name);
    let dated = |kind| match values.zero_dates {
        ZeroDates::Text => Kind::Text,
        ZeroDates::Error | ZeroDates::Null => kind,
    };
    Some(match name {
        "tinyint" if declared.numbers == [1] && values.tinyint1 == TinyInt1::Bool => Kind::Bool,
        "tinyint" => Kind::Int8,
        "smallint" => Kind::Int16,
        "mediumint" | "int" | "integer" => Kind::Int32,
        "bigint" => Kind::Int64,
        "tinyint unsigned" => Kind::UInt8,
        "smallint unsigned" => Kind::UInt16,
        "mediumint unsigned" | "int unsigned" | "integer unsigned" => Kind::UInt32,
        "bigint unsigned" => Kind::UInt64,
        "float" | "float unsigned" => Kind::Float32,
        "double" | "double unsigned" | "real" => Kind::Float64,
        "decimal" | "decimal unsigned" | "numeric" => declared.decimal(Some((10, 0)), values),
        "bit" if declared.numbers == [1] || declared.numbers.is_empty() => Kind::Bool,
        "bit" => Kind::UInt64,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => Kind::Text,
        "binary" if declared.numbers == [16] && values.binary16 == Binary16::Uuid => Kind::Uuid,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Kind::Bytes,
        "date" => dated(Kind::Date),
        "datetime" => dated(Kind::Timestamp { utc: false }),
        // The session's zone is +00:00.
        "timestamp" => dated(Kind::Timestamp { utc: true }),
        "time" => match values.time_mapping {
            TimeMapping::Duration => Kind::Duration,
            TimeMapping::Time => Kind::Time,
        },
        "year" => Kind::Int16,
        "json" => Kind::Json,
        "uuid" => Kind::Uuid,
        "inet4" | "inet6" => Kind::Text,
        _ => return None,
    })
}
