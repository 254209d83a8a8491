//! Values that are bound to placeholders.
use crate::types::civil_time;
use connect_api::{Kind, Value, decimal_text};
use dialect_core::{Param, ValueError};
use std::borrow::Cow;
use tiberius::{ColumnData, Uuid};

const NOT_FINITE: ValueError =
    ValueError("is infinite or not a number, which the database does not have");
const NOT_UUID: ValueError = ValueError("is not a UUID");
const SEVERAL: ValueError = ValueError("is of several parts, which the database does not have");
const TOO_FAR: ValueError = ValueError("is outside the supported range of times");

/// A value that a statement compares with. Its placeholder casts it to the type of the column.
pub(crate) fn compared(param: &Param) -> Result<ColumnData<'_>, ValueError> {
    Ok(match &param.value {
        Value::Null => ColumnData::String(None),
        Value::Bool(v) => ColumnData::Bit(Some(*v)),
        Value::Int(v) => ColumnData::I64(Some(*v)),
        Value::UInt(v) => match i64::try_from(*v) {
            Ok(v) => ColumnData::I64(Some(v)),
            Err(_) => text(v.to_string()),
        },
        Value::Float(v) if v.is_finite() => ColumnData::F64(Some(*v)),
        Value::Float(_) => return Err(NOT_FINITE),
        Value::Decimal(v, scale) => text(decimal_text(*v, *scale)),
        Value::Text(v) => ColumnData::String(Some(Cow::Borrowed(v))),
        Value::Bytes(v) if param.kind == Kind::Uuid => {
            ColumnData::Guid(Some(Uuid::from_slice(v).or(Err(NOT_UUID))?))
        }
        Value::Bytes(v) => ColumnData::Binary(Some(Cow::Borrowed(v))),
        Value::Date(v) => ColumnData::Date(Some(civil_time::date((*v).into())?)),
        Value::Time(v) => match param.kind {
            Kind::Duration => ColumnData::I64(Some(*v)),
            Kind::TimeNanos => ColumnData::Time(Some(civil_time::time(*v, 7)?)),
            _ => {
                let nanos = v.checked_mul(1_000).ok_or(TOO_FAR)?;
                ColumnData::Time(Some(civil_time::time(nanos, 7)?))
            }
        },
        Value::Timestamp(v) => match param.kind {
            Kind::Timestamp { utc: true } | Kind::OffsetTimestamp => {
                ColumnData::DateTimeOffset(Some(civil_time::offset(*v, 0, 7)?))
            }
            _ => ColumnData::DateTime2(Some(civil_time::datetime2(*v, 7)?)),
        },
        Value::OffsetTimestamp(v, offset) => {
            ColumnData::DateTimeOffset(Some(civil_time::offset(*v, *offset, 7)?))
        }
        Value::List(_) | Value::Struct(_) | Value::Map(_) | Value::Interval(..) => {
            return Err(SEVERAL);
        }
    })
}

/// A value of the staged type as it is bound. The driver gives a number of 38 places 39 digits, and
/// each other value a type of its own: as text all have one.
pub(crate) fn bound(data: ColumnData<'_>) -> ColumnData<'_> {
    match data {
        ColumnData::Numeric(Some(v)) => {
            let scale = i8::try_from(v.scale()).unwrap_or(i8::MAX);
            text(decimal_text(v.value(), scale))
        }
        ColumnData::Numeric(None) => ColumnData::String(None),
        other => other,
    }
}

fn text(text: String) -> ColumnData<'static> {
    ColumnData::String(Some(Cow::Owned(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiberius::numeric::Numeric;

    fn param(value: Value, kind: Kind) -> Param {
        Param { value, kind }
    }

    #[test]
    fn numbers_that_no_integer_holds_are_bound_as_text() {
        let large = param(Value::UInt(u64::MAX), Kind::UInt64);
        let text = |s: &str| ColumnData::String(Some(Cow::Owned(s.to_owned())));
        assert_eq!(compared(&large), Ok(text("18446744073709551615")));
        let decimal = param(Value::Decimal(-5, 2), Kind::Text);
        assert_eq!(compared(&decimal), Ok(text("-0.05")));
        let smallest = ColumnData::Numeric(Some(Numeric::new_with_scale(1, 38)));
        assert_eq!(
            bound(smallest),
            text("0.00000000000000000000000000000000000001")
        );
    }

    #[test]
    fn what_has_no_type_here_is_refused() {
        for (value, error) in [
            (Value::Float(f64::NAN), NOT_FINITE),
            (Value::List(Vec::new()), SEVERAL),
        ] {
            assert_eq!(compared(&param(value, Kind::Float64)), Err(error));
        }
        let uuid = param(Value::Bytes(vec![1]), Kind::Uuid);
        assert_eq!(compared(&uuid), Err(NOT_UUID));
    }
}
