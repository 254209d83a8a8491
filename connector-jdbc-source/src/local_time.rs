//! Columns without a time zone, sent as the instants at which the clocks of a zone showed them.
use connect_api::{
    Error, ErrorKind, Kind, Records, Result, SchemaRef, UTC,
    arrow::array::{ArrayRef, RecordBatch, cast::AsArray as _, types::TimestampMicrosecondType},
};
use dialect_core::{Repeated, Table, Zone, instants};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What becomes of the columns of a table.
#[derive(Debug, Clone)]
pub(crate) struct LocalTimeColumns {
    zone: Zone,
    /// Indexes of the columns that become instants.
    columns: Arc<[usize]>,
    /// Of the records that are sent.
    pub(crate) schema: SchemaRef,
    /// It was said once that a clock showed a time twice.
    said: Arc<AtomicBool>,
}

impl LocalTimeColumns {
    /// How the columns of a table are sent, all in their order, with `key` as the key; `None` where
    /// each has a zone, or is none of time.
    ///
    /// # Errors
    /// As [`Table::schema`].
    pub(crate) fn of(table: &Table, key: &[&str], zone: &Zone) -> Result<Option<Self>> {
        let mut sent = table.clone();
        let mut columns = Vec::new();
        for (index, column) in sent.columns.iter_mut().enumerate() {
            if column.kind == Some(Kind::Timestamp { utc: false }) {
                column.kind = Some(Kind::Timestamp { utc: true });
                columns.push(index);
            }
        }
        if columns.is_empty() {
            return Ok(None);
        }
        let all: Vec<usize> = (0..sent.columns.len()).collect();
        Ok(Some(Self {
            zone: zone.clone(),
            columns: columns.into(),
            schema: sent.schema(&all, key)?,
            said: Arc::default(),
        }))
    }

    /// The rows as they are sent.
    ///
    /// # Errors
    /// `Data`: a time that no clock of the zone showed; its column is named.
    pub(crate) fn apply(&self, records: &Records) -> Result<Records> {
        let mut columns = records.batch().columns().to_vec();
        for index in self.columns.iter() {
            columns[*index] = self.column(records, *index)?;
        }
        let batch = RecordBatch::try_new(self.schema.columns().clone(), columns).map_err(|e| {
            let message = format!("table {}: times made instants", self.schema.name());
            Error::new(ErrorKind::Internal, message).with_source(e)
        })?;
        Records::new(records.topic().clone(), self.schema.clone(), batch)
    }

    fn column(&self, records: &Records, index: usize) -> Result<ArrayRef> {
        let column = records.batch().column(index);
        let (table, name) = (self.schema.name(), self.schema.field(index).name());
        let times = column.as_primitive::<TimestampMicrosecondType>();
        // G6: no time is moved to another that clocks did show.
        let (times, Repeated(repeated)) = instants(&self.zone, times).ok_or_else(|| {
            Error::new(
                ErrorKind::Data,
                format!(
                    "column `{name}` of {table}: a time that clocks in {} never showed, since they \
                     were put forward past it: correct the row, or leave out db.timezone to send \
                     times as they stand",
                    self.zone
                ),
            )
        })?;
        if repeated > 0 && !self.said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                table,
                column = name.as_str(),
                zone = self.zone.name(),
                rows = repeated,
                "clocks showed these times twice, as they were put back: the later is sent; this is \
                 said once"
            );
        }
        debug_assert_eq!(times.len(), records.len());
        Ok(Arc::new(times.with_timezone(UTC)))
    }
}
