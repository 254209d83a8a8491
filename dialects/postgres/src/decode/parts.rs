//! Values of several parts: intervals, points, ranges, composite types, hstore.
use super::{
    Beyond, Decoder, INFINITE, NOT_ITS_LENGTH, TOO_LONG_A_SPAN, WRONG_COLUMN, fixed, utf8,
};
use connect_api::{
    ColumnBuilder, Kind, MapBuilder, StructBuilder, arrow::array::types::IntervalMonthDayNano,
};
use dialect_core::ValueError;
use std::sync::OnceLock;

const CUT_OFF: ValueError = ValueError("ends before its last part");
const OTHER_TYPE: ValueError =
    ValueError("is of a type that was changed since it was described; describe the table again");

/// Bits of a range's flags.
const EMPTY: u8 = 1;
const LOWER_INCLUSIVE: u8 = 2;
const UPPER_INCLUSIVE: u8 = 4;
const NO_LOWER: u8 = 8;
const NO_UPPER: u8 = 16;

/// A field of a composite type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    kind: Kind,
    /// The type on the wire and how it is read: given by the first value, the same for all.
    known: OnceLock<(u32, Decoder)>,
}

pub(super) fn fields(fields: &[(Box<str>, Kind)]) -> Vec<Field> {
    fields
        .iter()
        .map(|(_, kind)| Field {
            kind: kind.clone(),
            known: OnceLock::new(),
        })
        .collect()
}

impl Field {
    #[inline]
    fn decoder(&self, oid: u32) -> Result<&Decoder, ValueError> {
        let (known, decoder) = match self.known.get() {
            Some(known) => known,
            None => {
                let decoder = Decoder::new(&self.kind, oid).ok().ok_or(OTHER_TYPE)?;
                self.known.get_or_init(|| (oid, decoder))
            }
        };
        (*known == oid).then_some(decoder).ok_or(OTHER_TYPE)
    }
}

/// Microseconds, days, months.
pub(super) fn interval(bytes: &[u8]) -> Result<IntervalMonthDayNano, ValueError> {
    let (micros, rest) = word::<8>(bytes)?;
    let (days, rest) = word::<4>(rest)?;
    let micros = i64::from_be_bytes(micros);
    let days = i32::from_be_bytes(days);
    let months = i32::from_be_bytes(fixed(rest)?);
    // Since PostgreSQL 17.
    if matches!(
        (micros, days, months),
        (i64::MIN, i32::MIN, i32::MIN) | (i64::MAX, i32::MAX, i32::MAX)
    ) {
        return Err(INFINITE);
    }
    let nanos = micros.checked_mul(1_000).ok_or(TOO_LONG_A_SPAN)?;
    Ok(IntervalMonthDayNano::new(months, days, nanos))
}

pub(super) fn append_point(bytes: &[u8], point: &mut StructBuilder) -> Result<(), ValueError> {
    let (x, y) = word::<8>(bytes)?;
    let [ColumnBuilder::Float64(xs), ColumnBuilder::Float64(ys)] = point.columns() else {
        return Err(WRONG_COLUMN);
    };
    let y = fixed(y)?;
    xs.append_value(f64::from_be_bytes(x));
    ys.append_value(f64::from_be_bytes(y));
    point.end_struct();
    Ok(())
}

/// A bound that cannot be represented makes the whole range unrepresentable: without it, the range
/// would be another.
pub(super) fn append_range(
    bound: &Decoder,
    bytes: &[u8],
    range: &mut StructBuilder,
    text: &mut String,
) -> Result<(), ValueError> {
    let ([flags], mut rest) = word(bytes)?;
    let flag = |bits: u8| flags & bits != 0;
    let [lower, upper, booleans @ ..] = range.columns() else {
        return Err(WRONG_COLUMN);
    };
    for (none, column) in [(NO_LOWER, lower), (NO_UPPER, upper)] {
        if flag(EMPTY | none) {
            column.append_null();
            continue;
        }
        let (value, after) = sized(rest)?;
        rest = after;
        bound.append(value.ok_or(CUT_OFF)?, column, text, Beyond::Refused)?;
    }
    let flags = [flag(LOWER_INCLUSIVE), flag(UPPER_INCLUSIVE), flag(EMPTY)];
    for (column, value) in booleans.iter_mut().zip(flags) {
        match column {
            ColumnBuilder::Bool(b) => b.append_value(value),
            _ => return Err(WRONG_COLUMN),
        }
    }
    range.end_struct();
    Ok(())
}

/// The number of fields, and of each the type, the length and the value.
pub(super) fn append_composite(
    fields: &[Field],
    bytes: &[u8],
    composite: &mut StructBuilder,
    text: &mut String,
    beyond: Beyond,
) -> Result<(), ValueError> {
    let (count, mut rest) = word::<4>(bytes)?;
    if usize::try_from(u32::from_be_bytes(count)).is_ok_and(|count| count != fields.len()) {
        return Err(OTHER_TYPE);
    }
    for (field, column) in fields.iter().zip(composite.columns()) {
        let (oid, after) = word::<4>(rest)?;
        let (value, after) = sized(after)?;
        rest = after;
        match value {
            None => column.append_null(),
            Some(value) => field
                .decoder(u32::from_be_bytes(oid))?
                .append(value, column, text, beyond)?,
        }
    }
    composite.end_struct();
    Ok(())
}

/// The number of entries, and of each the key and the value.
pub(super) fn append_hstore(bytes: &[u8], map: &mut MapBuilder) -> Result<(), ValueError> {
    let (count, mut rest) = word::<4>(bytes)?;
    for _ in 0..u32::from_be_bytes(count) {
        let (key, after) = sized(rest)?;
        let (value, after) = sized(after)?;
        rest = after;
        let key = utf8(key.ok_or(CUT_OFF)?)?;
        match (value, map.key(key)) {
            (Some(value), ColumnBuilder::Text(b)) => b.append_value(utf8(value)?),
            (_, column) => column.append_null(),
        }
    }
    map.end_map();
    Ok(())
}

fn word<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), ValueError> {
    let (word, rest) = bytes.split_first_chunk().ok_or(NOT_ITS_LENGTH)?;
    Ok((*word, rest))
}

/// A value after its length, `None` for NULL, and what follows.
fn sized(bytes: &[u8]) -> Result<(Option<&[u8]>, &[u8]), ValueError> {
    let (length, rest) = word::<4>(bytes)?;
    let Ok(length) = usize::try_from(i32::from_be_bytes(length)) else {
        return Ok((None, rest));
    };
    let (value, rest) = rest.split_at_checked(length).ok_or(CUT_OFF)?;
    Ok((Some(value), rest))
}
