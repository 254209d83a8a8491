//! Which rows may still be those of open transactions.
use crate::{catalog, describe::by_place, error_codes, session::Session};
use connect_api::Result;
use dialect_core::{Replica, RunningTransactions, Table, Transaction};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// A row of the answer to [`RUNNING_TRANSACTIONS`](crate::catalog::RUNNING_TRANSACTIONS): transaction,
/// the virtual id or the number that is locked, process.
pub(crate) type Lock = (String, Option<String>, Option<String>, Option<i32>);

/// The mark of a standby in the answer.
const STANDBY: &str = "standby";

/// A standby does not show the transactions of its primary.
pub(crate) fn is_of_standby(locks: &[Lock]) -> bool {
    locks.iter().any(|(transaction, ..)| transaction == STANDBY)
}

/// The running transactions; `None` for an id of an unknown form.
pub(crate) fn running(locks: Vec<Lock>, asked: Instant) -> Option<RunningTransactions> {
    let mut running = RunningTransactions {
        open: Vec::new(),
        prepared: Vec::new(),
        asked,
    };
    // With subtransactions there are several numbers: the first is that of the whole.
    let mut numbers: HashMap<&str, u64> = HashMap::new();
    for (transaction, _, number, process) in &locks {
        let Some(number) = number else {
            continue;
        };
        let number = number.parse().ok()?;
        match process {
            Some(_) => {
                let first = numbers.entry(transaction).or_insert(number);
                *first = number.min(*first);
            }
            None => running.prepared.push(number),
        }
    }
    for (transaction, virtual_id, ..) in &locks {
        if let Some(id) = virtual_id {
            // `process number/counter`
            let (session, began) = id.split_once('/')?;
            running.open.push(Transaction {
                session: session.parse().ok()?,
                began: began.parse().ok()?,
                number: numbers.get(transaction.as_str()).copied(),
            });
        }
    }
    Some(running)
}

impl Session {
    /// How many numbers at once the sequence of each of these columns hands out; `None` where it has
    /// none.
    pub(crate) async fn ask_sequence_blocks(
        &mut self,
        columns: &[(&Table, usize)],
    ) -> Result<Vec<Option<i64>>> {
        let schemas = columns.iter().map(|(t, _)| t.name.schema.as_deref());
        let tables = columns.iter().map(|(t, _)| t.name.name.as_str());
        let names = columns.iter().map(|(t, i)| t.columns[*i].name.as_str());
        let query = sqlx::query_as::<_, (i64, i64)>(catalog::SEQUENCE_BLOCKS)
            .persistent(self.keeps_statements())
            .bind(schemas.collect::<Vec<_>>())
            .bind(tables.collect::<Vec<_>>())
            .bind(names.collect::<Vec<_>>());
        let found = query.fetch_all(&mut self.driver).await;
        let found = found.map_err(|e| error_codes::error("asking for sequences of columns", e))?;
        Ok(by_place(found, columns.len()))
    }

    /// Whether the server is a standby, and how far it is behind.
    pub(crate) async fn ask_replica(&mut self) -> Result<Option<Replica>> {
        let query = sqlx::query_as::<_, (bool, Option<f64>)>(catalog::STANDBY)
            .persistent(self.keeps_statements());
        let found = query.fetch_one(&mut self.driver).await;
        let (is_standby, lag) =
            found.map_err(|e| error_codes::error("asking whether the server is a standby", e))?;
        let lag = lag.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
        Ok(is_standby.then_some(Replica { lag }))
    }
}
