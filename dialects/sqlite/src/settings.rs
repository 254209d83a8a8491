//! What a URL says of a database file and how to use it.
use connect_api::{Error, ErrorKind, Result, config::Setting as _};
use dialect_core::{Address, OpenOptions, SqliteDates};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use std::{path::PathBuf, time::Duration};

/// How long a writer waits for another before it says `Busy`; `busy_timeout` of the URL, in
/// milliseconds, goes before it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Rows on their way from the thread of the driver: with its own default of 50, reading takes
/// twice as long.
const ROW_BUFFER: usize = 2_000;

connect_api::choice! {
    /// `mode` of the URL.
    pub(crate) enum Mode {
        /// Read only.
        ReadOnly = "ro",
        /// Read and write what is there.
        ReadWrite = "rw",
        /// The same, and make the file where there is none.
        Create = "rwc",
        /// In memory: gone with its connection.
        Memory = "memory",
    }
}

connect_api::choice! {
    /// `journal_mode` of the URL.
    pub(crate) enum Journal {
        /// Writers do not wait for readers, nor readers for writers.
        Wal = "wal",
        /// Whatever the file is set to.
        Keep = "keep",
    }
}

/// A database file and how to use it.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    pub(crate) mode: Mode,
    pub(crate) dates: SqliteDates,
    journal: Journal,
    busy_timeout: Duration,
    foreign_keys: bool,
}

impl Settings {
    pub(crate) fn new(address: &Address, options: &OpenOptions) -> Result<Self> {
        let wrong = |why: String| Error::new(ErrorKind::Config, format!("connection.url: {why}"));
        let memory = address.database == ":memory:";
        if address.database.is_empty() {
            return Err(wrong(
                "names no file; expected sqlite:path or sqlite::memory:".to_owned(),
            ));
        }
        if address.database.contains('\0') {
            return Err(wrong("the path of the file holds a NUL".to_owned()));
        }
        let mut settings = Self {
            path: PathBuf::from(&address.database),
            mode: if memory {
                Mode::Memory
            } else {
                Mode::ReadWrite
            },
            dates: options.values.sqlite_dates,
            journal: Journal::Wal,
            busy_timeout: BUSY_TIMEOUT,
            foreign_keys: false,
        };
        for (key, value) in &address.parameters {
            let at = |why: String| wrong(format!("parameter `{key}`: {why}"));
            match &**key {
                "mode" => settings.mode = Mode::parse(value).map_err(at)?,
                "journal_mode" => settings.journal = Journal::parse(value).map_err(at)?,
                "foreign_keys" => settings.foreign_keys = bool::parse(value).map_err(at)?,
                "busy_timeout" => {
                    // The driver counts in 31 bits.
                    let ms = u32::parse(value).map_err(at)?.min(i32::MAX.unsigned_abs());
                    settings.busy_timeout = Duration::from_millis(ms.into());
                }
                _ => {
                    return Err(wrong(format!(
                        "unknown parameter `{key}`; SQLite has mode, journal_mode, busy_timeout, foreign_keys"
                    )));
                }
            }
        }
        Ok(settings)
    }

    /// The driver's options.
    pub(crate) fn driver(&self) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(self.busy_timeout)
            .row_buffer_size(ROW_BUFFER)
            .foreign_keys(self.foreign_keys)
            // What is committed is on the disk: with NORMAL, a power cut takes the last commits
            // of a write-ahead log, after the sink has moved its offset (G1).
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        match (self.mode, self.journal) {
            (Mode::ReadOnly, _) => options.read_only(true),
            (Mode::Memory, _) => options.filename(":memory:").in_memory(true),
            (mode @ (Mode::ReadWrite | Mode::Create), journal) => {
                let options = options.create_if_missing(mode == Mode::Create);
                match journal {
                    Journal::Wal => options.journal_mode(SqliteJournalMode::Wal),
                    Journal::Keep => options,
                }
            }
        }
    }

    /// Nothing can be written.
    pub(crate) fn is_read_only(&self) -> bool {
        self.mode == Mode::ReadOnly
    }

    /// There must be a file.
    pub(crate) fn needs_file(&self) -> bool {
        matches!(self.mode, Mode::ReadOnly | Mode::ReadWrite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Result<Settings> {
        let options = OpenOptions::default();
        Settings::new(&Address::parse(url, &options)?, &options)
    }

    #[test]
    fn a_url_says_file_and_mode() {
        let plain = settings("sqlite:/tmp/a.db").unwrap();
        assert_eq!(
            (plain.path.to_str(), plain.mode),
            (Some("/tmp/a.db"), Mode::ReadWrite)
        );
        assert!(plain.needs_file());
        for url in [
            "sqlite::memory:",
            "jdbc:sqlite::memory:",
            "sqlite:any?mode=memory",
        ] {
            assert_eq!(settings(url).unwrap().mode, Mode::Memory, "{url}");
        }
        let made = settings("jdbc:sqlite:a%20b.db?mode=rwc&busy_timeout=10").unwrap();
        assert_eq!(
            (made.path.to_str(), made.mode),
            (Some("a b.db"), Mode::Create)
        );
        assert_eq!(made.busy_timeout, Duration::from_millis(10));
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said() {
        for (url, part) in [
            ("sqlite:", "names no file"),
            (
                "sqlite:a?mode=rwx",
                "parameter `mode`: `rwx` is none of ro, rw, rwc, memory",
            ),
            ("sqlite:a?cache=shared", "unknown parameter `cache`"),
            ("sqlite:a?busy_timeout=soon", "parameter `busy_timeout`"),
        ] {
            let error = settings(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
