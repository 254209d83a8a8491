//! Known days, and every day.
use super::*;
use proptest::prelude::*;

fn written(write: impl Fn(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
    out
}

#[test]
fn known_days_are_found() {
    for (text, days) in [
        ("1970-01-01", 0),
        ("1969-12-31", -1),
        ("2000-02-29", 11_016),
        ("0001-01-01", -719_162),
        ("0000-02-29", -719_469),
        ("-0001-12-31", -719_529),
        ("9999-12-31", 2_932_896),
        ("+10000-01-01", 2_932_897),
        ("+5881580-07-11", i32::MAX),
        ("-5877641-06-23", i32::MIN),
    ] {
        assert_eq!(parse_date(text.as_bytes()), Ok(days), "{text}");
        assert_eq!(written(|out| write_date(days, out)), text);
    }
}

#[test]
fn days_that_are_not_are_refused() {
    for text in [
        "2023-02-29",
        "1900-02-29",
        "2024-04-31",
        "2024-13-01",
        "2024-00-10",
        "0000-00-00",
        "2024-1-1",
        "20240101",
        "10000-01-01",
        "2024-01-01x",
        "",
        "-",
        "yesterday",
        "2024-01-",
    ] {
        assert_eq!(parse_date(text.as_bytes()), Err(NOT_DATE), "{text}");
    }
    assert_eq!(parse_date(b"+5881580-07-12"), Err(NOT_DATE));
    assert_eq!(parse_date(b"+99999999999-01-01"), Err(TOO_FAR));
}

#[test]
fn times_are_read_to_the_microsecond() {
    for (text, micros) in [
        ("00:00", 0),
        ("23:59:59.999999", DAY_MICROS - 1),
        ("01:02:03", 3_723_000_000),
        ("01:02:03.5", 3_723_500_000),
        ("01:02:03.000001000", 3_723_000_001),
    ] {
        assert_eq!(parse_time(text.as_bytes()), Ok(micros), "{text}");
    }
    assert_eq!(parse_time(b"00:00:00.0000001"), Err(TOO_PRECISE));
    for text in [
        "24:00:00",
        "12:60",
        "12:00:60",
        "12",
        "12:00:00.",
        "1:00",
        "12:00Z",
    ] {
        assert_eq!(parse_time(text.as_bytes()), Err(NOT_TIME), "{text}");
    }
}

#[test]
fn zones_are_taken_into_account_and_refused_where_there_is_none() {
    let noon = 12 * 3_600_000_000;
    for text in [
        "1970-01-01 12:00",
        "1970-01-01T12:00:00Z",
        "1970-01-01 13:30:00+01:30",
        "1970-01-01T10:00:00.000-02",
        "1970-01-01 12:00:00+0000",
    ] {
        assert_eq!(parse_instant(text.as_bytes()), Ok(noon), "{text}");
    }
    assert_eq!(parse_timestamp(b"1970-01-01 12:00"), Ok(noon));
    assert_eq!(parse_timestamp(b"1970-01-02"), Ok(DAY_MICROS));
    assert_eq!(parse_timestamp(b"1970-01-01 12:00Z"), Err(ZONED));
    assert_eq!(parse_timestamp(b"1970-01-01 12:00+01"), Err(ZONED));
    for text in [
        "1970-01-01 12:00:00 UTC",
        "1970-01-01 12:00+24",
        "1970-01-01 12:00+01:",
        "1970-01-01 12:00+1",
    ] {
        assert_eq!(parse_instant(text.as_bytes()), Err(NOT_TIMESTAMP), "{text}");
    }
}

proptest! {
    #[test]
    fn every_day_is_read_back(days in any::<i32>()) {
        let text = written(|out| write_date(days, out));
        prop_assert_eq!(parse_date(text.as_bytes()), Ok(days));
        let (year, month, day) = date_of(days);
        prop_assert_eq!(days_of(year.into(), month.into(), day.into()), Some(days));
    }

    #[test]
    fn every_microsecond_is_read_back(micros in any::<i64>()) {
        let text = written(|out| write_timestamp(micros, out));
        prop_assert_eq!(parse_timestamp(text.as_bytes()), Ok(micros));
        prop_assert_eq!(parse_instant(format!("{text}Z").as_bytes()), Ok(micros));
    }

    #[test]
    fn days_follow_each_other(days in any::<i32>().prop_filter("not the last", |d| *d < i32::MAX)) {
        let (a, b) = (date_of(days), date_of(days + 1));
        prop_assert!(a < b);
        prop_assert!(b.2 == a.2 + 1 || b.2 == 1);
    }

    #[test]
    fn foreign_bytes_do_not_panic(text in proptest::collection::vec(any::<u8>(), 0..40), like in "[-+]?[0-9]{0,9}-[0-9]{2}-[0-9]{2}[ T]?[0-9:.Z+-]{0,20}") {
        for text in [&text[..], like.as_bytes()] {
            let _ = (parse_date(text).is_ok(), parse_time(text).is_ok());
            let _ = (parse_timestamp(text).is_ok(), parse_instant(text).is_ok());
        }
    }
}
