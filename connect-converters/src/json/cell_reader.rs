//! Reads the cells of one column: what a value must be, decided before the first row.
use super::cursor::Cursor;
use super::fault::{Fault, Result};
use super::number::Number;
use super::row_reader::RowReader;
use super::scalar::*;
use super::text::{read_base64, short_base64};
use crate::calendar;
use connect_api::{
    ColumnBuilder, Kind,
    arrow::buffer::{IntervalMonthDayNano, i256},
    decimal, interval, max_unscaled, uuid,
};

/// What a number of a time or timestamp counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// Nanoseconds of a time of day. What is finer than microseconds is written as it is where
    /// other times are written in microseconds.
    fn nanos(self, count: i64) -> Result<i64> {
        let factor = match self {
            Self::Nanos | Self::Micros => 1,
            Self::Millis => 1_000_000,
        };
        let nanos = count.checked_mul(factor);
        nanos.ok_or_else(|| Fault::value("the time is not one of nanoseconds in 64 bits"))
    }

    fn micros(self, count: i64) -> Result<i64> {
        match self {
            Self::Micros => Some(count),
            Self::Millis => count.checked_mul(1_000),
            Self::Nanos if count % 1_000 == 0 => Some(count / 1_000),
            Self::Nanos => None,
        }
        .ok_or_else(|| Fault::value("the time is not one of whole microseconds in 64 bits"))
    }
}

/// What a string stands for where a decimal is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecimalText {
    /// Base64 of the unscaled value, as the Java converters write it.
    Base64,
    /// The number as text.
    Digits,
}

/// How values of a column are written, where its kind leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forms {
    /// Of numbers for times and timestamps.
    pub(crate) unit: Unit,
    /// Of strings for decimals.
    pub(crate) decimal: DecimalText,
}

/// Memory for what cannot be read in place.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// A string without its escapes.
    pub(crate) text: String,
    /// The second of a value that needs two.
    canonical: String,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextForm {
    Text,
    Json,
    BigDecimal,
}

/// What readers of few kinds know beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beside {
    Nothing,
    /// Largest unscaled value of a wide decimal.
    Largest(Box<i256>),
    /// How the elements of a list, or the values of a map, are read.
    Element(Box<CellReader>),
    /// How the fields of a struct are read.
    Fields(Box<RowReader>),
}

/// Reads the cells of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CellReader {
    forms: Forms,
    text: TextForm,
    scale: i8,
    /// Largest unscaled value of a decimal.
    largest: u128,
    required: bool,
    pub(super) beside: Beside,
}

impl CellReader {
    /// A reader of cells of `kind`; `required` ones may not be null.
    pub(crate) fn new(kind: &Kind, forms: Forms, required: bool) -> Self {
        let (precision, scale) = match kind {
            Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => {
                (*precision, *scale)
            }
            _ => (0, 0),
        };
        Self {
            forms,
            text: match kind {
                Kind::Json => TextForm::Json,
                Kind::BigDecimal => TextForm::BigDecimal,
                _ => TextForm::Text,
            },
            scale,
            largest: max_unscaled(precision),
            required,
            beside: match kind {
                Kind::WideDecimal { .. } => {
                    Beside::Largest(Box::new(decimal::max_unscaled_wide(precision)))
                }
                Kind::List(element) | Kind::Map(element) => {
                    Beside::Element(Box::new(Self::new(element, forms, false)))
                }
                Kind::Struct(fields) => {
                    let mut rows = RowReader::of_struct();
                    for (i, (name, kind)) in fields.iter().enumerate() {
                        rows.add(name, Some((i, Self::new(kind, forms, false))));
                    }
                    Beside::Fields(Box::new(rows))
                }
                _ => Beside::Nothing,
            },
        }
    }

    /// Reads the JSON value at the cursor and appends it to `column`, which is of the kind the
    /// reader was created for. On a fault nothing is appended.
    #[inline]
    pub(crate) fn read(
        &self,
        cursor: &mut Cursor<'_>,
        column: &mut ColumnBuilder,
        scratch: &mut Scratch,
    ) -> Result<()> {
        if cursor.peek() == Some(b'n') {
            return self.null(cursor, column);
        }
        match column {
            ColumnBuilder::Int64(b) => b.append_value(signed(cursor)?),
            ColumnBuilder::Int32(b) => b.append_value(narrow(signed(cursor)?)?),
            ColumnBuilder::Text(b) if self.text == TextForm::Text => {
                b.append_value(string(cursor, &mut scratch.text)?);
            }
            ColumnBuilder::Timestamp(b) if cursor.peek() != Some(b'"') => {
                b.append_value(self.forms.unit.micros(signed(cursor)?)?);
            }
            ColumnBuilder::Float64(b) => b.append_value(double(cursor, &mut scratch.text)?),
            ColumnBuilder::Bool(b) => b.append_value(boolean(cursor)?),
            ColumnBuilder::Date(b) if cursor.peek() != Some(b'"') => {
                b.append_value(narrow(signed(cursor)?)?);
            }
            ColumnBuilder::Int16(b) => b.append_value(narrow(signed(cursor)?)?),
            ColumnBuilder::Int8(b) => b.append_value(narrow(signed(cursor)?)?),
            ColumnBuilder::UInt8(b) => b.append_value(narrow(signed(cursor)?)?),
            ColumnBuilder::UInt16(b) => b.append_value(narrow(signed(cursor)?)?),
            ColumnBuilder::UInt32(b) => b.append_value(narrow(signed(cursor)?)?),
            ColumnBuilder::UInt64(b) if cursor.peek() != Some(b'"') => {
                let value = self.scaled(cursor, 0)?;
                b.append_value(value.try_into().ok().ok_or_else(out_of_range)?);
            }
            ColumnBuilder::Float32(b) => b.append_value(single(cursor, &mut scratch.text)?),
            ColumnBuilder::Decimal(b) if cursor.peek() != Some(b'"') => {
                b.append_value(self.bounded(self.scaled(cursor, self.scale)?)?);
            }
            ColumnBuilder::Time(b) if cursor.peek() != Some(b'"') => {
                b.append_value(self.forms.unit.micros(signed(cursor)?)?);
            }
            ColumnBuilder::TimeNanos(b) if cursor.peek() != Some(b'"') => {
                b.append_value(self.forms.unit.nanos(signed(cursor)?)?);
            }
            ColumnBuilder::Duration(b) => {
                b.append_value(self.forms.unit.micros(signed(cursor)?)?);
            }
            ColumnBuilder::WideDecimal(b) if cursor.peek() != Some(b'"') => {
                let number = number_text(cursor, &mut scratch.text)?;
                let value =
                    decimal::parse_wide(number.as_bytes(), self.scale).map_err(decimal_fault)?;
                b.append_value(self.bounded_wide(value)?);
            }
            ColumnBuilder::List(b) => return self.list(cursor, b, scratch),
            ColumnBuilder::Struct(b) => return self.fields(cursor, b, scratch),
            ColumnBuilder::Map(b) => return self.map(cursor, b, scratch),
            ColumnBuilder::Text(b)
                if self.text == TextForm::Json && cursor.peek() != Some(b'"') =>
            {
                // Anything else than a string is JSON by itself: its text is kept.
                b.append_value(cursor.value(&mut scratch.text)?);
            }
            ColumnBuilder::Text(b)
                if self.text == TextForm::BigDecimal && cursor.peek() != Some(b'"') =>
            {
                let number = number_text(cursor, &mut scratch.text)?;
                b.append_value(
                    decimal::canonical(number, &mut scratch.canonical).map_err(decimal_fault)?,
                );
            }
            ColumnBuilder::Text(_)
            | ColumnBuilder::Decimal(_)
            | ColumnBuilder::UInt64(_)
            | ColumnBuilder::Bytes(_)
            | ColumnBuilder::Uuid(_)
            | ColumnBuilder::Date(_)
            | ColumnBuilder::Time(_)
            | ColumnBuilder::TimeNanos(_)
            | ColumnBuilder::WideDecimal(_)
            | ColumnBuilder::OffsetTimestamp(_)
            | ColumnBuilder::Interval(_)
            | ColumnBuilder::Timestamp(_) => {
                let Scratch {
                    text,
                    canonical,
                    bytes,
                } = scratch;
                let text = string(cursor, text)?;
                return self.append_text(text, column, canonical, bytes);
            }
        }
        Ok(())
    }

    /// Appends the value that `text` stands for: what a JSON string holds, or the whole message
    /// key. Numbers, booleans and null are no texts: see [`read`](Self::read).
    fn append_text(
        &self,
        text: &str,
        column: &mut ColumnBuilder,
        canonical: &mut String,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        match column {
            ColumnBuilder::Text(b) => match self.text {
                TextForm::Text | TextForm::Json => b.append_value(text),
                TextForm::BigDecimal => {
                    b.append_value(decimal::canonical(text, canonical).map_err(decimal_fault)?);
                }
            },
            ColumnBuilder::Decimal(b) => {
                b.append_value(self.bounded(self.unscaled(text, self.scale, bytes)?)?);
            }
            ColumnBuilder::UInt64(b) => {
                let value = self.unscaled(text, 0, bytes)?;
                b.append_value(value.try_into().ok().ok_or_else(out_of_range)?);
            }
            ColumnBuilder::Bytes(b) => b.append_value(read_base64(text, bytes)?),
            ColumnBuilder::Uuid(b) => b
                .append_value(uuid::parse(text.as_bytes()).ok_or_else(|| not_text_of("a UUID"))?)
                .map_err(|e| Fault::value(e.to_string()))?,
            ColumnBuilder::Date(b) => b.append_value(
                calendar::parse_date(text).ok_or_else(|| not_text_of("a date (YYYY-MM-DD)"))?,
            ),
            ColumnBuilder::Time(b) => {
                b.append_value(calendar::parse_time(text).ok_or_else(|| {
                    not_text_of("a time (HH:MM:SS, at most 6 digits after the point)")
                })?)
            }
            ColumnBuilder::Timestamp(b) => {
                b.append_value(calendar::parse_timestamp(text).ok_or_else(|| {
                    not_text_of("a timestamp (ISO 8601, at most 6 digits after the point)")
                })?);
            }
            ColumnBuilder::WideDecimal(b) => {
                let value = match self.forms.decimal {
                    DecimalText::Digits => {
                        decimal::parse_wide(text.as_bytes(), self.scale).map_err(decimal_fault)?
                    }
                    DecimalText::Base64 => decimal::from_bytes_wide(read_base64(text, bytes)?)
                        .ok_or_else(out_of_range)?,
                };
                b.append_value(self.bounded_wide(value)?);
            }
            ColumnBuilder::TimeNanos(b) => {
                b.append_value(calendar::parse_time_nanos(text).ok_or_else(|| {
                    not_text_of("a time (HH:MM:SS, at most 9 digits after the point)")
                })?);
            }
            ColumnBuilder::OffsetTimestamp(b) => {
                let (instant, offset) =
                    calendar::parse_offset_timestamp(text).ok_or_else(|| {
                        not_text_of("a timestamp (ISO 8601, at most 6 digits after the point)")
                    })?;
                b.append_value(instant, offset);
            }
            ColumnBuilder::Interval(b) => {
                let (months, days, nanos) = interval::parse(text)
                    .ok_or_else(|| not_text_of("an interval (ISO 8601, as P1Y2M3DT4H5M6.789S)"))?;
                b.append_value(IntervalMonthDayNano::new(months, days, nanos));
            }
            _ => return Err(Fault::found("a number or a boolean", "text")),
        }
        Ok(())
    }

    /// Appends the value of a message key that is the only key column: its plain text, or a JSON
    /// string unless it is `only_plain`. On a fault nothing is appended.
    pub(crate) fn read_key(
        &self,
        key: &str,
        only_plain: bool,
        column: &mut ColumnBuilder,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let is_string = !only_plain && key.starts_with('"');
        let takes_text = matches!(
            column,
            ColumnBuilder::Text(_)
                | ColumnBuilder::Decimal(_)
                | ColumnBuilder::UInt64(_)
                | ColumnBuilder::Bytes(_)
                | ColumnBuilder::Uuid(_)
                | ColumnBuilder::Date(_)
                | ColumnBuilder::Time(_)
                | ColumnBuilder::TimeNanos(_)
                | ColumnBuilder::WideDecimal(_)
                | ColumnBuilder::OffsetTimestamp(_)
                | ColumnBuilder::Interval(_)
                | ColumnBuilder::Timestamp(_)
        );
        if takes_text && !is_string {
            return self.append_text(key, column, &mut scratch.canonical, &mut scratch.bytes);
        }
        let mut cursor = Cursor::new(key, 0);
        if !is_string && cursor.peek() == Some(b'n') {
            return Err(cursor.mismatch("a value"));
        }
        // The end is looked at first: nothing may be appended on a fault.
        let mut ahead = cursor.clone();
        ahead.value(&mut scratch.text)?;
        ahead.end()?;
        self.read(&mut cursor, column, scratch)
    }

    #[cold]
    fn null(&self, cursor: &mut Cursor<'_>, column: &mut ColumnBuilder) -> Result<()> {
        cursor.word("null")?;
        if self.required {
            return Err(Fault::value("null in a key column"));
        }
        column.append_null();
        Ok(())
    }

    /// Reads a number as the unscaled value at `scale`.
    fn scaled(&self, cursor: &mut Cursor<'_>, scale: i8) -> Result<i128> {
        match number(cursor, "a number")? {
            Number::Whole {
                negative,
                magnitude,
            } => decimal::scaled(negative, magnitude, scale),
            Number::Point {
                negative,
                magnitude,
                places,
                ..
            } if places <= scale => decimal::scaled(negative, magnitude, scale - places),
            Number::Point { text, .. } | Number::Text(text) => {
                decimal::parse(text.as_bytes(), scale)
            }
        }
        .map_err(decimal_fault)
    }

    /// The unscaled value at `scale` that a text stands for.
    fn unscaled(&self, text: &str, scale: i8, bytes: &mut Vec<u8>) -> Result<i128> {
        match self.forms.decimal {
            DecimalText::Digits => decimal::parse(text.as_bytes(), scale).map_err(decimal_fault),
            DecimalText::Base64 => match short_base64(text.as_bytes()) {
                Some(value) => Ok(value),
                None => decimal::from_bytes(read_base64(text, bytes)?).ok_or_else(out_of_range),
            },
        }
    }

    fn bounded_wide(&self, unscaled: i256) -> Result<i256> {
        match &self.beside {
            Beside::Largest(largest)
                if unscaled
                    .checked_abs()
                    .is_some_and(|value| value <= **largest) =>
            {
                Ok(unscaled)
            }
            _ => Err(out_of_range()),
        }
    }

    fn bounded(&self, unscaled: i128) -> Result<i128> {
        if unscaled.unsigned_abs() > self.largest {
            return Err(out_of_range());
        }
        Ok(unscaled)
    }
}
