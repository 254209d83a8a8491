//! A large table that is read over several connections, by a worker that is killed meanwhile.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use std::{fs, thread, time::Duration};

const LIMIT: Duration = Duration::from_secs(120);
const ROWS: u64 = 40_000;
const KILLS: usize = 3;

/// Rows of the table of which the copy has other values, or none.
fn different(database: Database, space: &str) -> u64 {
    let (from, to) = (
        database.quoted(space, "large"),
        database.quoted(space, "large_copy"),
    );
    database.number(&format!(
        "SELECT count(*) FROM {from} a LEFT JOIN {to} b ON a.id = b.id WHERE b.v IS NULL OR b.v <> a.v;"
    ))
}

#[test]
fn a_snapshot_goes_on_after_kills_and_rows_that_change_meanwhile_are_right() {
    let _servers = with_servers();
    let space = unique("snapshot");
    let databases = [Database::Postgres, Database::MariaDb];
    let mut program = Program::new(&[
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
        ("workerId", &space),
        ("offsetCommitIntervalMsConfig", "50"),
    ]);
    for database in databases {
        database.make_space(&space);
        let name = database.quoted(&space, "large");
        let (changed, rows) = match database {
            Database::Postgres => (
                "timestamptz NOT NULL",
                format!(
                    "SELECT n, 0, now() - interval '1 day' + n * interval '1 ms' FROM generate_series(1, {ROWS}) n"
                ),
            ),
            Database::MariaDb => (
                "datetime(6) NOT NULL",
                format!(
                    "SELECT seq, 0, NOW(6) - INTERVAL 1 DAY + INTERVAL seq * 1000 MICROSECOND FROM {space}.seq_1_to_{ROWS}"
                ),
            ),
        };
        database.run(&format!(
            "CREATE TABLE {name} (id bigint PRIMARY KEY, v int NOT NULL, changed {changed});
             INSERT INTO {name} {rows};
             CREATE INDEX large_changed ON {name} (changed, id);"
        ));
        let (name, url) = (format!("{space}-{database:?}"), database.url(&space));
        program.connector(
            &format!("{name}-source"),
            &[
                ("connector.class", "jdbc-source"),
                ("connection.url", &url),
                ("mode", "timestamp"),
                ("timestamp.column.name", "changed"),
                ("table.whitelist", &database.table(&space, "large")),
                ("connect.topicname", &name),
                ("topic.queue.nums", "2"),
                ("poll.interval.ms", "50"),
                ("batch.max.rows", "250"),
                ("snapshot.parallel.min.rows", "1000"),
                ("snapshot.max.threads", "3"),
            ],
        );
        program.connector(
            &format!("{name}-sink"),
            &[
                ("connector.class", "jdbc-sink"),
                ("connection.url", &url),
                ("connect.topicnames", &name),
                ("table.name.format", &database.table(&space, "large_copy")),
                ("insert.mode", "upsert"),
                ("pk.mode", "record_key"),
                ("pk.fields", "id"),
                ("auto.create", "true"),
            ],
        );
    }
    program.start();
    let positions = program.dir.path().join("store/positions.json");
    let ranges_stored = || {
        let stored = fs::read_to_string(&positions).unwrap_or_default();
        stored.contains("snapshot.0.after")
    };
    for kill in 0..KILLS {
        program.wait_until(LIMIT, ranges_stored);
        for database in databases {
            let name = database.quoted(&space, "large");
            let now = match database {
                Database::Postgres => "now()",
                Database::MariaDb => "NOW(6)",
            };
            database.run(&format!(
                "UPDATE {name} SET v = v + 1, changed = {now} WHERE id % 97 = {kill};"
            ));
        }
        program.kill();
        thread::sleep(Duration::from_millis(100));
        program.start();
    }
    program.wait_until(LIMIT, || program_has_copied(&databases, &space));
    program.wait_for_log(&program.log(), "snapshot complete", 2, LIMIT);
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document}");
    for database in databases {
        assert_eq!(different(database, &space), 0);
        database.drop_space(&space);
    }
}

fn program_has_copied(databases: &[Database], space: &str) -> bool {
    databases.iter().all(|database| {
        let copies = database.number(&format!(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{space}' AND table_name = 'large_copy';"
        ));
        copies == 1 && different(*database, space) == 0
    })
}
