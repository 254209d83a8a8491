//! Numbers into columns of numbers: the same number, or refused.
use super::{Writer, cell, sized};
use crate::{encode::target::Target, types::numeric};
use connect_api::arrow::{
    array::{
        Array, ArrowPrimitiveType, BooleanArray, Decimal128Array, Decimal256Array, PrimitiveArray,
    },
    buffer::i256,
};
use dialect_core::ValueError;

pub(super) const OUT_OF_RANGE: ValueError = ValueError("is out of the range of the column's type");
pub(super) const NOT_EXACT: ValueError = ValueError("is not exact in the column's type");
pub(super) const NOT_A_BOOL: ValueError = ValueError("is neither 0 nor 1");

pub(super) fn booleans<'a>(a: &'a BooleanArray, target: &Target) -> Option<Writer<'a>> {
    Some(match target {
        Target::Bool => cell(a, |row| Ok([u8::from(a.value(row))])),
        // One bit, and the byte that it stands in.
        Target::Bit => cell(a, |row| Ok([0, 0, 0, 1, u8::from(a.value(row)) << 7])),
        Target::Int2 => cell(a, |row| Ok(i16::from(a.value(row)).to_be_bytes())),
        Target::Int4 => cell(a, |row| Ok(i32::from(a.value(row)).to_be_bytes())),
        Target::Int8 => cell(a, |row| Ok(i64::from(a.value(row)).to_be_bytes())),
        _ => return None,
    })
}

pub(super) fn integers<'a, T>(a: &'a PrimitiveArray<T>, target: &Target) -> Option<Writer<'a>>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i128>,
{
    let value = |row: usize| -> i128 { a.value(row).into() };
    Some(match *target {
        Target::Int2 => cell(a, move |row| int2(value(row))),
        Target::Int4 => cell(a, move |row| int4(value(row))),
        Target::Int8 => cell(a, move |row| int8(value(row))),
        Target::Oid => cell(a, move |row| {
            let value = u32::try_from(value(row)).ok().ok_or(OUT_OF_RANGE)?;
            Ok(value.to_be_bytes())
        }),
        Target::Xid8 => cell(a, move |row| {
            let value = u64::try_from(value(row)).ok().ok_or(OUT_OF_RANGE)?;
            Ok(value.to_be_bytes())
        }),
        Target::Bool => cell(a, move |row| match value(row) {
            0 => Ok([0]),
            1 => Ok([1]),
            _ => Err(NOT_A_BOOL),
        }),
        Target::Float4 => cell(a, move |row| narrow(float(value(row))?)),
        Target::Float8 => cell(a, move |row| Ok(float(value(row))?.to_be_bytes())),
        Target::Numeric(to) => decimals(a, value, 0, to),
        Target::Money(scale) => cell(a, move |row| money(value(row), 0, scale)),
        _ => return None,
    })
}

pub(super) fn fixed_decimals<'a>(a: &'a Decimal128Array, target: &Target) -> Option<Writer<'a>> {
    let scale = a.scale();
    let whole = move |row| integer(a.value(row), scale);
    Some(match *target {
        Target::Int2 => cell(a, move |row| whole(row).and_then(int2)),
        Target::Int4 => cell(a, move |row| whole(row).and_then(int4)),
        Target::Int8 => cell(a, move |row| whole(row).and_then(int8)),
        Target::Xid8 => cell(a, move |row| {
            let value = u64::try_from(whole(row)?).ok().ok_or(OUT_OF_RANGE)?;
            Ok(value.to_be_bytes())
        }),
        Target::Numeric(to) => decimals(a, |row| a.value(row), scale, to),
        Target::Money(places) => cell(a, move |row| money(a.value(row), scale, places)),
        _ => return None,
    })
}

pub(super) fn wide_decimals<'a>(a: &'a Decimal256Array, target: &Target) -> Option<Writer<'a>> {
    let Target::Numeric(to) = *target else {
        return None;
    };
    let from = a.scale();
    let power = |exponent: i32| {
        let exponent = u32::try_from(exponent.max(0)).ok()?;
        i256::from_i128(10).checked_pow(exponent)
    };
    let unit = to.map(|(_, scale)| i32::from(from) - i32::from(scale));
    let unit = unit.filter(|exponent| *exponent > 0);
    // What reaches beyond 76 digits is coarser than every value but zero.
    let unit = unit.map(|exponent| power(exponent).unwrap_or(i256::MAX));
    let end = to.and_then(|(precision, scale)| {
        power(i32::from(precision) - i32::from(scale) + i32::from(from))
    });
    Some(sized(a, move |row, out| {
        let value = a.value(row);
        let magnitude = value.wrapping_abs();
        if unit.is_some_and(|unit| magnitude.wrapping_rem(unit) != i256::ZERO) {
            return Err(numeric::TOO_PRECISE);
        }
        if end.is_some_and(|end| magnitude >= end && magnitude > i256::ZERO) {
            return Err(numeric::TOO_LARGE);
        }
        numeric::write_wide(value, from, out);
        Ok(())
    }))
}

fn int2(value: i128) -> Result<[u8; 2], ValueError> {
    let value = i16::try_from(value).ok().ok_or(OUT_OF_RANGE)?;
    Ok(value.to_be_bytes())
}

fn int4(value: i128) -> Result<[u8; 4], ValueError> {
    let value = i32::try_from(value).ok().ok_or(OUT_OF_RANGE)?;
    Ok(value.to_be_bytes())
}

fn int8(value: i128) -> Result<[u8; 8], ValueError> {
    let value = i64::try_from(value).ok().ok_or(OUT_OF_RANGE)?;
    Ok(value.to_be_bytes())
}

/// An integer as the float that is the same number.
fn float(value: i128) -> Result<f64, ValueError> {
    // Every integer up to here is a float; beyond it some are.
    const EXACT: u128 = 1 << 53;
    if value.unsigned_abs() > EXACT {
        return Err(NOT_EXACT);
    }
    #[expect(clippy::cast_precision_loss, reason = "checked above")]
    Ok(value as f64)
}

/// A float of 64 bits as the one of 32 bits that is the same number.
pub(super) fn narrow(value: f64) -> Result<[u8; 4], ValueError> {
    #[expect(clippy::cast_possible_truncation, reason = "checked below")]
    let narrow = value as f32;
    if f64::from(narrow) == value || value.is_nan() {
        Ok(narrow.to_be_bytes())
    } else {
        Err(NOT_EXACT)
    }
}

/// The integer that `unscaled × 10^-scale` is.
fn integer(unscaled: i128, scale: i8) -> Result<i128, ValueError> {
    let unit = 10i128
        .checked_pow(scale.unsigned_abs().into())
        .ok_or(OUT_OF_RANGE)?;
    if scale < 0 {
        return unscaled.checked_mul(unit).ok_or(OUT_OF_RANGE);
    }
    if unscaled % unit != 0 {
        return Err(numeric::TOO_PRECISE);
    }
    Ok(unscaled / unit)
}

/// An amount of money in its least coin.
fn money(unscaled: i128, scale: i8, places: i8) -> Result<[u8; 8], ValueError> {
    int8(integer(unscaled, scale.saturating_sub(places))?)
}

/// Unscaled values of scale `from` into a NUMERIC of the precision and scale `to`.
fn decimals<'a>(
    array: &'a dyn Array,
    value: impl Fn(usize) -> i128 + Send + Sync + 'a,
    from: i8,
    to: Option<(u16, i16)>,
) -> Writer<'a> {
    let power = |exponent: i32| 10u128.checked_pow(exponent.max(0).unsigned_abs());
    // The server rounds what is finer than the column; so it is refused here.
    let unit = to.and_then(|(_, scale)| power(i32::from(from) - i32::from(scale)));
    let unit = unit.unwrap_or(if to.is_some() { u128::MAX } else { 1 });
    let end = to.and_then(|(precision, scale)| {
        power(i32::from(precision) - i32::from(scale) + i32::from(from))
    });
    sized(array, move |row, out| {
        let value = value(row);
        let magnitude = value.unsigned_abs();
        if unit > 1 && !magnitude.is_multiple_of(unit) {
            return Err(numeric::TOO_PRECISE);
        }
        if end.is_some_and(|end| magnitude >= end && magnitude > 0) {
            return Err(numeric::TOO_LARGE);
        }
        numeric::write_decimal(value, from, out);
        Ok(())
    })
}
