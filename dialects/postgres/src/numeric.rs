//! NUMERIC on the wire: digits in base 10,000, as integers and as text, always exact.
use dialect_core::Misfit;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// Digits before and after the decimal point that PostgreSQL takes.
const MAX_WHOLE_DIGITS: i64 = 131_072;
const MAX_PLACES: i64 = 16_383;

const MALFORMED: Misfit = Misfit("is not a NUMERIC on the wire");
const NOT_FINITE: Misfit = Misfit("is NaN or infinite, which decimals cannot be");
/// What has no place in a column of so many digits.
pub(crate) const TOO_LARGE: Misfit = Misfit("has more digits than the column");
const NOT_A_NUMBER: Misfit = Misfit("is not a decimal number");
/// What would be rounded on its way into a column.
pub(crate) const TOO_FINE: Misfit = Misfit("has more decimal places than the column");

/// A NUMERIC in place: the value is `Σ digit[i] × 10000^(weight - i)`.
struct Wire<'a> {
    weight: i32,
    sign: u16,
    places: u16,
    digits: &'a [u8],
}

impl<'a> Wire<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Misfit> {
        let ([n0, n1, w0, w1, s0, s1, p0, p1], digits) =
            bytes.split_first_chunk::<8>().ok_or(MALFORMED)?;
        if digits.len() != 2 * usize::from(u16::from_be_bytes([*n0, *n1])) {
            return Err(MALFORMED);
        }
        Ok(Self {
            weight: i16::from_be_bytes([*w0, *w1]).into(),
            sign: u16::from_be_bytes([*s0, *s1]),
            places: u16::from_be_bytes([*p0, *p1]),
            digits,
        })
    }

    fn digits(&self) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + '_ {
        let pairs = self.digits.as_chunks::<2>().0;
        pairs.iter().map(|pair| u16::from_be_bytes(*pair))
    }
}

/// Reads a NUMERIC as an unscaled value of `scale`, at most `max` from zero.
///
/// # Errors
/// It is NaN or infinite, or does not fit.
pub(crate) fn read_decimal(bytes: &[u8], scale: i8, max: u128) -> Result<i128, Misfit> {
    let wire = Wire::new(bytes)?;
    let negative = match wire.sign {
        POSITIVE => false,
        NEGATIVE => true,
        _ => return Err(NOT_FINITE),
    };
    let mut digits = wire.digits();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let Some(last) = digits.next_back() else {
        return Ok(0);
    };
    let whole = if count <= 4 {
        // The common case stays in one word.
        u128::from(digits.fold(0u64, |v, d| v * 10_000 + u64::from(d)))
    } else {
        digits
            .try_fold(0u128, |v, d| v.checked_mul(10_000)?.checked_add(d.into()))
            .ok_or(TOO_LARGE)?
    };
    // The last digit counts 10^shift: its own zeros at the end may lie beyond the scale.
    let shift = 4 * (wire.weight - count + 1) + i32::from(scale);
    let last = u128::from(last);
    let unscaled = if shift >= 0 {
        power(shift.unsigned_abs())
            .and_then(|p| whole.checked_mul(10_000)?.checked_add(last)?.checked_mul(p))
    } else if shift > -4 {
        let beyond = 10u128.pow(shift.unsigned_abs());
        if last % beyond != 0 {
            return Err(TOO_FINE);
        }
        whole
            .checked_mul(10_000 / beyond)
            .and_then(|w| w.checked_add(last / beyond))
    } else {
        return Err(TOO_FINE);
    };
    let unscaled = unscaled
        .filter(|u| *u <= max)
        .and_then(|u| i128::try_from(u).ok())
        .ok_or(TOO_LARGE)?;
    Ok(if negative { -unscaled } else { unscaled })
}

/// Appends a NUMERIC as text, as PostgreSQL writes it; the number of bytes.
///
/// # Errors
/// It is malformed.
pub(crate) fn read_text(bytes: &[u8], out: &mut String) -> Result<(), Misfit> {
    let wire = Wire::new(bytes)?;
    match wire.sign {
        POSITIVE => {}
        NEGATIVE => out.push('-'),
        NAN => {
            out.push_str("NaN");
            return Ok(());
        }
        INFINITY => {
            out.push_str("Infinity");
            return Ok(());
        }
        MINUS_INFINITY => {
            out.push_str("-Infinity");
            return Ok(());
        }
        _ => return Err(MALFORMED),
    }
    let mut digits = wire.digits();
    if wire.weight < 0 {
        out.push('0');
    }
    for position in 0..=wire.weight {
        let digit = four(digits.next().unwrap_or(0))?;
        let zeros = if position == 0 {
            digit.iter().take(3).take_while(|d| **d == b'0').count()
        } else {
            0
        };
        out.extend(digit[zeros..].iter().map(|d| char::from(*d)));
    }
    if wire.places == 0 {
        return Ok(());
    }
    out.push('.');
    let mut left = usize::from(wire.places);
    let mut position = -1;
    while left > 0 {
        // Digits that are not stored are zeros, before the first as well as after the last.
        let digit = if position > wire.weight {
            0
        } else {
            digits.next().unwrap_or(0)
        };
        out.extend(four(digit)?.iter().take(left).map(|d| char::from(*d)));
        left = left.saturating_sub(4);
        position -= 1;
    }
    Ok(())
}

/// Four decimal digits of a digit in base 10,000.
fn four(digit: u16) -> Result<[u8; 4], Misfit> {
    if digit > 9_999 {
        return Err(MALFORMED);
    }
    let digit = |unit: u16| b'0' + u8::try_from(digit / unit % 10).unwrap_or(0);
    Ok([digit(1000), digit(100), digit(10), digit(1)])
}

fn power(exponent: u32) -> Option<u128> {
    10u128.checked_pow(exponent)
}

/// Appends `unscaled × 10^-scale`.
pub(crate) fn write_decimal(unscaled: i128, scale: i8, out: &mut Vec<u8>) {
    // The lowest decimal digit counts 10^-scale, and stands so far up in its digit of base 10,000.
    let exponent = -i32::from(scale);
    let up = 10u16.pow(exponent.rem_euclid(4).unsigned_abs());
    let mut weight = exponent.div_euclid(4);
    let mut digits = Digits::default();
    let (mut rest, lowest) = split(unscaled.unsigned_abs(), 10_000 / up);
    digits.push(lowest * up);
    while rest > 0 {
        let (left, digit) = split(rest, 10_000);
        digits.push(digit);
        rest = left;
        weight += 1;
    }
    let sign = if unscaled < 0 { NEGATIVE } else { POSITIVE };
    digits.write(weight, sign, u16::from(scale.max(0).unsigned_abs()), out);
}

/// Quotient and remainder. Most values fit a word, whose division is far cheaper.
fn split(value: u128, unit: u16) -> (u128, u16) {
    let (left, digit) = match u64::try_from(value) {
        Ok(value) => (u128::from(value / u64::from(unit)), value % u64::from(unit)),
        Err(_) => {
            let digit = u64::try_from(value % u128::from(unit)).unwrap_or(0);
            (value / u128::from(unit), digit)
        }
    };
    (left, u16::try_from(digit).unwrap_or(0))
}

/// Digits in base 10,000, lowest first, while a number of 128 bits is taken apart.
#[derive(Default)]
struct Digits {
    digits: [u16; 12],
    len: usize,
}

impl Digits {
    fn push(&mut self, digit: u16) {
        // 39 decimal digits reach into eleven of these at most.
        if let Some(place) = self.digits.get_mut(self.len) {
            *place = digit;
            self.len += 1;
        }
    }

    fn write(&self, weight: i32, sign: u16, places: u16, out: &mut Vec<u8>) {
        let digits = &self.digits[..self.len];
        let zeros = digits.iter().take_while(|d| **d == 0).count();
        let digits = &digits[zeros..];
        let weight = if digits.is_empty() { 0 } else { weight };
        header(digits.len(), weight, sign, places, out);
        for digit in digits.iter().rev() {
            out.extend_from_slice(&digit.to_be_bytes());
        }
    }
}

fn header(digits: usize, weight: i32, sign: u16, places: u16, out: &mut Vec<u8>) {
    // Callers have held both to what PostgreSQL takes, far below 16 bits.
    let digits = u16::try_from(digits).unwrap_or(u16::MAX);
    let weight = i16::try_from(weight).unwrap_or(i16::MAX);
    for part in [
        digits.to_be_bytes(),
        weight.to_be_bytes(),
        sign.to_be_bytes(),
    ] {
        out.extend_from_slice(&part);
    }
    out.extend_from_slice(&places.to_be_bytes());
}

/// Appends the number that stands in `text`: `[+-]digits[.digits][e[+-]digits]`, `NaN`,
/// `[+-]Infinity`. `to` is the precision and scale of the column, where it has them.
///
/// # Errors
/// It is none of these, or beyond what NUMERIC or the column holds.
pub(crate) fn write_text(
    text: &str,
    to: Option<(u8, i8)>,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let (most_digits, most_places) = to.map_or((MAX_WHOLE_DIGITS, MAX_PLACES), |(p, s)| {
        (i64::from(p) - i64::from(s), i64::from(s))
    });
    let (sign, number) = match text.as_bytes() {
        [b'-', rest @ ..] => (NEGATIVE, rest),
        [b'+', rest @ ..] => (POSITIVE, rest),
        rest => (POSITIVE, rest),
    };
    if !number
        .first()
        .is_some_and(|b| b.is_ascii_digit() || *b == b'.')
    {
        return special(text, out);
    }
    let (mantissa, exponent) = match number.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&number[..at], exponent(&number[at + 1..])?),
        None => (number, 0),
    };
    let point = mantissa.iter().position(|b| *b == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &[][..]),
    };
    let digit_at = |i: usize| whole.get(i).or_else(|| fraction.get(i - whole.len()));
    let count = whole.len() + fraction.len();
    if count == 0 || !(0..count).all(|i| digit_at(i).is_some_and(u8::is_ascii_digit)) {
        return Err(NOT_A_NUMBER);
    }
    let decimal = |i: usize| digit_at(i).map_or(0, |d| u16::from(d - b'0'));
    let length = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    // Digits of which the first counts 10^top; zeros at both ends do not count.
    let places = (length(fraction.len()) - exponent).max(0);
    let Some(first) = (0..count).find(|i| decimal(*i) != 0) else {
        let places = u16::try_from(places.min(MAX_PLACES)).unwrap_or(0);
        header(0, 0, POSITIVE, places, out);
        return Ok(());
    };
    let last = (first..count)
        .rev()
        .find(|i| decimal(*i) != 0)
        .unwrap_or(first);
    let top = length(whole.len()) - 1 - length(first) + exponent;
    let bottom = length(whole.len()) - 1 - length(last) + exponent;
    if top >= most_digits {
        return Err(TOO_LARGE);
    }
    if -bottom > most_places {
        return Err(TOO_FINE);
    }
    let places = u16::try_from(places.min(MAX_PLACES)).unwrap_or(0);
    let (weight, lowest) = (top.div_euclid(4), bottom.div_euclid(4));
    header(
        usize::try_from(weight - lowest + 1).unwrap_or(0),
        i32::try_from(weight).unwrap_or(0),
        sign,
        places,
        out,
    );
    // Zeros fill the first digit up in front, and the last one behind.
    let mut next = first;
    let mut position = weight * 4 + 3;
    for _ in lowest..=weight {
        let mut digit = 0;
        for _ in 0..4 {
            let present = position <= top && next <= last;
            digit = digit * 10 + if present { decimal(next) } else { 0 };
            next += usize::from(present);
            position -= 1;
        }
        out.extend_from_slice(&digit.to_be_bytes());
    }
    Ok(())
}

fn special(text: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let is = |name: &str| text.eq_ignore_ascii_case(name);
    let sign = if is("nan") {
        NAN
    } else if is("infinity") || is("+infinity") || is("inf") || is("+inf") {
        INFINITY
    } else if is("-infinity") || is("-inf") {
        MINUS_INFINITY
    } else {
        return Err(NOT_A_NUMBER);
    };
    header(0, 0, sign, 0, out);
    Ok(())
}

fn exponent(text: &[u8]) -> Result<i64, Misfit> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    // Nine digits are beyond every NUMERIC, and far from an overflow.
    if !(1..=9).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NOT_A_NUMBER);
    }
    let value = digits.iter().fold(0, |v, d| v * 10 + i64::from(d - b'0'));
    Ok(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(write_text("1.239", Some((9, 2)), &mut out), Err(TOO_FINE));
        assert_eq!(write_text("1250", Some((9, -2)), &mut out), Err(TOO_FINE));
        assert_eq!(
            write_text("1000.00", Some((5, 2)), &mut out),
            Err(TOO_LARGE)
        );
        assert_eq!(write_text("1e131072", None, &mut out), Err(TOO_LARGE));
        assert_eq!(write_text("1e-16384", None, &mut out), Err(TOO_FINE));
        assert!(out.is_empty());
        assert_eq!(write_text("1.2300", Some((9, 2)), &mut out), Ok(()));
        assert_eq!(read_decimal(&wire("1.239"), 2, u128::MAX), Err(TOO_FINE));
        assert_eq!(
            read_decimal(&wire("0.00000001"), 2, u128::MAX),
            Err(TOO_FINE)
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
