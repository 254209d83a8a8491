//! Exact decimals: as number text, and as the big-endian two's complement of the unscaled value.
//!
//! Nothing here allocates but what is written to.
use crate::text::{TextSink, push_zeros};
use arrow_buffer::i256;

/// Digits that a [`Kind::BigDecimal`](crate::Kind::BigDecimal) may have on either side of its point
/// when an exponent is written out: PostgreSQL's own limit, so that `1e999999999` takes no memory.
const MOST_DIGITS: i64 = 131_072;

/// Why a text is not the unscaled value of a decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalError {
    /// It is no number.
    NotANumber,
    /// It has more digits after the point than the scale.
    Inexact,
    /// It has too many digits.
    OutOfRange,
}

/// The parts of a number text: `[+-]digits[.digits][(e|E)[+-]digits]`.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

fn split(text: &[u8]) -> Option<Parts<'_>> {
    fn run(text: &[u8]) -> (&[u8], &[u8]) {
        let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
        text.split_at(digits)
    }
    let (negative, rest) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (whole, mut rest) = run(rest);
    let mut fraction: &[u8] = &[];
    if let Some((b'.', after)) = rest.split_first() {
        (fraction, rest) = run(after);
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut exponent = 0;
    if let Some((b'e' | b'E', after)) = rest.split_first() {
        let (sign, digits) = match after.split_first()? {
            (b'-', digits) => (-1, digits),
            (b'+', digits) => (1, digits),
            _ => (1, after),
        };
        let (digits, end) = run(digits);
        if digits.is_empty() {
            return None;
        }
        // Saturates far beyond what any decimal reaches.
        exponent = sign
            * digits.iter().fold(0i64, |value, b| {
                (value * 10 + i64::from(b - b'0')).min(1 << 40)
            });
        rest = end;
    }
    rest.is_empty().then_some(Parts {
        negative,
        whole,
        fraction,
        exponent,
    })
}

/// The unscaled value at `scale` of a number text: exact or refused, never rounded.
///
/// # Errors
/// It is none of at most 38 digits.
pub fn parse(text: &[u8], scale: i8) -> Result<i128, DecimalError> {
    let parts = split(text).ok_or(DecimalError::NotANumber)?;
    let (mut unscaled, mut zeros) = (0u128, 0u32);
    for digit in parts.whole.iter().chain(parts.fraction) {
        // Zeros count once a digit follows them, so that 1.000 fits a scale of 0.
        if *digit == b'0' {
            zeros += u32::from(unscaled != 0);
            continue;
        }
        unscaled = 10u128
            .checked_pow(zeros + 1)
            .and_then(|power| unscaled.checked_mul(power))
            .and_then(|value| value.checked_add(u128::from(digit - b'0')))
            .ok_or(DecimalError::OutOfRange)?;
        zeros = 0;
    }
    if unscaled == 0 {
        return Ok(0);
    }
    let fraction = i64::try_from(parts.fraction.len()).or(Err(DecimalError::OutOfRange))?;
    let shift = parts.exponent - fraction + i64::from(zeros) + i64::from(scale);
    if shift < 0 {
        return Err(DecimalError::Inexact);
    }
    let value = u32::try_from(shift)
        .ok()
        .and_then(|shift| 10u128.checked_pow(shift))
        .and_then(|power| unscaled.checked_mul(power))
        .and_then(|value| i128::try_from(value).ok())
        .ok_or(DecimalError::OutOfRange)?;
    Ok(if parts.negative { -value } else { value })
}

/// As [`parse`], for up to 76 digits.
///
/// # Errors
/// It is none of at most 76 digits.
pub fn parse_wide(text: &[u8], scale: i8) -> Result<i256, DecimalError> {
    match parse(text, scale) {
        Err(DecimalError::OutOfRange) => {}
        short => return short.map(i256::from_i128),
    }
    let parts = split(text).ok_or(DecimalError::NotANumber)?;
    let power = |exponent| i256::from_i128(10).checked_pow(exponent);
    let (mut unscaled, mut zeros) = (i256::ZERO, 0u32);
    for digit in parts.whole.iter().chain(parts.fraction) {
        if *digit == b'0' {
            zeros += u32::from(unscaled != i256::ZERO);
            continue;
        }
        unscaled = power(zeros + 1)
            .and_then(|power| unscaled.checked_mul(power))
            .and_then(|value| value.checked_add(i256::from_i128((digit - b'0').into())))
            .ok_or(DecimalError::OutOfRange)?;
        zeros = 0;
    }
    let fraction = i64::try_from(parts.fraction.len()).or(Err(DecimalError::OutOfRange))?;
    let shift = parts.exponent - fraction + i64::from(zeros) + i64::from(scale);
    if shift < 0 {
        return Err(DecimalError::Inexact);
    }
    let value = u32::try_from(shift)
        .ok()
        .and_then(power)
        .and_then(|power| unscaled.checked_mul(power))
        .ok_or(DecimalError::OutOfRange)?;
    Ok(if parts.negative {
        value.wrapping_neg()
    } else {
        value
    })
}

/// Reads a number text as an unscaled value of `scale` with at most `precision` digits; `None`
/// where it is none. Zeros at the end of the fraction do not count as places.
pub fn parse_wide_decimal(text: &str, precision: u8, scale: i8) -> Option<i256> {
    let value = parse_wide(text.as_bytes(), scale).ok()?;
    (value.wrapping_abs() <= max_unscaled_wide(precision)).then_some(value)
}

/// The largest unscaled value of `precision` decimal digits, `10^precision - 1`, for up to 76 of
/// them.
pub fn max_unscaled_wide(precision: u8) -> i256 {
    i256::from_i128(10)
        .checked_pow(precision.into())
        .map_or(i256::MAX, |power| power.wrapping_sub(i256::ONE))
}

/// The unscaled value at `scale` of a whole number.
///
/// # Errors
/// It is none of at most 38 digits.
#[inline]
pub fn scaled(negative: bool, magnitude: u64, scale: i8) -> Result<i128, DecimalError> {
    let magnitude = i128::from(magnitude);
    let value = match 10i128.checked_pow(scale.unsigned_abs().into()) {
        _ if magnitude == 0 => 0,
        Some(power) if scale >= 0 => magnitude
            .checked_mul(power)
            .ok_or(DecimalError::OutOfRange)?,
        Some(power) if magnitude % power == 0 => magnitude / power,
        None if scale >= 0 => return Err(DecimalError::OutOfRange),
        _ => return Err(DecimalError::Inexact),
    };
    Ok(if negative { -value } else { value })
}

/// `magnitude × 10^-places`, where it is short enough that one division of two exact floats
/// rounds it correctly (Clinger's fast path).
#[inline]
pub fn short_double(magnitude: u64, places: i8) -> Option<f64> {
    const POWERS: [f64; 20] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19,
    ];
    // A float of 64 bits holds whole numbers to 2^53, and powers of ten to 10^22, exactly.
    let power = POWERS.get(usize::try_from(places).ok()?)?;
    (magnitude < 1 << 53).then(|| magnitude as f64 / power)
}

/// The canonical text of a number of any size, or of NaN and the infinities: no exponent, no
/// sign `+`. The text itself where it is canonical already; else it is written to `scratch`.
///
/// # Errors
/// It is no such text, or has an exponent beyond what any database holds.
pub fn canonical<'a>(text: &'a str, scratch: &'a mut String) -> Result<&'a str, DecimalError> {
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return Ok(text);
    }
    let parts = split(text.as_bytes()).ok_or(DecimalError::NotANumber)?;
    let has_exponent = text.contains(['e', 'E']);
    if !has_exponent && !parts.whole.is_empty() && !text.starts_with('+') {
        return Ok(text);
    }
    if parts.exponent.abs() > MOST_DIGITS {
        return Err(DecimalError::OutOfRange);
    }
    let whole = i64::try_from(parts.whole.len()).or(Err(DecimalError::OutOfRange))?;
    let point = whole + parts.exponent;
    scratch.clear();
    if parts.negative {
        scratch.push('-');
    }
    let mut digits = parts
        .whole
        .iter()
        .chain(parts.fraction)
        .map(|b| char::from(*b));
    if point <= 0 {
        scratch.push('0');
    }
    for _ in 0..point {
        scratch.push(digits.next().unwrap_or('0'));
    }
    let mut fraction = digits.peekable();
    if point < 0 || fraction.peek().is_some() {
        scratch.push('.');
        scratch.extend((point..0).map(|_| '0'));
        scratch.extend(fraction);
    }
    Ok(scratch)
}

/// Whether `text` is a decimal number of any size: `[+-]digits[.digits][e[+-]digits]`.
pub fn is_number(text: &[u8]) -> bool {
    split(text).is_some()
}

/// Writes `unscaled × 10^-scale` in plain digits: `(-1234, 2)` as `-12.34`, `(12, -2)` as `1200`.
#[inline]
pub fn write(out: &mut impl TextSink, unscaled: i128, scale: i8) {
    if unscaled < 0 {
        out.push_text("-");
    }
    let mut buffer = itoa::Buffer::new();
    let digits = match u64::try_from(unscaled.unsigned_abs()) {
        Ok(small) => buffer.format(small),
        Err(_) => buffer.format(unscaled.unsigned_abs()),
    };
    write_scaled(out, digits, scale);
}

/// As [`write`](fn@write), for up to 76 digits.
pub fn write_wide(out: &mut impl TextSink, unscaled: i256, scale: i8) {
    /// 10^38: what is below has 38 digits at most.
    const HALF: i128 = 10i128.pow(38);
    if let Some(short) = unscaled.to_i128() {
        return write(out, short, scale);
    }
    if unscaled.is_negative() {
        out.push_text("-");
    }
    let (high, low) = unscaled.wrapping_div_rem(i256::from_i128(HALF));
    let (Some(high), Some(low)) = (high.to_i128(), low.to_i128()) else {
        // More than 76 digits, which no decimal has.
        return write_scaled(out, unscaled.to_string().trim_start_matches('-'), scale);
    };
    let mut digits = [b'0'; 2 * 39];
    let (mut first, mut second) = (itoa::Buffer::new(), itoa::Buffer::new());
    let first = first.format(high.unsigned_abs()).as_bytes();
    let second = second.format(low.unsigned_abs()).as_bytes();
    let length = first.len() + 38;
    digits[..first.len()].copy_from_slice(first);
    digits[length - second.len()..length].copy_from_slice(second);
    // Digits are text.
    write_scaled(
        out,
        str::from_utf8(&digits[..length]).unwrap_or_default(),
        scale,
    );
}

/// Writes `digits × 10^-scale`.
#[inline]
fn write_scaled(out: &mut impl TextSink, digits: &str, scale: i8) {
    let places = usize::from(scale.unsigned_abs());
    if scale <= 0 {
        out.push_text(digits);
        if digits != "0" {
            push_zeros(out, places);
        }
    } else if digits.len() > places {
        let (whole, fraction) = digits.split_at(digits.len() - places);
        out.push_text(whole);
        out.push_text(".");
        out.push_text(fraction);
    } else {
        out.push_text("0.");
        push_zeros(out, places - digits.len());
        out.push_text(digits);
    }
}

/// The fewest big-endian bytes that hold `unscaled` as two's complement, as Java's
/// `BigInteger.toByteArray` gives them; they are the last of the 16, and this is how many.
#[inline]
pub fn significant_bytes(unscaled: i128) -> usize {
    let magnitude = if unscaled < 0 { !unscaled } else { unscaled };
    // One bit more, for the sign.
    (128 - magnitude.leading_zeros()) as usize / 8 + 1
}

/// As [`significant_bytes`], of 32 bytes.
pub fn significant_bytes_wide(unscaled: i256) -> usize {
    let (low, high) = unscaled.to_parts();
    let sign = if high < 0 { u128::MAX } else { 0 };
    if high == sign.cast_signed() && (low ^ sign).leading_zeros() > 0 {
        return significant_bytes(low.cast_signed());
    }
    16 + if high == sign.cast_signed() {
        1
    } else {
        significant_bytes(high)
    }
}

/// The unscaled value of big-endian two's complement bytes of any number; `None` where it needs
/// more than 128 bits, or there are none.
pub fn from_bytes(bytes: &[u8]) -> Option<i128> {
    extended(bytes).map(i128::from_be_bytes)
}

/// As [`from_bytes`], of 256 bits.
pub fn from_bytes_wide(bytes: &[u8]) -> Option<i256> {
    extended(bytes).map(i256::from_be_bytes)
}

/// Two's complement bytes as so many.
#[inline]
fn extended<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let negative = *bytes.first()? >= 0x80;
    let sign = if negative { 0xff } else { 0 };
    let mut value = [sign; N];
    let (head, tail) = bytes.split_at(bytes.len().saturating_sub(N));
    value[N - tail.len()..].copy_from_slice(tail);
    (head.iter().all(|b| *b == sign) && (value[0] >= 0x80) == negative).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn number_texts_are_read_exactly_or_refused() {
        for (text, scale, value) in [
            ("12.34", 2, Ok(1234)),
            ("-12.34", 2, Ok(-1234)),
            ("1E+3", 0, Ok(1000)),
            ("-1E-10", 10, Ok(-1)),
            ("1.230", 2, Ok(123)),
            ("100", -2, Ok(1)),
            ("120", -2, Err(DecimalError::Inexact)),
            ("1.239", 2, Err(DecimalError::Inexact)),
            ("0e999999999999999999999", 0, Ok(0)),
            ("1e999999999999999999999", 0, Err(DecimalError::OutOfRange)),
            ("1e-999999999999999999999", 0, Err(DecimalError::Inexact)),
            ("-0.00", 2, Ok(0)),
            (
                "99999999999999999999999999999999999999.000",
                0,
                Ok(10i128.pow(38) - 1),
            ),
            (
                "999999999999999999999999999999999999999999",
                0,
                Err(DecimalError::OutOfRange),
            ),
            ("", 0, Err(DecimalError::NotANumber)),
            ("-", 0, Err(DecimalError::NotANumber)),
            (".", 0, Err(DecimalError::NotANumber)),
            ("1e", 0, Err(DecimalError::NotANumber)),
            ("1 ", 0, Err(DecimalError::NotANumber)),
            ("NaN", 0, Err(DecimalError::NotANumber)),
        ] {
            assert_eq!(parse(text.as_bytes(), scale), value, "{text} at {scale}");
        }
    }

    #[test]
    fn numbers_of_any_size_get_their_canonical_text() {
        let mut scratch = String::new();
        for (text, canon) in [
            ("NaN", "NaN"),
            ("-Infinity", "-Infinity"),
            ("1.50", "1.50"),
            ("+7", "7"),
            (".5", "0.5"),
            ("1E+3", "1000"),
            ("-1.25e1", "-12.5"),
            ("1.25e-3", "0.00125"),
            ("125e-3", "0.125"),
            ("1e0", "1"),
        ] {
            assert_eq!(canonical(text, &mut scratch), Ok(canon));
        }
        assert_eq!(
            canonical("1e999999999", &mut scratch),
            Err(DecimalError::OutOfRange)
        );
        assert_eq!(canonical("x", &mut scratch), Err(DecimalError::NotANumber));
    }

    #[test]
    fn bytes_are_those_of_java() {
        for (value, bytes) in [
            (0, vec![0]),
            (-1, vec![0xff]),
            (127, vec![0x7f]),
            (128, vec![0, 0x80]),
            (-128, vec![0x80]),
            (-129, vec![0xff, 0x7f]),
            (9990, vec![0x27, 0x06]),
        ] {
            assert_eq!(significant_bytes(value), bytes.len());
            assert_eq!(i128::to_be_bytes(value)[16 - bytes.len()..], bytes);
            assert_eq!(from_bytes(&bytes), Some(value));
        }
        assert_eq!(from_bytes(&[]), None);
        assert_eq!(from_bytes(&[0; 20]), Some(0));
        assert_eq!(from_bytes(&[0xff; 20]), Some(-1));
        assert_eq!(from_bytes(&[1; 17]), None);
        assert_eq!(from_bytes(&[[0].as_slice(), &[0xff; 16]].concat()), None);
    }

    #[test]
    fn wide_decimals_are_read_and_written_exactly_or_refused() {
        let most = "9".repeat(76);
        let value = max_unscaled_wide(76);
        for (text, scale, read) in [
            (most.as_str(), 0, Ok(value)),
            (&format!("-{most}.000"), 0, Ok(value.wrapping_neg())),
            (
                &format!("-{}.{}", &most[..46], &most[46..]),
                30,
                Ok(value.wrapping_neg()),
            ),
            (
                &format!("1{}", "0".repeat(77)),
                0,
                Err(DecimalError::OutOfRange),
            ),
            (&format!("{}.1", &most[..40]), 0, Err(DecimalError::Inexact)),
            ("1e40", 20, Ok(i256::from_i128(10).wrapping_pow(60))),
            ("-1.5", 1, Ok(i256::from_i128(-15))),
            ("x", 1, Err(DecimalError::NotANumber)),
        ] {
            assert_eq!(
                parse_wide(text.as_bytes(), scale),
                read,
                "{text} at {scale}"
            );
        }
    }

    proptest! {
        #[test]
        fn wide_texts_and_bytes_come_back(low: u128, high: i128, cut in 0u32..250, scale in -20i8..100) {
            let mut value = i256::from_parts(low, high) >> u8::try_from(cut).unwrap();
            if value.checked_abs().is_none_or(|v| v > max_unscaled_wide(76)) {
                value = value >> 4;
            }
            let mut text = Vec::new();
            write_wide(&mut text, value, 0);
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), value.to_string());
            text.clear();
            write_wide(&mut text, value, scale);
            prop_assert_eq!(parse_wide(&text, scale), Ok(value));
            let bytes = value.to_be_bytes();
            let short = &bytes[32 - significant_bytes_wide(value)..];
            prop_assert_eq!(from_bytes_wide(short), Some(value));
            let shorter = short.get(1..).filter(|b| !b.is_empty());
            prop_assert_ne!(shorter.and_then(from_bytes_wide), Some(value));
        }

        #[test]
        fn texts_and_bytes_come_back(value: i128, scale: i8) {
            let mut text = Vec::new();
            write(&mut text, value, scale);
            prop_assert_eq!(
                std::str::from_utf8(&text).unwrap(),
                crate::value::decimal_text(value, scale)
            );
            if value != i128::MIN {
                prop_assert_eq!(parse(&text, scale), Ok(value));
            }
            let bytes = value.to_be_bytes();
            let start = 16 - significant_bytes(value);
            prop_assert_eq!(from_bytes(&bytes[start..]), Some(value));
        }
    }
}
