//! Counts messages whose schema does not match the target.
use crate::batch::{Batch, FailedMessage};
use connect_api::{Error, ErrorKind, Result};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Consecutive messages whose schema does not match the target, by topic.
///
/// A single mismatch is the fault of the message. Many in a row without a match are the fault of the
/// target (it lacks a column that was added at the source, say): the task fails instead of sending
/// every message to the dead letter queue.
pub(crate) struct SchemaMismatches {
    /// 0 for no limit.
    max: u64,
    consecutive: HashMap<Arc<str>, u64>,
}

impl SchemaMismatches {
    pub(crate) fn new(max: u64) -> Self {
        let consecutive = HashMap::new();
        Self { max, consecutive }
    }

    /// Counts the mismatches of a batch; `matched` are the topics with a row that matched.
    ///
    /// # Errors
    /// `Schema`: too many of a topic; the error names the first beyond the limit.
    pub(crate) fn count(
        &mut self,
        batch: &Batch,
        failed: &[&FailedMessage],
        matched: &HashSet<Arc<str>>,
    ) -> Result<()> {
        self.consecutive.retain(|topic, _| !matched.contains(topic));
        let mismatches = failed.iter().filter(|r| is_schema_mismatch(&r.error));
        for failed in mismatches {
            let topic = batch.topic(failed.message_index);
            if matched.contains(topic) {
                continue;
            }
            let consecutive = self.consecutive.entry(topic.clone()).or_default();
            *consecutive += 1;
            if self.max > 0 && *consecutive > self.max {
                let error = batch.error_at(failed.message_index, &failed.error);
                return Err(Error::new(
                    ErrorKind::Schema,
                    format!(
                        "topic {topic}: more than {} consecutive messages do not match the target's \
                         schema; correct the target table or the settings, or raise \
                         errors.tolerance.mismatches.max: {error}",
                        self.max
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Whether the error concerns every row of this schema.
pub(crate) fn is_schema_mismatch(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Schema | ErrorKind::Unsupported)
}
