//! A session with a server: the driver's connection, its transaction, and what is left of earlier
//! calls. Reading, describing and writing stand above it.
mod open;
pub(crate) mod pooler;
pub(crate) mod stage;

pub(crate) use open::{Begun, begin};

use crate::error_codes;
use connect_api::{Error, ErrorKind, Result};
use dialect_core::ValueOptions;
use futures_util::stream::BoxStream;
use sqlx::{
    Connection as _, Either, Executor as _, PgConnection,
    postgres::{PgQueryResult, PgRow},
};
use stage::Stages;
use std::{collections::HashSet, sync::Arc, time::Duration};

/// How long the rows that a dropped cursor left are read on and thrown away, before the
/// connection is given up.
const DRAIN: Duration = Duration::from_millis(100);

/// Rows of a query as the driver hands them out.
pub(crate) type RowStream<'a> = BoxStream<'a, sqlx::Result<Either<PgQueryResult, PgRow>>>;

/// A session.
pub(crate) struct Session {
    pub(crate) driver: PgConnection,
    pub(crate) values: ValueOptions,
    /// A transaction was begun.
    pub(crate) open: bool,
    pub(crate) health: Health,
    /// The temporary tables of the session.
    pub(crate) stages: Stages,
    /// A piece of `COPY` data.
    pub(crate) piece: Vec<u8>,
    /// What begins a transaction where connected through a connection pooler.
    pub(crate) pooled: Option<Arc<str>>,
    /// How the server calls it, where it is one session.
    pub(crate) id: Option<Box<str>>,
    /// Numbers of types that the driver has been made to know, behind a pooler.
    pub(crate) known: HashSet<u32>,
}

/// What went wrong before, and matters to what comes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Health {
    /// A statement of the open transaction was refused: `COMMIT` would undo it and say nothing.
    pub(crate) failed: bool,
    /// A prepared statement does not fit its table any more.
    pub(crate) stale: bool,
    /// A cursor was dropped before its end: its rows are still on their way.
    pub(crate) abandoned: bool,
    /// There were too many of them.
    pub(crate) broken: bool,
    /// A cursor has a transaction of its own.
    pub(crate) reading: bool,
}

impl Session {
    pub(crate) fn new(begun: Begun, values: ValueOptions) -> Self {
        let Begun {
            driver, pooled, id, ..
        } = begun;
        Self {
            driver,
            id,
            values,
            open: false,
            health: Health::default(),
            stages: Stages::new(pooled.is_some()),
            piece: Vec::new(),
            pooled,
            known: HashSet::new(),
        }
    }

    /// Gets rid of what a dropped cursor has left. The protocol cannot take a query back on its
    /// own connection, and a million rows are not worth reading to throw them away. The driver does
    /// not yield while rows are at hand: where none were when the cursor was dropped, because the
    /// server was still at work, and many follow, they are read after all.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        if self.health.broken {
            return Err(given_up());
        }
        if std::mem::take(&mut self.health.abandoned) {
            self.drain().await?;
        }
        if std::mem::take(&mut self.health.reading) {
            self.end("ROLLBACK", false).await?;
        }
        Ok(())
    }

    async fn drain(&mut self) -> Result<()> {
        let drained = tokio::time::timeout(DRAIN, async {
            match self.driver.ping().await {
                // The query that nobody waited for has failed; the session has not.
                Err(sqlx::Error::Database(_)) => {
                    self.health.failed = true;
                    self.driver.ping().await
                }
                outcome => outcome,
            }
        });
        match drained.await {
            Ok(outcome) => outcome.map_err(|e| error_codes::error("after a dropped cursor", e)),
            Err(_) => {
                self.health.broken = true;
                Err(given_up())
            }
        }
    }

    pub(crate) async fn begin_if_none(&mut self) -> Result<()> {
        if self.open {
            Ok(())
        } else {
            self.begin_now().await
        }
    }

    pub(crate) async fn commit_now(&mut self) -> Result<()> {
        if self.open && self.health.failed {
            self.rollback_now().await?;
            return Err(Error::new(
                ErrorKind::Internal,
                "commit: a statement of the transaction failed before, so it was undone",
            ));
        }
        self.end("COMMIT", true).await
    }

    pub(crate) async fn rollback_now(&mut self) -> Result<()> {
        if !self.open {
            return Ok(());
        }
        self.end("ROLLBACK", false).await
    }

    pub(crate) async fn run(&mut self, sql: &'static str) -> Result<()> {
        let outcome = self.driver.execute(sqlx::raw_sql(sql)).await;
        outcome.map_err(|e| error_codes::error(sql, e))?;
        Ok(())
    }

    /// The transaction is over.
    pub(crate) fn ended(&mut self, committed: bool) {
        (self.open, self.health.failed) = (false, false);
        self.stages.end(committed);
    }

    /// Notes that the transaction is of no more use, if there is one.
    pub(crate) fn noted<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.health.failed |= outcome.is_err();
        outcome
    }
}

fn given_up() -> Error {
    Error::new(
        ErrorKind::Connect,
        "a cursor was dropped with many rows unread; the connection was given up",
    )
}
