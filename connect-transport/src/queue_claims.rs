//! The queues of groups that members of one process hold.
use crate::{Claim, Peer, Queue};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Who of this process holds which queue of a group.
#[derive(Debug, Default)]
pub(crate) struct QueueClaims {
    held: Mutex<Table>,
}

type Table = HashMap<Arc<str>, HashMap<Queue, Claimant>>;

/// A member of this process.
#[derive(Debug, Clone)]
pub(crate) struct Claimant(Arc<str>);

impl Claimant {
    pub(crate) fn new(name: &str) -> Self {
        // A separate allocation: members are distinguished by its address.
        Self(Arc::from(name))
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn peer(&self) -> Peer {
        Peer {
            name: format!("{} of this process", self.0).into(),
            heeds_claims: true,
        }
    }
}

impl QueueClaims {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims `queues` for `me`, and gives up what is not among them.
    pub(crate) fn claim(&self, group: &Arc<str>, me: &Claimant, queues: &[Queue]) -> Claim {
        let mut table = self.table();
        let taken = table.entry(group.clone()).or_default();
        taken.retain(|queue, holder| !holder.is(me) || queues.contains(queue));
        let mut claim = Claim::default();
        for queue in queues {
            let holder = taken.entry(queue.clone()).or_insert_with(|| me.clone());
            if holder.is(me) {
                claim.held.push(queue.clone());
            } else if !claim.others.contains(&holder.peer()) {
                claim.others.push(holder.peer());
            }
        }
        claim
    }

    /// Gives up all that `me` holds.
    pub(crate) fn give_up(&self, group: &Arc<str>, me: &Claimant) {
        let mut table = self.table();
        if let Some(taken) = table.get_mut(group) {
            taken.retain(|_, holder| !holder.is(me));
            if taken.is_empty() {
                table.remove(group);
            }
        }
    }
}
