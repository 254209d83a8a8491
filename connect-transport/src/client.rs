//! The everyday calls: connect, send messages, consume them as a member of a group.
mod address;
mod consumer;
mod new_message;
mod producer;
mod received;
#[cfg(all(test, feature = "embedded"))]
mod tests;

pub use consumer::{Consumer, ConsumerOptions, RETRY_TIMEOUT, Start};
pub use new_message::{NewMessage, TAGS};
pub use producer::Producer;
pub use received::ReceivedMessage;

use crate::{PublisherOptions, QueueType, Transport};
use acl::{Credentials, Tls};
use address::Address;
use connect_api::{Error, ErrorKind, Result};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// How long [`Client::close`] waits for background work.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How to connect, where the address does not say it.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// Access key and secret key, for RocketMQ with access control.
    pub credentials: Option<Credentials>,
    /// TLS of the connections to RocketMQ; off by default.
    pub tls: Tls,
}

impl ConnectOptions {
    /// The access key and the secret key of a user of RocketMQ.
    #[must_use]
    pub fn credentials(
        mut self,
        access_key: impl Into<Box<str>>,
        secret_key: impl Into<Box<str>>,
    ) -> Self {
        self.credentials = Some(Credentials::new(access_key, secret_key));
        self
    }

    /// How connections to RocketMQ are encrypted.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }
}

/// A RocketMQ cluster, or a store of queues in a local file: where producers and consumers come from.
/// Clones share its connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
}

impl Client {
    /// Connects to `address`: `rocketmq://HOST:PORT` or just `HOST:PORT` with the name server, several
    /// of them separated by `,` or `;`; or `embedded:PATH` with the file of a local store, which is
    /// created if it does not exist.
    ///
    /// # Errors
    /// `Config`: the address is wrong, or the file is open elsewhere. `Unsupported`: the feature
    /// `rocketmq` or `embedded` is off. `Connect`: no name server answers.
    pub async fn connect(address: &str) -> Result<Self> {
        Self::connect_with(address, ConnectOptions::default()).await
    }

    /// Connects with options.
    ///
    /// # Errors
    /// As [`connect`](Self::connect). `Auth` comes with the first request that a broker refuses.
    pub async fn connect_with(address: &str, options: ConnectOptions) -> Result<Self> {
        let address = Address::parse(address)?;
        Ok(Self::new(address.open(options).await?))
    }

    /// A client of a transport that was opened with options of its own.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    /// The transport, for what has no call of its own here.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// Creates a topic with so many queues; does nothing if it exists. Messages of one key are in one
    /// queue, so that the number of queues is better not changed later. The transport creates topics of
    /// other [types](QueueType).
    ///
    /// # Errors
    /// `Config`: there can be no topic of this name, or with no queue. `Auth`: it may not be created.
    pub async fn create_topic(&self, topic: &str, queues: u32) -> Result<()> {
        let queues = NonZeroU32::new(queues).ok_or_else(|| {
            let why = format!("topic `{topic}`: a topic has at least one queue");
            Error::new(ErrorKind::Config, why)
        })?;
        self.transport
            .create_topic(topic, queues, QueueType::Simple)
            .await
    }

    /// A producer for `topic`.
    ///
    /// # Errors
    /// `Schema`: there is no such topic; [`create_topic`](Self::create_topic) creates it. `Auth`: the
    /// user is not known. `Connect`, `Timeout`: the brokers do not answer.
    pub async fn producer(&self, topic: &str) -> Result<Producer> {
        let options = PublisherOptions {
            retry_timeout: Some(RETRY_TIMEOUT),
            ..PublisherOptions::default()
        };
        self.producer_with(topic, options).await
    }

    /// A producer with options: sizes of batches and messages, how long a message is tried.
    ///
    /// # Errors
    /// As [`producer`](Self::producer).
    pub async fn producer_with(&self, topic: &str, options: PublisherOptions) -> Result<Producer> {
        Producer::open(self.transport.clone(), topic, options).await
    }

    /// A consumer of `topic` in `group`, which is created if it does not exist. It resumes at the offsets
    /// that the group has committed, and starts with the oldest message of a queue without one.
    ///
    /// # Errors
    /// `Schema`: there is no such topic. `Config`: there can be no group of this name. `Auth`: the user
    /// is not known, or may not read. `Connect`, `Timeout`: the brokers do not answer.
    pub async fn consumer(&self, group: &str, topic: &str) -> Result<Consumer> {
        let options = ConsumerOptions::default();
        self.consumer_with(group, topic, options).await
    }

    /// A consumer with options.
    ///
    /// # Errors
    /// As [`consumer`](Self::consumer).
    pub async fn consumer_with(
        &self,
        group: &str,
        topic: &str,
        options: ConsumerOptions,
    ) -> Result<Consumer> {
        Consumer::open(self.transport.clone(), group, topic, options).await
    }

    /// Ends the connections, for all clones; producers and consumers fail after. A store in a file can
    /// then be opened again. Close consumers before, so that others have their queues at once.
    pub async fn close(self) {
        self.transport.close(CLOSE_TIMEOUT).await;
    }
}
