//! Columns into SQLite's values.
mod binder;
mod decimal;

pub(crate) use binder::{Binder, Unbound};

use crate::types::{AS_TEXT, Affinity, Declared, Storage};
use crate::types::{
    cell::OUT_OF_RANGE,
    dates::{
        number, number_of_date, number_of_time, write_date, write_offset, write_time,
        write_time_nanos, write_timestamp,
    },
    decimal::{changes, is_number},
};
use connect_api::{
    Kind,
    arrow::array::{
        cast::AsArray as _,
        types::{Int16Type, TimestampMicrosecondType},
    },
    uuid,
};
use decimal::DecimalColumn;
use dialect_core::{
    Cells, Column, SqliteTyping, Unrepresentable, ValueError, ValueOptions, write_parts,
};
use rusqlite::types::ValueRef;

const UNBOUND: ValueError = ValueError("cannot be bound");
const LOOKS_NUMERIC: ValueError = ValueError(
    "looks like a number, which the column's declared type would change; declare it TEXT",
);

/// How the cells of a column are written: chosen once a plan. What a column of the records may
/// go into is what it comes out of again unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Encoder {
    /// Whole numbers and booleans, as numbers.
    Int,
    /// Whole numbers 0 and 1.
    Bool,
    Real,
    Decimal(DecimalColumn),
    /// Text, into a column that keeps text.
    Text,
    /// Text, into a column that makes numbers of what looks like one; `numbers`: it gives them
    /// back as text.
    GuardedText {
        affinity: Affinity,
        numbers: bool,
    },
    /// Bytes, UUIDs as bytes among them.
    Bytes,
    UuidText,
    /// Date, time or timestamp as ISO text.
    Dated,
    /// The same, an instant: with `Z`.
    Instant,
    /// Date, time or timestamp as a number.
    Number(Storage),
    /// Values of this kind, which have several parts, as text: lists, structs and maps as JSON,
    /// intervals as ISO 8601.
    Parts(Kind),
}

impl Encoder {
    /// The way from `kind` into `column`; `None` where values would change.
    pub(crate) fn choose(kind: &Kind, column: &Column, values: &ValueOptions) -> Option<Self> {
        use Kind::*;
        // A type that is not supported is not written.
        column.kind.as_ref()?;
        let declared = Declared::parse(&column.vendor_type);
        let (affinity, keeps_text) = (declared.affinity(), declared.keeps_text());
        // What the column holds, whatever it is read as.
        let natural = ValueOptions {
            sqlite_typing: SqliteTyping::Strict,
            unrepresentable: Unrepresentable::Error,
            ..*values
        };
        let text = |numbers| match keeps_text {
            true => Self::Text,
            false => Self::GuardedText { affinity, numbers },
        };
        if column.extension == Some(AS_TEXT) && *kind == Kind::Text {
            return Some(text(true));
        }
        let integer = matches!(
            kind,
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64
        );
        let narrow = matches!(kind, Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32);
        let number = integer || matches!(kind, Decimal { .. } | WideDecimal { .. } | BigDecimal);
        let decimal = |digits| Self::Decimal(DecimalColumn { digits, keeps_text });
        let storage = declared.storage(values.sqlite_dates);
        let dated = |plain| match storage {
            Storage::Canonical | Storage::Iso => plain,
            Storage::Unix | Storage::Julian => Self::Number(storage),
        };
        let Some(held) = declared.kind(&natural) else {
            // A column that holds anything takes everything as what it is.
            return Some(match kind {
                Bool => Self::Int,
                UInt64 | Decimal { .. } | WideDecimal { .. } | BigDecimal => decimal(None),
                _ if integer => Self::Int,
                Float32 | Float64 => Self::Real,
                Duration => Self::Int,
                Kind::Text | Json => text(true),
                Kind::Bytes => Self::Bytes,
                Uuid => Self::UuidText,
                Date | Time | TimeNanos | OffsetTimestamp | Timestamp { utc: false } => Self::Dated,
                Timestamp { utc: true } => Self::Instant,
                List(_) | Struct(_) | Map(_) | Interval => Self::Parts(kind.clone()),
                _ => return None,
            });
        };
        Some(match (&held, kind) {
            (Int64, Bool | Duration) => Self::Int,
            (Int64, _) if integer => Self::Int,
            (Kind::Bool, Kind::Bool) => Self::Int,
            (Kind::Bool, _) if integer => Self::Bool,
            (Duration, Duration) => Self::Int,
            (Float64, Float32 | Float64) => Self::Real,
            (Float64, _) if narrow => Self::Int,
            (Decimal { precision, scale } | WideDecimal { precision, scale }, _) if number => {
                decimal(Some((*precision, *scale)))
            }
            (BigDecimal, _) if number => decimal(None),
            (Kind::Text, Kind::Text | Json | BigDecimal) => text(false),
            (Kind::Text, Decimal { .. } | WideDecimal { .. }) if keeps_text => decimal(None),
            (Kind::Text, Uuid) => Self::UuidText,
            (Kind::Text, Date | Time | TimeNanos | OffsetTimestamp) => Self::Dated,
            (Kind::Text, Timestamp { utc }) => dated_text(*utc),
            (Json, Json | Kind::Text) => text(true),
            (Kind::Text | Json, List(_) | Struct(_) | Map(_)) | (Kind::Text, Interval) => {
                Self::Parts(kind.clone())
            }
            (Kind::Bytes, Kind::Bytes | Uuid) => Self::Bytes,
            (Uuid, Uuid) if declared.is_mixed_uuid() => Self::UuidText,
            (Uuid, Uuid) => Self::Bytes,
            (Date, Date) | (Time, Time) => dated(Self::Dated),
            (TimeNanos, TimeNanos) | (OffsetTimestamp, OffsetTimestamp) => Self::Dated,
            (Timestamp { utc: a }, Timestamp { utc: b }) if a == b => dated(dated_text(*a)),
            _ => return None,
        })
    }

    /// Binds a cell.
    #[inline]
    pub(crate) fn bind(
        &self,
        cells: &Cells<'_>,
        row: usize,
        binder: &mut Binder<'_, '_>,
        scratch: &mut String,
    ) -> Result<(), Unbound> {
        if cells.is_null(row) {
            return binder.push(ValueRef::Null);
        }
        scratch.clear();
        match (self, cells) {
            (Self::Int, Cells::Int64(a)) => binder.int(a.value(row)),
            (Self::Text, Cells::Text(a)) => binder.text(a.value(row)),
            (Self::Real, Cells::Float64(a)) => binder.real(a.value(row)),
            (Self::Real, Cells::Float32(a)) => binder.real(a.value(row).into()),
            (Self::GuardedText { affinity, numbers }, Cells::Text(a)) => {
                let text = a.value(row);
                let refused = match numbers {
                    true => changes(text, *affinity, scratch),
                    false => is_number(text),
                };
                if refused {
                    return Err(LOOKS_NUMERIC.into());
                }
                binder.text(text)
            }
            (Self::Bytes, Cells::Bytes(a)) => binder.push(ValueRef::Blob(a.value(row))),
            (Self::Bytes, Cells::Uuid(a)) => binder.push(ValueRef::Blob(a.value(row))),
            (Self::UuidText, Cells::Uuid(a)) => {
                uuid::write(scratch, a.value(row));
                binder.text(scratch)
            }
            (Self::Number(storage), Cells::Date(a)) => {
                binder.number(number_of_date(a.value(row), *storage)?)
            }
            (Self::Number(storage), Cells::Time(a)) => {
                binder.number(number_of_time(a.value(row), *storage)?)
            }
            (Self::Number(storage), Cells::Timestamp(a)) => {
                binder.number(number(a.value(row), *storage)?)
            }
            (Self::Dated | Self::Instant, _) => {
                write_dated(cells, row, *self == Self::Instant, scratch)?;
                binder.text(scratch)
            }
            (Self::Decimal(column), Cells::Decimal(a)) => {
                column.bind(a.value(row), a.scale(), binder, scratch)
            }
            (Self::Decimal(column), Cells::WideDecimal(a)) => {
                let text = connect_api::wide_decimal_text(a.value(row), a.scale());
                column.bind_text(&text, binder, scratch)
            }
            (Self::Decimal(column), Cells::Text(a)) => {
                column.bind_text(a.value(row), binder, scratch)
            }
            (Self::Decimal(column), Cells::UInt64(a)) => {
                column.bind(a.value(row).into(), 0, binder, scratch)
            }
            (Self::Decimal(column), _) => match whole(cells, row) {
                Some(value) => column.bind(value.into(), 0, binder, scratch),
                None => Err(UNBOUND.into()),
            },
            (Self::Int, Cells::Bool(a)) => binder.int(i64::from(a.value(row))),
            (Self::Int, Cells::Duration(a)) => binder.int(a.value(row)),
            (Self::Int | Self::Bool, Cells::UInt64(a)) => {
                let value = i64::try_from(a.value(row)).or(Err(OUT_OF_RANGE))?;
                self.whole(value, binder)
            }
            (Self::Int | Self::Bool, _) => self.whole(whole(cells, row).ok_or(UNBOUND)?, binder),
            (Self::Parts(kind), cells) => {
                write_parts(kind, cells.get(row), scratch);
                binder.text(scratch)
            }
            _ => Err(UNBOUND.into()),
        }
    }

    fn whole(&self, value: i64, binder: &mut Binder<'_, '_>) -> Result<(), Unbound> {
        if *self == Self::Bool && !(0..=1).contains(&value) {
            return Err(OUT_OF_RANGE.into());
        }
        binder.int(value)
    }
}

fn dated_text(utc: bool) -> Encoder {
    if utc {
        Encoder::Instant
    } else {
        Encoder::Dated
    }
}

fn write_dated(
    cells: &Cells<'_>,
    row: usize,
    utc: bool,
    out: &mut String,
) -> Result<(), ValueError> {
    match cells {
        Cells::Date(a) => write_date(a.value(row), out),
        Cells::Time(a) => write_time(a.value(row), out),
        Cells::TimeNanos(a) => write_time_nanos(a.value(row), out),
        Cells::Timestamp(a) => write_timestamp(a.value(row), utc, out),
        Cells::OffsetTimestamp(a) => {
            let instants = a.column(0).as_primitive::<TimestampMicrosecondType>();
            let offsets = a.column(1).as_primitive::<Int16Type>();
            write_offset(instants.value(row), offsets.value(row), out)
        }
        _ => Err(UNBOUND),
    }
}

fn whole(cells: &Cells<'_>, row: usize) -> Option<i64> {
    Some(match cells {
        Cells::Int8(a) => a.value(row).into(),
        Cells::Int16(a) => a.value(row).into(),
        Cells::Int32(a) => a.value(row).into(),
        Cells::Int64(a) => a.value(row),
        Cells::UInt8(a) => a.value(row).into(),
        Cells::UInt16(a) => a.value(row).into(),
        Cells::UInt32(a) => a.value(row).into(),
        _ => return None,
    })
}
