//! Bisection for a row that cannot be read: pages are halved until it is found, and doubled again
//! behind it.
use connect_api::{Error, ErrorKind, Records, Result, Value};

/// A row, identified by its key columns.
#[derive(Debug)]
pub(crate) struct LocatedRow {
    /// The key of the page.
    pub(crate) key: Vec<Value>,
    /// The key columns of the records.
    pub(crate) columns: Records,
}

/// The next step.
#[derive(Debug)]
pub(crate) enum BisectStep {
    /// Read a page.
    Page,
    /// Read this row.
    Row(LocatedRow),
    /// This row could not be read.
    Rejected(LocatedRow, Error),
    /// The keys of the first rows could not be read.
    UnreadableKeys(Error),
}

/// The state of the bisection.
#[derive(Debug)]
pub(crate) struct Bisect {
    /// The page limit while the row is searched.
    rows: u32,
    /// The row is among this many next ones, if known.
    within: Option<u32>,
    step: BisectStep,
}

impl Bisect {
    /// Starts after a page of `rows` rows could not be read.
    pub(crate) fn within(rows: u32) -> Self {
        Self {
            rows: (rows / 2).max(1),
            within: Some(rows),
            step: BisectStep::Page,
        }
    }

    /// The maximum number of rows of the next page.
    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// Rows are read one at a time.
    pub(crate) fn is_single_row(&self) -> bool {
        self.rows == 1
    }

    /// Takes the next step and resets it to a page.
    pub(crate) fn take_step(&mut self) -> BisectStep {
        std::mem::replace(&mut self.step, BisectStep::Page)
    }

    pub(crate) fn set_step(&mut self, step: BisectStep) {
        self.step = step;
    }

    /// Records that rows were read; `None` for ties, which are not counted.
    pub(crate) fn advance(&mut self, rows: Option<usize>) {
        let rows = rows.and_then(|rows| u32::try_from(rows).ok());
        self.within = match (self.within, rows) {
            (Some(within), Some(rows)) => within.checked_sub(rows).filter(|left| *left > 0),
            _ => None,
        };
        self.rows = match self.within {
            Some(within) => (within / 2).max(1),
            None => self.rows.saturating_mul(2),
        };
    }

    /// Records that the row was found.
    pub(crate) fn located(&mut self) {
        (self.rows, self.within) = (1, None);
    }

    /// Records that the current step failed. `can_skip`: rows with an unreadable key can be
    /// separated from the others.
    ///
    /// # Errors The same error, if the row cannot be isolated.
    pub(crate) fn fail(&mut self, error: Error, can_skip: bool) -> Result<()> {
        if error.kind() != ErrorKind::Data {
            return Err(error);
        }
        match self.take_step() {
            BisectStep::Page if self.rows > 1 => *self = Self::within(self.rows),
            BisectStep::Page if can_skip => self.step = BisectStep::UnreadableKeys(error),
            BisectStep::Row(located) => self.step = BisectStep::Rejected(located, error),
            BisectStep::Page | BisectStep::Rejected(..) | BisectStep::UnreadableKeys(_) => {
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads 1,000 rows, the `bad` ones of which cannot be read; how many pages that takes.
    fn pages(bad: &[u32]) -> u32 {
        const FULL: u32 = 500;
        let error = || Error::new(ErrorKind::Data, "row");
        let (mut next, mut bisect, mut pages, mut located) = (0, None::<Bisect>, 0, Vec::new());
        while next < 1_000 {
            pages += 1;
            let rows = bisect.as_ref().map_or(FULL, |s| s.rows().min(FULL));
            let page = next..next + rows;
            let is_bad = bad.iter().any(|row| page.contains(row));
            match &mut bisect {
                Some(bisect) if is_bad && bisect.is_single_row() => {
                    located.push(next);
                    bisect.located();
                    next += 1;
                }
                Some(bisect) if is_bad => bisect.fail(error(), false).unwrap(),
                None if is_bad => bisect = Some(Bisect::within(rows)),
                at => {
                    if let Some(bisect) = at {
                        bisect.advance(usize::try_from(rows).ok());
                    }
                    at.take_if(|bisect| bisect.rows() >= FULL);
                    next = page.end;
                }
            }
        }
        assert_eq!(located, bad);
        pages
    }

    #[test]
    fn a_row_is_located_in_few_pages_and_pages_grow_again_behind_it() {
        assert_eq!(pages(&[]), 2);
        for row in [0, 1, 250, 498, 499, 500, 999] {
            let pages = pages(&[row]);
            assert!(pages < 35, "{row}: {pages}");
        }
        assert!(pages(&[17, 18, 400]) < 70);
        let all: Vec<u32> = (0..1_000).collect();
        assert!(pages(&all) < 1_100);
    }

    #[test]
    fn only_data_errors_are_bisected() {
        let mut bisect = Bisect::within(8);
        assert_eq!(bisect.rows(), 4);
        let schema = Error::new(ErrorKind::Schema, "gone");
        assert!(bisect.fail(schema, true).is_err());
        let of_key = || Error::new(ErrorKind::Data, "key");
        for rows in [2, 1] {
            bisect.fail(of_key(), false).unwrap();
            assert_eq!(bisect.rows(), rows);
        }
        assert!(bisect.fail(of_key(), false).is_err(), "the key itself");
        bisect.fail(of_key(), true).unwrap();
        assert!(matches!(bisect.take_step(), BisectStep::UnreadableKeys(_)));
    }
}
