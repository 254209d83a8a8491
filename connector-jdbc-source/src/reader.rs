//! Reads a table with a connection that is opened when it is needed.
use crate::{config::SourceConfig, recheck::Reports, table::TableState};
use connect_api::{Error, ErrorKind, Polled, Result};
use dialect_core::{Connection, Dialect};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A connection, and what the database reported of its transactions over it.
pub(crate) struct Reader {
    pub(crate) dialect: Arc<dyn Dialect>,
    stop: CancellationToken,
    /// Taken while it is in use: a dropped future leaves no half-used connection behind.
    connection: Option<Box<dyn Connection>>,
    reports: Reports,
}

impl Reader {
    /// A reader that stops connecting with `stop`.
    pub(crate) fn new(dialect: Arc<dyn Dialect>, stop: CancellationToken) -> Self {
        Self {
            dialect,
            stop,
            connection: None,
            reports: Reports::default(),
        }
    }

    /// Its connection; to be returned with [`put_back`](Self::put_back).
    ///
    /// # Errors `Stopped`; errors of connecting.
    pub(crate) async fn connection(
        &mut self,
        config: &SourceConfig,
    ) -> Result<Box<dyn Connection>> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let attempts = config.connection.connect_retry();
        let connecting = attempts.connect(self.dialect.as_ref());
        match self.stop.run_until_cancelled(connecting).await {
            Some(connected) => connected,
            None => Err(Error::new(ErrorKind::Stopped, "stopped while connecting")),
        }
    }

    /// It has a connection that can be used.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Keeps a connection for the next read.
    pub(crate) fn put_back(&mut self, connection: Box<dyn Connection>) {
        self.connection = Some(connection);
    }

    /// The next records of the table, or rows that cannot be read; `None` if there are no new rows.
    ///
    /// # Errors Errors of the database; an error that a change of the table explains is none.
    pub(crate) async fn read(&mut self, table: &mut TableState) -> Result<Option<Polled>> {
        let config = table.plan.config.clone();
        if let Some(polled) = table.take_unreturned() {
            return table
                .note_sent(polled, self.dialect.syntax())
                .await
                .map(Some);
        }
        if let Some(deletes) = self.deletes(table).await? {
            return Ok(Some(deletes));
        }
        loop {
            let mut connection = self.connection(&config).await?;
            let (dialect, reports) = (&self.dialect, &mut self.reports);
            let next = table.next(connection.as_mut(), dialect, reports);
            let error = match next.await {
                Err(e) if matches!(e.kind(), ErrorKind::Connect | ErrorKind::Timeout) => {
                    return Err(e);
                }
                // Their readers have done what follows, each with its own rows.
                Err(e) if table.ranges.is_some() => {
                    self.connection = Some(connection);
                    return Err(e);
                }
                Err(e) if TableState::may_be_schema_change(&e) => e,
                outcome => {
                    self.connection = Some(connection);
                    table.poll_again_to_compare();
                    return match outcome? {
                        Some(polled) => table
                            .note_sent(polled, self.dialect.syntax())
                            .await
                            .map(Some),
                        None => Ok(None),
                    };
                }
            };
            // An error in the middle of a result can make the connection unusable.
            if connection.ping().await.is_err() {
                connection = self.connection(&config).await?;
            }
            let dialect = self.dialect.as_ref();
            let changed = table.refresh_schema(connection.as_mut(), dialect);
            let changed = changed.await;
            self.connection = Some(connection);
            if !changed? {
                table.bisect_after(error, dialect.syntax())?;
            }
        }
    }

    /// The next deletes of the table that do not come with its rows, if there are any.
    async fn deletes(&mut self, table: &mut TableState) -> Result<Option<Polled>> {
        if !table.captures && !table.compares() {
            return Ok(None);
        }
        let mut connection = self.connection(&table.plan.config).await?;
        let (dialect, reports) = (&self.dialect, &mut self.reports);
        let next = match table.captures {
            true => {
                table
                    .next_captured(connection.as_mut(), dialect, reports)
                    .await
            }
            false => table.next_compared(connection.as_mut(), dialect).await,
        };
        let usable = match &next {
            Ok(_) => true,
            Err(_) => connection.ping().await.is_ok(),
        };
        if usable {
            self.connection = Some(connection);
        }
        next
    }

    /// Closes the connection.
    ///
    /// # Errors Errors of the database.
    pub(crate) async fn close(&mut self) -> Result<()> {
        match self.connection.take() {
            Some(connection) => connection.close().await,
            None => Ok(()),
        }
    }
}
