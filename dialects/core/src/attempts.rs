//! Several tries at a connection.
use crate::{connection::Connection, dialect::Dialect};
use connect_api::{Disposition, Result};
use std::{num::NonZeroU32, time::Duration};

/// How often a connection is tried, and how long the pause between two tries is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Tries in all.
    pub tries: NonZeroU32,
    /// Pause between two.
    pub pause: Duration,
}

impl Attempts {
    /// Connects. Only what may pass by itself is tried again: a refused password is not.
    ///
    /// # Errors
    /// The last error of [`Dialect::connect`].
    pub async fn connect(self, dialect: &dyn Dialect) -> Result<Box<dyn Connection>> {
        let mut tried = 1;
        loop {
            match dialect.connect().await {
                Err(e)
                    if e.kind().disposition() == Disposition::Retry && tried < self.tries.get() =>
                {
                    tracing::warn!(
                        address = dialect.address(),
                        tried,
                        tries = self.tries.get(),
                        error = e.report(),
                        "cannot connect, trying again"
                    );
                    tried += 1;
                    tokio::time::sleep(self.pause).await;
                }
                outcome => return outcome,
            }
        }
    }
}
