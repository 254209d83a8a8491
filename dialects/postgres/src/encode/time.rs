//! Dates, times and spans of time.
use super::{TOO_LONG, Writer, cell, number::OUT_OF_RANGE, sized};
use crate::{
    decode::{EPOCH_DAYS, EPOCH_MICROS},
    encode::target::Target,
};
use connect_api::arrow::array::{
    Array, Date32Array, DurationMicrosecondArray, StructArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray,
    cast::AsArray as _,
    types::{Int16Type, TimestampMicrosecondType},
};
use dialect_core::{
    ValueError,
    civil::{self, DAY_MICROS},
};

pub(super) const NOT_OF_THE_DAY: ValueError = ValueError("is not a time of day");
pub(super) const TOO_FAR: ValueError = ValueError("lies beyond the dates that the database holds");
pub(super) const TOO_PRECISE: ValueError =
    ValueError("has more digits of a second than the column");

pub(super) fn dates<'a>(a: &'a Date32Array, target: &Target) -> Option<Writer<'a>> {
    (*target == Target::Date).then(|| {
        cell(a, |row| {
            let days = a.value(row).checked_sub(EPOCH_DAYS);
            // The ends stand for the infinities.
            let days = days.filter(|d| *d > i32::MIN).ok_or(TOO_FAR)?;
            Ok(days.to_be_bytes())
        })
    })
}

pub(super) fn times<'a>(a: &'a Time64MicrosecondArray, target: &Target) -> Option<Writer<'a>> {
    let Target::Time(step, _) = *target else {
        return None;
    };
    Some(cell(a, move |row| of_the_day(a.value(row), step)))
}

pub(super) fn fine_times<'a>(a: &'a Time64NanosecondArray, target: &Target) -> Option<Writer<'a>> {
    let Target::Time(step, cut) = *target else {
        return None;
    };
    Some(cell(a, move |row| {
        let nanos = a.value(row);
        if nanos % 1_000 != 0 && !cut {
            return Err(TOO_PRECISE);
        }
        of_the_day(nanos.div_euclid(1_000), step)
    }))
}

fn of_the_day(micros: i64, step: i64) -> Result<[u8; 8], ValueError> {
    match micros {
        micros if !(0..DAY_MICROS).contains(&micros) => Err(NOT_OF_THE_DAY),
        micros if micros % step != 0 => Err(TOO_PRECISE),
        micros => Ok(micros.to_be_bytes()),
    }
}

/// Spans of time into intervals, as microseconds alone; into times of day; into numbers of
/// microseconds; into text of ISO 8601.
pub(super) fn durations<'a>(
    a: &'a DurationMicrosecondArray,
    target: &Target,
) -> Option<Writer<'a>> {
    Some(match *target {
        Target::Interval(step) => cell(a, move |row| match a.value(row) {
            micros if micros % step != 0 => Err(TOO_PRECISE),
            micros => {
                // No days, no months.
                let mut interval = [0; 16];
                interval[..8].copy_from_slice(&micros.to_be_bytes());
                Ok(interval)
            }
        }),
        Target::Time(step, _) => cell(a, move |row| of_the_day(a.value(row), step)),
        Target::Int8 => cell(a, |row| Ok(a.value(row).to_be_bytes())),
        Target::Numeric(None) => sized(a, |row, out| {
            crate::types::numeric::write_decimal(a.value(row).into(), 0, out);
            Ok(())
        }),
        Target::Text(max) => sized(a, move |row, out| {
            let start = out.len();
            put_duration(a.value(row), out);
            let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
            if max.is_some_and(|max| length > max) {
                return Err(TOO_LONG);
            }
            Ok(())
        }),
        _ => return None,
    })
}

/// Appends e.g. `PT-1.5S`.
fn put_duration(micros: i64, out: &mut Vec<u8>) {
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, rest) = (
        micros.unsigned_abs() / 1_000_000,
        micros.unsigned_abs() % 1_000_000,
    );
    let text = if rest == 0 {
        format!("PT{sign}{seconds}S")
    } else {
        let fraction = format!("{rest:06}");
        format!("PT{sign}{seconds}.{}S", fraction.trim_end_matches('0'))
    };
    out.extend_from_slice(text.as_bytes());
}

/// A reading without a zone and an instant are the same number in UTC, the session's zone.
pub(super) fn timestamps<'a>(
    a: &'a TimestampMicrosecondArray,
    nulls: &'a dyn Array,
    target: &Target,
) -> Option<Writer<'a>> {
    let Target::Timestamp(_, step) = *target else {
        return None;
    };
    Some(cell(nulls, move |row| {
        let micros = a.value(row).checked_sub(EPOCH_MICROS);
        match micros.filter(|m| *m > i64::MIN).ok_or(TOO_FAR)? {
            micros if micros % step != 0 => Err(TOO_PRECISE),
            micros => Ok(micros.to_be_bytes()),
        }
    }))
}

/// The instant alone, or text with the offset.
pub(super) fn offset_timestamps<'a>(a: &'a StructArray, target: &Target) -> Option<Writer<'a>> {
    let instants = a.column(0).as_primitive::<TimestampMicrosecondType>();
    let offsets = a.column(1).as_primitive::<Int16Type>();
    match *target {
        Target::Timestamp(..) => timestamps(instants, a, target),
        Target::Text(max) => Some(sized(a, move |row, out| {
            let offset = offsets.value(row);
            let wall = i64::from(offset)
                .checked_mul(60_000_000)
                .and_then(|offset| instants.value(row).checked_add(offset))
                .ok_or(OUT_OF_RANGE)?;
            let mut text = String::new();
            civil::write_timestamp(wall, &mut text);
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.unsigned_abs();
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
            if max.is_some_and(|max| u32::try_from(text.len()).is_ok_and(|len| len > max)) {
                return Err(TOO_LONG);
            }
            out.extend_from_slice(text.as_bytes());
            Ok(())
        })),
        _ => None,
    }
}
