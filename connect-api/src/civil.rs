//! Dates and times as ISO 8601 text: whole numbers alone, in the calendar that continues before
//! 1582 (proleptic Gregorian) and counts a year 0, as ISO 8601, Arrow and Java do.
//!
//! The functions `take_…` read from the front of a text and give what is left of it; what may
//! follow is for the caller to say.
use crate::text::{TextSink, push_zeros};

/// Microseconds of a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// Why a text cannot be parsed as a date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseError {
    /// It is none at all, or there is no such day or hour.
    Malformed,
    /// It is out of range.
    OutOfRange,
    /// It has more fractional-second digits than are supported.
    TooPrecise,
}

/// Days since 1970-01-01 of a date; `None` where there is no such day, or it is beyond `i32`.
pub fn days_of(year: i64, month: u32, day: u32) -> Option<i32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) || year.abs() > 10_000_000 {
        return None;
    }
    // Howard Hinnant's days_from_civil: years begin in March, so that the leap day comes last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = i64::from((153 * month + 2) / 5 + day - 1);
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    i32::try_from(days).ok()
}

/// Year, month and day of so many days since 1970-01-01.
pub fn date_of(days: i32) -> (i32, u8, u8) {
    let days = i64::from(days) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "days of 32 bits are years of 23 bits"
    )]
    #[expect(clippy::cast_sign_loss, reason = "month and day are positive")]
    (year as i32, month as u8, day as u8)
}

/// The day that so many microseconds since 1970-01-01 lie in, and those since its midnight.
pub fn day_of(micros: i64) -> (i32, i64) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "64 bits of microseconds are 28 bits of days"
    )]
    let days = micros.div_euclid(DAY_MICROS) as i32;
    (days, micros.rem_euclid(DAY_MICROS))
}

/// Microseconds since 1970-01-01 of a day and the microseconds since its midnight; `None` where
/// they are beyond 64 bits.
pub fn micros_of(days: i32, micros: i64) -> Option<i64> {
    // The first and the last day that 64 bits reach are reached in part only.
    let all = i128::from(days) * i128::from(DAY_MICROS) + i128::from(micros);
    i64::try_from(all).ok()
}

#[inline]
fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

#[inline]
fn pair(a: u8, b: u8) -> Option<i64> {
    Some(digit(a)? * 10 + digit(b)?)
}

/// Takes `YYYY-MM-DD` off the front, as days since 1970-01-01; years of more digits, and those
/// before year 0, have their sign in front.
///
/// # Errors
/// It is no such date, or is beyond 32 bits.
pub fn take_date(text: &[u8]) -> Result<(i32, &[u8]), ParseError> {
    let (sign, rest) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    let signed = rest.len() != text.len();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    // Without a sign a year has four digits, else where would it end?
    if digits < 4 || (digits > 4 && !signed) {
        return Err(ParseError::Malformed);
    }
    if digits > 8 {
        return Err(ParseError::OutOfRange);
    }
    let year = rest[..digits]
        .iter()
        .fold(0, |v, d| v * 10 + i64::from(d - b'0'));
    let [b'-', m1, m2, b'-', d1, d2, rest @ ..] = &rest[digits..] else {
        return Err(ParseError::Malformed);
    };
    let two = |a: &u8, b: &u8| pair(*a, *b).and_then(|v| u32::try_from(v).ok());
    let (month, day) = two(m1, m2).zip(two(d1, d2)).ok_or(ParseError::Malformed)?;
    if year > 10_000_000 {
        return Err(ParseError::OutOfRange);
    }
    let days = days_of(sign * year, month, day).ok_or(ParseError::Malformed)?;
    Ok((days, rest))
}

/// Takes `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f…` off the front, as nanoseconds since midnight;
/// 24:00:00 is a time of its own, as in PostgreSQL.
///
/// # Errors
/// It is no such time, or finer than a nanosecond.
pub fn take_time(text: &[u8]) -> Result<(i64, &[u8]), ParseError> {
    const DAY_NANOS: i64 = DAY_MICROS * 1_000;
    let [h1, h2, b':', m1, m2, rest @ ..] = text else {
        return Err(ParseError::Malformed);
    };
    let field = |a: &u8, b: &u8, limit: i64| {
        let value = pair(*a, *b).filter(|v| *v < limit);
        value.ok_or(ParseError::Malformed)
    };
    let minutes = field(h1, h2, 25)? * 60 + field(m1, m2, 60)?;
    let (mut nanos, mut left) = (minutes * 60_000_000_000, rest);
    if let [b':', s1, s2, rest @ ..] = rest {
        (nanos, left) = (nanos + field(s1, s2, 60)? * 1_000_000_000, rest);
        if let [b'.' | b',', rest @ ..] = rest {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let (fraction, rest) = rest.split_at(digits);
            if fraction.is_empty() {
                return Err(ParseError::Malformed);
            }
            // Never rounded.
            if fraction.iter().skip(9).any(|b| *b != b'0') {
                return Err(ParseError::TooPrecise);
            }
            nanos += (0..9).fold(0, |v, i| {
                v * 10 + fraction.get(i).map_or(0, |d| i64::from(d - b'0'))
            });
            left = rest;
        }
    }
    if nanos > DAY_NANOS {
        return Err(ParseError::Malformed);
    }
    Ok((nanos, left))
}

/// As [`take_time`], as microseconds.
///
/// # Errors
/// As [`take_time`], or finer than a microsecond.
pub fn take_time_micros(text: &[u8]) -> Result<(i64, &[u8]), ParseError> {
    let (nanos, rest) = take_time(text)?;
    if nanos % 1_000 != 0 {
        return Err(ParseError::TooPrecise);
    }
    Ok((nanos / 1_000, rest))
}

/// Takes a date, or a date and a time with a blank or `T` between them, off the front: days since
/// 1970-01-01, and microseconds since midnight.
///
/// # Errors
/// As [`take_date`] and [`take_time_micros`].
pub fn take_timestamp(text: &[u8]) -> Result<(i32, i64, &[u8]), ParseError> {
    let (days, rest) = take_date(text)?;
    match rest {
        [b' ' | b'T' | b't', rest @ ..] => {
            let (micros, rest) = take_time_micros(rest)?;
            Ok((days, micros, rest))
        }
        rest => Ok((days, 0, rest)),
    }
}

/// The minutes that `Z`, `±HH`, `±HHMM` or `±HH:MM` stands for, the whole text; nothing is UTC.
pub fn offset_of(text: &[u8]) -> Option<i16> {
    let (sign, text) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', text @ ..] => (1, text),
        [b'-', text @ ..] => (-1, text),
        _ => return None,
    };
    let (hours, minutes) = match text {
        [h1, h2] => (pair(*h1, *h2)?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (pair(*h1, *h2)?, pair(*m1, *m2)?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    i16::try_from(sign * (hours * 60 + minutes)).ok()
}

/// Appends `YYYY-MM-DD`; a year after 9999 or before 0 with its sign and so many digits at least.
pub fn write_date(out: &mut impl TextSink, days: i32, year_digits: usize) {
    let (year, month, day) = date_of(days);
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(year.unsigned_abs());
    let width = if (0..=9999).contains(&year) {
        4
    } else {
        out.push_text(if year < 0 { "-" } else { "+" });
        year_digits
    };
    push_zeros(out, width.saturating_sub(digits.len()));
    out.push_text(digits);
    for part in [month, day] {
        out.push_text("-");
        push_two(out, part.into());
    }
}

/// Appends `HH:MM:SS.ffffff` of microseconds from 0 to those of a day.
pub fn write_time(out: &mut impl TextSink, micros: i64) {
    let seconds = micros / 1_000_000;
    push_two(out, seconds / 3_600);
    out.push_text(":");
    push_two(out, seconds / 60 % 60);
    out.push_text(":");
    push_two(out, seconds % 60);
    out.push_text(".");
    let fraction = micros % 1_000_000;
    push_two(out, fraction / 10_000);
    push_two(out, fraction / 100 % 100);
    push_two(out, fraction % 100);
}

/// Appends `HH:MM:SS.nnnnnnnnn` of nanoseconds from 0 to those of a day.
pub fn write_time_nanos(out: &mut impl TextSink, nanos: i64) {
    write_time(out, nanos / 1_000);
    let rest = nanos % 1_000;
    push_two(out, rest / 10);
    out.push_text(&two(rest % 10)[1..]);
}

/// Appends the minutes of an offset from UTC as `±HH:MM`.
pub fn write_offset(out: &mut impl TextSink, minutes: i16) {
    out.push_text(if minutes < 0 { "-" } else { "+" });
    let minutes = i64::from(minutes.unsigned_abs());
    push_two(out, minutes / 60);
    out.push_text(":");
    push_two(out, minutes % 60);
}

/// The day and the time of day, in microseconds, that a clock shows which is `offset` minutes
/// before UTC.
pub fn shown_at(instant: i64, offset: i16) -> (i32, i64) {
    let (days, micros) = day_of(instant);
    let (more, micros) = day_of(micros + i64::from(offset) * 60_000_000);
    (days + more, micros)
}

#[inline]
fn push_two(out: &mut impl TextSink, value: i64) {
    out.push_text(two(value));
}

/// A number from 0 to 99 as two digits.
#[inline]
fn two(value: i64) -> &'static str {
    const PAIRS: &str = "\
        00010203040506070809101112131415161718192021222324252627282930313233343536373839\
        40414243444546474849505152535455565758596061626364656667686970717273747576777879\
        8081828384858687888990919293949596979899";
    let at = usize::try_from(value.rem_euclid(100)).unwrap_or(0) * 2;
    &PAIRS[at..at + 2]
}
