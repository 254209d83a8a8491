//! The three modes that read new rows.
use crate::harness::*;
use connect_api::{Offset, Op, Polled, Value};
use std::{sync::Arc, time::Duration};

const ORDERS: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT NOT NULL, \
    changed TIMESTAMP NOT NULL, gone BOOLEAN NOT NULL DEFAULT FALSE)";

fn insert(ids: std::ops::Range<i64>, changed: &str) -> String {
    let rows = ids.map(|id| format!("({id}, 'n{id}', '{changed}')"));
    let rows = rows.collect::<Vec<_>>().join(", ");
    format!("INSERT INTO orders (id, name, changed) VALUES {rows}")
}

const OLD: &str = "2001-02-03 04:05:06";
const INCREMENTING: [(&str, &str); 3] = [
    ("mode", "incrementing"),
    ("table.whitelist", "orders"),
    ("batch.max.rows", "3"),
];
const TIMESTAMP: [(&str, &str); 5] = [
    ("mode", "timestamp"),
    ("table.whitelist", "orders"),
    ("timestamp.column.name", "changed"),
    ("sqlite.dates", "iso"),
    ("batch.max.rows", "3"),
];

#[tokio::test]
async fn new_rows_are_read_once_including_negative_numbers() {
    let database = Database::sqlite(&[ORDERS, &insert(-4..6, OLD)]).await;
    let settings = database.settings(&INCREMENTING);
    let mut run = Run::start(&settings, &Arc::default()).await;
    let pages = run.drain().await;
    assert_eq!(numbers(&pages, "id"), (-4..6).collect::<Vec<_>>());
    assert!(pages.iter().all(|page| page.len() <= 3));
    assert_eq!(&**pages[0].topic(), "orders");
    let schema = pages[0].schema();
    assert_eq!((schema.name(), schema.key()), ("orders", &[0][..]));
    assert!(run.drain().await.is_empty());
    database.execute(&insert(6..8, OLD)).await;
    assert_eq!(numbers(&run.drain().await, "id"), [6, 7]);
    let (partition, offset) = run.store.all().pop().unwrap();
    assert_eq!(partition, [("table".into(), "orders".into())].into());
    assert_eq!(
        offset,
        Offset::from([("incrementing".into(), Value::Int(7))])
    );
    run.stop().await;
}

#[tokio::test]
async fn a_restart_after_each_page_loses_and_duplicates_nothing() {
    for mode in [&INCREMENTING[..], &TIMESTAMP[..]] {
        let database = Database::sqlite(&[ORDERS, &insert(1..6, OLD), &insert(6..11, OLD)]).await;
        let settings = database.settings(mode);
        let store = Arc::default();
        let mut ids = Vec::new();
        loop {
            let mut run = Run::start(&settings, &store).await;
            let page = run.page().await;
            run.stop().await;
            match page {
                Some(page) => ids.extend(numbers(&[page], "id")),
                None => break,
            }
        }
        assert_eq!(ids, (1..11).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_task_dropped_during_a_poll_continues_with_the_next() {
    let database = Database::sqlite(&[ORDERS, &insert(1..8, OLD)]).await;
    let settings = database.settings(&INCREMENTING);
    let mut run = Run::start(&settings, &Arc::default()).await;
    let mut ids = Vec::new();
    for patience in [0, 20, 50, 100, 200, 500] {
        let poll = tokio::time::timeout(Duration::from_micros(patience), run.poll()).await;
        if let Ok(Ok(Polled::Records(page))) = poll {
            ids.extend(numbers(&[page], "id"));
        }
    }
    ids.extend(numbers(&run.drain().await, "id"));
    assert_eq!(ids, (1..8).collect::<Vec<_>>());
}

#[tokio::test]
async fn equal_timestamps_at_a_page_edge_are_not_skipped() {
    let database = Database::sqlite(&[
        ORDERS,
        &insert(10..18, OLD),
        &insert(1..5, "2002-02-03 04:05:06.5"),
        &insert(5..9, "1969-12-31 23:59:59.999999"),
    ])
    .await;
    let mut run = Run::start(&database.settings(&TIMESTAMP), &Arc::default()).await;
    let pages = run.drain().await;
    let expected: Vec<i64> = (5..9).chain(10..18).chain(1..5).collect();
    assert_eq!(numbers(&pages, "id"), expected);
    let times: Vec<_> = pages
        .iter()
        .flat_map(|p| p.rows())
        .map(|r| r.time())
        .collect();
    assert_eq!(
        times[0],
        Some(-1),
        "event times are milliseconds, rounded down"
    );
    assert_eq!(times[12], Some(1_012_709_106_500));
    // A changed row is read again.
    database
        .execute("UPDATE orders SET changed = '2003-01-01 00:00:00' WHERE id = 12")
        .await;
    assert_eq!(numbers(&run.drain().await, "id"), [12]);
    let offset = run.store.all().pop().unwrap().1;
    assert_eq!(
        offset,
        Offset::from([
            ("timestamp".into(), Value::Timestamp(1_041_379_200_000_000)),
            ("key.id".into(), Value::Int(12)),
        ])
    );
}

#[tokio::test]
async fn timestamps_and_numbers_together_give_the_order() {
    let database = Database::sqlite(&[
        "CREATE TABLE orders (id BIGINT NOT NULL UNIQUE, name TEXT, a TIMESTAMP, \
         changed TIMESTAMP NOT NULL)",
        &insert(5..12, OLD),
        &insert(1..5, "2002-02-03 04:05:06"),
        "UPDATE orders SET a = '2000-01-01 00:00:00' WHERE id = 3",
    ])
    .await;
    let settings = database.settings(&[
        ("mode", "timestamp+incrementing"),
        ("table.whitelist", "orders"),
        ("timestamp.column.name", "a, changed"),
        ("incrementing.column.name", "id"),
        ("sqlite.dates", "iso"),
        ("batch.max.rows", "2"),
    ]);
    let mut run = Run::start(&settings, &Arc::default()).await;
    let pages = run.drain().await;
    let expected: Vec<i64> = [3].into_iter().chain(5..12).chain([1, 2, 4]).collect();
    assert_eq!(numbers(&pages, "id"), expected);
    // Without a primary key the incrementing column is the message key.
    assert_eq!(pages[0].schema().key(), [0]);
    let names: Vec<_> = run.store.all()[0].1.keys().cloned().collect();
    assert_eq!(names, ["incrementing".into(), "timestamp".into()]);
}

#[tokio::test]
async fn rows_newer_than_the_delay_are_read_later() {
    let database = Database::sqlite(&[
        ORDERS,
        &insert(1..3, OLD),
        "INSERT INTO orders (id, name, changed) VALUES (7, 'now', datetime('now', '-60 seconds'))",
    ])
    .await;
    let ids = async |delay: &str| {
        let mut settings = database.settings(&TIMESTAMP);
        settings.set("timestamp.delay.interval.ms", delay);
        let mut run = Run::start(&settings, &Arc::default()).await;
        numbers(&run.drain().await, "id")
    };
    assert_eq!(ids("3600000").await, [1, 2]);
    assert_eq!(ids("0").await, [1, 2, 7]);
}

#[tokio::test]
async fn timestamp_initial_sets_the_start() {
    let database = Database::sqlite(&[
        ORDERS,
        &insert(1..3, OLD),
        &insert(3..5, "2001-02-03 04:05:07"),
    ])
    .await;
    let mut settings = database.settings(&TIMESTAMP);
    // 2001-02-03 04:05:07, inclusive.
    settings.set("timestamp.initial", "981173107000");
    let mut run = Run::start(&settings, &Arc::default()).await;
    assert_eq!(numbers(&run.drain().await, "id"), [3, 4]);

    settings.set("timestamp.initial", "-1");
    let store = Arc::default();
    let mut run = Run::start(&settings, &store).await;
    assert!(run.drain().await.is_empty());
    assert_eq!(store.all().len(), 1, "where it began is stored");
    run.stop().await;
    // Rows inserted while the task is stopped are not skipped.
    let later = "INSERT INTO orders (id, name, changed) \
                 VALUES (9, 'later', strftime('%Y-%m-%d %H:%M:%f', 'now'))";
    database.execute(later).await;
    let mut run = Run::start(&settings, &store).await;
    let mut ids = Vec::new();
    let waited = tokio::time::timeout(DEADLINE, async {
        while ids.is_empty() {
            ids = numbers(&run.drain().await, "id");
        }
    });
    waited.await.unwrap();
    assert_eq!(ids, [9]);
}

#[tokio::test]
async fn soft_deleted_rows_are_sent_as_deletes() {
    let database = Database::sqlite(&[
        ORDERS,
        &insert(1..4, OLD),
        "UPDATE orders SET gone = TRUE WHERE id = 2",
    ])
    .await;
    let mut settings = database.settings(&INCREMENTING);
    settings.set("delete.column.name", "gone");
    let pages = Run::start(&settings, &Arc::default()).await.drain().await;
    assert_eq!(ops(&pages), [Op::Read, Op::Delete, Op::Read]);

    database
        .execute("ALTER TABLE orders ADD COLUMN gone_at TIMESTAMP")
        .await;
    database
        .execute("UPDATE orders SET gone_at = '2001-01-01' WHERE id = 3")
        .await;
    settings.set("delete.column.name", "gone_at");
    settings.set("sqlite.dates", "iso");
    let pages = Run::start(&settings, &Arc::default()).await.drain().await;
    assert_eq!(ops(&pages), [Op::Read, Op::Read, Op::Delete]);

    database
        .execute("ALTER TABLE orders ADD COLUMN gone_number INTEGER")
        .await;
    database
        .execute("UPDATE orders SET gone_number = id - 1")
        .await;
    settings.set("delete.column.name", "gone_number");
    let pages = Run::start(&settings, &Arc::default()).await.drain().await;
    assert_eq!(ops(&pages), [Op::Read, Op::Delete, Op::Delete]);
}

#[tokio::test]
async fn a_page_ends_at_its_bytes_and_nothing_is_lost() {
    let wide = "x".repeat(1_000);
    let database = Database::sqlite(&[ORDERS]).await;
    for from in [1, 51] {
        database
            .execute(&insert(from..from + 50, OLD).replace("'n", &format!("'{wide}")))
            .await;
    }
    let mut settings = database.settings(&INCREMENTING);
    settings.set("batch.max.rows", "1000");
    settings.set("batch.max.bytes", "10000");
    settings.set("poll.interval.ms", "3600000");
    let pages = Run::start(&settings, &Arc::default()).await.drain().await;
    assert_eq!(numbers(&pages, "id"), (1..101).collect::<Vec<_>>());
    assert!(pages.len() >= 9, "{} pages", pages.len());
    assert!(pages.iter().all(|page| page.len() <= 11));
}

#[tokio::test]
async fn tables_are_polled_in_turn_and_each_has_its_topic_and_position() {
    let database = Database::sqlite(&[
        ORDERS,
        &insert(1..8, OLD),
        "CREATE TABLE items (id INTEGER PRIMARY KEY, order_id BIGINT)",
        "INSERT INTO items VALUES (1, 1), (2, 1), (3, 2), (4, 2)",
    ])
    .await;
    let mut settings = database.settings(&INCREMENTING);
    settings.set("table.whitelist", "orders, items");
    settings.set("topic.prefix", "shop-");
    settings.set("offset.suffix", "v2");
    let mut run = Run::start(&settings, &Arc::default()).await;
    let pages = run.drain().await;
    let topics: Vec<_> = pages.iter().map(|page| &**page.topic()).collect();
    assert_eq!(
        topics,
        [
            "shop-orders",
            "shop-items",
            "shop-orders",
            "shop-items",
            "shop-orders"
        ]
    );
    let stored = run.store.all();
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|(p, _)| p["suffix"] == "v2".into()));
    settings.remove("topic.prefix");
    settings.set("connect.topicname", "all");
    settings.set("offset.suffix", "");
    let pages = Run::start(&settings, &run.store).await.drain().await;
    assert_eq!(pages.iter().map(|p| p.len()).sum::<usize>(), 11);
    assert!(pages.iter().all(|page| &**page.topic() == "all"));
}

#[tokio::test]
async fn a_table_without_new_rows_is_not_polled_before_the_interval() {
    let database = Database::sqlite(&[ORDERS, &insert(1..3, OLD)]).await;
    let mut settings = database.settings(&INCREMENTING);
    settings.set("poll.interval.ms", "3600000");
    settings.set("table.poll.interval.ms", "0");
    let mut run = Run::start(&settings, &Arc::default()).await;
    assert_eq!(run.drain().await.len(), 1);
    database.execute(&insert(3..4, OLD)).await;
    match run.poll().await.unwrap() {
        Polled::Idle(pause) => assert!(pause > Duration::from_secs(3_500), "{pause:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_changed_table_is_described_again() {
    let database = Database::sqlite(&[ORDERS, &insert(1..6, OLD)]).await;
    let mut run = Run::start(&database.settings(&INCREMENTING), &Arc::default()).await;
    assert_eq!(numbers(&[run.page().await.unwrap()], "id"), [1, 2, 3]);
    database
        .execute("ALTER TABLE orders DROP COLUMN name")
        .await;
    database
        .execute("ALTER TABLE orders ADD COLUMN note TEXT")
        .await;
    let page = run.page().await.unwrap();
    assert_eq!(page.schema().index_of("name"), None);
    assert!(page.schema().index_of("note").is_some());
    assert_eq!(numbers(&[page], "id"), [4, 5]);
    database.execute("DROP TABLE orders").await;
    let gone = run.poll().await.unwrap_err().report();
    assert!(
        gone.contains("orders") && gone.contains("no longer exists"),
        "{gone}"
    );
}

#[tokio::test]
async fn rows_with_null_are_skipped_only_if_configured() {
    let database = Database::sqlite(&[
        "CREATE TABLE orders (id BIGINT UNIQUE, name TEXT)",
        "INSERT INTO orders VALUES (NULL, 'a'), (1, 'b'), (NULL, 'c'), (2, 'd')",
    ])
    .await;
    let mut settings = database.settings(&INCREMENTING);
    settings.set("incrementing.column.name", "id");
    let refused = refusal(&settings).await;
    assert!(
        refused.contains("incrementing column `id` is nullable"),
        "{refused}"
    );
    assert!(refused.contains("validate.non.null=false"), "{refused}");
    settings.set("validate.non.null", "false");
    let pages = Run::start(&settings, &Arc::default()).await.drain().await;
    assert_eq!(numbers(&pages, "id"), [1, 2]);
}

#[tokio::test]
async fn repeated_numbers_are_ordered_by_the_primary_key() {
    let database = Database::sqlite(&[
        "CREATE TABLE orders (name TEXT NOT NULL PRIMARY KEY, id BIGINT NOT NULL)",
        "INSERT INTO orders VALUES ('a', 1), ('b', 1), ('c', 1), ('d', 1), ('e', 2)",
    ])
    .await;
    let mut settings = database.settings(&INCREMENTING);
    settings.set("incrementing.column.name", "id");
    settings.set("batch.max.rows", "2");
    let mut run = Run::start(&settings, &Arc::default()).await;
    assert_eq!(numbers(&run.drain().await, "id"), [1, 1, 1, 1, 2]);
    let offset = run.store.all().pop().unwrap().1;
    assert_eq!(offset["key.name"], "e".into());
}

#[tokio::test]
async fn a_position_of_another_mode_is_rejected() {
    let database = Database::sqlite(&[ORDERS, &insert(1..3, OLD)]).await;
    let store: Arc<Store> = Arc::default();
    let mut run = Run::start(&database.settings(&INCREMENTING), &store).await;
    run.drain().await;
    let mut settings = database.settings(&TIMESTAMP);
    let refused = Run::try_start(&settings, &store)
        .await
        .map(|_| ())
        .unwrap_err()
        .report();
    assert!(refused.contains("it has `incrementing`"), "{refused}");
    assert!(refused.contains("offset.suffix"), "{refused}");
    settings.set("offset.suffix", "again");
    assert_eq!(
        Run::start(&settings, &store).await.drain().await[0].len(),
        2
    );
}
