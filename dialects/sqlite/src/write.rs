//! Rows of columns into statements, on the thread.
pub(crate) mod dry_run;

use crate::{
    encode::{Binder, Unbound},
    error_codes::refusal,
    plan::Detail,
    session::Session,
};
use connect_api::{Error, ErrorKind, Records, Result};
use dialect_core::{WritePlan, chunks};
use std::{ops::Range, time::Duration};

/// Writes some rows, whole or not at all; how many.
pub(crate) fn write(
    session: &mut Session,
    plan: &WritePlan,
    records: &Records,
    rows: Range<usize>,
) -> Result<u64> {
    let detail: &Detail = plan.detail_as()?;
    plan.check_keys(records, rows.clone())?;
    // One statement is whole or not at all by itself; several need a transaction.
    let alone = chunks(rows.clone(), detail.full()).nth(1).is_none();
    if alone || !session.driver.is_autocommit() {
        return write_chunks(session, plan, detail, records, rows);
    }
    session.begin()?;
    let written = match write_chunks(session, plan, detail, records, rows) {
        Ok(written) => session.commit().map(|()| written),
        Err(e) => Err(e),
    };
    if written.is_err() {
        session.rollback()?;
    }
    written
}

/// Writes the rows statement by statement.
fn write_chunks(
    session: &Session,
    plan: &WritePlan,
    detail: &Detail,
    records: &Records,
    rows: Range<usize>,
) -> Result<u64> {
    let cells = plan.cells(records)?;
    let refused = |e: &rusqlite::Error| refusal(format_args!("table {}", plan.table.name), e);
    let mut scratch = String::new();
    let (mut written, mut changed) = (0, 0);
    let mut chunks = chunks(rows, detail.full()).peekable();
    while let Some(next) = chunks.peek() {
        // One statement of each shape is kept for as long as its shape comes.
        let shape = next.len();
        let text = detail.statement(shape)?;
        let mut statement = session
            .driver
            .prepare_cached(&text)
            .map_err(|e| refused(&e))?;
        while let Some(chunk) = chunks.next_if(|chunk| chunk.len() == shape) {
            let mut binder = Binder::new(&mut statement);
            for row in chunk {
                for &i in &detail.order {
                    detail.encoders[i]
                        .bind(&cells[i], row, &mut binder, &mut scratch)
                        .map_err(|unbound| {
                            let column = &plan.table.columns[plan.pairs[i].to].name;
                            match unbound {
                                Unbound::ValueError(error) => error.at(&plan.table.name, column),
                                Unbound::Refused(e) => {
                                    refused(&e).context(format_args!("column `{column}`"))
                                }
                            }
                        })?;
                }
            }
            let done = session.timed(Duration::ZERO, |_| statement.raw_execute());
            changed += done.map_err(|e| refused(&e))?;
            written += shape;
            if session.stop.is_left() {
                return Err(Error::new(ErrorKind::Stopped, "nobody waits for the write"));
            }
        }
    }
    Ok(count(plan, written, changed))
}

/// How many rows were written: SQLite counts an upsert that finds its row unchanged, too, but not
/// an insert that was passed over.
fn count(plan: &WritePlan, written: usize, changed: usize) -> u64 {
    use dialect_core::WriteOp::{Delete, Insert, InsertIgnore, Update, Upsert};
    let rows = match plan.op {
        Insert | Upsert => written,
        InsertIgnore | Update | Delete => changed,
    };
    rows as u64
}
