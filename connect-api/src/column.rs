//! Growing columns, one variant a kind: what cursors, decoders and row builders append to.
use crate::{
    decimal::parse_wide_decimal,
    error::{Error, ErrorKind, Result},
    kind::Kind,
    nested::{ListBuilder, OffsetTimestampBuilder},
    structured::{MapBuilder, StructBuilder},
    value::Value,
};
use arrow_array::{ArrayRef, builder::*, types::IntervalMonthDayNano};
use std::sync::Arc;

macro_rules! columns {
    ($($(#[$doc:meta])* $variant:ident($builder:ty): $pattern:pat => $new:expr),* $(,)?) => {
        /// A column that grows cell by cell. Match on it once per column, not once per cell.
        #[derive(Debug)]
        pub enum ColumnBuilder {
            $($(#[$doc])* $variant($builder),)*
            /// Lists.
            List(ListBuilder),
            /// Structs.
            Struct(StructBuilder),
            /// Maps.
            Map(MapBuilder),
        }

        impl ColumnBuilder {
            /// An empty column of `kind`, with room for `rows`.
            ///
            /// # Errors
            /// `Unsupported`: cells of this kind cannot be built one by one.
            pub fn new(kind: &Kind, rows: usize) -> Result<Self> {
                match kind {
                    $($pattern => Ok(Self::$variant($new(kind, rows))),)*
                    Kind::List(element) => {
                        let values = Self::new(element, rows)?;
                        Ok(Self::List(ListBuilder::new(Kind::clone(element), values)))
                    }
                    Kind::Struct(fields) => {
                        let columns = fields.iter().map(|(_, kind)| Self::new(kind, rows));
                        let columns = columns.collect::<Result<_>>()?;
                        Ok(Self::Struct(StructBuilder::new(fields.clone(), columns)))
                    }
                    Kind::Map(value) => {
                        let values = Self::new(value, rows)?;
                        Ok(Self::Map(MapBuilder::new(Kind::clone(value), values)))
                    }
                    Kind::Other(data_type) => Err(Error::new(
                        ErrorKind::Unsupported,
                        format!("cells of Arrow type {data_type} cannot be built one by one"),
                    )),
                }
            }

            /// Appends a null.
            pub fn append_null(&mut self) {
                match self {
                    $(Self::$variant(b) => b.append_null(),)*
                    Self::List(b) => b.append_null(),
                    Self::Struct(b) => b.append_null(),
                    Self::Map(b) => b.append_null(),
                }
            }

            /// Cells so far.
            pub fn len(&self) -> usize {
                match self {
                    $(Self::$variant(b) => b.len(),)*
                    Self::List(b) => b.len(),
                    Self::Struct(b) => b.len(),
                    Self::Map(b) => b.len(),
                }
            }

            /// Takes the cells out; the builder starts again, empty.
            pub fn finish(&mut self) -> ArrayRef {
                match self {
                    $(Self::$variant(b) => Arc::new(b.finish()),)*
                    Self::List(b) => Arc::new(b.finish()),
                    Self::Struct(b) => Arc::new(b.finish()),
                    Self::Map(b) => Arc::new(b.finish()),
                }
            }
        }
    };
}

columns! {
    /// Booleans.
    Bool(BooleanBuilder): Kind::Bool => |_, n| BooleanBuilder::with_capacity(n),
    /// 8-bit integers.
    Int8(Int8Builder): Kind::Int8 => |_, n| Int8Builder::with_capacity(n),
    /// 16-bit integers.
    Int16(Int16Builder): Kind::Int16 => |_, n| Int16Builder::with_capacity(n),
    /// 32-bit integers.
    Int32(Int32Builder): Kind::Int32 => |_, n| Int32Builder::with_capacity(n),
    /// 64-bit integers.
    Int64(Int64Builder): Kind::Int64 => |_, n| Int64Builder::with_capacity(n),
    /// Unsigned 8-bit integers.
    UInt8(UInt8Builder): Kind::UInt8 => |_, n| UInt8Builder::with_capacity(n),
    /// Unsigned 16-bit integers.
    UInt16(UInt16Builder): Kind::UInt16 => |_, n| UInt16Builder::with_capacity(n),
    /// Unsigned 32-bit integers.
    UInt32(UInt32Builder): Kind::UInt32 => |_, n| UInt32Builder::with_capacity(n),
    /// Unsigned 64-bit integers.
    UInt64(UInt64Builder): Kind::UInt64 => |_, n| UInt64Builder::with_capacity(n),
    /// 32-bit floats.
    Float32(Float32Builder): Kind::Float32 => |_, n| Float32Builder::with_capacity(n),
    /// 64-bit floats.
    Float64(Float64Builder): Kind::Float64 => |_, n| Float64Builder::with_capacity(n),
    /// Decimals: unscaled values. The caller checks the precision.
    Decimal(Decimal128Builder): Kind::Decimal { .. } => |k: &Kind, n| Decimal128Builder::with_capacity(n).with_data_type(k.data_type()),
    /// Decimals of more than 38 digits: unscaled values. The caller checks the precision.
    WideDecimal(Decimal256Builder): Kind::WideDecimal { .. } => |k: &Kind, n| Decimal256Builder::with_capacity(n).with_data_type(k.data_type()),
    /// Text, JSON text, and decimals as text.
    Text(StringBuilder): Kind::Text | Kind::Json | Kind::BigDecimal => |_, n| StringBuilder::with_capacity(n, n * 16),
    /// Bytes.
    Bytes(BinaryBuilder): Kind::Bytes => |_, n| BinaryBuilder::with_capacity(n, n * 16),
    /// UUIDs, 16 bytes each.
    Uuid(FixedSizeBinaryBuilder): Kind::Uuid => |_, n| FixedSizeBinaryBuilder::with_capacity(n, 16),
    /// Days since 1970-01-01.
    Date(Date32Builder): Kind::Date => |_, n| Date32Builder::with_capacity(n),
    /// Microseconds since midnight.
    Time(Time64MicrosecondBuilder): Kind::Time => |_, n| Time64MicrosecondBuilder::with_capacity(n),
    /// Nanoseconds since midnight.
    TimeNanos(Time64NanosecondBuilder): Kind::TimeNanos => |_, n| Time64NanosecondBuilder::with_capacity(n),
    /// Spans of time in microseconds.
    Duration(DurationMicrosecondBuilder): Kind::Duration => |_, n| DurationMicrosecondBuilder::with_capacity(n),
    /// Months, days and nanoseconds.
    Interval(IntervalMonthDayNanoBuilder): Kind::Interval => |_, n| IntervalMonthDayNanoBuilder::with_capacity(n),
    /// Instants with the offset of their local time.
    OffsetTimestamp(OffsetTimestampBuilder): Kind::OffsetTimestamp => |_, n| OffsetTimestampBuilder::with_capacity(n),
    /// Microseconds since 1970-01-01.
    Timestamp(TimestampMicrosecondBuilder): Kind::Timestamp { .. } => |k: &Kind, n| TimestampMicrosecondBuilder::with_capacity(n).with_data_type(k.data_type()),
}

/// The largest unscaled value of `precision` decimal digits, `10^precision - 1`.
pub fn max_unscaled(precision: u8) -> u128 {
    10u128
        .checked_pow(u32::from(precision))
        .map_or(u128::MAX, |p| p - 1)
}

impl ColumnBuilder {
    /// No cells so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends `value`, or nothing and `None` where it does not fit `kind`, which must be the
    /// kind the builder was created with.
    pub fn append_value(&mut self, kind: &Kind, value: Value) -> Option<()> {
        match (self, value) {
            (column, Value::Null) => column.append_null(),
            (Self::Bool(b), Value::Bool(v)) => b.append_value(v),
            (Self::Int8(b), Value::Int(v)) => b.append_value(i8::try_from(v).ok()?),
            (Self::Int16(b), Value::Int(v)) => b.append_value(i16::try_from(v).ok()?),
            (Self::Int32(b), Value::Int(v)) => b.append_value(i32::try_from(v).ok()?),
            (Self::Int64(b), Value::Int(v)) => b.append_value(v),
            (Self::UInt8(b), Value::UInt(v)) => b.append_value(u8::try_from(v).ok()?),
            (Self::UInt16(b), Value::UInt(v)) => b.append_value(u16::try_from(v).ok()?),
            (Self::UInt32(b), Value::UInt(v)) => b.append_value(u32::try_from(v).ok()?),
            (Self::UInt64(b), Value::UInt(v)) => b.append_value(v),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the column is a float of 32 bits"
            )]
            (Self::Float32(b), Value::Float(v)) => b.append_value(v as f32),
            (Self::Float64(b), Value::Float(v)) => b.append_value(v),
            (Self::Decimal(b), Value::Decimal(v, s)) => match kind {
                Kind::Decimal { precision, scale }
                    if s == *scale && v.unsigned_abs() <= max_unscaled(*precision) =>
                {
                    b.append_value(v);
                }
                _ => return None,
            },
            (Self::WideDecimal(b), Value::Text(v)) => match kind {
                Kind::WideDecimal { precision, scale } => {
                    b.append_value(parse_wide_decimal(&v, *precision, *scale)?);
                }
                _ => return None,
            },
            (Self::Text(b), Value::Text(v)) => b.append_value(v),
            (Self::Bytes(b), Value::Bytes(v)) => b.append_value(v),
            (Self::Uuid(b), Value::Bytes(v)) => b.append_value(v).ok()?,
            (Self::Date(b), Value::Date(v)) => b.append_value(v),
            (Self::Time(b), Value::Time(v)) => b.append_value(v),
            (Self::TimeNanos(b), Value::Time(v)) => b.append_value(v),
            (Self::Duration(b), Value::Time(v)) => b.append_value(v),
            (Self::Timestamp(b), Value::Timestamp(v)) => b.append_value(v),
            (Self::OffsetTimestamp(b), Value::OffsetTimestamp(v, offset)) => {
                b.append_value(v, offset);
            }
            (Self::Interval(b), Value::Interval(months, days, nanos)) => {
                b.append_value(IntervalMonthDayNano::new(months, days, nanos));
            }
            (Self::List(b), Value::List(values)) => return b.append_values(values),
            (Self::Struct(b), Value::Struct(values)) => return b.append_values(values),
            (Self::Map(b), Value::Map(entries)) => return b.append_entries(entries),
            _ => return None,
        }
        Some(())
    }
}
