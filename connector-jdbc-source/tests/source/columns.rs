//! Columns that are left out, renamed and masked, conditions, and keys.
use crate::harness::*;
use connect_api::{Polled, Records, Value};
use std::sync::Arc;

const PEOPLE: [&str; 2] = [
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, ssn TEXT, born BIGINT, \
     note TEXT, region TEXT NOT NULL, raw BLOB)",
    "INSERT INTO people VALUES (1, 'Äda', '078-05', 1815, 'x', 'EU', x'010203'), \
     (2, 'Bob', NULL, NULL, NULL, 'US', NULL), (3, 'Äda', '219-09', 1815, 'y', 'EU', x'09')",
];

fn settings(database: &Database, more: &[(&str, &str)]) -> connect_api::config::Settings {
    let mut settings = database.settings(&[
        ("table.whitelist", "people"),
        ("mode", "incrementing"),
        ("topic.prefix", "p-"),
    ]);
    more.iter()
        .for_each(|(key, value)| settings.set(*key, *value));
    settings
}

/// Names of the columns, and of those of the key.
fn columns(records: &Records) -> (Vec<&str>, Vec<&str>) {
    let schema = records.schema();
    let name = |i: usize| schema.field(i).name().as_str();
    let all = (0..schema.kinds().len()).map(name).collect();
    (all, schema.key().iter().map(|i| name(*i)).collect())
}

fn values(records: &Records, column: &str) -> Vec<Value> {
    let rows = records.rows();
    rows.map(|row| row.by_name(column).unwrap().to_value())
        .collect()
}

async fn first_page(settings: &connect_api::config::Settings) -> Records {
    let mut run = Run::start(settings, &Arc::default()).await;
    let page = run.page().await.unwrap();
    run.stop().await;
    page
}

async fn faults(settings: &connect_api::config::Settings) -> String {
    connector().check(settings).await.to_string()
}

#[tokio::test]
async fn excluded_columns_are_not_read_nor_those_that_are_added_later() {
    let database = Database::sqlite(&PEOPLE).await;
    // It could not be read.
    database
        .execute("UPDATE people SET born = 'unknown' WHERE id = 2")
        .await;
    let settings = settings(
        &database,
        &[("column.exclude.list", "people.born, s*, raw")],
    );
    let mut run = Run::start(&settings, &Arc::default()).await;
    let page = run.page().await.unwrap();
    let expected = ["id", "name", "note", "region"];
    assert_eq!(columns(&page), (expected.into(), vec!["id"]));
    assert!(run.page().await.is_none());
    for sql in [
        "ALTER TABLE people ADD COLUMN secret TEXT",
        "INSERT INTO people (id, name, region, secret) VALUES (4, 'Cid', 'EU', 'planted')",
    ] {
        database.execute(sql).await;
    }
    let page = run.page().await.unwrap();
    assert_eq!(columns(&page).0, expected);
    assert_eq!(numbers(&[page], "id"), [4]);
    run.stop().await;
    let page = first_page(&{
        let mut settings = settings.clone();
        settings.remove("column.exclude.list");
        settings.set("column.include.list", "id, people.n*, other.region");
        settings
    })
    .await;
    assert_eq!(columns(&page).0, ["id", "name", "note"]);
}

#[tokio::test]
async fn columns_of_the_mode_can_be_read_and_not_sent() {
    let database = Database::sqlite(&[
        "CREATE TABLE people (id INTEGER PRIMARY KEY, code TEXT NOT NULL, gone BOOLEAN NOT NULL, \
         at TIMESTAMP NOT NULL)",
        "INSERT INTO people VALUES (1, 'a', 0, '2020-01-01 00:00:00'), (2, 'b', 1, '2020-01-02 00:00:00')",
    ])
    .await;
    let settings = settings(
        &database,
        &[
            ("mode", "timestamp+incrementing"),
            ("timestamp.column.name", "at"),
            ("delete.column.name", "gone"),
            ("message.key.columns", "code"),
            ("column.include.list", "code"),
            ("sqlite.dates", "iso"),
        ],
    );
    let store = Arc::default();
    let mut run = Run::start(&settings, &store).await;
    let pages = run.drain().await;
    assert_eq!(columns(&pages[0]), (vec!["code"], vec!["code"]));
    let kinds = ops(&pages);
    assert_eq!(kinds, [connect_api::Op::Read, connect_api::Op::Delete]);
    assert_eq!(pages[0].time(0), Some(1_577_836_800_000));
    run.stop().await;
    database
        .execute("INSERT INTO people VALUES (3, 'c', 0, '2020-01-03 00:00:00')")
        .await;
    let mut run = Run::start(&settings, &store).await;
    let pages = run.drain().await;
    assert_eq!(values(&pages[0], "code"), ["c".into()]);
    run.stop().await;
}

#[tokio::test]
async fn values_are_masked_and_columns_renamed() {
    let database = Database::sqlite(&PEOPLE).await;
    let settings = settings(
        &database,
        &[
            ("column.mask.hash", "ssn, id, raw"),
            ("column.mask.hash.salt", "pepper"),
            ("column.mask.truncate", "name:1"),
            ("column.mask.constant", "note:\"a, b\", region:?"),
            ("column.mask.null", "born"),
            ("column.rename", "ssn:person, id:number"),
        ],
    );
    let page = first_page(&settings).await;
    let expected = ["number", "name", "person", "born", "note", "region", "raw"];
    assert_eq!(columns(&page), (expected.into(), vec!["number"]));
    // printf 078-05 | openssl dgst -sha256 -hmac pepper
    let hash = "a2fdc3edeec9f6e72ddc0e860cd7bf8f8a086f5ea9ac4ba9ce334e2229f46778";
    assert_eq!(values(&page, "person")[0], hash.into());
    assert_eq!(values(&page, "person")[1], Value::Null);
    assert_eq!(
        values(&page, "number")[0],
        "13c71d08eed0daa49c1292d5877aad4b1cbc4707a5c631693fe684ebb7b91ebd".into()
    );
    assert_eq!(
        values(&page, "raw")[0],
        "67f14ad533b0da8ffc42bebe5e8d242cc3fbeebd07f2e11ea829cee62a26c5e9".into()
    );
    assert_eq!(values(&page, "name"), ["Ä".into(), "B".into(), "Ä".into()]);
    assert_eq!(
        values(&page, "note"),
        ["a, b", "a, b", "a, b"].map(Value::from)
    );
    assert_eq!(values(&page, "region"), ["?", "?", "?"].map(Value::from));
    assert_eq!(
        values(&page, "born"),
        [Value::Null, Value::Null, Value::Null]
    );
}

#[tokio::test]
async fn masks_that_would_merge_keys_and_missing_columns_are_faults() {
    let database = Database::sqlite(&PEOPLE).await;
    for (key, value, message) in [
        (
            "column.mask.null",
            "id",
            "`column.mask.null`: table people: column `id` is part of the message key, and rows",
        ),
        ("column.mask.constant", "id:1", "rows with different keys"),
        (
            "column.mask.truncate",
            "born:1",
            "has type BIGINT, which cannot be masked like this",
        ),
        (
            "column.mask.constant",
            "born:planted",
            "has type BIGINT, which cannot be masked",
        ),
        (
            "column.exclude.list",
            "id",
            "`column.exclude.list`: table people: column `id` is part of the message key and must be sent",
        ),
        (
            "column.include.list",
            "name",
            "`column.include.list`: table people: column `id`",
        ),
        ("column.rename", "name:note", "two columns named `note`"),
        (
            "message.key.columns",
            "nam",
            "column `nam` does not exist; did you mean `name`?",
        ),
        (
            "column.mask.hash",
            "name",
            "`column.mask.hash.salt`: is required",
        ),
        (
            "where",
            "region = '${region}'",
            "nothing is filled in in SQL",
        ),
    ] {
        let faults = faults(&settings(&database, &[(key, value)])).await;
        assert!(faults.contains(message), "{key}={value}: {faults}");
        assert!(!faults.contains("planted"), "{faults}");
    }
    let both = [
        ("column.mask.null", "note"),
        ("column.mask.truncate", "note:1"),
    ];
    let two = faults(&settings(&database, &both)).await;
    assert!(two.contains("column `note` has two masks"), "{two}");
    let unknown = [
        ("column.exclude.list", "ssm, other.x"),
        ("column.mask.null", "people.zzz"),
    ];
    let mut noted = connector().check(&settings(&database, &unknown)).await;
    assert_eq!(
        noted.take_notes(),
        [
            "`column.exclude.list`: no table has the column `other.x`",
            "`column.exclude.list`: no table has the column `ssm`; did you mean `ssn`?",
            "`column.mask.null`: no table has the column `people.zzz`",
        ]
    );
}

#[tokio::test]
async fn only_rows_that_meet_the_condition_are_read() {
    let database = Database::sqlite(&PEOPLE).await;
    // With a comment, and of a column that is not sent.
    let condition = [
        ("tables.people.where", "region = 'EU' OR 1 = 0 -- all"),
        ("tables.people.column.exclude.list", "region"),
        ("batch.max.rows", "1"),
    ];
    let mut run = Run::start(&settings(&database, &condition), &Arc::default()).await;
    assert_eq!(numbers(&run.drain().await, "id"), [1, 3]);
    run.stop().await;
    let query = [
        ("table.whitelist", ""),
        ("queries.eu.sql", "SELECT id, name, region FROM people"),
        ("queries.eu.where", "region = 'EU'"),
        ("queries.eu.incrementing.column.name", "id"),
        ("queries.eu.message.key.columns", "name, region"),
        ("queries.eu.column.mask.hash", "name"),
        ("column.mask.hash.salt", "pepper"),
    ];
    let page = first_page(&settings(&database, &query)).await;
    assert_eq!(
        columns(&page),
        (vec!["id", "name", "region"], vec!["name", "region"])
    );
    assert_eq!(numbers(&[page], "id"), [1, 3]);
}

/// Their keys go to the dead letter queue.
#[tokio::test]
async fn keys_of_rows_that_cannot_be_read_are_masked_too() {
    let database = Database::sqlite(&PEOPLE).await;
    database
        .execute("UPDATE people SET born = 'unknown' WHERE id = 1")
        .await;
    let masked = [
        ("message.key.columns", "ssn"),
        ("column.mask.hash", "ssn"),
        ("column.mask.hash.salt", "pepper"),
        ("column.rename", "ssn:person"),
        ("column.exclude.list", "id"),
    ];
    let mut run = Run::start(&settings(&database, &masked), &Arc::default()).await;
    let keys = loop {
        match run.polled().await {
            Polled::Refused { keys, .. } => break keys,
            Polled::Records(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(columns(&keys), (vec!["person"], vec!["person"]));
    assert_eq!(
        values(&keys, "person"),
        ["a2fdc3edeec9f6e72ddc0e860cd7bf8f8a086f5ea9ac4ba9ce334e2229f46778".into()]
    );
    run.stop().await;
}
