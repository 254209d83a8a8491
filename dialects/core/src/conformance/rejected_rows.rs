//! Batches in which the table rejects some rows.
use crate::conformance::{
    Fixture,
    compare::assert_same,
    harness::{Harness, Rows, records, schema},
};
use crate::{
    bisect::write_or_reject,
    plan::{WriteOp, WriteRequest},
};
use connect_api::{ErrorKind, Kind, Value};
use std::num::NonZeroUsize;

/// Every route leaves the same table and returns the same rejected rows, each with its own error.
pub async fn every_route_rejects_the_same_rows(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let table = harness
        .create_table(
            "reject",
            "id bigint NOT NULL PRIMARY KEY, v varchar(20) NOT NULL, code bigint UNIQUE",
        )
        .await;
    let schema = schema(
        [
            ("id", Kind::Int64),
            ("v", Kind::Text),
            ("code", Kind::Int64),
        ],
        &["id"],
    );
    // Refused: NULL where none may be, in the first, the last and a row between; a code that is
    // taken by an earlier row.
    let bad = [0, 77, 130, 131, 599];
    let rows: Rows = (0..600)
        .map(|id: i64| {
            let v = if [0, 77, 130, 599].contains(&id) {
                Value::Null
            } else {
                format!("row {id}").into()
            };
            let code = if id == 131 { 5 } else { id };
            vec![id.into(), v, code.into()]
        })
        .collect();
    let good: Rows = rows
        .iter()
        .enumerate()
        .filter(|(i, _)| !bad.contains(i))
        .map(|(_, row)| row.clone())
        .collect();
    let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
    let key = ["id".to_owned()];
    for op in [WriteOp::Insert, WriteOp::Upsert] {
        for route in harness.routes(&table, &schema, op, &["id"]) {
            let plan = fixture.dialect.plan_write(&WriteRequest {
                table: &table,
                schema: &schema,
                op,
                key: &key,
                columns: None,
                route: Some(route),
            });
            let plan = plan.unwrap();
            let records = records(&schema, &rows);
            let size = NonZeroUsize::new(250).unwrap();
            let connection = harness.connection.as_mut();
            let rejected = write_or_reject(connection, &plan, &records, 0..600, size).await;
            let rejected =
                rejected.unwrap_or_else(|e| panic!("{op:?} by {route:?}: {}", e.report()));
            let mut found: Vec<_> = rejected.iter().map(|r| r.row).collect();
            found.sort_unstable();
            // MySQL takes any unique key for the key of an upsert: row 131 changes row 5 there.
            if op == WriteOp::Upsert && found == [0, 77, 130, 599] {
                harness.run(&empty).await;
                continue;
            }
            assert_eq!(found, bad, "{op:?} by {route:?}");
            for rejected in &rejected {
                assert_eq!(rejected.error.kind(), ErrorKind::Data);
                let said = rejected.error.report();
                assert!(
                    said.contains(&table.name.name),
                    "{op:?} by {route:?}: {said}"
                );
            }
            let read = harness.read(&table, &["id"]).await;
            assert_same(&read, &good, &format!("{op:?} by {route:?}"));
            harness.run(&empty).await;
        }
    }
    harness.done().await;
}
