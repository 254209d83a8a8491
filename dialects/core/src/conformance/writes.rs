//! What writes do to rows that are there and to those that are not.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, INSERT, Rows, Write, schema},
};
use crate::plan::{WriteOp, WriteRequest};
use connect_api::{Kind, Value};

fn numbered(ids: impl IntoIterator<Item = i64>, text: &str) -> Rows {
    let row = |id: i64| vec![Value::Int(id), format!("{text} {id}").into()];
    ids.into_iter().map(row).collect()
}

/// More rows than any statement takes, and an odd number of them; ranges are written as asked.
pub async fn many_rows_arrive_by_every_route(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let schema = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = harness.name("many");
    let table = harness.create_table_for(name, &schema).await;
    let rows = numbered(0..5_003, "row");
    let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
    for (op, key) in [(WriteOp::Insert, &[][..]), (WriteOp::Upsert, &["id"][..])] {
        for route in harness.routes(&table, &schema, op, key) {
            harness
                .write(
                    &table,
                    &schema,
                    Write {
                        op,
                        key,
                        route: Some(route),
                    },
                    &rows,
                )
                .await;
            let read = harness.read(&table, &["id"]).await;
            assert_same(&read, &rows, &format!("{op:?} by {route:?}"));
            harness.run(&empty).await;
        }
    }
    let plan = fixture.dialect.plan_write(&WriteRequest {
        table: &table,
        schema: &schema,
        op: WriteOp::Insert,
        key: &[],
        columns: None,
        route: None,
    });
    let (plan, records) = (plan.unwrap(), super::harness::records(&schema, &rows));
    for range in [10..11, 20..20, 4_000..5_003, 30..33] {
        let expected = range.len() as u64;
        let written = harness
            .connection
            .write(&plan, &records, range)
            .await
            .unwrap();
        assert_eq!(written, expected);
    }
    let read = harness.read(&table, &["id"]).await;
    let expected: Rows = [10..11, 30..33, 4_000..5_003]
        .into_iter()
        .flat_map(|r| rows[r].to_vec())
        .collect();
    assert_same(&read, &expected, "ranges");
    harness.done().await;
}

/// New rows come, old ones change, and columns that the records do not have keep their value.
pub async fn upserts_keep_other_columns(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let table = harness
        .create_table("upsert", "a bigint NOT NULL, b varchar(20) NOT NULL, v varchar(20), other bigint DEFAULT 7, PRIMARY KEY (a, b)")
        .await;
    let all = schema(
        [
            ("a", Kind::Int64),
            ("b", Kind::Text),
            ("v", Kind::Text),
            ("other", Kind::Int64),
        ],
        &["a", "b"],
    );
    let row = |a: i64, b: &str, v: Value, other: Value| vec![a.into(), b.into(), v, other];
    let old: Rows = vec![
        row(1, "x", "old".into(), 5.into()),
        row(1, "y", "old".into(), 6.into()),
    ];
    let some = schema(
        [("v", Kind::Text), ("b", Kind::Text), ("a", Kind::Int64)],
        &["a", "b"],
    );
    let given = |v: Value, b: &str, a: i64| vec![v, b.into(), a.into()];
    let new: Rows = vec![
        given("new".into(), "x", 1),
        given(Value::Null, "y", 1),
        given("new".into(), "x", 2),
    ];
    let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
    for route in harness.routes(&table, &some, WriteOp::Upsert, &["a", "b"]) {
        let write = Write {
            op: WriteOp::Upsert,
            key: &["a", "b"],
            route: Some(route),
        };
        harness.write(&table, &all, INSERT, &old).await;
        harness.write(&table, &some, write, &new).await;
        let expected = vec![
            row(1, "x", "new".into(), 5.into()),
            row(1, "y", Value::Null, 6.into()),
            row(2, "x", "new".into(), 7.into()),
        ];
        assert_same(
            &harness.read(&table, &["a", "b"]).await,
            &expected,
            &format!("by {route:?}"),
        );
        harness.run(&empty).await;
    }
    // Nothing but a key: rows that are there stay as they are.
    let keys = schema([("a", Kind::Int64), ("b", Kind::Text)], &["a", "b"]);
    for route in harness.routes(&table, &keys, WriteOp::Upsert, &["a", "b"]) {
        let write = Write {
            op: WriteOp::Upsert,
            key: &["a", "b"],
            route: Some(route),
        };
        harness
            .write(&table, &all, INSERT, &vec![old[0].clone()])
            .await;
        let rows = vec![
            vec![Value::Int(1), "x".into()],
            vec![Value::Int(3), "z".into()],
        ];
        harness.write(&table, &keys, write, &rows).await;
        let expected = vec![old[0].clone(), row(3, "z", Value::Null, 7.into())];
        assert_same(
            &harness.read(&table, &["a", "b"]).await,
            &expected,
            &format!("keys by {route:?}"),
        );
        harness.run(&empty).await;
    }
    harness.done().await;
}

/// Rows that are there change in the given columns; the others are passed over.
pub async fn updates_skip_missing_rows(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let both = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let table = harness
        .create_table(
            "update",
            "id bigint NOT NULL PRIMARY KEY, v varchar(40), other bigint DEFAULT 7",
        )
        .await;
    harness
        .write(&table, &both, INSERT, &numbered([1, 2], "old"))
        .await;
    for (round, route) in harness
        .routes(&table, &both, WriteOp::Update, &["id"])
        .into_iter()
        .enumerate()
    {
        let write = Write {
            op: WriteOp::Update,
            key: &["id"],
            route: Some(route),
        };
        let text = format!("round {round}");
        harness
            .write(&table, &both, write, &numbered([2, 3], &text))
            .await;
        let expected = vec![
            vec![1.into(), "old 1".into(), 7.into()],
            vec![2.into(), format!("{text} 2").into(), 7.into()],
        ];
        assert_same(
            &harness.read(&table, &["id"]).await,
            &expected,
            &format!("by {route:?}"),
        );
    }
    harness.done().await;
}

/// Only rows whose whole key is given go.
pub async fn deletes_use_composite_keys(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let keys = schema([("b", Kind::Text), ("a", Kind::Int64)], &["a", "b"]);
    let table = harness
        .create_table(
            "delete",
            "a bigint NOT NULL, b varchar(20) NOT NULL, PRIMARY KEY (a, b)",
        )
        .await;
    let row = |i: i64| {
        vec![
            Value::from(if i % 2 == 0 { "even" } else { "odd" }),
            Value::Int(i / 2),
        ]
    };
    let rows: Rows = (0..2_000).map(row).collect();
    let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
    for route in harness.routes(&table, &keys, WriteOp::Delete, &["a", "b"]) {
        harness.write(&table, &keys, INSERT, &rows).await;
        let write = Write {
            op: WriteOp::Delete,
            key: &["a", "b"],
            route: Some(route),
        };
        let mut gone = rows[..1_501].to_vec();
        gone.push(vec!["neither".into(), 999.into()]);
        harness.write(&table, &keys, write, &gone).await;
        let left: Vec<_> = rows[1_501..]
            .iter()
            .map(|row| vec![row[1].clone(), row[0].clone()])
            .collect();
        assert_same(
            &harness.read(&table, &["a", "b"]).await,
            &left,
            &format!("by {route:?}"),
        );
        harness.run(&empty).await;
    }
    // Other columns of the records play no part.
    let wide = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let table = harness
        .create_table("delete1", "id bigint NOT NULL PRIMARY KEY, v varchar(40)")
        .await;
    for route in harness.routes(&table, &wide, WriteOp::Delete, &["id"]) {
        let write = Write {
            op: WriteOp::Delete,
            key: &["id"],
            route: Some(route),
        };
        harness
            .write(&table, &wide, INSERT, &numbered(0..700, "row"))
            .await;
        let gone = (1..700)
            .map(|id| vec![Value::Int(id), Value::Null])
            .collect();
        harness.write(&table, &wide, write, &gone).await;
        assert_same(
            &harness.read(&table, &["id"]).await,
            &numbered([0], "row"),
            &format!("by {route:?}"),
        );
        let sql = format!("DELETE FROM {}", harness.quoted(&table.name));
        harness.run(&sql).await;
    }
    harness.done().await;
}
