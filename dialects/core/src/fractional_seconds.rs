//! Fractional seconds with more than six digits.
use crate::{civil::TOO_PRECISE, options::FineDigits, value_error::ValueError};

/// A value with more precision than a microsecond, where `fine.digits` decides what happens to it.
pub const SUBMICROSECOND: ValueError =
    ValueError("is finer than a microsecond; `fine.digits=truncate` cuts such digits off");

/// Parses `text` with `parse` of [`civil`](crate::civil); with `fine.digits=truncate`, digits below a
/// microsecond are truncated.
///
/// # Errors
/// Those of `parse`, or [`SUBMICROSECOND`].
pub fn parse_fractional_seconds<T>(
    text: &[u8],
    digits: FineDigits,
    parse: impl Fn(&[u8]) -> Result<T, ValueError>,
) -> Result<T, ValueError> {
    match (parse(text), digits) {
        (Err(TOO_PRECISE), FineDigits::Truncate) => parse(&truncate(text)),
        (Err(TOO_PRECISE), FineDigits::Error | FineDigits::Text) => Err(SUBMICROSECOND),
        (parsed, _) => parsed,
    }
}

/// The text with six digits of a second.
fn truncate(text: &[u8]) -> Vec<u8> {
    let point = text.iter().position(|b| matches!(b, b'.' | b','));
    let from = point.map_or(text.len(), |point| text.len().min(point + 7));
    let (kept, rest) = text.split_at(from);
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    [kept, &rest[digits..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civil::{parse_instant, parse_time, parse_timestamp};

    #[test]
    fn digits_below_a_microsecond_are_truncated_on_request() {
        let truncated = FineDigits::Truncate;
        for (text, micros) in [
            ("1970-01-01 00:00:01.000000999", 1_000_000),
            ("1970-01-01T00:00:00.0000019", 1),
            ("1970-01-01 00:00:00,00000200000000001", 2),
            ("1970-01-01 00:00:00.5", 500_000),
            // Before 1970 too, towards the past, as text is ordered.
            ("1969-12-31 23:59:59.999999999", -1),
        ] {
            let text = text.as_bytes();
            assert_eq!(
                parse_fractional_seconds(text, truncated, parse_timestamp),
                Ok(micros)
            );
        }
        let zoned = b"1970-01-01 01:00:00.0000019+01:00";
        assert_eq!(
            parse_fractional_seconds(zoned, truncated, parse_instant),
            Ok(1)
        );
        assert_eq!(
            parse_fractional_seconds(b"00:00:00.0000019", truncated, parse_time),
            Ok(1)
        );
        for refused in [FineDigits::Error, FineDigits::Text] {
            assert_eq!(
                parse_fractional_seconds(zoned, refused, parse_instant),
                Err(SUBMICROSECOND)
            );
            let exact = parse_fractional_seconds(b"00:00:00.000001000", refused, parse_time);
            assert_eq!(exact, Ok(1));
        }
        let none = parse_fractional_seconds(b"soon.0000019", truncated, parse_time);
        assert!(none.is_err_and(|error| error != SUBMICROSECOND));
    }
}
