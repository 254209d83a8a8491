use super::*;
use dialect_core::SUBMICROSECOND;

fn back(number: Number) -> ValueRef<'static> {
    match number {
        Number::Int(v) => ValueRef::Integer(v),
        Number::Real(v) => ValueRef::Real(v),
    }
}

#[test]
fn seconds_and_julian_days_come_back_as_they_went() {
    let day = civil::DAY_MICROS;
    for micros in [
        0,
        1,
        -1,
        1_704_067_200_123_456,
        -719_528 * day,
        2_932_897 * day - 1,
    ] {
        let Ok(stored) = number(micros, Storage::Unix) else {
            assert!(micros.abs() >= EXACT_FLOAT, "{micros}");
            continue;
        };
        let read = timestamp(&back(stored), false, Storage::Unix, FineDigits::Error);
        assert_eq!(read, Ok(micros));
    }
    for micros in [
        0,
        1_000,
        -1_000,
        1_704_067_200_123_000,
        2_932_897 * day - 1_000,
    ] {
        let stored = number(micros, Storage::Julian).unwrap();
        let read = timestamp(&back(stored), false, Storage::Julian, FineDigits::Error);
        assert_eq!(read, Ok(micros));
    }
    assert_eq!(number(1, Storage::Julian), Err(SUBMILLISECOND));
    for storage in [Storage::Unix, Storage::Julian] {
        let stored = number_of_time(45_296_789_000, storage).unwrap();
        assert_eq!(
            time(&back(stored), storage, FineDigits::Error),
            Ok(45_296_789_000)
        );
        let stored = number_of_date(-1, storage).unwrap();
        assert_eq!(date(&back(stored), storage), Ok(-1));
    }
    // julianday('2000-01-01 12:00') is 2451545.0
    let noon = ValueRef::Integer(2_451_545);
    assert_eq!(time(&noon, Storage::Julian, FineDigits::Error), Ok(day / 2));
    assert_eq!(date(&noon, Storage::Julian), Err(NO_WHOLE_DAY));
    let third = ValueRef::Real(1.0 / 3.0 + 1e-9);
    assert_eq!(
        timestamp(&third, false, Storage::Unix, FineDigits::Error),
        Err(TOO_PRECISE)
    );
}

#[test]
fn offsets_come_back_in_both_forms() {
    for (instant, offset, shown) in [
        (0, 120, "1970-01-01 02:00:00.000000+02:00"),
        (-1, -720, "1969-12-31 11:59:59.999999-12:00"),
        (1_704_067_200_123_456, 0, "2024-01-01 00:00:00.123456+00:00"),
    ] {
        let mut out = String::new();
        write_offset(instant, offset, &mut out).unwrap();
        assert_eq!(out, shown);
        let cell = ValueRef::Text(out.as_bytes());
        assert_eq!(offset_timestamp(&cell), Ok((instant, offset)));
        let mut key = String::new();
        write_offset_key(instant, offset, &mut key).unwrap();
        let cell = ValueRef::Text(key.as_bytes());
        assert_eq!(offset_timestamp(&cell), Ok((instant, offset)), "{key}");
    }
}

#[test]
fn nanoseconds_are_nine_places() {
    for nanos in [0, 1, 45_296_789_012_345, 86_399_999_999_999] {
        let mut out = String::new();
        write_time_nanos(nanos, &mut out).unwrap();
        assert_eq!(
            time_nanos(&ValueRef::Text(out.as_bytes())),
            Ok(nanos),
            "{out}"
        );
    }
    assert_eq!(
        time_nanos(&ValueRef::Text(b"12:00:00")),
        Ok(43_200_000_000_000)
    );
    let mut out = String::new();
    assert!(write_time_nanos(86_400_000_000_000, &mut out).is_err());
}

#[test]
fn iso_texts_are_cut_to_a_microsecond_where_that_is_asked_for() {
    let at = ValueRef::Text(b"1970-01-01T00:00:01.0000019Z");
    let clock = ValueRef::Text(b"00:00:00.0000019");
    let (cut, error) = (FineDigits::Truncate, FineDigits::Error);
    assert_eq!(timestamp(&at, true, Storage::Iso, cut), Ok(1_000_001));
    assert_eq!(time(&clock, Storage::Iso, cut), Ok(1));
    assert_eq!(
        timestamp(&at, true, Storage::Iso, error),
        Err(SUBMICROSECOND)
    );
    assert_eq!(time(&clock, Storage::Iso, error), Err(SUBMICROSECOND));
    // An order of rows by more digits than are represented would never end.
    for fine in [cut, error] {
        assert_eq!(
            timestamp(&at, true, Storage::Canonical, fine),
            Err(TOO_PRECISE)
        );
    }
}
