//! Message keys that are made of columns and text.
use crate::json::cell_writer::{CellWriter, DecimalStyle, NoNumber, Style, TimeStyle};
use connect_api::{Blobs, Error, ErrorKind, KeyTemplate, KeyTemplatePart, Op, Records, Result};

/// Values as they stand in keys of one column: texts as they are.
const STYLE: Style = Style {
    time: TimeStyle::Iso,
    decimal: DecimalStyle::Text,
    no_number: NoNumber::RefusedInKey,
    quoted: false,
    prefix: "key.converter",
};

/// A part of the keys of some records.
enum Part<'a> {
    Text(&'a str),
    Column(&'a str, CellWriter<'a>),
}

/// Writes what `template` gives for all rows, in order, after what `keys` holds; nothing for deletes,
/// which have their key columns alone. After an error `keys` holds what it held before.
///
/// # Errors
/// `Data`: a null in a column of the template, or a value without a text; the message names column and
/// row. `Unsupported`: a column of a kind that has no text. `Internal`: the records have no such column.
pub fn encode_template(records: &Records, template: &KeyTemplate, keys: &mut Blobs) -> Result<()> {
    let before = keys.len();
    write(records, template, keys).inspect_err(|_| keys.truncate(before))
}

fn write(records: &Records, template: &KeyTemplate, keys: &mut Blobs) -> Result<()> {
    let parts = template.parts().iter().map(|part| part_of(records, part));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    for row in 0..records.len() {
        if records.ops().get(row) != Op::Delete {
            let out = keys.buffer();
            for part in &parts {
                match part {
                    Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                    Part::Column(name, cells) => write_cell(out, name, cells, row)?,
                }
            }
        }
        keys.end();
    }
    Ok(())
}

fn part_of<'a>(records: &'a Records, part: &'a KeyTemplatePart) -> Result<Part<'a>> {
    let index = match part {
        KeyTemplatePart::Text(text) => return Ok(Part::Text(text)),
        KeyTemplatePart::Column(index) => *index,
    };
    let (schema, columns) = (records.schema(), records.batch().columns());
    let (Some(column), Some(kind)) = (columns.get(index), schema.kinds().get(index)) else {
        let message = "a message key is made of a column that the rows do not have";
        return Err(Error::new(ErrorKind::Internal, message));
    };
    let name = schema.field(index).name().as_str();
    let cells = CellWriter::new(kind, column, STYLE).ok_or_else(|| {
        let arrow_type = schema.field(index).data_type();
        Error::new(
            ErrorKind::Unsupported,
            format!("message key: column `{name}`: Arrow type {arrow_type} has no text"),
        )
    })?;
    Ok(Part::Column(name, cells))
}

fn write_cell(out: &mut Vec<u8>, name: &str, cells: &CellWriter<'_>, row: usize) -> Result<()> {
    if cells.is_null(row) {
        return Err(Error::new(
            ErrorKind::Data,
            format!(
                "column `{name}`, row {row}: it is NULL, and the message key is made of it; use other \
                 columns in `message.key.template`"
            ),
        ));
    }
    match cells.text(row) {
        Some(text) => {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        None => cells
            .write(out, row)
            .map_err(|refusal| refusal.into_error(name, row, STYLE.prefix)),
    }
}
