//! Rows of one topic and one schema, by column.
use crate::{
    builder::RecordsBuilder,
    error::{Error, ErrorKind, Result},
    message_properties::MessageProperties,
    op::{Op, Ops},
    origin::Origin,
    position::Position,
    row::{ConnectRecord, Headers, Row},
    schema::{Schema, SchemaRef},
};
use arrow_array::{RecordBatch, UInt32Array};
use arrow_buffer::ScalarBuffer;
use arrow_schema::Field;
use std::{ops::Range, sync::Arc};

/// What stands in [`Records::times`] for a row without an event time.
pub(crate) const NO_TIME: i64 = i64::MIN;

/// Rows of one topic and one schema: Arrow columns, with the other parts of the messages.
///
/// Cheap to clone and to slice: everything is shared by reference count.
#[derive(Debug, Clone)]
pub struct Records {
    topic: Arc<str>,
    schema: SchemaRef,
    batch: RecordBatch,
    ops: Ops,
    times: Option<ScalarBuffer<i64>>,
    headers: Option<Arc<[Option<Headers>]>>,
    position: Option<Position>,
    origin: Option<Arc<Origin>>,
    properties: Option<Arc<MessageProperties>>,
}

fn wrong_length(what: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("{what} and rows differ in number"),
    )
}

impl Records {
    /// Columns as they are, every row an [`Op::Read`].
    ///
    /// # Errors
    /// `Internal`: the batch is not of the schema's columns.
    pub fn new(topic: Arc<str>, schema: SchemaRef, batch: RecordBatch) -> Result<Self> {
        if batch.schema_ref() != schema.columns() {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("batch is not of schema `{}`", schema.name()),
            ));
        }
        Ok(Self {
            topic,
            schema,
            batch,
            ops: Ops::All(Op::Read),
            times: None,
            headers: None,
            position: None,
            origin: None,
            properties: None,
        })
    }

    /// Columns of any Arrow types, with `key` as the key, every row an [`Op::Read`]: of the
    /// columns whose types are none of our kinds', times of other units, large texts and bytes,
    /// views, dictionaries, bytes of a fixed size, dates in milliseconds and the other intervals
    /// are brought to the kind that holds the same values.
    ///
    /// # Errors
    /// `Schema`: a key column is not among the columns, or two have one name. `Data`: a value
    /// finer or larger than its kind holds; the column is named.
    pub fn from_batch(
        topic: Arc<str>,
        name: &str,
        batch: &RecordBatch,
        key: &[&str],
    ) -> Result<Self> {
        let batch = crate::adopt::adopted(batch)?;
        let fields = batch.schema_ref().fields().iter();
        let schema = Schema::new(name, fields.map(|field| Field::clone(field)), key)?;
        let batch = batch.with_schema(schema.columns().clone())?;
        Self::new(topic, schema, batch)
    }

    /// Columns from rows, for connectors that are not about speed.
    ///
    /// # Errors
    /// `Data`: a row does not fit the schema.
    pub fn from_rows(
        topic: Arc<str>,
        schema: SchemaRef,
        rows: impl IntoIterator<Item = ConnectRecord>,
    ) -> Result<Self> {
        let rows = rows.into_iter();
        let mut builder = RecordsBuilder::new(schema, rows.size_hint().0)?;
        for row in rows {
            builder.push(row)?;
        }
        builder.finish(topic)
    }

    /// The same rows with other columns.
    ///
    /// # Errors
    /// `Internal`: the batch is not of the schema's columns, or has another number of rows.
    pub fn with_columns(&self, schema: SchemaRef, batch: RecordBatch) -> Result<Self> {
        if batch.num_rows() != self.len() {
            return Err(wrong_length("columns"));
        }
        let columns = Self::new(self.topic.clone(), schema, batch)?;
        Ok(Self {
            schema: columns.schema,
            batch: columns.batch,
            ..self.clone()
        })
    }

    /// Sets one op a row, or one for all.
    ///
    /// # Errors
    /// `Internal`: not one op a row.
    pub fn with_ops(self, ops: Ops) -> Result<Self> {
        match &ops {
            Ops::Each(each) if each.len() != self.len() => Err(wrong_length("ops")),
            _ => Ok(Self { ops, ..self }),
        }
    }

    /// Sets event times, milliseconds since 1970-01-01; `i64::MIN` stands for none.
    ///
    /// # Errors
    /// `Internal`: not one time a row.
    pub fn with_times(self, times: ScalarBuffer<i64>) -> Result<Self> {
        if times.len() != self.len() {
            return Err(wrong_length("times"));
        }
        Ok(Self {
            times: Some(times),
            ..self
        })
    }

    /// Sets message properties by row.
    ///
    /// # Errors
    /// `Internal`: not one entry a row.
    pub fn with_headers(self, headers: Arc<[Option<Headers>]>) -> Result<Self> {
        if headers.len() != self.len() {
            return Err(wrong_length("headers"));
        }
        Ok(Self {
            headers: Some(headers),
            ..self
        })
    }

    /// Sets the position after the last row.
    #[must_use]
    pub fn with_position(self, position: Position) -> Self {
        Self {
            position: Some(position),
            ..self
        }
    }

    /// Sets the table that the rows were read from.
    #[must_use]
    pub fn with_origin(self, origin: Arc<Origin>) -> Self {
        Self {
            origin: Some(origin),
            ..self
        }
    }

    /// Sets properties that all messages have.
    #[must_use]
    pub fn with_properties(self, properties: Arc<MessageProperties>) -> Self {
        Self {
            properties: Some(properties),
            ..self
        }
    }

    /// Properties that all messages have.
    pub fn properties(&self) -> Option<&MessageProperties> {
        self.properties.as_deref()
    }

    /// The table that the rows were read from, where it is known.
    pub fn origin(&self) -> Option<&Arc<Origin>> {
        self.origin.as_ref()
    }

    /// Where the rows go, or came from.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// Schema, once.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns: what fast connectors work on.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ops.
    pub fn ops(&self) -> &Ops {
        &self.ops
    }

    /// Event time of `row`, milliseconds since 1970-01-01.
    pub fn time(&self, row: usize) -> Option<i64> {
        self.times
            .as_ref()
            .map(|t| t[row])
            .filter(|t| *t != NO_TIME)
    }

    /// Event times by row, milliseconds since 1970-01-01; `i64::MIN` stands for none.
    pub fn times(&self) -> Option<&[i64]> {
        self.times.as_deref()
    }

    /// Properties by row.
    pub fn all_headers(&self) -> Option<&[Option<Headers>]> {
        self.headers.as_deref()
    }

    /// Properties of `row`.
    pub fn headers(&self, row: usize) -> &[(Box<str>, Box<str>)] {
        self.shared_headers(row).map_or(&[], |h| h)
    }

    /// Properties of `row`, as they are shared among rows.
    pub fn shared_headers(&self, row: usize) -> Option<&Headers> {
        self.headers.as_ref().and_then(|h| h[row].as_ref())
    }

    /// Where the source stands after the last row.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Some of the rows; columns are shared. The position stays only where the end stays.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let (start, len) = (rows.start, rows.len());
        Self {
            topic: self.topic.clone(),
            schema: self.schema.clone(),
            batch: self.batch.slice(start, len),
            ops: self.ops.slice(rows.clone()),
            times: self.times.as_ref().map(|t| t.slice(start, len)),
            headers: self.headers.as_ref().map(|h| h[rows.clone()].into()),
            position: self.position.clone().filter(|_| rows.end == self.len()),
            origin: self.origin.clone(),
            properties: self.properties.clone(),
        }
    }

    /// The rows at `indexes`, in that order, by copy; the position stays.
    ///
    /// # Errors
    /// `Internal`: an index is beyond the last row.
    pub fn take(&self, indexes: &[u32]) -> Result<Self> {
        let at = |i: &u32| *i as usize;
        Ok(Self {
            topic: self.topic.clone(),
            schema: self.schema.clone(),
            batch: arrow_select::take::take_record_batch(
                &self.batch,
                &UInt32Array::from(indexes.to_vec()),
            )?,
            ops: self.ops.take(indexes),
            times: self
                .times
                .as_ref()
                .map(|t| indexes.iter().map(|i| t[at(i)]).collect()),
            headers: self
                .headers
                .as_ref()
                .map(|h| indexes.iter().map(|i| h[at(i)].clone()).collect()),
            position: self.position.clone(),
            origin: self.origin.clone(),
            properties: self.properties.clone(),
        })
    }

    /// These rows and those of `other` behind them, by copy; the position is that of `other`.
    ///
    /// # Errors
    /// `Internal`: they are of another topic or schema.
    pub fn and(&self, other: &Self) -> Result<Self> {
        if self.topic != other.topic || self.schema != other.schema {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("rows of topic {} and of {}", self.topic, other.topic),
            ));
        }
        let columns = self.batch.schema_ref();
        let batch = arrow_select::concat::concat_batches(columns, [&self.batch, &other.batch])?;
        let both = [self, other];
        let ops = both
            .iter()
            .flat_map(|r| (0..r.len()).map(|row| r.ops.get(row)));
        let has_times = both.iter().any(|r| r.times.is_some());
        let times = both.iter().flat_map(|r| {
            let time = |row| r.times.as_ref().map_or(NO_TIME, |t| t[row]);
            (0..r.len()).map(time)
        });
        let has_headers = both.iter().any(|r| r.headers.is_some());
        let headers = both
            .iter()
            .flat_map(|r| (0..r.len()).map(|row| r.shared_headers(row).cloned()));
        Ok(Self {
            topic: self.topic.clone(),
            schema: self.schema.clone(),
            batch,
            ops: Ops::from_rows(ops.collect()),
            times: has_times.then(|| times.collect()),
            headers: has_headers.then(|| headers.collect()),
            position: other.position.clone(),
            origin: self.origin.clone(),
            properties: self.properties.clone(),
        })
    }

    /// Row `row`, seen in place.
    pub fn row(&self, row: usize) -> Row<'_> {
        Row::new(self, row)
    }

    /// Rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|row| self.row(row))
    }
}
