//! Cells that are stored as another type than their column's, as SQLite lets anybody do.
use crate::place::Database;
use connect_api::{ErrorKind, Kind, Schema, SchemaRef, Value};
use dialect_core::SqliteDates;

#[tokio::test]
async fn cells_that_contradict_their_column_are_named_and_not_shown() {
    for (declared, cell, why) in [
        ("INTEGER", "'hunter2'", "stored as another type"),
        ("INTEGER", "1.5", "stored as another type"),
        ("INTEGER", "x'00'", "stored as another type"),
        ("BOOLEAN", "2", "out of its column's range"),
        ("BOOLEAN", "'hunter2'", "stored as another type"),
        ("REAL", "'hunter2'", "stored as another type"),
        ("TEXT", "x'ff'", "stored as another type"),
        ("TEXT", "CAST(x'ff' AS TEXT)", "not UTF-8"),
        ("BLOB", "'hunter2'", "stored as another type"),
        ("BLOB", "7", "stored as another type"),
        ("DECIMAL(5,2)", "'hunter2'", "not a decimal number"),
        ("DECIMAL(5,2)", "1.239", "more decimal places"),
        ("DECIMAL(5,2)", "1000", "more digits"),
        ("DECIMAL(38,20)", "0.1 + 0.2", "DECIMAL_TEXT(p,s)"),
        ("DECIMAL(5,2)", "x'00'", "stored as another type"),
        ("NUMERIC", "'hunter2'", "not a decimal number"),
        ("UUID", "'hunter2'", "not a UUID"),
        ("UUID", "x'0102'", "not a UUID"),
        ("DATE", "'2023-02-29'", "not a date"),
        ("DATE", "20230228", "stored as another type"),
        ("TIME", "'25:00'", "not a time"),
        ("TIMESTAMP", "'2024-01-01 00:00:00Z'", "has a zone"),
        ("TIMESTAMP", "1700000000", "stored as another type"),
        (
            "TIMESTAMPTZ",
            "'2024-01-01 00:00:00+02:00'",
            "has an offset",
        ),
    ] {
        let mut database =
            Database::with(&format!("fine TEXT, odd {declared}"), SqliteDates::Iso).await;
        database
            .run(&format!("INSERT INTO t VALUES ('a', NULL), ('b', {cell})"))
            .await;
        let error = database.read_error().await;
        let said = error.report();
        assert_eq!(error.kind(), ErrorKind::Data, "{said}");
        assert!(
            said.contains("column `odd` of table `t`") && said.contains(why),
            "{declared} {cell}: {said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn decimals_are_read_exactly_from_whatever_holds_them_exactly() {
    let mut database = Database::with(
        "a DECIMAL(20,2), b NUMERIC, c DECIMAL_TEXT(5,1)",
        SqliteDates::Text,
    )
    .await;
    database.run("INSERT INTO t VALUES (1, 1, '1'), (1.1, 1.1, '-1.10'), ('123456789012.34', '0.1', ' 1'), (1e17, 1e20, '1e2')").await;
    let error = database.read_error().await;
    assert!(
        error.report().contains("column `c`"),
        "a blank is no part of a number: {}",
        error.report()
    );
    database.run("DELETE FROM t WHERE c = ' 1'").await;
    database
        .run("INSERT INTO t VALUES (123456789012.34, '12345678901234567890', '0')")
        .await;
    let decimal = |v: i128| Value::Decimal(v, 2);
    let tenths = |v: i128| Value::Decimal(v, 1);
    assert_eq!(
        database.read().await,
        [
            vec![decimal(100), "1".into(), tenths(10)],
            vec![decimal(110), "1.1".into(), tenths(-11)],
            vec![
                decimal(10_000_000_000_000_000_000),
                "100000000000000000000".into(),
                tenths(1000)
            ],
            // SQLite itself has made a float of the text, before anybody could say a word.
            vec![
                decimal(12_345_678_901_234),
                "12345678901234567000".into(),
                tenths(0)
            ],
        ]
    );
}

fn one(kind: Kind) -> SchemaRef {
    Schema::new("s", [kind.field("odd", true)], &[]).unwrap()
}

#[tokio::test]
async fn decimals_that_a_float_cannot_hold_are_refused_where_sqlite_would_make_one() {
    let mut database = Database::with("odd DECIMAL(38,10)", SqliteDates::Text).await;
    let schema = one(Kind::Decimal {
        precision: 38,
        scale: 10,
    });
    let fitting = [
        1,
        10_000_000_000,
        -123_456_789_012_345,
        i128::from(i64::MAX) * 10_000_000_000,
    ]
    .map(|v| vec![Value::Decimal(v, 10)]);
    database.insert(&schema, &fitting).await.unwrap();
    assert_eq!(database.read().await, fitting);
    for refused in [
        1_234_567_890_123_456,
        12_345_678_901_234_567_890_000_000_000_001,
    ] {
        let error = database
            .insert(&schema, &[vec![Value::Decimal(refused, 10)]])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(
            error.report().contains("column `odd` of table `t`"),
            "{}",
            error.report()
        );
    }
    let schema = one(Kind::BigDecimal);
    for refused in ["12345678901.2345678", "hunter2"] {
        let error = database
            .insert(&schema, &[vec![refused.into()]])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{}", error.report());
        assert!(!error.report().contains(refused));
    }
    assert_eq!(database.read().await.len(), fitting.len());
}

#[tokio::test]
async fn text_that_sqlite_would_make_a_number_of_is_refused() {
    for (declared, kind) in [("DATETIME", Kind::Text), ("JSON", Kind::Json)] {
        let mut database = Database::with(&format!("odd {declared}"), SqliteDates::Text).await;
        let schema = one(kind);
        let kept = ["2024-01-01", "{\"a\": 1}", "1 2", "", "x"].map(|t| vec![Value::from(t)]);
        database.insert(&schema, &kept).await.unwrap();
        assert_eq!(database.read().await, kept, "{declared}");
        for refused in ["1.0", " 7", "007", "1e3", "9223372036854775808", "7\u{b}"] {
            let error = database
                .insert(&schema, &[vec![refused.into()]])
                .await
                .unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Data,
                "{refused:?} {}",
                error.report()
            );
        }
    }
    let mut database = Database::with("odd JSON", SqliteDates::Text).await;
    database
        .insert(&one(Kind::Json), &[vec!["42".into()]])
        .await
        .unwrap();
    assert_eq!(database.read().await, [[Value::from("42")]]);
}

#[tokio::test]
async fn uuids_are_read_from_text_and_from_bytes() {
    let mut database = Database::with("u UUID", SqliteDates::Text).await;
    database
        .run(
            "INSERT INTO t VALUES ('00010203-0405-0607-0809-0A0B0C0D0E0F'), \
             ('000102030405060708090a0b0c0d0e0f'), (x'000102030405060708090a0b0c0d0e0f')",
        )
        .await;
    let uuid = Value::Bytes((0..16).collect());
    assert_eq!(
        database.read().await,
        [[uuid.clone()], [uuid.clone()], [uuid]]
    );
}

#[tokio::test]
async fn numbers_that_do_not_fit_are_refused() {
    for (declared, kind, value) in [
        ("INTEGER", Kind::UInt64, Value::UInt(u64::MAX)),
        ("BOOLEAN", Kind::Int8, Value::Int(2)),
        ("DECIMAL(5,2)", Kind::Int64, Value::Int(1000)),
        (
            "DECIMAL(5,2)",
            Kind::Decimal {
                precision: 10,
                scale: 3,
            },
            Value::Decimal(1239, 3),
        ),
        ("REAL", Kind::Float64, Value::Float(f64::NAN)),
        ("TIME_TEXT", Kind::Time, Value::Time(86_400_000_000)),
    ] {
        let mut database = Database::with(&format!("odd {declared}"), SqliteDates::Text).await;
        let error = database
            .insert(&one(kind), &[vec![value]])
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Data,
            "{declared}: {}",
            error.report()
        );
        assert!(
            error.report().contains("column `odd` of table `t`"),
            "{}",
            error.report()
        );
        assert!(database.read().await.is_empty());
    }
}
