//! Columns of other Arrow types as columns of our kinds: every value the same, or an error.
use crate::{
    error::{Error, ErrorKind, Result},
    kind::{Kind, UTC},
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, PrimitiveArray, RecordBatch, StringArray,
    cast::AsArray as _,
    types::{
        Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType,
        DurationNanosecondType, DurationSecondType, IntervalDayTimeType, IntervalMonthDayNano,
        IntervalMonthDayNanoType, IntervalYearMonthType, Time32MillisecondType, Time32SecondType,
        Time64MicrosecondType, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType,
    },
};
use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};
use std::sync::Arc;

const MILLISECONDS_A_DAY: i64 = 86_400_000;

/// The columns of `batch`, those whose Arrow types are none of our kinds' brought to one that holds
/// the same values: times of other units to microseconds, instants of any zone to UTC, dates in
/// milliseconds to days, large texts and bytes, views and bytes of a fixed size to text and bytes,
/// dictionaries to their values, intervals to months, days and nanoseconds. Others are left as they
/// are.
///
/// # Errors
/// `Data`: a value that is finer than a microsecond or, of a date, than a day, beyond 64 bits, or a
/// column of more than 2 GiB; the column is named.
pub(crate) fn adopted(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    let adopted = columns.map(|(field, column)| {
        let column = adopt(field, column)
            .map_err(|why| {
                Error::new(
                    ErrorKind::Data,
                    format!("column `{}`: a value that {why}", field.name()),
                )
            })?
            .unwrap_or_else(|| column.clone());
        let field = Field::clone(field).with_data_type(column.data_type().clone());
        Ok((Arc::new(field), column))
    });
    let (fields, columns): (Vec<_>, Vec<_>) =
        adopted.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let schema = arrow_schema::Schema::new(fields);
    let rows = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::new(schema),
        columns,
        &rows,
    )?)
}

/// Why a value has no place in the column.
type Why = &'static str;

const FINER: Why = "is finer than a microsecond";
const NOT_A_DAY: Why = "is not the beginning of a day";
const BEYOND: Why = "lies beyond 64 bits of microseconds";
const TOO_MANY_BYTES: Why = "makes the column longer than 2 GiB";

/// `None` where the column stays as it is.
fn adopt(field: &Field, column: &ArrayRef) -> Result<Option<ArrayRef>, Why> {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    if !matches!(Kind::of(field), Kind::Other(_)) {
        return Ok(None);
    }
    let column = column.as_ref();
    Ok(Some(match field.data_type() {
        DataType::Timestamp(unit, zone) => {
            let micros = match unit {
                Second => times::<TimestampSecondType, _>(column, 1_000_000)?,
                Millisecond => times::<TimestampMillisecondType, _>(column, 1_000)?,
                Microsecond => column.as_primitive::<TimestampMicrosecondType>().clone(),
                Nanosecond => thousandth::<TimestampNanosecondType, _>(column)?,
            };
            Arc::new(micros.with_timezone_opt(zone.as_ref().map(|_| UTC)))
        }
        DataType::Time32(Second) => Arc::new(times::<Time32SecondType, Time64MicrosecondType>(
            column, 1_000_000,
        )?),
        DataType::Time32(_) => Arc::new(times::<Time32MillisecondType, Time64MicrosecondType>(
            column, 1_000,
        )?),
        DataType::Duration(unit) => Arc::new(match unit {
            Second => times::<DurationSecondType, DurationMicrosecondType>(column, 1_000_000)?,
            Millisecond => times::<DurationMillisecondType, _>(column, 1_000)?,
            Microsecond => return Ok(None),
            Nanosecond => thousandth::<DurationNanosecondType, _>(column)?,
        }),
        DataType::Date64 => {
            let day = |millis: i64| match millis % MILLISECONDS_A_DAY {
                0 => i32::try_from(millis / MILLISECONDS_A_DAY).or(Err(BEYOND)),
                _ => Err(NOT_A_DAY),
            };
            let days = column.as_primitive::<Date64Type>();
            Arc::new(days.try_unary::<_, Date32Type, _>(day)?)
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            let months = column.as_primitive::<IntervalYearMonthType>();
            let whole = |months| IntervalMonthDayNano::new(months, 0, 0);
            Arc::new(months.unary::<_, IntervalMonthDayNanoType>(whole))
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let spans = column.as_primitive::<IntervalDayTimeType>();
            Arc::new(spans.unary::<_, IntervalMonthDayNanoType>(|span| {
                let nanos = i64::from(span.milliseconds) * 1_000_000;
                IntervalMonthDayNano::new(0, span.days, nanos)
            }))
        }
        DataType::LargeUtf8 => text(column.as_string::<i64>().iter())?,
        DataType::Utf8View => text(column.as_string_view().iter())?,
        DataType::LargeBinary => bytes(column.as_binary::<i64>().iter())?,
        DataType::BinaryView => bytes(column.as_binary_view().iter())?,
        DataType::FixedSizeBinary(_) => bytes(column.as_fixed_size_binary().iter())?,
        DataType::Dictionary(_, value) => {
            let dictionary = column.as_any_dictionary();
            let taken =
                arrow_select::take::take(dictionary.values().as_ref(), dictionary.keys(), None);
            let taken = taken.map_err(|_e| "is of a key that its dictionary does not have")?;
            let field = field.clone().with_data_type(DataType::clone(value));
            adopt(&field, &taken)?.unwrap_or(taken)
        }
        _ => return Ok(None),
    }))
}

fn times<F, T>(column: &dyn Array, by: i64) -> Result<PrimitiveArray<T>, Why>
where
    F: ArrowPrimitiveType<Native: Into<i64>>,
    T: ArrowPrimitiveType<Native = i64>,
{
    let scaled = |value: F::Native| value.into().checked_mul(by).ok_or(BEYOND);
    column.as_primitive::<F>().try_unary(scaled)
}

fn thousandth<F, T>(column: &dyn Array) -> Result<PrimitiveArray<T>, Why>
where
    F: ArrowPrimitiveType<Native = i64>,
    T: ArrowPrimitiveType<Native = i64>,
{
    let scaled = |nanos: i64| match nanos % 1_000 {
        0 => Ok(nanos / 1_000),
        _ => Err(FINER),
    };
    column.as_primitive::<F>().try_unary(scaled)
}

fn text<'a>(cells: impl Iterator<Item = Option<&'a str>> + Clone) -> Result<ArrayRef, Why> {
    fits(cells.clone().flatten().map(str::len))?;
    Ok(Arc::new(cells.collect::<StringArray>()))
}

fn bytes<'a>(cells: impl Iterator<Item = Option<&'a [u8]>> + Clone) -> Result<ArrayRef, Why> {
    fits(cells.clone().flatten().map(<[u8]>::len))?;
    Ok(Arc::new(cells.collect::<BinaryArray>()))
}

/// Offsets are of 32 bits.
fn fits(lengths: impl Iterator<Item = usize>) -> Result<(), Why> {
    match i32::try_from(lengths.sum::<usize>()) {
        Ok(_) => Ok(()),
        Err(_) => Err(TOO_MANY_BYTES),
    }
}
