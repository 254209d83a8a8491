//! Readings: their bounds, and leaving them.
use crate::place::Database;
use connect_api::{Kind, Schema, SchemaRef, Value, arrow::array::RecordBatch};
use dialect_core::{SqliteDates, Statement};
use std::{
    future::Future as _,
    pin::pin,
    task::{Context, Waker},
    time::{Duration, Instant},
};

const MANY: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)";

fn statement(sql: &str) -> Statement {
    Statement {
        sql: format!("{MANY} {sql}"),
        params: Vec::new(),
    }
}

fn schema() -> SchemaRef {
    Schema::new("n", [Kind::Int64.field("i", true)], &[]).unwrap()
}

fn first(batch: &RecordBatch) -> Value {
    let records = connect_api::Records::new("t".into(), schema(), batch.clone()).unwrap();
    records.row(0).get(0).to_value()
}

#[tokio::test]
async fn a_cursor_that_is_dropped_leaves_the_connection_usable_at_once() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    let schema = schema();
    // Between two rows, before the first, and in a step that takes minutes.
    for (sql, batches) in [
        ("SELECT i FROM n", 1),
        ("SELECT i FROM n", 0),
        ("SELECT count(*) FROM n", 0),
    ] {
        let statement = statement(sql);
        let began = Instant::now();
        let mut cursor = database
            .connection
            .query(&statement, &schema)
            .await
            .unwrap();
        for _ in 0..batches {
            assert!(cursor.next(10, 1_000).await.unwrap().is_some());
        }
        if batches == 0 {
            // Asked for, and given up.
            let mut next = pin!(cursor.next(10, 1_000));
            let mut nobody = Context::from_waker(Waker::noop());
            let _pending = next.as_mut().poll(&mut nobody);
        }
        drop(cursor);
        database.run("INSERT INTO t DEFAULT VALUES").await;
        assert!(began.elapsed() < Duration::from_secs(20), "{sql}");
    }
    assert_eq!(database.read().await.len(), 3);
}

#[tokio::test]
async fn a_call_that_is_given_up_ends() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    let began = Instant::now();
    let endless = format!("INSERT INTO t {MANY} SELECT i FROM n");
    database.connection.begin().await.unwrap();
    let given_up = tokio::time::timeout(
        Duration::from_millis(50),
        database.connection.execute(&endless),
    );
    given_up.await.unwrap_err();
    database.connection.rollback().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(database.read().await.is_empty());
}

#[tokio::test]
async fn batches_hold_no_more_than_was_asked_for() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    let (schema, statement) = (schema(), statement("SELECT i FROM n LIMIT 1000"));
    let mut cursor = database
        .connection
        .query(&statement, &schema)
        .await
        .unwrap();
    let mut seen = 0;
    // The batch that is read ahead is for more than is then wanted.
    for (rows, bytes, most) in [
        (100, 1_000_000, 100),
        (7, 1_000_000, 7),
        (100, 80, 10),
        (500, 800, 100),
    ] {
        let batch = cursor.next(rows, bytes).await.unwrap().unwrap();
        assert!(batch.num_rows() <= most, "{} for {most}", batch.num_rows());
        assert_eq!(first(&batch), Value::Int(seen + 1));
        seen += batch.num_rows() as i64;
    }
    while let Some(batch) = cursor.next(300, 1_000_000).await.unwrap() {
        assert_eq!(first(&batch), Value::Int(seen + 1));
        seen += batch.num_rows() as i64;
    }
    assert_eq!(seen, 1_000);
    assert!(cursor.next(1, 1).await.unwrap().is_none());
}

#[tokio::test]
async fn a_dropped_connection_undoes_its_transaction() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    let mut other = database.dialect.connect().await.unwrap();
    other.begin().await.unwrap();
    other.execute("INSERT INTO t VALUES (1)").await.unwrap();
    drop(other);
    // Waits for the lock, which goes with the thread.
    database.connection.begin().await.unwrap();
    database.connection.commit().await.unwrap();
    assert!(database.read().await.is_empty());
}
