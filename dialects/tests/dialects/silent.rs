//! A network that drops packets.
use connect_api::{ConnectRecord, Error, ErrorKind, Kind, Records, Schema, SchemaRef, Value};
use dialects::{Connection, Dialect, OpenOptions, Statement, TableName, WriteOp, WriteRequest};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use test_support::Network;

/// The database that `variable` names, behind a network.
fn behind(variable: &str, options: &OpenOptions) -> (Network, Arc<dyn Dialect>) {
    let url = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set"));
    let (head, tail) = url.rsplit_once('@').unwrap();
    let (server, database) = tail.split_once('/').unwrap();
    let network = Network::before(server.to_owned());
    let url = format!("{head}@127.0.0.1:{}/{database}", network.port());
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
    let url = url.replace(&format!("Port={port}"), &format!("Port={}", network.port()));
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
    network.drop_packets(true);
    let error = call.await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    let text = error.report();
    assert!(
        text.contains(what) && text.contains(&network.port().to_string()),
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

    network.drop_packets(false);
    let mut connection = dialect.connect().await.unwrap();
    connection.begin().await.unwrap();
    // Drivers of ODBC begin a transaction with its first statement.
    connection.ping().await.unwrap();
    silence(&network, "commit", connection.commit()).await;
    network.drop_packets(false);
    let connection = dialect.connect().await.unwrap();
    network.drop_packets(true);
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
    network.drop_packets(true);
    silence(&network, "rows of a query", async {
        // What has arrived is read first.
        while cursor.next(10_000, 1 << 20).await?.is_some() {}
        Ok::<_, Error>(())
    })
    .await;
    drop(cursor);
    network.drop_packets(false);
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
    network.drop_packets(false);
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
async fn waits_for_postgres_end_when_the_network_drops_packets() {
    every_wait_ends(behind("CONNECT_TEST_POSTGRES_URL", &patient())).await;
    work_that_was_begun_ends(behind("CONNECT_TEST_POSTGRES_URL", &patient())).await;
}

#[tokio::test]
async fn waits_for_mariadb_end_when_the_network_drops_packets() {
    every_wait_ends(behind("CONNECT_TEST_MYSQL_URL", &patient())).await;
    work_that_was_begun_ends(behind("CONNECT_TEST_MYSQL_URL", &patient())).await;
}

#[tokio::test]
async fn waits_for_drivers_of_odbc_end_when_the_network_drops_packets() {
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
