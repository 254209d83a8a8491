//! Dates, times and timestamps as ISO 8601 text, in the proleptic Gregorian calendar.
//!
//! Years outside 0000–9999 are written with a sign and at least six digits, as ISO 8601 has it.

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// Days since 1970-01-01 of a date; the month is 1–12.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    // Howard Hinnant's days_from_civil: years begin in March, so that leap days come last.
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day since 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Writes `value`, which is not negative, with at least `width` digits.
fn write_digits(out: &mut Vec<u8>, value: i64, width: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value);
    out.extend(std::iter::repeat_n(
        b'0',
        width.saturating_sub(digits.len()),
    ));
    out.extend_from_slice(digits.as_bytes());
}

/// Writes days since 1970-01-01 as `YYYY-MM-DD`.
pub(crate) fn write_date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = date_of(days);
    if (0..=9999).contains(&year) {
        write_digits(out, year, 4);
    } else {
        out.push(if year < 0 { b'-' } else { b'+' });
        write_digits(out, year.abs(), 6);
    }
    out.push(b'-');
    write_digits(out, month, 2);
    out.push(b'-');
    write_digits(out, day, 2);
}

/// Writes microseconds since midnight, which are not negative, as `HH:MM:SS.ffffff`.
pub(crate) fn write_time(out: &mut Vec<u8>, micros: i64) {
    let seconds = micros / 1_000_000;
    write_digits(out, seconds / 3_600, 2);
    out.push(b':');
    write_digits(out, seconds / 60 % 60, 2);
    out.push(b':');
    write_digits(out, seconds % 60, 2);
    out.push(b'.');
    write_digits(out, micros % 1_000_000, 6);
}

/// Writes microseconds since 1970-01-01 as `YYYY-MM-DDTHH:MM:SS.ffffff`.
pub(crate) fn write_timestamp(out: &mut Vec<u8>, micros: i64) {
    write_date(out, micros.div_euclid(DAY));
    out.push(b'T');
    write_time(out, micros.rem_euclid(DAY));
}

/// Writes nanoseconds since midnight, which are not negative, as `HH:MM:SS.nnnnnnnnn`.
pub(crate) fn write_time_nanos(out: &mut Vec<u8>, nanos: i64) {
    write_time(out, nanos / 1_000);
    write_digits(out, nanos % 1_000, 3);
}

/// Writes an instant, microseconds since 1970-01-01, by a clock that is so many minutes before
/// UTC: `YYYY-MM-DDTHH:MM:SS.ffffff±HH:MM`, or with `Z` for an offset of 0.
pub(crate) fn write_offset_timestamp(out: &mut Vec<u8>, micros: i64, offset: i16) {
    let shifted = micros.rem_euclid(DAY) + i64::from(offset) * 60_000_000;
    write_date(out, micros.div_euclid(DAY) + shifted.div_euclid(DAY));
    out.push(b'T');
    write_time(out, shifted.rem_euclid(DAY));
    if offset == 0 {
        return out.push(b'Z');
    }
    let minutes = i64::from(offset.unsigned_abs());
    out.push(if offset < 0 { b'-' } else { b'+' });
    write_digits(out, minutes / 60, 2);
    out.push(b':');
    write_digits(out, minutes % 60, 2);
}

/// Takes `min..=max` digits off the front.
fn digits(text: &mut &[u8], min: usize, max: usize) -> Option<i64> {
    let count = text
        .iter()
        .take(max)
        .take_while(|b| b.is_ascii_digit())
        .count();
    if count < min {
        return None;
    }
    let (number, rest) = text.split_at(count);
    *text = rest;
    Some(
        number
            .iter()
            .fold(0, |value, b| value * 10 + i64::from(b - b'0')),
    )
}

fn take(text: &mut &[u8], byte: u8) -> Option<()> {
    *text = text.strip_prefix(&[byte])?;
    Some(())
}

fn date(text: &mut &[u8]) -> Option<i64> {
    let sign = match text.first()? {
        b'+' => Some(1),
        b'-' => Some(-1),
        _ => None,
    };
    let year = match sign {
        Some(sign) => {
            *text = &text[1..];
            sign * digits(text, 4, 7)?
        }
        None => digits(text, 4, 4)?,
    };
    take(text, b'-')?;
    let month = digits(text, 2, 2)?;
    take(text, b'-')?;
    let day = digits(text, 2, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    (1..=last).contains(&day).then(|| days_of(year, month, day))
}

/// Microseconds since midnight; 24:00:00 is a time of its own, as in PostgreSQL.
fn clock(text: &mut &[u8]) -> Option<i64> {
    // Finer than a microsecond: never rounded.
    let nanos = clock_nanos(text)?;
    (nanos % 1_000 == 0).then_some(nanos / 1_000)
}

/// Nanoseconds since midnight.
fn clock_nanos(text: &mut &[u8]) -> Option<i64> {
    let hour = digits(text, 2, 2)?;
    take(text, b':')?;
    let minute = digits(text, 2, 2)?;
    let (mut second, mut nanos) = (0, 0);
    if take(text, b':').is_some() {
        second = digits(text, 2, 2)?;
        if take(text, b'.').is_some() {
            let before = text.len();
            nanos = digits(text, 1, 9)?;
            for _ in before - text.len()..9 {
                nanos *= 10;
            }
            // Finer than a nanosecond: never rounded.
            while let Some((digit, rest)) = text.split_first().filter(|(b, _)| b.is_ascii_digit()) {
                if *digit != b'0' {
                    return None;
                }
                *text = rest;
            }
        }
    }
    let time = ((hour * 60 + minute) * 60 + second) * 1_000_000_000 + nanos;
    (minute < 60 && second < 60 && time <= DAY * 1_000).then_some(time)
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let mut rest = text.as_bytes();
    let days = date(&mut rest)?;
    rest.is_empty().then_some(days)?.try_into().ok()
}

/// Microseconds since midnight of `HH:MM[:SS[.ffffff]]`.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let time = clock(&mut rest)?;
    rest.is_empty().then_some(time)
}

/// Nanoseconds since midnight of `HH:MM[:SS[.nnnnnnnnn]]`.
pub(crate) fn parse_time_nanos(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let time = clock_nanos(&mut rest)?;
    rest.is_empty().then_some(time)
}

/// Microseconds since 1970-01-01 of `YYYY-MM-DD[(T| )HH:MM[:SS[.ffffff]]][Z|±HH[[:]MM]]`, in UTC
/// where an offset is given.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    parse_offset_timestamp(text).map(|(instant, _)| instant)
}

/// The same, and the minutes of the offset; 0 where none is given.
pub(crate) fn parse_offset_timestamp(text: &str) -> Option<(i64, i16)> {
    let mut rest = text.as_bytes();
    let days = date(&mut rest)?;
    let (mut micros, mut offset) = (0, 0);
    if let Some((b'T' | b't' | b' ', after)) = rest.split_first() {
        rest = after;
        micros = clock(&mut rest)?;
    }
    let sign = match rest.first() {
        Some(b'Z' | b'z') => {
            rest = &rest[1..];
            0
        }
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => 0,
    };
    if sign != 0 {
        rest = &rest[1..];
        let hours = digits(&mut rest, 2, 2)?;
        let minutes = match rest.first() {
            None => 0,
            Some(b':') => {
                rest = &rest[1..];
                digits(&mut rest, 2, 2)?
            }
            Some(_) => digits(&mut rest, 2, 2)?,
        };
        if hours > 23 || minutes > 59 {
            return None;
        }
        offset = sign * (hours * 60 + minutes);
        micros -= offset * 60_000_000;
    }
    // i128: the first and the last day that 64 bits reach are reached in part only.
    let all = i128::from(days) * i128::from(DAY) + i128::from(micros);
    let instant = rest.is_empty().then_some(all)?.try_into().ok()?;
    Some((instant, i16::try_from(offset).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_days_have_their_text() {
        for (days, iso) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (-354_280, "1000-01-06"),
            (-719_528, "0000-01-01"),
            (-719_529, "-000001-12-31"),
            (2_932_897, "+010000-01-01"),
        ] {
            assert_eq!(text(|out| write_date(out, days)), iso);
            assert_eq!(parse_date(iso), Some(i32::try_from(days).unwrap()), "{iso}");
        }
    }

    #[test]
    fn offsets_lead_to_utc_and_digits_below_a_microsecond_are_refused() {
        let noon = parse_timestamp("2024-06-01T12:00:00").unwrap();
        for same in [
            "2024-06-01 12:00",
            "2024-06-01T12:00:00Z",
            "2024-06-01T12:00:00.000000000Z",
            "2024-06-01T14:30:00+02:30",
            "2024-06-01T06:00:00-0600",
            "2024-06-01T11:00-01",
        ] {
            assert_eq!(parse_timestamp(same), Some(noon), "{same}");
        }
        assert_eq!(parse_timestamp("2024-06-01"), Some(noon - DAY / 2));
        assert_eq!(parse_time("24:00:00"), Some(DAY));
        assert_eq!(parse_time("01:02:03.5"), Some(3_723_500_000));
        for wrong in [
            "",
            "x",
            "2024-06-01T12:00:00.0000001",
            "2023-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-06-01T12",
            "2024-06-01T24:00:01",
            "2024-06-01T12:00:00+24:00",
            "2024-06-01T12:00:00Z ",
            "24-06-01",
            "9999999-01-01T00:00:00",
        ] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn texts_come_back(
            days: i32, time in 0..=DAY, nanos in 0..=DAY * 1_000, instant: i64, offset in -1439i16..1440,
        ) {
            prop_assert_eq!(
                parse_time_nanos(&text(|out| write_time_nanos(out, nanos))),
                Some(nanos)
            );
            let wall = text(|out| write_offset_timestamp(out, instant, offset));
            prop_assert_eq!(parse_offset_timestamp(&wall), Some((instant, offset)));
            prop_assert_eq!(parse_date(&text(|out| write_date(out, days.into()))), Some(days));
            prop_assert_eq!(parse_time(&text(|out| write_time(out, time))), Some(time));
            prop_assert_eq!(
                parse_timestamp(&text(|out| write_timestamp(out, instant))),
                Some(instant)
            );
        }
    }
}
