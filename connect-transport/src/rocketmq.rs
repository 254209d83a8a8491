//! Apache RocketMQ.
//!
//! Batches and pulls are encoded and decoded here and travel as commands over the connections of
//! the Rust client's transport crate, which also does TLS and, by one hook, the signing of every
//! request. Brokers and name servers from 5.0 are supported.
#[cfg(feature = "admin")]
pub mod admin;
mod broker_config;
mod client;
mod compression;
mod error_codes;
mod groups;
mod inbound;
mod lane;
mod link;
mod member;
mod options;
mod pull;
mod queue_type;
mod reader;
mod request;
mod route;
mod topic;

pub use options::RocketMqOptions;

use crate::{
    Joining, Lane, Member, Queue, QueueType, Reader, Transport, queue_claims::QueueClaims,
};
use async_trait::async_trait;
use broker_config::BrokerConfig;
use connect_api::{Error, ErrorKind, Result};
use error_codes::code;
use futures_util::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use groups::Groups;
use lane::QueueLane;
use link::Link;
use member::{Members, QueueMember};
use options::check_name;
use reader::QueueReader;
use request::Request;
use route::Routes;
use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    ops::Range,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    time::{Instant, sleep, timeout},
};
use tracing::debug;

/// Directives for `tracing_subscriber::EnvFilter` that keep the client quiet: it logs every
/// failure that is returned to the caller, several times and without saying where.
pub const LOG_FILTER: &str = "rocketmq_transport=off,rocketmq_protocol=off,rocketmq_runtime=error";

/// Requests that are on their way at once where many queues are asked about.
const CONCURRENCY: usize = 16;
/// Pause between requests to the name server for a topic that was just created.
const ROUTE_PAUSE: Duration = Duration::from_millis(20);

/// Decodes the body of a pull's answer, as readers do that asked from `from` on; for fuzzing.
///
/// # Errors
/// `Data`: the answer is cut off or damaged.
#[cfg(feature = "testing")]
pub fn decode_pull(answer: bytes::Bytes, from: i64, next: i64, end: i64) -> Result<crate::Pulled> {
    pull::decode(answer, from, next, end)
}

/// A RocketMQ cluster.
///
/// ```no_run
/// use connect_transport::{Transport, rocketmq::{RocketMq, RocketMqOptions}};
///
/// # async fn example() -> connect_api::Result<()> {
/// let mut options = RocketMqOptions::new("127.0.0.1:9876");
/// options.credentials = Some(acl::Credentials::new("orders", "pw-of-orders"));
/// let cluster = RocketMq::connect(options).await?;
/// for queue in cluster.queues("orders").await? {
///     println!("{queue}: {:?}", cluster.bounds(&queue).await?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RocketMq {
    routes: Arc<Routes>,
    members: Arc<Members>,
    options: RocketMqOptions,
}

impl RocketMq {
    /// Connects to the cluster; its connections live in the Tokio runtime this is called from.
    ///
    /// # Errors
    /// `Config`: the options are wrong, or TLS does not verify. `Connect`: no name server
    /// answers, or it knows no broker.
    pub async fn connect(options: RocketMqOptions) -> Result<Arc<Self>> {
        options.validate()?;
        let address = own_address(&options).await;
        let groups = Arc::new(Groups::new(address, &options.instance_name));
        let routes = Arc::new(Routes::new(&options, Arc::clone(&groups))?);
        routes.masters().await?;
        let members = Arc::new(Members {
            routes: Arc::clone(&routes),
            groups,
            claims: QueueClaims::default(),
            timeout: options.request_timeout,
        });
        Ok(Arc::new(Self {
            routes,
            members,
            options,
        }))
    }

    fn timeout(&self) -> Duration {
        self.options.request_timeout
    }

    /// The connection to the broker of `queue`, which takes our credentials.
    async fn broker_of(&self, subject: &str, queue: &Queue) -> Result<Arc<Link>> {
        let link = self.routes.broker_of(queue).await?;
        let result = link.authenticate(&subject, self.timeout()).await;
        self.follow(queue, result)?;
        Ok(link)
    }

    /// Asks the broker of `queue`, whatever the answer.
    async fn ask(
        &self,
        subject: &(dyn fmt::Display + Sync),
        queue: &Queue,
        request: Request,
    ) -> Result<(Arc<Link>, link::Answer)> {
        let link = self.routes.broker_of(queue).await?;
        let result = link.ask(subject, request, self.timeout()).await;
        Ok((link, self.follow(queue, result)?))
    }

    /// After a failure, asks the name server where the broker is.
    fn follow<T>(&self, queue: &Queue, result: Result<T>) -> Result<T> {
        if let Err(error) = &result
            && error.kind() == ErrorKind::Connect
        {
            self.routes.doubt(&queue.broker);
        }
        result
    }

    async fn commit_one(&self, group: &str, queue: &Queue, offset: i64) -> Result<()> {
        let subject = Committed { group, queue };
        let request = || Request::commit(group, &queue.topic, queue.id, offset);
        let (mut link, mut answer) = self.ask(&subject, queue, request()).await?;
        if answer.code == code::SUBSCRIPTION_GROUP_NOT_EXIST {
            self.create_group(group).await?;
            (link, answer) = self.ask(&subject, queue, request()).await?;
        }
        match answer.code {
            code::SUCCESS => Ok(()),
            _ => Err(link.refused(&subject, &answer)),
        }
    }

    async fn committed_one(&self, group: &str, queue: &Queue) -> Result<Option<i64>> {
        let subject = Committed { group, queue };
        let request = Request::committed(group, &queue.topic, queue.id);
        let (link, answer) = self.ask(&subject, queue, request).await?;
        match answer.code {
            code::SUCCESS => Ok(answer.number("offset").filter(|offset| *offset >= 0)),
            code::QUERY_NOT_FOUND | code::SUBSCRIPTION_GROUP_NOT_EXIST => Ok(None),
            _ => Err(link.refused(&subject, &answer)),
        }
    }

    /// Waits until the name servers know a topic that was just created: brokers register it with a
    /// delay.
    async fn wait_for_route(&self, topic: &str, queues: NonZeroU32) -> Result<()> {
        let deadline = Instant::now() + self.timeout();
        while self.routes.queues(topic).await?.len() < queues.get() as usize {
            if Instant::now() >= deadline {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!("topic {topic:?}: created, but the name servers do not know it yet"),
                ));
            }
            sleep(ROUTE_PAUSE).await;
        }
        Ok(())
    }

    async fn offset(&self, queue: &Queue, request: Request) -> Result<i64> {
        let (link, answer) = self.ask(queue, queue, request).await?;
        if answer.code != code::SUCCESS {
            return Err(link.refused(queue, &answer));
        }
        // Before its first message, a queue of batches says that it begins at -1.
        answer.number("offset").map(|n| n.max(0)).ok_or_else(|| {
            let text = format!("{queue}: an answer of {} has no offset", link.address());
            Error::new(ErrorKind::Internal, text)
        })
    }
}

/// How many of a topic's queues each of so many brokers has: the first ones one more.
fn shares(queues: NonZeroU32, brokers: usize) -> impl Iterator<Item = u32> {
    let (queues, brokers) = (queues.get() as usize, brokers.max(1));
    let share = move |turn| queues / brokers + usize::from(turn < queues % brokers);
    (0..brokers).map(move |turn| u32::try_from(share(turn)).unwrap_or(u32::MAX))
}

/// The address of this machine that name servers see.
async fn own_address(options: &RocketMqOptions) -> IpAddr {
    let none = IpAddr::from(Ipv4Addr::LOCALHOST);
    let Some(server) = options.name_servers.first() else {
        return none;
    };
    // Nothing is sent: the kernel says from where it would be.
    let seen = async {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        socket.connect(server.as_str()).await?;
        socket.local_addr()
    };
    match timeout(options.connect_timeout, seen).await {
        Ok(Ok(address)) => address.ip(),
        _ => none,
    }
}

/// The offsets of a group in a queue.
struct Committed<'a> {
    group: &'a str,
    queue: &'a Queue,
}

impl fmt::Display for Committed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset of group {:?} in {}", self.group, self.queue)
    }
}

#[async_trait]
impl Transport for RocketMq {
    async fn queues(&self, topic: &str) -> Result<Vec<Queue>> {
        let queues = self.routes.queues(topic).await?;
        let subject = format!("topic {topic:?}");
        // Name servers answer everybody; brokers say whether they know us.
        if queues.is_empty() {
            for address in self.routes.masters().await?.values() {
                let link = self.routes.links.to(address)?;
                link.authenticate(&subject, self.timeout()).await?;
            }
        }
        for of_broker in queues.chunk_by(|a, b| a.broker == b.broker) {
            self.broker_of(&subject, &of_broker[0]).await?;
        }
        Ok(queues)
    }

    fn topic_name<'a>(&self, topic: &'a str) -> Result<Cow<'a, str>> {
        topic::new_name(topic)
    }

    async fn create_topic(
        &self,
        topic: &str,
        queues: NonZeroU32,
        queue_type: QueueType,
    ) -> Result<()> {
        topic::new_name(topic)?;
        if !self.queues(topic).await?.is_empty() {
            return Ok(());
        }
        self.check_queue_type_at_brokers(queue_type).await?;
        let subject = format!("topic {topic:?}, to be created");
        let masters = self.routes.masters().await?;
        for (share, address) in shares(queues, masters.len()).zip(masters.values()) {
            if share > 0 {
                let link = self.routes.links.to(address)?;
                let request = Request::create_topic(topic, share, queue_type);
                link.call(&subject, request, self.timeout()).await?;
            }
        }
        self.wait_for_route(topic, queues).await
    }

    async fn queue_type(&self, topic: &str) -> Result<Option<QueueType>> {
        let queues = self.routes.queues(topic).await?;
        let mut of_topic = None;
        for of_broker in queues.chunk_by(|a, b| a.broker == b.broker) {
            let link = self
                .broker_of(&format!("topic {topic:?}"), &of_broker[0])
                .await?;
            match queue_type::of_topic(&link, topic, self.timeout()).await? {
                Some(QueueType::Batch) => of_topic = of_topic.or(Some(QueueType::Batch)),
                // One broker that keeps it otherwise is enough to say so.
                Some(QueueType::Simple) => of_topic = Some(QueueType::Simple),
                None => {}
            }
        }
        Ok(of_topic)
    }

    async fn check_queue_type(&self, queue_type: QueueType) -> Result<()> {
        self.check_queue_type_at_brokers(queue_type).await
    }

    async fn max_message_bytes(&self) -> Result<Option<usize>> {
        let mut least = None;
        for address in self.routes.masters().await?.values() {
            let link = self.routes.links.to(address)?;
            let Some(config) = BrokerConfig::read(&link, self.timeout()).await? else {
                return Ok(None);
            };
            let limit = config.get("maxMessageSize").and_then(|n| n.parse().ok());
            least = least.into_iter().chain(limit).min();
        }
        Ok(least)
    }

    async fn create_group(&self, group: &str) -> Result<()> {
        check_name("group", group)?;
        let subject = format!("group {group:?}");
        for address in self.routes.masters().await?.values() {
            let link = self.routes.links.to(address)?;
            link.authenticate(&subject, self.timeout()).await?;
            let answer = link
                .ask(&subject, Request::group(group), self.timeout())
                .await?;
            match answer.code {
                code::SUCCESS => {}
                code::SUBSCRIPTION_GROUP_NOT_EXIST => {
                    let request = Request::create_group(group);
                    link.call(&subject, request, self.timeout()).await?;
                }
                // A user who may read with a group need not be permitted to ask whether it
                // exists; the first pull shows it.
                code::NO_PERMISSION => {
                    let broker = link.address();
                    debug!(
                        group,
                        broker, "no permission to ask for the group: assuming that it exists"
                    );
                }
                _ => return Err(link.refused(&subject, &answer)),
            }
        }
        Ok(())
    }

    async fn join(&self, joining: Joining) -> Result<Box<dyn Member>> {
        check_name("group", &joining.group)?;
        let members = Arc::clone(&self.members);
        Ok(Box::new(QueueMember::new(members, joining)))
    }

    async fn lane(&self, queue: &Queue) -> Result<Box<dyn Lane>> {
        let link = self.broker_of(&queue.to_string(), queue).await?;
        let queue_type = queue_type::of_lane(&link, &queue.topic, self.timeout()).await?;
        let routes = Arc::clone(&self.routes);
        let lane = QueueLane::new(routes, link, queue, queue_type, &self.options);
        Ok(Box::new(lane))
    }

    async fn reader(&self, group: &str, queue: &Queue, offset: i64) -> Result<Box<dyn Reader>> {
        let subject = format!("group {group:?} on {queue}");
        let link = self.broker_of(&subject, queue).await?;
        let routes = Arc::clone(&self.routes);
        let reader = QueueReader::new(routes, link, group, queue, offset, &self.options);
        Ok(Box::new(reader))
    }

    async fn committed(&self, group: &str, queues: &[Queue]) -> Result<Vec<Option<i64>>> {
        let asked: Vec<_> = queues
            .iter()
            .map(|queue| self.committed_one(group, queue))
            .collect();
        stream::iter(asked)
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }

    async fn commit(&self, group: &str, offsets: &[(Queue, i64)]) -> Result<()> {
        stream::iter(offsets)
            .map(Ok)
            .try_for_each_concurrent(CONCURRENCY, |(queue, offset)| {
                self.commit_one(group, queue, *offset)
            })
            .await?;
        self.members.groups.committed(group, offsets);
        Ok(())
    }

    async fn bounds(&self, queue: &Queue) -> Result<Range<i64>> {
        let requests = [
            Request::min_offset(&queue.topic, queue.id),
            Request::max_offset(&queue.topic, queue.id),
        ];
        let offsets = try_join_all(requests.map(|request| self.offset(queue, request))).await?;
        Ok(offsets[0]..offsets[1])
    }

    async fn close(&self, deadline: Duration) {
        self.routes.links.close(deadline).await;
    }
}
