//! NUMERIC on the wire: digits in base 10,000, as integers and as text, always exact.
mod read;
mod write;

pub(crate) use read::{NOT_FINITE, read_decimal, read_text, read_wide};
pub(crate) use write::{write_decimal, write_text, write_wide};

use dialect_core::ValueError;

/// What would be rounded on its way into a column.
pub(crate) const TOO_PRECISE: ValueError = ValueError("has more decimal places than the column");
/// What has no place in a column of so many digits.
pub(crate) const TOO_LARGE: ValueError = ValueError("has more digits than the column");

/// The signs.
const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

#[cfg(test)]
mod tests {
    use super::{read::NOT_FINITE, write::NOT_A_NUMBER, *};
    use proptest::prelude::*;

    fn wire(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write_text(text, None, &mut out).unwrap();
        out
    }

    fn text(wire: &[u8]) -> String {
        let mut out = String::new();
        read_text(wire, &mut out).unwrap();
        out
    }

    /// Bytes as PostgreSQL 15 sends them (`SELECT numeric_send(…)`).
    #[test]
    fn bytes_are_those_of_the_server() {
        for (number, hex) in [
            ("0", "0000000000000000"),
            ("0.00", "0000000000000002"),
            ("1", "00010000000000000001"),
            ("-12.34", "000200004000000 2000c0d48"),
            ("10000", "00010001000000000001"),
            ("0.0001", "0001ffff000000040001"),
            ("0.00001234", "0001fffe0000000804d2"),
            ("123456789.5", "00040002000000010001092 91a851388"),
            ("NaN", "00000000c0000000"),
            ("Infinity", "00000000d0000000"),
            ("-Infinity", "00000000f0000000"),
        ] {
            let hex = hex.replace(' ', "");
            let shown: String = wire(number).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(shown, hex, "{number}");
            assert_eq!(text(&wire(number)), number);
        }
    }

    #[test]
    fn numbers_are_read_in_every_spelling() {
        for (given, expected) in [
            ("007.50", "7.50"),
            ("+1", "1"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.5E+2", "150"),
            ("15e-1", "1.5"),
            ("1e-5", "0.00001"),
            ("-0.0", "0.0"),
            ("120000.00", "120000.00"),
            ("inf", "Infinity"),
        ] {
            assert_eq!(text(&wire(given)), expected, "{given}");
        }
        let most = format!("{}.{}", "9".repeat(131_072), "9".repeat(16_383));
        assert_eq!(text(&wire(&most)), most);
    }

    #[test]
    fn what_is_no_number_or_would_be_rounded_is_refused() {
        let mut out = Vec::new();
        for given in [
            "", "-", ".", "1.2.3", "1,5", "0x1", "1e", "e5", " 1", "1 ", "--1", "nano",
        ] {
            assert_eq!(
                write_text(given, None, &mut out),
                Err(NOT_A_NUMBER),
                "{given:?}"
            );
        }
        assert_eq!(
            write_text("1.239", Some((9, 2)), &mut out),
            Err(TOO_PRECISE)
        );
        assert_eq!(
            write_text("1250", Some((9, -2)), &mut out),
            Err(TOO_PRECISE)
        );
        assert_eq!(
            write_text("1000.00", Some((5, 2)), &mut out),
            Err(TOO_LARGE)
        );
        assert_eq!(write_text("1e131072", None, &mut out), Err(TOO_LARGE));
        assert_eq!(write_text("1e-16384", None, &mut out), Err(TOO_PRECISE));
        assert!(out.is_empty());
        assert_eq!(write_text("1.2300", Some((9, 2)), &mut out), Ok(()));
        assert_eq!(read_decimal(&wire("1.239"), 2, u128::MAX), Err(TOO_PRECISE));
        assert_eq!(
            read_decimal(&wire("0.00000001"), 2, u128::MAX),
            Err(TOO_PRECISE)
        );
        assert_eq!(read_decimal(&wire("1000"), 2, 99_999), Err(TOO_LARGE));
        assert_eq!(read_decimal(&wire("NaN"), 2, u128::MAX), Err(NOT_FINITE));
        assert_eq!(
            read_decimal(&wire("-Infinity"), 2, u128::MAX),
            Err(NOT_FINITE)
        );
    }

    proptest! {
        #[test]
        fn decimals_keep_value_and_places(
            unscaled in prop_oneof![-(10i128.pow(38) - 1)..10i128.pow(38), -100_000i128..100_000],
            scale in -30i8..=38,
        ) {
            let mut out = Vec::new();
            write_decimal(unscaled, scale, &mut out);
            prop_assert_eq!(text(&out), connect_api::decimal_text(unscaled, scale));
            prop_assert_eq!(read_decimal(&out, scale, u128::MAX), Ok(unscaled));
            // What is read from text has the same bytes.
            prop_assert_eq!(wire(&connect_api::decimal_text(unscaled, scale)), out);
        }

        #[test]
        fn long_numbers_keep_every_digit(whole in "[1-9][0-9]{0,80}", fraction in "[0-9]{0,80}", minus in any::<bool>()) {
            let sign = if minus { "-" } else { "" };
            let number = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
            prop_assert_eq!(text(&wire(&number)), number);
        }

        #[test]
        fn foreign_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), digits in 0u16..8, given in "[-+]?[0-9]{0,5}[.]?[0-9]{0,5}[eE]?[-+]?[0-9]{0,9}") {
            let framed = [&digits.to_be_bytes()[..], &bytes].concat();
            for bytes in [&bytes, &framed] {
                read_decimal(bytes, 3, u128::MAX).ok();
                read_text(bytes, &mut String::new()).ok();
            }
            write_text(&given, Some((9, 2)), &mut Vec::new()).ok();
        }
    }
}
