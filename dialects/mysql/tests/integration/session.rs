//! What the options and the URL do to a session.
use crate::place::{Place, is_mariadb, numbers, unique, url, url_of};
use connect_api::{ErrorKind, Kind, Records, Result, Schema, Value};
use dialect_core::{Connection, OpenOptions, Statement};
use std::time::{Duration, Instant};

async fn opened(set: impl FnOnce(&mut OpenOptions)) -> Result<Box<dyn Connection>> {
    let mut options = OpenOptions::default();
    set(&mut options);
    dialect_mysql::open(&url(), &options)?.connect().await
}

/// The one value of a query, as text.
async fn ask(connection: &mut dyn Connection, sql: &str) -> Result<Value> {
    let schema = Schema::new("asked", [Kind::Text.field("v", true)], &[])?;
    let statement = Statement {
        sql: format!("SELECT CAST(({sql}) AS CHAR)"),
        params: Vec::new(),
    };
    let mut cursor = connection.query(&statement, &schema).await?;
    let batch = cursor.next(1, 1 << 20).await?.expect("a row");
    let records = Records::new("t".into(), schema.clone(), batch)?;
    Ok(records.row(0).get(0).to_value())
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_of_kind_timeout() {
    let mut connection = opened(|o| o.statement_timeout = Some(Duration::from_millis(200)))
        .await
        .unwrap();
    let begun = Instant::now();
    let schema = Schema::new("slow", [Kind::Text.field("v", true)], &[]).unwrap();
    let slow = Statement {
        sql: format!(
            "SELECT CAST(seq AS CHAR) FROM {} WHERE seq MOD 7 = 8",
            numbers(10)
        ),
        params: Vec::new(),
    };
    let mut cursor = connection.query(&slow, &schema).await.unwrap();
    let error = cursor.next(1, 1 << 20).await.unwrap_err();
    drop(cursor);
    let mariadb = is_mariadb().await;
    let code = if mariadb { "1969" } else { "3024" };
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Timeout, Some(code)),
        "{}",
        error.report()
    );
    assert!(begun.elapsed() < Duration::from_secs(30));
    // MariaDB limits what writes, too.
    if mariadb {
        let slow = format!(
            "CREATE TEMPORARY TABLE slow SELECT seq FROM {} WHERE seq MOD 7 = 8",
            numbers(10)
        );
        let error = connection.execute(&slow).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    }
}

#[tokio::test]
async fn a_session_that_was_idle_too_long_is_ended_by_the_server() {
    let mut connection = opened(|o| o.idle_timeout = Some(Duration::from_secs(1)))
        .await
        .unwrap();
    let id = ask(connection.as_mut(), "CONNECTION_ID()").await.unwrap();
    let Value::Text(id) = id else {
        panic!("a number as text");
    };
    connection.begin().await.unwrap();
    let mut other = opened(|_| {}).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let there = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {id}");
    while ask(other.as_mut(), &there).await.unwrap() != Value::from("0") {
        assert!(Instant::now() < deadline, "the server ends it");
        tokio::task::yield_now().await;
    }
    let error = connection.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.report());
}

#[tokio::test]
async fn settings_of_the_session_are_set_and_their_values_are_only_values() {
    let isolation = match is_mariadb().await {
        true => "tx_isolation",
        false => "transaction_isolation",
    };
    let mut connection = opened(|o| {
        o.session = vec![
            ("lock_wait_timeout".to_owned(), "7".to_owned()),
            (isolation.to_owned(), "READ-COMMITTED".to_owned()),
        ];
    })
    .await
    .unwrap();
    for (variable, value) in [
        ("lock_wait_timeout", "7"),
        (isolation, "READ-COMMITTED"),
        ("time_zone", "+00:00"),
    ] {
        let variable = format!("@@{variable}");
        assert_eq!(
            ask(connection.as_mut(), &variable).await.unwrap(),
            value.into()
        );
    }
    let missing = opened(|o| o.session = vec![("no_such".to_owned(), "1".to_owned())]).await;
    let error = missing.err().unwrap();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Config, Some("1193"))
    );
    assert!(error.to_string().contains("set `no_such`"), "{error}");
    for (name, value) in [("sql_mode", ""), ("a b", "1"), ("x = 1, y", "1")] {
        let refused = opened(|o| o.session = vec![(name.to_owned(), value.to_owned())]).await;
        assert_eq!(refused.err().unwrap().kind(), ErrorKind::Config, "{name}");
    }
    let bent = opened(|o| {
        o.session = vec![(
            "wait_timeout".to_owned(),
            "1, sql_mode = ''; DROP DATABASE connect; --".to_owned(),
        )];
    });
    assert_eq!(bent.await.err().unwrap().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_session_to_read_only_does_not_write() {
    let mut place = Place::new().await;
    place.run("CREATE TABLE t (id int PRIMARY KEY)").await;
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    let dialect = dialect_mysql::open(&url_of(&place.database, ""), &options).unwrap();
    let mut reader = dialect.connect().await.unwrap();
    let error = reader
        .execute("INSERT INTO t VALUES (1)")
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Unsupported, Some("1792"))
    );
    assert_eq!(
        ask(reader.as_mut(), "SELECT COUNT(*) FROM t")
            .await
            .unwrap(),
        "0".into()
    );
    let table = place.table("t").await;
    let described = reader.describe_query("SELECT id FROM t").await.unwrap();
    assert_eq!(described.columns[0].kind, table.columns[0].kind);
    place.drop().await;
}

#[tokio::test]
async fn hosts_are_tried_in_their_order() {
    let url = url();
    let (before, server) = url.split_once('@').unwrap();
    let two = format!("{before}@127.0.0.1:1,{server}");
    let dialect = dialect_mysql::open(&two, &OpenOptions::default()).unwrap();
    dialect.connect().await.unwrap().close().await.unwrap();
    let none = format!("{before}@127.0.0.1:1,127.0.0.1:2/connect");
    let dialect = dialect_mysql::open(&none, &OpenOptions::default()).unwrap();
    let error = dialect.connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.to_string().contains("127.0.0.1:2"), "{error}");
    // A password that one server refuses is not offered to the next.
    let wrong = format!("mysql://connect:{}@{server}", unique("wrong"));
    let (_, place) = wrong.split_once('@').unwrap();
    let (hosts, database) = place.split_once('/').unwrap();
    let wrong = format!("mysql://connect:planted-secret@{hosts},127.0.0.1:1/{database}");
    let dialect = dialect_mysql::open(&wrong, &OpenOptions::default()).unwrap();
    let error = dialect.connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(!error.report().contains("planted-secret"));
}

#[tokio::test]
async fn keep_alive_is_not_supported_and_that_is_said() {
    let error = opened(|o| o.keep_alive = Some(Duration::from_secs(9)))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
