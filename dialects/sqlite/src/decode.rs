//! SQLite's values into columns.
use crate::types::{ANY, AS_TEXT, Declared, Storage};
use crate::types::{
    cell::{INEXACT, NOT_UUID, OUT_OF_RANGE, STORED_OTHERWISE, is_exact},
    dates::{date, offset_timestamp, time, time_nanos, timestamp},
    decimal::check_text,
};
use connect_api::{
    ColumnBuilder, Kind, VENDOR_TYPE,
    arrow::schema::{Field, extension::EXTENSION_TYPE_NAME_KEY},
    parse_wide_decimal, uuid,
};
use dialect_core::{FineDigits, Unrepresentable, ValueError, ValueOptions, parse_decimal};
use rusqlite::types::ValueRef;

const NOT_UTF8: ValueError = ValueError("is not UTF-8");
const NOT_READ: ValueError = ValueError("cannot be read as its kind");
const NOT_WIDE: ValueError = ValueError("is not a decimal number of the column's digits");

/// How the cells of a column are read: chosen once a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoder {
    kind: Kind,
    /// Numbers are read as text too.
    any: bool,
    storage: Storage,
    fine: FineDigits,
    /// What cannot be represented becomes NULL.
    pub(crate) null_else: bool,
}

impl Decoder {
    /// The decoder of `kind`; the field's metadata describe the column.
    pub(crate) fn new(kind: &Kind, field: &Field, values: &ValueOptions) -> Self {
        let extension = field.metadata().get(EXTENSION_TYPE_NAME_KEY);
        let declared = field.metadata().get(VENDOR_TYPE).map_or("", String::as_str);
        Self {
            kind: kind.clone(),
            any: matches!(extension.map(String::as_str), Some(ANY | AS_TEXT)),
            storage: Declared::parse(declared).storage(values.sqlite_dates),
            fine: values.fine_digits,
            null_else: values.unrepresentable == Unrepresentable::Null,
        }
    }

    /// Appends a cell; its bytes, where they are not of a fixed number.
    #[inline]
    pub(crate) fn append(
        &self,
        cell: ValueRef<'_>,
        column: &mut ColumnBuilder,
        scratch: &mut String,
    ) -> Result<usize, ValueError> {
        macro_rules! int {
            ($builder:expr) => {
                match cell {
                    ValueRef::Integer(v) => {
                        $builder.append_value(v.try_into().or(Err(OUT_OF_RANGE))?)
                    }
                    _ => return Err(STORED_OTHERWISE),
                }
            };
        }
        if matches!(cell, ValueRef::Null) {
            column.append_null();
            return Ok(0);
        }
        match (column, &self.kind) {
            (ColumnBuilder::Int64(b), _) => match cell {
                ValueRef::Integer(v) => b.append_value(v),
                _ => return Err(STORED_OTHERWISE),
            },
            (ColumnBuilder::Text(b), Kind::Text) if !self.any => match cell {
                ValueRef::Text(v) => {
                    b.append_value(utf8(v)?);
                    return Ok(v.len());
                }
                _ => return Err(STORED_OTHERWISE),
            },
            (ColumnBuilder::Text(b), kind) => {
                let text = self.text(&cell, kind, scratch)?;
                b.append_value(text);
                return Ok(text.len());
            }
            (ColumnBuilder::Float64(b), _) => b.append_value(real(&cell)?),
            (ColumnBuilder::Bytes(b), _) => match cell {
                ValueRef::Blob(v) => {
                    b.append_value(v);
                    return Ok(v.len());
                }
                _ => return Err(STORED_OTHERWISE),
            },
            (ColumnBuilder::Decimal(b), Kind::Decimal { precision, scale }) => {
                b.append_value(decimal(&cell, *precision, *scale, scratch)?);
            }
            (ColumnBuilder::WideDecimal(b), Kind::WideDecimal { precision, scale }) => {
                let text = digits(&cell, scratch)?;
                let unscaled = parse_wide_decimal(text.trim_start_matches('+'), *precision, *scale);
                let unscaled = unscaled.ok_or(NOT_WIDE)?;
                if matches!(cell, ValueRef::Real(_))
                    && unscaled.to_i128().is_none_or(|v| !is_exact(v))
                {
                    return Err(INEXACT);
                }
                b.append_value(unscaled);
            }
            (ColumnBuilder::Bool(b), _) => match cell {
                ValueRef::Integer(v @ 0..=1) => b.append_value(v == 1),
                ValueRef::Integer(_) => return Err(OUT_OF_RANGE),
                _ => return Err(STORED_OTHERWISE),
            },
            (ColumnBuilder::Uuid(b), _) => {
                let bytes: [u8; 16] = match cell {
                    ValueRef::Blob(v) => v.try_into().or(Err(NOT_UUID))?,
                    ValueRef::Text(v) => uuid::parse(v).ok_or(NOT_UUID)?,
                    _ => return Err(STORED_OTHERWISE),
                };
                b.append_value(bytes).or(Err(NOT_UUID))?;
            }
            (ColumnBuilder::Date(b), _) => b.append_value(date(&cell, self.storage)?),
            (ColumnBuilder::Time(b), _) => b.append_value(time(&cell, self.storage, self.fine)?),
            (ColumnBuilder::TimeNanos(b), _) => b.append_value(time_nanos(&cell)?),
            (ColumnBuilder::Timestamp(b), kind) => {
                let utc = *kind == Kind::Timestamp { utc: true };
                b.append_value(timestamp(&cell, utc, self.storage, self.fine)?);
            }
            (ColumnBuilder::OffsetTimestamp(b), _) => {
                let (instant, offset) = offset_timestamp(&cell)?;
                b.append_value(instant, offset);
            }
            (ColumnBuilder::Duration(b), _) => int!(b),
            (ColumnBuilder::Int8(b), _) => int!(b),
            (ColumnBuilder::Int16(b), _) => int!(b),
            (ColumnBuilder::Int32(b), _) => int!(b),
            (ColumnBuilder::UInt8(b), _) => int!(b),
            (ColumnBuilder::UInt16(b), _) => int!(b),
            (ColumnBuilder::UInt32(b), _) => int!(b),
            (ColumnBuilder::UInt64(b), _) => int!(b),
            (ColumnBuilder::Float32(b), _) => {
                let wide = real(&cell)?;
                #[expect(clippy::cast_possible_truncation, reason = "compared with what it was")]
                let narrow = wide as f32;
                if f64::from(narrow) != wide {
                    return Err(OUT_OF_RANGE);
                }
                b.append_value(narrow);
            }
            (
                ColumnBuilder::Decimal(_) | ColumnBuilder::WideDecimal(_) | ColumnBuilder::List(_),
                _,
            )
            | (ColumnBuilder::Struct(_) | ColumnBuilder::Map(_) | ColumnBuilder::Interval(_), _) => {
                return Err(NOT_READ);
            }
        }
        Ok(0)
    }

    fn text<'r>(
        &self,
        cell: &ValueRef<'r>,
        kind: &Kind,
        scratch: &'r mut String,
    ) -> Result<&'r str, ValueError> {
        match cell {
            ValueRef::Text(v) => {
                let text = utf8(v)?;
                if *kind == Kind::BigDecimal {
                    check_text(text)?;
                }
                Ok(text)
            }
            ValueRef::Integer(_) if self.any => digits(cell, scratch),
            ValueRef::Integer(_) | ValueRef::Real(_)
                if matches!(kind, Kind::BigDecimal | Kind::Json) =>
            {
                digits(cell, scratch)
            }
            _ => Err(STORED_OTHERWISE),
        }
    }
}

#[inline]
fn utf8(bytes: &[u8]) -> Result<&str, ValueError> {
    std::str::from_utf8(bytes).or(Err(NOT_UTF8))
}

fn real(cell: &ValueRef<'_>) -> Result<f64, ValueError> {
    match cell {
        ValueRef::Real(v) => Ok(*v),
        // An expression gives whole numbers as such.
        #[expect(
            clippy::cast_precision_loss,
            reason = "a whole number that has a float"
        )]
        ValueRef::Integer(v) if v.unsigned_abs() <= 1 << 53 => Ok(*v as f64),
        _ => Err(STORED_OTHERWISE),
    }
}

fn decimal(
    cell: &ValueRef<'_>,
    precision: u8,
    scale: i8,
    scratch: &mut String,
) -> Result<i128, ValueError> {
    if let ValueRef::Text(v) = cell {
        return match short_decimal(v, precision, scale) {
            Some(unscaled) => Ok(unscaled),
            None => parse_decimal(v, precision, scale),
        };
    }
    let text = digits(cell, scratch)?;
    let unscaled = parse_decimal(text.as_bytes(), precision, scale)?;
    if matches!(cell, ValueRef::Real(_)) && !is_exact(unscaled) {
        return Err(INEXACT);
    }
    Ok(unscaled)
}

/// A decimal in the form that is written, with so many places and few digits: what most are. Half
/// as much work as the way for all.
fn short_decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 18 || digits.len() > usize::from(precision) {
        return None;
    }
    let places = usize::try_from(scale).ok().filter(|places| *places > 0)?;
    let point = digits.len().checked_sub(places + 1).filter(|at| *at > 0)?;
    let (whole, fraction) = digits.split_at(point);
    let [b'.', fraction @ ..] = fraction else {
        return None;
    };
    let mut unscaled = 0i64;
    for byte in whole.iter().chain(fraction) {
        if !byte.is_ascii_digit() {
            return None;
        }
        unscaled = unscaled * 10 + i64::from(byte - b'0');
    }
    Some(i128::from(if negative { -unscaled } else { unscaled }))
}

/// A number as text: of a float, the shortest that is read as this float.
fn digits<'r>(cell: &ValueRef<'r>, scratch: &'r mut String) -> Result<&'r str, ValueError> {
    use std::fmt::Write as _;
    scratch.clear();
    match cell {
        ValueRef::Text(v) => return utf8(v),
        ValueRef::Integer(v) => scratch.push_str(itoa::Buffer::new().format(*v)),
        ValueRef::Real(v) if v.is_finite() => {
            // Writing to a String cannot fail.
            let written = write!(scratch, "{v}");
            debug_assert!(written.is_ok());
        }
        _ => return Err(STORED_OTHERWISE),
    }
    Ok(scratch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_to_a_decimal_is_that_of_all() {
        for text in [
            "12.34",
            "-12.34",
            "0.00",
            "-0.01",
            "99999999.99",
            "123456789012.34",
            "1.5",
            "1.234",
            "12",
            ".50",
            "-.50",
            "1e3",
            "+1.00",
            "1.-1",
            "",
            "-",
            "9999999999.99",
            "1 .00",
        ] {
            let parsed = parse_decimal(text.as_bytes(), 12, 2);
            if let Some(short) = short_decimal(text.as_bytes(), 12, 2) {
                assert_eq!(parsed, Ok(short), "{text}");
            }
        }
        assert_eq!(short_decimal(b"12.34", 12, 2), Some(1_234));
        assert_eq!(short_decimal(b"-0.01", 12, 2), Some(-1));
    }
}
