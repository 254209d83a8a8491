//! Puts rows whose foreign keys may be satisfied later, and tries again those that wait.
use crate::{
    connector_config::Tolerance,
    dead_letter::{self, DeadLetters},
    intake::{Batch, Gathered, at_message, origin},
    sink_run::SinkRun,
    status::Counters,
    waiting::{Free, Held, Waiting},
};
use connect_api::{Error, ErrorKind, PutOutcome, Records, Result, SinkTask};
use connect_transport::{Pulled, Queue};

impl SinkRun {
    /// Puts records but for rows that must wait behind others of their key; holds those that a
    /// foreign key refuses, and hands back those that are refused for good.
    ///
    /// # Errors
    /// As `put`.
    pub(crate) async fn put_or_hold(
        &self,
        sink: &mut dyn SinkTask,
        batch: &Batch,
        gathered: &Gathered,
        waiting: &mut Waiting,
    ) -> Result<PutOutcome> {
        let held = |row: usize| batch.alone(gathered.places[row]);
        let free = match waiting.is_empty() {
            true => Free::All,
            false => waiting.keep_back(sink, gathered, held)?,
        };
        let (records, rows): (&Records, Option<&[usize]>) = match &free {
            Free::All => (&gathered.records, None),
            Free::Some(records, rows) => (records, Some(rows)),
        };
        if records.is_empty() {
            return Ok(PutOutcome::default());
        }
        let place = |row: usize| rows.map_or(row, |rows| rows[row]);
        let mut outcome = self.put(sink, records, self.config.tolerance).await?;
        let first = outcome.rejected.first();
        let first = first.filter(|r| waiting.takes(&r.error)).map(|r| r.row);
        if let (Tolerance::None, Some(first)) = (self.config.tolerance, first) {
            // A row that waits does not end the task: those behind it are written.
            let rest = records.slice(first..records.len());
            outcome = self.put(sink, &rest, Tolerance::All).await?;
            outcome.written += first;
            for refused in &mut outcome.rejected {
                refused.row += first;
            }
        }
        let mut sorted = waiting.sort(sink, records, outcome.rejected)?;
        waiting.hold(sink, records, sorted.waits, |row| held(place(row)))?;
        for refused in &mut sorted.refused {
            refused.row = place(refused.row);
        }
        Ok(PutOutcome {
            written: outcome.written + sorted.done,
            rejected: sorted.refused,
            skipped: outcome.skipped,
        })
    }

    /// Tries again the rows that wait, where it is time to, and as long as some of them are
    /// written. Gives the refusal of a row whose time is up, where the task ends at it.
    ///
    /// # Errors
    /// As `put`.
    pub(crate) async fn try_waiting(
        &self,
        sink: &mut dyn SinkTask,
        waiting: &mut Waiting,
        mut dead_letters: Option<&mut DeadLetters>,
    ) -> Result<Option<Error>> {
        if !waiting.pause().is_zero() {
            return Ok(None);
        }
        let mut set_aside = 0;
        while !waiting.is_empty() {
            let mut written = 0;
            for attempt in waiting.begin() {
                let Some(attempt) = attempt.free(waiting)? else {
                    continue;
                };
                let outcome = self.put(sink, attempt.records(), Tolerance::All).await?;
                let outcome = attempt.settle(waiting, outcome.rejected)?;
                for held in &outcome.refused {
                    match (self.config.tolerance, dead_letters.as_deref_mut()) {
                        (Tolerance::All, Some(dead_letters)) => {
                            self.set_held_aside(held, dead_letters).await?;
                            set_aside += 1;
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
            waiting.end(written > 0);
            Counters::add(&self.run.counters.records, written);
            if written == 0 {
                break;
            }
        }
        Counters::add(&self.run.counters.dead_letters, set_aside);
        Ok(None)
    }

    async fn set_held_aside(&self, held: &Held, dead_letters: &mut DeadLetters) -> Result<()> {
        let message = held.message.iter().next();
        let message = message
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a row that waits has no message"))?;
        let reason = dead_letter::reason(&held.error);
        tracing::warn!(
            connector = %self.run.id.connector, task = self.run.id.task,
            origin = origin(held.offset(), &held.queue), error = reason, "message set aside"
        );
        dead_letters.send(&held.queue, &message, &reason).await
    }
}

impl Batch {
    /// A message by itself, with its queue.
    ///
    /// # Errors
    /// `Internal`: there is none at this place.
    fn alone(&self, place: crate::intake::Place) -> Result<(Queue, Pulled)> {
        let (queue, pulled) = &self.pulls[place.pull as usize];
        let message = pulled.only(place.message as usize);
        let message =
            message.ok_or_else(|| Error::new(ErrorKind::Internal, "a row without its message"))?;
        Ok((queue.clone(), message))
    }
}
