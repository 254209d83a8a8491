//! Retries of failed connections.
use crate::{connection::Connection, dialect::Dialect};
use connect_api::{Disposition, Result};
use std::{num::NonZeroU32, time::Duration};

/// How often to attempt a connection, and how long to wait between two attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectRetry {
    /// Attempts in all.
    pub attempts: NonZeroU32,
    /// Pause between two attempts.
    pub backoff: Duration,
}

impl ConnectRetry {
    /// Connects. Only transient errors are retried: a refused password is not.
    ///
    /// # Errors
    /// The last error of [`Dialect::connect`].
    pub async fn connect(self, dialect: &dyn Dialect) -> Result<Box<dyn Connection>> {
        let mut attempt = 1;
        loop {
            match dialect.connect().await {
                Err(e)
                    if e.kind().disposition() == Disposition::Retry
                        && attempt < self.attempts.get() =>
                {
                    tracing::warn!(
                        address = dialect.address(),
                        attempt,
                        attempts = self.attempts.get(),
                        error = e.report(),
                        "connection failed, retrying"
                    );
                    attempt += 1;
                    tokio::time::sleep(self.backoff).await;
                }
                outcome => return outcome,
            }
        }
    }
}
