//! Names with quotes, dots and other special characters.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, Rows, Write, schema},
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

/// Tables and columns of such names are created, described, written, read and dropped.
pub async fn names_with_special_characters_are_quoted(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let schema = schema(
        COLUMNS.iter().map(|name| (*name, Kind::Int64)),
        &["select", "a\"b"],
    );
    for hostile in ["we\"ird ta.ble`", "Sel'ect; --"] {
        let name = TableName::new(format!("{}{hostile}", fixture.unique));
        let table = harness.create_table_for(name.clone(), &schema).await;
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
            for route in harness.routes(&table, &schema, op, key) {
                if op == WriteOp::Insert {
                    let sql = format!("DELETE FROM {}", harness.quoted(&name));
                    harness.run(&sql).await;
                }
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
            }
        }
        let read = harness
            .read_by_pages(&table, &super::harness::parts(&table, key), 3)
            .await;
        assert_same(&read, &rows, hostile);
        for route in harness.routes(&table, &schema, WriteOp::Delete, key) {
            let write = Write {
                op: WriteOp::Delete,
                key,
                route: Some(route),
            };
            harness.write(&table, &schema, write, &rows).await;
        }
        assert!(harness.read(&table, key).await.is_empty());
    }
    let syntax = fixture.dialect.syntax();
    for refused in ["", "a\0b", &"x".repeat(syntax.max_identifier_bytes() + 1)] {
        let error = syntax.quote(refused).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
    }
    harness.done().await;
}
