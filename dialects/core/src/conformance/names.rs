//! Names with everything in them that ends a name elsewhere.
use super::{
    Fixture,
    sameness::assert_same,
    workbench::{Rows, Workbench, Write, schema},
};
use crate::{plan::WriteOp, table::TableName};
use connect_api::{ErrorKind, Kind, Value};

const COLUMNS: &[&str] = &[
    "select",
    "a\"b",
    "a`b",
    "a]b",
    "dot.ted",
    "with blank",
    "Mixed",
    "mixed2",
    "späce 中",
    "x'); DROP TABLE y; --",
    "?",
    "$1",
    ":p",
    "%s",
];

/// Tables and columns of such names are made, described, written, read and dropped.
pub async fn hostile_names_are_only_names(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let schema = schema(
        COLUMNS.iter().map(|name| (*name, Kind::Int64)),
        &["select", "a\"b"],
    );
    for hostile in ["we\"ird ta.ble`", "Sel'ect; --"] {
        let name = TableName::new(format!("{}{hostile}", fixture.unique));
        let table = bench.make_for(name.clone(), &schema).await;
        assert_eq!(table.name.name, name.name);
        assert_eq!(table.primary_key, ["select", "a\"b"]);
        let names: Vec<_> = table.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, COLUMNS);
        let row = |n: i64| {
            (0..COLUMNS.len())
                .map(|i| Value::Int(n * 100 + i as i64))
                .collect::<Vec<_>>()
        };
        let rows: Rows = (0..20).map(row).collect();
        let key = &["select", "a\"b"][..];
        for (op, key) in [
            (WriteOp::Insert, &[][..]),
            (WriteOp::Upsert, key),
            (WriteOp::Update, key),
        ] {
            for route in bench.routes(&table, &schema, op, key) {
                if op == WriteOp::Insert {
                    let sql = format!("DELETE FROM {}", bench.quoted(&name));
                    bench.run(&sql).await;
                }
                bench
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
            }
        }
        let read = bench
            .read_by_pages(&table, &super::workbench::parts(&table, key), 3)
            .await;
        assert_same(&read, &rows, hostile);
        for route in bench.routes(&table, &schema, WriteOp::Delete, key) {
            let write = Write {
                op: WriteOp::Delete,
                key,
                route: Some(route),
            };
            bench.write(&table, &schema, write, &rows).await;
        }
        assert!(bench.read(&table, key).await.is_empty());
    }
    let syntax = fixture.dialect.syntax();
    for refused in ["", "a\0b", &"x".repeat(syntax.max_identifier_bytes() + 1)] {
        let error = syntax.quote(refused).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
    }
    bench.done().await;
}
