//! Key columns whose collation treats texts as equal, other unique keys, and generated columns.
use crate::harness::*;
use connect_api::{Kind, Schema, Value};

const UPSERT: [(&str, &str); 3] = [
    ("insert.mode", "upsert"),
    ("pk.mode", "record_key"),
    ("delete.enabled", "true"),
];

async fn databases() -> [Database; 3] {
    [
        Database::server("CONNECT_TEST_POSTGRES_URL"),
        Database::server("CONNECT_TEST_MYSQL_URL"),
        Database::sqlite(&[]).await,
    ]
}

async fn drop(database: &Database, table: &str) {
    database.execute(&format!("DROP TABLE {table}")).await;
}

/// Keys that differ in trailing spaces, case, accents and Unicode form.
const KEYS: [&str; 7] = ["a", "a ", "A", "á", "a\u{301}", "ß", "ss"];

#[tokio::test]
async fn distinct_keys_of_the_source_stay_distinct_in_a_created_table() {
    for database in databases().await {
        let table = unique("apart");
        let mut settings = UPSERT.to_vec();
        settings.extend([("auto.create", "true"), ("pk.fields", "k")]);
        let fields = [Kind::Text.field("k", true), Kind::Int64.field("n", true)];
        let schema = Schema::new("apart", fields, &[]).unwrap();
        let mut run = database.start(&settings).await;
        let rows = KEYS.iter().zip(0i64..);
        let batch = of(
            &table,
            &schema,
            rows.map(|(k, n)| [(*k).into(), Value::Int(n)]),
        );
        for _ in 0..2 {
            assert!(run.put(&batch).await.is_empty());
            assert_eq!(database.rows(&table).await.len(), KEYS.len());
        }
        let made = database.describe(&table).await.unwrap();
        assert_eq!(made.column("k").unwrap().equates, None);
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn check_warns_about_key_columns_that_treat_texts_as_equal() {
    let [postgres, mysql, sqlite] = databases().await;
    let collation = unique("loose");
    let make = format!(
        "CREATE COLLATION {collation} (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
    );
    postgres.execute(&make).await;
    let icu = format!("text COLLATE {collation}");
    for (database, column, collation, ignored) in [
        (&postgres, "character(5)", "character", "blanks at the end"),
        (&postgres, icu.as_str(), collation.as_str(), "collation"),
        (
            &mysql,
            "varchar(9) COLLATE utf8mb4_general_ci",
            "utf8mb4_general_ci",
            "case, accents, blanks at the end",
        ),
        (
            &mysql,
            "varchar(9) COLLATE utf8mb4_bin",
            "utf8mb4_bin",
            "blanks at the end",
        ),
        (&sqlite, "TEXT COLLATE NOCASE", "NOCASE", "case"),
        (&sqlite, "TEXT COLLATE RTRIM", "RTRIM", "blanks at the end"),
    ] {
        let table = unique("loose");
        let make = format!("CREATE TABLE {table} (k {column} PRIMARY KEY, n bigint)");
        database.execute(&make).await;
        let mut settings = UPSERT.to_vec();
        settings.push(("connect.topicnames", &table));
        let mut faults = connector().check(&database.settings(&settings)).await;
        assert!(faults.is_empty(), "{faults}");
        let notes = faults.take_notes();
        assert_eq!(notes.len(), 1, "{notes:?}");
        for part in [&*table, "`k`", collation, ignored] {
            assert!(notes[0].contains(part), "{part}: {}", notes[0]);
        }
        // Keys that compare as equal become one row, and nothing else.
        let fields = [Kind::Text.field("k", true), Kind::Int64.field("n", true)];
        let schema = Schema::new("loose", fields, &[]).unwrap();
        let mut run = database.start(&settings).await;
        run.task.target(&table).await.unwrap();
        let rows = ["a", "a ", "A", "b"].into_iter().zip(0i64..);
        let batch = of(&table, &schema, rows.map(|(k, n)| [k.into(), n.into()]));
        for _ in 0..2 {
            assert!(run.put(&batch).await.is_empty());
            let rows = database.rows(&table).await;
            assert!((2..4).contains(&rows.len()), "{column}: {rows:?}");
        }
        drop(database, &table).await;
    }
    let table = unique("exact");
    let make = format!("CREATE TABLE {table} (k varchar(9) PRIMARY KEY)");
    for database in [&postgres, &sqlite] {
        database.execute(&make).await;
        let mut settings = UPSERT.to_vec();
        settings.push(("connect.topicnames", &table));
        let mut faults = connector().check(&database.settings(&settings)).await;
        assert!(faults.is_empty() && faults.take_notes().is_empty());
        drop(database, &table).await;
    }
}

/// Rows of `id`, `email` and `n`.
fn people(table: &str, rows: &[(i64, &str, i64)]) -> connect_api::Records {
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Text.field("email", true),
        Kind::Int64.field("n", true),
    ];
    let schema = Schema::new("people", fields, &[]).unwrap();
    let rows = rows.iter().copied();
    of(
        table,
        &schema,
        rows.map(|(id, email, n)| [id.into(), email.into(), n.into()]),
    )
}

async fn with_email(database: &Database) -> String {
    let table = unique("email");
    let make = format!(
        "CREATE TABLE {table} (id bigint PRIMARY KEY, email varchar(20), n bigint, UNIQUE (email))"
    );
    database.execute(&make).await;
    let old = format!("INSERT INTO {table} VALUES (7, 'b@x', 77), (8, 'h@x', 88)");
    database.execute(&old).await;
    table
}

#[tokio::test]
async fn an_upsert_changes_no_row_but_that_of_its_key() {
    for database in databases().await {
        let table = with_email(&database).await;
        let mut run = database.start(&UPSERT).await;
        let batch = [
            (1, "a@x", 10),
            (2, "b@x", 20),
            (7, "b@x", 70),
            (8, "b@x", 80),
            (9, "i@x", 90),
            (10, "a@x", 100),
        ];
        for _ in 0..2 {
            let rejected = run.put(&people(&table, &batch)).await;
            let indexes: Vec<usize> = rejected.iter().map(|(row, _)| *row).collect();
            assert_eq!(indexes, [1, 3, 5], "{rejected:?}");
            for (_, message) in &rejected {
                assert!(
                    message.contains(&table) && message.contains("email"),
                    "{message}"
                );
                assert!(!message.contains("b@x"), "no values in messages: {message}");
            }
            assert_eq!(
                database.rows(&table).await,
                ["1 a@x 10", "7 b@x 70", "8 h@x 88", "9 i@x 90"]
            );
        }
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn an_upsert_by_a_unique_key_changes_no_row_of_the_same_primary_key() {
    for database in databases().await {
        let table = with_email(&database).await;
        let mut settings = UPSERT.to_vec();
        settings.push(("pk.fields", "email"));
        let mut run = database.start(&settings).await;
        let batch = people(&table, &[(7, "c@x", 1), (7, "b@x", 2), (6, "f@x", 3)]);
        let rejected = run.put(&batch).await;
        assert_eq!(rejected.len(), 1, "{rejected:?}");
        assert_eq!(rejected[0].0, 0);
        assert_eq!(
            database.rows(&table).await,
            ["6 f@x 3", "7 b@x 2", "8 h@x 88"]
        );
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn rows_of_other_keys_are_updated_if_configured() {
    let [_, mysql, _] = databases().await;
    let table = with_email(&mysql).await;
    let mut settings = UPSERT.to_vec();
    settings.push(("upsert.other.keys", "update"));
    let mut run = mysql.start(&settings).await;
    assert!(run.put(&people(&table, &[(2, "b@x", 20)])).await.is_empty());
    assert_eq!(mysql.rows(&table).await, ["7 b@x 20", "8 h@x 88"]);
    drop(&mysql, &table).await;
}

#[tokio::test]
async fn check_warns_about_other_unique_keys_of_an_upsert() {
    let [postgres, mysql, _] = databases().await;
    let tables = [with_email(&postgres).await, with_email(&mysql).await];
    let index = format!("CREATE UNIQUE INDEX beginning ON {} (email(3))", tables[1]);
    mysql.execute(&index).await;
    for (database, table, warns) in [(&postgres, &tables[0], false), (&mysql, &tables[1], true)] {
        let mut settings = UPSERT.to_vec();
        settings.push(("connect.topicnames", table));
        let mut faults = connector().check(&database.settings(&settings)).await;
        assert!(faults.is_empty(), "{faults}");
        let notes = faults.take_notes();
        assert_eq!(notes.len(), usize::from(warns), "{notes:?}");
        for note in notes {
            assert!(
                note.contains("email; beginning") && note.contains("upsert.other.keys"),
                "{note}"
            );
        }
        drop(database, table).await;
    }
}

#[tokio::test]
async fn generated_columns_are_not_written() {
    for database in databases().await {
        let table = unique("computed");
        let make = format!(
            "CREATE TABLE {table} (id bigint PRIMARY KEY, name varchar(9), \
             twice bigint GENERATED ALWAYS AS (id * 2) STORED)"
        );
        database.execute(&make).await;
        let fields = [
            Kind::Int64.field("id", true),
            Kind::Text.field("name", true),
            Kind::Int64.field("twice", true),
        ];
        let schema = Schema::new("computed", fields, &[]).unwrap();
        for settings in [&UPSERT[..], &[]] {
            let mut run = database.start(settings).await;
            let target = run.task.target(&table).await.unwrap();
            let columns = target.schema.unwrap();
            assert!(columns.index_of("twice").is_some(), "a body may have it");
            let id = i64::try_from(settings.len()).unwrap();
            let batch = of(&table, &schema, [[id.into(), "a".into(), 5.into()]]);
            assert!(run.put(&batch).await.is_empty());
        }
        assert_eq!(database.rows(&table).await, ["0 a 0", "3 a 6"]);
        drop(&database, &table).await;
    }
}

/// Columns `id`, `Desc` and `DESC`.
fn described_twice() -> connect_api::SchemaRef {
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Text.field("Desc", true),
        Kind::Text.field("DESC", true),
    ];
    Schema::new("described", fields, &[]).unwrap()
}

#[tokio::test]
async fn columns_that_differ_only_in_case_are_named_if_the_database_ignores_case() {
    let made = [
        ("insert.mode", "upsert"),
        ("pk.mode", "record_key"),
        ("pk.fields", "id"),
        ("auto.create", "true"),
        ("auto.evolve", "true"),
    ];
    let schema = described_twice();
    let [postgres, mysql, sqlite] = databases().await;
    for database in [&mysql, &sqlite] {
        let table = unique("folded");
        let batch = of(&table, &schema, [[1.into(), "a".into(), "b".into()]]);
        let mut run = database.start(&made).await;
        let message = match run.try_put(&batch).await {
            Ok(outcome) => outcome.rejected[0].error.report(),
            Err(e) => e.report(),
        };
        for part in [&*table, "`Desc`", "`DESC`", "fields.whitelist"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(database.describe(&table).await.is_none());
        // With the advice of the message.
        let mut chosen = made.to_vec();
        chosen.push(("fields.whitelist", "id,Desc"));
        let mut run = database.start(&chosen).await;
        assert!(run.put(&batch).await.is_empty());
        assert_eq!(database.rows(&table).await, ["1 a"]);
        drop(database, &table).await;
    }
    let table = unique("folded");
    let batch = of(&table, &schema, [[1.into(), "a".into(), "b".into()]]);
    let mut run = postgres.start(&made).await;
    assert!(run.put(&batch).await.is_empty());
    assert_eq!(postgres.rows(&table).await, ["1 a b"]);
    drop(&postgres, &table).await;
    let one = format!("CREATE TABLE {table} (id bigint PRIMARY KEY, \"Desc\" text)");
    postgres.execute(&one).await;
    let mut run = postgres.start(&made).await;
    assert!(run.put(&batch).await.is_empty(), "the other is added");
    assert_eq!(postgres.rows(&table).await, ["1 a b"]);
    drop(&postgres, &table).await;
}
