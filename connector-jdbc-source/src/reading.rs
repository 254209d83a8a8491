//! What is read of a table and in which order: decided once, from its description and the
//! settings.
use crate::config::{Mode, SourceConfig};
use connect_api::{
    Kind, SchemaRef, Value,
    config::{Faults, nearest},
};
use dialect_core::{Column, KeyPart, Table};
use std::time::Duration;

/// How a table is read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) table: Table,
    /// The columns, by index in the table: all of them, so that a column has one index in the
    /// table and in the records.
    pub(crate) columns: Vec<usize>,
    /// Of the records.
    pub(crate) schema: SchemaRef,
    /// What pages are ordered by; empty for a table that is read in one stream.
    pub(crate) key: Vec<KeyPart>,
    /// The name of each key part in stored offsets.
    pub(crate) offset_names: Vec<Box<str>>,
    /// Reading begins anew after the last row.
    pub(crate) again: bool,
    /// See [`Page::before_now`](dialect_core::Page::before_now).
    pub(crate) before_now: Option<Duration>,
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

impl Reading {
    /// Decides how `table` is read.
    ///
    /// # Errors
    /// All faults of the table and the settings at once.
    pub(crate) fn decide(table: Table, config: &SourceConfig) -> Result<Self, Faults> {
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
        let begin = match config.timestamp_initial {
            None => Begin::First,
            Some(-1) => Begin::Now,
            // Keys are compared by `>`: a microsecond before, so that the very time counts.
            Some(ms) => Begin::After(vec![Value::Timestamp(ms.saturating_mul(1_000) - 1)]),
        };
        let (offset_names, parts): (Vec<_>, Vec<_>) = key.into_iter().unzip();
        Ok(Self {
            columns,
            schema,
            key: parts
                .into_iter()
                .map(|columns| KeyPart { columns })
                .collect(),
            offset_names,
            again: config.mode == Mode::Bulk,
            before_now: config.uses_timestamps().then_some(config.timestamp_delay.0),
            begin,
            times,
            deleted,
            table,
        })
    }

    /// Rows can be without a key, and are then never read.
    pub(crate) fn can_lack_key(&self) -> bool {
        let nullable = |part: &KeyPart| {
            let mut columns = part.columns.iter();
            columns.all(|i| self.table.columns[*i].nullable)
        };
        self.key.iter().any(nullable)
    }

    /// The kind of a key part.
    pub(crate) fn key_kind(&self, part: usize) -> &Kind {
        &self.schema.kinds()[self.key[part].columns[0]]
    }
}

/// A reading being decided, with the faults found so far.
struct Draft<'a> {
    table: &'a Table,
    config: &'a SourceConfig,
    faults: Faults,
}

/// Values of this kind have one order, in the database and over time.
fn has_order(kind: &Kind) -> bool {
    match kind {
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => true,
        Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64 => true,
        Kind::Decimal { .. } | Kind::BigDecimal => true,
        Kind::Text | Kind::Bytes | Kind::Uuid => true,
        Kind::Date | Kind::Time | Kind::Timestamp { .. } => true,
        Kind::Bool | Kind::Float32 | Kind::Float64 | Kind::Json | Kind::Other(_) => false,
    }
}

impl<'a> Draft<'a> {
    fn new(table: &'a Table, config: &'a SourceConfig) -> Self {
        Self {
            table,
            config,
            faults: Faults::default(),
        }
    }

    fn fault(&mut self, key: &str, what: &str) {
        let message = format!("table {}: {what}", self.table.name);
        self.faults.at(key, message);
    }

    fn column(&self, index: usize) -> &'a Column {
        &self.table.columns[index]
    }

    /// The column `name`, or a fault.
    fn find(&mut self, key: &str, role: &str, name: &str) -> Option<usize> {
        let found = self.table.index_of(name);
        if found.is_none() {
            let names = self.table.columns.iter().map(|c| c.name.as_str());
            let hint = nearest(name, names)
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            self.fault(key, &format!("{role} column `{name}` does not exist{hint}"));
        }
        found
    }

    fn times(&mut self) -> Vec<usize> {
        const KEY: &str = "timestamp.column.name";
        let mut times = Vec::new();
        for name in &self.config.timestamps.0 {
            let Some(index) = self.find(KEY, "timestamp", name) else {
                continue;
            };
            let column = self.column(index);
            match &column.kind {
                Some(Kind::Timestamp { .. }) => times.push(index),
                kind => {
                    let advice = match kind {
                        Some(Kind::Text) => "; for SQLite, sqlite.dates=iso reads text as times",
                        _ => "",
                    };
                    let message = format!(
                        "timestamp column `{}` is of type {}, which is not a date with time{advice}",
                        column.name, column.vendor_type
                    );
                    self.fault(KEY, &message);
                }
            }
        }
        let mixed = times
            .windows(2)
            .any(|pair| self.column(pair[0]).kind != self.column(pair[1]).kind);
        if mixed {
            self.fault(
                KEY,
                "some of the columns have a time zone and some have none",
            );
        }
        times
    }

    fn incrementing(&mut self) -> Option<usize> {
        const KEY: &str = "incrementing.column.name";
        let index = match &self.config.incrementing.0 {
            Some(name) => self.find(KEY, "incrementing", name)?,
            None => {
                let found = self.table.columns.iter().position(|c| c.auto_increment);
                if found.is_none() {
                    self.fault(KEY, "no column is counted up by the database; name one");
                }
                found?
            }
        };
        let column = self.column(index);
        if column.kind.as_ref().is_some_and(has_order) {
            return Some(index);
        }
        let message = format!(
            "incrementing column `{}` is of type {}, which cannot give rows an order; \
             name one of numbers",
            column.name, column.vendor_type
        );
        self.fault(KEY, &message);
        None
    }

    fn refuse_nullable(&mut self, key: &str, role: &str, columns: &[usize]) {
        let nullable = columns.iter().all(|i| self.column(*i).nullable);
        if nullable && self.config.validate_non_null {
            let names: Vec<_> = columns
                .iter()
                .map(|i| format!("`{}`", self.column(*i).name))
                .collect();
            let message = format!(
                "{role} column {} can be NULL, and rows with NULL there would never be read: \
                 declare it NOT NULL, or set validate.non.null=false to read without such rows",
                names.join(", ")
            );
            self.fault(key, &message);
        }
    }

    /// Key parts from the primary key, where rows must be told apart beyond what the mode's own
    /// columns do: equal values at the edge of a page would be skipped else (G3).
    fn tie_breaks(&mut self, grows: Option<usize>) -> Vec<(Box<str>, Vec<usize>)> {
        let primary: Vec<usize> = self
            .table
            .primary_key
            .iter()
            .filter_map(|name| self.table.index_of(name))
            .collect();
        let ordered = !primary.is_empty()
            && primary
                .iter()
                .all(|i| self.column(*i).kind.as_ref().is_some_and(has_order));
        let whole = primary.iter().all(|i| !self.column(*i).nullable);
        match self.config.mode {
            Mode::Bulk if !(ordered && whole) => return Vec::new(),
            Mode::Bulk => {}
            Mode::Timestamp if primary.is_empty() => {
                self.fault(
                    "mode",
                    "mode timestamp needs a primary key, which tells rows of one time apart: \
                     give it one, or use mode timestamp+incrementing",
                );
                return Vec::new();
            }
            Mode::Timestamp if !ordered => {
                self.fault(
                    "mode",
                    "mode timestamp needs a primary key of numbers, text, bytes or times; use mode \
                     timestamp+incrementing",
                );
                return Vec::new();
            }
            Mode::Timestamp => {
                for part in &primary {
                    self.refuse_nullable("mode", "primary key", &[*part]);
                }
            }
            Mode::Incrementing | Mode::TimestampIncrementing => match grows {
                Some(column) if !self.is_unique(column) && ordered && whole => {}
                _ => return Vec::new(),
            },
        }
        let part = |i: usize| (format!("key.{}", self.column(i).name).into(), vec![i]);
        let others = primary.into_iter().filter(|i| Some(*i) != grows);
        others.map(part).collect()
    }

    /// No two rows have the same value there.
    fn is_unique(&self, column: usize) -> bool {
        let alone = |key: &Vec<String>| matches!(key.as_slice(), [name] if self.table.index_of(name) == Some(column));
        let column = self.column(column);
        column.auto_increment
            || alone(&self.table.primary_key)
            || self.table.unique_keys.iter().any(alone)
    }

    fn delete_column(&mut self, grows: bool) -> Option<usize> {
        const KEY: &str = "delete.column.name";
        let name = self.config.delete_column.0.as_deref()?;
        let index = self.find(KEY, "delete", name)?;
        if self.table.primary_key.is_empty() && !grows {
            self.fault(KEY, "it has no primary key, so a delete would have no key");
        }
        let column = self.column(index);
        match &column.kind {
            Some(
                Kind::Bool
                | Kind::Int8
                | Kind::Int16
                | Kind::Int32
                | Kind::Int64
                | Kind::UInt8
                | Kind::UInt16
                | Kind::UInt32
                | Kind::UInt64
                | Kind::Decimal { .. }
                | Kind::Date
                | Kind::Timestamp { .. },
            ) => Some(index),
            _ => {
                let message = format!(
                    "delete column `{}` is of type {}; it must be a boolean, a whole number, a \
                     date or a time",
                    column.name, column.vendor_type
                );
                self.fault(KEY, &message);
                None
            }
        }
    }
}
