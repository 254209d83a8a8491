//! NUMERIC to the wire.
use super::{INFINITY, MINUS_INFINITY, NAN, NEGATIVE, POSITIVE, TOO_LARGE, TOO_PRECISE};
use connect_api::arrow::buffer::i256;
use dialect_core::ValueError;

/// Digits before and after the decimal point that PostgreSQL takes.
const MAX_WHOLE_DIGITS: i64 = 131_072;
const MAX_PLACES: i64 = 16_383;

pub(super) const NOT_A_NUMBER: ValueError = ValueError("is not a decimal number");

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

/// As [`write_decimal`], for up to 77 digits.
pub(crate) fn write_wide(unscaled: i256, scale: i8, out: &mut Vec<u8>) {
    let exponent = -i32::from(scale);
    let up = 10u16.pow(exponent.rem_euclid(4).unsigned_abs());
    let mut weight = exponent.div_euclid(4);
    let mut digits = Digits::default();
    // The least value has no positive counterpart, but 78 digits, which no column has.
    let (mut rest, lowest) = split_wide(unscaled.wrapping_abs(), 10_000 / up);
    digits.push(lowest * up);
    while rest > i256::ZERO {
        let (left, digit) = split_wide(rest, 10_000);
        digits.push(digit);
        rest = left;
        weight += 1;
    }
    let sign = if unscaled < i256::ZERO {
        NEGATIVE
    } else {
        POSITIVE
    };
    digits.write(weight, sign, u16::from(scale.max(0).unsigned_abs()), out);
}

fn split_wide(value: i256, unit: u16) -> (i256, u16) {
    let unit = i256::from_i128(unit.into());
    let digit = value.wrapping_rem(unit).to_i128().unwrap_or(0);
    (value.wrapping_div(unit), u16::try_from(digit).unwrap_or(0))
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
    digits: [u16; 24],
    len: usize,
}

impl Digits {
    fn push(&mut self, digit: u16) {
        // 77 decimal digits reach into 21 of these at most.
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
    to: Option<(u16, i16)>,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
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
        return Err(TOO_PRECISE);
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

fn special(text: &str, out: &mut Vec<u8>) -> Result<(), ValueError> {
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

fn exponent(text: &[u8]) -> Result<i64, ValueError> {
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
