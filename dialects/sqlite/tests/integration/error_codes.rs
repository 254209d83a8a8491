//! SQLite's error codes, each as SQLite itself makes it.
use crate::place::Database;
use connect_api::{Error, ErrorKind, Kind, Schema};
use dialect_core::{OpenOptions, SqliteDates};
use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
};

fn primary(error: &Error) -> i32 {
    error.code().unwrap().parse::<i32>().unwrap() & 0xff
}

#[tokio::test]
async fn statements_are_refused_with_the_kind_of_their_code() {
    let mut database = Database::with(
        "id INTEGER PRIMARY KEY, v TEXT UNIQUE, n INT NOT NULL DEFAULT 0, CHECK (length(v) < 9)",
        SqliteDates::Text,
    )
    .await;
    database
        .run("INSERT INTO t (id, v) VALUES (1, 'hunter2')")
        .await;
    database.run("CREATE TABLE s (n INTEGER) STRICT").await;
    for (sql, code, kind, why) in [
        (
            "SELECT * FROM nowhere",
            1,
            ErrorKind::Schema,
            "no such table: nowhere",
        ),
        (
            "SELECT nonsense FROM t",
            1,
            ErrorKind::Schema,
            "no such column: nonsense",
        ),
        (
            "CREATE TABLE t (id INT)",
            1,
            ErrorKind::Schema,
            "already exists",
        ),
        ("SELEC", 1, ErrorKind::Internal, "syntax error"),
        (
            "INSERT INTO t (id) VALUES (1)",
            19,
            ErrorKind::Data,
            "UNIQUE constraint failed: t.id",
        ),
        (
            "INSERT INTO t (v) VALUES ('hunter2')",
            19,
            ErrorKind::Data,
            "UNIQUE constraint failed: t.v",
        ),
        (
            "INSERT INTO t (n) VALUES (NULL)",
            19,
            ErrorKind::Data,
            "NOT NULL constraint failed: t.n",
        ),
        (
            "UPDATE t SET v = v || 'hunter2'",
            19,
            ErrorKind::Data,
            "CHECK constraint failed",
        ),
        (
            "INSERT INTO s VALUES ('hunter2')",
            19,
            ErrorKind::Data,
            "INTEGER column s.n",
        ),
        (
            "INSERT INTO t (id) VALUES ('hunter2')",
            20,
            ErrorKind::Data,
            "datatype mismatch",
        ),
        (
            "SELECT zeroblob(2000000000)",
            18,
            ErrorKind::Data,
            "too big",
        ),
        ("COMMIT", 1, ErrorKind::Conflict, "no transaction is active"),
    ] {
        let error = database.connection.execute(sql).await.unwrap_err();
        let said = error.report();
        assert_eq!(
            (primary(&error), error.kind()),
            (code, kind),
            "{sql}: {said}"
        );
        assert!(
            said.contains(why) && !said.contains("hunter2"),
            "{sql}: {said}"
        );
    }
}

#[tokio::test]
async fn a_full_file_is_reported_and_rolled_back() {
    let mut database = Database::with("v BLOB", SqliteDates::Text).await;
    database.run("PRAGMA max_page_count = 20").await;
    let schema = Schema::new("s", [Kind::Bytes.field("v", true)], &[]).unwrap();
    let large = vec![connect_api::Value::Bytes(vec![0; 200_000])];
    let error = database.insert(&schema, &[large]).await.unwrap_err();
    assert_eq!(
        (primary(&error), error.kind()),
        (13, ErrorKind::Busy),
        "{}",
        error.report()
    );
    assert!(error.report().contains("table t"), "{}", error.report());
    database.connection.rollback().await.unwrap();
    assert!(database.read().await.is_empty());
}

#[tokio::test]
async fn a_directory_that_is_not_there_cannot_be_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none").join("a.db");
    let url = format!("sqlite:{}?mode=rwc", path.display());
    let dialect = dialect_sqlite::open(&url, &OpenOptions::default()).unwrap();
    let error = dialect.connect().await.map(|_| ()).unwrap_err();
    assert_eq!(
        (primary(&error), error.kind()),
        (14, ErrorKind::Auth),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn a_corrupt_file_is_reported() {
    let mut database = Database::with("v TEXT", SqliteDates::Text).await;
    database
        .run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT hex(randomblob(50)) FROM n")
        .await;
    database.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(database.path())
        .unwrap();
    file.seek(SeekFrom::Start(4_096)).unwrap();
    file.write_all(&[0x5a; 200_000]).unwrap();
    drop(file);
    let mut other = database.reopened("sqlite:%").connect().await.unwrap();
    let error = other.execute("SELECT count(v) FROM t").await.unwrap_err();
    assert_eq!(
        (primary(&error), error.kind()),
        (11, ErrorKind::Config),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn a_table_that_a_shared_cache_holds_is_waited_for() {
    let database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    let shared = database.reopened("sqlite:%?cache=shared&busy_timeout=20");
    let mut writer = shared.connect().await.unwrap();
    let mut reader = shared.connect().await.unwrap();
    writer
        .execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    let error = reader.execute("SELECT * FROM t").await.unwrap_err();
    assert_eq!(
        (primary(&error), error.kind()),
        (6, ErrorKind::Busy),
        "{}",
        error.report()
    );
    writer.execute("COMMIT").await.unwrap();
    reader.execute("SELECT * FROM t").await.unwrap();
}
