//! The workload `text`: a text of 1 KiB beside a key and a number.
use crate::noise::{scatter, small};
use connect_api::{ColumnBuilder, Kind, Result, Schema, SchemaRef};
use std::fmt::Write as _;

/// Bytes of the text.
const BYTES: usize = 1_024;

/// The columns, with `id` as the key.
///
/// # Errors
/// None in truth: the schema is a constant.
pub(crate) fn schema() -> Result<SchemaRef> {
    let fields = [
        Kind::Int64.field("id", false),
        Kind::Int32.field("revision", true),
        Kind::Text.field("body", true),
    ];
    Schema::new("text", fields, &["id"])
}

/// Appends the cells of one row.
pub(crate) fn append(columns: &mut [ColumnBuilder], id: i64, revision: i64, text: &mut String) {
    for (i, column) in columns.iter_mut().enumerate() {
        match (i, column) {
            (0, ColumnBuilder::Int64(b)) => b.append_value(id),
            (1, ColumnBuilder::Int32(b)) => b.append_value(small(revision.unsigned_abs(), 1_000)),
            (2, ColumnBuilder::Text(b)) => {
                text.clear();
                let mut noise = scatter(id ^ (revision << 40));
                while text.len() < BYTES {
                    // Writing to a string cannot fail.
                    let _infallible = write!(text, "{noise:016x} ");
                    noise = scatter(noise.cast_signed());
                }
                text.truncate(BYTES);
                b.append_value(&*text);
            }
            (_, other) => other.append_null(),
        }
    }
}
