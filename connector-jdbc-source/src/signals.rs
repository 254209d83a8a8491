//! Signals: rows of a table that ask for something while the task runs, as Debezium's signalling table
//! does. `execute-snapshot` reads tables again from their beginning.
//!
//! The number of the last signal that a table has followed is part of its stored position: one that was
//! written while nothing ran is followed later, and none is followed twice.
use crate::{config::SourceConfig, table::TableState};
use connect_api::{Error, ErrorKind, Kind, Records, Result, SchemaRef, Value};
use dialect_core::{Connection, Dialect, KeyPart, Page, Selection, Statement, Table, TableName};
use serde::Deserialize;
use std::{collections::HashSet, time::Duration};
use tokio::time::Instant;

/// The columns of the table, as Debezium names them.
const COLUMNS: [&str; 3] = ["id", "type", "data"];
/// The signal that reads tables again.
const SNAPSHOT: &str = "execute-snapshot";
/// The table is small: all signals since the start are read at once.
const MAX_BYTES: usize = 1 << 20;

/// The table of signals.
pub(crate) struct Signals {
    table: Table,
    columns: [usize; 3],
    schema: SchemaRef,
    key: [KeyPart; 1],
    /// Signals up to this number were followed before the start.
    from: Option<i64>,
    seen: HashSet<i64>,
    interval: Duration,
    pub(crate) next_poll: Instant,
}

/// What `execute-snapshot` has in the column `data`.
#[derive(Deserialize)]
struct SnapshotData {
    #[serde(rename = "data-collections")]
    tables: Vec<String>,
}

/// A row of the table.
struct Signal {
    id: i64,
    kind: String,
    data: String,
}

impl Signals {
    /// Describes the table; for tables that have followed no signal yet, those that are in it now are
    /// none of theirs.
    ///
    /// # Errors `Schema`: the table or one of its columns is missing, or of another type.
    pub(crate) async fn open(
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
        tables: &mut [&mut TableState],
    ) -> Result<Option<Self>> {
        let Some(name) = config.signal_table.entries().first() else {
            return Ok(None);
        };
        let name = TableName {
            schema: name
                .name
                .schema
                .clone()
                .or_else(|| config.default_schema().map(str::to_owned)),
            ..name.name.clone()
        };
        let mut signals = Self::describe(connection, &name, config.poll_interval.0).await?;
        let last = signals.read(connection, dialect).await?;
        let last = last.iter().map(|signal| signal.id).max().unwrap_or(0);
        for table in tables.iter_mut().filter(|table| table.signal.is_none()) {
            table.set_signal(last);
        }
        signals.from = tables.iter().filter_map(|table| table.signal).min();
        Ok(Some(signals))
    }

    async fn describe(
        connection: &mut dyn Connection,
        name: &TableName,
        interval: Duration,
    ) -> Result<Self> {
        let fault = |what: String| {
            Error::new(
                ErrorKind::Schema,
                format!(
                    "`signal.data.collection`: table {name} {what}; create it with the columns id (an \
                     auto-increment number and the primary key), type (text) and data (text)"
                ),
            )
        };
        let described = connection.describe(name).await?;
        let table = described.ok_or_else(|| fault("does not exist".to_owned()))?;
        let mut columns = [0; 3];
        for (index, wanted) in columns.iter_mut().zip(COLUMNS) {
            let mut found = table.columns.iter();
            let found = found.position(|column| column.name.eq_ignore_ascii_case(wanted));
            *index = found.ok_or_else(|| fault(format!("has no column `{wanted}`")))?;
            let kind = &table.columns[*index].kind;
            let fits = match kind {
                Some(Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64) => wanted == "id",
                Some(Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64) => wanted == "id",
                Some(Kind::Text | Kind::Json) => wanted != "id",
                _ => false,
            };
            if !fits {
                let vendor_type = &table.columns[*index].vendor_type;
                return Err(fault(format!(
                    "has the column `{wanted}` of type {vendor_type}"
                )));
            }
        }
        let schema = table.schema(&columns, &[])?;
        let key = [KeyPart {
            columns: vec![columns[0]],
        }];
        Ok(Self {
            table,
            columns,
            schema,
            key,
            from: None,
            seen: HashSet::new(),
            interval,
            next_poll: Instant::now(),
        })
    }

    fn statement(&self, dialect: &dyn Dialect) -> Result<Statement> {
        let after = self.from.map(|id| [Value::Int(id)]);
        dialect.syntax().select(&Page {
            key: &self.key,
            after: after.as_ref().map(<[Value; 1]>::as_slice),
            ..Page::of(&self.table, &self.columns)
        })
    }

    /// All signals since the start.
    async fn read(
        &self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Vec<Signal>> {
        let statement = self.statement(dialect)?;
        let mut cursor = connection.query(&statement, &self.schema).await?;
        let mut signals = Vec::new();
        while let Some(batch) = cursor.next(1_000, MAX_BYTES).await? {
            let records = Records::new("".into(), self.schema.clone(), batch)?;
            signals.extend(records.rows().filter_map(|row| {
                let text = |column: usize| match row.get(column).to_value() {
                    Value::Text(text) => text.into(),
                    _ => String::new(),
                };
                let id = match row.get(0).to_value() {
                    Value::Int(id) => id,
                    Value::UInt(id) => i64::try_from(id).ok()?,
                    _ => return None,
                };
                Some(Signal {
                    id,
                    kind: text(1),
                    data: text(2),
                })
            }));
        }
        Ok(signals)
    }

    /// Follows the signals that are new.
    ///
    /// # Errors Errors of the database.
    pub(crate) async fn poll(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        tables: &mut [&mut TableState],
    ) -> Result<()> {
        self.next_poll = Instant::now() + self.interval;
        for signal in self.read(connection, dialect).await? {
            if !self.seen.insert(signal.id) {
                continue;
            }
            match signal.tables() {
                Ok(named) => restart(&signal, &named, tables),
                Err(why) => tracing::warn!(
                    table = %self.table.name, id = signal.id, "the signal is ignored: {why}"
                ),
            }
        }
        Ok(())
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
