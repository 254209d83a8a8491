//! Writes tried out before their first row: the statements are prepared, and the file is written
//! to, in a transaction that is undone.
use crate::{error_codes::refusal, plan::Detail, session::Session};
use connect_api::{ErrorKind, Result};
use dialect_core::WritePlan;

/// Tries what a plan needs: its statements, the turn to write, and a journal beside the file.
///
/// # Errors
/// `Auth`: the file or its directory cannot be written. `Schema`: the statements, or triggers that
/// they fire, name what is not there.
pub(crate) fn try_plan(session: &mut Session, plan: &WritePlan) -> Result<()> {
    match session.begin() {
        // Another writes: so can we, later.
        Err(e) if e.kind() == ErrorKind::Busy => return Ok(()),
        begun => begun?,
    }
    let tried = try_in_transaction(session, plan);
    session.rollback()?;
    tried
}

fn try_in_transaction(session: &Session, plan: &WritePlan) -> Result<()> {
    let detail: &Detail = plan.detail_as()?;
    let refused = |e: &rusqlite::Error| refusal(format_args!("table {}", plan.table.name), e);
    let text = detail.statement(1)?;
    session.driver.prepare(&text).map_err(|e| refused(&e))?;
    // A write of what is there already: it opens the journal.
    let version: i64 = session
        .driver
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|e| refused(&e))?;
    let written = session.run(&format!("PRAGMA user_version = {version}"));
    written.map(|_| ()).map_err(|e| {
        refused(&e).context("the file, or its directory, where the journal is, cannot be written")
    })
}
