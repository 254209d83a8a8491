//! Deletes without a mark, from table to table.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn rows_that_are_deleted_by_sql_are_deleted_at_the_sink_across_a_kill() {
    let _servers = with_servers();
    delete_across_a_kill("trigger", true);
}

#[test]
fn rows_that_are_missing_are_deleted_at_the_sink_across_a_kill() {
    let _servers = with_servers();
    delete_across_a_kill("diff", false);
}

/// `captures`: what captures deletes has to be created, and rows that are there again are sent.
fn delete_across_a_kill(mode: &str, captures: bool) {
    let space = unique("deletes");
    let (source, sink) = (Database::MariaDb, Database::Postgres);
    for database in [source, sink] {
        database.make_space(&space);
    }
    let table = source.quoted(&space, "items");
    source.run(&format!(
        "CREATE TABLE {table} (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(20));
         INSERT INTO {table} (name) VALUES ('a'), ('b'), ('c'), ('d'), ('e');"
    ));
    let mut program = Program::new(&[
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
        ("workerId", &space),
        ("offsetCommitIntervalMsConfig", "100"),
    ]);
    program.connector(
        "items-source",
        &[
            ("connector.class", "jdbc-source"),
            ("connection.url", &source.url(&space)),
            ("mode", "incrementing"),
            ("table.whitelist", &source.table(&space, "items")),
            ("connect.topicname", &space),
            ("poll.interval.ms", "50"),
            ("deletes.mode", mode),
        ]
        .iter()
        .copied()
        .chain((!captures).then_some(("deletes.diff.interval.ms", "200")))
        .collect::<Vec<_>>(),
    );
    program.connector(
        "items-sink",
        &[
            ("connector.class", "jdbc-sink"),
            ("connection.url", &sink.url(&space)),
            ("connect.topicnames", &space),
            ("table.name.format", &sink.table(&space, "items")),
            ("insert.mode", "upsert"),
            ("pk.mode", "record_key"),
            ("pk.fields", "id"),
            ("delete.enabled", "true"),
            ("auto.create", "true"),
        ],
    );
    if captures {
        let check = program.check();
        let said = String::from_utf8_lossy(&check.stdout);
        assert!(!check.status.success());
        assert!(said.contains("rocketmq-connect ddl"), "{said}");
        let ddl = program.ddl();
        source.run(&format!("USE {space};\n{ddl}"));
    }
    assert!(program.check().status.success());

    let names = |database: Database| {
        let copy = database.quoted(&space, "items");
        database.run(&format!("SELECT name FROM {copy} ORDER BY id;"))
    };
    let copied = |expected: &str| {
        let there = format!(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{space}';"
        );
        let is = |database: Database| {
            let names = names(database);
            names.split_whitespace().collect::<String>() == expected
        };
        is(source) && sink.number(&there) == 1 && is(sink)
    };
    program.start();
    program.wait_until(LIMIT, || copied("abcde"));
    source.run(&format!("DELETE FROM {table} WHERE name IN ('a', 'c');"));
    program.wait_until(LIMIT, || copied("bde"));
    program.kill();
    source.run(&format!(
        "DELETE FROM {table} WHERE name IN ('b', 'd');
         INSERT INTO {table} VALUES (9, 'y');"
    ));
    if captures {
        source.run(&format!("INSERT INTO {table} VALUES (2, 'x');"));
    }
    program.start();
    program.wait_until(LIMIT, || copied(if captures { "xey" } else { "ey" }));
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document}");
    for database in [source, sink] {
        database.drop_space(&space);
    }
}
