//! Cells of Arrow columns as values of the binary protocol.
use crate::{
    decode::{EPOCH_DAYS, EPOCH_MICROS},
    numeric,
    target::Target,
};
use connect_api::arrow::array::{Array, ArrowPrimitiveType, PrimitiveArray, StringArray};
use dialect_core::{Cells, Misfit, civil::DAY_MICROS};

const OUT_OF_RANGE: Misfit = Misfit("is out of the range of the column's type");
const NOT_EXACT: Misfit = Misfit("is not exact in the column's type");
const NOT_A_BOOL: Misfit = Misfit("is neither 0 nor 1");
const NOT_A_UUID: Misfit = Misfit("is not a UUID");
const TOO_LONG: Misfit = Misfit("is longer than the column");
const HOLDS_NUL: Misfit = Misfit("holds a NUL character, which text cannot");
const NOT_OF_THE_DAY: Misfit = Misfit("is not a time of day");
const TOO_FAR: Misfit = Misfit("lies beyond the dates that the database holds");
const TOO_FINE: Misfit = Misfit("has more digits of a second than the column");

/// Writes the cell of a row: its length in four bytes and its value, or the mark of NULL.
pub(crate) type Writer<'a> =
    Box<dyn Fn(usize, &mut Vec<u8>) -> Result<(), Misfit> + Send + Sync + 'a>;

/// The way of `cells` into a column of type `target`; `None` where there is none that keeps
/// every value or says which one it cannot.
pub(crate) fn writer(cells: Cells<'_>, target: Target) -> Option<Writer<'_>> {
    match cells {
        Cells::Bool(a) => match target {
            Target::Bool => Some(cell(a, |row| Ok([u8::from(a.value(row))]))),
            Target::Int2 => Some(cell(a, |row| Ok(i16::from(a.value(row)).to_be_bytes()))),
            Target::Int4 => Some(cell(a, |row| Ok(i32::from(a.value(row)).to_be_bytes()))),
            Target::Int8 => Some(cell(a, |row| Ok(i64::from(a.value(row)).to_be_bytes()))),
            _ => None,
        },
        Cells::Int8(a) => integers(a, target),
        Cells::Int16(a) => integers(a, target),
        Cells::Int32(a) => integers(a, target),
        Cells::Int64(a) => integers(a, target),
        Cells::UInt8(a) => integers(a, target),
        Cells::UInt16(a) => integers(a, target),
        Cells::UInt32(a) => integers(a, target),
        Cells::UInt64(a) => integers(a, target),
        Cells::Float32(a) => match target {
            Target::Float4 => Some(cell(a, |row| Ok(a.value(row).to_be_bytes()))),
            Target::Float8 => Some(cell(a, |row| Ok(f64::from(a.value(row)).to_be_bytes()))),
            _ => None,
        },
        Cells::Float64(a) => match target {
            Target::Float4 => Some(cell(a, |row| narrow(a.value(row)))),
            Target::Float8 => Some(cell(a, |row| Ok(a.value(row).to_be_bytes()))),
            _ => None,
        },
        Cells::Decimal(a) => {
            let scale = a.scale();
            match target {
                Target::Int2 => Some(cell(a, move |row| {
                    integer(a.value(row), scale).and_then(int2)
                })),
                Target::Int4 => Some(cell(a, move |row| {
                    integer(a.value(row), scale).and_then(int4)
                })),
                Target::Int8 => Some(cell(a, move |row| {
                    integer(a.value(row), scale).and_then(int8)
                })),
                Target::Numeric(to) => Some(decimals(a, |row| a.value(row), scale, to)),
                _ => None,
            }
        }
        Cells::Text(a) => texts(a, target),
        Cells::Bytes(a) => (target == Target::Bytea).then(|| {
            sized(a, move |row, out| {
                out.extend_from_slice(a.value(row));
                Ok(())
            })
        }),
        Cells::Uuid(a) => match target {
            Target::Uuid => Some(sized(a, move |row, out| {
                out.extend_from_slice(a.value(row));
                Ok(())
            })),
            Target::Text(max) if max.is_none_or(|max| max >= 36) => {
                Some(sized(a, move |row, out| {
                    uuid_text(a.value(row), out);
                    Ok(())
                }))
            }
            _ => None,
        },
        Cells::Date(a) => (target == Target::Date).then(|| {
            cell(a, |row| {
                let days = a.value(row).checked_sub(EPOCH_DAYS);
                // The ends stand for the infinities.
                let days = days.filter(|d| *d > i32::MIN).ok_or(TOO_FAR)?;
                Ok(days.to_be_bytes())
            })
        }),
        Cells::Time(a) => match target {
            Target::Time(step) => Some(cell(a, move |row| match a.value(row) {
                micros if !(0..DAY_MICROS).contains(&micros) => Err(NOT_OF_THE_DAY),
                micros if micros % step != 0 => Err(TOO_FINE),
                micros => Ok(micros.to_be_bytes()),
            })),
            _ => None,
        },
        Cells::WideDecimal(_)
        | Cells::TimeNanos(_)
        | Cells::Duration(_)
        | Cells::OffsetTimestamp(_)
        | Cells::List(_) => None,
        // A reading without a zone and an instant are the same number in UTC, the session's zone.
        Cells::Timestamp(a) => match target {
            Target::Timestamp(_, step) => Some(cell(a, move |row| {
                let micros = a.value(row).checked_sub(EPOCH_MICROS);
                match micros.filter(|m| *m > i64::MIN).ok_or(TOO_FAR)? {
                    micros if micros % step != 0 => Err(TOO_FINE),
                    micros => Ok(micros.to_be_bytes()),
                }
            })),
            _ => None,
        },
    }
}

/// Cells of a fixed size.
fn cell<'a, const N: usize>(
    array: &'a dyn Array,
    value: impl Fn(usize) -> Result<[u8; N], Misfit> + Send + Sync + 'a,
) -> Writer<'a> {
    let length = i32::try_from(N).unwrap_or(i32::MAX).to_be_bytes();
    let write = move |row, out: &mut Vec<u8>| {
        let value = value(row)?;
        out.reserve(4 + N);
        out.extend_from_slice(&length);
        out.extend_from_slice(&value);
        Ok(())
    };
    nullable(array, write)
}

/// Cells of any size.
fn sized<'a>(
    array: &'a dyn Array,
    value: impl Fn(usize, &mut Vec<u8>) -> Result<(), Misfit> + Send + Sync + 'a,
) -> Writer<'a> {
    let write = move |row, out: &mut Vec<u8>| {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        value(row, out)?;
        let length = i32::try_from(out.len() - start - 4).ok().ok_or(TOO_LONG)?;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    };
    nullable(array, write)
}

fn nullable<'a>(
    array: &'a dyn Array,
    write: impl Fn(usize, &mut Vec<u8>) -> Result<(), Misfit> + Send + Sync + 'a,
) -> Writer<'a> {
    match array.nulls() {
        Some(nulls) => Box::new(move |row, out| {
            if nulls.is_null(row) {
                out.extend_from_slice(&(-1i32).to_be_bytes());
                return Ok(());
            }
            write(row, out)
        }),
        None => Box::new(write),
    }
}

fn integers<'a, T>(a: &'a PrimitiveArray<T>, target: Target) -> Option<Writer<'a>>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i128>,
{
    let value = |row: usize| -> i128 { a.value(row).into() };
    Some(match target {
        Target::Int2 => cell(a, move |row| int2(value(row))),
        Target::Int4 => cell(a, move |row| int4(value(row))),
        Target::Int8 => cell(a, move |row| int8(value(row))),
        Target::Oid => cell(a, move |row| {
            let value = u32::try_from(value(row)).ok().ok_or(OUT_OF_RANGE)?;
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
        _ => return None,
    })
}

fn int2(value: i128) -> Result<[u8; 2], Misfit> {
    let value = i16::try_from(value).ok().ok_or(OUT_OF_RANGE)?;
    Ok(value.to_be_bytes())
}

fn int4(value: i128) -> Result<[u8; 4], Misfit> {
    let value = i32::try_from(value).ok().ok_or(OUT_OF_RANGE)?;
    Ok(value.to_be_bytes())
}

fn int8(value: i128) -> Result<[u8; 8], Misfit> {
    let value = i64::try_from(value).ok().ok_or(OUT_OF_RANGE)?;
    Ok(value.to_be_bytes())
}

/// An integer as the float that is the same number.
fn float(value: i128) -> Result<f64, Misfit> {
    // Every integer up to here is a float; beyond it some are.
    const EXACT: u128 = 1 << 53;
    if value.unsigned_abs() > EXACT {
        return Err(NOT_EXACT);
    }
    #[expect(clippy::cast_precision_loss, reason = "checked above")]
    Ok(value as f64)
}

/// A float of 64 bits as the one of 32 bits that is the same number.
fn narrow(value: f64) -> Result<[u8; 4], Misfit> {
    #[expect(clippy::cast_possible_truncation, reason = "checked below")]
    let narrow = value as f32;
    if f64::from(narrow) == value || value.is_nan() {
        Ok(narrow.to_be_bytes())
    } else {
        Err(NOT_EXACT)
    }
}

/// The integer that `unscaled × 10^-scale` is.
fn integer(unscaled: i128, scale: i8) -> Result<i128, Misfit> {
    let unit = 10i128
        .checked_pow(scale.unsigned_abs().into())
        .ok_or(OUT_OF_RANGE)?;
    if scale < 0 {
        return unscaled.checked_mul(unit).ok_or(OUT_OF_RANGE);
    }
    if unscaled % unit != 0 {
        return Err(numeric::TOO_FINE);
    }
    Ok(unscaled / unit)
}

/// Unscaled values of scale `from` into a NUMERIC of the precision and scale `to`.
fn decimals<'a>(
    array: &'a dyn Array,
    value: impl Fn(usize) -> i128 + Send + Sync + 'a,
    from: i8,
    to: Option<(u8, i8)>,
) -> Writer<'a> {
    let power = |exponent: i16| 10u128.checked_pow(exponent.max(0).unsigned_abs().into());
    // The server rounds what is finer than the column; so it is refused here.
    let unit = to.and_then(|(_, scale)| power(i16::from(from) - i16::from(scale)));
    let unit = unit.unwrap_or(if to.is_some() { u128::MAX } else { 1 });
    let end = to.and_then(|(precision, scale)| {
        power(i16::from(precision) - i16::from(scale) + i16::from(from))
    });
    sized(array, move |row, out| {
        let value = value(row);
        let magnitude = value.unsigned_abs();
        if unit > 1 && !magnitude.is_multiple_of(unit) {
            return Err(numeric::TOO_FINE);
        }
        if end.is_some_and(|end| magnitude >= end && magnitude > 0) {
            return Err(numeric::TOO_LARGE);
        }
        numeric::write_decimal(value, from, out);
        Ok(())
    })
}

fn texts(a: &StringArray, target: Target) -> Option<Writer<'_>> {
    Some(match target {
        Target::Text(max) => sized(a, move |row, out| {
            let text = a.value(row);
            // Blanks beyond the length would be cut without a word, so it is checked here.
            if max.is_some_and(|max| longer(text, max)) {
                return Err(TOO_LONG);
            }
            put_text(text, out)
        }),
        Target::Json => sized(a, |row, out| put_text(a.value(row), out)),
        Target::Jsonb => sized(a, |row, out| {
            out.push(1);
            put_text(a.value(row), out)
        }),
        Target::Uuid => sized(a, |row, out| {
            out.extend_from_slice(&parse_uuid(a.value(row)).ok_or(NOT_A_UUID)?);
            Ok(())
        }),
        Target::Numeric(to) => sized(a, move |row, out| {
            numeric::write_text(a.value(row), to, out)
        }),
        _ => return None,
    })
}

fn put_text(text: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
    if text.as_bytes().contains(&0) {
        return Err(HOLDS_NUL);
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn longer(text: &str, max: u32) -> bool {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    text.len() > max && text.chars().count() > max
}

fn uuid_text(uuid: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (i, byte) in uuid.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

/// Reads 32 hexadecimal digits, with the four hyphens or without.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let mut uuid = [0; 16];
    let mut rest = text.as_bytes();
    let hyphens = rest.len() == 36;
    for (i, byte) in uuid.iter_mut().enumerate() {
        if hyphens && matches!(i, 4 | 6 | 8 | 10) {
            rest = rest.strip_prefix(b"-")?;
        }
        let [high, low, after @ ..] = rest else {
            return None;
        };
        let digit = |d: &u8| char::from(*d).to_digit(16);
        *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
        rest = after;
    }
    rest.is_empty().then_some(uuid)
}

#[cfg(test)]
mod tests;
