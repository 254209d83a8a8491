//! Writing a batch: one transaction, and a search for the rows that the table refuses.
use crate::reduce::Rows;
use connect_api::{ErrorKind, Records, Rejected, Result};
use dialect_core::{Connection, WritePlan};
use std::{num::NonZeroUsize, ops::Range};

/// Rows that are written by one plan.
pub(crate) struct Write {
    plan: WritePlan,
    records: Records,
    rows: Range<usize>,
    /// Where each row stands in the batch, where the rows were copied out of it.
    origin: Option<Vec<u32>>,
}

impl Write {
    /// `rows` of `records`, which are copied where they do not follow one another.
    ///
    /// # Errors
    /// `Internal`: a row that is not there.
    pub(crate) fn new(plan: WritePlan, records: &Records, rows: Rows) -> Result<Self> {
        Ok(match rows {
            Rows::Range(rows) => Self {
                plan,
                records: records.clone(),
                rows,
                origin: None,
            },
            Rows::List(list) => Self {
                plan,
                records: records.take(&list)?,
                rows: 0..list.len(),
                origin: Some(list),
            },
        })
    }

    /// The row's index in the batch.
    fn origin(&self, row: usize) -> usize {
        match &self.origin {
            Some(origin) => origin[row] as usize,
            None => row,
        }
    }
}

/// Rows in pieces of at most `size`.
fn pieces(
    rows: &Range<usize>,
    size: NonZeroUsize,
) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
    let Range { start, end } = rows.clone();
    (0..rows.len().div_ceil(size.get())).map(move |piece| {
        let from = start + piece * size.get();
        from..end.min(from + size.get())
    })
}

/// Writes all in one transaction, `size` rows at once. Rows that the table refuses are found and
/// handed back; then the others are committed in several transactions.
///
/// # Errors
/// What is not the fault of a row. Nothing counts as written then.
pub(crate) async fn write(
    connection: &mut dyn Connection,
    writes: &[Write],
    size: NonZeroUsize,
) -> Result<Vec<Rejected>> {
    match in_one_transaction(connection, writes, size).await {
        Ok(()) => Ok(Vec::new()),
        Err(e) if e.kind() == ErrorKind::Data => {
            connection.rollback().await?;
            write_in_pieces(connection, writes, size).await
        }
        Err(e) => Err(e),
    }
}

async fn in_one_transaction(
    connection: &mut dyn Connection,
    writes: &[Write],
    size: NonZeroUsize,
) -> Result<()> {
    if writes.is_empty() {
        return Ok(());
    }
    connection.begin().await?;
    for write in writes {
        for rows in pieces(&write.rows, size) {
            connection.write(&write.plan, &write.records, rows).await?;
        }
    }
    // G1: the runtime moves its offsets after this alone.
    connection.commit().await
}

/// Writes in pieces that are committed one by one, in order; rows that the table refuses are found
/// by halving, and handed back.
///
/// # Errors
/// As [`write`]; pieces before the fault are committed.
pub(crate) async fn write_in_pieces(
    connection: &mut dyn Connection,
    writes: &[Write],
    size: NonZeroUsize,
) -> Result<Vec<Rejected>> {
    let mut rejected = Vec::new();
    for write in writes {
        let mut left: Vec<Range<usize>> = pieces(&write.rows, size).rev().collect();
        while let Some(rows) = left.pop() {
            let Err(error) = piece(connection, write, rows.clone()).await else {
                continue;
            };
            if error.kind() != ErrorKind::Data {
                return Err(error);
            }
            connection.rollback().await?;
            if rows.len() == 1 {
                // G3: a row is written or handed back.
                rejected.push(Rejected {
                    row: write.origin(rows.start),
                    error,
                });
            } else {
                let middle = rows.start + rows.len() / 2;
                left.push(middle..rows.end);
                left.push(rows.start..middle);
            }
        }
    }
    Ok(rejected)
}

async fn piece(connection: &mut dyn Connection, write: &Write, rows: Range<usize>) -> Result<()> {
    connection.begin().await?;
    connection.write(&write.plan, &write.records, rows).await?;
    connection.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_every_row_once_and_no_more_than_asked() {
        let of = |rows: Range<usize>, size| {
            pieces(&rows, NonZeroUsize::new(size).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(of(3..10, 3), [3..6, 6..9, 9..10]);
        assert_eq!(of(0..8, 4), [0..4, 4..8]);
        assert_eq!(
            of(0..4, usize::MAX).as_slice(),
            std::slice::from_ref(&(0..4))
        );
        assert_eq!(of(5..5, 2), []);
    }
}
