//! Splits: parts of a table that can be read in parallel.
use crate::{connection::Connection, query::Page, syntax::Syntax, table::Column};
use connect_api::{Error, ErrorKind, Kind, Result, Schema, Value, arrow::array::RecordBatch};
use std::{num::NonZeroU32, ops::Range};

/// A part of a table that one task reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Split {
    /// The rows whose first part of the key is greater than `after` and not greater than `until`;
    /// `None`: without that bound.
    Key {
        /// Goes to [`Page::after`].
        after: Option<Value>,
        /// Goes to [`Page::until`].
        until: Option<Value>,
    },
    /// The rows in these blocks of the table's file; goes to [`Page::blocks`]. The last split
    /// extends beyond the current end.
    Blocks(Range<u64>),
}

/// Splits by quantiles of the first part of the key, between the bounds of the page: what
/// [`Connection::split`] does in most dialects. One split where the page has no key or the database no window functions.
///
/// # Errors
/// Those of [`Connection::query`].
pub async fn split_by_quantiles(
    connection: &mut dyn Connection,
    syntax: &dyn Syntax,
    page: &Page<'_>,
    parts: NonZeroU32,
) -> Result<Vec<Split>> {
    let whole = || {
        vec![Split::Key {
            after: None,
            until: None,
        }]
    };
    if page.key.is_empty() || parts.get() == 1 {
        return Ok(whole());
    }
    let Some(statement) = syntax.quantiles(page, parts)? else {
        return Ok(whole());
    };
    let key = page.key_column(0);
    let schema = Schema::new("quantiles", [field(key)?], &[])?;
    let mut bounds: Vec<Value> = Vec::new();
    let mut cursor = connection.query(&statement, &schema).await?;
    while let Some(batch) = cursor.next(1024, 1 << 20).await? {
        bounds.extend(values(&batch, &schema)?);
    }
    drop(cursor);
    bounds.dedup();
    let mut splits = Vec::with_capacity(bounds.len() + 1);
    let mut after = None;
    for bound in bounds {
        splits.push(Split::Key {
            after: after.replace(bound.clone()),
            until: Some(bound),
        });
    }
    splits.push(Split::Key { after, until: None });
    Ok(splits)
}

fn field(column: &Column) -> Result<connect_api::arrow::schema::Field> {
    column
        .kind
        .clone()
        .map(|kind: Kind| kind.field("k", true))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!("key column `{}` is of an unsupported type", column.name),
            )
        })
}

fn values(batch: &RecordBatch, schema: &connect_api::SchemaRef) -> Result<Vec<Value>> {
    let records = connect_api::Records::new("".into(), schema.clone(), batch.clone())?;
    Ok((0..records.len())
        .map(|row| records.row(row).get(0).to_value())
        .collect())
}
