//! Late rows: rows of transactions that commit after rows with a greater key were read (G5).
//!
//! Rows are sent as soon as they are read. Behind the last of them, the stored position stays at the
//! last key that is complete: no row can be added up to it. Between the two lie the open rows. They
//! are checked again at each poll, by the columns that identify them, and rows among them that were
//! not sent are read and sent.
//!
//! The open rows are divided into spans, one a page. A span is complete once every transaction has
//! ended that was running when its rows were read, and it was checked after that. Where the database
//! does not report its transactions, a span is complete at a certain age.
//!
//! A table with many new rows is read up to a key of which this is known before its rows are read:
//! the greatest key is asked for, and once the transactions of that time have ended, rows up to it are
//! read as in a table that nobody writes to.
use crate::row_ids::{EqualRows, RowIds};
use connect_api::{Records, Result, Value};
use dialect_core::Visibility;
use std::{
    collections::{HashSet, VecDeque},
    ops::Range,
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// Identities in memory, at 16 bytes and their share of a hash table each; of older open rows, there
/// are a number and a checksum for each span.
const MAX_IDS: usize = 200_000;
/// More spans are merged.
const MAX_SPANS: usize = 128;
/// Spans are not merged beyond this number of rows.
const MERGED_ROWS: u64 = 10_000;
/// The youngest spans are checked at each poll, up to this number of rows; older ones the less often
/// the older they are.
const CHECKED_ROWS: u64 = 1_000;
/// A position that is held back for this long is logged.
const HELD_BACK: Duration = Duration::from_secs(60);

/// How it is known that no row can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompleteBy {
    /// The transactions that were running have ended.
    Transactions,
    /// The key is a row version below the lowest of a running transaction.
    RowVersion,
    /// The age of the rows alone.
    Age,
}

/// What the database reported of its transactions.
pub(crate) struct Report {
    /// When it was asked.
    pub(crate) at: Instant,
    pub(crate) visibility: Arc<Visibility>,
}

/// A key, and when rows up to it were read.
struct Mark {
    key: Vec<Value>,
    read: Instant,
    /// The first report after that.
    report: Option<Arc<Visibility>>,
}

/// The open rows after the key of the span before.
struct Span {
    until: Mark,
    rows: u64,
    checksum: u128,
    /// The identities of its rows, and of late rows that were sent since; `None`: no longer in memory.
    ids: Option<Vec<u128>>,
}

/// Up to where pages are read.
pub(crate) enum Bound {
    /// Up to this key all rows are complete.
    Complete(Vec<Value>),
    /// Up to this key rows were sent: those that were not are late.
    Sent(Vec<Value>),
}

impl Bound {
    pub(crate) fn key(&self) -> &[Value] {
        match self {
            Self::Complete(key) | Self::Sent(key) => key,
        }
    }
}

/// A range of open rows to check.
pub(crate) struct Check {
    pub(crate) after: Option<Vec<Value>>,
    pub(crate) until: Vec<Value>,
    /// The number and checksum of its rows, where their identities are not in memory.
    pub(crate) sum: Option<(u64, u128)>,
    /// Its first span, by number.
    span: usize,
}

/// The late rows of a table.
pub(crate) struct LateRows {
    pub(crate) ids: RowIds,
    by: CompleteBy,
    /// The minimum age of complete rows.
    window: Duration,
    /// The stored position.
    pub(crate) complete: Option<Vec<Value>>,
    spans: VecDeque<Span>,
    /// The identities of the spans that have them in memory.
    sent: HashSet<u128>,
    /// The greatest key of the table, as the end of a range that is to be complete before it is read.
    ahead: Option<Mark>,
    pub(crate) bound: Option<Bound>,
    /// The last page was full, so that a key is to be aimed at.
    pub(crate) is_behind: bool,
    checks: u64,
    /// When the youngest rows were checked last.
    checked: Option<Instant>,
    /// The position has moved, and was not returned since.
    pub(crate) unsaved: bool,
    held_back: Option<Instant>,
}

impl LateRows {
    pub(crate) fn new(
        ids: RowIds,
        by: CompleteBy,
        window: Duration,
        complete: Option<Vec<Value>>,
    ) -> Self {
        Self {
            ids,
            by,
            window,
            complete,
            spans: VecDeque::new(),
            sent: HashSet::new(),
            ahead: None,
            bound: None,
            // How many rows there are is not known yet.
            is_behind: true,
            checks: 0,
            checked: None,
            unsaved: false,
            held_back: None,
        }
    }

    /// Nothing is known of the running transactions any more.
    pub(crate) fn by_age(&mut self, window: Duration) {
        self.by = CompleteBy::Age;
        self.window = self.window.max(window);
    }

    /// The time of the last read that a report is needed for; `None` if none is.
    pub(crate) fn report_after(&self) -> Option<Instant> {
        if self.by == CompleteBy::Age {
            return None;
        }
        let marks = self.spans.iter().map(|span| &span.until);
        marks.chain(&self.ahead).map(|mark| mark.read).max()
    }

    /// Rows are open, or are to be complete.
    pub(crate) fn has_open_rows(&self) -> bool {
        !self.spans.is_empty() || self.ahead.is_some()
    }

    fn is_complete(&self, mark: &Mark, report: Option<&Report>, now: Instant) -> bool {
        if now.duration_since(mark.read) < self.window {
            return false;
        }
        match (self.by, report.map(|report| &*report.visibility)) {
            (CompleteBy::Age, _) => true,
            (CompleteBy::Transactions, Some(Visibility::Transactions(later))) => {
                matches!(mark.report.as_deref(), Some(Visibility::Transactions(then))
                    if then.have_ended(later))
            }
            (CompleteBy::RowVersion, Some(Visibility::RowVersion(lowest))) => {
                matches!(mark.key.first(), Some(Value::Bytes(version)) if version.as_slice() < &lowest[..])
            }
            (CompleteBy::Transactions | CompleteBy::RowVersion, _) => false,
        }
    }

    /// Nothing is to be checked, stored or aimed at.
    pub(crate) fn is_at_rest(&self) -> bool {
        !(self.has_open_rows() || self.needs_aim() || self.unsaved) && self.bound.is_none()
    }

    /// The number of the first spans that are complete once they are checked, and whether that is
    /// known of the range ahead.
    pub(crate) fn settle(&mut self, report: Option<&Report>, now: Instant) -> (usize, bool) {
        if let Some(report) = report {
            let marks = self.spans.iter_mut().map(|span| &mut span.until);
            for mark in marks.chain(&mut self.ahead) {
                if mark.report.is_none() && mark.read < report.at {
                    mark.report = Some(report.visibility.clone());
                }
            }
        }
        let complete = |mark: &Mark| self.is_complete(mark, report, now);
        let spans = self.spans.iter();
        let closed = spans.take_while(|span| complete(&span.until)).count();
        (closed, self.ahead.as_ref().is_some_and(complete))
    }

    /// The first spans, to be checked before they are complete.
    pub(crate) fn first_checks(&self, spans: usize) -> Vec<Check> {
        self.checks(0..spans.min(self.spans.len()))
    }

    /// What to check now: the youngest spans, and older ones the less often the older they are;
    /// nothing where that was asked within `interval`, as it is while one page follows the other.
    pub(crate) fn youngest_checks(&mut self, interval: Duration) -> Vec<Check> {
        let checked = self.checked.map(|checked| checked.elapsed());
        if checked.is_some_and(|elapsed| elapsed < interval) {
            return Vec::new();
        }
        self.checked = Some(Instant::now());
        self.checks = self.checks.wrapping_add(1);
        let spans = 1_usize.checked_shl(self.checks.trailing_zeros());
        let spans = spans.unwrap_or(usize::MAX);
        let (mut first, mut rows) = (self.spans.len(), 0);
        for (index, span) in self.spans.iter().enumerate().rev() {
            rows += span.rows;
            if !(rows <= CHECKED_ROWS || self.spans.len() - index <= spans) {
                break;
            }
            first = index;
        }
        self.checks(first..self.spans.len())
    }

    fn checks(&self, range: Range<usize>) -> Vec<Check> {
        let mut checks: Vec<Check> = Vec::new();
        for index in range {
            let Some(span) = self.spans.get(index) else {
                break;
            };
            let until = span.until.key.clone();
            match checks.last_mut() {
                Some(check) if check.sum.is_none() && span.ids.is_some() => check.until = until,
                _ => checks.push(Check {
                    after: match index.checked_sub(1) {
                        Some(before) => Some(self.spans[before].until.key.clone()),
                        None => self.complete.clone(),
                    },
                    until,
                    sum: span.ids.is_none().then_some((span.rows, span.checksum)),
                    span: index,
                }),
            }
        }
        checks
    }

    pub(crate) fn is_sent(&self, id: u128) -> bool {
        self.sent.contains(&id)
    }

    /// Late rows were found: the rows of this range are read again up to its end.
    pub(crate) fn read_again(&mut self, check: &Check) {
        // Which of the rows of a sum are late is not known: all are sent again.
        if check.sum.is_some()
            && let Some(span) = self.spans.get_mut(check.span)
        {
            tracing::info!(
                rows = span.rows,
                "rows were committed late among rows that are no longer in memory; these are sent \
                 again"
            );
            span.ids = Some(Vec::new());
        }
        self.bound = Some(Bound::Sent(check.until.clone()));
    }

    /// The first spans are complete.
    pub(crate) fn complete(&mut self, spans: usize) {
        for span in self.spans.drain(..spans) {
            for id in span.ids.iter().flatten() {
                self.sent.remove(id);
            }
            self.complete = Some(span.until.key);
            self.unsaved = true;
        }
    }

    /// Rows up to the end of the range ahead are read as complete ones.
    pub(crate) fn read_ahead(&mut self) {
        self.bound = self.ahead.take().map(|mark| Bound::Complete(mark.key));
    }

    /// The range ahead has rows: all open rows lie before it, and were checked.
    pub(crate) fn passed_to_complete(&mut self, key: Vec<Value>) {
        self.forget(Some(key));
        self.unsaved = false;
    }

    /// The greatest key of the table, to be complete before rows up to it are read.
    pub(crate) fn aim_at(&mut self, key: Vec<Value>) {
        self.ahead = Some(Mark {
            key,
            read: Instant::now(),
            report: None,
        });
    }

    /// There are many new rows, and no key is aimed at.
    pub(crate) fn needs_aim(&self) -> bool {
        self.is_behind && self.bound.is_none() && self.ahead.is_none()
    }

    /// Removes rows that were sent, and remembers the others; `None` if there are none left.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn filter(
        &mut self,
        records: Records,
        equal: &mut EqualRows,
    ) -> Result<(Option<Records>, Vec<u128>)> {
        let ids = match self.bound {
            Some(Bound::Complete(_)) => return Ok((Some(records), Vec::new())),
            None => {
                let ids = self.ids.of_rows(&records, equal);
                return Ok((Some(records), ids));
            }
            Some(Bound::Sent(_)) => self.ids.of_rows(&records, equal),
        };
        let rows = (0_u32..).zip(&ids);
        let mut unsent: Vec<u32> = rows
            .filter(|(_, id)| !self.sent.contains(id))
            .map(|(row, _)| row)
            .collect();
        if unsent.is_empty() {
            return Ok((None, Vec::new()));
        }
        if self.ids.by_key {
            // Which of them is late is not known.
            unsent = self.ids.with_equal_keys(&records, &unsent);
        }
        let new = unsent.iter().filter_map(|row| {
            let row = usize::try_from(*row).ok()?;
            ids.get(row).copied()
        });
        let new = new.collect();
        Ok((Some(records.take(&unsent)?), new))
    }

    /// Rows were read up to a key, of which those with these identities are sent.
    pub(crate) fn sent(&mut self, ids: Vec<u128>, key: &[Value]) {
        match &self.bound {
            Some(Bound::Complete(_)) => self.passed_to_complete(key.to_vec()),
            Some(Bound::Sent(_)) => {
                self.sent.extend(ids.iter().copied());
                if let Some(last) = self.spans.back_mut() {
                    last.ids.get_or_insert_default().extend(ids);
                }
            }
            None => {
                self.sent.extend(ids.iter().copied());
                let checksum = ids.iter().fold(0_u128, |sum, id| sum.wrapping_add(*id));
                self.spans.push_back(Span {
                    until: Mark {
                        key: key.to_vec(),
                        read: Instant::now(),
                        report: None,
                    },
                    rows: ids.len() as u64,
                    checksum,
                    ids: Some(ids),
                });
                self.shrink();
            }
        }
    }

    /// Rows up to this key are complete, whatever is known of them.
    pub(crate) fn skip_to(&mut self, key: &[Value]) {
        self.passed_to_complete(key.to_vec());
        self.bound = None;
    }

    /// The end of the bound was reached; the key to go on after, where it is not that of the last row.
    pub(crate) fn end_bound(&mut self) -> Option<Vec<Value>> {
        match self.bound.take()? {
            // Behind it, rows may have been sent too.
            Bound::Sent(_) => Some(self.spans.back()?.until.key.clone()),
            Bound::Complete(_) => None,
        }
    }

    /// Nothing is open any more, and nothing was sent behind the position.
    pub(crate) fn restart_at(&mut self, complete: Option<Vec<Value>>) {
        self.forget(complete);
        (self.ahead, self.bound) = (None, None);
    }

    /// No rows are open, and the position is this one.
    fn forget(&mut self, complete: Option<Vec<Value>>) {
        self.spans.clear();
        self.sent = HashSet::new();
        self.complete = complete;
    }

    /// Keeps memory bounded.
    fn shrink(&mut self) {
        while self.sent.len() > MAX_IDS {
            let mut spans = self.spans.iter_mut();
            // Not the last: late rows are added to it.
            spans.next_back();
            let Some(span) = spans.find(|span| span.ids.is_some()) else {
                break;
            };
            for id in span.ids.take().into_iter().flatten() {
                self.sent.remove(&id);
            }
        }
        if self.spans.len() <= MAX_SPANS {
            return;
        }
        let both = |index: usize| Some((self.spans.get(index)?, self.spans.get(index + 1)?));
        let small = (0..self.spans.len()).find(|index| {
            both(*index).is_some_and(|(one, next)| {
                one.ids.is_some() == next.ids.is_some() && one.rows + next.rows <= MERGED_ROWS
            })
        });
        if let Some(index) = small
            && let Some(one) = self.spans.remove(index)
            && let Some(next) = self.spans.get_mut(index)
        {
            next.rows += one.rows;
            next.checksum = next.checksum.wrapping_add(one.checksum);
            if let (Some(ids), Some(before)) = (&mut next.ids, one.ids) {
                ids.extend(before);
            }
        }
    }

    /// Logs a position that is held back for long, once a minute.
    pub(crate) fn log_if_held_back(&mut self, table: &dyn std::fmt::Display) {
        let Some(first) = self.spans.front() else {
            self.held_back = None;
            return;
        };
        let (since, now) = (first.until.read, Instant::now());
        if now.duration_since(since) < HELD_BACK + self.window {
            self.held_back = None;
        } else if self
            .held_back
            .is_none_or(|logged| now.duration_since(logged) > HELD_BACK)
        {
            self.held_back = Some(now);
            let rows: u64 = self.spans.iter().map(|span| span.rows).sum();
            tracing::warn!(
                %table, seconds = now.duration_since(since).as_secs(), rows,
                "a transaction of the database has been open for long: rows are read and sent, but \
                 the stored position is held back until it ends, and a restart sends these rows \
                 again; find it with pg_stat_activity or information_schema.INNODB_TRX"
            );
        }
    }
}

#[cfg(test)]
mod tests;
