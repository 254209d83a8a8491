//! The target table of a row: table names, owners and the table filter.
use super::self_references::{rows, settings};
use crate::harness::*;
use connect_api::{Kind, Origin, Records, Schema};
use std::sync::Arc;

/// A row of a source table.
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
async fn rows_of_another_source_table_are_rejected_by_name_and_not_merged() {
    let database = Database::sqlite(&[]).await;
    let table = plain(&database).await;
    let mut run = database.start(&settings(&[])).await;
    assert!(run.put(&from(&table, "a", "mine", 1)).await.is_empty());
    for (schema, other) in [("a", "other"), ("b", "mine")] {
        let rejected = run.put(&from(&table, schema, other, 2)).await;
        assert_eq!(rejected.len(), 1);
        for part in [
            &*table,
            "a.mine",
            &format!("{schema}.{other}"),
            "${source.table}",
            "table.merge",
        ] {
            assert!(rejected[0].1.contains(part), "{part}: {}", rejected[0].1);
        }
        let origin = Origin {
            schema: Some(schema.into()),
            table: other.into(),
        };
        let error = run.task.target_of(&table, &origin).await.unwrap_err();
        assert_eq!(error.kind(), connect_api::ErrorKind::Data);
    }
    assert!(run.put(&from(&table, "a", "mine", 3)).await.is_empty());
    assert_eq!(database.rows(&table).await, ["1 -", "3 -"]);
    let mut run = database.start(&settings(&[("table.merge", "true")])).await;
    assert!(run.put(&from(&table, "b", "mine", 2)).await.is_empty());
    assert!(run.put(&from(&table, "a", "other", 4)).await.is_empty());
    assert_eq!(database.rows(&table).await.len(), 4);
}

#[tokio::test]
async fn rows_of_another_schema_name_are_rejected_without_a_source_table() {
    let database = Database::sqlite(&[]).await;
    let table = plain(&database).await;
    let mut run = database.start(&settings(&[])).await;
    let named = |name: &str, id: i64| {
        let fields = [Kind::Int64.field("id", true)];
        let schema = Schema::new(name, fields, &[]).unwrap();
        of(&table, &schema, [[id.into()]])
    };
    assert!(run.put(&named("first", 1)).await.is_empty());
    let rejected = run.put(&named("second", 2)).await;
    assert!(
        rejected[0].1.contains("first") && rejected[0].1.contains("second"),
        "{rejected:?}"
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
    // A message without a source table.
    let rejected = run.put(&rows("t", [(4, Some(None))])).await;
    assert!(
        rejected[0].1.contains("connect-ext-__source_table"),
        "{rejected:?}"
    );
}

#[tokio::test]
async fn rows_of_tables_outside_the_whitelist_are_skipped_and_counted() {
    let database = Database::sqlite(&[
        "CREATE TABLE one (id bigint PRIMARY KEY, parent bigint)",
        "CREATE TABLE family (id bigint PRIMARY KEY, parent bigint)",
    ])
    .await;
    let origin = |table: &str| Origin {
        schema: Some("a".into()),
        table: table.into(),
    };
    // By source table, target table, and schema name, which is `family` in all rows.
    for (format, list, table, skipped) in [
        ("one", "a.mine", "other", true),
        ("one", "a.mine", "mine", false),
        ("${source.table}", "one", "two", true),
        ("${schema.name}", "one", "two", true),
        ("${schema.name}", "family", "three", false),
    ] {
        let mut settings = settings(&[("tables.whitelist", list), ("table.merge", "false")]);
        settings.push(("table.name.format", format));
        let mut run = database.start(&settings).await;
        let target = run.task.target_of("t", &origin(table)).await.unwrap();
        if format != "${schema.name}" {
            assert_eq!(target.skipped.is_some(), skipped, "{format} {table}");
        }
        if let Some(why) = target.skipped {
            assert!(
                why.contains("tables.whitelist") && why.contains(table),
                "{why}"
            );
        }
        if skipped {
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
async fn check_notes_skipped_rows_without_describing_their_tables() {
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
