//! Topics, queues and offsets: Apache RocketMQ and an embedded store behind one interface.
mod message;
mod transport;

pub use message::{Batch, MAX_PROPERTIES, Message, NAME_END, Properties, Pulled, VALUE_END};
pub use transport::{Lane, Queue, Reader, Transport};
