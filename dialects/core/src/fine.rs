//! Times with more digits of a second than are carried.
use crate::{civil::TOO_FINE, misfit::Misfit, options::FineDigits};

/// What is finer than a microsecond, where `fine.digits` decides of it.
pub const FINER: Misfit =
    Misfit("is finer than a microsecond; `fine.digits=truncate` cuts such digits off");

/// What `parse` of [`civil`](crate::civil) reads of `text`; digits that are finer than a microsecond
/// are cut off where that is asked for.
///
/// # Errors
/// Those of `parse`, or [`FINER`].
pub fn parse_fine<T>(
    text: &[u8],
    digits: FineDigits,
    parse: impl Fn(&[u8]) -> Result<T, Misfit>,
) -> Result<T, Misfit> {
    match (parse(text), digits) {
        (Err(TOO_FINE), FineDigits::Truncate) => parse(&cut(text)),
        (Err(TOO_FINE), FineDigits::Error | FineDigits::Text) => Err(FINER),
        (parsed, _) => parsed,
    }
}

/// The text with six digits of a second.
fn cut(text: &[u8]) -> Vec<u8> {
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
    fn digits_finer_than_a_microsecond_are_cut_where_that_is_asked_for() {
        let cut = FineDigits::Truncate;
        for (text, micros) in [
            ("1970-01-01 00:00:01.000000999", 1_000_000),
            ("1970-01-01T00:00:00.0000019", 1),
            ("1970-01-01 00:00:00,00000200000000001", 2),
            ("1970-01-01 00:00:00.5", 500_000),
            // Before 1970 too, towards the past, as text is ordered.
            ("1969-12-31 23:59:59.999999999", -1),
        ] {
            let text = text.as_bytes();
            assert_eq!(parse_fine(text, cut, parse_timestamp), Ok(micros));
        }
        let zoned = b"1970-01-01 01:00:00.0000019+01:00";
        assert_eq!(parse_fine(zoned, cut, parse_instant), Ok(1));
        assert_eq!(parse_fine(b"00:00:00.0000019", cut, parse_time), Ok(1));
        for refused in [FineDigits::Error, FineDigits::Text] {
            assert_eq!(parse_fine(zoned, refused, parse_instant), Err(FINER));
            let exact = parse_fine(b"00:00:00.000001000", refused, parse_time);
            assert_eq!(exact, Ok(1));
        }
        let none = parse_fine(b"soon.0000019", cut, parse_time);
        assert!(none.is_err_and(|misfit| misfit != FINER));
    }
}
