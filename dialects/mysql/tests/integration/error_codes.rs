//! What the server rejects, and how that is reported.
use crate::place::{Place, is_mariadb, numbers, open, unique, url, url_of};
use connect_api::{ErrorKind, Kind, Records, Schema, SchemaRef, Value, ValueRef};
use dialect_core::{OpenOptions, OtherKeys, Statement, WriteOp};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

fn schema() -> SchemaRef {
    let fields = [Kind::Int32.field("id", false), Kind::Text.field("c", true)];
    Schema::new("t", fields, &["id"]).unwrap()
}

#[tokio::test]
async fn a_wrong_password_is_of_kind_auth_and_is_not_shown() {
    let url = url();
    let (_, server) = url.split_once('@').unwrap();
    let url = format!("mysql://connect:planted-secret@{server}");
    let dialect = open(&url);
    let error = dialect.connect().await.err().unwrap();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Auth, Some("1045"))
    );
    let text = error.report();
    assert!(
        text.contains("user `connect`") && text.contains(dialect.address()),
        "{text}"
    );
    for shown in [
        text,
        format!("{error:?}"),
        format!("{dialect:?}"),
        dialect.address().to_owned(),
    ] {
        assert!(!shown.contains("planted-secret"), "{shown}");
    }
    let missing = open(&url_of("no_such_database", ""))
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(
        (missing.kind(), missing.code()),
        (ErrorKind::Schema, Some("1049"))
    );
}

#[tokio::test]
async fn a_missing_or_silent_server_is_reported_in_time() {
    let error = open("mysql://u@127.0.0.1:1/db")
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect);
    // A server that takes the connection and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = OpenOptions {
        connect_timeout: Duration::from_millis(200),
        ..OpenOptions::default()
    };
    let silent = dialect_mysql::open(&format!("mysql://u@127.0.0.1:{port}/db"), &options).unwrap();
    let error = silent.connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
}

#[tokio::test]
async fn tls_that_is_required_and_not_there_is_a_fault_of_the_config() {
    // MariaDB 10.11 has no certificate of its own; MySQL makes itself one.
    if !is_mariadb().await {
        return;
    }
    let error = open(&url_of("connect", "?sslMode=required"))
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("sslMode"), "{error}");
}

#[tokio::test]
async fn a_killed_connection_is_of_kind_connect() {
    let mut place = Place::new().await;
    let mut victim = open(&url()).connect().await.unwrap();
    let schema = Schema::new("ids", [Kind::UInt64.field("id", true)], &[]).unwrap();
    let statement = Statement {
        sql: "SELECT CAST(CONNECTION_ID() AS UNSIGNED)".to_owned(),
        params: Vec::new(),
    };
    let mut cursor = victim.query(&statement, &schema).await.unwrap();
    let batch = cursor.next(1, 1000).await.unwrap().unwrap();
    drop(cursor);
    let records = Records::new("t".into(), schema, batch).unwrap();
    let Some(ValueRef::UInt(id)) = records.row(0).by_name("id") else {
        panic!("no id");
    };
    place.run(&format!("KILL {id}")).await;
    let error = victim.begin().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.report());
    place.drop().await;
}

#[tokio::test]
async fn a_deadlock_is_of_kind_conflict() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, c int)")
        .await;
    place.run("INSERT INTO t VALUES (1, 0), (2, 0)").await;
    let mut other = place.dialect.connect().await.unwrap();
    place.connection.begin().await.unwrap();
    other.begin().await.unwrap();
    place.run("UPDATE t SET c = 1 WHERE id = 1").await;
    other
        .execute("UPDATE t SET c = 1 WHERE id = 2")
        .await
        .unwrap();
    let (one, two) = tokio::join!(
        place.connection.execute("UPDATE t SET c = 2 WHERE id = 2"),
        other.execute("UPDATE t SET c = 2 WHERE id = 1"),
    );
    let error = one.and(two).unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Conflict, Some("1213"))
    );
    place.connection.rollback().await.unwrap();
    other.rollback().await.unwrap();
    place.drop().await;
}

#[tokio::test]
async fn refusals_name_the_key_or_the_constraint_and_never_the_value() {
    let mut place = Place::new().await;
    place
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, c varchar(20), u varchar(20), \
             UNIQUE KEY of_u (u), CONSTRAINT short CHECK (length(c) < 10))",
        )
        .await;
    place
        .run("CREATE TABLE other (c varchar(20), UNIQUE (c))")
        .await;
    place
        .run("ALTER TABLE t ADD CONSTRAINT of_other FOREIGN KEY (c) REFERENCES other (c)")
        .await;
    place.run("INSERT INTO other VALUES ('there')").await;
    place
        .run(
            "CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW IF NEW.id = 7 THEN \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'secret'; END IF",
        )
        .await;
    let fields = [
        Kind::Int32.field("id", false),
        Kind::Text.field("c", true),
        Kind::Text.field("u", true),
    ];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let row = |id: i64, c: &str, u: &str| vec![vec![Value::Int(id), c.into(), u.into()]];
    place
        .write(
            "t",
            WriteOp::Insert,
            &[],
            &schema,
            row(1, "there", "secret"),
        )
        .await
        .unwrap();
    let check = if is_mariadb().await { "4025" } else { "3819" };
    for (id, c, u, code, expected) in [
        // MySQL writes the table before the key's name.
        (2, "there", "secret", "1062", "of_u`"),
        (3, "secret", "new", "1452", "foreign key"),
        (3, "secret secret", "new", check, "`short`"),
        (7, "there", "new", "1644", "a trigger"),
    ] {
        let written = place
            .write("t", WriteOp::Insert, &[], &schema, row(id, c, u))
            .await;
        let error = written.unwrap_err();
        let text = error.report();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Data, Some(code)),
            "{text}"
        );
        assert!(
            text.contains(expected) && !text.contains("secret"),
            "{text}"
        );
        assert!(text.contains(".t"), "{text}");
    }
    let missing = place
        .connection
        .execute("SELECT secret FROM nowhere")
        .await
        .unwrap_err();
    assert_eq!(
        (missing.kind(), missing.code()),
        (ErrorKind::Schema, Some("1146"))
    );
    place.drop().await;
}

#[tokio::test]
async fn an_upsert_that_may_change_rows_of_other_keys_is_warned_of_once_a_plan() {
    let mut place = Place::opened(|options| options.other_keys = OtherKeys::Update).await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, c varchar(20), UNIQUE (c))")
        .await;
    let table = place.table("t").await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let plan = tracing::subscriber::with_default(subscriber, || {
        place.plan(&table, &schema(), WriteOp::Upsert, &["id"])
    });
    plan.unwrap();
    let text = log.text();
    assert_eq!(text.matches("another unique key").count(), 1, "{text}");
    assert!(text.contains("other_keys=\"c\""), "{text}");
    place.drop().await;
}

#[tokio::test]
async fn an_upsert_by_columns_that_are_no_key_is_refused() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (id int, c varchar(20), KEY (id))")
        .await;
    let table = place.table("t").await;
    let error = place
        .plan(&table, &schema(), WriteOp::Upsert, &["id"])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(
        error.to_string().contains("no primary or unique key"),
        "{error}"
    );
    place.drop().await;
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every line of the table of numbers that this server can be made to produce.
#[tokio::test]
async fn numbers_of_the_server_are_of_their_kinds() {
    let mut place = Place::new().await;
    let mariadb = is_mariadb().await;
    place
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, small tinyint NOT NULL, word varchar(3), d date, \
             e enum('a'), p point, j json, CHECK (small < 100))",
        )
        .await;
    place
        .run("CREATE TABLE child (id int PRIMARY KEY, t int, FOREIGN KEY (t) REFERENCES t (id))")
        .await;
    place
        .run("INSERT INTO t (id, small) VALUES (1, 1), (2, 2)")
        .await;
    place.run("INSERT INTO child VALUES (1, 1)").await;
    for (sql, kind, number) in [
        (
            "INSERT INTO t (id, small) VALUES (1, 1)",
            ErrorKind::Data,
            "1062",
        ),
        (
            "INSERT INTO t (id, small) VALUES (3, NULL)",
            ErrorKind::Data,
            "1048",
        ),
        (
            "INSERT INTO t (id, small) VALUES (3, 1000)",
            ErrorKind::Data,
            "1264",
        ),
        (
            "INSERT INTO t (id, small, word) VALUES (3, 1, 'long')",
            ErrorKind::Data,
            "1406",
        ),
        (
            "INSERT INTO t (id, small, d) VALUES (3, 1, 'x')",
            ErrorKind::Data,
            "1292",
        ),
        (
            "INSERT INTO t (id, small) VALUES (3, 'x')",
            ErrorKind::Data,
            "1366",
        ),
        (
            "INSERT INTO t (id, small, e) VALUES (3, 1, 'b')",
            ErrorKind::Data,
            "1265",
        ),
        (
            "INSERT INTO t (id, small, p) VALUES (3, 1, 'x')",
            ErrorKind::Data,
            "1416",
        ),
        (
            "INSERT INTO t (id, small, j) VALUES (3, 1, '{')",
            ErrorKind::Data,
            "4025",
        ),
        (
            "INSERT INTO t (id, small) VALUES (3, 101)",
            ErrorKind::Data,
            "4025",
        ),
        ("DELETE FROM t WHERE id = 1", ErrorKind::Data, "1451"),
        ("INSERT INTO child VALUES (2, 7)", ErrorKind::Data, "1452"),
        (
            "SELECT 18446744073709551615 + 1 FROM t",
            ErrorKind::Data,
            "1690",
        ),
        ("SELECT * FROM nowhere", ErrorKind::Schema, "1146"),
        ("SELECT nothing FROM t", ErrorKind::Schema, "1054"),
        ("INSERT INTO t (id) VALUES (3)", ErrorKind::Schema, "1364"),
        (
            "INSERT INTO t (id, small) VALUES (3)",
            ErrorKind::Schema,
            "1136",
        ),
        ("CREATE TABLE t (id int)", ErrorKind::Schema, "1050"),
        (
            "ALTER TABLE t ADD COLUMN small int",
            ErrorKind::Schema,
            "1060",
        ),
        ("SELEC 1", ErrorKind::Schema, "1064"),
        ("USE no_such_database", ErrorKind::Schema, "1049"),
        ("KILL 4000000000", ErrorKind::Schema, "1094"),
        ("SET SESSION no_such = 1", ErrorKind::Config, "1193"),
    ] {
        // A CHECK, and JSON that is none, have other numbers in MySQL.
        let number = match (mariadb, sql) {
            (false, sql) if sql.contains("'{'") => "3140",
            (false, sql) if number == "4025" && !sql.is_empty() => "3819",
            _ => number,
        };
        let error = match place.connection.execute(sql).await {
            Err(e) => e,
            Ok(_) => panic!("{sql} is not refused"),
        };
        assert_eq!(
            (error.kind(), error.code()),
            (kind, Some(number)),
            "{sql}: {}",
            error.report()
        );
    }
    let limit = if mariadb {
        "max_statement_time = 0.1"
    } else {
        "max_execution_time = 100"
    };
    place.run(&format!("SET SESSION {limit}")).await;
    let slow = format!("SELECT COUNT(*) FROM {} WHERE seq MOD 7 = 8", numbers(10));
    let error = place.connection.execute(&slow).await.unwrap_err();
    let number = if mariadb { "1969" } else { "3024" };
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Timeout, Some(number))
    );
    let limit = if mariadb {
        "max_statement_time = 0"
    } else {
        "max_execution_time = 0"
    };
    place.run(&format!("SET SESSION {limit}")).await;
    place
        .run("SET SESSION lock_wait_timeout = 1, innodb_lock_wait_timeout = 1")
        .await;
    let mut other = place.dialect.connect().await.unwrap();
    other.begin().await.unwrap();
    other
        .execute("UPDATE t SET small = 5 WHERE id = 2")
        .await
        .unwrap();
    let waited = place
        .connection
        .execute("UPDATE t SET small = 6 WHERE id = 2")
        .await
        .unwrap_err();
    assert_eq!(
        (waited.kind(), waited.code()),
        (ErrorKind::Conflict, Some("1205"))
    );
    other.rollback().await.unwrap();
    other.close().await.unwrap();
    place.drop().await;
}

#[tokio::test]
async fn too_many_connections_of_a_user_are_of_kind_busy() {
    let mut place = Place::new().await;
    let user = unique("u");
    place
        .run(&format!(
            "CREATE USER {user} IDENTIFIED BY 'pw' WITH MAX_USER_CONNECTIONS 1"
        ))
        .await;
    let url = url();
    let (_, server) = url.split_once('@').unwrap();
    let (server, _) = server.split_once('/').unwrap();
    let dialect = open(&format!("mysql://{user}:pw@{server}/"));
    let first = dialect.connect().await.unwrap();
    let error = dialect.connect().await.err().unwrap();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Busy, Some("1226"))
    );
    first.close().await.unwrap();
    place.run(&format!("DROP USER {user}")).await;
    place.drop().await;
}
