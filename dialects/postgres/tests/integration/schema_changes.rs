//! Tables that are made and changed, by several at once.
use crate::place::{Scratch, connect, open, plan, url};
use crate::write::records;
use connect_api::{ErrorKind, Kind, NOT_NULL, Schema, Value, arrow::schema::Field};
use dialect_core::{Change, Route, Syntax as _, TableName, WriteOp};
use dialect_postgres::PostgresSyntax;

#[tokio::test]
async fn many_sessions_make_and_change_one_table() {
    let scratch = Scratch::new().await;
    let dialect = open(&url()).unwrap();
    let name = TableName {
        schema: Some(scratch.schema.clone()),
        name: "raced".to_owned(),
    };
    let fields = [Kind::Int64.field("id", false), Kind::Text.field("v", true)];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let sessions = (0..8).map(|_| {
        let (dialect, name, schema) = (dialect.clone(), name.clone(), schema.clone());
        tokio::spawn(async move {
            let mut connection = connect().await;
            let create = Change::Create {
                table: &name,
                schema: &schema,
            };
            let table = create.apply(&*dialect, &mut *connection).await.unwrap();
            assert!(table.columns.len() >= 2);
            let added = [Kind::Bool.field("b", true), Kind::Date.field("d", true)];
            let add = Change::AddColumns {
                table: &table,
                fields: &added.iter().collect::<Vec<&Field>>(),
            };
            let table = add.apply(&*dialect, &mut *connection).await.unwrap();
            assert_eq!(table.columns.len(), 4);
            connection.close().await.unwrap();
        })
    });
    for session in sessions.collect::<Vec<_>>() {
        session.await.unwrap();
    }
    scratch.drop().await;
}

#[tokio::test]
async fn what_is_there_already_is_known_by_its_error() {
    let mut scratch = Scratch::new().await;
    let dialect = open(&url()).unwrap();
    scratch.execute("CREATE TABLE t (id int)").await;
    for (sql, there) in [
        ("CREATE TABLE t (id int)", true),
        ("ALTER TABLE t ADD COLUMN id int", true),
        ("CREATE TABLE u (id nothing)", false),
        ("SELECT 1/0", false),
    ] {
        let error = scratch.connection.execute(sql).await.unwrap_err();
        assert_eq!(dialect.already_exists(&error), there, "{error}");
    }
    // Two transactions make one table: the second waits, and then meets the catalogue's own key.
    let mut other = connect().await;
    let create = format!("CREATE TABLE IF NOT EXISTS {}.u (id int)", scratch.schema);
    scratch.connection.begin().await.unwrap();
    scratch.execute(&create).await;
    let waiting = tokio::spawn(async move { (other.execute(&create).await, other) });
    let mut watcher = connect().await;
    let waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'";
    while watcher.execute(waits).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    scratch.connection.commit().await.unwrap();
    let (outcome, other) = waiting.await.unwrap();
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), Some("23505"));
    assert!(dialect.already_exists(&error), "{error}");
    other.close().await.unwrap();
    watcher.close().await.unwrap();
    scratch.drop().await;
}

#[tokio::test]
async fn a_widened_column_takes_what_it_did_not() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE DOMAIN small AS smallint; CREATE TABLE t (a smallint, b numeric(5,2), c varchar(3), d small); INSERT INTO t VALUES (1, 2.5, 'abc', 1)")
        .await;
    let dialect = open(&url()).unwrap();
    let name = TableName::new("t");
    let decimal = Kind::Decimal {
        precision: 20,
        scale: 6,
    };
    for (column, kind, vendor) in [
        ("a", Kind::Int64, "bigint"),
        ("b", decimal, "numeric(20,6)"),
        ("c", Kind::Text, "text"),
    ] {
        let table = scratch.table("t").await;
        let field = kind.field(column, true);
        let widen = Change::Widen {
            table: &name,
            column: table.column(column).unwrap(),
            field: &field,
        };
        let table = widen
            .apply(&*dialect, &mut *scratch.connection)
            .await
            .unwrap();
        assert_eq!(table.column(column).unwrap().vendor_type, vendor);
    }
    assert_eq!(scratch.rows("a, b, c", "FROM t").await, ["1|2.500000|abc"]);
    let table = scratch.table("t").await;
    for (column, kind) in [("a", Kind::Float64), ("c", Kind::Int32), ("d", Kind::Int64)] {
        let field = kind.field(column, true);
        let column = table.column(column).unwrap();
        let error = PostgresSyntax.widen(&name, column, &field).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(&format!("`{}`", column.name)));
    }
    scratch.drop().await;
}

#[tokio::test]
async fn names_that_the_server_would_cut_are_refused() {
    let field = Kind::Int32.field(&"é".repeat(32), true);
    let schema = Schema::new("t", [field.clone()], &[]).unwrap();
    let long = TableName::new("x".repeat(64));
    for error in [
        PostgresSyntax.create_table(&long, &schema).unwrap_err(),
        PostgresSyntax
            .add_column(&TableName::new("t"), &field)
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert!(error.to_string().contains("63 bytes"), "{error}");
    }
    let mut scratch = Scratch::new().await;
    let name = TableName::new("x".repeat(63));
    let field = Kind::Int32.field(&"y".repeat(63), true);
    let metadata: std::collections::HashMap<_, _> =
        [(NOT_NULL.to_owned(), "true".to_owned())].into();
    let schema = Schema::new("t", [field.with_metadata(metadata)], &[]).unwrap();
    let sql = PostgresSyntax.create_table(&name, &schema).unwrap();
    scratch.execute(&sql).await;
    assert_eq!(scratch.table(&name.name).await.columns.len(), 1);
    scratch.drop().await;
}

#[tokio::test]
async fn numbers_that_the_database_gives_are_taken_over_where_they_are_given() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)")
        .await;
    let table = scratch.table("t").await;
    let given = records(
        &[("id", Kind::Int64), ("v", Kind::Text)],
        vec![vec![7.into(), "a".into()], vec![9.into(), "b".into()]],
    );
    for op in [WriteOp::Insert, WriteOp::InsertIgnore, WriteOp::Upsert] {
        for route in [Route::Load, Route::Stage, Route::Values, Route::Rows] {
            if route == Route::Load && op != WriteOp::Insert {
                continue;
            }
            scratch.execute("TRUNCATE t").await;
            let plan = plan(&table, &given, op, &["id"], Some(route)).unwrap();
            scratch.connection.write(&plan, &given, 0..2).await.unwrap();
            let rows = scratch.rows("id, v", "FROM t ORDER BY id").await;
            assert_eq!(rows, ["7|a", "9|b"], "{op:?} by {route:?}");
        }
    }
    let changed = records(
        &[("v", Kind::Text), ("id", Kind::Int64)],
        vec![vec!["a".into(), Value::Int(8)]],
    );
    let error = plan(&table, &changed, WriteOp::Update, &["v"], None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
    scratch.drop().await;
}
