//! A member of a consumer group at the brokers.
//!
//! Claims are the locks that brokers keep for RocketMQ's ordered consumers: one owner a queue of
//! a group, for a minute from its last renewal. The owner is a name that outlives the process, so
//! that a worker which was killed has its own queues again at once.
use super::{
    error_codes::code, groups::Groups, link::Link, request::Request, route::Routes, topic,
};
use crate::{
    Claim, Joining, Member, Peer, Queue,
    queue_claims::{Claimant, QueueClaims},
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Result};
use futures_util::future::{join_all, try_join_all};
use rocketmq_protocol::protocol::{
    RemotingDeserializable as _,
    body::{
        get_consumer_list_by_group_response_body::GetConsumerListByGroupResponseBody,
        response::lock_batch_response_body::LockBatchResponseBody,
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::warn;

/// Time between two heartbeats; brokers forget a client after two minutes without.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// After a broker has forgotten this client, and so the locks perhaps too, those who held queues
/// before have so long to take them again.
const SETTLE: Duration = Duration::from_secs(15);

/// What all members of this process have in common.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) routes: Arc<Routes>,
    pub(super) groups: Arc<Groups>,
    pub(super) claims: QueueClaims,
    pub(super) timeout: Duration,
}

/// A member of a group.
pub(super) struct QueueMember {
    members: Arc<Members>,
    joining: Joining,
    me: Claimant,
    held: Vec<Queue>,
    others: Vec<Peer>,
    /// When the last heartbeat and query were sent to the brokers.
    looked: Option<Instant>,
    /// No queue is claimed before, except those that are held.
    settling: Option<Instant>,
    /// A broker refused to list members or to lock queues, which was logged.
    said: bool,
    left: bool,
}

impl QueueMember {
    pub(super) fn new(members: Arc<Members>, joining: Joining) -> Self {
        members.groups.join(&joining.group, &joining.topics);
        Self {
            members,
            me: Claimant::new(&joining.name),
            joining,
            held: Vec::new(),
            others: Vec::new(),
            looked: None,
            settling: None,
            said: false,
            left: false,
        }
    }

    fn subject(&self) -> String {
        format!("members of group {:?}", &*self.joining.group)
    }

    async fn brokers(&self) -> Result<Vec<Arc<Link>>> {
        let masters = self.members.routes.masters().await?;
        let links = masters
            .values()
            .map(|address| self.members.routes.links.to(address));
        links.collect()
    }

    /// `None`, and a word in the log, where the broker does not know the request or refuses it to
    /// this user: members are then not seen, and queues not locked.
    fn refused<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if matches!(error.kind(), ErrorKind::Auth | ErrorKind::Unsupported) => {
                if !self.said {
                    warn!(
                        group = &*self.joining.group,
                        error = error.report(),
                        "members of the group are not seen: do not run this sink twice"
                    );
                    self.said = true;
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a heartbeat of this client to the brokers, and lists the other members.
    async fn look(&mut self) -> Result<()> {
        let (subject, group) = (self.subject(), self.joining.group.clone());
        let timeout = self.members.timeout;
        let mut others = Vec::new();
        for broker in self.brokers().await? {
            let listed = list(&broker, &subject, &group, timeout).await;
            let Some(ids) = self.refused(listed)? else {
                continue;
            };
            let own = self.members.groups.client_id();
            if self.looked.is_some() && !ids.iter().any(|id| id == own) {
                self.settling = Some(Instant::now() + SETTLE);
            }
            others.extend(ids.into_iter().filter(|id| id != own).map(|id| Peer {
                heeds_claims: Groups::heeds_claims(&id),
                name: id.into(),
            }));
            let heartbeat = Request::heartbeat(self.members.groups.heartbeat(&group));
            let beat = broker.call(&subject, heartbeat, timeout).await;
            self.refused(beat)?;
        }
        others.sort_unstable();
        others.dedup();
        self.others = others;
        self.looked = Some(Instant::now());
        Ok(())
    }

    /// Locks `queues` at their brokers, and gives those that are ours then.
    async fn lock(&mut self, queues: &[Queue]) -> Result<Vec<Queue>> {
        let (subject, group) = (self.subject(), self.joining.group.clone());
        let mut of_broker: BTreeMap<&str, Vec<&Queue>> = BTreeMap::new();
        for queue in queues {
            of_broker.entry(&queue.broker).or_default().push(queue);
        }
        let asked = of_broker.into_values().map(async |queues| {
            let link = self.members.routes.broker_of(queues[0]).await?;
            let request = Request::lock(&group, &self.joining.owner, &queues);
            let answer = link.call(&subject, request, self.members.timeout).await?;
            LockBatchResponseBody::decode(&answer.into_body())
                .map_err(|source| not_understood(&subject, &link).with_source(source))
        });
        let locked = try_join_all(asked).await;
        Ok(match self.refused(locked)? {
            Some(locked) => {
                let ours = |queue: &&Queue| {
                    locked.iter().flat_map(|of| &of.lock_ok_mq_set).any(|mq| {
                        *mq.topic() == *topic::written(&queue.topic)
                            && *mq.broker_name() == *queue.broker
                            && u32::try_from(mq.queue_id()) == Ok(queue.id)
                    })
                };
                queues.iter().filter(ours).cloned().collect()
            }
            None => queues.to_vec(),
        })
    }

    async fn unlock(&self, queues: &[Queue]) -> Result<()> {
        let subject = self.subject();
        let mut of_broker: BTreeMap<&str, Vec<&Queue>> = BTreeMap::new();
        for queue in queues {
            of_broker.entry(&queue.broker).or_default().push(queue);
        }
        let asked = of_broker.into_values().map(async |queues| {
            let link = self.members.routes.broker_of(queues[0]).await?;
            let request = Request::unlock(&self.joining.group, &self.joining.owner, &queues);
            link.call(&subject, request, self.members.timeout).await
        });
        // Each is asked, whatever another answers.
        for answer in join_all(asked).await {
            answer?;
        }
        Ok(())
    }

    fn part(&mut self) -> bool {
        if std::mem::replace(&mut self.left, true) {
            return false;
        }
        let Joining { group, topics, .. } = &self.joining;
        self.members.claims.give_up(group, &self.me);
        self.members.groups.part(group, topics, &self.held)
    }
}

/// The names of a group's members, as one broker knows them.
async fn list(broker: &Link, subject: &str, group: &str, timeout: Duration) -> Result<Vec<String>> {
    let answer = broker
        .ask(&subject, Request::members(group), timeout)
        .await?;
    match answer.code {
        code::SUCCESS => {}
        // "no consumer for this group"
        code::SYSTEM_ERROR => return Ok(Vec::new()),
        _ => return Err(broker.refused(&subject, &answer)),
    }
    let body = GetConsumerListByGroupResponseBody::decode(&answer.into_body())
        .map_err(|source| not_understood(subject, broker).with_source(source))?;
    Ok(body
        .consumer_id_list
        .iter()
        .map(|id| id.as_str().to_owned())
        .collect())
}

fn not_understood(subject: &str, link: &Link) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "{subject}: the answer of the broker at {} is not understood",
            link.address()
        ),
    )
}

#[async_trait]
impl Member for QueueMember {
    async fn claim(&mut self, queues: &[Queue]) -> Result<Claim> {
        let group = self.joining.group.clone();
        let mut claim = self.members.claims.claim(&group, &self.me, queues);
        let more = claim.held.iter().any(|queue| !self.held.contains(queue));
        if more || self.looked.is_none_or(|at| at.elapsed() >= HEARTBEAT) {
            self.look().await?;
        }
        let hindered = self.others.iter().any(|peer| !peer.heeds_claims)
            || self.settling.is_some_and(|until| Instant::now() < until);
        if hindered {
            claim.held.retain(|queue| self.held.contains(queue));
        }
        let given_up: Vec<_> = self
            .held
            .iter()
            .filter(|queue| !queues.contains(queue))
            .cloned()
            .collect();
        self.unlock(&given_up).await?;
        let held = self.lock(&claim.held).await?;
        self.members.claims.claim(&group, &self.me, &held);
        self.members.groups.hold(&group, &self.held, &held);
        self.held.clone_from(&held);
        claim.held = held;
        claim.others.extend(self.others.iter().cloned());
        Ok(claim)
    }

    async fn leave(&mut self) -> Result<()> {
        let unlocked = self.unlock(&self.held).await;
        if self.part() {
            let subject = self.subject();
            let members = Arc::clone(&self.members);
            for broker in self.brokers().await? {
                let request = Request::unregister(members.groups.client_id(), &self.joining.group);
                let answer = broker.call(&subject, request, members.timeout).await;
                self.refused(answer)?;
            }
        }
        unlocked
    }
}

impl Drop for QueueMember {
    fn drop(&mut self) {
        self.part();
    }
}
