//! Rows for people: seen in place, or owned.
use crate::{Kind, Op, Records, Value, ValueRef};
use arrow_array::{cast::AsArray as _, types::*};
use std::sync::Arc;

/// Message properties of a row.
pub type Headers = Arc<[(Box<str>, Box<str>)]>;

/// One row, owned: the OpenMessaging shape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConnectRecord {
    /// One value a column, in the order of the schema.
    pub values: Vec<Value>,
    /// What the row does at the sink.
    pub op: Op,
    /// Event time, milliseconds since 1970-01-01.
    pub time: Option<i64>,
    /// Message properties.
    pub headers: Option<Headers>,
}

impl<V: Into<Value>, const N: usize> From<[V; N]> for ConnectRecord {
    fn from(values: [V; N]) -> Self {
        Self {
            values: values.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }
}

/// A row seen in place; serializes as a map.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    records: &'a Records,
    row: usize,
}

impl<'a> Row<'a> {
    pub(crate) fn new(records: &'a Records, row: usize) -> Self {
        Self { records, row }
    }

    /// Cell of column `i`. Columns of [`Kind::Other`] read as null.
    pub fn get(&self, i: usize) -> ValueRef<'a> {
        let (column, row) = (self.records.batch().column(i).as_ref(), self.row);
        if column.is_null(row) {
            return ValueRef::Null;
        }
        macro_rules! at {
            ($t:ty) => {
                column.as_primitive::<$t>().value(row)
            };
        }
        match &self.records.schema().kinds()[i] {
            Kind::Bool => ValueRef::Bool(column.as_boolean().value(row)),
            Kind::Int8 => ValueRef::Int(at!(Int8Type).into()),
            Kind::Int16 => ValueRef::Int(at!(Int16Type).into()),
            Kind::Int32 => ValueRef::Int(at!(Int32Type).into()),
            Kind::Int64 => ValueRef::Int(at!(Int64Type)),
            Kind::UInt8 => ValueRef::UInt(at!(UInt8Type).into()),
            Kind::UInt16 => ValueRef::UInt(at!(UInt16Type).into()),
            Kind::UInt32 => ValueRef::UInt(at!(UInt32Type).into()),
            Kind::UInt64 => ValueRef::UInt(at!(UInt64Type)),
            Kind::Float32 => ValueRef::Float(at!(Float32Type).into()),
            Kind::Float64 => ValueRef::Float(at!(Float64Type)),
            Kind::Decimal { scale, .. } => ValueRef::Decimal(at!(Decimal128Type), *scale),
            Kind::Text | Kind::Json | Kind::BigDecimal => {
                ValueRef::Text(column.as_string::<i32>().value(row))
            }
            Kind::Bytes => ValueRef::Bytes(column.as_binary::<i32>().value(row)),
            Kind::Uuid => ValueRef::Bytes(column.as_fixed_size_binary().value(row)),
            Kind::Date => ValueRef::Date(at!(Date32Type)),
            Kind::Time => ValueRef::Time(at!(Time64MicrosecondType)),
            Kind::Timestamp { .. } => ValueRef::Timestamp(at!(TimestampMicrosecondType)),
            Kind::Other(_) => ValueRef::Null,
        }
    }

    /// Cell of the column `name`.
    pub fn by_name(&self, name: &str) -> Option<ValueRef<'a>> {
        self.records.schema().index_of(name).map(|i| self.get(i))
    }

    /// What to do with it.
    pub fn op(&self) -> Op {
        self.records.ops().get(self.row)
    }

    /// Event time, milliseconds since 1970-01-01.
    pub fn time(&self) -> Option<i64> {
        self.records.time(self.row)
    }

    /// An owned copy.
    pub fn to_record(&self) -> ConnectRecord {
        let columns = self.records.batch().num_columns();
        ConnectRecord {
            values: (0..columns).map(|i| self.get(i).to_value()).collect(),
            op: self.op(),
            time: self.time(),
            headers: self.records.shared_headers(self.row).cloned(),
        }
    }
}

impl serde::Serialize for Row<'_> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let fields = self.records.schema().columns().fields();
        s.collect_map(
            fields
                .iter()
                .enumerate()
                .map(|(i, f)| (f.name(), self.get(i))),
        )
    }
}
