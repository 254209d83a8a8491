//! Coercion: converts values to the type of their column, exactly or as `values.narrow` says.
mod cast;
mod number;
mod text;

use crate::config::{Narrow, SinkConfig};
use cast::{Cast, can_cast, cast, is_lossy};
use connect_api::{
    Error, Kind, Records, Rejected, Result, Schema, SchemaRef,
    arrow::{
        array::RecordBatch,
        schema::{Field, FieldRef},
    },
};
use dialect_core::{Column, Dialect, Table, TableName, ValueError};
use std::sync::Arc;

/// The coercion of records of one schema to the columns of a table.
#[derive(Debug)]
pub(crate) struct Coercion {
    table: TableName,
    schema: SchemaRef,
    /// The columns to cast, each with its name in the table.
    casts: Vec<(usize, String, Cast)>,
}

/// The result of a coercion.
#[derive(Debug)]
pub(crate) struct Coerced {
    /// The rows that could be coerced.
    pub(crate) records: Records,
    /// Their indexes in the batch, if some rows were rejected.
    pub(crate) kept_rows: Option<Vec<u32>>,
    /// The rejected rows, ascending.
    pub(crate) rejected: Vec<Rejected>,
}

impl Coercion {
    /// Plans the coercion of records of `schema`; `None` if none is needed. Columns of the `key`
    /// are never narrowed: two keys could become equal.
    ///
    /// # Errors `Schema`: an invalid schema, an error of the caller.
    pub(crate) fn plan(
        dialect: &dyn Dialect,
        table: &Table,
        schema: &Schema,
        key: &[String],
        config: &SinkConfig,
    ) -> Result<Option<Self>> {
        let mut casts = Vec::new();
        let mut fields: Vec<FieldRef> = schema.columns().fields().to_vec();
        for (i, field) in schema.columns().fields().iter().enumerate() {
            let column = table.column(field.name()).filter(|c| !c.generated);
            // Columns that are not written need no cast.
            let Some(column) = column.filter(|_| config.writes(field.name(), key)) else {
                continue;
            };
            let in_key = key.iter().any(|k| k.eq_ignore_ascii_case(&column.name));
            let narrow = if in_key { Narrow::Error } else { config.narrow };
            if let Some(cast) = choose_cast(dialect, &schema.kinds()[i], column, narrow) {
                fields[i] = Arc::new(cast.to.clone().field(field.name(), true));
                casts.push((i, column.name.clone(), cast));
            }
        }
        if casts.is_empty() {
            return Ok(None);
        }
        let names = schema
            .key()
            .iter()
            .map(|i| schema.field(*i).name().as_str());
        let fields = fields.iter().map(|field| Field::clone(field));
        Ok(Some(Self {
            table: table.name.clone(),
            schema: Schema::new(schema.name(), fields, &names.collect::<Vec<_>>())?,
            casts,
        }))
    }

    /// Coerces the records; rows with a value that does not fit its column are rejected.
    ///
    /// # Errors `Internal`: the records have another schema than the plan.
    pub(crate) fn apply(&self, records: &Records) -> Result<Coerced> {
        let mut columns = records.batch().columns().to_vec();
        let mut faults: Vec<(usize, &str, ValueError)> = Vec::new();
        for (i, name, to) in &self.casts {
            let kind = &records.schema().kinds()[*i];
            let (column, errors) = cast(kind, columns[*i].as_ref(), to)?;
            columns[*i] = column;
            faults.extend(errors.into_iter().map(|(row, error)| (row, &**name, error)));
        }
        let batch = RecordBatch::try_new(self.schema.columns().clone(), columns)?;
        let records = records.with_columns(self.schema.clone(), batch)?;
        if faults.is_empty() {
            return Ok(Coerced {
                records,
                kept_rows: None,
                rejected: Vec::new(),
            });
        }
        faults.sort_by_key(|(row, ..)| *row);
        faults.dedup_by_key(|(row, ..)| *row);
        let accepted = |row: &u32| {
            let bad = faults.binary_search_by_key(&(*row as usize), |(row, ..)| *row);
            bad.is_err()
        };
        let rows = u32::try_from(records.len()).map_err(|e| {
            Error::new(connect_api::ErrorKind::Internal, "too many rows in a batch").with_source(e)
        })?;
        let kept_rows: Vec<u32> = (0..rows).filter(accepted).collect();
        Ok(Coerced {
            records: records.take(&kept_rows)?,
            kept_rows: Some(kept_rows),
            // G3: a row that does not fit is returned.
            rejected: faults
                .into_iter()
                .map(|(row, column, error)| Rejected {
                    row,
                    error: error.at(&self.table, column),
                })
                .collect(),
        })
    }
}

/// The cast of values of `kind` to `column`; `None` if none is needed.
fn choose_cast(
    dialect: &dyn Dialect,
    kind: &Kind,
    column: &Column,
    narrow: Narrow,
) -> Option<Cast> {
    let own = column
        .kind
        .as_ref()
        .filter(|own| dialect.takes(own, column));
    let cast = |to: &Kind| Cast {
        to: to.clone(),
        grain: dialect.datetime_precision(column),
        narrow,
    };
    if !dialect.takes(kind, column) {
        return own.filter(|own| can_cast(kind, own)).map(cast);
    }
    if narrow == Narrow::Error {
        return None;
    }
    let timed = matches!(
        kind,
        Kind::Time | Kind::TimeNanos | Kind::Timestamp { .. } | Kind::OffsetTimestamp
    );
    match own {
        Some(own) if is_lossy(kind, own) => Some(cast(own)),
        _ if timed && !dialect.datetime_precision(column).is_microsecond() => Some(cast(kind)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
