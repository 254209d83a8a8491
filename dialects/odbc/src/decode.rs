//! Cells of a driver into Arrow columns.
use crate::decode::rowset::{Single, Source};
use connect_api::{
    Kind, UTC,
    arrow::{
        array::{builder::*, types::*, *},
        buffer::NullBuffer,
    },
    parse_wide_decimal, uuid,
};
use dialect_core::{ValueError, is_decimal, parse_decimal};
use std::{ops::Range, sync::Arc};

mod dated;
pub(crate) mod rowset;
pub(crate) use dated::{offset_timestamp, span};

const NOT_BOOL: ValueError = ValueError("is neither true nor false");
const NOT_NUMBER: ValueError = ValueError("is not a number of its column's kind");
const NOT_TEXT: ValueError = ValueError("is not UTF-8");
const NOT_UUID: ValueError = ValueError("is not a UUID");
const NOT_DECIMAL: ValueError = ValueError("is not a decimal number that fits its column");
const NO_SOURCE: ValueError = ValueError("came in another form than was asked for");
const TOO_LONG: ValueError = ValueError("makes its column too large for one batch");

/// How values that do not fit are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnUnrepresentable {
    Error,
    Null,
}

/// The cells in `rows` as a column of `kind`.
pub(crate) fn column(
    kind: &Kind,
    source: &Source<'_>,
    rows: Range<usize>,
    fine: dialect_core::FineDigits,
    on_unrepresentable: OnUnrepresentable,
) -> Result<ArrayRef, ValueError> {
    let of = Cells {
        source,
        rows,
        on_unrepresentable,
    };
    Ok(match kind {
        Kind::Bool => of.booleans()?,
        Kind::Int8 => of.ints::<Int8Type>()?,
        Kind::Int16 => of.ints::<Int16Type>()?,
        Kind::Int32 => of.ints::<Int32Type>()?,
        Kind::Int64 => of.longs()?,
        Kind::UInt8 => of.ints::<UInt8Type>()?,
        Kind::UInt16 => of.ints::<UInt16Type>()?,
        Kind::UInt32 => of.ints::<UInt32Type>()?,
        Kind::UInt64 => Arc::new(of.parsed::<UInt64Type>(number)?),
        #[expect(clippy::cast_possible_truncation, reason = "the column is of 32 bits")]
        Kind::Float32 => of.floats::<Float32Type>(|v| v as f32)?,
        Kind::Float64 => of.floats::<Float64Type>(|v| v)?,
        Kind::Decimal { precision, scale } => {
            let column =
                of.parsed::<Decimal128Type>(|text| parse_decimal(text, *precision, *scale))?;
            Arc::new(column.with_data_type(kind.data_type()))
        }
        Kind::WideDecimal { precision, scale } => {
            let column = of.parsed::<Decimal256Type>(|text| {
                let text = std::str::from_utf8(text).map_err(|_e| NOT_DECIMAL)?;
                parse_wide_decimal(text, *precision, *scale).ok_or(NOT_DECIMAL)
            })?;
            Arc::new(column.with_data_type(kind.data_type()))
        }
        Kind::BigDecimal => of.texts(|text| {
            let special = text.eq_ignore_ascii_case("nan") || text.ends_with("nfinity");
            (is_decimal(text.as_bytes()) || special)
                .then_some(())
                .ok_or(NOT_DECIMAL)
        })?,
        Kind::Text | Kind::Json => of.texts(|_| Ok(()))?,
        Kind::Bytes => of.bytes()?,
        Kind::Uuid => of.uuids()?,
        Kind::Date => Arc::new(of.parsed::<Date32Type>(dated::date)?),
        Kind::Time => Arc::new(of.parsed::<Time64MicrosecondType>(|text| dated::time(text, fine))?),
        Kind::TimeNanos => Arc::new(of.parsed::<Time64NanosecondType>(dated::time_nanos)?),
        Kind::Duration => match source {
            Source::Int(_) | Source::Single(Single::Int(_)) => {
                of.ints::<DurationMicrosecondType>()?
            }
            _ => Arc::new(of.parsed::<DurationMicrosecondType>(span)?),
        },
        Kind::Timestamp { utc } => {
            let column =
                of.parsed::<TimestampMicrosecondType>(|text| dated::timestamp(text, *utc, fine))?;
            if *utc {
                Arc::new(column.with_timezone(UTC))
            } else {
                Arc::new(column)
            }
        }
        Kind::OffsetTimestamp => {
            let mut column = connect_api::OffsetTimestampBuilder::with_capacity(of.rows.len());
            for row in of.rows.clone() {
                match of.value(row, |text| offset_timestamp(text, fine))? {
                    Some((instant, offset)) => column.append_value(instant, offset),
                    None => column.append_null(),
                }
            }
            Arc::new(column.finish())
        }
        Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => return Err(NO_SOURCE),
        Kind::Interval | Kind::Other(_) => return Err(NO_SOURCE),
    })
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Result<T, ValueError> {
    let text = std::str::from_utf8(text).ok();
    text.and_then(|text| text.parse().ok()).ok_or(NOT_NUMBER)
}

struct Cells<'a, 's> {
    source: &'s Source<'a>,
    rows: Range<usize>,
    on_unrepresentable: OnUnrepresentable,
}

impl Cells<'_, '_> {
    fn soften<T>(&self, value: Result<T, ValueError>) -> Result<Option<T>, ValueError> {
        match (value, self.on_unrepresentable) {
            (Ok(value), _) => Ok(Some(value)),
            (Err(_), OnUnrepresentable::Null) => Ok(None),
            (Err(error), OnUnrepresentable::Error) => Err(error),
        }
    }

    fn value<T>(
        &self,
        row: usize,
        parse: impl Fn(&[u8]) -> Result<T, ValueError>,
    ) -> Result<Option<T>, ValueError> {
        match self.source.bytes(row) {
            Some(text) => self.soften(parse(text)),
            None => Ok(None),
        }
    }

    fn parsed<T: ArrowPrimitiveType>(
        &self,
        parse: impl Fn(&[u8]) -> Result<T::Native, ValueError>,
    ) -> Result<PrimitiveArray<T>, ValueError> {
        let mut column = PrimitiveBuilder::<T>::with_capacity(self.rows.len());
        for row in self.rows.clone() {
            column.append_option(self.value(row, &parse)?);
        }
        Ok(column.finish())
    }

    /// Numbers of 64 bits are copied as they stand.
    fn longs(&self) -> Result<ArrayRef, ValueError> {
        let Source::Int(column) = self.source else {
            return self.ints::<Int64Type>();
        };
        let (values, indicators) = column.raw_values();
        let (values, indicators) = (&values[self.rows.clone()], &indicators[self.rows.clone()]);
        let nulls = NullBuffer::from_iter(indicators.iter().map(|i| *i >= 0));
        let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
        Ok(Arc::new(Int64Array::new(values.to_vec().into(), nulls)))
    }

    fn ints<T: ArrowPrimitiveType>(&self) -> Result<ArrayRef, ValueError>
    where
        T::Native: TryFrom<i64> + std::str::FromStr,
    {
        let narrow = |v: i64| T::Native::try_from(v).map_err(|_e| NOT_NUMBER);
        let mut column = PrimitiveBuilder::<T>::with_capacity(self.rows.len());
        match self.source {
            Source::Int(cells) => {
                for row in self.rows.clone() {
                    let value = cells.get(row).map(|v| self.soften(narrow(*v)));
                    column.append_option(value.transpose()?.flatten());
                }
            }
            Source::Single(Single::Int(cells)) => {
                for row in self.rows.clone() {
                    let value = cells[row].map(|v| self.soften(narrow(v)));
                    column.append_option(value.transpose()?.flatten());
                }
            }
            _ => return Ok(Arc::new(self.parsed::<T>(number)?)),
        }
        Ok(Arc::new(column.finish()))
    }

    fn floats<T: ArrowPrimitiveType>(
        &self,
        narrow: impl Fn(f64) -> T::Native,
    ) -> Result<ArrayRef, ValueError>
    where
        T::Native: std::str::FromStr,
    {
        let mut column = PrimitiveBuilder::<T>::with_capacity(self.rows.len());
        match self.source {
            Source::Float(cells) => {
                for row in self.rows.clone() {
                    column.append_option(cells.get(row).map(|v| narrow(*v)));
                }
            }
            Source::Single(Single::Float(cells)) => {
                for row in self.rows.clone() {
                    column.append_option(cells[row].map(&narrow));
                }
            }
            _ => return Ok(Arc::new(self.parsed::<T>(number)?)),
        }
        Ok(Arc::new(column.finish()))
    }

    fn booleans(&self) -> Result<ArrayRef, ValueError> {
        let of = |v: i64| match v {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(NOT_BOOL),
        };
        let mut column = BooleanBuilder::with_capacity(self.rows.len());
        for row in self.rows.clone() {
            let int = match self.source {
                Source::Int(cells) => cells.get(row).copied(),
                Source::Single(Single::Int(cells)) => cells[row],
                _ => None,
            };
            let value = match int {
                Some(v) => self.soften(of(v))?,
                None => self.value(row, |text| match text {
                    b"1" | b"t" | b"true" | b"TRUE" | b"T" => Ok(true),
                    b"0" | b"f" | b"false" | b"FALSE" | b"F" => Ok(false),
                    _ => Err(NOT_BOOL),
                })?,
            };
            column.append_option(value);
        }
        Ok(Arc::new(column.finish()))
    }

    fn size(&self) -> Result<usize, ValueError> {
        let cells = self.rows.clone().filter_map(|row| self.source.bytes(row));
        let bytes = cells.map(<[u8]>::len).sum();
        i32::try_from(bytes).map(|_| bytes).map_err(|_e| TOO_LONG)
    }

    fn texts(
        &self,
        check: impl Fn(&str) -> Result<(), ValueError>,
    ) -> Result<ArrayRef, ValueError> {
        let mut column = StringBuilder::with_capacity(self.rows.len(), self.size()?);
        for row in self.rows.clone() {
            let text = self.source.bytes(row).map(|text| {
                let text = std::str::from_utf8(text).map_err(|_e| NOT_TEXT);
                self.soften(text.and_then(|text| check(text).map(|()| text)))
            });
            column.append_option(text.transpose()?.flatten());
        }
        Ok(Arc::new(column.finish()))
    }

    fn bytes(&self) -> Result<ArrayRef, ValueError> {
        let mut column = BinaryBuilder::with_capacity(self.rows.len(), self.size()?);
        for row in self.rows.clone() {
            column.append_option(self.source.bytes(row));
        }
        Ok(Arc::new(column.finish()))
    }

    fn uuids(&self) -> Result<ArrayRef, ValueError> {
        let mut column = FixedSizeBinaryBuilder::with_capacity(self.rows.len(), 16);
        for row in self.rows.clone() {
            match self.value(row, |cell| uuid_of(cell).ok_or(NOT_UUID))? {
                // The builder refuses another length alone.
                Some(uuid) => column.append_value(uuid).map_err(|_e| NOT_UUID)?,
                None => column.append_null(),
            }
        }
        Ok(Arc::new(column.finish()))
    }
}

/// The bytes of a UUID: its text, with hyphens or without, or the bytes themselves.
fn uuid_of(cell: &[u8]) -> Option<[u8; 16]> {
    <[u8; 16]>::try_from(cell)
        .ok()
        .or_else(|| uuid::parse(cell))
}
