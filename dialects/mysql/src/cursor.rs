//! Rows on their way from the server into columns.
use crate::{decode::RowReader, error_codes::error};
use async_trait::async_trait;
use connect_api::{Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{BatchBuilder, Cursor, ValueOptions};
use futures_util::{TryStreamExt as _, stream::BoxStream};
use sqlx::mysql::MySqlRow;

/// Rows that are still read after one that cannot be represented.
const SHORT_REST: usize = 10_000;

/// Rows of a query on their way into columns. One that is dropped before its end costs the
/// connection: the server goes on sending, and the driver would read all of it away before the
/// next statement, minutes for some million rows, without a pause in which to give up.
pub(crate) struct MySqlCursor<'a> {
    /// `None` after the last row, and after an error.
    rows: Option<BoxStream<'a, Result<MySqlRow, sqlx::Error>>>,
    /// The row after the last batch.
    ahead: Option<MySqlRow>,
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
            ahead: None,
            reader: None,
            batch: BatchBuilder::new(schema)?,
        })
    }

    /// Fills the batch; whether it was the last. One row more is read, so that the last batch is
    /// known to be the last.
    async fn fill(&mut self, max_rows: usize, max_bytes: usize) -> Result<bool> {
        let Some(rows) = &mut self.rows else {
            return Ok(true);
        };
        let failed = |e| error(format_args!("read `{}`", self.schema.name()), e);
        loop {
            // Once the stream is asked the statement is on its way.
            *self.left = true;
            let next = match self.ahead.take() {
                Some(row) => Ok(Some(row)),
                None => rows.try_next().await,
            };
            let full = self.batch.is_full(max_rows, max_bytes);
            match next {
                Ok(None) => {
                    *self.left = false;
                    return Ok(true);
                }
                // A server that gives up sends a last row of no meaning before it says so: the
                // batch is not given out.
                Err(e) => {
                    *self.left = false;
                    return Err(failed(e));
                }
                Ok(Some(row)) if full => {
                    self.ahead = Some(row);
                    return Ok(false);
                }
                Ok(Some(row)) => {
                    let reader = match &self.reader {
                        Some(reader) => reader,
                        None => self
                            .reader
                            .insert(RowReader::new(self.schema, &row, self.values)?),
                    };
                    reader.append(&row, &mut self.batch)?;
                }
            }
        }
    }

    /// Reads a short rest away, which costs less than another connection.
    async fn pass_over(&mut self) {
        let Some(rows) = &mut self.rows else {
            return;
        };
        for _ in 0..SHORT_REST {
            if !matches!(rows.try_next().await, Ok(Some(_))) {
                *self.left = false;
                return;
            }
        }
    }
}

#[async_trait]
impl Cursor for MySqlCursor<'_> {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        let filled = self.fill(max_rows, max_bytes).await;
        if filled.is_err() && *self.left {
            self.pass_over().await;
        }
        if !matches!(filled, Ok(false)) {
            self.rows = None;
        }
        filled?;
        self.batch.finish()
    }
}
