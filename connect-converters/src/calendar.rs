//! Dates, times and timestamps as ISO 8601 text, in the form that message bodies and keys have.
//!
//! Years outside 0000–9999 are written with a sign and at least six digits, as ISO 8601 has it.
//! Times may be 24:00:00, as in PostgreSQL; timestamps are in UTC where they have an offset.
pub(crate) use connect_api::civil::{DAY_MICROS as DAY, write_time, write_time_nanos};
use connect_api::civil::{
    day_of, micros_of, offset_of, shown_at, take_date, take_time, take_time_micros, take_timestamp,
    write_offset,
};

/// Digits of years that have a sign.
const YEAR_DIGITS: usize = 6;

/// Writes days since 1970-01-01 as `YYYY-MM-DD`.
pub(crate) fn write_date(out: &mut Vec<u8>, days: i32) {
    connect_api::civil::write_date(out, days, YEAR_DIGITS);
}

/// Writes microseconds since 1970-01-01 as `YYYY-MM-DDTHH:MM:SS.ffffff`.
pub(crate) fn write_timestamp(out: &mut Vec<u8>, micros: i64) {
    let (days, micros) = day_of(micros);
    write_date(out, days);
    out.push(b'T');
    write_time(out, micros);
}

/// Writes an instant, microseconds since 1970-01-01, by a clock that is so many minutes before
/// UTC: `YYYY-MM-DDTHH:MM:SS.ffffff±HH:MM`, or with `Z` for an offset of 0.
pub(crate) fn write_offset_timestamp(out: &mut Vec<u8>, micros: i64, offset: i16) {
    let (days, micros) = shown_at(micros, offset);
    write_date(out, days);
    out.push(b'T');
    write_time(out, micros);
    if offset == 0 {
        out.push(b'Z');
    } else {
        write_offset(out, offset);
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let (days, rest) = take_date(text.as_bytes()).ok()?;
    rest.is_empty().then_some(days)
}

/// Microseconds since midnight of `HH:MM[:SS[.ffffff]]`.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let (micros, rest) = take_time_micros(text.as_bytes()).ok()?;
    rest.is_empty().then_some(micros)
}

/// Nanoseconds since midnight of `HH:MM[:SS[.nnnnnnnnn]]`.
pub(crate) fn parse_time_nanos(text: &str) -> Option<i64> {
    let (nanos, rest) = take_time(text.as_bytes()).ok()?;
    rest.is_empty().then_some(nanos)
}

/// Microseconds since 1970-01-01 of `YYYY-MM-DD[(T| )HH:MM[:SS[.ffffff]]][Z|±HH[[:]MM]]`, in UTC
/// where an offset is given.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    parse_offset_timestamp(text).map(|(instant, _)| instant)
}

/// The same, and the minutes of the offset; 0 where none is given.
pub(crate) fn parse_offset_timestamp(text: &str) -> Option<(i64, i16)> {
    let (days, micros, rest) = take_timestamp(text.as_bytes()).ok()?;
    let offset = offset_of(rest)?;
    let instant = micros_of(days, micros - i64::from(offset) * 60_000_000)?;
    Some((instant, offset))
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
            assert_eq!(parse_date(iso), Some(days), "{iso}");
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
            let written = text(|out| write_offset_timestamp(out, instant, offset));
            prop_assert_eq!(parse_offset_timestamp(&written), Some((instant, offset)));
            prop_assert_eq!(parse_date(&text(|out| write_date(out, days))), Some(days));
            prop_assert_eq!(parse_time(&text(|out| write_time(out, time))), Some(time));
            prop_assert_eq!(
                parse_timestamp(&text(|out| write_timestamp(out, instant))),
                Some(instant)
            );
        }
    }
}
