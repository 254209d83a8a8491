//! A table without a key, read in one go by a reader of its own.
use connect_api::{Error, ErrorKind, Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{Attempts, Dialect, Statement};
use std::sync::Arc;
use tokio::{sync::mpsc, task::JoinSet};

/// Batches that wait to be taken: one is taken while the next is read.
const WAITING: usize = 1;

/// A running reader with its own connection. Memory is bounded by the batches that wait; dropping
/// the stream ends the reader.
#[derive(Debug)]
pub(crate) struct Stream {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    reader: JoinSet<()>,
}

/// What is read, and in which pieces.
pub(crate) struct StreamRequest {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) attempts: Attempts,
    pub(crate) statement: Statement,
    pub(crate) schema: SchemaRef,
    pub(crate) max_rows: usize,
    pub(crate) max_bytes: usize,
}

impl Stream {
    pub(crate) fn open(request: StreamRequest) -> Self {
        let (sender, batches) = mpsc::channel(WAITING);
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            if let Err(error) = read(request, &sender).await {
                // A closed channel means that nobody wants to know.
                let _closed = sender.send(Err(error)).await;
            }
        });
        Self { batches, reader }
    }

    /// The next batch; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    /// What the reader met; it has ended then.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self.batches.recv().await {
            Some(batch) => batch.map(Some),
            None => match self.reader.join_next().await {
                Some(Err(crash)) => Err(Error::new(
                    ErrorKind::Internal,
                    "the reader of a table ended unexpectedly",
                )
                .with_source(crash)),
                Some(Ok(())) | None => Ok(None),
            },
        }
    }

    /// Ends the reader and waits for it.
    pub(crate) async fn close(mut self) {
        self.reader.shutdown().await;
    }
}

async fn read(request: StreamRequest, sender: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
    let mut connection = request.attempts.connect(request.dialect.as_ref()).await?;
    let mut cursor = connection
        .query(&request.statement, &request.schema)
        .await?;
    while let Some(batch) = cursor.next(request.max_rows, request.max_bytes).await? {
        if sender.send(Ok(batch)).await.is_err() {
            return Ok(());
        }
    }
    drop(cursor);
    connection.close().await
}
