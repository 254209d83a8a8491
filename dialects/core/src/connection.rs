//! A connection to a database, and the cursor over what it reads.
use crate::{Statement, Table, TableName, TableType, WritePlan};
use async_trait::async_trait;
use connect_api::{Records, Result, SchemaRef, arrow::array::RecordBatch};
use std::ops::Range;

/// What a user is to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in SQL")]
pub enum Access {
    Select,
    Insert,
    Update,
    Delete,
}

/// One connection, one owner. After an error of kind `Connect` or `Timeout`, or a dropped
/// future, it is of no more use.
#[async_trait]
pub trait Connection: Send {
    /// Tables and views of `schema`, or of the connection's own where it is `None`; those of the
    /// system left out; sorted by name.
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>>;

    /// The table as the catalogue describes it; `None` where there is none.
    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>>;

    /// Whether the user may do this with the table, without doing it.
    ///
    /// # Errors
    /// `Auth`: they may not; the message says what on which table.
    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()>;

    /// Runs a query whose columns are those of `schema`, in order.
    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>>;

    /// Runs a statement without results; the number of rows it changed.
    async fn execute(&mut self, sql: &str) -> Result<u64>;

    /// Begins a transaction.
    async fn begin(&mut self) -> Result<()>;

    /// Commits it. `Ok` means durable as far as the database is set to be.
    async fn commit(&mut self) -> Result<()>;

    /// Undoes it; nothing happens where there is none.
    async fn rollback(&mut self) -> Result<()>;

    /// Writes some rows of the records, whole or not at all; the number of rows written. Inside
    /// a transaction where one was begun: a failed write leaves the transaction usable only
    /// after [`rollback`](Self::rollback).
    ///
    /// # Errors
    /// `Data`: a row that the table refuses; the message names table and column where the
    /// database does. The sink finds the row by halving the range.
    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64>;

    /// Says good-bye to the server.
    async fn close(self: Box<Self>) -> Result<()>;
}

/// Rows on their way from the database into columns.
#[async_trait]
pub trait Cursor: Send {
    /// The next rows: at most so many, and no more once they take so many bytes; `None` after
    /// the last.
    ///
    /// # Errors
    /// `Data`: a value that its column's kind cannot carry; the message names the column.
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>>;
}
