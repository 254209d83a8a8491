//! Ordered reduction: of the rows of a key, only those that decide what is left in the table (G2).
use arrow_row::{RowConverter, SortField};
use connect_api::{
    Error, ErrorKind, Kind, Op, Records, Result,
    arrow::array::{Array, ArrayRef, cast::AsArray as _, types::Int64Type},
};
use dialect_core::WriteOp;
use hashbrown::{HashMap, HashSet, hash_map::Entry};
use std::{hash::Hash, ops::Range};

/// Rows of some records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rows {
    /// One after the other.
    Range(Range<usize>),
    /// By index, ascending.
    List(Vec<u32>),
}

/// Rows that are written the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) op: WriteOp,
    pub(crate) rows: Rows,
}

/// Why a row is not written at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// NULL in this column of the key.
    NullKey(usize),
    /// It is a delete, and deletes are not enabled.
    Delete,
}

/// What is to be done with the rows of a batch, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) steps: Vec<Step>,
    /// Rows that are refused, ascending.
    pub(crate) refused: Vec<(usize, Refusal)>,
}

/// Decides what is done with the rows of `records`: `op` for those that are no deletes. `key` has
/// the indexes of the key columns.
///
/// Upserts and updates of one key become the last of them, as every row has all columns of the
/// batch. Inserts stay what they are, in order: a key that comes twice is the table's to judge.
///
/// # Errors
/// `Unsupported`: key columns of a kind that cannot be compared.
pub(crate) fn steps(records: &Records, key: &[usize], op: WriteOp, deletes: bool) -> Result<Steps> {
    let refused = refusals(records, key, deletes);
    let out: Vec<usize> = refused.iter().map(|(row, _)| *row).collect();
    let steps = if op == WriteOp::Insert {
        runs(records, &out)
    } else {
        let columns = key_columns(records, key);
        let is_delete = deletes_of(records);
        match columns.as_slice() {
            [column] if records.schema().kinds()[key[0]] == Kind::Int64 => {
                let keys = column.as_primitive::<Int64Type>().values();
                let ascending = keys.windows(2).all(|pair| pair[0] < pair[1]);
                if ascending && refused.is_empty() && records.ops().uniform().is_some() {
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
    Ok(Steps { steps, refused })
}

/// As [`steps`], for the rows with the keys of the rows `keys_of` alone, those in `out` (ascending)
/// left aside.
///
/// # Errors
/// As [`steps`].
pub(crate) fn steps_before(
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

fn key_columns(records: &Records, key: &[usize]) -> Vec<ArrayRef> {
    let columns = key.iter().map(|i| records.batch().column(*i).clone());
    columns.collect()
}

fn comparable(columns: &[ArrayRef]) -> Result<arrow_row::Rows> {
    let wrong = |e| Error::new(ErrorKind::Unsupported, "key columns of such types").with_source(e);
    let fields = columns
        .iter()
        .map(|column| SortField::new(column.data_type().clone()))
        .collect();
    RowConverter::new(fields)
        .and_then(|converter| converter.convert_columns(columns))
        .map_err(wrong)
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

fn refusals(records: &Records, key: &[usize], deletes: bool) -> Vec<(usize, Refusal)> {
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
            return Some((row, Refusal::Delete));
        }
        let null = columns.iter().find(|(_, column)| column.is_null(row))?;
        Some((row, Refusal::NullKey(null.0)))
    };
    (0..records.len()).filter_map(refusal).collect()
}

/// Rows in their order but those in `out`, those of one op after another together.
fn runs(records: &Records, out: &[usize]) -> Vec<Step> {
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
            WriteOp::Insert
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

/// What was seen of a key, from the last row backwards.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Row,
    Delete,
}

/// Reduces the rows but those in `out`, both ascending.
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
            // Deleted, then written: what the records do not have must not stay from before.
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
    // A row that was deleted and came again is deleted, then written. An update does not bring a
    // row back: there the delete comes last, whatever the order was.
    let ordered = if op == WriteOp::Update {
        [writes, deletes]
    } else {
        [deletes, writes]
    };
    ordered.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::{ConnectRecord, Schema, Value};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Key and value; a delete has no value.
    type Row = (Option<i64>, Option<i64>);

    fn records(rows: &[Row], key: Kind) -> Records {
        let fields = [key.clone().field("k", true), Kind::Int64.field("v", true)];
        let schema = Schema::new("t", fields, &[]).unwrap();
        let key_value = |k: i64| match key {
            Kind::Int64 => Value::Int(k),
            _ => Value::Text(k.to_string().into()),
        };
        let rows = rows.iter().map(|(k, v)| ConnectRecord {
            values: vec![k.map_or(Value::Null, key_value), (*v).into()],
            op: if v.is_some() { Op::Update } else { Op::Delete },
            ..ConnectRecord::default()
        });
        Records::from_rows("t".into(), schema, rows).unwrap()
    }

    /// A table whose rows have, beside the value, a column that no record has.
    type Table = BTreeMap<i64, (i64, i64)>;

    fn apply(table: &mut Table, op: WriteOp, key: i64, value: Option<i64>) {
        match (op, value) {
            (WriteOp::Delete, _) => {
                table.remove(&key);
            }
            (WriteOp::Update, Some(v)) => {
                table.entry(key).and_modify(|row| row.0 = v);
            }
            (_, Some(v)) => table.entry(key).or_insert((v, 0)).0 = v,
            (_, None) => unreachable!("a write without a value"),
        }
    }

    /// Values below zero are refused by the table.
    fn is_refused(row: Row) -> bool {
        row.1.is_some_and(|v| v < 0)
    }

    fn one_after_the_other(table: &mut Table, rows: &[Row], op: WriteOp) {
        for row in rows.iter().filter(|row| !is_refused(**row)) {
            if let (Some(key), value) = *row {
                let op = if value.is_none() { WriteOp::Delete } else { op };
                apply(table, op, key, value);
            }
        }
    }

    fn indexes(rows: &Rows) -> Vec<usize> {
        match rows {
            Rows::Range(range) => range.clone().collect(),
            Rows::List(list) => list.iter().map(|i| *i as usize).collect(),
        }
    }

    fn write(table: &mut Table, rows: &[Row], steps: &[Step]) -> Vec<usize> {
        let mut refused = Vec::new();
        for step in steps {
            let mut keys = std::collections::BTreeSet::new();
            for index in indexes(&step.rows) {
                let (key, value) = rows[index];
                assert!(keys.insert(key), "a key twice in one write");
                if is_refused(rows[index]) && step.op != WriteOp::Delete {
                    refused.push(index);
                } else {
                    apply(table, step.op, key.unwrap(), value);
                }
            }
        }
        refused
    }

    fn reduced(table: &mut Table, rows: &[Row], op: WriteOp, kind: Kind) -> Vec<usize> {
        let records = records(rows, kind);
        let Steps { steps, refused } = steps(&records, &[0], op, true).unwrap();
        let mut out: Vec<usize> = refused.iter().map(|(row, _)| *row).collect();
        let mut newly = write(table, rows, &steps);
        while !newly.is_empty() {
            let last = newly.clone();
            out.append(&mut newly);
            out.sort_unstable();
            let steps = steps_before(&records, &[0], op, &last, &out).unwrap();
            newly = write(table, rows, &steps);
        }
        out
    }

    fn batches() -> impl Strategy<Value = Vec<Row>> {
        let key = prop_oneof![9 => (0i64..8).prop_map(Some), 1 => Just(None)];
        let value = prop_oneof![3 => (-2i64..9).prop_map(Some), 1 => Just(None)];
        prop::collection::vec((key, value), 0..40)
    }

    fn before() -> Table {
        (0..4).map(|key| (key, (100, 7))).collect()
    }

    proptest! {
        #[test]
        fn reduced_rows_leave_what_all_rows_one_after_the_other_leave(
            rows in batches(),
            op in prop_oneof![Just(WriteOp::Upsert), Just(WriteOp::Update)],
            kind in prop_oneof![Just(Kind::Int64), Just(Kind::Text)],
        ) {
            let (mut expected, mut table) = (before(), before());
            one_after_the_other(&mut expected, &rows, op);
            let out = reduced(&mut table, &rows, op, kind);
            prop_assert_eq!(&table, &expected);
            for (index, (key, _)) in rows.iter().enumerate() {
                prop_assert!(key.is_some() || out.contains(&index), "a NULL key is handed back");
            }
        }

        #[test]
        fn a_part_that_comes_twice_leaves_the_same_table(
            rows in batches(), cut in 0usize..40, op in prop_oneof![Just(WriteOp::Upsert), Just(WriteOp::Update)],
        ) {
            let (mut once, mut twice) = (before(), before());
            reduced(&mut once, &rows, op, Kind::Int64);
            reduced(&mut twice, &rows[..cut.min(rows.len())], op, Kind::Int64);
            reduced(&mut twice, &rows, op, Kind::Int64);
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn inserts_keep_every_row_and_their_order(rows in batches()) {
            let records = records(&rows, Kind::Int64);
            let Steps { steps, refused } = steps(&records, &[0], WriteOp::Insert, true).unwrap();
            let mut all: Vec<usize> = steps.iter().flat_map(|s| indexes(&s.rows)).collect();
            prop_assert!(all.is_sorted());
            all.extend(refused.iter().map(|(row, _)| *row));
            all.sort_unstable();
            prop_assert_eq!(all, (0..rows.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn different_keys_are_written_where_they_stand() {
        let rows = [(Some(3), Some(1)), (Some(5), Some(1)), (Some(4), Some(1))];
        for rows in [&rows[..2], &rows[..]] {
            let steps = steps(&records(rows, Kind::Int64), &[0], WriteOp::Upsert, false).unwrap();
            let whole = Step {
                op: WriteOp::Upsert,
                rows: Rows::Range(0..rows.len()),
            };
            assert_eq!(steps.steps, [whole]);
        }
    }

    #[test]
    fn deletes_that_are_not_enabled_are_handed_back() {
        let records = records(&[(Some(1), None), (Some(2), Some(1))], Kind::Int64);
        let steps = steps(&records, &[0], WriteOp::Upsert, false).unwrap();
        assert_eq!(steps.refused, [(0, Refusal::Delete)]);
        assert_eq!(indexes(&steps.steps[0].rows), [1]);
    }
}
