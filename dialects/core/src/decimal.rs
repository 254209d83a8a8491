//! Decimal numbers as text, as [`connect_api::decimal`] reads and writes them, with what is wrong
//! as a [`ValueError`].
use crate::value_error::ValueError;
use connect_api::{decimal, max_unscaled};

const NOT_DECIMAL: ValueError = ValueError("is not a decimal number");
const TOO_PRECISE: ValueError = ValueError("has more decimal places than the column");
const TOO_LARGE: ValueError = ValueError("has more digits than the column");

/// Reads `[+-]digits[.digits][e[+-]digits]` as an unscaled value of `scale` with at most
/// `precision` digits. Zeros at the end of the fraction do not count as places.
///
/// # Errors
/// It is no decimal number, or has more digits or decimal places than that.
pub fn parse_decimal(text: &[u8], precision: u8, scale: i8) -> Result<i128, ValueError> {
    let unscaled = decimal::parse(text, scale).map_err(|error| match error {
        decimal::DecimalError::NotANumber => NOT_DECIMAL,
        decimal::DecimalError::Inexact => TOO_PRECISE,
        decimal::DecimalError::OutOfRange => TOO_LARGE,
    })?;
    if unscaled.unsigned_abs() > max_unscaled(precision) {
        return Err(TOO_LARGE);
    }
    Ok(unscaled)
}

/// Whether `text` is a decimal number of any size: `[+-]digits[.digits][e[+-]digits]`.
pub fn is_decimal(text: &[u8]) -> bool {
    decimal::is_number(text)
}

/// Appends `unscaled × 10^-scale` in plain digits: `(-1234, 2)` is `-12.34`, `(12, -2)` is
/// `1200`. Allocates nothing where `out` has room.
pub fn write_decimal(unscaled: i128, scale: i8, out: &mut String) {
    decimal::write(out, unscaled, scale);
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
        assert_eq!(parse_decimal(b"1.239", 10, 2), Err(TOO_PRECISE));
        assert_eq!(parse_decimal(b"1250", 10, -2), Err(TOO_PRECISE));
        assert_eq!(parse_decimal(b"1000.00", 5, 2), Err(TOO_LARGE));
        assert_eq!(parse_decimal(b"1e400", 38, 0), Err(TOO_LARGE));
        let long = [b'9'; 60];
        assert_eq!(parse_decimal(&long, 38, 0), Err(TOO_LARGE));
        for text in [
            "", "-", ".", "1.2.3", "1,5", "0x10", "NaN", "1e", "1e+", " 1", "e5",
        ] {
            assert_eq!(
                parse_decimal(text.as_bytes(), 38, 2),
                Err(NOT_DECIMAL),
                "{text:?}"
            );
            assert!(!is_decimal(text.as_bytes()), "{text}");
        }
        assert_eq!(parse_decimal(b"1e9999999999", 38, 2), Err(TOO_LARGE));
        assert!(is_decimal(b"1e9999999999"));
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
