//! Reads message keys into key columns.
use crate::json::cell_reader::{CellReader, DecimalText, Forms, Unit};
use crate::json::cursor::Cursor;
use crate::json::fault::{Fault, Result as Read};
use crate::json::row_reader::{Memory, Outcome, RowReader};
use connect_api::{ColumnBuilder, Error, ErrorKind, Result, Schema};

const KEY: &str = "message key";

/// Reads message keys, as [`encode_keys`](super::encode_keys) writes them, into the key columns
/// of a schema.
#[derive(Debug)]
pub struct KeyReader {
    keys: Keys,
    memory: Memory,
}

#[derive(Debug)]
enum Keys {
    None,
    One(Box<str>, usize, CellReader),
    Several(RowReader),
}

impl KeyReader {
    /// A reader of all key columns of `schema`.
    pub fn new(schema: &Schema) -> Self {
        Self::of_columns(schema, |_| true)
    }

    /// A reader of the key columns of `schema` that are `wanted`; a key holds the others too.
    pub(crate) fn of_columns(schema: &Schema, wanted: impl Fn(usize) -> bool) -> Self {
        let forms = Forms {
            unit: Unit::Micros,
            decimal: DecimalText::Digits,
        };
        let reader = |i: usize| (i, CellReader::new(&schema.kinds()[i], forms, true));
        let name = |i: usize| schema.field(i).name().as_str();
        let keys = match schema.key() {
            [i] if wanted(*i) => {
                let (column, reader) = reader(*i);
                Keys::One(name(*i).into(), column, reader)
            }
            [] | [_] => Keys::None,
            several => {
                let mut rows = RowReader::new(None, false);
                for i in several {
                    rows.add(name(*i), wanted(*i).then(|| reader(*i)));
                }
                Keys::Several(rows)
            }
        };
        Self {
            keys,
            memory: Memory::default(),
        }
    }

    /// Appends a cell to each key column of `columns`, which are those of the schema in its order.
    ///
    /// # Errors
    /// `Data`: there is no key, or it is not one of these columns; some columns may then have got
    /// a cell.
    pub fn read(&mut self, key: &[u8], columns: &mut [ColumnBuilder]) -> Result<()> {
        if matches!(self.keys, Keys::None) {
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
            .map_err(|fault| fault.into_error(KEY))
    }

    fn read_text(&mut self, key: &str, columns: &mut [ColumnBuilder]) -> Read<()> {
        match &self.keys {
            Keys::None => Ok(()),
            Keys::One(name, column, reader) => reader
                .read_key(key, &mut columns[*column], &mut self.memory.scratch)
                .map_err(|fault| fault.of_column(name)),
            Keys::Several(rows) => {
                let mut cursor = Cursor::new(key, 0);
                match rows.read(&mut cursor, columns, &mut self.memory)? {
                    Outcome::Whole => cursor.end(),
                    Outcome::Partial | Outcome::OtherFields => {
                        Err(Fault::value("a key column is missing"))
                    }
                }
            }
        }
    }
}
