//! Whether the machine has anything else to do.
use benches::usage::machine_busy;
use connect_api::{Error, ErrorKind, Result};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// How long a look takes.
const LOOK: Duration = Duration::from_millis(200);
/// CPUs of others from which on figures are not to be trusted.
const MUCH: f64 = 0.2;

/// CPU time of others, seen while this program and its servers had nothing to do.
#[derive(Debug, Default)]
pub(crate) struct Others {
    cpus: Vec<f64>,
}

impl Others {
    /// Looks once, and sleeps the while.
    pub(crate) fn look(&mut self) -> Result<()> {
        let (busy, at) = (machine_busy()?, Instant::now());
        thread::sleep(LOOK);
        let busy = machine_busy()?.saturating_sub(busy);
        self.cpus
            .push(busy.as_secs_f64() / at.elapsed().as_secs_f64());
        Ok(())
    }

    /// A line about it.
    pub(crate) fn line(&self) -> String {
        let looks = self.cpus.len();
        let mean = self.cpus.iter().sum::<f64>() / looks.max(1) as f64;
        let verdict = match mean > MUCH {
            true => "**the machine was busy: these figures are not to be trusted**",
            false => "the machine was quiet",
        };
        format!("Others used {mean:.2} CPUs on average of {looks} looks between runs: {verdict}.")
    }
}

/// The machine, and its load at this moment.
pub(crate) fn machine() -> Result<String> {
    let path = "/proc/loadavg";
    let text = fs::read_to_string(path).map_err(|e| {
        Error::new(ErrorKind::Internal, format!("cannot read {path}")).with_source(e)
    })?;
    let load = text.split_ascii_whitespace().next().unwrap_or_default();
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    Ok(format!("{cpus} CPUs, load average at the start {load}.\n"))
}
