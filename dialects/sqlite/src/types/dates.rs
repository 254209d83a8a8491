//! Dates and times in the forms that stand in SQLite: ISO text, seconds since 1970, Julian days.
use crate::types::Storage;
use crate::types::cell::{OUT_OF_RANGE, STORED_OTHERWISE};
use dialect_core::{
    FineDigits, ValueError, civil, parse_fractional_seconds, write_offset_timestamp,
};
use rusqlite::types::ValueRef;

const TOO_PRECISE: ValueError = ValueError("is finer than a microsecond");
const SUBMILLISECOND: ValueError =
    ValueError("is finer than a millisecond, which Julian days hold");
const NO_WHOLE_DAY: ValueError = ValueError("is not the beginning of a day");
const BEYOND_YEARS: ValueError =
    ValueError("lies outside the years 0 to 9999, which SQLite's dates have");
const BEYOND_DAY: ValueError = ValueError("is not a time of a day");
const OTHER_OFFSET: ValueError =
    ValueError("has an offset from UTC; write it in UTC, or read dates as text");
const NOT_OFFSET: ValueError = ValueError("is not a timestamp with an offset");

/// Milliseconds of a day.
const DAY_MILLIS: i64 = 86_400_000;
/// 1970-01-01 in milliseconds of Julian days, which begin at noon.
const JULIAN_1970: i64 = 210_866_760_000_000;
/// 9999-12-31 and its last millisecond: SQLite has no dates after it.
const JULIAN_LAST: i64 = 464_269_060_799_999;
/// 2000-01-01, which SQLite takes for the day of a time without one, since 1970-01-01.
const DAY_OF_TIMES: i64 = 10_957;
/// Whole numbers up to this have a float each.
const EXACT_FLOAT: i64 = 1 << 53;

/// Days of 0000-01-01 and 9999-12-31: outside, the order of text is not that of time.
const YEARS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// A date, in days since 1970-01-01.
pub(crate) fn date(cell: &ValueRef<'_>, storage: Storage) -> Result<i32, ValueError> {
    let micros = match storage {
        Storage::Canonical | Storage::Iso => return civil::parse_date(text(cell)?),
        Storage::Unix => unix_micros(cell)?,
        Storage::Julian => julian_micros(cell)?,
    };
    if micros.rem_euclid(civil::DAY_MICROS) != 0 {
        return Err(NO_WHOLE_DAY);
    }
    i32::try_from(micros.div_euclid(civil::DAY_MICROS)).or(Err(OUT_OF_RANGE))
}

/// A time, in microseconds since midnight.
pub(crate) fn time(
    cell: &ValueRef<'_>,
    storage: Storage,
    fine: FineDigits,
) -> Result<i64, ValueError> {
    match storage {
        Storage::Canonical => civil::parse_time(text(cell)?),
        Storage::Iso => parse_fractional_seconds(text(cell)?, fine, civil::parse_time),
        Storage::Unix => {
            let micros = unix_micros(cell)?;
            let of_day = (0..civil::DAY_MICROS).contains(&micros);
            of_day.then_some(micros).ok_or(BEYOND_DAY)
        }
        Storage::Julian => Ok(julian_micros(cell)?.rem_euclid(civil::DAY_MICROS)),
    }
}

/// A time, in nanoseconds since midnight.
pub(crate) fn time_nanos(cell: &ValueRef<'_>) -> Result<i64, ValueError> {
    let text = text(cell)?;
    let (micros, nanos) = match text.len() {
        18 => text.split_at(15),
        _ => (text, &b"000"[..]),
    };
    let nanos = nanos
        .iter()
        .try_fold(0, |v, b| {
            b.is_ascii_digit().then(|| v * 10 + i64::from(b - b'0'))
        })
        .ok_or(BEYOND_DAY)?;
    Ok(civil::parse_time(micros)? * 1_000 + nanos)
}

/// A timestamp, in microseconds since 1970-01-01. The canonical text is ordered by all its digits:
/// of it none are cut off.
pub(crate) fn timestamp(
    cell: &ValueRef<'_>,
    utc: bool,
    storage: Storage,
    fine: FineDigits,
) -> Result<i64, ValueError> {
    let parse = if utc { instant } else { civil::parse_timestamp };
    match storage {
        Storage::Canonical => parse(text(cell)?),
        Storage::Iso => parse_fractional_seconds(text(cell)?, fine, parse),
        Storage::Unix => unix_micros(cell),
        Storage::Julian => julian_micros(cell),
    }
}

/// Offsets other than zero would break the order of text, by which pages are read.
fn instant(text: &[u8]) -> Result<i64, ValueError> {
    let zone = text.get(10..).unwrap_or_default();
    let offset = zone.iter().rposition(|b| matches!(b, b'+' | b'-'));
    match offset.map(|at| &zone[at..]) {
        None | Some(b"+00:00") => civil::parse_instant(text),
        Some(_) => Err(OTHER_OFFSET),
    }
}

/// An instant and its offset in minutes, from `2024-01-01 12:00:00.000000+02:00`, or from the form
/// that keys are compared in, `2024-01-01 10:00:00.000000Z+02:00`.
pub(crate) fn offset_timestamp(cell: &ValueRef<'_>) -> Result<(i64, i16), ValueError> {
    let text = text(cell)?;
    let at = text.len().checked_sub(6).ok_or(NOT_OFFSET)?;
    let (wall, zone) = text.split_at(at);
    let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = zone else {
        return Err(NOT_OFFSET);
    };
    let digits = [h1, h2, m1, m2].map(|b| i16::from(b.wrapping_sub(b'0')));
    if digits.iter().any(|d| !(0..10).contains(d)) {
        return Err(NOT_OFFSET);
    }
    let minutes = (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3];
    let minutes = if *sign == b'-' { -minutes } else { minutes };
    let instant = match wall {
        [utc @ .., b'Z'] => civil::parse_timestamp(utc)?,
        wall => civil::parse_timestamp(wall)? - i64::from(minutes) * 60_000_000,
    };
    Ok((instant, minutes))
}

fn text<'r>(cell: &ValueRef<'r>) -> Result<&'r [u8], ValueError> {
    match cell {
        ValueRef::Text(v) => Ok(v),
        _ => Err(STORED_OTHERWISE),
    }
}

fn unix_micros(cell: &ValueRef<'_>) -> Result<i64, ValueError> {
    match cell {
        ValueRef::Integer(v) => v.checked_mul(1_000_000).ok_or(OUT_OF_RANGE),
        ValueRef::Real(v) => {
            let micros = (v * 1e6).round();
            #[expect(clippy::cast_precision_loss, reason = "2^53 is a float")]
            if micros.abs() >= EXACT_FLOAT as f64 || micros.is_nan() {
                return Err(OUT_OF_RANGE);
            }
            if micros / 1e6 != *v {
                return Err(TOO_PRECISE);
            }
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
            Ok(micros as i64)
        }
        _ => Err(STORED_OTHERWISE),
    }
}

/// As SQLite's own functions read it: to the millisecond.
fn julian_micros(cell: &ValueRef<'_>) -> Result<i64, ValueError> {
    let days = match cell {
        #[expect(
            clippy::cast_precision_loss,
            reason = "days beyond 2^53 are refused below"
        )]
        ValueRef::Integer(v) => *v as f64,
        ValueRef::Real(v) => *v,
        _ => return Err(STORED_OTHERWISE),
    };
    #[expect(clippy::cast_precision_loss, reason = "49 bits")]
    let (day, last) = (DAY_MILLIS as f64, JULIAN_LAST as f64);
    let millis = (days * day).round();
    if !(0.0..=last).contains(&millis) {
        return Err(OUT_OF_RANGE);
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 49 bits")]
    Ok((millis as i64 - JULIAN_1970) * 1_000)
}

/// A date or time as it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Real(f64),
}

/// Microseconds since 1970-01-01 as seconds or Julian days. Only called for those two.
pub(crate) fn number(micros: i64, storage: Storage) -> Result<Number, ValueError> {
    if !YEARS.contains(&micros.div_euclid(civil::DAY_MICROS)) {
        return Err(BEYOND_YEARS);
    }
    if storage == Storage::Julian {
        if micros % 1_000 != 0 {
            return Err(SUBMILLISECOND);
        }
        #[expect(clippy::cast_precision_loss, reason = "49 bits")]
        let days = (micros / 1_000 + JULIAN_1970) as f64 / DAY_MILLIS as f64;
        return Ok(Number::Real(days));
    }
    if micros % 1_000_000 == 0 {
        return Ok(Number::Int(micros / 1_000_000));
    }
    if micros.abs() >= EXACT_FLOAT {
        return Err(TOO_PRECISE);
    }
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    Ok(Number::Real(micros as f64 / 1e6))
}

/// A date as seconds or Julian days.
pub(crate) fn number_of_date(days: i32, storage: Storage) -> Result<Number, ValueError> {
    number(i64::from(days) * civil::DAY_MICROS, storage)
}

/// A time as seconds of its day, or as Julian days of 2000-01-01, which SQLite takes for the day
/// of a time without one.
pub(crate) fn number_of_time(micros: i64, storage: Storage) -> Result<Number, ValueError> {
    if !(0..civil::DAY_MICROS).contains(&micros) {
        return Err(BEYOND_DAY);
    }
    match storage {
        Storage::Julian => number(DAY_OF_TIMES * civil::DAY_MICROS + micros, storage),
        Storage::Canonical | Storage::Iso | Storage::Unix => number(micros, storage),
    }
}

pub(crate) fn write_date(days: i32, out: &mut String) -> Result<(), ValueError> {
    if !YEARS.contains(&i64::from(days)) {
        return Err(BEYOND_YEARS);
    }
    civil::write_date(days, out);
    Ok(())
}

pub(crate) fn write_time(micros: i64, out: &mut String) -> Result<(), ValueError> {
    if !(0..civil::DAY_MICROS).contains(&micros) {
        return Err(BEYOND_DAY);
    }
    civil::write_time(micros, out);
    Ok(())
}

/// `HH:MM:SS.fffffffff`.
pub(crate) fn write_time_nanos(nanos: i64, out: &mut String) -> Result<(), ValueError> {
    write_time(nanos.div_euclid(1_000), out)?;
    let rest = nanos.rem_euclid(1_000);
    for digit in [rest / 100, rest / 10 % 10, rest % 10] {
        out.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
    }
    Ok(())
}

pub(crate) fn write_timestamp(micros: i64, utc: bool, out: &mut String) -> Result<(), ValueError> {
    if !YEARS.contains(&micros.div_euclid(civil::DAY_MICROS)) {
        return Err(BEYOND_YEARS);
    }
    civil::write_timestamp(micros, out);
    if utc {
        out.push('Z');
    }
    Ok(())
}

/// `YYYY-MM-DD HH:MM:SS.ffffff±HH:MM`, the wall clock of its place.
pub(crate) fn write_offset(instant: i64, offset: i16, out: &mut String) -> Result<(), ValueError> {
    let wall = instant
        .checked_add(i64::from(offset) * 60_000_000)
        .ok_or(BEYOND_YEARS)?;
    // Its UTC is compared: that must be a date too.
    for micros in [instant, wall] {
        if !YEARS.contains(&micros.div_euclid(civil::DAY_MICROS)) {
            return Err(BEYOND_YEARS);
        }
    }
    if offset.unsigned_abs() >= 24 * 60 {
        return Err(NOT_OFFSET);
    }
    write_offset_timestamp(instant, offset, out);
    Ok(())
}

/// The form that keys are compared in: the instant, then the offset.
pub(crate) fn write_offset_key(
    instant: i64,
    offset: i16,
    out: &mut String,
) -> Result<(), ValueError> {
    write_offset(instant, offset, out)?;
    let zone = out.split_off(out.len() - 6);
    out.clear();
    write_timestamp(instant, true, out)?;
    out.push_str(&zone);
    Ok(())
}

#[cfg(test)]
mod tests;
