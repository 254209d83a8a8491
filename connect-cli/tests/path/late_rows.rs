//! Transactions that commit late (G5), and a worker that is killed while they do.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use std::{
    thread,
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_secs(120);
const WRITERS: u64 = 16;
const KILLS: u32 = 5;
/// A table for each mode, and one that is read without `gap.safe`.
const TABLES: [(&str, &str); 4] = [
    ("numbers", "incrementing"),
    ("times", "timestamp"),
    ("both", "timestamp+incrementing"),
    ("naive", "incrementing"),
];

/// A number from the environment, for longer runs.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Transactions of one writer: it takes numbers and a time in each table, sleeps up to `pause` and
/// commits, or rolls back every tenth time.
fn script(database: Database, space: &str, transactions: u64, pause: f64) -> String {
    let sleep = match database {
        Database::Postgres => {
            format!("DO $$ BEGIN PERFORM pg_sleep(random() * {pause}); END $$")
        }
        Database::MariaDb => format!("DO SLEEP(RAND() * {pause})"),
    };
    let rows = "(name) VALUES ('a'), ('b'), ('c')";
    let inserts: String = TABLES
        .iter()
        .map(|(table, _)| format!("INSERT INTO {} {rows};\n", database.quoted(space, table)))
        .collect();
    (0..transactions)
        .map(|transaction| {
            let end = if transaction % 10 == 9 {
                "ROLLBACK"
            } else {
                "COMMIT"
            };
            // Most are quick.
            let sleep = if transaction % 3 == 0 {
                format!("{sleep};\n")
            } else {
                String::new()
            };
            format!("START TRANSACTION;\n{inserts}{sleep}{end};\n")
        })
        .collect()
}

fn connectors(program: &mut Program, database: Database, space: &str) {
    for (table, mode) in TABLES {
        let (name, url) = (format!("{space}-{database:?}-{table}"), database.url(space));
        let safe = (table != "naive").to_string();
        let mut source = vec![
            ("connector.class", "jdbc-source"),
            ("connection.url", &*url),
            ("mode", mode),
            ("connect.topicname", &*name),
            ("topic.queue.nums", "2"),
            ("poll.interval.ms", "50"),
            ("gap.safe", &*safe),
        ];
        let from = database.table(space, table);
        source.push(("table.whitelist", &*from));
        if mode != "incrementing" {
            source.push(("timestamp.column.name", "changed"));
        }
        program.connector(&format!("{name}-source"), &source);
        let to = database.table(space, &format!("{table}_copy"));
        program.connector(
            &format!("{name}-sink"),
            &[
                ("connector.class", "jdbc-sink"),
                ("connection.url", &*url),
                ("connect.topicnames", &*name),
                ("table.name.format", &*to),
                ("insert.mode", "upsert"),
                ("pk.mode", "record_key"),
                ("pk.fields", "id"),
                ("auto.create", "true"),
            ],
        );
    }
}

/// Rows of the table that its copy does not have.
fn missing(database: Database, space: &str, table: &str) -> u64 {
    let (from, to) = (
        database.quoted(space, table),
        database.quoted(space, &format!("{table}_copy")),
    );
    database.number(&format!(
        "SELECT count(*) FROM {from} WHERE id NOT IN (SELECT id FROM {to});"
    ))
}

#[test]
fn rows_of_transactions_that_commit_late_survive_kills_of_the_worker() {
    let _servers = with_servers();
    let space = unique("late");
    let transactions = number("CONNECT_TEST_LATE_TRANSACTIONS", 60);
    let pause = number("CONNECT_TEST_LATE_MS", 600);
    let databases = [Database::Postgres, Database::MariaDb];
    let mut program = Program::new(&[
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
        ("workerId", &space),
        ("offsetCommitIntervalMsConfig", "100"),
    ]);
    for database in databases {
        database.make_space(&space);
        let (id, changed) = match database {
            Database::Postgres => (
                "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                "timestamptz NOT NULL DEFAULT now()",
            ),
            Database::MariaDb => (
                "bigint AUTO_INCREMENT PRIMARY KEY",
                "datetime(6) NOT NULL DEFAULT NOW(6)",
            ),
        };
        for (table, _) in TABLES {
            let name = database.quoted(&space, table);
            // The first row makes the copy.
            database.run(&format!(
                "CREATE TABLE {name} (id {id}, name varchar(20), changed {changed});
                 INSERT INTO {name} (name) VALUES ('first');"
            ));
        }
        connectors(&mut program, database, &space);
    }
    program.start();
    let copied = |database: Database, table: &str| {
        let schema = format!(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{space}' AND table_name = '{table}_copy';"
        );
        database.number(&schema) == 1 && missing(database, &space, table) == 0
    };
    let all_copied = |safe_only: bool| {
        databases.iter().all(|database| {
            let tables = TABLES
                .iter()
                .filter(|(table, _)| !safe_only || *table != "naive");
            let mut names = tables.map(|(table, _)| *table);
            names.all(|table| copied(*database, table))
        })
    };
    program.wait_until(LIMIT, || all_copied(false));

    let writing: Vec<_> = databases
        .iter()
        .flat_map(|database| (0..WRITERS).map(|_| *database))
        .map(|database| {
            let sql = script(database, &space, transactions, pause as f64 / 1000.0);
            thread::spawn(move || database.run(&sql))
        })
        .collect();
    let began = Instant::now();
    for kill in 1..=KILLS {
        thread::sleep(Duration::from_millis(
            pause * transactions / 3 / 2 / u64::from(KILLS),
        ));
        program.kill();
        program.start();
        println!("killed {kill} times after {:?}", began.elapsed());
    }
    for writer in writing {
        writer.join().unwrap();
    }
    program.wait_until(LIMIT, || all_copied(true));
    for database in databases {
        for (table, mode) in TABLES {
            let rows = database.number(&format!(
                "SELECT count(*) FROM {};",
                database.quoted(&space, table)
            ));
            let lost = missing(database, &space, table);
            println!("{database:?} {table} ({mode}): {rows} rows, {lost} lost");
        }
        assert!(
            missing(database, &space, "naive") > 0,
            "{database:?}: the test shows nothing"
        );
    }
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document}");
    for database in databases {
        database.drop_space(&space);
    }
}
