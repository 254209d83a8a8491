//! Cells of Arrow columns as values of the binary protocol.
mod list;
mod number;
mod parts;
pub(crate) mod target;
mod text;
mod time;

use crate::encode::target::Target;
use connect_api::arrow::array::Array;
use dialect_core::{Cells, ValueError};

const TOO_LONG: ValueError = ValueError("is longer than the column");

/// Writes the cell of a row: its length in four bytes and its value, or the mark of NULL.
pub(crate) type Writer<'a> =
    Box<dyn Fn(usize, &mut Vec<u8>) -> Result<(), ValueError> + Send + Sync + 'a>;

/// The way of `cells` into a column of type `target`; `None` where there is none that keeps
/// every value or says which one it cannot.
pub(crate) fn writer<'a>(cells: Cells<'a>, target: &Target) -> Option<Writer<'a>> {
    match cells {
        Cells::Bool(a) => number::booleans(a, target),
        Cells::Int8(a) if *target == Target::Char => {
            Some(cell(a, |row| Ok(a.value(row).to_be_bytes())))
        }
        Cells::Int8(a) => number::integers(a, target),
        Cells::Int16(a) => number::integers(a, target),
        Cells::Int32(a) => number::integers(a, target),
        Cells::Int64(a) => number::integers(a, target),
        Cells::UInt8(a) => number::integers(a, target),
        Cells::UInt16(a) => number::integers(a, target),
        Cells::UInt32(a) => number::integers(a, target),
        Cells::UInt64(a) => number::integers(a, target),
        Cells::Float32(a) => match target {
            Target::Float4 => Some(cell(a, |row| Ok(a.value(row).to_be_bytes()))),
            Target::Float8 => Some(cell(a, |row| Ok(f64::from(a.value(row)).to_be_bytes()))),
            _ => None,
        },
        Cells::Float64(a) => match target {
            Target::Float4 => Some(cell(a, |row| number::narrow(a.value(row)))),
            Target::Float8 => Some(cell(a, |row| Ok(a.value(row).to_be_bytes()))),
            _ => None,
        },
        Cells::Decimal(a) => number::fixed_decimals(a, target),
        Cells::WideDecimal(a) => number::wide_decimals(a, target),
        Cells::Text(a) => text::texts(a, target),
        Cells::Bytes(a) => (*target == Target::Bytea).then(|| {
            sized(a, move |row, out| {
                out.extend_from_slice(a.value(row));
                Ok(())
            })
        }),
        Cells::Uuid(a) => text::uuids(a, target),
        Cells::Date(a) => time::dates(a, target),
        Cells::Time(a) => time::times(a, target),
        Cells::TimeNanos(a) => time::fine_times(a, target),
        Cells::Duration(a) => time::durations(a, target),
        Cells::Timestamp(a) => time::timestamps(a, a, target),
        Cells::OffsetTimestamp(a) => time::offset_timestamps(a, target),
        Cells::List(a) => match target {
            Target::Array(element) => list::lists(a, element),
            _ => parts::texts(cells, target),
        },
        Cells::Struct(a) => parts::structs(a, target),
        Cells::Map(a) => parts::maps(a, target),
        Cells::Interval(a) => parts::intervals(a, target),
    }
}

/// Cells of a fixed size.
fn cell<'a, const N: usize>(
    array: &'a dyn Array,
    value: impl Fn(usize) -> Result<[u8; N], ValueError> + Send + Sync + 'a,
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
    value: impl Fn(usize, &mut Vec<u8>) -> Result<(), ValueError> + Send + Sync + 'a,
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
    write: impl Fn(usize, &mut Vec<u8>) -> Result<(), ValueError> + Send + Sync + 'a,
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

#[cfg(test)]
mod tests;
