//! Opens tables: restores their positions, and prepares how they are read.
use crate::{
    config::SourceConfig, failed_tables::concerns_table_alone, late_rows::CompleteBy, position,
    read_plan::ReadPlan, recheck, table::TableState, watermark,
};
use connect_api::{Result, TaskContext};
use dialect_core::{Connection, Dialect, TableName, Zone};

/// What the database says once for all tables; asked for with the first table that needs it.
#[derive(Default)]
pub(crate) struct Opening {
    complete_by: Option<Option<CompleteBy>>,
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
        let partitions: Vec<_> = plans.iter().map(position::partition).collect();
        let stored = cx.positions.read(&partitions).await?;
        let looks = |plan: &ReadPlan| plan.looks_for_late_rows() || plan.config.captures_deletes();
        if self.complete_by.is_none() && plans.iter().any(looks) {
            let by = recheck::complete_by(connection, dialect, config, &plans).await?;
            self.complete_by = Some(by);
        }
        let mut opened = Vec::with_capacity(plans.len());
        for ((mut plan, partition), stored) in plans.into_iter().zip(partitions).zip(stored) {
            let name = plan.table.name.clone();
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
            let table = match resuming.await {
                Ok(mut table) => {
                    let prepared = self.prepare(&mut table, connection, dialect, cx).await;
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

    async fn prepare(
        &self,
        table: &mut TableState,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        cx: &TaskContext,
    ) -> Result<()> {
        let (syntax, plan) = (dialect.syntax(), &table.plan);
        let complete_by = self.complete_by.flatten();
        let by = complete_by.filter(|_| plan.looks_for_late_rows());
        let notes = recheck::notes(connection, syntax, plan, complete_by).await?;
        for note in &notes {
            tracing::warn!("{note}");
        }
        let method = plan.method(by, &notes);
        cx.parts
            .update(&plan.name().to_string(), |part| part.method = method);
        if let Some(by) = by {
            table.look_for_late_rows(by)?;
        }
        table.compare_keys(syntax, cx).await?;
        table
            .capture_deletes(connection, dialect, complete_by, cx)
            .await
    }
}
