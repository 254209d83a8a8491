//! A database file as the thread has it that works on it.
pub(crate) mod thread;
use crate::{
    error_codes::refusal,
    options::{Cache, Journal, Mode, Settings},
};
use connect_api::{Error, ErrorKind, Result};
use rusqlite::{Batch, Connection, InterruptHandle, OpenFlags};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Statements that are kept prepared. A write has at most some ten shapes.
const STATEMENTS: usize = 64;

/// Steps of SQLite's machine between two looks at the clock and at who waits: some ten
/// microseconds.
const STEPS: i32 = 4_000;

/// Ends what the thread is doing, from outside. Commands are numbered: one that is given up before
/// it has begun ends, too, and the one after it does not.
pub(crate) struct Stop {
    /// The last command that was issued.
    issued: AtomicU64,
    /// The command that runs.
    running: AtomicU64,
    /// Nobody waits for the commands up to this one.
    left: AtomicU64,
    handle: InterruptHandle,
}

impl Stop {
    fn new(handle: InterruptHandle) -> Self {
        Self {
            issued: AtomicU64::new(0),
            running: AtomicU64::new(0),
            left: AtomicU64::new(0),
            handle,
        }
    }

    /// The number of a new command.
    pub(crate) fn issue(&self) -> u64 {
        self.issued.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The command begins.
    pub(crate) fn begin(&self, command: u64) {
        self.running.store(command, Ordering::Relaxed);
    }

    /// All commands that were issued end as soon as they can.
    pub(crate) fn now(&self) {
        self.left
            .store(self.issued.load(Ordering::Relaxed), Ordering::Relaxed);
        self.handle.interrupt();
    }

    /// Nobody waits for the command that runs.
    pub(crate) fn is_left(&self) -> bool {
        self.left.load(Ordering::Relaxed) >= self.running.load(Ordering::Relaxed)
    }
}

/// The time limit of a statement: milliseconds since `start` at which it ends, 0 for never.
#[derive(Debug)]
struct Deadline {
    start: Instant,
    end: AtomicU64,
}

impl Deadline {
    fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

pub(crate) struct Session {
    pub(crate) driver: Connection,
    pub(crate) settings: Arc<Settings>,
    pub(crate) stop: Arc<Stop>,
    /// The transaction has a savepoint.
    pub(crate) marked: bool,
    deadline: Arc<Deadline>,
}

impl Session {
    /// Opens the file and sets the session up.
    pub(crate) fn open(settings: Arc<Settings>) -> Result<Self, rusqlite::Error> {
        let driver = if settings.mode == Mode::Memory {
            Connection::open_in_memory_with_flags(flags(&settings))?
        } else {
            Connection::open_with_flags(&settings.path, flags(&settings))?
        };
        driver.set_prepared_statement_cache_capacity(STATEMENTS);
        // While it is opened it waits as long as for a connection, then as long as for a writer.
        driver.busy_timeout(settings.connect_timeout)?;
        let deadline = Arc::new(Deadline {
            start: Instant::now(),
            end: AtomicU64::new(0),
        });
        let stop = Arc::new(Stop::new(driver.get_interrupt_handle()));
        // It is a command of its own.
        stop.begin(stop.issue());
        let session = Self {
            driver,
            stop,
            settings,
            marked: false,
            deadline,
        };
        session.set_up()?;
        Ok(session)
    }

    fn set_up(&self) -> Result<(), rusqlite::Error> {
        let settings = &self.settings;
        let switch = |on: bool| if on { "ON" } else { "OFF" };
        // What is committed is on the disk: with NORMAL, a power cut takes the last commits of a
        // write-ahead log, after the sink has moved its offset (G1).
        self.pragma("synchronous", Some("FULL"))?;
        self.pragma("foreign_keys", Some(switch(settings.foreign_keys)))?;
        let journal = match settings.journal {
            Journal::Keep => None,
            Journal::Wal => Some("wal"),
            Journal::Delete => Some("delete"),
            Journal::Truncate => Some("truncate"),
            Journal::Persist => Some("persist"),
            Journal::Memory => Some("memory"),
            Journal::Off => Some("off"),
        };
        if let Some(journal) =
            journal.filter(|_| !settings.read_only && settings.mode != Mode::Memory)
        {
            self.pragma("journal_mode", Some(journal))?;
        } else {
            // Reads the file, so that one that is none of SQLite's is reported now.
            self.pragma("schema_version", None)?;
        }
        for (name, value) in &settings.session {
            self.pragma(name, Some(value))?;
        }
        if settings.read_only {
            self.pragma("query_only", Some("ON"))?;
        }
        self.driver.busy_timeout(settings.busy_timeout)?;
        let (deadline, stop) = (self.deadline.clone(), self.stop.clone());
        let over = move || {
            let end = deadline.end.load(Ordering::Relaxed);
            stop.is_left() || (end != 0 && deadline.millis() >= end)
        };
        self.driver.progress_handler(STEPS, Some(over))
    }

    /// Runs a PRAGMA, whose name was checked; its value is quoted. Without a value it is only read.
    fn pragma(&self, name: &str, value: Option<&str>) -> Result<(), rusqlite::Error> {
        let sql = match value {
            Some(value) => format!("PRAGMA {name} = '{}'", value.replace('\'', "''")),
            None => format!("PRAGMA {name}"),
        };
        let mut statement = self.driver.prepare(&sql)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(())
    }

    /// The names of PRAGMAs that the user sets and SQLite does not know: it would pass over them.
    pub(crate) fn unknown_pragmas(&self) -> Result<Vec<String>, rusqlite::Error> {
        let mut statement = self
            .driver
            .prepare("SELECT count(*) FROM pragma_pragma_list WHERE name = ?1")?;
        let mut unknown = Vec::new();
        for (name, _) in &self.settings.session {
            let own = name.rsplit('.').next().unwrap_or(name);
            let found: i64 = statement.query_row([own], |row| row.get(0))?;
            if found == 0 {
                unknown.push(name.clone());
            }
        }
        Ok(unknown)
    }

    /// Runs the work within the time that a statement may take, of which `spent` has gone.
    pub(crate) fn timed<R>(&self, spent: Duration, work: impl FnOnce(&Connection) -> R) -> R {
        let Some(limit) = self.settings.statement_timeout else {
            return work(&self.driver);
        };
        let left = u64::try_from(limit.saturating_sub(spent).as_millis()).unwrap_or(u64::MAX);
        let end = self.deadline.millis().saturating_add(left.max(1));
        self.deadline.end.store(end, Ordering::Relaxed);
        let done = work(&self.driver);
        self.deadline.end.store(0, Ordering::Relaxed);
        done
    }

    /// Runs the statements of a text one after another; the number of rows that they changed.
    pub(crate) fn run(&self, text: &str) -> Result<u64, rusqlite::Error> {
        self.timed(Duration::ZERO, |driver| {
            let mut batch = Batch::new(driver, text);
            let mut changed = 0;
            while let Some(mut statement) = next(&mut batch)? {
                let before = driver.total_changes();
                let mut rows = statement.raw_query();
                while rows.next()?.is_some() {}
                drop(rows);
                if driver.total_changes() != before {
                    changed += driver.changes();
                }
            }
            Ok(changed)
        })
    }

    pub(crate) fn begin(&mut self) -> Result<()> {
        // A transaction that first reads and then wants to write can be refused for good;
        // IMMEDIATE waits for its turn at the start.
        let text = if self.settings.read_only {
            "BEGIN"
        } else {
            "BEGIN IMMEDIATE"
        };
        self.run(text).map_err(|e| refusal("begin", &e))?;
        self.marked = false;
        Ok(())
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        // G1: `synchronous` is FULL, so that `Ok` means on the disk.
        self.run("COMMIT").map_err(|e| refusal("commit", &e))?;
        self.marked = false;
        Ok(())
    }

    pub(crate) fn rollback(&mut self) -> Result<()> {
        self.marked = false;
        // A full disk, for one, has undone it already.
        if self.driver.is_autocommit() {
            return Ok(());
        }
        self.run("ROLLBACK").map_err(|e| refusal("rollback", &e))?;
        Ok(())
    }

    pub(crate) fn savepoint(&mut self) -> Result<()> {
        if self.driver.is_autocommit() {
            return Err(Error::new(
                ErrorKind::Internal,
                "savepoint: no transaction was begun",
            ));
        }
        let text = if self.marked {
            "RELEASE mark; SAVEPOINT mark"
        } else {
            "SAVEPOINT mark"
        };
        self.run(text).map_err(|e| refusal("savepoint", &e))?;
        self.marked = true;
        Ok(())
    }

    pub(crate) fn rollback_to_savepoint(&mut self) -> Result<()> {
        self.run("ROLLBACK TO mark")
            .map_err(|e| refusal("rollback to savepoint", &e))?;
        Ok(())
    }
}

/// The next statement of a text that holds several.
fn next<'c>(batch: &mut Batch<'c, '_>) -> Result<Option<rusqlite::Statement<'c>>, rusqlite::Error> {
    rusqlite::fallible_iterator::FallibleIterator::next(batch)
}

fn flags(settings: &Settings) -> OpenFlags {
    // One thread has the connection: it needs no locks.
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags |= match settings.mode {
        Mode::Memory => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        _ if settings.read_only => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Mode::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Mode::ReadOnly | Mode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    if settings.cache == Cache::Shared {
        flags |= OpenFlags::SQLITE_OPEN_SHARED_CACHE;
    }
    flags
}
