//! What a process uses, as Linux reports it in `/proc`.
use connect_api::{Error, ErrorKind, Result};
use rustix::time::{ClockId, clock_gettime};
use std::{fs, process, time::Duration};

/// Clock ticks of a second in `/proc`: Linux has had 100 for user space on every architecture.
const TICKS: u64 = 100;

/// What a process has used since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU time, of all threads, in the kernel and outside; known to 10 ms.
    pub cpu: Duration,
    /// The most memory that was resident, in KiB.
    pub peak_kib: u64,
}

impl Usage {
    /// Of the process `pid`.
    ///
    /// # Errors
    /// `Internal`: there is no such process, or `/proc` has another form.
    pub fn of(pid: u32) -> Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            fs::read_to_string(&path).map_err(|e| {
                let text = format!("cannot read {path}; is the process gone?");
                Error::new(ErrorKind::Internal, text).with_source(e)
            })
        };
        let (cpu, peak) = (cpu(&read("stat")?), peak_kib(&read("status")?));
        match (cpu, peak) {
            (Some(cpu), Some(peak_kib)) => Ok(Self { cpu, peak_kib }),
            _ => Err(Error::new(
                ErrorKind::Internal,
                format!("/proc/{pid}/stat and /proc/{pid}/status are not understood"),
            )),
        }
    }

    /// Of this process; CPU time to the nanosecond.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn own() -> Result<Self> {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Ok(Self {
            cpu: Duration::try_from(cpu).unwrap_or_default(),
            ..Self::of(process::id())?
        })
    }

    /// Resets this process's peak to what is resident now.
    pub fn reset_own_peak() {
        // Where the kernel does not allow it, the peak is that since the process began.
        fs::write("/proc/self/clear_refs", "5").ok();
    }
}

/// Time that the machine's CPUs have been busy, all together, since it began.
///
/// # Errors
/// `Internal`: `/proc/stat` cannot be read.
pub fn machine_busy() -> Result<Duration> {
    let path = "/proc/stat";
    let text = fs::read_to_string(path).map_err(|e| {
        Error::new(ErrorKind::Internal, format!("cannot read {path}")).with_source(e)
    })?;
    busy(&text).ok_or_else(|| Error::new(ErrorKind::Internal, format!("{path} is not understood")))
}

fn ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1_000 / TICKS)
}

/// utime and stime of `/proc/PID/stat`: fields 14 and 15, counted after the name, which may hold
/// blanks and parentheses.
fn cpu(stat: &str) -> Option<Duration> {
    let after_name = stat.get(stat.rfind(')')? + 1..)?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(ticks(next()? + next()?))
}

fn peak_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The line `cpu user nice system idle iowait irq softirq …`, without idle and iowait. (Guest
/// time, at the end, is in user time already.)
fn busy(stat: &str) -> Option<Duration> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let mut fields = line.split_ascii_whitespace().take(8);
    let mut sum = 0;
    for i in 0..8 {
        let field: u64 = fields.next()?.parse().ok()?;
        if i != 3 && i != 4 {
            sum += field;
        }
    }
    Some(ticks(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_process_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 250 50 9 9 20 0 4 0 100 0 0";
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu("7 (cut off) S 1"), None);
    }

    #[test]
    fn idle_time_is_not_busy_time() {
        let stat = "cpu  100 0 50 7000 300 0 10 40 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(busy(stat), Some(Duration::from_secs(2)));
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let usage = Usage::own().unwrap();
        assert!(usage.peak_kib > 0);
        assert!(usage.cpu > Duration::ZERO);
        assert!(machine_busy().unwrap() > usage.cpu);
    }
}
