//! Local times: instants are written to timestamp columns without time zone as local times of
//! `db.timezone`.
use connect_api::{
    Error, ErrorKind, Kind, Records, Result, Schema,
    arrow::array::{
        Array as _, ArrayRef, RecordBatch, TimestampMicrosecondArray, cast::AsArray as _,
        types::TimestampMicrosecondType,
    },
};
use dialect_core::{Table, Zone, shown};
use std::sync::Arc;

/// The table with timestamps without time zone as instants, for bodies without a schema.
pub(crate) fn with_instants(table: &Table) -> Table {
    let mut table = table.clone();
    for column in &mut table.columns {
        if column.kind == Some(Kind::Timestamp { utc: false }) {
            column.kind = Some(Kind::Timestamp { utc: true });
        }
    }
    table
}

/// Converts instants for columns of `table` without time zone to local times of `zone`; `None` if
/// there are none.
///
/// # Errors
/// `Internal`.
pub(crate) fn to_local_time(
    records: &Records,
    table: &Table,
    zone: &Zone,
) -> Result<Option<Records>> {
    let schema = records.schema();
    let becomes = |(index, kind): (usize, &Kind)| {
        let instant = matches!(kind, Kind::Timestamp { utc: true } | Kind::OffsetTimestamp);
        let column = table.column(schema.field(index).name());
        let wall = column.is_some_and(|c| c.kind == Some(Kind::Timestamp { utc: false }));
        (instant && wall).then_some(index)
    };
    let columns: Vec<usize> = schema
        .kinds()
        .iter()
        .enumerate()
        .filter_map(becomes)
        .collect();
    if columns.is_empty() {
        return Ok(None);
    }
    let wall = Kind::Timestamp { utc: false };
    let fields = schema
        .columns()
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| {
            if columns.contains(&index) {
                wall.clone().field(field.name(), field.is_nullable())
            } else {
                field.as_ref().clone()
            }
        });
    let key: Vec<&str> = schema
        .key()
        .iter()
        .map(|index| schema.field(*index).name().as_str())
        .collect();
    let written = Schema::new(schema.name(), fields, &key)?;
    let cells = records.batch().columns().iter().enumerate();
    let cells = cells.map(|(index, column)| {
        if columns.contains(&index) {
            local_times(column, zone)
        } else {
            column.clone()
        }
    });
    let batch = RecordBatch::try_new(written.columns().clone(), cells.collect()).map_err(|e| {
        let message = format!(
            "records of {}: converting instants to local times",
            schema.name()
        );
        Error::new(ErrorKind::Internal, message).with_source(e)
    })?;
    let written = Records::new(records.topic().clone(), written, batch)?;
    written.with_ops(records.ops().clone()).map(Some)
}

fn local_times(column: &ArrayRef, zone: &Zone) -> ArrayRef {
    // With an offset, which is not part of the instant.
    let (instants, nulls) = match column.as_struct_opt() {
        Some(parts) => (parts.column(0), parts.nulls()),
        None => (column, column.nulls()),
    };
    let times = shown(zone, instants.as_primitive::<TimestampMicrosecondType>());
    Arc::new(TimestampMicrosecondArray::new(
        times.values().clone(),
        nulls.cloned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::{ConnectRecord, Value};
    use dialect_core::Column;

    #[test]
    fn instants_become_local_times_in_columns_without_time_zone() {
        let kinds = [
            ("id", Kind::Int64),
            ("at", Kind::Timestamp { utc: true }),
            ("known", Kind::Timestamp { utc: true }),
            ("local", Kind::Timestamp { utc: false }),
            ("far", Kind::OffsetTimestamp),
        ];
        let fields = kinds
            .iter()
            .map(|(name, kind)| kind.clone().field(name, *name != "id"));
        let schema = Schema::new("t", fields, &["id"]).unwrap();
        let hour = 3_600_000_000;
        let row = ConnectRecord::from([
            Value::Int(1),
            Value::Timestamp(0),
            Value::Timestamp(0),
            Value::Timestamp(0),
            Value::OffsetTimestamp(0, -60),
        ]);
        let records = Records::from_rows("t".into(), schema, [row]).unwrap();
        let column = |name: &str, utc| Column {
            name: name.to_owned(),
            kind: Some(Kind::Timestamp { utc }),
            ..Column::default()
        };
        let table = Table {
            columns: vec![
                column("AT", false),
                column("known", true),
                column("local", false),
                column("far", false),
            ],
            ..Table::default()
        };
        let zone = Zone::named("Asia/Shanghai").unwrap();
        let written = to_local_time(&records, &table, &zone).unwrap().unwrap();
        let row: Vec<Value> = (0..5).map(|i| written.row(0).get(i).to_value()).collect();
        assert_eq!(row[1], Value::Timestamp(8 * hour));
        assert_eq!(row[2], Value::Timestamp(0), "it has a zone");
        assert_eq!(row[3], Value::Timestamp(0), "it was said to be of no zone");
        assert_eq!(row[4], Value::Timestamp(8 * hour));
        assert_eq!(written.schema().kinds()[1], Kind::Timestamp { utc: false });
        assert_eq!(written.schema().key(), [0]);
        assert!(to_local_time(&written, &table, &zone).unwrap().is_none());
        let with_instants = with_instants(&table);
        assert!(
            with_instants
                .columns
                .iter()
                .all(|c| c.kind == Some(Kind::Timestamp { utc: true }))
        );
    }
}
