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
    let mut rejected_rows = Vec::new();
    for step in steps {
        let mut keys = std::collections::BTreeSet::new();
        for index in indexes(&step.rows) {
            let (key, value) = rows[index];
            assert!(keys.insert(key), "a key twice in one write");
            if is_refused(rows[index]) && step.op != WriteOp::Delete {
                rejected_rows.push(index);
            } else {
                apply(table, step.op, key.unwrap(), value);
            }
        }
    }
    rejected_rows
}

fn reduced(table: &mut Table, rows: &[Row], op: WriteOp, kind: Kind) -> Vec<usize> {
    let records = records(rows, kind);
    let Steps {
        steps,
        rejected_rows,
    } = steps(&records, &[0], op, true).unwrap();
    let mut out: Vec<usize> = rejected_rows.iter().map(|(row, _)| *row).collect();
    let mut newly = write(table, rows, &steps);
    while !newly.is_empty() {
        let last = newly.clone();
        out.append(&mut newly);
        out.sort_unstable();
        let steps = steps_for_previous(&records, &[0], op, &last, &out).unwrap();
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
        let Steps { steps, rejected_rows } = steps(&records, &[0], WriteOp::Insert, true).unwrap();
        let mut all: Vec<usize> = steps.iter().flat_map(|s| indexes(&s.rows)).collect();
        prop_assert!(all.is_sorted());
        all.extend(rejected_rows.iter().map(|(row, _)| *row));
        all.sort_unstable();
        prop_assert_eq!(all, (0..rows.len()).collect::<Vec<_>>());
    }
}

#[test]
fn distinct_keys_are_written_in_place() {
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
    assert_eq!(steps.rejected_rows, [(0, Rejection::Delete)]);
    assert_eq!(indexes(&steps.steps[0].rows), [1]);
}
