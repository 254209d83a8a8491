//! Rows that cannot be read.
use crate::harness::*;
use connect_api::{ErrorKind, Polled, Records, Value};
use std::{sync::Arc, time::Duration};

/// A database, and how to write a date that is not supported.
struct Case {
    database: Database,
    /// The database's types of dates and timestamps.
    types: [&'static str; 2],
    no_date: &'static str,
    /// The expression of the unsupported date.
    ignore: &'static str,
    /// A timestamp below all others.
    no_time: &'static str,
}

fn servers() -> [Case; 2] {
    [
        Case {
            database: Database::server("CONNECT_TEST_POSTGRES_URL"),
            types: ["date", "timestamp"],
            no_date: "infinity",
            ignore: "",
            no_time: "-infinity",
        },
        Case {
            database: Database::server("CONNECT_TEST_MYSQL_URL"),
            types: ["date", "datetime(6)"],
            no_date: "0000-00-00",
            ignore: "IGNORE ",
            no_time: "0000-00-00 00:00:00",
        },
    ]
}

/// Bad rows among 1,000: at both ends, adjacent, and single.
const BAD: [i64; 7] = [1, 2, 17, 499, 500, 501, 1_000];

impl Case {
    /// Rows 1 to 1,000; those in `bad` have an unsupported date. Two rows share each timestamp.
    async fn table(&self, key: &str, bad: &[i64]) -> String {
        let table = unique("unreadable");
        let [date, time] = self.types;
        let create =
            format!("CREATE TABLE {table} (id bigint{key}, day {date}, seen {time} NOT NULL)");
        self.database.execute(&create).await;
        let rows: Vec<_> = (1..=1_000)
            .map(|id| {
                let day = if bad.contains(&id) {
                    self.no_date
                } else {
                    "2020-02-02"
                };
                let (minute, second) = (id / 2 / 60, id / 2 % 60);
                format!("({id}, '{day}', '2020-02-02 10:{minute:02}:{second:02}')")
            })
            .collect();
        let insert = format!(
            "INSERT {}INTO {table} VALUES {}",
            self.ignore,
            rows.join(", ")
        );
        self.database.execute(&insert).await;
        table
    }
}

fn ids(pages: &[Records]) -> Vec<i64> {
    let mut ids = numbers(pages, "id");
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn unreadable_rows_are_reported_by_key_and_all_others_are_read() {
    for case in servers() {
        let table = case.table(" PRIMARY KEY", &BAD).await;
        let query = format!("SELECT id, day FROM {table}");
        let of_table = ("table.whitelist", table.as_str());
        let grows = ("incrementing.column.name", "id");
        let times = ("timestamp.column.name", "seen");
        for settings in [
            &[("mode", "incrementing"), grows, of_table][..],
            &[("mode", "timestamp"), times, of_table],
            &[("mode", "bulk"), ("poll.interval.ms", "3600000"), of_table],
            // Its key is not known to be unique.
            &[
                ("mode", "incrementing"),
                grows,
                ("query", &query),
                ("topic.prefix", "q"),
            ],
        ] {
            let store: Arc<Store> = Arc::default();
            let mut settings = case.database.settings(settings);
            settings.set("gap.safe", "false");
            let mut run = Run::start(&settings, &store).await;
            let (pages, refused) = run.drain_readable().await;
            run.stop().await;
            let message: Vec<_> = refused.iter().map(|(id, _)| *id).collect();
            assert_eq!(message, BAD, "{settings:?}");
            for (_, reason) in &refused {
                assert!(reason.contains("`day`"), "{reason}");
                assert!(!reason.contains(case.no_date), "{reason}");
            }
            let expected: Vec<_> = (1..=1_000).filter(|id| !BAD.contains(id)).collect();
            assert_eq!(ids(&pages), expected, "{settings:?}");
            let mut run = Run::start(&settings, &store).await;
            let (mut pages, refused) = run.drain_readable().await;
            // A position may come without rows.
            pages.retain(|page| !page.is_empty());
            assert!(pages.is_empty() && refused.is_empty(), "after a restart");
            run.stop().await;
        }
        case.database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn late_rows_are_delivered_beside_unreadable_ones() {
    for case in servers() {
        let table = case.table(" PRIMARY KEY", &BAD).await;
        let query = format!("SELECT id, seen, day FROM {table}");
        let of_table = ("table.whitelist", table.as_str());
        let times = ("timestamp.column.name", "seen");
        let grows = ("incrementing.column.name", "id");
        let follow = ("mode", "incrementing");
        for settings in [
            &[follow, grows, of_table][..],
            &[("mode", "timestamp"), times, of_table],
            &[follow, grows, ("query", &query), ("topic.prefix", "q")],
        ] {
            let delete = format!("DELETE FROM {table} WHERE id = 700");
            case.database.execute(&delete).await;
            let mut late = case.database.connect().await;
            late.begin().await.unwrap();
            let insert = format!(
                "INSERT INTO {table} (id, seen, day) SELECT 700, seen, day FROM {table} WHERE id = 701"
            );
            late.execute(&insert).await.unwrap();
            let settings = case.database.settings(settings);
            let mut run = Run::start(&settings, &Arc::default()).await;
            let mut seen = std::collections::BTreeSet::new();
            let mut rejected = std::collections::BTreeSet::new();
            let mut drain = async |run: &mut Run| {
                let (pages, refused) = run.drain_readable().await;
                seen.extend(ids(&pages));
                rejected.extend(refused.into_iter().map(|(id, _)| id));
                seen.contains(&700)
            };
            assert!(!drain(&mut run).await, "{settings:?}");
            late.commit().await.unwrap();
            late.close().await.unwrap();
            let deadline = tokio::time::Instant::now() + DEADLINE;
            while !drain(&mut run).await {
                assert!(tokio::time::Instant::now() < deadline, "{settings:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            run.stop().await;
            let expected = (1..=1_000).filter(|id| !BAD.contains(id));
            assert_eq!(seen, expected.collect(), "{settings:?}");
            assert_eq!(rejected, BAD.into(), "{settings:?}");
        }
        case.database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn rows_with_a_key_below_the_range_are_reported_and_the_others_are_read() {
    for case in servers() {
        let table = case.table(" PRIMARY KEY", &[]).await;
        let (no_time, ignore) = (case.no_time, case.ignore);
        let spoil =
            format!("UPDATE {ignore}{table} SET seen = '{no_time}' WHERE id IN (5, 6, 900)");
        case.database.execute(&spoil).await;
        for (mode, suffix) in [("timestamp", "t"), ("timestamp+incrementing", "ti")] {
            let settings = case.database.settings(&[
                ("mode", mode),
                ("timestamp.column.name", "seen"),
                ("incrementing.column.name", "id"),
                ("table.whitelist", &table),
                ("offset.suffix", suffix),
            ]);
            let store: Arc<Store> = Arc::default();
            let mut run = Run::start(&settings, &store).await;
            let (pages, refused) = run.drain_readable().await;
            run.stop().await;
            let message: Vec<_> = refused.iter().map(|(id, _)| *id).collect();
            assert_eq!(message, [5, 6, 900], "{mode}");
            assert!(refused[0].1.contains("`seen`"), "{}", refused[0].1);
            let expected = (1..=1_000).filter(|id| ![5, 6, 900].contains(id));
            assert_eq!(ids(&pages), expected.collect::<Vec<_>>(), "{mode}");
        }
        // With the setting that reads them as NULL, they are normal rows.
        let setting = match case.no_date {
            "infinity" => ("values.unrepresentable", "null"),
            _ => ("zero.dates", "null"),
        };
        let settings = case.database.settings(&[
            ("mode", "timestamp"),
            ("timestamp.column.name", "seen"),
            ("table.whitelist", &table),
            ("batch.max.rows", "2"),
            setting,
        ]);
        let mut run = Run::start(&settings, &Arc::default()).await;
        let (pages, refused) = run.drain_readable().await;
        run.stop().await;
        assert!(refused.is_empty(), "{refused:?}");
        assert_eq!(ids(&pages), (1..=1_000).collect::<Vec<_>>());
        let seen = pages.iter().flat_map(|page| page.rows());
        let seen = seen.filter(|row| row.by_name("seen").unwrap().to_value() == Value::Null);
        assert_eq!(seen.count(), 3);
        case.database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn an_unreadable_row_without_a_unique_key_fails_the_task_with_advice() {
    for case in servers() {
        let table = case.table("", &[500]).await;
        let ends = async |settings: &[(&str, &str)]| {
            let mut settings = case.database.settings(settings);
            settings.set("table.whitelist", table.as_str());
            let mut run = Run::start(&settings, &Arc::default()).await;
            let mut read = 0;
            let error = loop {
                match run.poll().await {
                    Ok(Polled::Records(page)) => read += page.len(),
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => break error,
                }
            };
            run.stop().await;
            assert_eq!(error.kind(), ErrorKind::Data);
            let message = error.report();
            for part in [&*table, "`day`", "`query`"] {
                assert!(message.contains(part), "{part}: {message}");
            }
            (read, message)
        };
        let (_, message) = ends(&[("mode", "bulk")]).await;
        assert!(message.contains("without a key"), "{message}");
        let times = [("mode", "timestamp"), ("timestamp.column.name", "seen")];
        let (read, message) = ends(&times).await;
        assert!(
            message.contains("several rows with equal keys"),
            "{message}"
        );
        assert_eq!(
            read, 499,
            "all rows of earlier times, and the first of its own"
        );
        case.database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn text_in_a_numeric_column_is_reported_and_the_rows_behind_it_are_read() {
    let database = Database::sqlite(&[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)",
        "INSERT INTO t VALUES (1, 1), (2, 'planted'), (3, 3)",
    ])
    .await;
    let settings = database.settings(&[("mode", "incrementing"), ("table.whitelist", "t")]);
    let mut run = Run::start(&settings, &Arc::default()).await;
    let (pages, refused) = run.drain_readable().await;
    assert_eq!(ids(&pages), [1, 3]);
    let [(2, reason)] = refused.as_slice() else {
        panic!("{refused:?}");
    };
    assert!(
        reason.contains("`n`") && !reason.contains("planted"),
        "{reason}"
    );
    run.stop().await;
}
