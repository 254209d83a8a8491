//! Tables that cannot be read, while others of the task are.
use crate::opening::Begin;
use connect_api::{Error, ErrorKind, Records};
use dialect_core::TableName;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// The pause before a table is tried again, at first.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause if `table.poll.interval.ms` is longer, or 0.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A table that was read for so long has no old troubles.
const RECOVERED: Duration = Duration::from_secs(600);

/// A table that failed.
struct Failed {
    error: String,
    pause: Duration,
    /// The time of the next try; `None` while it is read again.
    retry: Option<Instant>,
    /// When it was last set aside, or read again.
    since: Instant,
    /// How it begins once it can be read.
    begin: Begin,
    /// Empty records that store the beginning as its position; `None` if it was never read.
    reset: Option<Records>,
}

/// Tables that failed, until they have been read again for a while.
#[derive(Default)]
pub(crate) struct FailedTables(BTreeMap<TableName, Failed>);

/// The error concerns the table that is read, and not the connection or the program.
pub(crate) fn concerns_table_alone(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Schema
        | ErrorKind::Config
        | ErrorKind::Auth
        | ErrorKind::Unsupported
        | ErrorKind::Data
        // Another session has locked it.
        | ErrorKind::Conflict => true,
        ErrorKind::Connect
        | ErrorKind::Timeout
        | ErrorKind::Busy
        | ErrorKind::Internal
        | ErrorKind::Stopped => false,
    }
}

impl FailedTables {
    /// Sets a table aside; returns whether this is news.
    pub(crate) fn add(
        &mut self,
        name: &TableName,
        error: String,
        begin: Begin,
        reset: Option<Records>,
        interval: Duration,
        now: Instant,
    ) -> bool {
        let longest = match interval.is_zero() {
            true => LONGEST_PAUSE,
            false => interval.min(LONGEST_PAUSE),
        };
        let before = self.0.remove(name);
        let before = before.filter(|old| old.retry.is_some() || old.since + RECOVERED > now);
        let pause = before.as_ref().map_or(FIRST_PAUSE, |old| old.pause * 2);
        let pause = pause.min(longest);
        let is_news = before.as_ref().is_none_or(|old| old.error != error);
        let failed = Failed {
            error,
            pause,
            retry: Some(now + pause),
            since: now,
            begin: before.as_ref().map_or(begin, |old| old.begin.max(begin)),
            reset: reset.or_else(|| before.and_then(|old| old.reset)),
        };
        self.0.insert(name.clone(), failed);
        is_news
    }

    /// The tables that are set aside.
    pub(crate) fn names(&self) -> impl Iterator<Item = &TableName> {
        let aside = self.0.iter().filter(|(_, failed)| failed.retry.is_some());
        aside.map(|(name, _)| name)
    }

    /// Tables to try again now.
    pub(crate) fn due(&self, now: Instant) -> Vec<TableName> {
        let due = |failed: &Failed| failed.retry.is_some_and(|retry| retry <= now);
        let due = self.0.iter().filter(|(_, failed)| due(failed));
        due.map(|(name, _)| name.clone()).collect()
    }

    /// The time of the next try.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.0.values().filter_map(|failed| failed.retry).min()
    }

    /// How the table begins once it can be read.
    pub(crate) fn begin(&self, name: &TableName) -> Begin {
        self.0
            .get(name)
            .map_or(Begin::Resume, |failed| failed.begin)
    }

    /// The table is read again; returns whether it was set aside.
    pub(crate) fn resume(&mut self, name: &TableName, now: Instant) -> bool {
        let Some(failed) = self.0.get_mut(name) else {
            return false;
        };
        (failed.since, failed.begin) = (now, Begin::Resume);
        failed.retry.take().is_some()
    }

    /// The table does not exist: a table that takes its name is another one. Returns empty records that
    /// store the beginning as its position, once.
    pub(crate) fn missing(&mut self, name: &TableName) -> Option<Records> {
        let failed = self.0.get_mut(name)?;
        failed.begin = Begin::Again;
        failed.reset.take()
    }

    /// The table is none of the task's any more.
    pub(crate) fn forget(&mut self, name: &TableName) {
        self.0.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_fails_again_is_tried_less_often_and_reported_once() {
        let (name, interval) = (TableName::new("t"), Duration::from_secs(5));
        let mut now = Instant::now();
        let mut failed = FailedTables::default();
        let mut pauses = Vec::new();
        for round in 0..5 {
            let error = "no".to_owned();
            let is_news = failed.add(&name, error, Begin::New, None, interval, now);
            assert_eq!(is_news, round == 0);
            assert!(failed.names().eq([&name]) && failed.due(now).is_empty());
            assert_eq!(failed.begin(&name), Begin::New);
            let retry = failed.next_due().unwrap();
            pauses.push((retry - now).as_secs());
            now = retry;
            assert_eq!(failed.due(now), std::slice::from_ref(&name));
            assert!(failed.resume(&name, now) && failed.names().next().is_none());
        }
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
        let add = |failed: &mut FailedTables, now| {
            let error = "another".to_owned();
            failed.add(&name, error, Begin::Resume, None, interval, now)
        };
        assert!(add(&mut failed, now));
        assert!(failed.missing(&name).is_none());
        assert_eq!(failed.begin(&name), Begin::Again);
        failed.resume(&name, now);
        assert_eq!(failed.begin(&name), Begin::Resume);
        now += RECOVERED;
        assert!(add(&mut failed, now));
        assert_eq!(failed.next_due(), Some(now + FIRST_PAUSE));
        failed.forget(&name);
        assert!(failed.next_due().is_none());
    }
}
