//! Result streams: all rows of one statement, read in batches by a background task with its own
//! connection. Used for tables without a key, and for ties that do not fit a page.
use connect_api::{Error, ErrorKind, Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{ConnectRetry, Connection, Dialect, Statement};
use std::sync::Arc;
use tokio::{sync::mpsc, task::JoinSet};

/// Batches in the channel: one is processed while the next is read.
const WAITING: usize = 1;

/// A running reader with its own connection. Memory is bounded by the batches in the channel;
/// dropping the stream stops the reader.
#[derive(Debug)]
pub(crate) struct ResultStream {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    reader: JoinSet<Option<Box<dyn Connection>>>,
}

/// The statement to read, and the size of its batches.
pub(crate) struct ResultStreamRequest {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) attempts: ConnectRetry,
    /// A connection to reuse if it is still usable.
    pub(crate) connection: Option<Box<dyn Connection>>,
    pub(crate) statement: Statement,
    pub(crate) schema: SchemaRef,
    pub(crate) max_rows: usize,
    pub(crate) max_bytes: usize,
}

/// An item of a result stream.
pub(crate) enum StreamItem {
    Batch(RecordBatch),
    /// The end of the rows, with the connection for reuse.
    End(Option<Box<dyn Connection>>),
}

impl ResultStream {
    pub(crate) fn open(request: ResultStreamRequest) -> Self {
        let (sender, batches) = mpsc::channel(WAITING);
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            match read(request, &sender).await {
                Ok(connection) => Some(connection),
                Err(error) => {
                    // The channel is closed if the stream was dropped.
                    let _closed = sender.send(Err(error)).await;
                    None
                }
            }
        });
        Self { batches, reader }
    }

    /// The next batch, or the end. Cancel safe.
    ///
    /// # Errors Errors of the reader, which stops after the first.
    pub(crate) async fn next(&mut self) -> Result<StreamItem> {
        match self.batches.recv().await {
            Some(batch) => batch.map(StreamItem::Batch),
            None => match self.reader.join_next().await {
                Some(Err(crash)) => Err(Error::new(
                    ErrorKind::Internal,
                    "the reader of a table stopped unexpectedly",
                )
                .with_source(crash)),
                Some(Ok(connection)) => Ok(StreamItem::End(connection)),
                None => Ok(StreamItem::End(None)),
            },
        }
    }

    /// Stops the reader and waits for it.
    pub(crate) async fn close(mut self) {
        self.reader.shutdown().await;
    }
}

async fn read(
    request: ResultStreamRequest,
    sender: &mpsc::Sender<Result<RecordBatch>>,
) -> Result<Box<dyn Connection>> {
    let mut usable = None;
    if let Some(mut spare) = request.connection
        && spare.ping().await.is_ok()
    {
        usable = Some(spare);
    }
    let mut connection = match usable {
        Some(connection) => connection,
        None => request.attempts.connect(request.dialect.as_ref()).await?,
    };
    let mut cursor = connection
        .query(&request.statement, &request.schema)
        .await?;
    while let Some(batch) = cursor.next(request.max_rows, request.max_bytes).await? {
        if sender.send(Ok(batch)).await.is_err() {
            break;
        }
    }
    drop(cursor);
    Ok(connection)
}
