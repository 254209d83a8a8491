//! The worker: tasks, positions, source and sink loops.
//!
//! A [`Worker`] runs connectors of its [`Registry`] over a
//! [`Transport`](connect_transport::Transport). Sources are polled and their positions stored
//! once the broker acknowledged the rows; sinks are given batches and offsets are committed once
//! the database did. Transient errors (a lost connection, a deadlock) are retried; a task that
//! fails is shown on the [`StatusBoard`] with its cause, and the others continue.
//!
//! ```no_run
//! use connect_runtime::{ConnectorConfig, Registry, Worker, WorkerConfig};
//! use connect_api::config::Settings;
//! use connect_transport::embedded::Embedded;
//! use std::sync::Arc;
//!
//! # async fn run() -> connect_api::Result<()> {
//! let config = WorkerConfig::new([("transport", "embedded"), ("storePathRootDir", "store")])?;
//! let transport = Arc::new(Embedded::open("store/queues", Default::default()).await?);
//! let registry = Registry::default(); // .with(MySource)
//! let mut worker = Worker::open(config, registry, transport)?;
//! let settings = Settings::from_iter([("connector.class", "my-source")]);
//! worker.start(ConnectorConfig::new("orders", settings)?)?;
//! worker.wait().await;
//! worker.stop().await
//! # }
//! ```
mod batch;
mod check;
mod connector_config;
mod consumer;
mod dead_letter;
mod decoders;
pub mod file;
mod foreign_key_retry;
mod kafka_keys;
mod membership;
mod message_limit;
mod original_keys;
mod pending_rows;
mod positions;
mod references;
mod registry;
mod retry;
mod row_limit;
mod schema_mismatch;
mod sink;
mod sink_run;
mod source;
mod source_dead_letter;
mod status;
mod store_check;
mod store_dir;
mod task;
mod worker;
mod worker_config;
mod worker_id;
mod write_batch;

pub use check::{ConnectorReport, check, ddl, validate, validate_one};
pub use connector_config::{
    CommonConfig, ConnectorConfig, ConsumeFrom, SinkCommon, SourceCommon, Tolerance,
};
pub use kafka_keys::refused_keys;
pub use original_keys::original_keys;
pub use positions::PositionStore;
pub use registry::Registry;
pub use retry::RetryPolicy;
pub use status::{Cause, Counters, StatusBoard, TaskId, TaskState, TaskStatus};
pub use store_check::{StoreReport, check_store};
pub use worker::Worker;
pub use worker_config::{TransportChoice, WorkerConfig, WorkerFile};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
