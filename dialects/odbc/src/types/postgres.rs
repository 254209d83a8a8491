//! PostgreSQL's types by name.
use crate::types::{Declared, partly, unbounded};
use connect_api::Kind;
use dialect_core::ValueOptions;

/// What a type holds; `None` where it is not known.
pub(crate) fn postgres(declared: &Declared, values: &ValueOptions) -> Option<Kind> {
    Some(match &*declared.name {
        "boolean" => Kind::Bool,
        "smallint" => Kind::Int16,
        "integer" => Kind::Int32,
        "bigint" => Kind::Int64,
        "oid" | "xid" | "cid" => Kind::UInt32,
        "xid8" => Kind::UInt64,
        "real" => Kind::Float32,
        "double precision" => Kind::Float64,
        // NaN is a numeric.
        "numeric" if declared.numbers.is_empty() => unbounded(values),
        "numeric" => partly(declared.decimal(None, values), values),
        "text" | "character varying" | "character" | "name" | "citext" | "xml" => Kind::Text,
        "bytea" => Kind::Bytes,
        // Infinity is each of these.
        "date" => partly(Kind::Date, values),
        "timestamp without time zone" => partly(Kind::Timestamp { utc: false }, values),
        "timestamp with time zone" => partly(Kind::Timestamp { utc: true }, values),
        "time without time zone" => partly(Kind::Time, values),
        // Without months, so that it is a number of microseconds.
        "interval day to second" | "interval hour to second" => Kind::Duration,
        "uuid" => Kind::Uuid,
        "json" | "jsonb" => Kind::Json,
        // The server's text, which it also reads.
        "money"
        | "time with time zone"
        | "interval"
        | "bit"
        | "bit varying"
        | "inet"
        | "cidr"
        | "macaddr"
        | "macaddr8"
        | "point"
        | "line"
        | "lseg"
        | "box"
        | "path"
        | "polygon"
        | "circle"
        | "tsvector"
        | "tsquery"
        | "pg_lsn"
        | "hstore"
        | "ltree"
        | "int4range"
        | "int8range"
        | "numrange"
        | "daterange"
        | "tsrange"
        | "tstzrange"
        | "int4multirange"
        | "int8multirange"
        | "nummultirange"
        | "datemultirange"
        | "tsmultirange"
        | "tstzmultirange"
        | "regclass"
        | "regtype"
        | "txid_snapshot"
        | "jsonpath" => Kind::Text,
        _ => return None,
    })
}
