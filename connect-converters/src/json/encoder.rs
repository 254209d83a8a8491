//! Records to bodies: the text before each value is built once per schema.
use super::Interop;
use super::cell_writer::{CellWriter, NoNumber, Style};
use super::connect_schema::Types;
use super::schema_writer;
use super::text::write_string;
use connect_api::{Blobs, Op, Records, Result, Schema, SchemaRef};
use std::{
    collections::HashMap,
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
};

/// What stands in a body before the value of each column, and at its end; and the body of a delete.
#[derive(Debug)]
pub(crate) struct Opening {
    before: Vec<Box<[u8]>>,
    end: &'static [u8],
    total: usize,
    deleted: Box<[u8]>,
}

impl Opening {
    fn new(schema: &Schema, types: Types, envelope: bool) -> Result<Self> {
        let mut first = Vec::new();
        if envelope {
            first.extend_from_slice(br#"{"schema":"#);
            schema_writer::write(&mut first, schema, false, types)?;
            first.extend_from_slice(br#","payload":"#);
        }
        first.push(b'{');
        let mut before = Vec::with_capacity(schema.kinds().len());
        for field in schema.columns().fields() {
            let mut text = std::mem::take(&mut first);
            if !before.is_empty() {
                text.push(b',');
            }
            write_string(&mut text, field.name());
            text.push(b':');
            before.push(text.into_boxed_slice());
        }
        if before.is_empty() {
            before.push(first.into());
        }
        Ok(Self {
            total: before.iter().map(|text| text.len()).sum(),
            before,
            end: if envelope { b"}}" } else { b"}" },
            deleted: deleted(schema, types, envelope)?.into_boxed_slice(),
        })
    }
}

/// The body of a delete: what the Java runtimes read as one, since they cannot send an empty body.
fn deleted(schema: &Schema, types: Types, envelope: bool) -> Result<Vec<u8>> {
    Ok(match (types.interop, envelope) {
        (Interop::None, _) => Vec::new(),
        // The JDBC sink of the original finds the table by the schema, of a delete too; a schema
        // that is not optional has no NULL.
        (Interop::Java, true) => {
            let mut body = br#"{"schema":"#.to_vec();
            schema_writer::write(&mut body, schema, true, types)?;
            body.extend_from_slice(br#","payload":null}"#);
            body
        }
        (Interop::Kafka, true) => br#"{"schema":null,"payload":null}"#.to_vec(),
        (Interop::Java | Interop::Kafka, false) => b"null".to_vec(),
    })
}

/// Openings of the schemas seen; one lock a batch.
#[derive(Debug)]
pub(crate) struct Openings {
    types: Types,
    envelope: bool,
    most: NonZero<usize>,
    /// By address; the schema is held, so that its address stays its own.
    known: Mutex<HashMap<usize, (SchemaRef, Arc<Opening>)>>,
}

impl Openings {
    /// Openings of these types, with the schema in an `envelope` or without.
    pub(crate) fn new(types: Types, envelope: bool, most: NonZero<usize>) -> Self {
        Self {
            types,
            envelope,
            most,
            known: Mutex::default(),
        }
    }

    /// The opening of `schema`.
    ///
    /// # Errors
    /// `Unsupported`: a column of a kind that has no Connect type.
    pub(crate) fn of(&self, schema: &SchemaRef) -> Result<Arc<Opening>> {
        // The map is whole between any two calls, so a panic elsewhere does not spoil it.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let address = Arc::as_ptr(schema).addr();
        if let Some((_, opening)) = known.get(&address) {
            return Ok(opening.clone());
        }
        let opening = Arc::new(Opening::new(schema, self.types, self.envelope)?);
        if known.len() >= self.most.get() {
            known.clear();
        }
        known.insert(address, (schema.clone(), opening.clone()));
        Ok(opening)
    }
}

/// Writes the bodies of all rows; on an error some of them are left in `bodies`. Gives the columns
/// of which digits were cut.
///
/// # Errors
/// `Data`: a value that JSON cannot represent. `Unsupported`: a column of a kind that it cannot.
pub(crate) fn encode(
    records: &Records,
    opening: &Opening,
    style: Style,
    bodies: &mut Blobs,
) -> Result<Vec<usize>> {
    /// Room for a value, on average.
    const VALUE_BYTES: usize = 16;
    let schema = records.schema();
    let cells = schema
        .kinds()
        .iter()
        .zip(records.batch().columns())
        .zip(schema.columns().fields())
        .enumerate()
        .map(|(i, ((kind, column), field))| {
            let style = match style.no_number {
                NoNumber::Null if schema.key().contains(&i) => Style {
                    no_number: NoNumber::RefusedInKey,
                    ..style
                },
                _ => style,
            };
            CellWriter::new(kind, column, style)
                .ok_or_else(|| schema_writer::unsupported(field.name(), field.data_type()))
        })
        .collect::<Result<Vec<_>>>()?;
    let row_bytes = opening.total + cells.len() * VALUE_BYTES;
    bodies.buffer().reserve(records.len() * row_bytes);
    for row in 0..records.len() {
        let out = bodies.buffer();
        if records.ops().get(row) == Op::Delete {
            out.extend_from_slice(&opening.deleted);
        } else {
            if cells.is_empty() {
                opening
                    .before
                    .iter()
                    .for_each(|text| out.extend_from_slice(text));
            }
            for (i, (cell, before)) in cells.iter().zip(&opening.before).enumerate() {
                out.extend_from_slice(before);
                if cell.is_null(row) {
                    out.extend_from_slice(b"null");
                } else if let Err(refusal) = cell.write(out, row) {
                    return Err(refusal.into_error(schema.field(i).name(), row, style.prefix));
                }
            }
            out.extend_from_slice(opening.end);
        }
        bodies.end();
    }
    let cut = cells.iter().enumerate().filter(|(_, cell)| cell.was_cut());
    Ok(cut.map(|(i, _)| i).collect())
}
