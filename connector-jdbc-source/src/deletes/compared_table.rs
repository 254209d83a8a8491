//! Tables whose deletes are found by comparison.
use crate::{
    config::SourceConfig,
    deletes::{Deletes, comparison::Comparison},
    read_plan::ReadPlan,
    table::TableState,
    unique_key,
};
use connect_api::{Polled, Result, TaskContext, config::Faults};
use dialect_core::{Connection, Dialect, KeyPart, Syntax};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Between two comparisons, where the settings do not say.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Adds why deletes of the table cannot be found by comparison.
pub(crate) fn check(plan: &ReadPlan, syntax: &dyn Syntax, faults: &mut Faults) {
    const KEY: &str = "deletes.mode";
    let table = &plan.table.name;
    let key: Vec<KeyPart> = plan
        .record_key()
        .map(|column| KeyPart {
            columns: vec![column],
        })
        .collect();
    let fault = match () {
        () if key.is_empty() => "has no primary key, so a delete would have no key",
        () if !unique_key::is_unique(&plan.table, false, &key, syntax) => {
            "has a message key that the catalogue does not prove to be unique, so that its rows cannot be told \
             apart; use its primary key, or columns with a unique index"
        }
        () => return,
    };
    faults.at(KEY, format!("table {table} {fault}"));
}

impl SourceConfig {
    pub(crate) fn deletes_interval(&self) -> Duration {
        self.deletes_interval
            .map_or(INTERVAL, |interval| interval.0)
    }

    /// Deletes are found by comparison.
    pub(crate) fn compares_keys(&self) -> bool {
        match self.deletes() {
            Deletes::Diff => true,
            Deletes::None | Deletes::Mark | Deletes::Trigger => false,
        }
    }
}

impl TableState {
    /// Compares the keys of the table from now on, where that is set.
    ///
    /// # Errors
    /// As [`Comparison::open`].
    pub(crate) async fn compare_keys(
        &mut self,
        syntax: &dyn Syntax,
        cx: &TaskContext,
    ) -> Result<()> {
        if self.plan.config.compares_keys() {
            let comparison = Comparison::open(&self.plan, syntax, cx).await?;
            self.comparison = Some(Box::new(comparison));
        }
        Ok(())
    }

    /// G2: rows that are read by other statements meanwhile could be sent behind their deletes.
    pub(crate) fn compares(&self) -> bool {
        self.comparison.is_some()
            && !self.is_streaming()
            && self.ranges.is_none()
            && self.load.is_none()
            && self.bisect.is_none()
    }

    /// The next deletes that a comparison has found.
    ///
    /// # Errors Errors of the database, and of the known keys.
    pub(crate) async fn next_compared(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &Arc<dyn Dialect>,
    ) -> Result<Option<Polled>> {
        let dialect = dialect.as_ref();
        let Some(comparison) = &mut self.comparison else {
            return Ok(None);
        };
        let next = comparison.next(&self.plan, connection, dialect).await;
        let error = match next {
            Ok(found) => return Ok(found.map(Polled::Records)),
            Err(error) => error.context(format!("{}: comparing keys", self.plan.name())),
        };
        let changed = Self::may_be_schema_change(&error)
            && connection.ping().await.is_ok()
            && self.refresh_schema(connection, dialect).await?;
        match changed {
            true => Ok(None),
            false => Err(error),
        }
    }

    /// The table is polled again when its keys are to be compared.
    pub(crate) fn poll_again_to_compare(&mut self) {
        if let Some(comparison) = self.comparison.as_ref().filter(|_| self.compares()) {
            self.next_poll = self.next_poll.min(comparison.next.max(Instant::now()));
        }
    }

    /// Rows that were read, and whose keys are not noted yet.
    pub(crate) fn take_unreturned(&mut self) -> Option<Polled> {
        self.comparison.as_mut()?.unreturned.take()
    }

    /// Notes the keys of rows before they are sent.
    ///
    /// # Errors
    /// As [`KnownKeys::note`].
    pub(crate) async fn note_sent(
        &mut self,
        polled: Polled,
        syntax: &dyn Syntax,
    ) -> Result<Polled> {
        let Some(comparison) = &mut self.comparison else {
            return Ok(polled);
        };
        let keys = match &polled {
            Polled::Records(records) if !records.is_empty() => {
                comparison.renew(&self.plan, syntax).await?;
                comparison.keys.bytes(records)?
            }
            Polled::Records(_) | Polled::Refused { .. } | Polled::Idle(_) | Polled::Finished => {
                return Ok(polled);
            }
        };
        // Rows that a dropped future has read are not lost.
        comparison.unreturned = Some(polled);
        comparison.with_known(move |known| known.note(keys)).await?;
        comparison
            .unreturned
            .take()
            .ok_or_else(|| comparison.interrupted())
    }
}
