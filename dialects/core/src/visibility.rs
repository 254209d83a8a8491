//! Which rows no running transaction can still add to.
use std::time::{Duration, Instant};

/// What a database reports of rows that transactions may still add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility {
    /// PostgreSQL, MySQL: the transactions that are running.
    Transactions(RunningTransactions),
    /// SQL Server: every row version below this is final.
    RowVersion([u8; 8]),
}

/// A server that follows the changes of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// How far it is behind; `None` where that is not shown.
    pub lag: Option<Duration>,
}

/// The transactions of other sessions that are running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningTransactions {
    /// In any order.
    pub open: Vec<Transaction>,
    /// PostgreSQL: the numbers of prepared transactions, which belong to no session any more.
    pub prepared: Vec<u64>,
    /// When it was asked for: it has every transaction that was running then and has not ended since.
    pub asked: Instant,
}

/// A running transaction. It is the same one in two lists if session and begin are equal, and the
/// numbers are, where both have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transaction {
    /// The session that runs it.
    pub session: u64,
    /// When it began: a time or a counter, of the resolution that the database has.
    pub began: u64,
    /// The number that it was given with its first change.
    pub number: Option<u64>,
}

impl Transaction {
    fn may_be(&self, other: &Self) -> bool {
        let numbers = self.number.zip(other.number);
        self.session == other.session
            && self.began == other.began
            && numbers.is_none_or(|(one, other)| one == other)
    }
}

impl RunningTransactions {
    /// Whether all of these transactions have ended, by a list that was asked for later.
    pub fn have_ended(&self, later: &Self) -> bool {
        // One without a number may have got it since, and have been prepared.
        let may_be_prepared = |number: &u64| {
            let numbers = self.open.iter().map(|t| t.number);
            let mut numbers = numbers.chain(self.prepared.iter().copied().map(Some));
            numbers.any(|one| one.is_none_or(|one| one == *number))
        };
        let is_open = |t: &Transaction| later.open.iter().any(|l| t.may_be(l));
        !later.prepared.iter().any(may_be_prepared) && !self.open.iter().any(is_open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(open: &[(u64, u64, Option<u64>)], prepared: &[u64]) -> RunningTransactions {
        let transaction = |(session, began, number): &(u64, u64, Option<u64>)| Transaction {
            session: *session,
            began: *began,
            number: *number,
        };
        RunningTransactions {
            open: open.iter().map(transaction).collect(),
            prepared: prepared.to_vec(),
            asked: Instant::now(),
        }
    }

    #[test]
    fn a_list_ends_with_its_last_transaction() {
        let first = list(&[(1, 10, None), (2, 10, Some(5))], &[]);
        assert!(!first.have_ended(&first));
        // The session of the first has changed a row since.
        assert!(!first.have_ended(&list(&[(1, 10, Some(7))], &[])));
        // Its session runs another; that of the second another within the same second.
        assert!(first.have_ended(&list(&[(1, 11, None), (2, 10, Some(9))], &[])));
        let none = list(&[], &[]);
        assert!(none.have_ended(&none), "nothing was running");
    }

    #[test]
    fn a_prepared_transaction_is_running() {
        let first = list(&[(1, 10, Some(5))], &[3]);
        assert!(!first.have_ended(&list(&[], &[3])));
        assert!(!first.have_ended(&list(&[], &[5])));
        assert!(first.have_ended(&list(&[], &[6])), "it began later");
        let without_number = list(&[(1, 10, None)], &[]);
        assert!(!without_number.have_ended(&list(&[], &[6])));
    }
}
