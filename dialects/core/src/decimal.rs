//! Decimal numbers as text: exact, in whole numbers alone.
use crate::Misfit;
use connect_api::max_unscaled;

const NOT_DECIMAL: Misfit = Misfit("is not a decimal number");
const TOO_FINE: Misfit = Misfit("has more decimal places than the column");
const TOO_LARGE: Misfit = Misfit("has more digits than the column");

/// Reads `[+-]digits[.digits][e[+-]digits]` as an unscaled value of `scale` with at most
/// `precision` digits. Zeros at the end of the fraction do not count as places.
///
/// # Errors
/// It is no decimal number, or has more digits or decimal places than that.
pub fn parse_decimal(text: &[u8], precision: u8, scale: i8) -> Result<i128, Misfit> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mantissa, exponent) = match rest.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&rest[..at], parse_exponent(&rest[at + 1..])?),
        None => (rest, 0),
    };
    // The number is `unscaled × 10^(zeros + exponent - places)`; zeros are held back until
    // another digit follows, so that those at the end neither overflow nor count as places.
    let (mut unscaled, mut zeros, mut places) = (0u128, 0i64, 0i64);
    let (mut digits, mut point) = (false, false);
    for &byte in mantissa {
        match byte {
            b'0' => zeros += i64::from(unscaled != 0),
            b'1'..=b'9' => {
                unscaled = power(zeros + 1)
                    .and_then(|p| unscaled.checked_mul(p))
                    .and_then(|u| u.checked_add(u128::from(byte - b'0')))
                    .ok_or(TOO_LARGE)?;
                zeros = 0;
            }
            b'.' if !point => {
                point = true;
                continue;
            }
            _ => return Err(NOT_DECIMAL),
        }
        digits = true;
        places += i64::from(point);
    }
    if !digits {
        return Err(NOT_DECIMAL);
    }
    if unscaled == 0 {
        return Ok(0);
    }
    let shift = zeros + exponent - places + i64::from(scale);
    if shift < 0 {
        return Err(TOO_FINE);
    }
    let unscaled = power(shift)
        .and_then(|p| unscaled.checked_mul(p))
        .filter(|u| *u <= max_unscaled(precision))
        .and_then(|u| i128::try_from(u).ok())
        .ok_or(TOO_LARGE)?;
    Ok(if negative { -unscaled } else { unscaled })
}

fn power(exponent: i64) -> Option<u128> {
    10u128.checked_pow(u32::try_from(exponent).ok()?)
}

fn parse_exponent(text: &[u8]) -> Result<i64, Misfit> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    // Nine digits are beyond every scale, and far from an overflow.
    if !(1..=9).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NOT_DECIMAL);
    }
    let value = digits.iter().fold(0, |v, d| v * 10 + i64::from(d - b'0'));
    Ok(sign * value)
}

/// Whether `text` is a decimal number of any size: `[+-]digits[.digits][e[+-]digits]`.
pub fn is_decimal(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let unsigned = match text {
        [b'-' | b'+', rest @ ..] => rest,
        rest => rest,
    };
    let mut halves = unsigned.splitn(2, |b| matches!(b, b'e' | b'E'));
    let mantissa = halves.next().unwrap_or_default();
    let exponent = halves.next().is_none_or(|e| {
        let e = e.strip_prefix(b"-").or(e.strip_prefix(b"+")).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    let mut parts = mantissa.splitn(2, |b| *b == b'.');
    let (whole, fraction) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    exponent && digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0
}

/// Appends `unscaled × 10^-scale` in plain digits: `(-1234, 2)` is `-12.34`, `(12, -2)` is
/// `1200`. Allocates nothing where `out` has room.
pub fn write_decimal(unscaled: i128, scale: i8, out: &mut String) {
    let zeros = usize::from(scale.unsigned_abs());
    if unscaled < 0 {
        out.push('-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(unscaled.unsigned_abs());
    if scale <= 0 {
        out.push_str(digits);
        let zeros = if unscaled == 0 { 0 } else { zeros };
        out.extend(std::iter::repeat_n('0', zeros));
        return;
    }
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(zeros));
    out.push_str(if whole.is_empty() { "0" } else { whole });
    out.push('.');
    out.extend(std::iter::repeat_n('0', zeros - fraction.len()));
    out.push_str(fraction);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(unscaled: i128, scale: i8) -> String {
        let mut out = String::from("x");
        write_decimal(unscaled, scale, &mut out);
        out.split_off(1)
    }

    #[test]
    fn texts_are_read_exactly() {
        for (text, scale, unscaled) in [
            ("12.34", 2, 1234),
            ("-12.34", 3, -12340),
            ("+0.5", 2, 50),
            (".5", 1, 5),
            ("5.", 1, 50),
            ("1.2300000000000000000000000000000000000000000", 2, 123),
            ("00000000000000000000000000000000000000000012", 0, 12),
            ("1e3", 0, 1000),
            ("1.5E+2", 0, 150),
            ("15e-1", 1, 15),
            ("1200", -2, 12),
            ("0.000", 0, 0),
            ("-0", 2, 0),
            ("0e999999999", 2, 0),
        ] {
            assert_eq!(
                parse_decimal(text.as_bytes(), 38, scale),
                Ok(unscaled),
                "{text}"
            );
        }
    }

    #[test]
    fn what_would_be_rounded_or_cut_is_refused() {
        assert_eq!(parse_decimal(b"1.239", 10, 2), Err(TOO_FINE));
        assert_eq!(parse_decimal(b"1250", 10, -2), Err(TOO_FINE));
        assert_eq!(parse_decimal(b"1000.00", 5, 2), Err(TOO_LARGE));
        assert_eq!(parse_decimal(b"1e400", 38, 0), Err(TOO_LARGE));
        let long = [b'9'; 60];
        assert_eq!(parse_decimal(&long, 38, 0), Err(TOO_LARGE));
        for text in [
            "",
            "-",
            ".",
            "1.2.3",
            "1,5",
            "0x10",
            "NaN",
            "1e",
            "1e+",
            " 1",
            "e5",
            "1e9999999999",
        ] {
            assert_eq!(
                parse_decimal(text.as_bytes(), 38, 2),
                Err(NOT_DECIMAL),
                "{text:?}"
            );
            assert_eq!(
                is_decimal(text.as_bytes()),
                text == "1e9999999999",
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(unscaled in -(10i128.pow(38) - 1)..10i128.pow(38), scale in -20i8..=38) {
            let text = text(unscaled, scale);
            prop_assert_eq!(&text, &connect_api::decimal_text(unscaled, scale));
            prop_assert_eq!(parse_decimal(text.as_bytes(), 38, scale), Ok(unscaled));
            prop_assert!(is_decimal(text.as_bytes()));
        }

        #[test]
        fn foreign_bytes_do_not_panic(text in proptest::collection::vec(any::<u8>(), 0..50), scale in any::<i8>(), precision in any::<u8>()) {
            if parse_decimal(&text, precision, scale).is_ok() {
                prop_assert!(is_decimal(&text));
            }
        }
    }
}
