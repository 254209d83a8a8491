//! The decoders of wire values, for the fuzz targets of `dialects/fuzz`.
use crate::{
    decode::{Beyond, Decoder},
    types::{self, oid},
};
use connect_api::{ColumnBuilder, Kind, arrow::array::Array as _};

/// One kind and OID for each decoder.
fn types() -> [(Kind, u32); 31] {
    let list = |element: Kind| Kind::List(Box::new(element));
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    [
        (Kind::Bool, oid::BOOL),
        (Kind::Bool, oid::BIT),
        (Kind::Int8, oid::CHAR),
        (Kind::Int16, oid::INT2),
        (Kind::Int32, oid::INT4),
        (Kind::Int64, oid::INT8),
        (Kind::UInt64, oid::XID8),
        (Kind::Float32, oid::FLOAT4),
        (Kind::Float64, oid::FLOAT8),
        (decimal(38, 10), oid::NUMERIC),
        (decimal(5, -3), oid::NUMERIC),
        (decimal(5, 5), oid::NUMERIC),
        (
            Kind::WideDecimal {
                precision: 76,
                scale: 30,
            },
            oid::NUMERIC,
        ),
        (decimal(19, 2), oid::MONEY),
        (Kind::BigDecimal, oid::NUMERIC),
        (Kind::Text, oid::TEXTS[0]),
        (Kind::Json, oid::JSONB),
        (Kind::Bytes, oid::BYTEA),
        (Kind::Uuid, oid::UUID),
        (Kind::Date, oid::DATE),
        (Kind::Time, oid::TIME),
        (Kind::Timestamp { utc: true }, oid::TIMESTAMPTZ),
        (list(Kind::Int32), array_of(oid::INT4)),
        (list(Kind::Text), array_of(oid::TEXTS[0])),
        (list(decimal(12, 2)), array_of(oid::NUMERIC)),
        (list(Kind::Uuid), array_of(oid::UUID)),
        (Kind::Interval, oid::INTERVAL),
        (types::point(), oid::POINT),
        (types::range(&Kind::BigDecimal), oid::NUMRANGE),
        (
            Kind::Struct(vec![("a".into(), Kind::Int32), ("b".into(), Kind::Text)]),
            oid::FIRST_USER,
        ),
        (Kind::Map(Box::new(Kind::Text)), oid::FIRST_USER),
    ]
}

/// The OID of the arrays of a type.
fn array_of(element: u32) -> u32 {
    let known = oid::ARRAYS.iter().find(|(_, e)| *e == element);
    known.map_or(element, |(array, _)| *array)
}

/// Decodes `bytes` as a value of the type that `choice` stands for, strictly and with NULL for what
/// cannot be represented.
///
/// # Panics
/// The decoder leaves another number of cells than one for a value that it takes, or none for one
/// that it refuses.
pub fn decode(choice: u8, bytes: &[u8]) {
    let types = types();
    let (kind, oid) = &types[usize::from(choice) % types.len()];
    let Ok(decoder) = Decoder::new(kind, *oid) else {
        unreachable!("{kind:?} is of OID {oid}");
    };
    for beyond in [Beyond::Refused, Beyond::Null] {
        let Ok(mut column) = ColumnBuilder::new(kind, 1) else {
            unreachable!("{kind:?} is built cell by cell");
        };
        let mut text = String::new();
        match decoder.append(bytes, &mut column, &mut text, beyond) {
            Ok(()) => assert_eq!(column.finish().len(), 1),
            Err(_) => assert_eq!(column.len(), 0),
        }
    }
}
