//! A session of the driver, and whether it can still be used.
mod open;

use crate::error_codes::statement_error;
use connect_api::{Error, ErrorKind, Result};
use dialect_core::ValueOptions;
use std::{fmt, io};
use tiberius::{Client, ColumnData, Query, Row, error::Error as DriverError};
use tokio::net::TcpStream;
use tokio_util::compat::Compat;
use tracing::{
    Dispatch,
    instrument::{WithDispatch, WithSubscriber as _},
};

/// The driver's client over TCP.
pub(crate) type Tds = Client<Compat<TcpStream>>;

/// A session, and whether an exchange with the server was left in its middle: the rest of the
/// answer would be taken for that of the next statement.
pub(crate) struct Session {
    pub(crate) client: Tds,
    pub(crate) busy: bool,
    pub(crate) values: ValueOptions,
    pub(crate) read_only: bool,
    pub(crate) in_transaction: bool,
}

impl Session {
    /// The driver's client, where it can be used; whoever takes it says when it is done.
    ///
    /// # Errors
    /// `Connect`: an exchange was left in its middle.
    pub(crate) fn client(&mut self) -> Result<(&mut Tds, &mut bool)> {
        if self.busy {
            return Err(Error::new(
                ErrorKind::Connect,
                "the connection is of no more use: an answer of the server was lost, or left in its middle",
            ));
        }
        Ok((&mut self.client, &mut self.busy))
    }

    /// The server has no sessions that may only read: ApplicationIntent asks for a server that is
    /// read, and is granted by one that is written too.
    pub(crate) fn check_writable(&self, what: &str) -> Result<()> {
        if self.read_only {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{what}: the connection was opened to read only"),
            ));
        }
        Ok(())
    }

    /// Runs a batch without results.
    pub(crate) async fn batch(&mut self, what: impl fmt::Display, sql: &str) -> Result<()> {
        let (client, busy) = self.client()?;
        *busy = true;
        let done = unheard(async { client.simple_query(sql).await?.into_results().await }).await;
        settle(busy, done)
            .map_err(|e| statement_error(what, e))
            .map(|_| ())
    }

    /// A statement of the connection's own.
    pub(crate) async fn control(&mut self, sql: &str) -> Result<()> {
        self.batch(sql, sql).await
    }

    /// Runs a statement that changes rows, with values bound; how many.
    pub(crate) async fn execute_bound(
        &mut self,
        sql: &str,
        params: Vec<ColumnData<'_>>,
    ) -> Result<u64, Fault> {
        let (client, busy) = self.client().map_err(Fault::Own)?;
        *busy = true;
        let mut query = Query::new(sql);
        for param in params {
            query.bind(param);
        }
        let done = unheard(query.execute(client)).await;
        settle(busy, done)
            .map(tiberius::ExecuteResult::total)
            .map_err(Fault::Driver)
    }

    /// Runs a query of few rows.
    pub(crate) async fn rows(
        &mut self,
        what: impl fmt::Display,
        sql: &str,
        params: Vec<ColumnData<'_>>,
    ) -> Result<Vec<Row>> {
        let (client, busy) = self.client()?;
        *busy = true;
        let mut query = Query::new(sql);
        for param in params {
            query.bind(param);
        }
        let done = unheard(async { query.query(client).await?.into_results().await }).await;
        settle(busy, done)
            .map(|results| results.into_iter().flatten().collect())
            .map_err(|e| statement_error(what, e))
    }
}

/// What the driver does, without what it says of it: it logs every error in the server's
/// words, values of the row included (G8).
pub(crate) fn unheard<F: Future>(driver: F) -> WithDispatch<F> {
    driver.with_subscriber(Dispatch::none())
}

/// Why a change was not applied.
#[derive(Debug)]
pub(crate) enum Fault {
    Own(Error),
    Driver(DriverError),
}

/// After an answer, also one that refuses, the session goes on; after anything else it does not.
pub(crate) fn settle<T>(busy: &mut bool, done: Result<T, DriverError>) -> Result<T, DriverError> {
    *busy = match &done {
        Ok(_) => false,
        // The server ends the session after errors of these severities.
        Err(DriverError::Server(token)) => token.class() >= 20,
        Err(_) => true,
    };
    done
}

impl From<io::Error> for Fault {
    fn from(cause: io::Error) -> Self {
        Self::Driver(cause.into())
    }
}
