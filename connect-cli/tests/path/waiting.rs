//! A worker that is started before its servers are: it waits for them, and says so.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use std::{
    fs, io,
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    process::Command,
    thread,
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_secs(60);

/// A port at which nobody listens.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// From now on, what comes to the port goes to the server.
fn forward(port: u16, server: &str) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let server = server.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(&server).unwrap();
            let ways = [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ];
            for (mut from, mut to) in ways {
                thread::spawn(move || {
                    // Either side may leave at any time.
                    let _copied = io::copy(&mut from, &mut to);
                    let _closed = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
}

fn source(program: &mut Program, space: &str, url: &str) {
    let table = format!("{space}.orders");
    program.connector(
        "source",
        &[
            ("connector.class", "jdbc-source"),
            ("connection.url", url),
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("table.whitelist", &table),
            ("connect.topicname", space),
            ("errors.retry.delay.max.ms", "1000"),
        ],
    );
}

fn orders(space: &str) {
    Database::Postgres.make_space(space);
    Database::Postgres.run(&format!(
        "CREATE TABLE {space}.orders (id bigint PRIMARY KEY); INSERT INTO {space}.orders VALUES (1), (2);"
    ));
}

fn records(document: &serde_json::Value) -> u64 {
    document["tasks"][0]["records"].as_u64().unwrap()
}

#[test]
fn a_worker_waits_for_name_servers_and_databases_that_come_up_later() {
    let _servers = with_servers();
    let space = unique("waits");
    orders(&space);
    let (names, database) = (free_port(), free_port());
    let mut program = Program::new(&[
        ("namesrvAddr", &format!("127.0.0.1:{names}")),
        ("workerId", &space),
    ]);
    let url = Database::Postgres.url(&space);
    let real = url.split_once('@').unwrap().1.split('/').next().unwrap();
    source(
        &mut program,
        &space,
        &url.replace(real, &format!("127.0.0.1:{database}")),
    );
    let socket_path = program.dir.path().join("notify");
    let socket = UnixDatagram::bind(&socket_path).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    program.env = vec![("NOTIFY_SOCKET", socket_path.display().to_string())];
    let notification = || {
        let mut text = [0; 4096];
        let n = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..n]).into_owned()
    };
    program.start();
    let log = program.log();
    program.wait_for_log(&log, "not ready: waiting for a broker", 2, LIMIT);
    assert!(
        program.log_text().contains(&names.to_string()),
        "the address is named"
    );
    let status = notification();
    assert!(status.starts_with("STATUS=waiting: "), "{status}");

    forward(names, &setting("CONNECT_TEST_ROCKETMQ"));
    program.wait_for_log(&log, "running; stop with SIGTERM", 1, LIMIT);
    let until = Instant::now() + LIMIT;
    while !notification().starts_with("READY=1\n") {
        assert!(Instant::now() < until);
    }
    program.wait_for_log(&log, "retrying", 4, LIMIT);
    forward(database, real);
    assert!(!program.log_text().contains("task failed"));
    let stored = program.dir.path().join("store/positions.json");
    program.wait_until(LIMIT, || {
        fs::read_to_string(&stored)
            .unwrap_or_default()
            .contains('2')
    });
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(records(&document), 2, "{document:#}");
    assert!(notification().starts_with("STOPPING=1\n"));
    Database::Postgres.drop_space(&space);
}

#[test]
fn a_worker_that_waits_can_be_stopped_and_says_what_it_waited_for() {
    let mut program = Program::new(&[("namesrvAddr", &format!("127.0.0.1:{}", free_port()))]);
    source(&mut program, "none", "postgres://connect@127.0.0.1:1/none");
    program.start();
    let log = program.log();
    program.wait_for_log(&log, "not ready: waiting for a broker", 1, LIMIT);
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document:#}");
    let waited_for = document["waited_for"].as_str().unwrap();
    assert!(waited_for.contains("127.0.0.1:"), "{waited_for}");
}

#[test]
fn with_fail_fast_and_with_faults_of_configuration_it_does_not_wait() {
    let dir = tempfile::tempdir().unwrap();
    let run = |connector: &str, more: &[&str]| {
        let worker = format!("namesrvAddr = \"127.0.0.1:{}\"\n", free_port());
        fs::write(dir.path().join("worker.toml"), worker).unwrap();
        fs::write(dir.path().join("c.toml"), connector).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"))
            .current_dir(dir.path())
            .args(["run", "worker.toml", "c.toml"])
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    let good = "\"connector.class\" = \"jdbc-source\"\n\"connection.url\" = \"sqlite:x\"\n\
        mode = \"bulk\"\n\"table.whitelist\" = \"t\"\n\"topic.prefix\" = \"x-\"\n";
    let (code, said) = run(good, &["--fail-fast"]);
    assert_eq!(code, 3, "{said}");
    let (code, said) = run(&format!("{good}wrong = 1\n"), &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("`wrong`"), "{said}");
    assert!(!said.contains("waiting for a broker"), "{said}");
}
