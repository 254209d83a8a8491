//! The cells of record columns, typed once per write.
use crate::{
    plan::{Pair, WritePlan},
    value_error::ValueError,
};
use connect_api::{
    Error, ErrorKind, Kind, ListRef, MapRef, Records, Result, StructRef, ValueRef,
    arrow::array::{cast::AsArray as _, types::*, *},
};
use std::ops::Range;

macro_rules! cells {
    ($($(#[$doc:meta])* $variant:ident($array:ty): $pattern:pat),* $(,)?) => {
        /// The cells of one column, seen in place. Match on it once per column and write, not
        /// once per cell.
        #[derive(Debug, Clone, Copy)]
        pub enum Cells<'a> {
            $($(#[$doc])* $variant(&'a $array)),*
        }

        impl<'a> Cells<'a> {
            /// The cells of `column`, which holds values of `kind`.
            ///
            /// # Errors
            /// `Unsupported`: a kind whose cells are not supported. `Internal`: the column is not
            /// of that kind, a fault of the caller.
            pub fn new(kind: &Kind, column: &'a dyn Array) -> Result<Self> {
                let cells = match kind {
                    $($pattern => column.as_any().downcast_ref::<$array>().map(Self::$variant),)*
                    Kind::Other(data_type) => {
                        return Err(Error::new(
                            ErrorKind::Unsupported,
                            format!("Arrow type {data_type} is not supported"),
                        ));
                    }
                };
                cells.ok_or_else(|| {
                    Error::new(
                        ErrorKind::Internal,
                        format!("a column of {kind:?} is of type {}", column.data_type()),
                    )
                })
            }

            /// The column, untyped.
            pub fn array(&self) -> &'a dyn Array {
                match self {
                    $(Self::$variant(array) => *array),*
                }
            }

            /// The cell in `row` is NULL.
            pub fn is_null(&self, row: usize) -> bool {
                match self {
                    $(Self::$variant(array) => array.is_null(row)),*
                }
            }
        }
    };
}

cells! {
    /// Booleans.
    Bool(BooleanArray): Kind::Bool,
    /// 8-bit integers.
    Int8(Int8Array): Kind::Int8,
    /// 16-bit integers.
    Int16(Int16Array): Kind::Int16,
    /// 32-bit integers.
    Int32(Int32Array): Kind::Int32,
    /// 64-bit integers.
    Int64(Int64Array): Kind::Int64,
    /// Unsigned 8-bit integers.
    UInt8(UInt8Array): Kind::UInt8,
    /// Unsigned 16-bit integers.
    UInt16(UInt16Array): Kind::UInt16,
    /// Unsigned 32-bit integers.
    UInt32(UInt32Array): Kind::UInt32,
    /// Unsigned 64-bit integers.
    UInt64(UInt64Array): Kind::UInt64,
    /// 32-bit floats.
    Float32(Float32Array): Kind::Float32,
    /// 64-bit floats.
    Float64(Float64Array): Kind::Float64,
    /// Unscaled values; the scale is that of the kind, and of [`Decimal128Array::scale`].
    Decimal(Decimal128Array): Kind::Decimal { .. },
    /// Unscaled values of more than 38 digits.
    WideDecimal(Decimal256Array): Kind::WideDecimal { .. },
    /// Text, JSON text, and decimals as text.
    Text(StringArray): Kind::Text | Kind::Json | Kind::BigDecimal,
    /// Bytes.
    Bytes(BinaryArray): Kind::Bytes,
    /// UUIDs, 16 bytes each.
    Uuid(FixedSizeBinaryArray): Kind::Uuid,
    /// Days since 1970-01-01.
    Date(Date32Array): Kind::Date,
    /// Microseconds since midnight.
    Time(Time64MicrosecondArray): Kind::Time,
    /// Nanoseconds since midnight.
    TimeNanos(Time64NanosecondArray): Kind::TimeNanos,
    /// Spans of time in microseconds.
    Duration(DurationMicrosecondArray): Kind::Duration,
    /// Instants and the offsets of their local times from UTC, in minutes.
    OffsetTimestamp(StructArray): Kind::OffsetTimestamp,
    /// Lists.
    List(ListArray): Kind::List(_),
    /// Structs.
    Struct(StructArray): Kind::Struct(_),
    /// Maps.
    Map(MapArray): Kind::Map(_),
    /// Months, days and nanoseconds.
    Interval(IntervalMonthDayNanoArray): Kind::Interval,
    /// Microseconds since 1970-01-01.
    Timestamp(TimestampMicrosecondArray): Kind::Timestamp { .. },
}

impl<'a> Cells<'a> {
    /// The cell in `row`.
    pub fn get(&self, row: usize) -> ValueRef<'a> {
        if self.is_null(row) {
            return ValueRef::Null;
        }
        match self {
            Self::Bool(a) => ValueRef::Bool(a.value(row)),
            Self::Int8(a) => ValueRef::Int(a.value(row).into()),
            Self::Int16(a) => ValueRef::Int(a.value(row).into()),
            Self::Int32(a) => ValueRef::Int(a.value(row).into()),
            Self::Int64(a) => ValueRef::Int(a.value(row)),
            Self::UInt8(a) => ValueRef::UInt(a.value(row).into()),
            Self::UInt16(a) => ValueRef::UInt(a.value(row).into()),
            Self::UInt32(a) => ValueRef::UInt(a.value(row).into()),
            Self::UInt64(a) => ValueRef::UInt(a.value(row)),
            Self::Float32(a) => ValueRef::Float(a.value(row).into()),
            Self::Float64(a) => ValueRef::Float(a.value(row)),
            Self::Decimal(a) => ValueRef::Decimal(a.value(row), a.scale()),
            Self::Text(a) => ValueRef::Text(a.value(row)),
            Self::Bytes(a) => ValueRef::Bytes(a.value(row)),
            Self::Uuid(a) => ValueRef::Bytes(a.value(row)),
            Self::Date(a) => ValueRef::Date(a.value(row)),
            Self::Time(a) => ValueRef::Time(a.value(row)),
            Self::WideDecimal(a) => ValueRef::WideDecimal(a.value(row), a.scale()),
            Self::TimeNanos(a) => ValueRef::Time(a.value(row)),
            Self::Duration(a) => ValueRef::Time(a.value(row)),
            Self::OffsetTimestamp(a) => ValueRef::OffsetTimestamp(
                a.column(0)
                    .as_primitive::<TimestampMicrosecondType>()
                    .value(row),
                a.column(1).as_primitive::<Int16Type>().value(row),
            ),
            Self::List(a) => ValueRef::List(ListRef::new(a, row)),
            Self::Struct(a) => ValueRef::Struct(StructRef::new(a, row)),
            Self::Map(a) => ValueRef::Map(MapRef::new(a, row)),
            Self::Interval(a) => {
                let interval = a.value(row);
                ValueRef::Interval(interval.months, interval.days, interval.nanoseconds)
            }
            Self::Timestamp(a) => ValueRef::Timestamp(a.value(row)),
        }
    }
}

impl WritePlan {
    /// The columns of `records` that the plan writes, in the order of its pairs.
    ///
    /// # Errors
    /// `Internal`: the records are not of the schema that was planned for. `Unsupported`: as
    /// [`Cells::new`].
    pub fn cells<'a>(&self, records: &'a Records) -> Result<Vec<Cells<'a>>> {
        let cell = |pair: &Pair| {
            let kind = records.schema().kinds().get(pair.from);
            let Some(kind) = kind.filter(|_| pair.from < records.batch().num_columns()) else {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!(
                        "records of `{}` are not of the schema that the write to {} was planned for",
                        records.schema().name(),
                        self.table.name
                    ),
                ));
            };
            Cells::new(kind, records.batch().column(pair.from).as_ref()).map_err(|e| {
                e.context(format_args!(
                    "column `{}`",
                    records.schema().field(pair.from).name()
                ))
            })
        };
        self.pairs.iter().map(cell).collect()
    }

    /// Rejects rows without a key, which an update or delete would skip and an upsert would insert
    /// again each time. Nothing is checked where the plan has no key.
    ///
    /// # Errors
    /// `Data`: NULL in a key column of some of these `rows`; table and column are named.
    /// `Internal`: rows that the records do not have.
    pub fn check_keys(&self, records: &Records, rows: Range<usize>) -> Result<()> {
        if rows.end > records.len() || rows.start > rows.end {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("rows {rows:?} of {} records", records.len()),
            ));
        }
        for pair in &self.pairs[..self.key] {
            let column = records.batch().column(pair.from);
            if column.null_count() > 0 && column.slice(rows.start, rows.len()).null_count() > 0 {
                return Err(ValueError("is NULL, and it is a key column")
                    .at(&self.table.name, &self.table.columns[pair.to].name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Route, WriteOp, syntax::tests::table};
    use connect_api::{ConnectRecord, Schema, Value};
    use std::sync::Arc;

    fn records(ids: &[Value]) -> Records {
        let fields = [Kind::Text.field("v", true), Kind::Int64.field("a", true)];
        let schema = Schema::new("s", fields, &[]).unwrap();
        let rows = ids.iter().map(|id| ConnectRecord {
            values: vec!["secret".into(), id.clone()],
            ..Default::default()
        });
        Records::from_rows("t".into(), schema, rows).unwrap()
    }

    fn plan(key: usize, pairs: Vec<Pair>) -> WritePlan {
        WritePlan {
            op: WriteOp::Upsert,
            table: Arc::new(table(&["a", "v?"])),
            pairs,
            key,
            route: Route::Rows,
            detail: Arc::new(()),
        }
    }

    #[test]
    fn cells_come_in_the_order_of_the_pairs() {
        let plan = plan(1, vec![Pair { from: 1, to: 0 }, Pair { from: 0, to: 1 }]);
        let records = records(&[1.into(), Value::Null]);
        let cells = plan.cells(&records).unwrap();
        assert_eq!(
            (cells[0].get(0), cells[0].get(1)),
            (ValueRef::Int(1), ValueRef::Null)
        );
        assert_eq!(cells[1].get(0), ValueRef::Text("secret"));
        assert!(matches!(cells[0], Cells::Int64(_)) && cells[0].is_null(1));
        let other = self::plan(0, vec![Pair { from: 2, to: 0 }]);
        assert_eq!(
            other.cells(&records).unwrap_err().kind(),
            ErrorKind::Internal
        );
    }

    #[test]
    fn rows_without_a_key_are_refused_where_they_are() {
        let plan = plan(1, vec![Pair { from: 1, to: 0 }, Pair { from: 0, to: 1 }]);
        let records = records(&[1.into(), Value::Null, 3.into()]);
        for rows in [0..1, 2..3, 1..1] {
            plan.check_keys(&records, rows).unwrap();
        }
        let error = plan.check_keys(&records, 0..3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(
            error.report(),
            "column `a` of table `s.t`: a value that is NULL, and it is a key column"
        );
        assert_eq!(
            plan.check_keys(&records, 0..4).unwrap_err().kind(),
            ErrorKind::Internal
        );
    }
}
