//! Queries instead of tables.
use crate::harness::*;
use connect_api::{Offset, Value};
use std::{num::NonZeroU32, sync::Arc};

const TABLES: [&str; 4] = [
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer BIGINT NOT NULL)",
    "CREATE TABLE lines (of BIGINT NOT NULL, price BIGINT NOT NULL)",
    "INSERT INTO orders VALUES (1, 7), (2, 7), (3, 8), (4, 9), (5, 9)",
    "INSERT INTO lines VALUES (1, 10), (1, 20), (2, 5), (3, 1), (4, 100), (5, 1), (5, 2)",
];
/// With a condition, grouping and a comment.
const QUERY: &str = "SELECT o.id AS id, sum(l.price) AS total \
    FROM orders o JOIN lines l ON l.of = o.id WHERE customer < 9 GROUP BY o.id -- the end";
const INCREMENTING: [(&str, &str); 5] = [
    ("query", QUERY),
    ("mode", "incrementing"),
    ("incrementing.column.name", "id"),
    ("topic.prefix", "totals"),
    ("batch.max.rows", "2"),
];

#[tokio::test]
async fn new_rows_of_a_query_are_read_once() {
    let database = Database::sqlite(&TABLES).await;
    let mut settings = database.settings(&INCREMENTING);
    let store = Arc::default();
    let mut run = Run::start(&settings, &store).await;
    let pages = run.drain().await;
    assert_eq!(numbers(&pages, "id"), [1, 2, 3]);
    assert!(pages.iter().all(|page| page.len() <= 2));
    let (topic, schema) = (pages[0].topic(), pages[0].schema());
    assert_eq!(
        (&**topic, schema.name(), schema.key()),
        ("totals", "totals", &[0][..])
    );
    let (partition, offset) = store.all().pop().unwrap();
    assert_eq!(partition, [("query".into(), "query".into())].into());
    assert_eq!(
        offset,
        Offset::from([("incrementing".into(), Value::Int(3))])
    );
    run.stop().await;
    for sql in [
        "INSERT INTO orders VALUES (6, 1)",
        "INSERT INTO lines VALUES (6, 4)",
    ] {
        database.execute(sql).await;
    }
    let mut run = Run::start(&settings, &store).await;
    assert_eq!(numbers(&run.drain().await, "id"), [6]);
    run.stop().await;
    settings.set("offset.suffix", "anew");
    let mut run = Run::start(&settings, &store).await;
    assert_eq!(numbers(&run.drain().await, "id"), [1, 2, 3, 6]);
    run.stop().await;
}

#[tokio::test]
async fn a_query_is_one_task_and_one_statement_in_bulk_mode() {
    let database = Database::sqlite(&TABLES).await;
    let settings = database.settings(&[
        (
            "query",
            "SELECT customer, count(*) AS orders FROM orders GROUP BY customer ORDER BY 1",
        ),
        ("mode", "bulk"),
        ("topic.prefix", "customers"),
        ("poll.interval.ms", "3600000"),
    ]);
    let tasks = connector()
        .plan(&settings, NonZeroU32::new(4).unwrap())
        .await;
    assert_eq!(tasks.unwrap().len(), 1);
    let mut run = Run::start(&settings, &Arc::default()).await;
    let pages = run.drain().await;
    assert_eq!(numbers(&pages, "customer"), [7, 8, 9]);
    assert_eq!(numbers(&pages, "orders"), [2, 1, 2]);
    assert!(pages[0].schema().key().is_empty());
    run.stop().await;
}

#[tokio::test]
async fn a_suffix_ends_every_query() {
    let database = Database::sqlite(&TABLES).await;
    let pairs = [
        ("mode", "incrementing"),
        ("table.whitelist", "orders"),
        ("query.suffix", "OFFSET 1"),
    ];
    let mut run = Run::start(&database.settings(&pairs), &Arc::default()).await;
    let page = run.page().await.unwrap();
    assert_eq!(numbers(&[page], "id"), [2, 3, 4, 5]);
    run.stop().await;
}

#[tokio::test]
async fn query_errors_are_reported_before_the_first_row() {
    let database = Database::sqlite(&TABLES).await;
    for (query, column, words) in [
        ("SELECT id FROM nothing", "id", "nothing"),
        (
            "SELECT id FROM orders",
            "idd",
            "the query: incrementing column `idd` does not exist",
        ),
        ("SELECT id AS a, customer AS a FROM orders", "a", "`a`"),
    ] {
        let mut settings = database.settings(&INCREMENTING);
        settings.set("query", query);
        settings.set("incrementing.column.name", column);
        let message = connector().check(&settings).await.to_string();
        assert!(message.contains(words), "{query}: {message}");
    }
}

#[tokio::test]
async fn servers_read_queries_too() {
    for variable in ["CONNECT_TEST_POSTGRES_URL", "CONNECT_TEST_MYSQL_URL"] {
        let database = Database::server(variable);
        let table = unique("query");
        for sql in [
            format!("CREATE TABLE {table} (id bigint PRIMARY KEY, grp bigint NOT NULL)"),
            format!("INSERT INTO {table} VALUES (1, 1), (2, 1), (3, 2), (4, 3), (5, 3)"),
        ] {
            database.execute(&sql).await;
        }
        let query = format!("SELECT grp AS grp, count(*) AS members FROM {table} GROUP BY grp");
        let mut settings = database.settings(&INCREMENTING);
        settings.set("query", query);
        settings.set("incrementing.column.name", "grp");
        settings.set("gap.safe", "false");
        let store = Arc::default();
        let mut run = Run::start(&settings, &store).await;
        let first = run.page().await.unwrap();
        assert_eq!(numbers(&[first], "grp"), [1, 2], "{variable}");
        run.stop().await;
        let mut run = Run::start(&settings, &store).await;
        let rest = run.drain().await;
        assert_eq!(
            (numbers(&rest, "grp"), numbers(&rest, "members")),
            (vec![3], vec![2])
        );
        run.stop().await;
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}
