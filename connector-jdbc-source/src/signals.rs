//! Signals: rows of a table that ask for something while the task runs, as Debezium's signalling table
//! does. `execute-snapshot` reads tables again from their beginning.
//!
//! The number of the last signal that a table has followed is part of its stored position: one that was
//! written while nothing ran is followed later, and none is followed twice.
mod table;

use crate::{config::SourceConfig, failed_tables::concerns_table_alone, table::TableState};
use connect_api::{Error, Result};
use dialect_core::{Connection, Dialect, Selection, TableName};
use serde::Deserialize;
use std::{collections::HashSet, time::Duration};
use table::{Signal, SignalTable, missing};
use tokio::time::Instant;

/// The signal that reads tables again.
const SNAPSHOT: &str = "execute-snapshot";
/// The least pause before a missing table is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The signals of a task.
pub(crate) struct Signals {
    name: TableName,
    /// The table; `None` while it is missing, or cannot be read.
    found: Option<SignalTable>,
    /// The table as it was last, while another is looked for.
    last: Option<SignalTable>,
    /// It could not be read.
    lost: bool,
    /// It was missing.
    was_missing: bool,
    /// Signals up to this number were followed before the start.
    from: Option<i64>,
    seen: HashSet<i64>,
    /// The greatest number so far.
    greatest: i64,
    interval: Duration,
    pub(crate) next_poll: Instant,
}

/// What `execute-snapshot` has in the column `data`.
#[derive(Deserialize)]
struct SnapshotData {
    #[serde(rename = "data-collections")]
    tables: Vec<String>,
}

/// The table that the settings name.
fn table_name(config: &SourceConfig) -> Option<TableName> {
    let entry = config.signal_table.entries().first()?;
    let own = entry.name.schema.clone();
    Some(TableName {
        schema: own.or_else(|| config.default_schema().map(str::to_owned)),
        ..entry.name.clone()
    })
}

/// The error of a table of signals that is missing or is none (G9).
///
/// # Errors Errors that do not concern that table alone.
pub(crate) async fn check(
    connection: &mut dyn Connection,
    config: &SourceConfig,
) -> Result<Option<Error>> {
    let Some(name) = table_name(config) else {
        return Ok(None);
    };
    match SignalTable::describe(connection, &name).await {
        Ok(Some(_)) => Ok(None),
        Ok(None) => Ok(Some(missing(&name))),
        Err(error) if concerns_table_alone(&error) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

impl Signals {
    /// Begins to follow signals; for tables that have followed none yet, those that are there now are
    /// none of theirs.
    ///
    /// # Errors Errors that do not concern the table of signals alone.
    pub(crate) async fn open(
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
        tables: &mut [&mut TableState],
    ) -> Result<Option<Self>> {
        let Some(name) = table_name(config) else {
            return Ok(None);
        };
        let marks: Vec<i64> = tables.iter().filter_map(|table| table.signal).collect();
        let mut signals = Self {
            name,
            found: None,
            last: None,
            lost: false,
            was_missing: false,
            from: marks.iter().min().copied(),
            greatest: marks.iter().max().copied().unwrap_or(0),
            seen: HashSet::new(),
            interval: config.poll_interval.0,
            next_poll: Instant::now(),
        };
        match signals.look(connection, dialect, tables).await {
            Err(error) if concerns_table_alone(&error) => signals.lose(&error),
            looked => looked?,
        }
        Ok(Some(signals))
    }

    /// Follows the signals that are new. A table that is missing or cannot be read is looked for
    /// again; the tables of the task are read meanwhile.
    ///
    /// # Errors Errors that concern the connection.
    pub(crate) async fn poll(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        tables: &mut [&mut TableState],
    ) -> Result<()> {
        self.next_poll = Instant::now() + self.interval;
        match self.follow(connection, dialect, tables).await {
            Err(error) if concerns_table_alone(&error) => {
                // Another may have its name when it is looked for again.
                match connection.describe(&self.name).await {
                    Ok(None) => {
                        self.was_missing = true;
                        self.lose(&missing(&self.name));
                    }
                    Ok(Some(_)) | Err(_) => self.lose(&error),
                }
                Ok(())
            }
            followed => followed,
        }
    }

    async fn follow(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        tables: &mut [&mut TableState],
    ) -> Result<()> {
        if self.found.is_none() {
            self.look(connection, dialect, tables).await?;
        }
        let Some(found) = &self.found else {
            return Ok(());
        };
        let greatest = found.greatest(connection, dialect).await?;
        if greatest < self.greatest {
            // Rows are gone, or another table has its name.
            self.last = self.found.take();
            self.look(connection, dialect, tables).await?;
        }
        let Some(found) = &self.found else {
            return Ok(());
        };
        for signal in found.after(self.from, connection, dialect).await? {
            self.greatest = self.greatest.max(signal.id);
            if !self.seen.insert(signal.id) {
                continue;
            }
            match signal.tables() {
                Ok(named) => restart(&signal, &named, tables),
                Err(why) => tracing::warn!(
                    table = %self.name, id = signal.id, "the signal is ignored: {why}"
                ),
            }
        }
        Ok(())
    }

    /// The table cannot be read for now.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Describes the table, at the start and after it was lost.
    async fn look(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        tables: &mut [&mut TableState],
    ) -> Result<()> {
        let Some(found) = SignalTable::describe(connection, &self.name).await? else {
            self.was_missing = true;
            return Err(missing(&self.name));
        };
        let greatest = found.greatest(connection, dialect).await?;
        let by_number = self.last.as_ref().and_then(|last| last.is(&found));
        let is_same = by_number.unwrap_or(!self.was_missing);
        match is_same {
            false => {
                tracing::warn!(
                    table = %found.name(),
                    "another table has the name of the table of signals: all its signals are followed"
                );
                self.count_from(0, tables);
            }
            true if greatest < self.greatest => {
                tracing::info!(
                    table = %found.name(), greatest, before = self.greatest,
                    "the last signals were deleted, or are counted from the beginning again: those that \
                     are there count as followed; insert one again that was not"
                );
                self.count_from(greatest, tables);
            }
            true if self.lost => {
                tracing::info!(table = %found.name(), "signals are followed again");
            }
            true => {}
        }
        // A table that was missing has no signals from before the start.
        if !self.was_missing && self.last.is_none() {
            for table in tables.iter_mut().filter(|table| table.signal.is_none()) {
                table.set_signal(greatest);
            }
            self.from = self.from.or(Some(greatest));
        }
        self.greatest = self.greatest.max(greatest);
        (self.found, self.last) = (Some(found), None);
        (self.lost, self.was_missing) = (false, false);
        Ok(())
    }

    /// Signals up to this number count as followed, and no others.
    fn count_from(&mut self, id: i64, tables: &mut [&mut TableState]) {
        (self.from, self.greatest) = (Some(id), id);
        self.seen.clear();
        for table in tables {
            if table.signal.is_some_and(|last| last > id) {
                table.set_signal(id);
            }
        }
    }

    /// The table cannot be read for now.
    fn lose(&mut self, error: &Error) {
        self.next_poll = Instant::now() + self.interval.max(LOOK_AGAIN);
        self.last = self.found.take().or(self.last.take());
        if !std::mem::replace(&mut self.lost, true) {
            tracing::error!(
                table = %self.name, error = error.report(),
                "no signals are followed until this is mended; the table of signals is looked for again, \
                 and the other tables are read"
            );
        }
    }
}

impl Signal {
    /// The tables to read again.
    fn tables(&self) -> Result<Selection, String> {
        if self.kind != SNAPSHOT {
            return Err(format!(
                "its type is not `{SNAPSHOT}`, the only one there is"
            ));
        }
        let what = "its data is not of the form {\"data-collections\": [\"schema.table\"]}";
        let data: SnapshotData =
            serde_json::from_str(&self.data).map_err(|e| format!("{what}: {e}"))?;
        <Selection as connect_api::config::Setting>::parse(&data.tables.join(","))
            .map_err(|why| format!("{what}: {why}"))
    }
}

/// Reads these tables from their beginning.
fn restart(signal: &Signal, named: &Selection, tables: &mut [&mut TableState]) {
    let mut restarted = false;
    for table in tables {
        let followed = table.signal.is_some_and(|last| signal.id <= last);
        if followed || table.plan.query.is_some() || !named.holds(&table.plan.table.name) {
            continue;
        }
        tracing::info!(
            table = %table.plan.name(), signal = signal.id,
            "a signal asks for a snapshot: the table is read again from the beginning"
        );
        table.restart(signal.id);
        restarted = true;
    }
    if !restarted {
        tracing::info!(
            signal = signal.id,
            "the signal names none of the tables of this task"
        );
    }
}
