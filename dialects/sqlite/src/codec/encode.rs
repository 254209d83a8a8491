//! Columns into SQLite's values.
use super::{
    NOT_UUID, OUT_OF_RANGE,
    decimal::{DecimalColumn, changes},
    uuid_of,
};
use crate::declared::{Affinity, Declared};
use connect_api::{Kind, Value};
use dialect_core::{Cells, Column, Misfit, Param, civil, write_decimal};
use sqlx::{Arguments as _, Encode, Sqlite, sqlite::SqliteArguments};
use std::sync::Arc;

const NAN: Misfit = Misfit("is NaN, which SQLite stores as NULL");
const LOOKS_NUMERIC: Misfit =
    Misfit("looks like a number, which the column's declared type would change; declare it TEXT");
const BEYOND_YEARS: Misfit = Misfit("lies outside the years 0 to 9999, which SQLite's dates have");
const BEYOND_DAY: Misfit = Misfit("is not a time of a day");
const UNBOUND: Misfit = Misfit("cannot be bound");

/// Days of 0000-01-01 and 9999-12-31: outside, the order of text is not that of time.
const YEARS: std::ops::RangeInclusive<i32> = -719_528..=2_932_896;

/// How the cells of a column are written: chosen once a plan. What a column of the records may
/// go into is what it comes out of again unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoder {
    /// Whole numbers and booleans, as numbers.
    Int,
    /// Whole numbers 0 and 1.
    Bool,
    Real,
    Decimal(DecimalColumn),
    /// Text, into a column that keeps text.
    Text,
    /// Text, into a column that would make numbers of it.
    GuardedText,
    /// Bytes, UUIDs as bytes among them.
    Bytes,
    UuidText,
    /// Date, time or timestamp as ISO text.
    Dated,
    /// The same, an instant: with `Z`.
    Instant,
}

impl Encoder {
    /// The way from `kind` into `column`; `None` where values would change.
    pub(crate) fn choose(kind: &Kind, column: &Column) -> Option<Self> {
        use Kind::*;
        let declared = Declared::parse(&column.vendor_type);
        let affinity = declared.affinity();
        let keeps_text = matches!(affinity, Affinity::Text | Affinity::Blob);
        let text = if keeps_text {
            Self::Text
        } else {
            Self::GuardedText
        };
        let integer = matches!(
            kind,
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64
        );
        let narrow = matches!(kind, Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32);
        let number = integer || matches!(kind, Decimal { .. } | BigDecimal);
        let decimal = |digits| Self::Decimal(DecimalColumn { digits, keeps_text });
        Some(match (column.kind.as_ref()?, kind) {
            (Int64, Bool) => Self::Int,
            (Int64, _) if integer => Self::Int,
            (Kind::Bool, Kind::Bool) => Self::Int,
            (Kind::Bool, _) if integer => Self::Bool,
            (Float64, Float32 | Float64) => Self::Real,
            (Float64, _) if narrow => Self::Int,
            (Decimal { precision, scale }, _) if number => decimal(Some((*precision, *scale))),
            (BigDecimal, _) if number => decimal(None),
            (Kind::Text, Kind::Text | Json | BigDecimal) => text,
            (Kind::Text, Decimal { .. }) if keeps_text => decimal(None),
            (Kind::Text, Uuid) => Self::UuidText,
            (Kind::Text, Date | Time | Timestamp { utc: false }) => Self::Dated,
            (Kind::Text, Timestamp { utc: true }) => Self::Instant,
            (Json, Json | Kind::Text) => text,
            (Kind::Bytes, Kind::Bytes | Uuid) => Self::Bytes,
            (Uuid, Uuid) if declared.is_mixed_uuid() => Self::UuidText,
            (Uuid, Uuid) => Self::Bytes,
            (Date, Date) | (Time, Time) => Self::Dated,
            (Timestamp { utc: a }, Timestamp { utc: b }) if a == b => {
                if *a {
                    Self::Instant
                } else {
                    Self::Dated
                }
            }
            _ => return None,
        })
    }

    /// Binds a cell.
    pub(crate) fn bind(
        self,
        cells: &Cells<'_>,
        row: usize,
        arguments: &mut SqliteArguments,
        scratch: &mut String,
    ) -> Result<(), Misfit> {
        if cells.is_null(row) {
            return push(arguments, None::<i64>);
        }
        scratch.clear();
        match (self, cells) {
            (Self::Real, Cells::Float32(a)) => push_real(arguments, a.value(row).into()),
            (Self::Real, Cells::Float64(a)) => push_real(arguments, a.value(row)),
            (Self::Text, Cells::Text(a)) => push_text(arguments, a.value(row)),
            (Self::GuardedText, Cells::Text(a)) => {
                let text = a.value(row);
                if changes(text, scratch) {
                    return Err(LOOKS_NUMERIC);
                }
                push_text(arguments, text)
            }
            (Self::Bytes, Cells::Bytes(a)) => push(arguments, a.value(row)),
            (Self::Bytes, Cells::Uuid(a)) => push(arguments, a.value(row)),
            (Self::UuidText, Cells::Uuid(a)) => {
                write_uuid(a.value(row), scratch);
                push_text(arguments, scratch)
            }
            (Self::Dated | Self::Instant, Cells::Date(a)) => {
                write_date(a.value(row), scratch)?;
                push_text(arguments, scratch)
            }
            (Self::Dated | Self::Instant, Cells::Time(a)) => {
                write_time(a.value(row), scratch)?;
                push_text(arguments, scratch)
            }
            (Self::Dated | Self::Instant, Cells::Timestamp(a)) => {
                write_timestamp(a.value(row), self == Self::Instant, scratch)?;
                push_text(arguments, scratch)
            }
            (Self::Decimal(column), Cells::Decimal(a)) => {
                column.bind(a.value(row), a.scale(), arguments, scratch)
            }
            (Self::Decimal(column), Cells::Text(a)) => {
                column.bind_text(a.value(row), arguments, scratch)
            }
            (Self::Decimal(column), Cells::UInt64(a)) => {
                column.bind(a.value(row).into(), 0, arguments, scratch)
            }
            (Self::Decimal(column), _) => match whole(cells, row) {
                Some(value) => column.bind(value.into(), 0, arguments, scratch),
                None => Err(UNBOUND),
            },
            (Self::Int, Cells::Bool(a)) => push(arguments, i64::from(a.value(row))),
            (Self::Int, Cells::UInt64(a)) => push(
                arguments,
                i64::try_from(a.value(row)).or(Err(OUT_OF_RANGE))?,
            ),
            (Self::Int, _) => push(arguments, whole(cells, row).ok_or(UNBOUND)?),
            (Self::Bool, _) => match whole(cells, row) {
                Some(value @ 0..=1) => push(arguments, value),
                _ => Err(OUT_OF_RANGE),
            },
            _ => Err(UNBOUND),
        }
    }
}

fn whole(cells: &Cells<'_>, row: usize) -> Option<i64> {
    Some(match cells {
        Cells::Int8(a) => a.value(row).into(),
        Cells::Int16(a) => a.value(row).into(),
        Cells::Int32(a) => a.value(row).into(),
        Cells::Int64(a) => a.value(row),
        Cells::UInt8(a) => a.value(row).into(),
        Cells::UInt16(a) => a.value(row).into(),
        Cells::UInt32(a) => a.value(row).into(),
        _ => return None,
    })
}

pub(super) fn push<'t>(
    arguments: &mut SqliteArguments,
    value: impl Encode<'t, Sqlite> + sqlx::Type<Sqlite>,
) -> Result<(), Misfit> {
    arguments.add(value).or(Err(UNBOUND))
}

/// One allocation, where a `&str` would take two.
pub(super) fn push_text(arguments: &mut SqliteArguments, text: &str) -> Result<(), Misfit> {
    push(arguments, Arc::<str>::from(text))
}

fn push_real(arguments: &mut SqliteArguments, value: f64) -> Result<(), Misfit> {
    if value.is_nan() {
        Err(NAN)
    } else {
        push(arguments, value)
    }
}

fn write_uuid(bytes: &[u8], out: &mut String) {
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
}

fn write_date(days: i32, out: &mut String) -> Result<(), Misfit> {
    if !YEARS.contains(&days) {
        return Err(BEYOND_YEARS);
    }
    civil::write_date(days, out);
    Ok(())
}

fn write_time(micros: i64, out: &mut String) -> Result<(), Misfit> {
    if !(0..civil::DAY_MICROS).contains(&micros) {
        return Err(BEYOND_DAY);
    }
    civil::write_time(micros, out);
    Ok(())
}

fn write_timestamp(micros: i64, utc: bool, out: &mut String) -> Result<(), Misfit> {
    let day = i32::try_from(micros.div_euclid(civil::DAY_MICROS));
    if !day.is_ok_and(|day| YEARS.contains(&day)) {
        return Err(BEYOND_YEARS);
    }
    civil::write_timestamp(micros, out);
    if utc {
        out.push('Z');
    }
    Ok(())
}

/// Binds a value that is compared with a column of its kind.
pub(crate) fn bind(param: &Param, arguments: &mut SqliteArguments) -> Result<(), Misfit> {
    let mut text = String::new();
    match (&param.value, &param.kind) {
        (Value::Null, _) => push(arguments, None::<i64>),
        (Value::Bool(v), _) => push(arguments, i64::from(*v)),
        (Value::Int(v), _) => push(arguments, *v),
        (Value::UInt(v), _) => push(arguments, i64::try_from(*v).or(Err(OUT_OF_RANGE))?),
        (Value::Float(v), _) => push_real(arguments, *v),
        // As text: SQLite compares it as what the column has.
        (Value::Decimal(unscaled, scale), _) => {
            write_decimal(*unscaled, *scale, &mut text);
            push_text(arguments, &text)
        }
        (Value::Text(v), Kind::Uuid) => push(arguments, &uuid_of(v).ok_or(NOT_UUID)?[..]),
        (Value::Text(v), _) => push_text(arguments, v),
        (Value::Bytes(v), _) => push(arguments, &v[..]),
        (Value::Date(days), _) => {
            write_date(*days, &mut text)?;
            push_text(arguments, &text)
        }
        (Value::Time(micros), _) => {
            write_time(*micros, &mut text)?;
            push_text(arguments, &text)
        }
        (Value::OffsetTimestamp(..) | Value::List(_), _) => Err(UNBOUND),
        (Value::Timestamp(micros), kind) => {
            write_timestamp(*micros, *kind == Kind::Timestamp { utc: true }, &mut text)?;
            push_text(arguments, &text)
        }
    }
}
