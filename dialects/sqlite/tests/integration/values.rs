//! Kinds that SQLite has no type for, columns of any type, and the options of values.
use crate::place::Database;
use connect_api::{ErrorKind, Kind, Schema, Value};
use dialect_core::{
    KeyPart, NumericMapping, OpenOptions, SqliteDates, SqliteTyping, TableName, Unrepresentable,
    ValueOptions, WriteOp, WriteRequest,
    conformance::{KINDS, edge_values},
};

fn options(change: impl FnOnce(&mut ValueOptions)) -> OpenOptions {
    let mut options = OpenOptions::default();
    change(&mut options.values);
    options
}

#[tokio::test]
async fn offsets_and_lists_are_kept_in_text() {
    let list = Kind::List(Box::new(Kind::Int32));
    let fields = [
        Kind::Int64.field("id", false),
        Kind::OffsetTimestamp.field("at", true),
        list.field("l", true),
        Kind::List(Box::new(Kind::Decimal {
            precision: 5,
            scale: 2,
        }))
        .field("d", true),
    ];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let mut database = Database::with("x", SqliteDates::Text).await;
    database.run("DROP TABLE t").await;
    let name = TableName::new("t");
    let ddl = database
        .dialect
        .syntax()
        .create_table(&name, &schema)
        .unwrap();
    database.run(&ddl).await;
    let rows = edge_values(&Kind::OffsetTimestamp)
        .into_iter()
        .enumerate()
        .map(|(id, at)| {
            let numbers = vec![Value::Int(1), Value::Null, Value::Int(-2)];
            let decimals = vec![Value::Decimal(123, 2)];
            vec![
                (id as i64).into(),
                at,
                Value::List(numbers),
                Value::List(decimals),
            ]
        })
        .collect::<Vec<_>>();
    database.insert(&schema, &rows).await.unwrap();
    let table = database.table().await;
    let kinds: Vec<_> = table
        .columns
        .iter()
        .map(|c| c.kind.clone().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [Kind::Int64, Kind::OffsetTimestamp, Kind::Json, Kind::Json]
    );
    let read = database.read().await;
    for (row, read) in rows.iter().zip(&read) {
        assert_eq!(row[..2], read[..2]);
        assert_eq!(read[2..], ["[1,null,-2]".into(), "[1.23]".into()]);
    }
    // In the order of instants, not of wall clocks.
    let key = [KeyPart { columns: vec![1] }];
    let (mut after, mut instants) = (None::<Vec<Value>>, Vec::new());
    while let Some(row) = database
        .try_read(&key, after.as_deref(), 1)
        .await
        .unwrap()
        .first()
    {
        let Value::OffsetTimestamp(instant, _) = row[1] else {
            panic!("an instant")
        };
        instants.push(instant);
        after = Some(vec![row[1].clone()]);
        assert!(instants.len() <= rows.len());
    }
    assert!(instants.is_sorted(), "{instants:?}");
    assert_eq!(instants.len(), rows.len());
}

#[tokio::test]
async fn decimals_in_text_are_keys_in_the_order_of_numbers() {
    for (precision, scale) in [(12, 2), (20, 0), (38, 20), (60, 3)] {
        let kind = match precision {
            ..=38 => Kind::Decimal { precision, scale },
            _ => Kind::WideDecimal { precision, scale },
        };
        let mut database = Database::with(
            &format!("k DECIMAL_TEXT({precision},{scale}), id INTEGER"),
            SqliteDates::Text,
        )
        .await;
        let value = |v: i128| match kind {
            Kind::Decimal { .. } => Value::Decimal(v, scale),
            _ => connect_api::decimal_text(v, scale).into(),
        };
        let order = [-1_000, -999, -10, -9, 0, 1, 9, 10, 99, 100, 12_345_678_901];
        let fields = [kind.clone().field("k", true), Kind::Int64.field("id", true)];
        let schema = Schema::new("s", fields, &[]).unwrap();
        let rows: Vec<_> = order
            .iter()
            .enumerate()
            .rev()
            .map(|(id, v)| vec![value(*v), (id as i64).into()])
            .collect();
        database.insert(&schema, &rows).await.unwrap();
        let key = [KeyPart { columns: vec![0] }];
        let (mut after, mut ids) = (None::<Vec<Value>>, Vec::new());
        while let Some(last) = database
            .try_read(&key, after.as_deref(), 2)
            .await
            .unwrap()
            .last()
        {
            let page = database.try_read(&key, after.as_deref(), 2).await.unwrap();
            ids.extend(page.iter().map(|row| row[1].clone()));
            after = Some(vec![last[0].clone()]);
        }
        let all: Vec<_> = (0..order.len() as i64).map(Value::Int).collect();
        assert_eq!(ids, all, "{precision},{scale}");
    }
}

#[tokio::test]
async fn columns_of_any_type_are_read_as_text_without_loss() {
    let mut database = Database::with("v, id INTEGER", SqliteDates::Text).await;
    let cells = [
        ("NULL", Value::Null),
        ("-5", "-5".into()),
        ("9223372036854775807", "9223372036854775807".into()),
        ("0.1", "0.1".into()),
        ("0.1 + 0.2", "3.000000000000000445e-01".into()),
        ("'text'", "text".into()),
        ("'5'", "5".into()),
        ("x'00ff'", "X'00FF'".into()),
    ];
    for (id, (cell, _)) in cells.iter().enumerate() {
        database
            .run(&format!("INSERT INTO t VALUES ({cell}, {id})"))
            .await;
    }
    let read = database.read().await;
    for (row, (cell, expected)) in read.iter().zip(&cells) {
        assert_eq!(row[0], *expected, "{cell}");
    }
    let exact: f64 = "3.000000000000000445e-01".parse().unwrap();
    assert_eq!(exact, 0.1 + 0.2);
    let key = [KeyPart { columns: vec![0] }, KeyPart { columns: vec![1] }];
    let (mut after, mut seen) = (None::<Vec<Value>>, 0);
    while let Some(row) = database
        .try_read(&key, after.as_deref(), 1)
        .await
        .unwrap()
        .first()
    {
        after = Some(row.clone());
        seen += 1;
        assert!(seen < 20, "pages come to an end");
    }
    assert_eq!(seen, cells.len() - 1, "all but NULL");
}

#[tokio::test]
async fn columns_of_any_type_take_values_as_what_they_are() {
    let mut database = Database::with("v", SqliteDates::Text).await;
    for (kind, value, class) in [
        (Kind::Int64, 5.into(), "integer"),
        (Kind::Float64, 2.5.into(), "real"),
        (Kind::Text, "5".into(), "text"),
        (Kind::Bytes, Value::Bytes(vec![1]), "blob"),
        (Kind::Date, Value::Date(0), "text"),
    ] {
        let schema = Schema::new("s", [kind.field("v", true)], &[]).unwrap();
        database.run("DELETE FROM t").await;
        database.insert(&schema, &[vec![value]]).await.unwrap();
        let read = database.ask("SELECT typeof(v) AS v FROM t").await.unwrap();
        assert_eq!(read, [[Value::from(class)]]);
    }
}

#[tokio::test]
async fn cells_that_contradict_their_column_are_what_the_user_says() {
    let columns = "id INTEGER PRIMARY KEY, n INTEGER, b BOOLEAN, d DECIMAL(5,2), s TEXT, r REAL";
    let rows = "INSERT INTO t VALUES (1, 7, 1, 1.5, 'a', 0.5), (2, 'word', 9, 'x', x'00', 'y')";
    let as_text = options(|v| v.sqlite_typing = SqliteTyping::Text);
    let mut database = Database::opened(columns, as_text).await;
    database.run(rows).await;
    let row = |cells: [&str; 5]| -> Vec<Value> { cells.map(Value::from).to_vec() };
    let first = row(["7", "1", "1.5", "a", "0.5"]);
    let second = row(["word", "9", "x", "X'00'", "y"]);
    let read = database.read().await;
    assert_eq!(read[0][0], Value::Int(1), "the rowid is nothing else");
    assert_eq!([&read[0][1..], &read[1][1..]], [&first[..], &second[..]]);
    // What is written in a column's own kind or as text comes back the same.
    let fields = [Kind::Int64.field("n", true), Kind::Text.field("b", true)];
    let schema = Schema::new("s", fields, &[]).unwrap();
    database
        .insert(&schema, &[vec![8.into(), "yes".into()]])
        .await
        .unwrap();
    assert_eq!(database.read().await[2][1..3], ["8".into(), "yes".into()]);
    let error = database
        .insert(&schema, &[vec![8.into(), "007".into()]])
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Data);

    let as_null = options(|v| v.unrepresentable = Unrepresentable::Null);
    let mut database = Database::opened(columns, as_null).await;
    database.run(rows).await;
    let nulls = vec![Value::Null; 5];
    assert_eq!(database.read().await[1][1..], nulls[..]);

    let some_text = options(|v| v.unrepresentable = Unrepresentable::Text);
    let mut database = Database::opened(columns, some_text).await;
    let kinds: Vec<_> = database
        .table()
        .await
        .columns
        .into_iter()
        .map(|c| c.kind.unwrap())
        .collect();
    use Kind::*;
    assert_eq!(kinds, [Int64, Int64, Text, Text, Text, Float64]);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_or_null() {
    let sql = "INSERT INTO t VALUES (CAST(x'61ff' AS TEXT))";
    let mut database = Database::with("v TEXT", SqliteDates::Text).await;
    database.run(sql).await;
    let error = database.read_error().await;
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.report().contains("not UTF-8"), "{}", error.report());
    let as_null = options(|v| v.unrepresentable = Unrepresentable::Null);
    let mut database = Database::opened("v TEXT", as_null).await;
    database.run(sql).await;
    assert_eq!(database.read().await, [[Value::Null]]);
}

#[tokio::test]
async fn numerics_without_digits_are_what_the_user_says() {
    let digits = NumericMapping::Decimal {
        precision: 10,
        scale: 2,
    };
    let mut database = Database::opened("v NUMERIC", options(|v| v.numeric_mapping = digits)).await;
    database.run("INSERT INTO t VALUES (12.5), (7)").await;
    let read = database.read().await;
    assert_eq!(read, [[Value::Decimal(1_250, 2)], [Value::Decimal(700, 2)]]);
    database.run("INSERT INTO t VALUES (0.125)").await;
    assert_eq!(database.read_error().await.kind(), ErrorKind::Data);
}

#[tokio::test]
async fn wide_decimals_are_exact_or_refused() {
    let mut database =
        Database::with("v DECIMAL(50,2), w DECIMAL_TEXT(50,2)", SqliteDates::Text).await;
    let kind = Kind::WideDecimal {
        precision: 50,
        scale: 2,
    };
    let fields = [kind.clone().field("v", true), kind.field("w", true)];
    let schema = Schema::new("s", fields, &[]).unwrap();
    let long = "123456789012345678901234567890123456789012345678.99";
    let short = vec!["12345.67".into(), long.into()];
    database
        .insert(&schema, std::slice::from_ref(&short))
        .await
        .unwrap();
    assert_eq!(database.read().await, [short]);
    let error = database
        .insert(&schema, &[vec![long.into(), Value::Null]])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        error.report().contains("column `v` of table `t`"),
        "{}",
        error.report()
    );
    assert!(!error.report().contains("123456789"), "{}", error.report());
    // SQLite itself has made a float of these digits.
    database
        .run("INSERT INTO t (v) VALUES ('12345678901234567890.12')")
        .await;
    assert_eq!(database.read_error().await.kind(), ErrorKind::Data);
}

#[tokio::test]
async fn every_kind_goes_into_a_column_that_was_made_for_it() {
    let database = Database::with("x", SqliteDates::Unix).await;
    let others = [Kind::OffsetTimestamp, Kind::List(Box::new(Kind::Uuid))];
    for kind in KINDS.iter().chain(&others) {
        let schema = Schema::new("s", [kind.clone().field("v", false)], &["v"]).unwrap();
        let syntax = database.dialect.syntax();
        let made = syntax.column_type(schema.field(0), true).unwrap();
        let mut table = Database::with(&format!("v {made}"), SqliteDates::Unix).await;
        let described = table.table().await;
        let key = ["v".to_owned()];
        for op in [WriteOp::Insert, WriteOp::Upsert, WriteOp::Delete] {
            database
                .dialect
                .plan_write(&WriteRequest {
                    table: &described,
                    schema: &schema,
                    op,
                    key: &key,
                    columns: None,
                    route: None,
                })
                .unwrap_or_else(|e| panic!("{kind:?} into {made}: {}", e.report()));
        }
    }
}
