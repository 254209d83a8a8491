//! What only the database can say of a table before its first row (G9): whether it takes the statements
//! that read it, and how its clock and the timestamps of the table lie to each other.
use crate::{
    read_plan::ReadPlan,
    scalar::{present, query_row},
    table::select,
    watermark,
};
use connect_api::{Disposition, Error, Kind, Result, Schema, Value, config::Faults};
use dialect_core::{Connection, Dialect, Page, TableType};
use std::{
    num::NonZeroU32,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A difference between two clocks that matters: writers on other hosts may take times from them.
const MAX_SKEW: Duration = Duration::from_secs(5);
/// Timestamps that lie further in the future are mistakes, and not the difference between clocks.
const FUTURE: i64 = 60_000_000;
/// The last row of larger tables is looked for if an index leads to it.
const FEW_ROWS: u64 = 10_000;
/// Tables that are asked together for rows in the future.
const TOGETHER: usize = 32;

/// Runs the statement of the first page for no rows, with `where` and `query.suffix`. What the database
/// says of it is added to `faults`.
///
/// # Errors Transient errors.
pub(crate) async fn check_statement(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plan: &ReadPlan,
    faults: &mut Faults,
) -> Result<()> {
    let config = &plan.config;
    let filter = config.filter.0.as_deref();
    let none = match filter {
        // It may end in a comment.
        Some(filter) => format!("({filter}\n) AND 1 = 0"),
        None => "1 = 0".to_owned(),
    };
    let page = Page {
        filter: Some(&none),
        ..plan.next_page(None, Some(NonZeroU32::MIN))
    };
    let error = match run(connection, dialect, plan, &page).await {
        Ok(()) => return Ok(()),
        Err(error) if error.kind().disposition() == Disposition::Retry => return Err(error),
        Err(error) => error,
    };
    let message = format!(
        "{}: the database refuses the statement of its pages: {}",
        plan.name(),
        error.report()
    );
    match (filter, &config.query_suffix.0) {
        (Some(_), None) => faults.at("where", message),
        (None, Some(_)) => faults.at("query.suffix", message),
        (Some(_), Some(_)) => faults.general(format!("{message} (`where` and `query.suffix`)")),
        (None, None) => faults.general(message),
    }
    Ok(())
}

async fn run(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plan: &ReadPlan,
    page: &Page<'_>,
) -> Result<(), Error> {
    let statement = select(dialect, page, &plan.config)?;
    let mut cursor = connection.query(&statement, &plan.schema).await?;
    while cursor.next(1, usize::MAX).await?.is_some() {}
    Ok(())
}

/// Notes of a clock that differs from ours, and of tables whose newest timestamps lie in the future.
///
/// # Errors Errors of the database.
pub(crate) async fn time_notes(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plans: &mut [ReadPlan],
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    let mut plans: Vec<_> = plans.iter_mut().filter(|plan| is_by_time(plan)).collect();
    if let Some(plan) = plans.first() {
        let before = SystemTime::now();
        let theirs = micros(&present(connection, dialect, plan, Some(0), Duration::ZERO).await?);
        let waited = before.elapsed().unwrap_or_default();
        let ours = before.duration_since(UNIX_EPOCH).unwrap_or_default() + waited / 2;
        let ours = i64::try_from(ours.as_micros()).unwrap_or(i64::MAX);
        notes.extend(theirs.and_then(|theirs| clock_note(theirs, ours)));
    }
    for plan in plans.iter_mut().filter(|plan| plan.query.is_none()) {
        if plan.table.row_estimate.is_none() {
            let of_table = std::slice::from_ref(&plan.table.name);
            plan.table.row_estimate = connection.row_estimates(of_table).await?.pop().flatten();
        }
    }
    plans.retain(|plan| plan.query.is_none() && is_quick(plan));
    let mut zone = None;
    for plan in &mut plans {
        if plan.needs_time_zone() && plan.time_zone.is_none() {
            if zone.is_none() {
                let wanted = plan.config.timezone.as_ref();
                zone = Some(watermark::database_time_zone(connection, wanted).await?);
            }
            if let Some(zone) = zone.clone().flatten() {
                plan.set_time_zone(zone);
            }
        }
    }
    for plans in plans.chunks(TOGETHER) {
        for (plan, now) in ahead(connection, dialect, plans).await? {
            let newest = newest(connection, dialect, plan).await?;
            notes.extend(newest.and_then(|newest| future_note(plan, newest.saturating_sub(now))));
        }
    }
    Ok(notes)
}

/// The plans whose newest rows may lie in the future, each with the present time of its first key part:
/// one question for all of them, where the database answers it.
async fn ahead<'a>(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plans: &'a [&mut ReadPlan],
) -> Result<Vec<(&'a ReadPlan, i64)>> {
    // What the present time depends on, and that time.
    let mut present_times: Vec<((Kind, Option<i64>), Value)> = Vec::new();
    let mut asked = Vec::with_capacity(plans.len());
    for plan in plans {
        let east = plan.watermark(Duration::ZERO).map(|now| now.east);
        let of = (plan.key_kind(0).clone(), east);
        let known = present_times.iter().find(|(same, _)| *same == of);
        let now = match known {
            Some((_, now)) => now.clone(),
            None => {
                let now = present(connection, dialect, plan, east, Duration::ZERO).await?;
                present_times.push((of, now.clone()));
                now
            }
        };
        let plan: &ReadPlan = plan;
        let future = match &now {
            Value::Timestamp(now) => Value::Timestamp(now.saturating_add(FUTURE)),
            Value::OffsetTimestamp(now, east) => {
                Value::OffsetTimestamp(now.saturating_add(FUTURE), *east)
            }
            _ => continue,
        };
        asked.extend(micros(&now).map(|now| (plan, now, [future])));
    }
    let pages: Vec<_> = asked
        .iter()
        .map(|(plan, _, future)| Page {
            before_now: None,
            ..plan.next_page(Some(future), Some(NonZeroU32::MIN))
        })
        .collect();
    let statement = match pages.is_empty() {
        true => None,
        false => dialect.syntax().select_any(&pages)?,
    };
    let there = match &statement {
        Some(statement) => {
            let columns = (0..pages.len()).map(|i| Kind::Int64.field(&format!("p{i}"), true));
            let schema = Schema::new("future", columns, &[])?;
            query_row(connection, statement, &schema).await?
        }
        None => None,
    };
    let may_be = |i: usize| match (&statement, &there) {
        (Some(_), Some(row)) => row.row(0).get(i).to_value() != Value::Null,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let plans = asked.iter().enumerate().filter(|(i, _)| may_be(*i));
    Ok(plans.map(|(_, (plan, now, _))| (*plan, *now)).collect())
}

/// Its pages end before the present time.
fn is_by_time(plan: &ReadPlan) -> bool {
    plan.before_now.is_some() && !plan.key.is_empty()
}

/// The last row is found without reading the whole table.
fn is_quick(plan: &ReadPlan) -> bool {
    let table = &plan.table;
    if !matches!(table.table_type, TableType::Table | TableType::Partitioned) {
        return false;
    }
    if table.row_estimate.is_some_and(|rows| rows < FEW_ROWS) {
        return true;
    }
    match plan.key[0].columns.as_slice() {
        [column] => table.has_index(*column) == Some(true),
        _ => false,
    }
}

/// The greatest first key part.
async fn newest(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    plan: &ReadPlan,
) -> Result<Option<i64>> {
    let columns: Vec<usize> = plan.key_columns().collect();
    let schema = plan.table.schema(&columns, &[])?;
    let page = Page {
        columns: &columns,
        before_now: None,
        descending: true,
        ..plan.next_page(None, Some(NonZeroU32::MIN))
    };
    let statement = select(dialect, &page, &plan.config)?;
    let row = query_row(connection, &statement, &schema).await?;
    let key = row.and_then(|row| plan.page_key(&columns, &row.row(0)));
    Ok(key.and_then(|key| micros(key.first()?)))
}

fn micros(time: &Value) -> Option<i64> {
    match time {
        Value::Timestamp(micros) | Value::OffsetTimestamp(micros, _) => Some(*micros),
        _ => None,
    }
}

/// A note of the clock of the database, in microseconds since 1970, beside ours.
fn clock_note(theirs: i64, ours: i64) -> Option<String> {
    let skew = Duration::from_micros(theirs.abs_diff(ours));
    if skew <= MAX_SKEW {
        return None;
    }
    let side = if theirs > ours { "ahead of" } else { "behind" };
    let seconds = skew.as_secs();
    Some(format!(
        "the clock of the database is {seconds} s {side} the clock of this host: rows whose timestamps \
         come from other clocks than the database's are read late, or missed; synchronise the clocks, or \
         set timestamp.delay.interval.ms to more than {seconds}000"
    ))
}

/// A note of a table whose newest row lies so many microseconds in the future.
fn future_note(plan: &ReadPlan, ahead: i64) -> Option<String> {
    if ahead <= FUTURE {
        return None;
    }
    let column = &plan.table.columns[plan.key[0].columns[0]].name;
    let zone = match plan.key_kind(0) {
        Kind::Timestamp { utc: false } => {
            "; if its values are of another time zone, set db.timezone"
        }
        _ => "",
    };
    Some(format!(
        "table {}: the newest value of `{column}` lies {} s in the future: such rows are read when \
         their time has come{zone}",
        plan.name(),
        ahead / 1_000_000
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_by_seconds_are_noted_with_direction() {
        let second = 1_000_000;
        let now = 1_700_000_000 * second;
        assert_eq!(clock_note(now + 4 * second, now), None);
        let ahead = clock_note(now + 37 * second, now).unwrap();
        assert!(
            ahead.contains("37 s ahead of the clock of this host"),
            "{ahead}"
        );
        let behind = clock_note(now - 90 * second, now).unwrap();
        assert!(behind.contains("90 s behind"), "{behind}");
        assert!(behind.contains("more than 90000"), "{behind}");
    }
}
