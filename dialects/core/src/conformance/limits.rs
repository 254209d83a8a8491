//! Writes with more values than a statement can bind, and more bytes than a packet can hold.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, Rows, Write, schema},
};
use crate::plan::WriteOp;
use connect_api::{Kind, Value};

/// 150 columns times 600 rows are more binds than any statement takes, 6 texts of 4 MiB more than
/// most packets: both arrive by every route.
pub async fn writes_beyond_statement_limits_arrive(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let names: Vec<_> = (0..150).map(|i| format!("c{i}")).collect();
    let kinds = names.iter().map(|name| (name.as_str(), Kind::Int32));
    let wide = schema(kinds, &["c0"]);
    let name = harness.name("wide");
    let table = harness.create_table_for(name, &wide).await;
    let row = |i: i64| (0..150).map(|c| Value::Int(i * 1_000 + c)).collect();
    let rows: Rows = (0..600).map(row).collect();
    arrive(&mut harness, &table, &wide, &rows, "c0").await;

    let large = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = harness.name("large");
    let table = harness.create_table_for(name, &large).await;
    let rows: Rows = (0..6_u8)
        .map(|id| {
            vec![
                i64::from(id).into(),
                char::from(b'a' + id).to_string().repeat(4 << 20).into(),
            ]
        })
        .collect();
    arrive(&mut harness, &table, &large, &rows, "id").await;
    harness.done().await;
}

async fn arrive(
    harness: &mut Harness<'_>,
    table: &crate::table::Table,
    schema: &connect_api::SchemaRef,
    rows: &Rows,
    key: &str,
) {
    let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
    for op in [WriteOp::Insert, WriteOp::InsertIgnore, WriteOp::Upsert] {
        for route in harness.routes(table, schema, op, &[key]) {
            let write = Write {
                op,
                key: &[key],
                route: Some(route),
            };
            harness.write(table, schema, write, rows).await;
            let read = harness.read(table, &[key]).await;
            assert_same(&read, rows, &format!("{op:?} by {route:?}"));
            harness.run(&empty).await;
        }
    }
}
