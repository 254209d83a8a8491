//! Rows of a query as they arrive.
use crate::{
    decode::{Beyond, Decoder},
    error_codes,
    session::{Health, RowStream},
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{BatchBuilder, Cursor};
use futures_util::{FutureExt as _, StreamExt as _};
use sqlx::{Column as _, Either, Row as _, ValueRef as _, postgres::PgRow};
use std::time::{Duration, Instant};

/// Most bytes of a batch: beyond, a column's offsets of 32 bits could overflow with the next row.
const MAX_BATCH_BYTES: usize = 1 << 30;

/// Most rows that are read and thrown away when a cursor is dropped, and for how long.
const DRAINED_ROWS: usize = 10_000;
const DRAINED_FOR: Duration = Duration::from_millis(20);

/// The rows of one query.
pub(crate) struct PostgresCursor<'a> {
    rows: RowStream<'a>,
    batch: BatchBuilder,
    /// One a column; chosen when the first row is there.
    decoders: Vec<Decoder>,
    text: String,
    beyond: Beyond,
    /// The query was sent.
    started: bool,
    /// The last row was taken, or the query failed.
    ended: bool,
    health: &'a mut Health,
}

impl Drop for PostgresCursor<'_> {
    /// Reads on while rows are at hand, as a reading that was left at its end leaves but a few;
    /// where there are many, the connection is given up.
    fn drop(&mut self) {
        if self.ended || !self.started {
            return;
        }
        let left = Instant::now();
        for _ in 0..DRAINED_ROWS {
            match self.rows.next().now_or_never() {
                Some(Some(Ok(_))) if left.elapsed() < DRAINED_FOR => {}
                Some(Some(Ok(_))) => break,
                Some(Some(Err(_))) => {
                    self.health.failed = true;
                    return;
                }
                Some(None) => {
                    self.health.reading = false;
                    return;
                }
                None => {
                    self.health.abandoned = true;
                    return;
                }
            }
        }
        self.health.broken = true;
    }
}

impl<'a> PostgresCursor<'a> {
    pub(crate) fn new(
        rows: RowStream<'a>,
        schema: &SchemaRef,
        beyond: Beyond,
        health: &'a mut Health,
    ) -> Result<Self> {
        Ok(Self {
            rows,
            batch: BatchBuilder::new(schema)?,
            decoders: Vec::new(),
            text: String::new(),
            beyond,
            started: false,
            ended: false,
            health,
        })
    }

    fn choose_decoders(&mut self, row: &PgRow) -> Result<()> {
        let schema = self.batch.schema();
        let (given, wanted) = (row.columns().len(), schema.kinds().len());
        if given != wanted {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("the query gives {given} columns where {wanted} are expected"),
            ));
        }
        let columns = row.columns().iter().zip(schema.kinds()).enumerate();
        self.decoders = columns
            .map(|(i, (column, kind))| {
                let oid = column.type_info().oid().map_or(0, |oid| oid.0);
                Decoder::new(kind, oid).map_err(|e| {
                    let (table, column) = (schema.name(), schema.field(i).name());
                    e.context(format_args!("column `{column}` of table `{table}`"))
                })
            })
            .collect::<Result<_>>()?;
        Ok(())
    }

    fn push(&mut self, row: &PgRow) -> Result<()> {
        if self.decoders.is_empty() {
            self.choose_decoders(row)?;
        }
        let mut text_bytes = 0;
        for (i, (decoder, column)) in self.decoders.iter().zip(self.batch.columns()).enumerate() {
            let value = row.try_get_raw(i).map_err(|e| self::unreadable(i, e))?;
            if value.is_null() {
                column.append_null();
                continue;
            }
            let bytes = value
                .as_bytes()
                .map_err(|e| unreadable(i, sqlx::Error::Decode(e)))?;
            if decoder.is_text() {
                text_bytes += bytes.len();
            }
            if let Err(error) = decoder.append(bytes, column, &mut self.text, self.beyond) {
                let schema = self.batch.schema();
                return Err(error.at(schema.name(), schema.field(i).name()));
            }
        }
        self.batch.end_row(text_bytes);
        Ok(())
    }
}

fn unreadable(column: usize, cause: sqlx::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("column {column} of a row")).with_source(cause)
}

#[async_trait]
impl Cursor for PostgresCursor<'_> {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        let max_bytes = max_bytes.min(MAX_BATCH_BYTES);
        self.started = true;
        while !self.batch.is_full(max_rows.max(1), max_bytes) {
            match self.rows.next().await {
                Some(Ok(Either::Right(row))) => self.push(&row)?,
                Some(Ok(Either::Left(_))) => {}
                Some(Err(e)) => {
                    self.ended = true;
                    let what = format!("reading table {}", self.batch.schema().name());
                    let error = error_codes::error(&what, e);
                    self.health.failed = true;
                    self.health.stale |= error_codes::is_stale(&error);
                    return Err(error);
                }
                None => {
                    self.ended = true;
                    self.health.reading = false;
                    break;
                }
            }
        }
        self.batch.finish()
    }
}
