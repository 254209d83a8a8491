//! How batches are written.
use connect_api::{Error, ErrorKind, Rejected, Result};
use dialect_core::WriteOp;

/// What a write does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub(super) op: WriteOp,
    pub(super) key: Vec<String>,
    pub(super) create_table: bool,
    pub(super) one_transaction: bool,
    pub(super) skip_rejected: bool,
}

impl Write {
    /// An operation by the table's primary key.
    pub fn new(op: WriteOp) -> Self {
        Self {
            op,
            key: Vec::new(),
            create_table: false,
            one_transaction: false,
            skip_rejected: false,
        }
    }

    /// New rows; a key that is there is an error.
    pub fn insert() -> Self {
        Self::new(WriteOp::Insert)
    }

    /// New rows, or the given columns of those that are there.
    pub fn upsert() -> Self {
        Self::new(WriteOp::Upsert)
    }

    /// The key columns; those of the table's primary key where none are given. A table that is created
    /// gets them as its primary key.
    #[must_use]
    pub fn by_key<T: Into<String>>(mut self, key: impl IntoIterator<Item = T>) -> Self {
        self.key = key.into_iter().map(Into::into).collect();
        self
    }

    /// Creates the table for the columns of the first batch, where there is none.
    #[must_use]
    pub fn create_table(mut self) -> Self {
        self.create_table = true;
        self
    }

    /// All batches are written, or none.
    #[must_use]
    pub fn in_one_transaction(mut self) -> Self {
        self.one_transaction = true;
        self
    }

    /// Rows that the table refuses are left out and handed back in [`Written::rejected`].
    #[must_use]
    pub fn skip_rejected(mut self) -> Self {
        self.skip_rejected = true;
        self
    }

    pub(super) fn validate(&self) -> Result<()> {
        if self.one_transaction && self.skip_rejected {
            return Err(Error::new(
                ErrorKind::Config,
                "rows are skipped batch by batch: take one of in_one_transaction and skip_rejected",
            ));
        }
        Ok(())
    }
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows written, as the database counts them.
    pub rows: u64,
    /// Rows that the table refused, with their number from the first row of the first batch on, and
    /// why.
    pub rejected: Vec<Rejected>,
}
