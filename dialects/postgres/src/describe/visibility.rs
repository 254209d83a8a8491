//! Which rows may still be those of open transactions.
use dialect_core::{RunningTransactions, Transaction};
use std::{collections::HashMap, time::Instant};

/// A row of the answer to [`RUNNING_TRANSACTIONS`](crate::catalog::RUNNING_TRANSACTIONS): transaction,
/// the virtual id or the number that is locked, process.
pub(crate) type Lock = (String, Option<String>, Option<String>, Option<i32>);

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
