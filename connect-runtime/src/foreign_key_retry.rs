//! Retries of rows that a foreign key rejected: the row they refer to may arrive later.
use crate::{
    batch::{Batch, TopicRecords, at_message, location},
    connector_config::Tolerance,
    dead_letter::{self, DeadLetters},
    pending_rows::{PendingRow, PendingRows, Ready},
    sink_run::SinkRun,
    status::Counters,
};
use connect_api::{Error, ErrorKind, PutOutcome, Records, Result, SinkTask};
use connect_transport::{Pulled, Queue};

impl SinkRun {
    /// Writes records, except for rows deferred behind a pending row with the same key. Rows that a
    /// foreign key rejects become pending; rows that are rejected for good are returned.
    ///
    /// # Errors
    /// As `put`.
    pub(crate) async fn put_or_defer(
        &self,
        sink: &mut dyn SinkTask,
        batch: &Batch,
        topic_records: &TopicRecords,
        pending: &mut PendingRows,
    ) -> Result<PutOutcome> {
        let message = |row: usize| batch.alone(topic_records.indexes[row]);
        let ready = match pending.is_empty() {
            true => Ready::All,
            false => pending.defer(sink, topic_records, message)?,
        };
        let (records, rows): (&Records, Option<&[usize]>) = match &ready {
            Ready::All => (&topic_records.records, None),
            Ready::Some(records, rows) => (records, Some(rows)),
        };
        if records.is_empty() {
            return Ok(PutOutcome::default());
        }
        let message_index = |row: usize| rows.map_or(row, |rows| rows[row]);
        let mut outcome = self.put(sink, records, self.config.tolerance).await?;
        let first = outcome.rejected.first();
        let first = first.filter(|r| pending.accepts(&r.error)).map(|r| r.row);
        if let (Tolerance::None, Some(first)) = (self.config.tolerance, first) {
            // A pending row does not fail the task: the rows behind it are written.
            let rest = records.slice(first..records.len());
            outcome = self.put(sink, &rest, Tolerance::All).await?;
            outcome.written += first;
            for refused in &mut outcome.rejected {
                refused.row += first;
            }
        }
        let mut resolved = pending.resolve(sink, records, outcome.rejected)?;
        pending.add(sink, records, resolved.retry, |row| {
            message(message_index(row))
        })?;
        for refused in &mut resolved.rejected {
            refused.row = message_index(refused.row);
        }
        Ok(PutOutcome {
            written: outcome.written + resolved.superseded,
            rejected: resolved.rejected,
            skipped: outcome.skipped,
        })
    }

    /// Retries the pending rows when it is time to, and as long as some of them are written. Returns the
    /// error of a row that timed out, where the task fails at it.
    ///
    /// # Errors
    /// As `put`.
    pub(crate) async fn retry_pending(
        &self,
        sink: &mut dyn SinkTask,
        pending: &mut PendingRows,
        mut dead_letters: Option<&mut DeadLetters>,
    ) -> Result<Option<Error>> {
        if !pending.pause().is_zero() {
            return Ok(None);
        }
        let mut dead_lettered = 0;
        while !pending.is_empty() {
            let mut written = 0;
            for attempt in pending.begin() {
                let Some(attempt) = attempt.ready(pending)? else {
                    continue;
                };
                let outcome = self.put(sink, attempt.records(), Tolerance::All).await?;
                let outcome = attempt.resolve_rejected(pending, outcome.rejected)?;
                for held in &outcome.rejected {
                    match (self.config.tolerance, dead_letters.as_deref_mut()) {
                        (Tolerance::All, Some(dead_letters)) => {
                            self.send_pending_to_dead_letters(held, dead_letters)
                                .await?;
                            dead_lettered += 1;
                        }
                        _ => return Ok(Some(at_message(held.offset(), &held.queue, &held.error))),
                    }
                }
                written += outcome.written;
            }
            if let Some(dead_letters) = dead_letters.as_deref_mut() {
                dead_letters.flush().await?;
            }
            // G3: only now may offsets go beyond them.
            pending.end(written > 0);
            Counters::add(&self.run.counters.records, written);
            if written == 0 {
                break;
            }
        }
        Counters::add(&self.run.counters.dead_letters, dead_lettered);
        Ok(None)
    }

    async fn send_pending_to_dead_letters(
        &self,
        held: &PendingRow,
        dead_letters: &mut DeadLetters,
    ) -> Result<()> {
        let message = held.message.iter().next();
        let message = message
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a pending row has no message"))?;
        let reason = dead_letter::reason(&held.error);
        tracing::warn!(
            connector = %self.run.id.connector, task = self.run.id.task,
            origin = location(held.offset(), &held.queue), error = reason, "message sent to the dead letter queue"
        );
        dead_letters.send(&held.queue, &message, &reason).await
    }
}

impl Batch {
    /// A message by itself, with its queue.
    ///
    /// # Errors
    /// `Internal`: there is no such message.
    fn alone(&self, message_index: crate::batch::MessageIndex) -> Result<(Queue, Pulled)> {
        let (queue, pulled) = &self.pulls[message_index.pull as usize];
        let message = pulled.only(message_index.message as usize);
        let message =
            message.ok_or_else(|| Error::new(ErrorKind::Internal, "a row without its message"))?;
        Ok((queue.clone(), message))
    }
}
