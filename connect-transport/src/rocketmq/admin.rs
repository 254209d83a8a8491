//! Administration of a cluster: what `mqadmin` is used for, without a JVM.
//!
//! Every call sends RocketMQ's own administrative requests over the connections of the
//! transport, so that it is signed, encrypted and timed out as they are, and an error holds the
//! broker's own words. Brokers from 5.0 are supported; users and policies are those of ACL 2.0.
//!
//! ```no_run
//! use connect_transport::rocketmq::{RocketMqOptions, admin::Admin};
//!
//! # async fn example() -> connect_api::Result<()> {
//! let admin = Admin::connect(RocketMqOptions::new("127.0.0.1:9876")).await?;
//! for queue in admin.group("connect-orders-sink").await?.queues {
//!     println!("{} of {}: {} behind", queue.queue, queue.topic, queue.lag);
//! }
//! # Ok(())
//! # }
//! ```
mod access;
mod answers;
mod brokers;
mod found;
mod groups;
mod messages;
mod request;
mod reset;
mod topics;

pub use access::{Effect, NewUser, Policy, User, UserKind};
pub use brokers::{Broker, BrokerState};
pub use found::Found;
pub use groups::{Group, GroupMember, GroupQueue, GroupSummary};
pub use messages::{Messages, TimeRange};
pub use reset::{QueueReset, ResetTo};
pub use topics::{
    MessageType, Origin, Permission, Topic, TopicAtBroker, TopicChange, TopicQueue, TopicSettings,
    TopicSummary,
};

use super::{
    RocketMq, RocketMqOptions,
    link::{Answer, Link},
    request::Request,
};
use crate::Transport as _;
use connect_api::Result;
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

/// The group that RocketMQ's own tools read with; brokers create it automatically.
pub const TOOLS_GROUP: &str = "TOOLS_CONSUMER";

/// Administers a cluster.
#[derive(Debug)]
pub struct Admin {
    cluster: Arc<RocketMq>,
}

impl Admin {
    /// Connects to the cluster.
    ///
    /// # Errors
    /// As [`RocketMq::connect`].
    pub async fn connect(options: RocketMqOptions) -> Result<Self> {
        Ok(Self {
            cluster: RocketMq::connect(options).await?,
        })
    }

    /// Ends all connections, within `deadline`.
    pub async fn close(&self, deadline: Duration) {
        self.cluster.close(deadline).await;
    }

    async fn masters(&self) -> Result<BTreeMap<Arc<str>, Arc<str>>> {
        self.cluster.routes.masters().await
    }

    fn link(&self, address: &str) -> Result<Arc<Link>> {
        self.cluster.routes.links.to(address)
    }

    /// Asks one broker, whatever the answer.
    async fn ask(
        &self,
        address: &str,
        subject: &(dyn fmt::Display + Sync),
        request: Request,
    ) -> Result<(Arc<Link>, Answer)> {
        let link = self.link(address)?;
        let answer = link.ask(subject, request, self.cluster.timeout()).await?;
        Ok((link, answer))
    }

    /// Asks one broker; only success is an answer.
    async fn call(
        &self,
        address: &str,
        subject: &(dyn fmt::Display + Sync),
        request: Request,
    ) -> Result<(Arc<Link>, Answer)> {
        let link = self.link(address)?;
        let answer = link.call(subject, request, self.cluster.timeout()).await?;
        Ok((link, answer))
    }
}
