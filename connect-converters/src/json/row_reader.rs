//! Reads a JSON object into one row of the columns.
use super::cell_reader::{CellReader, Scratch};
use super::cursor::{Cursor, Opening};
use super::fault::{Fault, Result};
use super::text::write_string;
use connect_api::{ColumnBuilder, SchemaRef};
use std::collections::HashMap;

/// A field of the objects, in the order they are expected in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: Box<str>,
    /// `{"name":` or `,"name":`, as most writers have it.
    opening: Opening,
    /// `None` for a field that is left out on purpose.
    column: Option<(usize, CellReader)>,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A row with all fields.
    Whole,
    /// A row that lacks some of the fields: their columns got no cell.
    Partial,
    /// No row: the object has a field that only another reader knows.
    OtherFields,
}

/// What a reader needs from row to row.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) scratch: Scratch,
    name: String,
    /// By field, in the row that is being read.
    seen: Vec<bool>,
}

/// What a field that is not known is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Ignored,
    /// A fault, in the object that is a row.
    OfRow,
    /// A fault, in an object within a row.
    OfStruct,
}

/// Reads objects whose fields are mostly those of one list in one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowReader {
    fields: Vec<Field>,
    by_name: HashMap<Box<str>, usize>,
    /// Names that call for another reader.
    elsewhere: Option<SchemaRef>,
    unknown: Unknown,
}

impl RowReader {
    /// A reader that knows no field yet. Fields of `elsewhere` that it is not given call for
    /// another reader; others are faults, or are ignored.
    pub(crate) fn new(elsewhere: Option<SchemaRef>, ignore_unknown: bool) -> Self {
        Self {
            fields: Vec::new(),
            by_name: HashMap::new(),
            elsewhere,
            unknown: if ignore_unknown {
                Unknown::Ignored
            } else {
                Unknown::OfRow
            },
        }
    }

    /// A reader of objects within a row, that knows no field yet; others than it is given are
    /// faults.
    pub(crate) fn of_struct() -> Self {
        Self {
            unknown: Unknown::OfStruct,
            ..Self::new(None, false)
        }
    }

    /// Expects `name` after the fields that were added before.
    pub(crate) fn add(&mut self, name: &str, column: Option<(usize, CellReader)>) {
        let mut opening = vec![if self.fields.is_empty() { b'{' } else { b',' }];
        write_string(&mut opening, name);
        opening.push(b':');
        self.by_name.insert(name.into(), self.fields.len());
        self.fields.push(Field {
            name: name.into(),
            opening: Opening::new(&opening),
            column,
        });
    }

    /// Reads the object at the cursor; columns of fields that it lacks get no cell.
    #[inline]
    pub(crate) fn read(
        &self,
        cursor: &mut Cursor<'_>,
        columns: &mut [ColumnBuilder],
        memory: &mut Memory,
    ) -> Result<Outcome> {
        let mut next = 0;
        for field in &self.fields {
            if !cursor.eat_opening(&field.opening) {
                break;
            }
            if let Some(b' ' | b'\n' | b'\r' | b'\t') = cursor.peek() {
                cursor.skip_blanks();
            }
            field.read(cursor, columns, &mut memory.scratch)?;
            next += 1;
        }
        if next == self.fields.len() && next > 0 && cursor.eat(b'}') {
            return Ok(Outcome::Whole);
        }
        self.read_rest(cursor, columns, memory, next)
    }

    /// Reads on by name, after the first `next` fields.
    fn read_rest(
        &self,
        cursor: &mut Cursor<'_>,
        columns: &mut [ColumnBuilder],
        memory: &mut Memory,
        next: usize,
    ) -> Result<Outcome> {
        memory.seen.clear();
        // Fields that are left out are not missed either.
        let fields = self.fields.iter().enumerate();
        let seen = fields.map(|(i, field)| i < next || field.column.is_none());
        memory.seen.extend(seen);
        let mut expected = next;
        cursor.skip_blanks();
        if next == 0 {
            if !cursor.eat(b'{') {
                return Err(cursor.mismatch("an object"));
            }
            cursor.skip_blanks();
            if cursor.eat(b'}') {
                return Ok(Outcome::Partial);
            }
        } else if !self.another(cursor)? {
            return Ok(memory.outcome());
        }
        loop {
            cursor.skip_blanks();
            let name = cursor.string(&mut memory.name)?;
            let index = match self.fields.get(expected) {
                Some(field) if *field.name == *name => Some(expected),
                _ => self.by_name.get(name).copied(),
            };
            let Some(index) = index else {
                if let Some(schema) = &self.elsewhere
                    && schema.index_of(name).is_some()
                {
                    return Ok(Outcome::OtherFields);
                }
                match self.unknown {
                    Unknown::Ignored => {}
                    Unknown::OfRow => {
                        return Err(Fault::value(format!(
                            "field `{name}` is neither in the schema of the message nor a column \
                             of the target; `value.converter.unknown.fields=ignore` leaves such \
                             fields out"
                        )));
                    }
                    Unknown::OfStruct => {
                        return Err(Fault::value(format!(
                            "the struct has no field `{name}` by the schema"
                        )));
                    }
                }
                cursor.need(b':', "`:`")?;
                cursor.skip_blanks();
                cursor.value(&mut memory.scratch.text)?;
                if self.another(cursor)? {
                    continue;
                }
                return Ok(memory.outcome());
            };
            let field = &self.fields[index];
            let seen = std::mem::replace(&mut memory.seen[index], true);
            if seen && field.column.is_some() {
                return Err(Fault::value(format!(
                    "field `{}` is there twice",
                    field.name
                )));
            }
            cursor.need(b':', "`:`")?;
            cursor.skip_blanks();
            field.read(cursor, columns, &mut memory.scratch)?;
            expected = index + 1;
            if !self.another(cursor)? {
                return Ok(memory.outcome());
            }
        }
    }

    /// Whether another member follows, rather than the object's end.
    fn another(&self, cursor: &mut Cursor<'_>) -> Result<bool> {
        cursor.skip_blanks();
        if cursor.eat(b',') {
            return Ok(true);
        }
        if cursor.eat(b'}') {
            return Ok(false);
        }
        Err(cursor.expected("`,` or `}`"))
    }
}

impl Memory {
    /// What a reader of objects within a row needs.
    pub(crate) fn with(scratch: Scratch) -> Self {
        Self {
            scratch,
            ..Self::default()
        }
    }

    fn outcome(&self) -> Outcome {
        if self.seen.contains(&false) {
            Outcome::Partial
        } else {
            Outcome::Whole
        }
    }
}

impl Field {
    #[inline]
    fn read(
        &self,
        cursor: &mut Cursor<'_>,
        columns: &mut [ColumnBuilder],
        scratch: &mut Scratch,
    ) -> Result<()> {
        match &self.column {
            Some((column, reader)) => reader
                .read(cursor, &mut columns[*column], scratch)
                .map_err(|fault| fault.of_column(&self.name)),
            None => cursor.value(&mut scratch.text).map(drop),
        }
    }
}
