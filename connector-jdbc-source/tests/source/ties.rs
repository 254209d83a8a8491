//! Ties (rows with equal keys) at the end of a page.
use crate::harness::*;
use connect_api::{Polled, Records, Value, config::Settings};
use std::{collections::HashSet, sync::Arc};

/// PostgreSQL, MariaDB and SQLite.
async fn databases() -> [Database; 3] {
    [
        Database::server("CONNECT_TEST_POSTGRES_URL"),
        Database::server("CONNECT_TEST_MYSQL_URL"),
        Database::sqlite(&[]).await,
    ]
}

/// Fills `table` with `rows` rows of the expressions `columns` over the number `n`, from 0.
async fn fill(database: &Database, table: &str, rows: u32, columns: &str) {
    let insert = format!(
        "INSERT INTO {table} SELECT {columns} FROM (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d \
         + 10000 * f.d AS n FROM digits_{table} a, digits_{table} b, digits_{table} c, \
         digits_{table} e, digits_{table} f) AS numbers WHERE n < {rows}"
    );
    let digits = (0..10).map(|d| format!("({d})")).collect::<Vec<_>>();
    for sql in [
        format!("CREATE TABLE digits_{table} (d bigint)"),
        format!("INSERT INTO digits_{table} VALUES {}", digits.join(", ")),
        insert,
        format!("DROP TABLE digits_{table}"),
    ] {
        database.execute(&sql).await;
    }
}

/// Integer division of `n`.
fn divided(database: &Database, by: u32) -> String {
    let sign = if database.url.starts_with("mysql") || database.url.starts_with("mariadb") {
        "DIV"
    } else {
        "/"
    };
    format!("n {sign} {by}")
}

fn pairs(pages: &[Records], one: &str, other: &str) -> Vec<(i64, i64)> {
    let (one, other) = (numbers(pages, one), numbers(pages, other));
    one.into_iter().zip(other).collect()
}

/// Every row once, in pages of at most `page` rows.
fn once(pages: &[Records], columns: (&str, &str), rows: usize, page: usize) {
    let all = pairs(pages, columns.0, columns.1);
    assert_eq!(all.len(), rows);
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), rows);
    assert!(pages.iter().all(|p| p.len() <= page));
}

async fn read(settings: &Settings) -> Vec<Records> {
    let mut run = Run::start(settings, &Arc::default()).await;
    let pages = run.drain().await;
    run.stop().await;
    pages
}

#[tokio::test]
async fn a_join_of_orders_and_their_lines_gives_every_line_with_the_defaults() {
    for database in databases().await {
        let (o, i) = (unique("o"), unique("i"));
        for sql in [
            format!("CREATE TABLE {o} (id bigint PRIMARY KEY)"),
            format!(
                "CREATE TABLE {i} (oid bigint, line bigint, sku bigint, PRIMARY KEY (oid, line))"
            ),
        ] {
            database.execute(&sql).await;
        }
        fill(&database, &o, 3_000, "n").await;
        let order = divided(&database, 7);
        fill(&database, &i, 21_000, &format!("{order}, n % 7, n")).await;
        let mut settings = database.settings(&[
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("topic.prefix", "lines"),
        ]);
        let query = format!("SELECT o.id, i.line, i.sku FROM {o} o JOIN {i} i ON i.oid = o.id");
        settings.set("query", query);
        once(&read(&settings).await, ("id", "line"), 21_000, 5_000);
        for table in [o, i] {
            database.execute(&format!("DROP TABLE {table}")).await;
        }
    }
}

#[tokio::test]
async fn ties_longer_than_a_page_are_read_completely_in_every_mode() {
    for database in databases().await {
        let table = unique("runs");
        let time = if database.url.starts_with("sqlite") {
            "timestamp"
        } else {
            "timestamp(6)"
        };
        let create = format!(
            "CREATE TABLE {table} (v bigint NOT NULL, n bigint NOT NULL, changed {time} NOT NULL)"
        );
        database.execute(&create).await;
        let value = divided(&database, 700);
        let columns = format!("{value}, n, '2001-02-03 04:05:06'");
        fill(&database, &table, 7_000, &columns).await;
        for mode in ["incrementing", "timestamp", "timestamp+incrementing"] {
            let mut settings = database.settings(&[
                ("mode", mode),
                ("batch.max.rows", "500"),
                ("sqlite.dates", "iso"),
            ]);
            settings.set("table.whitelist", table.as_str());
            if mode.ends_with("incrementing") {
                settings.set("incrementing.column.name", "v");
            }
            if mode.starts_with("timestamp") {
                settings.set("timestamp.column.name", "changed");
            }
            once(&read(&settings).await, ("v", "n"), 7_000, 500);
        }
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn the_position_moves_only_at_the_end_of_ties() {
    for database in databases().await {
        let table = unique("run");
        let create = format!("CREATE TABLE {table} (v bigint NOT NULL, n bigint NOT NULL)");
        database.execute(&create).await;
        // 300 unique rows, 5,000 ties, and unique rows again.
        let columns = "CASE WHEN n < 300 THEN n WHEN n < 5300 THEN 300 ELSE n END, n";
        fill(&database, &table, 6_000, columns).await;
        let mut settings = database.settings(&[
            ("mode", "incrementing"),
            ("incrementing.column.name", "v"),
            ("batch.max.rows", "500"),
            ("gap.safe", "false"),
        ]);
        settings.set("table.whitelist", table.as_str());
        let store: Arc<Store> = Arc::default();
        let mut run = Run::start(&settings, &store).await;
        let mut read = HashSet::new();
        let mut note = |page: &Records| {
            assert!(page.len() <= 500);
            read.extend(numbers(std::slice::from_ref(page), "n"));
        };
        // The task stops in the middle of the ties.
        for _ in 0..5 {
            note(&run.page().await.unwrap());
        }
        drop(run);
        let position = store.all().pop().unwrap().1["incrementing"].clone();
        assert_eq!(position, Value::Int(299), "before the ties");
        let mut run = Run::start(&settings, &store).await;
        let pages = run.drain().await;
        pages.iter().for_each(&mut note);
        let again = pages.iter().map(Records::len).sum::<usize>();
        assert_eq!(
            again, 5_700,
            "the run from its beginning, and what is after it"
        );
        assert_eq!(read.len(), 6_000);
        let position = store.all().pop().unwrap().1["incrementing"].clone();
        assert_eq!(position, Value::Int(5_999));
        assert!(matches!(run.poll().await, Ok(Polled::Idle(_))));
        run.stop().await;
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn texts_that_the_database_compares_as_equal_are_ties() {
    let sqlite = Database::sqlite(&[]).await;
    for (database, text) in [
        (sqlite, "varchar(9) COLLATE NOCASE"),
        (
            Database::server("CONNECT_TEST_MYSQL_URL"),
            "varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        ),
        (Database::server("CONNECT_TEST_POSTGRES_URL"), "varchar(9)"),
    ] {
        let table = unique("texts");
        let create = format!("CREATE TABLE {table} (t {text} NOT NULL, n bigint NOT NULL)");
        database.execute(&create).await;
        let columns = "CASE WHEN n % 30 < 10 THEN CASE n % 2 WHEN 0 THEN 'key' ELSE 'KEY' END \
                       WHEN n % 30 < 20 THEN 'Äpfel' ELSE 'z' END, n";
        fill(&database, &table, 300, columns).await;
        let mut settings = database.settings(&[
            ("mode", "incrementing"),
            ("incrementing.column.name", "t"),
            ("batch.max.rows", "7"),
        ]);
        settings.set("table.whitelist", table.as_str());
        once(&read(&settings).await, ("n", "n"), 300, 7);
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn the_first_of_several_times_can_repeat() {
    for database in databases().await {
        let table = unique("coalesced");
        let time = if database.url.starts_with("sqlite") {
            "timestamp"
        } else {
            "timestamp(6)"
        };
        let create = format!(
            "CREATE TABLE {table} (a {time} NULL, b {time} NOT NULL, v bigint NOT NULL, \
             n bigint NOT NULL, UNIQUE (b, v, n))"
        );
        database.execute(&create).await;
        let columns = "CASE WHEN n % 2 = 0 THEN '2001-01-01 00:00:00' END, \
                       CASE WHEN n < 40 THEN '2001-01-01 00:00:00' ELSE '2002-01-01 00:00:00' END, \
                       n % 3, n";
        let columns = match database.url.starts_with("postgres") {
            true => columns.replace(" END, ", " END::timestamp, "),
            false => columns.to_owned(),
        };
        fill(&database, &table, 100, &columns).await;
        let mut settings = database.settings(&[
            ("mode", "timestamp+incrementing"),
            ("timestamp.column.name", "a, b"),
            ("incrementing.column.name", "v"),
            ("batch.max.rows", "5"),
            ("sqlite.dates", "iso"),
        ]);
        settings.set("table.whitelist", table.as_str());
        once(&read(&settings).await, ("n", "n"), 100, 5);
        database.execute(&format!("DROP TABLE {table}")).await;
    }
}

#[tokio::test]
async fn several_tables_with_long_ties_are_polled_in_turn() {
    let database = Database::sqlite(&[]).await;
    for table in ["one", "two"] {
        let create = format!("CREATE TABLE {table} (v bigint NOT NULL, n bigint NOT NULL)");
        database.execute(&create).await;
        fill(&database, table, 1_000, "n / 100, n").await;
    }
    let settings = database.settings(&[
        ("mode", "incrementing"),
        ("incrementing.column.name", "v"),
        ("batch.max.rows", "30"),
        ("table.whitelist", "one, two"),
    ]);
    let pages = read(&settings).await;
    for table in ["one", "two"] {
        let own: Vec<_> = pages
            .iter()
            .filter(|p| &**p.topic() == table)
            .cloned()
            .collect();
        once(&own, ("v", "n"), 1_000, 30);
        assert!(numbers(&own, "v").is_sorted());
    }
}

#[tokio::test]
async fn equal_keys_of_several_forms_are_ties() {
    // Four texts of the same time are four keys for the database, but ties for pages.
    let forms = [
        "2001-02-03 04:05",
        "2001-02-03T04:05",
        "2001-02-03 04:05:00",
        "2001-02-03 04:05:00.0",
    ];
    let rows: Vec<_> = forms.iter().map(|f| format!("('{f}')")).collect();
    let database = Database::sqlite(&[
        "CREATE TABLE forms (at TIMESTAMP NOT NULL, PRIMARY KEY (at)) WITHOUT ROWID",
        &format!("INSERT INTO forms VALUES {}", rows.join(", ")),
    ])
    .await;
    for mode in ["bulk", "timestamp"] {
        let mut settings = database.settings(&[
            ("mode", mode),
            ("batch.max.rows", "2"),
            ("sqlite.dates", "iso"),
            ("table.whitelist", "forms"),
            ("poll.interval.ms", "3600000"),
        ]);
        if mode == "timestamp" {
            settings.set("timestamp.column.name", "at");
        }
        let pages = read(&settings).await;
        assert_eq!(pages.iter().map(Records::len).sum::<usize>(), 4, "{mode}");
    }
}

#[tokio::test]
async fn unique_keys_of_a_parent_table_do_not_apply_to_its_children() {
    let database = Database::server("CONNECT_TEST_POSTGRES_URL");
    let table = unique("parent");
    for sql in [
        format!("CREATE TABLE {table} (id bigint PRIMARY KEY, n bigint)"),
        format!("CREATE TABLE {table}_child () INHERITS ({table})"),
        format!("INSERT INTO {table} SELECT n, n FROM generate_series(1, 20) AS n"),
        format!("INSERT INTO {table}_child SELECT n, n + 20 FROM generate_series(1, 20) AS n"),
    ] {
        database.execute(&sql).await;
    }
    for mode in ["bulk", "incrementing"] {
        let mut settings = database.settings(&[
            ("mode", mode),
            ("batch.max.rows", "3"),
            ("poll.interval.ms", "3600000"),
        ]);
        if mode == "incrementing" {
            settings.set("incrementing.column.name", "id");
        }
        settings.set("table.whitelist", table.as_str());
        once(&read(&settings).await, ("n", "n"), 40, 3);
    }
    database
        .execute(&format!("DROP TABLE {table} CASCADE"))
        .await;
}
