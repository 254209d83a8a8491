//! The decoders of wire values, for the fuzz targets of `dialects/fuzz`.
use super::{Append, value};
use connect_api::{ColumnBuilder, Kind, arrow::array::Array as _};

/// Every decoder, with a kind that it appends to.
fn decoders() -> [(Append, Kind); 20] {
    let decimal = Kind::Decimal {
        precision: 20,
        scale: 5,
    };
    let wide = Kind::WideDecimal {
        precision: 65,
        scale: 30,
    };
    [
        (value::int8 as Append, Kind::Int8),
        (value::int64, Kind::Int64),
        (value::uint32, Kind::UInt32),
        (value::uint64, Kind::UInt64),
        (value::year, Kind::Int16),
        (value::bool_of_integer, Kind::Bool),
        (value::bool_of_bits, Kind::Bool),
        (value::uint64_of_bits, Kind::UInt64),
        (value::float32, Kind::Float32),
        (value::float64, Kind::Float64),
        (value::decimal, decimal),
        (value::wide_decimal, wide),
        (value::utf8, Kind::Text),
        (value::binary, Kind::Bytes),
        (value::geometry, Kind::Bytes),
        (value::vector, Kind::List(Box::new(Kind::Float32))),
        (value::uuid, Kind::Uuid),
        (value::date, Kind::Date),
        (value::timestamp, Kind::Timestamp { utc: false }),
        (value::span, Kind::Duration),
    ]
}

/// Decodes `bytes` as a value of the type that `choice` stands for.
///
/// # Panics
/// The decoder leaves another number of cells than one for a value that it takes, or some for one
/// that it refuses.
pub fn decode(choice: u8, bytes: &[u8]) {
    let decoders = decoders();
    let (append, kind) = &decoders[usize::from(choice) % decoders.len()];
    let Ok(mut column) = ColumnBuilder::new(kind, 1) else {
        unreachable!("{kind:?} is built cell by cell");
    };
    match append(kind, &mut column, bytes) {
        Ok(()) => assert_eq!(column.finish().len(), 1),
        Err(_) => assert_eq!(column.len(), 0),
    }
}
