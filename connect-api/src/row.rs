//! Rows for people: seen in place, or owned.
use crate::{
    cell::cell,
    op::Op,
    records::Records,
    value::{Value, ValueRef},
};
use std::{fmt, sync::Arc};

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

/// A row seen in place; serializes as a map, and `Debug` shows it as one.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    records: &'a Records,
    row: usize,
}

impl<'a> Row<'a> {
    pub(crate) fn new(records: &'a Records, row: usize) -> Self {
        Self { records, row }
    }

    /// Cell of column `i`. Columns of [`Kind::Other`](crate::Kind::Other) read as null.
    pub fn get(&self, i: usize) -> ValueRef<'a> {
        let column = self.records.batch().column(i).as_ref();
        cell(&self.records.schema().kinds()[i], column, self.row)
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

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.records.schema().columns().fields().iter();
        let cells = fields.enumerate().map(|(i, f)| (f.name(), self.get(i)));
        f.debug_map().entries(cells).finish()
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
