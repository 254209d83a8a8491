use crate::place::{Scratch, plan};
use connect_api::{ConnectRecord, ErrorKind, Kind, Records, Schema, Value};
use dialect_core::{Route, WriteOp};

pub(crate) fn records(fields: &[(&str, Kind)], rows: Vec<Vec<Value>>) -> Records {
    let fields = fields
        .iter()
        .map(|(name, kind)| kind.clone().field(name, true));
    let schema = Schema::new("t", fields, &[]).unwrap();
    let rows = rows.into_iter().map(|values| ConnectRecord {
        values,
        ..Default::default()
    });
    Records::from_rows("t".into(), schema, rows).unwrap()
}

fn people(rows: impl IntoIterator<Item = (i64, &'static str)>) -> Records {
    let rows = rows
        .into_iter()
        .map(|(id, name)| vec![id.into(), name.into()])
        .collect();
    records(&[("id", Kind::Int64), ("name", Kind::Text)], rows)
}

const ROUTES: [Route; 3] = [Route::Stage, Route::Values, Route::Rows];

#[tokio::test]
async fn every_route_writes_the_same() {
    let mut scratch = Scratch::new().await;
    for route in [None, Some(Route::Load)]
        .into_iter()
        .chain(ROUTES.map(Some))
    {
        scratch
            .execute("CREATE TABLE t (id bigint PRIMARY KEY, name varchar(9))")
            .await;
        let table = scratch.table("t").await;
        let written = people((0..3000).map(|i| (i, "one")));
        let insert = plan(&table, &written, WriteOp::Insert, &[], route).unwrap();
        let connection = &mut scratch.connection;
        assert_eq!(
            connection.write(&insert, &written, 0..2000).await.unwrap(),
            2000
        );
        let route = route.filter(|r| *r != Route::Load);
        let changed = people((1000..3000).map(|i| (i, "two")));
        let upsert = plan(&table, &changed, WriteOp::Upsert, &["id"], route).unwrap();
        assert_eq!(
            connection
                .write(&upsert, &changed, 500..2000)
                .await
                .unwrap(),
            1500
        );
        let updated = people((2990..3010).map(|i| (i, "three")));
        let update = plan(&table, &updated, WriteOp::Update, &["id"], route).unwrap();
        assert_eq!(
            connection.write(&update, &updated, 0..20).await.unwrap(),
            10
        );
        let delete = plan(&table, &updated, WriteOp::Delete, &["id"], route).unwrap();
        assert_eq!(connection.write(&delete, &updated, 5..20).await.unwrap(), 5);
        let counts = "name, count(*), min(id), max(id)";
        assert_eq!(
            scratch
                .rows(counts, "FROM t GROUP BY name ORDER BY name")
                .await,
            ["one|1500|0|1499", "three|5|2990|2994", "two|1490|1500|2989"],
            "{route:?}"
        );
        scratch.execute("DROP TABLE t").await;
    }
    scratch.drop().await;
}

#[tokio::test]
async fn a_key_twice_in_a_batch_is_an_error_of_the_data() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE TABLE t (id bigint PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'old')",
        )
        .await;
    let table = scratch.table("t").await;
    let twice = people([(1, "a"), (2, "b"), (1, "c")]);
    for op in [WriteOp::Upsert, WriteOp::Update] {
        for route in [Route::Stage, Route::Values] {
            let plan = plan(&table, &twice, op, &["id"], Some(route)).unwrap();
            let error = scratch
                .connection
                .write(&plan, &twice, 0..3)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            assert!(error.to_string().contains("same key"), "{error}");
        }
    }
    let insert = plan(&table, &twice, WriteOp::Insert, &[], None).unwrap();
    let error = scratch
        .connection
        .write(&insert, &twice, 1..3)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Data, Some("23505"))
    );
    assert!(error.to_string().contains("`t_pkey`"), "{error}");
    assert_eq!(scratch.rows("id, name", "FROM t").await, ["1|old"]);
    scratch.drop().await;
}

#[tokio::test]
async fn columns_of_every_type_take_their_kind() {
    const ALL: &str =
        "id, b, i2, f4, n, u8, bd, v, c, dc, j, jb, dj, m, y, u, tu, d, tm, ts, tz, o, g";
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE DOMAIN doc AS jsonb; CREATE DOMAIN code AS char(3); CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b bool, i2 int2, f4 float4, n numeric(4,1),
               u8 numeric(20), bd numeric, v varchar(4), c char(4), dc code, j json, jb jsonb, dj doc, m mood,
               y bytea, u uuid, tu uuid, d date, tm time(3), ts timestamp(0), tz timestamptz, o oid,
               g int GENERATED ALWAYS AS (i2 * 2) STORED)",
        )
        .await;
    let table = scratch.table("t").await;
    let fields = [
        ("id", Kind::Int64),
        ("b", Kind::Bool),
        ("i2", Kind::Int64),
        ("f4", Kind::Float64),
        (
            "n",
            Kind::Decimal {
                precision: 20,
                scale: 3,
            },
        ),
        ("u8", Kind::UInt64),
        ("bd", Kind::BigDecimal),
        ("v", Kind::Text),
        ("c", Kind::Text),
        ("dc", Kind::Text),
        ("j", Kind::Json),
        ("jb", Kind::Json),
        ("dj", Kind::Json),
        ("m", Kind::Text),
        ("y", Kind::Bytes),
        ("u", Kind::Uuid),
        ("tu", Kind::Text),
        ("d", Kind::Date),
        ("tm", Kind::Time),
        ("ts", Kind::Timestamp { utc: false }),
        ("tz", Kind::Timestamp { utc: true }),
        ("o", Kind::UInt32),
    ];
    let uuid = "01234567-89ab-cdef-0123-456789abcdef";
    let bytes: Vec<u8> = (0..16).collect();
    let row = |id: i64| {
        vec![
            id.into(),
            true.into(),
            (-5i64).into(),
            0.5.into(),
            Value::Decimal(12_300, 3),
            u64::MAX.into(),
            "1234567890123456789012345678901234567890.50".into(),
            "añ🦀x".into(),
            "ab".into(),
            "x".into(),
            "{\"b\":1,\"b\":2}".into(),
            "{\"b\":1}".into(),
            "[1, 2]".into(),
            "happy".into(),
            bytes.clone().into(),
            bytes.clone().into(),
            uuid.into(),
            Value::Date(-1),
            Value::Time(86_399_999_000),
            Value::Timestamp(-1_000_000),
            Value::Timestamp(253_402_300_799_999_999),
            Value::UInt(u32::MAX.into()),
        ]
    };
    let nulls = |id: i64| {
        let mut row = vec![Value::Null; fields.len()];
        row[0] = id.into();
        row
    };
    let given = records(&fields, vec![row(7), nulls(8)]);
    let full = format!(
        "7|t|-5|0.5|12.3|18446744073709551615|1234567890123456789012345678901234567890.50|añ🦀x|ab  |x  |\
         {{\"b\":1,\"b\":2}}|{{\"b\": 1}}|[1, 2]|happy|\\x000102030405060708090a0b0c0d0e0f|\
         00010203-0405-0607-0809-0a0b0c0d0e0f|{uuid}|1969-12-31|23:59:59.999|1969-12-31 23:59:59|\
         9999-12-31 23:59:59.999999+00|4294967295|-10"
    );
    for (op, key) in [(WriteOp::Insert, &[][..]), (WriteOp::Upsert, &["id"])] {
        for route in ROUTES {
            let plan = plan(&table, &given, op, key, Some(route)).unwrap();
            scratch.connection.write(&plan, &given, 0..2).await.unwrap();
            assert_eq!(
                scratch.rows(ALL, "FROM t ORDER BY id").await,
                [full.as_str(), "8"]
            );
            if op == WriteOp::Insert {
                scratch.execute("TRUNCATE t").await;
            }
        }
    }
    // COPY where it can, a temporary table where a domain over JSON is in the way.
    assert_eq!(
        plan(&table, &given, WriteOp::Insert, &[], None)
            .unwrap()
            .route,
        Route::Stage
    );
    scratch.execute("TRUNCATE t; ALTER TABLE t DROP dj").await;
    let table = scratch.table("t").await;
    let fields: Vec<_> = fields.into_iter().filter(|f| f.0 != "dj").collect();
    let mut copied = row(7);
    copied.remove(12);
    let copied = records(&fields, vec![copied]);
    let copy = plan(&table, &copied, WriteOp::Insert, &[], None).unwrap();
    assert_eq!(copy.route, Route::Load);
    scratch
        .connection
        .write(&copy, &copied, 0..1)
        .await
        .unwrap();
    assert_eq!(
        scratch.rows(&ALL.replace("dj, ", ""), "FROM t").await,
        [full.replace("|[1, 2]|", "|")]
    );
    scratch.drop().await;
}

#[tokio::test]
async fn a_cell_that_does_not_fit_names_its_column_and_never_itself() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE TYPE mood AS ENUM ('sad');
             CREATE TABLE t (id bigint PRIMARY KEY, v varchar(3), n numeric(4,1), i int2, j json, m mood, nn text NOT NULL DEFAULT '',
               ts timestamp(3), CHECK (id < 1000000))",
        )
        .await;
    let table = scratch.table("t").await;
    let fits = |i: i64| (i, Value::from("ok"));
    for (name, kind, bad) in [
        ("v", Kind::Text, Value::from("sécret")),
        ("v", Kind::Text, "se\0".into()),
        (
            "n",
            Kind::Decimal {
                precision: 9,
                scale: 3,
            },
            Value::Decimal(666_601, 3),
        ),
        (
            "n",
            Kind::Decimal {
                precision: 9,
                scale: 1,
            },
            Value::Decimal(66_660, 1),
        ),
        ("n", Kind::BigDecimal, "66.66".into()),
        ("n", Kind::Text, "six".into()),
        ("i", Kind::Int64, Value::Int(66_666)),
        ("j", Kind::Json, "{secret".into()),
        ("m", Kind::Text, "secret".into()),
        ("nn", Kind::Text, Value::Null),
        ("ts", Kind::Timestamp { utc: false }, Value::Timestamp(666)),
    ] {
        let rows = (0..2).map(|i| {
            vec![
                fits(i).0.into(),
                if i == 1 { bad.clone() } else { Value::Null },
            ]
        });
        let mut rows: Vec<_> = rows.collect();
        if name == "nn" {
            rows[0][1] = "ok".into();
        }
        let given = records(&[("id", Kind::Int64), (name, kind)], rows);
        for route in [
            None,
            Some(Route::Stage),
            Some(Route::Values),
            Some(Route::Rows),
        ] {
            let plan = plan(&table, &given, WriteOp::Upsert, &["id"], route).unwrap();
            let error = scratch
                .connection
                .write(&plan, &given, 0..2)
                .await
                .unwrap_err();
            let text = error.report();
            assert_eq!(error.kind(), ErrorKind::Data, "{text}");
            assert!(!text.contains("secret") && !text.contains("666"), "{text}");
            assert!(text.contains(&format!("`{name}`")), "{text}");
        }
        let insert = plan(&table, &given, WriteOp::Insert, &[], None).unwrap();
        let error = scratch
            .connection
            .write(&insert, &given, 0..2)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
    assert!(scratch.rows("id", "FROM t").await.is_empty());
    scratch.drop().await;
}

#[tokio::test]
async fn a_fault_late_in_a_batch_undoes_it_and_leaves_the_connection_usable() {
    let mut scratch = Scratch::new().await;
    scratch.execute("CREATE TABLE t (id bigint PRIMARY KEY, v varchar(3), CHECK (id <> 77)); INSERT INTO t VALUES (50000, 'old')").await;
    let table = scratch.table("t").await;
    // Many pieces of COPY data; the fault is in the last of them, of ours or of the server.
    let ours = |bad: bool| {
        let last = move |i| if bad && i == 59_999 { "long" } else { "abc" };
        people(
            (0..60_000)
                .filter(|i| *i != 77 && *i != 50_000)
                .map(|i| (i, last(i))),
        )
    };
    let rename = |r: &Records| {
        let rows = r.rows().map(|row| row.to_record().values).collect();
        records(&[("id", Kind::Int64), ("v", Kind::Text)], rows)
    };
    let bad = rename(&ours(true));
    let good = rename(&ours(false));
    let seventy_seven = rename(&people(
        (0..60_000)
            .filter(|i| *i != 50_000)
            .map(|i| (i, if i == 59_999 { "long" } else { "abc" })),
    ));
    for (op, key, count) in [(WriteOp::Insert, &[][..], 1), (WriteOp::Upsert, &["id"], 1)] {
        // A row that the server refuses early, and one that we refuse late.
        for given in [&bad, &seventy_seven] {
            let faulty = plan(&table, given, op, key, None).unwrap();
            let error = scratch
                .connection
                .write(&faulty, given, 0..given.len())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
            let rows = scratch.rows("count(*)", "FROM t").await;
            assert_eq!(rows, [count.to_string()]);
        }
    }
    let insert = plan(&table, &good, WriteOp::Insert, &[], None).unwrap();
    assert_eq!(
        scratch
            .connection
            .write(&insert, &good, 0..good.len())
            .await
            .unwrap(),
        59_998
    );
    scratch.drop().await;
}

#[tokio::test]
async fn writes_of_a_transaction_are_kept_or_undone_together() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE TABLE t (id bigint PRIMARY KEY, name text)")
        .await;
    let table = scratch.table("t").await;
    let given = people((0..10).map(|i| (i, "x")));
    let stage = plan(&table, &given, WriteOp::Upsert, &["id"], Some(Route::Stage)).unwrap();
    for commit in [false, true, true] {
        scratch.connection.begin().await.unwrap();
        scratch
            .connection
            .write(&stage, &given, 0..5)
            .await
            .unwrap();
        scratch
            .connection
            .write(&stage, &given, 5..10)
            .await
            .unwrap();
        if commit {
            scratch.connection.commit().await.unwrap();
        } else {
            scratch.connection.rollback().await.unwrap();
        }
        let expected = if commit { "10" } else { "0" };
        assert_eq!(scratch.rows("count(*)", "FROM t").await, [expected]);
    }
    // Without a transaction of the caller's, the write has its own.
    scratch.execute("TRUNCATE t").await;
    assert_eq!(
        scratch
            .connection
            .write(&stage, &given, 2..4)
            .await
            .unwrap(),
        2
    );
    assert_eq!(scratch.rows("id", "FROM t ORDER BY id").await, ["2", "3"]);
    scratch.connection.rollback().await.unwrap();

    // A commit after a refused write says that nothing is kept.
    scratch.connection.begin().await.unwrap();
    let insert = plan(&table, &given, WriteOp::Insert, &[], None).unwrap();
    scratch
        .connection
        .write(&insert, &given, 0..10)
        .await
        .unwrap_err();
    let error = scratch.connection.commit().await.unwrap_err();
    assert!(error.to_string().contains("undone"), "{error}");
    assert_eq!(scratch.rows("count(*)", "FROM t").await, ["2"]);
    scratch.drop().await;
}

#[tokio::test]
async fn only_the_given_columns_are_changed() {
    let mut scratch = Scratch::new().await;
    scratch.execute("CREATE TABLE t (a int, b text, c text DEFAULT 'c', PRIMARY KEY (a)); INSERT INTO t VALUES (1, 'b', 'mine')").await;
    let table = scratch.table("t").await;
    let given = records(
        &[("b", Kind::Text), ("a", Kind::Int32)],
        vec![vec!["B".into(), 1.into()], vec!["N".into(), 2.into()]],
    );
    for route in ROUTES {
        let upsert = plan(&table, &given, WriteOp::Upsert, &["a"], Some(route)).unwrap();
        scratch
            .connection
            .write(&upsert, &given, 0..2)
            .await
            .unwrap();
        assert_eq!(
            scratch.rows("a, b, c", "FROM t ORDER BY a").await,
            ["1|B|mine", "2|N|c"]
        );
    }
    // The key alone: what is there stays.
    let keys = records(&[("a", Kind::Int32)], vec![vec![2.into()], vec![3.into()]]);
    for (op, expected) in [(WriteOp::Upsert, 3), (WriteOp::Delete, 1)] {
        let plan = plan(&table, &keys, op, &["a"], None).unwrap();
        scratch.connection.write(&plan, &keys, 0..2).await.unwrap();
        assert_eq!(
            scratch.rows("count(*)", "FROM t").await,
            [expected.to_string()]
        );
    }
    scratch.drop().await;
}

#[tokio::test]
async fn views_are_written_by_statements() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE TABLE t (id bigint PRIMARY KEY, name text); CREATE VIEW v AS SELECT * FROM t",
        )
        .await;
    let view = scratch.table("v").await;
    let given = people([(1, "x")]);
    let insert = plan(&view, &given, WriteOp::Insert, &[], None).unwrap();
    assert_eq!(insert.route, Route::Values);
    scratch
        .connection
        .write(&insert, &given, 0..1)
        .await
        .unwrap();
    assert_eq!(scratch.rows("id, name", "FROM t").await, ["1|x"]);
    let error = plan(&view, &given, WriteOp::Insert, &[], Some(Route::Load)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    scratch.drop().await;
}

#[tokio::test]
async fn columns_that_do_not_fit_by_type_are_all_named() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE TABLE t (a int, b date, c int[], d text)")
        .await;
    let table = scratch.table("t").await;
    let fields = [
        ("a", Kind::Text),
        ("b", Kind::Float64),
        ("c", Kind::Text),
        ("d", Kind::Text),
    ];
    let given = records(&fields, vec![]);
    let error = plan(&table, &given, WriteOp::Insert, &[], None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    let text = error.to_string();
    for part in [
        "`a` is integer, which cannot take Text",
        "`b` is date, which cannot take Float64",
        "`c` is integer[]",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("`d`"), "{text}");
    scratch.drop().await;
}
