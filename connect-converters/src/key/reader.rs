//! Reads message keys into key columns.
use crate::json::body::{self, Located};
use crate::json::cell_reader::{CellReader, DecimalText, Forms, Unit};
use crate::json::fault::{Fault, Result as Read};
use crate::json::row_reader::{Memory, Outcome, RowReader};
use crate::json::schema_reader;
use connect_api::{ColumnBuilder, Error, ErrorKind, Kind, Result, Schema};
use std::collections::HashMap;

const KEY: &str = "message key";
/// Schemas of keys whose reader is kept.
const KNOWN: usize = 100;

/// How message keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyForms {
    /// How values are written where no schema says it.
    pub(crate) forms: Forms,
    /// The key of one column is its text as it stands, whatever that looks like.
    pub(crate) only_plain: bool,
}

impl KeyForms {
    pub(crate) fn of(forms: Forms) -> Self {
        Self {
            forms,
            only_plain: false,
        }
    }
}

impl Default for KeyForms {
    fn default() -> Self {
        Self::of(Forms {
            unit: Unit::Micros,
            decimal: DecimalText::Digits,
        })
    }
}

/// A key column that is read.
#[derive(Debug, Clone)]
struct Part {
    name: Box<str>,
    column: usize,
    kind: Kind,
}

/// Reads message keys into the key columns of a schema: as [`encode_keys`](super::encode_keys)
/// writes them, as JSON objects, and either with a Connect schema around them.
#[derive(Debug)]
pub struct KeyReader {
    /// The columns that are read.
    parts: Vec<Part>,
    forms: KeyForms,
    /// There is one key column: its value may stand alone.
    single: Option<CellReader>,
    object: RowReader,
    /// Whether an object can have a schema around it; not where key columns are named so.
    enveloped: bool,
    /// Readers of objects and of single values, by the text of the schema.
    by_schema: HashMap<Box<str>, (RowReader, Option<CellReader>)>,
    memory: Memory,
}

impl KeyReader {
    /// A reader of all key columns of `schema`.
    pub fn new(schema: &Schema) -> Self {
        Self::of_columns(schema, KeyForms::default(), |_| true)
    }

    /// A reader of the key columns of `schema` that are `wanted`; a key holds the others too.
    pub(crate) fn of_columns(
        schema: &Schema,
        forms: KeyForms,
        wanted: impl Fn(usize) -> bool,
    ) -> Self {
        let key = schema.key();
        let name = |i: usize| schema.field(i).name().as_str();
        let parts = key.iter().filter(|i| wanted(**i)).map(|i| Part {
            name: name(*i).into(),
            column: *i,
            kind: schema.kinds()[*i].clone(),
        });
        let parts: Vec<_> = parts.collect();
        let single = (key.len() == 1).then_some(()).and(parts.first());
        Self {
            forms,
            single: single.map(|part| CellReader::new(&part.kind, forms.forms, true)),
            object: object(&parts, |_| forms.forms),
            enveloped: !key.iter().any(|i| matches!(name(*i), "schema" | "payload")),
            by_schema: HashMap::new(),
            memory: Memory::default(),
            parts,
        }
    }

    /// Appends a cell to each key column of `columns`, which are those of the schema in its order.
    ///
    /// # Errors
    /// `Data`: there is no key, or it is not one of these columns; some columns may then have got
    /// a cell.
    pub fn read(&mut self, key: &[u8], columns: &mut [ColumnBuilder]) -> Result<()> {
        if self.parts.is_empty() {
            return Ok(());
        }
        if key.is_empty() {
            return Err(Error::new(
                ErrorKind::Data,
                "the message has no key, which key columns are read from",
            ));
        }
        let key = std::str::from_utf8(key)
            .map_err(|e| Error::new(ErrorKind::Data, "message key is not UTF-8").with_source(e))?;
        self.read_text(key, columns)
            .map_err(|fault| fault.of(KEY).into_error(KEY))
    }

    fn read_text(&mut self, key: &str, columns: &mut [ColumnBuilder]) -> Read<()> {
        match (&self.single, self.parts.first()) {
            (Some(reader), Some(part)) if self.is_text(key, &part.name, &part.kind) => reader
                .read_key(
                    key,
                    self.forms.only_plain,
                    &mut columns[part.column],
                    &mut self.memory.scratch,
                )
                .map_err(|fault| fault.of_column(&part.name)),
            _ => self.read_json(key, columns),
        }
    }

    /// Whether the key of the one column `name` is its value alone, rather than an object.
    fn is_text(&self, key: &str, name: &str, kind: &Kind) -> bool {
        match kind {
            // Their own text is an object.
            Kind::Struct(_) | Kind::Map(_) => return true,
            _ if self.forms.only_plain => return true,
            Kind::Text if key.starts_with('{') => {}
            _ => return !key.trim_ascii_start().starts_with('{'),
        }
        // Text may look like an object, and is one only with what an object needs.
        let mut scratch = String::new();
        let Ok(located) = body::locate(key, &mut scratch) else {
            return true;
        };
        if self.enveloped && located.schema.is_some() {
            return false;
        }
        let names = body::names(located.payload, &mut scratch);
        !names.is_ok_and(|names| names.iter().any(|n| n == name))
    }

    /// Reads an object, or what stands in an envelope.
    fn read_json(&mut self, key: &str, columns: &mut [ColumnBuilder]) -> Read<()> {
        let located = if self.enveloped {
            body::locate(key, &mut self.memory.scratch.text)?
        } else {
            Located::plain(key)
        };
        if located.null {
            return Err(Fault::value("is null"));
        }
        let (object, single) = match &located.schema {
            None => (&self.object, &self.single),
            Some(envelope) => {
                if !self.by_schema.contains_key(envelope.schema) {
                    let readers = self.of_schema(envelope.schema)?;
                    if self.by_schema.len() >= KNOWN {
                        self.by_schema.clear();
                    }
                    self.by_schema.insert(envelope.schema.into(), readers);
                }
                let (object, single) = &self.by_schema[envelope.schema];
                (object, single)
            }
        };
        let mut cursor = located.payload;
        if let (Some(reader), Some(part)) = (single, self.parts.first())
            && cursor.peek() != Some(b'{')
        {
            reader
                .read(
                    &mut cursor,
                    &mut columns[part.column],
                    &mut self.memory.scratch,
                )
                .map_err(|fault| fault.of_column(&part.name))?;
            return cursor.end();
        }
        match object.read(&mut cursor, columns, &mut self.memory)? {
            Outcome::Whole => cursor.end(),
            Outcome::Partial | Outcome::OtherFields => Err(Fault::value("a key column is missing")),
        }
    }

    /// Readers of keys with this schema.
    fn of_schema(&self, schema: &str) -> Read<(RowReader, Option<CellReader>)> {
        let declared = schema_reader::read_key(schema).map_err(|e| Fault::value(e.report()))?;
        let of = |name: &str| declared.forms(name).unwrap_or(self.forms.forms);
        let single = self.single.is_some().then_some(()).and(self.parts.first());
        Ok((
            object(&self.parts, of),
            single.map(|part| CellReader::new(&part.kind, of(""), true)),
        ))
    }
}

/// A reader of objects that have at least these fields, written in the forms of each.
fn object(parts: &[Part], forms: impl Fn(&str) -> Forms) -> RowReader {
    let mut rows = RowReader::new(None, true);
    for part in parts {
        // A text takes numbers as they stand, as it does where the value stands alone.
        let kind = match &part.kind {
            Kind::Text => &Kind::Json,
            kind => kind,
        };
        let reader = CellReader::new(kind, forms(&part.name), true);
        rows.add(&part.name, Some((part.column, reader)));
    }
    rows
}
