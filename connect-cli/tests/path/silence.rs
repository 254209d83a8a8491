//! Peers that take connections and packets, and say nothing.
use crate::{
    alone_with_servers,
    client::Database,
    program::{Program, task},
    setting, unique, with_servers,
};
use std::{
    fs,
    net::TcpListener,
    process::Command,
    time::{Duration, Instant},
};
use test_support::Network;

const LIMIT: Duration = Duration::from_secs(60);

/// The URL of the database and its address, which a port of ours stands for.
fn database(space: &str) -> (String, String) {
    let url = Database::Postgres.url(space);
    let address = url.split_once('@').unwrap().1.split('/').next().unwrap();
    (url.clone(), address.to_owned())
}

#[test]
fn check_ends_and_names_a_database_or_a_name_server_that_says_nothing() {
    let _servers = with_servers();
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("127.0.0.1:{}", mute.local_addr().unwrap().port());
    let (url, address) = database("public");
    let names = setting("CONNECT_TEST_ROCKETMQ");
    for (names, url) in [(&names, &url.replace(&address, &silent)), (&silent, &url)] {
        let mut program = Program::new(&[
            ("workerId", "silent"),
            ("namesrvAddr", names),
            ("operationTimeout", "1000"),
        ]);
        program.connector(
            "sink",
            &[
                ("connector.class", "jdbc-sink"),
                ("connection.url", url),
                ("connection.timeout.ms", "1000"),
                ("connect.topicnames", "none"),
            ],
        );
        let began = Instant::now();
        let output = program.check();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!output.status.success(), "{said}");
        assert!(said.contains(&silent), "{said}");
        assert!(began.elapsed() < Duration::from_secs(15), "{said}");
    }
}

#[test]
fn tasks_whose_database_falls_silent_say_so_and_go_on_when_it_is_back() {
    let _servers = with_servers();
    let name = unique("falls_silent");
    Database::Postgres.make_space(&name);
    let (from, to) = (
        Database::Postgres.quoted(&name, "orders"),
        Database::Postgres.quoted(&name, "copies"),
    );
    Database::Postgres.run(&format!(
        "CREATE TABLE {from} (id bigint PRIMARY KEY); CREATE TABLE {to} (id bigint PRIMARY KEY);
         INSERT INTO {from} VALUES (1);"
    ));
    let (direct, address) = database(&name);
    let network = Network::before(&address);
    let url = direct.replace(&address, &format!("127.0.0.1:{}", network.port()));
    let mut program = Program::new(&[
        ("workerId", &name),
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
    ]);
    let table = format!("{name}.orders");
    let unread = format!("{name}-unread");
    // The feed connects directly: rows come to the sink while its database is silent.
    for (connector, url, topic) in [("feed", &direct, &name), ("source", &url, &unread)] {
        program.connector(
            connector,
            &[
                ("connector.class", "jdbc-source"),
                ("connection.url", url),
                ("connection.timeout.ms", "1000"),
                ("errors.retry.delay.max.ms", "500"),
                ("mode", "incrementing"),
                ("incrementing.column.name", "id"),
                ("table.whitelist", &table),
                ("connect.topicname", topic),
                ("poll.interval.ms", "100"),
            ],
        );
    }
    program.connector(
        "sink",
        &[
            ("connector.class", "jdbc-sink"),
            ("connection.url", &url),
            ("connection.timeout.ms", "1000"),
            ("errors.retry.delay.max.ms", "500"),
            ("connect.topicnames", &name),
            ("table.name.format", &format!("{name}.copies")),
            ("insert.mode", "upsert"),
            ("pk.mode", "record_key"),
        ],
    );
    program.start();
    let count = || Database::Postgres.number(&format!("SELECT count(*) FROM {to};"));
    program.wait_until(LIMIT, || count() == 1);
    network.drop_packets(true);
    // By the test's own client.
    Database::Postgres.run(&format!(
        "INSERT INTO {from} SELECT generate_series(2, 1000);"
    ));
    let log = program.log();
    for connector in ["source", "sink"] {
        let retried = |line: &str| {
            [
                "retrying",
                &format!("connector={connector} "),
                "no response",
            ]
            .iter()
            .all(|part| line.contains(part))
        };
        program.wait_until(LIMIT, || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            text.lines()
                .any(|line| retried(line) && line.contains("the server is unreachable"))
        });
    }
    network.drop_packets(false);
    program.wait_until(LIMIT, || count() == 1_000);
    let stored = program.dir.path().join("store/positions.json");
    program.wait_until(LIMIT, || {
        let stored = fs::read_to_string(&stored).unwrap_or_default();
        stored.matches("1000").count() >= 2
    });
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document}");
    assert!(
        task(&document, "source")["records"].as_u64().unwrap() >= 1_000,
        "{document}"
    );
    Database::Postgres.drop_space(&name);
}

/// Kills a server, or starts it; returns when that is done.
fn services(verb: &str, name: &str) {
    let services = setting("CONNECT_TEST_SERVICES");
    let done = Command::new(services).args([verb, name]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{verb} {name}: {said}");
}

#[test]
fn rows_arrive_within_ten_seconds_of_the_restart_of_their_database() {
    let _servers = alone_with_servers();
    let databases = [
        (Database::Postgres, "postgres"),
        (Database::MariaDb, "mariadb"),
    ];
    let name = unique("restarted");
    let mut program = Program::new(&[
        ("workerId", &name),
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
        ("offsetCommitIntervalMsConfig", "50"),
    ]);
    for (database, server) in databases {
        database.make_space(&name);
        let orders = database.quoted(&name, "orders");
        database.run(&format!(
            "CREATE TABLE {orders} (id bigint PRIMARY KEY); INSERT INTO {orders} VALUES (1);"
        ));
        program.connector(
            server,
            &[
                ("connector.class", "jdbc-source"),
                ("connection.url", &database.url(&name)),
                ("mode", "incrementing"),
                ("incrementing.column.name", "id"),
                ("table.whitelist", &database.table(&name, "orders")),
                ("topic.prefix", &format!("{name}-{server}-")),
                ("gap.safe", "false"),
                ("poll.interval.ms", "50"),
            ],
        );
    }
    let positions = program.dir.path().join("store/positions.json");
    // Every message before a stored position is in its topic.
    let stored = |id: &str| {
        let stored = fs::read_to_string(&positions).unwrap_or_default();
        stored.matches(id).count()
    };
    program.start();
    let (first, second) = ("7000001", "7000002");
    let insert = |database: Database, id: &str| {
        let orders = database.quoted(&name, "orders");
        database.run(&format!("INSERT INTO {orders} VALUES ({id});"));
    };
    for (database, _) in databases {
        insert(database, first);
    }
    program.wait_until(LIMIT, || stored(first) == 2);
    for (_, server) in databases {
        services("kill", server);
    }
    // Until the pauses between two tries have become long.
    let log = program.log();
    program.wait_until(LIMIT, || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let long = text.lines().filter(|line| {
            let delay = line.split("delay_ms=").nth(1);
            let delay = delay.and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
            delay.is_some_and(|delay| delay > 1_500)
        });
        long.count() >= 2
    });
    for (before, (database, server)) in databases.into_iter().enumerate() {
        services("start", server);
        insert(database, second);
        program.wait_until(Duration::from_secs(10), || stored(second) == before + 1);
    }
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document:#}");
    for (database, _) in databases {
        database.drop_space(&name);
    }
}
