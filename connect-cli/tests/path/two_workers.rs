//! One sink run by two workers: one works, the other stands by and takes over.
use crate::{
    client::Database,
    program::{Program, task},
    setting, unique, with_servers,
};
use std::time::{Duration, Instant};

const ROWS: u64 = 20_000;
const LIMIT: Duration = Duration::from_secs(60);

/// A worker with the sink; each has a directory of its own, as on another machine.
fn worker(name: &str) -> Program {
    let mut program = Program::new(&[
        ("workerId", name),
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
        ("offsetCommitIntervalMsConfig", "100"),
    ]);
    let table = format!("{name}.copies");
    program.connector(
        "sink",
        &[
            ("connector.class", "jdbc-sink"),
            ("connection.url", &Database::Postgres.url(name)),
            ("connect.topicnames", name),
            ("table.name.format", &table),
            ("consumer.batch.max.rows", "500"),
            ("task.group.id", name),
        ],
    );
    program
}

#[test]
fn of_two_workers_with_one_sink_one_writes_and_the_other_takes_over_when_it_is_killed() {
    let _servers = with_servers();
    let name = unique("two_workers");
    Database::Postgres.make_space(&name);
    let (from, to) = (
        Database::Postgres.quoted(&name, "orders"),
        Database::Postgres.quoted(&name, "copies"),
    );
    // Without a key: a row that is written twice is there twice.
    Database::Postgres.run(&format!(
        "CREATE TABLE {from} (id bigint PRIMARY KEY); CREATE TABLE {to} (id bigint);
         INSERT INTO {from} SELECT generate_series(1, {ROWS} / 2);"
    ));
    let mut feeding = Program::new(&[
        ("workerId", &format!("{name}_source")),
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
    ]);
    feeding.connector(
        "source",
        &[
            ("connector.class", "jdbc-source"),
            ("connection.url", &Database::Postgres.url(&name)),
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("table.whitelist", &format!("{name}.orders")),
            ("connect.topicname", &name),
            ("poll.interval.ms", "100"),
        ],
    );
    feeding.start();
    let (mut first, mut second) = (worker(&name), worker(&name));
    let written = || Database::Postgres.number(&format!("SELECT count(*) FROM {to};"));
    let distinct = || Database::Postgres.number(&format!("SELECT count(DISTINCT id) FROM {to};"));
    first.start();
    first.wait_until(LIMIT, || written() > 0);
    second.start();
    second.wait_for_log(&second.log(), "stands by", 1, LIMIT);
    first.wait_until(LIMIT, || distinct() == ROWS / 2);
    assert_eq!(written(), ROWS / 2, "two workers write each row once");

    Database::Postgres.run(&format!(
        "INSERT INTO {from} SELECT generate_series({ROWS} / 2 + 1, {ROWS});"
    ));
    first.wait_until(LIMIT, || written() > ROWS / 2);
    first.kill();
    let killed = Instant::now();
    // The claims of the dead end a minute after its last sign of life.
    second.wait_until(LIMIT + Duration::from_secs(20), || distinct() == ROWS);
    let doubled = written() - ROWS;
    // G1: what was written and not committed yet comes again.
    assert!(doubled <= 8 * 500, "{doubled} rows twice");
    let (code, document) = second.stop();
    assert_eq!(code, 0, "{document}");
    let took = task(&document, "sink")["records"].as_u64().unwrap();
    println!(
        "{took} rows taken over, {doubled} twice, in {:?}",
        killed.elapsed()
    );
    feeding.stop();
    Database::Postgres.drop_space(&name);
}
