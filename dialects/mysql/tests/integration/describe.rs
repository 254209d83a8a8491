//! Descriptions of tables, queries and transactions.
use crate::place::{Place, is_mariadb, numbers, open, unique, url_of};
use connect_api::{Kind, Records, Schema, Value};
use dialect_core::{Page, TableName, TableType};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_description_contains_comments_labels_partitions_and_estimates() {
    let mut place = Place::new().await;
    place
        .run(
            "CREATE TABLE t (id int PRIMARY KEY COMMENT 'the id', e enum('a','it''s') DEFAULT 'a', \
             s set('x','y'), b bit(9), n int NOT NULL DEFAULT 7, \
             now datetime DEFAULT current_timestamp) COMMENT 'a table' \
             PARTITION BY HASH (id) PARTITIONS 2",
        )
        .await;
    place.run("INSERT INTO t (id) VALUES (1), (2)").await;
    let geometry = "CREATE TABLE g (id int PRIMARY KEY, p point)";
    place.run(geometry).await;
    let point = place.table("g").await.columns[1].clone();
    assert_eq!(point.extension, Some("geoarrow.wkb"));
    place.run("DROP TABLE g").await;
    let table = place.table("t").await;
    assert_eq!(table.table_type, TableType::Partitioned);
    assert_eq!(table.comment.as_deref(), Some("a table"));
    assert_eq!(table.row_estimate, Some(2));
    assert_eq!(table.vendor, "mysql");
    let column = |name: &str| table.column(name).unwrap().clone();
    assert_eq!(column("id").comment.as_deref(), Some("the id"));
    assert_eq!(column("e").values, ["a", "it's"]);
    assert_eq!(column("s").values, ["x", "y"]);
    assert_eq!(column("b").length, Some(9));
    assert_eq!(column("e").default.as_deref(), Some("'a'"));
    assert_eq!(column("n").default.as_deref(), Some("7"));
    let now = column("now").default.unwrap().to_lowercase();
    assert!(now.contains("current_timestamp"), "{now}");
    assert_eq!(column("s").default, None);
    let tables = place.connection.tables(None).await.unwrap();
    assert_eq!(tables[0].1, TableType::Partitioned);
    place.drop().await;
}

#[tokio::test]
async fn tables_of_several_schemas_are_described_at_once() {
    let mut place = Place::new().await;
    let mut other = Place::new().await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, `T` int)")
        .await;
    other.run("CREATE TABLE t (id bigint, j json)").await;
    let of = |schema: &str, name: &str| TableName {
        schema: Some(schema.to_owned()),
        name: name.to_owned(),
    };
    let names = [
        of(&other.database, "t"),
        TableName::new("t"),
        of(&place.database, "missing"),
        of(&place.database, "T"),
    ];
    let all = place.connection.describe_all(&names).await.unwrap();
    let kinds: Vec<Option<Vec<_>>> = all
        .iter()
        .map(|t| {
            t.as_ref()
                .map(|t| t.columns.iter().filter_map(|c| c.kind.clone()).collect())
        })
        .collect();
    assert_eq!(
        kinds,
        [
            Some(vec![Kind::Int64, Kind::Json]),
            Some(vec![Kind::Int32, Kind::Int32]),
            None,
            None
        ]
    );
    assert!(place.connection.describe_all(&[]).await.unwrap().is_empty());
    place.drop().await;
    other.drop().await;
}

#[tokio::test]
async fn a_query_is_described_with_all_numbers_of_its_types() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, price decimal(12,2) NOT NULL, at datetime(3), u year)")
        .await;
    let query = "SELECT id, SUM(price) AS total, MAX(at) AS last, u, COUNT(*) AS n, 'x' AS word \
                 FROM t GROUP BY id, u;";
    let described = place.connection.describe_query(query).await.unwrap();
    let types: Vec<_> = described
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.vendor_type.as_str()))
        .collect();
    // MySQL 8 reports no widths of numbers.
    let (id, u, n) = match is_mariadb().await {
        true => ("int(11)", "year(4)", "bigint(21)"),
        false => ("int", "year", "bigint"),
    };
    assert_eq!(
        types,
        [
            ("id", id),
            ("total", "decimal(34,2)"),
            ("last", "datetime(3)"),
            ("u", u),
            ("n", n),
            ("word", "varchar(1)"),
        ]
    );
    // A user who may not create temporary tables gets the types of a prepared statement.
    let user = unique("u");
    place
        .run(&format!("CREATE USER {user} IDENTIFIED BY 'pw'"))
        .await;
    let grant = format!("GRANT SELECT ON {}.* TO {user}", place.database);
    place.run(&grant).await;
    let theirs = url_of(&place.database, "");
    let (_, server) = theirs.split_once('@').unwrap();
    let mut theirs = open(&format!("mysql://{user}:pw@{server}"))
        .connect()
        .await
        .unwrap();
    let described = theirs.describe_query(query).await.unwrap();
    let kinds: Vec<_> = described
        .columns
        .iter()
        .filter_map(|c| c.kind.clone())
        .collect();
    assert_eq!(
        kinds[..3],
        [
            Kind::Int32,
            Kind::BigDecimal,
            Kind::Timestamp { utc: false }
        ]
    );
    // Nor does this user see transactions, and that is no error.
    assert_eq!(theirs.visibility().await.unwrap(), None);
    theirs.close().await.unwrap();
    place.run(&format!("DROP USER {user}")).await;
    place.drop().await;
}

#[tokio::test]
async fn a_long_reading_that_is_left_costs_the_connection_and_no_wait() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, c char(200))")
        .await;
    place
        .run(&format!(
            "INSERT INTO t SELECT seq, REPEAT('x', 200) FROM {}",
            numbers(5)
        ))
        .await;
    let table = place.table("t").await;
    let mut reader = place.dialect.connect().await.unwrap();
    // A thousand times the table: some gigabytes.
    let statement = dialect_core::Statement {
        sql: format!("SELECT a.id, a.c FROM t a, {}", numbers(3)),
        params: Vec::new(),
    };
    let schema = table.schema(&[0, 1], &[]).unwrap();
    let mut cursor = reader.query(&statement, &schema).await.unwrap();
    assert!(cursor.next(10, 1 << 20).await.unwrap().is_some());
    drop(cursor);
    let left = Instant::now();
    for _ in 0..2 {
        let error = reader.ping().await.unwrap_err();
        assert_eq!(error.kind(), connect_api::ErrorKind::Connect);
        assert!(error.to_string().contains("left in the middle"), "{error}");
    }
    assert!(left.elapsed() < Duration::from_secs(10));
    drop(reader);
    // A cursor that has given its last row is at its end.
    let schema = Schema::new("t", [Kind::Int32.field("id", true)], &[]).unwrap();
    let page = Page::of(&table, &[0]);
    let statement = place.dialect.syntax().select(&page).unwrap();
    let statement = dialect_core::Statement {
        sql: format!("{} LIMIT 1", statement.sql),
        ..statement
    };
    let mut cursor = place.connection.query(&statement, &schema).await.unwrap();
    let batch = cursor.next(1, 1 << 20).await.unwrap().unwrap();
    let records = Records::new("t".into(), schema.clone(), batch).unwrap();
    assert_eq!(records.row(0).get(0).to_value(), Value::Int(1));
    drop(cursor);
    place.connection.ping().await.unwrap();
    place.drop().await;
}

#[tokio::test]
async fn an_unlimited_reading_holds_no_more_than_its_batch() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, c longtext)")
        .await;
    place
        .run(&format!(
            "INSERT INTO t SELECT seq, REPEAT('x', 1048576) FROM {} WHERE seq <= 64",
            numbers(2)
        ))
        .await;
    let table = place.table("t").await;
    let schema = table.schema(&[0, 1], &[]).unwrap();
    let page = Page::of(&table, &[0, 1]);
    let statement = place.dialect.syntax().select(&page).unwrap();
    let mut cursor = place.connection.query(&statement, &schema).await.unwrap();
    let mut rows = 0;
    while let Some(batch) = cursor.next(1000, 4 << 20).await.unwrap() {
        assert!(batch.num_rows() <= 4, "{}", batch.num_rows());
        rows += batch.num_rows();
    }
    drop(cursor);
    assert_eq!(rows, 64);
    place.drop().await;
}
