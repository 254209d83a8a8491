//! Every type that can be declared: described, read, written by every route, made again.
use super::{
    Fixture, Sample,
    sameness::differs,
    workbench::{Rows, Workbench, Write},
};
use crate::{plan::WriteOp, table::Table};
use connect_api::{Result, Value};

/// A column of every sample's type is described as its kind, its values are read as they are,
/// arrive by every route in a column that was made of the type's metadata, and that column is of
/// the same type. All faults are told at once.
pub async fn every_declared_type_comes_and_goes(fixture: &Fixture) {
    assert!(
        !fixture.samples.is_empty(),
        "the dialect has a table of types"
    );
    let mut bench = Workbench::new(fixture).await;
    let mut faults = Vec::new();
    for (i, sample) in fixture.samples.iter().enumerate() {
        match comes_and_goes(&mut bench, sample, i).await {
            Ok(found) => faults.extend(found),
            Err(e) => {
                faults.push(format!("{}: {}", sample.declared, e.report()));
                // A failed statement may have left a transaction.
                bench = Workbench::new(fixture).await;
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    bench.done().await;
}

async fn comes_and_goes(
    bench: &mut Workbench<'_>,
    sample: &Sample,
    number: usize,
) -> Result<Vec<String>> {
    let declared = sample.declared;
    let (table, rows) = sampled(bench, sample, number).await?;
    let column = &table.columns[1];
    if column.kind.as_ref() != Some(&sample.kind) {
        return Ok(vec![format!(
            "{declared}: described as {:?} ({})",
            column.kind, column.vendor_type
        )]);
    }
    let mut faults = Vec::new();
    if column.vendor_type.is_empty() || table.vendor.is_empty() {
        faults.push(format!("{declared}: its vendor type is not told"));
    }
    let read = bench.read(&table, &["id"]).await;
    faults.extend(differs(&read, &rows).map(|fault| format!("{declared}: {fault}")));
    if !sample.written {
        return Ok(faults);
    }
    let schema = table.schema(&[0, 1], &["id"])?;
    let name = bench.name(&format!("again{number}"));
    let again = bench.make_for(name, &schema).await;
    let made = &again.columns[1].vendor_type;
    if sample.recreated && *made != column.vendor_type {
        faults.push(format!("{declared}: made again as {made}"));
    }
    let empty = format!("DELETE FROM {}", bench.quoted(&again.name));
    for (target, what) in [(&again, "made again"), (&table, "itself")] {
        let empty_target = format!("DELETE FROM {}", bench.quoted(&target.name));
        for (op, key) in [(WriteOp::Insert, &[][..]), (WriteOp::Upsert, &["id"][..])] {
            for route in bench.routes(target, &schema, op, key) {
                bench.connection.execute(&empty_target).await?;
                let route = Some(route);
                let write = Write { op, key, route };
                if let Err(e) = bench.try_write(target, &schema, write, &rows).await {
                    faults.push(format!(
                        "{declared}: {op:?} by {route:?} into {what}: {}",
                        e.report()
                    ));
                    bench.connection.rollback().await?;
                    continue;
                }
                let read = bench.read(target, &["id"]).await;
                let fault = if sample.recreated || what == "itself" {
                    differs(&read, &rows)
                } else {
                    None
                };
                faults.extend(
                    fault.map(|f| format!("{declared}: {op:?} by {route:?} into {what}: {f}")),
                );
            }
        }
    }
    bench.connection.execute(&empty).await?;
    Ok(faults)
}

/// Makes a table of a sample's type and fills it by SQL: a row of NULL, then one a value.
pub(super) async fn sampled(
    bench: &mut Workbench<'_>,
    sample: &Sample,
    number: usize,
) -> Result<(Table, Rows)> {
    let name = bench.name(&format!("sample{number}"));
    let quoted = bench.quoted(&name);
    let ddl = format!(
        "CREATE TABLE {quoted} (id bigint NOT NULL PRIMARY KEY, v {})",
        sample.declared
    );
    bench.connection.execute(&ddl).await?;
    bench.keep(name.clone());
    let mut rows = Rows::new();
    if sample.written {
        let sql = format!("INSERT INTO {quoted} (id, v) VALUES (0, NULL)");
        bench.connection.execute(&sql).await?;
        rows.push(vec![Value::Int(0), Value::Null]);
    }
    for (i, (sql, value)) in sample.values.iter().enumerate() {
        let id = i as i64 + 1;
        let sql = if sample.written {
            format!("INSERT INTO {quoted} (id, v) VALUES ({id}, {sql})")
        } else {
            format!("INSERT INTO {quoted} (id) VALUES ({id})")
        };
        bench
            .connection
            .execute(&sql)
            .await
            .map_err(|e| e.context(sql))?;
        rows.push(vec![Value::Int(id), value.clone()]);
    }
    Ok((bench.described(&name).await, rows))
}
