//! Temporary tables that rows are gathered in.
use crate::{catalog, error_codes, plan::stage::Stage, session::Session};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::TableName;
use sqlx::{AssertSqlSafe, Executor as _};
use std::collections::{HashMap, HashSet};

/// The temporary tables of a session, by name.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    states: HashMap<String, StageState>,
    /// They live in one transaction each.
    local: bool,
    /// Whether the role may create one, once that was asked.
    allowed: Option<bool>,
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
    /// `local`: they live in one transaction each.
    pub(crate) fn new(local: bool) -> Self {
        Self {
            local,
            ..Self::default()
        }
    }

    /// The transaction is over.
    pub(crate) fn end(&mut self, committed: bool) {
        self.marked = None;
        if self.local {
            self.states.clear();
        }
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

impl Session {
    /// Whether the role may create temporary tables. Asked before, since a refusal would end the
    /// transaction.
    pub(crate) async fn may_stage(&mut self, table: &TableName) -> Result<bool> {
        if let Some(allowed) = self.stages.allowed {
            return Ok(allowed);
        }
        let allowed = sqlx::query_scalar::<_, bool>(catalog::TEMPORARY)
            .persistent(false)
            .fetch_one(&mut self.driver)
            .await
            .map_err(|e| error_codes::error("asking for the privilege TEMPORARY", e))?;
        if !allowed {
            tracing::warn!(
                %table,
                "large batches use multi-row statements, which are slower than a temporary \
                 table: the role has no privilege TEMPORARY on the database"
            );
        }
        self.stages.allowed = Some(allowed);
        Ok(allowed)
    }

    /// Creates the temporary table, where the session has none.
    pub(crate) async fn make_stage(&mut self, stage: &Stage) -> Result<()> {
        if self.stages.states.contains_key(&stage.name) {
            return Ok(());
        }
        let create = match self.stages.local {
            true => &stage.create_local,
            false => &stage.create,
        };
        self.driver
            .execute(sqlx::raw_sql(AssertSqlSafe(create.clone())))
            .await
            .map_err(|e| error_codes::error("making a temporary table", e))?;
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
                .map_err(|e| error_codes::error("emptying a temporary table", e))?;
        }
        Ok(())
    }
}
