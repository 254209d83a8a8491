//! Reads single values of each type: exact, or a fault that does not contain the value.
use super::cursor::Cursor;
use super::fault::{Fault, Result};
use super::number::Number;
use connect_api::decimal::{self, DecimalError};

#[cold]
pub(crate) fn out_of_range() -> Fault {
    Fault::value("the number is beyond the range of the column")
}

#[cold]
pub(crate) fn not_text_of(what: &str) -> Fault {
    Fault::value(format!("the string is not the text of {what}"))
}

#[cold]
pub(crate) fn decimal_fault(error: DecimalError) -> Fault {
    match error {
        DecimalError::NotANumber => not_text_of("a number"),
        DecimalError::Inexact => {
            Fault::value("the number has more digits after the point than the column")
        }
        DecimalError::OutOfRange => out_of_range(),
    }
}

#[inline]
pub(crate) fn number<'a>(cursor: &mut Cursor<'a>, expected: &str) -> Result<Number<'a>> {
    match cursor.peek() {
        Some(b'-' | b'0'..=b'9') => cursor.number(),
        _ => Err(cursor.mismatch(expected)),
    }
}

/// The text of a number.
pub(crate) fn number_text<'a>(cursor: &mut Cursor<'a>, scratch: &mut String) -> Result<&'a str> {
    match cursor.peek() {
        Some(b'-' | b'0'..=b'9') => cursor.value(scratch),
        _ => Err(cursor.mismatch("a number")),
    }
}

#[inline]
pub(crate) fn string<'s, 'a: 's>(
    cursor: &mut Cursor<'a>,
    scratch: &'s mut String,
) -> Result<&'s str> {
    if cursor.peek() == Some(b'"') {
        cursor.string(scratch)
    } else {
        Err(cursor.mismatch("a string"))
    }
}

#[inline]
pub(crate) fn signed(cursor: &mut Cursor<'_>) -> Result<i64> {
    match number(cursor, "a whole number")? {
        Number::Whole {
            negative: false,
            magnitude,
        } => i64::try_from(magnitude).ok(),
        Number::Whole {
            negative: true,
            magnitude,
        } => 0i64.checked_sub_unsigned(magnitude),
        Number::Point { text, .. } | Number::Text(text) => {
            let value = decimal::parse(text.as_bytes(), 0).map_err(decimal_fault)?;
            i64::try_from(value).ok()
        }
    }
    .ok_or_else(out_of_range)
}

#[inline]
pub(crate) fn narrow<T: TryFrom<i64>>(value: i64) -> Result<T> {
    value.try_into().ok().ok_or_else(out_of_range)
}

pub(crate) fn boolean(cursor: &mut Cursor<'_>) -> Result<bool> {
    match cursor.peek() {
        Some(b't') => cursor.word("true").map(|()| true),
        Some(b'f') => cursor.word("false").map(|()| false),
        Some(b'-' | b'0'..=b'9') => match signed(cursor)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Fault::found("a boolean, 0 or 1", "another number")),
        },
        _ => Err(cursor.mismatch("a boolean")),
    }
}

/// The strings for values that are not numbers: those of Java, and of PostgreSQL.
const NO_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// The name of a float that is NaN or infinite.
pub(crate) fn name_of(value: f64) -> &'static str {
    let [nan, infinity, below] = NO_NUMBERS;
    match value {
        _ if value.is_nan() => nan,
        _ if value > 0.0 => infinity,
        _ => below,
    }
}

/// The one of `values` that a string names: NaN, infinity, and that below zero.
#[cold]
fn named<T>(cursor: &mut Cursor<'_>, scratch: &mut String, values: [T; 3]) -> Result<T> {
    let text = cursor.string(scratch)?;
    let mut names = NO_NUMBERS.into_iter().zip(values);
    names
        .find(|(name, _)| *name == text)
        .map(|(_, value)| value)
        .ok_or_else(|| Fault::found("a number (or NaN, Infinity, -Infinity)", "another string"))
}

pub(crate) fn double(cursor: &mut Cursor<'_>, scratch: &mut String) -> Result<f64> {
    if cursor.peek() == Some(b'"') {
        return named(
            cursor,
            scratch,
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY],
        );
    }
    let value = match number(cursor, "a number")? {
        // To the nearest, as the text would be read.
        Number::Whole {
            negative,
            magnitude,
        } => with_sign(magnitude as f64, negative),
        Number::Point {
            negative,
            magnitude,
            places,
            text,
        } => match decimal::short_double(magnitude, places) {
            Some(value) => with_sign(value, negative),
            None => text.parse().ok().ok_or_else(out_of_range)?,
        },
        Number::Text(text) => text.parse().ok().ok_or_else(out_of_range)?,
    };
    value.is_finite().then_some(value).ok_or_else(out_of_range)
}

pub(crate) fn with_sign(value: f64, negative: bool) -> f64 {
    if negative { -value } else { value }
}

pub(crate) fn single(cursor: &mut Cursor<'_>, scratch: &mut String) -> Result<f32> {
    if cursor.peek() == Some(b'"') {
        return named(
            cursor,
            scratch,
            [f32::NAN, f32::INFINITY, f32::NEG_INFINITY],
        );
    }
    let value: f32 = match number(cursor, "a number")? {
        Number::Whole {
            negative,
            magnitude,
        } => {
            let value = magnitude as f32;
            if negative { -value } else { value }
        }
        Number::Point { text, .. } | Number::Text(text) => {
            text.parse().ok().ok_or_else(out_of_range)?
        }
    };
    value.is_finite().then_some(value).ok_or_else(out_of_range)
}
