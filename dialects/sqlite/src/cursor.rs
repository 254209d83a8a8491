//! Rows on their way: stepped and decoded in place on the thread, one batch ahead of the reader.
use crate::{
    decode::Decoder,
    error_codes::refusal,
    session::{
        Session, Stop,
        thread::{Thread, ended},
    },
    types::cell::Sql,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{BatchBuilder, Cursor, ValueError};
use rusqlite::{Row, Rows};
use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use tokio::sync::mpsc as replies;

/// What to read: the statement, what is bound, and how its cells are read.
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) params: Vec<Sql>,
    pub(crate) schema: SchemaRef,
    pub(crate) decoders: Vec<Decoder>,
}

/// How much the next batch may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    rows: usize,
    bytes: usize,
}

/// A batch, and whether there may be more.
struct Reply {
    batch: Option<RecordBatch>,
    last: bool,
}

pub(crate) struct SqliteCursor {
    requests: mpsc::Sender<Limits>,
    replies: replies::Receiver<Result<Reply>>,
    stop: Arc<Stop>,
    /// What the thread is reading ahead for.
    asked: Option<Limits>,
    /// What is left of a batch that was read ahead for a reader who then wanted less.
    rest: Option<RecordBatch>,
    done: bool,
}

impl SqliteCursor {
    /// Begins to read: the statement is run when the first batch is asked for.
    pub(crate) fn open(thread: &Thread, query: Query) -> Result<Self> {
        let (requests, asked) = mpsc::channel();
        let (reply, replies) = replies::channel(1);
        thread.send(Box::new(move |session| {
            if let Err(e) = read(session, &query, &asked, &reply) {
                // Nobody may read any more.
                drop(reply.blocking_send(Err(e)));
            }
        }))?;
        Ok(Self {
            requests,
            replies,
            stop: thread.stop(),
            asked: None,
            rest: None,
            done: false,
        })
    }

    fn ask(&mut self, limits: Limits) {
        // A thread that is gone is detected by the missing reply.
        self.requests.send(limits).ok();
        self.asked = Some(limits);
    }
}

#[async_trait]
impl Cursor for SqliteCursor {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        let limits = Limits {
            rows: max_rows,
            bytes: max_bytes,
        };
        if let Some(rest) = self.rest.take() {
            return Ok(Some(self.cut(rest, limits)));
        }
        if self.done {
            return Ok(None);
        }
        if self.asked.is_none() {
            self.ask(limits);
        }
        let reply = self.replies.recv().await;
        let read_for = self.asked.take();
        let reply = match reply {
            Some(Ok(reply)) => reply,
            other => {
                self.done = true;
                return Err(other.and_then(Result::err).unwrap_or_else(ended));
            }
        };
        if reply.last {
            self.done = true;
        } else {
            self.ask(limits);
        }
        Ok(match reply.batch {
            Some(batch) if read_for != Some(limits) => Some(self.cut(batch, limits)),
            batch => batch,
        })
    }
}

impl SqliteCursor {
    /// The first rows of a batch that was read for other limits; keeps the rest.
    fn cut(&mut self, batch: RecordBatch, limits: Limits) -> RecordBatch {
        let rows = batch.num_rows();
        let of_row = batch.get_array_memory_size() / rows.max(1);
        let fit = (limits.bytes / of_row.max(1)).min(limits.rows).max(1);
        if fit >= rows {
            return batch;
        }
        self.rest = Some(batch.slice(fit, rows - fit));
        batch.slice(0, fit)
    }
}

impl Drop for SqliteCursor {
    fn drop(&mut self) {
        if !self.done {
            self.stop.now();
        }
    }
}

/// Runs the statement and answers requests, until the rows or the requests end.
fn read(
    session: &Session,
    query: &Query,
    asked: &mpsc::Receiver<Limits>,
    reply: &replies::Sender<Result<Reply>>,
) -> Result<()> {
    let wrong =
        |e: &rusqlite::Error| refusal(format_args!("reading table {}", query.schema.name()), e);
    let mut statement = session
        .driver
        .prepare_cached(&query.sql)
        .map_err(|e| wrong(&e))?;
    if statement.column_count() != query.decoders.len() {
        return Err(Error::new(
            ErrorKind::Internal,
            format!(
                "a query gives {} columns for {} of its schema",
                statement.column_count(),
                query.decoders.len()
            ),
        ));
    }
    for (i, param) in query.params.iter().enumerate() {
        statement
            .raw_bind_parameter(i + 1, param)
            .map_err(|e| wrong(&e))?;
    }
    let mut reading = Reading {
        rows: statement.raw_query(),
        decoders: &query.decoders,
        builder: BatchBuilder::new(&query.schema)?,
        scratch: String::new(),
    };
    let mut spent = Duration::ZERO;
    while let Ok(limits) = asked.recv() {
        let began = Instant::now();
        let last = session.timed(spent, |_| reading.fill(limits, &session.stop, wrong))?;
        spent += began.elapsed();
        let batch = reading.builder.finish()?;
        if reply.blocking_send(Ok(Reply { batch, last })).is_err() || last {
            break;
        }
    }
    Ok(())
}

/// A statement that is being stepped.
struct Reading<'s> {
    rows: Rows<'s>,
    decoders: &'s [Decoder],
    builder: BatchBuilder,
    /// Numbers on their way to text, and from it.
    scratch: String,
}

impl Reading<'_> {
    /// Reads rows up to the limits; whether they were the last.
    fn fill(
        &mut self,
        limits: Limits,
        stop: &Stop,
        wrong: impl Fn(&rusqlite::Error) -> Error,
    ) -> Result<bool> {
        while !self.builder.is_full(limits.rows, limits.bytes) {
            match self.rows.next() {
                Ok(Some(row)) => append(self.decoders, &mut self.builder, row, &mut self.scratch)?,
                Ok(None) => return Ok(true),
                Err(e) => return Err(wrong(&e)),
            }
            if stop.is_left() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn append(
    decoders: &[Decoder],
    builder: &mut BatchBuilder,
    row: &Row<'_>,
    scratch: &mut String,
) -> Result<()> {
    let mut text_bytes = 0;
    let mut error: Option<(usize, ValueError)> = None;
    for (i, (decoder, column)) in decoders.iter().zip(builder.columns()).enumerate() {
        let cell = row.get_ref(i).map_err(|e| refusal("reading a row", &e))?;
        match decoder.append(cell, column, scratch) {
            Ok(bytes) => text_bytes += bytes,
            Err(_) if decoder.null_else => column.append_null(),
            Err(e) => {
                error = Some((i, e));
                break;
            }
        }
    }
    if let Some((i, error)) = error {
        let schema = builder.schema();
        return Err(error.at(schema.name(), schema.field(i).name()));
    }
    builder.end_row(text_bytes);
    Ok(())
}
