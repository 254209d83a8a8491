//! Updates in bulk.
use crate::place::{Place, open, records, unique, url_of};
use connect_api::{ErrorKind, Kind, Schema, SchemaRef, Value};
use dialect_core::{Route, WriteOp, WriteRequest};

fn schema() -> SchemaRef {
    let fields = [
        Kind::Int32.field("id", false),
        Kind::Text.field("part", false),
        Kind::Text.field("c", true),
        Kind::Json.field("j", true),
    ];
    Schema::new("t", fields, &["id", "part"]).unwrap()
}

const TABLE: &str = "CREATE TABLE t (id int, part varchar(10) COLLATE utf8mb4_bin, c varchar(20), \
                     j json, other int DEFAULT 7, PRIMARY KEY (id, part))";

fn row(id: i64, part: &str, c: &str) -> Vec<Value> {
    vec![
        id.into(),
        part.into(),
        c.into(),
        format!("{{\"n\": {id}}}").into(),
    ]
}

#[tokio::test]
async fn updates_by_either_way_leave_the_same_table() {
    let mut place = Place::new().await;
    let mut found = Vec::new();
    for route in [Route::Rows, Route::Stage] {
        place.run("DROP TABLE IF EXISTS t").await;
        place.run(TABLE).await;
        let there = (0..700).map(|id| row(id, "a", "old")).collect();
        place
            .write("t", WriteOp::Insert, &[], &schema(), there)
            .await
            .unwrap();
        let mut rows: Vec<_> = (350..1_000).map(|id| row(id, "a", "new")).collect();
        rows.extend((0..10).map(|id| row(id, "A", "another case is another key")));
        // Twice the same key: the last counts.
        rows.push(row(400, "a", "last"));
        rows.push(vec![401.into(), "a".into(), Value::Null, Value::Null]);
        for row in &mut rows {
            if let Value::Text(text) = &row[2] {
                row[2] = text.chars().take(20).collect::<String>().into();
            }
        }
        let table = place.table("t").await;
        let key = ["id".to_owned(), "part".to_owned()];
        let plan = place
            .dialect
            .plan_write(&WriteRequest {
                table: &table,
                schema: &schema(),
                op: WriteOp::Update,
                key: &key,
                columns: None,
                route: Some(route),
            })
            .unwrap();
        assert_eq!(plan.route, route);
        let records = records(&schema(), rows);
        let connection = &mut place.connection;
        connection
            .write(&plan, &records, 0..records.len())
            .await
            .unwrap();
        found.push(place.read("t").await);
    }
    assert_eq!(found[0].len(), 700);
    assert!(found[0].iter().any(|row| row[2] == "last".into()));
    assert!(found[0] == found[1], "the ways differ");
    place.drop().await;
}

#[tokio::test]
async fn updates_are_in_the_transaction_and_their_errors_name_the_row() {
    let mut place = Place::new().await;
    place.run(TABLE).await;
    let there = (0..20).map(|id| row(id, "a", "old")).collect();
    place
        .write("t", WriteOp::Insert, &[], &schema(), there)
        .await
        .unwrap();
    let rows: Vec<_> = (0..20).map(|id| row(id, "a", "new")).collect();
    let key = ["id", "part"];
    place.connection.begin().await.unwrap();
    let updated = place
        .write("t", WriteOp::Update, &key, &schema(), rows.clone())
        .await
        .unwrap();
    assert_eq!(updated, 20);
    place.connection.rollback().await.unwrap();
    let read = place.read("t").await;
    assert!(read.iter().all(|row| row[2] == "old".into()));
    let mut bad = rows.clone();
    bad[13][3] = "{".into();
    let error = place
        .write("t", WriteOp::Update, &key, &schema(), bad)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{}", error.report());
    assert!(error.report().contains(".t"), "{}", error.report());
    // What was left of it is no hindrance.
    place
        .write("t", WriteOp::Update, &key, &schema(), rows)
        .await
        .unwrap();
    let read = place.read("t").await;
    assert!(read.iter().all(|row| row[2] == "new".into()));
    place.drop().await;
}

#[tokio::test]
async fn a_rejected_row_is_reported_by_its_number() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, part varchar(10), c varchar(20), j json, CHECK (id <> 700))")
        .await;
    let rows = |bad: i64| {
        (0..800)
            .map(|id| row(if id == 700 { bad } else { id }, "a", "c"))
            .collect::<Vec<_>>()
    };
    let error = place
        .write("t", WriteOp::Insert, &[], &schema(), rows(700))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        error.to_string().contains("row 700") || error.to_string().contains("rows 512 to 767"),
        "{error}"
    );
    let error = place
        .write("t", WriteOp::Insert, &[], &schema(), rows(3))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("rows 512 to 767"), "{error}");
    place.drop().await;
}

#[tokio::test]
async fn who_may_make_no_temporary_tables_updates_row_by_row() {
    let mut place = Place::new().await;
    place.run(TABLE).await;
    let user = unique("u");
    place
        .run(&format!("CREATE USER {user} IDENTIFIED BY 'pw'"))
        .await;
    let grant = format!(
        "GRANT SELECT, INSERT, UPDATE ON {}.* TO {user}",
        place.database
    );
    place.run(&grant).await;
    let theirs = url_of(&place.database, "");
    let (_, server) = theirs.split_once('@').unwrap();
    place.connection = open(&format!("mysql://{user}:pw@{server}"))
        .connect()
        .await
        .unwrap();
    let rows = |c: &str| (0..20).map(|id| row(id, "a", c)).collect::<Vec<_>>();
    place
        .write("t", WriteOp::Insert, &[], &schema(), rows("old"))
        .await
        .unwrap();
    for c in ["new", "newer"] {
        let updated = place
            .write("t", WriteOp::Update, &["id", "part"], &schema(), rows(c))
            .await
            .unwrap();
        assert_eq!(updated, 20);
        assert!(place.read("t").await.iter().all(|row| row[2] == c.into()));
    }
    place.connection = place.dialect.connect().await.unwrap();
    place.run(&format!("DROP USER {user}")).await;
    place.drop().await;
}
