//! The columns that the mode uses, resolved in a table; errors are collected.
use crate::config::{Mode, SourceConfig};
use connect_api::{
    Kind,
    config::{Faults, nearest},
};
use dialect_core::{Column, Table};

/// Resolves the mode's columns and collects errors.
pub(crate) struct ModeColumns<'a> {
    table: &'a Table,
    config: &'a SourceConfig,
    pub(crate) faults: Faults,
}

/// Values of this kind have a stable total order in the database.
fn is_orderable(kind: &Kind) -> bool {
    match kind {
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => true,
        Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64 => true,
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal => true,
        Kind::Text | Kind::Bytes | Kind::Uuid => true,
        Kind::Date | Kind::Time | Kind::TimeNanos | Kind::Duration => true,
        Kind::Timestamp { .. } | Kind::OffsetTimestamp => true,
        Kind::Bool | Kind::Float32 | Kind::Float64 | Kind::Json => false,
        Kind::Interval | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => false,
        Kind::Other(_) => false,
    }
}

impl<'a> ModeColumns<'a> {
    pub(crate) fn new(table: &'a Table, config: &'a SourceConfig) -> Self {
        Self {
            table,
            config,
            faults: Faults::default(),
        }
    }

    pub(crate) fn fault(&mut self, key: &str, what: &str) {
        let message = match self.config.query.0 {
            Some(_) => format!("the query: {what}"),
            None => format!("table {}: {what}", self.table.name),
        };
        self.faults.at(key, message);
    }

    fn column(&self, index: usize) -> &'a Column {
        &self.table.columns[index]
    }

    /// The column `name`, or a fault.
    pub(crate) fn find(&mut self, key: &str, role: &str, name: &str) -> Option<usize> {
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

    pub(crate) fn timestamp_columns(&mut self) -> Vec<usize> {
        const KEY: &str = "timestamp.column.name";
        let mut times = Vec::new();
        for name in &self.config.timestamps.0 {
            let Some(index) = self.find(KEY, "timestamp", name) else {
                continue;
            };
            let column = self.column(index);
            match &column.kind {
                Some(Kind::Timestamp { .. } | Kind::OffsetTimestamp) => times.push(index),
                kind => {
                    let advice = match kind {
                        Some(Kind::Text) => {
                            "; for SQLite, set sqlite.dates=iso to read text as \
                             timestamps"
                        }
                        _ => "",
                    };
                    let message = format!(
                        "timestamp column `{}` has type {}, which is not a timestamp \
                         type{advice}",
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
            self.fault(KEY, "the columns mix timestamps with and without time zone");
        }
        times
    }

    pub(crate) fn incrementing_column(&mut self) -> Option<usize> {
        const KEY: &str = "incrementing.column.name";
        let index = match &self.config.incrementing.0 {
            Some(name) => self.find(KEY, "incrementing", name)?,
            None => {
                let found = self.table.columns.iter().position(|c| c.auto_increment);
                if found.is_none() {
                    self.fault(
                        KEY,
                        "no auto-increment column found; set the name of the column",
                    );
                }
                found?
            }
        };
        let column = self.column(index);
        if column.kind.as_ref().is_some_and(is_orderable) {
            return Some(index);
        }
        let message = format!(
            "incrementing column `{}` has type {}, which has no usable order; set a numeric \
             column",
            column.name, column.vendor_type
        );
        self.fault(KEY, &message);
        None
    }

    pub(crate) fn check_not_null(&mut self, key: &str, role: &str, columns: &[usize]) {
        let nullable = columns.iter().all(|i| self.column(*i).nullable);
        // Databases do not report nullability for queries.
        let told = self.config.query.0.is_none();
        if nullable && told && self.config.validate_non_null {
            let names: Vec<_> = columns
                .iter()
                .map(|i| format!("`{}`", self.column(*i).name))
                .collect();
            let message = format!(
                "{role} column {} is nullable, and rows with NULL there would never be read; \
                 declare it NOT NULL, or set validate.non.null=false to skip such rows",
                names.join(", ")
            );
            self.fault(key, &message);
        }
    }

    /// Key parts from the primary key, where the mode's own columns are not unique. If there are
    /// none, pages end between two groups of ties (rows with equal keys).
    pub(crate) fn tie_breakers(
        &mut self,
        incrementing: Option<usize>,
    ) -> Vec<(Box<str>, Vec<usize>)> {
        let primary: Vec<usize> = self
            .table
            .primary_key
            .iter()
            .filter_map(|name| self.table.index_of(name))
            .collect();
        let ordered = !primary.is_empty()
            && primary
                .iter()
                .all(|i| self.column(*i).kind.as_ref().is_some_and(is_orderable));
        let whole = primary.iter().all(|i| !self.column(*i).nullable);
        match self.config.mode {
            None => return Vec::new(),
            Some(Mode::Bulk) if !(ordered && whole) => return Vec::new(),
            Some(Mode::Bulk) => {}
            // Pages end between two timestamps.
            Some(Mode::Timestamp) if !(ordered && whole) => return Vec::new(),
            Some(Mode::Timestamp) => {}
            Some(Mode::Incrementing | Mode::TimestampIncrementing) => match incrementing {
                Some(column) if !self.is_unique(column) && ordered && whole => {}
                _ => return Vec::new(),
            },
        }
        let part = |i: usize| (format!("key.{}", self.column(i).name).into(), vec![i]);
        let others = primary.into_iter().filter(|i| Some(*i) != incrementing);
        others.map(part).collect()
    }

    /// The column is unique.
    fn is_unique(&self, column: usize) -> bool {
        let alone = |key: &Vec<String>| matches!(key.as_slice(), [name] if self.table.index_of(name) == Some(column));
        alone(&self.table.primary_key) || self.table.unique_keys.iter().any(alone)
    }

    pub(crate) fn delete_column(&mut self, has_key: bool) -> Option<usize> {
        const KEY: &str = "delete.column.name";
        let name = self.config.delete_column.0.as_deref()?;
        let index = self.find(KEY, "delete", name)?;
        if self.table.primary_key.is_empty() && !has_key {
            self.fault(
                KEY,
                "the table has no primary key, so a delete would have no key; set \
                 `message.key.columns`",
            );
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
                | Kind::Timestamp { .. }
                | Kind::OffsetTimestamp,
            ) => Some(index),
            _ => {
                let message = format!(
                    "delete column `{}` has type {}; it must be a boolean, integer, decimal, \
                     date or timestamp",
                    column.name, column.vendor_type
                );
                self.fault(KEY, &message);
                None
            }
        }
    }
}
