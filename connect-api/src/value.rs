//! Single values: owned for rows and offsets, borrowed for cells.
use crate::{
    decimal,
    nested::ListRef,
    structured::{MapRef, StructRef},
};
use arrow_buffer::i256;
use serde::{Deserialize, Serialize, Serializer};

/// An owned value; units are those of [`Kind`](crate::Kind).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named by what they hold")]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// Unscaled value and scale.
    Decimal(i128, i8),
    Text(Box<str>),
    Bytes(Vec<u8>),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    /// Microseconds since 1970-01-01 UTC, and the offset of the local time in minutes.
    OffsetTimestamp(i64, i16),
    /// Months, days, nanoseconds.
    Interval(i32, i32, i64),
    List(Vec<Value>),
    /// One value a field, in the order of the kind's.
    Struct(Vec<Value>),
    Map(Vec<(Box<str>, Value)>),
}

/// A cell seen in place: `Copy`, no allocation; units are those of [`Kind`](crate::Kind).
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "named by what they hold")]
pub enum ValueRef<'a> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// Unscaled value and scale.
    Decimal(i128, i8),
    Text(&'a str),
    Bytes(&'a [u8]),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    /// Microseconds since 1970-01-01 UTC, and the offset of the local time in minutes.
    OffsetTimestamp(i64, i16),
    /// Unscaled value of more than 38 digits, and scale; an owned copy is text.
    WideDecimal(i256, i8),
    /// Months, days, nanoseconds.
    Interval(i32, i32, i64),
    List(ListRef<'a>),
    Struct(StructRef<'a>),
    Map(MapRef<'a>),
}

impl ValueRef<'_> {
    /// An owned copy.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(v) => Value::Bool(v),
            Self::Int(v) => Value::Int(v),
            Self::UInt(v) => Value::UInt(v),
            Self::Float(v) => Value::Float(v),
            Self::Decimal(v, s) => Value::Decimal(v, s),
            Self::Text(v) => Value::Text(v.into()),
            Self::Bytes(v) => Value::Bytes(v.into()),
            Self::Date(v) => Value::Date(v),
            Self::Time(v) => Value::Time(v),
            Self::Timestamp(v) => Value::Timestamp(v),
            Self::OffsetTimestamp(v, offset) => Value::OffsetTimestamp(v, offset),
            Self::WideDecimal(v, s) => Value::Text(wide_decimal_text(v, s).into()),
            Self::Interval(months, days, nanos) => Value::Interval(months, days, nanos),
            Self::List(v) => Value::List(v.to_values()),
            Self::Struct(v) => Value::Struct(v.to_values()),
            Self::Map(v) => Value::Map(v.to_entries()),
        }
    }
}

impl Value {
    /// The same, borrowed; `None` for a list, a struct and a map, which are borrowed from their
    /// columns alone.
    pub fn as_ref(&self) -> Option<ValueRef<'_>> {
        Some(match self {
            Self::Null => ValueRef::Null,
            Self::Bool(v) => ValueRef::Bool(*v),
            Self::Int(v) => ValueRef::Int(*v),
            Self::UInt(v) => ValueRef::UInt(*v),
            Self::Float(v) => ValueRef::Float(*v),
            Self::Decimal(v, s) => ValueRef::Decimal(*v, *s),
            Self::Text(v) => ValueRef::Text(v),
            Self::Bytes(v) => ValueRef::Bytes(v),
            Self::Date(v) => ValueRef::Date(*v),
            Self::Time(v) => ValueRef::Time(*v),
            Self::Timestamp(v) => ValueRef::Timestamp(*v),
            Self::OffsetTimestamp(v, offset) => ValueRef::OffsetTimestamp(*v, *offset),
            Self::Interval(months, days, nanos) => ValueRef::Interval(*months, *days, *nanos),
            Self::List(_) | Self::Struct(_) | Self::Map(_) => return None,
        })
    }
}

impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Null => s.serialize_unit(),
            Self::Bool(v) => s.serialize_bool(v),
            Self::Int(v) | Self::Time(v) | Self::Timestamp(v) => s.serialize_i64(v),
            Self::UInt(v) => s.serialize_u64(v),
            Self::Float(v) => s.serialize_f64(v),
            Self::Decimal(v, scale) => s.serialize_str(&decimal_text(v, scale)),
            Self::Text(v) => s.serialize_str(v),
            Self::Bytes(v) => s.serialize_bytes(v),
            Self::Date(v) => s.serialize_i32(v),
            Self::OffsetTimestamp(v, offset) => (v, offset).serialize(s),
            Self::WideDecimal(v, scale) => s.serialize_str(&wide_decimal_text(v, scale)),
            Self::Interval(months, days, nanos) => (months, days, nanos).serialize(s),
            Self::List(v) => s.collect_seq(v.iter()),
            Self::Struct(v) => s.collect_map(v.iter()),
            Self::Map(v) => s.collect_map(v.iter()),
        }
    }
}

/// `unscaled × 10^-scale` in plain digits: `(-1234, 2)` is `-12.34`, `(12, -2)` is `1200`.
pub fn decimal_text(unscaled: i128, scale: i8) -> String {
    let mut out = String::new();
    decimal::write(&mut out, unscaled, scale);
    out
}

/// As [`decimal_text`], for up to 76 digits.
pub fn wide_decimal_text(unscaled: i256, scale: i8) -> String {
    let mut out = String::new();
    decimal::write_wide(&mut out, unscaled, scale);
    out
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => { $(
        impl From<$from> for Value {
            fn from(v: $from) -> Self {
                Self::$variant(v.into())
            }
        }
    )* };
}
from!(bool => Bool, i32 => Int, i64 => Int, u64 => UInt, f64 => Float, &str => Text, String => Text, Vec<u8> => Bytes);

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}
