//! Cells of record columns, as the driver sends them.
use crate::{
    encode::{Encoder, Form, Limit},
    types::{civil_time, collation::CodePage, spatial},
};
use connect_api::{max_unscaled, wide_decimal_text};
use dialect_core::{Cells, ValueError, parse_decimal, write_decimal, write_parts};
use std::borrow::Cow;
use tiberius::{ColumnData, Uuid, numeric::Numeric};

const NULL: ValueError = ValueError("is NULL, which the column does not take");
const OUT_OF_RANGE: ValueError = ValueError("is out of the range of the column");
const NOT_BOOLEAN: ValueError = ValueError("is neither 0 nor 1, and the column is a bit");
const NOT_SINGLE: ValueError = ValueError("is not a number of 32 bits, as the column is");
const NOT_FINITE: ValueError =
    ValueError("is infinite or not a number, which the database does not have");
const SUBNORMAL: ValueError = ValueError("is closer to zero than the numbers of the column");
const TOO_MANY_PLACES: ValueError = ValueError("has more decimal places than the column");
const TOO_LONG: ValueError = ValueError("is longer than the column");
const OTHER_LENGTH: ValueError = ValueError("is not as long as the column, which would fill it up");
const NOT_UUID: ValueError = ValueError("is not a UUID");
/// A fault of this program: the cells are not of the kind that was planned for.
const MISTYPED: ValueError = ValueError("is not of the kind that was planned for");

/// Bytes of a value of a `(max)` type that the driver's bulk load takes.
const BULK_BYTES: usize = 65_535;

/// A column on its way to the server.
pub(crate) struct Source<'a> {
    encoder: &'a Encoder,
    cells: Cells<'a>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(encoder: &'a Encoder, cells: Cells<'a>) -> Self {
        Self { encoder, cells }
    }

    /// The cell is too long for a bulk load.
    pub(crate) fn is_long(&self, row: usize) -> bool {
        if !self.encoder.long || self.cells.is_null(row) {
            return false;
        }
        match self.cells {
            // A character of one byte is two in UTF-16.
            Cells::Text(a) => {
                let text = a.value(row);
                text.len() * 2 > BULK_BYTES && text.encode_utf16().count() * 2 > BULK_BYTES
            }
            // The reference system is four bytes more than it may have been.
            Cells::Bytes(a) => a.value(row).len() + 4 > BULK_BYTES,
            // How long its text is is not known before it is written.
            Cells::List(_) => self
                .text(row, Limit::None)
                .is_ok_and(|text| text.encode_utf16().count() * 2 > BULK_BYTES),
            _ => false,
        }
    }

    /// The cell as a value of the staged type.
    ///
    /// # Errors
    /// What the column cannot hold.
    pub(crate) fn data(&self, row: usize) -> Result<ColumnData<'a>, ValueError> {
        if self.cells.is_null(row) {
            if !self.encoder.nullable {
                return Err(NULL);
            }
            return Ok(null(self.encoder.form));
        }
        Ok(match self.encoder.form {
            Form::Bit => ColumnData::Bit(Some(match self.integer(row)? {
                0 => false,
                1 => true,
                _ => return Err(NOT_BOOLEAN),
            })),
            Form::Integer { bytes } => {
                let value = self.integer(row)?;
                match bytes {
                    1 => ColumnData::U8(Some(value.try_into().or(Err(OUT_OF_RANGE))?)),
                    2 => ColumnData::I16(Some(value.try_into().or(Err(OUT_OF_RANGE))?)),
                    4 => ColumnData::I32(Some(value.try_into().or(Err(OUT_OF_RANGE))?)),
                    _ => ColumnData::I64(Some(value.try_into().or(Err(OUT_OF_RANGE))?)),
                }
            }
            Form::Decimal { precision, scale } => {
                let value = self.decimal(row, precision, scale)?;
                ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale)))
            }
            Form::Real => ColumnData::F32(Some(self.real(row)?)),
            Form::Float => match self.float(row)? {
                value if value.is_subnormal() => return Err(SUBNORMAL),
                value => ColumnData::F64(Some(value)),
            },
            Form::Text { limit } => ColumnData::String(Some(self.text(row, limit)?)),
            Form::Bytes { limit, exactly } => {
                let bytes = self.bytes(row)?;
                match limit.map(usize::from) {
                    Some(limit) if bytes.len() > limit => return Err(TOO_LONG),
                    Some(limit) if exactly && bytes.len() < limit => return Err(OTHER_LENGTH),
                    _ => ColumnData::Binary(Some(Cow::Borrowed(bytes))),
                }
            }
            Form::Spatial { default } => {
                let value = spatial::placed(self.bytes(row)?, default)?;
                ColumnData::Binary(Some(Cow::Owned(value)))
            }
            Form::Uuid => ColumnData::Guid(Some(self.uuid(row)?)),
            Form::Date => match self.cells {
                Cells::Date(a) => ColumnData::Date(Some(civil_time::date(a.value(row).into())?)),
                _ => return Err(MISTYPED),
            },
            Form::Time { digits } => ColumnData::Time(Some(self.time(row, digits)?)),
            Form::DateTime2 { digits } => {
                ColumnData::DateTime2(Some(civil_time::datetime2(self.micros(row)?, digits)?))
            }
            Form::DateTime => ColumnData::DateTime(Some(civil_time::datetime(self.micros(row)?)?)),
            Form::SmallDateTime => {
                ColumnData::DateTime2(Some(civil_time::small_datetime(self.micros(row)?)?))
            }
            Form::Offset { digits } => ColumnData::DateTimeOffset(Some(self.offset(row, digits)?)),
        })
    }

    fn integer(&self, row: usize) -> Result<i128, ValueError> {
        Ok(match self.cells {
            Cells::Bool(a) => a.value(row).into(),
            Cells::Int8(a) => a.value(row).into(),
            Cells::Int16(a) => a.value(row).into(),
            Cells::Int32(a) => a.value(row).into(),
            Cells::Int64(a) => a.value(row).into(),
            Cells::UInt8(a) => a.value(row).into(),
            Cells::UInt16(a) => a.value(row).into(),
            Cells::UInt32(a) => a.value(row).into(),
            Cells::UInt64(a) => a.value(row).into(),
            Cells::Duration(a) => a.value(row).into(),
            Cells::Decimal(a) => {
                let power = power(a.scale().min(0).unsigned_abs()).ok_or(OUT_OF_RANGE)?;
                a.value(row).checked_mul(power).ok_or(OUT_OF_RANGE)?
            }
            _ => return Err(MISTYPED),
        })
    }

    fn decimal(&self, row: usize, precision: u8, scale: u8) -> Result<i128, ValueError> {
        let own = i8::try_from(scale).or(Err(MISTYPED))?;
        let (value, has) = match self.cells {
            Cells::Decimal(a) => (a.value(row), a.scale()),
            Cells::WideDecimal(a) => {
                let text = wide_decimal_text(a.value(row), a.scale());
                return parse_decimal(text.as_bytes(), precision, own);
            }
            Cells::Text(a) => return parse_decimal(a.value(row).as_bytes(), precision, own),
            _ => (self.integer(row)?, 0),
        };
        let value = if own >= has {
            power((own - has).unsigned_abs()).and_then(|p| value.checked_mul(p))
        } else {
            match power((has - own).unsigned_abs()) {
                Some(p) if value % p == 0 => Some(value / p),
                None if value == 0 => Some(0),
                _ => return Err(TOO_MANY_PLACES),
            }
        };
        value
            .filter(|v| v.unsigned_abs() <= max_unscaled(precision))
            .ok_or(OUT_OF_RANGE)
    }

    fn float(&self, row: usize) -> Result<f64, ValueError> {
        let value = match self.cells {
            Cells::Float32(a) => f64::from(a.value(row)),
            Cells::Float64(a) => a.value(row),
            Cells::Int8(a) => a.value(row).into(),
            Cells::Int16(a) => a.value(row).into(),
            Cells::Int32(a) => a.value(row).into(),
            Cells::UInt8(a) => a.value(row).into(),
            Cells::UInt16(a) => a.value(row).into(),
            Cells::UInt32(a) => a.value(row).into(),
            _ => return Err(MISTYPED),
        };
        if value.is_finite() {
            Ok(value)
        } else {
            Err(NOT_FINITE)
        }
    }

    fn real(&self, row: usize) -> Result<f32, ValueError> {
        let value = self.float(row)?;
        #[expect(clippy::cast_possible_truncation, reason = "the result is compared")]
        let narrow = value as f32;
        match narrow {
            _ if f64::from(narrow) != value => Err(NOT_SINGLE),
            _ if narrow.is_subnormal() => Err(SUBNORMAL),
            _ => Ok(narrow),
        }
    }

    fn text(&self, row: usize, limit: Limit) -> Result<Cow<'a, str>, ValueError> {
        let text: Cow<'a, str> = match self.cells {
            Cells::Text(a) => Cow::Borrowed(a.value(row)),
            Cells::Decimal(a) => {
                let mut text = String::new();
                write_decimal(a.value(row), a.scale(), &mut text);
                Cow::Owned(text)
            }
            Cells::WideDecimal(a) => Cow::Owned(wide_decimal_text(a.value(row), a.scale())),
            Cells::Uuid(a) => {
                let uuid = Uuid::from_slice(a.value(row)).or(Err(NOT_UUID))?;
                Cow::Owned(uuid.to_string())
            }
            _ => match &self.encoder.parts {
                Some(kind) => {
                    let mut text = String::new();
                    write_parts(kind, self.cells.get(row), &mut text);
                    Cow::Owned(text)
                }
                None => return Err(MISTYPED),
            },
        };
        let fits = match limit {
            Limit::None => true,
            // There are never more units than bytes.
            Limit::Units(most) => {
                text.len() <= usize::from(most) || text.encode_utf16().count() <= usize::from(most)
            }
            Limit::Bytes(CodePage::Utf8, most) => {
                most.is_none_or(|most| text.len() <= usize::from(most))
            }
            Limit::Bytes(page, most) => {
                let bytes = page.bytes(&text)?;
                most.is_none_or(|most| bytes <= usize::from(most))
            }
        };
        if fits { Ok(text) } else { Err(TOO_LONG) }
    }

    fn bytes(&self, row: usize) -> Result<&'a [u8], ValueError> {
        match self.cells {
            Cells::Bytes(a) => Ok(a.value(row)),
            Cells::Uuid(a) => Ok(a.value(row)),
            _ => Err(MISTYPED),
        }
    }

    // The driver puts the bytes in the order of the wire.
    fn uuid(&self, row: usize) -> Result<Uuid, ValueError> {
        match self.cells {
            Cells::Uuid(a) => Uuid::from_slice(a.value(row)).or(Err(NOT_UUID)),
            Cells::Text(a) => Uuid::try_parse(a.value(row)).or(Err(NOT_UUID)),
            _ => Err(MISTYPED),
        }
    }

    /// A time that the column's digits hold, with the seven of the staged type: the driver does not
    /// scale it.
    fn time(&self, row: usize, digits: u8) -> Result<tiberius::time::Time, ValueError> {
        let nanos = match self.cells {
            Cells::Time(a) => a.value(row).checked_mul(1_000).ok_or(OUT_OF_RANGE)?,
            Cells::TimeNanos(a) => a.value(row),
            _ => return Err(MISTYPED),
        };
        civil_time::time(nanos, digits)?;
        civil_time::time(nanos, 7)
    }

    fn micros(&self, row: usize) -> Result<i64, ValueError> {
        match self.cells {
            Cells::Timestamp(a) => Ok(a.value(row)),
            Cells::Date(a) => Ok(i64::from(a.value(row)) * dialect_core::civil::DAY_MICROS),
            _ => Err(MISTYPED),
        }
    }

    fn offset(&self, row: usize, digits: u8) -> Result<tiberius::time::DateTimeOffset, ValueError> {
        let (micros, offset) = match (self.cells, self.cells.get(row)) {
            (Cells::Timestamp(a), _) => (a.value(row), 0),
            (_, connect_api::ValueRef::OffsetTimestamp(micros, offset)) => (micros, offset),
            _ => return Err(MISTYPED),
        };
        civil_time::offset(micros, offset, digits)?;
        civil_time::offset(micros, offset, 7)
    }
}

fn power(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(exponent.into())
}

/// A NULL of the staged type.
fn null(form: Form) -> ColumnData<'static> {
    match form {
        Form::Bit => ColumnData::Bit(None),
        Form::Integer { bytes: 1 } => ColumnData::U8(None),
        Form::Integer { bytes: 2 } => ColumnData::I16(None),
        Form::Integer { bytes: 4 } => ColumnData::I32(None),
        Form::Integer { .. } => ColumnData::I64(None),
        Form::Decimal { .. } => ColumnData::Numeric(None),
        Form::Real => ColumnData::F32(None),
        Form::Float => ColumnData::F64(None),
        Form::Text { .. } => ColumnData::String(None),
        Form::Bytes { .. } | Form::Spatial { .. } => ColumnData::Binary(None),
        Form::Uuid => ColumnData::Guid(None),
        Form::Date => ColumnData::Date(None),
        Form::Time { .. } => ColumnData::Time(None),
        Form::DateTime2 { .. } | Form::SmallDateTime => ColumnData::DateTime2(None),
        Form::DateTime => ColumnData::DateTime(None),
        Form::Offset { .. } => ColumnData::DateTimeOffset(None),
    }
}

#[cfg(test)]
mod tests;
