//! Dates and times as ISO 8601 text, in the form that databases take: those of
//! [`connect_api::civil`], with times before 24:00 alone and what is wrong as a [`ValueError`].
use crate::value_error::ValueError;
pub use connect_api::civil::{DAY_MICROS, date_of, days_of};
use connect_api::{
    TextSink,
    civil::{
        self, ParseError, day_of, micros_of, offset_of, take_date, take_time_micros, take_timestamp,
    },
};

const NOT_DATE: ValueError = ValueError("is not a date of the form YYYY-MM-DD");
const NOT_TIME: ValueError = ValueError("is not a time of the form HH:MM:SS.ffffff");
const NOT_TIMESTAMP: ValueError =
    ValueError("is not a timestamp of the form YYYY-MM-DD HH:MM:SS.ffffff");
const TOO_FAR: ValueError = ValueError("is outside the supported range of dates");
pub(crate) const TOO_PRECISE: ValueError = ValueError("is finer than a microsecond");
const ZONED: ValueError = ValueError("has a zone, which its column cannot hold");

/// Digits of years that have a sign.
const YEAR_DIGITS: usize = 4;

/// What is wrong, where a malformed text is `not` one.
fn value_error(not: ValueError) -> impl Fn(ParseError) -> ValueError {
    move |error| match error {
        ParseError::Malformed => not,
        ParseError::OutOfRange => TOO_FAR,
        ParseError::TooPrecise => TOO_PRECISE,
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`; years of more digits and before year 0 with their sign
/// in front.
///
/// # Errors
/// It is not such a date, there is no such day, or it is beyond 32 bits.
pub fn parse_date(text: &[u8]) -> Result<i32, ValueError> {
    match take_date(text).map_err(value_error(NOT_DATE))? {
        (days, []) => Ok(days),
        _ => Err(NOT_DATE),
    }
}

/// Microseconds since midnight of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f…`.
///
/// # Errors
/// It is not such a time, or 24:00 or later, or finer than a microsecond.
pub fn parse_time(text: &[u8]) -> Result<i64, ValueError> {
    match take_time_micros(text).map_err(value_error(NOT_TIME))? {
        (micros @ ..DAY_MICROS, []) => Ok(micros),
        _ => Err(NOT_TIME),
    }
}

/// Microseconds since 1970-01-01 of a date and a time with a blank or `T` between them, or of a
/// date alone; without a zone.
///
/// # Errors
/// As [`parse_date`] and [`parse_time`], or it has a zone.
pub fn parse_timestamp(text: &[u8]) -> Result<i64, ValueError> {
    match take(text)? {
        (days, micros, []) => micros_of(days, micros).ok_or(TOO_FAR),
        (_, _, [b'Z' | b'z' | b'+' | b'-', ..]) => Err(ZONED),
        _ => Err(NOT_TIMESTAMP),
    }
}

/// Microseconds since 1970-01-01 UTC of a timestamp as [`parse_timestamp`] reads it, then `Z`,
/// `±HH`, `±HH:MM`, or nothing for UTC.
///
/// # Errors
/// As [`parse_timestamp`].
pub fn parse_instant(text: &[u8]) -> Result<i64, ValueError> {
    let (days, micros, zone) = take(text)?;
    let offset = offset_of(zone).ok_or(NOT_TIMESTAMP)?;
    micros_of(days, micros - i64::from(offset) * 60_000_000).ok_or(TOO_FAR)
}

fn take(text: &[u8]) -> Result<(i32, i64, &[u8]), ValueError> {
    match take_timestamp(text).map_err(value_error(NOT_TIMESTAMP))? {
        (_, DAY_MICROS.., _) => Err(NOT_TIMESTAMP),
        taken => Ok(taken),
    }
}

/// Appends `YYYY-MM-DD`; a year after 9999 or before 0 with its sign and four digits at least.
pub fn write_date(days: i32, out: &mut impl TextSink) {
    civil::write_date(out, days, YEAR_DIGITS);
}

/// Appends `HH:MM:SS.ffffff`. Microseconds outside a day are wrapped into one: check before.
pub fn write_time(micros: i64, out: &mut impl TextSink) {
    civil::write_time(out, micros.rem_euclid(DAY_MICROS));
}

/// Appends `YYYY-MM-DD HH:MM:SS.ffffff`.
pub fn write_timestamp(micros: i64, out: &mut impl TextSink) {
    let (days, micros) = day_of(micros);
    write_date(days, out);
    out.push_text(" ");
    civil::write_time(out, micros);
}

#[cfg(test)]
mod tests;
