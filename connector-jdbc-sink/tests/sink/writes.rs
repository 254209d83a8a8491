//! Inserts, upserts, updates and deletes, and rejected rows.
use crate::harness::*;
use connect_api::{ErrorKind, Kind, Schema, Value};

const PEOPLE: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, \
    note TEXT DEFAULT 'new', CONSTRAINT decent CHECK (name <> 'bad'))";
const UPSERT: [(&str, &str); 3] = [
    ("insert.mode", "upsert"),
    ("pk.mode", "record_key"),
    ("delete.enabled", "true"),
];

#[tokio::test]
async fn upserts_and_deletes_leave_the_last_of_each_key() {
    let database = Database::sqlite(&[
        PEOPLE,
        "INSERT INTO people VALUES (1, 'a', 'old'), (2, 'b', 'old'), (3, 'c', 'old')",
    ])
    .await;
    let mut run = database.start(&UPSERT).await;
    let batch = rows(
        "people",
        &[
            (4, Some("d1")),
            (1, Some("a1")),
            (2, None),
            (4, Some("d2")),
            (3, None),
            (3, Some("c1")),
            (5, Some("e")),
            (5, None),
            (9, None),
        ],
    );
    let expected = ["1 a1 old", "3 c1 new", "4 d2 new"];
    assert!(run.put(&batch).await.is_empty());
    assert_eq!(database.rows("people").await, expected);
    assert!(run.put(&batch).await.is_empty());
    assert_eq!(database.rows("people").await, expected, "written twice");
}

#[tokio::test]
async fn rejected_rows_are_found_and_the_others_written() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&[("batch.size", "7")]).await;
    let mut values: Vec<(i64, Option<&str>)> = (0..50).map(|id| (id, Some("x"))).collect();
    values[13].1 = Some("bad");
    values[14].1 = Some("bad");
    values[49].1 = Some("bad");
    let rejected = run.put(&rows("people", &values)).await;
    let indexes: Vec<usize> = rejected.iter().map(|(row, _)| *row).collect();
    assert_eq!(indexes, [13, 14, 49]);
    assert!(
        rejected[0].1.contains("people") && rejected[0].1.contains("decent"),
        "{}",
        rejected[0].1
    );
    assert!(
        !rejected[0].1.contains("bad"),
        "no values in messages: {}",
        rejected[0].1
    );
    assert_eq!(database.rows("people").await.len(), 47);
}

#[tokio::test]
async fn if_the_last_row_of_a_key_is_rejected_the_previous_one_is_written() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&UPSERT).await;
    let batch = [
        (1, Some("good")),
        (1, Some("bad")),
        (2, Some("x")),
        (1, Some("bad")),
    ];
    let rejected = run.put(&rows("people", &batch)).await;
    let indexes: Vec<usize> = rejected.iter().map(|(row, _)| *row).collect();
    assert_eq!(indexes, [1, 3]);
    assert_eq!(database.rows("people").await, ["1 good new", "2 x new"]);
}

#[tokio::test]
async fn an_insert_of_an_existing_key_is_rejected() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&[]).await;
    assert!(run.put(&rows("people", &[(1, Some("a"))])).await.is_empty());
    let again = rows(
        "people",
        &[
            (2, Some("b")),
            (1, Some("z")),
            (3, Some("c")),
            (3, Some("d")),
        ],
    );
    let rejected = run.put(&again).await;
    let indexes: Vec<usize> = rejected.iter().map(|(row, _)| *row).collect();
    assert_eq!(indexes, [1, 3]);
    assert_eq!(
        database.rows("people").await,
        ["1 a new", "2 b new", "3 c new"]
    );
}

#[tokio::test]
async fn insert_ignore_skips_rows_that_conflict_with_a_key() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&[("insert.mode", "insert_ignore")]).await;
    let batch = [(1, Some("a")), (2, Some("b")), (1, Some("z"))];
    for _ in 0..2 {
        assert!(run.put(&rows("people", &batch)).await.is_empty());
        assert_eq!(database.rows("people").await, ["1 a new", "2 b new"]);
    }
    let rejected = run
        .put(&rows("people", &[(3, Some("bad")), (4, Some("d"))]))
        .await;
    assert_eq!(rejected.len(), 1, "other faults stay faults of the row");
    assert_eq!(
        database.rows("people").await,
        ["1 a new", "2 b new", "4 d new"]
    );
}

#[tokio::test]
async fn inserts_and_deletes_of_one_key_keep_their_order() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let settings = [("pk.mode", "record_key"), ("delete.enabled", "true")];
    let mut run = database.start(&settings).await;
    let batch = [
        (1, Some("a")),
        (1, None),
        (1, Some("b")),
        (2, Some("c")),
        (2, None),
    ];
    assert!(run.put(&rows("people", &batch)).await.is_empty());
    assert_eq!(database.rows("people").await, ["1 b new"]);
}

#[tokio::test]
async fn updates_skip_missing_rows() {
    let database = Database::sqlite(&[PEOPLE, "INSERT INTO people VALUES (1, 'a', 'old')"]).await;
    let settings = [("insert.mode", "update"), ("pk.mode", "record_value")];
    let mut run = database.start(&settings).await;
    let batch = [(1, Some("b")), (2, Some("c")), (1, Some("d"))];
    assert!(run.put(&rows("people", &batch)).await.is_empty());
    assert_eq!(database.rows("people").await, ["1 d old"]);
}

#[tokio::test]
async fn deletes_without_delete_enabled_are_rejected_with_advice() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database
        .start(&[("insert.mode", "upsert"), ("pk.mode", "record_key")])
        .await;
    let rejected = run.put(&rows("people", &[(1, Some("a")), (1, None)])).await;
    assert_eq!(rejected.len(), 1);
    assert!(rejected[0].1.contains("tombstone"), "{}", rejected[0].1);
    assert!(
        rejected[0].1.contains("delete.enabled=true"),
        "{}",
        rejected[0].1
    );
    assert_eq!(database.rows("people").await, ["1 a new"]);
}

#[tokio::test]
async fn a_row_with_null_in_the_key_is_rejected() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&UPSERT).await;
    let batch = [[Value::Null, "a".into()], [1.into(), "b".into()]];
    let rejected = run.put(&of("people", &people(), batch)).await;
    let message = "table people: key column `id` is NULL".to_owned();
    assert_eq!(rejected, [(0, message)]);
    assert_eq!(database.rows("people").await, ["1 b new"]);
}

#[tokio::test]
async fn keys_of_many_columns_are_reduced_and_deleted() {
    let database = Database::sqlite(&[
        "CREATE TABLE parts (a TEXT NOT NULL, b BIGINT NOT NULL, c TEXT, PRIMARY KEY (a, b))",
    ])
    .await;
    let fields = [
        Kind::Text.field("c", true),
        Kind::Int64.field("b", true),
        Kind::Text.field("a", true),
    ];
    let schema = Schema::new("parts", fields, &[]).unwrap();
    let row = |a: &str, b: i64, c: &str| [c.into(), b.into(), a.into()];
    let mut run = database.start(&UPSERT).await;
    let batch = [
        row("x", 1, "p"),
        row("x", 2, "q"),
        row("x", 1, "r"),
        row("y", 1, "s"),
    ];
    assert!(run.put(&of("parts", &schema, batch)).await.is_empty());
    assert_eq!(database.rows("parts").await, ["x 1 r", "x 2 q", "y 1 s"]);
    let gone = of("parts", &schema, [[Value::Null, 2.into(), "x".into()]]);
    let gone = gone
        .with_ops(connect_api::Ops::All(connect_api::Op::Delete))
        .unwrap();
    assert!(run.put(&gone).await.is_empty());
    assert_eq!(database.rows("parts").await, ["x 1 r", "y 1 s"]);
}

#[tokio::test]
async fn only_the_whitelisted_fields_and_the_key_are_written() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut settings = UPSERT.to_vec();
    settings.push(("fields.whitelist", "name"));
    let mut run = database.start(&settings).await;
    let fields = [
        Kind::Text.field("note", true),
        Kind::Text.field("name", true),
        Kind::Text.field("stranger", true),
        Kind::Int64.field("ID", true),
    ];
    let schema = Schema::new("people", fields, &[]).unwrap();
    let batch = [["not this".into(), "a".into(), "nor this".into(), 1.into()]];
    assert!(run.put(&of("people", &schema, batch)).await.is_empty());
    assert_eq!(database.rows("people").await, ["1 a new"]);
}

#[tokio::test]
async fn all_missing_columns_are_named() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&[]).await;
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Text.field("nam", true),
        Kind::Text.field("nought", true),
    ];
    let schema = Schema::new("people", fields, &[]).unwrap();
    let batch = of("people", &schema, [[1.into(), "a".into(), "b".into()]]);
    let outcome = run.try_put(&batch).await.unwrap();
    let error = &outcome.rejected[0].error;
    assert_eq!(error.kind(), ErrorKind::Schema);
    let message = error.report();
    for part in ["people", "`nam`", "`nought`", "`name` is NOT NULL"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn a_table_that_changed_is_described_again() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&UPSERT).await;
    assert!(run.put(&rows("people", &[(1, Some("a"))])).await.is_empty());
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Text.field("name", true),
        Kind::Text.field("city", true),
    ];
    let schema = Schema::new("people", fields, &[]).unwrap();
    let batch = of("people", &schema, [[2.into(), "b".into(), "Rome".into()]]);
    assert_eq!(run.put(&batch).await.len(), 1);
    database
        .execute("ALTER TABLE people ADD COLUMN city TEXT")
        .await;
    assert!(run.put(&batch).await.is_empty());
    assert_eq!(database.rows("people").await, ["1 a new -", "2 b new Rome"]);
}

#[tokio::test]
async fn a_put_after_a_dropped_one_connects_again() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&UPSERT).await;
    let values: Vec<(i64, Option<&str>)> = (0..2_000).map(|id| (id, Some("x"))).collect();
    let batch = rows("people", &values);
    for micros in [0, 50, 200, 1_000] {
        let patience = std::time::Duration::from_micros(micros);
        if let Ok(put) = tokio::time::timeout(patience, run.task.put(&batch)).await {
            put.unwrap();
        }
    }
    assert!(run.put(&batch).await.is_empty());
    assert_eq!(database.rows("people").await.len(), 2_000);
    run.task.stop().await.unwrap();
}
