//! A cell of an Arrow column as a value.
use crate::{
    kind::Kind,
    nested::ListRef,
    structured::{MapRef, StructRef},
    value::ValueRef,
};
use arrow_array::{Array, cast::AsArray as _, types::*};

/// The cell in `row` of `column`, which holds values of `kind`; null where the kind is another.
pub(crate) fn cell<'a>(kind: &Kind, column: &'a dyn Array, row: usize) -> ValueRef<'a> {
    if column.is_null(row) {
        return ValueRef::Null;
    }
    macro_rules! at {
        ($t:ty) => {
            column.as_primitive::<$t>().value(row)
        };
    }
    match kind {
        Kind::Bool => ValueRef::Bool(column.as_boolean().value(row)),
        Kind::Int8 => ValueRef::Int(at!(Int8Type).into()),
        Kind::Int16 => ValueRef::Int(at!(Int16Type).into()),
        Kind::Int32 => ValueRef::Int(at!(Int32Type).into()),
        Kind::Int64 => ValueRef::Int(at!(Int64Type)),
        Kind::UInt8 => ValueRef::UInt(at!(UInt8Type).into()),
        Kind::UInt16 => ValueRef::UInt(at!(UInt16Type).into()),
        Kind::UInt32 => ValueRef::UInt(at!(UInt32Type).into()),
        Kind::UInt64 => ValueRef::UInt(at!(UInt64Type)),
        Kind::Float32 => ValueRef::Float(at!(Float32Type).into()),
        Kind::Float64 => ValueRef::Float(at!(Float64Type)),
        Kind::Decimal { scale, .. } => ValueRef::Decimal(at!(Decimal128Type), *scale),
        Kind::WideDecimal { scale, .. } => ValueRef::WideDecimal(at!(Decimal256Type), *scale),
        Kind::Text | Kind::Json | Kind::BigDecimal => {
            ValueRef::Text(column.as_string::<i32>().value(row))
        }
        Kind::Bytes => ValueRef::Bytes(column.as_binary::<i32>().value(row)),
        Kind::Uuid => ValueRef::Bytes(column.as_fixed_size_binary().value(row)),
        Kind::Date => ValueRef::Date(at!(Date32Type)),
        Kind::Time => ValueRef::Time(at!(Time64MicrosecondType)),
        Kind::TimeNanos => ValueRef::Time(at!(Time64NanosecondType)),
        Kind::Duration => ValueRef::Time(at!(DurationMicrosecondType)),
        Kind::Timestamp { .. } => ValueRef::Timestamp(at!(TimestampMicrosecondType)),
        Kind::OffsetTimestamp => {
            let cells = column.as_struct();
            ValueRef::OffsetTimestamp(
                cells
                    .column(0)
                    .as_primitive::<TimestampMicrosecondType>()
                    .value(row),
                cells.column(1).as_primitive::<Int16Type>().value(row),
            )
        }
        Kind::Interval => {
            let interval = at!(IntervalMonthDayNanoType);
            ValueRef::Interval(interval.months, interval.days, interval.nanoseconds)
        }
        Kind::Struct(_) => ValueRef::Struct(StructRef::new(column.as_struct(), row)),
        Kind::Map(_) => ValueRef::Map(MapRef::new(column.as_map(), row)),
        Kind::List(_) => ValueRef::List(ListRef::new(column.as_list::<i32>(), row)),
        Kind::Other(_) => ValueRef::Null,
    }
}
