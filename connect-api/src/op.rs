//! What a row does at the sink.
use std::{ops::Range, sync::Arc};

/// What to do with a row.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub enum Op {
    /// A row of a snapshot or a query.
    #[default]
    Read,
    /// New row.
    Create,
    /// Changed row; the columns hold the state after.
    Update,
    /// Gone; the key columns hold, the rest may be null.
    Delete,
}

/// The ops of a batch: one for all, or one a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ops {
    /// The same for every row.
    All(Op),
    /// By row.
    Each(Arc<[Op]>),
}

impl Ops {
    /// One op a row, kept as one for all where they are equal.
    pub fn from_rows(ops: Vec<Op>) -> Self {
        match ops.first() {
            Some(first) if ops.iter().all(|op| op == first) => Self::All(*first),
            _ => Self::Each(ops.into()),
        }
    }

    /// Op of `row`.
    pub fn get(&self, row: usize) -> Op {
        match self {
            Self::All(op) => *op,
            Self::Each(ops) => ops[row],
        }
    }

    /// One op when all are equal, so sinks can take the whole batch at once.
    pub fn uniform(&self) -> Option<Op> {
        match self {
            Self::All(op) => Some(*op),
            Self::Each(ops) => ops
                .first()
                .copied()
                .filter(|first| ops.iter().all(|op| op == first)),
        }
    }

    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        match self {
            Self::All(op) => Self::All(*op),
            Self::Each(ops) => Self::Each(ops[rows].into()),
        }
    }

    pub(crate) fn take(&self, indexes: &[u32]) -> Self {
        match self {
            Self::All(op) => Self::All(*op),
            Self::Each(ops) => Self::Each(indexes.iter().map(|i| ops[*i as usize]).collect()),
        }
    }
}
