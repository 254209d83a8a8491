//! A network that swallows packets.
use connect_api::{ConnectRecord, Error, ErrorKind, Kind, Records, Schema, SchemaRef, Value};
use dialects::{Connection, Dialect, OpenOptions, Statement, TableName, WriteOp, WriteRequest};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Passes bytes on, until it is told to swallow them.
struct Network {
    port: u16,
    swallows: Arc<AtomicBool>,
}

impl Network {
    fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let swallows = Arc::new(AtomicBool::new(false));
        let flag = swallows.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                let (client2, server2) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (one, two) = (flag.clone(), flag.clone());
                thread::spawn(move || {
                    pass(client, &server, &one);
                    // Who gives up a connection is done with it.
                    server.shutdown(Shutdown::Both).ok();
                });
                thread::spawn(move || {
                    // What was swallowed once never comes to an end.
                    if !pass(server2, &client2, &two) {
                        client2.shutdown(Shutdown::Both).ok();
                    }
                });
            }
        });
        Self { port, swallows }
    }
}

/// Passes bytes on to the end; whether some were swallowed.
fn pass(mut from: TcpStream, mut to: &TcpStream, swallows: &AtomicBool) -> bool {
    let mut bytes = [0_u8; 1 << 14];
    let mut lost = false;
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        // A connection that lost bytes stays dead, as one whose state a firewall dropped.
        lost |= swallows.load(Ordering::SeqCst);
        if !lost && to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    lost || swallows.load(Ordering::SeqCst)
}

/// The database that `variable` names, behind a network.
fn behind(variable: &str, options: &OpenOptions) -> (Network, Arc<dyn Dialect>) {
    let url = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set"));
    let (head, tail) = url.rsplit_once('@').unwrap();
    let (server, database) = tail.split_once('/').unwrap();
    let network = Network::before(server.to_owned());
    let url = format!("{head}@127.0.0.1:{}/{database}", network.port);
    (network, dialects::open(&url, options).unwrap())
}

/// The database that `variable` names by a string of its ODBC driver, behind a network.
fn behind_odbc(variable: &str, options: &OpenOptions) -> (Network, Arc<dyn Dialect>) {
    let url = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set"));
    let part = |key: &str| {
        let parts = url.split(';').filter_map(|part| part.split_once('='));
        let found = parts
            .clone()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.to_owned()).unwrap()
    };
    let (server, port) = (part("Server"), part("Port"));
    let network = Network::before(format!("{server}:{port}"));
    let url = url.replace(&format!("Port={port}"), &format!("Port={}", network.port));
    (network, dialects::open(&url, options).unwrap())
}

fn patient() -> OpenOptions {
    OpenOptions {
        connect_timeout: Duration::from_millis(700),
        ..OpenOptions::default()
    }
}

async fn silence<T>(network: &Network, what: &str, call: impl Future<Output = Result<T, Error>>) {
    let began = Instant::now();
    network.swallows.store(true, Ordering::SeqCst);
    let error = call.await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    let text = error.report();
    assert!(
        text.contains(what) && text.contains(&network.port.to_string()),
        "{text}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
}

async fn every_wait_ends((network, dialect): (Network, Arc<dyn Dialect>)) {
    let mut connection = dialect.connect().await.unwrap();
    connection.ping().await.unwrap();
    silence(&network, "ping", connection.ping()).await;
    // It answers at once now, and so does the good-bye.
    assert_eq!(
        connection.ping().await.unwrap_err().kind(),
        ErrorKind::Connect
    );
    connection.close().await.unwrap();
    silence(&network, "", dialect.connect()).await;

    network.swallows.store(false, Ordering::SeqCst);
    let mut connection = dialect.connect().await.unwrap();
    connection.begin().await.unwrap();
    // Drivers of ODBC begin a transaction with its first statement.
    connection.ping().await.unwrap();
    silence(&network, "commit", connection.commit()).await;
    network.swallows.store(false, Ordering::SeqCst);
    let connection = dialect.connect().await.unwrap();
    network.swallows.store(true, Ordering::SeqCst);
    let began = Instant::now();
    connection.close().await.ok();
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}

/// Connects to a server that is there, however busy the machine is.
async fn connect(dialect: &Arc<dyn Dialect>) -> Box<dyn Connection> {
    for _try in 0..9 {
        if let Ok(connection) = dialect.connect().await {
            return connection;
        }
    }
    dialect.connect().await.unwrap()
}

/// An answer that stops in its middle, and rows on their way into a table.
async fn work_that_was_begun_ends((network, dialect): (Network, Arc<dyn Dialect>)) {
    let mut connection = connect(&dialect).await;
    let (statement, schema) = numbers();
    let mut cursor = connection.query(&statement, &schema).await.unwrap();
    assert!(cursor.next(10, 1 << 20).await.unwrap().is_some());
    network.swallows.store(true, Ordering::SeqCst);
    silence(&network, "rows of a query", async {
        // What has arrived is read first.
        while cursor.next(10_000, 1 << 20).await?.is_some() {}
        Ok::<_, Error>(())
    })
    .await;
    drop(cursor);
    network.swallows.store(false, Ordering::SeqCst);
    let mut connection = connect(&dialect).await;
    let name = format!("silent_{}", std::process::id());
    let create = format!("CREATE TABLE {name} (id bigint PRIMARY KEY)");
    connection.execute(&create).await.unwrap();
    let name = TableName::new(name);
    let table = connection.describe(&name).await.unwrap().unwrap();
    let schema = Schema::new("t", [Kind::Int64.field("id", false)], &["id"]).unwrap();
    let rows = (0..1_000).map(|id: i64| ConnectRecord::from([Value::Int(id)]));
    let records = Records::from_rows("t".into(), schema.clone(), rows).unwrap();
    let plan = dialect.plan_write(&WriteRequest {
        table: &table,
        schema: &schema,
        op: WriteOp::Insert,
        key: &[],
        columns: None,
        route: None,
    });
    connection.begin().await.unwrap();
    let writing = connection.write(plan.as_ref().unwrap(), &records, 0..1_000);
    silence(&network, "writing rows", writing).await;
    drop(connection);
    network.swallows.store(false, Ordering::SeqCst);
    let mut connection = connect(&dialect).await;
    let drop = format!("DROP TABLE {}", name.name);
    connection.execute(&drop).await.unwrap();
}

/// More rows than networks and drivers hold.
fn numbers() -> (Statement, SchemaRef) {
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 \
         UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7)";
    let tables = ["a", "b", "c", "d", "e"].map(|t| format!("{digits} AS {t}"));
    let sql = format!(
        "SELECT repeat('x', 1000) AS v FROM {}",
        tables.join(" CROSS JOIN ")
    );
    let schema = Schema::new("t", [Kind::Text.field("v", true)], &[]).unwrap();
    let params = Vec::new();
    (Statement { sql, params }, schema)
}

/// A statement that says nothing for longer than a connection may take.
async fn a_long_statement_is_waited_for(variable: &str, statement: &str) {
    let (_network, dialect) = behind(variable, &patient());
    let mut connection = dialect.connect().await.unwrap();
    connection.execute(statement).await.unwrap();
    let hasty = OpenOptions {
        read_timeout: Duration::from_secs(1),
        ..patient()
    };
    let (_network, dialect) = behind(variable, &hasty);
    let mut connection: Box<dyn Connection> = dialect.connect().await.unwrap();
    let error = connection.execute(statement).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    assert!(
        error.report().contains("connection.read.timeout.ms"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn waits_for_postgres_end_when_the_network_swallows_packets() {
    every_wait_ends(behind("CONNECT_TEST_POSTGRES_URL", &patient())).await;
    work_that_was_begun_ends(behind("CONNECT_TEST_POSTGRES_URL", &patient())).await;
}

#[tokio::test]
async fn waits_for_mariadb_end_when_the_network_swallows_packets() {
    every_wait_ends(behind("CONNECT_TEST_MYSQL_URL", &patient())).await;
    work_that_was_begun_ends(behind("CONNECT_TEST_MYSQL_URL", &patient())).await;
}

#[tokio::test]
async fn waits_for_drivers_of_odbc_end_when_the_network_swallows_packets() {
    // Both at a time: each waits for its thread alone.
    tokio::join!(
        every_wait_ends(behind_odbc("CONNECT_TEST_ODBC_POSTGRES", &patient())),
        every_wait_ends(behind_odbc("CONNECT_TEST_ODBC_MARIADB", &patient())),
    );
}

#[tokio::test]
async fn long_statements_of_postgres_are_waited_for() {
    a_long_statement_is_waited_for("CONNECT_TEST_POSTGRES_URL", "SELECT pg_sleep(3)").await;
}

#[tokio::test]
async fn long_statements_of_mariadb_are_waited_for() {
    a_long_statement_is_waited_for("CONNECT_TEST_MYSQL_URL", "DO SLEEP(3)").await;
}
