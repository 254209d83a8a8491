//! What options of a connection do.
use crate::place::Database;
use connect_api::{ErrorKind, Value};
use dialect_core::{OpenOptions, SqliteDates, TableName};
use std::time::{Duration, Instant};

/// Takes minutes.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) \
     SELECT count(*) AS n FROM n";

fn options(change: impl FnOnce(&mut OpenOptions)) -> OpenOptions {
    let mut options = OpenOptions::default();
    change(&mut options);
    options
}

#[tokio::test]
async fn statements_end_when_their_time_is_over() {
    let limited = options(|o| o.statement_timeout = Some(Duration::from_millis(80)));
    let mut database = Database::opened("id INTEGER PRIMARY KEY", limited).await;
    let began = Instant::now();
    let error = database.connection.execute(ENDLESS).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    assert!(error.report().contains("timeout"), "{}", error.report());
    assert!(began.elapsed() < Duration::from_secs(20));
    // Also where a row is waited for, and where a kind is looked for.
    let error = database.ask(ENDLESS).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    database.run("INSERT INTO t VALUES (1)").await;
    let insert = format!("INSERT INTO t {ENDLESS}");
    let error = database.connection.execute(&insert).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(database.read().await, [[Value::Int(1)]]);
}

#[tokio::test]
async fn a_file_that_another_holds_is_waited_for_as_long_as_said() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    database.run("PRAGMA journal_mode = DELETE").await;
    database.run("BEGIN EXCLUSIVE").await;
    let short = options(|o| o.connect_timeout = Duration::from_millis(50));
    let url = format!("sqlite:{}", database.path().display());
    let dialect = dialect_sqlite::open(&url, &short).unwrap();
    let error = dialect.connect().await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    assert!(error.report().contains("a.db"), "{}", error.report());
    database.run("COMMIT").await;
    dialect.connect().await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn pragmas_of_the_session_are_set_and_quoted() {
    let set = |name: &str, value: &str| {
        let pair = (name.to_owned(), value.to_owned());
        options(|o| o.session.push(pair))
    };
    let mut database = Database::opened("id INTEGER", set("cache_size", "-4321")).await;
    let size = database
        .ask("SELECT cache_size AS n FROM pragma_cache_size")
        .await
        .unwrap();
    assert_eq!(size, [[Value::from("-4321")]]);
    let url = format!("sqlite:{}", database.path().display());
    let with = |options: &OpenOptions| dialect_sqlite::open(&url, options).unwrap();
    let error = with(&set("cache_sise", "1"))
        .connect()
        .await
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.report().contains("no PRAGMA of the name cache_sise"),
        "{}",
        error.report()
    );
    let hostile = set("journal_size_limit", "1'; DROP TABLE t; --");
    with(&hostile)
        .connect()
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    assert!(
        database
            .connection
            .describe(&TableName::new("t"))
            .await
            .unwrap()
            .is_some()
    );
    let parameter = format!("{url}?synchronous=OFF&case_sensitive_like=true");
    let dialect = dialect_sqlite::open(&parameter, &OpenOptions::default()).unwrap();
    dialect.connect().await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_session_that_may_only_read_writes_nothing() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    database.run("INSERT INTO t VALUES (1)").await;
    let url = format!("sqlite:{}?mode=rwc", database.path().display());
    let dialect = dialect_sqlite::open(&url, &options(|o| o.read_only = true)).unwrap();
    let mut reader = dialect.connect().await.unwrap();
    for sql in [
        "INSERT INTO t VALUES (2)",
        "CREATE TABLE u (id INT)",
        "DROP TABLE t",
    ] {
        let error = reader.execute(sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{sql}: {}", error.report());
    }
    reader.close().await.unwrap();
    let missing = format!("sqlite:{}.none?mode=rwc", database.path().display());
    let dialect = dialect_sqlite::open(&missing, &options(|o| o.read_only = true)).unwrap();
    let error = dialect.connect().await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{}", error.report());
    assert_eq!(database.read().await, [[Value::Int(1)]]);
    let memory = dialect_sqlite::open("sqlite::memory:", &options(|o| o.read_only = true)).unwrap();
    let mut memory = memory.connect().await.unwrap();
    let error = memory.execute("CREATE TABLE u (id INT)").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
}

#[tokio::test]
async fn foreign_keys_are_kept_where_asked_for() {
    for (url, kept) in [
        ("sqlite::memory:", false),
        ("sqlite::memory:?foreign_keys=true", true),
    ] {
        let dialect = dialect_sqlite::open(url, &OpenOptions::default()).unwrap();
        let mut connection = dialect.connect().await.unwrap();
        let sql = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INT REFERENCES p)";
        connection.execute(sql).await.unwrap();
        let inserted = connection.execute("INSERT INTO c VALUES (1)").await;
        assert_eq!(inserted.is_err(), kept, "{url}");
        if let Err(e) = inserted {
            assert_eq!(e.kind(), ErrorKind::Data);
        }
    }
}
