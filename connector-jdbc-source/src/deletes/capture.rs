//! Deletes that triggers have captured: the table of changes is read beside its table.
//!
//! Rows and deletes of one key come from two tables. What is sent is right by this rule: when the
//! keys of a page of changes have been read, their rows are looked up. A key without a row is sent as a
//! delete, and a key with a row is sent as that row. All that was sent of a key before was read before
//! the look-up, and all that is sent after was written after it, or is the same row again: so the last
//! message of a key is the state of its row. No rows are read by another statement meanwhile: pages
//! are read whole, and nothing is looked up while a result stream is open.
use crate::{
    config::{Mode, OptionalName, SnapshotMode, SourceConfig},
    deletes::{DeletedKeys, capture_check},
    late_rows::CompleteBy,
    position,
    read_plan::ReadPlan,
    recheck::Reports,
    row_ids::hash_value,
    table::{TableState, select},
};
use connect_api::{
    Error, ErrorKind, PartBoard, Polled, Position, Records, Result, Row, TaskContext, Value,
    arrow::array::RecordBatch, config::List,
};
use dialect_core::{Connection, DeleteCapture, Dialect, Page};
use std::{
    collections::{HashSet, VecDeque},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    num::NonZeroU32,
    sync::Arc,
};
use tokio::time::Instant;

/// Changes of a page: the rows of their keys are in memory at once.
const MAX_KEYS: NonZeroU32 = NonZeroU32::MIN.saturating_add(499);

/// The table of changes of a table.
pub(crate) struct Capture {
    /// The table of changes, as it is read.
    pub(crate) changes: TableState,
    keys: DeletedKeys,
    /// What the last page has led to, and was not returned yet.
    pending: VecDeque<Records>,
    hashers: [RandomState; 2],
}

impl Capture {
    /// Begins to read the changes of the table of `plan`, at the stored position.
    ///
    /// # Errors `Schema`: the table of changes is missing, or is not of this table; errors of the
    /// database and of the stored positions.
    pub(crate) async fn resume(
        plan: &ReadPlan,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        by: Option<CompleteBy>,
        cx: &TaskContext,
    ) -> Result<Self> {
        let syntax = dialect.syntax();
        let found = capture_check::find(plan, connection, syntax).await?;
        if !found.faults.is_empty() {
            return Err(Error::new(ErrorKind::Schema, found.faults.to_string()));
        }
        let of_changes = Arc::new(plan.config.of_changes(MAX_KEYS));
        let (Some(table), Some(keys)) = (found.changes, found.keys) else {
            return Err(Error::new(ErrorKind::Internal, "no table of changes"));
        };
        let changes = ReadPlan::build(table, &of_changes, syntax)
            .map_err(|faults| Error::new(ErrorKind::Schema, faults.to_string()))?;
        let partition = position::partition(&changes);
        let stored = cx.stored(&partition).await?;
        // Its state is not one of the table's own parts.
        let parts = PartBoard::default();
        let resuming = TableState::resume(changes, partition, stored, connection, dialect, &parts);
        let mut changes = resuming.await?;
        if let Some(by) = by.filter(|_| changes.plan.looks_for_late_rows()) {
            changes.look_for_late_rows(by)?;
        }
        Ok(Self {
            changes,
            keys,
            pending: VecDeque::new(),
            hashers: [RandomState::new(), RandomState::new()],
        })
    }

    /// Nothing is to be returned that was read already.
    pub(crate) fn is_quiet(&self) -> bool {
        self.pending.is_empty() && self.changes.is_quiet()
    }

    /// The next deletes, or rows of deleted keys that exist again; `None` if there are none for now.
    async fn next(
        &mut self,
        table: &mut TableState,
        connection: &mut dyn Connection,
        dialect: &Arc<dyn Dialect>,
        reports: &mut Reports,
    ) -> Result<Option<Polled>> {
        if let Some(records) = self.pending.pop_front() {
            return Ok(Some(Polled::Records(records)));
        }
        if self.changes.next_poll > Instant::now() {
            return Ok(None);
        }
        let changes = self.changes.next(connection, dialect, reports).await?;
        let changes = match changes {
            Some(Polled::Records(changes)) if !changes.is_empty() => changes,
            other => return Ok(other),
        };
        let (Some(position), Some((first, last))) = (changes.position().cloned(), ids(&changes))
        else {
            return Err(self.unexpected());
        };
        let mut key = Vec::new();
        for name in self.keys.names() {
            let index = changes.schema().index_of(name);
            key.push(index.ok_or_else(|| self.unexpected())?);
        }
        let keys = changes.batch().project(&key).map_err(|e| {
            Error::new(ErrorKind::Internal, "columns of a table of changes").with_source(e)
        })?;
        let found = table
            .rows_of_changes(first, last, connection, dialect.as_ref())
            .await?;
        self.queue(table, &keys, found, position)?;
        Ok(self.pending.pop_front().map(Polled::Records))
    }

    /// Queues the deletes of keys without a row, and the rows of the others.
    fn queue(
        &mut self,
        table: &TableState,
        keys: &RecordBatch,
        found: Vec<Records>,
        position: Position,
    ) -> Result<()> {
        let mut there = HashSet::new();
        for rows in &found {
            there.extend(rows.rows().map(|row| self.id(&row, rows.schema().key())));
        }
        let keys = self.keys.keys(keys)?;
        let all: Vec<usize> = (0..keys.schema().kinds().len()).collect();
        let rows = (0_u32..).zip(keys.rows());
        let gone: Vec<u32> = rows
            .filter(|(_, row)| !there.contains(&self.id(row, &all)))
            .map(|(row, _)| row)
            .collect();
        let empty = keys.slice(0..0);
        if !gone.is_empty() {
            self.pending
                .push_back(self.keys.deletes(keys.take(&gone)?)?);
        }
        for rows in found {
            self.pending.push_back(table.plan.outgoing(rows)?);
        }
        // G1: the position counts with the last of them.
        let last = self.pending.pop_back().unwrap_or(empty);
        self.pending.push_back(last.with_position(position));
        Ok(())
    }

    fn id(&self, row: &Row<'_>, key: &[usize]) -> u128 {
        let [mut high, mut low] = [0, 1].map(|i: usize| self.hashers[i].build_hasher());
        for column in key {
            let value = row.get(*column).to_value();
            hash_value(&value, &mut high);
            hash_value(&value, &mut low);
        }
        u128::from(high.finish()) << 64 | u128::from(low.finish())
    }

    fn unexpected(&self) -> Error {
        let name = self.changes.plan.name();
        let message = format!("{name}: rows without number, position or key columns");
        Error::new(ErrorKind::Internal, message)
    }
}

/// The least and the greatest number of some changes.
fn ids(changes: &Records) -> Option<(i64, i64)> {
    let column = changes.schema().index_of(DeleteCapture::ID)?;
    let ids = changes.rows().map(|row| match row.get(column).to_value() {
        Value::Int(id) => Some(id),
        _ => None,
    });
    let ids = ids.collect::<Option<Vec<i64>>>()?;
    Some((*ids.iter().min()?, *ids.iter().max()?))
}

impl TableState {
    /// Reads the captured deletes of the table from now on, where that is set.
    ///
    /// # Errors
    /// As [`Capture::resume`].
    pub(crate) async fn capture_deletes(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        by: Option<CompleteBy>,
        cx: &TaskContext,
    ) -> Result<()> {
        if !self.plan.config.captures_deletes() {
            return Ok(());
        }
        let resuming = Capture::resume(&self.plan, connection, dialect, by, cx);
        self.capture = Some(Box::new(resuming.await?));
        self.captures = true;
        Ok(())
    }

    /// The next deletes that triggers have captured.
    ///
    /// # Errors Errors of the database.
    pub(crate) async fn next_captured(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &Arc<dyn Dialect>,
        reports: &mut Reports,
    ) -> Result<Option<Polled>> {
        // G2: rows that are read by other statements meanwhile could be sent behind their deletes.
        if !self.captures || self.is_streaming() || self.ranges.is_some() {
            return Ok(None);
        }
        // Taken while it is in use: what a dropped future has read is read again by the next start.
        let Some(mut capture) = self.capture.take() else {
            let message = format!("{}: reading its deletes was interrupted", self.plan.name());
            return Err(Error::new(ErrorKind::Busy, message));
        };
        let next = capture.next(self, connection, dialect, reports);
        let next = next.await;
        self.capture = Some(capture);
        next
    }

    /// The rows of the table whose keys are among the changes with these numbers.
    async fn rows_of_changes(
        &mut self,
        first: i64,
        last: i64,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Vec<Records>> {
        loop {
            let error = match self
                .select_of_changes(first, last, connection, dialect)
                .await
            {
                Ok(found) if found.is_empty() => return Ok(found),
                Ok(found) => match self.has_schema_changed(connection, dialect).await? {
                    true => continue,
                    false => return Ok(found),
                },
                Err(error) => error,
            };
            let what = format!("{}: looking up deleted keys", self.plan.name());
            let fatal = matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout);
            if fatal
                || !Self::may_be_schema_change(&error)
                || connection.ping().await.is_err()
                || !self.refresh_schema(connection, dialect).await?
            {
                return Err(error.context(what));
            }
        }
    }

    async fn select_of_changes(
        &mut self,
        first: i64,
        last: i64,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Vec<Records>> {
        let key: Vec<usize> = self.plan.record_key().collect();
        let capture = DeleteCapture::new(&self.plan.table, &key);
        let condition = capture.condition(dialect.syntax(), first, last)?;
        let condition = match &self.plan.config.filter.0 {
            // The line ends, so that a comment in the user's words does not swallow the bracket.
            Some(filter) => format!("({filter}\n) AND {condition}"),
            None => condition,
        };
        let page = Page {
            filter: Some(&condition),
            ..Page::of(&self.plan.table, &self.plan.columns)
        };
        let statement = select(dialect, &page, &self.plan.config)?;
        let mut cursor = connection.query(&statement, &self.plan.schema).await?;
        let rows = usize::try_from(self.plan.config.max_rows.get()).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        while let Some(batch) = cursor.next(rows, self.plan.config.max_bytes.get()).await? {
            if batch.num_rows() > 0 {
                found.push(self.rows(batch)?);
            }
        }
        Ok(found)
    }
}

impl SourceConfig {
    /// The settings that a table of changes is read with.
    fn of_changes(&self, max_rows: NonZeroU32) -> Self {
        Self {
            mode: Some(Mode::Incrementing),
            incrementing: OptionalName(Some(DeleteCapture::ID.to_owned())),
            max_rows: self.max_rows.min(max_rows),
            columns: Default::default(),
            excluded_columns: Default::default(),
            renamed: Default::default(),
            hashed: Default::default(),
            constants: Default::default(),
            truncated: Default::default(),
            nulled: Default::default(),
            message_key: List(Vec::new()),
            timezone: None,
            snapshot_mode: SnapshotMode::Initial,
            snapshot_threads: NonZeroU32::MIN,
            ..self.of_keys()
        }
    }
}
