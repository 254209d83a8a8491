//! The task: pages of its tables, in turn.
use crate::{
    config::SourceConfig,
    page::PageSize,
    position,
    reading::{Begin, Reading},
    stream::{Stream, StreamRequest},
    survey::Survey,
};
use async_trait::async_trait;
use connect_api::{
    Error, ErrorKind, Kind, Partition, Polled, Position, Records, Result, Schema, SourceTask,
    TaskContext, Value, ValueRef, arrow::array::RecordBatch,
};
use dialect_core::{Connection, Dialect, Statement};
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Reads the tables of one task.
pub(crate) struct Task {
    dialect: Arc<dyn Dialect>,
    config: SourceConfig,
    stop: CancellationToken,
    /// Taken out while it works: a dropped future leaves no half-used connection behind.
    connection: Option<Box<dyn Connection>>,
    tables: Vec<TableState>,
    /// The table that is looked at first at the next poll.
    turn: usize,
}

/// Where the task stands in one table.
struct TableState {
    reading: Reading,
    topic: Arc<str>,
    partition: Arc<Partition>,
    /// Key of the last row read.
    after: Option<Vec<Value>>,
    /// Not looked at before.
    due: Instant,
    size: PageSize,
    /// The running reader of a table without a key.
    stream: Option<Stream>,
    /// Where reading begins is to be stored before the first row: it would move else.
    unstored: bool,
}

impl TableState {
    /// No rows, with the position that reading begins at.
    fn beginning(&self) -> Result<Records> {
        let schema = &self.reading.schema;
        let none = RecordBatch::new_empty(schema.columns().clone());
        let key = self.after.as_deref().unwrap_or_default();
        let position = Position {
            partition: self.partition.clone(),
            offset: position::offset(&self.reading, key),
        };
        let records = Records::new(self.topic.clone(), schema.clone(), none)?;
        Ok(records.with_position(position))
    }
}

impl Task {
    pub(crate) fn new(dialect: Arc<dyn Dialect>, config: SourceConfig) -> Self {
        Self {
            dialect,
            config,
            stop: CancellationToken::new(),
            connection: None,
            tables: Vec::new(),
            turn: 0,
        }
    }

    async fn connection(&mut self) -> Result<Box<dyn Connection>> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let connecting = self
            .config
            .connection_attempts()
            .connect(self.dialect.as_ref());
        match self.stop.run_until_cancelled(connecting).await {
            Some(connected) => connected,
            None => Err(Error::new(ErrorKind::Stopped, "stopped while connecting")),
        }
    }

    /// Looks at the tables and at where they were left.
    async fn resume(
        &mut self,
        connection: &mut dyn Connection,
        cx: &TaskContext,
    ) -> Result<Vec<TableState>> {
        let readings = Survey::of(connection, &self.config)
            .await?
            .into_readings()?;
        let suffix = self.config.offset_suffix.0.as_deref();
        let partitions: Vec<_> = readings
            .iter()
            .map(|reading| position::partition(&reading.table.name, suffix))
            .collect();
        let stored = cx.positions.read(&partitions).await?;
        let mut tables = Vec::with_capacity(readings.len());
        for ((reading, partition), stored) in readings.into_iter().zip(partitions).zip(stored) {
            let unstored = stored.is_none() && reading.begin == Begin::Now;
            let mut after = position::resume(&reading, stored)?;
            if unstored {
                after = Some(vec![
                    now(connection, self.dialect.as_ref(), &reading).await?,
                ]);
            }
            if reading.can_lack_key() {
                let dialect = self.dialect.as_ref();
                warn_of_rows_without_key(connection, dialect, &reading).await?;
            }
            tables.push(TableState {
                topic: self.config.topic_of(&reading.table.name.name).into(),
                partition: Arc::new(partition),
                after,
                due: Instant::now(),
                size: PageSize::new(self.config.max_rows, self.config.max_bytes),
                stream: None,
                unstored,
                reading,
            });
        }
        Ok(tables)
    }

    /// The next records of table `index`, or `None` where there is nothing new.
    async fn read(&mut self, index: usize) -> Result<Option<Records>> {
        if std::mem::take(&mut self.tables[index].unstored) {
            return self.tables[index].beginning().map(Some);
        }
        if self.tables[index].reading.key.is_empty() {
            return self.read_stream(index).await;
        }
        let mut connection = self.connection().await?;
        let mut outcome = self.read_page(index, connection.as_mut()).await;
        if matches!(&outcome, Err(e) if e.kind() == ErrorKind::Schema) {
            // The table has changed since it was described.
            outcome = match self.describe_again(index, connection.as_mut()).await {
                Ok(()) => self.read_page(index, connection.as_mut()).await,
                Err(e) => Err(e),
            };
        }
        let lost = matches!(&outcome, Err(e) if matches!(e.kind(), ErrorKind::Connect | ErrorKind::Timeout));
        if !lost {
            self.connection = Some(connection);
        }
        outcome
    }

    async fn read_page(
        &mut self,
        index: usize,
        connection: &mut dyn Connection,
    ) -> Result<Option<Records>> {
        let table = &mut self.tables[index];
        let limit = table.size.rows();
        let page = table.reading.next_page(table.after.as_deref(), Some(limit));
        let statement = self.dialect.syntax().select(&page)?;
        let rows = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let mut cursor = connection.query(&statement, &table.reading.schema).await?;
        let batch = cursor.next(rows, self.config.max_bytes.get()).await?;
        let batch = batch.filter(|batch| batch.num_rows() > 0);
        // A page that is not full is the last, unless it was cut for its bytes.
        let last = match &batch {
            None => true,
            Some(batch) if batch.num_rows() >= rows => false,
            Some(_) => cursor.next(1, 1).await?.is_none(),
        };
        drop(cursor);
        if last {
            table.due = Instant::now() + self.config.poll_interval.0;
        }
        let Some(batch) = batch else {
            if table.reading.again {
                table.after = None;
            }
            return Ok(None);
        };
        table.size.learn(&batch);
        let records = table.reading.records(table.topic.clone(), batch)?;
        let key = table.reading.last_key(&records).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                format!(
                    "table {}: the last row of a page has no key",
                    table.reading.table.name
                ),
            )
        })?;
        let end = last && table.reading.again;
        let position = Position {
            partition: table.partition.clone(),
            offset: if end {
                BTreeMap::new()
            } else {
                position::offset(&table.reading, &key)
            },
        };
        table.after = (!end).then_some(key);
        // G1: the position is that of the last row returned; it is stored by the runtime alone.
        Ok(Some(records.with_position(position)))
    }

    async fn read_stream(&mut self, index: usize) -> Result<Option<Records>> {
        let table = &mut self.tables[index];
        let stream = match &mut table.stream {
            Some(stream) => stream,
            none => none.insert(Stream::open(StreamRequest {
                dialect: self.dialect.clone(),
                attempts: self.config.connection_attempts(),
                statement: self
                    .dialect
                    .syntax()
                    .select(&table.reading.next_page(None, None))?,
                schema: table.reading.schema.clone(),
                max_rows: usize::try_from(self.config.max_rows.get()).unwrap_or(usize::MAX),
                max_bytes: self.config.max_bytes.get(),
            })),
        };
        match stream.next().await {
            Ok(Some(batch)) => {
                let records = table.reading.records(table.topic.clone(), batch)?;
                Ok(Some(records))
            }
            Ok(None) => {
                table.stream = None;
                table.due = Instant::now() + self.config.poll_interval.0;
                Ok(None)
            }
            Err(e) => {
                table.stream = None;
                Err(e)
            }
        }
    }

    async fn describe_again(
        &mut self,
        index: usize,
        connection: &mut dyn Connection,
    ) -> Result<()> {
        let table = &mut self.tables[index];
        let name = &table.reading.table.name;
        let described = connection.describe(name).await?.ok_or_else(|| {
            Error::new(
                ErrorKind::Schema,
                format!("table {name} does not exist any more"),
            )
        })?;
        tracing::info!(table = %name, "the table has changed, its columns are read anew");
        let reading = Reading::decide(described, &self.config)
            .map_err(|faults| Error::new(ErrorKind::Schema, faults.to_string()))?;
        // The key read so far must fit the columns as they are now.
        let offset = table
            .after
            .as_ref()
            .map(|key| position::offset(&table.reading, key));
        table.after = position::resume(&reading, offset)?;
        table.reading = reading;
        Ok(())
    }
}

/// Says how many rows no page holds.
async fn warn_of_rows_without_key(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    reading: &Reading,
) -> Result<()> {
    let page = reading.next_page(None, None);
    let statement = dialect.syntax().count_without_key(&page)?;
    let schema = Schema::new("count", [Kind::Int64.field("rows", true)], &[])?;
    let rows = match single(connection, &statement, &schema).await? {
        Value::Int(rows) => rows,
        _ => 0,
    };
    if rows > 0 {
        tracing::warn!(
            table = %reading.table.name, rows,
            "rows with NULL in the columns that give the order are never read"
        );
    }
    Ok(())
}

/// The database's present time, as the first part of the key.
async fn now(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    reading: &Reading,
) -> Result<Value> {
    let column = reading.next_page(None, None).key_column(0).clone();
    let statement = dialect.syntax().select_now(&column);
    let schema = Schema::new("now", [reading.key_kind(0).clone().field("now", true)], &[])?;
    single(connection, &statement, &schema).await
}

/// The one value that a query gives.
async fn single(
    connection: &mut dyn Connection,
    statement: &Statement,
    schema: &connect_api::SchemaRef,
) -> Result<Value> {
    let mut cursor = connection.query(statement, schema).await?;
    let batch: Option<RecordBatch> = cursor.next(1, usize::MAX).await?;
    let Some(batch) = batch.filter(|batch| batch.num_rows() > 0) else {
        return Ok(Value::Null);
    };
    let records = Records::new(schema.name().into(), schema.clone(), batch)?;
    let value: ValueRef<'_> = records.row(0).get(0);
    Ok(value.to_value())
}

#[async_trait]
impl SourceTask for Task {
    async fn start(&mut self, cx: TaskContext) -> Result<()> {
        self.stop = cx.stop.clone();
        let mut connection = self.connection().await?;
        self.tables = self.resume(connection.as_mut(), &cx).await?;
        self.turn = 0;
        self.connection = Some(connection);
        Ok(())
    }

    async fn poll(&mut self) -> Result<Polled> {
        for step in 0..self.tables.len() {
            let index = (self.turn + step) % self.tables.len();
            if self.tables[index].due > Instant::now() {
                continue;
            }
            if let Some(records) = self.read(index).await? {
                self.turn = (index + 1) % self.tables.len();
                return Ok(Polled::Records(records));
            }
        }
        let next = self.tables.iter().map(|table| table.due).min();
        Ok(match next {
            Some(due) => Polled::Idle(due.saturating_duration_since(Instant::now())),
            None => Polled::Finished,
        })
    }

    async fn stop(&mut self) -> Result<()> {
        for table in self.tables.drain(..) {
            if let Some(stream) = table.stream {
                stream.close().await;
            }
        }
        match self.connection.take() {
            Some(connection) => connection.close().await,
            None => Ok(()),
        }
    }
}
