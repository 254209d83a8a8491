//! What the writer is asked for.
use crate::{Batch, embedded::directory::QueueEntry};
use connect_api::Result;
use std::{num::NonZeroU32, sync::Arc};
use tokio::sync::oneshot;

/// What is to be written.
#[derive(Debug)]
pub(super) enum WriteRequest {
    /// Appends a batch; the answer is the offset of its first message.
    Append(Arc<QueueEntry>, Batch),
    /// Sets offsets of a group; the answer is 0.
    Commit(Arc<str>, Vec<(Arc<QueueEntry>, i64)>),
    /// Creates a topic; the answer is 0.
    Create(Arc<str>, NonZeroU32),
}

pub(super) type Reply = oneshot::Sender<Result<i64>>;
