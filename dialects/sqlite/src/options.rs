//! What a URL and the options say of a database file and how to use it.
use connect_api::{Error, ErrorKind, Result, config::Setting as _};
use dialect_core::{Address, OpenOptions, TlsMode, ValueOptions};
use std::{path::PathBuf, time::Duration};

/// How long a writer waits for another before it says `Busy`; `busy_timeout` of the URL, in
/// milliseconds, goes before it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait that SQLite counts: milliseconds in 31 bits.
const LONGEST_BUSY: Duration = Duration::from_millis(i32::MAX as u64);

/// Parameters of the URL beside the PRAGMAs.
const KNOWN: &[&str] = &[
    "busy_timeout",
    "cache",
    "foreign_keys",
    "journal_mode",
    "mode",
];

/// PRAGMAs that may stand in the URL as parameters, as the JDBC driver of SQLite has it.
const PRAGMAS: &[&str] = &[
    "auto_vacuum",
    "cache_size",
    "case_sensitive_like",
    "encoding",
    "hard_heap_limit",
    "journal_size_limit",
    "locking_mode",
    "mmap_size",
    "page_size",
    "recursive_triggers",
    "secure_delete",
    "soft_heap_limit",
    "synchronous",
    "temp_store",
    "threads",
    "wal_autocheckpoint",
];

connect_api::choice! {
    /// `mode` of the URL.
    pub(crate) enum Mode {
        /// Read only.
        ReadOnly = "ro",
        /// Read and write what is there.
        ReadWrite = "rw",
        /// The same, and create the file where there is none.
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
        /// A file that is deleted after each transaction.
        Delete = "delete",
        /// A file that is cut after each transaction.
        Truncate = "truncate",
        /// A file that stays, its head overwritten.
        Persist = "persist",
        /// In memory: a crash may spoil the file.
        Memory = "memory",
        /// None: a transaction cannot be undone.
        Off = "off",
    }
}

connect_api::choice! {
    /// `cache` of the URL.
    pub(crate) enum Cache {
        /// Of the connection alone.
        Private = "private",
        /// Of all connections of this program to the file.
        Shared = "shared",
    }
}

/// A database file and how to use it.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    pub(crate) mode: Mode,
    pub(crate) cache: Cache,
    pub(crate) journal: Journal,
    pub(crate) foreign_keys: bool,
    /// Nothing may be written.
    pub(crate) read_only: bool,
    pub(crate) busy_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) statement_timeout: Option<Duration>,
    /// Names and values of PRAGMAs, in order.
    pub(crate) session: Vec<(String, String)>,
    pub(crate) values: ValueOptions,
}

impl Settings {
    pub(crate) fn new(address: &Address, options: &OpenOptions) -> Result<Self> {
        unsupported(address, options)?;
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
            cache: Cache::Private,
            journal: Journal::Wal,
            foreign_keys: false,
            read_only: options.read_only,
            busy_timeout: BUSY_TIMEOUT,
            connect_timeout: options.connect_timeout.min(LONGEST_BUSY),
            statement_timeout: options.statement_timeout,
            session: Vec::new(),
            values: options.values,
        };
        let mut faults = Vec::new();
        for (key, value) in &address.parameters {
            if let Err(why) = settings.parameter(key, value) {
                faults.push(why);
            }
        }
        for (name, value) in &options.session {
            match pragma(name, value) {
                Ok(pragma) => settings.session.push(pragma),
                Err(why) => faults.push(why),
            }
        }
        if !faults.is_empty() {
            return Err(wrong(faults.join("; ")));
        }
        settings.read_only |= settings.mode == Mode::ReadOnly;
        // A statement that waits for another writer takes no longer than a statement may.
        if let Some(limit) = settings.statement_timeout {
            settings.busy_timeout = settings.busy_timeout.min(limit);
        }
        Ok(settings)
    }

    fn parameter(&mut self, key: &str, value: &str) -> Result<(), String> {
        let at = |why: String| format!("parameter `{key}`: {why}");
        match key {
            "mode" => self.mode = Mode::parse(value).map_err(at)?,
            "cache" => self.cache = Cache::parse(value).map_err(at)?,
            "journal_mode" => {
                self.journal = Journal::parse(&value.to_ascii_lowercase()).map_err(at)?;
            }
            "foreign_keys" => self.foreign_keys = bool::parse(value).map_err(at)?,
            "busy_timeout" => {
                let wait = Duration::from_millis(u64::parse(value).map_err(at)?);
                self.busy_timeout = wait.min(LONGEST_BUSY);
            }
            name if PRAGMAS.contains(&name) => self.session.push(pragma(name, value)?),
            _ => {
                let known = || KNOWN.iter().chain(PRAGMAS).copied();
                let near = known()
                    .map(|name| (strsim::damerau_levenshtein(key, name), name))
                    .filter(|(distance, _)| *distance <= 3)
                    .min();
                return Err(match near {
                    Some((_, name)) => format!("unknown parameter `{key}`; did you mean `{name}`?"),
                    None => format!(
                        "unknown parameter `{key}`; SQLite has {}",
                        known().collect::<Vec<_>>().join(", ")
                    ),
                });
            }
        }
        Ok(())
    }

    /// There must be a file.
    pub(crate) fn needs_file(&self) -> bool {
        match self.mode {
            Mode::ReadOnly | Mode::ReadWrite => true,
            Mode::Create => self.read_only,
            Mode::Memory => false,
        }
    }
}

/// Options that a file cannot heed.
fn unsupported(address: &Address, options: &OpenOptions) -> Result<()> {
    let tls = &options.tls;
    let faults: Vec<_> = [
        ("user", address.user.is_some()),
        ("password", address.password.is_some()),
        (
            "TLS",
            tls.mode.is_some_and(|mode| mode != TlsMode::Disable)
                || tls.ca.is_some()
                || tls.certificate.is_some()
                || tls.key.is_some(),
        ),
        ("keep-alive", options.keep_alive.is_some()),
        ("idle timeout", options.idle_timeout.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, set)| set.then_some(name))
    .collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "{address}: SQLite is a file, without a server to heed: {}",
            faults.join(", ")
        ),
    ))
}

/// A PRAGMA whose name is one: `name` or `schema.name`. Whether SQLite knows it is asked when a
/// connection is opened.
fn pragma(name: &str, value: &str) -> Result<(String, String), String> {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let parts: Vec<_> = name.split('.').collect();
    if parts.len() > 2 || !parts.iter().all(|part| word(part)) {
        return Err(format!("setting `{name}` is not the name of a PRAGMA"));
    }
    if value.contains('\0') {
        return Err(format!("setting `{name}`: the value holds a NUL"));
    }
    Ok((name.to_ascii_lowercase(), value.to_owned()))
}

#[cfg(test)]
mod tests;
