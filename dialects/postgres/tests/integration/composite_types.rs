//! Types of several parts, mapped by their parts.
use crate::{
    place::{plan, url},
    types::{all_of, opened, scratch, values},
};
use connect_api::{ErrorKind, Kind, Value};
use dialect_core::{
    OpenOptions, Route, TableName, Unrepresentable, ValueOptions, WriteOp, WriteRequest,
};

#[tokio::test]
async fn types_that_users_make_come_and_go_by_their_parts() {
    let mut scratch = scratch().await;
    scratch
        .execute(
            "CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE TYPE place AS (street text, number int, gone int, tags text[], m mood, j jsonb,
               b bytea, at timestamptz, n numeric(9,2), i interval);
             ALTER TYPE place DROP ATTRIBUTE gone;
             CREATE TYPE nested AS (p place); CREATE TYPE netted AS (n inet);
             CREATE TYPE floats AS RANGE (subtype = float8);
             CREATE DOMAIN spot AS place; CREATE TYPE nets AS RANGE (subtype = inet);
             CREATE TABLE t (id int PRIMARY KEY, p place, s spot, f floats, h hstore, x nested,
               y netted, ps place[], z nets);
             INSERT INTO t VALUES
               (1, ROW('Main \"St\"', 7, '{a,NULL}', 'happy', '{\"a\": 1}', '\\x00ff',
                  '1970-01-01 00:00:00Z', 1.5, '-1 day')::place,
                NULL, '[1,2.5)', '\"a\"=>\"1\"', ROW(NULL::place), '(::1)', ARRAY[NULL::place],
                '[::1,::2]'),
               (2, ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::place,
                ROW('', 0, '{}', 'sad', 'null', '', '0001-01-01 00:00:00 BC', -0.01, '0')::place,
                'empty', '', NULL, NULL, NULL, 'empty'),
               (3, NULL, NULL, '(,)', NULL, NULL, NULL, NULL, NULL)",
        )
        .await;
    let by_parts = dialect_postgres::conformance::by_parts();
    let mut connection = opened(by_parts, &scratch.schema).await;
    let table = connection.describe(&TableName::new("t")).await.unwrap();
    let table = table.unwrap();
    let kind = |name: &str| table.column(name).unwrap().kind.clone().unwrap();
    let Kind::Struct(fields) = kind("p") else {
        panic!("{:?}", kind("p"));
    };
    let names: Vec<_> = fields.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names.join(" "), "street number tags m j b at n i");
    assert_eq!(
        (kind("s"), fields[8].1.clone()),
        (kind("p"), Kind::Interval)
    );
    assert!(matches!(kind("f"), Kind::Struct(fields) if fields[0].1 == Kind::Float64));
    assert_eq!(kind("h"), Kind::Map(Box::new(Kind::Text)));
    // What has parts within parts, or parts without a binary form here, is as it was.
    assert_eq!(
        (kind("x"), kind("y"), kind("ps")),
        (Kind::Json, Kind::Json, Kind::Json)
    );
    assert_eq!(kind("z"), Kind::Text);

    let given = all_of(&mut *connection, &table).await.unwrap();
    let read = values(&given);
    let text = |text: &str| Value::from(text);
    let place = vec![
        text("Main \"St\""),
        7.into(),
        Value::List(vec![text("a"), Value::Null]),
        text("happy"),
        text("{\"a\": 1}"),
        Value::Bytes(vec![0, 255]),
        Value::Timestamp(0),
        Value::Decimal(150, 2),
        Value::Interval(0, -1, 0),
    ];
    let range = |values: [Value; 5]| Value::Struct(values.to_vec());
    let (yes, no) = (Value::Bool(true), Value::Bool(false));
    assert_eq!(read[0][1], Value::Struct(place));
    assert_eq!(
        read[0][3],
        range([1.0.into(), 2.5.into(), yes.clone(), no.clone(), no.clone()])
    );
    assert_eq!(read[0][4], Value::Map(vec![("a".into(), text("1"))]));
    assert_eq!(read[1][1], Value::Struct(vec![Value::Null; 9]));
    assert_eq!(
        read[1][3],
        range([Value::Null, Value::Null, no.clone(), no, yes])
    );
    assert!(read[2][1..3].iter().all(|v| *v == Value::Null));

    // Written by every route, under either options, it is the same to the server.
    for values in [by_parts, ValueOptions::default()] {
        let options = OpenOptions {
            values,
            ..OpenOptions::default()
        };
        let dialect = dialect_postgres::open(&url(), &options).unwrap();
        let mut writer = opened(values, &scratch.schema).await;
        for (op, key) in [
            (WriteOp::Insert, Vec::new()),
            (WriteOp::Upsert, vec!["id".to_owned()]),
            (WriteOp::Update, vec!["id".to_owned()]),
        ] {
            for route in [Route::Load, Route::Stage, Route::Values, Route::Rows] {
                if route == Route::Load && op != WriteOp::Insert {
                    continue;
                }
                scratch
                    .execute("DROP TABLE IF EXISTS copy; CREATE TABLE copy (LIKE t INCLUDING ALL)")
                    .await;
                if op == WriteOp::Update {
                    scratch
                        .execute("INSERT INTO copy (id) VALUES (1), (2), (3)")
                        .await;
                }
                let copy = writer.describe(&TableName::new("copy")).await.unwrap();
                let copy = copy.unwrap();
                // What is mapped to text does not matter here.
                let columns: Vec<_> = ["id", "p", "s", "f", "h"].map(str::to_owned).to_vec();
                let request = WriteRequest {
                    table: &copy,
                    schema: given.schema(),
                    op,
                    key: &key,
                    columns: Some(&columns),
                    route: Some(route),
                };
                let plan = dialect.plan_write(&request).unwrap();
                let written = writer.write(&plan, &given, 0..3).await;
                assert_eq!(written.unwrap(), 3, "{op:?} by {route:?}");
                let differing = "FROM t FULL JOIN copy USING (id) WHERE (t.p, t.s, t.f, t.h)::text \
                                 IS DISTINCT FROM (copy.p, copy.s, copy.f, copy.h)::text";
                let differing = scratch.rows("t, copy", differing).await;
                assert!(differing.is_empty(), "{op:?} by {route:?}: {differing:?}");
            }
        }
        writer.close().await.unwrap();
    }
    connection.close().await.unwrap();
    scratch.drop().await;
}

#[tokio::test]
async fn parts_go_where_they_fit_or_the_column_is_named() {
    let mut scratch = scratch().await;
    scratch
        .execute(
            "CREATE TYPE pair AS (a int, b text);
             CREATE TYPE netted AS (a int, n inet);
             CREATE TABLE t (point point, pair pair, netted netted, range int4range, h hstore, i interval,
               jb jsonb, j json, tx text, short varchar(3), n int)",
        )
        .await;
    let table = scratch.table("t").await;
    let structure = |fields: &[(&str, Kind)]| {
        let fields = fields.iter().map(|(n, kind)| ((*n).into(), kind.clone()));
        Kind::Struct(fields.collect())
    };
    let pair = structure(&[("b", Kind::Text)]);
    let pair_of = |b: &str| Value::Struct(vec![b.into()]);
    let map = Kind::Map(Box::new(Kind::Int32));
    let map_of = |v: i32| Value::Map(vec![("k\"".into(), v.into())]);
    let (list, ones) = (
        Kind::List(Box::new(Kind::Int8)),
        Value::List(vec![1.into()]),
    );
    let span = Value::Interval(1, 0, -1_000);
    // Column, kind, value, what the server has then; `None`: refused when it is planned.
    for (column, kind, value, expected) in [
        ("pair", pair.clone(), pair_of("x,\""), Some("(,\"x,\"\"\")")),
        ("pair", structure(&[("c", Kind::Text)]), pair_of("x"), None),
        (
            "pair",
            structure(&[("a", Kind::Date)]),
            Value::Struct(vec![Value::Date(1)]),
            None,
        ),
        (
            "netted",
            structure(&[("n", Kind::Text)]),
            pair_of("::1"),
            Some("(,::1)"),
        ),
        (
            "netted",
            structure(&[("n", Kind::Bytes)]),
            Value::Struct(vec![vec![1].into()]),
            None,
        ),
        ("point", pair.clone(), pair_of("x"), None),
        ("range", pair.clone(), pair_of("x"), None),
        ("n", pair.clone(), pair_of("x"), None),
        ("h", pair.clone(), pair_of("x"), Some("\"b\"=>\"x\"")),
        ("jb", pair.clone(), pair_of("é"), Some("{\"b\": \"é\"}")),
        ("j", pair.clone(), pair_of("é"), Some("{\"b\":\"é\"}")),
        ("tx", pair, pair_of("é"), Some("{\"b\":\"é\"}")),
        ("jb", map.clone(), map_of(1), Some("{\"k\\\"\": 1}")),
        ("h", map.clone(), map_of(1), Some("\"k\\\"\"=>\"1\"")),
        ("point", map, map_of(1), None),
        ("jb", list.clone(), ones.clone(), Some("[1]")),
        ("short", list.clone(), ones.clone(), Some("[1]")),
        ("n", list, ones, None),
        ("i", Kind::Interval, span.clone(), Some("P1MT-0.000001S")),
        ("tx", Kind::Interval, span.clone(), Some("P1MT-0.000001S")),
        ("jb", Kind::Interval, span.clone(), None),
        ("n", Kind::Interval, span, None),
    ] {
        let what = format!("{kind:?} into {column}");
        let given = crate::write::records(&[(column, kind)], vec![vec![value]]);
        for route in [Route::Load, Route::Stage, Route::Values, Route::Rows] {
            let planned = plan(&table, &given, WriteOp::Insert, &[], Some(route));
            let planned = match (planned, expected) {
                (Ok(planned), Some(_)) => planned,
                (Err(_), Some(_)) if route == Route::Load => continue,
                (Err(error), None) => {
                    assert_eq!(error.kind(), ErrorKind::Schema, "{what}: {error}");
                    assert!(
                        error.to_string().contains(&format!("`{column}`")),
                        "{error}"
                    );
                    continue;
                }
                (planned, _) => panic!("{what} by {route:?}: {planned:?}"),
            };
            let written = scratch.connection.write(&planned, &given, 0..1).await;
            assert_eq!(written.unwrap(), 1, "{what} by {route:?}");
            let found = scratch.rows(&format!("{column}::text"), "FROM t").await;
            assert_eq!(found, [expected.unwrap()], "{what} by {route:?}");
            scratch.execute("TRUNCATE t").await;
        }
    }
    let long = crate::write::records(
        &[("i", Kind::Interval)],
        vec![vec![Value::Interval(0, 0, 1)]],
    );
    let planned = plan(&table, &long, WriteOp::Insert, &[], None).unwrap();
    let error = scratch
        .connection
        .write(&planned, &long, 0..1)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("column `i`"), "{error}");
    scratch.drop().await;
}

#[tokio::test]
async fn unrepresentable_parts_are_mapped_as_configured() {
    let mut scratch = scratch().await;
    scratch
        .execute(
            "CREATE TABLE t (id int PRIMARY KEY, i interval, d daterange);
             INSERT INTO t VALUES (1, '2562048 hours', '[1970-01-01,infinity)'), (2, '1 day', 'empty')",
        )
        .await;
    let name = TableName::new("t");
    for (unrepresentable, first) in [
        (Unrepresentable::Error, None),
        (Unrepresentable::Null, Some([Value::Null, Value::Null])),
        (
            Unrepresentable::Text,
            Some(["PT2562048H".into(), "[1970-01-01,infinity)".into()]),
        ),
    ] {
        let values_options = ValueOptions {
            unrepresentable,
            ..dialect_postgres::conformance::by_parts()
        };
        let mut connection = opened(values_options, &scratch.schema).await;
        let table = connection.describe(&name).await.unwrap().unwrap();
        let read = all_of(&mut *connection, &table).await;
        match (read, first) {
            (Ok(read), Some(first)) => {
                assert_eq!(values(&read)[0][1..], first);
                assert!(values(&read)[1].iter().all(|v| *v != Value::Null));
            }
            (Err(error), None) => {
                assert_eq!(error.kind(), ErrorKind::Data);
                assert!(error.to_string().contains("column `i`"), "{error}");
            }
            (read, _) => panic!("{unrepresentable:?}: {read:?}"),
        }
        connection.close().await.unwrap();
    }
    scratch.drop().await;
}
