//! Handling of values that their column's kind cannot represent.
use crate::place::Place;
use connect_api::{ErrorKind, Kind, Schema, Value};
use dialect_core::{
    Binary16, TimeMapping, TinyInt1, UnknownTypes, Unrepresentable, ValueOptions, WriteOp,
    ZeroDates,
};

async fn with(values: ValueOptions) -> Place {
    Place::opened(|options| options.values = values).await
}

/// A table of dates that are none, and one that is.
async fn zero_dates(place: &mut Place) {
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, d date NOT NULL, at datetime(3), ts timestamp NULL)")
        .await;
    place.run("SET sql_mode = ''").await;
    place
        .run(
            "INSERT INTO t VALUES (1, '0000-00-00', '2024-00-10 00:00:00', '0000-00-00 00:00:00'), \
             (2, '2024-02-29', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56')",
        )
        .await;
}

#[tokio::test]
async fn zero_dates_are_null_where_that_is_asked_and_others_stay() {
    for values in [
        ValueOptions {
            zero_dates: ZeroDates::Null,
            ..ValueOptions::default()
        },
        ValueOptions {
            unrepresentable: Unrepresentable::Null,
            ..ValueOptions::default()
        },
    ] {
        let mut place = with(values).await;
        zero_dates(&mut place).await;
        let rows = place.read("t").await;
        assert_eq!(
            rows[0],
            [Value::Int(1), Value::Null, Value::Null, Value::Null]
        );
        assert_eq!(rows[1][1], Value::Date(19_782));
        place.drop().await;
    }
}

#[tokio::test]
async fn zero_dates_go_out_and_back_as_text() {
    let values = ValueOptions {
        zero_dates: ZeroDates::Text,
        ..ValueOptions::default()
    };
    let mut place = with(values).await;
    zero_dates(&mut place).await;
    let table = place.table("t").await;
    assert!(
        table.columns[1..]
            .iter()
            .all(|c| c.kind == Some(Kind::Text))
    );
    let rows = place.read("t").await;
    let expected: Vec<Vec<Value>> = vec![
        vec![
            Value::Int(1),
            "0000-00-00".into(),
            "2024-00-10 00:00:00.000".into(),
            "0000-00-00 00:00:00".into(),
        ],
        vec![
            Value::Int(2),
            "2024-02-29".into(),
            "2024-02-29 12:34:56.789".into(),
            "2024-02-29 12:34:56".into(),
        ],
    ];
    assert_eq!(rows, expected);
    let schema = table.schema(&[0, 1, 2, 3], &["id"]).unwrap();
    let mut theirs = place.dialect.connect().await.unwrap();
    let again = Schema::new(
        "again",
        schema.columns().fields().iter().map(|f| f.as_ref().clone()),
        &["id"],
    );
    let name = dialect_core::TableName::new("again");
    let sql = place.dialect.syntax().create_table(&name, &again.unwrap());
    theirs.execute(&sql.unwrap()).await.unwrap();
    theirs.close().await.unwrap();
    let made = place.table("again").await;
    assert_eq!(made.columns[1].vendor_type, "date");
    // A session of ours accepts them, as it has to read them.
    place.connection = place.dialect.connect().await.unwrap();
    place
        .write("again", WriteOp::Insert, &[], &schema, rows.clone())
        .await
        .unwrap();
    assert_eq!(place.read("again").await, rows);
    let mut finer = rows[1].clone();
    finer[0] = Value::Int(3);
    finer[2] = "2024-02-29 12:34:56.7891".into();
    let error = place
        .write("again", WriteOp::Insert, &[], &schema, vec![finer])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "it is not rounded");
    assert!(error.to_string().contains("column `at`"), "{error}");
    place.drop().await;
}

#[tokio::test]
async fn other_values_follow_their_policy() {
    let of_the_day = ValueOptions {
        time_mapping: TimeMapping::Time,
        ..ValueOptions::default()
    };
    for (unrepresentable, time, flag) in [
        (Unrepresentable::Null, Value::Null, Value::Null),
        (Unrepresentable::Text, "25:00:00".into(), "7".into()),
    ] {
        let values = ValueOptions {
            unrepresentable,
            ..of_the_day
        };
        let mut place = with(values).await;
        place.run("CREATE TABLE t (at time, flag tinyint(1))").await;
        place.run("INSERT INTO t VALUES ('25:00:00', 7)").await;
        assert_eq!(place.read("t").await, [[time, flag]]);
        place.drop().await;
    }
    let values = ValueOptions {
        tinyint1: TinyInt1::Number,
        binary16: Binary16::Uuid,
        unknown_types: UnknownTypes::Fail,
        ..of_the_day
    };
    let mut place = with(values).await;
    place
        .run("CREATE TABLE t (at time(6), flag tinyint(1), id binary(16), b binary(3))")
        .await;
    place
        .run("INSERT INTO t VALUES ('23:59:59.999999', -128, x'000102030405060708090a0b0c0d0e0f', 'a')")
        .await;
    let kinds: Vec<_> = place
        .table("t")
        .await
        .columns
        .iter()
        .map(|c| c.kind.clone())
        .collect();
    assert_eq!(
        kinds,
        [Kind::Time, Kind::Int8, Kind::Uuid, Kind::Bytes].map(Some)
    );
    assert_eq!(
        place.read("t").await,
        [[
            Value::Time(86_399_999_999),
            Value::Int(-128),
            Value::Bytes((0..16).collect()),
            Value::Bytes(vec![b'a', 0, 0])
        ]]
    );
    place.drop().await;
}

#[tokio::test]
async fn a_parameter_of_the_url_decides_where_no_option_does() {
    let mut place = Place::with("?tinyInt1isBit=false&zeroDateTimeBehavior=convertToNull").await;
    place.run("CREATE TABLE t (flag tinyint(1), d date)").await;
    place.run("SET sql_mode = ''").await;
    place.run("INSERT INTO t VALUES (2, '0000-00-00')").await;
    assert_eq!(place.read("t").await, [[Value::Int(2), Value::Null]]);
    place.drop().await;
}
