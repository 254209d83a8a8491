//! Dates and times as ISO 8601 text: whole numbers alone, in the calendar that goes on before
//! 1582 (proleptic Gregorian) and counts a year 0, as ISO 8601, Arrow and Java do.
use crate::Misfit;

const NOT_DATE: Misfit = Misfit("is not a date of the form YYYY-MM-DD");
const NOT_TIME: Misfit = Misfit("is not a time of the form HH:MM:SS.ffffff");
const NOT_TIMESTAMP: Misfit = Misfit("is not a timestamp of the form YYYY-MM-DD HH:MM:SS.ffffff");
const TOO_FAR: Misfit = Misfit("lies beyond the dates that can be carried");
const TOO_FINE: Misfit = Misfit("is finer than a microsecond");
const ZONED: Misfit = Misfit("has a zone, which its column cannot hold");

/// Microseconds of a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

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
    // Years from March: the leap day comes last.
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

/// Days since 1970-01-01 of `YYYY-MM-DD`; years of more digits and before year 0 with their sign
/// in front.
///
/// # Errors
/// It is not such a date, there is no such day, or it is beyond 32 bits.
pub fn parse_date(text: &[u8]) -> Result<i32, Misfit> {
    match take_date(text)? {
        (days, []) => Ok(days),
        _ => Err(NOT_DATE),
    }
}

/// Microseconds since midnight of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f…`.
///
/// # Errors
/// It is not such a time, or 24:00 or later, or finer than a microsecond.
pub fn parse_time(text: &[u8]) -> Result<i64, Misfit> {
    match take_time(text)? {
        (micros, []) => Ok(micros),
        _ => Err(NOT_TIME),
    }
}

/// Microseconds since 1970-01-01 of a date and a time with a blank or `T` between them, or of a
/// date alone; without a zone.
///
/// # Errors
/// As [`parse_date`] and [`parse_time`], or it has a zone.
pub fn parse_timestamp(text: &[u8]) -> Result<i64, Misfit> {
    match take_timestamp(text)? {
        (micros, []) => Ok(micros),
        (_, [b'Z' | b'z' | b'+' | b'-', ..]) => Err(ZONED),
        _ => Err(NOT_TIMESTAMP),
    }
}

/// Microseconds since 1970-01-01 UTC of a timestamp as [`parse_timestamp`] reads it, then `Z`,
/// `±HH`, `±HH:MM`, or nothing for UTC.
///
/// # Errors
/// As [`parse_timestamp`].
pub fn parse_instant(text: &[u8]) -> Result<i64, Misfit> {
    let (micros, zone) = take_timestamp(text)?;
    let (sign, zone) = match zone {
        [] | [b'Z' | b'z'] => return Ok(micros),
        [b'+', zone @ ..] => (1, zone),
        [b'-', zone @ ..] => (-1, zone),
        _ => return Err(NOT_TIMESTAMP),
    };
    let (hours, minutes) = match zone {
        [_, _] => (two(zone)?, 0),
        [_, _, b':', minutes @ ..] => (two(zone)?, two_only(minutes)?),
        [_, _, minutes @ ..] => (two(zone)?, two_only(minutes)?),
        _ => return Err(NOT_TIMESTAMP),
    };
    if hours > 23 || minutes > 59 {
        return Err(NOT_TIMESTAMP);
    }
    micros
        .checked_sub(sign * (hours * 60 + minutes) * 60_000_000)
        .ok_or(TOO_FAR)
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

/// The two digits at the start of `text`.
fn two(text: &[u8]) -> Result<i64, Misfit> {
    match text {
        [a, b, ..] => digit(*a).zip(digit(*b)).map(|(a, b)| a * 10 + b),
        _ => None,
    }
    .ok_or(NOT_TIMESTAMP)
}

fn two_only(text: &[u8]) -> Result<i64, Misfit> {
    if text.len() == 2 {
        two(text)
    } else {
        Err(NOT_TIMESTAMP)
    }
}

fn take_date(text: &[u8]) -> Result<(i32, &[u8]), Misfit> {
    let (sign, rest) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    let signed = rest.len() != text.len();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    // Without a sign a year has four digits, else where would it end?
    if digits < 4 || (digits > 4 && !signed) {
        return Err(NOT_DATE);
    }
    if digits > 8 {
        return Err(TOO_FAR);
    }
    let year = rest[..digits]
        .iter()
        .fold(0, |v, d| v * 10 + i64::from(d - b'0'));
    let [b'-', m1, m2, b'-', d1, d2, rest @ ..] = &rest[digits..] else {
        return Err(NOT_DATE);
    };
    let pair = |a: &u8, b: &u8| {
        Some(u32::from(a.wrapping_sub(b'0')) * 10 + u32::from(b.wrapping_sub(b'0')))
            .filter(|_| a.is_ascii_digit() && b.is_ascii_digit())
    };
    let (month, day) = pair(m1, m2).zip(pair(d1, d2)).ok_or(NOT_DATE)?;
    if year > 10_000_000 {
        return Err(TOO_FAR);
    }
    Ok((days_of(sign * year, month, day).ok_or(NOT_DATE)?, rest))
}

fn take_time(text: &[u8]) -> Result<(i64, &[u8]), Misfit> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else {
        return Err(NOT_TIME);
    };
    let field = |a: &u8, b: &u8, limit: i64| {
        digit(*a)
            .zip(digit(*b))
            .map(|(a, b)| a * 10 + b)
            .filter(|v| *v < limit)
            .ok_or(NOT_TIME)
    };
    let minutes = field(h1, h2, 24)? * 60 + field(m1, m2, 60)?;
    let [b':', s1, s2, rest @ ..] = rest else {
        return Ok((minutes * 60_000_000, rest));
    };
    let seconds = minutes * 60 + field(s1, s2, 60)?;
    let [b'.' | b',', rest @ ..] = rest else {
        return Ok((seconds * 1_000_000, rest));
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (fraction, rest) = rest.split_at(digits);
    if fraction.is_empty() {
        return Err(NOT_TIME);
    }
    if fraction.iter().skip(6).any(|b| *b != b'0') {
        return Err(TOO_FINE);
    }
    let micros = (0..6).fold(0, |v, i| {
        v * 10 + fraction.get(i).map_or(0, |d| i64::from(d - b'0'))
    });
    Ok((seconds * 1_000_000 + micros, rest))
}

fn take_timestamp(text: &[u8]) -> Result<(i64, &[u8]), Misfit> {
    let (days, rest) =
        take_date(text).map_err(|e| if e == NOT_DATE { NOT_TIMESTAMP } else { e })?;
    let (micros, rest) = match rest {
        [] => (0, rest),
        [b' ' | b'T' | b't', rest @ ..] => {
            take_time(rest).map_err(|e| if e == NOT_TIME { NOT_TIMESTAMP } else { e })?
        }
        _ => return Err(NOT_TIMESTAMP),
    };
    let total = i64::from(days)
        .checked_mul(DAY_MICROS)
        .and_then(|d| d.checked_add(micros));
    Ok((total.ok_or(TOO_FAR)?, rest))
}

/// Appends `YYYY-MM-DD`; a year after 9999 or before 0 with its sign and four digits at least.
pub fn write_date(days: i32, out: &mut String) {
    let (year, month, day) = date_of(days);
    if !(0..=9999).contains(&year) {
        out.push(if year < 0 { '-' } else { '+' });
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(year.unsigned_abs());
    out.extend(std::iter::repeat_n(
        '0',
        4usize.saturating_sub(digits.len()),
    ));
    out.push_str(digits);
    for part in [month, day] {
        out.push('-');
        push_two(part.into(), out);
    }
}

/// Appends `HH:MM:SS.ffffff`. Microseconds outside a day are wrapped into one: check before.
pub fn write_time(micros: i64, out: &mut String) {
    let micros = micros.rem_euclid(DAY_MICROS);
    let seconds = micros / 1_000_000;
    push_two(seconds / 3600, out);
    out.push(':');
    push_two(seconds / 60 % 60, out);
    out.push(':');
    push_two(seconds % 60, out);
    out.push('.');
    let fraction = micros % 1_000_000;
    push_two(fraction / 10_000, out);
    push_two(fraction / 100 % 100, out);
    push_two(fraction % 100, out);
}

/// Appends `YYYY-MM-DD HH:MM:SS.ffffff`.
pub fn write_timestamp(micros: i64, out: &mut String) {
    let days = micros.div_euclid(DAY_MICROS);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "64 bits of microseconds are 28 bits of days"
    )]
    write_date(days as i32, out);
    out.push(' ');
    write_time(micros, out);
}

/// Appends a number of two digits.
fn push_two(value: i64, out: &mut String) {
    #[expect(clippy::cast_possible_truncation, reason = "a digit")]
    #[expect(clippy::cast_sign_loss, reason = "callers give 0 to 99")]
    for digit in [value / 10 % 10, value % 10] {
        out.push(char::from(b'0' + digit as u8));
    }
}

#[cfg(test)]
mod tests;
