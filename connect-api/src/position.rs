//! Where a source has got to.
use crate::value::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Which stream of rows: `{"table": "public.orders"}`.
pub type Partition = BTreeMap<Box<str>, Value>;

/// How far in it: `{"incrementing": 42}`.
pub type Offset = BTreeMap<Box<str>, Value>;

/// The state after the last row of a batch; stored once the batch is durable (G1).
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Shared by all batches of one stream.
    pub partition: Arc<Partition>,
    /// Of the last row.
    pub offset: Offset,
}

impl Position {
    /// A position of one stream: `Position::new([("file", "a.csv")], [("line", 42)])`.
    pub fn new<P, O, const M: usize, const N: usize>(
        partition: [(&str, P); M],
        offset: [(&str, O); N],
    ) -> Self
    where
        P: Into<Value>,
        O: Into<Value>,
    {
        Self {
            partition: Arc::new(fields(partition)),
            offset: fields(offset),
        }
    }
}

/// Names and values as partitions and offsets hold them.
fn fields<V: Into<Value>, const N: usize>(fields: [(&str, V); N]) -> BTreeMap<Box<str>, Value> {
    let fields = fields.map(|(name, value)| (name.into(), value.into()));
    fields.into()
}
