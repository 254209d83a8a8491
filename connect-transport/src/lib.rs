//! Topics, queues and offsets: Apache RocketMQ and an embedded store behind one interface.
//!
//! [`Client`] has the everyday calls: connect by address, send messages with a [`Producer`], consume a
//! topic with a [`Consumer`] of a group. Feature `rocketmq` connects to Apache RocketMQ, feature
//! `embedded` keeps messages in a local file.
//!
#![cfg_attr(feature = "embedded", doc = "```")]
#![cfg_attr(not(feature = "embedded"), doc = "```ignore")]
//! use connect_transport::{Client, NewMessage};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> connect_transport::Result<()> {
//! # let dir = tempfile::tempdir().expect("a directory");
//! # let address = format!("embedded:{}", dir.path().join("messages").display());
//! # let address = &address;
//! let client = Client::connect(address).await?; // "rocketmq://127.0.0.1:9876", "embedded:messages"
//! client.create_topic("orders", 4).await?;
//! let producer = client.producer("orders").await?;
//! producer.send(NewMessage::new("one pen").key("7").tag("new")).await?; // is stored
//!
//! let mut consumer = client.consumer("billing", "orders").await?;
//! for message in consumer.poll(Duration::from_secs(1)).await? {
//!     assert_eq!((message.key(), message.text()?), (Some(&b"7"[..]), "one pen"));
//! }
//! consumer.commit().await?; // does not come again
//! consumer.close().await?;
//! # client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Below
//! [`Transport`] is what a transport offers: topics with ordered queues, a [`Lane`] that writes
//! batches to one queue, a [`Reader`] that reads one, and the offsets of consumer groups. Feature
//! `embedded` has `embedded::Embedded`, feature `rocketmq` has `rocketmq::RocketMq`; each has options
//! of its own, and [`Client::new`] wraps either in a [`Client`].
//!
//! [`Publisher`] works on any of them: it takes a [`Page`] of keys and bodies, writes the messages
//! straight into one batch per queue, keeps the order of each key, retries failed batches, applies
//! back-pressure, and reports up to which page everything is stored. A [`Member`] of a group is visible
//! to the others, and owns the queues it claims. Feature `testing` has the
//! contract that all transports keep, as tests (`contract`).
//!
#![cfg_attr(feature = "embedded", doc = "```")]
#![cfg_attr(not(feature = "embedded"), doc = "```ignore")]
//! use connect_transport::{
//!     CancellationToken, Encoded, Page, Publisher, PublisherOptions, QueueType, Transport,
//!     embedded,
//! };
//! use std::{num::NonZeroU32, sync::Arc, time::Duration};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("messages");
//! let store = embedded::Embedded::open(path, embedded::EmbeddedOptions::default()).await?;
//! let transport: Arc<dyn Transport> = Arc::new(store);
//! transport.create_topic("lines", NonZeroU32::MIN, QueueType::Simple).await?;
//!
//! let mut encoded = Encoded::default();
//! encoded.keys.push(b"1");
//! encoded.bodies.push(b"hello");
//! let (options, stop) = (PublisherOptions::default(), CancellationToken::new());
//! let mut publisher = Publisher::open(&transport, "lines", options, stop).await?;
//! let ticket = publisher.send(Page::new(&encoded)).await?;
//! publisher.wait(ticket).await?; // on the disk
//!
//! let queue = &transport.queues("lines").await?[0];
//! let mut reader = transport.reader("printer", queue, 0).await?;
//! let pulled = reader.pull(Duration::from_secs(1)).await?;
//! assert!(pulled.iter().all(|message| message.body == b"hello") && pulled.len() == 1);
//! transport.commit("printer", &[(queue.clone(), pulled.next)]).await?;
//! transport.close(Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```
mod client;
#[cfg(feature = "testing")]
pub mod contract;
#[cfg(feature = "embedded")]
pub mod embedded;
mod frame;
mod frames;
mod id;
mod member;
mod message;
mod page;
mod publisher;
#[cfg(any(feature = "embedded", feature = "rocketmq"))]
mod queue_claims;
mod queue_type;
#[cfg(feature = "rocketmq")]
pub mod rocketmq;
mod transport;

pub use client::{
    Client, ConnectOptions, Consumer, ConsumerOptions, NewMessage, Producer, RETRY_TIMEOUT,
    ReceivedMessage, Start, TAGS,
};
pub use frame::{CommonProperties, Frames, Outgoing, op_of};
pub use frames::{Frame, parse_frames};
pub use member::{CLAIM_TIME, Claim, Joining, Member, Peer};
#[cfg(feature = "rocketmq")]
use message::INNER_NUM;
pub use message::{
    Batch, EVENT_TIME, KEYS, MAX_PROPERTIES, Message, NAME_END, OP, Properties, Pulled,
    SCHEMA_VERSION, SOURCE_DATABASE, SOURCE_POSITION, SOURCE_SCHEMA, SOURCE_TABLE, UNIQ_KEY,
    VALUE_END,
};
pub use page::Page;
pub use publisher::{
    BATCH_BYTES, BATCH_MESSAGES, MAX_IN_FLIGHT_BYTES, MAX_MESSAGE_BYTES, MAX_RETRY_DELAY,
    Publisher, PublisherOptions, RETRY_DELAY,
};
pub use queue_type::QueueType;
pub use transport::{Lane, Queue, Reader, Transport};

// What the signatures of this crate hold, so that it is used alone.
pub use acl::{Credentials, SignatureAlgorithm, Tls, Verification};
pub use bytes::Bytes;
pub use connect_api::{
    self, Disposition, Encoded, Error, ErrorKind, Headers, Op, Ops, Records, Rejected, Result,
};
pub use tokio_util::sync::CancellationToken;

#[cfg(all(doctest, feature = "rocketmq"))]
#[doc = include_str!("../README.md")]
struct Readme;
