//! A real data set, from PostgreSQL through Apache RocketMQ to MariaDB and the other way.
use crate::{
    alone_with_servers,
    client::Database,
    flights::{TABLES, Table},
    program::{Program, task},
    setting, unique, with_servers,
};
use std::{process::Command, time::Duration};

/// Long enough for a debug build on two busy cores.
const LIMIT: Duration = Duration::from_secs(300);

/// Replication from one database to the other.
struct Copy {
    from: Database,
    to: Database,
    space: String,
    program: Program,
}

impl Copy {
    /// Loads the data set and writes the worker's files: the tables with a counted key by
    /// timestamp and number, the others by timestamp and their natural key.
    fn new(from: Database, to: Database, name: &str) -> Self {
        let space = unique(name);
        for database in [from, to] {
            database.make_space(&space);
        }
        for table in &TABLES {
            table.load(from, &space);
        }
        let mut program = Program::new(&[
            ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
            ("workerId", &space),
            ("offsetCommitIntervalMsConfig", "500"),
        ]);
        let (counted, natural): (Vec<_>, Vec<_>) = TABLES.iter().partition(|t| t.is_counted());
        for (kind, tables) in [("counted", counted), ("natural", natural)] {
            let names: Vec<_> = tables.iter().map(|t| from.table(&space, t.name)).collect();
            let (url, prefix) = (from.url(&space), format!("{space}-"));
            let names = names.join(",");
            let mut source = vec![
                ("connector.class", "jdbc-source"),
                ("connection.url", &*url),
                ("table.whitelist", &*names),
                ("timestamp.column.name", "updated_at"),
                ("topic.prefix", &*prefix),
                ("topic.queue.nums", "4"),
                ("poll.interval.ms", "200"),
            ];
            if kind == "counted" {
                source.extend([
                    ("mode", "timestamp+incrementing"),
                    ("incrementing.column.name", "id"),
                ]);
            } else {
                source.push(("mode", "timestamp"));
            }
            program.connector(&format!("{kind}-source"), &source);
            for table in tables {
                let topic = format!("{prefix}{}", table.name);
                let (url, target) = (to.url(&space), to.table(&space, table.name));
                let sink = [
                    ("connector.class", "jdbc-sink"),
                    ("connection.url", &*url),
                    ("connect.topicnames", &*topic),
                    ("table.name.format", &*target),
                    ("insert.mode", "upsert"),
                    ("pk.mode", "record_key"),
                    ("pk.fields", table.key()),
                    ("auto.create", "true"),
                    ("errors.retry.delay.max.ms", "1000"),
                ];
                program.connector(&format!("{}-sink", table.name), &sink);
            }
        }
        Self {
            from,
            to,
            space,
            program,
        }
    }

    /// Waits until each table of the target holds as many rows, and none is behind.
    fn wait_for_rows(&mut self) {
        let (from, to, space) = (self.from, self.to, self.space.clone());
        let newest = |database: Database, table: &Table| {
            let quoted = database.quoted(&space, table.name);
            let there = match database {
                Database::Postgres => format!(
                    "SELECT count(*) FROM pg_tables WHERE schemaname = '{space}' AND tablename = '{}';",
                    table.name
                ),
                Database::MariaDb => format!(
                    "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{space}' AND table_name = '{}';",
                    table.name
                ),
            };
            (database.number(&there) > 0).then(|| {
                let time = match database {
                    Database::Postgres => "to_char(max(updated_at), 'YYYY-MM-DD HH24:MI:SS.US')",
                    Database::MariaDb => "date_format(max(updated_at), '%Y-%m-%d %H:%i:%s.%f')",
                };
                let sql = format!("SELECT count(*) FROM {quoted}; SELECT {time} FROM {quoted};");
                database.run(&sql)
            })
        };
        self.program.wait_until(LIMIT, || {
            TABLES.iter().all(|t| newest(from, t) == newest(to, t))
        });
    }

    /// Both sides hold the same, column for column.
    fn assert_equal(&self) {
        for table in &TABLES {
            let of = |database: Database| {
                table.checksums(database, &database.quoted(&self.space, table.name))
            };
            assert_eq!(of(self.from), of(self.to), "{}", table.name);
        }
    }

    /// Changes 10,000 flights and adds 1,000.
    fn change(&self) {
        let flights = self.from.quoted(&self.space, "flights");
        let (now, columns) = match self.from {
            Database::Postgres => (
                "clock_timestamp()",
                "\"year\", carrier, flight, origin, dest",
            ),
            Database::MariaDb => (
                "current_timestamp(6)",
                "`year`, carrier, flight, origin, dest",
            ),
        };
        self.from.run(&format!(
            "UPDATE {flights} SET dep_delay = NULL, tailnum = 'N\u{fc}-\u{1f600}', updated_at = {now} \
             WHERE id % 33 = 0 AND id <= 330000;
             INSERT INTO {flights} ({columns}) SELECT {columns} FROM {flights} WHERE id <= 1000;"
        ));
        let changed = format!("SELECT count(*) FROM {flights} WHERE tailnum LIKE 'N\u{fc}%';");
        assert_eq!(self.from.number(&changed), 10_000);
    }

    fn finish(mut self) {
        let (code, document) = self.program.stop();
        assert_eq!(code, 0, "{document:#}");
        assert_eq!(document["stopped_in_time"], true);
        for table in &TABLES {
            assert_eq!(
                task(&document, &format!("{}-sink", table.name))["state"],
                "STOPPED"
            );
        }
        for database in [self.from, self.to] {
            database.drop_space(&self.space);
        }
    }
}

fn services(verb: &str, name: &str) {
    let done = Command::new(setting("CONNECT_TEST_SERVICES"))
        .args([verb, name])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{verb} {name}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn postgres_reaches_mariadb_row_for_row_and_so_do_its_changes() {
    let _servers = with_servers();
    let mut copy = Copy::new(Database::Postgres, Database::MariaDb, "postgres_to_maria");
    copy.program.start();
    copy.wait_for_rows();
    copy.assert_equal();
    copy.change();
    copy.wait_for_rows();
    copy.assert_equal();
    copy.finish();
}

#[test]
fn mariadb_reaches_postgres_row_for_row_and_so_do_its_changes() {
    let _servers = with_servers();
    let mut copy = Copy::new(Database::MariaDb, Database::Postgres, "maria_to_postgres");
    copy.program.start();
    copy.wait_for_rows();
    copy.assert_equal();
    copy.change();
    copy.wait_for_rows();
    copy.assert_equal();
    copy.finish();
}

/// G1, G3: whatever dies, no row is missing, and an upsert leaves no duplicate (the key would
/// refuse it).
fn survives(from: Database, to: Database, name: &str) {
    let _servers = alone_with_servers();
    let mut copy = Copy::new(from, to, name);
    // Pauses that vary from run to run, as the moments of real crashes do.
    let seed = u64::from(std::process::id()) | 1;
    let pause = |i: u64| Duration::from_millis(150 + (seed.wrapping_mul(i * i + 7919) >> 7) % 1200);
    for i in 0..10 {
        copy.program.start();
        std::thread::sleep(pause(i));
        copy.program.kill();
    }
    copy.program.start();
    for (i, server) in ["rocketmq", "postgres", "mariadb"].into_iter().enumerate() {
        std::thread::sleep(pause(100 + i as u64));
        services("kill", server);
        services("start", server);
    }
    copy.wait_for_rows();
    copy.change();
    copy.wait_for_rows();
    copy.assert_equal();
    copy.finish();
}

#[test]
fn postgres_reaches_mariadb_although_everything_is_killed_on_the_way() {
    survives(
        Database::Postgres,
        Database::MariaDb,
        "postgres_to_maria_kills",
    );
}

#[test]
fn mariadb_reaches_postgres_although_everything_is_killed_on_the_way() {
    survives(
        Database::MariaDb,
        Database::Postgres,
        "maria_to_postgres_kills",
    );
}
