//! Tables that are changed while they are read: no row that was committed after the change is
//! delivered by the columns from before it.
use crate::harness::*;
use connect_api::{Records, Value, config::Settings};
use dialects::OpenOptions;
use std::sync::Arc;

/// A database and its SQL syntax.
struct Place {
    database: Database,
    time: &'static str,
    /// Swaps the tables `{a}` and `{b}`; `{old}` is an unused name.
    swap: &'static str,
    retype: &'static str,
}

async fn places() -> [Place; 3] {
    [
        Place {
            database: Database::sqlite(&["PRAGMA journal_mode = wal"]).await,
            time: "TIMESTAMP NOT NULL",
            swap: "BEGIN; ALTER TABLE {a} RENAME TO {old}; ALTER TABLE {b} RENAME TO {a}; COMMIT",
            retype: "",
        },
        Place {
            database: Database::server("CONNECT_TEST_POSTGRES_URL"),
            time: "timestamp(6) NOT NULL",
            swap: "BEGIN; ALTER TABLE {a} RENAME TO {old}; ALTER TABLE {b} RENAME TO {a}; COMMIT",
            retype: "ALTER TABLE {a} ALTER COLUMN name TYPE text, ALTER COLUMN id TYPE bigint",
        },
        Place {
            database: Database::server("CONNECT_TEST_MYSQL_URL"),
            time: "datetime(6) NOT NULL",
            swap: "RENAME TABLE {a} TO {old}, {b} TO {a}",
            retype: "ALTER TABLE {a} MODIFY name text, MODIFY id bigint",
        },
    ]
}

impl Place {
    async fn create(&self, table: &str, key: &str, more: &str) {
        let time = self.time;
        let sql = format!(
            "CREATE TABLE {table} (id int NOT NULL, name varchar(20){more}, changed {time}{key})"
        );
        self.database.execute(&sql).await;
    }

    fn settings(&self, table: &str, mode: &str) -> Settings {
        let mut settings = self.database.settings(&[
            ("mode", mode),
            ("table.whitelist", table),
            ("batch.max.rows", "7"),
        ]);
        match mode {
            "incrementing" => settings.set("incrementing.column.name", "id"),
            "timestamp" => settings.set("timestamp.column.name", "changed"),
            _ => {}
        }
        if self.database.url.starts_with("sqlite") {
            settings.set("sqlite.dates", "iso");
        }
        settings
    }

    fn sql(text: &str, a: &str, b: &str) -> String {
        let old = format!("{a}_old");
        text.replace("{a}", a)
            .replace("{b}", b)
            .replace("{old}", &old)
    }
}

/// Inserts a row, with the same number in the columns `more`.
fn insert(table: &str, id: u32, more: &str) -> String {
    let columns = match more {
        "" => String::new(),
        more => format!(", {more}"),
    };
    let value = if more.is_empty() {
        String::new()
    } else {
        format!(", {id}")
    };
    format!(
        "INSERT INTO {table} (id, name, changed{columns}) VALUES ({id}, 'n{id}', '2001-02-03 \
         04:05:06.{id:06}'{value})"
    )
}

/// Inserts rows 1 to 300, with `change` in the middle; later rows also fill `more`.
fn write(
    url: &str,
    table: &str,
    change: String,
    more: &'static str,
) -> tokio::task::JoinHandle<()> {
    let (url, table) = (url.to_owned(), table.to_owned());
    tokio::spawn(async move {
        let dialect = dialects::open(&url, &OpenOptions::default()).unwrap();
        let mut connection = dialect.connect().await.unwrap();
        let mut run = async |sql: String| {
            let done = connection.execute(&sql).await;
            done.unwrap_or_else(|e| panic!("{sql}: {}", e.report()));
        };
        for id in 1..=150 {
            run(insert(&table, id, "")).await;
        }
        run(change).await;
        for id in 151..=300 {
            run(insert(&table, id, more)).await;
        }
        connection.close().await.unwrap();
    })
}

/// The values of a column by row number, as they are delivered; `None` where the rows do not have
/// it.
fn delivered(page: &Records, column: &str) -> Vec<(i64, Option<Value>)> {
    page.rows()
        .map(|row| {
            let Some(Value::Int(id)) = row.by_name("id").map(|cell| cell.to_value()) else {
                panic!("a row without a number");
            };
            (id, row.by_name(column).map(|cell| cell.to_value()))
        })
        .collect()
}

/// Polls until row 300; returns all rows.
async fn read_all(run: &mut Run, column: &str) -> Vec<(i64, Option<Value>)> {
    let mut rows = Vec::new();
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while !rows.iter().any(|(id, _)| *id == 300) {
        assert!(tokio::time::Instant::now() < deadline, "row 300 is missing");
        match run.page().await {
            Some(page) => rows.extend(delivered(&page, column)),
            None => tokio::task::yield_now().await,
        }
    }
    rows
}

const KEY: &str = ", PRIMARY KEY (id)";

#[tokio::test]
async fn rows_after_an_added_column_are_delivered_with_it() {
    for place in places().await {
        for (mode, key) in [
            ("incrementing", KEY),
            ("timestamp", KEY),
            ("bulk", KEY),
            ("bulk", ""),
        ] {
            let table = unique("added");
            place.create(&table, key, "").await;
            let mut run = Run::start(&place.settings(&table, mode), &Arc::default()).await;
            let change = format!("ALTER TABLE {table} ADD COLUMN extra bigint");
            let writer = write(&place.database.url, &table, change, "extra");
            let rows = read_all(&mut run, "extra").await;
            writer.await.unwrap();
            let after = rows.iter().filter(|(id, _)| *id > 150);
            for (id, extra) in after {
                assert_eq!(*extra, Some(Value::Int(*id)), "{mode}: row {id}");
            }
            if mode != "bulk" {
                let ids: Vec<_> = rows.iter().map(|(id, _)| *id).collect();
                assert_eq!(ids, (1..=300).collect::<Vec<_>>(), "{mode}");
            }
            run.stop().await;
            place.database.execute(&format!("DROP TABLE {table}")).await;
        }
    }
}

#[tokio::test]
async fn rows_after_a_swap_of_tables_are_delivered_with_the_new_columns() {
    for place in places().await {
        for (mode, key) in [("incrementing", KEY), ("timestamp", KEY), ("bulk", "")] {
            let (table, ghost) = (unique("swapped"), unique("ghost"));
            place.create(&table, key, "").await;
            place.create(&ghost, key, ", extra bigint").await;
            let mut run = Run::start(&place.settings(&table, mode), &Arc::default()).await;
            let change = Place::sql(place.swap, &table, &ghost);
            let writer = write(&place.database.url, &table, change, "extra");
            let rows = read_all(&mut run, "extra").await;
            writer.await.unwrap();
            for (id, extra) in rows.iter().filter(|(id, _)| *id > 150) {
                assert_eq!(*extra, Some(Value::Int(*id)), "{mode}: row {id}");
            }
            run.stop().await;
            for table in [table.clone(), format!("{table}_old")] {
                place.database.execute(&format!("DROP TABLE {table}")).await;
            }
        }
    }
}

#[tokio::test]
async fn dropped_and_renamed_columns_take_effect_with_the_next_page() {
    for place in places().await {
        for (change, gone, new) in [
            ("ALTER TABLE {a} DROP COLUMN gone", "gone", None),
            (
                "ALTER TABLE {a} RENAME COLUMN gone TO came",
                "gone",
                Some("came"),
            ),
        ] {
            for mode in ["incrementing", "timestamp", "bulk"] {
                let table = unique("dropped");
                place.create(&table, KEY, ", gone bigint").await;
                let before = insert(&table, 1, "gone");
                place.database.execute(&before).await;
                let mut run = Run::start(&place.settings(&table, mode), &Arc::default()).await;
                let page = run.page().await.unwrap();
                assert_eq!(delivered(&page, gone), [(1, Some(Value::Int(1)))]);
                run.drain_if(mode != "bulk").await;
                place
                    .database
                    .execute(&Place::sql(change, &table, ""))
                    .await;
                let after = insert(&table, 2, new.unwrap_or_default());
                place.database.execute(&after).await;
                let page = run.page().await.unwrap();
                let last = delivered(&page, gone).pop().unwrap();
                assert_eq!(last, (2, None), "{mode}: {change}");
                if let Some(new) = new {
                    let last = delivered(&page, new).pop().unwrap();
                    assert_eq!(last, (2, Some(Value::Int(2))), "{mode}");
                }
                run.stop().await;
                place.database.execute(&format!("DROP TABLE {table}")).await;
            }
        }
    }
}

#[tokio::test]
async fn columns_with_a_new_type_are_read_with_it_and_the_position_stays() {
    for place in places().await {
        if place.retype.is_empty() {
            continue;
        }
        for mode in ["incrementing", "timestamp", "bulk"] {
            let table = unique("retyped");
            place.create(&table, KEY, "").await;
            place.database.execute(&insert(&table, 1, "")).await;
            let mut run = Run::start(&place.settings(&table, mode), &Arc::default()).await;
            assert_eq!(numbers(&[run.page().await.unwrap()], "id"), [1]);
            run.drain_if(mode != "bulk").await;
            place
                .database
                .execute(&Place::sql(place.retype, &table, ""))
                .await;
            let large = insert(&table, 2, "").replace(
                "(2, 'n2'",
                "(5000000000, 'a name of more than twenty letters'",
            );
            place.database.execute(&large).await;
            let page = run.page().await.unwrap();
            let rows = delivered(&page, "name");
            let name = Value::from("a name of more than twenty letters");
            assert_eq!(rows.last(), Some(&(5_000_000_000, Some(name))), "{mode}");
            assert_eq!(rows.len(), if mode == "bulk" { 2 } else { 1 });
            run.stop().await;
            place.database.execute(&format!("DROP TABLE {table}")).await;
        }
    }
}

#[tokio::test]
async fn a_dropped_key_column_is_named() {
    for place in places().await {
        for (mode, column, key) in [("incrementing", "id", ""), ("timestamp", "changed", KEY)] {
            let table = unique("keyless");
            place.create(&table, key, "").await;
            place.database.execute(&insert(&table, 1, "")).await;
            let mut run = Run::start(&place.settings(&table, mode), &Arc::default()).await;
            assert_eq!(run.drain().await.len(), 1);
            let drop = format!("ALTER TABLE {table} DROP COLUMN {column}");
            place.database.execute(&drop).await;
            let error = run.poll().await.unwrap_err().report();
            let message = format!("column `{column}` does not exist");
            assert!(error.contains(&message), "{error}");
            let message = format!("`{column}` dropped");
            assert!(
                error.contains(&message) && error.contains(&table),
                "{error}"
            );
            run.stop().await;
            place.database.execute(&format!("DROP TABLE {table}")).await;
        }
    }
}

#[tokio::test]
async fn a_query_follows_schema_changes_of_its_tables() {
    for place in places().await {
        let table = unique("asked");
        place.create(&table, KEY, "").await;
        let query = format!("SELECT t.* FROM {table} t");
        let mut settings = place.settings("", "incrementing");
        settings.set("query", query);
        settings.set("topic.prefix", table.as_str());
        let mut run = Run::start(&settings, &Arc::default()).await;
        let change = format!("ALTER TABLE {table} ADD COLUMN extra bigint");
        let writer = write(&place.database.url, &table, change, "extra");
        let rows = read_all(&mut run, "extra").await;
        writer.await.unwrap();
        for (id, extra) in rows.iter().filter(|(id, _)| *id > 150) {
            assert_eq!(*extra, Some(Value::Int(*id)), "row {id}");
        }
        run.stop().await;
        place.database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn a_table_whose_primary_key_is_dropped_or_added_is_read_completely() {
    for place in places().await {
        if place.database.url.starts_with("sqlite") {
            continue;
        }
        let table = unique("rekeyed");
        place.create(&table, KEY, "").await;
        let rows: Vec<_> = (1..=20).collect();
        for id in &rows {
            place.database.execute(&insert(&table, *id, "")).await;
        }
        let mut run = Run::start(&place.settings(&table, "bulk"), &Arc::default()).await;
        assert_eq!(
            numbers(&[run.page().await.unwrap()], "id"),
            [1, 2, 3, 4, 5, 6, 7]
        );
        let whole: Vec<i64> = (1..=20).collect();
        let drop = if place.database.url.starts_with("postgres") {
            format!("ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
        } else {
            format!("ALTER TABLE {table} DROP PRIMARY KEY")
        };
        let add = format!("ALTER TABLE {table} ADD PRIMARY KEY (id)");
        for change in [drop, add] {
            place.database.execute(&change).await;
            let deadline = tokio::time::Instant::now() + DEADLINE;
            let mut read = Vec::new();
            while !read.ends_with(&whole) {
                assert!(tokio::time::Instant::now() < deadline, "{change}: {read:?}");
                match run.page().await {
                    Some(page) => read.extend(numbers(&[page], "id")),
                    None => tokio::task::yield_now().await,
                }
            }
        }
        run.stop().await;
        place.database.execute(&format!("DROP TABLE {table}")).await;
    }
}
