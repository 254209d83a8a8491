//! Rejected rows: by their values, or by a schema mismatch.
use crate::harness::*;
use connect_api::{ConnectRecord, ErrorKind, Kind, Op, Records, Schema, Value};

const PEOPLE: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, \
    CONSTRAINT decent CHECK (name <> 'bad'))";
const UPSERT: [(&str, &str); 3] = [
    ("insert.mode", "upsert"),
    ("pk.mode", "record_key"),
    ("delete.enabled", "true"),
];

/// Writes until a row is rejected; returns that row.
async fn until_refused(run: &mut Run, records: &Records) -> Option<usize> {
    let outcome = run.task.put_until_refused(records).await.unwrap();
    let rejected = outcome.rejected.first();
    assert!(outcome.rejected.len() <= 1, "{outcome:?}");
    assert_eq!(outcome.written, rejected.map_or(records.len(), |r| r.row));
    rejected.map(|r| r.row)
}

#[tokio::test]
async fn rows_behind_the_first_rejected_row_are_not_written() {
    for (mode, bad) in [
        ("insert", vec![0]),
        ("insert", vec![500]),
        ("insert", vec![999, 998]),
        ("upsert", vec![1, 700]),
    ] {
        let database = Database::sqlite(&[PEOPLE]).await;
        let settings = [
            ("insert.mode", mode),
            ("pk.mode", "record_key"),
            ("batch.size", "64"),
        ];
        let mut run = database.start(&settings).await;
        let mut values: Vec<(i64, Option<&str>)> = (0..1000).map(|id| (id, Some("x"))).collect();
        let first = *bad.iter().min().unwrap();
        for row in bad {
            values[row].1 = Some("bad");
        }
        let records = rows("people", &values);
        assert_eq!(until_refused(&mut run, &records).await, Some(first));
        assert_eq!(database.rows("people").await.len(), first);
        // A retry stops at the same row.
        let rest = records.slice(first..1000);
        assert_eq!(until_refused(&mut run, &rest).await, Some(0));
        assert_eq!(database.rows("people").await.len(), first);
    }
}

#[tokio::test]
async fn a_duplicate_key_stops_an_insert_at_the_second_row() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&[]).await;
    let names = [
        (1, Some("a")),
        (2, Some("b")),
        (1, Some("c")),
        (3, Some("d")),
    ];
    let rejected = until_refused(&mut run, &rows("people", &names)).await;
    assert_eq!(rejected, Some(2));
    assert_eq!(database.rows("people").await, ["1 a", "2 b"]);
}

#[tokio::test]
async fn a_schema_mismatch_rejects_its_rows() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&UPSERT).await;
    let int = |name: &str| Kind::Int64.field(name, true);
    let text = |name: &str| Kind::Text.field(name, true);
    let other = || Value::from("x");
    let cases = [
        // The key column is missing.
        (
            vec![int("number"), text("name")],
            vec![1.into(), other()],
            "key column `id`",
        ),
        // A NOT NULL column is missing.
        (vec![int("id")], vec![1.into()], "column `name` is NOT NULL"),
        // The table lacks a column.
        (
            vec![int("id"), text("name"), text("extra")],
            vec![1.into(), other(), other()],
            "no column `extra`",
        ),
    ];
    for (fields, values, why) in cases {
        let schema = Schema::new("other", fields, &[]).unwrap();
        let record = || ConnectRecord {
            values: values.clone(),
            ..ConnectRecord::default()
        };
        let records = Records::from_rows("people".into(), schema, [record(), record()]).unwrap();
        let outcome = run.try_put(&records).await.unwrap();
        let rejected: Vec<usize> = outcome.rejected.iter().map(|r| r.row).collect();
        assert_eq!(rejected, [0, 1]);
        let error = &outcome.rejected[1].error;
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert!(error.report().contains(why), "{}", error.report());
        assert_eq!(until_refused(&mut run, &records).await, Some(0));
    }
    // Rows that match are still written.
    assert!(run.put(&rows("people", &[(1, Some("a"))])).await.is_empty());
    assert_eq!(database.rows("people").await, ["1 a"]);
}

#[tokio::test]
async fn deletes_among_rows_with_a_schema_mismatch_are_done() {
    for until in [false, true] {
        let filled = "INSERT INTO people VALUES (1, 'a'), (2, 'b'), (3, 'c')";
        let database = Database::sqlite(&[PEOPLE, filled]).await;
        let mut run = database.start(&UPSERT).await;
        let fields = ["id", "extra"].map(|name| Kind::Int64.field(name, true));
        let schema = Schema::new("other", fields, &[]).unwrap();
        let record = |(id, op): (i64, Op)| ConnectRecord {
            values: vec![id.into(), Value::Null],
            op,
            ..ConnectRecord::default()
        };
        let ops = [(1, Op::Delete), (2, Op::Read), (3, Op::Delete)];
        let records = Records::from_rows("people".into(), schema, ops.map(record)).unwrap();
        if until {
            assert_eq!(until_refused(&mut run, &records).await, Some(1));
            assert_eq!(database.rows("people").await, ["2 b", "3 c"]);
        } else {
            let rejected = run.put(&records).await;
            assert_eq!(rejected.len(), 1);
            assert_eq!(rejected[0].0, 1);
            assert_eq!(database.rows("people").await, ["2 b"]);
        }
    }
}

#[tokio::test]
async fn a_dropped_table_does_not_reject_rows() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&UPSERT).await;
    run.task.target("people").await.unwrap();
    database.execute("DROP TABLE people").await;
    let error = run.try_put(&rows("people", &[(1, Some("a"))])).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Schema);
}

#[tokio::test]
async fn rows_that_no_table_can_be_created_for_are_rejected_and_the_next_create_it() {
    let database = Database::sqlite(&[]).await;
    let create = [("auto.create", "true"), ("pk.fields", "id")];
    let settings: Vec<_> = UPSERT.iter().chain(&create).copied().collect();
    let mut run = database.start(&settings).await;
    let schema = Schema::new("other", [Kind::Text.field("a", true)], &[]).unwrap();
    let records = of("people", &schema, [[Value::from("no id")]]);
    let rejected = run.put(&records).await;
    assert!(rejected[0].1.contains("`id`"), "{}", rejected[0].1);
    assert!(run.put(&rows("people", &[(1, Some("a"))])).await.is_empty());
    assert_eq!(database.rows("people").await, ["1 a"]);
}
