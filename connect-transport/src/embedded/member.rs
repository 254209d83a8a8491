//! Members of groups: all are of this process.
use crate::{
    Claim, Joining, Member, Queue,
    holders::{Holder, Holders},
};
use async_trait::async_trait;
use connect_api::Result;
use std::sync::Arc;

/// A member of a group; gives its queues up when it is dropped.
pub(super) struct LocalMember {
    holders: Arc<Holders>,
    group: Arc<str>,
    me: Holder,
}

impl LocalMember {
    pub(super) fn new(holders: Arc<Holders>, joining: Joining) -> Self {
        Self {
            holders,
            me: Holder::new(&joining.name),
            group: joining.group,
        }
    }
}

#[async_trait]
impl Member for LocalMember {
    async fn claim(&mut self, queues: &[Queue]) -> Result<Claim> {
        Ok(self.holders.claim(&self.group, &self.me, queues))
    }

    async fn leave(&mut self) -> Result<()> {
        self.holders.give_up(&self.group, &self.me);
        Ok(())
    }
}

impl Drop for LocalMember {
    fn drop(&mut self) {
        self.holders.give_up(&self.group, &self.me);
    }
}
