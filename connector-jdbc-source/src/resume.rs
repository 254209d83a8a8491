//! Resumes a table at its stored position.
use crate::{
    config::SnapshotMode,
    position::{self, SnapshotOffset},
    read_plan::{ReadPlan, StartPosition},
    scalar::{present, query_scalar},
    snapshot::progress::Load,
    table::{End, TableState},
};
use connect_api::{Kind, Offset, Part, PartBoard, PartState, Partition, Result, Schema, Value};
use dialect_core::{Connection, Dialect};
use std::sync::Arc;

impl TableState {
    /// Resumes at the stored position.
    ///
    /// # Errors `Config`: the stored position does not match the mode; errors of the query for the
    /// database's current time, if reading starts there.
    pub(crate) async fn resume(
        plan: ReadPlan,
        partition: Partition,
        stored: Option<Offset>,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        parts: &PartBoard,
    ) -> Result<Self> {
        let (stored, marks) = stored_position(&plan, stored)?;
        let config = plan.config.clone();
        let start_unsaved = stored.is_none() && plan.start == StartPosition::Now;
        let is_new = stored.is_none() && config.reads_existing_rows();
        let loads = is_new || marks.rows.is_some();
        let end = match config.snapshot_mode {
            SnapshotMode::Only if loads => End::Snapshot,
            SnapshotMode::Only => End::Reached,
            SnapshotMode::Initial | SnapshotMode::Never | SnapshotMode::WhenNeeded => End::Never,
        };
        // A snapshot that a signal asked for begins at the first row.
        let at_first = marks.rows.is_some() && stored.as_ref().is_some_and(Offset::is_empty);
        let mut after = match at_first {
            true => None,
            false => position::resume(&plan, stored)?,
        };
        if start_unsaved && config.uses_timestamps() {
            after = Some(vec![current_time(connection, dialect, &plan).await?]);
        }
        if plan.has_nullable_key() {
            warn_about_null_keys(connection, dialect, &plan).await?;
        }
        let name = plan.name().to_string();
        let load = loads.then(|| {
            let estimate = plan.table.row_estimate;
            Load::new(
                name.clone(),
                marks.rows.unwrap_or(0),
                estimate,
                parts.clone(),
            )
        });
        match end {
            End::Reached => {
                tracing::info!(
                    table = name,
                    "the table was read before, and snapshot.mode=only reads it once; set \
                     offset.suffix to read it again"
                );
                parts.set(&name, Part::new(PartState::Finished));
            }
            End::Never | End::Snapshot | End::Unsaved if load.is_none() => {
                parts.set(&name, Part::new(PartState::Following));
            }
            End::Never | End::Snapshot | End::Unsaved => {}
        }
        let mut state = Self::unread(plan, Arc::new(partition), parts.clone());
        (state.after, state.start_unsaved) = (after, start_unsaved);
        (state.load, state.signal, state.end) = (load, marks.signal, end);
        state.identity = marks.table;
        state.set_ranges(marks.ranges);
        if start_unsaved && !config.uses_timestamps() {
            state.after = state.last_key_of_table(connection, dialect).await?;
        }
        Ok(state)
    }
}

/// What a stored position says; nothing, if it does not match and is given up.
///
/// # Errors `Config`: it does not match the mode.
fn stored_position(
    plan: &ReadPlan,
    stored: Option<Offset>,
) -> Result<(Option<Offset>, SnapshotOffset)> {
    let Some(mut stored) = stored else {
        return Ok((None, SnapshotOffset::default()));
    };
    let marks = SnapshotOffset::take_from(&mut stored, plan)
        .and_then(|marks| position::resume(plan, Some(stored.clone())).map(|_| marks));
    match marks {
        Ok(marks) => Ok((Some(stored), marks)),
        Err(error) if plan.config.snapshot_mode == SnapshotMode::WhenNeeded => {
            tracing::warn!(
                table = %plan.name(), error = error.report(),
                "snapshot.mode=when_needed: the table is read again from the beginning"
            );
            Ok((None, SnapshotOffset::default()))
        }
        Err(error) => Err(error),
    }
}

/// Logs the number of rows with a NULL key, which are skipped.
async fn warn_about_null_keys(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plan: &ReadPlan,
) -> Result<()> {
    let page = plan.next_page(None, None);
    let statement = dialect.syntax().count_without_key(&page)?;
    let schema = Schema::new("count", [Kind::Int64.field("rows", true)], &[])?;
    if let Value::Int(rows @ 1..) = query_scalar(connection, &statement, &schema).await? {
        tracing::warn!(
            table = %plan.name(), rows,
            "rows with NULL in the columns of the mode are skipped"
        );
    }
    Ok(())
}

/// The database's current time, as the first part of the key.
async fn current_time(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plan: &ReadPlan,
) -> Result<Value> {
    // The next row may get a timestamp within the current step of the column's resolution.
    let (watermark, back) = (plan.watermark(plan.resolution), plan.resolution);
    let east = watermark.as_ref().map(|watermark| watermark.east);
    let now = present(connection, dialect, plan, east, back).await?;
    let before = watermark.and_then(|watermark| watermark.before);
    Ok(match (now, before) {
        (Value::Timestamp(now), Some(before)) => Value::Timestamp(now.min(before - 1)),
        (now, _) => now,
    })
}
