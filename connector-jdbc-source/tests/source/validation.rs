//! All errors are reported before the first row.
use crate::harness::*;
use connect_api::{ErrorKind, config::Settings};
use std::{num::NonZeroU32, sync::Arc};

const TABLES: [&str; 4] = [
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, changed TEXT)",
    "CREATE TABLE items (id BIGINT, flag BOOLEAN)",
    "CREATE TABLE parts (id INTEGER PRIMARY KEY)",
    "CREATE VIEW recent AS SELECT * FROM orders",
];

async fn faults(settings: &Settings) -> String {
    connector().check(settings).await.to_string()
}

#[tokio::test]
async fn missing_tables_are_reported_with_similar_names() {
    let database = Database::sqlite(&TABLES).await;
    let settings = database.settings(&[
        ("mode", "bulk"),
        ("table.whitelist", "ordres, parts, nothing, recent"),
    ]);
    let expected = "`table.whitelist`: table ordres does not exist; did you mean `orders`?\n\
        `table.whitelist`: table nothing does not exist\n\
        `table.whitelist`: recent is a view; add VIEW to table.types";
    assert_eq!(faults(&settings).await, expected);
    assert_eq!(refusal(&settings).await, expected);
}

#[tokio::test]
async fn column_errors_are_reported_for_all_tables() {
    let database = Database::sqlite(&TABLES).await;
    let mut settings = database.settings(&[
        ("mode", "incrementing"),
        ("incrementing.column.name", "idd"),
        ("table.whitelist", "orders, items"),
    ]);
    assert_eq!(
        faults(&settings).await,
        "`incrementing.column.name`: table orders: incrementing column `idd` does not exist; did \
         you mean `id`?\n`incrementing.column.name`: table items: incrementing column `idd` does \
         not exist; did you mean `id`?"
    );
    settings.set("incrementing.column.name", "");
    settings.set("delete.column.name", "changed");
    let message = faults(&settings).await;
    assert!(
        message.contains("table items: no auto-increment column found"),
        "{message}"
    );
    assert!(
        message.contains("table orders: delete column `changed` has type TEXT"),
        "{message}"
    );
    assert!(
        message.contains("table items: delete column `changed` does not exist"),
        "{message}"
    );
    settings.remove("delete.column.name");
    settings.set("incrementing.column.name", "flag");
    let message = faults(&settings).await;
    assert!(
        message.contains("`flag` has type BOOLEAN, which has no usable order"),
        "{message}"
    );
}

#[tokio::test]
async fn timestamp_columns_must_be_timestamps_and_not_null() {
    let database = Database::sqlite(&TABLES).await;
    database
        .execute("CREATE TABLE log (changed TIMESTAMP, at TIMESTAMP)")
        .await;
    let mut settings = database.settings(&[
        ("mode", "timestamp"),
        ("timestamp.column.name", "changed"),
        ("table.whitelist", "orders"),
    ]);
    let message = faults(&settings).await;
    assert!(
        message.contains("timestamp column `changed` has type TEXT"),
        "{message}"
    );
    settings.set("sqlite.dates", "iso");
    settings.set("table.whitelist", "log");
    let message = faults(&settings).await;
    assert!(
        message.contains("timestamp column `changed` is nullable"),
        "{message}"
    );
}

#[tokio::test]
async fn unsupported_types_are_named() {
    let database =
        Database::sqlite(&["CREATE TABLE odd (id INTEGER PRIMARY KEY, what FROB)"]).await;
    let settings = database.settings(&[
        ("mode", "bulk"),
        ("table.whitelist", "odd"),
        ("unknown.types", "fail"),
    ]);
    let message = faults(&settings).await;
    assert!(
        message.contains("table odd") && message.contains("`what`"),
        "{message}"
    );
}

#[tokio::test]
async fn a_missing_database_is_reported() {
    let settings = Settings::from_iter([
        ("connection.url", "sqlite:/nowhere/at.db"),
        ("mode", "bulk"),
        ("table.whitelist", "t"),
        ("topic.prefix", "x"),
    ]);
    let message = faults(&settings).await;
    assert!(message.contains("/nowhere/at.db"), "{message}");
}

/// The tables of a planned task.
fn tables_of_task(task: &Settings) -> String {
    type Share = (u32, u32, Vec<(Option<String>, String, u32, bool)>);
    let share = task.get("task.tables").filter(|share| !share.is_empty());
    let share: Share = serde_json::from_str(share.unwrap_or("[0,1,[]]")).unwrap();
    let (own, _, tables) = share;
    let own = tables.into_iter().filter(|(_, _, task, _)| *task == own);
    let names: Vec<_> = own.map(|(_, name, ..)| name).collect();
    names.join(",")
}

#[tokio::test]
async fn patterns_match_tables_and_the_blacklist_excludes_some() {
    let database = Database::sqlite(&TABLES).await;
    let plan = async |pairs: &[(&str, &str)], max: u32| {
        let settings = database.settings(pairs);
        let max = NonZeroU32::new(max).unwrap();
        let planned = connector().plan(&settings, max).await;
        planned.map(|tasks| tasks.iter().map(tables_of_task).collect::<Vec<_>>())
    };
    let bulk = ("mode", "bulk");
    let all = [bulk, ("table.whitelist", "*")];
    assert_eq!(plan(&all, 2).await.unwrap(), ["items,parts", "orders"]);
    assert_eq!(plan(&all, 9).await.unwrap(), ["items", "orders", "parts"]);
    let some = [
        bulk,
        ("table.whitelist", "parts, *"),
        ("table.blacklist", "o*"),
    ];
    assert_eq!(plan(&some, 1).await.unwrap(), ["parts,items"]);
    let views = [bulk, ("table.whitelist", "rec*"), ("table.types", "VIEW")];
    assert_eq!(plan(&views, 1).await.unwrap(), ["recent"]);
    let none = [bulk, ("table.whitelist", "zz*")];
    assert_eq!(plan(&none, 4).await.unwrap(), [""]);
    let mut faults = connector().check(&database.settings(&none)).await;
    assert!(faults.is_empty());
    let notes = faults.take_notes();
    assert!(notes[0].contains("no table matches zz*"), "{notes:?}");
    let none = [none[0], none[1], ("table.poll.interval.ms", "0")];
    let none = plan(&none, 1).await;
    let none = none.unwrap_err().report();
    assert!(none.contains("no table matches zz*"), "{none}");
}

#[tokio::test]
async fn all_conflicting_settings_are_reported() {
    let settings = Settings::from_iter([
        ("connection.url", "sqlite:x"),
        ("mode", "incrementing"),
        ("table.whitelist", ""),
        ("timestamp.initial", "5"),
        ("timestamp.delay.interval.ms", "5"),
        ("tabel.types", "VIEW"),
    ]);
    let message = connector().validate(&settings).to_string();
    assert_eq!(
        message,
        "`tabel.types`: unknown key; did you mean `table.types`?"
    );
    let mut settings = settings;
    settings.remove("tabel.types");
    let faults = connector().validate(&settings);
    let keys: Vec<_> = faults.iter().filter_map(|f| f.key.as_deref()).collect();
    // Timestamp settings have no effect in this mode: a note, not an error.
    assert_eq!(keys, ["topic.prefix", "table.whitelist"]);
    settings.set("mode", "timestamp");
    settings.set("incrementing.column.name", "id");
    settings.set("topic.prefix", "a");
    settings.set("connect.topicname", "b");
    let message = connector().validate(&settings).to_string();
    assert!(message.contains("set only one of"), "{message}");
    assert!(
        message.contains("`timestamp.column.name`: is required in mode timestamp"),
        "{message}"
    );
}

#[tokio::test]
async fn connection_attempts_are_made_as_configured() {
    // A port without a listener: bound and released.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let settings = Settings::from_iter([
        (
            "connection.url",
            &*format!("postgres://u:planted@127.0.0.1:{port}/d"),
        ),
        ("connection.attempts", "3"),
        ("connection.backoff.ms", "50"),
        ("mode", "bulk"),
        ("table.whitelist", "t"),
        ("topic.prefix", ""),
    ]);
    let message = faults(&settings).await;
    assert!(
        message.contains(&port.to_string()) && !message.contains("planted"),
        "{message}"
    );
    let connect_api::TaskKind::Source(mut task) = connector().task(&settings).unwrap() else {
        panic!("not a source");
    };
    let begun = std::time::Instant::now();
    let error = task.start(context(&Default::default())).await.unwrap_err();
    assert_eq!(error.kind(), connect_api::ErrorKind::Connect);
    assert!(
        begun.elapsed() >= std::time::Duration::from_millis(100),
        "two pauses"
    );
    assert!(!format!("{settings:?} {error:?}").contains("planted"));
}

/// A row whose key was converted to NULL has no position, and must not be skipped.
#[tokio::test]
async fn a_page_that_ends_at_a_key_that_became_null_names_the_column_and_the_setting() {
    let database = Database::server("CONNECT_TEST_POSTGRES_URL");
    let table = unique("ends");
    for sql in [
        format!("CREATE TABLE {table} (id int PRIMARY KEY, seen date NOT NULL UNIQUE)"),
        format!("INSERT INTO {table} VALUES (1, '2023-01-01'), (2, 'infinity')"),
    ] {
        database.execute(&sql).await;
    }
    let settings = database.settings(&[
        ("mode", "incrementing"),
        ("incrementing.column.name", "seen"),
        ("values.unrepresentable", "null"),
        ("table.whitelist", &table),
        ("topic.prefix", "p-"),
    ]);
    let mut run = Run::start(&settings, &Arc::default()).await;
    assert_eq!(numbers(&[run.page().await.unwrap()], "id"), [1]);
    let error = run.poll().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let message = error.report();
    for part in [&*table, "`seen`", "values.unrepresentable=null", "`query`"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    run.stop().await;
    database.execute(&format!("DROP TABLE {table}")).await;
}
