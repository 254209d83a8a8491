//! Values bound to the placeholders of a statement.
use crate::encode::wire::{put_blob, put_date, put_span, put_time, put_timestamp};
use connect_api::{Kind, Value};
use dialect_core::{Param, ValueError, write_decimal};
use sqlx::{
    Encode, MySql, Type,
    encode::IsNull,
    error::BoxDynError,
    mysql::MySqlTypeInfo,
    types::{
        Decimal,
        chrono::{NaiveDate, NaiveDateTime, NaiveTime},
    },
};

/// A fault of this program: no key is of such a kind.
const MISTYPED: ValueError = ValueError("is not of the kind that was planned for");

/// A value that a statement compares with.
pub(crate) struct Bound<'a>(pub(crate) &'a Param);

impl Type<MySql> for Bound<'_> {
    fn type_info() -> MySqlTypeInfo {
        <str as Type<MySql>>::type_info()
    }
}

impl Encode<'_, MySql> for Bound<'_> {
    fn encode_by_ref(&self, out: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        match &self.0.value {
            Value::Null => return Ok(IsNull::Yes),
            Value::Bool(v) => out.push(u8::from(*v)),
            Value::Int(v) => out.extend_from_slice(&v.to_le_bytes()),
            Value::UInt(v) => out.extend_from_slice(&v.to_le_bytes()),
            Value::Float(v) => out.extend_from_slice(&v.to_le_bytes()),
            Value::Decimal(v, scale) => {
                let mut text = String::new();
                write_decimal(*v, *scale, &mut text);
                put_blob(text.as_bytes(), out);
            }
            Value::Text(v) => put_blob(v.as_bytes(), out),
            Value::Bytes(v) => put_blob(v, out),
            Value::Date(v) => put_date(*v, out)?,
            Value::Time(v) if self.0.kind == Kind::Duration => put_span(*v, 1, out)?,
            Value::Time(v) => put_time(*v, 1, out)?,
            Value::Timestamp(v) | Value::OffsetTimestamp(v, _) => put_timestamp(*v, 1, out)?,
            Value::List(_) | Value::Struct(_) | Value::Map(_) | Value::Interval(..) => {
                return Err(MISTYPED.into());
            }
        }
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<MySqlTypeInfo> {
        Some(match &self.0.value {
            Value::Null | Value::Int(_) => <i64 as Type<MySql>>::type_info(),
            Value::Bool(_) => <i8 as Type<MySql>>::type_info(),
            Value::UInt(_) => <u64 as Type<MySql>>::type_info(),
            Value::Float(_) => <f64 as Type<MySql>>::type_info(),
            Value::Decimal(..) => <Decimal as Type<MySql>>::type_info(),
            Value::Text(_) | Value::List(_) => <str as Type<MySql>>::type_info(),
            Value::Struct(_) | Value::Map(_) | Value::Interval(..) => {
                <str as Type<MySql>>::type_info()
            }
            Value::Bytes(_) => <[u8] as Type<MySql>>::type_info(),
            Value::Date(_) => <NaiveDate as Type<MySql>>::type_info(),
            Value::Time(_) => <NaiveTime as Type<MySql>>::type_info(),
            Value::Timestamp(_) | Value::OffsetTimestamp(..) => {
                <NaiveDateTime as Type<MySql>>::type_info()
            }
        })
    }
}
