//! Records built row by row, by cell or by value.
use crate::{
    column::ColumnBuilder,
    error::{Error, ErrorKind, Result},
    op::{Op, Ops},
    records::{NO_TIME, Records},
    row::{ConnectRecord, Headers},
    schema::SchemaRef,
    value::Value,
};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use std::sync::Arc;

/// Builds [`Records`] row by row.
///
/// Decoders append to [`columns`](Self::columns) and then say [`keep`](Self::keep) or
/// [`discard`](Self::discard); everyone else uses [`push`](Self::push).
#[derive(Debug)]
pub struct RecordsBuilder {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    kept: Vec<bool>,
    ops: Vec<Op>,
    times: Vec<i64>,
    headers: Vec<Option<Headers>>,
}

impl RecordsBuilder {
    /// A builder for `schema`, with room for `rows`.
    ///
    /// # Errors
    /// `Unsupported`: a column's kind cannot be built cell by cell.
    pub fn new(schema: SchemaRef, rows: usize) -> Result<Self> {
        let columns = schema
            .kinds()
            .iter()
            .zip(schema.columns().fields())
            .map(|(kind, field)| {
                ColumnBuilder::new(kind, rows)
                    .map_err(|e| e.context(format_args!("column `{}`", field.name())))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            schema,
            columns,
            kept: Vec::with_capacity(rows),
            ops: Vec::with_capacity(rows),
            times: Vec::with_capacity(rows),
            headers: Vec::new(),
        })
    }

    /// The schema of the rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows kept so far.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// No rows so far.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// The columns, in the order of the schema, for who appends cells in place.
    pub fn columns(&mut self) -> &mut [ColumnBuilder] {
        &mut self.columns
    }

    /// Ends the row whose cells were appended to [`columns`](Self::columns); columns that got no
    /// cell get a null. `time` is the event time in milliseconds since 1970-01-01.
    ///
    /// # Errors
    /// `Data`: a column that may not be null got no cell; the row is left out.
    pub fn keep(&mut self, op: Op, time: Option<i64>, headers: Option<Headers>) -> Result<()> {
        let rows = self.kept.len() + 1;
        let mut missing = None;
        for (i, column) in self.columns.iter_mut().enumerate() {
            if column.len() < rows {
                if missing.is_none() && !self.schema.field(i).is_nullable() {
                    missing = Some(i);
                }
                column.append_null();
            }
        }
        if let Some(i) = missing {
            self.kept.push(false);
            return Err(Error::new(
                ErrorKind::Data,
                format!("column `{}`: no value", self.schema.field(i).name()),
            ));
        }
        self.kept.push(true);
        self.ops.push(op);
        self.times.push(time.unwrap_or(NO_TIME));
        if headers.is_some() && self.headers.is_empty() {
            self.headers.resize(self.ops.len() - 1, None);
        }
        if headers.is_some() || !self.headers.is_empty() {
            self.headers.push(headers);
        }
        Ok(())
    }

    /// Leaves out the row whose cells were appended, in part or whole, to
    /// [`columns`](Self::columns). Arrow builders cannot shorten: the row is padded and filtered
    /// out at the end.
    pub fn discard(&mut self) {
        self.kept.push(false);
        let rows = self.kept.len();
        for column in &mut self.columns {
            if column.len() < rows {
                column.append_null();
            }
        }
    }

    /// Appends a row, whole or not at all.
    ///
    /// # Errors
    /// `Data`: the row has another number of values than the schema has columns, or a value does
    /// not fit its column.
    pub fn push(&mut self, row: ConnectRecord) -> Result<()> {
        if row.values.len() != self.columns.len() {
            return Err(Error::new(
                ErrorKind::Data,
                format!(
                    "{} values for {} columns",
                    row.values.len(),
                    self.columns.len()
                ),
            ));
        }
        for (i, value) in row.values.into_iter().enumerate() {
            let (field, kind) = (self.schema.field(i), &self.schema.kinds()[i]);
            let allowed = field.is_nullable() || value != Value::Null;
            if !allowed || self.columns[i].append_value(kind, value).is_none() {
                let message = format!("column `{}`: value does not fit {kind:?}", field.name());
                self.discard();
                return Err(Error::new(ErrorKind::Data, message));
            }
        }
        self.keep(row.op, row.time, row.headers)
    }

    /// Takes the rows out; the builder starts again, empty.
    ///
    /// # Errors
    /// `Internal`: the columns and the schema differ, a fault of the caller.
    pub fn finish(&mut self, topic: Arc<str>) -> Result<Records> {
        let mut arrays: Vec<ArrayRef> =
            self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let kept = std::mem::take(&mut self.kept);
        if kept.contains(&false) {
            let kept = BooleanArray::from(kept);
            arrays = arrays
                .iter()
                .map(|a| arrow_select::filter::filter(a, &kept))
                .collect::<Result<_, _>>()?;
        }
        let ops = Ops::from_rows(std::mem::take(&mut self.ops));
        let times = std::mem::take(&mut self.times);
        let headers = std::mem::take(&mut self.headers);
        let batch = RecordBatch::try_new(self.schema.columns().clone(), arrays)?;
        let mut records = Records::new(topic, self.schema.clone(), batch)?.with_ops(ops)?;
        if times.iter().any(|t| *t != NO_TIME) {
            records = records.with_times(times.into())?;
        }
        if headers.iter().any(Option::is_some) {
            records = records.with_headers(headers.into())?;
        }
        Ok(records)
    }
}
