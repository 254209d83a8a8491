//! Single values for the placeholders of a query.
use crate::encode::{Encoder, Form, SqlType, stage::write_text};
use crate::server::Profile;
use connect_api::{Kind, Value};
use dialect_core::{Param, ValueError};
use odbc_api::{IntoParameter as _, parameter::InputParameter};

const UNBOUND: ValueError = ValueError("cannot be bound");

/// A value as a driver takes it.
pub(crate) type Bound = Box<dyn InputParameter>;

/// The value of a parameter, to be compared with a column of its kind.
pub(crate) fn bound(profile: Profile, param: &Param) -> Result<Bound, ValueError> {
    let text = |form| {
        let (value, nanos) = (param.value.as_ref(), param.kind == Kind::TimeNanos);
        let encoder = Encoder {
            form,
            not_null: false,
            profile,
            sql_type: SqlType::Text,
        };
        let mut text = String::new();
        write_text(&encoder, value.ok_or(UNBOUND)?, nanos, &mut text)?;
        Ok::<Bound, ValueError>(Box::new(text.into_parameter()))
    };
    let zone = |utc: bool| {
        utc && matches!(
            profile,
            Profile::Postgres | Profile::Sqlite | Profile::SqlServer
        )
    };
    Ok(match (&param.value, &param.kind) {
        (Value::Null, _) => Box::new(None::<String>.into_parameter()),
        (Value::Bool(_), _) if profile == Profile::Postgres => text(Form::Text { longest: None })?,
        (Value::Bool(v), _) => Box::new(i64::from(*v).into_parameter()),
        (Value::Int(v), _) => Box::new((*v).into_parameter()),
        (Value::UInt(_) | Value::Decimal(..), _) => text(Form::Decimal(None))?,
        (Value::Float(_), kind) if profile == Profile::Postgres => text(Form::FloatText {
            single: *kind == Kind::Float32,
        })?,
        (Value::Float(v), _) => Box::new((*v).into_parameter()),
        (Value::Text(v), _) => Box::new(v.to_string().into_parameter()),
        (Value::Bytes(v), Kind::Uuid) => match profile {
            Profile::MySql { mariadb: false } | Profile::Oracle => {
                Box::new(v.clone().into_parameter())
            }
            _ => text(Form::UuidText)?,
        },
        (Value::Bytes(v), _) => Box::new(v.clone().into_parameter()),
        (Value::Date(_), _) => text(Form::Date)?,
        (Value::Time(v), Kind::Duration) => match profile {
            Profile::Postgres => text(Form::Span {
                digits: 6,
                clock: false,
            })?,
            Profile::MySql { .. } => text(Form::Span {
                digits: 6,
                clock: true,
            })?,
            _ => Box::new((*v).into_parameter()),
        },
        (Value::Time(_), _) => text(Form::Time(6))?,
        (Value::Timestamp(_), Kind::OffsetTimestamp) => text(Form::Offset { digits: 6 })?,
        (Value::Timestamp(_), kind) => text(Form::Timestamp {
            digits: 6,
            zone: zone(*kind == (Kind::Timestamp { utc: true })),
        })?,
        (Value::OffsetTimestamp(..), _) => text(Form::Offset { digits: 6 })?,
        (Value::List(_) | Value::Struct(_) | Value::Map(_) | Value::Interval(..), _) => {
            return Err(UNBOUND);
        }
    })
}
