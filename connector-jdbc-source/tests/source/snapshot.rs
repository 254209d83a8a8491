//! Snapshots: large tables read over several connections, and what follows.
use crate::harness::*;
use connect_api::{Polled, Records, Value, config::Settings};
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

/// Small enough for a table of a test to be large.
const LARGE: [(&str, &str); 5] = [
    ("mode", "incrementing"),
    // Transactions of other tests would hold back positions.
    ("gap.safe", "false"),
    ("batch.max.rows", "50"),
    ("snapshot.parallel.min.rows", "100"),
    ("snapshot.max.threads", "3"),
];

struct Table {
    database: Database,
    name: String,
}

/// Tables with numbers, texts and times, on all databases.
async fn tables() -> Vec<Table> {
    let servers = ["CONNECT_TEST_POSTGRES_URL", "CONNECT_TEST_MYSQL_URL"];
    let mut databases: Vec<Database> = servers.map(Database::server).into();
    databases.push(Database::sqlite(&[]).await);
    let mut tables = Vec::new();
    for database in databases {
        let name = unique("snapshot");
        let create = format!(
            "CREATE TABLE {name} (id BIGINT NOT NULL PRIMARY KEY, code VARCHAR(20) NOT NULL UNIQUE, \
             v INTEGER NOT NULL, changed TIMESTAMP NOT NULL)"
        );
        database.execute(&create).await;
        tables.push(Table { database, name });
    }
    tables
}

impl Table {
    async fn insert(&self, ids: impl IntoIterator<Item = i64>) {
        let rows: Vec<String> = ids
            .into_iter()
            .map(|id| {
                format!(
                    "({id}, 'c{:x}', 0, '2001-02-03 04:05:06')",
                    id * 7919 % 10_007
                )
            })
            .collect();
        for rows in rows.chunks(1_000) {
            let insert = format!("INSERT INTO {} VALUES {}", self.name, rows.join(", "));
            self.database.execute(&insert).await;
        }
    }

    fn settings(&self, more: &[(&str, &str)]) -> Settings {
        let mut settings = self.database.settings(&LARGE);
        settings.set("table.whitelist", &self.name);
        settings.set("incrementing.column.name", "id");
        settings.set("sqlite.dates", "iso");
        more.iter()
            .for_each(|(key, value)| settings.set(*key, *value));
        settings
    }

    async fn drop(&self) {
        let drop = format!("DROP TABLE {}", self.name);
        self.database.execute(&drop).await;
    }
}

/// The rows have these numbers, each once.
fn assert_once(pages: &[Records], ids: impl IntoIterator<Item = i64>, what: &str) {
    let mut counts: BTreeMap<i64, i32> = BTreeMap::new();
    for id in numbers(pages, "id") {
        *counts.entry(id).or_default() += 1;
    }
    for id in ids {
        *counts.entry(id).or_default() -= 1;
    }
    counts.retain(|_, count| *count != 0);
    let some: Vec<_> = counts.iter().take(5).collect();
    assert!(
        counts.is_empty(),
        "{what}: {} missing or doubled: {some:?}",
        counts.len()
    );
}

/// Some page is not behind the one before: they come from several readers.
fn are_interleaved(pages: &[Records]) -> bool {
    let firsts: Vec<i64> = pages
        .iter()
        .map(|page| numbers(std::slice::from_ref(page), "id")[0])
        .collect();
    !firsts.is_sorted()
}

#[tokio::test]
async fn a_large_table_is_read_side_by_side_and_then_followed() {
    for table in tables().await {
        table.insert(1..=3_000).await;
        let mut run = Run::start(&table.settings(&[]), &Arc::default()).await;
        let pages = run.drain().await;
        assert_once(&pages, 1..=3_000, &table.name);
        assert!(are_interleaved(&pages));
        let (_, offset) = run.store.all().pop().unwrap();
        assert_eq!(offset, [("incrementing".into(), Value::Int(3_000))].into());
        table.insert(3_001..=3_010).await;
        let followed = numbers(&run.drain().await, "id");
        assert_eq!(followed, (3_001..=3_010).collect::<Vec<_>>());
        run.stop().await;
        table.drop().await;
    }
}

#[tokio::test]
async fn finished_ranges_are_not_read_again_after_a_restart() {
    for table in tables().await {
        table.insert(1..=800).await;
        for mode in ["incrementing", "bulk"] {
            let settings = table.settings(&[("mode", mode), ("snapshot.mode", "only")]);
            let (store, mut pages, mut runs) = (Arc::default(), Vec::new(), 0);
            'read: loop {
                let mut run = Run::start(&settings, &store).await;
                runs += 1;
                for _ in 0..7 {
                    match run.polled().await {
                        Polled::Records(records) => {
                            store.keep(&records);
                            pages.push(records);
                        }
                        Polled::Idle(_) => {}
                        Polled::Finished => break 'read,
                        Polled::Refused { error, .. } => panic!("{}", error.report()),
                    }
                }
                // Killed: what was read ahead is lost.
                drop(run);
            }
            assert!(runs > 3, "{runs}");
            pages.retain(|page| !page.is_empty());
            assert_once(&pages, 1..=800, mode);
            let mut run = Run::start(&settings, &store).await;
            assert!(matches!(run.polled().await, Polled::Finished), "read once");
        }
        table.drop().await;
    }
}

#[tokio::test]
async fn keys_that_are_no_numbers_or_lie_close_together_are_divided_too() {
    for table in tables().await {
        // All but one lie in a thousandth of the range.
        table.insert((1..=1_500).chain([9_000_000])).await;
        let ids: Vec<i64> = (1..=1_500).chain([9_000_000]).collect();
        for column in ["id", "code"] {
            let settings = table.settings(&[("incrementing.column.name", column)]);
            let mut run = Run::start(&settings, &Arc::default()).await;
            let pages = run.drain().await;
            assert_once(&pages, ids.clone(), column);
            run.stop().await;
        }
        table.drop().await;
    }
}

#[tokio::test]
async fn rows_that_change_during_a_snapshot_end_with_their_last_values() {
    for table in tables().await {
        table.insert(1..=1_000).await;
        let settings = table.settings(&[
            ("mode", "timestamp"),
            ("timestamp.column.name", "changed"),
            ("incrementing.column.name", ""),
            ("db.timezone", "UTC"),
            ("gap.safe", "true"),
        ]);
        let mut run = Run::start(&settings, &Arc::default()).await;
        let (mut values, mut changes, mut pages) = (BTreeMap::new(), 0, 0);
        while values.len() < 1_000 || changes < 40 || values.values().sum::<i64>() < 40 {
            if changes < 40 && pages > 3 {
                changes += 1;
                let id = changes * 25;
                let name = &table.name;
                let change = format!(
                    "UPDATE {name} SET v = 1, changed = '2001-02-03 05:00:{:02}' WHERE id = {id}",
                    changes % 60
                );
                table.database.execute(&change).await;
            }
            let Some(page) = run.page().await else {
                continue;
            };
            pages += 1;
            let page = [page];
            for (id, value) in numbers(&page, "id").into_iter().zip(numbers(&page, "v")) {
                let before = values.insert(id, value).unwrap_or(0);
                assert!(value >= before, "row {id} came back to an older state");
            }
        }
        assert_eq!(values.len(), 1_000);
        run.stop().await;
        table.drop().await;
    }
}

#[tokio::test]
async fn a_column_that_is_added_during_a_snapshot_is_in_all_rows_after_it() {
    for table in tables().await {
        table.insert(1..=1_000).await;
        let mut run = Run::start(&table.settings(&[]), &Arc::default()).await;
        let mut pages = Vec::new();
        for _ in 0..6 {
            pages.push(run.page().await.unwrap());
        }
        let add = format!(
            "ALTER TABLE {} ADD COLUMN more INTEGER DEFAULT 5",
            table.name
        );
        table.database.execute(&add).await;
        // Pages that were read before are in the channel, or wait for it.
        for _ in 0..5 {
            pages.push(run.page().await.unwrap());
        }
        let after = run.drain().await;
        for row in after.iter().flat_map(|page| page.rows()) {
            assert_eq!(row.by_name("more").unwrap().to_value(), Value::Int(5));
        }
        pages.extend(after);
        assert_once(&pages, 1..=1_000, &table.name);
        run.stop().await;
        table.drop().await;
    }
}

#[tokio::test]
async fn snapshot_mode_never_reads_new_rows_only_and_loses_none_over_a_restart() {
    for table in tables().await {
        for rows in [0, 20] {
            let first = rows * 100 + 1;
            if rows > 0 {
                table.insert(first..first + rows).await;
            }
            let settings = table.settings(&[("snapshot.mode", "never")]);
            let store = Arc::default();
            let mut run = Run::start(&settings, &store).await;
            assert!(run.drain().await.is_empty());
            run.stop().await;
            table.insert(first + 50..first + 53).await;
            let mut run = Run::start(&settings, &store).await;
            let new: Vec<i64> = (first + 50..first + 53).collect();
            assert_eq!(numbers(&run.drain().await, "id"), new);
            run.stop().await;
        }
        table.drop().await;
    }
}

#[tokio::test]
async fn a_position_of_another_mode_is_given_up_where_snapshots_are_taken_when_needed() {
    let table = tables().await.pop().unwrap();
    table.insert(1..=5).await;
    let store = Arc::default();
    let mut run = Run::start(&table.settings(&[]), &store).await;
    run.drain().await;
    run.stop().await;
    let other = [("mode", "timestamp"), ("timestamp.column.name", "changed")];
    let refused = Run::try_start(&table.settings(&other), &store).await;
    let refused = refused.err().unwrap().report();
    assert!(refused.contains("snapshot.mode=when_needed"), "{refused}");
    let mut settings = table.settings(&other);
    settings.set("snapshot.mode", "when_needed");
    let mut run = Run::start(&settings, &store).await;
    assert_once(&run.drain().await, 1..=5, "again");
    run.stop().await;
}

/// The type of a number that the database counts up.
fn counted(database: &Database) -> &'static str {
    match database.connection_settings().get("connection.url") {
        Some(url) if url.contains("postgres") => "BIGSERIAL PRIMARY KEY",
        Some(url) if url.contains("sqlite") => "INTEGER PRIMARY KEY AUTOINCREMENT",
        _ => "BIGINT AUTO_INCREMENT PRIMARY KEY",
    }
}

/// Polls until this number of rows was read, whatever else is there.
async fn read_rows(run: &mut Run, rows: usize) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    let mut read = 0;
    while read < rows {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{read} of {rows} rows"
        );
        match run.page().await {
            Some(page) => read += page.len(),
            None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
    assert_eq!(read, rows);
}

#[tokio::test]
async fn a_dropped_table_of_signals_stops_no_other_and_is_followed_once_it_is_there_again() {
    for table in tables().await {
        let (database, name) = (&table.database, &table.name);
        let signals = unique("signals");
        let create = format!(
            "CREATE TABLE {signals} (id {}, type VARCHAR(32), data VARCHAR(2048))",
            counted(database)
        );
        let signal = format!(
            "INSERT INTO {signals} (type, data) VALUES ('execute-snapshot', \
             '{{\"data-collections\": [\"{name}\"]}}')"
        );
        let drop = format!("DROP TABLE {signals}");
        let settings = table.settings(&[("signal.data.collection", signals.as_str())]);
        // G9: a table that was never there is a fault of the settings.
        let refused = refusal(&settings).await;
        assert!(
            refused.contains(&format!("table {signals} does not exist")),
            "{refused}"
        );
        database.execute(&create).await;
        table.insert(1..=20).await;
        let store = Arc::default();
        let mut run = Run::start(&settings, &store).await;
        read_rows(&mut run, 20).await;
        for _ in 0..3 {
            database.execute(&signal).await;
            read_rows(&mut run, 20).await;
        }
        database.execute(&drop).await;
        table.insert(21..=30).await;
        read_rows(&mut run, 10).await;
        assert!(run.drain().await.is_empty());
        // Its numbers begin again: this one is smaller than the last that was followed.
        database.execute(&create).await;
        database.execute(&signal).await;
        read_rows(&mut run, 30).await;
        assert!(run.drain().await.is_empty(), "followed once");
        // A task that starts while the table is missing, as one does whose connection was cut.
        let planned = connector().plan(&settings, NonZeroU32::MIN).await.unwrap();
        run.stop().await;
        database.execute(&drop).await;
        let mut run = Run::start_planned(&planned[0], &store).await;
        table.insert(31..=32).await;
        read_rows(&mut run, 2).await;
        database.execute(&create).await;
        database.execute(&signal).await;
        database.execute(&signal).await;
        read_rows(&mut run, 32).await;
        run.stop().await;
        for table in [name, &signals] {
            database.execute(&format!("DROP TABLE {table}")).await;
        }
    }
}

#[tokio::test]
async fn a_signal_reads_one_table_again_while_others_go_on() {
    for table in tables().await {
        let (database, name) = (&table.database, &table.name);
        let (other, signals) = (unique("other"), unique("signals"));
        let number = counted(database);
        database
            .execute(&format!("CREATE TABLE {other} (id {number}, v INTEGER)"))
            .await;
        database
            .execute(&format!(
                "CREATE TABLE {signals} (id {number}, type VARCHAR(32), data VARCHAR(2048))"
            ))
            .await;
        let signal = |kind: &str, table: &str| {
            format!(
                "INSERT INTO {signals} (type, data) VALUES ('{kind}', \
                 '{{\"data-collections\": [\"{table}\"]}}')"
            )
        };
        // From before the first start: not for this connector.
        database.execute(&signal("execute-snapshot", name)).await;
        table.insert(1..=400).await;
        let tables = format!("{name},{other}");
        let settings = table.settings(&[
            ("table.whitelist", tables.as_str()),
            ("signal.data.collection", signals.as_str()),
        ]);
        let store = Arc::default();
        let mut run = Run::start(&settings, &store).await;
        assert_once(&run.drain().await, 1..=400, "first");
        assert!(run.drain().await.is_empty());
        database.execute(&signal("log", name)).await;
        database.execute(&signal("execute-snapshot", name)).await;
        let insert = format!("INSERT INTO {other} (v) VALUES (7)");
        database.execute(&insert).await;
        let pages = run.drain().await;
        let (own, others): (Vec<_>, Vec<_>) = pages
            .into_iter()
            .partition(|page| page.schema().name() == name);
        assert_once(&own, 1..=400, "after the signal");
        assert_eq!(others.iter().map(Records::len).sum::<usize>(), 1);
        assert!(run.drain().await.is_empty(), "followed once");
        run.stop().await;
        // While nothing runs; and followed once, over another restart in the middle.
        database.execute(&signal("execute-snapshot", "sn*")).await;
        let mut run = Run::start(&settings, &store).await;
        let mut pages = vec![run.page().await.unwrap()];
        drop(run);
        let mut run = Run::start(&settings, &store).await;
        pages.extend(run.drain().await);
        let mut ids = numbers(&pages, "id");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, (1..=400).collect::<Vec<_>>());
        run.stop().await;
        let mut run = Run::start(&settings, &store).await;
        assert!(run.drain().await.is_empty());
        run.stop().await;
        for table in [name, &other, &signals] {
            database.execute(&format!("DROP TABLE {table}")).await;
        }
    }
}
