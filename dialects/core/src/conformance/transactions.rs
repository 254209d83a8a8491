//! What stays and what goes with a transaction.
use super::{
    Fixture,
    workbench::{INSERT, Rows, Workbench, Write, schema},
};
use crate::plan::WriteOp;
use connect_api::{ErrorKind, Kind, Value};

fn rows(ids: impl IntoIterator<Item = i64>) -> Rows {
    ids.into_iter()
        .map(|id| vec![Value::Int(id), "v".into()])
        .collect()
}

/// Nothing of a transaction that is rolled back stays; all of one that is committed does, and no
/// other connection sees it before.
pub async fn rollback_undoes(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let mut other = Workbench::new(fixture).await;
    let schema = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = bench.name("rollback");
    let table = bench.make_for(name, &schema).await;
    bench
        .connection
        .rollback()
        .await
        .expect("no transaction, nothing to undo");
    for route in bench.routes(&table, &schema, WriteOp::Upsert, &["id"]) {
        let write = Write {
            op: WriteOp::Upsert,
            key: &["id"],
            route: Some(route),
        };
        bench.connection.begin().await.unwrap();
        bench.write(&table, &schema, write, &rows(0..600)).await;
        assert_eq!(
            bench.read(&table, &["id"]).await.len(),
            600,
            "it sees its own rows"
        );
        assert!(
            other.read(&table, &["id"]).await.is_empty(),
            "{route:?}: not yet committed"
        );
        bench.connection.rollback().await.unwrap();
        assert!(
            bench.read(&table, &["id"]).await.is_empty(),
            "{route:?}: rolled back"
        );
    }
    bench.connection.begin().await.unwrap();
    bench.write(&table, &schema, INSERT, &rows(0..3)).await;
    bench.write(&table, &schema, INSERT, &rows(3..5)).await;
    bench.connection.commit().await.unwrap();
    assert_eq!(other.read(&table, &["id"]).await.len(), 5);
    other.done().await;
    bench.done().await;
}

/// What was done since a savepoint is undone; what was done before stays, and the transaction goes
/// on, also after a failed write.
pub async fn savepoints_undo_a_part(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let schema = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = bench.name("savepoint");
    let table = bench.make_for(name, &schema).await;
    if !fixture.dialect.capabilities().savepoints {
        bench.connection.begin().await.unwrap();
        let error = bench.connection.savepoint().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.report());
        bench.connection.rollback().await.unwrap();
        return bench.done().await;
    }
    let routes = bench.routes(&table, &schema, WriteOp::Insert, &[]);
    for route in routes {
        let write = Write {
            route: Some(route),
            ..INSERT
        };
        bench.connection.begin().await.unwrap();
        bench.write(&table, &schema, write, &rows(0..3)).await;
        bench.connection.savepoint().await.unwrap();
        bench.write(&table, &schema, write, &rows(10..13)).await;
        bench.connection.rollback_to_savepoint().await.unwrap();
        // It stays, however often it is gone back to, with changes in between and without.
        bench.connection.rollback_to_savepoint().await.unwrap();
        bench.write(&table, &schema, write, &rows(14..16)).await;
        bench.connection.rollback_to_savepoint().await.unwrap();
        let failed = bench
            .try_write(&table, &schema, write, &rows([20, 1]))
            .await;
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Data);
        bench.connection.rollback_to_savepoint().await.unwrap();
        bench.write(&table, &schema, write, &rows([4])).await;
        bench.connection.savepoint().await.unwrap();
        bench.write(&table, &schema, write, &rows([30])).await;
        bench.connection.rollback_to_savepoint().await.unwrap();
        bench.connection.commit().await.unwrap();
        let read = bench.read(&table, &["id"]).await;
        let expected: Rows = rows([0, 1, 2, 4]);
        super::sameness::assert_same(&read, &expected, &format!("{route:?}"));
        let empty = format!("DELETE FROM {}", bench.quoted(&table.name));
        bench.run(&empty).await;
    }
    bench.done().await;
}

/// A write is whole or not at all; after an error and a rollback the connection goes on.
pub async fn failed_writes_leave_nothing(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let schema = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = bench.name("failed");
    let table = bench.make_for(name, &schema).await;
    bench.write(&table, &schema, INSERT, &rows([2_500])).await;
    for route in bench.routes(&table, &schema, WriteOp::Insert, &[]) {
        let write = Write {
            route: Some(route),
            ..INSERT
        };
        // The last of many statements fails, outside a transaction.
        let error = bench
            .try_write(&table, &schema, write, &rows(0..2_501))
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Data,
            "{route:?}: {}",
            error.report()
        );
        assert_eq!(
            bench.read(&table, &["id"]).await.len(),
            1,
            "{route:?}: whole or not at all"
        );
        // Inside of one.
        bench.connection.begin().await.unwrap();
        bench.write(&table, &schema, write, &rows([1])).await;
        let error = bench
            .try_write(&table, &schema, write, &rows([2, 2_500]))
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Data,
            "{route:?}: {}",
            error.report()
        );
        bench.connection.rollback().await.unwrap();
        assert_eq!(
            bench.read(&table, &["id"]).await.len(),
            1,
            "{route:?}: rolled back"
        );
        // And goes on.
        bench.connection.begin().await.unwrap();
        bench.write(&table, &schema, write, &rows([3])).await;
        bench.connection.commit().await.unwrap();
        let sql = format!("DELETE FROM {} WHERE id = 3", bench.quoted(&table.name));
        bench.run(&sql).await;
    }
    bench.done().await;
}
