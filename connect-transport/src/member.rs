//! Members of consumer groups, and the queues that each has for itself.
use crate::Queue;
use async_trait::async_trait;
use connect_api::Result;
use std::{sync::Arc, time::Duration};

/// How long a claim lasts after it was taken or renewed, also for a member that died.
/// RocketMQ's brokers keep the locks of its ordered consumers so long.
pub const CLAIM_TIME: Duration = Duration::from_secs(60);

/// Who joins a group.
#[derive(Debug, Clone)]
pub struct Joining {
    /// The group.
    pub group: Arc<str>,
    /// The topics it reads.
    pub topics: Vec<Arc<str>>,
    /// Whom the member's claims belong to: no other process has this name, and it is the same
    /// after a restart. A process that was killed has its queues again at once by it, and not when
    /// the time of its claims is over.
    pub owner: Arc<str>,
    /// What the member is called where it stands in the way of another one of this process, e.g.
    /// `connector orders, task 0`.
    pub name: Arc<str>,
}

/// Another member of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    /// How the transport names it.
    pub name: Arc<str>,
    /// It reads a queue only while it holds a claim on it, as members of this crate do. Others
    /// read what they like.
    pub heeds_claims: bool,
}

/// What a member holds, and who else there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// The queues, of those asked for, that no other member has; in the order asked for.
    pub held: Vec<Queue>,
    /// The other members of the group, as last seen.
    pub others: Vec<Peer>,
}

/// A member of a consumer group, until it leaves. Others see it, and no two members that heed
/// claims hold one queue at a time.
#[async_trait]
pub trait Member: Send {
    /// Claims `queues`, and renews the claims that there are; to be called again well within
    /// [`CLAIM_TIME`]. Queues that are held and not among `queues` are given up.
    ///
    /// A member that heeds no claims hinders new ones: nothing is held then that was not before.
    ///
    /// # Errors
    /// As the transport says. Earlier claims remain until they expire.
    async fn claim(&mut self, queues: &[Queue]) -> Result<Claim>;

    /// Gives up all claims, at once for others to have, and leaves the group. What was read must
    /// have been committed before.
    ///
    /// # Errors
    /// As the transport says; the claims then end with their time.
    async fn leave(&mut self) -> Result<()>;
}

/// The member of a transport that has one reader of a queue by its nature: it holds what it asks
/// for.
#[derive(Debug)]
pub(crate) struct Alone;

#[async_trait]
impl Member for Alone {
    async fn claim(&mut self, queues: &[Queue]) -> Result<Claim> {
        let held = queues.to_vec();
        Ok(Claim {
            held,
            others: Vec::new(),
        })
    }

    async fn leave(&mut self) -> Result<()> {
        Ok(())
    }
}
