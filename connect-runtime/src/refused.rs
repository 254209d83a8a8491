//! Writing a batch whose messages may be refused: set aside, or the task ends at the first.
use crate::{
    connector_config::Tolerance,
    dead_letter::{self, DeadLetters},
    intake::{Batch, Undecoded, is_of_message},
    sink_run::SinkRun,
    status::{Counters, TaskState},
    waiting::Waiting,
};
use connect_api::{Disposition, Error, ErrorKind, PutOutcome, Records, Result, SinkTask};
use connect_transport::Queue;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The task ends in the middle of a batch.
pub(crate) struct Halt {
    pub(crate) error: Error,
    /// What was written before it.
    pub(crate) offsets: Vec<(Queue, i64)>,
}

/// Messages in a row whose schema the target does not take, by topic.
///
/// One such message is its own fault. Where there are many and none that fits, it is the target
/// that lacks something (a column that was added at the source, say): the task fails, rather than
/// setting aside all that comes.
pub(crate) struct Misfits {
    /// 0 for no limit.
    most: u64,
    in_a_row: HashMap<Arc<str>, u64>,
}

impl Misfits {
    pub(crate) fn new(most: u64) -> Self {
        let in_a_row = HashMap::new();
        Self { most, in_a_row }
    }

    /// Counts what a batch had; `fitting` are the topics of which a row fitted.
    ///
    /// # Errors
    /// `Schema`: too many of a topic, the first of which is named.
    fn count(
        &mut self,
        batch: &Batch,
        refused: &[&Undecoded],
        fitting: &HashSet<Arc<str>>,
    ) -> Result<()> {
        self.in_a_row.retain(|topic, _| !fitting.contains(topic));
        let misfits = refused.iter().filter(|r| is_misfit(&r.error));
        for refused in misfits {
            let topic = batch.topic(refused.place);
            if fitting.contains(topic) {
                continue;
            }
            let in_a_row = self.in_a_row.entry(topic.clone()).or_default();
            *in_a_row += 1;
            if self.most > 0 && *in_a_row > self.most {
                let error = batch.error_at(refused.place, &refused.error);
                return Err(Error::new(
                    ErrorKind::Schema,
                    format!(
                        "topic {topic}: more than {} messages in a row do not fit the target, so \
                         that it is not the fault of single messages; mend the target or the \
                         settings, or raise errors.tolerance.misfits.max: {error}",
                        self.most
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// No row of this schema can be written.
fn is_misfit(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Schema | ErrorKind::Unsupported)
}

impl SinkRun {
    /// Writes a batch, or sets aside what cannot be written. G3: without a halt each message of
    /// the batch is in the database or in the dead-letter topic.
    pub(crate) async fn write(
        &self,
        sink: &mut dyn SinkTask,
        batch: &Batch,
        mut dead_letters: Option<&mut DeadLetters>,
        misfits: &mut Misfits,
        waiting: &mut Waiting,
    ) -> Result<Option<Halt>> {
        let mut refused = Vec::new();
        let mut fitting = HashSet::new();
        for (index, gathered) in batch.gathered.iter().enumerate() {
            let halt = |row: usize, error: &Error| {
                let rest = batch.gathered[index..].iter().flat_map(|g| &g.places);
                let undecoded = batch.undecoded.iter().map(|u| u.place);
                let refused = refused.iter().map(|r: &Undecoded| r.place);
                let unwritten = rest.skip(row).copied().chain(undecoded).chain(refused);
                Halt {
                    error: batch.error_at(gathered.places[row], error),
                    offsets: batch.offsets_before(unwritten),
                }
            };
            let outcome = match self.put_or_hold(sink, batch, gathered, waiting).await {
                Ok(outcome) => outcome,
                Err(error) => match error.kind().disposition() {
                    Disposition::Retry | Disposition::Stop => return Err(error),
                    Disposition::Fail | Disposition::DeadLetter => {
                        let mut halted = halt(0, &error);
                        // No message is to be named where none is at fault.
                        if !is_of_message(error.kind()) {
                            halted.error = error;
                        }
                        return Ok(Some(halted));
                    }
                },
            };
            Counters::add(&self.run.counters.records, outcome.written);
            Counters::add(&self.run.counters.skipped, outcome.skipped);
            match (self.config.tolerance, outcome.rejected.first()) {
                (_, None) => {}
                (Tolerance::None, Some(first)) => {
                    return Ok(Some(halt(first.row, &first.error)));
                }
                (Tolerance::All, Some(_)) => {}
            }
            if !outcome.rejected.iter().any(|r| is_misfit(&r.error)) {
                fitting.insert(gathered.records.topic().clone());
            }
            refused.extend(outcome.rejected.into_iter().map(|r| Undecoded {
                place: gathered.places[r.row],
                error: r.error,
            }));
        }
        let all: Vec<&Undecoded> = batch.undecoded.iter().chain(&refused).collect();
        if let Err(error) = misfits.count(batch, &all, &fitting) {
            let unwritten = all.iter().map(|r| r.place);
            let offsets = batch.offsets_before(unwritten);
            return Ok(Some(Halt { error, offsets }));
        }
        if let (Some(dead_letters), false) = (dead_letters.as_deref_mut(), all.is_empty()) {
            for refused in &all {
                self.set_aside(batch, refused, dead_letters).await?;
            }
            dead_letters.flush().await?;
            Counters::add(&self.run.counters.dead_letters, all.len());
        }
        if let Some(error) = self.try_waiting(sink, waiting, dead_letters).await? {
            let offsets = batch.offsets.clone();
            return Ok(Some(Halt { error, offsets }));
        }
        Counters::add(&self.run.counters.skipped, batch.skipped);
        Counters::add(&self.run.counters.batches, 1);
        tracing::debug!(
            connector = %self.run.id.connector, task = self.run.id.task,
            messages = batch.messages, set_aside = all.len(), "batch written"
        );
        Ok(None)
    }

    /// Puts records, up to the first refused row where none is tolerated; what passes is tried again with the same records, unless the connection is
    /// gone: then the whole session begins anew.
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
            let again = matches!(error.kind(), ErrorKind::Busy | ErrorKind::Conflict);
            if !again || !self.run.retry_after(&mut retry, &error).await? {
                return Err(error);
            }
            self.run.set_state(TaskState::Running, None);
        }
    }

    async fn set_aside(
        &self,
        batch: &Batch,
        refused: &Undecoded,
        dead_letters: &mut DeadLetters,
    ) -> Result<()> {
        let Undecoded { place, error } = refused;
        let (queue, pulled) = &batch.pulls[place.pull as usize];
        let message = pulled
            .iter()
            .nth(place.message as usize)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a row without its message"))?;
        let reason = dead_letter::reason(error);
        tracing::warn!(
            connector = %self.run.id.connector, task = self.run.id.task,
            origin = batch.origin(*place), error = reason, "message set aside"
        );
        dead_letters.send(queue, &message, &reason).await
    }
}
