//! More than a statement can bind, and more than a packet can hold.
use super::{
    Fixture,
    sameness::assert_same,
    workbench::{Rows, Workbench, Write, schema},
};
use crate::plan::WriteOp;
use connect_api::{Kind, Value};

/// 150 columns times 600 rows are more binds than any statement takes, 6 texts of 4 MiB more than
/// most packets: both arrive by every route.
pub async fn rows_beyond_every_limit_of_a_statement_arrive(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let names: Vec<_> = (0..150).map(|i| format!("c{i}")).collect();
    let kinds = names.iter().map(|name| (name.as_str(), Kind::Int32));
    let wide = schema(kinds, &["c0"]);
    let name = bench.name("wide");
    let table = bench.make_for(name, &wide).await;
    let row = |i: i64| (0..150).map(|c| Value::Int(i * 1_000 + c)).collect();
    let rows: Rows = (0..600).map(row).collect();
    arrive(&mut bench, &table, &wide, &rows, "c0").await;

    let large = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = bench.name("large");
    let table = bench.make_for(name, &large).await;
    let rows: Rows = (0..6_u8)
        .map(|id| {
            vec![
                i64::from(id).into(),
                char::from(b'a' + id).to_string().repeat(4 << 20).into(),
            ]
        })
        .collect();
    arrive(&mut bench, &table, &large, &rows, "id").await;
    bench.done().await;
}

async fn arrive(
    bench: &mut Workbench<'_>,
    table: &crate::table::Table,
    schema: &connect_api::SchemaRef,
    rows: &Rows,
    key: &str,
) {
    let empty = format!("DELETE FROM {}", bench.quoted(&table.name));
    for op in [WriteOp::Insert, WriteOp::InsertIgnore, WriteOp::Upsert] {
        for route in bench.routes(table, schema, op, &[key]) {
            let write = Write {
                op,
                key: &[key],
                route: Some(route),
            };
            bench.write(table, schema, write, rows).await;
            let read = bench.read(table, &[key]).await;
            assert_same(&read, rows, &format!("{op:?} by {route:?}"));
            bench.run(&empty).await;
        }
    }
}
