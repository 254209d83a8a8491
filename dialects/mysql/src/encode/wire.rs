//! Values in the form of the binary protocol: what a statement's parameters are made of.
use connect_api::uuid;
use dialect_core::{Cells, ValueError, civil};

const TOO_LONG: ValueError = ValueError("is longer than the column");
const TOO_PRECISE: ValueError = ValueError("has a finer fraction of a second than the column");
const NOT_FINITE: ValueError =
    ValueError("is infinite or not a number, which the database does not have");
const NO_DATE: ValueError = ValueError("lies outside the years 1 to 9999");
const NO_TIME: ValueError = ValueError("is no time of the day");
const NO_SPAN: ValueError = ValueError("lies beyond -838:59:59 to 838:59:59, the bounds of a TIME");
const NOT_GEOMETRY: ValueError = ValueError("is no geometry as WKB or EWKB");
const NOT_INTEGER: ValueError = ValueError("is no integer of 64 bits");

/// The integer or boolean in `row`.
pub(crate) fn integer(cells: &Cells<'_>, row: usize) -> Result<i64, ValueError> {
    Ok(match cells {
        Cells::Bool(a) => a.value(row).into(),
        Cells::Int8(a) => a.value(row).into(),
        Cells::Int16(a) => a.value(row).into(),
        Cells::Int32(a) => a.value(row).into(),
        Cells::Int64(a) => a.value(row),
        Cells::UInt8(a) => a.value(row).into(),
        Cells::UInt16(a) => a.value(row).into(),
        Cells::UInt32(a) => a.value(row).into(),
        // Beyond 63 bits it is none of the numbers that callers look for, and not negative.
        Cells::UInt64(a) => i64::try_from(a.value(row)).unwrap_or(i64::MAX),
        _ => return Err(NOT_INTEGER),
    })
}

/// An integer or boolean in its own width.
pub(crate) fn put_integer(
    cells: &Cells<'_>,
    row: usize,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    match cells {
        Cells::Bool(a) => out.push(a.value(row).into()),
        Cells::Int8(a) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        Cells::Int16(a) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        Cells::Int32(a) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        Cells::Int64(a) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        Cells::UInt8(a) => out.push(a.value(row)),
        Cells::UInt16(a) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        Cells::UInt32(a) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        Cells::UInt64(a) => out.extend_from_slice(&a.value(row).to_le_bytes()),
        _ => return Err(NOT_INTEGER),
    }
    Ok(())
}

/// A float of 32 bits.
pub(crate) fn put_float32(value: f32, out: &mut Vec<u8>) -> Result<(), ValueError> {
    if !value.is_finite() {
        return Err(NOT_FINITE);
    }
    out.extend_from_slice(&value.to_le_bytes());
    Ok(())
}

/// A float of 64 bits.
pub(crate) fn put_float64(value: f64, out: &mut Vec<u8>) -> Result<(), ValueError> {
    if !value.is_finite() {
        return Err(NOT_FINITE);
    }
    out.extend_from_slice(&value.to_le_bytes());
    Ok(())
}

/// Bytes with their length in front, in one, three, four or nine bytes.
pub(crate) fn put_blob(bytes: &[u8], out: &mut Vec<u8>) {
    let length = (bytes.len() as u64).to_le_bytes();
    match bytes.len() {
        0..=250 => out.push(length[0]),
        251..=0xFFFF => {
            out.push(0xFC);
            out.extend_from_slice(&length[..2]);
        }
        0x1_0000..=0xFF_FFFF => {
            out.push(0xFD);
            out.extend_from_slice(&length[..3]);
        }
        _ => {
            out.push(0xFE);
            out.extend_from_slice(&length);
        }
    }
    out.extend_from_slice(bytes);
}

/// Text of at most so many characters. The server would cut blanks at the end of a longer one
/// without a word.
pub(crate) fn put_text(text: &str, characters: u32, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let limit = characters as usize;
    if text.len() > limit && text.chars().count() > limit {
        return Err(TOO_LONG);
    }
    put_blob(text.as_bytes(), out);
    Ok(())
}

/// A UUID in its text form of 36 characters.
pub(crate) fn put_uuid_text(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(36);
    uuid::write(out, bytes);
}

/// Year, month and day, in four bytes without the length in front.
fn put_day(days: i32, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let (year, month, day) = civil::date_of(days);
    let year = u16::try_from(year)
        .ok()
        .filter(|y| (1..=9999).contains(y))
        .ok_or(NO_DATE)?;
    out.extend_from_slice(&year.to_le_bytes());
    out.extend_from_slice(&[month, day]);
    Ok(())
}

/// Hour, minute, second and, where there are any, microseconds. `micros` is of a day.
fn put_clock(micros: u64, out: &mut Vec<u8>) {
    let seconds = micros / 1_000_000;
    for part in [seconds / 3600, seconds / 60 % 60, seconds % 60] {
        out.push(part.to_le_bytes()[0]);
    }
    if !micros.is_multiple_of(1_000_000) {
        out.extend_from_slice(&(micros % 1_000_000).to_le_bytes()[..4]);
    }
}

/// The length in front of what takes four bytes more where there are microseconds.
fn length(micros: u64, without: u8) -> u8 {
    if micros.is_multiple_of(1_000_000) {
        without
    } else {
        without + 4
    }
}

/// A date.
pub(crate) fn put_date(days: i32, out: &mut Vec<u8>) -> Result<(), ValueError> {
    out.push(4);
    put_day(days, out)
}

/// A time of the day whose microseconds are multiples of `step`.
pub(crate) fn put_time(micros: i64, step: i64, out: &mut Vec<u8>) -> Result<(), ValueError> {
    if micros % step != 0 {
        return Err(TOO_PRECISE);
    }
    let micros = u64::try_from(micros)
        .ok()
        .filter(|m| *m < civil::DAY_MICROS.unsigned_abs())
        .ok_or(NO_TIME)?;
    // Not negative, and no whole days.
    out.extend_from_slice(&[length(micros, 8), 0, 0, 0, 0, 0]);
    put_clock(micros, out);
    Ok(())
}

/// A span of time whose microseconds are multiples of `step`. Servers would cut a longer one to
/// their bounds.
pub(crate) fn put_span(micros: i64, step: i64, out: &mut Vec<u8>) -> Result<(), ValueError> {
    /// 838:59:59.
    const MOST: u64 = 3_020_399_000_000;
    if micros % step != 0 {
        return Err(TOO_PRECISE);
    }
    let span = micros.unsigned_abs();
    if span > MOST {
        return Err(NO_SPAN);
    }
    let day = civil::DAY_MICROS.unsigned_abs();
    let (days, clock) = (span / day, span % day);
    out.extend_from_slice(&[length(clock, 8), u8::from(micros < 0)]);
    out.extend_from_slice(&days.to_le_bytes()[..4]);
    put_clock(clock, out);
    Ok(())
}

/// A geometry, WKB or EWKB, as the server keeps it: four bytes of SRID, then WKB.
pub(crate) fn put_geometry(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    const HAS_SRID: u32 = 0x2000_0000;
    let (order, four) = match bytes {
        [order @ 0..=1, a, b, c, d, ..] => (*order, [*a, *b, *c, *d]),
        _ => return Err(NOT_GEOMETRY),
    };
    let number = |bytes: [u8; 4]| match order {
        0 => u32::from_be_bytes(bytes),
        _ => u32::from_le_bytes(bytes),
    };
    let what = number(four);
    let (srid, rest) = match (what & HAS_SRID, &bytes[5..]) {
        (0, rest) => (0, rest),
        (_, [a, b, c, d, rest @ ..]) => (number([*a, *b, *c, *d]), rest),
        _ => return Err(NOT_GEOMETRY),
    };
    // Other flags are of further dimensions, which the server does not have.
    let plain = what & !HAS_SRID;
    if !(1..=7).contains(&plain) {
        return Err(NOT_GEOMETRY);
    }
    let mut kept = Vec::with_capacity(rest.len() + 9);
    kept.extend_from_slice(&srid.to_le_bytes());
    kept.push(order);
    kept.extend_from_slice(&match order {
        0 => plain.to_be_bytes(),
        _ => plain.to_le_bytes(),
    });
    kept.extend_from_slice(rest);
    put_blob(&kept, out);
    Ok(())
}

/// A timestamp whose microseconds are multiples of `step`.
pub(crate) fn put_timestamp(micros: i64, step: i64, out: &mut Vec<u8>) -> Result<(), ValueError> {
    if micros % step != 0 {
        return Err(TOO_PRECISE);
    }
    let days = i32::try_from(micros.div_euclid(civil::DAY_MICROS)).map_err(|_e| NO_DATE)?;
    let micros = micros.rem_euclid(civil::DAY_MICROS).unsigned_abs();
    out.push(length(micros, 7));
    put_day(days, out)?;
    put_clock(micros, out);
    Ok(())
}
