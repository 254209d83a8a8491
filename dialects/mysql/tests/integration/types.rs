//! Describing and reading tables of MySQL's own types.
use crate::place::{Place, is_mariadb};
use connect_api::{ErrorKind, Kind, Value};
use dialect_core::{TableName, TableType, TimeMapping};

/// 2024-02-29 12:34:56.789012.
const LEAP: i64 = 1_709_210_096_789_012;

#[tokio::test]
async fn every_type_is_described_and_read_as_it_is() {
    let mut place = Place::new().await;
    let columns: [(&str, &str, Option<Kind>, Value); 39] = [
        ("tinyint", "-128", Some(Kind::Int8), Value::Int(-128)),
        ("tinyint(1)", "1", Some(Kind::Bool), Value::Bool(true)),
        (
            "tinyint(1) unsigned",
            "255",
            Some(Kind::UInt8),
            Value::UInt(255),
        ),
        (
            "tinyint unsigned",
            "255",
            Some(Kind::UInt8),
            Value::UInt(255),
        ),
        ("smallint", "-32768", Some(Kind::Int16), Value::Int(-32768)),
        (
            "smallint unsigned",
            "65535",
            Some(Kind::UInt16),
            Value::UInt(65535),
        ),
        (
            "mediumint",
            "-8388608",
            Some(Kind::Int32),
            Value::Int(-8_388_608),
        ),
        (
            "mediumint unsigned",
            "16777215",
            Some(Kind::UInt32),
            Value::UInt(16_777_215),
        ),
        (
            "int",
            "-2147483648",
            Some(Kind::Int32),
            Value::Int(i32::MIN.into()),
        ),
        (
            "int unsigned",
            "4294967295",
            Some(Kind::UInt32),
            Value::UInt(u32::MAX.into()),
        ),
        (
            "bigint",
            "-9223372036854775808",
            Some(Kind::Int64),
            Value::Int(i64::MIN),
        ),
        (
            "bigint unsigned",
            "18446744073709551615",
            Some(Kind::UInt64),
            Value::UInt(u64::MAX),
        ),
        (
            "float",
            "0.1",
            Some(Kind::Float32),
            Value::Float(f64::from(0.1f32)),
        ),
        ("double", "0.1", Some(Kind::Float64), Value::Float(0.1)),
        (
            "decimal(12,2)",
            "-1234567890.12",
            Some(Kind::Decimal {
                precision: 12,
                scale: 2,
            }),
            Value::Decimal(-123_456_789_012, 2),
        ),
        (
            "decimal(38,0)",
            "99999999999999999999999999999999999999",
            Some(Kind::Decimal {
                precision: 38,
                scale: 0,
            }),
            Value::Decimal(10i128.pow(38) - 1, 0),
        ),
        ("bit(1)", "1", Some(Kind::Bool), Value::Bool(true)),
        ("bit(9)", "257", Some(Kind::UInt64), Value::UInt(257)),
        (
            "bit(64)",
            "18446744073709551615",
            Some(Kind::UInt64),
            Value::UInt(u64::MAX),
        ),
        ("char(3)", "'a'", Some(Kind::Text), "a".into()),
        ("varchar(16)", "'ä€𝄞 '", Some(Kind::Text), "ä€𝄞 ".into()),
        ("tinytext", "''", Some(Kind::Text), "".into()),
        ("longtext", "'x'", Some(Kind::Text), "x".into()),
        ("enum('a','b')", "'b'", Some(Kind::Text), "b".into()),
        ("set('a','b')", "'a,b'", Some(Kind::Text), "a,b".into()),
        (
            "binary(3)",
            "x'0001'",
            Some(Kind::Bytes),
            Value::Bytes(vec![0, 1, 0]),
        ),
        (
            "varbinary(3)",
            "x'00ff'",
            Some(Kind::Bytes),
            Value::Bytes(vec![0, 255]),
        ),
        ("longblob", "x''", Some(Kind::Bytes), Value::Bytes(vec![])),
        (
            "date",
            "'1000-01-01'",
            Some(Kind::Date),
            Value::Date(-354_285),
        ),
        (
            "time(6)",
            "'23:59:59.999999'",
            Some(Kind::Duration),
            Value::Time(86_399_999_999),
        ),
        ("time", "'00:00:00'", Some(Kind::Duration), Value::Time(0)),
        (
            "datetime(6)",
            "'2024-02-29 12:34:56.789012'",
            Some(Kind::Timestamp { utc: false }),
            Value::Timestamp(LEAP),
        ),
        (
            "datetime",
            "'9999-12-31 00:00:00'",
            Some(Kind::Timestamp { utc: false }),
            Value::Timestamp(253_402_214_400_000_000),
        ),
        (
            "timestamp(6) NULL",
            "'2024-02-29 12:34:56.789012'",
            Some(Kind::Timestamp { utc: true }),
            Value::Timestamp(LEAP),
        ),
        ("year", "2155", Some(Kind::Int16), Value::Int(2155)),
        (
            "json",
            r#"'{"a": 1}'"#,
            Some(Kind::Json),
            r#"{"a": 1}"#.into(),
        ),
        (
            "uuid",
            "'00112233-4455-6677-8899-aabbccddeeff'",
            Some(Kind::Uuid),
            Value::Bytes((0..16).map(|i| i * 17).collect()),
        ),
        ("inet6", "'::1'", Some(Kind::Text), "::1".into()),
        (
            "tinyint(1) COMMENT 'boolean'",
            "1",
            Some(Kind::Bool),
            Value::Bool(true),
        ),
    ];
    // Types of MariaDB's own.
    let mariadb = is_mariadb().await;
    let own = ["uuid", "inet6"];
    let columns: Vec<_> = columns
        .into_iter()
        .filter(|column| mariadb || !own.contains(&column.0))
        .collect();
    let named: Vec<_> = columns.iter().enumerate().collect();
    let definitions: Vec<_> = named.iter().map(|(i, c)| format!("c{i} {}", c.0)).collect();
    let values: Vec<_> = columns.iter().map(|c| c.1).collect();
    place
        .run(&format!(
            "CREATE TABLE t ({}) CHARACTER SET utf8mb4",
            definitions.join(", ")
        ))
        .await;
    place
        .run(&format!("INSERT INTO t VALUES ({})", values.join(", ")))
        .await;
    place.run("INSERT INTO t VALUES ()").await;

    let table = place.table("t").await;
    for (column, (definition, _, kind, _)) in table.columns.iter().zip(&columns) {
        assert_eq!(column.kind, *kind, "{definition}");
        assert!(column.nullable, "{definition}");
    }
    let rows = place.read("t").await;
    let nulls = vec![Value::Null; columns.len()];
    assert_eq!(rows.len(), 2);
    assert!(rows.contains(&nulls));
    let row = rows.iter().find(|row| **row != nulls).unwrap();
    for (value, (definition, _, _, expected)) in row.iter().zip(&columns) {
        assert_eq!(value, expected, "{definition}");
    }
    place.drop().await;
}

#[tokio::test]
async fn a_description_contains_keys_defaults_and_what_the_server_fills() {
    let mut place = Place::new().await;
    place
        .run(
            "CREATE TABLE t (b int NOT NULL, id bigint unsigned NOT NULL AUTO_INCREMENT, \
             a varchar(10) NOT NULL DEFAULT 'x', n int DEFAULT NULL, \
             g int AS (b + 1) STORED, v int AS (b + 2) VIRTUAL, email varchar(20), prefix text, \
             changed timestamp NOT NULL DEFAULT current_timestamp, point geometry, big decimal(65,30), \
             PRIMARY KEY (b, a), UNIQUE (email), UNIQUE (id, n), UNIQUE (prefix(5)), KEY (n))",
        )
        .await;
    place.run("CREATE VIEW v AS SELECT b, a FROM t").await;
    let table = place.table("t").await;
    let database = place.database.clone();
    assert_eq!(table.name.schema.as_deref(), Some(database.as_str()));
    assert_eq!(table.table_type, TableType::Table);
    assert_eq!(table.primary_key, ["b", "a"]);
    assert_eq!(table.unique_keys, [vec!["email"], vec!["id", "n"]]);
    let described: Vec<_> = table
        .columns
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.nullable,
                c.has_default,
                c.auto_increment,
                c.generated,
            )
        })
        .collect();
    assert_eq!(
        described,
        [
            ("b", false, false, false, false),
            ("id", false, true, true, false),
            ("a", false, true, false, false),
            ("n", true, false, false, false),
            ("g", true, false, false, true),
            ("v", true, false, false, true),
            ("email", true, false, false, false),
            ("prefix", true, false, false, false),
            ("changed", false, true, false, false),
            ("point", true, false, false, false),
            ("big", true, false, false, false),
        ]
    );
    assert_eq!(table.column("a").unwrap().length, Some(10));

    assert_eq!(place.table("v").await.table_type, TableType::View);
    let missing = place.connection.describe(&TableName::new("missing")).await;
    assert!(missing.unwrap().is_none());
    let tables = place.connection.tables(None).await.unwrap();
    let tables: Vec<_> = tables.iter().map(|(n, t)| (n.name.as_str(), *t)).collect();
    assert_eq!(tables, [("t", TableType::Table), ("v", TableType::View)]);
    place.drop().await;
}

#[tokio::test]
async fn zero_dates_are_errors_that_name_the_column_and_are_never_null() {
    let mut place = Place::new().await;
    place
        .run("CREATE TABLE t (d date NOT NULL, at datetime, ts timestamp NULL)")
        .await;
    place.run("SET sql_mode = ''").await;
    for (insert, column) in [
        ("('0000-00-00', NULL, NULL)", "`d`"),
        ("('2024-00-10', NULL, NULL)", "`d`"),
        ("('2024-01-01', '0000-00-00 00:00:00', NULL)", "`at`"),
        ("('2024-01-01', NULL, '0000-00-00 00:00:00')", "`ts`"),
    ] {
        place.run("TRUNCATE t").await;
        place.run(&format!("INSERT INTO t VALUES {insert}")).await;
        let table = place.table("t").await;
        let error = place.try_read(&table, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{insert}");
        let text = error.to_string();
        assert!(
            text.contains(column) && text.contains("zero date"),
            "{text}"
        );
    }
    place.drop().await;
}

#[tokio::test]
async fn times_beyond_a_day_and_other_booleans_are_errors_that_name_the_column() {
    let mut place = Place::opened(|options| options.values.time_mapping = TimeMapping::Time).await;
    for (definition, value) in [
        ("time", "'24:00:00'"),
        ("time(6)", "'-00:00:00.000001'"),
        ("time", "'838:59:59'"),
        ("tinyint(1)", "2"),
    ] {
        place.remake(&format!("c {definition}")).await;
        place.run(&format!("INSERT INTO t VALUES ({value})")).await;
        let table = place.table("t").await;
        let error = place.try_read(&table, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{definition} {value}");
        assert!(
            error.to_string().contains("column `c` of table `t`"),
            "{error}"
        );
    }
    place.remake("c tinyint(1)").await;
    place.run("INSERT INTO t VALUES (1), (0)").await;
    assert_eq!(
        place.read("t").await,
        [[Value::Bool(false)], [Value::Bool(true)]]
    );
    place.drop().await;
}
