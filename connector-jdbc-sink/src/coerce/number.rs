//! Casts of numbers.
use crate::config::Narrow;
use connect_api::{
    Kind,
    arrow::{array::ArrowNativeTypeOp, buffer::i256},
    decimal,
};
use dialect_core::{Cells, ValueError};
use std::fmt::Write as _;

pub(super) const NOT_EXACT: ValueError = ValueError(
    "cannot be represented exactly in the column's type; set values.narrow=round or truncate to \
     write the nearest value",
);
pub(super) const OUT_OF_RANGE: ValueError = ValueError("is out of the range of the column's type");
const NOT_FINITE: ValueError =
    ValueError("is infinite or NaN, which the column's type does not support");

/// Decimal places of a decimal of any size that are read; digits after them only affect rounding.
const MAX_SCALE: usize = 40;

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(i128),
    /// Unscaled value and scale.
    Decimal(i128, i32),
    Wide(i256, i32),
    /// Its value is the shortest decimal that parses to this float.
    Double(f64),
    Single(f32),
}
use Number::{Decimal, Double, Single, Whole, Wide};

/// A numeric kind, or booleans, which are 0 and 1.
pub(super) fn is_number(kind: &Kind) -> bool {
    *kind == Kind::Bool || is_whole(kind) || is_float(kind) || is_decimal(kind)
}

pub(super) fn is_whole(kind: &Kind) -> bool {
    matches!(kind, Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64)
        || matches!(
            kind,
            Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64
        )
}

pub(super) fn is_float(kind: &Kind) -> bool {
    matches!(kind, Kind::Float32 | Kind::Float64)
}

pub(super) fn is_decimal(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal
    )
}

/// Reads the number in a row.
type Reader<'a> = Box<dyn Fn(usize) -> Result<Number, ValueError> + 'a>;

/// A reader of a column's cells as numbers; `None` if they are not numeric.
pub(super) fn reader<'a>(cells: Cells<'a>) -> Option<Reader<'a>> {
    Some(match cells {
        Cells::Bool(a) => Box::new(move |row| Ok(Whole(a.value(row).into()))),
        Cells::Int8(a) => Box::new(move |row| Ok(Whole(a.value(row).into()))),
        Cells::Int16(a) => Box::new(move |row| Ok(Whole(a.value(row).into()))),
        Cells::Int32(a) => Box::new(move |row| Ok(Whole(a.value(row).into()))),
        Cells::Int64(a) => Box::new(move |row| Ok(Whole(a.value(row).into()))),
        Cells::UInt8(a) => Box::new(move |row| Ok(Whole(a.value(row).into()))),
        Cells::UInt16(a) => Box::new(move |row| Ok(Whole(a.value(row).into()))),
        Cells::UInt32(a) => Box::new(move |row| Ok(Whole(a.value(row).into()))),
        Cells::UInt64(a) => Box::new(move |row| Ok(Whole(a.value(row).into()))),
        Cells::Float32(a) => Box::new(move |row| Ok(Single(a.value(row)))),
        Cells::Float64(a) => Box::new(move |row| Ok(Double(a.value(row)))),
        Cells::Decimal(a) => {
            let scale = a.scale().into();
            Box::new(move |row| Ok(Decimal(a.value(row), scale)))
        }
        Cells::WideDecimal(a) => {
            let scale = a.scale().into();
            Box::new(move |row| Ok(Wide(a.value(row), scale)))
        }
        // Only called for text columns that hold decimals.
        Cells::Text(a) => Box::new(move |row| parse_decimal(a.value(row))),
        _ => return None,
    })
}

/// Parses a decimal of any size in its canonical text. Digits beyond [`MAX_SCALE`] are replaced
/// with one digit, which is not 0 if any of them is not, so that rounding does not change.
fn parse_decimal(text: &str) -> Result<Number, ValueError> {
    let whole = text.find('.').unwrap_or(text.len());
    let places = text.len().saturating_sub(whole + 1);
    if places <= MAX_SCALE {
        return parse_short_decimal(text, places);
    }
    let (kept, cut) = text.split_at(whole + 1 + MAX_SCALE);
    let rest = if cut.bytes().any(|b| b != b'0') {
        "1"
    } else {
        "0"
    };
    parse_short_decimal(&format!("{kept}{rest}"), MAX_SCALE + 1)
}

fn parse_short_decimal(text: &str, places: usize) -> Result<Number, ValueError> {
    let scale = i8::try_from(places).or(Err(OUT_OF_RANGE))?;
    match decimal::parse_wide(text.as_bytes(), scale) {
        Ok(value) => Ok(Wide(value, scale.into())),
        Err(decimal::DecimalError::NotANumber) => Err(NOT_FINITE),
        Err(decimal::DecimalError::Inexact | decimal::DecimalError::OutOfRange) => {
            Err(OUT_OF_RANGE)
        }
    }
}

/// Parses a number such as `1.2345e-5` into its unscaled value and scale.
fn parse_shortest(text: &str) -> Option<(i128, i32)> {
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()?;
    Some((digits, places - exponent))
}

/// `value × 10^by`, rounded as `narrow` says if it is not an integer.
fn scaled<T: ArrowNativeTypeOp>(
    ten: T,
    value: T,
    by: i32,
    narrow: Narrow,
) -> Result<T, ValueError> {
    if value.is_zero() || by == 0 {
        return Ok(value);
    }
    let unit = ten.pow_checked(by.unsigned_abs()).ok();
    if by > 0 {
        return unit
            .and_then(|unit| value.mul_checked(unit).ok())
            .ok_or(OUT_OF_RANGE);
    }
    // A unit out of range is more than twice as large as any value.
    let (quotient, rest) = match unit {
        Some(unit) => (value.div_wrapping(unit), value.mod_wrapping(unit)),
        None => (T::ZERO, value),
    };
    if rest.is_zero() {
        return Ok(quotient);
    }
    let negative = value.is_lt(T::ZERO);
    let magnitude = if negative { rest.neg_wrapping() } else { rest };
    let up = unit.is_some_and(|unit| magnitude.is_ge(unit.sub_wrapping(magnitude)));
    match narrow {
        Narrow::Error => Err(NOT_EXACT),
        // Half away from zero.
        Narrow::Round if up && negative => Ok(quotient.sub_wrapping(T::ONE)),
        Narrow::Round if up => Ok(quotient.add_wrapping(T::ONE)),
        Narrow::Round | Narrow::Truncate => Ok(quotient),
    }
}

impl Number {
    /// Converts a float to a decimal.
    fn exact(self, scratch: &mut String) -> Result<Self, ValueError> {
        scratch.clear();
        // Writing to a string cannot fail.
        let _written = match self {
            Double(v) if v.is_finite() => write!(scratch, "{v:e}"),
            Single(v) if v.is_finite() => write!(scratch, "{v:e}"),
            Double(_) | Single(_) => return Err(NOT_FINITE),
            other => return Ok(other),
        };
        let (digits, scale) = parse_shortest(scratch).ok_or(OUT_OF_RANGE)?;
        Ok(Decimal(digits, scale))
    }

    /// The unscaled value at this scale.
    pub(super) fn unscaled(
        self,
        scale: i32,
        narrow: Narrow,
        scratch: &mut String,
    ) -> Result<i128, ValueError> {
        const TEN: i128 = 10;
        match self.exact(scratch)? {
            Whole(v) => scaled(TEN, v, scale, narrow),
            Decimal(v, of) => scaled(TEN, v, scale - of, narrow),
            wide => {
                let value = wide.unscaled_wide(scale, narrow, scratch)?;
                value.to_i128().ok_or(OUT_OF_RANGE)
            }
        }
    }

    /// The unscaled value of up to 76 digits at this scale.
    pub(super) fn unscaled_wide(
        self,
        scale: i32,
        narrow: Narrow,
        scratch: &mut String,
    ) -> Result<i256, ValueError> {
        let ten = i256::from_i128(10);
        match self.exact(scratch)? {
            Whole(v) => scaled(ten, i256::from_i128(v), scale, narrow),
            Decimal(v, of) => scaled(ten, i256::from_i128(v), scale - of, narrow),
            Wide(v, of) => scaled(ten, v, scale - of, narrow),
            Double(_) | Single(_) => Err(NOT_FINITE),
        }
    }

    /// As a 64-bit float. A decimal is exact if it is the shortest decimal of the float.
    pub(super) fn double(self, narrow: Narrow, scratch: &mut String) -> Result<f64, ValueError> {
        let nearest = match self {
            Single(v) => return Ok(v.into()),
            Double(v) => return Ok(v),
            Whole(v) if v.unsigned_abs() <= 1 << 53 => {
                #[expect(clippy::cast_precision_loss, reason = "every one of them is a float")]
                return Ok(v as f64);
            }
            other => other.parsed::<f64>(scratch)?,
        };
        if !nearest.is_finite() {
            return Err(OUT_OF_RANGE);
        }
        match narrow {
            Narrow::Error if !self.same(Double(nearest), scratch)? => Err(NOT_EXACT),
            Narrow::Error | Narrow::Round | Narrow::Truncate => Ok(nearest),
        }
    }

    /// As a 32-bit float.
    pub(super) fn single(self, narrow: Narrow, scratch: &mut String) -> Result<f32, ValueError> {
        let (nearest, same) = match self {
            Single(v) => return Ok(v),
            Double(v) => {
                #[expect(clippy::cast_possible_truncation, reason = "compared below")]
                let nearest = v as f32;
                if !v.is_finite() {
                    return Ok(nearest);
                }
                (nearest, f64::from(nearest) == v)
            }
            other => {
                let nearest = other.parsed::<f32>(scratch)?;
                let finite = nearest.is_finite();
                (nearest, finite && self.same(Single(nearest), scratch)?)
            }
        };
        match narrow {
            _ if !nearest.is_finite() => Err(OUT_OF_RANGE),
            Narrow::Error if !same => Err(NOT_EXACT),
            Narrow::Error | Narrow::Round | Narrow::Truncate => Ok(nearest),
        }
    }

    /// The nearest float.
    fn parsed<F: std::str::FromStr>(self, scratch: &mut String) -> Result<F, ValueError> {
        scratch.clear();
        self.write(scratch);
        scratch.parse().or(Err(OUT_OF_RANGE))
    }

    /// It is the shortest decimal of the float.
    fn same(self, float: Self, scratch: &mut String) -> Result<bool, ValueError> {
        let scale = match self {
            Whole(_) | Double(_) | Single(_) => 0,
            Decimal(_, scale) | Wide(_, scale) => scale,
        };
        let own = self.unscaled_wide(scale, Narrow::Error, scratch);
        let back = float.unscaled_wide(scale, Narrow::Error, scratch);
        Ok(matches!((own, back), (Ok(own), Ok(back)) if own == back))
    }

    /// Appends its plain digits; those of a float that is very large or small with an exponent.
    pub(super) fn write(self, out: &mut String) {
        // Writing to a string cannot fail.
        let _written = match self {
            Whole(v) => write!(out, "{v}"),
            Decimal(v, scale) => {
                return match i8::try_from(scale) {
                    Ok(scale) => decimal::write(out, v, scale),
                    Err(_) => {
                        let _written = write!(out, "{v}e{}", -scale);
                    }
                };
            }
            Wide(v, scale) => {
                return decimal::write_wide(out, v, i8::try_from(scale).unwrap_or(i8::MAX));
            }
            Double(v) if v.is_nan() => write!(out, "NaN"),
            Single(v) if v.is_nan() => write!(out, "NaN"),
            Double(v) if v.is_infinite() => write!(out, "{}Infinity", sign(v)),
            Single(v) if v.is_infinite() => write!(out, "{}Infinity", sign(v.into())),
            Double(v) if is_plain(v) => write!(out, "{v}"),
            Double(v) => write!(out, "{v:e}"),
            Single(v) if is_plain(v.into()) => write!(out, "{v}"),
            Single(v) => write!(out, "{v:e}"),
        };
    }
}

fn sign(v: f64) -> &'static str {
    if v < 0.0 { "-" } else { "" }
}

fn is_plain(v: f64) -> bool {
    v == 0.0 || (1e-5..1e16).contains(&v.abs())
}
