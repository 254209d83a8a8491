//! Cursors dropped before their end, and lost connections.
use crate::conformance::{
    Fixture,
    harness::{Harness, INSERT, Rows, schema},
};
use crate::query::{Page, Statement};
use connect_api::{ErrorKind, Kind, Records, ValueRef};
use std::time::{Duration, Instant};

/// Dropping a cursor after its first rows does not wait for the others. The connection stays usable
/// or reports that it is lost.
pub async fn cursors_can_be_dropped_before_the_end(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let records = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = harness.name("left");
    let table = harness.create_table_for(name, &records).await;
    let long = "x".repeat(1_000);
    for piece in 0..10 {
        let rows: Rows = (piece * 2_000..(piece + 1) * 2_000)
            .map(|id: i64| vec![id.into(), long.as_str().into()])
            .collect();
        harness.write(&table, &records, INSERT, &rows).await;
    }
    let page = Page::of(&table, &[0, 1]);
    let schema = table.schema(&[0, 1], &[]).unwrap();
    let statement = fixture.dialect.syntax().select(&page).unwrap();
    let mut cursor = harness.connection.query(&statement, &schema).await.unwrap();
    let first = cursor.next(10, 1 << 20).await.unwrap().unwrap();
    assert_eq!(first.num_rows(), 10);
    drop(cursor);
    let left = Instant::now();
    match harness.connection.ping().await {
        Ok(()) => {
            let read = harness.read(&table, &["id"]).await;
            assert_eq!(read.len(), 20_000, "rows of the two do not mix");
        }
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::Connect, "{}", e.report());
            harness.reconnect().await;
        }
    }
    assert!(left.elapsed() < Duration::from_secs(60));
    harness.done().await;
}

/// After the server ends a session, every call returns an error of kind Connect.
pub async fn lost_connections_are_reported(fixture: &Fixture) {
    let Some(session) = fixture.session else {
        return;
    };
    let mut harness = Harness::new(fixture).await;
    let records = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = harness.name("lost");
    let table = harness.create_table_for(name, &records).await;
    let statement = Statement {
        sql: session.id.to_owned(),
        params: Vec::new(),
    };
    let number = schema([("id", Kind::Text)], &[]);
    let mut cursor = harness.connection.query(&statement, &number).await.unwrap();
    let batch = cursor.next(1, 1 << 10).await.unwrap().unwrap();
    drop(cursor);
    let found = Records::new("t".into(), number, batch).unwrap();
    let ValueRef::Text(id) = found.row(0).get(0) else {
        panic!("a session has a number");
    };
    let mut other = fixture.dialect.connect().await.unwrap();
    harness.connection.begin().await.unwrap();
    let rows: Rows = vec![vec![1.into(), "v".into()]];
    harness.write(&table, &records, INSERT, &rows).await;
    other.execute(&(session.kill)(id)).await.unwrap();
    let lost = loop {
        // The server may take a moment to end it.
        match harness
            .try_write(&table, &records, INSERT, &vec![vec![2.into(), "v".into()]])
            .await
        {
            Ok(_) => {
                harness
                    .run(&format!(
                        "DELETE FROM {} WHERE id = 2",
                        harness.quoted(&table.name)
                    ))
                    .await
            }
            Err(e) => break e,
        }
    };
    assert_eq!(lost.kind(), ErrorKind::Connect, "{}", lost.report());
    let again = harness.connection.ping().await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Connect, "{}", again.report());
    harness.reconnect().await;
    assert!(
        harness.read(&table, &["id"]).await.is_empty(),
        "what was not committed is gone"
    );
    other.close().await.unwrap();
    harness.done().await;
}
