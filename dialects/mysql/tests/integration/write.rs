//! What writes do to the tables of a server.
use crate::place::{Place, is_mariadb};
use connect_api::{ErrorKind, Kind, Schema, SchemaRef, Value};
use dialect_core::{TableName, WriteOp};

/// 2024-02-29 12:34:56.789012.
const LEAP: i64 = 1_709_210_096_789_012;

fn schema(kind: Kind) -> SchemaRef {
    Schema::new(
        "t",
        [Kind::Int32.field("id", false), kind.field("c", true)],
        &["id"],
    )
    .unwrap()
}

#[tokio::test]
async fn tables_are_created_so_that_their_kinds_come_back() {
    let mut place = Place::new().await;
    let kinds = [
        Kind::Text,
        Kind::Bool,
        Kind::Int8,
        Kind::Int16,
        Kind::Int32,
        Kind::Int64,
        Kind::UInt8,
        Kind::UInt16,
        Kind::UInt32,
        Kind::UInt64,
        Kind::Float32,
        Kind::Float64,
        Kind::Decimal {
            precision: 38,
            scale: 10,
        },
        Kind::Decimal {
            precision: 10,
            scale: 0,
        },
        Kind::Text,
        Kind::Json,
        Kind::Bytes,
        Kind::Uuid,
        Kind::Date,
        Kind::Time,
        Kind::Timestamp { utc: false },
        Kind::Timestamp { utc: true },
    ];
    let fields = kinds
        .iter()
        .enumerate()
        .map(|(i, k)| k.clone().field(&format!("c{i}"), i > 1));
    let schema = Schema::new("t", fields, &["c0", "c1"]).unwrap();
    let name = TableName::new("made `here`");
    let sql = place.dialect.syntax().create_table(&name, &schema).unwrap();
    place.run(&sql).await;
    place.run(&sql).await;
    let table = place.table("made `here`").await;
    assert_eq!(table.primary_key, ["c0", "c1"]);
    let described: Vec<_> = table
        .columns
        .iter()
        .map(|c| c.kind.clone().unwrap())
        .collect();
    assert_eq!(described, kinds);
    place.drop().await;
}

#[tokio::test]
async fn keys_of_a_table_made_here_keep_case_and_accents_apart() {
    let mut place = Place::new().await;
    let fields = [Kind::Text.field("k", false), Kind::Int32.field("n", true)];
    let schema = Schema::new("t", fields, &["k"]).unwrap();
    let sql = place
        .dialect
        .syntax()
        .create_table(&TableName::new("t"), &schema)
        .unwrap();
    place.run(&sql).await;
    let rows: Vec<_> = (0..)
        .zip(["a", "A", "ä"])
        .map(|(i, k)| vec![k.into(), Value::Int(i)])
        .collect();
    place
        .write("t", WriteOp::Upsert, &["k"], &schema, rows.clone())
        .await
        .unwrap();
    assert_eq!(place.read("t").await.len(), 3);
    place.drop().await;
}

#[tokio::test]
async fn upsert_update_and_delete_find_their_rows_by_every_kind_of_key() {
    let mut place = Place::new().await;
    let uuid = |i: u8| Value::Bytes(vec![i; 16]);
    let cases: Vec<(Kind, &str, Vec<Value>)> = vec![
        (Kind::Int64, "bigint", (0..1100).map(Value::Int).collect()),
        (
            Kind::UInt64,
            "bigint unsigned",
            (0..3).map(|i| Value::UInt(u64::MAX - i)).collect(),
        ),
        (
            Kind::Decimal {
                precision: 38,
                scale: 2,
            },
            "decimal(38,2)",
            (0..3)
                .map(|i| Value::Decimal(10i128.pow(37) + i, 2))
                .collect(),
        ),
        (
            Kind::Text,
            "varchar(10)",
            vec!["a".into(), "b".into(), "".into()],
        ),
        (Kind::Uuid, "uuid", (0..3).map(uuid).collect()),
        (
            Kind::Uuid,
            "binary(16) COMMENT 'uuid'",
            (0..3).map(uuid).collect(),
        ),
        (Kind::Date, "date", (0..3).map(Value::Date).collect()),
        (
            Kind::Time,
            "time(6) COMMENT 'time of day'",
            (0..3).map(Value::Time).collect(),
        ),
        (
            Kind::Timestamp { utc: false },
            "datetime(6)",
            (0..3).map(|i| Value::Timestamp(LEAP + i)).collect(),
        ),
        (
            Kind::Bytes,
            "varbinary(4)",
            (0..3).map(|i| Value::Bytes(vec![i])).collect(),
        ),
    ];
    let mariadb = is_mariadb().await;
    for (kind, column, keys) in cases {
        // A type of MariaDB's own.
        if column == "uuid" && !mariadb {
            continue;
        }
        place
            .remake(&format!(
                "k {column}, part int, v int, kept int DEFAULT 7, PRIMARY KEY (k, part)"
            ))
            .await;
        let fields = [
            kind.field("k", false),
            Kind::Int32.field("part", false),
            Kind::Int32.field("v", true),
        ];
        let schema = Schema::new("t", fields, &["k", "part"]).unwrap();
        let rows = |v: i64| {
            keys.iter()
                .map(|k| vec![k.clone(), Value::Int(1), Value::Int(v)])
                .collect::<Vec<_>>()
        };
        let key = ["k", "part"];
        let n = keys.len() as u64;
        for (op, v) in [
            (WriteOp::Insert, 1),
            (WriteOp::Upsert, 2),
            (WriteOp::Update, 3),
            (WriteOp::Update, 3),
        ] {
            let written = place.write("t", op, &key, &schema, rows(v)).await;
            assert_eq!(
                written.unwrap_or_else(|e| panic!("{column} {op:?}: {}", e.report())),
                n,
                "{column} {op:?}"
            );
            let read = place.read("t").await;
            assert_eq!(read.len() as u64, n, "{column} {op:?}");
            assert!(
                read.iter()
                    .all(|row| row[2..] == [Value::Int(v), Value::Int(7)]),
                "{column} {op:?}"
            );
        }
        let some = rows(0).split_off(1);
        let gone = place
            .write("t", WriteOp::Delete, &key, &schema, some.clone())
            .await
            .unwrap();
        assert_eq!(gone, n - 1, "{column}");
        let again = place
            .write("t", WriteOp::Update, &key, &schema, some)
            .await
            .unwrap();
        assert_eq!(
            again, 0,
            "{column}: rows that are not there are passed over"
        );
        assert_eq!(place.read("t").await.len(), 1, "{column}");
    }
    place.drop().await;
}

#[tokio::test]
async fn a_write_of_many_statements_is_whole_or_not_at_all() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, c int)")
        .await;
    let mut rows: Vec<_> = (0..1500)
        .map(|i| vec![Value::Int(i), Value::Int(i)])
        .collect();
    rows.push(vec![Value::Int(3), Value::Int(0)]);
    let schema = schema(Kind::Int32);
    let error = place
        .write("t", WriteOp::Insert, &[], &schema, rows.clone())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Data, Some("1062"))
    );
    // MySQL writes the table before the key's name.
    assert!(error.to_string().contains("PRIMARY`"), "{error}");
    assert_eq!(place.read("t").await.len(), 0);
    rows.pop();
    assert_eq!(
        place
            .write("t", WriteOp::Insert, &[], &schema, rows)
            .await
            .unwrap(),
        1500
    );
    assert_eq!(place.read("t").await.len(), 1500);
    place.drop().await;
}

#[tokio::test]
async fn large_rows_go_in_statements_that_the_server_takes() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, c longtext)")
        .await;
    let schema = schema(Kind::Text);
    // 40 MB in all; a row of 17 MiB needs two packets of the protocol.
    let mut rows: Vec<_> = (0..24)
        .map(|i| vec![Value::Int(i), "x".repeat(1 << 20).into()])
        .collect();
    rows.push(vec![Value::Int(99), "y".repeat(17 << 20).into()]);
    assert_eq!(
        place
            .write("t", WriteOp::Upsert, &["id"], &schema, rows)
            .await
            .unwrap(),
        25
    );
    let read = place.read("t").await;
    assert_eq!(read.len(), 25);
    let long = read.iter().find(|r| r[0] == Value::Int(99)).unwrap();
    assert!(matches!(&long[1], Value::Text(t) if t.len() == 17 << 20));
    place.drop().await;
}

#[tokio::test]
async fn a_row_of_nothing_but_its_key_is_upserted() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (a int, b int, PRIMARY KEY (a, b))")
        .await;
    let fields = [Kind::Int32.field("a", false), Kind::Int32.field("b", false)];
    let schema = Schema::new("t", fields, &["a", "b"]).unwrap();
    let rows = vec![
        vec![Value::Int(1), Value::Int(2)],
        vec![Value::Int(1), Value::Int(2)],
    ];
    for _ in 0..2 {
        place
            .write("t", WriteOp::Upsert, &["a", "b"], &schema, rows.clone())
            .await
            .unwrap();
    }
    assert_eq!(place.read("t").await, [[Value::Int(1), Value::Int(2)]]);
    place.drop().await;
}
