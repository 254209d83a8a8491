//! Opens tables: restores their positions, and prepares how they are read.
use crate::{
    config::SourceConfig, failed_tables::concerns_table_alone, position, read_plan::ReadPlan,
    replaced, table::TableState, visibility_check::ServerVisibility, watermark,
};
use connect_api::{Result, TaskContext};
use dialect_core::{Connection, Dialect, TableName, Zone};

/// What the database says once for all tables; asked for with the first table that needs it.
#[derive(Default)]
pub(crate) struct Opening {
    visibility: Option<ServerVisibility>,
    time_zone: Option<Option<Zone>>,
}

/// How a table begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Begin {
    /// At its stored position.
    Resume,
    /// At its stored position; if it has none, at its first row, since it is new.
    New,
    /// At its first row: another table of this name has the stored position.
    Again,
}

/// A table that was opened, or why it was not.
pub(crate) type Opened = (TableName, Result<Box<TableState>>);

impl Opening {
    /// Opens tables.
    ///
    /// # Errors Errors that do not concern a single table.
    pub(crate) async fn open(
        &mut self,
        plans: Vec<ReadPlan>,
        begin: &(dyn Fn(&TableName) -> Begin + Sync),
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        config: &SourceConfig,
        cx: &TaskContext,
    ) -> Result<Vec<Opened>> {
        if plans.is_empty() {
            return Ok(Vec::new());
        }
        let partitions: Vec<_> = plans.iter().map(position::partition).collect();
        let stored = cx.positions.read(&partitions).await?;
        let known = self.visibility.take();
        let visibility = match known.filter(|known| known.suffices(&plans, dialect)) {
            Some(visibility) => visibility,
            None => {
                let asking = ServerVisibility::ask(connection, dialect, &plans);
                let visibility = asking.await?;
                visibility.log(config);
                visibility
            }
        };
        let notes = visibility.table_notes(connection, dialect.syntax(), &plans);
        let mut notes = notes.await?.into_iter();
        let visibility = self.visibility.insert(visibility).clone();
        let names = plans.iter().filter(|plan| plan.has_identity());
        let names: Vec<_> = names.map(|plan| plan.table.name.clone()).collect();
        let identities = replaced::identities(connection, &names).await?;
        let mut opened = Vec::with_capacity(plans.len());
        for ((mut plan, partition), stored) in plans.into_iter().zip(partitions).zip(stored) {
            let name = plan.table.name.clone();
            let notes = notes.next().unwrap_or_default();
            if plan.needs_time_zone() {
                let zone = match &self.time_zone {
                    Some(zone) => zone.clone(),
                    None => {
                        let wanted = config.timezone.as_ref();
                        watermark::database_time_zone(connection, wanted).await?
                    }
                };
                self.time_zone = Some(zone.clone());
                if let Some(zone) = zone {
                    plan.set_time_zone(zone);
                }
            }
            let begin = begin(&name);
            let stored = stored.filter(|_| begin != Begin::Again);
            // Otherwise a restart would begin elsewhere.
            let store_start = match begin {
                Begin::Resume => false,
                Begin::New => stored.is_none(),
                Begin::Again => true,
            };
            if begin != Begin::Resume {
                plan.start_at_first_row();
            }
            let parts = &cx.parts;
            let resuming = TableState::resume(plan, partition, stored, connection, dialect, parts);
            let resumed = match (resuming.await, identities.get(&name)) {
                (Ok(mut table), Some(identity)) => {
                    // It may have been made again while no task ran.
                    let checked = table.check_identity(identity, connection, dialect).await;
                    checked.map(|_| table)
                }
                (resumed, _) => resumed,
            };
            let table = match resumed {
                Ok(mut table) => {
                    let prepared =
                        prepare(&mut table, &visibility, &notes, connection, dialect, cx);
                    let prepared = prepared.await;
                    if store_start {
                        table.store_start();
                    }
                    prepared.map(|()| Box::new(table))
                }
                Err(error) => Err(error),
            };
            match table {
                Err(error) if !concerns_table_alone(&error) => return Err(error),
                table => opened.push((name, table)),
            }
        }
        Ok(opened)
    }
}

/// Prepares how late rows and deletes of a table are read, and says what is worth knowing of it.
async fn prepare(
    table: &mut TableState,
    visibility: &ServerVisibility,
    notes: &[String],
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    cx: &TaskContext,
) -> Result<()> {
    for note in notes {
        tracing::warn!("{note}");
    }
    let plan = &table.plan;
    let method = visibility.method(plan, notes);
    cx.parts
        .update(&plan.name().to_string(), |part| part.method = method);
    let by = visibility.by;
    if let Some(by) = by.filter(|_| plan.looks_for_late_rows()) {
        table.look_for_late_rows(by)?;
    }
    table.compare_keys(dialect.syntax(), cx).await?;
    table.capture_deletes(connection, dialect, by, cx).await
}
