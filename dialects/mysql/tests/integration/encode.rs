//! Values of MySQL's own types, out and back, and those that its columns do not hold.
use crate::place::{Place, is_mariadb};
use connect_api::{ErrorKind, Kind, Schema, SchemaRef, Value};
use dialect_core::WriteOp;

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
async fn what_is_written_is_read_back_by_every_type() {
    let mut place = Place::new().await;
    let cases: Vec<(Kind, &str, Vec<Value>)> = vec![
        (
            Kind::Bool,
            "bit(1)",
            vec![Value::Bool(true), Value::Bool(false)],
        ),
        (
            Kind::Int8,
            "tinyint",
            vec![Value::Int(-128), Value::Int(127)],
        ),
        (
            Kind::Int16,
            "year",
            vec![Value::Int(0), Value::Int(1901), Value::Int(2155)],
        ),
        (Kind::Int32, "mediumint", vec![Value::Int(-8_388_608)]),
        (
            Kind::Int64,
            "bigint",
            vec![Value::Int(i64::MIN), Value::Int(i64::MAX)],
        ),
        (Kind::UInt64, "bigint unsigned", vec![Value::UInt(u64::MAX)]),
        (
            Kind::UInt64,
            "bit(64)",
            vec![Value::UInt(u64::MAX), Value::UInt(0)],
        ),
        (Kind::UInt64, "bit(9)", vec![Value::UInt(257)]),
        (
            Kind::Float32,
            "float",
            vec![
                Value::Float(f64::from(f32::MIN_POSITIVE)),
                Value::Float(f64::from(0.1f32)),
            ],
        ),
        (
            Kind::Float64,
            "double",
            vec![
                Value::Float(f64::MAX),
                Value::Float(5e-324),
                Value::Float(0.1),
            ],
        ),
        (
            Kind::Decimal {
                precision: 38,
                scale: 30,
            },
            "decimal(38,30)",
            vec![
                Value::Decimal(10i128.pow(38) - 1, 30),
                Value::Decimal(-1, 30),
                Value::Decimal(0, 30),
            ],
        ),
        (
            Kind::Text,
            "varchar(4) CHARACTER SET utf8mb4",
            vec!["ä€𝄞 ".into(), "".into()],
        ),
        (Kind::Text, "enum('a','b')", vec!["b".into()]),
        (
            Kind::Text,
            "longtext CHARACTER SET utf8mb4",
            vec!["x".repeat(300).into(), "y".repeat(70_000).into()],
        ),
        (Kind::Json, "json", vec![r#"{"a": [1, "ä"]}"#.into()]),
        (
            Kind::Bytes,
            "varbinary(3)",
            vec![Value::Bytes(vec![0, 255]), Value::Bytes(vec![])],
        ),
        (Kind::Bytes, "binary(2)", vec![Value::Bytes(vec![0, 255])]),
        (
            Kind::Uuid,
            "uuid",
            vec![Value::Bytes((0..16).collect()), Value::Bytes(vec![255; 16])],
        ),
        (
            Kind::Uuid,
            "binary(16) COMMENT 'uuid'",
            vec![Value::Bytes((0..16).collect())],
        ),
        (
            Kind::Date,
            "date",
            vec![
                Value::Date(-719_162),
                Value::Date(0),
                Value::Date(2_932_896),
            ],
        ),
        (
            Kind::Time,
            "time(6) COMMENT 'time of day'",
            vec![Value::Time(0), Value::Time(86_399_999_999), Value::Time(1)],
        ),
        (
            Kind::Time,
            "time(3) COMMENT 'time of day'",
            vec![Value::Time(1000)],
        ),
        (Kind::Duration, "time(3)", vec![Value::Time(-1000)]),
        (
            Kind::Timestamp { utc: false },
            "datetime(6)",
            vec![
                Value::Timestamp(LEAP),
                Value::Timestamp(-62_135_596_800_000_000),
                Value::Timestamp(0),
                Value::Timestamp(253_402_300_799_999_999),
            ],
        ),
        (
            Kind::Timestamp { utc: true },
            "timestamp(6) NULL",
            vec![Value::Timestamp(LEAP), Value::Timestamp(1_000_000)],
        ),
    ];
    let mariadb = is_mariadb().await;
    for (kind, column, mut values) in cases {
        // A type of MariaDB's own.
        if column == "uuid" && !mariadb {
            continue;
        }
        values.push(Value::Null);
        place
            .remake(&format!("id int PRIMARY KEY, c {column}"))
            .await;
        let rows: Vec<_> = (0..)
            .zip(values)
            .map(|(i, v)| vec![Value::Int(i), v])
            .collect();
        let written = place
            .write(
                "t",
                WriteOp::Insert,
                &[],
                &schema(kind.clone()),
                rows.clone(),
            )
            .await;
        assert_eq!(
            written.unwrap_or_else(|e| panic!("{column}: {}", e.report())),
            rows.len() as u64
        );
        assert_eq!(
            place.table("t").await.columns[1].kind,
            Some(kind),
            "{column}"
        );
        assert_eq!(place.read("t").await, rows, "{column}");
    }
    place.drop().await;
}

#[tokio::test]
async fn what_the_server_would_change_without_a_word_is_refused() {
    let mut place = Place::new().await;
    let cases: Vec<(Kind, &str, Value)> = vec![
        (Kind::Int64, "tinyint", Value::Int(128)),
        (Kind::Int64, "int unsigned", Value::Int(-1)),
        (Kind::Int16, "year", Value::Int(70)),
        (Kind::Int64, "bit(64)", Value::Int(-1)),
        (Kind::UInt64, "bit(9)", Value::UInt(512)),
        (Kind::Int8, "bit(1)", Value::Int(2)),
        (Kind::Float64, "float", Value::Float(0.1)),
        (Kind::Float64, "double", Value::Float(f64::NAN)),
        (
            Kind::Decimal {
                precision: 10,
                scale: 3,
            },
            "decimal(10,2)",
            Value::Decimal(1239, 3),
        ),
        (
            Kind::Decimal {
                precision: 10,
                scale: 2,
            },
            "decimal(4,2)",
            Value::Decimal(10_000, 2),
        ),
        (Kind::BigDecimal, "decimal(10,2)", "1.239".into()),
        (
            Kind::Decimal {
                precision: 20,
                scale: 0,
            },
            "bigint",
            Value::Decimal(1 << 63, 0),
        ),
        (Kind::Text, "varchar(3)", "abcd".into()),
        (Kind::Text, "varchar(3)", "abc ".into()),
        (Kind::Text, "varchar(3) CHARACTER SET latin1", "€𝄞".into()),
        (Kind::Text, "enum('a','b')", "c".into()),
        (Kind::Text, "json", "{".into()),
        (Kind::Text, "tinytext", "x".repeat(256).into()),
        (Kind::Bytes, "binary(3)", Value::Bytes(vec![1])),
        (Kind::Bytes, "varbinary(3)", Value::Bytes(vec![1; 4])),
        (Kind::Text, "uuid", "no uuid".into()),
        (Kind::Date, "date", Value::Date(2_932_897)),
        (Kind::Date, "date", Value::Date(-719_163)),
        (Kind::Time, "time(3)", Value::Time(1)),
        (
            Kind::Timestamp { utc: false },
            "datetime(3)",
            Value::Timestamp(1),
        ),
        (
            Kind::Timestamp { utc: false },
            "datetime",
            Value::Timestamp(500_000),
        ),
        (
            Kind::Timestamp { utc: false },
            "datetime(6)",
            Value::Timestamp(253_402_300_800_000_000),
        ),
        (
            Kind::Timestamp { utc: true },
            "timestamp(6) NULL",
            Value::Timestamp(0),
        ),
        (
            Kind::Timestamp { utc: true },
            "timestamp(6) NULL",
            Value::Timestamp(253_402_300_799_999_999),
        ),
        (Kind::Int32, "int NOT NULL", Value::Null),
    ];
    let mariadb = is_mariadb().await;
    for (kind, column, value) in cases {
        if column == "uuid" && !mariadb {
            continue;
        }
        place
            .remake(&format!("id int PRIMARY KEY, c {column}"))
            .await;
        let rows = vec![vec![Value::Int(1), value.clone()]];
        let written = place
            .write("t", WriteOp::Insert, &[], &schema(kind), rows)
            .await;
        let error = written.expect_err(&format!("{column} took {value:?}"));
        assert_eq!(
            error.kind(),
            ErrorKind::Data,
            "{column}: {}",
            error.report()
        );
        let text = error.report();
        assert!(
            text.contains("column `c`") || text.contains("constraint `t.c`"),
            "{column}: {text}"
        );
        assert!(
            text.contains(".t`") || text.contains(".t,"),
            "{column}: {text}"
        );
    }
    place.drop().await;
}

#[tokio::test]
async fn columns_that_would_lose_values_are_refused_in_the_plan() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, c int, d date, j json)")
        .await;
    let fields = [
        Kind::Int32.field("id", false),
        Kind::Text.field("c", true),
        Kind::Timestamp { utc: true }.field("d", true),
        Kind::Bytes.field("j", true),
    ];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let table = place.table("t").await;
    let error = place
        .plan(&table, &schema, WriteOp::Insert, &[])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    for part in ["`c` is int", "`d` is date", "`j` is json", "Text", "Bytes"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    place.drop().await;
}
