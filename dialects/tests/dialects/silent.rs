//! A network that swallows packets.
use connect_api::{Error, ErrorKind};
use dialects::{Connection, Dialect, OpenOptions};
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
                thread::spawn(move || pass(client, server, &one));
                thread::spawn(move || pass(server2, client2, &two));
            }
        });
        Self { port, swallows }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, swallows: &AtomicBool) {
    let mut bytes = [0; 1 << 14];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        if swallows.load(Ordering::SeqCst) {
            continue;
        }
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    // What was swallowed once never comes to an end.
    if !swallows.load(Ordering::SeqCst) {
        to.shutdown(Shutdown::Both).ok();
    }
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

async fn every_wait_ends(variable: &str) {
    let (network, dialect) = behind(variable, &patient());
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
    every_wait_ends("CONNECT_TEST_POSTGRES_URL").await;
}

#[tokio::test]
async fn waits_for_mariadb_end_when_the_network_swallows_packets() {
    every_wait_ends("CONNECT_TEST_MYSQL_URL").await;
}

#[tokio::test]
async fn long_statements_of_postgres_are_waited_for() {
    a_long_statement_is_waited_for("CONNECT_TEST_POSTGRES_URL", "SELECT pg_sleep(3)").await;
}

#[tokio::test]
async fn long_statements_of_mariadb_are_waited_for() {
    a_long_statement_is_waited_for("CONNECT_TEST_MYSQL_URL", "DO SLEEP(3)").await;
}
