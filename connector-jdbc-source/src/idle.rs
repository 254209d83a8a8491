//! Idle tables: many of them are asked by one statement whether they have new rows.
use crate::{
    config::SourceConfig,
    late_rows::LateRows,
    reader::Reader,
    scalar::query_row,
    table::{End, TableState},
    table_queue::TableQueue,
};
use connect_api::{ErrorKind, Kind, Result, Schema, Value};
use dialect_core::{Connection, Dialect, Statement};
use std::time::Duration;
use tokio::time::Instant;

/// Tables that are asked together. PostgreSQL locks them all, and their indexes, for the statement.
const TOGETHER: usize = 32;
/// With fewer idle ones among them, each is polled by itself.
const LEAST: usize = 4;
/// Tables are asked earlier than they are due by this part of the poll interval at most.
const EARLY: u32 = 10;
/// How long each table is polled by itself after the statement failed.
const APART: Duration = Duration::from_secs(60);

/// Asks idle tables for new rows.
#[derive(Default)]
pub(crate) struct IdleTables {
    apart_until: Option<Instant>,
}

impl IdleTables {
    /// Puts off the next poll of tables without new rows, and makes tables due that have some.
    ///  The statement has the conditions and order of the tables' next pages, so a table that it
    /// passes over is one whose next page would be empty. Idle tables stay in their order, so that
    /// the text stays the same and is prepared once.
    ///
    /// # Errors `Connect`, `Timeout`; after any other error, tables are polled one by one.
    pub(crate) async fn pass_over(
        &mut self,
        tables: &mut TableQueue,
        reader: &mut Reader,
        config: &SourceConfig,
    ) -> Result<()> {
        if self.apart_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        let now = Instant::now();
        if tables.due(now, u64::MAX).is_none() {
            return Ok(());
        }
        // Those that are due soon are asked with them, and from then on together.
        let soon = |table: &&mut TableState| {
            let early = table.plan.config.poll_interval.0 / EARLY;
            table.next_poll <= now + early && table.is_quiet()
        };
        let mut idle: Vec<&mut TableState> = tables.iter_mut().filter(soon).collect();
        for group in idle.chunks_mut(TOGETHER) {
            if group.len() < LEAST {
                continue;
            }
            let mut connection = reader.connection(config).await?;
            let dialect = reader.dialect.clone();
            let asked = ask(group, connection.as_mut(), dialect.as_ref()).await;
            match asked {
                Ok(()) => reader.put_back(connection),
                Err(e) if matches!(e.kind(), ErrorKind::Connect | ErrorKind::Timeout) => {
                    return Err(e);
                }
                Err(error) => {
                    // The poll of the table at fault reports it, if it is not gone by then.
                    tracing::debug!(error = error.report(), "idle tables are polled one by one");
                    self.apart_until = Some(Instant::now() + APART);
                    if connection.ping().await.is_ok() {
                        reader.put_back(connection);
                    }
                    break;
                }
            }
        }
        tables.put_back();
        Ok(())
    }
}

/// The statement, and how many pages it asks for.
fn statement(
    group: &[&mut TableState],
    dialect: &dyn Dialect,
) -> Result<Option<(Statement, usize)>> {
    let tables = group.iter().flat_map(|table| table.with_changes());
    let tables: Vec<&TableState> = tables.collect();
    let bounds: Vec<_> = tables.iter().map(|table| table.bounds()).collect();
    let tables = tables.into_iter().zip(&bounds);
    let pages = tables.map(|(table, bounds)| table.following_page(bounds));
    let pages: Vec<_> = pages.collect();
    let statement = dialect.syntax().select_any(&pages)?;
    Ok(statement.map(|statement| (statement, pages.len())))
}

async fn ask(
    group: &mut [&mut TableState],
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
) -> Result<()> {
    let Some((statement, pages)) = statement(group, dialect)? else {
        return Ok(());
    };
    let columns = (0..pages).map(|i| Kind::Int64.field(&format!("p{i}"), true));
    let schema = Schema::new("idle", columns, &[])?;
    let Some(found) = query_row(connection, &statement, &schema).await? else {
        return Ok(());
    };
    let found = found.row(0);
    let tables = group.iter_mut();
    let mut column = 0;
    for table in tables {
        let columns = column..column + table.with_changes().count();
        column = columns.end;
        if !table.is_quiet() {
            continue;
        }
        let found = columns
            .into_iter()
            .any(|i| found.get(i).to_value() != Value::Null);
        let changes = table.capture.as_mut().map(|capture| &mut capture.changes);
        match found {
            false => changes
                .into_iter()
                .for_each(|changes| changes.rest(Came::Nothing)),
            true => changes.into_iter().for_each(TableState::wake),
        }
        match found {
            false => table.rest(Came::Nothing),
            true => table.wake(),
        }
    }
    Ok(())
}

/// What a poll has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    Rows,
    Nothing,
}

/// The pause before the next poll: the least after rows, twice the last one after none.
fn pause(last: Duration, came: Came, least: Duration, most: Duration) -> Duration {
    let least = least.max(Duration::from_millis(1)).min(most);
    match came {
        Came::Rows => least,
        Came::Nothing => last.saturating_mul(2).clamp(least, most),
    }
}

impl TableState {
    /// Nothing is left to read for now: the table is polled again after a pause.
    pub(crate) fn rest(&mut self, came: Came) {
        let config = &self.plan.config;
        let most = config.poll_interval.0;
        let least = config.least_poll_interval();
        self.pause = pause(self.pause, came, least, most);
        self.idle = came == Came::Nothing;
        self.next_poll = Instant::now() + self.pause;
    }

    /// New rows are there.
    fn wake(&mut self) {
        self.idle = false;
        self.next_poll = Instant::now();
    }

    /// The table, and that of its captured deletes.
    fn with_changes(&self) -> impl Iterator<Item = &Self> {
        let capture = self.capture.as_ref();
        [self]
            .into_iter()
            .chain(capture.map(|capture| &capture.changes))
    }

    /// Its next page can be asked for together with those of others.
    fn can_be_asked(&self) -> bool {
        let plan = &self.plan;
        let by_key = !plan.key.is_empty() && plan.query.is_none() && !plan.bulk;
        by_key && plan.config.query_suffix.0.is_none()
    }

    /// A poll would read its next page and do nothing else, and the last one found no rows.
    pub(crate) fn is_quiet(&self) -> bool {
        let late = self.late.as_ref();
        self.idle
            && self.can_be_asked()
            && !self.is_streaming()
            && self.bisect.is_none()
            && !self.was_sent
            && !self.unsaved
            && self.ranges.is_none()
            && self.load.is_none()
            && self.end == End::Never
            && late.is_none_or(LateRows::is_at_rest)
            && self.comparison.as_ref().is_none_or(|of| !of.is_due())
            && (!self.captures
                || self
                    .capture
                    .as_ref()
                    .is_some_and(|capture| capture.is_quiet()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_short_after_rows_and_grow_to_the_poll_interval() {
        let ms = Duration::from_millis;
        let next = |last, came| pause(ms(last), came, ms(50), ms(300)).as_millis();
        assert_eq!(next(300, Came::Rows), 50);
        assert_eq!(next(50, Came::Nothing), 100);
        assert_eq!(next(100, Came::Nothing), 200);
        assert_eq!(next(200, Came::Nothing), 300);
        assert_eq!(next(300, Came::Nothing), 300);
        let constant = |came| pause(ms(300), came, ms(300), ms(300)).as_millis();
        assert_eq!([constant(Came::Rows), constant(Came::Nothing)], [300, 300]);
        assert_eq!(pause(ms(0), Came::Nothing, ms(0), ms(0)), ms(0));
    }
}
