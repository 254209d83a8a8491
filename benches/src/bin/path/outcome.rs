//! What a run did, and how it is printed.
use connect_api::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use std::{fmt, time::Duration};

/// What one run did.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    /// Rows counted where they arrive.
    pub(crate) rows: u64,
    /// From the start of the program, or of the part, to the last row.
    pub(crate) seconds: f64,
    /// From the start of the program to the first row.
    pub(crate) first_row_seconds: Option<f64>,
    /// CPU time of the worker, or of the part; `None` where it is too short to be measured.
    pub(crate) cpu_seconds: f64,
    /// CPU time of the broker meanwhile; `None` where its process is not known.
    pub(crate) broker_cpu_seconds: Option<f64>,
    /// The most memory that was resident, in MB of 10⁶ bytes.
    pub(crate) peak_mb: f64,
    /// How many of the machine's CPUs were busy, by whatever, on the average.
    pub(crate) busy_cpus: f64,
}

impl Outcome {
    pub(crate) fn new(name: &str, rows: u64, elapsed: Duration) -> Self {
        Self {
            name: name.to_owned(),
            rows,
            seconds: elapsed.as_secs_f64(),
            first_row_seconds: None,
            cpu_seconds: 0.0,
            broker_cpu_seconds: None,
            peak_mb: 0.0,
            busy_cpus: 0.0,
        }
    }

    pub(crate) fn with_usage(mut self, cpu: Duration, peak_kib: u64, busy: Duration) -> Self {
        self.cpu_seconds = cpu.as_secs_f64();
        self.peak_mb = peak_kib as f64 * 1_024.0 / 1e6;
        self.busy_cpus = busy.as_secs_f64() / self.seconds;
        self
    }

    /// The broker's CPU time before and after.
    pub(crate) fn with_broker(mut self, before: Option<Duration>, after: Option<Duration>) -> Self {
        let spent = before.zip(after);
        self.broker_cpu_seconds = spent.map(|(b, a)| a.saturating_sub(b).as_secs_f64());
        self
    }

    /// Takes another piece of the same work in.
    pub(crate) fn add(&mut self, piece: &Self) {
        let seconds = self.seconds + piece.seconds;
        let busy = self.busy_cpus * self.seconds + piece.busy_cpus * piece.seconds;
        self.busy_cpus = busy / seconds;
        self.seconds = seconds;
        self.rows += piece.rows;
        self.cpu_seconds += piece.cpu_seconds;
        let broker = self.broker_cpu_seconds.zip(piece.broker_cpu_seconds);
        self.broker_cpu_seconds = broker.map(|(one, other)| one + other);
        self.peak_mb = self.peak_mb.max(piece.peak_mb);
    }

    pub(crate) fn rows_per_s(&self) -> f64 {
        self.rows as f64 / self.seconds
    }

    pub(crate) fn rows_per_cpu_s(&self) -> f64 {
        // The system counts in hundredths.
        self.rows as f64 / self.cpu_seconds.max(0.01)
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Outcome", 10)?;
        out.serialize_field("name", &self.name)?;
        out.serialize_field("rows", &self.rows)?;
        out.serialize_field("seconds", &self.seconds)?;
        out.serialize_field("rows_per_s", &self.rows_per_s().round())?;
        out.serialize_field("cpu_seconds", &self.cpu_seconds)?;
        out.serialize_field("broker_cpu_seconds", &self.broker_cpu_seconds)?;
        out.serialize_field("rows_per_cpu_s", &self.rows_per_cpu_s().round())?;
        out.serialize_field("peak_mb", &self.peak_mb)?;
        out.serialize_field("first_row_seconds", &self.first_row_seconds)?;
        out.serialize_field("busy_cpus", &self.busy_cpus)?;
        out.end()
    }
}

/// In thousands, with a blank: `312 k`.
struct Thousands(f64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&if self.0 < 10_000.0 {
            format!("{:.0}", self.0)
        } else {
            format!("{:.0} k", self.0 / 1e3)
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:34} {:>9} {:>8.3} {:>9} {:>7.2} {:>9} {:>8} {:>7.0} {:>5.1}",
            self.name,
            self.rows,
            self.seconds,
            Thousands(self.rows_per_s()),
            self.cpu_seconds,
            Thousands(self.rows_per_cpu_s()),
            self.broker_cpu_seconds
                .map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.2}")),
            self.peak_mb,
            self.busy_cpus,
        )
    }
}

fn unprintable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "cannot print").with_source(error)
}

/// One line of JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(unprintable)
}

/// JSON for people too.
pub(crate) fn to_pretty_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(unprintable)
}

/// What must hold at the end.
///
/// # Errors
/// `Internal`: it does not.
pub(crate) fn ensure_rows(what: &str, rows: u64, expected: u64) -> Result<()> {
    if rows == expected {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Internal,
        format!("{what} holds {rows} rows, and {expected} were sent"),
    ))
}
