//! Timestamps with more fractional digits than a position stores.
use crate::harness::*;
use connect_api::{Polled, Records, config::Settings};
use std::{collections::HashSet, sync::Arc};

/// 2,000 rows of one microsecond, which the database distinguishes by three more digits.
async fn rows_of_one_microsecond(id: &str) -> Database {
    let digits = "SELECT 0 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < 1999";
    Database::sqlite(&[
        &format!("CREATE TABLE fine (id {id}, at TIMESTAMP NOT NULL)"),
        &format!(
            "WITH RECURSIVE numbers AS ({digits}) INSERT INTO fine \
             SELECT n, '2001-02-03 04:05:06.123456' || (100 + n * 7 % 900) FROM numbers"
        ),
    ])
    .await
}

fn settings(database: &Database, mode: &str) -> Settings {
    let mut settings = database.settings(&[
        ("mode", mode),
        ("timestamp.column.name", "at"),
        ("batch.max.rows", "500"),
        ("sqlite.dates", "iso"),
        ("table.whitelist", "fine"),
    ]);
    if mode == "timestamp+incrementing" {
        settings.set("incrementing.column.name", "id");
    }
    settings
}

/// The error of the first page.
async fn refused(settings: &Settings, store: &Arc<Store>) -> String {
    let mut run = Run::start(settings, store).await;
    let report = loop {
        match run.poll().await {
            Ok(Polled::Records(records)) => assert!(records.is_empty(), "records came"),
            Ok(Polled::Refused { error, .. }) | Err(error) => break error.report(),
            Ok(Polled::Idle(_) | Polled::Finished) => panic!("nothing was refused"),
        }
    };
    run.stop().await;
    report
}

#[tokio::test]
async fn rows_of_one_microsecond_are_read_once_with_truncated_digits() {
    for id in ["INTEGER PRIMARY KEY", "INTEGER NOT NULL"] {
        for mode in ["timestamp", "timestamp+incrementing"] {
            let database = rows_of_one_microsecond(id).await;
            let mut settings = settings(&database, mode);
            let store: Arc<Store> = Arc::default();
            let report = refused(&settings, &store).await;
            let advice = "column `at` of table `fine`: a value that is finer than a microsecond; \
                          `fine.digits=truncate` cuts such digits off";
            assert!(report.contains(advice), "{report}");

            settings.set("fine.digits", "truncate");
            let mut run = Run::start(&settings, &store).await;
            let pages = run.drain().await;
            let ids = numbers(&pages, "id");
            assert_eq!(ids.len(), 2_000, "{id}, {mode}");
            assert_eq!(ids.into_iter().collect::<HashSet<_>>().len(), 2_000);
            assert!(pages.iter().all(|page| page.len() <= 500));

            let later = "INSERT INTO fine VALUES (5000, '2001-02-03 04:05:06.123457001')";
            database.execute(later).await;
            let pages = run.drain().await;
            assert_eq!(numbers(&pages, "id"), [5_000], "{id}, {mode}");
            // No row is read again, nor after a restart.
            assert_eq!(run.drain().await.iter().map(Records::len).sum::<usize>(), 0);
            run.stop().await;
            let mut run = Run::start(&settings, &store).await;
            assert_eq!(run.drain().await.iter().map(Records::len).sum::<usize>(), 0);
            run.stop().await;
        }
    }
}

/// ISO 8601 has a comma before the fraction too, which sorts before a point.
#[tokio::test]
async fn a_comma_before_the_fraction_sorts_like_a_point() {
    let database = Database::sqlite(&[
        "CREATE TABLE fine (id INTEGER PRIMARY KEY, at TIMESTAMP NOT NULL)",
        "INSERT INTO fine VALUES (1, '2001-02-03 04:05:06.5'), (2, '2001-02-03 04:05:06,9'), \
         (3, '2001-02-03T04:05:06,25'), (4, '2001-02-03 04:05:07')",
    ])
    .await;
    for mode in ["timestamp", "timestamp+incrementing"] {
        let mut settings = settings(&database, mode);
        settings.set("batch.max.rows", "1");
        let store: Arc<Store> = Arc::default();
        let mut run = Run::start(&settings, &store).await;
        let pages = run.drain().await;
        assert_eq!(numbers(&pages, "id"), [3, 1, 2, 4], "{mode}");
        run.stop().await;
    }
}
