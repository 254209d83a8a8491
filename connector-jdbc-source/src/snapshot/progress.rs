//! How far the snapshot of a table has come, in the log and in the status of the task.
use connect_api::{Part, PartBoard, PartState, Progress};
use std::time::Duration;
use tokio::time::Instant;

/// Between two lines in the log.
const LOGGED: Duration = Duration::from_secs(10);
/// Between two changes of the status.
const SHOWN: Duration = Duration::from_millis(500);

/// The running snapshot of a table.
#[derive(Debug)]
pub(crate) struct Load {
    table: Box<str>,
    parts: PartBoard,
    /// Rows of earlier runs of the task.
    before: u64,
    rows: u64,
    estimate: Option<u64>,
    started: Instant,
    shown: Instant,
    logged: Instant,
}

impl Load {
    /// A snapshot that earlier runs have read `before` rows of.
    pub(crate) fn new(table: String, before: u64, estimate: Option<u64>, parts: PartBoard) -> Self {
        let now = Instant::now();
        let load = Self {
            table: table.into(),
            parts,
            before,
            rows: 0,
            estimate,
            started: now,
            shown: now,
            logged: now,
        };
        load.show();
        load
    }

    /// Rows that were read, those of earlier runs too.
    pub(crate) fn rows(&self) -> u64 {
        self.before + self.rows
    }

    fn progress(&self) -> Progress {
        let elapsed = self.started.elapsed().as_millis().max(1);
        let per_second = u128::from(self.rows) * 1_000 / elapsed;
        let per_second = u64::try_from(per_second).unwrap_or(u64::MAX);
        // An estimate that was too low says nothing of what is left.
        let left = self.estimate.and_then(|all| all.checked_sub(self.rows()));
        Progress {
            rows: self.rows(),
            estimate: self.estimate,
            rows_per_second: per_second,
            seconds_left: left.and_then(|left| left.checked_div(per_second)),
        }
    }

    fn show(&self) {
        let progress = Some(self.progress());
        let mut is_known = false;
        self.parts.update(&self.table, |part| {
            (part.state, part.progress) = (PartState::Snapshot, progress);
            is_known = true;
        });
        if !is_known {
            let part = Part {
                progress,
                ..Part::new(PartState::Snapshot)
            };
            self.parts.set(&self.table, part);
        }
    }

    /// Counts rows.
    pub(crate) fn add(&mut self, rows: usize) {
        self.rows += rows as u64;
        let now = Instant::now();
        if now.duration_since(self.shown) < SHOWN {
            return;
        }
        self.shown = now;
        self.show();
        if now.duration_since(self.logged) < LOGGED {
            return;
        }
        self.logged = now;
        let progress = self.progress();
        tracing::info!(
            table = %self.table, rows = progress.rows, estimate = progress.estimate,
            rows_per_second = progress.rows_per_second, seconds_left = progress.seconds_left,
            "snapshot in progress"
        );
    }

    /// The snapshot is complete.
    pub(crate) fn finish(self, state: PartState) {
        self.parts.update(&self.table, |part| {
            part.state = state;
            part.progress = None;
        });
        tracing::info!(
            table = %self.table, rows = self.rows(),
            seconds = self.started.elapsed().as_secs_f32(),
            "snapshot complete"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_rows_of_earlier_runs_and_estimates_what_is_left() {
        let parts = PartBoard::default();
        let mut load = Load::new("t".to_owned(), 100, Some(1_000), parts.clone());
        load.started = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        load.shown = load.started;
        load.add(300);
        let shown = parts.all()["t"].clone();
        assert_eq!(shown.state, PartState::Snapshot);
        let progress = shown.progress.unwrap();
        assert_eq!((progress.rows, progress.estimate), (400, Some(1_000)));
        assert!(
            (29..=30).contains(&progress.rows_per_second),
            "{progress:?}"
        );
        assert_eq!(progress.seconds_left, Some(600 / progress.rows_per_second));
        load.add(1_000);
        assert_eq!(
            load.progress().seconds_left,
            None,
            "the estimate was too low"
        );
        load.finish(PartState::Following);
        let shown = parts.all()["t"].clone();
        assert_eq!((shown.state, shown.progress), (PartState::Following, None));
    }
}
