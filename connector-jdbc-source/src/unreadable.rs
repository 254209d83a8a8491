//! Rows that cannot be read: found one by one, told by their keys, and passed (G3).
use crate::{
    bisect::{Bisect, BisectStep, LocatedRow},
    config::SourceConfig,
    position,
    read_plan::ReadPlan,
    table::{TableState, select},
};
use connect_api::{
    Error, ErrorKind, Polled, Records, Result, SchemaRef, Value, arrow::array::RecordBatch,
};
use dialect_core::{Connection, Dialect, Statement, Syntax};
use std::num::NonZeroU32;

/// Tells whether more than one row has a key.
const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// The columns that a row is found by.
struct KeyColumns {
    /// By index in the table.
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl KeyColumns {
    /// Those of the pages' key and of the records' key; without those of the first part of the
    /// pages' key, where that cannot be read.
    fn of(plan: &ReadPlan, without_first: bool) -> Result<Self> {
        let mut parts = plan.key.iter().enumerate();
        let first = parts.next().map_or(&[][..], |(_, part)| &part.columns);
        let wanted = |column: &usize| !(without_first && first.contains(column));
        let of_records = plan.schema.key().iter().map(|i| plan.columns[*i]);
        let mut columns: Vec<usize> = of_records.filter(wanted).collect();
        let name = |i: &usize| plan.table.columns[*i].name.as_str();
        let names: Vec<&str> = columns.iter().map(name).collect();
        if !without_first {
            for column in plan.key.iter().flat_map(|part| &part.columns) {
                if !columns.contains(column) {
                    columns.push(*column);
                }
            }
        }
        let schema = plan.table.schema(&columns, &names)?;
        Ok(Self { columns, schema })
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

/// Where a time or date stands among others, for values of one kind.
fn ordinal(value: &Value) -> Option<i64> {
    match value {
        Value::Timestamp(micros) | Value::OffsetTimestamp(micros, _) => Some(*micros),
        Value::Date(days) => Some(i64::from(*days)),
        _ => None,
    }
}

impl ReadPlan {
    /// The first part of the key after which all rows have one that can be read, where the next
    /// rows may stand before it.
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
    /// So many rows a page may ask for.
    pub(crate) fn page_limit(&self) -> NonZeroU32 {
        let rows = self.page_size.rows();
        let bisect = self.bisect.as_ref();
        let fewer = bisect.and_then(|bisect| NonZeroU32::new(bisect.rows()));
        fewer.map_or(rows, |fewer| fewer.min(rows))
    }

    /// So many rows were read, of a run an unknown number.
    pub(crate) fn advance(&mut self, rows: Option<usize>) {
        let full = self.page_size.rows().get();
        if let Some(bisect) = &mut self.bisect {
            bisect.advance(rows);
        }
        self.bisect.take_if(|bisect| bisect.rows() >= full);
    }

    /// Rows could not be read: what is read next is to find out which.
    ///
    /// # Errors
    /// The same, where a row cannot be found.
    pub(crate) fn bisect_after(&mut self, error: Error, syntax: &dyn Syntax) -> Result<()> {
        if error.kind() != ErrorKind::Data {
            return Err(error);
        }
        let table = self.plan.name();
        if self.plan.key.is_empty() {
            return Err(error.context(format!(
                "{table}: a row cannot be read, nor set aside, as the table is read without a key \
                 that it could be found by; leave it out or convert it by a `query`"
            )));
        }
        if self.ties_until.is_some() {
            return Err(error.context(format!(
                "{table}: one of several rows with equal keys cannot be read, nor be set aside \
                 alone; read by a key that tells rows apart (mode=timestamp+incrementing), or leave \
                 it out or convert it by a `query`"
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

    /// Reads the next row, or tells that it cannot be read; `None` where there is none, where the
    /// table has changed, and where a run is next.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn next_row(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
    ) -> Result<Option<Polled>> {
        let step = self
            .bisect
            .as_mut()
            .map_or(BisectStep::Page, Bisect::take_step);
        let found = match step {
            BisectStep::Page => match self.locate_next_row(connection, dialect, config).await? {
                Some(found) => found,
                None => return Ok(None),
            },
            BisectStep::Row(found) => found,
            BisectStep::Rejected(found, error) => {
                return self.reject(connection, dialect, config, found, error).await;
            }
            BisectStep::UnreadableKeys(error) => {
                return self
                    .reject_unreadable_keys(connection, dialect, config, error)
                    .await;
            }
        };
        let page = self.plan.ties_page(self.after.as_deref(), &found.key);
        let statement = select(dialect, &page, config)?;
        if let Some(bisect) = &mut self.bisect {
            // What goes wrong from here on is the fault of this row.
            bisect.set_step(BisectStep::Row(found));
        }
        let mut cursor = connection.query(&statement, &self.plan.schema).await?;
        let batch = cursor.next(1, usize::MAX).await?;
        drop(cursor);
        if self.has_schema_changed(connection, dialect, config).await? {
            return Ok(None);
        }
        let records = match batch.filter(|batch| batch.num_rows() > 0) {
            Some(batch) => Some(self.rows(batch)?),
            None => None,
        };
        let records = records.map(|records| self.plan.outgoing(records));
        let records = records.transpose()?;
        let step = self
            .bisect
            .as_mut()
            .map_or(BisectStep::Page, Bisect::take_step);
        let (Some(records), BisectStep::Row(found)) = (records, step) else {
            // It went away meanwhile.
            return Ok(None);
        };
        self.advance(Some(1));
        Ok(Some(Polled::Records(self.positioned(records, found.key))))
    }

    /// The key columns of the next row. Where several rows have its key they are read as a run.
    async fn locate_next_row(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
    ) -> Result<Option<LocatedRow>> {
        let keys = KeyColumns::of(&self.plan, false)?;
        let statement = self.next_statement(dialect, config, &keys.columns, NonZeroU32::MIN)?;
        let columns = keys.rows(connection, &statement, 1).await?;
        let columns = self.rows_of(&keys.schema, columns)?;
        if columns.is_empty() {
            self.next_poll = tokio::time::Instant::now() + config.poll_interval.0;
            if self.plan.bulk {
                self.after = None;
            }
            return Ok(None);
        }
        let Some(key) = self.page_key(&keys, &columns) else {
            // It became NULL, as the settings have it.
            let first_readable_key = self
                .plan
                .first_readable_key(dialect.syntax(), self.after.as_deref())
                .ok_or_else(|| self.key_became_null())?;
            self.ties_until = Some(vec![first_readable_key]);
            return Ok(None);
        };
        let alone = self
            .key_rows_until(connection, dialect, config, &key)
            .await?;
        if alone.len() > 1 {
            self.ties_until = Some(key);
            return Ok(None);
        }
        Ok((alone.len() == 1).then_some(LocatedRow {
            key,
            columns: alone,
        }))
    }

    /// Tells a row that could not be read, if it is still the one that is next.
    async fn reject(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
        found: LocatedRow,
        error: Error,
    ) -> Result<Option<Polled>> {
        let now = self.key_rows_until(connection, dialect, config, &found.key);
        if now.await?.batch() != found.columns.batch() {
            return Ok(None);
        }
        if let Some(bisect) = &mut self.bisect {
            bisect.located();
        }
        let keys = self.positioned(found.columns, found.key);
        Ok(Some(Polled::Refused { keys, error }))
    }

    /// Tells all rows whose key cannot be read since they stand before every value of its kind.
    async fn reject_unreadable_keys(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
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
        let most = usize::try_from(config.max_rows.get()).unwrap_or(usize::MAX);
        let page = dialect_core::Page {
            columns: &keys.columns,
            limit: Some(config.max_rows.saturating_add(1)),
            ..self.plan.ties_page(self.after.as_deref(), &until)
        };
        let statement = select(dialect, &page, config)?;
        let rows = keys.rows(connection, &statement, most.saturating_add(1));
        let rows = rows.await?;
        let rows = self.rows_of(&keys.schema, rows)?;
        if rows.is_empty() {
            return Err(error);
        }
        if rows.len() > most {
            return Err(error.context(format!(
                "{}: more than batch.max.rows rows have such a key; leave them out by a `query`",
                self.plan.name()
            )));
        }
        if let Some(bisect) = &mut self.bisect {
            bisect.located();
        }
        let keys = self.positioned(rows, until);
        Ok(Some(Polled::Refused { keys, error }))
    }

    /// The key columns of the first two rows up to the key `until`.
    async fn key_rows_until(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
        until: &[Value],
    ) -> Result<Records> {
        let keys = KeyColumns::of(&self.plan, false)?;
        let page = dialect_core::Page {
            columns: &keys.columns,
            limit: Some(TWO),
            ..self.plan.ties_page(self.after.as_deref(), until)
        };
        let statement = select(dialect, &page, config)?;
        let rows = keys.rows(connection, &statement, 2).await?;
        self.rows_of(&keys.schema, rows)
    }

    /// The pages' key of the first of these rows.
    fn page_key(&self, keys: &KeyColumns, rows: &Records) -> Option<Vec<Value>> {
        let row = rows.row(0);
        let value = |column: &usize| {
            let positioned = keys.columns.iter().position(|i| i == column)?;
            Some(row.get(positioned).to_value()).filter(|value| *value != Value::Null)
        };
        let mut parts = self.plan.key.iter();
        parts
            .by_ref()
            .map(|part| part.columns.iter().find_map(value))
            .collect()
    }

    /// Rows that end with this key, which are taken.
    fn positioned(&mut self, records: Records, key: Vec<Value>) -> Records {
        let offset = position::offset(&self.plan, &key);
        self.after = Some(key);
        records.with_position(self.position(offset))
    }
}
