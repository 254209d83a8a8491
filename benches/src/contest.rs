//! What is measured against what: our ways into and out of a table, the raw driver doing the same
//! bytes, and one row at a time.
use async_trait::async_trait;
use connect_api::Result;
use dialects::{Route, WriteOp};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// What is to be done with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// All rows are read.
    Read,
    /// New rows go into an empty table.
    Insert,
    /// Every row of a full table gets new values.
    Upsert,
}

/// How it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By the dialect, as connectors do.
    Ours,
    /// By the dialect, by this route.
    Route(Route),
    /// The raw driver, and no model of ours: rows fetched and not decoded; bytes that were made
    /// before, written the fastest way that the driver has.
    Limit,
    /// The raw driver: a prepared statement a row, in one transaction, a round trip each.
    OneRow,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Insert, Self::Upsert];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Insert => "insert",
            Self::Upsert => "upsert",
        }
    }

    /// The operation; `None` for reading.
    pub(crate) fn op(self) -> Option<WriteOp> {
        match self {
            Self::Read => None,
            Self::Insert => Some(WriteOp::Insert),
            Self::Upsert => Some(WriteOp::Upsert),
        }
    }

    /// The revision of the rows that are written.
    pub(crate) fn revision(self) -> i64 {
        match self {
            Self::Read | Self::Insert => 0,
            Self::Upsert => 1,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::Route(Route::Load) => "load",
            Self::Route(Route::Stage) => "stage",
            Self::Route(Route::Values) => "values",
            Self::Route(Route::Rows) => "rows",
            Self::Limit => "limit",
            Self::OneRow => "one-row",
        })
    }
}

/// Something that can be done again and again, and takes time.
#[async_trait]
pub(crate) trait Run: Send {
    /// Does it once; the number of rows.
    async fn run(&mut self) -> Result<u64>;
}

/// A task, a way, and all that they need.
pub struct Contender {
    /// What.
    pub task: Task,
    /// How.
    pub way: Way,
    /// Rows of one run.
    pub rows: u64,
    pub(crate) run: Box<dyn Run>,
}

impl Contender {
    /// Does it once; the time that it took. The table must be as [`Arena::reset`] makes it.
    ///
    /// # Errors
    /// As the database says; `Internal`: another number of rows was met.
    ///
    /// [`Arena::reset`]: crate::Arena::reset
    pub async fn run(&mut self) -> Result<Duration> {
        let started = Instant::now();
        let rows = self.run.run().await?;
        let elapsed = started.elapsed();
        if rows == self.rows {
            return Ok(elapsed);
        }
        let (task, way, expected) = (self.task.name(), self.way, self.rows);
        Err(crate::internal(format!(
            "{task} {way}: {rows} rows, expected {expected}"
        )))
    }
}
