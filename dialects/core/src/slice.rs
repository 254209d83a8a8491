//! Parts of a table that can be read side by side, and what is known of rows not yet to be seen.
use crate::{connection::Connection, query::Page, syntax::Syntax, table::Column};
use connect_api::{Error, ErrorKind, Kind, Result, Schema, Value, arrow::array::RecordBatch};
use std::{num::NonZeroU32, ops::Range};

/// A part of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Slice {
    /// The rows whose first part of the key is greater than `after` and not greater than `until`;
    /// `None`: without that bound.
    Key {
        /// Goes to [`Page::after`].
        after: Option<Value>,
        /// Goes to [`Page::until`].
        until: Option<Value>,
    },
    /// The rows in these blocks of the table's file; goes to [`Page::blocks`]. The last slice
    /// reaches beyond the present end.
    Blocks(Range<u64>),
}

/// What a database tells of rows that transactions may still add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility {
    /// PostgreSQL: transactions below `xmin` have all ended; those from `xmax` on had not begun.
    Snapshot {
        /// The oldest transaction that was running.
        xmin: u64,
        /// The first that was not yet begun.
        xmax: u64,
    },
    /// MySQL: when the oldest transaction that is running began, in microseconds since 1970-01-01
    /// by the server's clock; its present time where none is.
    OldestTransaction {
        /// Began at.
        began: i64,
    },
    /// SQL Server: every row version below this is final.
    RowVersion([u8; 8]),
}

/// Slices by quantiles of the first part of the key: what [`Connection::split`] does in most
/// dialects. One slice where the page has no key or the database no window functions.
///
/// # Errors
/// Those of [`Connection::query`].
pub async fn by_quantiles(
    connection: &mut dyn Connection,
    syntax: &dyn Syntax,
    page: &Page<'_>,
    parts: NonZeroU32,
) -> Result<Vec<Slice>> {
    let whole = || {
        vec![Slice::Key {
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
    let mut slices = Vec::with_capacity(bounds.len() + 1);
    let mut after = None;
    for bound in bounds {
        slices.push(Slice::Key {
            after: after.replace(bound.clone()),
            until: Some(bound),
        });
    }
    slices.push(Slice::Key { after, until: None });
    Ok(slices)
}

fn field(column: &Column) -> Result<connect_api::arrow::schema::Field> {
    column
        .kind
        .clone()
        .map(|kind: Kind| kind.field("k", true))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!(
                    "key column `{}` is of a type that is not carried",
                    column.name
                ),
            )
        })
}

fn values(batch: &RecordBatch, schema: &connect_api::SchemaRef) -> Result<Vec<Value>> {
    let records = connect_api::Records::new("".into(), schema.clone(), batch.clone())?;
    Ok((0..records.len())
        .map(|row| records.row(row).get(0).to_value())
        .collect())
}
