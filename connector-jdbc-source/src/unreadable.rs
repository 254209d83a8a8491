//! Rows that cannot be read: located by bisection, reported with their keys, and skipped (G3).
use crate::{
    bisect::{Bisect, BisectStep, LocatedRow},
    idle::Came,
    late_rows::LateRows,
    position,
    projection::Projection,
    read_plan::ReadPlan,
    row_ids::EqualRows,
    table::{End, TableState, select},
};
use connect_api::{
    Error, ErrorKind, Polled, Records, Result, SchemaRef, Value, arrow::array::RecordBatch,
    config::Faults,
};
use dialect_core::{Connection, Dialect, Statement, Syntax};
use std::num::NonZeroU32;

/// Two rows are enough to see ties.
const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// The columns that identify a row.
struct KeyColumns {
    /// By index in the table.
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl KeyColumns {
    /// The columns of the page key and of the record key; `without_first` omits the first part of
    /// the page key, if that cannot be read.
    fn of(plan: &ReadPlan, without_first: bool) -> Result<Self> {
        let mut parts = plan.key.iter().enumerate();
        let first = parts.next().map_or(&[][..], |(_, part)| &part.columns);
        let wanted = |column: &usize| !(without_first && first.contains(column));
        let of_records = plan.schema.key().iter().map(|i| plan.columns[*i]);
        let mut columns: Vec<usize> = of_records.filter(wanted).collect();
        let name = |i: &usize| plan.table.columns[*i].name.as_str();
        let names: Vec<&str> = columns.iter().map(name).collect();
        if !without_first {
            for column in plan.key_columns() {
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        let schema = plan.table.schema(&columns, &names)?;
        Ok(Self { columns, schema })
    }

    /// The rows as they are sent: masked, without excluded columns.
    fn sent(&self, plan: &ReadPlan, rows: Records) -> Result<Records> {
        let schema_key = self.schema.key().iter();
        let key: Vec<usize> = schema_key.map(|place| self.columns[*place]).collect();
        let mut faults = Faults::default();
        let projection =
            Projection::of(&plan.table, &self.columns, &key, &plan.config, &mut faults);
        match projection {
            Some(projection) => projection.apply(&rows),
            None if faults.is_empty() => Ok(rows),
            None => Err(Error::new(ErrorKind::Internal, faults.to_string())),
        }
    }

    async fn rows(
        &self,
        connection: &mut dyn Connection,
        statement: &Statement,
        most: usize,
    ) -> Result<RecordBatch> {
        let mut cursor = connection.query(statement, &self.schema).await?;
        let batch = cursor.next(most, usize::MAX).await?;
        Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(self.schema.columns().clone())))
    }
}

/// A timestamp or date as a number, for comparison with others of the same kind.
fn ordinal(value: &Value) -> Option<i64> {
    match value {
        Value::Timestamp(micros) | Value::OffsetTimestamp(micros, _) => Some(*micros),
        Value::Date(days) => Some(i64::from(*days)),
        _ => None,
    }
}

impl ReadPlan {
    /// The value of the first key part after which all keys are readable; `None` if reading is
    /// already behind it.
    fn first_readable_key(&self, syntax: &dyn Syntax, after: Option<&[Value]>) -> Option<Value> {
        let part = self.key.first()?;
        let first_readable_key =
            syntax.before_first(&self.table.columns[*part.columns.first()?])?;
        let reached = after.and_then(|after| ordinal(after.first()?));
        (reached.is_none_or(|reached| Some(reached) < ordinal(&first_readable_key)))
            .then_some(first_readable_key)
    }
}

impl TableState {
    /// The maximum number of rows of the next page.
    pub(crate) fn page_limit(&self) -> NonZeroU32 {
        let rows = self.page_size.rows();
        let bisect = self.bisect.as_ref();
        let fewer = bisect.and_then(|bisect| NonZeroU32::new(bisect.rows()));
        fewer.map_or(rows, |fewer| fewer.min(rows))
    }

    /// Records that rows were read; `None` for ties, whose number is unknown.
    pub(crate) fn advance(&mut self, rows: Option<usize>) {
        let full = self.page_size.rows().get();
        if let Some(bisect) = &mut self.bisect {
            bisect.advance(rows);
        }
        self.bisect.take_if(|bisect| bisect.rows() >= full);
    }

    /// Starts or continues the bisection after rows could not be read.
    ///
    /// # Errors The same error, if the row cannot be isolated.
    pub(crate) fn bisect_after(&mut self, error: Error, syntax: &dyn Syntax) -> Result<()> {
        if error.kind() != ErrorKind::Data {
            return Err(error);
        }
        let table = self.plan.name();
        if self.plan.key.is_empty() {
            return Err(error.context(format!(
                "{table}: a row cannot be read, and cannot be skipped because the table is read \
                 without a key; exclude or convert it with a `query`"
            )));
        }
        if self.ties_until.is_some() {
            return Err(error.context(format!(
                "{table}: one of several rows with equal keys cannot be read, and cannot be \
                 skipped alone; use a unique key (mode=timestamp+incrementing), or exclude or \
                 convert the row with a `query`"
            )));
        }
        let can_skip = self
            .plan
            .first_readable_key(syntax, self.after.as_deref())
            .is_some()
            && KeyColumns::of(&self.plan, true).is_ok_and(|k| !k.schema.key().is_empty());
        match &mut self.bisect {
            Some(bisect) => bisect.fail(error, can_skip),
            none => {
                *none = Some(Bisect::within(self.page_size.rows().get()));
                Ok(())
            }
        }
    }

    /// Reads the next row, or reports that it cannot be read; `None` if there is none, if the table
    /// has changed, or if ties are next.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn next_row(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Option<Polled>> {
        let step = self
            .bisect
            .as_mut()
            .map_or(BisectStep::Page, Bisect::take_step);
        let found = match step {
            BisectStep::Page => match self.locate_next_row(connection, dialect).await? {
                Some(found) => found,
                None => return Ok(None),
            },
            BisectStep::Row(found) => found,
            BisectStep::Rejected(found, error) => {
                return self.reject(connection, dialect, found, error).await;
            }
            BisectStep::UnreadableKeys(error) => {
                return self
                    .reject_unreadable_keys(connection, dialect, error)
                    .await;
            }
        };
        let page = self.plan.ties_page(self.after.as_deref(), &found.key);
        let statement = select(dialect, &page, &self.plan.config)?;
        if let Some(bisect) = &mut self.bisect {
            // Errors from here on are caused by this row.
            bisect.set_step(BisectStep::Row(found));
        }
        let mut cursor = connection.query(&statement, &self.plan.schema).await?;
        let batch = cursor.next(1, usize::MAX).await?;
        drop(cursor);
        if self.has_schema_changed(connection, dialect).await? {
            return Ok(None);
        }
        let (mut records, mut sent) = (None, Vec::new());
        if let Some(batch) = batch.filter(|batch| batch.num_rows() > 0) {
            let rows = self.rows(batch)?;
            match self.unsent(rows, &mut EqualRows::default())? {
                (Some(rows), ids) => {
                    records = Some(self.plan.outgoing(rows)?);
                    sent = ids;
                }
                (None, _) => {
                    // A late row is searched, and this is another.
                    let step = self.bisect.as_mut().map(Bisect::take_step);
                    if let Some(BisectStep::Row(found)) = step {
                        self.after = Some(found.key);
                    }
                    self.advance(Some(1));
                    self.was_sent = true;
                    return Ok(None);
                }
            }
        }
        let step = self
            .bisect
            .as_mut()
            .map_or(BisectStep::Page, Bisect::take_step);
        let (Some(records), BisectStep::Row(found)) = (records, step) else {
            // The row was deleted in the meantime.
            return Ok(None);
        };
        self.advance(Some(1));
        let records = self.positioned(records, found.key, sent);
        Ok(Some(Polled::Records(records)))
    }

    /// The key columns of the next row. If several rows have its key, they are read as ties.
    async fn locate_next_row(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Option<LocatedRow>> {
        let keys = KeyColumns::of(&self.plan, false)?;
        let statement = self.next_statement(dialect, &keys.columns, NonZeroU32::MIN)?;
        let columns = keys.rows(connection, &statement, 1).await?;
        let columns = self.rows_of(&keys.schema, columns)?;
        if columns.is_empty() && self.end_bound() {
            self.was_sent = true;
            return Ok(None);
        }
        if columns.is_empty() {
            self.reached_end(Came::Nothing);
            if self.plan.bulk && self.range_end.is_none() && self.end == End::Never {
                self.after = None;
            }
            return Ok(None);
        }
        let Some(key) = self.plan.page_key(&keys.columns, &columns.row(0)) else {
            // It was converted to NULL, as configured.
            let first_readable_key = self
                .plan
                .first_readable_key(dialect.syntax(), self.after.as_deref())
                .ok_or_else(|| self.key_became_null())?;
            self.ties_until = Some(vec![first_readable_key]);
            return Ok(None);
        };
        let alone = self.key_rows_until(connection, dialect, &key).await?;
        if alone.len() > 1 {
            self.ties_until = Some(key);
            return Ok(None);
        }
        Ok((alone.len() == 1).then_some(LocatedRow {
            key,
            columns: alone,
        }))
    }

    /// Rejects a row that could not be read, if it is still the next one.
    async fn reject(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        found: LocatedRow,
        error: Error,
    ) -> Result<Option<Polled>> {
        let now = self.key_rows_until(connection, dialect, &found.key);
        if now.await?.batch() != found.columns.batch() {
            return Ok(None);
        }
        if let Some(bisect) = &mut self.bisect {
            bisect.located();
        }
        let columns = KeyColumns::of(&self.plan, false)?;
        let ids = self.ids_of(&columns, &found.columns);
        let was_sent = |late: &LateRows| ids.iter().any(|id| late.is_sent(*id));
        if self.late.as_ref().is_some_and(was_sent) {
            // It was rejected before, and a late row is searched.
            self.after = Some(found.key);
            self.was_sent = true;
            return Ok(None);
        }
        let sent = columns.sent(&self.plan, found.columns)?;
        let keys = self.positioned(sent, found.key, ids);
        Ok(Some(Polled::Refused { keys, error }))
    }

    /// Rejects all rows whose key cannot be read because it is below the range of its kind.
    async fn reject_unreadable_keys(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        error: Error,
    ) -> Result<Option<Polled>> {
        let Some(first_readable_key) = self
            .plan
            .first_readable_key(dialect.syntax(), self.after.as_deref())
        else {
            return Err(error);
        };
        let until = vec![first_readable_key];
        let keys = KeyColumns::of(&self.plan, true)?;
        let most = usize::try_from(self.plan.config.max_rows.get()).unwrap_or(usize::MAX);
        let page = dialect_core::Page {
            columns: &keys.columns,
            limit: Some(self.plan.config.max_rows.saturating_add(1)),
            ..self.plan.ties_page(self.after.as_deref(), &until)
        };
        let statement = select(dialect, &page, &self.plan.config)?;
        let rows = keys.rows(connection, &statement, most.saturating_add(1));
        let rows = rows.await?;
        let rows = self.rows_of(&keys.schema, rows)?;
        if rows.is_empty() {
            return Err(error);
        }
        if rows.len() > most {
            return Err(error.context(format!(
                "{}: more than batch.max.rows rows have such a key; exclude them with a `query`",
                self.plan.name()
            )));
        }
        if let Some(bisect) = &mut self.bisect {
            bisect.located();
        }
        if let Some(late) = &mut self.late {
            late.skip_to(&until);
        }
        let offset = position::offset(&self.plan, &until);
        self.after = Some(until);
        let rows = keys.sent(&self.plan, rows)?;
        let keys = rows.with_position(self.position(offset));
        Ok(Some(Polled::Refused { keys, error }))
    }

    /// The key columns of the first two rows up to and including the key `until`.
    async fn key_rows_until(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        until: &[Value],
    ) -> Result<Records> {
        let keys = KeyColumns::of(&self.plan, false)?;
        let page = dialect_core::Page {
            columns: &keys.columns,
            limit: Some(TWO),
            ..self.plan.ties_page(self.after.as_deref(), until)
        };
        let statement = select(dialect, &page, &self.plan.config)?;
        let rows = keys.rows(connection, &statement, 2).await?;
        self.rows_of(&keys.schema, rows)
    }

    /// Sets the position of the records, and of this table, after the key; `sent` are identities of
    /// the rows.
    fn positioned(&mut self, records: Records, key: Vec<Value>, sent: Vec<u128>) -> Records {
        self.passed(sent, &key);
        let offset = self.stored_offset(&key);
        self.after = Some(key);
        records.with_position(self.position(offset))
    }

    /// Identities of rows of these columns.
    fn ids_of(&self, keys: &KeyColumns, rows: &Records) -> Vec<u128> {
        let late = self.late.as_ref();
        let ids = late.and_then(|late| late.ids.of_some(rows, &keys.columns));
        ids.unwrap_or_default()
    }
}
