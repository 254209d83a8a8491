//! Numbers in JSON text that a server does not keep as they are: MySQL's `json` has integers of 64
//! bits, and every other number as a float of 64 bits.
use dialect_core::{JsonNumbers, ValueError};
use std::{borrow::Cow, ops::Range};

const ROUNDED: ValueError = ValueError(
    "has a number that the server's JSON would round to a float; `json.numbers` says what becomes of such",
);

/// The text as it is to be written.
pub(crate) fn kept(json: &str, numbers: JsonNumbers) -> Result<Cow<'_, str>, ValueError> {
    let mut rounded = Numbers::of(json).filter(|place| !is_exact(&json[place.clone()]));
    match numbers {
        JsonNumbers::Round => Ok(json.into()),
        JsonNumbers::Error => match rounded.next() {
            Some(_) => Err(ROUNDED),
            None => Ok(json.into()),
        },
        JsonNumbers::Text => {
            let (mut text, mut end) = (String::new(), 0);
            for place in rounded {
                text.push_str(&json[end..place.start]);
                end = place.end;
                text.push('"');
                text.push_str(&json[place]);
                text.push('"');
            }
            if end == 0 {
                return Ok(json.into());
            }
            text.push_str(&json[end..]);
            Ok(text.into())
        }
    }
}

/// Where the numbers stand in a JSON text.
struct Numbers<'a> {
    json: &'a [u8],
    next: usize,
}

impl<'a> Numbers<'a> {
    fn of(json: &'a str) -> Self {
        Self {
            json: json.as_bytes(),
            next: 0,
        }
    }
}

impl Iterator for Numbers<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut quoted = false;
        while let Some(byte) = self.json.get(self.next) {
            let start = self.next;
            self.next += 1;
            match byte {
                // The escaped character is no quote.
                b'\\' if quoted => self.next += 1,
                b'"' => quoted = !quoted,
                b'-' | b'0'..=b'9' if !quoted => {
                    let part =
                        |b: &&u8| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                    self.next += self.json[self.next..].iter().take_while(part).count();
                    return Some(start..self.next);
                }
                _ => {}
            }
        }
        None
    }
}

fn is_exact(number: &str) -> bool {
    let fits = number.len() <= 15 && !number.contains(['e', 'E']);
    if fits || number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    match number.parse::<f64>() {
        Ok(float) if float.is_finite() => digits(number) == digits(&format!("{float:e}")),
        _ => false,
    }
}

/// The sign, the digits from the first to the last that is not 0, and the power of ten of the
/// point before them; numbers of one value have the same.
fn digits(number: &str) -> (bool, Vec<u8>, i64) {
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    // A power beyond 64 bits is of no float.
    let power = power.parse::<i64>().unwrap_or(i64::MAX / 2);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let Some(first) = all.iter().position(|d| *d != b'0') else {
        return (false, Vec::new(), 0);
    };
    let last = all.iter().rposition(|d| *d != b'0').unwrap_or(first);
    let places = i64::try_from(whole.len()).unwrap_or(0) - i64::try_from(first).unwrap_or(0);
    (
        negative,
        all[first..=last].to_vec(),
        power.saturating_add(places),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_float_holds_are_distinguished_from_those_that_it_rounds() {
        for exact in [
            "0",
            "-0",
            "0.0",
            "1.10",
            "0.1",
            "-12.5",
            "9223372036854775807",
            "18446744073709551615",
            "-9223372036854775808",
            "1e300",
            "1.5E-7",
            "123456789012345.6",
            "1e2",
            "100000e-3",
            "0.30000000000000004",
            "1.7976931348623157e308",
            "0e999",
        ] {
            assert!(is_exact(exact), "{exact}");
        }
        for rounded in [
            "12345678901234567890.123",
            "18446744073709551616",
            "18446744073709551617",
            "-9223372036854775809",
            "0.1234567890123456789",
            "1.00000000000000000001",
            "123456789012345678.5",
            "1e400",
            "1e-400",
            "1e99999999999999999999",
        ] {
            assert!(!is_exact(rounded), "{rounded}");
        }
    }

    #[test]
    fn such_numbers_are_refused_kept_as_text_or_left_to_the_server() {
        let json = r#"{"12345678901234567890.123": [12345678901234567890.123, "1\"2345678901234567890.123", 7], "b": -0.1234567890123456789}"#;
        assert_eq!(kept(json, JsonNumbers::Error).unwrap_err(), ROUNDED);
        assert_eq!(kept(json, JsonNumbers::Round).unwrap(), json);
        assert_eq!(
            kept(json, JsonNumbers::Text).unwrap(),
            r#"{"12345678901234567890.123": ["12345678901234567890.123", "1\"2345678901234567890.123", 7], "b": "-0.1234567890123456789"}"#
        );
        let plain = r#"{"a": [1, 2.5, "x", null, true]}"#;
        for numbers in [JsonNumbers::Error, JsonNumbers::Text] {
            assert!(matches!(kept(plain, numbers), Ok(Cow::Borrowed(_))));
        }
        assert_eq!(kept("1e400", JsonNumbers::Text).unwrap(), "\"1e400\"");
    }
}
