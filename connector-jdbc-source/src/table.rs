//! Where a task stands in one table.
use crate::{
    config::SourceConfig,
    page::PageSize,
    position,
    reading::{Begin, Reading},
    search::Search,
    stream::{Stream, StreamRequest, Streamed},
};
use connect_api::{
    Error, ErrorKind, Kind, Offset, Partition, Polled, Position, Records, Result, Schema,
    SchemaRef, Value, arrow::array::RecordBatch,
};
use dialect_core::{Connection, Dialect, Page, Statement};
use std::{num::NonZeroU32, sync::Arc};
use tokio::time::Instant;

/// A table that is being read.
pub(crate) struct TableState {
    pub(crate) reading: Reading,
    /// Not looked at before.
    pub(crate) due: Instant,
    topic: Arc<str>,
    partition: Arc<Partition>,
    /// Of the columns that the reading was decided by; `None` before the first page.
    pub(crate) fingerprint: Option<String>,
    /// Key of the last row read.
    pub(crate) after: Option<Vec<Value>>,
    /// Where reading begins is to be stored before the first row: it would move else.
    unstored: bool,
    pub(crate) size: PageSize,
    /// For a row that cannot be read, while one is looked for.
    pub(crate) search: Option<Search>,
    /// The key that the reader ends with, where a run of equal keys is longer than a page.
    pub(crate) run: Option<Vec<Value>>,
    /// The running reader of a table without a key, or of a run.
    stream: Option<Stream>,
    /// The connection of the last run, for the next.
    spare: Option<Box<dyn Connection>>,
}

impl TableState {
    /// Resumes at what was stored.
    ///
    /// # Errors
    /// `Config`: what was stored does not fit; what the database says of its present time, where
    /// reading begins there.
    pub(crate) async fn resume(
        reading: Reading,
        partition: Partition,
        stored: Option<Offset>,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
    ) -> Result<Self> {
        let unstored = stored.is_none() && reading.begin == Begin::Now;
        let mut after = position::resume(&reading, stored)?;
        if unstored {
            after = Some(vec![now(connection, dialect, &reading).await?]);
        }
        if reading.can_lack_key() {
            warn_of_rows_without_key(connection, dialect, &reading).await?;
        }
        Ok(Self {
            topic: config.topic_of(&reading.table.name.name).into(),
            partition: Arc::new(partition),
            fingerprint: None,
            after,
            due: Instant::now(),
            size: PageSize::new(config.max_rows, config.max_bytes),
            search: None,
            run: None,
            stream: None,
            spare: None,
            unstored,
            reading,
        })
    }

    /// The table has no key, or its next rows are a long run: a connection of its own reads it.
    fn is_stream(&self) -> bool {
        self.reading.key.is_empty() || self.run.is_some()
    }

    /// No rows, with the position that reading begins at; once, where it is to be stored.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn beginning(&mut self) -> Result<Option<Records>> {
        if !std::mem::take(&mut self.unstored) {
            return Ok(None);
        }
        let key = self.after.as_deref().unwrap_or_default();
        self.nothing_after(key).map(Some)
    }

    /// No rows, with the position after `key`.
    fn nothing_after(&self, key: &[Value]) -> Result<Records> {
        let schema = self.reading.sent_schema();
        let none = RecordBatch::new_empty(schema.columns().clone());
        let records = Records::new(self.topic.clone(), schema.clone(), none)?;
        let offset = position::offset(&self.reading, key);
        Ok(records.with_position(self.position(offset)))
    }

    pub(crate) fn position(&self, offset: Offset) -> Position {
        Position {
            partition: self.partition.clone(),
            offset,
        }
    }

    /// The next rows, or those that cannot be read; `None` where there is nothing new.
    ///
    /// # Errors
    /// What the database says, and what a reader met.
    pub(crate) async fn next(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &Arc<dyn Dialect>,
        config: &SourceConfig,
    ) -> Result<Option<Polled>> {
        if !self.is_stream() {
            let polled = if self.search.as_ref().is_some_and(Search::is_of_one) {
                self.next_row(connection, dialect.as_ref(), config).await?
            } else {
                let page = self.next_page(connection, dialect.as_ref(), config).await?;
                page.map(Polled::Records)
            };
            if polled.is_some() || self.run.is_none() {
                return Ok(polled);
            }
        }
        let streamed = self.next_of_stream(connection, dialect, config).await?;
        Ok(streamed.map(Polled::Records))
    }

    /// The next page; `None` where there is nothing new, and where a run is next.
    ///
    /// # Errors
    /// What the database says.
    async fn next_page(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
    ) -> Result<Option<Records>> {
        let (batch, last) = loop {
            let (batch, last) = self.read_page(connection, dialect, config).await?;
            if batch.is_none() || !self.has_changed(connection, dialect, config).await? {
                break (batch, last);
            }
            if self.is_stream() {
                // Its key was dropped.
                return Ok(None);
            }
        };
        if last {
            self.due = Instant::now() + config.poll_interval.0;
        }
        let again = last && self.reading.again;
        let Some(batch) = batch else {
            if again {
                self.after = None;
            }
            return Ok(None);
        };
        self.size.learn(&batch);
        let mut records = self.rows(batch)?;
        if !last && !self.reading.tells_apart {
            // G3: the last run may go on beyond the page.
            match self.reading.rows_before_last_run(&records) {
                Some(rows @ 1..) => records = records.slice(0..rows),
                Some(0) | None => {
                    self.run = Some(self.last_key(&records)?);
                    return Ok(None);
                }
            }
        }
        let key = self.last_key(&records)?;
        let records = self.reading.sent(records)?;
        self.passed(Some(records.len()));
        let offset = if again {
            Offset::new()
        } else {
            position::offset(&self.reading, &key)
        };
        self.after = (!again).then_some(key);
        // G1: the position is that of the last row returned; the runtime alone stores it.
        Ok(Some(records.with_position(self.position(offset))))
    }

    /// The rows after the last key, and whether they are all that there are for now.
    async fn read_page(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
    ) -> Result<(Option<RecordBatch>, bool)> {
        let limit = if self.reading.tells_apart {
            self.page_rows()
        } else {
            // One more tells where the last run ends.
            self.page_rows().saturating_add(1)
        };
        let statement = self.next_statement(dialect, config, &self.reading.columns, limit)?;
        let rows = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let mut cursor = connection.query(&statement, &self.reading.schema).await?;
        let batch = cursor.next(rows, config.max_bytes.get()).await?;
        let batch = batch.filter(|batch| batch.num_rows() > 0);
        // A page that is not full is the last, unless it was cut for its bytes.
        let last = match &batch {
            None => true,
            Some(batch) if batch.num_rows() >= rows => false,
            Some(_) => cursor.next(1, 1).await?.is_none(),
        };
        Ok((batch, last))
    }

    /// Reads some columns of so many rows after the last key.
    pub(crate) fn next_statement(
        &self,
        dialect: &dyn Dialect,
        config: &SourceConfig,
        columns: &[usize],
        limit: NonZeroU32,
    ) -> Result<Statement> {
        let back = self.reading.before_now.unwrap_or_default();
        let bound = self.reading.bound(back.saturating_add(self.reading.step));
        // G3: what clocks are about to show again is left out until they have.
        let before = bound.as_ref().and_then(|bound| bound.before);
        let before = before.map(|before| Value::Timestamp(before.saturating_sub(1)));
        let page = self.reading.next_page(self.after.as_deref(), Some(limit));
        let page = self
            .reading
            .bounded(page, bound.as_ref(), before.as_slice());
        select(dialect, &Page { columns, ..page }, config)
    }

    /// Rows as they were read.
    pub(crate) fn rows(&self, batch: RecordBatch) -> Result<Records> {
        self.rows_of(&self.reading.schema, batch)
    }

    /// Some columns of rows as they were read.
    pub(crate) fn rows_of(&self, schema: &SchemaRef, batch: RecordBatch) -> Result<Records> {
        Records::new(self.topic.clone(), schema.clone(), batch)
    }

    fn last_key(&self, records: &Records) -> Result<Vec<Value>> {
        let last = self.reading.last_key(records);
        last.ok_or_else(|| self.key_became_null())
    }

    /// No position can stand for a row.
    pub(crate) fn key_became_null(&self) -> Error {
        let table = self.reading.name();
        let parts = self.reading.key.iter().flat_map(|part| &part.columns);
        let names: Vec<_> = parts
            .map(|i| format!("`{}`", self.reading.table.columns[*i].name))
            .collect();
        // G3: a row is not left out, and there is no position after it.
        let message = format!(
            "table {table}: a row that is read by {} has a value there that became NULL \
             (zero.dates=null, values.unrepresentable=null), so that no position can stand for \
             it; leave such rows out by a `query`, or order by another column",
            names.join(", ")
        );
        Error::new(ErrorKind::Data, message)
    }

    /// The next rows of the stream, which is opened where it is not; after the last of a run none,
    /// with its position, and `None` after the last of a table. All of them are of one statement,
    /// so the first tell whether the table has changed before it.
    ///
    /// # Errors
    /// What the reader met.
    async fn next_of_stream(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &Arc<dyn Dialect>,
        config: &SourceConfig,
    ) -> Result<Option<Records>> {
        // Taken out while it is not known to be of use: a dropped future loses no rows with it.
        let (stream, streamed) = match self.stream.take() {
            Some(mut stream) => {
                let streamed = stream.next().await?;
                (stream, streamed)
            }
            None => loop {
                let mut stream = self.open_stream(dialect, config)?;
                let streamed = stream.next().await?;
                let ended = matches!(streamed, Streamed::End(_));
                if ended
                    || !self
                        .has_changed(connection, dialect.as_ref(), config)
                        .await?
                {
                    break (stream, streamed);
                }
                if !self.is_stream() {
                    // It was given a key, or another.
                    return Ok(None);
                }
            },
        };
        match (streamed, self.run.take()) {
            (Streamed::Batch(batch), None) => {
                self.stream = Some(stream);
                let rows = self.rows(batch)?;
                self.reading.sent(rows).map(Some)
            }
            (Streamed::Batch(batch), Some(until)) => {
                (self.stream, self.run) = (Some(stream), Some(until));
                let records = self.reading.sent(self.rows(batch)?)?;
                // G1: a run counts as read at its end alone; until then its rows have the position
                // before it.
                let before = self.after.as_deref().unwrap_or_default();
                let before = self.position(position::offset(&self.reading, before));
                Ok(Some(records.with_position(before)))
            }
            (Streamed::End(connection), None) => {
                self.due = Instant::now() + config.poll_interval.0;
                if let Some(connection) = connection {
                    connection.close().await?;
                }
                Ok(None)
            }
            (Streamed::End(connection), Some(until)) => {
                self.spare = connection;
                let after = self.nothing_after(&until)?;
                self.after = Some(until);
                self.passed(None);
                Ok(Some(after))
            }
        }
    }

    /// Begins to read the whole table, or the run that is next.
    fn open_stream(&mut self, dialect: &Arc<dyn Dialect>, config: &SourceConfig) -> Result<Stream> {
        let page = match &self.run {
            Some(until) => self.reading.run(self.after.as_deref(), until),
            None => self.reading.next_page(None, None),
        };
        Ok(Stream::open(StreamRequest {
            dialect: dialect.clone(),
            attempts: config.connection.attempts(),
            connection: self.spare.take(),
            statement: select(dialect.as_ref(), &page, config)?,
            schema: self.reading.schema.clone(),
            max_rows: usize::try_from(config.max_rows.get()).unwrap_or(usize::MAX),
            max_bytes: config.max_bytes.get(),
        }))
    }

    /// Ends the reader, where there is one.
    pub(crate) async fn close(self) {
        if let Some(stream) = self.stream {
            stream.close().await;
        }
    }
}

/// Reads a page, with what the settings put at its end.
pub(crate) fn select(
    dialect: &dyn Dialect,
    page: &Page<'_>,
    config: &SourceConfig,
) -> Result<Statement> {
    let mut statement = dialect.syntax().select(page)?;
    if let Some(suffix) = &config.query_suffix.0 {
        statement.sql.push(' ');
        statement.sql.push_str(suffix);
    }
    Ok(statement)
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
    if let Value::Int(rows @ 1..) = single(connection, &statement, &schema).await? {
        tracing::warn!(
            table = %reading.name(), rows,
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
    // What is written next may have the time of a step that has begun.
    let (bound, back) = (reading.bound(reading.step), reading.step);
    let east = bound.as_ref().map(|bound| bound.east);
    let statement = dialect.syntax().select_present(&column, east, back);
    let schema = Schema::new("now", [reading.key_kind(0).clone().field("now", true)], &[])?;
    let now = single(connection, &statement, &schema).await?;
    let before = bound.and_then(|bound| bound.before);
    Ok(match (now, before) {
        (Value::Timestamp(now), Some(before)) => Value::Timestamp(now.min(before - 1)),
        (now, _) => now,
    })
}

/// The one value that a query gives.
async fn single(
    connection: &mut dyn Connection,
    statement: &Statement,
    schema: &SchemaRef,
) -> Result<Value> {
    let mut cursor = connection.query(statement, schema).await?;
    let batch = cursor.next(1, usize::MAX).await?;
    let Some(batch) = batch.filter(|batch| batch.num_rows() > 0) else {
        return Ok(Value::Null);
    };
    let records = Records::new(schema.name().into(), schema.clone(), batch)?;
    Ok(records.row(0).get(0).to_value())
}
