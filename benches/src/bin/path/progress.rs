//! Rows where they arrive, watched without getting in the way.
use crate::worker::Worker;
use benches::{OrdersTable, OrdersTopic};
use connect_api::Result;
use serde_json::Value;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Between looks until the first row is there, and near the end.
const SHORT: Duration = Duration::from_millis(20);
/// Between looks in the middle.
const LONG: Duration = Duration::from_millis(500);
/// Where nothing has come for so long, something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where rows arrive.
pub(crate) enum Destination<'a> {
    /// A topic: its offsets count its messages.
    Topic(&'a OrdersTopic),
    /// A table: watched by its highest id, and counted once that is the last.
    Table(&'a mut OrdersTable),
    /// The position that the worker has stored: it says that the embedded transport has all rows
    /// up to it, which cannot be looked at while the worker has it open.
    Position(PathBuf),
}

/// When rows arrived, as times since the start of the worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) first: Duration,
    pub(crate) last: Duration,
}

impl Destination<'_> {
    /// Rows that have arrived: all of them, or a number near it that is not `expected`.
    async fn rows(&mut self, expected: u64) -> Result<u64> {
        match self {
            Self::Topic(topic) => topic.count().await,
            Self::Table(table) => {
                let highest = table.highest().await?;
                if highest < expected {
                    return Ok(highest);
                }
                table.count().await
            }
            Self::Position(path) => Ok(position(path).unwrap_or(0)),
        }
    }

    /// Waits until `expected` rows have arrived. Looks are far apart in the middle and close
    /// together at the end; the time of a look is that of its beginning.
    ///
    /// # Errors
    /// `Internal`: the worker ended, moves nothing any more, or moved too much.
    pub(crate) async fn wait(&mut self, worker: &mut Worker, expected: u64) -> Result<Arrival> {
        let mut first = None;
        let (mut before, mut moved) = (0, Instant::now());
        loop {
            let at = worker.started.elapsed();
            let rows = self.rows(expected).await?;
            if rows > 0 && first.is_none() {
                first = Some(at);
            }
            if rows == expected {
                let first = first.unwrap_or(at);
                return Ok(Arrival { first, last: at });
            }
            if rows > expected {
                let text = format!("{rows} rows arrived, {expected} were sent");
                return Err(worker.fault(&text));
            }
            worker.check()?;
            if rows > before {
                (before, moved) = (rows, Instant::now());
            } else if moved.elapsed() > PATIENCE {
                let text = format!("{rows} of {expected} rows have arrived, and no more come");
                return Err(worker.fault(&text));
            }
            let pause = match rows {
                0 => SHORT,
                // Half of the time that the rest will take.
                _ => at.mul_f64((expected - rows) as f64 / rows as f64 / 2.0),
            };
            tokio::time::sleep(pause.clamp(SHORT, LONG)).await;
        }
    }
}

/// The id in the position file of a worker with one source; `None` while there is none.
fn position(path: &PathBuf) -> Option<u64> {
    let text = std::fs::read(path).ok()?;
    let document: Value = serde_json::from_slice(&text).ok()?;
    let offsets = &document.get("positions")?.get(0)?["offset"];
    // While a snapshot is not complete, rows are read out of order.
    let offset = offsets.get("snapshot.rows");
    let offset = offset.unwrap_or(&offsets["incrementing"]);
    // A value is kept with its kind: {"Int": 42}.
    offset.as_u64().or_else(|| {
        let tagged = offset.as_object()?.values().next()?;
        tagged.as_u64()
    })
}
