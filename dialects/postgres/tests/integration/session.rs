use crate::place::{Scratch, connect, open, url};
use connect_api::{ErrorKind, config::Secret};
use dialect_core::OpenOptions;
use std::time::Duration;

pub(crate) const PLANTED: &str = "planted-pass-word";

/// The test server's URL with another user and password.
pub(crate) fn as_user(user: &str) -> String {
    let (scheme, rest) = url()
        .split_once("://")
        .map(|(s, r)| (s.to_owned(), r.to_owned()))
        .unwrap();
    let place = rest
        .split_once('@')
        .map_or(rest.as_str(), |(_, place)| place);
    format!("{scheme}://{user}:{PLANTED}@{place}")
}

#[tokio::test]
async fn a_wrong_password_is_named_and_not_shown() {
    let dialect = open(&as_user("connect")).unwrap();
    let error = dialect.connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    let text = error.to_string();
    assert!(
        text.contains(dialect.address()) && text.contains("user `connect`"),
        "{text}"
    );
    for text in [
        error.report(),
        format!("{error:?}"),
        format!("{dialect:?}"),
        dialect.address().to_owned(),
    ] {
        assert!(!text.contains(PLANTED), "{text}");
    }
}

#[tokio::test]
async fn options_go_before_the_url() {
    let options = OpenOptions {
        user: Some("nobody-at-all".into()),
        password: Some(Secret::new(PLANTED)),
        ..OpenOptions::default()
    };
    let dialect = dialect_postgres::open(&url(), &options).unwrap();
    let error = dialect.connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    assert!(error.to_string().contains("`nobody-at-all`"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let error = open("postgres://u@127.0.0.1:1/d")
        .unwrap()
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(
        error.to_string().contains("postgres://127.0.0.1:1/d"),
        "{error}"
    );

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let options = OpenOptions {
        connect_timeout: Duration::from_millis(50),
        ..OpenOptions::default()
    };
    let silent_url = format!("postgres://u@127.0.0.1:{port}/d");
    let error = dialect_postgres::open(&silent_url, &options)
        .unwrap()
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn tls_that_the_server_does_not_have_is_an_error() {
    let error = open(&format!("{}?sslmode=require", url()))
        .unwrap()
        .connect()
        .await
        .err();
    // The test server has no certificate; where it has one, TLS is used.
    if let Some(error) = error {
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.report().contains("TLS"), "{}", error.report());
    }
    let url = |parameters: &str| format!("{}?{parameters}", url());
    open(&url("sslmode=disable"))
        .unwrap()
        .connect()
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
}

#[tokio::test]
async fn sessions_are_named_and_in_utc() {
    let mut scratch = Scratch::new().await;
    let query = "current_setting('TimeZone'), current_setting('application_name')";
    assert_eq!(scratch.rows(query, "").await, ["UTC|rocketmq-connect"]);
    scratch.drop().await;
}

#[tokio::test]
async fn a_killed_backend_is_a_broken_connection() {
    let mut scratch = Scratch::new().await;
    let backend = scratch.rows("pg_backend_pid()", "").await.remove(0);
    let mut other = connect().await;
    let sql = format!("SELECT pg_terminate_backend({backend}, 5000)");
    other.execute(&sql).await.unwrap();
    for _ in 0..2 {
        let error = scratch.connection.execute("SELECT 1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
    }
    let sql = format!("DROP SCHEMA {} CASCADE", scratch.schema);
    other.execute(&sql).await.unwrap();
    other.close().await.unwrap();
}
