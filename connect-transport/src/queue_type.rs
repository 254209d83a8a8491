//! How a topic keeps batches.
use connect_api::config::Setting as _;
use std::fmt;

connect_api::choice! {
    /// How a topic keeps the batches that are sent to it.
    #[derive(Default)]
    pub enum QueueType {
        /// Each message by itself (`SimpleCQ`).
        #[default]
        Simple = "simple",
        /// A batch as it was sent (`BatchCQ`, RIP-26): a broker stores and indexes it as one.
        Batch = "batch",
    }
}

impl fmt::Display for QueueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.show())
    }
}
