//! Topics, queues and offsets: Apache RocketMQ and an embedded store behind one interface.
mod message;
mod transport;

pub use message::{
    Batch, EVENT_TIME, KEYS, MAX_PROPERTIES, Message, NAME_END, OP, Properties, Pulled, UNIQ_KEY,
    VALUE_END,
};
pub use transport::{Lane, Queue, Reader, Transport};
