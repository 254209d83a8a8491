//! Time zones and resolutions of timestamps.
use crate::harness::*;
use connect_api::{Kind, Records, Value};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

const TIMESTAMP: [(&str, &str); 3] = [
    ("mode", "timestamp"),
    ("timestamp.column.name", "updated_at"),
    ("table.whitelist", "clock"),
];

/// A new PostgreSQL database whose sessions have the time zone `zone`.
async fn postgres_in(zone: &str) -> Database {
    let server = Database::server("CONNECT_TEST_POSTGRES_URL");
    let name = unique("zone");
    server.execute(&format!("CREATE DATABASE {name}")).await;
    server
        .execute(&format!("ALTER DATABASE {name} SET timezone = '{zone}'"))
        .await;
    let (before, after) = server.url.rsplit_once('/').unwrap();
    let parameters = after.find('?').map_or("", |at| &after[at..]);
    let mut database = Database::server("CONNECT_TEST_POSTGRES_URL");
    database.url = format!("{before}/{name}{parameters}");
    database
        .execute("CREATE TABLE clock (id int PRIMARY KEY, updated_at timestamp NOT NULL)")
        .await;
    database
}

async fn drop_database(database: Database) {
    let name = database.url.rsplit_once('/').unwrap().1;
    let name = name.split('?').next().unwrap();
    Database::server("CONNECT_TEST_POSTGRES_URL")
        .execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await;
}

/// Inserts a row with the current local time of `zone`.
fn now_in(zone: &str, id: i64) -> String {
    format!("INSERT INTO clock VALUES ({id}, now() AT TIME ZONE '{zone}')")
}

async fn ids_in_time(run: &mut Run, wanted: usize) -> Vec<i64> {
    let until = Instant::now() + Duration::from_secs(10);
    let mut ids = Vec::new();
    while ids.len() < wanted && Instant::now() < until {
        ids.extend(numbers(&run.drain().await, "id"));
    }
    ids
}

#[tokio::test]
async fn rows_just_written_in_another_time_zone_are_read() {
    for zone in ["Asia/Shanghai", "America/New_York"] {
        let database = postgres_in(zone).await;
        for id in 1..4 {
            database.execute(&now_in(zone, id)).await;
        }
        let mut settings = database.settings(&TIMESTAMP);
        let mut run = Run::start(&settings, &Arc::default()).await;
        assert_eq!(ids_in_time(&mut run, 3).await, [1, 2, 3], "{zone}");
        run.stop().await;
        settings.set("timestamp.delay.interval.ms", "1800000");
        let mut run = Run::start(&settings, &Arc::default()).await;
        assert!(run.drain().await.is_empty(), "{zone}: they wait");
        run.stop().await;
        settings.remove("timestamp.delay.interval.ms");
        settings.set("timestamp.initial", "-1");
        let mut run = Run::start(&settings, &Arc::default()).await;
        assert!(run.drain().await.is_empty(), "{zone}: they were before");
        database.execute(&now_in(zone, 9)).await;
        assert_eq!(ids_in_time(&mut run, 1).await, [9], "{zone}");
        run.stop().await;
        // An hour ago, and half an hour ago, in UTC.
        let ago = std::time::SystemTime::now() - Duration::from_secs(1_800);
        let ago = ago.duration_since(std::time::UNIX_EPOCH).unwrap();
        settings.set("timestamp.initial", ago.as_millis().to_string());
        database
            .execute(&format!(
                "INSERT INTO clock VALUES (0, (now() - interval '1 hour') AT TIME ZONE '{zone}')"
            ))
            .await;
        let mut run = Run::start(&settings, &Arc::default()).await;
        assert_eq!(ids_in_time(&mut run, 4).await, [1, 2, 3, 9], "{zone}");
        run.stop().await;
        drop_database(database).await;
    }
}

/// A table `clock` with local times `east` hours ahead of UTC.
async fn clock_east(database: &Database, east: i32) {
    let (time, now) = if database.url.starts_with("sqlite") {
        (
            "timestamp",
            format!("strftime('%Y-%m-%d %H:%M:%f', 'now', '{east:+} hours')"),
        )
    } else {
        (
            "datetime(6)",
            format!("UTC_TIMESTAMP(6) + INTERVAL {east} HOUR"),
        )
    };
    database.execute("DROP TABLE IF EXISTS clock").await;
    let create = format!("CREATE TABLE clock (id bigint PRIMARY KEY, updated_at {time} NOT NULL)");
    database.execute(&create).await;
    for id in 1..3 {
        database
            .execute(&format!("INSERT INTO clock VALUES ({id}, {now})"))
            .await;
    }
}

#[tokio::test]
async fn db_timezone_sets_the_time_zone_of_the_rows() {
    let server = Database::server("CONNECT_TEST_MYSQL_URL");
    let name = unique("clocks");
    server.execute(&format!("CREATE DATABASE {name}")).await;
    let mut mariadb = Database::server("CONNECT_TEST_MYSQL_URL");
    mariadb.url = format!("{}/{name}", server.url.rsplit_once('/').unwrap().0);
    for database in [mariadb, Database::sqlite(&[]).await] {
        for (zone, east) in [("Asia/Shanghai", 8), ("-05:00", -5)] {
            clock_east(&database, east).await;
            let mut settings = database.settings(&TIMESTAMP);
            settings.set("sqlite.dates", "iso");
            settings.set("db.timezone", zone);
            let mut run = Run::start(&settings, &Arc::default()).await;
            assert_eq!(ids_in_time(&mut run, 2).await, [1, 2], "{zone}");
            run.stop().await;
            settings.set("timestamp.delay.interval.ms", "3600000");
            let mut run = Run::start(&settings, &Arc::default()).await;
            assert!(run.drain().await.is_empty(), "{zone}");
            run.stop().await;
        }
    }
    server.execute(&format!("DROP DATABASE {name}")).await;
}

fn instants_of(pages: &[Records], column: &str) -> Vec<Value> {
    let rows = pages.iter().flat_map(Records::rows);
    rows.map(|row| row.by_name(column).unwrap().to_value())
        .collect()
}

#[tokio::test]
async fn local_times_are_sent_as_instants_with_db_timezone() {
    let database = Database::sqlite(&[
        "CREATE TABLE clock (id INTEGER PRIMARY KEY, updated_at TIMESTAMP NOT NULL, \
         other TIMESTAMP, day DATE, known TIMESTAMPTZ_TEXT)",
        "INSERT INTO clock VALUES (1, '2024-06-01 08:00:00.000001', NULL, '2024-06-01', \
         '2024-06-01 00:00:00.000000Z'), \
         (2, '2024-06-01 08:00:01', '1970-01-01 08:00:00', NULL, NULL)",
    ])
    .await;
    let mut settings = database.settings(&TIMESTAMP);
    settings.set("sqlite.dates", "iso");
    settings.set("batch.max.rows", "1");
    let plain = Run::start(&settings, &Arc::default()).await.drain().await;
    settings.set("db.timezone", "Asia/Shanghai");
    let store = Arc::default();
    let mut run = Run::start(&settings, &store).await;
    let mut pages = run.drain().await;
    run.stop().await;
    let kind = |pages: &[Records], i: usize| pages[0].schema().kinds()[i].clone();
    assert_eq!(kind(&plain, 1), Kind::Timestamp { utc: false });
    assert_eq!(kind(&pages, 1), Kind::Timestamp { utc: true });
    assert_eq!(kind(&pages, 2), Kind::Timestamp { utc: true });
    assert_eq!(kind(&pages, 3), Kind::Date);
    // 2024-06-01 00:00 in UTC.
    let day = 1_717_200_000_000_000;
    let hours = 8 * 3_600_000_000;
    assert_eq!(
        instants_of(&plain, "updated_at")[0],
        Value::Timestamp(day + hours + 1)
    );
    assert_eq!(
        instants_of(&pages, "updated_at"),
        [Value::Timestamp(day + 1), Value::Timestamp(day + 1_000_000)]
    );
    assert_eq!(
        instants_of(&pages, "other"),
        [Value::Null, Value::Timestamp(0)]
    );
    assert_eq!(instants_of(&pages, "known")[0], Value::Timestamp(day));
    assert_eq!(
        pages[0].row(0).time(),
        Some(day / 1_000),
        "event times are instants too"
    );
    // Positions are local times of the column: a restart continues after them.
    database
        .execute("INSERT INTO clock (id, updated_at) VALUES (3, '2024-06-01 08:00:02')")
        .await;
    let mut run = Run::start(&settings, &store).await;
    pages = run.drain().await;
    assert_eq!(numbers(&pages, "id"), [3]);
    run.stop().await;
}

#[tokio::test]
async fn a_nonexistent_local_time_is_named() {
    let database = Database::sqlite(&[
        "CREATE TABLE clock (id INTEGER PRIMARY KEY, updated_at TIMESTAMP NOT NULL)",
        "INSERT INTO clock VALUES (1, '2024-03-10 02:30:00')",
    ])
    .await;
    let mut settings = database.settings(&TIMESTAMP);
    settings.set("sqlite.dates", "iso");
    settings.set("db.timezone", "America/New_York");
    let mut run = Run::start(&settings, &Arc::default()).await;
    let (_, message) = run.drain_readable().await;
    let [(1, message)] = message.as_slice() else {
        panic!("{message:?}");
    };
    assert!(
        message.contains("`updated_at` of clock") && message.contains("America/New_York"),
        "{message}"
    );
    assert!(!message.contains("02:30"), "{message}");
    run.stop().await;
    // A local time that occurs twice is sent as the later instant.
    database
        .execute("UPDATE clock SET updated_at = '2024-11-03 01:30:00'")
        .await;
    let pages = Run::start(&settings, &Arc::default()).await.drain().await;
    let later = 1_730_613_600_000_000 + 1_800_000_000;
    assert_eq!(instants_of(&pages, "updated_at"), [Value::Timestamp(later)]);
}

/// The last number of each row.
fn note(seen: &mut HashMap<i64, i64>, pages: &[Records]) {
    seen.extend(numbers(pages, "id").into_iter().zip(numbers(pages, "n")));
}

#[tokio::test]
async fn rows_that_change_within_one_second_are_current_at_the_end() {
    let database = Database::server("CONNECT_TEST_MYSQL_URL");
    for (mode, column) in [
        ("timestamp", "timestamp"),
        ("timestamp+incrementing", "datetime"),
        ("timestamp", "timestamp(3)"),
    ] {
        let table = unique("seconds");
        let now = if column == "timestamp(3)" {
            "(3)"
        } else {
            "()"
        };
        let create = format!(
            "CREATE TABLE {table} (id bigint AUTO_INCREMENT PRIMARY KEY, n bigint NOT NULL, \
             updated_at {column} NOT NULL DEFAULT CURRENT_TIMESTAMP{now} \
             ON UPDATE CURRENT_TIMESTAMP{now})"
        );
        database.execute(&create).await;
        let rows: Vec<_> = (1..52).map(|id| format!("({id}, 0)")).collect();
        let insert = format!("INSERT INTO {table} (id, n) VALUES {}", rows.join(", "));
        database.execute(&insert).await;
        let mut settings = database.settings(&[
            ("mode", mode),
            ("timestamp.column.name", "updated_at"),
            ("poll.interval.ms", "100"),
            // A statement takes its timestamp when it starts and commits later.
            ("timestamp.delay.interval.ms", "50"),
        ]);
        settings.set("table.whitelist", table.as_str());
        let mut run = Run::start(&settings, &Arc::default()).await;
        let mut seen = HashMap::new();
        let mut expected: HashMap<i64, i64> = (1..52).map(|id| (id, 0)).collect();
        for n in 1..41 {
            let id = (n * 7) % 51 + 1;
            let update = format!("UPDATE {table} SET n = {n} WHERE id = {id}");
            database.execute(&update).await;
            expected.insert(id, n);
            note(&mut seen, &run.drain().await);
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        let until = Instant::now() + Duration::from_secs(10);
        while seen != expected && Instant::now() < until {
            note(&mut seen, &run.drain().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(seen, expected, "{mode} {column}");
        run.stop().await;
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn rounded_times_may_lie_in_the_future_and_none_is_missed() {
    let database = Database::server("CONNECT_TEST_POSTGRES_URL");
    let table = unique("rounded");
    let create = format!(
        "CREATE TABLE {table} (id bigint PRIMARY KEY, n bigint NOT NULL, \
         updated_at timestamptz(0) NOT NULL)"
    );
    database.execute(&create).await;
    let mut settings = database.settings(&[
        ("mode", "timestamp"),
        ("timestamp.column.name", "updated_at"),
        ("timestamp.delay.interval.ms", "50"),
    ]);
    settings.set("table.whitelist", table.as_str());
    let mut run = Run::start(&settings, &Arc::default()).await;
    let mut seen = HashMap::new();
    // Decreasing numbers: a late row within a second has a lower key.
    for n in (0..25).rev() {
        let insert = format!("INSERT INTO {table} VALUES ({n}, {n}, clock_timestamp())");
        database.execute(&insert).await;
        note(&mut seen, &run.drain().await);
        tokio::time::sleep(Duration::from_millis(90)).await;
    }
    let until = Instant::now() + Duration::from_secs(10);
    while seen.len() < 25 && Instant::now() < until {
        note(&mut seen, &run.drain().await);
    }
    assert_eq!(seen.len(), 25);
    run.stop().await;
    database.execute(&format!("DROP TABLE {table}")).await;
}
