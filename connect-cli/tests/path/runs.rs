//! A run of equal keys that is longer than a page, and a worker that dies in it.
use crate::{client::Database, program::Program, unique, with_servers};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);

/// G1, G3: the position moves at the end of a run alone.
#[test]
fn a_worker_that_is_killed_in_a_run_loses_none_of_its_rows() {
    let _servers = with_servers();
    let (database, name) = (Database::Postgres, unique("killed_run"));
    database.make_space(&name);
    database.run(&format!(
        "CREATE TABLE {name}.runs (v int NOT NULL, n int NOT NULL, pad text NOT NULL);\n\
         INSERT INTO {name}.runs SELECT n / 20000, n, repeat('x', 100) \
         FROM generate_series(0, 59999) AS n;\n\
         CREATE TABLE {name}.target (v int, n int, pad text, PRIMARY KEY (v, n));"
    ));
    let mut program = Program::new(&[
        ("transport", "embedded"),
        ("workerId", &name),
        ("offsetCommitIntervalMsConfig", "50"),
    ]);
    let url = database.url(&name);
    let (from, to) = (format!("{name}.runs"), format!("{name}.target"));
    program.connector(
        "source",
        &[
            ("connector.class", "jdbc-source"),
            ("connection.url", &*url),
            ("mode", "incrementing"),
            ("incrementing.column.name", "v"),
            ("table.whitelist", &*from),
            ("connect.topicname", &*name),
            ("batch.max.rows", "500"),
            ("poll.interval.ms", "100"),
        ],
    );
    program.connector(
        "sink",
        &[
            ("connector.class", "jdbc-sink"),
            ("connection.url", &*url),
            ("connect.topicnames", &*name),
            ("table.name.format", &*to),
            ("insert.mode", "upsert"),
            ("pk.mode", "record_value"),
            ("pk.fields", "v,n"),
        ],
    );
    let rows = || database.number(&format!("SELECT count(*) FROM {name}.target;"));
    // Killed once rows of the next run have come, wherever in it that is.
    for reached in [1, 22_000, 43_000] {
        program.start();
        program.wait_until(LIMIT, || rows() >= reached);
        program.kill();
    }
    program.start();
    program.wait_until(LIMIT, || rows() == 60_000);
    assert_eq!(program.stop().0, 0);
    database.drop_space(&name);
}
