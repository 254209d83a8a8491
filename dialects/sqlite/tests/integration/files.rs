//! Files: those that are not there, read only, locked, or none of SQLite's.
use crate::place::Database;
use connect_api::{ErrorKind, Kind, Records, Schema, Value};
use dialect_core::{
    Access, OpenOptions, SqliteDates, Statement, TableName, WriteOp, WritePlan, WriteRequest,
};

#[tokio::test]
async fn a_file_that_is_not_there_is_made_only_when_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new.db");
    let options = OpenOptions::default();
    for url in [
        format!("sqlite:{}", path.display()),
        format!("jdbc:sqlite:{}?mode=ro", path.display()),
    ] {
        let dialect = dialect_sqlite::open(&url, &options).unwrap();
        let error = dialect.connect().await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(
            error
                .report()
                .contains("new.db: there is no such file; `?mode=rwc`"),
            "{}",
            error.report()
        );
        assert!(!path.exists());
    }
    let url = format!("sqlite:{}?mode=rwc", path.display());
    dialect_sqlite::open(&url, &options)
        .unwrap()
        .connect()
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("note.txt");
    std::fs::write(
        &path,
        "not a database at all, but long enough to look at".repeat(20),
    )
    .unwrap();
    let dialect = dialect_sqlite::open(
        &format!("sqlite:{}", path.display()),
        &OpenOptions::default(),
    )
    .unwrap();
    let error = dialect.connect().await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.report().contains("note.txt") && error.report().contains("not a database"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn a_database_opened_to_read_says_that_it_cannot_be_written() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    let table = database.table().await;
    let mut reader = database
        .reopened("sqlite:%?mode=ro")
        .connect()
        .await
        .unwrap();
    reader.check_access(&table, Access::Select).await.unwrap();
    for access in [Access::Insert, Access::Update, Access::Delete] {
        let error = reader.check_access(&table, access).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.report().contains("on table t"), "{}", error.report());
        database
            .connection
            .check_access(&table, access)
            .await
            .unwrap();
    }
    let error = reader.execute("DELETE FROM t").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("8")));
    // It reads in a transaction all the same.
    reader.begin().await.unwrap();
    reader.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_committed_is_on_the_disk() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    for (pragma, kind, value) in [
        // 2 is FULL: with NORMAL a power cut takes the last commits of a write-ahead log.
        ("synchronous", Kind::Int64, Value::Int(2)),
        ("journal_mode", Kind::Text, "wal".into()),
        ("foreign_keys", Kind::Int64, Value::Int(0)),
        ("busy_timeout", Kind::Int64, Value::Int(5_000)),
    ] {
        let schema = Schema::new("pragma", [kind.field(pragma, true)], &[]).unwrap();
        let statement = Statement {
            sql: format!("PRAGMA {pragma}"),
            params: Vec::new(),
        };
        let mut cursor = database
            .connection
            .query(&statement, &schema)
            .await
            .unwrap();
        let batch = cursor.next(1, 100).await.unwrap().unwrap();
        let records = Records::new("t".into(), schema.clone(), batch).unwrap();
        assert_eq!(records.row(0).get(0).to_value(), value, "{pragma}");
    }
}

#[tokio::test]
async fn views_cannot_be_written() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    database.run("CREATE VIEW v AS SELECT id FROM t").await;
    let view = database
        .connection
        .describe(&TableName::new("V"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        view.name.name, "v",
        "found in any case, reported in its own"
    );
    database
        .connection
        .check_access(&view, Access::Select)
        .await
        .unwrap();
    let error = database
        .connection
        .check_access(&view, Access::Insert)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{}", error.report());
}

#[tokio::test]
async fn a_writer_that_waits_too_long_gets_an_error_that_is_retried() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    let mut other = database
        .reopened("sqlite:%?busy_timeout=20")
        .connect()
        .await
        .unwrap();
    database.connection.begin().await.unwrap();
    let error = other.begin().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{}", error.report());
    // Who is busy can be written, later.
    let table = database.table().await;
    other.check_access(&table, Access::Insert).await.unwrap();
    database.connection.commit().await.unwrap();
    other.begin().await.unwrap();
    other.rollback().await.unwrap();
}

/// A write of the one column of `t`.
async fn plan(database: &mut Database) -> WritePlan {
    let table = database.table().await;
    let schema = Schema::new("t", [Kind::Int64.field("id", false)], &["id"]).unwrap();
    let plan = database.dialect.plan_write(&WriteRequest {
        table: &table,
        schema: &schema,
        op: WriteOp::Upsert,
        key: &["id".to_owned()],
        columns: None,
        route: None,
    });
    plan.unwrap()
}

#[tokio::test]
async fn a_write_is_tried_out_before_its_first_row() {
    let mut database = Database::with("id INTEGER PRIMARY KEY", SqliteDates::Text).await;
    let plan = plan(&mut database).await;
    database.connection.try_out(&plan).await.unwrap();
    let url = "sqlite:%?busy_timeout=20";
    let mut other = database.reopened(url).connect().await.unwrap();
    // Another writes: so can we, later.
    database.connection.begin().await.unwrap();
    other.try_out(&plan).await.unwrap();
    database.connection.rollback().await.unwrap();
    let url = "sqlite:%?mode=ro";
    let mut reader = database.reopened(url).connect().await.unwrap();
    let error = reader.try_out(&plan).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{}", error.report());
    assert!(
        error.report().contains("cannot be written"),
        "{}",
        error.report()
    );
    // A trigger that names what is not there would refuse every row.
    let trigger = "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO gone VALUES (1); END";
    database.run(trigger).await;
    let error = database.connection.try_out(&plan).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{}", error.report());
    assert!(error.report().contains("table t"), "{}", error.report());
    // It left no transaction behind.
    database.connection.begin().await.unwrap();
    database.connection.rollback().await.unwrap();
}

#[tokio::test]
async fn tables_of_every_make_are_described() {
    let mut database = Database::with("id INTEGER PRIMARY KEY DESC, v", SqliteDates::Text).await;
    // Of all, DESC makes an index, and the column is an ordinary one.
    let table = database.table().await;
    assert!(!table.columns[0].auto_increment);
    let any = &table.columns[1];
    assert_eq!(
        (&any.kind, any.extension),
        (&Some(Kind::Text), Some("connect.any"))
    );
    database
        .run("CREATE TABLE w (a INT, b TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID")
        .await;
    database
        .run("CREATE TABLE s (id INTEGER, v ANY, PRIMARY KEY (id)) STRICT")
        .await;
    database
        .run("CREATE TABLE u (a INT, b INT, UNIQUE (b, a))")
        .await;
    database.run("CREATE UNIQUE INDEX u1 ON u (a + b)").await;
    database
        .run("CREATE UNIQUE INDEX u2 ON u (a) WHERE b > 0")
        .await;
    database.run("CREATE UNIQUE INDEX u3 ON u (b)").await;
    let mut described = Vec::new();
    for name in ["w", "s", "u"] {
        described.push(
            database
                .connection
                .describe(&TableName::new(name))
                .await
                .unwrap()
                .unwrap(),
        );
    }
    let [w, s, u] = &described[..] else {
        panic!("three tables")
    };
    assert_eq!(w.primary_key, ["b", "a"]);
    assert!(w.columns.iter().all(|c| !c.nullable && !c.auto_increment));
    assert!(
        s.columns[0].auto_increment && !s.columns[0].nullable && s.columns[1].extension.is_some()
    );
    let mut keys = u.unique_keys.clone();
    keys.sort();
    assert_eq!(keys, [vec!["b"], vec!["b", "a"]]);
    let listed = database.connection.tables(None).await.unwrap();
    let names: Vec<_> = listed.iter().map(|(name, _)| name.name.as_str()).collect();
    assert_eq!(names, ["s", "t", "u", "w"]);
}

#[tokio::test]
async fn refusals_of_strict_tables_name_the_column() {
    let mut database = Database::with(
        "id INTEGER PRIMARY KEY, v TEXT CHECK (length(v) < 5)",
        SqliteDates::Text,
    )
    .await;
    let fields = [Kind::Int64.field("id", true), Kind::Text.field("v", true)];
    let schema = Schema::new("s", fields, &[]).unwrap();
    let error = database
        .insert(&schema, &[vec![1.into(), "hunter2".into()]])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        error
            .report()
            .contains("table t: CHECK constraint failed: length(v) < 5"),
        "{}",
        error.report()
    );
    // Read it again: the rowid counts up where the id is left out.
    database
        .insert(&schema, &[vec![Value::Null, "a".into()]])
        .await
        .unwrap();
    assert_eq!(database.read().await, [vec![1.into(), "a".into()]]);
}
