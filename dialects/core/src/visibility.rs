//! Which rows no running transaction can still add to.

/// What a database tells of rows that transactions may still add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility {
    /// PostgreSQL: transactions below `xmin` have all ended; those from `xmax` on had not begun.
    Snapshot {
        /// The oldest transaction that was running.
        xmin: u64,
        /// The first that was not yet begun.
        xmax: u64,
    },
    /// MySQL: when the oldest transaction that is running began, in microseconds since 1970-01-01
    /// by the server's clock; its present time where none is.
    OldestTransaction {
        /// Began at.
        began: i64,
    },
    /// SQL Server: every row version below this is final.
    RowVersion([u8; 8]),
}
