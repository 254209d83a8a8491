//! Casts of columns from one kind to another.
use super::{
    number::{self, OUT_OF_RANGE, is_decimal, is_float, is_number, is_whole},
    text::{Digits, texts},
};
use crate::config::Narrow;
use connect_api::{
    Error, ErrorKind, Kind, OffsetTimestampBuilder, Result, UTC,
    arrow::array::{
        Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, cast::AsArray as _, types::*,
    },
    civil::{DAY_MICROS, day_of, micros_of},
    decimal::max_unscaled_wide,
    max_unscaled,
};
use dialect_core::{Cells, DatetimePrecision, ValueError};
use std::sync::Arc;

const TOO_FINE: ValueError = ValueError(
    "has more fractional digits of a second than the column; set values.narrow=round or truncate \
     to reduce them",
);
const NOT_MIDNIGHT: ValueError = ValueError(
    "has a time of day, but the column holds dates; set values.narrow=truncate to keep \
     the date",
);
const TOO_FAR: ValueError = ValueError("is out of the range of supported timestamps");

/// The target of a cast.
#[derive(Debug, Clone)]
pub(super) struct Cast {
    pub(super) to: Kind,
    /// The precision of its timestamps.
    pub(super) grain: DatetimePrecision,
    pub(super) narrow: Narrow,
}

/// Values of `from` can be cast to `to`; values that do not fit are rejected one by one.
pub(super) fn can_cast(from: &Kind, to: &Kind) -> bool {
    match to {
        Kind::Text => {
            is_number(from)
                || matches!(
                    from,
                    Kind::Uuid
                        | Kind::Date
                        | Kind::Time
                        | Kind::TimeNanos
                        | Kind::Timestamp { .. }
                        | Kind::OffsetTimestamp
                )
        }
        to if is_whole(to) || is_float(to) || is_decimal(to) => is_number(from),
        Kind::Date => *from == Kind::Timestamp { utc: false },
        Kind::Timestamp { utc: false } => *from == Kind::Date,
        Kind::Time => *from == Kind::TimeNanos,
        Kind::TimeNanos => *from == Kind::Time,
        _ => false,
    }
}

/// The cast may lose digits.
pub(super) fn is_lossy(from: &Kind, to: &Kind) -> bool {
    match (from, to) {
        (Kind::TimeNanos, Kind::Time) | (Kind::Timestamp { utc: false }, Kind::Date) => true,
        (Kind::Float64, Kind::Float32) => true,
        (Kind::Float32 | Kind::Float64, to) => is_whole(to) || has_fixed_scale(to),
        (from, to) if is_whole(from) => is_float(to),
        (from, to) if is_decimal(from) => match (scale(from), scale(to)) {
            (Some(from), Some(to)) => to < from,
            _ => is_whole(to) || is_float(to) || has_fixed_scale(to),
        },
        _ => false,
    }
}

/// Decimals with a fixed scale.
fn has_fixed_scale(kind: &Kind) -> bool {
    scale(kind).is_some()
}

fn scale(kind: &Kind) -> Option<i8> {
    match kind {
        Kind::Decimal { scale, .. } | Kind::WideDecimal { scale, .. } => Some(*scale),
        _ => None,
    }
}

/// Casts a column of `kind`. Values that do not fit become NULL and are returned with their error.
///
/// # Errors `Internal`: the column is not of this kind, or there is no such cast.
pub(super) fn cast(
    kind: &Kind,
    column: &dyn Array,
    cast: &Cast,
) -> Result<(ArrayRef, Vec<(usize, ValueError)>)> {
    let cells = Cells::new(kind, column)?;
    let mut faults = Vec::new();
    let column: ArrayRef = match &cast.to {
        Kind::Text => Arc::new(texts(cells, Digits::Short, &mut faults)),
        Kind::BigDecimal => Arc::new(texts(cells, Digits::Plain, &mut faults)),
        to if is_number(to) => numbers(cells, to, cast.narrow, &mut faults)?,
        _ => times(cells, cast, &mut faults)?,
    };
    Ok((column, faults))
}

/// A column of primitive values; NULL if the cell is NULL or does not fit.
fn values<T: ArrowPrimitiveType>(
    cells: Cells<'_>,
    faults: &mut Vec<(usize, ValueError)>,
    mut value: impl FnMut(usize) -> Result<T::Native, ValueError>,
) -> PrimitiveArray<T> {
    (0..cells.array().len())
        .map(|row| {
            if cells.is_null(row) {
                return None;
            }
            match value(row) {
                Ok(value) => Some(value),
                Err(error) => {
                    faults.push((row, error));
                    None
                }
            }
        })
        .collect()
}

fn numbers(
    cells: Cells<'_>,
    to: &Kind,
    narrow: Narrow,
    faults: &mut Vec<(usize, ValueError)>,
) -> Result<ArrayRef> {
    let read = number::reader(cells).ok_or_else(|| unsupported_cast(to))?;
    let mut scratch = String::new();
    let mut whole =
        |row| -> Result<i128, ValueError> { read(row)?.unscaled(0, narrow, &mut scratch) };
    macro_rules! whole {
        ($of:ty) => {
            Arc::new(values::<$of>(cells, faults, |row| {
                whole(row)?.try_into().or(Err(OUT_OF_RANGE))
            }))
        };
    }
    Ok(match to {
        Kind::Int8 => whole!(Int8Type),
        Kind::Int16 => whole!(Int16Type),
        Kind::Int32 => whole!(Int32Type),
        Kind::Int64 => whole!(Int64Type),
        Kind::UInt8 => whole!(UInt8Type),
        Kind::UInt16 => whole!(UInt16Type),
        Kind::UInt32 => whole!(UInt32Type),
        Kind::UInt64 => whole!(UInt64Type),
        Kind::Float32 => Arc::new(values::<Float32Type>(cells, faults, |row| {
            read(row)?.single(narrow, &mut scratch)
        })),
        Kind::Float64 => Arc::new(values::<Float64Type>(cells, faults, |row| {
            read(row)?.double(narrow, &mut scratch)
        })),
        Kind::Decimal { precision, scale } => {
            let most = max_unscaled(*precision);
            let column = values::<Decimal128Type>(cells, faults, |row| {
                let value = read(row)?.unscaled((*scale).into(), narrow, &mut scratch)?;
                let in_range = value.unsigned_abs() <= most;
                in_range.then_some(value).ok_or(OUT_OF_RANGE)
            });
            Arc::new(column.with_precision_and_scale(*precision, *scale)?)
        }
        Kind::WideDecimal { precision, scale } => {
            let most = max_unscaled_wide(*precision);
            let column = values::<Decimal256Type>(cells, faults, |row| {
                let value = read(row)?.unscaled_wide((*scale).into(), narrow, &mut scratch)?;
                let in_range = value.wrapping_abs() <= most;
                in_range.then_some(value).ok_or(OUT_OF_RANGE)
            });
            Arc::new(column.with_precision_and_scale(*precision, *scale)?)
        }
        other => return Err(unsupported_cast(other)),
    })
}

/// The error for a cast that [`can_cast`] excludes.
fn unsupported_cast(to: &Kind) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("a column cannot be cast to {to:?}"),
    )
}

/// A timestamp at the precision of the column.
fn at_precision(micros: i64, cast: &Cast) -> Result<i64, ValueError> {
    let before = cast.grain.floor(micros);
    if before == micros {
        return Ok(micros);
    }
    match cast.narrow {
        Narrow::Error => Err(TOO_FINE),
        Narrow::Round => Ok(cast.grain.round(micros)),
        Narrow::Truncate => Ok(before),
    }
}

/// A time of day at the precision of the column; it is not rounded into the next day.
fn time_of_day_at_precision(micros: i64, cast: &Cast) -> Result<i64, ValueError> {
    match at_precision(micros, cast)? {
        DAY_MICROS if micros < DAY_MICROS => Ok(cast.grain.floor(micros)),
        micros => Ok(micros),
    }
}

fn times(cells: Cells<'_>, cast: &Cast, faults: &mut Vec<(usize, ValueError)>) -> Result<ArrayRef> {
    Ok(match (cells, &cast.to) {
        (Cells::Time(a), Kind::Time) => {
            Arc::new(values::<Time64MicrosecondType>(cells, faults, |row| {
                time_of_day_at_precision(a.value(row), cast)
            }))
        }
        (Cells::Time(a), Kind::TimeNanos) => {
            Arc::new(values::<Time64NanosecondType>(cells, faults, |row| {
                a.value(row).checked_mul(1_000).ok_or(TOO_FAR)
            }))
        }
        (Cells::TimeNanos(a), Kind::Time | Kind::TimeNanos) => {
            let micros = |row| {
                let nanos: i64 = a.value(row);
                let (micros, rest) = (nanos.div_euclid(1_000), nanos.rem_euclid(1_000));
                match cast.narrow {
                    _ if rest == 0 => time_of_day_at_precision(micros, cast),
                    Narrow::Error => Err(TOO_FINE),
                    // Half a step of the column is whole microseconds, unless the step is one
                    // microsecond.
                    Narrow::Round if cast.grain.is_microsecond() && rest >= 500 => {
                        time_of_day_at_precision((micros + 1).min(DAY_MICROS - 1), cast)
                    }
                    Narrow::Round | Narrow::Truncate => time_of_day_at_precision(micros, cast),
                }
            };
            match cast.to {
                Kind::Time => Arc::new(values::<Time64MicrosecondType>(cells, faults, micros)),
                _ => Arc::new(values::<Time64NanosecondType>(cells, faults, |row| {
                    Ok(micros(row)? * 1_000)
                })),
            }
        }
        (Cells::Timestamp(a), Kind::Timestamp { utc }) => {
            let column = values::<TimestampMicrosecondType>(cells, faults, |row| {
                at_precision(a.value(row), cast)
            });
            Arc::new(column.with_timezone_opt(utc.then_some(UTC)))
        }
        (Cells::Timestamp(a), Kind::Date) => {
            Arc::new(values::<Date32Type>(cells, faults, |row| {
                match (day_of(a.value(row)), cast.narrow) {
                    ((days, 0), _) => Ok(days),
                    // A timestamp is not rounded to the next date.
                    ((days, _), Narrow::Truncate | Narrow::Round) => Ok(days),
                    (_, Narrow::Error) => Err(NOT_MIDNIGHT),
                }
            }))
        }
        (Cells::Date(a), Kind::Timestamp { utc: false }) => {
            Arc::new(values::<TimestampMicrosecondType>(cells, faults, |row| {
                micros_of(a.value(row), 0).ok_or(TOO_FAR)
            }))
        }
        (Cells::OffsetTimestamp(a), Kind::OffsetTimestamp) => {
            let instants = a.column(0).as_primitive::<TimestampMicrosecondType>();
            let offsets = a.column(1).as_primitive::<Int16Type>();
            let mut column = OffsetTimestampBuilder::with_capacity(a.len());
            for row in 0..a.len() {
                if a.is_null(row) {
                    column.append_null();
                    continue;
                }
                match at_precision(instants.value(row), cast) {
                    Ok(instant) => column.append_value(instant, offsets.value(row)),
                    Err(error) => {
                        faults.push((row, error));
                        column.append_null();
                    }
                }
            }
            Arc::new(column.finish())
        }
        (_, other) => return Err(unsupported_cast(other)),
    })
}
