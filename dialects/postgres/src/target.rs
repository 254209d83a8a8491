//! The types that values are written as.
use crate::oid;
use connect_api::Kind;
use dialect_core::Column;

/// The type of a table's column as values meet it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    /// Precision and scale, where the column has them.
    Numeric(Option<(u8, i8)>),
    /// The longest text in characters, where the column has one.
    Text(Option<u32>),
    Json,
    Jsonb,
    Bytea,
    Uuid,
    Date,
    /// The least step in microseconds.
    Time(i64),
    /// Zone or none, and the least step in microseconds.
    Timestamp(bool, i64),
}

impl Target {
    /// The type of `column`; `None` where it is not carried.
    pub(crate) fn of(column: &Column) -> Option<Self> {
        let vendor = column.vendor_type.as_str();
        // Nobody's data is a transaction's number, and `name` cuts what is too long.
        if matches!(vendor, "name" | "xid" | "cid") {
            return None;
        }
        Some(match Self::of_kind(column.kind.as_ref()?)? {
            Self::Text(_) => Self::Text(column.length),
            Self::Json if vendor == "jsonb" => Self::Jsonb,
            Self::Time(_) => Self::Time(step(vendor)),
            Self::Timestamp(utc, _) => Self::Timestamp(utc, step(vendor)),
            other => other,
        })
    }

    /// The type that holds every value of `kind`.
    pub(crate) fn of_kind(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Bool => Self::Bool,
            Kind::Int8 | Kind::UInt8 | Kind::Int16 => Self::Int2,
            Kind::UInt16 | Kind::Int32 => Self::Int4,
            Kind::Int64 => Self::Int8,
            Kind::UInt32 => Self::Oid,
            Kind::UInt64 | Kind::BigDecimal => Self::Numeric(None),
            Kind::WideDecimal { .. }
            | Kind::TimeNanos
            | Kind::Duration
            | Kind::OffsetTimestamp
            | Kind::List(_) => return None,
            Kind::Float32 => Self::Float4,
            Kind::Float64 => Self::Float8,
            Kind::Decimal { precision, scale } => Self::Numeric(Some((*precision, *scale))),
            Kind::Text => Self::Text(None),
            Kind::Json => Self::Json,
            Kind::Bytes => Self::Bytea,
            Kind::Uuid => Self::Uuid,
            Kind::Date => Self::Date,
            Kind::Time => Self::Time(1),
            Kind::Timestamp { utc } => Self::Timestamp(*utc, 1),
            Kind::Other(_) => return None,
        })
    }

    /// Name in SQL, OID, and OID of its array.
    pub(crate) fn names(self) -> (&'static str, u32, u32) {
        match self {
            Self::Bool => ("boolean", oid::BOOL, 1000),
            Self::Int2 => ("smallint", oid::INT2, 1005),
            Self::Int4 => ("integer", oid::INT4, 1007),
            Self::Int8 => ("bigint", oid::INT8, 1016),
            Self::Oid => ("oid", oid::OID, 1028),
            Self::Float4 => ("real", oid::FLOAT4, 1021),
            Self::Float8 => ("double precision", oid::FLOAT8, 1022),
            Self::Numeric(_) => ("numeric", oid::NUMERIC, 1231),
            Self::Text(_) => ("text", oid::TEXT, 1009),
            Self::Json => ("json", oid::JSON, 199),
            Self::Jsonb => ("jsonb", oid::JSONB, 3807),
            Self::Bytea => ("bytea", oid::BYTEA, 1001),
            Self::Uuid => ("uuid", oid::UUID, 2951),
            Self::Date => ("date", oid::DATE, 1182),
            Self::Time(_) => ("time", oid::TIME, 1183),
            Self::Timestamp(false, _) => ("timestamp", oid::TIMESTAMP, 1115),
            Self::Timestamp(true, _) => ("timestamptz", oid::TIMESTAMPTZ, 1185),
        }
    }
}

/// The least step of `time(3) without time zone` and the like, in microseconds.
fn step(vendor: &str) -> i64 {
    let digits = vendor
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .and_then(|(digits, _)| digits.parse::<u32>().ok());
    10i64.pow(6 - digits.unwrap_or(6).min(6))
}
