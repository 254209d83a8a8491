//! What the database says of tables and their statements before the first row.
use crate::harness::*;
use connect_api::{PartBoard, TaskContext, TaskKind, config::Settings};
use std::{num::NonZeroU32, sync::Arc};

fn databases() -> [Database; 2] {
    ["CONNECT_TEST_POSTGRES_URL", "CONNECT_TEST_MYSQL_URL"].map(Database::server)
}

/// A table with one row.
async fn table(database: &Database, time: &str) -> String {
    let table = unique("startup");
    for sql in [
        format!("CREATE TABLE {table} (id bigint PRIMARY KEY, changed timestamp NOT NULL)"),
        format!("INSERT INTO {table} VALUES (1, {time})"),
    ] {
        database.execute(&sql).await;
    }
    table
}

async fn faults(settings: &Settings) -> String {
    connector().check(settings).await.to_string()
}

#[tokio::test]
async fn statements_that_the_database_refuses_are_one_list_before_the_first_row() {
    for database in databases() {
        let (one, two) = (
            table(&database, "now()").await,
            table(&database, "now()").await,
        );
        let mut settings = database.settings(&[
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("where", "stauts = 7 -- planted"),
        ]);
        settings.set("table.whitelist", format!("{one}, {two}"));
        let found = faults(&settings).await;
        let lines: Vec<_> = found.lines().collect();
        assert_eq!(lines.len(), 2, "{found}");
        for (line, table) in lines.iter().zip([&one, &two]) {
            assert!(line.starts_with("`where`: "), "{line}");
            assert!(line.contains(table) && line.contains("stauts"), "{line}");
        }
        assert_eq!(refusal(&settings).await, found);
        settings.set("where", "id > 0 -- all");
        assert_eq!(faults(&settings).await, "");
        settings.set("where", "");
        settings.set("query.suffix", "FOR NOTHING");
        let found = faults(&settings).await;
        assert!(found.starts_with("`query.suffix`: "), "{found}");
        for table in [one, two] {
            database.execute(&format!("DROP TABLE {table}")).await;
        }
    }
}

#[tokio::test]
async fn timestamps_in_the_future_are_noted() {
    for (database, later) in databases()
        .iter()
        .zip(["now() + interval '3 hours'", "now() + INTERVAL 3 HOUR"])
    {
        let table = table(database, later).await;
        // Without one, the newest row of a table that may be large is not looked for.
        let index = format!("CREATE INDEX {table}_changed ON {table} (changed)");
        database.execute(&index).await;
        let mut settings =
            database.settings(&[("mode", "timestamp"), ("timestamp.column.name", "changed")]);
        settings.set("table.whitelist", table.as_str());
        let notes = connector().check(&settings).await.take_notes();
        let future = notes.iter().find(|note| note.contains("in the future"));
        let future = future.unwrap_or_else(|| panic!("{notes:?}"));
        assert!(
            future.contains("10") && future.contains("`changed`"),
            "{future}"
        );
        database
            .execute(&format!("UPDATE {table} SET changed = now()"))
            .await;
        assert_eq!(connector().check(&settings).await.take_notes(), [""; 0]);
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn the_status_of_a_table_says_how_its_late_rows_are_found() {
    let [database, _] = databases();
    let table = table(&database, "now()").await;
    let mut settings =
        database.settings(&[("mode", "incrementing"), ("incrementing.column.name", "id")]);
    settings.set("table.whitelist", table.as_str());
    for (safe, expected) in [
        ("true", "late rows are found by running transactions; "),
        ("false", "late rows are not looked for"),
    ] {
        settings.set("gap.safe", safe);
        let connector = connector();
        let planned = connector.plan(&settings, NonZeroU32::MIN).await.unwrap();
        let TaskKind::Source(mut task) = connector.task(&planned[0]).unwrap() else {
            panic!("not a source");
        };
        let parts = PartBoard::default();
        let context = TaskContext {
            parts: parts.clone(),
            ..context(&Arc::default())
        };
        task.start(context).await.unwrap();
        let all = parts.all();
        let (name, part) = all.iter().next().unwrap();
        assert!(name.contains(&table), "{name}");
        let method = part.method.as_deref().unwrap();
        assert!(method.starts_with(expected), "{method}");
        // The column has no sequence.
        assert_eq!(
            method.contains("assigned by the application"),
            safe == "true"
        );
        task.stop().await.unwrap();
    }
    database.execute(&format!("DROP TABLE {table}")).await;
}

#[tokio::test]
async fn the_statement_of_a_note_creates_the_index_that_is_missing() {
    let sqlite = Database::sqlite(&[]).await;
    let [postgres, mysql] = databases();
    for database in [sqlite, postgres, mysql] {
        let (table, url) = (unique("indexed"), database.url.clone());
        let (numbers, time) = match url.split(':').next() {
            Some("sqlite") => (
                "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 12000) SELECT n FROM s)",
                "timestamp",
            ),
            Some("mysql") => ("(SELECT seq AS n FROM seq_1_to_12000)", "datetime"),
            _ => ("(SELECT n FROM generate_series(1, 12000) n)", "timestamp"),
        };
        for sql in [
            format!("CREATE TABLE {table} (number bigint NOT NULL, changed {time} NOT NULL)"),
            format!("INSERT INTO {table} SELECT n, '2024-01-01 00:00:00' FROM {numbers} AS s"),
        ] {
            database.execute(&sql).await;
        }
        let analyze = match url.starts_with("mysql") {
            true => format!("ANALYZE TABLE {table}"),
            false => format!("ANALYZE {table}"),
        };
        database.execute(&analyze).await;
        let mut settings = database.settings(&[
            ("mode", "timestamp+incrementing"),
            ("timestamp.column.name", "changed"),
            ("incrementing.column.name", "number"),
            ("gap.window.ms", "1000"),
        ]);
        if url.starts_with("sqlite") {
            settings.set("sqlite.dates", "iso");
        }
        settings.set("table.whitelist", table.as_str());
        let note = async |expected: &str| {
            let notes = connector().check(&settings).await.take_notes();
            let note = notes.iter().find(|note| note.contains("no index"));
            let note = note.unwrap_or_else(|| panic!("{url}: {notes:?}"));
            assert!(note.contains(expected), "{note}");
            note.split_once("create one: ").unwrap().1.to_owned()
        };
        note("no index on `changed`: each poll reads all").await;
        let half = format!("CREATE INDEX {table}_half ON {table} (changed)");
        database.execute(&half).await;
        database.execute(&analyze).await;
        let statement = note("no index on `changed`, `number`: each poll sorts").await;
        database.execute(&statement).await;
        database.execute(&analyze).await;
        let notes = connector().check(&settings).await.take_notes();
        assert_eq!(notes, [""; 0], "{url}");
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn tables_of_long_rows_are_noted() {
    for database in databases() {
        let table = unique("long");
        let (text, rows, analyze) = match database.url.starts_with("mysql") {
            true => ("longtext", "seq_1_to_12", "ANALYZE TABLE"),
            false => ("text", "generate_series(1, 12)", "VACUUM ANALYZE"),
        };
        for sql in [
            format!("CREATE TABLE {table} (id bigint PRIMARY KEY, doc {text})"),
            match database.url.starts_with("mysql") {
                true => "SELECT 1".to_owned(),
                false => format!("ALTER TABLE {table} ALTER doc SET STORAGE EXTERNAL"),
            },
            match database.url.starts_with("mysql") {
                true => format!("INSERT INTO {table} SELECT seq, REPEAT('x', 400000) FROM {rows}"),
                false => format!("INSERT INTO {table} SELECT n, repeat('x', 400000) FROM {rows} n"),
            },
            format!("{analyze} {table}"),
        ] {
            database.execute(&sql).await;
        }
        let mut settings =
            database.settings(&[("mode", "incrementing"), ("incrementing.column.name", "id")]);
        settings.set("gap.window.ms", "1000");
        settings.set("table.whitelist", table.as_str());
        let notes = connector().check(&settings).await.take_notes();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].contains(&table) && notes[0].contains("maxMessageSize"),
            "{notes:?}"
        );
        settings.set("column.exclude.list", "doc");
        assert_eq!(connector().check(&settings).await.take_notes(), [""; 0]);
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}
