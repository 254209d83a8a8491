//! The state of one table that a task reads.
use crate::{
    bisect::Bisect,
    config::SourceConfig,
    late_rows::LateRows,
    page::PageSize,
    position,
    read_plan::{ReadPlan, StartPosition},
    recheck::Reports,
    result_stream::{ResultStream, ResultStreamRequest, StreamItem},
    row_ids::EqualRows,
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
    pub(crate) plan: ReadPlan,
    /// The time of the next poll.
    pub(crate) next_poll: Instant,
    topic: Arc<str>,
    partition: Arc<Partition>,
    /// The fingerprint of the columns that the plan was built from; `None` before the first page.
    pub(crate) fingerprint: Option<String>,
    /// The key of the last row that was read.
    pub(crate) after: Option<Vec<Value>>,
    /// The initial position must be stored before the first row; otherwise a restart would use a
    /// later one.
    start_unsaved: bool,
    pub(crate) page_size: PageSize,
    /// The bisection for a row that cannot be read, while one is searched.
    pub(crate) bisect: Option<Bisect>,
    /// The key that the result stream ends with, if the next ties do not fit a page.
    pub(crate) ties_until: Option<Vec<Value>>,
    /// The open result stream of a table without a key, or of ties.
    stream: Option<ResultStream>,
    /// The connection of the last result stream, for the next.
    spare_connection: Option<Box<dyn Connection>>,
    /// Late rows; `None` where there are none, or they are not looked for.
    pub(crate) late: Option<LateRows>,
    /// The ties of the result stream so far.
    ties: Ties,
    /// The last rows that were read had been sent before, or were the last up to a bound: others may
    /// be next.
    pub(crate) was_sent: bool,
}

/// Ties that were read in parts.
#[derive(Default)]
struct Ties {
    equal: EqualRows,
    ids: Vec<u128>,
}

impl TableState {
    /// Resumes at the stored position.
    ///
    /// # Errors `Config`: the stored position does not match the mode; errors of the query for the
    /// database's current time, if reading starts there.
    pub(crate) async fn resume(
        plan: ReadPlan,
        partition: Partition,
        stored: Option<Offset>,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Self> {
        let start_unsaved = stored.is_none() && plan.start == StartPosition::Now;
        let mut after = position::resume(&plan, stored)?;
        if start_unsaved {
            after = Some(vec![current_time(connection, dialect, &plan).await?]);
        }
        if plan.has_nullable_key() {
            warn_about_null_keys(connection, dialect, &plan).await?;
        }
        Ok(Self {
            topic: plan.topic().into(),
            partition: Arc::new(partition),
            fingerprint: None,
            after,
            next_poll: Instant::now(),
            page_size: PageSize::new(plan.config.max_rows, plan.config.max_bytes),
            bisect: None,
            ties_until: None,
            stream: None,
            spare_connection: None,
            late: None,
            ties: Ties::default(),
            was_sent: false,
            start_unsaved,
            plan,
        })
    }

    /// The table has no key, or its next rows are ties that do not fit a page: they are read with a
    /// separate connection.
    fn is_streaming(&self) -> bool {
        self.plan.key.is_empty() || self.ties_until.is_some()
    }

    /// Empty records with the initial position; returned once, if it must be stored.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn initial_position(&mut self) -> Result<Option<Records>> {
        if !std::mem::take(&mut self.start_unsaved) {
            return Ok(None);
        }
        let key = self.after.as_deref().unwrap_or_default();
        self.empty_records_after(key).map(Some)
    }

    /// Empty records with the position after `key`.
    fn empty_records_after(&self, key: &[Value]) -> Result<Records> {
        let schema = self.plan.outgoing_schema();
        let none = RecordBatch::new_empty(schema.columns().clone());
        let records = Records::new(self.topic.clone(), schema.clone(), none)?;
        let offset = self.stored_offset(key);
        Ok(records.with_position(self.position(offset)))
    }

    /// Empty records with the position of complete rows, if it has moved without new rows.
    fn unsaved_position(&mut self) -> Result<Option<Records>> {
        let unsaved = |late: &mut &mut LateRows| std::mem::take(&mut late.unsaved);
        if self.late.as_mut().take_if(unsaved).is_none() {
            return Ok(None);
        }
        self.empty_records_after(&[]).map(Some)
    }

    /// The offset to store with rows up to `key`: that of complete rows (G5).
    pub(crate) fn stored_offset(&self, key: &[Value]) -> Offset {
        match &self.late {
            Some(late) => late
                .complete
                .as_deref()
                .map_or_else(Offset::new, |complete| {
                    position::offset(&self.plan, complete)
                }),
            None => position::offset(&self.plan, key),
        }
    }

    /// The rows that were not sent, with their identities.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn unsent(
        &mut self,
        rows: Records,
        equal: &mut EqualRows,
    ) -> Result<(Option<Records>, Vec<u128>)> {
        match &mut self.late {
            Some(late) => late.filter(rows, equal),
            None => Ok((Some(rows), Vec::new())),
        }
    }

    /// Rows up to `key` are returned, those with these identities among them.
    pub(crate) fn passed(&mut self, sent: Vec<u128>, key: &[Value]) {
        if let Some(late) = &mut self.late {
            late.sent(sent, key);
        }
    }

    /// There are no more rows up to the bound, if there is one: reading goes on behind it.
    pub(crate) fn end_bound(&mut self) -> bool {
        let Some(late) = self.late.as_mut().filter(|late| late.bound.is_some()) else {
            return false;
        };
        if let Some(key) = late.end_bound() {
            self.after = Some(key);
        }
        true
    }

    pub(crate) fn position(&self, offset: Offset) -> Position {
        Position {
            partition: self.partition.clone(),
            offset,
        }
    }

    /// The next rows, or rows that cannot be read; `None` if there are no new rows.
    ///
    /// # Errors Errors of the database and of the result stream.
    pub(crate) async fn next(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &Arc<dyn Dialect>,
        reports: &mut Reports,
    ) -> Result<Option<Polled>> {
        if !self.is_streaming() {
            self.check_open_rows(connection, dialect.as_ref(), reports)
                .await?;
            let polled = loop {
                let polled = if self.bisect.as_ref().is_some_and(Bisect::is_single_row) {
                    self.next_row(connection, dialect.as_ref()).await?
                } else {
                    let page = self.next_page(connection, dialect.as_ref()).await?;
                    page.map(Polled::Records)
                };
                if polled.is_some() || !std::mem::take(&mut self.was_sent) {
                    break polled;
                }
            };
            if polled.is_none() && self.ties_until.is_none() {
                return Ok(self.unsaved_position()?.map(Polled::Records));
            }
            if polled.is_some() {
                return Ok(polled);
            }
        }
        let streamed = self.next_from_stream(connection, dialect).await?;
        Ok(streamed.map(Polled::Records))
    }

    /// The next page; `None` if there are no new rows, or if ties are next.
    ///
    /// # Errors Errors of the database.
    async fn next_page(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Option<Records>> {
        loop {
            let (batch, last) = self.read_page(connection, dialect).await?;
            if batch.is_some() && self.has_schema_changed(connection, dialect).await? {
                if self.is_streaming() {
                    // Its key was dropped.
                    return Ok(None);
                }
                continue;
            }
            if let Some(late) = &mut self.late {
                late.is_behind = !last;
            }
            let Some(batch) = batch else {
                if self.end_bound() {
                    self.was_sent = true;
                    return Ok(None);
                }
                self.next_poll = Instant::now() + self.plan.config.poll_interval.0;
                if self.plan.bulk {
                    self.after = None;
                }
                return Ok(None);
            };
            self.page_size.adapt(&batch);
            let mut rows = self.rows(batch)?;
            if !last && !self.plan.unique_key {
                // G3: the last ties may continue beyond the page.
                match self.plan.rows_before_last_tie(&rows) {
                    Some(before @ 1..) => rows = rows.slice(0..before),
                    Some(0) | None => {
                        self.ties_until = Some(self.last_key(&rows)?);
                        self.ties = Ties::default();
                        return Ok(None);
                    }
                }
            }
            let key = self.last_key(&rows)?;
            self.advance(Some(rows.len()));
            let (unsent, ids) = self.unsent(rows, &mut EqualRows::default())?;
            let restart = last && self.plan.bulk;
            let Some(rows) = unsent else {
                self.after = Some(key);
                if last {
                    self.end_bound();
                }
                self.was_sent = true;
                return Ok(None);
            };
            let records = self.plan.outgoing(rows)?;
            self.passed(ids, &key);
            let offset = match restart {
                true => Offset::new(),
                false => self.stored_offset(&key),
            };
            self.after = (!restart).then_some(key);
            if last && !self.end_bound() {
                self.next_poll = Instant::now() + self.plan.config.poll_interval.0;
            }
            if let Some(late) = &mut self.late {
                late.unsaved = false;
            }
            // G1: the position of the last row returned; only the runtime stores it.
            return Ok(Some(records.with_position(self.position(offset))));
        }
    }

    /// The rows after the last key, and whether this is the last page for now.
    async fn read_page(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<(Option<RecordBatch>, bool)> {
        let limit = if self.plan.unique_key {
            self.page_limit()
        } else {
            // One more row shows where the last ties end.
            self.page_limit().saturating_add(1)
        };
        let statement = self.next_statement(dialect, &self.plan.columns, limit)?;
        let rows = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let mut cursor = connection.query(&statement, &self.plan.schema).await?;
        let batch = cursor.next(rows, self.plan.config.max_bytes.get()).await?;
        let batch = batch.filter(|batch| batch.num_rows() > 0);
        // A page that is not full is the last, unless it reached its maximum bytes.
        let last = match &batch {
            None => true,
            Some(batch) if batch.num_rows() >= rows => false,
            Some(_) => cursor.next(1, 1).await?.is_none(),
        };
        Ok((batch, last))
    }

    /// The statement that reads `columns` of up to `limit` rows after the last key.
    pub(crate) fn next_statement(
        &self,
        dialect: &dyn Dialect,
        columns: &[usize],
        limit: NonZeroU32,
    ) -> Result<Statement> {
        self.page_statement(dialect, columns, limit, false)
    }

    /// The same; `descending`: the last rows first.
    pub(crate) fn page_statement(
        &self,
        dialect: &dyn Dialect,
        columns: &[usize],
        limit: NonZeroU32,
        descending: bool,
    ) -> Result<Statement> {
        let bound = self.late.as_ref().and_then(|late| late.bound.as_ref());
        if let Some(bound) = bound {
            let page = self.plan.ties_page(self.after.as_deref(), bound.key());
            let page = Page {
                columns,
                limit: Some(limit),
                ..page
            };
            return select(dialect, &page, &self.plan.config);
        }
        let back = self.plan.before_now.unwrap_or_default();
        let watermark = self
            .plan
            .watermark(back.saturating_add(self.plan.resolution));
        // G3: local times that are about to occur again are read after they have.
        let before = watermark.as_ref().and_then(|watermark| watermark.before);
        let before = before.map(|before| Value::Timestamp(before.saturating_sub(1)));
        let page = self.plan.next_page(self.after.as_deref(), Some(limit));
        let page = self
            .plan
            .with_watermark(page, watermark.as_ref(), before.as_slice());
        let page = Page {
            columns,
            descending,
            ..page
        };
        select(dialect, &page, &self.plan.config)
    }

    /// Rows as they were read.
    pub(crate) fn rows(&self, batch: RecordBatch) -> Result<Records> {
        self.rows_of(&self.plan.schema, batch)
    }

    /// Some columns of rows as they were read.
    pub(crate) fn rows_of(&self, schema: &SchemaRef, batch: RecordBatch) -> Result<Records> {
        Records::new(self.topic.clone(), schema.clone(), batch)
    }

    fn last_key(&self, records: &Records) -> Result<Vec<Value>> {
        let last = self.plan.last_key(records);
        last.ok_or_else(|| self.key_became_null())
    }

    /// The error for a row without a position.
    pub(crate) fn key_became_null(&self) -> Error {
        let table = self.plan.name();
        let columns = self.plan.key_columns();
        let names: Vec<_> = columns
            .map(|i| format!("`{}`", self.plan.table.columns[i].name))
            .collect();
        // G3: the row must not be skipped, and there is no position after it.
        let message = format!(
            "table {table}: a value of {} was converted to NULL (zero.dates=null, \
             values.unrepresentable=null), so the row has no position; exclude such rows with a \
             `query`, or use another column",
            names.join(", ")
        );
        Error::new(ErrorKind::Data, message)
    }

    /// The next rows of the result stream, which is opened if needed. After the last of ties: empty
    /// records with their position. After the last row of a table: `None`. All rows are of one
    /// statement, so schema changes are checked with the first batch.
    ///
    /// # Errors Errors of the result stream.
    async fn next_from_stream(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &Arc<dyn Dialect>,
    ) -> Result<Option<Records>> {
        // Taken while it is in use: a dropped future loses no rows.
        let (stream, streamed) = match self.stream.take() {
            Some(mut stream) => {
                let streamed = stream.next().await?;
                (stream, streamed)
            }
            None => loop {
                let mut stream = self.open_stream(dialect)?;
                let streamed = stream.next().await?;
                let ended = matches!(streamed, StreamItem::End(_));
                if ended
                    || !self
                        .has_schema_changed(connection, dialect.as_ref())
                        .await?
                {
                    break (stream, streamed);
                }
                if !self.is_streaming() {
                    // The table now has a key, or another one.
                    return Ok(None);
                }
            },
        };
        match (streamed, self.ties_until.take()) {
            (StreamItem::Batch(batch), None) => {
                self.stream = Some(stream);
                let rows = self.rows(batch)?;
                self.plan.outgoing(rows).map(Some)
            }
            (StreamItem::Batch(batch), Some(until)) => {
                let rows = self.rows(batch)?;
                let mut ties = std::mem::take(&mut self.ties);
                let (unsent, ids) = self.unsent(rows, &mut ties.equal)?;
                ties.ids.extend(ids);
                self.ties = ties;
                let records = unsent.map(|rows| self.plan.outgoing(rows)).transpose()?;
                (self.stream, self.ties_until) = (Some(stream), Some(until));
                // G1: ties count as read only at their end; until then, their rows have the
                // position before them.
                let before = self.after.as_deref().unwrap_or_default();
                let records = match records {
                    Some(records) => records,
                    None => self.empty_records_after(before)?,
                };
                let before = self.position(self.stored_offset(before));
                Ok(Some(records.with_position(before)))
            }
            (StreamItem::End(connection), None) => {
                self.next_poll = Instant::now() + self.plan.config.poll_interval.0;
                if let Some(connection) = connection {
                    connection.close().await?;
                }
                Ok(None)
            }
            (StreamItem::End(connection), Some(until)) => {
                self.spare_connection = connection;
                let ties = std::mem::take(&mut self.ties);
                self.passed(ties.ids, &until);
                let after = self.empty_records_after(&until)?;
                self.after = Some(until);
                self.advance(None);
                Ok(Some(after))
            }
        }
    }

    /// Opens the result stream of the whole table, or of the next ties.
    fn open_stream(&mut self, dialect: &Arc<dyn Dialect>) -> Result<ResultStream> {
        let page = match &self.ties_until {
            Some(until) => self.plan.ties_page(self.after.as_deref(), until),
            None => self.plan.next_page(None, None),
        };
        Ok(ResultStream::open(ResultStreamRequest {
            dialect: dialect.clone(),
            attempts: self.plan.config.connection.connect_retry(),
            connection: self.spare_connection.take(),
            statement: select(dialect.as_ref(), &page, &self.plan.config)?,
            schema: self.plan.schema.clone(),
            max_rows: usize::try_from(self.plan.config.max_rows.get()).unwrap_or(usize::MAX),
            max_bytes: self.plan.config.max_bytes.get(),
        }))
    }

    /// Closes the result stream, if there is one.
    pub(crate) async fn close(self) {
        if let Some(stream) = self.stream {
            stream.close().await;
        }
    }
}

/// The statement of a page, with `query.suffix`.
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

/// Logs the number of rows with a NULL key, which are skipped.
async fn warn_about_null_keys(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plan: &ReadPlan,
) -> Result<()> {
    let page = plan.next_page(None, None);
    let statement = dialect.syntax().count_without_key(&page)?;
    let schema = Schema::new("count", [Kind::Int64.field("rows", true)], &[])?;
    if let Value::Int(rows @ 1..) = query_scalar(connection, &statement, &schema).await? {
        tracing::warn!(
            table = %plan.name(), rows,
            "rows with NULL in the columns of the mode are skipped"
        );
    }
    Ok(())
}

/// The database's current time, as the first part of the key.
async fn current_time(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plan: &ReadPlan,
) -> Result<Value> {
    let column = plan.next_page(None, None).key_column(0).clone();
    // The next row may get a timestamp within the current step of the column's resolution.
    let (watermark, back) = (plan.watermark(plan.resolution), plan.resolution);
    let east = watermark.as_ref().map(|watermark| watermark.east);
    let statement = dialect.syntax().select_present(&column, east, back);
    let schema = Schema::new("now", [plan.key_kind(0).clone().field("now", true)], &[])?;
    let now = query_scalar(connection, &statement, &schema).await?;
    let before = watermark.and_then(|watermark| watermark.before);
    Ok(match (now, before) {
        (Value::Timestamp(now), Some(before)) => Value::Timestamp(now.min(before - 1)),
        (now, _) => now,
    })
}

/// The single value that a query returns.
async fn query_scalar(
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
