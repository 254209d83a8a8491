//! Rows that cannot be read: found one by one, told by their keys, and passed (G3).
use crate::{
    config::SourceConfig,
    position,
    reading::Reading,
    search::{Found, Search, Stage},
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
    fn of(reading: &Reading, without_first: bool) -> Result<Self> {
        let mut parts = reading.key.iter().enumerate();
        let first = parts.next().map_or(&[][..], |(_, part)| &part.columns);
        let wanted = |column: &usize| !(without_first && first.contains(column));
        let of_records = reading.schema.key().iter().map(|i| reading.columns[*i]);
        let mut columns: Vec<usize> = of_records.filter(wanted).collect();
        let name = |i: &usize| reading.table.columns[*i].name.as_str();
        let names: Vec<&str> = columns.iter().map(name).collect();
        if !without_first {
            for column in reading.key.iter().flat_map(|part| &part.columns) {
                if !columns.contains(column) {
                    columns.push(*column);
                }
            }
        }
        let schema = reading.table.schema(&columns, &names)?;
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
fn place(value: &Value) -> Option<i64> {
    match value {
        Value::Timestamp(micros) | Value::OffsetTimestamp(micros, _) => Some(*micros),
        Value::Date(days) => Some(i64::from(*days)),
        _ => None,
    }
}

impl Reading {
    /// The first part of the key after which all rows have one that can be read, where the next
    /// rows may stand before it.
    fn front(&self, syntax: &dyn Syntax, after: Option<&[Value]>) -> Option<Value> {
        let part = self.key.first()?;
        let front = syntax.before_first(&self.table.columns[*part.columns.first()?])?;
        let reached = after.and_then(|after| place(after.first()?));
        (reached.is_none_or(|reached| Some(reached) < place(&front))).then_some(front)
    }
}

impl TableState {
    /// So many rows a page may ask for.
    pub(crate) fn page_rows(&self) -> NonZeroU32 {
        let rows = self.size.rows();
        let search = self.search.as_ref();
        let fewer = search.and_then(|search| NonZeroU32::new(search.rows()));
        fewer.map_or(rows, |fewer| fewer.min(rows))
    }

    /// So many rows were read, of a run an unknown number.
    pub(crate) fn passed(&mut self, rows: Option<usize>) {
        let full = self.size.rows().get();
        if let Some(search) = &mut self.search {
            search.passed(rows);
        }
        self.search.take_if(|search| search.rows() >= full);
    }

    /// Rows could not be read: what is read next is to find out which.
    ///
    /// # Errors
    /// The same, where a row cannot be found.
    pub(crate) fn look_closer(&mut self, error: Error, syntax: &dyn Syntax) -> Result<()> {
        if error.kind() != ErrorKind::Data {
            return Err(error);
        }
        let table = self.reading.name();
        if self.reading.key.is_empty() {
            return Err(error.context(format!(
                "{table}: a row cannot be read, nor set aside, as the table is read without a key \
                 that it could be found by; leave it out or convert it by a `query`"
            )));
        }
        if self.run.is_some() {
            return Err(error.context(format!(
                "{table}: one of several rows with equal keys cannot be read, nor be set aside \
                 alone; read by a key that tells rows apart (mode=timestamp+incrementing), or leave \
                 it out or convert it by a `query`"
            )));
        }
        let can_skip = self.reading.front(syntax, self.after.as_deref()).is_some()
            && KeyColumns::of(&self.reading, true).is_ok_and(|k| !k.schema.key().is_empty());
        match &mut self.search {
            Some(search) => search.failed(error, can_skip),
            none => {
                *none = Some(Search::within(self.size.rows().get()));
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
        let stage = self.search.as_mut().map_or(Stage::Page, Search::take);
        let found = match stage {
            Stage::Page => match self.find_next(connection, dialect, config).await? {
                Some(found) => found,
                None => return Ok(None),
            },
            Stage::Row(found) => found,
            Stage::Refused(found, error) => {
                return self.refuse(connection, dialect, config, found, error).await;
            }
            Stage::Front(error) => {
                return self.refuse_front(connection, dialect, config, error).await;
            }
        };
        let page = self.reading.run(self.after.as_deref(), &found.key);
        let statement = select(dialect, &page, config)?;
        if let Some(search) = &mut self.search {
            // What goes wrong from here on is the fault of this row.
            search.set(Stage::Row(found));
        }
        let mut cursor = connection.query(&statement, &self.reading.schema).await?;
        let batch = cursor.next(1, usize::MAX).await?;
        drop(cursor);
        if self.has_changed(connection, dialect, config).await? {
            return Ok(None);
        }
        let records = match batch.filter(|batch| batch.num_rows() > 0) {
            Some(batch) => Some(self.rows(batch)?),
            None => None,
        };
        let records = records.map(|records| self.reading.sent(records));
        let records = records.transpose()?;
        let stage = self.search.as_mut().map_or(Stage::Page, Search::take);
        let (Some(records), Stage::Row(found)) = (records, stage) else {
            // It went away meanwhile.
            return Ok(None);
        };
        self.passed(Some(1));
        Ok(Some(Polled::Records(self.at(records, found.key))))
    }

    /// The key columns of the next row. Where several rows have its key they are read as a run.
    async fn find_next(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
    ) -> Result<Option<Found>> {
        let keys = KeyColumns::of(&self.reading, false)?;
        let statement = self.next_statement(dialect, config, &keys.columns, NonZeroU32::MIN)?;
        let columns = keys.rows(connection, &statement, 1).await?;
        let columns = self.rows_of(&keys.schema, columns)?;
        if columns.is_empty() {
            self.due = tokio::time::Instant::now() + config.poll_interval.0;
            if self.reading.again {
                self.after = None;
            }
            return Ok(None);
        }
        let Some(key) = self.key_of(&keys, &columns) else {
            // It became NULL, as the settings have it.
            let front = self
                .reading
                .front(dialect.syntax(), self.after.as_deref())
                .ok_or_else(|| self.key_became_null())?;
            self.run = Some(vec![front]);
            return Ok(None);
        };
        let alone = self.rows_until(connection, dialect, config, &key).await?;
        if alone.len() > 1 {
            self.run = Some(key);
            return Ok(None);
        }
        Ok((alone.len() == 1).then_some(Found {
            key,
            columns: alone,
        }))
    }

    /// Tells a row that could not be read, if it is still the one that is next.
    async fn refuse(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
        found: Found,
        error: Error,
    ) -> Result<Option<Polled>> {
        let now = self.rows_until(connection, dialect, config, &found.key);
        if now.await?.batch() != found.columns.batch() {
            return Ok(None);
        }
        if let Some(search) = &mut self.search {
            search.found();
        }
        let keys = self.at(found.columns, found.key);
        Ok(Some(Polled::Refused { keys, error }))
    }

    /// Tells all rows whose key cannot be read since they stand before every value of its kind.
    async fn refuse_front(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
        error: Error,
    ) -> Result<Option<Polled>> {
        let Some(front) = self.reading.front(dialect.syntax(), self.after.as_deref()) else {
            return Err(error);
        };
        let front = vec![front];
        let keys = KeyColumns::of(&self.reading, true)?;
        let most = usize::try_from(config.max_rows.get()).unwrap_or(usize::MAX);
        let page = dialect_core::Page {
            columns: &keys.columns,
            limit: Some(config.max_rows.saturating_add(1)),
            ..self.reading.run(self.after.as_deref(), &front)
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
                self.reading.name()
            )));
        }
        if let Some(search) = &mut self.search {
            search.found();
        }
        let keys = self.at(rows, front);
        Ok(Some(Polled::Refused { keys, error }))
    }

    /// The key columns of the first two rows up to the key `until`.
    async fn rows_until(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
        until: &[Value],
    ) -> Result<Records> {
        let keys = KeyColumns::of(&self.reading, false)?;
        let page = dialect_core::Page {
            columns: &keys.columns,
            limit: Some(TWO),
            ..self.reading.run(self.after.as_deref(), until)
        };
        let statement = select(dialect, &page, config)?;
        let rows = keys.rows(connection, &statement, 2).await?;
        self.rows_of(&keys.schema, rows)
    }

    /// The pages' key of the first of these rows.
    fn key_of(&self, keys: &KeyColumns, rows: &Records) -> Option<Vec<Value>> {
        let row = rows.row(0);
        let value = |column: &usize| {
            let at = keys.columns.iter().position(|i| i == column)?;
            Some(row.get(at).to_value()).filter(|value| *value != Value::Null)
        };
        let mut parts = self.reading.key.iter();
        parts
            .by_ref()
            .map(|part| part.columns.iter().find_map(value))
            .collect()
    }

    /// Rows that end with this key, which are taken.
    fn at(&mut self, records: Records, key: Vec<Value>) -> Records {
        let offset = position::offset(&self.reading, &key);
        self.after = Some(key);
        records.with_position(self.position(offset))
    }
}
