//! What is read of a table and in which order: decided once, from its description and the
//! settings.
use crate::{
    config::{Mode, SourceConfig},
    local_time::LocalTimeColumns,
    mode_columns::ModeColumns,
    unique_key,
};
use connect_api::{Kind, Origin, SchemaRef, Value, config::Faults};
use dialect_core::{KeyPart, KeyValues, Syntax, Table, Zone};
use std::{fmt, sync::Arc, time::Duration};

/// How a table is read.
#[derive(Debug, Clone)]
pub(crate) struct ReadPlan {
    /// The table, or the columns of the query.
    pub(crate) table: Table,
    /// Read instead of the table.
    pub(crate) query: Option<String>,
    /// The columns, by index in the table: all of them, so that a column has one index in the
    /// table and in the records.
    pub(crate) columns: Vec<usize>,
    /// Of the rows as they are read.
    pub(crate) schema: SchemaRef,
    /// How they are sent, where that is otherwise.
    pub(crate) local_times: Option<LocalTimeColumns>,
    /// The table that rows are read from; none of a query.
    pub(crate) origin: Option<Arc<Origin>>,
    /// What pages are ordered by; empty for a table that is read in one stream.
    pub(crate) key: Vec<KeyPart>,
    /// No two rows have one key, so that a page may end anywhere.
    pub(crate) unique_key: bool,
    /// The name of each key part in stored offsets.
    pub(crate) offset_names: Vec<Box<str>>,
    /// Names of parts that older positions have beyond the key.
    pub(crate) legacy_offset_names: Vec<Box<str>>,
    /// Reading begins anew after the last row.
    pub(crate) bulk: bool,
    /// See [`Page::before_now`](dialect_core::Page::before_now).
    pub(crate) before_now: Option<Duration>,
    /// How far apart times lie that the first part of the key holds as one.
    pub(crate) resolution: Duration,
    /// The zone whose clocks write the first part of the key.
    pub(crate) time_zone: Option<Zone>,
    /// Where rows begin in a table that was not read before.
    pub(crate) start: StartPosition,
    /// Columns that hold the event time; the first that is not NULL counts.
    pub(crate) event_time_columns: Vec<usize>,
    /// The column that marks deleted rows.
    pub(crate) delete_column: Option<usize>,
}

/// Where rows begin in a table that was not read before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StartPosition {
    /// With the first.
    First,
    /// After the rows whose key begins with this.
    After(Vec<Value>),
    /// After the database's present time.
    Now,
}

/// Offset names of the key parts; those of the primary key are `key.` and the column's name.
const TIMESTAMP: &str = "timestamp";
const INCREMENTING: &str = "incrementing";

/// Leaves out what stands in the key after a part that orders rows more finely than its values
/// tell: rows of one position are not in its order. The names of what is left out.
fn truncate_after_inexact_part(
    table: &Table,
    syntax: &dyn Syntax,
    key: &mut Vec<(Box<str>, Vec<usize>)>,
) -> Vec<Box<str>> {
    let fine = key.iter().position(|(_, columns)| {
        let mut columns = columns.iter().map(|i| &table.columns[*i]);
        columns.any(|column| syntax.key_values(column) == KeyValues::Cut)
    });
    let rest = fine.map(|fine| key.split_off(fine + 1));
    let rest = rest.unwrap_or_default().into_iter();
    rest.map(|(name, _)| name).collect()
}

impl ReadPlan {
    /// Decides how `table` is read.
    ///
    /// # Errors
    /// All faults of the table and the settings at once.
    pub(crate) fn build(
        table: Table,
        config: &SourceConfig,
        syntax: &dyn Syntax,
    ) -> Result<Self, Faults> {
        let mut mode_columns = ModeColumns::new(&table, config);
        let event_time_columns = mode_columns.timestamp_columns();
        let mut key = Vec::new();
        if config.uses_timestamps() && !event_time_columns.is_empty() {
            mode_columns.check_not_null("timestamp.column.name", "timestamp", &event_time_columns);
            key.push((TIMESTAMP.into(), event_time_columns.clone()));
        }
        let mut incrementing = None;
        if config.uses_incrementing() {
            incrementing = mode_columns.incrementing_column();
            if let Some(column) = incrementing {
                mode_columns.check_not_null("incrementing.column.name", "incrementing", &[column]);
                key.push((INCREMENTING.into(), vec![column]));
            }
        }
        key.extend(mode_columns.tie_breakers(incrementing));
        let legacy_offset_names = truncate_after_inexact_part(&table, syntax, &mut key);
        let delete_column = mode_columns.delete_column(incrementing.is_some());
        let columns: Vec<usize> = (0..table.columns.len()).collect();
        let record_key: Vec<&str> = match (table.primary_key.as_slice(), incrementing) {
            ([], Some(column)) => vec![&table.columns[column].name],
            (primary, _) => primary.iter().map(String::as_str).collect(),
        };
        let schema = match table.schema(&columns, &record_key) {
            Ok(schema) if mode_columns.faults.is_empty() => schema,
            Ok(_) => return Err(mode_columns.faults),
            Err(e) => {
                mode_columns.faults.general(e.to_string());
                return Err(mode_columns.faults);
            }
        };
        let local_times = config
            .timezone
            .as_ref()
            .map(|zone| LocalTimeColumns::of(&table, &record_key, zone));
        let local_times = match local_times.transpose() {
            Ok(local_times) => local_times.flatten(),
            Err(e) => {
                mode_columns.faults.general(e.to_string());
                return Err(mode_columns.faults);
            }
        };
        let start = match config
            .timestamp_initial
            .filter(|_| config.uses_timestamps())
        {
            None => StartPosition::First,
            Some(-1) => StartPosition::Now,
            // Keys are compared by `>`: a microsecond before, so that the very time counts.
            Some(ms) => {
                let micros = ms.saturating_mul(1_000).saturating_sub(1);
                let first = event_time_columns.first().map(|i| &schema.kinds()[*i]);
                StartPosition::After(vec![match first {
                    Some(Kind::OffsetTimestamp) => Value::OffsetTimestamp(micros, 0),
                    _ => Value::Timestamp(micros),
                }])
            }
        };
        let (offset_names, parts): (Vec<_>, Vec<_>) = key.into_iter().unzip();
        let parts = parts.into_iter().map(|columns| KeyPart { columns });
        let key: Vec<KeyPart> = parts.collect();
        let query = config.query.0.is_some();
        let of_first = key.first().map_or(&[][..], |part| &part.columns);
        let steps = of_first.iter().map(|i| syntax.step(&table.columns[*i]));
        let resolution = steps.max().unwrap_or_default();
        let origin = (!query).then(|| {
            Arc::new(Origin {
                schema: table.name.schema.as_deref().map(Into::into),
                table: table.name.name.as_str().into(),
            })
        });
        Ok(Self {
            origin,
            query: config.query.0.clone(),
            columns,
            schema,
            local_times,
            resolution,
            time_zone: None,
            unique_key: unique_key::is_unique(&table, query, &key, syntax),
            key,
            offset_names,
            legacy_offset_names,
            bulk: config.mode == Mode::Bulk,
            before_now: config.uses_timestamps().then_some(config.timestamp_delay.0),
            start,
            event_time_columns,
            delete_column,
            table,
        })
    }

    /// What is read, for people.
    pub(crate) fn name(&self) -> &(dyn fmt::Display + Send + Sync) {
        match self.query {
            Some(_) => &"(query)",
            None => &self.table.name,
        }
    }

    /// Rows can be without a key, and are then never read.
    pub(crate) fn has_nullable_key(&self) -> bool {
        let nullable = |part: &KeyPart| {
            let mut columns = part.columns.iter();
            columns.all(|i| self.table.columns[*i].nullable)
        };
        self.key.iter().any(nullable)
    }

    /// Of the records that are sent.
    pub(crate) fn outgoing_schema(&self) -> &SchemaRef {
        let local_times = self.local_times.as_ref();
        local_times.map_or(&self.schema, |local_times| &local_times.schema)
    }

    /// The kind of a key part.
    pub(crate) fn key_kind(&self, part: usize) -> &Kind {
        &self.schema.kinds()[self.key[part].columns[0]]
    }
}
