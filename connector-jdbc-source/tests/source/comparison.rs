//! Deletes that are found by comparing keys.
use crate::harness::*;
use connect_api::{Op, Records, Value, config::Settings};
use std::{collections::BTreeSet, sync::Arc};
use tokio::time::Instant;

/// The keys at the end of a topic, as text.
#[derive(Default)]
struct Target(BTreeSet<String>);

/// The values of the key of each row, and whether it is deleted.
fn keys(page: &Records) -> impl Iterator<Item = (String, bool)> + use<'_> {
    page.rows().map(|row| {
        let key = page.schema().key().iter();
        let key: Vec<Value> = key.map(|i| row.get(*i).to_value()).collect();
        (format!("{key:?}"), row.op() == Op::Delete)
    })
}

impl Target {
    fn apply(&mut self, page: &Records) {
        for (key, deleted) in keys(page) {
            match deleted {
                true => self.0.remove(&key),
                false => self.0.insert(key),
            };
        }
    }

    /// Applies what is sent until the target has the keys of the table.
    async fn follow(&mut self, run: &mut Run, expected: &BTreeSet<String>) {
        let until = Instant::now() + DEADLINE;
        while self.0 != *expected {
            let left: Vec<_> = self.0.symmetric_difference(expected).take(5).collect();
            assert!(Instant::now() < until, "{left:?}");
            match run.page().await {
                Some(page) => self.apply(&page),
                None => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            }
            run.commit().await;
        }
    }
}

async fn databases() -> [Database; 3] {
    [
        Database::sqlite(&[]).await,
        Database::server("CONNECT_TEST_POSTGRES_URL"),
        Database::server("CONNECT_TEST_MYSQL_URL"),
    ]
}

fn settings(database: &Database, table: &str, more: &[(&str, &str)]) -> Settings {
    let mut settings = database.settings(&[
        ("mode", "incrementing"),
        ("incrementing.column.name", "id"),
        ("table.whitelist", table),
        ("deletes.mode", "diff"),
        ("deletes.diff.interval.ms", "1"),
        ("deletes.diff.chunk.rows", "10"),
    ]);
    more.iter()
        .for_each(|(key, value)| settings.set(*key, *value));
    settings
}

async fn insert(database: &Database, table: &str, ids: impl IntoIterator<Item = i64>) {
    let rows: Vec<_> = ids.into_iter().map(|id| format!("({id}, 'x')")).collect();
    let insert = format!("INSERT INTO {table} VALUES {}", rows.join(", "));
    database.execute(&insert).await;
}

async fn delete(database: &Database, table: &str, condition: &str) {
    let delete = format!("DELETE FROM {table} WHERE {condition}");
    database.execute(&delete).await;
}

fn numbers_as_keys(ids: impl IntoIterator<Item = i64>) -> BTreeSet<String> {
    let key = |id| format!("{:?}", [Value::Int(id)]);
    ids.into_iter().map(key).collect()
}

async fn table(database: &Database) -> String {
    let table = unique("comparison");
    let create = format!("CREATE TABLE {table} (id bigint NOT NULL PRIMARY KEY, name varchar(20))");
    database.execute(&create).await;
    table
}

#[tokio::test]
async fn rows_that_are_gone_are_sent_as_deletes_wherever_they_stood() {
    for database in databases().await {
        let table = table(&database).await;
        insert(&database, &table, 1..=95).await;
        let (settings, store) = (settings(&database, &table, &[]), Arc::default());
        let mut run = Run::start(&settings, &store).await;
        let mut target = Target::default();
        target.follow(&mut run, &numbers_as_keys(1..=95)).await;
        for (condition, left) in [
            // The first, the last, single ones, whole chunks, and all.
            (
                "id IN (1, 50, 95)",
                (2..=49).chain(51..=94).collect::<Vec<_>>(),
            ),
            ("id BETWEEN 20 AND 49", (2..=19).chain(51..=94).collect()),
            ("id > 70", (2..=19).chain(51..=70).collect()),
            ("id > 0", vec![]),
        ] {
            delete(&database, &table, condition).await;
            target.follow(&mut run, &numbers_as_keys(left)).await;
        }
        insert(&database, &table, 200..=230).await;
        target.follow(&mut run, &numbers_as_keys(200..=230)).await;
        delete(&database, &table, "id = 230").await;
        target.follow(&mut run, &numbers_as_keys(200..=229)).await;
        run.stop().await;
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn rows_that_were_sent_and_deleted_between_two_comparisons_are_known() {
    for database in databases().await {
        let table = table(&database).await;
        insert(&database, &table, 1..=5).await;
        let settings = settings(&database, &table, &[("deletes.diff.interval.ms", "300")]);
        let mut run = Run::start(&settings, &Arc::default()).await;
        let mut target = Target::default();
        target.follow(&mut run, &numbers_as_keys(1..=5)).await;
        let mut sent = 5;
        for _ in 0..2 {
            // Sent, and gone before anything else.
            insert(&database, &table, sent + 1..=sent + 20).await;
            let expected = (1..=5).chain(sent + 1..=sent + 20);
            target.follow(&mut run, &numbers_as_keys(expected)).await;
            sent += 20;
            delete(&database, &table, "id > 5").await;
            target.follow(&mut run, &numbers_as_keys(1..=5)).await;
        }
        run.stop().await;
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn deletes_are_sent_again_until_they_are_stored_and_found_after_a_stop() {
    for database in databases().await {
        let table = table(&database).await;
        insert(&database, &table, 1..=60).await;
        let store = Arc::default();
        let once = settings(
            &database,
            &table,
            &[("deletes.diff.interval.ms", "3600000")],
        );
        let mut run = Run::start(&once, &store).await;
        let mut target = Target::default();
        target.follow(&mut run, &numbers_as_keys(1..=60)).await;
        // To the end of the first comparison.
        for _ in 0..20 {
            run.drain().await;
        }
        run.stop().await;
        let settings = settings(&database, &table, &[]);
        // While nobody reads.
        delete(&database, &table, "id IN (5, 25, 26, 60)").await;
        let mut sent = Vec::new();
        for _ in 0..3 {
            // As after a crash: nothing that was returned is in the broker.
            let mut run = Run::start(&settings, &store).await;
            let until = Instant::now() + DEADLINE;
            let mut deleted = BTreeSet::new();
            while deleted.len() < 4 {
                assert!(Instant::now() < until, "{deleted:?}");
                let pages = run.drain().await;
                // Rows that were open at the end of the last run are sent again.
                let gone = pages.iter().flat_map(keys).filter(|(_, deleted)| *deleted);
                deleted.extend(gone.map(|(key, _)| key));
            }
            sent.push(deleted);
            run.stop().await;
        }
        assert_eq!(sent, vec![numbers_as_keys([5, 25, 26, 60]); 3]);
        let mut run = Run::start(&settings, &store).await;
        let left = (1..60).filter(|id| ![5, 25, 26].contains(id));
        target.follow(&mut run, &numbers_as_keys(left)).await;
        // Once they are stored, they are not sent again.
        run.commit().await;
        for _ in 0..20 {
            assert!(
                run.drain()
                    .await
                    .iter()
                    .all(|page| keys(page).all(|(_, deleted)| !deleted))
            );
            run.commit().await;
        }
        run.stop().await;
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn keys_of_several_columns_and_of_text_are_compared_as_the_database_orders_them() {
    for database in databases().await {
        let table = unique("comparison");
        let create = format!(
            "CREATE TABLE {table} (id bigint NOT NULL UNIQUE, name varchar(20) NOT NULL, \
             part integer NOT NULL, PRIMARY KEY (name, part))"
        );
        database.execute(&create).await;
        let names = ["", "Zoe", "a", "b:1", "zoe2", "Ärger", "ÿ", "日本", "a b"];
        let (mut rows, mut all) = (Vec::new(), BTreeSet::new());
        for (id, name) in names.iter().enumerate() {
            for part in -1..=1 {
                rows.push(format!("({}, '{name}', {part})", id as i64 * 3 + part));
                let key = [Value::from(*name), Value::Int(part)];
                all.insert(format!("{key:?}"));
            }
        }
        let insert = format!("INSERT INTO {table} VALUES {}", rows.join(", "));
        database.execute(&insert).await;
        let settings = settings(&database, &table, &[("deletes.diff.chunk.rows", "4")]);
        let mut run = Run::start(&settings, &Arc::default()).await;
        let mut target = Target::default();
        target.follow(&mut run, &all).await;
        for name in ["Zoe", "日本", ""] {
            delete(&database, &table, &format!("name = '{name}' AND part < 1")).await;
            for part in -1..1 {
                all.remove(&format!("{:?}", [Value::from(name), Value::Int(part)]));
            }
            target.follow(&mut run, &all).await;
        }
        run.stop().await;
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn rows_that_leave_the_condition_of_a_table_are_deleted_and_hashed_keys_stay_hashed() {
    for database in databases().await {
        let table = unique("comparison");
        let create = format!(
            "CREATE TABLE {table} (id bigint NOT NULL UNIQUE, name varchar(20) PRIMARY KEY)"
        );
        database.execute(&create).await;
        let insert = format!("INSERT INTO {table} VALUES (1, 'a'), (2, 'b'), (3, 'c')");
        database.execute(&insert).await;
        let hashed = [
            ("where", "id < 100"),
            ("column.mask.hash", "name"),
            ("column.mask.hash.salt", "salt-of-a-test"),
        ];
        let settings = settings(&database, &table, &hashed);
        let mut run = Run::start(&settings, &Arc::default()).await;
        let pages = run.drain().await;
        let sent: Vec<String> = pages.iter().flat_map(keys).map(|(key, _)| key).collect();
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|key| key.len() > 64), "{sent:?}");
        let mut target = Target::default();
        pages.iter().for_each(|page| target.apply(page));
        let update = format!("UPDATE {table} SET id = 200 WHERE name = 'b'");
        database.execute(&update).await;
        let left = [sent[0].clone(), sent[2].clone()].into();
        target.follow(&mut run, &left).await;
        run.stop().await;
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn whole_tables_that_are_read_again_and_again_are_compared_too() {
    let database = Database::server("CONNECT_TEST_POSTGRES_URL");
    let table = table(&database).await;
    insert(&database, &table, 1..=40).await;
    let bulk = [("mode", "bulk"), ("incrementing.column.name", "")];
    let settings = settings(&database, &table, &bulk);
    let mut run = Run::start(&settings, &Arc::default()).await;
    let mut target = Target::default();
    target.follow(&mut run, &numbers_as_keys(1..=40)).await;
    delete(&database, &table, "id < 11 OR id = 40").await;
    target.follow(&mut run, &numbers_as_keys(11..=39)).await;
    run.stop().await;
    database.execute(&format!("DROP TABLE {table}")).await;
}

#[tokio::test]
async fn a_key_that_cannot_be_compared_is_named_before_the_first_row() {
    for database in databases().await {
        let table = unique("comparison");
        let create =
            format!("CREATE TABLE {table} (id bigint NOT NULL, name varchar(20) NOT NULL)");
        database.execute(&create).await;
        let without = settings(&database, &table, &[("message.key.columns", "name")]);
        let faults = connector().check(&without).await.to_string();
        assert!(faults.contains("deletes.mode"), "{faults}");
        assert!(faults.contains("to be unique"), "{faults}");
        assert!(refusal(&without).await.contains("to be unique"));
        let bulk = settings(
            &database,
            &table,
            &[("mode", "bulk"), ("incrementing.column.name", "")],
        );
        let faults = connector().check(&bulk).await.to_string();
        assert!(faults.contains("no primary key"), "{faults}");
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn a_key_of_another_type_begins_anew_and_deletes_are_found_again() {
    let database = Database::server("CONNECT_TEST_POSTGRES_URL");
    let table = unique("comparison");
    let create = format!("CREATE TABLE {table} (id integer PRIMARY KEY, name text)");
    database.execute(&create).await;
    insert(&database, &table, 1..=30).await;
    let settings = settings(&database, &table, &[]);
    let mut run = Run::start(&settings, &Arc::default()).await;
    let mut target = Target::default();
    target.follow(&mut run, &numbers_as_keys(1..=30)).await;
    let alter = format!("ALTER TABLE {table} ALTER id TYPE bigint");
    database.execute(&alter).await;
    insert(&database, &table, [31]).await;
    target.follow(&mut run, &numbers_as_keys(1..=31)).await;
    // To the end of the first comparison.
    for _ in 0..20 {
        run.drain().await;
    }
    delete(&database, &table, "id IN (2, 31)").await;
    let left = (1..=30).filter(|id| *id != 2);
    target.follow(&mut run, &numbers_as_keys(left)).await;
    run.stop().await;
    database.execute(&format!("DROP TABLE {table}")).await;
}
