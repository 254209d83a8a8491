//! Members of groups: all are of this process.
use crate::{
    Claim, Joining, Member, Queue,
    queue_claims::{Claimant, QueueClaims},
};
use async_trait::async_trait;
use connect_api::Result;
use std::sync::Arc;

/// A member of a group; gives its queues up when it is dropped.
pub(super) struct LocalMember {
    claims: Arc<QueueClaims>,
    group: Arc<str>,
    me: Claimant,
}

impl LocalMember {
    pub(super) fn new(claims: Arc<QueueClaims>, joining: Joining) -> Self {
        Self {
            claims,
            me: Claimant::new(&joining.name),
            group: joining.group,
        }
    }
}

#[async_trait]
impl Member for LocalMember {
    async fn claim(&mut self, queues: &[Queue]) -> Result<Claim> {
        Ok(self.claims.claim(&self.group, &self.me, queues))
    }

    async fn leave(&mut self) -> Result<()> {
        self.claims.give_up(&self.group, &self.me);
        Ok(())
    }
}

impl Drop for LocalMember {
    fn drop(&mut self) {
        self.claims.give_up(&self.group, &self.me);
    }
}
