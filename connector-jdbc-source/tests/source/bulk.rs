//! Bulk mode: whole tables, repeatedly.
use crate::harness::*;
use connect_api::{Offset, Polled, Value};
use std::sync::Arc;

const BULK: [(&str, &str); 4] = [
    ("mode", "bulk"),
    ("table.whitelist", "t"),
    ("batch.max.rows", "2"),
    ("poll.interval.ms", "3600000"),
];
const KEYED: &str =
    "CREATE TABLE t (a TEXT NOT NULL, b BIGINT NOT NULL, c BIGINT, PRIMARY KEY (a, b))";
const ROWS: &str =
    "INSERT INTO t VALUES ('x', 2, 3), ('x', 1, 2), ('y', -5, 4), ('w', 9, 1), ('z', 0, 5)";

#[tokio::test]
async fn a_table_with_a_key_is_read_in_pages_and_resumes_between_them() {
    let database = Database::sqlite(&[KEYED, ROWS]).await;
    let settings = database.settings(&BULK);
    let store: Arc<Store> = Arc::default();
    let mut read = Vec::new();
    for _ in 0..3 {
        let mut run = Run::start(&settings, &store).await;
        read.extend(numbers(&[run.page().await.unwrap()], "c"));
        let offset = store.all().pop().unwrap().1;
        match read.len() {
            2 => assert_eq!(
                offset,
                Offset::from([
                    ("key.a".into(), "x".into()),
                    ("key.b".into(), Value::Int(1)),
                    ("snapshot.rows".into(), Value::UInt(2))
                ])
            ),
            5 => assert_eq!(offset, Offset::new(), "the next reading begins anew"),
            _ => {}
        }
        run.stop().await;
    }
    assert_eq!(read, [1, 2, 3, 4, 5]);
    let mut run = Run::start(&settings, &store).await;
    assert_eq!(numbers(&run.drain().await, "c"), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn the_next_bulk_read_starts_after_the_poll_interval() {
    let database = Database::sqlite(&[KEYED, ROWS]).await;
    let mut settings = database.settings(&BULK);
    settings.set("poll.interval.ms", "1");
    let mut run = Run::start(&settings, &Arc::default()).await;
    let mut read = Vec::new();
    while read.len() < 15 {
        if let Polled::Records(page) = run.poll().await.unwrap() {
            read.extend(numbers(&[page], "c"));
        }
    }
    assert_eq!(read, [1, 2, 3, 4, 5].repeat(3));
    run.stop().await;
}

#[tokio::test]
async fn a_table_without_a_key_is_read_with_one_statement() {
    let database = Database::sqlite(&[
        "CREATE TABLE t (c BIGINT, note TEXT)",
        "INSERT INTO t VALUES (1, NULL), (1, NULL), (2, 'x'), (NULL, 'y'), (3, 'z')",
    ])
    .await;
    let settings = database.settings(&BULK);
    let mut run = Run::start(&settings, &Arc::default()).await;
    let mut pages = Vec::new();
    loop {
        match run.poll().await.unwrap() {
            Polled::Records(page) => pages.push(page),
            Polled::Idle(_) => break,
            Polled::Refused { error, .. } => panic!("{}", error.report()),
            Polled::Finished => panic!("finished"),
        }
    }
    assert_eq!(pages.iter().map(|p| p.len()).sum::<usize>(), 5);
    assert!(pages.iter().all(|p| p.len() <= 2 && p.position().is_none()));
    assert!(pages[0].schema().key().is_empty());
    run.stop().await;
}

#[tokio::test]
async fn a_stopped_result_stream_leaves_nothing_behind() {
    let database = Database::sqlite(&[
        "CREATE TABLE t (c BIGINT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
         INSERT INTO t SELECT i FROM n",
    ])
    .await;
    let mut run = Run::start(&database.settings(&BULK), &Arc::default()).await;
    assert_eq!(run.page().await.unwrap().len(), 2);
    run.stop().await;
    // A reader that still runs would hold a lock.
    database.execute("DROP TABLE t").await;
}

#[tokio::test]
async fn a_nullable_key_is_not_used_for_pagination() {
    let database = Database::sqlite(&[
        "CREATE TABLE t (a TEXT PRIMARY KEY, c BIGINT)",
        "INSERT INTO t VALUES ('x', 1), (NULL, 2), (NULL, 3)",
    ])
    .await;
    let mut run = Run::start(&database.settings(&BULK), &Arc::default()).await;
    let mut read = numbers(&run.drain().await, "c");
    read.sort_unstable();
    assert_eq!(read, [1, 2, 3]);
}
