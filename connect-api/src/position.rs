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
