//! Rows over a topic that keeps batches whole.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);

/// G1, G2, G3: as on any other topic, and the worker says which type a topic has.
#[test]
fn rows_arrive_over_batches_from_a_worker_that_is_killed() {
    let _servers = with_servers();
    let (database, name) = (Database::Postgres, unique("batches"));
    database.make_space(&name);
    database.run(&format!(
        "CREATE TABLE {name}.events (id int PRIMARY KEY, t text NOT NULL);\n\
         INSERT INTO {name}.events SELECT n, 'event ' || n FROM generate_series(1, 40000) AS n;\n\
         CREATE TABLE {name}.target (id int PRIMARY KEY, t text);"
    ));
    let mut program = Program::new(&[
        ("transport", "rocketmq"),
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
        ("workerId", &name),
        ("offsetCommitIntervalMsConfig", "50"),
    ]);
    let url = database.url(&name);
    let (from, to) = (format!("{name}.events"), format!("{name}.target"));
    let source = |queue_type| {
        [
            ("connector.class", "jdbc-source".to_owned()),
            ("connection.url", url.clone()),
            ("mode", "incrementing".to_owned()),
            ("incrementing.column.name", "id".to_owned()),
            ("table.whitelist", from.clone()),
            ("connect.topicname", name.clone()),
            ("topic.queue.type", queue_type),
            ("topic.queue.nums", "2".to_owned()),
            ("batch.max.rows", "1000".to_owned()),
        ]
    };
    let connect = |program: &mut Program, queue_type: &str| {
        let settings = source(queue_type.to_owned());
        let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, &**v)).collect();
        program.connector("source", &settings);
        program.connector(
            "sink",
            &[
                ("connector.class", "jdbc-sink"),
                ("connection.url", &*url),
                ("connect.topicnames", &*name),
                ("table.name.format", &*to),
                ("insert.mode", "upsert"),
                ("pk.mode", "record_key"),
                ("consumer.batch.max.rows", "777"),
            ],
        );
    };
    connect(&mut program, "batch");
    let rows = || database.number(&format!("SELECT count(*) FROM {name}.target;"));
    for reached in [1, 15_000] {
        program.start();
        program.wait_until(LIMIT, || rows() >= reached);
        program.kill();
    }
    program.start();
    program.wait_until(LIMIT, || rows() == 40_000);
    assert_eq!(program.stop().0, 0);
    let equal = format!("SELECT count(*) FROM {name}.events JOIN {name}.target USING (id, t);");
    assert_eq!(database.number(&equal), 40_000);

    // The topic stays as it is, and a task that wants another type fails with an error.
    let note = format!("topic {name} exists with topic.queue.type=batch");
    let checked = program.check();
    assert!(!String::from_utf8_lossy(&checked.stdout).contains(&note));
    program.forget_connectors();
    connect(&mut program, "simple");
    let checked = program.check();
    let text = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && text.contains(&note), "{text}");
    database.drop_space(&name);
}
