//! Finding the rows that a table refuses.
use crate::{connection::Connection, plan::WritePlan};
use connect_api::{ErrorKind, Records, Rejected, Result};
use std::{num::NonZeroUsize, ops::Range};

/// Rows in pieces of at most `size`.
pub fn pieces(
    rows: &Range<usize>,
    size: NonZeroUsize,
) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
    let Range { start, end } = rows.clone();
    (0..rows.len().div_ceil(size.get())).map(move |piece| {
        let from = start + piece * size.get();
        from..end.min(from + size.get())
    })
}

/// Writes rows in pieces of at most `size`, each in a transaction of its own, in order. Rows that
/// the table refuses are found by halving and handed back with their errors; all others are
/// written. No transaction may be open.
///
/// # Errors
/// What is not the fault of a row; pieces before it are committed.
pub async fn write_or_reject(
    connection: &mut dyn Connection,
    plan: &WritePlan,
    records: &Records,
    rows: Range<usize>,
    size: NonZeroUsize,
) -> Result<Vec<Rejected>> {
    let mut rejected = Vec::new();
    let mut left: Vec<Range<usize>> = pieces(&rows, size).rev().collect();
    while let Some(rows) = left.pop() {
        let Err(error) = piece(connection, plan, records, rows.clone()).await else {
            continue;
        };
        if error.kind() != ErrorKind::Data {
            return Err(error);
        }
        connection.rollback().await?;
        if rows.len() == 1 {
            // G3: a row is written or handed back.
            rejected.push(Rejected {
                row: rows.start,
                error,
            });
        } else {
            let middle = rows.start + rows.len() / 2;
            left.push(middle..rows.end);
            left.push(rows.start..middle);
        }
    }
    Ok(rejected)
}

async fn piece(
    connection: &mut dyn Connection,
    plan: &WritePlan,
    records: &Records,
    rows: Range<usize>,
) -> Result<()> {
    connection.begin().await?;
    connection.write(plan, records, rows).await?;
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
