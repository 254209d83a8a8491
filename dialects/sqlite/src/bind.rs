//! Values that are compared with columns.
use crate::types::{
    cell::{NOT_UUID, OUT_OF_RANGE, Sql},
    dates::{write_date, write_offset_key, write_time, write_time_nanos, write_timestamp},
};
use connect_api::{Kind, Value, uuid};
use dialect_core::{Param, ValueError, write_decimal};

/// A value as it is bound to be compared with a column of its kind; dates and times as text of the
/// one form that is written, whatever stands in the column:
/// [`key_placeholder`](dialect_core::Syntax::key_placeholder) makes of it what does.
pub(crate) fn param(param: &Param) -> Result<Sql, ValueError> {
    let mut text = String::new();
    match (&param.value, &param.kind) {
        (Value::Null, _) => return Ok(Sql::Null),
        (Value::Bool(v), _) => return Ok(Sql::Integer(i64::from(*v))),
        (Value::Int(v), _) => return Ok(Sql::Integer(*v)),
        (Value::UInt(v), _) => {
            return i64::try_from(*v).map(Sql::Integer).or(Err(OUT_OF_RANGE));
        }
        (Value::Float(v), _) if v.is_nan() => {
            return Err(ValueError("is NaN, which is not compared"));
        }
        (Value::Float(v), _) => return Ok(Sql::Real(*v)),
        (Value::Text(v), Kind::Uuid) => {
            return uuid::parse(v.as_bytes())
                .map(|v| Sql::Blob(v.into()))
                .ok_or(NOT_UUID);
        }
        (Value::Text(v), _) => text.push_str(v),
        (Value::Bytes(v), _) => return Ok(Sql::Blob(v.clone())),
        // As text: SQLite compares it as what the column has.
        (Value::Decimal(unscaled, scale), _) => write_decimal(*unscaled, *scale, &mut text),
        (Value::Date(days), _) => write_date(*days, &mut text)?,
        (Value::Time(v), Kind::Duration) => return Ok(Sql::Integer(*v)),
        (Value::Time(nanos), Kind::TimeNanos) => write_time_nanos(*nanos, &mut text)?,
        (Value::Time(micros), _) => write_time(*micros, &mut text)?,
        (Value::Timestamp(micros), kind) => {
            let utc = *kind == Kind::Timestamp { utc: true };
            write_timestamp(*micros, utc, &mut text)?;
        }
        (Value::OffsetTimestamp(instant, offset), _) => {
            write_offset_key(*instant, *offset, &mut text)?;
        }
        (Value::List(_) | Value::Struct(_) | Value::Map(_) | Value::Interval(..), _) => {
            return Err(ValueError("is of several parts, which are not compared"));
        }
    }
    Ok(Sql::Text(text))
}
