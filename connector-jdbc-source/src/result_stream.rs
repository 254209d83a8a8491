//! Rows that come in one go, however many they are, by a reader of their own: a table without a key,
//! or a run of equal keys that is longer than a page.
use connect_api::{Error, ErrorKind, Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{Attempts, Connection, Dialect, Statement};
use std::sync::Arc;
use tokio::{sync::mpsc, task::JoinSet};

/// Batches that wait to be taken: one is taken while the next is read.
const WAITING: usize = 1;

/// A running reader with a connection of its own. Memory is bounded by the batches that wait; dropping the
/// stream ends the reader.
#[derive(Debug)]
pub(crate) struct ResultStream {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    reader: JoinSet<Option<Box<dyn Connection>>>,
}

/// What is read, and in which pieces.
pub(crate) struct ResultStreamRequest {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) attempts: Attempts,
    /// One that may still be of use.
    pub(crate) connection: Option<Box<dyn Connection>>,
    pub(crate) statement: Statement,
    pub(crate) schema: SchemaRef,
    pub(crate) max_rows: usize,
    pub(crate) max_bytes: usize,
}

/// What a stream gives.
pub(crate) enum StreamItem {
    Batch(RecordBatch),
    /// There are no more rows; the connection is as good as before.
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
                    // A closed channel means that nobody wants to know.
                    let _closed = sender.send(Err(error)).await;
                    None
                }
            }
        });
        Self { batches, reader }
    }

    /// The next batch, or the end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// What the reader met; it has ended then.
    pub(crate) async fn next(&mut self) -> Result<StreamItem> {
        match self.batches.recv().await {
            Some(batch) => batch.map(StreamItem::Batch),
            None => match self.reader.join_next().await {
                Some(Err(crash)) => Err(Error::new(
                    ErrorKind::Internal,
                    "the reader of a table ended unexpectedly",
                )
                .with_source(crash)),
                Some(Ok(connection)) => Ok(StreamItem::End(connection)),
                None => Ok(StreamItem::End(None)),
            },
        }
    }

    /// Ends the reader and waits for it.
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
