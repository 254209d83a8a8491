//! Reduction in order: of the rows of a key, only those that determine the final state of the table
//! (G2).
use arrow_row::{RowConverter, SortField};
use connect_api::{
    Error, ErrorKind, Kind, Op, Records, Result,
    arrow::array::{Array, ArrayRef, cast::AsArray as _, types::Int64Type},
};
use dialect_core::WriteOp;
use hashbrown::{HashMap, HashSet, hash_map::Entry};
use std::{hash::Hash, ops::Range};

/// A set of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Contiguous rows.
    Range(Range<usize>),
    /// By index, ascending.
    List(Vec<u32>),
}

/// Rows that are written with the same operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) op: WriteOp,
    pub(crate) rows: Rows,
}

/// Why a row is rejected without a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// This key column is NULL.
    NullKey(usize),
    /// It is a delete, and deletes are not enabled.
    Delete,
}

/// The writes of a batch, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) steps: Vec<Step>,
    /// Rejected rows, ascending.
    pub(crate) rejected_rows: Vec<(usize, Rejection)>,
}

/// The writes of `records`, with `op` for rows that are not deletes. `key` has the indexes of the
/// key columns.
///  Upserts and updates of a key are reduced to the last one, as every row has all columns of the
/// batch. Inserts are kept in order: the table rejects duplicate keys.
///
/// # Errors `Unsupported`: key columns of a kind that cannot be compared.
pub(crate) fn steps(records: &Records, key: &[usize], op: WriteOp, deletes: bool) -> Result<Steps> {
    let rejected_rows = rejections(records, key, deletes);
    let out: Vec<usize> = rejected_rows.iter().map(|(row, _)| *row).collect();
    let steps = if matches!(op, WriteOp::Insert | WriteOp::InsertIgnore) {
        runs(records, &out, op)
    } else {
        let columns = key_columns(records, key);
        let is_delete = deletes_of(records);
        match columns.as_slice() {
            [column] if records.schema().kinds()[key[0]] == Kind::Int64 => {
                let keys = column.as_primitive::<Int64Type>().values();
                let ascending = keys.windows(2).all(|pair| pair[0] < pair[1]);
                if ascending && rejected_rows.is_empty() && records.ops().uniform().is_some() {
                    all(records, op)
                } else {
                    reduce(records.len(), |row| keys[row], is_delete, &out, op)
                }
            }
            columns => {
                let rows = comparable(columns)?;
                reduce(records.len(), |row| rows.row(row), is_delete, &out, op)
            }
        }
    };
    Ok(Steps {
        steps,
        rejected_rows,
    })
}

/// As [`steps`], only for rows with the keys of the rows `keys_of`, without the rows `out`
/// (ascending).
///
/// # Errors
/// As [`steps`].
pub(crate) fn steps_for_previous(
    records: &Records,
    key: &[usize],
    op: WriteOp,
    keys_of: &[usize],
    out: &[usize],
) -> Result<Vec<Step>> {
    let rows = comparable(&key_columns(records, key))?;
    let keys: HashSet<_> = keys_of.iter().map(|row| rows.row(*row)).collect();
    let aside = |row: &usize| out.binary_search(row).is_ok() || !keys.contains(&rows.row(*row));
    let aside: Vec<usize> = (0..records.len()).filter(aside).collect();
    let is_delete = deletes_of(records);
    Ok(reduce(
        records.len(),
        |row| rows.row(row),
        is_delete,
        &aside,
        op,
    ))
}

/// The key of each row as comparable bytes; `None` without key columns.
///
/// # Errors
/// As [`steps`].
pub(crate) fn key_bytes(records: &Records, key: &[usize]) -> Result<Option<Vec<Box<[u8]>>>> {
    if key.is_empty() {
        return Ok(None);
    }
    let rows = comparable(&key_columns(records, key))?;
    Ok(Some(rows.iter().map(|row| row.as_ref().into()).collect()))
}

fn key_columns(records: &Records, key: &[usize]) -> Vec<ArrayRef> {
    let columns = key.iter().map(|i| records.batch().column(*i).clone());
    columns.collect()
}

pub(crate) fn comparable(columns: &[ArrayRef]) -> Result<arrow_row::Rows> {
    let unsupported = |e| {
        Error::new(
            ErrorKind::Unsupported,
            "key columns of these types cannot be compared",
        )
        .with_source(e)
    };
    let fields = columns
        .iter()
        .map(|column| SortField::new(column.data_type().clone()))
        .collect();
    RowConverter::new(fields)
        .and_then(|converter| converter.convert_columns(columns))
        .map_err(unsupported)
}

fn deletes_of(records: &Records) -> impl Fn(usize) -> bool {
    let ops = records.ops();
    |row| ops.get(row) == Op::Delete
}

fn all(records: &Records, op: WriteOp) -> Vec<Step> {
    let op = match records.ops().uniform() {
        Some(Op::Delete) => WriteOp::Delete,
        _ => op,
    };
    let rows = Rows::Range(0..records.len());
    vec![Step { op, rows }]
}

fn rejections(records: &Records, key: &[usize], deletes: bool) -> Vec<(usize, Rejection)> {
    let columns: Vec<(usize, &ArrayRef)> = key
        .iter()
        .map(|i| (*i, records.batch().column(*i)))
        .filter(|(_, column)| column.null_count() > 0)
        .collect();
    let no_deletes = match records.ops().uniform() {
        Some(op) => op != Op::Delete,
        None => false,
    };
    if columns.is_empty() && (deletes || no_deletes) {
        return Vec::new();
    }
    let is_delete = deletes_of(records);
    let refusal = |row: usize| {
        if !deletes && is_delete(row) {
            return Some((row, Rejection::Delete));
        }
        let null = columns.iter().find(|(_, column)| column.is_null(row))?;
        Some((row, Rejection::NullKey(null.0)))
    };
    (0..records.len()).filter_map(refusal).collect()
}

/// The rows in order without those in `out`, grouped by contiguous operations.
fn runs(records: &Records, out: &[usize], insert: WriteOp) -> Vec<Step> {
    let is_delete = deletes_of(records);
    let mut out = out.iter().copied().peekable();
    let mut steps: Vec<Step> = Vec::new();
    for row in 0..records.len() {
        if out.next_if_eq(&row).is_some() {
            continue;
        }
        let op = if is_delete(row) {
            WriteOp::Delete
        } else {
            insert
        };
        match steps.last_mut() {
            Some(Step {
                op: last,
                rows: Rows::Range(range),
            }) if *last == op && range.end == row => range.end = row + 1,
            _ => steps.push(Step {
                op,
                rows: Rows::Range(row..row + 1),
            }),
        }
    }
    steps
}

/// The last operation of a key, while rows are read backwards.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Row,
    Delete,
}

/// Reduces the rows without those in `out` (ascending).
fn reduce<K: Hash + Eq>(
    rows: usize,
    key: impl Fn(usize) -> K,
    is_delete: impl Fn(usize) -> bool,
    out: &[usize],
    op: WriteOp,
) -> Vec<Step> {
    let mut seen: HashMap<K, Seen> = HashMap::with_capacity(rows);
    let (mut writes, mut deletes) = (Vec::with_capacity(rows), Vec::new());
    let mut out = out.iter().rev().copied().peekable();
    for row in (0..rows).rev() {
        if out.next_if_eq(&row).is_some() {
            continue;
        }
        let index = u32::try_from(row).unwrap_or(u32::MAX);
        match (seen.entry(key(row)), is_delete(row)) {
            (Entry::Vacant(entry), false) => {
                entry.insert(Seen::Row);
                writes.push(index);
            }
            (Entry::Vacant(entry), true) => {
                entry.insert(Seen::Delete);
                deletes.push(index);
            }
            // Deleted, then written: columns that the records lack must not keep their old values.
            (Entry::Occupied(mut entry), true) if *entry.get() == Seen::Row => {
                entry.insert(Seen::Delete);
                deletes.push(index);
            }
            (Entry::Occupied(_), _) => {}
        }
    }
    let step = |op, mut list: Vec<u32>| {
        list.reverse();
        let rows = if list.len() == rows {
            Rows::Range(0..rows)
        } else {
            Rows::List(list)
        };
        Step { op, rows }
    };
    let writes = (!writes.is_empty()).then(|| step(op, writes));
    let deletes = (!deletes.is_empty()).then(|| step(WriteOp::Delete, deletes));
    // Deletes are done before upserts, so a row that was deleted and inserted again is replaced. An
    // update does not insert a row, so there deletes are done last.
    let ordered = if op == WriteOp::Update {
        [writes, deletes]
    } else {
        [deletes, writes]
    };
    ordered.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
