//! What stays and what goes with a transaction.
use crate::conformance::{
    Fixture,
    harness::{Harness, INSERT, Rows, Write, schema},
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
pub async fn rollback_undoes_writes(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let mut other = Harness::new(fixture).await;
    let schema = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = harness.name("rollback");
    let table = harness.create_table_for(name, &schema).await;
    harness
        .connection
        .rollback()
        .await
        .expect("no transaction, nothing to undo");
    for route in harness.routes(&table, &schema, WriteOp::Upsert, &["id"]) {
        let write = Write {
            op: WriteOp::Upsert,
            key: &["id"],
            route: Some(route),
        };
        harness.connection.begin().await.unwrap();
        harness.write(&table, &schema, write, &rows(0..600)).await;
        assert_eq!(
            harness.read(&table, &["id"]).await.len(),
            600,
            "it sees its own rows"
        );
        assert!(
            other.read(&table, &["id"]).await.is_empty(),
            "{route:?}: not yet committed"
        );
        harness.connection.rollback().await.unwrap();
        assert!(
            harness.read(&table, &["id"]).await.is_empty(),
            "{route:?}: rolled back"
        );
    }
    harness.connection.begin().await.unwrap();
    harness.write(&table, &schema, INSERT, &rows(0..3)).await;
    harness.write(&table, &schema, INSERT, &rows(3..5)).await;
    harness.connection.commit().await.unwrap();
    assert_eq!(other.read(&table, &["id"]).await.len(), 5);
    other.done().await;
    harness.done().await;
}

/// What was done since a savepoint is undone; what was done before stays, and the transaction goes
/// on, also after a failed write.
pub async fn rollback_to_savepoint_undoes_later_writes(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let schema = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = harness.name("savepoint");
    let table = harness.create_table_for(name, &schema).await;
    if !fixture.dialect.capabilities().savepoints {
        harness.connection.begin().await.unwrap();
        let error = harness.connection.savepoint().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.report());
        harness.connection.rollback().await.unwrap();
        return harness.done().await;
    }
    let routes = harness.routes(&table, &schema, WriteOp::Insert, &[]);
    for route in routes {
        let write = Write {
            route: Some(route),
            ..INSERT
        };
        harness.connection.begin().await.unwrap();
        harness.write(&table, &schema, write, &rows(0..3)).await;
        harness.connection.savepoint().await.unwrap();
        harness.write(&table, &schema, write, &rows(10..13)).await;
        harness.connection.rollback_to_savepoint().await.unwrap();
        // It stays, however often it is gone back to, with changes in between and without.
        harness.connection.rollback_to_savepoint().await.unwrap();
        harness.write(&table, &schema, write, &rows(14..16)).await;
        harness.connection.rollback_to_savepoint().await.unwrap();
        let failed = harness
            .try_write(&table, &schema, write, &rows([20, 1]))
            .await;
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Data);
        harness.connection.rollback_to_savepoint().await.unwrap();
        harness.write(&table, &schema, write, &rows([4])).await;
        harness.connection.savepoint().await.unwrap();
        harness.write(&table, &schema, write, &rows([30])).await;
        harness.connection.rollback_to_savepoint().await.unwrap();
        harness.connection.commit().await.unwrap();
        let read = harness.read(&table, &["id"]).await;
        let expected: Rows = rows([0, 1, 2, 4]);
        super::compare::assert_same(&read, &expected, &format!("{route:?}"));
        let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
        harness.run(&empty).await;
    }
    harness.done().await;
}

/// A write is whole or not at all; after an error and a rollback the connection stays usable.
pub async fn failed_writes_are_atomic(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let schema = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = harness.name("failed");
    let table = harness.create_table_for(name, &schema).await;
    harness.write(&table, &schema, INSERT, &rows([2_500])).await;
    for route in harness.routes(&table, &schema, WriteOp::Insert, &[]) {
        let write = Write {
            route: Some(route),
            ..INSERT
        };
        // The last of many statements fails, outside a transaction.
        let error = harness
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
            harness.read(&table, &["id"]).await.len(),
            1,
            "{route:?}: whole or not at all"
        );
        // Inside of one.
        harness.connection.begin().await.unwrap();
        harness.write(&table, &schema, write, &rows([1])).await;
        let error = harness
            .try_write(&table, &schema, write, &rows([2, 2_500]))
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Data,
            "{route:?}: {}",
            error.report()
        );
        harness.connection.rollback().await.unwrap();
        assert_eq!(
            harness.read(&table, &["id"]).await.len(),
            1,
            "{route:?}: rolled back"
        );
        // And stays usable.
        harness.connection.begin().await.unwrap();
        harness.write(&table, &schema, write, &rows([3])).await;
        harness.connection.commit().await.unwrap();
        let sql = format!("DELETE FROM {} WHERE id = 3", harness.quoted(&table.name));
        harness.run(&sql).await;
    }
    harness.done().await;
}
