//! What is read of a table and in which order: decided once, from its description and the
//! settings.
use crate::{
    config::{Mode, SourceConfig},
    draft::Draft,
    instants::Instants,
    position, runs,
};
use connect_api::{Kind, Origin, Partition, SchemaRef, Value, config::Faults};
use dialect_core::{KeyPart, KeyValues, Syntax, Table, Zone};
use std::{fmt, sync::Arc, time::Duration};

/// How a table is read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
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
    pub(crate) instants: Option<Instants>,
    /// The table that rows are read from; none of a query.
    pub(crate) origin: Option<Arc<Origin>>,
    /// What pages are ordered by; empty for a table that is read in one stream.
    pub(crate) key: Vec<KeyPart>,
    /// No two rows have one key, so that a page may end anywhere.
    pub(crate) tells_apart: bool,
    /// The name of each key part in stored offsets.
    pub(crate) offset_names: Vec<Box<str>>,
    /// Names of parts that older positions have beyond the key.
    pub(crate) left_out: Vec<Box<str>>,
    /// Reading begins anew after the last row.
    pub(crate) again: bool,
    /// See [`Page::before_now`](dialect_core::Page::before_now).
    pub(crate) before_now: Option<Duration>,
    /// How far apart times lie that the first part of the key holds as one.
    pub(crate) step: Duration,
    /// The zone whose clocks write the first part of the key.
    pub(crate) clock: Option<Zone>,
    /// Where rows begin in a table that was not read before.
    pub(crate) begin: Begin,
    /// Columns that hold the event time; the first that is not NULL counts.
    pub(crate) times: Vec<usize>,
    /// The column that marks deleted rows.
    pub(crate) deleted: Option<usize>,
}

/// Where rows begin in a table that was not read before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Begin {
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
fn cut_after_fine(
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

impl Reading {
    /// Decides how `table` is read.
    ///
    /// # Errors
    /// All faults of the table and the settings at once.
    pub(crate) fn decide(
        table: Table,
        config: &SourceConfig,
        syntax: &dyn Syntax,
    ) -> Result<Self, Faults> {
        let mut draft = Draft::new(&table, config);
        let times = draft.times();
        let mut key = Vec::new();
        if config.uses_timestamps() && !times.is_empty() {
            draft.refuse_nullable("timestamp.column.name", "timestamp", &times);
            key.push((TIMESTAMP.into(), times.clone()));
        }
        let mut grows = None;
        if config.uses_incrementing() {
            grows = draft.incrementing();
            if let Some(column) = grows {
                draft.refuse_nullable("incrementing.column.name", "incrementing", &[column]);
                key.push((INCREMENTING.into(), vec![column]));
            }
        }
        key.extend(draft.tie_breaks(grows));
        let left_out = cut_after_fine(&table, syntax, &mut key);
        let deleted = draft.delete_column(grows.is_some());
        let columns: Vec<usize> = (0..table.columns.len()).collect();
        let record_key: Vec<&str> = match (table.primary_key.as_slice(), grows) {
            ([], Some(column)) => vec![&table.columns[column].name],
            (primary, _) => primary.iter().map(String::as_str).collect(),
        };
        let schema = match table.schema(&columns, &record_key) {
            Ok(schema) if draft.faults.is_empty() => schema,
            Ok(_) => return Err(draft.faults),
            Err(e) => {
                draft.faults.general(e.to_string());
                return Err(draft.faults);
            }
        };
        let instants = config
            .timezone
            .as_ref()
            .map(|zone| Instants::of(&table, &record_key, zone));
        let instants = match instants.transpose() {
            Ok(instants) => instants.flatten(),
            Err(e) => {
                draft.faults.general(e.to_string());
                return Err(draft.faults);
            }
        };
        let begin = match config
            .timestamp_initial
            .filter(|_| config.uses_timestamps())
        {
            None => Begin::First,
            Some(-1) => Begin::Now,
            // Keys are compared by `>`: a microsecond before, so that the very time counts.
            Some(ms) => {
                let micros = ms.saturating_mul(1_000).saturating_sub(1);
                let first = times.first().map(|i| &schema.kinds()[*i]);
                Begin::After(vec![match first {
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
        let step = steps.max().unwrap_or_default();
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
            instants,
            step,
            clock: None,
            tells_apart: runs::tells_apart(&table, query, &key, syntax),
            key,
            offset_names,
            left_out,
            again: config.mode == Mode::Bulk,
            before_now: config.uses_timestamps().then_some(config.timestamp_delay.0),
            begin,
            times,
            deleted,
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

    /// Under which its position is stored; the original's name stands for a query.
    pub(crate) fn partition(&self, suffix: Option<&str>) -> Partition {
        match self.query {
            Some(_) => position::partition("query", "query", suffix),
            None => position::partition("table", &self.table.name.to_string(), suffix),
        }
    }

    /// Rows can be without a key, and are then never read.
    pub(crate) fn can_lack_key(&self) -> bool {
        let nullable = |part: &KeyPart| {
            let mut columns = part.columns.iter();
            columns.all(|i| self.table.columns[*i].nullable)
        };
        self.key.iter().any(nullable)
    }

    /// Of the records that are sent.
    pub(crate) fn sent_schema(&self) -> &SchemaRef {
        let instants = self.instants.as_ref();
        instants.map_or(&self.schema, |instants| &instants.schema)
    }

    /// The kind of a key part.
    pub(crate) fn key_kind(&self, part: usize) -> &Kind {
        &self.schema.kinds()[self.key[part].columns[0]]
    }
}
