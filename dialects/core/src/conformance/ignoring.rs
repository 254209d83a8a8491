//! Inserts that pass over what is there.
use super::{
    Fixture,
    sameness::assert_same,
    workbench::{INSERT, Rows, Workbench, Write, schema},
};
use crate::plan::WriteOp;
use connect_api::{ErrorKind, Kind, Value};

/// A row that some key keeps out is passed over, whether the other row was there or came with it;
/// every other fault stays an error.
pub async fn inserts_pass_over_keys_that_are_there(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let table = bench
        .make(
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
    let empty = format!("DELETE FROM {}", bench.quoted(&table.name));
    for route in bench.routes(&table, &records, WriteOp::InsertIgnore, &[]) {
        bench.write(&table, &records, INSERT, &there).await;
        let write = Write {
            op: WriteOp::InsertIgnore,
            key: &[],
            route: Some(route),
        };
        bench.write(&table, &records, write, &new).await;
        let read = bench.read(&table, &["id"]).await;
        assert_same(&read, &expected, &format!("by {route:?}"));
        let missing = vec![vec![4.into(), "v".into(), 40.into(), Value::Null]];
        let failed = bench.try_write(&table, &records, write, &missing).await;
        let error = failed.expect_err("a NULL is refused");
        assert_eq!(error.kind(), ErrorKind::Data, "{}", error.report());
        assert!(error.report().contains("needed"), "{}", error.report());
        bench.connection.rollback().await.unwrap();
        assert_eq!(bench.read(&table, &["id"]).await.len(), expected.len());
        bench.run(&empty).await;
    }
    if let Some(short) = fixture.short_text {
        let columns = format!("id bigint NOT NULL PRIMARY KEY, narrow {short}");
        let table = bench.make("ignore_long", &columns).await;
        let records = schema([("id", Kind::Int64), ("narrow", Kind::Text)], &["id"]);
        for route in bench.routes(&table, &records, WriteOp::InsertIgnore, &[]) {
            let write = Write {
                op: WriteOp::InsertIgnore,
                key: &[],
                route: Some(route),
            };
            let rows = vec![vec![1.into(), "toolong".into()]];
            let failed = bench.try_write(&table, &records, write, &rows).await;
            let error = failed.expect_err("what is too long is refused");
            assert_eq!(error.kind(), ErrorKind::Data, "{}", error.report());
            bench.connection.rollback().await.unwrap();
            assert!(bench.read(&table, &["id"]).await.is_empty(), "by {route:?}");
        }
    }
    bench.done().await;
}
