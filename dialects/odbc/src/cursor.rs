//! Rows on their way from the driver's thread: while a block is decoded here, the next is fetched
//! there.
use crate::{
    bind::Bound,
    decode::{
        self, OnUnrepresentable,
        rowset::{Fetch, Rowset, fetches, read},
    },
    options::Settings,
    plan::server::Server,
    session::{Session, thread::Handle},
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{Cursor, FineDigits, Unrepresentable};
use odbc_api::{Error as OdbcError, ResultSetMetadata as _, buffers::ColumnarDynBuffer};
use std::{
    ops::{ControlFlow, Range},
    sync::mpsc as blocking,
};
use tokio::sync::{mpsc, oneshot};

enum Message {
    Rows(Rowset),
    /// The rows were read to their end, or not.
    End(Result<()>),
}

pub(crate) struct OdbcCursor<'a> {
    handle: &'a Handle,
    messages: mpsc::Receiver<Message>,
    /// Buffers that are decoded go back to be filled again.
    free: blocking::Sender<ColumnarDynBuffer>,
    current: Option<Rowset>,
    /// Rows of it that were handed out.
    taken: usize,
    ended: bool,
    schema: &'a SchemaRef,
    fetches: Vec<Fetch>,
    fine: FineDigits,
    on_unrepresentable: OnUnrepresentable,
}

impl<'a> OdbcCursor<'a> {
    /// Runs the query; it has begun to give rows when this returns.
    pub(crate) async fn open(
        handle: &'a Handle,
        server: &Server,
        settings: &Settings,
        sql: String,
        params: Vec<Bound>,
        schema: &'a SchemaRef,
    ) -> Result<Self> {
        let fetches = fetches(server.syntax.profile, schema);
        // One waits here while the next is filled: two are in flight.
        let (rows, messages) = mpsc::channel(1);
        let (free, freed) = blocking::channel();
        let (began, beginning) = oneshot::channel();
        let job = Reading {
            sql,
            params,
            fetches: fetches.clone(),
            table: schema.name().to_owned(),
            rows,
            freed,
        };
        handle.send(move |session| job.run(session, began))?;
        beginning.await.map_err(|_gone| handle.gone())??;
        Ok(Self {
            handle,
            messages,
            free,
            current: None,
            taken: 0,
            ended: false,
            schema,
            fetches,
            fine: settings.values.fine_digits,
            on_unrepresentable: match settings.values.unrepresentable {
                Unrepresentable::Null => OnUnrepresentable::Null,
                Unrepresentable::Error | Unrepresentable::Text => OnUnrepresentable::Error,
            },
        })
    }

    /// The rows of the current set as a batch.
    fn batch(&self, rowset: &Rowset, rows: &Range<usize>) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.fetches.len());
        for (i, fetch) in self.fetches.iter().enumerate() {
            let (kind, field) = (&self.schema.kinds()[i], self.schema.field(i));
            let at = |error: dialect_core::ValueError| error.at(self.schema.name(), field.name());
            let Some(source) = rowset.column(i, *fetch) else {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!("column `{}`: its buffer is of another type", field.name()),
                ));
            };
            let column = decode::column(
                kind,
                &source,
                rows.clone(),
                self.fine,
                self.on_unrepresentable,
            );
            let column = column.map_err(at)?;
            if !field.is_nullable() && column.null_count() > 0 {
                return Err(Error::new(
                    ErrorKind::Data,
                    format!(
                        "column `{}` of table `{}`: NULL, and it is a key column; rows without a key cannot be sent",
                        field.name(),
                        self.schema.name()
                    ),
                ));
            }
            columns.push(column);
        }
        Ok(RecordBatch::try_new(
            self.schema.columns().clone(),
            columns,
        )?)
    }

    /// As many of the next rows as fit.
    fn fitting(&self, rowset: &Rowset, max_rows: usize, max_bytes: usize) -> Range<usize> {
        let end = rowset
            .rows()
            .min(self.taken.saturating_add(max_rows.max(1)));
        let sources: Vec<_> = self
            .fetches
            .iter()
            .enumerate()
            .filter(|(_, fetch)| !matches!(fetch, Fetch::Int | Fetch::Float))
            .filter_map(|(i, fetch)| rowset.column(i, *fetch))
            .collect();
        let (mut row, mut bytes) = (self.taken, 0);
        while row < end && (row == self.taken || bytes < max_bytes) {
            let cells = sources.iter().map(|s| s.bytes(row).map_or(0, <[u8]>::len));
            bytes += 8 * self.fetches.len() + cells.sum::<usize>();
            row += 1;
        }
        self.taken..row
    }
}

#[async_trait]
impl Cursor for OdbcCursor<'_> {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(rowset) = self.current.take() {
                if self.taken < rowset.rows() {
                    let rows = self.fitting(&rowset, max_rows, max_bytes);
                    let batch = self.batch(&rowset, &rows)?;
                    self.taken = rows.end;
                    self.current = Some(rowset);
                    return Ok(Some(batch));
                }
                if let Rowset::Block(buffer) = rowset {
                    // The thread has ended where nobody takes it.
                    drop(self.free.send(buffer));
                }
            }
            if self.ended {
                return Ok(None);
            }
            match self.messages.recv().await {
                Some(Message::Rows(rowset)) => (self.current, self.taken) = (Some(rowset), 0),
                Some(Message::End(end)) => {
                    self.ended = true;
                    end?;
                }
                None => return Err(self.handle.gone()),
            }
        }
    }
}

/// What the thread does for a cursor.
struct Reading {
    sql: String,
    params: Vec<Bound>,
    fetches: Vec<Fetch>,
    table: String,
    rows: mpsc::Sender<Message>,
    freed: blocking::Receiver<ColumnarDynBuffer>,
}

impl Reading {
    fn run(self, session: &mut Session, began: oneshot::Sender<Result<()>>) {
        let mut began = Some(began);
        let done = session.check().and_then(|()| {
            let read = self.read(session, &mut began);
            read.map_err(|e| match e {
                Broken::Driver(e) => self.fault(session, &e),
                Broken::Ours(e) => e,
            })
        });
        // Nobody waits any more where the cursor was dropped.
        match began.take() {
            Some(began) => drop(began.send(done)),
            None => drop(self.rows.blocking_send(Message::End(done))),
        }
    }

    fn fault(&self, session: &mut Session, cause: &OdbcError) -> Error {
        if let OdbcError::TooLargeValueForBuffer { .. } = cause {
            return Error::new(
                ErrorKind::Data,
                format!(
                    "table `{}`: a value that is longer than its column is declared",
                    self.table
                ),
            );
        }
        session.fault(format_args!("reading table {}", self.table), cause)
    }

    fn read(
        &self,
        session: &Session,
        began: &mut Option<oneshot::Sender<Result<()>>>,
    ) -> std::result::Result<(), Broken> {
        let timeout = session.timeout();
        let wrong = |columns| {
            Broken::Ours(Error::new(
                ErrorKind::Internal,
                format!(
                    "a query gives {columns} columns for {} of its schema",
                    self.fetches.len()
                ),
            ))
        };
        let params = &self.params[..];
        let cursor = session.connection.execute(&self.sql, params, timeout);
        let Some(mut cursor) = cursor.map_err(Broken::Driver)? else {
            return Err(wrong(0));
        };
        let columns = cursor.num_result_cols().map_err(Broken::Driver)?;
        if usize::try_from(columns).ok() != Some(self.fetches.len()) {
            return Err(wrong(columns));
        }
        if let Some(began) = began.take()
            && began.send(Ok(())).is_err()
        {
            return Ok(());
        }
        let mut sink = |rowset| match self.rows.blocking_send(Message::Rows(rowset)) {
            Ok(()) => ControlFlow::Continue(self.freed.try_recv().ok()),
            Err(_) => ControlFlow::Break(()),
        };
        read(cursor, &self.fetches, &mut sink).map_err(Broken::Driver)
    }
}

enum Broken {
    Driver(OdbcError),
    Ours(Error),
}
