//! Bodies that are one value: text or bytes as they are.
use crate::key::{KeyForms, KeyReader};
use connect_api::{
    Blobs, Converter, Decoder, Error, ErrorKind, Kind, MessageRef, Op, Pushed, Records,
    RecordsBuilder, Result, Schema, SchemaRef, Target,
    arrow::array::{Array as _, cast::AsArray as _},
};
use std::sync::Arc;

/// Name of the column that is read from bodies.
pub const VALUE: &str = "value";

connect_api::settings! {
    /// Settings of the string converter and the bytes converter: there are none.
    pub struct SingleSettings {}
}

/// One column beside the key to bodies and back: its text or bytes are the body.
#[derive(Debug)]
pub struct SingleConverter {
    kind: Kind,
    keys: KeyForms,
}

impl SingleConverter {
    /// A converter for a column of text.
    pub fn string() -> Self {
        Self::of(Kind::Text)
    }

    /// A converter for a column of bytes.
    pub fn bytes() -> Self {
        Self::of(Kind::Bytes)
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            keys: KeyForms::default(),
        }
    }

    /// The same, with keys that are read in these forms.
    #[must_use]
    pub(crate) fn with_keys(self, keys: KeyForms) -> Self {
        Self { keys, ..self }
    }

    /// The one column that is the body.
    fn column(&self, schema: &Schema) -> Result<usize> {
        let mut others = (0..schema.kinds().len()).filter(|i| !schema.key().contains(i));
        match (others.next(), others.next()) {
            (Some(i), None) if schema.kinds()[i] == self.kind => Ok(i),
            _ => Err(Error::new(
                ErrorKind::Schema,
                format!(
                    "`{}` is not one column of kind {:?} beside its key, which is all that this \
                     converter supports: use `json`",
                    schema.name(),
                    self.kind
                ),
            )),
        }
    }
}

impl Converter for SingleConverter {
    fn encode(&self, records: &Records, bodies: &mut Blobs) -> Result<()> {
        let i = self.column(records.schema())?;
        let (before, column) = (bodies.len(), records.batch().column(i));
        for row in 0..records.len() {
            if records.ops().get(row) == Op::Delete {
                bodies.end();
                continue;
            }
            let value = if column.is_null(row) {
                &[]
            } else if self.kind == Kind::Text {
                column.as_string::<i32>().value(row).as_bytes()
            } else {
                column.as_binary::<i32>().value(row)
            };
            if value.is_empty() {
                bodies.truncate(before);
                let name = records.schema().field(i).name();
                return Err(Error::new(
                    ErrorKind::Data,
                    format!(
                        "column `{name}`, row {row}: NULL and empty values would be an empty \
                         body, which stands for a deleted row"
                    ),
                ));
            }
            bodies.push(value);
        }
        Ok(())
    }

    fn decoder(&self, topic: Arc<str>, target: Target) -> Result<Box<dyn Decoder>> {
        let key: Vec<&str> = target.key.iter().map(String::as_str).collect();
        let mut fields = vec![self.kind.clone().field(VALUE, true)];
        for name in &key {
            let known = target.schema.as_ref().and_then(|schema| {
                let i = schema.index_of(name)?;
                Some(schema.field(i).clone().with_nullable(false))
            });
            fields.push(known.unwrap_or_else(|| Kind::Text.field(name, false)));
        }
        let schema = Schema::new(&topic, fields, &key)?;
        Ok(Box::new(SingleDecoder {
            key: KeyReader::of_columns(&schema, self.keys, |_| true),
            builder: RecordsBuilder::new(schema, 0)?,
            topic,
        }))
    }
}

struct SingleDecoder {
    topic: Arc<str>,
    key: KeyReader,
    builder: RecordsBuilder,
}

impl SingleDecoder {
    fn row(&mut self, message: MessageRef<'_>) -> Result<()> {
        let columns = self.builder.columns();
        self.key.read(message.key, columns)?;
        let op = if message.body.is_empty() {
            if self.builder.schema().key().is_empty() {
                return Err(Error::new(
                    ErrorKind::Data,
                    "an empty body (a tombstone), but the target has no key columns",
                ));
            }
            Op::Delete
        } else {
            match columns.first_mut() {
                Some(connect_api::ColumnBuilder::Text(b)) => {
                    let text = std::str::from_utf8(message.body).map_err(|e| {
                        Error::new(ErrorKind::Data, "body is not UTF-8").with_source(e)
                    })?;
                    b.append_value(text);
                }
                Some(connect_api::ColumnBuilder::Bytes(b)) => b.append_value(message.body),
                _ => return Err(Error::new(ErrorKind::Internal, "no column for the body")),
            }
            Op::Read
        };
        self.builder.keep(op, message.time, None)
    }
}

impl Decoder for SingleDecoder {
    fn push(&mut self, message: MessageRef<'_>) -> Result<Pushed> {
        match self.row(message) {
            Ok(()) => Ok(Pushed::Row),
            Err(error) => {
                self.builder.discard();
                Err(error.context(format_args!("topic `{}`", self.topic)))
            }
        }
    }

    fn rows(&self) -> usize {
        self.builder.len()
    }

    fn take(&mut self) -> Result<Option<Records>> {
        if self.builder.is_empty() {
            return Ok(None);
        }
        self.builder.finish(self.topic.clone()).map(Some)
    }

    fn schema(&self) -> Option<&SchemaRef> {
        Some(self.builder.schema())
    }
}
