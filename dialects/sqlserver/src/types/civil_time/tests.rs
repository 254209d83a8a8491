use super::*;
use dialect_core::civil::{parse_timestamp, write_timestamp};
use proptest::prelude::*;

fn at(text: &str) -> i64 {
    parse_timestamp(text.as_bytes()).unwrap()
}

fn shown(micros: i64) -> String {
    let mut text = String::new();
    write_timestamp(micros, &mut text);
    text
}

#[test]
fn the_epochs_of_the_types_are_where_they_are() {
    assert_eq!(date(0).unwrap().days(), 719_162);
    assert_eq!(date(-719_162).unwrap().days(), 0);
    assert_eq!(date(-719_163), Err(NO_DATE));
    assert_eq!(days(date(2_932_896).unwrap()), Ok(2_932_896));
    assert_eq!(date(2_932_897), Err(NO_DATE));
    assert_eq!(datetime(at("1900-01-01")).unwrap(), DateTime::new(0, 0));
    assert_eq!(
        datetime(at("1753-01-01")).unwrap(),
        DateTime::new(-53_690, 0)
    );
    assert_eq!(datetime(at("1752-12-31")), Err(NO_DATETIME));
    assert!(datetime(at("9999-12-31 23:59:59.997")).is_ok());
    assert_eq!(
        shown(small_micros(SmallDateTime::new(u16::MAX, 1_439))),
        "2079-06-06 23:59:00.000000"
    );
    assert!(small_datetime(at("2079-06-06 23:59:00")).is_ok());
    assert_eq!(small_datetime(at("2079-06-07 00:00:00")), Err(NO_SMALL));
    assert_eq!(small_datetime(at("1899-12-31 23:59:00")), Err(NO_SMALL));
    assert_eq!(small_datetime(at("2000-01-01 00:00:01")), Err(NOT_MINUTE));
}

#[test]
fn a_datetime_is_what_the_server_prints() {
    for (tick, printed) in [
        (0, "1900-01-01 00:00:00.000000"),
        (1, "1900-01-01 00:00:00.003000"),
        (2, "1900-01-01 00:00:00.007000"),
        (3, "1900-01-01 00:00:00.010000"),
        (25_919_999, "1900-01-01 23:59:59.997000"),
    ] {
        let value = DateTime::new(0, tick);
        let micros = datetime_micros(value).unwrap();
        assert_eq!(shown(micros), printed);
        assert_eq!(datetime(micros), Ok(value), "and back");
    }
    assert_eq!(datetime(at("2024-01-01 00:00:00.001")), Err(NOT_TICK));
    assert_eq!(datetime_micros(DateTime::new(0, 25_920_000)), Err(NO_TIME));
}

#[test]
fn a_value_between_two_fractions_divides_as_the_one_before_it() {
    for (value, floor) in [
        ("2024-01-01 00:00:00.002999", "2024-01-01 00:00:00.000000"),
        ("2024-01-01 00:00:00.003", "2024-01-01 00:00:00.003000"),
        ("2024-01-01 00:00:00.006", "2024-01-01 00:00:00.003000"),
        ("2024-01-01 00:00:00.009999", "2024-01-01 00:00:00.007000"),
        ("1800-01-01 00:00:00.019", "1800-01-01 00:00:00.017000"),
    ] {
        assert_eq!(shown(datetime_floor(at(value))), floor);
    }
    assert_eq!(
        shown(minute_floor(at("1950-01-01 00:00:59.9"))),
        "1950-01-01 00:00:00.000000"
    );
}

#[test]
fn times_are_scaled_and_never_rounded() {
    let micros = 45_296_789_000_i64;
    assert_eq!(time(micros * 1_000, 3).unwrap().increments(), 45_296_789);
    assert_eq!(
        time(micros * 1_000, 7).unwrap().increments(),
        452_967_890_000
    );
    assert!(matches!(time(micros * 1_000 + 1_000, 3), Err(TOO_PRECISE)));
    assert!(matches!(time(100, 7).map(Time::increments), Ok(1)));
    assert!(matches!(time(1, 7), Err(TOO_PRECISE)));
    assert!(matches!(time(DAY_MICROS * 1_000, 7), Err(NO_TIME)));
    assert!(matches!(time(-1, 7), Err(NO_TIME)));
    assert_eq!(nanos(Time::new(863_999_999_999, 7)), Ok(86_399_999_999_900));
}

#[test]
fn the_seventh_digit_is_refused_cut_or_makes_null() {
    let fine = DateTime2::new(date(0).unwrap(), Time::new(19, 7));
    assert_eq!(datetime2_micros(fine, Finer::Refuse), Err(SUBMICROSECOND));
    assert_eq!(datetime2_micros(fine, Finer::Cut), Ok(Some(1)));
    assert_eq!(datetime2_micros(fine, Finer::Null), Ok(None));
    let whole = DateTime2::new(date(0).unwrap(), Time::new(20, 7));
    for finer in [Finer::Refuse, Finer::Cut, Finer::Null] {
        assert_eq!(datetime2_micros(whole, finer), Ok(Some(2)));
    }
}

#[test]
fn offsets_have_their_bounds() {
    let value = offset(at("2024-01-01 12:00:00.123456"), -90, 7).unwrap();
    assert_eq!(value.offset(), -90);
    assert_eq!(
        datetime2_micros(value.datetime2(), Finer::Refuse),
        Ok(Some(at("2024-01-01 12:00:00.123456"))),
        "in UTC"
    );
    assert!(matches!(offset(0, 841, 7), Err(FAR_OFFSET)));
    assert!(matches!(
        offset(at("9999-12-31 23:30:00"), 60, 7),
        Err(NO_DATE)
    ));
    assert!(matches!(
        offset(at("2024-01-01 00:00:00.123456"), 0, 3),
        Err(TOO_PRECISE)
    ));
}

proptest! {
    #[test]
    fn what_goes_out_comes_back(micros in (-719_162 * DAY_MICROS)..(2_932_897 * DAY_MICROS), digits in 0_u8..=7) {
        let step = 10_i64.pow(6_u32.saturating_sub(digits.into()));
        let micros = micros.div_euclid(step) * step;
        prop_assert_eq!(datetime2_micros(datetime2(micros, digits).unwrap(), Finer::Refuse), Ok(Some(micros)));
        let floor = datetime_floor(micros);
        prop_assert!(floor <= micros && micros - floor < 4_000);
        if let Ok(value) = datetime(floor) {
            prop_assert_eq!(datetime_micros(value), Ok(floor));
        }
    }
}
