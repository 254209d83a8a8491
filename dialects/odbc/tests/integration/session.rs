//! Options of a session, its errors, and databases that are not known.
use crate::place::{self, PLANTED};
use connect_api::{ErrorKind, Kind, Records, Schema, Value, ValueRef, config::Secret};
use dialect_core::{
    Connection, Dialect, OpenOptions, Page, Route, Statement, Table, TableName, Unrepresentable,
    WriteOp, WriteRequest,
};
use std::{sync::Arc, time::Duration};

fn postgres() -> String {
    place::url("CONNECT_TEST_ODBC_POSTGRES")
}

fn mariadb() -> String {
    place::url("CONNECT_TEST_ODBC_MARIADB")
}

fn sqlite(directory: &tempfile::TempDir) -> String {
    let url = place::url("CONNECT_TEST_ODBC_SQLITE");
    let (driver, _) = url.split_once(";Database=").unwrap();
    format!("{driver};Database={}/test.db", directory.path().display())
}

async fn connect(url: &str, options: &OpenOptions) -> connect_api::Result<Box<dyn Connection>> {
    dialect_odbc::open(url, options).unwrap().connect().await
}

/// The first cell of a query.
async fn asked(connection: &mut dyn Connection, sql: &str) -> String {
    let statement = Statement {
        sql: sql.to_owned(),
        params: Vec::new(),
    };
    let schema = Schema::new("t", [Kind::Text.field("v", true)], &[]).unwrap();
    let mut cursor = connection.query(&statement, &schema).await.unwrap();
    let batch = cursor.next(1, 1 << 20).await.unwrap().unwrap();
    let records = Records::new("t".into(), schema.clone(), batch).unwrap();
    match records.row(0).get(0) {
        ValueRef::Text(text) => text.to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn settings_of_a_session_are_set() {
    let options = OpenOptions {
        session: vec![
            ("application_name".to_owned(), "it's me".to_owned()),
            ("work_mem".to_owned(), "8MB".to_owned()),
        ],
        ..OpenOptions::default()
    };
    let mut connection = connect(&postgres(), &options).await.unwrap();
    assert_eq!(
        asked(&mut *connection, "SHOW application_name").await,
        "it's me"
    );
    assert_eq!(asked(&mut *connection, "SHOW work_mem").await, "8MB");
    let options = OpenOptions {
        session: vec![("lock_wait_timeout".to_owned(), "17".to_owned())],
        ..OpenOptions::default()
    };
    let mut connection = connect(&mariadb(), &options).await.unwrap();
    let value = asked(&mut *connection, "SELECT CAST(@@lock_wait_timeout AS CHAR)").await;
    assert_eq!(value, "17");
    let options = OpenOptions {
        session: vec![("x; DROP TABLE t".to_owned(), "1".to_owned())],
        ..OpenOptions::default()
    };
    let error = connect(&postgres(), &options).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config, "{}", error.report());
}

#[tokio::test]
async fn read_only_sessions_write_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    for (i, url) in [postgres(), mariadb(), sqlite(&directory)]
        .iter()
        .enumerate()
    {
        let mut connection = connect(url, &options).await.unwrap();
        let name = place::unique(&format!("readonly{i}_"));
        let error = connection
            .execute(&format!("CREATE TABLE {name} (a bigint)"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{url}: {}", error.report());
    }
}

#[tokio::test]
async fn statements_end_in_time() {
    let options = OpenOptions {
        statement_timeout: Some(Duration::from_millis(200)),
        ..OpenOptions::default()
    };
    let slow_postgres = "SELECT CAST(pg_sleep(30) AS text)";
    let slow_mariadb = "SELECT COUNT(*) FROM information_schema.COLLATIONS a, \
        information_schema.COLLATIONS b, information_schema.COLLATIONS c WHERE a.ID + b.ID < c.ID + RAND()";
    for (url, sql) in [(postgres(), slow_postgres), (mariadb(), slow_mariadb)] {
        let mut connection = connect(&url, &options).await.unwrap();
        let error = connection.execute(sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
        connection.ping().await.unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let error = connect(&sqlite(&directory), &options).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.report());
}

#[tokio::test]
async fn servers_that_do_not_answer_are_given_up() {
    // It takes connections, and says nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!(
        "odbc:Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port};UID=u;PWD={PLANTED}"
    );
    let options = OpenOptions {
        connect_timeout: Duration::from_secs(1),
        ..OpenOptions::default()
    };
    let error = connect(&url, &options).await.err().unwrap();
    assert!(
        matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Connect),
        "{}",
        error.report()
    );
    assert!(!format!("{error:?}").contains(PLANTED), "{error:?}");
}

#[tokio::test]
async fn secrets_are_in_no_message() {
    let missing = format!("odbc:Driver={{No Such Driver}};UID=u;PWD={PLANTED};Token={PLANTED}");
    let refused =
        format!("odbc:Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port=1;UID=u;PWD={PLANTED}");
    for (url, kind) in [(missing, ErrorKind::Config), (refused, ErrorKind::Connect)] {
        let dialect = place::open(&url);
        let error = dialect.connect().await.err().unwrap();
        assert_eq!(error.kind(), kind, "{}", error.report());
        for said in [
            error.report(),
            format!("{error:?} {dialect:?} {}", dialect.address()),
        ] {
            assert!(!said.contains(PLANTED), "{said}");
        }
        assert!(
            error.report().contains(dialect.address()),
            "{}",
            error.report()
        );
    }
}

#[tokio::test]
async fn unrepresentable_values_are_null_where_that_is_configured() {
    let mut options = OpenOptions::default();
    options.values.unrepresentable = Unrepresentable::Null;
    let dialect = dialect_odbc::open(&postgres(), &options).unwrap();
    let mut connection = dialect.connect().await.unwrap();
    let name = TableName::new(place::unique("lenient"));
    let made = format!(
        "CREATE TABLE {0} AS SELECT CAST('infinity' AS date) AS v",
        name.name
    );
    connection.execute(&made).await.unwrap();
    let table = connection.describe(&name).await.unwrap().unwrap();
    let rows = read(&*dialect, &mut *connection, &table).await.unwrap();
    assert_eq!(rows, [vec![Value::Null]]);
    let mut strict = place::open(&postgres()).connect().await.unwrap();
    let error = read(&*dialect, &mut *strict, &table).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.report().contains("`v`"), "{}", error.report());
    connection
        .execute(&format!("DROP TABLE {}", name.name))
        .await
        .unwrap();
}

async fn read(
    dialect: &dyn Dialect,
    connection: &mut dyn Connection,
    table: &Table,
) -> connect_api::Result<Vec<Vec<Value>>> {
    let all: Vec<_> = (0..table.columns.len()).collect();
    let schema = table.schema(&all, &[])?;
    let statement = dialect.syntax().select(&Page::of(table, &all))?;
    let mut cursor = connection.query(&statement, &schema).await?;
    let mut rows = Vec::new();
    while let Some(batch) = cursor.next(100, 1 << 20).await? {
        let records = Records::new("t".into(), schema.clone(), batch)?;
        rows.extend(records.rows().map(|row| row.to_record().values));
    }
    rows.sort_by_key(|row| format!("{row:?}"));
    Ok(rows)
}

/// A database that is not known by name: ODBC's own functions, SQL-92, row by row.
#[tokio::test]
async fn unknown_databases_are_described_and_written_by_the_standard() {
    let url = format!("{};ConnectProfile=generic", postgres());
    let dialect: Arc<dyn Dialect> = place::open(&url);
    let mut connection = dialect.connect().await.unwrap();
    let name = TableName::new(place::unique("generic"));
    let key = ["id".to_owned()];
    let fields = [
        Kind::Int64.field("id", false),
        Kind::Text.field("v", true),
        Kind::Decimal {
            precision: 12,
            scale: 2,
        }
        .field("d", true),
        Kind::Timestamp { utc: false }.field("at", true),
        Kind::Float64.field("f", true),
    ];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let sql = dialect.syntax().create_table(&name, &schema).unwrap();
    assert!(!sql.contains("IF NOT EXISTS"), "{sql}");
    connection.execute(&sql).await.unwrap();
    let again = connection.execute(&sql).await.unwrap_err();
    assert!(dialect.already_exists(&again), "{}", again.report());
    let table = connection.describe(&name).await.unwrap().unwrap();
    assert_eq!(table.primary_key, ["id"]);
    let kinds: Vec<_> = table
        .columns
        .iter()
        .map(|c| c.kind.clone().unwrap())
        .collect();
    assert_eq!(kinds, schema.kinds());
    assert!(
        connection
            .describe(&TableName::new("no_such_table"))
            .await
            .unwrap()
            .is_none()
    );

    let row = |id: i64, v: &str| {
        vec![
            id.into(),
            v.into(),
            Value::Decimal(-150, 2),
            Value::Timestamp(1),
            Value::Float(0.1),
        ]
    };
    let steps = [
        (WriteOp::Insert, vec![row(1, "one"), row(2, "two")]),
        (WriteOp::Upsert, vec![row(2, "zwei"), row(3, "drei")]),
        (WriteOp::InsertIgnore, vec![row(3, "no"), row(4, "four")]),
        (WriteOp::Update, vec![row(1, "eins"), row(9, "nobody")]),
        (WriteOp::Delete, vec![row(4, "")]),
    ];
    for (op, rows) in steps {
        let plan = dialect.plan_write(&WriteRequest {
            table: &table,
            schema: &schema,
            op,
            key: &key,
            columns: None,
            route: None,
        });
        let plan = plan.unwrap();
        assert_eq!(plan.route, Route::Rows, "{op:?}");
        let records = rows.into_iter().map(|values| connect_api::ConnectRecord {
            values,
            ..Default::default()
        });
        let records = Records::from_rows("t".into(), schema.clone(), records).unwrap();
        let all = 0..records.len();
        if let Err(e) = connection.write(&plan, &records, all).await {
            panic!("{op:?}: {}", e.report());
        }
    }
    let found = read(&*dialect, &mut *connection, &table).await.unwrap();
    assert_eq!(found, [row(1, "eins"), row(2, "zwei"), row(3, "drei")]);
    let listed = connection.tables(None).await.unwrap();
    assert!(listed.iter().any(|(listed, _)| listed.name == name.name));
    let error = connection.savepoint().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    connection
        .execute(&format!("DROP TABLE \"{}\"", name.name))
        .await
        .unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn options_give_user_and_password() {
    let bare = "odbc:Driver={PostgreSQL Unicode};Server=127.0.0.1;Database=connect;Port=";
    let url = postgres();
    let port = url
        .split_once("Port=")
        .unwrap()
        .1
        .split_once(';')
        .unwrap()
        .0;
    let (_, password) = url.rsplit_once("PWD=").unwrap();
    let options = OpenOptions {
        user: Some("connect".to_owned()),
        password: Some(Secret::new(password)),
        ..OpenOptions::default()
    };
    let mut connection = connect(&format!("{bare}{port}"), &options).await.unwrap();
    assert_eq!(
        asked(&mut *connection, "SELECT CAST(current_user AS text)").await,
        "connect"
    );
}

/// A write of a number and a text.
fn plan(dialect: &dyn Dialect, table: &Table, op: WriteOp) -> dialect_core::WritePlan {
    let fields = [Kind::Int64.field("id", false), Kind::Text.field("v", true)];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let plan = dialect.plan_write(&WriteRequest {
        table,
        schema: &schema,
        op,
        key: &["id".to_owned()],
        columns: None,
        route: None,
    });
    plan.unwrap()
}

#[tokio::test]
async fn a_write_is_tried_out_with_the_privileges_that_it_needs() {
    let user = place::unique("tries_");
    let password = format!("{PLANTED}-7");
    for (url, user_is) in [
        (
            postgres(),
            format!("ROLE {user} LOGIN PASSWORD '{password}'"),
        ),
        (mariadb(), format!("USER {user} IDENTIFIED BY '{password}'")),
    ] {
        let name = place::unique("tried_");
        let mut owner = connect(&url, &OpenOptions::default()).await.unwrap();
        let kind = user_is.split(' ').next().unwrap();
        let table = format!("CREATE TABLE {name} (id bigint PRIMARY KEY, v varchar(50))");
        for sql in [
            format!("CREATE {user_is}"),
            table,
            format!("GRANT INSERT ON {name} TO {user}"),
        ] {
            owner.execute(&sql).await.unwrap();
        }
        let table = owner
            .describe(&TableName::new(&name))
            .await
            .unwrap()
            .unwrap();
        let options = OpenOptions {
            user: Some(user.clone()),
            password: Some(Secret::new(password.as_str())),
            ..OpenOptions::default()
        };
        let dialect = dialect_odbc::open(&url, &options).unwrap();
        let mut connection = dialect.connect().await.unwrap();
        // Who may insert alone is not asked for more.
        let access = dialect_core::Access::Insert;
        connection.check_access(&table, access).await.unwrap();
        let insert = plan(dialect.as_ref(), &table, WriteOp::Insert);
        connection.try_out(&insert).await.unwrap();
        for op in [WriteOp::Upsert, WriteOp::Update, WriteOp::Delete] {
            let plan = plan(dialect.as_ref(), &table, op);
            let error = connection.try_out(&plan).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Auth, "{op:?}: {}", error.report());
            assert!(error.report().contains(&name), "{}", error.report());
        }
        connection.ping().await.unwrap();
        connection.close().await.unwrap();
        for sql in [format!("DROP TABLE {name}"), format!("DROP {kind} {user}")] {
            owner.execute(&sql).await.unwrap();
        }
    }
}
