//! Writes a batch. Rejected messages go to the dead letter queue, or the task fails at the first.
use crate::{
    batch::{Batch, FailedMessage, is_message_fault},
    connector_config::Tolerance,
    dead_letter::{self, DeadLetters},
    pending_rows::PendingRows,
    schema_mismatch::{SchemaMismatches, is_schema_mismatch},
    sink_run::SinkRun,
    status::{Counters, TaskState},
};
use connect_api::{Disposition, Error, ErrorKind, PutOutcome, Records, Result, SinkTask};
use connect_transport::Queue;
use std::collections::HashSet;

/// A failure of the task within a batch.
pub(crate) struct BatchFailure {
    pub(crate) error: Error,
    /// Offsets up to which everything is written.
    pub(crate) offsets: Vec<(Queue, i64)>,
}

impl SinkRun {
    /// Writes a batch; messages that cannot be written go to the dead letter queue. G3: without a
    /// failure, each message of the batch is in the database or in the dead letter queue.
    pub(crate) async fn write(
        &self,
        sink: &mut dyn SinkTask,
        batch: &Batch,
        mut dead_letters: Option<&mut DeadLetters>,
        mismatches: &mut SchemaMismatches,
        pending: &mut PendingRows,
    ) -> Result<Option<BatchFailure>> {
        let mut rejected = Vec::new();
        let mut matched = HashSet::new();
        for (index, topic_records) in batch.topic_records.iter().enumerate() {
            let failure = |row: usize, error: &Error| {
                let rest = batch.topic_records[index..].iter().flat_map(|g| &g.indexes);
                let failed = batch.failed.iter().map(|u| u.message_index);
                let rejected = rejected.iter().map(|r: &FailedMessage| r.message_index);
                let unwritten = rest.skip(row).copied().chain(failed).chain(rejected);
                BatchFailure {
                    error: batch.error_at(topic_records.indexes[row], error),
                    offsets: batch.offsets_before(unwritten),
                }
            };
            let outcome = match self.put_or_defer(sink, batch, topic_records, pending).await {
                Ok(outcome) => outcome,
                Err(error) => match error.kind().disposition() {
                    Disposition::Retry | Disposition::Stop => return Err(error),
                    Disposition::Fail | Disposition::DeadLetter => {
                        let mut failure = failure(0, &error);
                        // The error names no message where none is at fault.
                        if !is_message_fault(error.kind()) {
                            failure.error = error;
                        }
                        return Ok(Some(failure));
                    }
                },
            };
            Counters::add(&self.run.counters.records, outcome.written);
            Counters::add(&self.run.counters.skipped, outcome.skipped);
            match (self.config.tolerance, outcome.rejected.first()) {
                (_, None) => {}
                (Tolerance::None, Some(first)) => {
                    return Ok(Some(failure(first.row, &first.error)));
                }
                (Tolerance::All, Some(_)) => {}
            }
            if !outcome
                .rejected
                .iter()
                .any(|r| is_schema_mismatch(&r.error))
            {
                matched.insert(topic_records.records.topic().clone());
            }
            rejected.extend(outcome.rejected.into_iter().map(|r| FailedMessage {
                message_index: topic_records.indexes[r.row],
                error: r.error,
            }));
        }
        let all: Vec<&FailedMessage> = batch.failed.iter().chain(&rejected).collect();
        if let Err(error) = mismatches.count(batch, &all, &matched) {
            let unwritten = all.iter().map(|r| r.message_index);
            let offsets = batch.offsets_before(unwritten);
            return Ok(Some(BatchFailure { error, offsets }));
        }
        if let (Some(dead_letters), false) = (dead_letters.as_deref_mut(), all.is_empty()) {
            for failed in &all {
                self.send_to_dead_letters(batch, failed, dead_letters)
                    .await?;
            }
            dead_letters.flush().await?;
            Counters::add(&self.run.counters.dead_letters, all.len());
        }
        if let Some(error) = self.retry_pending(sink, pending, dead_letters).await? {
            let offsets = batch.offsets.clone();
            return Ok(Some(BatchFailure { error, offsets }));
        }
        Counters::add(&self.run.counters.skipped, batch.skipped);
        Counters::add(&self.run.counters.batches, 1);
        tracing::debug!(
            connector = %self.run.id.connector, task = self.run.id.task,
            messages = batch.messages, dead_letters = all.len(), "batch written"
        );
        Ok(None)
    }

    /// Writes records, up to the first rejected row where errors are not tolerated. `Busy` and
    /// `Conflict` are retried with the same records; any other transient error restarts the session.
    pub(crate) async fn put(
        &self,
        sink: &mut dyn SinkTask,
        records: &Records,
        tolerance: Tolerance,
    ) -> Result<PutOutcome> {
        let mut retry = None;
        loop {
            let outcome = match tolerance {
                Tolerance::All => sink.put(records).await,
                Tolerance::None => sink.put_until_refused(records).await,
            };
            let error = match outcome {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            let transient = matches!(error.kind(), ErrorKind::Busy | ErrorKind::Conflict);
            if !transient || !self.run.retry_after(&mut retry, &error).await? {
                return Err(error);
            }
            self.run.set_state(TaskState::Running, None);
        }
    }

    async fn send_to_dead_letters(
        &self,
        batch: &Batch,
        failed: &FailedMessage,
        dead_letters: &mut DeadLetters,
    ) -> Result<()> {
        let FailedMessage {
            message_index,
            error,
        } = failed;
        let (queue, pulled) = &batch.pulls[message_index.pull as usize];
        let message = pulled
            .get(message_index.message as usize)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a row without its message"))?;
        let reason = dead_letter::reason(error);
        tracing::warn!(
            connector = %self.run.id.connector, task = self.run.id.task,
            origin = batch.location(*message_index), error = reason, "message sent to the dead letter queue"
        );
        dead_letters.send(queue, &message, &reason).await
    }
}
