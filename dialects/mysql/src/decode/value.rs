//! Values of the binary protocol, each kind its own way.
use connect_api::{
    ColumnBuilder, Kind,
    decimal::{self, max_unscaled_wide, parse_wide},
    uuid,
};
use dialect_core::{ValueError, civil, parse_decimal};

const ZERO_DATE: ValueError =
    ValueError("is a zero date, or has a zero in it, and no date is that");
const NO_DATE: ValueError = ValueError("is a date that the calendar does not have");
const NOT_OF_THE_DAY: ValueError =
    ValueError("is negative or beyond 24 hours, and so no time of the day");
const NOT_BOOLEAN: ValueError =
    ValueError("is neither 0 nor 1, and its column is read as a boolean");
const NOT_UTF8: ValueError = ValueError("is not UTF-8");
const NOT_UUID: ValueError = ValueError("is not a UUID");
const BROKEN: ValueError = ValueError("is not as long as its type says");
const OUT_OF_RANGE: ValueError = ValueError("is out of the range of its kind");

const NOT_GEOMETRY: ValueError = ValueError("is no geometry in the form of OpenGIS");
const NOT_VECTOR: ValueError = ValueError("is no vector of 32-bit floats");
const TOO_LARGE: ValueError = ValueError("has more digits than its column");

/// Dates that are none.
pub(super) const ZERO_DATES: [ValueError; 2] = [ZERO_DATE, NO_DATE];
/// Other values that the server accepts and their column's kind cannot represent.
pub(super) const UNREPRESENTABLE: [ValueError; 2] = [NOT_OF_THE_DAY, NOT_BOOLEAN];

/// Appends to the builder of the kind, which is known to be this one.
macro_rules! put {
    ($column:expr, $variant:ident, $value:expr) => {
        match $column {
            ColumnBuilder::$variant(b) => {
                b.append_value($value);
                Ok(())
            }
            _ => Err(BROKEN),
        }
    };
}

/// A signed number of whatever width.
fn signed(cell: &[u8]) -> Result<i64, ValueError> {
    Ok(match *cell {
        [a] => i8::from_le_bytes([a]).into(),
        [a, b] => i16::from_le_bytes([a, b]).into(),
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => return Err(BROKEN),
    })
}

/// An unsigned number of whatever width.
fn unsigned(cell: &[u8]) -> Result<u64, ValueError> {
    let mut whole = [0; 8];
    whole
        .get_mut(..cell.len())
        .filter(|_| matches!(cell.len(), 1 | 2 | 4 | 8))
        .ok_or(BROKEN)?
        .copy_from_slice(cell);
    Ok(u64::from_le_bytes(whole))
}

macro_rules! numbers {
    ($($name:ident: $variant:ident($read:ident)),*) => { $(
        pub(super) fn $name(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
            let value = $read(cell)?.try_into().map_err(|_e| OUT_OF_RANGE)?;
            put!(column, $variant, value)
        }
    )* };
}
numbers!(
    int8: Int8(signed), int16: Int16(signed), int32: Int32(signed), int64: Int64(signed),
    uint8: UInt8(unsigned), uint16: UInt16(unsigned), uint32: UInt32(unsigned),
    uint64: UInt64(unsigned)
);

/// A year has no sign: 1901 to 2155, and 0.
pub(super) fn year(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    let value = unsigned(cell)?.try_into().map_err(|_e| OUT_OF_RANGE)?;
    put!(column, Int16, value)
}

pub(super) fn bool_of_integer(
    _: &Kind,
    column: &mut ColumnBuilder,
    cell: &[u8],
) -> Result<(), ValueError> {
    match unsigned(cell)? {
        value @ 0..=1 => put!(column, Bool, value == 1),
        _ => Err(NOT_BOOLEAN),
    }
}

/// Bits come big-endian, in as many bytes as they need.
fn bits(cell: &[u8]) -> Result<u64, ValueError> {
    if cell.len() > 8 {
        return Err(BROKEN);
    }
    Ok(cell
        .iter()
        .fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
}

pub(super) fn bool_of_bits(
    _: &Kind,
    column: &mut ColumnBuilder,
    cell: &[u8],
) -> Result<(), ValueError> {
    match bits(cell)? {
        value @ 0..=1 => put!(column, Bool, value == 1),
        _ => Err(NOT_BOOLEAN),
    }
}

pub(super) fn uint64_of_bits(
    _: &Kind,
    column: &mut ColumnBuilder,
    cell: &[u8],
) -> Result<(), ValueError> {
    put!(column, UInt64, bits(cell)?)
}

pub(super) fn float32(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    put!(
        column,
        Float32,
        f32::from_le_bytes(cell.try_into().map_err(|_e| BROKEN)?)
    )
}

pub(super) fn float64(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    put!(
        column,
        Float64,
        f64::from_le_bytes(cell.try_into().map_err(|_e| BROKEN)?)
    )
}

pub(super) fn decimal(
    kind: &Kind,
    column: &mut ColumnBuilder,
    cell: &[u8],
) -> Result<(), ValueError> {
    let Kind::Decimal { precision, scale } = kind else {
        return Err(BROKEN);
    };
    put!(column, Decimal, parse_decimal(cell, *precision, *scale)?)
}

pub(super) fn wide_decimal(
    kind: &Kind,
    column: &mut ColumnBuilder,
    cell: &[u8],
) -> Result<(), ValueError> {
    let Kind::WideDecimal { precision, scale } = kind else {
        return Err(BROKEN);
    };
    let value = parse_wide(cell, *scale).map_err(|e| match e {
        decimal::DecimalError::OutOfRange => TOO_LARGE,
        decimal::DecimalError::NotANumber | decimal::DecimalError::Inexact => BROKEN,
    })?;
    let most = max_unscaled_wide(*precision);
    if value > most || value < most.wrapping_neg() {
        return Err(TOO_LARGE);
    }
    put!(column, WideDecimal, value)
}

/// Whatever is in a column that holds nothing but NULL.
pub(super) fn none(_: &Kind, column: &mut ColumnBuilder, _: &[u8]) -> Result<(), ValueError> {
    column.append_null();
    Ok(())
}

pub(super) fn utf8(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    put!(
        column,
        Text,
        std::str::from_utf8(cell).map_err(|_e| NOT_UTF8)?
    )
}

pub(super) fn binary(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    put!(column, Bytes, cell)
}

/// A geometry as the server keeps it: four bytes of SRID, then WKB. It is read as WKB where the
/// SRID is 0, and else as EWKB, which has the SRID in it.
pub(super) fn geometry(
    _: &Kind,
    column: &mut ColumnBuilder,
    cell: &[u8],
) -> Result<(), ValueError> {
    let ColumnBuilder::Bytes(b) = column else {
        return Err(BROKEN);
    };
    let [s0, s1, s2, s3, wkb @ ..] = cell else {
        return Err(NOT_GEOMETRY);
    };
    let srid = [*s0, *s1, *s2, *s3];
    // The server keeps the bytes of numbers in this order alone.
    let [1, t0, t1, t2, t3, rest @ ..] = wkb else {
        return Err(NOT_GEOMETRY);
    };
    if srid == [0; 4] {
        b.append_value(wkb);
        return Ok(());
    }
    let mut ewkb = Vec::with_capacity(cell.len());
    ewkb.extend_from_slice(&[1, *t0, *t1, *t2, *t3 | 0x20]);
    ewkb.extend_from_slice(&srid);
    ewkb.extend_from_slice(rest);
    b.append_value(&ewkb);
    Ok(())
}

/// A vector: its floats, one behind the other.
pub(super) fn vector(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    let ColumnBuilder::List(list) = column else {
        return Err(BROKEN);
    };
    let (floats, rest) = cell.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(NOT_VECTOR);
    }
    let ColumnBuilder::Float32(values) = list.values() else {
        return Err(BROKEN);
    };
    for float in floats {
        values.append_value(f32::from_le_bytes(*float));
    }
    list.end_list();
    Ok(())
}

/// A UUID in its 16 bytes, or in its text form.
pub(super) fn uuid(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    let ColumnBuilder::Uuid(b) = column else {
        return Err(BROKEN);
    };
    if cell.len() == 16 {
        return b.append_value(cell).map_err(|_e| NOT_UUID);
    }
    let bytes = uuid::parse(cell).ok_or(NOT_UUID)?;
    b.append_value(bytes).map_err(|_e| NOT_UUID)
}

/// The fields of a temporal value; the first byte is their length.
fn fields(cell: &[u8]) -> Result<&[u8], ValueError> {
    match cell {
        [length, fields @ ..] if usize::from(*length) == fields.len() => Ok(fields),
        _ => Err(BROKEN),
    }
}

fn days(fields: &[u8]) -> Result<i32, ValueError> {
    let [y0, y1, month, day, ..] = *fields else {
        return Err(if fields.is_empty() { ZERO_DATE } else { BROKEN });
    };
    if month == 0 || day == 0 {
        return Err(ZERO_DATE);
    }
    let year = u16::from_le_bytes([y0, y1]);
    civil::days_of(year.into(), month.into(), day.into()).ok_or(NO_DATE)
}

/// Microseconds of `hour, minute, second` and, where there are more bytes, microseconds.
fn micros(fields: &[u8]) -> Result<i64, ValueError> {
    let (hour, minute, second, micros) = match *fields {
        [] => (0, 0, 0, 0),
        [h, m, s] => (h, m, s, 0),
        [h, m, s, a, b, c, d] => (h, m, s, u32::from_le_bytes([a, b, c, d])),
        _ => return Err(BROKEN),
    };
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Ok(seconds * 1_000_000 + i64::from(micros))
}

pub(super) fn date(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    put!(column, Date, days(fields(cell)?)?)
}

pub(super) fn timestamp(
    _: &Kind,
    column: &mut ColumnBuilder,
    cell: &[u8],
) -> Result<(), ValueError> {
    let fields = fields(cell)?;
    let days = i64::from(days(fields)?);
    // Two bytes of year are far from the ends of 64 bits.
    put!(
        column,
        Timestamp,
        days * civil::DAY_MICROS + micros(&fields[4..])?
    )
}

/// A span of time: a sign, whole days, and a clock.
pub(super) fn span(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    let value = match fields(cell)? {
        [] => 0,
        [negative, d0, d1, d2, d3, clock @ ..] => {
            let days = i64::from(u32::from_le_bytes([*d0, *d1, *d2, *d3]));
            let clock = micros(clock)?;
            let span = days
                .checked_mul(civil::DAY_MICROS)
                .and_then(|days| days.checked_add(clock))
                .ok_or(OUT_OF_RANGE)?;
            if *negative == 0 { span } else { -span }
        }
        _ => return Err(BROKEN),
    };
    put!(column, Duration, value)
}

pub(super) fn time(_: &Kind, column: &mut ColumnBuilder, cell: &[u8]) -> Result<(), ValueError> {
    let value = match fields(cell)? {
        [] => 0,
        [0, 0, 0, 0, 0, rest @ ..] => micros(rest)?,
        [_, _, _, _, _, _, ..] => return Err(NOT_OF_THE_DAY),
        _ => return Err(BROKEN),
    };
    if value >= civil::DAY_MICROS {
        return Err(NOT_OF_THE_DAY);
    }
    put!(column, Time, value)
}
