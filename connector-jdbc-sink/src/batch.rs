//! Writes a batch in one transaction, and finds the rows that the database rejects.
use crate::reduce::Rows;
use connect_api::{ErrorKind, Records, Rejected, Result};
use dialect_core::{Connection, WriteOp, WritePlan, pieces, write_or_reject};
use std::{num::NonZeroUsize, ops::Range};

/// Rows that are written with one write plan.
pub(crate) struct Write {
    pub(crate) plan: WritePlan,
    pub(crate) records: Records,
    pub(crate) rows: Range<usize>,
    /// The index of each row in the batch, if the rows were copied out of it.
    batch_rows: Option<Vec<u32>>,
}

impl Write {
    /// `rows` of `records`, which are copied if they are not contiguous.
    ///
    /// # Errors
    /// `Internal`: a row that is not there.
    pub(crate) fn new(plan: WritePlan, records: &Records, rows: Rows) -> Result<Self> {
        Ok(match rows {
            Rows::Range(rows) => Self {
                plan,
                records: records.clone(),
                rows,
                batch_rows: None,
            },
            Rows::List(list) => Self {
                plan,
                records: records.take(&list)?,
                rows: 0..list.len(),
                batch_rows: Some(list),
            },
        })
    }

    /// The given rows, in this order.
    ///
    /// # Errors
    /// `Internal`: a row that is not there.
    pub(crate) fn in_order(&self, rows: Vec<usize>) -> Result<Self> {
        let index = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
        let list: Vec<u32> = rows.iter().map(|row| index(*row)).collect();
        let batch_rows = rows.iter().map(|row| index(self.batch_row(*row))).collect();
        Ok(Self {
            plan: self.plan.clone(),
            records: self.records.take(&list)?,
            rows: 0..rows.len(),
            batch_rows: Some(batch_rows),
        })
    }

    /// The row's index in the batch.
    fn batch_row(&self, row: usize) -> usize {
        match &self.batch_rows {
            Some(batch_rows) => batch_rows[row] as usize,
            None => row,
        }
    }
}

/// Writes all rows in one transaction, `size` rows at a time. If the database rejects rows, they
/// are found and returned, and the others are committed in several transactions.
///
/// # Errors Errors that no row caused. Nothing counts as written then.
pub(crate) async fn write(
    connection: &mut dyn Connection,
    writes: &[Write],
    size: NonZeroUsize,
) -> Result<Vec<Rejected>> {
    match in_one_transaction(connection, writes, size).await {
        Ok(()) => Ok(Vec::new()),
        Err(e) if e.kind() == ErrorKind::Data => {
            connection.rollback().await?;
            if e.is_reference() {
                return write_parents_first(connection, writes, size).await;
            }
            write_in_pieces(connection, writes, size).await
        }
        Err(e) => Err(e),
    }
}

/// As [`write`], after a foreign key violation: in a table with a self-reference, parent rows are
/// now written first.
async fn write_parents_first(
    connection: &mut dyn Connection,
    writes: &[Write],
    size: NonZeroUsize,
) -> Result<Vec<Rejected>> {
    let mut ordered = Vec::with_capacity(writes.len());
    for write in writes {
        // Inserts of one key keep their order.
        let by_key = matches!(
            write.plan.op,
            WriteOp::Upsert | WriteOp::Update | WriteOp::Delete
        );
        match write.in_parent_order()?.filter(|_| by_key) {
            Some(write) => ordered.push(write),
            None => return write_in_pieces(connection, writes, size).await,
        }
    }
    match in_one_transaction(connection, &ordered, size).await {
        Err(e) if e.kind() == ErrorKind::Data => {
            connection.rollback().await?;
            write_in_pieces(connection, &ordered, size).await
        }
        outcome => outcome.map(|()| Vec::new()),
    }
}

/// Writes all rows in one transaction, `size` rows at a time, or none.
///
/// # Errors `Data`: a row was rejected; the transaction is still open. Otherwise errors that no row
/// caused.
pub(crate) async fn in_one_transaction(
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
    // G1: the runtime commits its offsets only after this.
    connection.commit().await
}

/// Writes in pieces that are committed one by one, in order; rejected rows are returned (G3).
///
/// # Errors As [`write`]; pieces before the error are committed.
pub(crate) async fn write_in_pieces(
    connection: &mut dyn Connection,
    writes: &[Write],
    size: NonZeroUsize,
) -> Result<Vec<Rejected>> {
    let mut rejected = Vec::new();
    for write in writes {
        let Write {
            plan,
            records,
            rows,
            ..
        } = write;
        let rejected_row = write_or_reject(connection, plan, records, rows.clone(), size).await?;
        rejected.extend(rejected_row.into_iter().map(|rejected_row| Rejected {
            row: write.batch_row(rejected_row.row),
            ..rejected_row
        }));
    }
    Ok(rejected)
}
