//! The workload `wide`: forty columns of the types that tables mostly have.
use crate::noise::{scatter, small};
use connect_api::{ColumnBuilder, Kind, LENGTH, Result, Schema, SchemaRef, arrow::schema::Field};
use std::fmt::Write as _;

/// Columns beside the key.
const COLUMNS: usize = 39;
/// 2024-01-01 00:00:00, microseconds since 1970-01-01.
const FIRST: i64 = 1_704_067_200_000_000;
/// One cell in so many is NULL.
const NULL_EVERY: u64 = 29;

/// The columns, with `id` as the key; the others repeat a pattern of eight types.
///
/// # Errors
/// None in truth: the schema is a constant.
pub(crate) fn schema() -> Result<SchemaRef> {
    let mut fields = vec![Kind::Int64.field("id", false)];
    fields.extend((0..COLUMNS).map(field));
    Schema::new("wide", fields, &["id"])
}

fn field(i: usize) -> Field {
    let name = format!("c{:02}", i + 1);
    let amount = Kind::Decimal {
        precision: 12,
        scale: 2,
    };
    match i % 8 {
        0 => Kind::Int32.field(&name, true),
        1 => Kind::Int64.field(&name, true),
        2 => Kind::Float64.field(&name, true),
        3 => amount.field(&name, true),
        4 => Kind::Bool.field(&name, true),
        5 => Kind::Timestamp { utc: false }.field(&name, true),
        _ => {
            let field = Kind::Text.field(&name, true);
            let mut metadata = field.metadata().clone();
            metadata.insert(LENGTH.to_owned(), "40".to_owned());
            field.with_metadata(metadata)
        }
    }
}

/// Appends the cells of one row.
pub(crate) fn append(columns: &mut [ColumnBuilder], id: i64, revision: i64, text: &mut String) {
    let base = scatter(id ^ (revision << 40));
    for (i, column) in columns.iter_mut().enumerate() {
        if let (0, ColumnBuilder::Int64(b)) = (i, &mut *column) {
            b.append_value(id);
            continue;
        }
        let noise = base.rotate_left(u32::try_from(i).unwrap_or(0)) ^ i as u64;
        match column {
            other if noise.is_multiple_of(NULL_EVERY) => other.append_null(),
            ColumnBuilder::Int32(b) => b.append_value(small(noise, 1_000_000)),
            ColumnBuilder::Int64(b) => b.append_value((noise >> 8).cast_signed()),
            ColumnBuilder::Float64(b) => {
                b.append_value(f64::from(small(noise, 10_000_000)) / 128.0);
            }
            ColumnBuilder::Decimal(b) => b.append_value(i128::from(small(noise, 1_000_000_000))),
            ColumnBuilder::Bool(b) => b.append_value(noise & 3 != 0),
            ColumnBuilder::Timestamp(b) => {
                b.append_value(FIRST + i64::from(small(noise, 1 << 30)) * 1_009);
            }
            ColumnBuilder::Text(b) => {
                text.clear();
                // Writing to a string cannot fail.
                let _infallible = write!(text, "value {noise:x} of {i}");
                b.append_value(&*text);
            }
            other => other.append_null(),
        }
    }
}
