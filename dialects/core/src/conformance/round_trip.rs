//! Every value of every kind, written and read back.
use crate::conformance::{
    Fixture, KINDS,
    compare::assert_same,
    edge_values,
    harness::{Harness, INSERT, Rows, Write, schema},
};
use crate::plan::WriteOp;
use connect_api::{ErrorKind, Kind, SchemaRef, Value};

fn columns() -> Vec<(String, Kind)> {
    KINDS
        .iter()
        .enumerate()
        .map(|(i, kind)| (format!("c{i}"), kind.clone()))
        .collect()
}

fn wide_schema() -> SchemaRef {
    let columns = columns();
    let named = columns
        .iter()
        .map(|(name, kind)| (name.as_str(), kind.clone()));
    schema(std::iter::once(("id", Kind::Int64)).chain(named), &["id"])
}

/// Row after row the next value of every kind that the database holds, NULL once they are used
/// up; the last row is NULL throughout.
fn wide_rows(fixture: &Fixture) -> Rows {
    let held: Vec<Vec<Value>> = KINDS
        .iter()
        .map(|kind| {
            edge_values(kind)
                .into_iter()
                .filter(|v| (fixture.holds)(kind, v))
                .collect()
        })
        .collect();
    let longest = held.iter().map(Vec::len).max().unwrap_or(0);
    (0..=longest)
        .map(|row| {
            let id = Value::Int(row as i64);
            let cells = held
                .iter()
                .map(|values| values.get(row).cloned().unwrap_or(Value::Null));
            std::iter::once(id).chain(cells).collect()
        })
        .collect()
}

/// The rows as they are read back.
fn read_back(fixture: &Fixture, rows: &Rows) -> Rows {
    let cell = |(kind, value): (&Kind, &Value)| match value {
        Value::Null => Value::Null,
        value => (fixture.read_back)(kind, value.clone()),
    };
    rows.iter()
        .map(|row| {
            std::iter::once(row[0].clone())
                .chain(KINDS.iter().zip(&row[1..]).map(cell))
                .collect()
        })
        .collect()
}

/// What is written by any route is read back by pages, to the last digit.
pub async fn every_value_is_read_back_by_every_route(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let (schema, rows) = (wide_schema(), wide_rows(fixture));
    let expected = read_back(fixture, &rows);
    let name = harness.name("values");
    let table = harness.create_table_for(name, &schema).await;
    let empty = format!("DELETE FROM {}", harness.quoted(&table.name));
    for (op, key) in [(WriteOp::Insert, &[][..]), (WriteOp::Upsert, &["id"][..])] {
        for route in harness.routes(&table, &schema, op, key) {
            let what = format!("{op:?} by {route:?}");
            let write = Write {
                op,
                key,
                route: Some(route),
            };
            harness.write(&table, &schema, write, &rows).await;
            assert_same(&harness.read(&table, &["id"]).await, &expected, &what);
            if op == WriteOp::Upsert {
                // Once more over what is there: every row with the cells of the next.
                let mut moved = rows.clone();
                for (i, row) in moved.iter_mut().enumerate() {
                    row[1..].clone_from_slice(&rows[(i + 1) % rows.len()][1..]);
                }
                harness.write(&table, &schema, write, &moved).await;
                assert_same(
                    &harness.read(&table, &["id"]).await,
                    &read_back(fixture, &moved),
                    &format!("second {what}"),
                );
            }
            harness.run(&empty).await;
        }
    }
    // Updates bind in another order.
    let nulls = rows.iter().enumerate().map(|(i, row)| {
        let mut nulls = vec![Value::Null; row.len()];
        nulls[0] = Value::Int(i as i64);
        nulls
    });
    harness
        .write(&table, &schema, INSERT, &nulls.collect())
        .await;
    for route in harness.routes(&table, &schema, WriteOp::Update, &["id"]) {
        let write = Write {
            op: WriteOp::Update,
            key: &["id"],
            route: Some(route),
        };
        harness.write(&table, &schema, write, &rows).await;
        assert_same(
            &harness.read(&table, &["id"]).await,
            &expected,
            &format!("Update by {route:?}"),
        );
    }
    harness.done().await;
}

/// What a column cannot hold is an error that names it; nothing is cut, rounded or left out.
pub async fn unrepresentable_values_are_rejected(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    for (i, kind) in KINDS.iter().enumerate() {
        let refused = edge_values(kind)
            .into_iter()
            .filter(|v| !(fixture.holds)(kind, v));
        let refused: Vec<_> = refused.collect();
        if refused.is_empty() {
            continue;
        }
        let schema = schema([("id", Kind::Int64), ("the_column", kind.clone())], &["id"]);
        let name = harness.name(&format!("refused{i}"));
        let table = harness.create_table_for(name, &schema).await;
        for route in harness.routes(&table, &schema, WriteOp::Insert, &[]) {
            for value in &refused {
                let write = Write {
                    route: Some(route),
                    ..INSERT
                };
                let rows = vec![vec![Value::Int(1), value.clone()]];
                let what = format!("{kind:?} {value:?} by {route:?}");
                match harness.try_write(&table, &schema, write, &rows).await {
                    Ok(_) => panic!("{what} is not refused"),
                    Err(e) => {
                        assert_eq!(e.kind(), ErrorKind::Data, "{what}: {}", e.report());
                        assert!(e.report().contains("the_column"), "{what}: {}", e.report());
                    }
                }
                assert!(
                    harness.read(&table, &["id"]).await.is_empty(),
                    "{what} left a row"
                );
            }
        }
    }
    harness.done().await;
}
