//! Every declared type: described, read, written by every route, re-created.
use crate::conformance::{
    Fixture, Sample,
    compare::difference,
    harness::{Harness, Rows, Write},
};
use crate::{plan::WriteOp, table::Table};
use connect_api::{Result, Value};

/// A column of every sample's type is described as its kind, its values are read as they are,
/// arrive by every route in a column that was created of the type's metadata, and that column is of
/// the same type. All faults are reported at once.
pub async fn every_declared_type_round_trips(fixture: &Fixture) {
    assert!(
        !fixture.samples.is_empty(),
        "the dialect has a table of types"
    );
    let mut harness = Harness::new(fixture).await;
    let mut faults = Vec::new();
    for (i, sample) in fixture.samples.iter().enumerate() {
        match round_trip(&mut harness, sample, i).await {
            Ok(found) => faults.extend(found),
            Err(e) => {
                faults.push(format!("{}: {}", sample.declared, e.report()));
                // A failed statement may have left a transaction.
                harness = Harness::new(fixture).await;
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    harness.done().await;
}

async fn round_trip(
    harness: &mut Harness<'_>,
    sample: &Sample,
    number: usize,
) -> Result<Vec<String>> {
    let declared = sample.declared;
    let (table, rows) = sampled(harness, sample, number).await?;
    let column = &table.columns[1];
    if column.kind.as_ref() != Some(&sample.kind) {
        return Ok(vec![format!(
            "{declared}: described as {:?} ({})",
            column.kind, column.vendor_type
        )]);
    }
    let mut faults = Vec::new();
    if column.vendor_type.is_empty() || table.vendor.is_empty() {
        faults.push(format!("{declared}: its vendor type is not reported"));
    }
    let read = harness.read(&table, &["id"]).await;
    faults.extend(difference(&read, &rows).map(|fault| format!("{declared}: {fault}")));
    if !sample.written {
        return Ok(faults);
    }
    let schema = table.schema(&[0, 1], &["id"])?;
    let name = harness.name(&format!("again{number}"));
    let again = harness.create_table_for(name, &schema).await;
    let created = &again.columns[1].vendor_type;
    if sample.recreated && *created != column.vendor_type {
        faults.push(format!("{declared}: created again as {created}"));
    }
    let empty = format!("DELETE FROM {}", harness.quoted(&again.name));
    for (target, what) in [(&again, "created again"), (&table, "itself")] {
        let empty_target = format!("DELETE FROM {}", harness.quoted(&target.name));
        for (op, key) in [(WriteOp::Insert, &[][..]), (WriteOp::Upsert, &["id"][..])] {
            for route in harness.routes(target, &schema, op, key) {
                harness.connection.execute(&empty_target).await?;
                let route = Some(route);
                let write = Write { op, key, route };
                if let Err(e) = harness.try_write(target, &schema, write, &rows).await {
                    faults.push(format!(
                        "{declared}: {op:?} by {route:?} into {what}: {}",
                        e.report()
                    ));
                    harness.connection.rollback().await?;
                    continue;
                }
                let read = harness.read(target, &["id"]).await;
                let fault = if sample.recreated || what == "itself" {
                    difference(&read, &rows)
                } else {
                    None
                };
                faults.extend(
                    fault.map(|f| format!("{declared}: {op:?} by {route:?} into {what}: {f}")),
                );
            }
        }
    }
    harness.connection.execute(&empty).await?;
    Ok(faults)
}

/// Creates a table of a sample's type and fills it by SQL: a row of NULL, then one a value.
pub(super) async fn sampled(
    harness: &mut Harness<'_>,
    sample: &Sample,
    number: usize,
) -> Result<(Table, Rows)> {
    let name = harness.name(&format!("sample{number}"));
    let quoted = harness.quoted(&name);
    let ddl = format!(
        "CREATE TABLE {quoted} (id bigint NOT NULL PRIMARY KEY, v {})",
        sample.declared
    );
    harness.connection.execute(&ddl).await?;
    harness.keep(name.clone());
    let mut rows = Rows::new();
    if sample.written {
        let sql = format!("INSERT INTO {quoted} (id, v) VALUES (0, NULL)");
        harness.connection.execute(&sql).await?;
        rows.push(vec![Value::Int(0), Value::Null]);
    }
    for (i, (sql, value)) in sample.values.iter().enumerate() {
        let id = i as i64 + 1;
        let sql = if sample.written {
            format!("INSERT INTO {quoted} (id, v) VALUES ({id}, {sql})")
        } else {
            format!("INSERT INTO {quoted} (id) VALUES ({id})")
        };
        harness
            .connection
            .execute(&sql)
            .await
            .map_err(|e| e.context(sql))?;
        rows.push(vec![Value::Int(id), value.clone()]);
    }
    Ok((harness.describe_table(&name).await, rows))
}
