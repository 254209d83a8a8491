//! Rows on their way from the server into columns.
use crate::{
    decode::RowReader,
    error_codes::{error, is_unpaired},
    session::{settle, unheard},
};
use async_trait::async_trait;
use connect_api::{Error, Kind, Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{BatchBuilder, Cursor, ValueOptions};
use futures_util::{TryStreamExt as _, stream::BoxStream};
use tiberius::{Row, error::Error as DriverError};

/// Rows of a query on their way into columns.
pub(crate) struct SqlServerCursor<'a> {
    /// `None` after the last row, and after an error.
    rows: Option<BoxStream<'a, Result<Row, DriverError>>>,
    /// The session's: an answer is being read.
    busy: &'a mut bool,
    schema: &'a SchemaRef,
    values: ValueOptions,
    /// Chosen when the first row is there.
    reader: Option<RowReader>,
    batch: BatchBuilder,
}

impl<'a> SqlServerCursor<'a> {
    /// Rows of a query whose columns are those of `schema`.
    ///
    /// # Errors
    /// As [`BatchBuilder::new`].
    pub(crate) fn new(
        rows: BoxStream<'a, Result<Row, DriverError>>,
        busy: &'a mut bool,
        schema: &'a SchemaRef,
        values: ValueOptions,
    ) -> Result<Self> {
        Ok(Self {
            rows: Some(rows),
            busy,
            schema,
            values,
            reader: None,
            batch: BatchBuilder::new(schema)?,
        })
    }

    async fn fill(&mut self, max_rows: usize, max_bytes: usize) -> Result<bool> {
        let Some(rows) = &mut self.rows else {
            return Ok(true);
        };
        while !self.batch.is_full(max_rows, max_bytes) {
            // Between two rows the reading can be left; inside one it cannot.
            *self.busy = true;
            let next = settle(self.busy, rows.try_next().await);
            let Some(row) = next.map_err(|e| refused(self.schema, e))? else {
                return Ok(true);
            };
            let reader = match &self.reader {
                Some(reader) => reader,
                None => self
                    .reader
                    .insert(RowReader::new(self.schema, &row, &self.values)?),
            };
            reader.append(row, &mut self.batch)?;
        }
        Ok(false)
    }
}

/// The error for what the driver says of a row; the columns that it may be about are named.
fn refused(schema: &SchemaRef, cause: DriverError) -> Error {
    if !is_unpaired(&cause) {
        return error(format_args!("read `{}`", schema.name()), cause);
    }
    let text = |(i, kind): (usize, &Kind)| {
        matches!(kind, Kind::Text | Kind::Json).then(|| format!("`{}`", schema.field(i).name()))
    };
    let columns: Vec<_> = schema.kinds().iter().enumerate().filter_map(text).collect();
    let what = format!(
        "read column {} of `{}`",
        columns.join(" or "),
        schema.name()
    );
    error(what, cause)
}

#[async_trait]
impl Cursor for SqlServerCursor<'_> {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        let filled = unheard(self.fill(max_rows, max_bytes)).await;
        if !matches!(filled, Ok(false)) {
            self.rows = None;
        }
        filled?;
        self.batch.finish()
    }
}
