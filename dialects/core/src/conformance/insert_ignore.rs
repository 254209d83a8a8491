//! Inserts that skip existing keys.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, INSERT, Rows, Write, schema},
};
use crate::plan::WriteOp;
use connect_api::{ErrorKind, Kind, Value};

/// A row that violates a key is skipped, whether the other row was in the table or in the same batch;
/// any other fault remains an error.
pub async fn insert_ignore_skips_existing_keys(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let table = harness
        .create_table(
            "ignore",
            "id bigint NOT NULL PRIMARY KEY, v varchar(20), code bigint UNIQUE, needed bigint NOT NULL",
        )
        .await;
    let records = schema(
        [
            ("id", Kind::Int64),
            ("v", Kind::Text),
            ("code", Kind::Int64),
            ("needed", Kind::Int64),
        ],
        &["id"],
    );
    let row = |id: i64, v: &str, code: i64| -> Vec<Value> {
        vec![id.into(), v.into(), code.into(), 1.into()]
    };
    let there: Rows = vec![row(1, "old", 10)];
    let mut new: Rows = vec![
        row(1, "same id", 11),
        row(2, "same code", 10),
        row(3, "first", 30),
        row(3, "second", 31),
    ];
    new.extend((100..700).map(|id| row(id, "many", id)));
    let mut expected: Rows = vec![row(1, "old", 10), row(3, "first", 30)];
    expected.extend((100..700).map(|id| row(id, "many", id)));
    let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
    for route in harness.routes(&table, &records, WriteOp::InsertIgnore, &[]) {
        harness.write(&table, &records, INSERT, &there).await;
        let write = Write {
            op: WriteOp::InsertIgnore,
            key: &[],
            route: Some(route),
        };
        harness.write(&table, &records, write, &new).await;
        let read = harness.read(&table, &["id"]).await;
        assert_same(&read, &expected, &format!("by {route:?}"));
        let missing = vec![vec![4.into(), "v".into(), 40.into(), Value::Null]];
        let failed = harness.try_write(&table, &records, write, &missing).await;
        let error = failed.expect_err("a NULL is refused");
        assert_eq!(error.kind(), ErrorKind::Data, "{}", error.report());
        assert!(error.report().contains("needed"), "{}", error.report());
        harness.connection.rollback().await.unwrap();
        assert_eq!(harness.read(&table, &["id"]).await.len(), expected.len());
        harness.run(&empty).await;
    }
    if let Some(short) = fixture.short_text {
        let columns = format!("id bigint NOT NULL PRIMARY KEY, narrow {short}");
        let table = harness.create_table("ignore_long", &columns).await;
        let records = schema([("id", Kind::Int64), ("narrow", Kind::Text)], &["id"]);
        for route in harness.routes(&table, &records, WriteOp::InsertIgnore, &[]) {
            let write = Write {
                op: WriteOp::InsertIgnore,
                key: &[],
                route: Some(route),
            };
            let rows = vec![vec![1.into(), "toolong".into()]];
            let failed = harness.try_write(&table, &records, write, &rows).await;
            let error = failed.expect_err("what is too long is refused");
            assert_eq!(error.kind(), ErrorKind::Data, "{}", error.report());
            harness.connection.rollback().await.unwrap();
            assert!(
                harness.read(&table, &["id"]).await.is_empty(),
                "by {route:?}"
            );
        }
    }
    harness.done().await;
}
