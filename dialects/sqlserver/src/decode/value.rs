//! Values of the driver, each kind its own way.
use crate::decode::{CUT, MAKE_NULL};
use crate::types::{
    civil_time::{self, Finer},
    spatial::extended,
};
use connect_api::{ColumnBuilder, Kind, max_unscaled};
use dialect_core::ValueError;
use std::cell::RefCell;
use tiberius::ColumnData;

const OUT_OF_RANGE: ValueError = ValueError("is out of the range of its kind");
const NOT_BOOLEAN: ValueError =
    ValueError("is neither 0 nor 1, and its column is read as a boolean");
const INEXACT: ValueError =
    ValueError("is too large a sum of money to be read exactly without a cast");
const OTHER_TYPE: ValueError = ValueError("is of another type than its column");

/// Appends to the builder of the kind, which is known to be this one.
macro_rules! put {
    ($column:expr, $variant:ident, $value:expr) => {
        match $column {
            ColumnBuilder::$variant(b) => {
                b.append_value($value);
                Ok(0)
            }
            _ => Err(OTHER_TYPE),
        }
    };
}

/// Appends a NULL, which has no bytes.
fn null(column: &mut ColumnBuilder) -> Result<usize, ValueError> {
    column.append_null();
    Ok(0)
}

/// A whole number of whatever width; `None` for NULL.
fn integer(data: &ColumnData<'_>) -> Result<Option<i64>, ValueError> {
    Ok(match data {
        ColumnData::Bit(v) => v.map(i64::from),
        ColumnData::U8(v) => v.map(i64::from),
        ColumnData::I16(v) => v.map(i64::from),
        ColumnData::I32(v) => v.map(i64::from),
        ColumnData::I64(v) => *v,
        _ => return Err(OTHER_TYPE),
    })
}

macro_rules! numbers {
    ($($name:ident: $variant:ident),* $(,)?) => { $(
        pub(super) fn $name(
            _: &Kind,
            column: &mut ColumnBuilder,
            data: ColumnData<'static>,
        ) -> Result<usize, ValueError> {
            match integer(&data)? {
                Some(v) => put!(column, $variant, v.try_into().map_err(|_e| OUT_OF_RANGE)?),
                None => null(column),
            }
        }
    )* };
}
numbers!(
    int8: Int8, int16: Int16, int32: Int32, int64: Int64, uint8: UInt8, uint16: UInt16,
    uint32: UInt32, uint64: UInt64,
);

pub(super) fn bool(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    match integer(&data)? {
        Some(v @ 0..=1) => put!(column, Bool, v == 1),
        Some(_) => Err(NOT_BOOLEAN),
        None => null(column),
    }
}

pub(super) fn float32(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    match data {
        ColumnData::F32(Some(v)) => put!(column, Float32, v),
        ColumnData::F32(None) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

pub(super) fn float64(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    match data {
        ColumnData::F64(Some(v)) => put!(column, Float64, v),
        ColumnData::F32(Some(v)) => put!(column, Float64, v.into()),
        ColumnData::F64(None) | ColumnData::F32(None) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

pub(super) fn decimal(
    kind: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    let Kind::Decimal { precision, scale } = kind else {
        return Err(OTHER_TYPE);
    };
    let (value, has) = match data {
        ColumnData::Numeric(Some(v)) => (v.value(), i16::from(v.scale())),
        ColumnData::Numeric(None) | ColumnData::F64(None) => return null(column),
        ColumnData::F64(Some(v)) => (money(v)?, 4),
        other => match integer(&other)? {
            Some(v) => (v.into(), 0),
            None => return null(column),
        },
    };
    let shift = i16::from(*scale) - has;
    let power = 10_i128.checked_pow(shift.unsigned_abs().into());
    let value = match power {
        Some(p) if shift >= 0 => value.checked_mul(p),
        Some(p) if value % p == 0 => Some(value / p),
        _ => None,
    };
    match value.filter(|v| v.unsigned_abs() <= max_unscaled(*precision)) {
        Some(value) => put!(column, Decimal, value),
        None => Err(OUT_OF_RANGE),
    }
}

/// The driver makes a float of money; as long as that has digits to spare, it tells the ten
/// thousandths.
fn money(value: f64) -> Result<i128, ValueError> {
    let unscaled = (value * 10_000.0).round();
    if unscaled.abs() > 4_503_599_627_370_496.0 {
        return Err(INEXACT);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is below 2^52")]
    Ok(unscaled as i128)
}

pub(super) fn text(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    let ColumnBuilder::Text(builder) = column else {
        return Err(OTHER_TYPE);
    };
    match data {
        ColumnData::String(Some(text)) => {
            builder.append_value(&text);
            Ok(text.len())
        }
        ColumnData::Xml(Some(xml)) => {
            let text = xml.into_owned().into_string();
            builder.append_value(&text);
            Ok(text.len())
        }
        ColumnData::String(None) | ColumnData::Xml(None) | ColumnData::I32(None) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

pub(super) fn bytes(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    match (column, data) {
        (ColumnBuilder::Bytes(builder), ColumnData::Binary(Some(bytes))) => {
            builder.append_value(&bytes);
            Ok(bytes.len())
        }
        (column, ColumnData::Binary(None)) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

thread_local! {
    /// Where spatial values are put together; its memory is kept from cell to cell.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A reference system and WKB, as WKB with that system in it.
pub(super) fn spatial(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    match (column, data) {
        (ColumnBuilder::Bytes(builder), ColumnData::Binary(Some(bytes))) => SCRATCH
            .with_borrow_mut(|scratch| {
                extended(&bytes, scratch)?;
                builder.append_value(&scratch);
                Ok(scratch.len())
            }),
        (column, ColumnData::Binary(None)) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

// The driver has put the bytes in the order of the text.
pub(super) fn uuid(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    match (column, data) {
        (ColumnBuilder::Uuid(builder), ColumnData::Guid(Some(uuid))) => builder
            .append_value(uuid.as_bytes())
            .map(|()| 0)
            .map_err(|_e| OTHER_TYPE),
        (column, ColumnData::Guid(None)) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

pub(super) fn date(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    match data {
        ColumnData::Date(Some(v)) => put!(column, Date, civil_time::days(v)?),
        ColumnData::Date(None) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

pub(super) fn time(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    match data {
        ColumnData::Time(Some(v)) => put!(column, Time, civil_time::time_micros(v)?),
        ColumnData::Time(None) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

pub(super) fn time_nanos(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    match data {
        ColumnData::Time(Some(v)) => put!(column, TimeNanos, civil_time::nanos(v)?),
        ColumnData::Time(None) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

const fn finer(finer: u8) -> Finer {
    match finer {
        CUT => Finer::Cut,
        MAKE_NULL => Finer::Null,
        _ => Finer::Refuse,
    }
}

pub(super) fn timestamp<const SUBMICROSECOND: u8>(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    let micros = match data {
        ColumnData::DateTime2(Some(v)) => civil_time::datetime2_micros(v, finer(SUBMICROSECOND))?,
        ColumnData::DateTime(Some(v)) => Some(civil_time::datetime_micros(v)?),
        ColumnData::SmallDateTime(Some(v)) => Some(civil_time::small_micros(v)),
        ColumnData::DateTime2(None)
        | ColumnData::DateTime(None)
        | ColumnData::SmallDateTime(None) => None,
        _ => return Err(OTHER_TYPE),
    };
    match micros {
        Some(micros) => put!(column, Timestamp, micros),
        None => null(column),
    }
}

pub(super) fn offset<const SUBMICROSECOND: u8>(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    let value = match data {
        ColumnData::DateTimeOffset(Some(v)) => {
            civil_time::datetime2_micros(v.datetime2(), finer(SUBMICROSECOND))?
                .map(|m| (m, v.offset()))
        }
        ColumnData::DateTimeOffset(None) => None,
        _ => return Err(OTHER_TYPE),
    };
    match (column, value) {
        (ColumnBuilder::OffsetTimestamp(builder), Some((micros, offset))) => {
            builder.append_value(micros, offset);
            Ok(0)
        }
        (column, None) => null(column),
        _ => Err(OTHER_TYPE),
    }
}

pub(super) fn instant<const SUBMICROSECOND: u8>(
    _: &Kind,
    column: &mut ColumnBuilder,
    data: ColumnData<'static>,
) -> Result<usize, ValueError> {
    let micros = match data {
        ColumnData::DateTimeOffset(Some(v)) => {
            civil_time::datetime2_micros(v.datetime2(), finer(SUBMICROSECOND))?
        }
        ColumnData::DateTimeOffset(None) => None,
        _ => return Err(OTHER_TYPE),
    };
    match micros {
        Some(micros) => put!(column, Timestamp, micros),
        None => null(column),
    }
}
