//! Options that are set when sessions are opened.
use crate::place::{Scratch, read, url};
use connect_api::{ErrorKind, Kind, Schema};
use dialect_core::{Connection, OpenOptions, Statement};
use std::time::Duration;

async fn open(options: &OpenOptions) -> Box<dyn Connection> {
    let dialect = dialect_postgres::open(&url(), options).unwrap();
    dialect.connect().await.unwrap()
}

async fn setting(connection: &mut dyn Connection, name: &str) -> String {
    scalar(connection, &format!("current_setting('{name}')")).await
}

async fn scalar(connection: &mut dyn Connection, expression: &str) -> String {
    let statement = Statement {
        sql: format!("SELECT {expression}"),
        params: Vec::new(),
    };
    let schema = Schema::new("s", [Kind::Text.field("v", true)], &[]).unwrap();
    let records = read(connection, &statement, &schema).await.unwrap();
    match records.row(0).get(0) {
        connect_api::ValueRef::Text(text) => text.to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn options_are_set_in_the_session() {
    let options = OpenOptions {
        statement_timeout: Some(Duration::from_millis(2_500)),
        idle_timeout: Some(Duration::from_secs(90)),
        keep_alive: Some(Duration::from_secs(30)),
        read_only: true,
        session: vec![("work_mem".to_owned(), "8MB".to_owned())],
        ..OpenOptions::default()
    };
    let mut connection = open(&options).await;
    for (name, value) in [
        ("statement_timeout", "2500ms"),
        ("idle_session_timeout", "90s"),
        ("idle_in_transaction_session_timeout", "90s"),
        ("tcp_keepalives_idle", "30"),
        ("default_transaction_read_only", "on"),
        ("work_mem", "8MB"),
        ("intervalstyle", "iso_8601"),
        ("TimeZone", "UTC"),
        ("client_encoding", "UTF8"),
    ] {
        let found = setting(&mut *connection, name).await;
        let same = found == value || found == value.replace("90s", "1min30s");
        assert!(
            same || (name.starts_with("idle") && found == "90s"),
            "{name}: {found}"
        );
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_a_timeout() {
    let options = OpenOptions {
        statement_timeout: Some(Duration::from_millis(50)),
        ..OpenOptions::default()
    };
    let mut connection = open(&options).await;
    let error = connection.execute("SELECT pg_sleep(30)").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn an_idle_session_is_ended_by_the_server() {
    let options = OpenOptions {
        idle_timeout: Some(Duration::from_secs(1)),
        ..OpenOptions::default()
    };
    for inside in [false, true] {
        let mut connection = open(&options).await;
        if inside {
            connection.begin().await.unwrap();
        }
        let mut watcher = open(&OpenOptions::default()).await;
        let id = scalar(&mut *connection, "pg_backend_pid()::text").await;
        let alive = format!("SELECT 1 FROM pg_stat_activity WHERE pid = {id}");
        while watcher.execute(&alive).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
        let error = connection.ping().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.report());
        watcher.ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_read_only_session_does_not_write() {
    let mut scratch = Scratch::new().await;
    scratch.execute("CREATE TABLE t (id int)").await;
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    let mut connection = open(&options).await;
    let sql = format!("INSERT INTO {}.t VALUES (1)", scratch.schema);
    let error = connection.execute(&sql).await.unwrap_err();
    assert_eq!(error.code(), Some("25006"), "{error}");
    connection.close().await.unwrap();
    scratch.drop().await;
}

#[tokio::test]
async fn a_setting_that_the_server_does_not_know_is_named() {
    for (name, value) in [("work_memory", "8MB"), ("work_mem", "plenty")] {
        let options = OpenOptions {
            session: vec![(name.to_owned(), value.to_owned())],
            ..OpenOptions::default()
        };
        let dialect = dialect_postgres::open(&url(), &options).unwrap();
        let error = dialect.connect().await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        let text = error.report();
        assert!(text.contains(&format!("`{name}`")), "{text}");
        assert!(!text.contains(value), "{text}");
    }
}

#[tokio::test]
async fn hosts_are_tried_in_their_order() {
    let url = url();
    let (before, place) = url.rsplit_once('@').unwrap();
    let several = format!("{before}@127.0.0.1:1,{place}");
    let dialect = dialect_postgres::open(&several, &OpenOptions::default()).unwrap();
    dialect.connect().await.unwrap().close().await.unwrap();
    // A password that one server refuses is not tried at the next.
    let wrong = several.replacen("pw-of-connect", "planted-pass-word", 1);
    let (head, host) = wrong.split_once("127.0.0.1:1,").unwrap();
    let wrong = format!(
        "{head}{},127.0.0.1:1/connect",
        host.split_once('/').unwrap().0
    );
    let dialect = dialect_postgres::open(&wrong, &OpenOptions::default()).unwrap();
    let error = dialect.connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    assert!(!error.report().contains("planted-pass-word"));
    let none = "postgres://u@127.0.0.1:1,127.0.0.1:2/d";
    let dialect = dialect_postgres::open(none, &OpenOptions::default()).unwrap();
    let error = dialect.connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.to_string().contains("127.0.0.1:2"), "{error}");
}
