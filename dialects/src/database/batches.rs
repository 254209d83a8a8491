//! The rows of a table or a query.
use connect_api::{
    Result,
    arrow::{array::RecordBatch, schema::SchemaRef},
};
use dialect_core::Cursor;
use futures_util::{Stream, stream};

/// Most rows of a batch.
const ROWS: usize = 8_192;
/// Bytes after which a batch takes no more rows: 8 MiB.
const BYTES: usize = 8 << 20;

/// The rows being read, in batches of at most 8,192 rows and about 8 MiB. What is not read is left in
/// the database. They have the connection to themselves until they are dropped.
pub struct Batches<'a> {
    cursor: Box<dyn Cursor + 'a>,
    schema: SchemaRef,
}

impl<'a> Batches<'a> {
    pub(super) fn new(cursor: Box<dyn Cursor + 'a>, schema: SchemaRef) -> Self {
        Self { cursor, schema }
    }

    /// The columns, the same for each batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// `Data`: a value that its column's kind cannot represent; the message names the column.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.cursor.next(ROWS, BYTES).await
    }

    /// The same as a stream, for adapters of the crate `futures`.
    pub fn into_stream(self) -> impl Stream<Item = Result<RecordBatch>> + Send + 'a {
        stream::try_unfold(self, |mut batches| async move {
            let next = batches.next().await?;
            Ok(next.map(|batch| (batch, batches)))
        })
    }
}
