//! Readings that are left, and connections that are lost.
use super::{
    Fixture,
    workbench::{INSERT, Rows, Workbench, schema},
};
use crate::query::{Page, Statement};
use connect_api::{ErrorKind, Kind, Records, ValueRef};
use std::time::{Duration, Instant};

/// A cursor that is dropped after its first rows costs no wait for the others; the connection goes
/// on, or says that it is lost.
pub async fn readings_can_be_left_in_the_middle(fixture: &Fixture) {
    let mut bench = Workbench::new(fixture).await;
    let records = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = bench.name("left");
    let table = bench.make_for(name, &records).await;
    let long = "x".repeat(1_000);
    for piece in 0..10 {
        let rows: Rows = (piece * 2_000..(piece + 1) * 2_000)
            .map(|id: i64| vec![id.into(), long.as_str().into()])
            .collect();
        bench.write(&table, &records, INSERT, &rows).await;
    }
    let page = Page::of(&table, &[0, 1]);
    let schema = table.schema(&[0, 1], &[]).unwrap();
    let statement = fixture.dialect.syntax().select(&page).unwrap();
    let mut cursor = bench.connection.query(&statement, &schema).await.unwrap();
    let first = cursor.next(10, 1 << 20).await.unwrap().unwrap();
    assert_eq!(first.num_rows(), 10);
    drop(cursor);
    let left = Instant::now();
    match bench.connection.ping().await {
        Ok(()) => {
            let read = bench.read(&table, &["id"]).await;
            assert_eq!(read.len(), 20_000, "rows of the two do not mix");
        }
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::Connect, "{}", e.report());
            bench.reconnect().await;
        }
    }
    assert!(left.elapsed() < Duration::from_secs(60));
    bench.done().await;
}

/// A session that is ended from outside is an error of kind Connect, in every call from then on.
pub async fn lost_connections_are_told(fixture: &Fixture) {
    let Some(session) = fixture.session else {
        return;
    };
    let mut bench = Workbench::new(fixture).await;
    let records = schema([("id", Kind::Int64), ("v", Kind::Text)], &["id"]);
    let name = bench.name("lost");
    let table = bench.make_for(name, &records).await;
    let statement = Statement {
        sql: session.id.to_owned(),
        params: Vec::new(),
    };
    let number = schema([("id", Kind::Text)], &[]);
    let mut cursor = bench.connection.query(&statement, &number).await.unwrap();
    let batch = cursor.next(1, 1 << 10).await.unwrap().unwrap();
    drop(cursor);
    let found = Records::new("t".into(), number, batch).unwrap();
    let ValueRef::Text(id) = found.row(0).get(0) else {
        panic!("a session has a number");
    };
    let mut other = fixture.dialect.connect().await.unwrap();
    bench.connection.begin().await.unwrap();
    let rows: Rows = vec![vec![1.into(), "v".into()]];
    bench.write(&table, &records, INSERT, &rows).await;
    other.execute(&(session.kill)(id)).await.unwrap();
    let lost = loop {
        // The server may take a moment to end it.
        match bench
            .try_write(&table, &records, INSERT, &vec![vec![2.into(), "v".into()]])
            .await
        {
            Ok(_) => {
                bench
                    .run(&format!(
                        "DELETE FROM {} WHERE id = 2",
                        bench.quoted(&table.name)
                    ))
                    .await
            }
            Err(e) => break e,
        }
    };
    assert_eq!(lost.kind(), ErrorKind::Connect, "{}", lost.report());
    let again = bench.connection.ping().await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Connect, "{}", again.report());
    bench.reconnect().await;
    assert!(
        bench.read(&table, &["id"]).await.is_empty(),
        "what was not committed is gone"
    );
    other.close().await.unwrap();
    bench.done().await;
}
