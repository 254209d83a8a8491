//! All outcomes together, as they are printed.
use crate::{args::Args, outcome::Outcome};
use serde::Serialize;
use std::fmt;

/// All runs, and the machine they ran on.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    rows: i64,
    repeat: u32,
    results: Vec<Outcome>,
}

#[derive(Debug, Serialize)]
struct Machine {
    cpu: String,
    cpus: usize,
    memory_gib: f64,
}

impl Report {
    pub(crate) fn new(args: &Args, results: Vec<Outcome>) -> Self {
        Self {
            machine: Machine::here(),
            rows: args.rows,
            repeat: args.repeat.get(),
            results,
        }
    }
}

impl Machine {
    fn here() -> Self {
        let field = |path: &str, name: &str| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let kib: f64 = field("/proc/meminfo", "MemTotal")
            .and_then(|text| text.split_ascii_whitespace().next()?.parse().ok())
            .unwrap_or(0.0);
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_default(),
            cpus: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: (kib / 1_048_576.0).round(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine {
            cpu,
            cpus,
            memory_gib,
        } = &self.machine;
        writeln!(f, "{cpus} x {cpu}, {memory_gib} GiB")?;
        writeln!(
            f,
            "{:34} {:>9} {:>8} {:>9} {:>7} {:>9} {:>8} {:>7} {:>5}",
            "path", "rows", "s", "rows/s", "CPU-s", "/CPU-s", "broker-s", "peak MB", "busy"
        )?;
        for (i, outcome) in self.results.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{outcome}")?;
        }
        Ok(())
    }
}
