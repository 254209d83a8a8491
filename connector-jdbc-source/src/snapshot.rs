//! The snapshot of a table: its existing rows, which are read before new ones are followed.
//!
//! A table without a stored position is read in the order of its key, from the first row. Once the
//! greatest key of that time is complete (no transaction can add a row up to it, see
//! [`late_rows`](crate::late_rows)), the rows up to it no longer change places: where many are left,
//! they are divided into ranges, which are read side by side. That key is the low watermark: rows
//! behind it, and rows that change meanwhile, which get a later timestamp, are read once all ranges
//! have been.
//!
//! The stored position holds what is left of the ranges, so that no range is read again after a
//! restart.
use crate::{
    config::{SnapshotMode, SourceConfig},
    late_rows::Bound,
    position,
    read_plan::ReadPlan,
    table::TableState,
};
use connect_api::{Offset, Polled, Records, Result};
use dialect_core::{Connection, Dialect, Split};
use parallel::ParallelRead;
use range::{Key, Range, joined};
use std::{num::NonZeroU32, sync::Arc};

mod parallel;
pub(crate) mod progress;
pub(crate) mod range;

/// Ranges for each reader at the start: their rows are not known to be of the same number.
const RANGES_PER_READER: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);

/// Ranges of a table up to a key.
pub(crate) struct Ranges {
    /// The low watermark, where reading goes on behind the ranges.
    end: Key,
    /// What is left to read, while nobody reads it.
    left: Vec<Range>,
    read: Option<ParallelRead>,
}

impl Ranges {
    pub(crate) fn new(end: Key, left: Vec<Range>) -> Self {
        Self {
            end,
            left,
            read: None,
        }
    }

    fn left(&self) -> Vec<Range> {
        match &self.read {
            Some(read) => read.left(),
            None => self.left.clone(),
        }
    }
}

impl ReadPlan {
    /// Rows may be sent in another order than that of the key: no two of them have one message key.
    fn has_one_row_per_message_key(&self) -> bool {
        let sent: Vec<&str> = self.schema.key().iter().map(|i| self.name_of(*i)).collect();
        let primary = &self.table.primary_key;
        let by_key =
            !primary.is_empty() && primary.iter().all(|name| sent.contains(&name.as_str()));
        // Rows with equal numbers are in one range.
        let by_number = match (self.key.as_slice(), self.schema.key()) {
            ([first, ..], [only]) => first.columns == [self.columns[*only]],
            _ => false,
        };
        // Without key columns, a template chooses the queues.
        let keyless = sent.is_empty() && self.key_template.is_none();
        self.query.is_none() && (keyless || by_key || by_number)
    }

    fn name_of(&self, column: usize) -> &str {
        &self.table.columns[self.columns[column]].name
    }
}

/// Ranges with about the same number of rows.
async fn quantiles(
    plan: &ReadPlan,
    whole: &Range,
    parts: NonZeroU32,
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
) -> Result<Vec<Range>> {
    let until = whole.until.as_deref().unwrap_or_default();
    let page = plan.ties_page(whole.after.as_deref(), until);
    let splits = connection.split(dialect.syntax(), &page, parts).await?;
    let mut ranges = Vec::with_capacity(splits.len());
    for split in splits {
        match split {
            Split::Key { after, until } => ranges.push(Range {
                after: after.map_or_else(|| whole.after.clone(), |after| Some(vec![after])),
                until: until.map_or_else(|| whole.until.clone(), |until| Some(vec![until])),
            }),
            Split::Blocks(_) => return Ok(vec![whole.clone()]),
        }
    }
    Ok(ranges)
}

impl TableState {
    /// Divides the rows that are left up to a complete key into ranges, if they are many.
    ///
    /// # Errors Errors of the database.
    pub(crate) async fn divide_if_large(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<()> {
        let config = self.plan.config.clone();
        let readers = config.snapshot_threads;
        if self.rows_in_line < u64::from(config.snapshot_rows.get())
            || readers.get() == 1
            || self.range_end.is_some()
            || self.plan.key.is_empty()
            || self.bisect.is_some()
            || self.ties_until.is_some()
            || !self.plan.has_one_row_per_message_key()
        {
            return Ok(());
        }
        let end = match self.late.as_ref().map(|late| late.bound.as_ref()) {
            Some(Some(Bound::Complete(end))) => Some(end.clone()),
            // Rows are read that others may follow late.
            Some(_) => return Ok(()),
            None => self.last_key_of_table(connection, dialect).await?,
        };
        self.rows_in_line = 0;
        let (Some(after), Some(end)) = (self.after.clone(), end) else {
            return Ok(());
        };
        let whole = Range {
            after: Some(after),
            until: Some(end.clone()),
        };
        let parts = readers.saturating_mul(RANGES_PER_READER);
        let mut left = whole.divide(parts.get());
        if left.len() == 1 {
            left = quantiles(&self.plan, &whole, parts, connection, dialect).await?;
        }
        if left.len() == 1 {
            return Ok(());
        }
        tracing::info!(
            table = %self.plan.name(), ranges = left.len(), connections = readers,
            "a large table: what is left of it is read over several connections"
        );
        self.ranges = Some(Ranges::new(end, left));
        Ok(())
    }

    /// The next rows of the ranges; `None` if all were read.
    ///
    /// # Errors Errors of the database.
    pub(crate) async fn next_of_ranges(
        &mut self,
        dialect: &Arc<dyn Dialect>,
    ) -> Result<Option<Polled>> {
        let Some(mut ranges) = self.ranges.take() else {
            return Ok(None);
        };
        if ranges.read.is_none() {
            let left = std::mem::take(&mut ranges.left);
            let readers = self.plan.config.snapshot_threads;
            let read = ParallelRead::start(self, left, readers, dialect);
            ranges.read = Some(read);
        }
        // Put back at once: this future may be dropped.
        let Some(read) = self.ranges.insert(ranges).read.as_mut() else {
            return Ok(None);
        };
        match read.next().await {
            Ok(Some(polled)) => Ok(Some(self.with_ranges_left(polled))),
            Ok(None) => self.end_ranges().map(Some),
            Err(error) => {
                // The readers that go on are stopped.
                if let Some(ranges) = &mut self.ranges {
                    ranges.left = ranges.left();
                    ranges.read = None;
                }
                Err(error)
            }
        }
    }

    /// The position after rows of the ranges: what is left of them.
    fn with_ranges_left(&mut self, polled: Polled) -> Polled {
        if let Polled::Records(records) = &polled {
            self.count(records.len());
        }
        let position = self.position(self.offset_of_ranges());
        match polled {
            Polled::Records(records) => Polled::Records(records.with_position(position)),
            Polled::Refused { keys, error } => Polled::Refused {
                keys: keys.with_position(position),
                error,
            },
            other => other,
        }
    }

    fn offset_of_ranges(&self) -> Offset {
        let Some(ranges) = &self.ranges else {
            return Offset::new();
        };
        let end = position::offset(&self.plan, &ranges.end);
        self.with_marks(end, ranges.left())
    }

    /// All ranges were read: reading goes on behind them.
    fn end_ranges(&mut self) -> Result<Polled> {
        let end = self.ranges.take().map(|ranges| ranges.end);
        if let (Some(late), Some(end)) = (&mut self.late, &end) {
            late.skip_to(end);
        }
        let after = end.as_deref().unwrap_or_default();
        let records: Records = self.empty_records_after(after)?;
        self.after = end;
        Ok(Polled::Records(records))
    }

    /// Reads this range from now on.
    fn start_range(&mut self, range: Range) {
        (self.after, self.range_end) = (range.after, range.until);
    }

    /// What is left of the range, if the rows behind the last that was read can be divided.
    fn dividable_range(&self) -> Option<Range> {
        (self.ties_until.is_none() && self.bisect.is_none()).then(|| Range {
            after: self.after.clone(),
            until: self.range_end.clone(),
        })
    }

    fn cut_range(&mut self, range: Range) {
        self.range_end = range.until;
    }

    /// The ranges that a stored position leaves.
    pub(crate) fn set_ranges(&mut self, left: Vec<Range>) {
        if let Some(end) = self.after.clone().filter(|_| !left.is_empty()) {
            self.ranges = Some(Ranges::new(end, joined(left)));
        }
    }
}

impl SourceConfig {
    /// Existing rows are read.
    pub(crate) fn reads_existing_rows(&self) -> bool {
        match self.snapshot_mode {
            SnapshotMode::Initial | SnapshotMode::Only | SnapshotMode::WhenNeeded => true,
            SnapshotMode::Never => false,
        }
    }
}
