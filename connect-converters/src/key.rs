//! Message keys: the key columns of a row as text, and back.
//!
//! No key columns: an empty text. One: its plain text, such as `42`, `12.50`, `2024-02-29`,
//! `2024-06-01T12:34:56.000000Z`. Several: a JSON object in the order of the key,
//! `{"region":"eu","id":42}`. A text that could be taken for something else (empty, beginning
//! with `{` or `"`, or holding control characters, which RocketMQ parts properties with) is
//! written as a JSON string. [`KeyConverter`] writes other forms where the other side needs them;
//! read are all of them.
mod converter;
mod reader;
pub(crate) mod structured;
mod template;

pub use converter::KeyConverter;
pub use reader::KeyReader;
pub use template::encode_template;

pub(crate) use reader::KeyForms;

use crate::json::cell_writer::{CellWriter, DecimalStyle, NoNumber, Style, TimeStyle};
use crate::json::text::write_string;
use connect_api::{Blobs, Error, ErrorKind, Records, Result};

/// Texts of one key column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// As JSON strings where they could be read as something else.
    Quoted,
    /// As they are; those that cannot be a key are refused.
    Plain,
}

/// Writes the keys of all rows, in order, after what `keys` holds; empty ones where the schema
/// has no key. After an error `keys` holds what it held before.
///
/// # Errors
/// `Data`: a null in a key column, or a value without a text; the message names column and row.
/// `Unsupported`: a key column of a kind that has no text.
pub fn encode_keys(records: &Records, keys: &mut Blobs) -> Result<()> {
    encode_texts(records, Texts::Quoted, keys)
}

fn encode_texts(records: &Records, texts: Texts, keys: &mut Blobs) -> Result<()> {
    let before = keys.len();
    write_keys(records, texts, keys).inspect_err(|_| keys.truncate(before))
}

/// The error for a NULL in a key column.
fn null_in_key(column: &str, row: usize) -> Error {
    Error::new(
        ErrorKind::Data,
        format!("key column `{column}`, row {row}: NULL has no place in a key"),
    )
}

fn write_keys(records: &Records, texts: Texts, keys: &mut Blobs) -> Result<()> {
    let schema = records.schema();
    let several = schema.key().len() > 1;
    let style = Style {
        time: TimeStyle::Iso,
        decimal: DecimalStyle::Text,
        no_number: NoNumber::RefusedInKey,
        quoted: several,
        prefix: "key.converter",
    };
    let mut columns = Vec::with_capacity(schema.key().len());
    for i in schema.key() {
        let name = schema.field(*i).name().as_str();
        let writer = CellWriter::new(&schema.kinds()[*i], records.batch().column(*i), style);
        let writer = writer.ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!(
                    "key column `{name}`: Arrow type {} has no text",
                    schema.field(*i).data_type()
                ),
            )
        })?;
        let mut opening = vec![if columns.is_empty() { b'{' } else { b',' }];
        write_string(&mut opening, name);
        opening.push(b':');
        columns.push((name, writer, opening));
    }
    for row in 0..records.len() {
        let out = keys.buffer();
        let start = out.len();
        for (name, writer, opening) in &columns {
            if writer.is_null(row) {
                return Err(null_in_key(name, row));
            }
            let text = writer.text(row).filter(|_| !several);
            if let Some(text) = text
                && texts == Texts::Plain
                && (text.is_empty() || text.bytes().any(|b| b < 0x20))
            {
                return Err(Error::new(
                    ErrorKind::Data,
                    format!(
                        "key column `{name}`, row {row}: an empty text, or one with control \
                         characters, is no message key by itself; leave `key.converter` out"
                    ),
                ));
            }
            let text = text.filter(|text| texts == Texts::Plain || is_plain(text));
            if let Some(text) = text {
                out.extend_from_slice(text.as_bytes());
                continue;
            }
            if several {
                out.extend_from_slice(opening);
            }
            writer
                .write(out, row)
                .map_err(|refusal| refusal.into_error(name, row, style.prefix))?;
        }
        if several {
            out.push(b'}');
        } else if out.len() == start && !columns.is_empty() {
            // No bytes at all: an empty key would be none.
            write_string(out, "");
        }
        keys.end();
    }
    Ok(())
}

/// Whether a text is a key as it is, and cannot be taken for something else.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(['{', '"']) && text.bytes().all(|b| b >= 0x20)
}
