//! Topics, queues and offsets: Apache RocketMQ and an embedded store behind one interface.
//!
//! [`Transport`] is what a transport offers: topics with ordered queues, a [`Lane`] that writes
//! batches to one queue, a [`Reader`] that reads one, and the offsets of consumer groups. Feature
//! `embedded` has one that keeps its messages in a local file (`embedded::Embedded`), feature
//! `rocketmq` the one for Apache RocketMQ (`rocketmq::RocketMq`).
//!
//! [`Publisher`] works on any of them: it takes a [`Page`] of keys and bodies, writes the messages
//! straight into a batch a queue, keeps the order of each key, sends again what has failed, holds
//! back who is too fast, and tells up to where everything is stored. A [`Member`] of a group is seen
//! by others, and has the queues it claims for itself. Feature `testing` has the
//! contract that all transports keep, as tests (`contract`).
//!
#![cfg_attr(feature = "embedded", doc = "```")]
#![cfg_attr(not(feature = "embedded"), doc = "```ignore")]
//! use connect_api::Encoded;
//! use connect_transport::{Page, Publisher, PublisherOptions, Transport, embedded};
//! use std::{num::NonZeroU32, sync::Arc, time::Duration};
//! use tokio_util::sync::CancellationToken;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("messages");
//! let store = embedded::Embedded::open(path, embedded::EmbeddedOptions::default()).await?;
//! let transport: Arc<dyn Transport> = Arc::new(store);
//! transport.create_topic("lines", NonZeroU32::MIN).await?;
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
#[cfg(feature = "rocketmq")]
pub mod rocketmq;
mod transport;

pub use frame::{CommonProperties, Frames, Outgoing, op_of};
pub use frames::{Frame, parse_frames};
pub use member::{CLAIM_TIME, Claim, Joining, Member, Peer};
pub use message::{
    Batch, EVENT_TIME, KEYS, MAX_PROPERTIES, Message, NAME_END, OP, Properties, Pulled,
    SOURCE_SCHEMA, SOURCE_TABLE, UNIQ_KEY, VALUE_END,
};
pub use page::Page;
pub use publisher::{
    BATCH_BYTES, BATCH_MESSAGES, MAX_IN_FLIGHT_BYTES, MAX_MESSAGE_BYTES, MAX_RETRY_DELAY,
    Publisher, PublisherOptions, RETRY_DELAY,
};
pub use transport::{Lane, Queue, Reader, Transport};

#[cfg(all(doctest, feature = "rocketmq"))]
#[doc = include_str!("../README.md")]
struct Readme;
