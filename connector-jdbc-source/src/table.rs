//! The state of one table that a task reads.
mod stored;
mod stream;

use crate::{
    bisect::Bisect,
    config::SourceConfig,
    deletes::{capture::Capture, comparison::Comparison},
    idle::Came,
    late_rows::{Bound, LateRows},
    page::PageSize,
    read_plan::ReadPlan,
    recheck::Reports,
    replaced::LastRow,
    result_stream::ResultStream,
    row_ids::EqualRows,
    snapshot::{Ranges, progress::Load},
    watermark::Watermark,
};
use connect_api::{
    Error, ErrorKind, Offset, PartBoard, PartState, Partition, Polled, Records, Result, SchemaRef,
    Value, arrow::array::RecordBatch,
};
use dialect_core::{Connection, Dialect, Page, Statement};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use stream::Ties;
use tokio::time::Instant;

/// A table that is being read.
pub(crate) struct TableState {
    pub(crate) plan: ReadPlan,
    /// The time of the next poll.
    pub(crate) next_poll: Instant,
    /// The pause before it.
    pub(crate) pause: Duration,
    /// The last poll found no rows.
    pub(crate) idle: bool,
    topic: Arc<str>,
    pub(crate) partition: Arc<Partition>,
    /// The fingerprint of the columns that the plan was built from; `None` where it is not known.
    pub(crate) fingerprint: Option<String>,
    /// The key of the last row that was read.
    pub(crate) after: Option<Vec<Value>>,
    /// The initial position must be stored before the first row; otherwise a restart would use a
    /// later one.
    pub(crate) start_unsaved: bool,
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
    /// Its deletes are captured by triggers.
    pub(crate) captures: bool,
    /// The table of changes; taken while it is in use.
    pub(crate) capture: Option<Box<Capture>>,
    /// The comparison of its keys, where deletes are found by one.
    pub(crate) comparison: Option<Box<Comparison>>,
    /// The ties of the result stream so far.
    ties: Ties,
    /// The last rows that were read had been sent before, or were the last up to a bound: others may
    /// be next.
    pub(crate) was_sent: bool,
    /// Rows that were read in the order of the key since the end was reached last.
    pub(crate) rows_in_line: u64,
    /// The ranges that are read side by side, while they are.
    pub(crate) ranges: Option<Ranges>,
    /// Rows are read up to this key only: a range, for [`Ranges`].
    pub(crate) range_end: Option<Vec<Value>>,
    /// The snapshot, while it is not complete.
    pub(crate) load: Option<Load>,
    /// What is to be stored has changed without new rows.
    pub(crate) unsaved: bool,
    /// The number of the last signal that was followed.
    pub(crate) signal: Option<i64>,
    /// What the table is known by, where it has something of that kind.
    pub(crate) identity: Option<String>,
    /// The last row that was read, where the identity may change with the same table.
    pub(crate) last_row: Option<LastRow>,
    pub(crate) remembers_last_row: bool,
    /// A row that was in the table when its identity was asked for last.
    pub(crate) known_row: Option<LastRow>,
    parts: PartBoard,
    pub(crate) end: End,
}

/// Whether reading ends behind the existing rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// New rows follow.
    Never,
    /// Once they were read.
    Snapshot,
    /// They were read, which is to be stored.
    Unsaved,
    /// Nothing is read any more.
    Reached,
}

/// Up to where rows are read.
pub(crate) struct Bounds {
    watermark: Option<Watermark>,
    before: Option<Value>,
}

impl TableState {
    /// A table that was not read yet.
    pub(crate) fn unread(plan: ReadPlan, partition: Arc<Partition>, parts: PartBoard) -> Self {
        Self {
            next_poll: Instant::now(),
            pause: plan.config.poll_interval.0,
            idle: false,
            topic: plan.topic.clone(),
            partition,
            fingerprint: plan.fingerprint.clone(),
            after: None,
            start_unsaved: false,
            page_size: PageSize::new(plan.config.max_rows, plan.config.max_bytes),
            bisect: None,
            ties_until: None,
            stream: None,
            spare_connection: None,
            late: None,
            captures: false,
            capture: None,
            comparison: None,
            ties: Ties::default(),
            was_sent: false,
            rows_in_line: 0,
            ranges: None,
            range_end: None,
            load: None,
            unsaved: false,
            signal: None,
            identity: None,
            last_row: None,
            remembers_last_row: false,
            known_row: None,
            parts,
            end: End::Never,
            plan,
        }
    }

    /// A state of the same table that was not read yet, to read parts of it with.
    pub(crate) fn copy_of_plan(&self) -> Self {
        Self {
            fingerprint: self.fingerprint.clone(),
            page_size: self.page_size.clone(),
            ..Self::unread(
                self.plan.clone(),
                self.partition.clone(),
                PartBoard::default(),
            )
        }
    }

    /// The table has no key, or its next rows are ties that do not fit a page: they are read with a
    /// separate connection.
    pub(crate) fn is_streaming(&self) -> bool {
        self.plan.key.is_empty() || self.ties_until.is_some()
    }

    /// Signals up to this number are followed, or are none of this table's.
    pub(crate) fn set_signal(&mut self, number: i64) {
        (self.signal, self.unsaved) = (Some(number), true);
    }

    /// Reads the table from its beginning, as a signal asks; other tables go on.
    pub(crate) fn restart(&mut self, signal: i64) {
        self.set_signal(self.signal.map_or(signal, |last| last.max(signal)));
        self.read_again();
    }

    /// Reads the table from its beginning.
    pub(crate) fn read_again(&mut self) {
        (self.after, self.ranges, self.stream) = (None, None, None);
        (self.bisect, self.ties_until) = (None, None);
        self.ties = Ties::default();
        (self.last_row, self.known_row) = (None, None);
        self.rows_in_line = 0;
        self.next_poll = Instant::now();
        let (name, estimate) = (self.plan.name().to_string(), self.plan.table.row_estimate);
        self.load = Some(Load::new(name, 0, estimate, self.parts.clone()));
        if self.end != End::Never {
            self.end = End::Snapshot;
        }
        if let Some(late) = &mut self.late {
            late.restart_at(None);
            late.is_behind = true;
        }
    }

    /// Counts rows of the snapshot.
    pub(crate) fn count(&mut self, rows: usize) {
        if let Some(load) = &mut self.load {
            load.add(rows);
        }
    }

    /// There are no more rows for now.
    pub(crate) fn reached_end(&mut self, came: Came) {
        self.rest(came);
        self.rows_in_line = 0;
        let state = match self.end {
            End::Snapshot => PartState::Finished,
            End::Never | End::Unsaved | End::Reached => PartState::Following,
        };
        if let Some(load) = self.load.take() {
            load.finish(state);
            self.unsaved = !self.plan.bulk;
        }
        if self.end == End::Snapshot {
            self.end = End::Unsaved;
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

    /// The next rows, or rows that cannot be read; `None` if there are no new rows.
    ///
    /// # Errors Errors of the database and of the result stream.
    pub(crate) async fn next(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &Arc<dyn Dialect>,
        reports: &mut Reports,
    ) -> Result<Option<Polled>> {
        match self.end {
            End::Never | End::Snapshot => {}
            End::Unsaved => {
                let after = self.after.clone().unwrap_or_default();
                let last = self.empty_records_after(&after)?;
                self.end = End::Reached;
                return Ok(Some(Polled::Records(last)));
            }
            End::Reached => return Ok(None),
        }
        if let Some(initial) = self.initial_position()? {
            return Ok(Some(Polled::Records(initial)));
        }
        if let Some(restarted) = self.position_of_restart()? {
            return Ok(Some(Polled::Records(restarted)));
        }
        if self.ranges.is_none() {
            self.divide_if_large(connection, dialect.as_ref()).await?;
        }
        if self.ranges.is_some() {
            return self.next_of_ranges(dialect).await;
        }
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
                if self.start_unsaved || self.is_streaming() {
                    // Another table has its name, or its key was dropped.
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
                self.reached_end(Came::Nothing);
                if self.plan.bulk && self.range_end.is_none() && self.end == End::Never {
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
            self.note_last_row(&rows, &key);
            self.advance(Some(rows.len()));
            let (unsent, ids) = self.unsent(rows, &mut EqualRows::default())?;
            let restart =
                last && self.plan.bulk && self.range_end.is_none() && self.end == End::Never;
            let Some(rows) = unsent else {
                self.after = Some(key);
                if last {
                    self.end_bound();
                }
                self.was_sent = true;
                return Ok(None);
            };
            let records = self.plan.outgoing(rows)?;
            self.rows_in_line += records.len() as u64;
            self.count(records.len());
            self.passed(ids, &key);
            self.after = (!restart).then(|| key.clone());
            if last && !self.end_bound() {
                self.reached_end(Came::Rows);
            }
            let offset = match restart {
                true => self.with_marks(Offset::new(), Vec::new()),
                false => self.stored_offset(&key),
            };
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
        let bound = bound.map(Bound::key).or(self.range_end.as_deref());
        if let Some(bound) = bound {
            let page = self.plan.ties_page(self.after.as_deref(), bound);
            let page = Page {
                columns,
                limit: Some(limit),
                ..page
            };
            return select(dialect, &page, &self.plan.config);
        }
        let bounds = self.bounds();
        let page = Page {
            columns,
            descending,
            limit: Some(limit),
            ..self.following_page(&bounds)
        };
        select(dialect, &page, &self.plan.config)
    }

    /// Up to where rows are read now.
    pub(crate) fn bounds(&self) -> Bounds {
        let back = self.plan.before_now.unwrap_or_default();
        let watermark = self
            .plan
            .watermark(back.saturating_add(self.plan.resolution));
        // G3: local times that are about to occur again are read after they have.
        let before = watermark.as_ref().and_then(|watermark| watermark.before);
        let before = before.map(|before| Value::Timestamp(before.saturating_sub(1)));
        Bounds { watermark, before }
    }

    /// The rows after the last key.
    pub(crate) fn following_page<'a>(&'a self, bounds: &'a Bounds) -> Page<'a> {
        let page = self.plan.next_page(self.after.as_deref(), None);
        let before = bounds.before.as_slice();
        self.plan
            .with_watermark(page, bounds.watermark.as_ref(), before)
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
