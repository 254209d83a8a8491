//! Reading for programs that are not asynchronous.
use super::{Batches, Database};
use connect_api::{
    Error, ErrorKind, Result,
    arrow::{
        array::{RecordBatch, RecordBatchReader},
        schema::{ArrowError, SchemaRef},
    },
};
use dialect_core::OpenOptions;
use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

/// The rows of a table or a query as an iterator of batches, for DataFusion, Polars and whatever else
/// takes Arrow's `RecordBatchReader`. A thread of its own connects and reads, a batch ahead; dropped, it
/// ends. Its calls block: in asynchronous code use [`Database`].
#[derive(Debug)]
pub struct BlockingReader {
    schema: SchemaRef,
    batches: Receiver<Result<RecordBatch>>,
}

/// What is read.
enum What {
    Table(String),
    Query(String),
}

impl BlockingReader {
    /// Connects, and reads all rows of a table.
    ///
    /// # Errors
    /// As [`Database::connect`] and [`Database::read_table`].
    pub fn table(url: &str, options: &OpenOptions, table: &str) -> Result<Self> {
        Self::start(url, options, What::Table(table.to_owned()))
    }

    /// Connects, and reads the rows of a query.
    ///
    /// # Errors
    /// As [`Database::connect`] and [`Database::read_query`].
    pub fn query(url: &str, options: &OpenOptions, query: &str) -> Result<Self> {
        Self::start(url, options, What::Query(query.to_owned()))
    }

    fn start(url: &str, options: &OpenOptions, what: What) -> Result<Self> {
        let (url, options) = (url.to_owned(), options.clone());
        let broke = |why| Error::new(ErrorKind::Internal, why);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| broke("no runtime for the reader").with_source(e))?;
        let (began, begun) = sync_channel(1);
        let (sender, batches) = sync_channel(1);
        let reading = move || {
            runtime.block_on(async {
                match Database::connect_with(&url, &options).await {
                    Ok(mut database) => serve(&mut database, &what, &began, &sender).await,
                    Err(e) => drop(began.send(Err(e))),
                }
            });
        };
        let name = "dialects-reader".to_owned();
        thread::Builder::new()
            .name(name)
            .spawn(reading)
            .map_err(|e| broke("no thread for the reader").with_source(e))?;
        let schema = begun
            .recv()
            .map_err(|e| broke("the reader ended before it began").with_source(e))??;
        Ok(Self { schema, batches })
    }
}

/// Reads until the end, a fault, or until nobody listens.
async fn serve(
    database: &mut Database,
    what: &What,
    began: &SyncSender<Result<SchemaRef>>,
    sender: &SyncSender<Result<RecordBatch>>,
) {
    let opened = match what {
        What::Table(table) => database.read_table(table).await,
        What::Query(query) => database.read_query(query).await,
    };
    let mut batches: Batches<'_> = match opened {
        Ok(batches) => batches,
        Err(e) => return drop(began.send(Err(e))),
    };
    if began.send(Ok(batches.schema().clone())).is_err() {
        return;
    }
    loop {
        let next = batches.next().await;
        let last = next.is_err();
        let Some(next) = next.transpose() else {
            return;
        };
        if sender.send(next).is_err() || last {
            return;
        }
    }
}

impl Iterator for BlockingReader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.batches.recv().ok()?;
        Some(next.map_err(|e| ArrowError::ExternalError(Box::new(e))))
    }
}

impl RecordBatchReader for BlockingReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
