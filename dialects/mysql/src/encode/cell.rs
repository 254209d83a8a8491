//! Cells of record columns, as the driver binds them.
use crate::encode::{
    Encoder, Form,
    json_numbers::kept,
    wire::{
        integer, put_blob, put_date, put_float32, put_float64, put_geometry, put_integer, put_span,
        put_text, put_time, put_timestamp, put_uuid_text,
    },
};
use connect_api::{
    Kind,
    arrow::{
        array::{Array, Float32Array, cast::AsArray as _, types},
        schema::{DataType, Field},
    },
    decimal::{self, max_unscaled_wide, parse_wide, write_wide},
};
use dialect_core::{Cells, JsonNumbers, ValueError, parse_decimal, write_decimal, write_parts};
use sqlx::{Encode, MySql, Type, encode::IsNull, error::BoxDynError, mysql::MySqlTypeInfo};
use std::{cell::RefCell, ops::Range};

const NULL: ValueError = ValueError("is NULL, which the column does not take");
const OTHER_LENGTH: ValueError = ValueError("is not as long as the column, which would fill it up");
const TOO_MANY_DIGITS: ValueError = ValueError("has more digits than the column");
const NO_NUMBER: ValueError = ValueError("is no number");
const ENDS_IN_BLANKS: ValueError = ValueError("ends in blanks, which a CHAR column does not keep");
const TOO_PRECISE: ValueError = ValueError("has a finer fraction of a second than the column");
const NULL_IN_VECTOR: ValueError = ValueError("has a NULL in it, which a vector does not hold");
const TOO_MANY_PLACES: ValueError = ValueError("has more decimal places than the column");
const NOT_SINGLE: ValueError = ValueError("is not a number of 32 bits, as the column is");
const NOT_BOOLEAN: ValueError = ValueError("is neither 0 nor 1, and the column is a boolean");
const NOT_A_YEAR: ValueError = ValueError("is neither 0 nor a year from 1901 to 2155");
const NEGATIVE: ValueError = ValueError("is negative, and the column is of bits");
/// A fault of this program: the cells are not of the kind that was planned for.
const MISTYPED: ValueError = ValueError("is not of the kind that was planned for");

/// A column on its way to the server.
pub(crate) struct Source<'a> {
    encoder: &'a Encoder,
    cells: Cells<'a>,
    /// What becomes of numbers in JSON that the server would round, where it would.
    numbers: Option<JsonNumbers>,
    /// The kind of what has several parts.
    parts: Option<Kind>,
    /// Where numbers become text; its memory is kept from cell to cell.
    text: RefCell<String>,
}

impl<'a> Source<'a> {
    /// `numbers`: of a server that rounds those in JSON.
    pub(crate) fn new(
        encoder: &'a Encoder,
        cells: Cells<'a>,
        numbers: Option<JsonNumbers>,
    ) -> Self {
        Self {
            numbers: numbers.filter(|_| encoder.json),
            encoder,
            parts: matches!(encoder.form, Form::Parts { .. }).then(|| {
                let field = Field::new("", cells.array().data_type().clone(), true);
                Kind::of(&field)
            }),
            cells,
            text: RefCell::default(),
        }
    }

    /// Bytes that some rows take at most, without their NULLs being looked for.
    pub(crate) fn bytes(&self, rows: &Range<usize>) -> usize {
        let length = |ends: &[i32]| {
            let (first, last) = (ends[rows.start], ends[rows.end]);
            usize::try_from(last - first).unwrap_or(0)
        };
        let variable = match self.cells {
            Cells::Text(a) => length(a.value_offsets()),
            Cells::Bytes(a) => length(a.value_offsets()),
            Cells::List(_) | Cells::Struct(_) | Cells::Map(_) => {
                json_bytes(self.cells.array(), rows.clone())
            }
            // Its longest text.
            Cells::Interval(_) => 64 * rows.len(),
            _ => 0,
        };
        let fixed = match self.encoder.form {
            Form::Decimal { .. } | Form::UuidText => 42,
            Form::WideDecimal { .. } | Form::DecimalText => 80,
            Form::Uuid => 17,
            _ => 16,
        };
        variable + fixed * rows.len()
    }

    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
        match self.encoder.form {
            Form::Integer => put_integer(&self.cells, row, out),
            Form::ZeroOrOne => match integer(&self.cells, row)? {
                0 | 1 => put_integer(&self.cells, row, out),
                _ => Err(NOT_BOOLEAN),
            },
            Form::Year => match integer(&self.cells, row)? {
                0 | 1901..=2155 => put_integer(&self.cells, row, out),
                _ => Err(NOT_A_YEAR),
            },
            Form::Bits => match integer(&self.cells, row)? {
                0.. => put_integer(&self.cells, row, out),
                _ => Err(NEGATIVE),
            },
            Form::Float32 | Form::Float64 | Form::Narrow => self.put_float(row, out),
            Form::Decimal { precision, scale } => self.put_decimal(row, precision, scale, out),
            Form::WideDecimal { precision, scale } => {
                self.put_wide_decimal(row, precision, scale, out)
            }
            Form::DecimalText => match self.cells {
                Cells::Decimal(a) => {
                    self.put_digits(a.value(row), a.scale(), out);
                    Ok(())
                }
                Cells::WideDecimal(a) => {
                    let mut text = Vec::with_capacity(80);
                    write_wide(&mut text, a.value(row), a.scale());
                    put_blob(&text, out);
                    Ok(())
                }
                _ => Err(MISTYPED),
            },
            Form::Text { characters, padded } => match self.cells {
                Cells::Text(a) if padded && a.value(row).ends_with(' ') => Err(ENDS_IN_BLANKS),
                Cells::Text(a) => match self.numbers {
                    None => put_text(a.value(row), characters, out),
                    Some(numbers) => put_text(&kept(a.value(row), numbers)?, characters, out),
                },
                _ => Err(MISTYPED),
            },
            Form::Dated { places } => match self.cells {
                Cells::Text(a) => {
                    let text = a.value(row);
                    let fraction = text.rsplit_once('.').map_or(0, |(_, f)| f.trim_end().len());
                    if fraction > places as usize {
                        return Err(TOO_PRECISE);
                    }
                    put_text(text, u32::MAX, out)
                }
                _ => Err(MISTYPED),
            },
            Form::Parts { characters } => match &self.parts {
                Some(kind) => {
                    let mut text = self.text.borrow_mut();
                    text.clear();
                    write_parts(kind, self.cells.get(row), &mut *text);
                    match self.numbers {
                        None => put_text(&text, characters, out),
                        Some(numbers) => put_text(&kept(&text, numbers)?, characters, out),
                    }
                }
                None => Err(MISTYPED),
            },
            Form::Vector => match self.cells {
                Cells::List(a) => put_vector(a.value(row).as_primitive_opt(), out),
                _ => Err(MISTYPED),
            },
            Form::Geometry => match self.cells {
                Cells::Bytes(a) => put_geometry(a.value(row), out),
                _ => Err(MISTYPED),
            },
            Form::Bytes | Form::Uuid | Form::Exactly { .. } => self.put_bytes(row, out),
            Form::UuidText => match self.cells {
                Cells::Uuid(a) => {
                    put_uuid_text(a.value(row), out);
                    Ok(())
                }
                _ => Err(MISTYPED),
            },
            Form::Date => match self.cells {
                Cells::Date(a) => put_date(a.value(row), out),
                _ => Err(MISTYPED),
            },
            Form::Time { step } => match self.cells {
                Cells::Time(a) => put_time(a.value(row), step, out),
                Cells::TimeNanos(a) if a.value(row) % 1_000 != 0 => Err(TOO_PRECISE),
                Cells::TimeNanos(a) => put_time(a.value(row) / 1_000, step, out),
                _ => Err(MISTYPED),
            },
            Form::Span { step } => match self.cells {
                Cells::Duration(a) => put_span(a.value(row), step, out),
                _ => Err(MISTYPED),
            },
            Form::Timestamp { step } => match self.cells {
                Cells::Timestamp(a) => put_timestamp(a.value(row), step, out),
                Cells::OffsetTimestamp(a) => {
                    let instants = a
                        .column(0)
                        .as_primitive::<types::TimestampMicrosecondType>();
                    put_timestamp(instants.value(row), step, out)
                }
                _ => Err(MISTYPED),
            },
        }
    }

    fn put_float(&self, row: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
        match (self.encoder.form, &self.cells) {
            (Form::Float32, Cells::Float32(a)) => put_float32(a.value(row), out),
            (Form::Narrow, Cells::Float64(a)) => {
                let value = a.value(row);
                #[expect(clippy::cast_possible_truncation, reason = "the result is compared")]
                let narrow = value as f32;
                if f64::from(narrow) != value && !value.is_nan() {
                    return Err(NOT_SINGLE);
                }
                put_float32(narrow, out)
            }
            (Form::Float64, Cells::Float64(a)) => put_float64(a.value(row), out),
            _ => Err(MISTYPED),
        }
    }

    fn put_decimal(
        &self,
        row: usize,
        precision: u8,
        scale: i8,
        out: &mut Vec<u8>,
    ) -> Result<(), ValueError> {
        let (value, has) = match self.cells {
            Cells::Decimal(a) => (a.value(row), a.scale()),
            // Text that is a decimal number of any length.
            Cells::Text(a) => (
                parse_decimal(a.value(row).as_bytes(), precision, scale)?,
                scale,
            ),
            _ => return Err(MISTYPED),
        };
        let too_many = u32::try_from(has.saturating_sub(scale)).unwrap_or(0);
        match 10_i128.checked_pow(too_many) {
            Some(1) => self.put_digits(value, has, out),
            Some(power) if value % power == 0 => self.put_digits(value / power, scale, out),
            _ => return Err(TOO_MANY_PLACES),
        }
        Ok(())
    }

    fn put_wide_decimal(
        &self,
        row: usize,
        precision: u8,
        scale: i8,
        out: &mut Vec<u8>,
    ) -> Result<(), ValueError> {
        let mut text = Vec::with_capacity(80);
        let digits: &[u8] = match self.cells {
            Cells::Decimal(a) => {
                decimal::write(&mut text, a.value(row), a.scale());
                &text
            }
            Cells::WideDecimal(a) => {
                write_wide(&mut text, a.value(row), a.scale());
                &text
            }
            Cells::Text(a) => a.value(row).as_bytes(),
            _ => return Err(MISTYPED),
        };
        let value = parse_wide(digits, scale).map_err(|e| match e {
            decimal::DecimalError::NotANumber => NO_NUMBER,
            decimal::DecimalError::Inexact => TOO_MANY_PLACES,
            decimal::DecimalError::OutOfRange => TOO_MANY_DIGITS,
        })?;
        let most = max_unscaled_wide(precision);
        if value > most || value < most.wrapping_neg() {
            return Err(TOO_MANY_DIGITS);
        }
        let mut plain = Vec::with_capacity(80);
        write_wide(&mut plain, value, scale);
        put_blob(&plain, out);
        Ok(())
    }

    fn put_digits(&self, value: i128, scale: i8, out: &mut Vec<u8>) {
        let mut text = self.text.borrow_mut();
        text.clear();
        write_decimal(value, scale, &mut text);
        put_blob(text.as_bytes(), out);
    }

    fn put_bytes(&self, row: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let bytes = match self.cells {
            Cells::Bytes(a) => a.value(row),
            Cells::Uuid(a) => a.value(row),
            _ => return Err(MISTYPED),
        };
        match self.encoder.form {
            Form::Exactly { bytes: length } if bytes.len() != length as usize => Err(OTHER_LENGTH),
            _ => {
                put_blob(bytes, out);
                Ok(())
            }
        }
    }
}

/// Bytes that the cells in some rows take at most, as JSON.
fn json_bytes(array: &dyn Array, rows: Range<usize>) -> usize {
    // What lies between the ends of some cells.
    let inner = |ends: &[i32], rows: &Range<usize>| {
        let place = |row: usize| usize::try_from(ends[row]).unwrap_or(0);
        place(rows.start)..place(rows.end)
    };
    let between = rows.len() * 4;
    match array.data_type() {
        // A character becomes `\u0000` at worst.
        DataType::Utf8 => {
            inner(array.as_string::<i32>().value_offsets(), &rows).len() * 6 + between
        }
        DataType::Binary => {
            inner(array.as_binary::<i32>().value_offsets(), &rows).len() * 2 + between
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            json_bytes(lists.values(), inner(lists.value_offsets(), &rows)) + between
        }
        DataType::Map(..) => {
            let maps = array.as_map();
            let entries = inner(maps.value_offsets(), &rows);
            json_bytes(maps.keys(), entries.clone()) + json_bytes(maps.values(), entries) + between
        }
        DataType::Struct(fields) => {
            let cells = array.as_struct().columns().iter();
            let columns = fields.iter().zip(cells).map(|(field, cells)| {
                json_bytes(cells, rows.clone()) + (field.name().len() * 6 + 4) * rows.len()
            });
            columns.sum::<usize>() + between
        }
        // Other values are of 80 characters at most.
        _ => rows.len() * 84,
    }
}

fn put_vector(floats: Option<&Float32Array>, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let floats = floats.ok_or(MISTYPED)?;
    if floats.null_count() > 0 {
        return Err(NULL_IN_VECTOR);
    }
    let bytes: Vec<u8> = floats
        .values()
        .iter()
        .flat_map(|f| f.to_le_bytes())
        .collect();
    put_blob(&bytes, out);
    Ok(())
}

/// One cell, as the driver binds it.
pub(crate) struct Cell<'a>(pub(crate) &'a Source<'a>, pub(crate) usize);

impl Type<MySql> for Cell<'_> {
    fn type_info() -> MySqlTypeInfo {
        <str as Type<MySql>>::type_info()
    }
}

impl Encode<'_, MySql> for Cell<'_> {
    fn encode_by_ref(&self, out: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        let Self(source, row) = *self;
        if source.cells.is_null(row) {
            return match source.encoder.nullable {
                true => Ok(IsNull::Yes),
                false => Err(NULL.into()),
            };
        }
        source.put(row, out)?;
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<MySqlTypeInfo> {
        Some(self.0.encoder.wire.clone())
    }
}
