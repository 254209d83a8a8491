//! Sessions behind a pooler that gives each transaction another session of the server.
use crate::place::{Scratch, plan, read};
use connect_api::{ErrorKind, Kind, Records, Schema, SchemaRef, Value};
use dialect_core::{
    Connection, Dialect, OpenOptions, Page, Pooler, Route, Statement, Syntax as _, Table,
    TableName, WriteOp, conformance::Fixture,
};
use dialect_postgres::PostgresSyntax;
use std::{sync::Arc, time::Duration};

/// The suite of all dialects, by way of the pooler.
mod suite {
    dialect_core::conformance_tests!(super::fixture);
}

fn url() -> String {
    std::env::var("CONNECT_TEST_PGBOUNCER_URL").unwrap_or_else(|_| {
        panic!("CONNECT_TEST_PGBOUNCER_URL is not set; run: scripts/services up && eval \"$(scripts/services env)\"")
    })
}

fn open(options: &OpenOptions) -> Arc<dyn Dialect> {
    dialect_postgres::open(&url(), options).unwrap()
}

fn of_schema(schema: &str) -> OpenOptions {
    OpenOptions {
        session: vec![("search_path".to_owned(), format!("{schema}, public"))],
        statement_timeout: Some(Duration::from_secs(100)),
        ..OpenOptions::default()
    }
}

async fn fixture() -> Fixture {
    let strict = OpenOptions {
        values: dialect_core::ValueOptions {
            unknown_types: dialect_core::UnknownTypes::Fail,
            ..Default::default()
        },
        ..OpenOptions::default()
    };
    Fixture {
        dialect: open(&OpenOptions::default()),
        unique: format!("b{}", std::process::id()),
        strict: Some((open(&strict), "tid")),
        // The session that is ended would be the pooler's, which has another one at once.
        session: None,
        wrong_password: None,
        ..crate::conformance::fixture().await
    }
}

fn rows(schema: &SchemaRef, ids: std::ops::Range<i64>, mood: &str) -> Records {
    let row = |id: i64| connect_api::ConnectRecord {
        values: vec![id.into(), mood.into(), format!("text of {id}").into()],
        ..Default::default()
    };
    Records::from_rows("t".into(), schema.clone(), ids.map(row)).unwrap()
}

async fn count(connection: &mut dyn Connection, sql: &str) -> Value {
    let statement = Statement {
        sql: sql.to_owned(),
        params: Vec::new(),
    };
    let one = Schema::new("one", [Kind::Text.field("n", true)], &[]).unwrap();
    let records = read(connection, &statement, &one).await.unwrap();
    records.rows().next().unwrap().to_record().values[0].clone()
}

/// Five connections over two sessions of the server: each reads and writes, small batches and
/// large ones, side by side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_share_few_sessions_of_the_server() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE TABLE t (id bigint PRIMARY KEY, m mood, v text)",
        )
        .await;
    let table = scratch.table("t").await;
    let schema = table.schema(&[0, 1, 2], &["id"]).unwrap();
    let work = (0..5).map(|n: i64| {
        let (table, schema) = (table.clone(), schema.clone());
        let dialect = open(&of_schema(&scratch.schema));
        tokio::spawn(async move {
            let mut connection = dialect.connect().await.unwrap();
            let first = n * 100_000;
            let writes = [
                (WriteOp::Insert, first..first + 12_000, "sad"),
                (WriteOp::Insert, first + 12_000..first + 12_010, "sad"),
                (WriteOp::Upsert, first + 6_000..first + 30_000, "happy"),
                (WriteOp::Upsert, first + 1..first + 2, "happy"),
                (WriteOp::Update, first + 10..first + 9_000, "happy"),
                (WriteOp::Delete, first + 20_000..first + 30_000, "sad"),
            ];
            for (op, ids, mood) in writes {
                let records = rows(&schema, ids, mood);
                let key = if op == WriteOp::Insert {
                    &[][..]
                } else {
                    &["id"]
                };
                for route in [None, Some(Route::Stage), Some(Route::Values)] {
                    if op == WriteOp::Insert && route.is_some() {
                        continue;
                    }
                    let plan = plan(&table, &records, op, key, route).unwrap();
                    connection.begin().await.unwrap();
                    let written = connection.write(&plan, &records, 0..records.len()).await;
                    let written = written.unwrap_or_else(|e| panic!("{op:?}: {}", e.report()));
                    if op != WriteOp::Delete || route.is_none() {
                        assert_eq!(written, records.len() as u64, "{op:?} by {route:?}");
                    }
                    connection.commit().await.unwrap();
                    let found = connection.describe(&TableName::new("t")).await.unwrap();
                    assert!(found.is_some(), "the search path is that of the settings");
                }
                // Without a transaction of the caller's.
                let plan = plan(&table, &records, WriteOp::Delete, &["id"], None).unwrap();
                if op == WriteOp::Delete {
                    let written = connection.write(&plan, &records, 0..records.len()).await;
                    assert_eq!(written.unwrap(), 0);
                }
            }
            let all = all_of(&mut *connection, &table, n).await;
            connection.close().await.unwrap();
            all.len()
        })
    });
    for done in work.collect::<Vec<_>>() {
        assert_eq!(done.await.unwrap(), 20_000);
    }
    scratch.drop().await;
}

async fn all_of(connection: &mut dyn Connection, table: &Table, n: i64) -> Vec<Value> {
    let key = [dialect_core::KeyPart { columns: vec![0] }];
    let (after, until) = (
        [Value::Int(n * 100_000 - 1)],
        [Value::Int(n * 100_000 + 99_999)],
    );
    let page = Page {
        key: &key,
        after: Some(&after),
        until: Some(&until),
        ..Page::of(table, &[0, 1, 2])
    };
    let statement = PostgresSyntax.select(&page).unwrap();
    let schema = table.schema(&[0, 1, 2], &[]).unwrap();
    let mut cursor = connection.query(&statement, &schema).await.unwrap();
    let mut all = Vec::new();
    while let Some(batch) = cursor.next(1_000, 1 << 20).await.unwrap() {
        let records = Records::new("t".into(), schema.clone(), batch).unwrap();
        all.extend(records.rows().map(|row| row.to_record().values[0].clone()));
    }
    all
}

/// What a connection has done is not to be seen by the next one that has the same session.
#[tokio::test]
async fn nothing_is_left_in_a_session_of_the_server() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (id bigint PRIMARY KEY, m mood, v text)")
        .await;
    let table = scratch.table("t").await;
    let schema = table.schema(&[0, 1, 2], &["id"]).unwrap();
    let mut connection = open(&of_schema(&scratch.schema)).connect().await.unwrap();
    let records = rows(&schema, 0..10_000, "sad");
    for route in [Route::Stage, Route::Values] {
        let plan = plan(&table, &records, WriteOp::Upsert, &["id"], Some(route)).unwrap();
        let written = connection.write(&plan, &records, 0..records.len()).await;
        assert_eq!(written.unwrap(), 10_000);
    }
    connection.describe_query("SELECT * FROM t").await.unwrap();
    assert_eq!(all_of(&mut *connection, &table, 0).await.len(), 10_000);
    // Left in the middle: its transaction is undone before the next statement.
    let statement = PostgresSyntax.select(&Page::of(&table, &[0])).unwrap();
    let ids = table.schema(&[0], &[]).unwrap();
    let mut cursor = connection.query(&statement, &ids).await.unwrap();
    assert!(cursor.next(10, 1 << 20).await.unwrap().is_some());
    drop(cursor);
    for (what, sql) in [
        (
            "statements",
            "SELECT count(*)::text FROM pg_prepared_statements WHERE name <> ''",
        ),
        (
            "tables",
            "SELECT count(*)::text FROM pg_class WHERE relnamespace = pg_my_temp_schema()",
        ),
    ] {
        assert_eq!(count(&mut *connection, sql).await, "0".into(), "{what}");
    }
    // A statement that fails leaves no transaction behind, either.
    assert!(connection.execute("SELECT 1 / 0").await.is_err());
    let path = count(&mut *connection, "SELECT current_setting('search_path')").await;
    assert_eq!(path, format!("{}, public", scratch.schema).into());
    connection.close().await.unwrap();
    let mut other = open(&OpenOptions::default()).connect().await.unwrap();
    let path = count(&mut *other, "SELECT current_setting('search_path')").await;
    assert_eq!(path, "\"$user\", public".into());
    let limit = count(&mut *other, "SELECT current_setting('statement_timeout')").await;
    assert_eq!(limit, "0".into());
    other.close().await.unwrap();
    scratch.drop().await;
}

#[tokio::test]
async fn a_session_that_is_to_read_only_does_so_behind_a_pooler() {
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    let mut connection = open(&options).connect().await.unwrap();
    let error = connection.execute("CREATE TABLE never_made (id int)").await;
    assert_eq!(error.unwrap_err().code(), Some("25006"));
    connection.close().await.unwrap();
    let mut writes = open(&OpenOptions::default()).connect().await.unwrap();
    let sql = "CREATE TABLE may_be_made (id int); DROP TABLE may_be_made";
    writes.execute(sql).await.unwrap();
    writes.close().await.unwrap();
}

#[tokio::test]
async fn invalid_session_variables_are_reported_behind_a_pooler() {
    let options = OpenOptions {
        session: vec![("no_such_setting".to_owned(), "1".to_owned())],
        ..OpenOptions::default()
    };
    let error = open(&options).connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config, "{}", error.report());
    assert!(error.to_string().contains("`no_such_setting`"), "{error}");
    let planted = OpenOptions {
        password: Some(connect_api::config::Secret::new("planted-secret")),
        ..OpenOptions::default()
    };
    let error = open(&planted).connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Auth, "{}", error.report());
    assert!(!error.report().contains("planted-secret"), "{error}");
}

/// With `none` configured behind a pooler, the error says what to do.
#[tokio::test]
async fn a_pooler_that_is_denied_is_named_by_what_it_breaks() {
    let options = OpenOptions {
        pooler: Pooler::None,
        ..OpenOptions::default()
    };
    let url = url().rsplit_once('/').unwrap().0.to_owned() + "/spoiled";
    let dialect = dialect_postgres::open(&url, &options).unwrap();
    let mut kept = Vec::new();
    for _ in 0..8 {
        match dialect.connect().await {
            Ok(connection) => kept.push(connection),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Config, "{}", error.report());
                assert!(
                    error.to_string().contains("connection.pooler=transaction"),
                    "{error}"
                );
                return;
            }
        }
    }
    panic!("eight sessions with statements of one name");
}

#[tokio::test]
async fn a_pooler_that_is_named_needs_not_be_found() {
    for pooler in [Pooler::Transaction, Pooler::Detect] {
        let options = OpenOptions {
            pooler,
            ..OpenOptions::default()
        };
        let connections = [open(&options), open(&options), open(&options)];
        for dialect in connections {
            let mut connection = dialect.connect().await.unwrap();
            connection.tables(None).await.unwrap();
            connection.visibility().await.unwrap();
            connection.ping().await.unwrap();
            connection.close().await.unwrap();
        }
    }
    // It does no harm before a server that is spoken to directly.
    let options = OpenOptions {
        pooler: Pooler::Transaction,
        ..OpenOptions::default()
    };
    let direct = dialect_postgres::open(&crate::place::url(), &options).unwrap();
    let mut connection = direct.connect().await.unwrap();
    assert_eq!(
        count(&mut *connection, "SELECT current_setting('intervalstyle')").await,
        "iso_8601".into()
    );
    connection.close().await.unwrap();
}
