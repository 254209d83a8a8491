//! Checks of target tables, and tables that the sink creates.
use crate::harness::*;
use connect_api::{Kind, Schema, SchemaRef, config::Settings};

const PEOPLE: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, \
    upper TEXT GENERATED ALWAYS AS (upper(name)))";
const UPSERT: (&str, &str) = ("insert.mode", "upsert");
const RECORD_KEY: (&str, &str) = ("pk.mode", "record_key");
const RECORD_VALUE: (&str, &str) = ("pk.mode", "record_value");

fn names(schema: &SchemaRef) -> Vec<&str> {
    let fields = schema.columns().fields().iter();
    fields.map(|field| field.name().as_str()).collect()
}

async fn target_error(database: &Database, settings: &[(&str, &str)]) -> String {
    let mut run = database.start(settings).await;
    run.task.target("people").await.unwrap_err().report()
}

#[tokio::test]
async fn the_target_has_columns_and_key() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let mut run = database.start(&[UPSERT, RECORD_KEY]).await;
    let target = run.task.target("people").await.unwrap();
    let schema = target.schema.unwrap();
    assert_eq!(
        names(&schema),
        ["id", "name", "upper"],
        "a body may have what is generated, which is not written"
    );
    assert_eq!(schema.kinds(), [Kind::Int64, Kind::Text, Kind::Text]);
    assert_eq!(target.key, ["id"]);
    let mut run = database.start(&[UPSERT, RECORD_VALUE]).await;
    let target = run.task.target("people").await.unwrap();
    assert!(target.key.is_empty(), "the key comes from the body");
    assert_eq!(target.schema.unwrap().key(), [0]);
    let mut run = database.start(&[RECORD_KEY, ("pk.fields", "NAME")]).await;
    assert_eq!(run.task.target("people").await.unwrap().key, ["name"]);
}

#[tokio::test]
async fn a_missing_table_is_reported_without_auto_create() {
    let database = Database::sqlite(&[]).await;
    let message = target_error(&database, &[]).await;
    assert!(
        message.contains("topic people") && message.contains("auto.create=true"),
        "{message}"
    );
    let message = target_error(&database, &[UPSERT, RECORD_KEY, ("auto.create", "true")]).await;
    assert!(
        message.contains("set its key columns in pk.fields"),
        "{message}"
    );
    let settings = [
        UPSERT,
        RECORD_KEY,
        ("auto.create", "true"),
        ("pk.fields", "id"),
    ];
    let mut run = database.start(&settings).await;
    let target = run.task.target("people").await.unwrap();
    assert!(target.schema.is_none());
    assert_eq!(target.key, ["id"]);
}

#[tokio::test]
async fn column_key_and_type_errors_are_reported_together() {
    let database = Database::sqlite(&[PEOPLE]).await;
    let message = target_error(
        &database,
        &[
            UPSERT,
            RECORD_KEY,
            ("pk.fields", "idd"),
            ("fields.whitelist", "nme, name"),
        ],
    )
    .await;
    assert!(
        message.contains("column `idd` does not exist; did you mean `id`?"),
        "{message}"
    );
    assert!(
        message.contains("column `nme` does not exist; did you mean `name`?"),
        "{message}"
    );
    let message = target_error(&database, &[UPSERT, RECORD_KEY, ("pk.fields", "name")]).await;
    assert!(
        message.contains("an upsert by name needs a primary key or unique key"),
        "{message}"
    );
    database
        .execute("CREATE UNIQUE INDEX u ON people (name)")
        .await;
    let mut run = database
        .start(&[UPSERT, RECORD_KEY, ("pk.fields", "name")])
        .await;
    run.task.target("people").await.unwrap();

    let odd = Database::sqlite(&["CREATE TABLE people (id BIGINT, what FROB)"]).await;
    let message = target_error(&odd, &[UPSERT, RECORD_KEY]).await;
    assert!(
        message.contains("it has no primary key; set the key columns"),
        "{message}"
    );
    let message = target_error(&odd, &[("unknown.types", "fail")]).await;
    assert!(message.contains("`what`"), "{message}");
    let mut run = odd
        .start(&[("unknown.types", "fail"), ("fields.whitelist", "id")])
        .await;
    let target = run.task.target("people").await.unwrap();
    assert_eq!(names(&target.schema.unwrap()), ["id"]);
}

#[tokio::test]
async fn a_missing_table_is_created_from_the_records() {
    let database = Database::sqlite(&[]).await;
    let settings = [
        UPSERT,
        RECORD_KEY,
        ("auto.create", "true"),
        ("pk.fields", "id"),
        ("delete.enabled", "true"),
        ("table.name.format", "copy_${topic}"),
    ];
    let mut run = database.start(&settings).await;
    // A delete creates no table.
    assert!(run.put(&rows("people", &[(1, None)])).await.is_empty());
    assert!(database.describe("copy_people").await.is_none());
    let batch = rows("people", &[(1, Some("a")), (2, Some("b")), (1, None)]);
    assert!(run.put(&batch).await.is_empty());
    assert_eq!(database.rows("copy_people").await, ["2 b"]);
    let table = database.describe("copy_people").await.unwrap();
    assert_eq!(table.primary_key, ["id"]);
}

#[tokio::test]
async fn concurrent_tasks_can_create_the_same_table() {
    let database = Database::sqlite(&[]).await;
    let mut first = database.start(&[("auto.create", "true")]).await;
    let mut second = database.start(&[("auto.create", "true")]).await;
    let (a, b) = (
        rows("people", &[(1, Some("a"))]),
        rows("people", &[(2, Some("b"))]),
    );
    let (one, two) = tokio::join!(first.put(&a), second.put(&b));
    assert!(one.is_empty() && two.is_empty());
    assert_eq!(database.rows("people").await, ["1 a", "2 b"]);
}

#[tokio::test]
async fn missing_columns_are_added_if_configured() {
    let database = Database::sqlite(&["CREATE TABLE people (id INTEGER PRIMARY KEY)"]).await;
    let settings = [
        UPSERT,
        RECORD_KEY,
        ("auto.evolve", "true"),
        ("fields.whitelist", ""),
    ];
    let mut run = database.start(&settings).await;
    assert!(run.put(&rows("people", &[(1, Some("a"))])).await.is_empty());
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Bool.field("tall", true),
        Kind::Int64.field("age", true),
    ];
    let schema = Schema::new("people", fields, &[]).unwrap();
    let batch = of("people", &schema, [[2.into(), true.into(), 3.into()]]);
    assert!(run.put(&batch).await.is_empty());
    assert_eq!(database.rows("people").await, ["1 a - -", "2 - true 3"]);
}

#[tokio::test]
async fn check_reports_all_errors_of_all_topics() {
    let database = Database::sqlite(&[PEOPLE, "CREATE TABLE log (at TEXT)"]).await;
    let settings = database.settings(&[
        UPSERT,
        RECORD_KEY,
        ("connect.topicnames", "people;log;nothing"),
    ]);
    let message = connector().check(&settings).await.to_string();
    assert_eq!(
        message,
        "`pk.fields`: table log: it has no primary key; set the key columns in pk.fields\n\
         `pk.fields`: table nothing: it does not exist yet; set its key columns in \
         pk.fields\n`table.name.format`: table nothing: it does not exist; create it, or set \
         auto.create=true"
    );
    let settings = database.settings(&[("table.name.format", "people")]);
    assert!(connector().check(&settings).await.is_empty());
    let nowhere = Settings::from_iter([
        ("connection.url", "sqlite:/nowhere/at.db"),
        ("connection.password", "planted"),
    ]);
    let message = connector().check(&nowhere).await.to_string();
    assert!(
        message.contains("/nowhere/at.db") && !message.contains("planted"),
        "{message}"
    );
}

#[tokio::test]
async fn dates_of_sqlite_are_text_or_times_as_set() {
    let database = Database::sqlite(&["CREATE TABLE people (id BIGINT, born TIMESTAMP)"]).await;
    for (dates, kind) in [
        ("text", Kind::Text),
        ("iso", Kind::Timestamp { utc: false }),
    ] {
        let mut run = database.start(&[("sqlite.dates", dates)]).await;
        let target = run.task.target("people").await.unwrap();
        assert_eq!(target.schema.unwrap().kinds()[1], kind);
    }
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
    ]);
    let connect_api::TaskKind::Sink(mut task) = connector().task(&settings).unwrap() else {
        panic!("not a sink");
    };
    let begun = std::time::Instant::now();
    let error = task.start(context()).await.unwrap_err();
    assert_eq!(error.kind(), connect_api::ErrorKind::Connect);
    assert!(
        begun.elapsed() >= std::time::Duration::from_millis(100),
        "two pauses"
    );
    assert!(!format!("{} {error:?}", error.report()).contains("planted"));
}
