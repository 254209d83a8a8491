//! Intervals as ISO 8601 text, each part with a sign of its own, as PostgreSQL writes them.
use crate::text::TextSink;

/// Nanoseconds of a second, a minute and an hour.
const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Appends e.g. `P1Y2M-3DT4H5M-6.789S`; `PT0S` where all parts are nothing.
pub fn write(out: &mut impl TextSink, months: i32, days: i32, nanos: i64) {
    if (months, days, nanos) == (0, 0, 0) {
        return out.push_text("PT0S");
    }
    out.push_text("P");
    push(out, (months / 12).into(), "Y");
    push(out, (months % 12).into(), "M");
    push(out, days.into(), "D");
    if nanos == 0 {
        return;
    }
    out.push_text("T");
    push(out, nanos / HOUR, "H");
    push(out, nanos % HOUR / MINUTE, "M");
    let rest = nanos % MINUTE;
    if rest == 0 {
        return;
    }
    if rest < 0 {
        out.push_text("-");
    }
    let (seconds, mut fraction) = (rest.unsigned_abs() / 1_000_000_000, rest.unsigned_abs());
    fraction %= 1_000_000_000;
    out.push_text(itoa::Buffer::new().format(seconds));
    if fraction > 0 {
        let mut places = 9;
        while fraction % 10 == 0 {
            fraction /= 10;
            places -= 1;
        }
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(fraction);
        out.push_text(".");
        crate::text::push_zeros(out, places - digits.len());
        out.push_text(digits);
    }
    out.push_text("S");
}

fn push(out: &mut impl TextSink, value: i64, unit: &str) {
    if value != 0 {
        out.push_text(itoa::Buffer::new().format(value));
        out.push_text(unit);
    }
}

/// Reads `P[nY][nM][nW][nD][T[nH][nM][n.nS]]`, each number with a sign or none, into months, days
/// and nanoseconds; a week is seven days. `None` where it is none, or beyond their bits, or finer
/// than a nanosecond.
pub fn parse(text: &str) -> Option<(i32, i32, i64)> {
    let mut rest = text.strip_prefix('P')?;
    let (mut months, mut days, mut nanos) = (0i32, 0i32, 0i128);
    // The units that may still come, the one below the other.
    let (mut units, mut clock) = ("YMWD", false);
    loop {
        if let Some(time) = rest.strip_prefix('T').filter(|_| !clock) {
            (units, rest, clock) = ("HMS", time, true);
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = (&rest[..end], rest[end..].chars().next()?);
        let place = units.find(unit)?;
        (rest, units) = (&rest[end + 1..], &units[place + 1..]);
        let whole = |times: i32| number.parse::<i32>().ok()?.checked_mul(times);
        match (clock, unit) {
            (false, 'Y') => months = months.checked_add(whole(12)?)?,
            (false, 'M') => months = months.checked_add(whole(1)?)?,
            (false, 'W') => days = days.checked_add(whole(7)?)?,
            (false, _) => days = days.checked_add(whole(1)?)?,
            (true, 'S') => nanos += seconds(number)?,
            (true, unit) => {
                let each = if unit == 'H' { HOUR } else { MINUTE };
                nanos += i128::from(number.parse::<i64>().ok()?) * i128::from(each);
            }
        }
        if rest.is_empty() {
            return Some((months, days, i64::try_from(nanos).ok()?));
        }
    }
}

/// Nanoseconds of seconds with at most nine places.
fn seconds(number: &str) -> Option<i128> {
    let (negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanos = i128::from(whole.parse::<i64>().ok()?) * i128::from(SECOND)
        + format!("{fraction:0<9}").parse::<i128>().ok()?;
    Some(if negative { -nanos } else { nanos })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_part_has_its_sign() {
        for (text, interval) in [
            ("PT0S", (0, 0, 0)),
            (
                "P1Y2M-3DT4H5M6.789S",
                (14, -3, 4 * HOUR + 5 * MINUTE + 6_789_000_000),
            ),
            (
                "P-1Y-2M3DT-4H-5M-0.000001S",
                (-14, 3, -4 * HOUR - 5 * MINUTE - 1_000),
            ),
            ("P1D", (0, 1, 0)),
            ("PT-1.000000001S", (0, 0, -SECOND - 1)),
            (
                "P-178956970Y-8M-2147483648DT-2562047H-47M-16.854775808S",
                (i32::MIN, i32::MIN, i64::MIN),
            ),
        ] {
            let (months, days, nanos) = interval;
            let mut written = String::new();
            write(&mut written, months, days, nanos);
            assert_eq!((written.as_str(), parse(text)), (text, Some(interval)));
        }
        assert_eq!(parse("P2W1DT90M"), Some((0, 15, 90 * MINUTE)));
        assert_eq!(parse("PT+1.5S"), Some((0, 0, SECOND * 3 / 2)));
    }

    #[test]
    fn what_is_no_interval_is_not_read() {
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "1D",
            "P1",
            "PD",
            "P1.5D",
            "P1D1Y",
            "PT1S1M",
            "PT1D",
            "P1H",
            "P1DT1HT1M",
            "PT1.S",
            "PT.5S",
            "PT1.0000000001S",
            "P2147483648D",
            "PT1e3S",
            "P1é",
            "PT9223372037S",
            "P-",
            "PT--1S",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn intervals_are_read_as_they_are_written(months: i32, days: i32, nanos: i64) {
            let mut text = String::new();
            write(&mut text, months, days, nanos);
            prop_assert_eq!(parse(&text), Some((months, days, nanos)));
        }

        #[test]
        fn no_text_is_a_panic(text in "P?[-+0-9YMWDTHS.é]{0,12}") {
            let _: Option<_> = parse(&text);
        }
    }
}
