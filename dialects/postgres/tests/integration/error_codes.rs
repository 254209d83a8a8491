//! Each line of the table of errors that the server can be made to produce.
use crate::place::{Scratch, connect, open, plan, url};
use crate::write::records;
use connect_api::{ErrorKind, Kind, Value};
use dialect_core::{Route, WriteOp};

const PLANTED: &str = "planted";

#[tokio::test]
async fn errors_of_statements_have_their_kind() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE TABLE t (id int PRIMARY KEY, v varchar(3) NOT NULL, n int CHECK (n < 10));
             INSERT INTO t VALUES (1, 'a', 1);
             CREATE TABLE child (id int REFERENCES t, span int4range, EXCLUDE USING gist (span WITH &&));
             INSERT INTO child VALUES (1, '[1,5)');
             CREATE VIEW counted AS SELECT count(*) AS n FROM t;
             CREATE VIEW small AS SELECT * FROM t WHERE n < 5 WITH CHECK OPTION;
             CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no: %', NEW.v; END $$;
             CREATE TABLE guarded (v text); CREATE TRIGGER no BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION no()",
        )
        .await;
    let big = format!("SELECT {}", vec!["1"; 1_700].join(", "));
    for (sql, kind, code) in [
        ("SELEC 1", ErrorKind::Schema, "42601"),
        ("SELECT * FROM nowhere", ErrorKind::Schema, "42P01"),
        ("SELECT nothing FROM t", ErrorKind::Schema, "42703"),
        ("SELECT * FROM nowhere.t", ErrorKind::Schema, "42P01"),
        (
            "CREATE TABLE nowhere.t (id int)",
            ErrorKind::Schema,
            "3F000",
        ),
        ("INSERT INTO t VALUES (1, 'a', 1)", ErrorKind::Data, "23505"),
        ("INSERT INTO t (id) VALUES (2)", ErrorKind::Data, "23502"),
        (
            "INSERT INTO t VALUES (2, 'a', 10)",
            ErrorKind::Data,
            "23514",
        ),
        (
            "INSERT INTO t VALUES (2, 'planted', 1)",
            ErrorKind::Data,
            "22001",
        ),
        ("INSERT INTO child VALUES (9)", ErrorKind::Data, "23503"),
        (
            "INSERT INTO child VALUES (1, '[2,3)')",
            ErrorKind::Data,
            "23P01",
        ),
        ("DELETE FROM t", ErrorKind::Data, "23503"),
        (
            "INSERT INTO small VALUES (2, 'a', 7)",
            ErrorKind::Data,
            "44000",
        ),
        (
            "INSERT INTO guarded VALUES ('planted')",
            ErrorKind::Data,
            "P0001",
        ),
        ("INSERT INTO counted VALUES (1)", ErrorKind::Schema, "55000"),
        ("SELECT 99999::smallint", ErrorKind::Data, "22003"),
        ("SELECT 1/0", ErrorKind::Data, "22012"),
        ("SELECT 'planted'::int", ErrorKind::Data, "22P02"),
        (
            "SELECT '2024-02-30 planted'::date",
            ErrorKind::Data,
            "22007",
        ),
        ("SELECT '2024-02-30'::date", ErrorKind::Data, "22008"),
        (
            "SELECT (SELECT id FROM generate_series(1,2) AS s(id))",
            ErrorKind::Data,
            "21000",
        ),
        (
            "SELECT convert_from('\\xff', 'UTF8')",
            ErrorKind::Data,
            "22021",
        ),
        ("SET work_mem = 'planted'", ErrorKind::Data, "22023"),
        ("CREATE TABLE t (id int)", ErrorKind::Schema, "42P07"),
        ("DROP DATABASE nowhere_at_all", ErrorKind::Config, "3D000"),
        (
            "LISTEN x; PREPARE TRANSACTION 'x'",
            ErrorKind::Busy,
            "55000",
        ),
        (&big, ErrorKind::Schema, "54011"),
        // Of digits that do not compress: an index has no room for it.
        (
            "CREATE TABLE long (v text PRIMARY KEY); INSERT INTO long \
             SELECT 'planted' || string_agg(md5(i::text), '') FROM generate_series(1, 500) i",
            ErrorKind::Data,
            "54000",
        ),
        (
            "SET LOCAL temp_file_limit = '64kB'; SET LOCAL work_mem = '64kB'; \
             SELECT count(*) FROM (SELECT md5(i::text) FROM generate_series(1, 20000) i ORDER BY 1) s",
            ErrorKind::Busy,
            "53400",
        ),
    ] {
        let error = scratch.connection.execute(sql).await.unwrap_err();
        if sql.contains("PREPARE") || error.code() == Some("0A000") {
            continue;
        }
        assert_eq!(
            (error.kind(), error.code()),
            (kind, Some(code)),
            "{sql}: {error}"
        );
        let shown = format!("{} {error:?}", error.report());
        if !sql.contains("SET") {
            assert!(!shown.contains(PLANTED), "{shown}");
        }
    }
    scratch.drop().await;
}

#[tokio::test]
async fn refused_rows_name_table_column_and_constraint_by_every_route() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE TABLE other (id int PRIMARY KEY);
             CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL, n int CONSTRAINT low CHECK (n < 10),
               o int CONSTRAINT refers REFERENCES other, net inet);
             INSERT INTO t VALUES (1, 'a')",
        )
        .await;
    let table = scratch.table("t").await;
    let fields = [
        ("id", Kind::Int32),
        ("v", Kind::Text),
        ("n", Kind::Int32),
        ("o", Kind::Int32),
        ("net", Kind::Text),
    ];
    let row =
        |id: i32, v: Value, n: i32, o: Value, net: Value| vec![id.into(), v, n.into(), o, net];
    let none = || Value::Null;
    for (row, parts) in [
        (
            row(1, PLANTED.into(), 1, none(), none()),
            vec!["t", "constraint `t_pkey`"],
        ),
        (row(2, none(), 1, none(), none()), vec!["t", "column `v`"]),
        (
            row(2, PLANTED.into(), 10, none(), none()),
            vec!["t", "constraint `low`"],
        ),
        (
            row(2, PLANTED.into(), 1, 5.into(), none()),
            vec!["t", "constraint `refers`"],
        ),
        (
            row(2, "v".into(), 1, none(), PLANTED.into()),
            vec!["t", "column `net`"],
        ),
    ] {
        let given = records(&fields, vec![row]);
        for route in [Route::Stage, Route::Values, Route::Rows] {
            let insert = plan(&table, &given, WriteOp::Insert, &[], Some(route)).unwrap();
            let error = scratch
                .connection
                .write(&insert, &given, 0..1)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
            let shown = error.report();
            for part in &parts {
                assert!(shown.contains(part), "by {route:?}: {shown}");
            }
            assert!(!shown.contains(PLANTED), "{shown}");
        }
    }
    scratch.drop().await;
}

#[tokio::test]
async fn conflicting_sessions_get_errors_that_are_retried() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0), (2, 0)")
        .await;
    let path = format!("SET search_path TO {}", scratch.schema);
    let mut other = connect().await;
    other.execute(&path).await.unwrap();
    // A lock that is not given in time.
    scratch.connection.begin().await.unwrap();
    scratch.execute("UPDATE t SET v = 1 WHERE id = 1").await;
    other.execute("SET lock_timeout = '10ms'").await.unwrap();
    let error = other
        .execute("UPDATE t SET v = 2 WHERE id = 1")
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Conflict, Some("55P03"))
    );
    let error = other
        .execute("SELECT * FROM t WHERE id = 1 FOR UPDATE NOWAIT")
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Conflict, Some("55P03"))
    );
    other.execute("SET lock_timeout = 0").await.unwrap();
    // A deadlock: one of the two gets the error.
    other.begin().await.unwrap();
    other
        .execute("UPDATE t SET v = 2 WHERE id = 2")
        .await
        .unwrap();
    let (first, second) = tokio::join!(
        scratch
            .connection
            .execute("UPDATE t SET v = 3 WHERE id = 2"),
        other.execute("UPDATE t SET v = 3 WHERE id = 1"),
    );
    let error = first.err().or(second.err()).unwrap();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Conflict, Some("40P01"))
    );
    scratch.connection.rollback().await.unwrap();
    other.rollback().await.unwrap();
    // A row that changed since the transaction began.
    other
        .execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM t")
        .await
        .unwrap();
    scratch.execute("UPDATE t SET v = 9").await;
    let error = other.execute("UPDATE t SET v = 8").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Conflict, Some("40001"))
    );
    other.execute("ROLLBACK").await.unwrap();
    other.close().await.unwrap();
    scratch.drop().await;
}

#[tokio::test]
async fn a_statement_that_is_cancelled_is_a_timeout() {
    let mut sleeper = connect().await;
    let mut other = connect().await;
    let sleeping = "SELECT pg_sleep(60) /* cancelled by the test of refusals */";
    let cancel = format!(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = '{sleeping}' AND state = 'active'"
    );
    let (slept, ()) = tokio::join!(sleeper.execute(sleeping), async {
        while other.execute(&cancel).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    });
    let error = slept.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Timeout, Some("57014"))
    );
    sleeper.ping().await.unwrap();
    for connection in [sleeper, other] {
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn missing_databases_and_users_are_reported() {
    let url = url();
    let (place, _) = url.rsplit_once('/').unwrap();
    let nowhere = open(&format!("{place}/nowhere_at_all")).unwrap();
    let error = nowhere.connect().await.err().unwrap();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Config, Some("3D000"))
    );
    let mut scratch = Scratch::new().await;
    let role = format!("nobody_{}", std::process::id());
    scratch.execute("CREATE TABLE t (id int)").await;
    scratch
        .execute(&format!("CREATE ROLE {role}; SET ROLE {role}"))
        .await;
    let error = scratch
        .connection
        .execute(&format!("SELECT * FROM {}.t", scratch.schema))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Auth, Some("42501"))
    );
    scratch.execute("RESET ROLE").await;
    scratch.execute(&format!("DROP ROLE {role}")).await;
    scratch.drop().await;
}

#[tokio::test]
async fn too_many_connections_of_a_role_are_an_error_that_is_retried() {
    let mut scratch = Scratch::new().await;
    let role = format!("{}_alone", scratch.schema);
    scratch
        .execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{PLANTED}' CONNECTION LIMIT 1"
        ))
        .await;
    let url = url();
    let (_, place) = url.rsplit_once('@').unwrap();
    let dialect = open(&format!("postgres://{role}:{PLANTED}@{place}")).unwrap();
    let first = dialect.connect().await.unwrap();
    let error = dialect.connect().await.err().unwrap();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Busy, Some("53300"))
    );
    assert!(!error.report().contains(PLANTED), "{}", error.report());
    first.close().await.unwrap();
    // The server's process ends a moment after its connection.
    let gone = format!("FROM pg_stat_activity WHERE usename = '{role}'");
    while scratch.rows("count(*)", &gone).await != ["0"] {
        tokio::task::yield_now().await;
    }
    scratch.execute(&format!("DROP ROLE {role}")).await;
    scratch.drop().await;
}
