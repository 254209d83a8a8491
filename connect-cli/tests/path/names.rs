//! Names of tables that RocketMQ does not take for a topic.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn tables_whose_names_are_none_for_topics_arrive_and_check_says_how_they_are_written() {
    let _servers = with_servers();
    let name = unique("names");
    let copy = format!("{name}_copy");
    let tables = [("my.table", "my%2Etable"), ("订单", "%E8%AE%A2%E5%8D%95")];
    for space in [&name, &copy] {
        Database::Postgres.make_space(space);
        for (table, _) in tables {
            let quoted = Database::Postgres.quoted(space, table);
            let make = format!("CREATE TABLE {quoted} (id bigint PRIMARY KEY, note text);");
            Database::Postgres.run(&make);
        }
    }
    for (i, (table, _)) in (1..).zip(tables) {
        let quoted = Database::Postgres.quoted(&name, table);
        Database::Postgres.run(&format!("INSERT INTO {quoted} VALUES ({i}, '{table}');"));
    }
    let mut program = Program::new(&[
        ("workerId", &name),
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
    ]);
    let url = Database::Postgres.url(&name);
    program.connector(
        "source",
        &[
            ("connector.class", "jdbc-source"),
            ("connection.url", &url),
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            (
                "table.whitelist",
                &format!("{name}.\"my.table\",{name}.订单"),
            ),
            ("topic.prefix", &format!("{name}-")),
            ("poll.interval.ms", "100"),
        ],
    );
    program.connector(
        "sink",
        &[
            ("connector.class", "jdbc-sink"),
            ("connection.url", &url),
            (
                "connect.topicnames",
                &format!("{name}-my.table;{name}-订单"),
            ),
            ("table.name.format", &format!("{copy}.${{source.table}}")),
            ("insert.mode", "upsert"),
            ("pk.mode", "record_key"),
        ],
    );
    let output = program.check();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{said}");
    for (table, written) in tables {
        let note = format!("topic {name}-{table} is written {name}-{written} at the server");
        assert!(said.contains(&note), "{note}: {said}");
    }
    program.start();
    for (i, (table, _)) in (1..).zip(tables) {
        let quoted = Database::Postgres.quoted(&copy, table);
        let right = format!("SELECT count(*) FROM {quoted} WHERE id = {i} AND note = '{table}';");
        program.wait_until(LIMIT, || Database::Postgres.number(&right) == 1);
    }
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document}");
    for space in [&name, &copy] {
        Database::Postgres.drop_space(space);
    }
}
