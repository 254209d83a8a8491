//! Rows that refer to others of their table, and rows of several tables in one topic.
use crate::harness::*;
use connect_api::{ConnectRecord, Kind, Op, Origin, Records, Schema, Value};
use std::sync::Arc;

const UPSERT: [(&str, &str); 3] = [
    ("insert.mode", "upsert"),
    ("pk.mode", "record_key"),
    ("delete.enabled", "true"),
];

async fn databases() -> [Database; 3] {
    let mut sqlite = Database::sqlite(&[]).await;
    // It heeds foreign keys where it is told to.
    sqlite.url.push_str("&foreign_keys=true");
    [
        Database::server("CONNECT_TEST_POSTGRES_URL"),
        Database::server("CONNECT_TEST_MYSQL_URL"),
        sqlite,
    ]
}

fn settings(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut settings = UPSERT.to_vec();
    settings.extend(more);
    settings
}

async fn drop(database: &Database, table: &str) {
    database.execute(&format!("DROP TABLE {table}")).await;
}

async fn family(database: &Database) -> String {
    let table = unique("family");
    let make = format!(
        "CREATE TABLE {table} (id bigint PRIMARY KEY, parent bigint, \
         FOREIGN KEY (parent) REFERENCES {table} (id))"
    );
    database.execute(&make).await;
    table
}

/// Rows of `id` and `parent`; deletes where there is no answer.
fn rows(table: &str, rows: impl IntoIterator<Item = (i64, Option<Option<i64>>)>) -> Records {
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Int64.field("parent", true),
    ];
    let schema = Schema::new("family", fields, &[]).unwrap();
    let record = |(id, parent): (i64, Option<Option<i64>>)| ConnectRecord {
        values: vec![id.into(), parent.flatten().map_or(Value::Null, Value::Int)],
        op: match parent {
            Some(_) => Op::Read,
            None => Op::Delete,
        },
        ..ConnectRecord::default()
    };
    let rows = rows.into_iter().map(record);
    Records::from_rows(table.into(), schema, rows).unwrap()
}

#[tokio::test]
async fn a_chain_of_rows_is_written_in_any_order_of_a_batch() {
    for database in databases().await {
        let table = family(&database).await;
        let mut run = database.start(&settings(&[])).await;
        let count = 2_000;
        let chain = |id: i64| (id, Some((id > 0).then(|| id - 1)));
        // From the last to the first, and then in leaps.
        let turned = rows(&table, (0..count).rev().map(chain));
        let leaps = rows(&table, (0..count).map(|i| i * 7 % count).map(chain));
        for batch in [turned, leaps] {
            assert!(run.put(&batch).await.is_empty());
            assert_eq!(database.rows(&table).await.len(), 2_000);
            let gone = rows(&table, (0..count).map(|id| (id, None)));
            assert!(run.put(&gone).await.is_empty());
            assert!(database.rows(&table).await.is_empty());
        }
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn rows_that_a_foreign_key_refuses_are_told_from_others() {
    for database in databases().await {
        let table = family(&database).await;
        let mut run = database.start(&settings(&[])).await;
        let batch = [(1, Some(None)), (2, Some(Some(9))), (3, Some(Some(1)))];
        let outcome = run.try_put(&rows(&table, batch)).await.unwrap();
        assert_eq!(outcome.rejected.len(), 1);
        let rejected = &outcome.rejected[0];
        assert_eq!(rejected.row, 1);
        assert!(rejected.error.is_reference(), "{}", rejected.error.report());
        let parent = [(1, None), (4, Some(None))];
        let outcome = run.try_put(&rows(&table, parent)).await.unwrap();
        assert_eq!(outcome.rejected.len(), 1, "a child refers to it");
        let rejected = &outcome.rejected[0];
        assert!(rejected.error.is_reference(), "{}", rejected.error.report());
        assert_eq!(database.rows(&table).await, ["1 -", "3 1", "4 -"]);
        let keys = run.task.keys(&rows(&table, batch)).unwrap().unwrap();
        assert!(keys[0] != keys[1] && keys[1] != keys[2]);
        drop(&database, &table).await;
    }
}

/// A row of a table.
fn from(topic: &str, schema: &str, table: &str, id: i64) -> Records {
    let origin = Origin {
        schema: Some(schema.into()),
        table: table.into(),
    };
    rows(topic, [(id, Some(None))]).with_origin(Arc::new(origin))
}

async fn plain(database: &Database) -> String {
    let table = unique("several");
    let make = format!("CREATE TABLE {table} (id bigint PRIMARY KEY, parent bigint)");
    database.execute(&make).await;
    table
}

#[tokio::test]
async fn rows_of_another_source_table_are_refused_by_name_and_not_merged() {
    let database = Database::sqlite(&[]).await;
    let table = plain(&database).await;
    let mut run = database.start(&settings(&[])).await;
    assert!(run.put(&from(&table, "a", "mine", 1)).await.is_empty());
    for (schema, other) in [("a", "other"), ("b", "mine")] {
        let refused = run.put(&from(&table, schema, other, 2)).await;
        assert_eq!(refused.len(), 1);
        for part in [
            &*table,
            "a.mine",
            &format!("{schema}.{other}"),
            "${source.table}",
            "table.merge",
        ] {
            assert!(refused[0].1.contains(part), "{part}: {}", refused[0].1);
        }
        let origin = Origin {
            schema: Some(schema.into()),
            table: other.into(),
        };
        let told = run.task.target_of(&table, &origin).await.unwrap_err();
        assert_eq!(told.kind(), connect_api::ErrorKind::Data);
    }
    assert!(run.put(&from(&table, "a", "mine", 3)).await.is_empty());
    assert_eq!(database.rows(&table).await, ["1 -", "3 -"]);
    let mut run = database.start(&settings(&[("table.merge", "true")])).await;
    assert!(run.put(&from(&table, "b", "mine", 2)).await.is_empty());
    assert!(run.put(&from(&table, "a", "other", 4)).await.is_empty());
    assert_eq!(database.rows(&table).await.len(), 4);
}

#[tokio::test]
async fn rows_of_another_schema_name_are_refused_where_no_source_table_is_told() {
    let database = Database::sqlite(&[]).await;
    let table = plain(&database).await;
    let mut run = database.start(&settings(&[])).await;
    let named = |name: &str, id: i64| {
        let fields = [Kind::Int64.field("id", true)];
        let schema = Schema::new(name, fields, &[]).unwrap();
        of(&table, &schema, [[id.into()]])
    };
    assert!(run.put(&named("first", 1)).await.is_empty());
    let refused = run.put(&named("second", 2)).await;
    assert!(
        refused[0].1.contains("first") && refused[0].1.contains("second"),
        "{refused:?}"
    );
    assert!(run.put(&named("first", 3)).await.is_empty());
    assert_eq!(database.rows(&table).await, ["1 -", "3 -"]);
}

#[tokio::test]
async fn rows_go_to_the_tables_that_the_format_and_the_message_name() {
    let database = Database::sqlite(&[
        "CREATE TABLE copy_a_one (id bigint PRIMARY KEY, parent bigint)",
        "CREATE TABLE one (id bigint PRIMARY KEY, parent bigint)",
        "CREATE TABLE family (id bigint PRIMARY KEY, parent bigint)",
    ])
    .await;
    let made = [("pk.fields", "id"), ("auto.create", "true")];
    for (format, table) in [
        ("copy_${source.schema}_${source.table}", "copy_a_one"),
        ("${source.table}", "one"),
        ("${schema.name}", "family"),
    ] {
        let mut settings = settings(&made);
        settings.push(("table.name.format", format));
        let mut run = database.start(&settings).await;
        assert_eq!(run.task.target("t").await.unwrap().key, ["id"]);
        assert!(run.put(&from("t", "a", "one", 1)).await.is_empty());
        assert_eq!(database.rows(table).await, ["1 -"], "{format}");
    }
    let mut settings = settings(&made);
    settings.push(("table.name.from.header", "true"));
    let mut run = database.start(&settings).await;
    assert!(run.put(&from("t", "a", "one", 2)).await.is_empty());
    assert!(run.put(&from("t", "a", "new", 3)).await.is_empty());
    assert_eq!(database.rows("one").await, ["1 -", "2 -"]);
    assert_eq!(database.rows("new").await, ["3 -"]);
    // A message that does not say where its row is from.
    let refused = run.put(&rows("t", [(4, Some(None))])).await;
    assert!(
        refused[0].1.contains("connect-ext-__source_table"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn rows_of_tables_that_are_not_listed_are_left_out_and_counted() {
    let database = Database::sqlite(&[
        "CREATE TABLE one (id bigint PRIMARY KEY, parent bigint)",
        "CREATE TABLE family (id bigint PRIMARY KEY, parent bigint)",
    ])
    .await;
    let origin = |table: &str| Origin {
        schema: Some("a".into()),
        table: table.into(),
    };
    // By the name of the source, of the target, and of the schema, which is `family` in all rows.
    for (format, list, table, left_out) in [
        ("one", "a.mine", "other", true),
        ("one", "a.mine", "mine", false),
        ("${source.table}", "one", "two", true),
        ("${schema.name}", "one", "two", true),
        ("${schema.name}", "family", "three", false),
    ] {
        let mut settings = settings(&[("tables.whitelist", list), ("table.merge", "false")]);
        settings.push(("table.name.format", format));
        let mut run = database.start(&settings).await;
        let told = run.task.target_of("t", &origin(table)).await.unwrap();
        if format != "${schema.name}" {
            assert_eq!(told.skipped.is_some(), left_out, "{format} {table}");
        }
        if let Some(why) = told.skipped {
            assert!(
                why.contains("tables.whitelist") && why.contains(table),
                "{why}"
            );
        }
        if left_out {
            let outcome = run.try_put(&from("t", "a", table, 7)).await.unwrap();
            assert_eq!(
                (outcome.written, outcome.skipped),
                (0, 1),
                "{format} {table}"
            );
            assert!(outcome.rejected.is_empty());
        } else {
            let id = i64::try_from(table.len()).unwrap();
            assert!(run.put(&from("t", "a", table, id)).await.is_empty());
        }
    }
    assert_eq!(database.rows("one").await, ["4 -"]);
    assert_eq!(
        database.rows("family").await,
        ["5 -"],
        "a table takes rows of one source"
    );
    let listed = settings(&[
        ("tables.whitelist", "x, one"),
        ("table.name.from.header", "true"),
    ]);
    let mut run = database.start(&listed).await;
    assert!(run.put(&from("t", "b", "one", 1)).await.is_empty());
    assert_eq!(database.rows("one").await, ["1 -", "4 -"]);
}

#[tokio::test]
async fn check_says_which_rows_are_left_out_and_looks_at_no_table_of_theirs() {
    let database =
        Database::sqlite(&["CREATE TABLE one (id bigint PRIMARY KEY, parent bigint)"]).await;
    let settings = settings(&[
        ("tables.whitelist", "one"),
        ("connect.topicnames", "one;missing"),
    ]);
    let mut faults = connector().check(&database.settings(&settings)).await;
    let notes = faults.take_notes();
    assert!(faults.is_empty(), "{faults}");
    assert!(
        notes
            .iter()
            .any(|n| n.contains("rows of table missing are skipped")),
        "{notes:?}"
    );
}
