//! Rows on their way from the server into columns.
use crate::{decode::RowReader, refusal::error};
use async_trait::async_trait;
use connect_api::{Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{BatchBuilder, Cursor, ValueOptions};
use futures_util::{TryStreamExt as _, stream::BoxStream};
use sqlx::mysql::MySqlRow;

/// Rows of a query on their way into columns.
pub(crate) struct MySqlCursor<'a> {
    /// `None` after the last row, and after an error.
    rows: Option<BoxStream<'a, Result<MySqlRow, sqlx::Error>>>,
    schema: &'a SchemaRef,
    /// Chosen when the first row is there.
    reader: Option<RowReader>,
    batch: BatchBuilder,
    values: &'a ValueOptions,
    /// Rows are left on the wire: for the connection, which goes on only when they are gone.
    left: &'a mut bool,
}

impl<'a> MySqlCursor<'a> {
    /// Rows of a query whose columns are those of `schema`.
    ///
    /// # Errors
    /// As [`BatchBuilder::new`].
    pub(crate) fn new(
        rows: BoxStream<'a, Result<MySqlRow, sqlx::Error>>,
        schema: &'a SchemaRef,
        values: &'a ValueOptions,
        left: &'a mut bool,
    ) -> Result<Self> {
        Ok(Self {
            values,
            left,
            rows: Some(rows),
            schema,
            reader: None,
            batch: BatchBuilder::new(schema)?,
        })
    }

    async fn fill(&mut self, max_rows: usize, max_bytes: usize) -> Result<bool> {
        let Some(rows) = &mut self.rows else {
            return Ok(true);
        };
        while !self.batch.is_full(max_rows, max_bytes) {
            // Once the stream is asked the statement is on its way.
            *self.left = true;
            let next = rows.try_next().await;
            *self.left = matches!(next, Ok(Some(_)));
            let Some(row) =
                next.map_err(|e| error(format_args!("read `{}`", self.schema.name()), e))?
            else {
                return Ok(true);
            };
            let reader = match &self.reader {
                Some(reader) => reader,
                None => self
                    .reader
                    .insert(RowReader::new(self.schema, &row, self.values)?),
            };
            reader.append(&row, &mut self.batch)?;
        }
        Ok(false)
    }
}

#[async_trait]
impl Cursor for MySqlCursor<'_> {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        let filled = self.fill(max_rows, max_bytes).await;
        if !matches!(filled, Ok(false)) {
            self.rows = None;
        }
        filled?;
        self.batch.finish()
    }
}
