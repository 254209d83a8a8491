//! Types that users and extensions define, and the options of the mapping of values.
use crate::place::{Scratch, plan, read, url};
use connect_api::{ErrorKind, Kind, Records, Value};
use dialect_core::{
    Bit1, Column, Connection, FineDigits, NumericMapping, OpenOptions, Page, Route, Syntax as _,
    Table, TableName, Unrepresentable, ValueOptions, WriteOp, WriteRequest,
};
use dialect_postgres::PostgresSyntax;

const ROUTES: [Route; 3] = [Route::Stage, Route::Values, Route::Rows];

/// The schema's types come before those of extensions, which stand in `public`.
pub(crate) async fn scratch() -> Scratch {
    let mut scratch = Scratch::new().await;
    // Tests side by side may make them at the same moment.
    for extension in ["hstore", "citext", "ltree"] {
        let sql = format!(
            "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public; \
             EXCEPTION WHEN unique_violation OR duplicate_object THEN NULL; END $$"
        );
        scratch.execute(&sql).await;
    }
    let path = format!("SET search_path TO {}, public", scratch.schema);
    scratch.execute(&path).await;
    scratch
}

pub(crate) async fn opened(values: ValueOptions, schema: &str) -> Box<dyn Connection> {
    let options = OpenOptions {
        values,
        session: vec![("search_path".to_owned(), format!("{schema}, public"))],
        ..OpenOptions::default()
    };
    let dialect = dialect_postgres::open(&url(), &options).unwrap();
    dialect.connect().await.unwrap()
}

pub(crate) async fn all_of(
    connection: &mut dyn Connection,
    table: &Table,
) -> connect_api::Result<Records> {
    let all: Vec<_> = (0..table.columns.len()).collect();
    let key = [dialect_core::KeyPart { columns: vec![0] }];
    let page = Page {
        key: &key,
        ..Page::of(table, &all)
    };
    let statement = PostgresSyntax.select(&page)?;
    let schema = table.schema(&all, &[])?;
    read(connection, &statement, &schema).await
}

pub(crate) fn values(records: &Records) -> Vec<Vec<Value>> {
    records.rows().map(|row| row.to_record().values).collect()
}

#[tokio::test]
async fn types_that_users_make_come_and_go() {
    let mut scratch = scratch().await;
    scratch
        .execute(
            "CREATE TYPE mood AS ENUM ('sad', 'so, so', 'happy');
             CREATE TYPE place AS (street text, number int, tags text[]);
             CREATE TYPE floats AS RANGE (subtype = float8);
             CREATE DOMAIN tag AS varchar(5) CHECK (VALUE <> 'bad');
             CREATE DOMAIN net AS inet; CREATE DOMAIN counts AS int[]; CREATE DOMAIN doc AS jsonb;
             CREATE TABLE t (id int PRIMARY KEY, m mood, ms mood[], p place, ps place[], h hstore,
               c citext, l ltree, f floats, g tag, n net, ns net[], k counts, d doc, gs tag[]);
             INSERT INTO t VALUES (1, 'so, so', '{happy,NULL}', '(\"Main \"\"St\"\"\",7,\"{a,b}\")',
               ARRAY['(x,,)'::place, NULL], '\"a\"=>\"1\", \"q\\\"\\\\\"=>NULL', 'MiXed', 'a.b.c', '[1,2.5)',
               'tag', '10.0.0.1', '{::1}', '{1,2}', '{\"a\": 1}', '{one,two}');
             INSERT INTO t (id) VALUES (2)",
        )
        .await;
    let table = scratch.table("t").await;
    let list = |kind| Kind::List(Box::new(kind));
    let column = |name: &str| table.column(name).unwrap();
    for (name, kind, vendor, extension) in [
        ("m", Kind::Text, "mood", None),
        ("ms", list(Kind::Text), "mood[]", None),
        ("p", Kind::Json, "place", Some("arrow.json")),
        ("ps", Kind::Json, "place[]", Some("arrow.json")),
        ("h", Kind::Json, "hstore", Some("arrow.json")),
        ("c", Kind::Text, "citext", None),
        ("l", Kind::Text, "ltree", Some("connect.text")),
        ("f", Kind::Text, "floats", Some("connect.text")),
        ("g", Kind::Text, "tag", None),
        ("n", Kind::Text, "net", Some("connect.inet")),
        ("ns", list(Kind::Text), "net[]", Some("connect.inet")),
        ("k", list(Kind::Int32), "counts", None),
        ("d", Kind::Json, "doc", None),
        ("gs", list(Kind::Text), "tag[]", None),
    ] {
        let found = column(name);
        assert_eq!(
            (
                found.kind.as_ref(),
                found.vendor_type.as_str(),
                found.extension
            ),
            (Some(&kind), vendor, extension),
            "{name}"
        );
    }
    assert_eq!(column("m").values, ["sad", "so, so", "happy"]);
    assert_eq!(column("g").length, Some(5));
    let field = column("m").field(false, table.vendor).unwrap();
    assert_eq!(
        field.metadata().get(connect_api::ENUM).unwrap(),
        "sad,so\\, so,happy"
    );

    let given = all_of(&mut *scratch.connection, &table).await.unwrap();
    let text = |text: &str| Value::from(text);
    let expected = vec![
        1.into(),
        text("so, so"),
        Value::List(vec![text("happy"), Value::Null]),
        text("{\"street\":\"Main \\\"St\\\"\",\"number\":7,\"tags\":[\"a\",\"b\"]}"),
        text("[{\"street\":\"x\",\"number\":null,\"tags\":null},null]"),
        text("{\"a\": \"1\", \"q\\\"\\\\\": null}"),
        text("MiXed"),
        text("a.b.c"),
        text("[1,2.5)"),
        text("tag"),
        text("10.0.0.1/32"),
        Value::List(vec![text("::1/128")]),
        Value::List(vec![1.into(), 2.into()]),
        text("{\"a\": 1}"),
        Value::List(vec![text("one"), text("two")]),
    ];
    let read = values(&given);
    for (i, (read, expected)) in read[0].iter().zip(&expected).enumerate() {
        assert_eq!(read, expected, "{}", table.columns[i].name);
    }
    assert!(read[1][1..].iter().all(|v| *v == Value::Null));

    // The same, written by every route, is the same to the server.
    for (op, key) in [
        (WriteOp::Insert, &[][..]),
        (WriteOp::InsertIgnore, &[]),
        (WriteOp::Upsert, &["id"]),
        (WriteOp::Update, &["id"]),
    ] {
        for route in ROUTES {
            scratch
                .execute("DROP TABLE IF EXISTS copy; CREATE TABLE copy (LIKE t INCLUDING ALL)")
                .await;
            if op == WriteOp::Update {
                scratch
                    .execute("INSERT INTO copy (id) VALUES (1), (2)")
                    .await;
            }
            let copy = scratch.table("copy").await;
            let plan = plan(&copy, &given, op, key, Some(route)).unwrap();
            let written = scratch.connection.write(&plan, &given, 0..2).await;
            assert_eq!(written.unwrap(), 2, "{op:?} by {route:?}");
            let differing =
                "FROM t FULL JOIN copy USING (id) WHERE t::text IS DISTINCT FROM copy::text";
            let differing = scratch.rows("t, copy", differing).await;
            assert!(differing.is_empty(), "{op:?} by {route:?}: {differing:?}");
        }
    }
    scratch.drop().await;
}

#[tokio::test]
async fn unrepresentable_values_are_mapped_as_configured() {
    let mut scratch = scratch().await;
    scratch
        .execute(
            "CREATE TABLE t (id int PRIMARY KEY, d date, ts timestamptz, tm time, n numeric(5,2), a int[], b bit(1), any_n numeric);
             INSERT INTO t VALUES (1, 'infinity', '-infinity', '24:00', 'NaN', '{{1},{2}}', '1', '1.50'),
                                  (2, '2024-01-01', '2024-01-01', '12:00', 1.5, '{1}', '0', NULL)",
        )
        .await;
    let name = TableName::new("t");
    let with = |unrepresentable| ValueOptions {
        unrepresentable,
        bit1: Bit1::Bool,
        numeric_mapping: NumericMapping::Decimal {
            precision: 10,
            scale: 1,
        },
        ..ValueOptions::default()
    };
    let mut null = opened(with(Unrepresentable::Null), &scratch.schema).await;
    let table = null.describe(&name).await.unwrap().unwrap();
    let read = values(&all_of(&mut *null, &table).await.unwrap());
    assert!(read[0][1..6].iter().all(|v| *v == Value::Null), "{read:?}");
    assert_eq!(read[0][6..], [true.into(), Value::Decimal(15, 1)]);
    assert!(read[1][1..7].iter().all(|v| *v != Value::Null), "{read:?}");
    null.close().await.unwrap();

    let mut text = opened(with(Unrepresentable::Text), &scratch.schema).await;
    let table = text.describe(&name).await.unwrap().unwrap();
    let extension = |name: &str| table.column(name).unwrap().extension;
    assert_eq!(extension("d"), Some("connect.text"));
    let all = all_of(&mut *text, &table).await.unwrap();
    let text_of = |text: &str| Value::from(text);
    assert_eq!(
        values(&all)[0][1..6],
        [
            text_of("infinity"),
            text_of("-infinity"),
            text_of("24:00:00"),
            text_of("NaN"),
            text_of("{{1},{2}}")
        ]
    );
    // What was read so is written so.
    scratch
        .execute("CREATE TABLE copy (LIKE t INCLUDING ALL)")
        .await;
    let copy = text
        .describe(&TableName::new("copy"))
        .await
        .unwrap()
        .unwrap();
    let options = OpenOptions {
        values: with(Unrepresentable::Text),
        ..OpenOptions::default()
    };
    let dialect = dialect_postgres::open(&url(), &options).unwrap();
    let request = WriteRequest {
        table: &copy,
        schema: all.schema(),
        op: WriteOp::Insert,
        key: &[],
        columns: None,
        route: None,
    };
    let plan = dialect.plan_write(&request).unwrap();
    text.write(&plan, &all, 0..2).await.unwrap();
    let same = scratch
        .rows("count(*)", "FROM t JOIN copy ON t::text = copy::text")
        .await;
    assert_eq!(same, ["2"]);
    text.close().await.unwrap();

    let mut error = opened(with(Unrepresentable::Error), &scratch.schema).await;
    let table = error.describe(&name).await.unwrap().unwrap();
    let refused = all_of(&mut *error, &table).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Data);
    assert!(refused.to_string().contains("column `d`"), "{refused}");
    error.close().await.unwrap();
    scratch.drop().await;
}

#[tokio::test]
async fn nanoseconds_are_cut_only_where_that_is_asked_for() {
    let mut scratch = scratch().await;
    scratch.execute("CREATE TABLE t (v time)").await;
    let table = scratch.table("t").await;
    let given = crate::write::records(&[("v", Kind::TimeNanos)], vec![vec![Value::Time(1_999)]]);
    let insert = plan(&table, &given, WriteOp::Insert, &[], None).unwrap();
    let error = scratch
        .connection
        .write(&insert, &given, 0..1)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("column `v`"), "{error}");
    let options = OpenOptions {
        values: ValueOptions {
            fine_digits: FineDigits::Truncate,
            ..ValueOptions::default()
        },
        ..OpenOptions::default()
    };
    let dialect = dialect_postgres::open(&url(), &options).unwrap();
    let request = WriteRequest {
        table: &table,
        schema: given.schema(),
        op: WriteOp::Insert,
        key: &[],
        columns: None,
        route: None,
    };
    let cut = dialect.plan_write(&request).unwrap();
    scratch.connection.write(&cut, &given, 0..1).await.unwrap();
    assert_eq!(scratch.rows("v", "FROM t").await, ["00:00:00.000001"]);
    scratch.drop().await;
}

#[tokio::test]
async fn columns_that_are_read_as_text_are_in_the_order_of_their_type() {
    let mut scratch = scratch().await;
    scratch
        .execute("CREATE TABLE t (v interval, id int); INSERT INTO t VALUES ('10 days', 2), ('2 days', 1), ('1 month', 3)")
        .await;
    let table = scratch.table("t").await;
    let key = [dialect_core::KeyPart { columns: vec![0] }];
    let after = [Value::from("P1D")];
    let until = [Value::from("P10D")];
    let page = Page {
        key: &key,
        after: Some(&after),
        until: Some(&until),
        ..Page::of(&table, &[0, 1])
    };
    let statement = PostgresSyntax.select(&page).unwrap();
    let schema = table.schema(&[0, 1], &[]).unwrap();
    let found = read(&mut *scratch.connection, &statement, &schema)
        .await
        .unwrap();
    let ids: Vec<_> = values(&found)
        .into_iter()
        .map(|row| row[1].clone())
        .collect();
    assert_eq!(ids, [1.into(), 2.into()]);
    let parts = std::num::NonZeroU32::new(3).unwrap();
    let whole = Page {
        key: &key,
        ..Page::of(&table, &[0])
    };
    let splits = scratch
        .connection
        .split(&PostgresSyntax, &whole, parts)
        .await
        .unwrap();
    assert_eq!(splits.len(), 3, "{splits:?}");
    scratch.drop().await;
}

#[test]
fn types_of_extensions_that_are_not_there_have_their_text() {
    // Shapes of PostGIS are read in their own binary form, under a name that says so.
    let shape = Column {
        name: "s".to_owned(),
        kind: Some(Kind::Bytes),
        extension: Some("geoarrow.wkb"),
        vendor_type: "geometry(Point,4326)".to_owned(),
        ..Column::default()
    };
    assert_eq!(PostgresSyntax.select_column(&shape).unwrap(), "\"s\"");
    let field = shape.field(false, "postgres").unwrap();
    assert_eq!(PostgresSyntax.column_type(&field, false).unwrap(), "bytea");
}

#[tokio::test]
async fn arrays_of_domains_come_and_go() {
    let mut scratch = scratch().await;
    scratch
        .execute(
            "CREATE DOMAIN small AS int CHECK (VALUE > 0); CREATE DOMAIN smaller AS small CHECK (VALUE < 9);
             CREATE DOMAIN price AS numeric(10,2); CREATE DOMAIN \"Day of\" AS date; CREATE DOMAIN flag AS boolean;
             CREATE DOMAIN moment AS timestamptz; CREATE DOMAIN name5 AS varchar(5); CREATE DOMAIN ident AS uuid;
             CREATE DOMAIN raw AS bytea; CREATE DOMAIN ratio AS float8; CREATE DOMAIN many AS smaller[];
             CREATE DOMAIN doc AS jsonb;
             CREATE TABLE t (id int PRIMARY KEY, s small[], ss smaller[], p price[], d \"Day of\"[], f flag[],
               m moment[], n name5[], u ident[], b raw[], r ratio[], g many, j doc[], gg many[]);
             INSERT INTO t VALUES (1, '{1,NULL,3}', '{8}', '{1.50,99999999.99}', '{2024-02-29}', '{t,f}',
               '{\"2024-02-29 12:00:00+00\"}', '{abcde,NULL}', '{00000000-0000-0000-0000-000000000000}',
               '{\"\\\\x00ff\"}', '{0.1}', '{1,2}', '{\"{\\\"a\\\": 1}\"}', ARRAY['{3}'::many]);
             INSERT INTO t VALUES (2, '{}', '{}'); INSERT INTO t (id) VALUES (3)",
        )
        .await;
    let table = scratch.table("t").await;
    let given = all_of(&mut *scratch.connection, &table).await.unwrap();
    let list = |value: Value| Value::List(vec![value]);
    let read = values(&given);
    assert_eq!(
        read[0][1],
        Value::List(vec![1.into(), Value::Null, 3.into()])
    );
    assert_eq!(read[0][2], list(8.into()));
    assert_eq!(
        read[0][3],
        Value::List(vec![
            Value::Decimal(150, 2),
            Value::Decimal(9_999_999_999, 2)
        ])
    );
    assert_eq!(read[0][4], list(Value::Date(19_782)));
    assert_eq!(read[0][5], Value::List(vec![true.into(), false.into()]));
    assert_eq!(read[0][7], Value::List(vec!["abcde".into(), Value::Null]));
    assert_eq!(read[0][11], Value::List(vec![1.into(), 2.into()]));
    assert_eq!(read[1][1], Value::List(vec![]));
    assert!(read[2][1..].iter().all(|v| *v == Value::Null));

    // By pages whose key is such a list, and by a query of the user's.
    let query = scratch
        .connection
        .describe_query("SELECT s, gg, p FROM t WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(
        query.columns[0].kind,
        Some(Kind::List(Box::new(Kind::Int32)))
    );
    for route in ROUTES {
        for (op, key) in [(WriteOp::Insert, &[][..]), (WriteOp::Upsert, &["id"][..])] {
            scratch
                .execute("CREATE TABLE IF NOT EXISTS other (LIKE t INCLUDING ALL); TRUNCATE other")
                .await;
            let other = scratch.table("other").await;
            let plan = plan(&other, &given, op, key, Some(route)).unwrap();
            let written = scratch
                .connection
                .write(&plan, &given, 0..given.len())
                .await;
            assert_eq!(written.unwrap(), 3, "{op:?} by {route:?}");
            let same = "FROM (SELECT * FROM t EXCEPT SELECT * FROM other) AS x";
            assert_eq!(
                scratch.rows("count(*)", same).await,
                ["0"],
                "{op:?} by {route:?}"
            );
        }
    }
    scratch.drop().await;
}
