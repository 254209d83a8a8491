//! Topics, queues and offsets: Apache RocketMQ and an embedded store behind one interface.
#[cfg(feature = "testing")]
pub mod contract;
#[cfg(feature = "embedded")]
pub mod embedded;
mod frame;
mod id;
mod message;
mod page;
mod publisher;
#[cfg(feature = "rocketmq")]
pub mod rocketmq;
mod transport;

pub use frame::{CommonProperties, Frame, Frames, Outgoing, op_of, walk};
pub use message::{
    Batch, EVENT_TIME, KEYS, MAX_PROPERTIES, Message, NAME_END, OP, Properties, Pulled, UNIQ_KEY,
    VALUE_END,
};
pub use page::Page;
pub use publisher::{
    BATCH_BYTES, BATCH_MESSAGES, MAX_IN_FLIGHT_BYTES, MAX_MESSAGE_BYTES, MAX_RETRY_DELAY,
    Publisher, PublisherOptions, RETRY_DELAY,
};
pub use transport::{Lane, Queue, Reader, Transport};
