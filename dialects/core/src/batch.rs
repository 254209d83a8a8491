//! Pages of rows as they grow, column by column.
use connect_api::{
    ColumnBuilder, Error, ErrorKind, Kind, Result, SchemaRef,
    arrow::array::{ArrayRef, RecordBatch},
};

/// Rows that a page holds when neither its rows nor its bytes are known before: builders grow.
const FIRST_ROWS: usize = 1024;

/// Builds the batches of a cursor: cells are appended to [`columns`](Self::columns), each row is
/// ended by [`end_row`](Self::end_row), and [`is_full`](Self::is_full) says when to stop.
#[derive(Debug)]
pub struct BatchBuilder {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    /// Bytes of a row beside its text and bytes.
    fixed_bytes: usize,
    rows: usize,
    bytes: usize,
}

impl BatchBuilder {
    /// A builder for rows of `schema`.
    ///
    /// # Errors
    /// `Unsupported`: columns whose kind is not supported; the first is named.
    pub fn new(schema: &SchemaRef) -> Result<Self> {
        let columns = schema
            .kinds()
            .iter()
            .zip(schema.columns().fields())
            .map(|(kind, field)| {
                ColumnBuilder::new(kind, FIRST_ROWS)
                    .map_err(|e| e.context(format_args!("column `{}`", field.name())))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            schema: schema.clone(),
            columns,
            fixed_bytes: schema.kinds().iter().map(fixed_bytes).sum(),
            rows: 0,
            bytes: 0,
        })
    }

    /// The schema of the rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns, in the order of the schema.
    pub fn columns(&mut self) -> &mut [ColumnBuilder] {
        &mut self.columns
    }

    /// Ends a row; `text_bytes` is how many bytes of text, bytes and elements of lists it has.
    pub fn end_row(&mut self, text_bytes: usize) {
        self.rows += 1;
        self.bytes += self.fixed_bytes + text_bytes;
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The batch has so many rows, or takes so many bytes.
    pub fn is_full(&self, max_rows: usize, max_bytes: usize) -> bool {
        self.rows >= max_rows || self.bytes >= max_bytes
    }

    /// Takes the rows out, `None` where there are none; the builder starts again, empty.
    ///
    /// # Errors
    /// `Data`: a NULL in a key column; table and column are named. `Internal`: columns of
    /// different lengths, a fault of the caller.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        (self.rows, self.bytes) = (0, 0);
        let arrays: Vec<ArrayRef> = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        for (field, array) in self.schema.columns().fields().iter().zip(&arrays) {
            if !field.is_nullable() && array.null_count() > 0 {
                return Err(Error::new(
                    ErrorKind::Data,
                    format!(
                        "column `{}` of table `{}`: NULL, and it is a key column; rows without a key cannot be sent",
                        field.name(),
                        self.schema.name()
                    ),
                ));
            }
        }
        Ok(Some(RecordBatch::try_new(
            self.schema.columns().clone(),
            arrays,
        )?))
    }
}

/// Bytes of a cell in Arrow, beside text and bytes.
fn fixed_bytes(kind: &Kind) -> usize {
    match kind {
        Kind::Bool | Kind::Int8 | Kind::UInt8 => 1,
        Kind::Int16 | Kind::UInt16 => 2,
        Kind::Int32 | Kind::UInt32 | Kind::Float32 | Kind::Date => 4,
        Kind::Text | Kind::Json | Kind::BigDecimal | Kind::Bytes => 4,
        Kind::Int64 | Kind::UInt64 | Kind::Float64 | Kind::Time | Kind::Timestamp { .. } => 8,
        Kind::TimeNanos | Kind::Duration | Kind::List(_) | Kind::Map(_) => 8,
        Kind::Decimal { .. } | Kind::Uuid | Kind::OffsetTimestamp => 16,
        Kind::Interval | Kind::Other(_) => 16,
        Kind::WideDecimal { .. } => 32,
        Kind::Struct(fields) => fields.iter().map(|(_, kind)| fixed_bytes(kind)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::{Schema, Value};

    fn builder() -> BatchBuilder {
        let fields = [
            Kind::Int64.field("id", false),
            Kind::Text.field("name", true),
        ];
        BatchBuilder::new(&Schema::new("people", fields, &["id"]).unwrap()).unwrap()
    }

    fn push(builder: &mut BatchBuilder, id: Value, name: &str) {
        let columns = builder.columns();
        columns[0].append_value(&Kind::Int64, id).unwrap();
        columns[1].append_value(&Kind::Text, name.into()).unwrap();
        builder.end_row(name.len());
    }

    #[test]
    fn a_batch_ends_at_its_rows_or_its_bytes() {
        let mut builder = builder();
        assert!(builder.finish().unwrap().is_none());
        push(&mut builder, 1.into(), "a");
        assert!(!builder.is_full(2, 1000));
        push(&mut builder, 2.into(), &"b".repeat(100));
        assert!(builder.is_full(2, 1000));
        assert!(builder.is_full(9, 125));
        assert!(!builder.is_full(9, 126));
        assert_eq!(builder.finish().unwrap().unwrap().num_rows(), 2);
        assert!(builder.finish().unwrap().is_none());
    }

    #[test]
    fn a_null_in_the_key_is_named_and_leaves_the_builder_usable() {
        let mut builder = builder();
        push(&mut builder, Value::Null, "secret");
        let error = builder.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(
            error
                .to_string()
                .contains("column `id` of table `people`: NULL")
        );
        assert!(!error.report().contains("secret"));
        push(&mut builder, 1.into(), "a");
        assert_eq!(builder.finish().unwrap().unwrap().num_rows(), 1);
    }
}
