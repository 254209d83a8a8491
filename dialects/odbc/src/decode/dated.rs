//! Dates, times and spans from the text that drivers make of them.
use dialect_core::{FineDigits, SUBMICROSECOND, ValueError, civil, parse_fractional_seconds};
use std::borrow::Cow;

const INFINITE: ValueError = ValueError("is infinite");
const NOT_TIME: ValueError = ValueError("is not a time of a day");
const NOT_SPAN: ValueError = ValueError("is not a span of days, hours, minutes and seconds");
const NOT_OFFSET: ValueError = ValueError("is not a timestamp with an offset");

/// ISO 8601 of what PostgreSQL writes: years before the first have `BC` behind, those after 9999
/// no sign in front.
fn iso(text: &[u8]) -> Result<Cow<'_, [u8]>, ValueError> {
    if text.ends_with(b"infinity") {
        return Err(INFINITE);
    }
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if let Some(before) = text.strip_suffix(b" BC") {
        let year = before[..digits.min(before.len())]
            .iter()
            .fold(0u64, |year, d| {
                year.saturating_mul(10).saturating_add(u64::from(d - b'0'))
            });
        let mut iso = format!("-{:04}", year.saturating_sub(1)).into_bytes();
        iso.extend_from_slice(&before[digits.min(before.len())..]);
        return Ok(Cow::Owned(iso));
    }
    if digits > 4 {
        return Ok(Cow::Owned([b"+", text].concat()));
    }
    Ok(Cow::Borrowed(text))
}

pub(super) fn date(text: &[u8]) -> Result<i32, ValueError> {
    let text = iso(text)?;
    // Some drivers give a date as the timestamp of its midnight.
    match text.strip_suffix(b" 00:00:00") {
        Some(date) => civil::parse_date(date),
        None => civil::parse_date(&text),
    }
}

pub(super) fn time(text: &[u8], fine: FineDigits) -> Result<i64, ValueError> {
    parse_fractional_seconds(text, fine, civil::parse_time)
}

/// With up to nine digits of a second.
pub(super) fn time_nanos(text: &[u8]) -> Result<i64, ValueError> {
    let Some(point) = text.iter().position(|b| *b == b'.') else {
        return civil::parse_time(text).map(|micros| micros * 1_000);
    };
    let (whole, fraction) = (&text[..point], &text[point + 1..]);
    if fraction.is_empty() || fraction.len() > 9 || !fraction.iter().all(u8::is_ascii_digit) {
        return Err(NOT_TIME);
    }
    let nanos = (0..9).fold(0, |v, i| {
        v * 10 + fraction.get(i).map_or(0, |d| i64::from(d - b'0'))
    });
    Ok(civil::parse_time(whole)? * 1_000 + nanos)
}

pub(super) fn timestamp(text: &[u8], utc: bool, fine: FineDigits) -> Result<i64, ValueError> {
    let text = iso(text)?;
    let parse = if utc {
        civil::parse_instant
    } else {
        civil::parse_timestamp
    };
    parse_fractional_seconds(&text, fine, parse)
}

/// `[-]D days [-]H…:MM:SS.ffffff`, or the microseconds themselves.
pub(crate) fn span(text: &[u8]) -> Result<i64, ValueError> {
    let text = std::str::from_utf8(text).map_err(|_e| NOT_SPAN)?.trim();
    if let Ok(micros) = text.parse() {
        return Ok(micros);
    }
    let (days, clock) = match text.split_once(" day") {
        Some((days, rest)) => {
            let rest = rest.strip_prefix('s').unwrap_or(rest).trim_start();
            (days.parse::<i64>().map_err(|_e| NOT_SPAN)?, rest)
        }
        None => (0, text),
    };
    let days = days.checked_mul(civil::DAY_MICROS).ok_or(NOT_SPAN)?;
    if clock.is_empty() {
        return Ok(days);
    }
    let (sign, clock) = match clock.strip_prefix('-') {
        Some(clock) => (-1, clock),
        None => (1, clock.strip_prefix('+').unwrap_or(clock)),
    };
    let (hours, rest) = clock.split_once(':').ok_or(NOT_SPAN)?;
    let hours = hours.parse::<u32>().map_err(|_e| NOT_SPAN)?;
    let within = civil::parse_time(format!("00:{rest}").as_bytes())?;
    let clock = i64::from(hours) * 3_600_000_000 + within;
    days.checked_add(sign * clock).ok_or(NOT_SPAN)
}

/// `YYYY-MM-DD HH:MM:SS.fffffff +HH:MM`.
pub(crate) fn offset_timestamp(text: &[u8], fine: FineDigits) -> Result<(i64, i16), ValueError> {
    let text = std::str::from_utf8(text).map_err(|_e| NOT_OFFSET)?;
    let at = text
        .rfind(['+', '-'])
        .filter(|at| *at > 10)
        .ok_or(NOT_OFFSET)?;
    let (clock, offset) = (text[..at].trim_end(), &text[at..]);
    let (hours, minutes) = offset[1..].split_once(':').ok_or(NOT_OFFSET)?;
    let part = |text: &str| text.parse::<i16>().map_err(|_e| NOT_OFFSET);
    let minutes = part(hours)?.checked_mul(60).ok_or(NOT_OFFSET)? + part(minutes)? % 60;
    let minutes = if offset.starts_with('-') {
        -minutes
    } else {
        minutes
    };
    let clock = match clock.split_once('.') {
        Some((whole, fraction)) if fraction.len() > 6 && fraction.is_char_boundary(6) => {
            let finer = fraction[6..].bytes().any(|b| b != b'0');
            if finer && fine != FineDigits::Truncate {
                return Err(SUBMICROSECOND);
            }
            format!("{whole}.{}", &fraction[..6])
        }
        _ => clock.to_owned(),
    };
    let local = civil::parse_timestamp(clock.as_bytes())?;
    Ok((local - i64::from(minutes) * 60_000_000, minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_postgresql_writes_them() {
        assert_eq!(date(b"0001-01-01"), Ok(-719_162));
        assert_eq!(date(b"0001-12-31 BC"), Ok(-719_163));
        assert_eq!(date(b"10000-01-01"), Ok(2_932_897));
        assert_eq!(date(b"-infinity"), Err(INFINITE));
        assert_eq!(
            timestamp(b"1970-01-01 00:00:01+00", true, FineDigits::Error),
            Ok(1_000_000)
        );
        let exact = timestamp(b"1970-01-01 00:00:00.000001", false, FineDigits::Error);
        assert_eq!(exact, Ok(1));
    }

    #[test]
    fn digits_finer_than_a_microsecond_are_cut_where_that_is_asked_for() {
        let stamp = b"1970-01-01 00:00:00.0000019";
        for refused in [FineDigits::Error, FineDigits::Text] {
            assert_eq!(timestamp(stamp, false, refused), Err(SUBMICROSECOND));
            assert_eq!(time(b"00:00:00.0000019", refused), Err(SUBMICROSECOND));
        }
        assert_eq!(timestamp(stamp, false, FineDigits::Truncate), Ok(1));
        assert_eq!(timestamp(stamp, true, FineDigits::Truncate), Ok(1));
        assert_eq!(time(b"00:00:00.0000019", FineDigits::Truncate), Ok(1));
    }

    #[test]
    fn spans_are_read_in_every_form() {
        let hour = 3_600_000_000;
        for (text, micros) in [
            ("838:59:59.000000", 839 * hour - 1_000_000),
            ("-838:59:59", -839 * hour + 1_000_000),
            ("2 days -01:00:00", 47 * hour),
            ("-1 days +01:00:00", -23 * hour),
            ("1 day", 24 * hour),
            ("00:00:00.000001", 1),
            ("-42", -42),
        ] {
            assert_eq!(span(text.as_bytes()), Ok(micros), "{text}");
        }
        assert_eq!(span(b"1 mon 2 days"), Err(NOT_SPAN));
    }

    #[test]
    fn offsets_are_taken_off_and_kept() {
        let read = |text: &str, fine| offset_timestamp(text.as_bytes(), fine);
        let exact = FineDigits::Error;
        assert_eq!(
            read("1970-01-01 05:30:00.0000010 +05:30", exact),
            Ok((1, 330))
        );
        assert_eq!(read("1969-12-31 23:00:00 -01:00", exact), Ok((0, -60)));
        let fine = "1970-01-01 00:00:00.0000001 +00:00";
        assert_eq!(read(fine, exact), Err(SUBMICROSECOND));
        assert_eq!(read(fine, FineDigits::Truncate), Ok((0, 0)));
        assert_eq!(time_nanos(b"00:00:00.0000001"), Ok(100));
    }
}
