//! The file.
use super::{EmbeddedOptions, directory::Directory, lock_owner, table};
use connect_api::{Error, ErrorKind, Result};
use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase as _};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

/// The open file and what it holds.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    /// `None` once closed.
    database: RwLock<Option<Database>>,
    pub(super) directory: Directory,
    pub(super) closed: CancellationToken,
}

impl Store {
    /// Opens the file or creates it. Blocks.
    pub(super) fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self> {
        let database = Builder::new()
            .set_cache_size(options.cache_bytes)
            .create(path)
            .map_err(|e| refused(path, e))?;
        let directory = load(&database).map_err(|e| fault(path, "reading its tables", e))?;
        Ok(Self {
            path: path.to_owned(),
            database: RwLock::new(Some(database)),
            directory,
            closed: CancellationToken::new(),
        })
    }

    /// Runs `work` on the database. Blocks.
    pub(super) fn with<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or_else(|| self.stopped())?;
        work(database).map_err(|e| fault(&self.path, doing, e))
    }

    /// Runs `work` on what is committed, on a thread for work that blocks.
    pub(super) fn read<T: Send + 'static>(
        self: &Arc<Self>,
        doing: &'static str,
        work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error> + Send + 'static,
    ) -> JoinHandle<Result<T>> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.with(doing, |db| work(&db.begin_read()?)))
    }

    /// What a read gave.
    pub(super) fn answer<T>(&self, read: Result<Result<T>, JoinError>) -> Result<T> {
        read.unwrap_or_else(|e| {
            let text = format!("store {}: reading broke off", self.path.display());
            Err(Error::new(ErrorKind::Internal, text).with_source(e))
        })
    }

    /// Waits for reads and commits, and lets the file go. Blocks.
    pub(super) fn close(&self) {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *database = None;
    }

    pub(super) fn stopped(&self) -> Error {
        let text = format!("store {} is closed", self.path.display());
        Error::new(ErrorKind::Stopped, text)
    }

    pub(super) fn ended(&self) -> Error {
        if self.closed.is_cancelled() {
            return self.stopped();
        }
        let text = format!(
            "store {}: its writer has ended, see the log",
            self.path.display()
        );
        Error::new(ErrorKind::Internal, text)
    }
}

fn load(database: &Database) -> Result<Directory, redb::Error> {
    let mut txn = database.begin_write()?;
    txn.set_quick_repair(true);
    let directory = Directory::load(&txn)?;
    txn.open_table(table::BATCHES)?;
    txn.open_table(table::OFFSETS)?;
    txn.commit()?;
    Ok(directory)
}

fn fault(path: &Path, doing: &str, error: impl Into<redb::Error>) -> Error {
    let text = format!("store {}: {doing} failed", path.display());
    Error::new(ErrorKind::Internal, text).with_source(error.into())
}

fn refused(path: &Path, error: DatabaseError) -> Error {
    let shown = path.display();
    let text = match error {
        DatabaseError::DatabaseAlreadyOpen => {
            let owner = lock_owner::of(path).unwrap_or_else(|| "another process".to_owned());
            format!("store {shown} is open in {owner}; stop that one, or name another file")
        }
        DatabaseError::UpgradeRequired(version) => {
            format!("store {shown} is of the older format {version}; name another file")
        }
        _ => format!("store {shown} cannot be opened"),
    };
    Error::new(ErrorKind::Config, text).with_source(redb::Error::from(error))
}
