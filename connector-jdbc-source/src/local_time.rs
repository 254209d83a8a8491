//! Local times: timestamp columns without time zone, sent as instants of `db.timezone`.
use connect_api::{
    Error, ErrorKind, Kind, Records, Result, SchemaRef, UTC,
    arrow::array::{ArrayRef, RecordBatch, cast::AsArray as _, types::TimestampMicrosecondType},
};
use dialect_core::{Repeated, Table, Zone, instants};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The table with instants in place of local times, and their columns.
pub(crate) fn with_instants(table: &Table) -> (Table, Vec<usize>) {
    let mut sent = table.clone();
    let mut columns = Vec::new();
    for (index, column) in sent.columns.iter_mut().enumerate() {
        if column.kind == Some(Kind::Timestamp { utc: false }) {
            column.kind = Some(Kind::Timestamp { utc: true });
            columns.push(index);
        }
    }
    (sent, columns)
}

/// The conversion of a table's local times to instants.
#[derive(Debug, Clone)]
pub(crate) struct LocalTimeColumns {
    zone: Zone,
    /// Indexes of the converted columns.
    columns: Arc<[usize]>,
    /// The schema of the records that are sent.
    pub(crate) schema: SchemaRef,
    /// The warning about ambiguous local times was logged.
    said: Arc<AtomicBool>,
}

impl LocalTimeColumns {
    /// The conversion for a table whose records have the key `key`; `None` if there is no timestamp
    /// column without time zone.
    ///
    /// # Errors
    /// As [`Table::schema`].
    pub(crate) fn of(table: &Table, key: &[&str], zone: &Zone) -> Result<Option<Self>> {
        let (sent, columns) = with_instants(table);
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

    /// Converts the records.
    ///
    /// # Errors `Data`: a local time that does not exist in the time zone; its column is named.
    pub(crate) fn apply(&self, records: &Records) -> Result<Records> {
        let mut columns = records.batch().columns().to_vec();
        for index in self.columns.iter() {
            columns[*index] = self.column(records, *index)?;
        }
        let batch = RecordBatch::try_new(self.schema.columns().clone(), columns).map_err(|e| {
            let message = format!(
                "table {}: converting local times to instants",
                self.schema.name()
            );
            Error::new(ErrorKind::Internal, message).with_source(e)
        })?;
        Records::new(records.topic().clone(), self.schema.clone(), batch)
    }

    fn column(&self, records: &Records, index: usize) -> Result<ArrayRef> {
        let column = records.batch().column(index);
        let (table, name) = (self.schema.name(), self.schema.field(index).name());
        let times = column.as_primitive::<TimestampMicrosecondType>();
        // G6: a local time that does not exist is not moved to another one.
        let (times, Repeated(repeated)) = instants(&self.zone, times).ok_or_else(|| {
            Error::new(
                ErrorKind::Data,
                format!(
                    "column `{name}` of {table}: the local time does not exist in time zone {}, \
                     where clocks were set forward past it; correct the row, or unset db.timezone \
                     to send timestamps without conversion",
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
                "ambiguous local times, because clocks were set back: the later instant is sent; \
                 logged once per table"
            );
        }
        debug_assert_eq!(times.len(), records.len());
        Ok(Arc::new(times.with_timezone(UTC)))
    }
}
