use super::*;
use connect_api::arrow::array::TimestampMicrosecondArray;

const HOUR: i64 = 3_600 * SECOND;
/// 2024-03-10 10:00 in UTC: New York's clocks are put from 02:00 to 03:00 at 07:00 of that day.
const SPRING: i64 = 1_710_064_800 * SECOND;
/// 2024-11-03 06:00 in UTC: New York's clocks are put from 02:00 back to 01:00.
const AUTUMN: i64 = 1_730_613_600 * SECOND;

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn zones_are_known_by_the_names_that_databases_and_java_use() {
    for (name, hours) in [
        ("Asia/Shanghai", 8),
        ("UTC", 0),
        ("Z", 0),
        ("GMT", 0),
        ("GMT+8", 8),
        ("UTC+08:00", 8),
        ("UT-3", -3),
        ("+08:00", 8),
        ("-0300", -3),
        ("+8", 8),
        ("CTT", 8),
        ("EST", -5),
        ("JST", 9),
        ("Etc/GMT-8", 8),
        ("PRC", 8),
        ("<+08>-08", 8),
        (" Asia/Tokyo ", 9),
    ] {
        assert_eq!(zone(name).east_at(SPRING), hours * HOUR, "{name}");
    }
    for name in [
        "",
        "Asia/Nowhere",
        "+19:00",
        "+8:60",
        "SYSTEM",
        "../etc/passwd",
        "+1:2:3",
    ] {
        assert_eq!(Zone::named(name), None, "{name}");
    }
    assert_eq!(
        <Zone as Setting>::parse("Asia/Shanghai").unwrap().show(),
        "Asia/Shanghai"
    );
    assert!(
        <Zone as Setting>::parse("Moon")
            .unwrap_err()
            .contains("Asia/Shanghai")
    );
}

#[test]
fn a_clock_that_is_put_forward_never_shows_an_hour() {
    let zone = zone("America/New_York");
    let change = SPRING - 3 * HOUR;
    let local = change - 5 * HOUR;
    assert_eq!(zone.shows(local - 1), Shows::Once(change - 1));
    assert_eq!(zone.shows(local), Shows::Never);
    assert_eq!(zone.shows(local + HOUR - 1), Shows::Never);
    assert_eq!(zone.shows(local + HOUR), Shows::Once(change));
    let column =
        TimestampMicrosecondArray::from(vec![Some(local - 1), None, Some(local + HOUR / 2)]);
    assert!(instants(&zone, &column).is_none());
}

#[test]
fn of_an_hour_that_a_clock_shows_twice_the_later_is_meant() {
    let zone = zone("America/New_York");
    let local = AUTUMN - 5 * HOUR;
    assert_eq!(zone.shows(local - 1), Shows::Once(AUTUMN - HOUR - 1));
    assert_eq!(zone.shows(local), Shows::Twice(AUTUMN));
    assert_eq!(
        zone.shows(local + HOUR - 1),
        Shows::Twice(AUTUMN + HOUR - 1)
    );
    assert_eq!(zone.shows(local + HOUR), Shows::Once(AUTUMN + HOUR));
    let column = TimestampMicrosecondArray::from(vec![local - 1, local, local + HOUR]);
    let (column, repeated) = instants(&zone, &column).unwrap();
    assert_eq!(
        column.values().to_vec(),
        [AUTUMN - HOUR - 1, AUTUMN, AUTUMN + HOUR]
    );
    assert_eq!(repeated, Repeated(1));
}

#[test]
fn what_will_be_shown_again_is_held_back() {
    let zone = zone("America/New_York");
    let again = AUTUMN - 5 * HOUR;
    // An hour and a half before, nothing is; then the hour that will come again.
    assert_eq!(
        zone.least_shown_from(AUTUMN - 3 * HOUR / 2),
        again - HOUR / 2
    );
    assert_eq!(zone.least_shown_from(AUTUMN - HOUR / 2), again);
    assert_eq!(zone.least_shown_from(AUTUMN), again);
    assert_eq!(zone.least_shown_from(AUTUMN + HOUR / 2), again + HOUR / 2);
    // A clock that is put forward shows no less.
    assert_eq!(zone.least_shown_from(SPRING), SPRING - 4 * HOUR);
}

#[test]
fn columns_go_there_and_back_across_changes() {
    let zone = zone("America/New_York");
    for change in [SPRING - 3 * HOUR, AUTUMN] {
        let times: Vec<i64> = (-60..60).map(|n| change + n * HOUR + 7).collect();
        let column = TimestampMicrosecondArray::from(times.clone());
        let local_times = shown(&zone, &column);
        assert_eq!(local_times.value(0), zone.shown_at(times[0]));
        let (back, Repeated(repeated)) = instants(&zone, &local_times).unwrap();
        let other = back
            .values()
            .iter()
            .zip(&times)
            .filter(|(a, b)| a != b)
            .count();
        // The first of the two hours alone is taken for the second.
        let expected = usize::from(change == AUTUMN);
        assert_eq!((other, repeated), (expected, 2 * expected));
    }
    // Before railways clocks kept the sun's time, to the second.
    let shanghai = self::zone("Asia/Shanghai");
    let old = -3_000_000_000 * SECOND;
    assert_eq!(
        shanghai.shown_at(old) - old,
        (8 * 3_600 + 5 * 60 + 43) * SECOND
    );
    for time in [i64::MIN, i64::MAX] {
        let _any = (
            shanghai.shown_at(time),
            shanghai.shows(time),
            shanghai.least_shown_from(time),
        );
    }
}
