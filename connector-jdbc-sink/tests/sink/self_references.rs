//! Tables with a self-reference.
use crate::harness::*;
use connect_api::{ConnectRecord, Kind, Op, Records, Schema, Value};

const UPSERT: [(&str, &str); 3] = [
    ("insert.mode", "upsert"),
    ("pk.mode", "record_key"),
    ("delete.enabled", "true"),
];

async fn databases() -> [Database; 3] {
    let mut sqlite = Database::sqlite(&[]).await;
    // SQLite enforces foreign keys only with this setting.
    sqlite.url.push_str("&foreign_keys=true");
    [
        Database::server("CONNECT_TEST_POSTGRES_URL"),
        Database::server("CONNECT_TEST_MYSQL_URL"),
        sqlite,
    ]
}

pub(crate) fn settings(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut settings = UPSERT.to_vec();
    settings.extend(more);
    settings
}

async fn drop(database: &Database, table: &str) {
    database.execute(&format!("DROP TABLE {table}")).await;
}

async fn self_referencing(database: &Database) -> String {
    let table = unique("self");
    let make = format!(
        "CREATE TABLE {table} (id bigint PRIMARY KEY, parent bigint, \
         FOREIGN KEY (parent) REFERENCES {table} (id))"
    );
    database.execute(&make).await;
    table
}

/// Rows of `id` and `parent`; deletes if there is no parent value.
pub(crate) fn rows(
    table: &str,
    rows: impl IntoIterator<Item = (i64, Option<Option<i64>>)>,
) -> Records {
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Int64.field("parent", true),
    ];
    let schema = Schema::new("family", fields, &[]).unwrap();
    let record = |(id, parent): (i64, Option<Option<i64>>)| ConnectRecord {
        values: vec![id.into(), parent.flatten().map_or(Value::Null, Value::Int)],
        op: match parent {
            Some(_) => Op::Read,
            None => Op::Delete,
        },
        ..ConnectRecord::default()
    };
    let rows = rows.into_iter().map(record);
    Records::from_rows(table.into(), schema, rows).unwrap()
}

#[tokio::test]
async fn a_chain_of_rows_is_written_in_any_order_of_a_batch() {
    for database in databases().await {
        let table = self_referencing(&database).await;
        let mut run = database.start(&settings(&[])).await;
        let count = 2_000;
        let chain = |id: i64| (id, Some((id > 0).then(|| id - 1)));
        // In reverse order, and then in a scattered order.
        let turned = rows(&table, (0..count).rev().map(chain));
        let leaps = rows(&table, (0..count).map(|i| i * 7 % count).map(chain));
        for batch in [turned, leaps] {
            assert!(run.put(&batch).await.is_empty());
            assert_eq!(database.rows(&table).await.len(), 2_000);
            let gone = rows(&table, (0..count).map(|id| (id, None)));
            assert!(run.put(&gone).await.is_empty());
            assert!(database.rows(&table).await.is_empty());
        }
        drop(&database, &table).await;
    }
}

#[tokio::test]
async fn foreign_key_violations_are_distinguished_from_other_rejections() {
    for database in databases().await {
        let table = self_referencing(&database).await;
        let mut run = database.start(&settings(&[])).await;
        let batch = [(1, Some(None)), (2, Some(Some(9))), (3, Some(Some(1)))];
        let outcome = run.try_put(&rows(&table, batch)).await.unwrap();
        assert_eq!(outcome.rejected.len(), 1);
        let rejected = &outcome.rejected[0];
        assert_eq!(rejected.row, 1);
        assert!(rejected.error.is_reference(), "{}", rejected.error.report());
        let parent = [(1, None), (4, Some(None))];
        let outcome = run.try_put(&rows(&table, parent)).await.unwrap();
        assert_eq!(outcome.rejected.len(), 1, "a child refers to it");
        let rejected = &outcome.rejected[0];
        assert!(rejected.error.is_reference(), "{}", rejected.error.report());
        assert_eq!(database.rows(&table).await, ["1 -", "3 1", "4 -"]);
        let keys = run.task.keys(&rows(&table, batch)).unwrap().unwrap();
        assert!(keys[0] != keys[1] && keys[1] != keys[2]);
        drop(&database, &table).await;
    }
}
