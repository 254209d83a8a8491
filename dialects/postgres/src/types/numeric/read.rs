//! NUMERIC from the wire.
use super::{INFINITY, MINUS_INFINITY, NAN, NEGATIVE, POSITIVE, TOO_LARGE, TOO_PRECISE};
use connect_api::arrow::buffer::i256;
use dialect_core::ValueError;

const MALFORMED: ValueError = ValueError("is not a NUMERIC on the wire");
pub(crate) const NOT_FINITE: ValueError =
    ValueError("is NaN or infinite, which decimals cannot be");

/// A NUMERIC in place: the value is `Σ digit[i] × 10000^(weight - i)`.
struct Wire<'a> {
    weight: i32,
    sign: u16,
    places: u16,
    digits: &'a [u8],
}

impl<'a> Wire<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, ValueError> {
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
pub(crate) fn read_decimal(bytes: &[u8], scale: i8, max: u128) -> Result<i128, ValueError> {
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
            return Err(TOO_PRECISE);
        }
        whole
            .checked_mul(10_000 / beyond)
            .and_then(|w| w.checked_add(last / beyond))
    } else {
        return Err(TOO_PRECISE);
    };
    let unscaled = unscaled
        .filter(|u| *u <= max)
        .and_then(|u| i128::try_from(u).ok())
        .ok_or(TOO_LARGE)?;
    Ok(if negative { -unscaled } else { unscaled })
}

/// As [`read_decimal`], for more than 38 digits; `max` is the largest unscaled value.
///
/// # Errors
/// As there.
pub(crate) fn read_wide(bytes: &[u8], scale: i8, max: i256) -> Result<i256, ValueError> {
    let wire = Wire::new(bytes)?;
    let negative = match wire.sign {
        POSITIVE => false,
        NEGATIVE => true,
        _ => return Err(NOT_FINITE),
    };
    let mut digits = wire.digits();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let Some(last) = digits.next_back() else {
        return Ok(i256::ZERO);
    };
    let unit = i256::from_i128(10_000);
    let add = |value: i256, digit: i256| value.checked_mul(unit)?.checked_add(digit);
    let whole = digits
        .try_fold(i256::ZERO, |v, d| add(v, i256::from_i128(d.into())))
        .ok_or(TOO_LARGE)?;
    let shift = 4 * (wire.weight - count + 1) + i32::from(scale);
    let unscaled = if shift >= 0 {
        i256::from_i128(10)
            .checked_pow(shift.unsigned_abs())
            .and_then(|p| add(whole, i256::from_i128(last.into()))?.checked_mul(p))
    } else if shift > -4 {
        let beyond = 10u16.pow(shift.unsigned_abs());
        if last % beyond != 0 {
            return Err(TOO_PRECISE);
        }
        whole
            .checked_mul(i256::from_i128((10_000 / beyond).into()))
            .and_then(|w| w.checked_add(i256::from_i128((last / beyond).into())))
    } else {
        return Err(TOO_PRECISE);
    };
    let unscaled = unscaled.filter(|u| *u <= max).ok_or(TOO_LARGE)?;
    Ok(if negative {
        unscaled.wrapping_neg()
    } else {
        unscaled
    })
}

/// Appends a NUMERIC as text, as PostgreSQL writes it; the number of bytes.
///
/// # Errors
/// It is malformed.
pub(crate) fn read_text(bytes: &[u8], out: &mut String) -> Result<(), ValueError> {
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
fn four(digit: u16) -> Result<[u8; 4], ValueError> {
    if digit > 9_999 {
        return Err(MALFORMED);
    }
    let digit = |unit: u16| b'0' + u8::try_from(digit / unit % 10).unwrap_or(0);
    Ok([digit(1000), digit(100), digit(10), digit(1)])
}

fn power(exponent: u32) -> Option<u128> {
    10u128.checked_pow(exponent)
}
