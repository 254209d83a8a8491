//! Temporary tables that rows are gathered in.
use crate::{connection::PostgresConnection, merge::Stage, refusal};
use connect_api::{Error, ErrorKind, Result};
use sqlx::{AssertSqlSafe, Executor as _};
use std::collections::{HashMap, HashSet};

/// The temporary tables of a session, by name.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    states: HashMap<String, StageState>,
    /// Those that were there at the savepoint, if one was set.
    marked: Option<HashSet<String>>,
}

/// How a temporary table stands.
#[derive(Debug, Clone, Copy, Default)]
struct StageState {
    /// Made in the open transaction: gone if that is undone.
    fresh: bool,
    /// Used in the open transaction: must be emptied before it is used again.
    used: bool,
}

impl Stages {
    /// The transaction is over.
    pub(crate) fn end(&mut self, committed: bool) {
        self.marked = None;
        self.states.retain(|_, state| committed || !state.fresh);
        for state in self.states.values_mut() {
            *state = StageState::default();
        }
    }

    /// A savepoint is set; whether there was one before.
    pub(crate) fn mark(&mut self) -> bool {
        let present = self.states.keys().cloned().collect();
        self.marked.replace(present).is_some()
    }

    /// What was done since the savepoint is undone. Tables that were used stay so: rows from
    /// before it are in them.
    pub(crate) fn return_to_mark(&mut self) {
        if let Some(marked) = &self.marked {
            self.states.retain(|name, _| marked.contains(name));
        }
    }
}

/// Refuses a savepoint outside a transaction.
pub(crate) fn begun(open: bool) -> Result<()> {
    if open {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Internal,
        "a savepoint outside a transaction",
    ))
}

impl PostgresConnection {
    /// Makes the temporary table, where the session has none.
    pub(crate) async fn make_stage(&mut self, stage: &Stage) -> Result<()> {
        if self.stages.states.contains_key(&stage.name) {
            return Ok(());
        }
        self.driver
            .execute(sqlx::raw_sql(AssertSqlSafe(stage.create.clone())))
            .await
            .map_err(|e| refusal::error("making a temporary table", e))?;
        let state = StageState {
            fresh: self.open,
            used: false,
        };
        self.stages.states.insert(stage.name.clone(), state);
        Ok(())
    }

    /// Empties the temporary table, where rows of the open transaction may be in it.
    pub(crate) async fn empty_stage(&mut self, stage: &Stage) -> Result<()> {
        let state = self.stages.states.entry(stage.name.clone()).or_default();
        if std::mem::replace(&mut state.used, true) {
            self.driver
                .execute(sqlx::raw_sql(AssertSqlSafe(stage.empty.clone())))
                .await
                .map_err(|e| refusal::error("emptying a temporary table", e))?;
        }
        Ok(())
    }
}
