//! Values of the binary protocol into Arrow columns.
mod parts;

use crate::types::{self, numeric, oid};
use connect_api::{
    ColumnBuilder, Error, ErrorKind, Kind, ListBuilder, Result, arrow::buffer::i256, max_unscaled,
};
use dialect_core::{ValueError, civil::DAY_MICROS};

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL begins to count.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
pub(crate) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * DAY_MICROS;

const NOT_ITS_LENGTH: ValueError = ValueError("has another length than its type");
const NOT_UTF8: ValueError = ValueError("is not UTF-8 text");
const INFINITE: ValueError = ValueError("is infinite, which has no place in the calendar");
const TOO_FAR: ValueError = ValueError("is outside the supported range of dates");
const MIDNIGHT: ValueError = ValueError("is 24:00:00, which a time of day cannot be");
const WRONG_VERSION: ValueError = ValueError("is of an unknown version of jsonb");
const WRONG_COLUMN: ValueError = ValueError("meets a column of another type");
const NOT_A_LIST: ValueError = ValueError(
    "is an array that does not count from 1, or of several dimensions, which no list is",
);
const TOO_LONG_A_SPAN: ValueError =
    ValueError("has a time part of 292 years or more, which 64 bits of nanoseconds do not hold");
const NOT_AN_ARRAY: ValueError = ValueError("is not an array on the wire");

/// What `values.unrepresentable` is about: the value is one of its type, but none of the kind's.
fn is_unrepresentable(error: ValueError) -> bool {
    [
        INFINITE,
        TOO_FAR,
        MIDNIGHT,
        NOT_A_LIST,
        TOO_LONG_A_SPAN,
        numeric::NOT_FINITE,
        numeric::TOO_PRECISE,
        numeric::TOO_LARGE,
    ]
    .contains(&error)
}

/// How values of one column become cells; chosen once per query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decoder {
    Bool,
    Bit,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt32,
    UInt64,
    Float32,
    Float64,
    /// Scale, and the largest unscaled value.
    Decimal(i8, u128),
    /// The same, for more than 38 digits.
    WideDecimal(i8, i256),
    Money,
    BigDecimal,
    Text,
    Jsonb,
    Bytes,
    Uuid,
    Date,
    Time,
    Timestamp,
    Interval,
    List(Box<Decoder>),
    Point,
    /// Between values of this form.
    Range(Box<Decoder>),
    Composite(Vec<parts::Field>),
    Hstore,
}

/// What becomes of a value that is none of the column's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    Refused,
    Null,
}

impl Decoder {
    /// The way from a column of the type `oid` to a field of `kind`.
    ///
    /// # Errors
    /// `Schema`: the query gives another type than the schema says.
    pub(crate) fn new(kind: &Kind, oid: u32) -> Result<Self> {
        let text = || oid::TEXTS.contains(&oid) || oid >= oid::FIRST_USER;
        let decoder = match (kind, oid) {
            (Kind::Bool, oid::BOOL) => Self::Bool,
            (Kind::Bool, oid::BIT) => Self::Bit,
            (Kind::Int8, oid::CHAR) => Self::Int8,
            (Kind::Int16, oid::INT2) => Self::Int16,
            (Kind::Int32, oid::INT4) => Self::Int32,
            (Kind::Int64, oid::INT8) => Self::Int64,
            (Kind::UInt32, oid) if oid::UNSIGNED.contains(&oid) => Self::UInt32,
            (Kind::UInt64, oid::XID8) => Self::UInt64,
            (Kind::Float32, oid::FLOAT4) => Self::Float32,
            (Kind::Float64, oid::FLOAT8) => Self::Float64,
            (Kind::Decimal { precision, scale }, oid::NUMERIC) => {
                Self::Decimal(*scale, max_unscaled(*precision))
            }
            (Kind::WideDecimal { precision, scale }, oid::NUMERIC) => {
                let end = i256::from_i128(10).wrapping_pow((*precision).into());
                Self::WideDecimal(*scale, end.wrapping_sub(i256::ONE))
            }
            (Kind::Decimal { .. }, oid::MONEY) => Self::Money,
            (Kind::BigDecimal, oid::NUMERIC) => Self::BigDecimal,
            (Kind::Text, _) if text() => Self::Text,
            (Kind::Json, oid::JSON) => Self::Text,
            (Kind::Json, oid::JSONB) => Self::Jsonb,
            (Kind::Bytes, oid::BYTEA) => Self::Bytes,
            // Shapes of PostGIS, whose binary form is the one asked for.
            (Kind::Bytes, oid::FIRST_USER..) => Self::Bytes,
            (Kind::Uuid, oid::UUID) => Self::Uuid,
            (Kind::Date, oid::DATE) => Self::Date,
            (Kind::Time, oid::TIME) => Self::Time,
            (Kind::Timestamp { utc: false }, oid::TIMESTAMP) => Self::Timestamp,
            (Kind::Timestamp { utc: true }, oid::TIMESTAMPTZ) => Self::Timestamp,
            (Kind::List(element), oid) => {
                Self::List(Box::new(Self::new(element, oid::element(oid))?))
            }
            (Kind::Interval, oid::INTERVAL) => Self::Interval,
            (Kind::Struct(_), oid::POINT) if *kind == types::point() => Self::Point,
            (Kind::Map(value), oid::FIRST_USER..) if **value == Kind::Text => Self::Hstore,
            (Kind::Struct(fields), _) => match (types::bound(fields), oid::range(oid)) {
                (Some(bound), Some((.., of))) => Self::Range(Box::new(Self::new(bound, of)?)),
                (Some(bound), None) => {
                    let of = oid::of_kind(bound).unwrap_or(0);
                    Self::Range(Box::new(Self::new(bound, of)?))
                }
                (None, _) => Self::Composite(parts::fields(fields)),
            },
            _ => {
                return Err(Error::new(
                    ErrorKind::Schema,
                    format!(
                        "the query gives a type (OID {oid}) that is not {kind:?}; describe the table again"
                    ),
                ));
            }
        };
        Ok(decoder)
    }

    /// Appends a value. `text` is room for the text of numbers.
    pub(crate) fn append(
        &self,
        bytes: &[u8],
        column: &mut ColumnBuilder,
        text: &mut String,
        beyond: Beyond,
    ) -> Result<(), ValueError> {
        match self.exact(bytes, column, text, beyond) {
            Err(error) if beyond == Beyond::Null && is_unrepresentable(error) => {
                column.append_null();
                Ok(())
            }
            outcome => outcome,
        }
    }

    #[inline]
    fn exact(
        &self,
        bytes: &[u8],
        column: &mut ColumnBuilder,
        text: &mut String,
        beyond: Beyond,
    ) -> Result<(), ValueError> {
        use ColumnBuilder as Column;
        match (self, column) {
            (Self::Bool, Column::Bool(b)) => b.append_value(u8::from_be_bytes(fixed(bytes)?) != 0),
            // The number of bits, and the first eight of them.
            (Self::Bit, Column::Bool(b)) => match bytes {
                [0, 0, 0, 1, bits] => b.append_value(bits >> 7 != 0),
                _ => return Err(NOT_ITS_LENGTH),
            },
            (Self::Int8, Column::Int8(b)) => b.append_value(i8::from_be_bytes(fixed(bytes)?)),
            (Self::Int16, Column::Int16(b)) => b.append_value(i16::from_be_bytes(fixed(bytes)?)),
            (Self::Int32, Column::Int32(b)) => b.append_value(i32::from_be_bytes(fixed(bytes)?)),
            (Self::Int64, Column::Int64(b)) => b.append_value(i64::from_be_bytes(fixed(bytes)?)),
            (Self::UInt32, Column::UInt32(b)) => b.append_value(u32::from_be_bytes(fixed(bytes)?)),
            (Self::UInt64, Column::UInt64(b)) => b.append_value(u64::from_be_bytes(fixed(bytes)?)),
            (Self::Float32, Column::Float32(b)) => {
                b.append_value(f32::from_be_bytes(fixed(bytes)?));
            }
            (Self::Float64, Column::Float64(b)) => {
                b.append_value(f64::from_be_bytes(fixed(bytes)?));
            }
            (Self::Decimal(scale, max), Column::Decimal(b)) => {
                b.append_value(numeric::read_decimal(bytes, *scale, *max)?);
            }
            (Self::WideDecimal(scale, max), Column::WideDecimal(b)) => {
                b.append_value(numeric::read_wide(bytes, *scale, *max)?);
            }
            (Self::Money, Column::Decimal(b)) => {
                b.append_value(i64::from_be_bytes(fixed(bytes)?).into());
            }
            (Self::BigDecimal, Column::Text(b)) => {
                text.clear();
                numeric::read_text(bytes, text)?;
                b.append_value(&*text);
            }
            (Self::Text, Column::Text(b)) => b.append_value(utf8(bytes)?),
            (Self::Jsonb, Column::Text(b)) => match bytes {
                [1, json @ ..] => b.append_value(utf8(json)?),
                _ => return Err(WRONG_VERSION),
            },
            (Self::Bytes, Column::Bytes(b)) => b.append_value(bytes),
            (Self::Uuid, Column::Uuid(b)) => {
                b.append_value(bytes).ok().ok_or(NOT_ITS_LENGTH)?;
            }
            (Self::Date, Column::Date(b)) => match i32::from_be_bytes(fixed(bytes)?) {
                i32::MIN | i32::MAX => return Err(INFINITE),
                days => b.append_value(days.checked_add(EPOCH_DAYS).ok_or(TOO_FAR)?),
            },
            (Self::Time, Column::Time(b)) => match i64::from_be_bytes(fixed(bytes)?) {
                micros if micros >= DAY_MICROS => return Err(MIDNIGHT),
                micros => b.append_value(micros),
            },
            (Self::Timestamp, Column::Timestamp(b)) => match i64::from_be_bytes(fixed(bytes)?) {
                i64::MIN | i64::MAX => return Err(INFINITE),
                micros => b.append_value(micros.checked_add(EPOCH_MICROS).ok_or(TOO_FAR)?),
            },
            (Self::List(element), Column::List(b)) => {
                append_list(element, bytes, b, text, beyond)?;
            }
            (Self::Interval, Column::Interval(b)) => b.append_value(parts::interval(bytes)?),
            (Self::Point, Column::Struct(b)) => parts::append_point(bytes, b)?,
            (Self::Range(bound), Column::Struct(b)) => {
                parts::append_range(bound, bytes, b, text)?;
            }
            (Self::Composite(fields), Column::Struct(b)) => {
                parts::append_composite(fields, bytes, b, text, beyond)?;
            }
            (Self::Hstore, Column::Map(b)) => parts::append_hstore(bytes, b)?,
            _ => return Err(WRONG_COLUMN),
        }
        Ok(())
    }

    /// Cells of this kind take room beside the fixed one.
    pub(crate) fn is_text(&self) -> bool {
        matches!(
            self,
            Self::BigDecimal | Self::Text | Self::Jsonb | Self::Bytes | Self::List(_)
        ) || matches!(self, Self::Range(_) | Self::Composite(_) | Self::Hstore)
    }
}

/// Appends an array of one dimension that counts from 1.
fn append_list(
    element: &Decoder,
    bytes: &[u8],
    list: &mut ListBuilder,
    text: &mut String,
    beyond: Beyond,
) -> Result<(), ValueError> {
    let (dimensions, rest) = word(bytes)?;
    // Whether there are NULLs, and the type of the elements.
    let rest = rest.get(8..).ok_or(NOT_AN_ARRAY)?;
    let mut rest = match dimensions {
        0 => rest,
        1 => {
            let (_, rest) = word(rest)?;
            let (first, rest) = word(rest)?;
            if first != 1 {
                return Err(NOT_A_LIST);
            }
            rest
        }
        _ => return Err(NOT_A_LIST),
    };
    while !rest.is_empty() {
        let (length, value) = word(rest)?;
        if length < 0 {
            list.values().append_null();
            rest = value;
            continue;
        }
        let length = usize::try_from(length).unwrap_or(0);
        let (value, after) = value.split_at_checked(length).ok_or(NOT_AN_ARRAY)?;
        element.append(value, list.values(), text, beyond)?;
        rest = after;
    }
    list.end_list();
    Ok(())
}

fn word(bytes: &[u8]) -> Result<(i32, &[u8]), ValueError> {
    let (word, rest) = bytes.split_first_chunk().ok_or(NOT_AN_ARRAY)?;
    Ok((i32::from_be_bytes(*word), rest))
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], ValueError> {
    bytes.try_into().ok().ok_or(NOT_ITS_LENGTH)
}

fn utf8(bytes: &[u8]) -> Result<&str, ValueError> {
    std::str::from_utf8(bytes).ok().ok_or(NOT_UTF8)
}

#[cfg(test)]
mod tests;
