//! The sink loop: pull, decode, batch, write, commit.
use crate::{
    batch::Batch, connector_config::ConsumeFrom, consumer::Consumer, dead_letter::DeadLetters,
    membership::Membership, pending_rows::PendingRows, retry::pause,
    schema_mismatch::SchemaMismatches, sink_run::SinkRun, status::TaskState,
};
use connect_api::{Error, ErrorKind, Result, SinkTask, TaskKind};
use connect_transport::{Queue, Reader};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Pause between two checks for a topic that does not exist yet.
const TOPIC_PAUSE: Duration = Duration::from_millis(500);

impl SinkRun {
    /// Runs until stopped.
    ///
    /// # Errors
    /// The error at which the task fails.
    pub(crate) async fn run(&self) -> Result<()> {
        let mut membership = None;
        let ended = self.run_as_member(&mut membership).await;
        if let Some(membership) = membership {
            membership.leave().await;
        }
        ended
    }

    async fn run_as_member(&self, membership: &mut Option<Membership>) -> Result<()> {
        let mut retry = None;
        loop {
            let before = self.run.counters.records();
            // A session stops when the queues of the task change.
            let mut session = self.clone();
            session.run.stop = self.run.stop.child_token();
            let Err(error) = session.session(membership).await else {
                if session.run.stop.is_cancelled() && !self.run.stop.is_cancelled() {
                    continue;
                }
                return Ok(());
            };
            if self.run.counters.records() > before {
                retry = None;
            }
            if !self.run.retry_after(&mut retry, &error).await? {
                return Ok(());
            }
        }
    }

    /// From the start to the first error.
    async fn session(&self, membership: &mut Option<Membership>) -> Result<()> {
        let TaskKind::Sink(mut sink) = self.run.connector.task(&self.run.settings_now())? else {
            return Err(Error::new(ErrorKind::Internal, "not a sink task"));
        };
        let served = match sink.start(self.run.context()).await {
            Ok(()) => self.serve(sink.as_mut(), membership).await,
            Err(e) => Err(e),
        };
        self.run.log_stop(sink.stop().await);
        served
    }

    async fn serve(
        &self,
        sink: &mut dyn SinkTask,
        membership: &mut Option<Membership>,
    ) -> Result<()> {
        let Some(queues) = self.queues().await? else {
            return Ok(());
        };
        let membership = match membership {
            Some(membership) => membership,
            None => {
                let topics = &self.config.topics.0;
                membership.insert(Membership::join(&self.run, &self.group, topics).await?)
            }
        };
        let Some(queues) = membership.take(&self.run, queues).await? else {
            return Ok(());
        };
        let reading = self.read(sink, queues.clone());
        tokio::pin!(reading);
        tokio::select! {
            biased;
            read = &mut reading => read,
            () = membership.changed(&queues) => {
                // The current batch is written and committed before the queues are released.
                self.run.stop.cancel();
                reading.await
            }
        }
    }

    /// Reads `queues`, which belong to this task alone, until stopped.
    async fn read(&self, sink: &mut dyn SinkTask, queues: Vec<Queue>) -> Result<()> {
        let readers = self.readers(queues).await?;
        let mut consumer = Consumer::open(readers, &self.config, &self.run.stop);
        self.restore_source_tables(sink).await?;
        self.assign_decoders(sink, &mut consumer).await?;
        let dead_letters = match &self.config.dead_letter_topic {
            Some(topic) => Some(DeadLetters::open(&self.run, &self.config, topic).await?),
            None => None,
        };
        self.run.set_state(TaskState::Running, None);
        let mut commits = Commits::default();
        let pumped = self
            .pump(sink, &mut consumer, dead_letters, &mut commits)
            .await;
        // Written rows are committed after an error too: fewer are delivered twice.
        let committed = self.commit(&mut commits).await;
        pumped.and(committed)
    }

    /// Writes batches until stopped; the next is built while one is written.
    async fn pump(
        &self,
        sink: &mut dyn SinkTask,
        consumer: &mut Consumer,
        mut dead_letters: Option<DeadLetters>,
        commits: &mut Commits,
    ) -> Result<()> {
        let mut ready: Option<Result<Batch>> = None;
        let mut mismatches = SchemaMismatches::new(self.config.mismatches_max);
        let mut pending = PendingRows::new(self.config.reference_timeout.0);
        loop {
            commits.pending = pending.first_offsets();
            if pending.is_full() {
                if !pause(pending.pause(), &self.run.stop).await {
                    return Ok(());
                }
                let tried = self.retry_pending(sink, &mut pending, dead_letters.as_mut());
                if let Some(error) = tried.await? {
                    return Err(error);
                }
                continue;
            }
            let batch = match ready.take() {
                Some(batch) => batch?,
                None => tokio::select! {
                    () = self.run.stop.cancelled() => return Ok(()),
                    batch = consumer.next() => batch?,
                    () = commits.due(self.run.commit_interval) => {
                        self.commit(commits).await?;
                        continue;
                    }
                    () = tokio::time::sleep(pending.pause()), if !pending.is_empty() => {
                        let tried = self.retry_pending(sink, &mut pending, dead_letters.as_mut());
                        if let Some(error) = tried.await? {
                            return Err(error);
                        }
                        continue;
                    }
                },
            };
            let failure = {
                let writing = self.write(
                    sink,
                    &batch,
                    dead_letters.as_mut(),
                    &mut mismatches,
                    &mut pending,
                );
                tokio::pin!(writing);
                loop {
                    tokio::select! {
                        biased;
                        written = &mut writing => break written?,
                        batch = consumer.next(), if ready.is_none() => ready = Some(batch),
                    }
                }
            };
            if let Some(failure) = failure {
                commits.pending = pending.first_offsets();
                commits.add(failure.offsets);
                return Err(failure.error);
            }
            // G1: offsets move only after the database committed.
            commits.pending = pending.first_offsets();
            commits.add(batch.offsets);
            if batch.needs_decoder {
                self.assign_decoders(sink, consumer).await?;
            }
            if self.run.stop.is_cancelled() {
                return Ok(());
            }
            if commits.is_due(self.run.commit_interval) {
                self.commit(commits).await?;
            }
        }
    }

    async fn commit(&self, commits: &mut Commits) -> Result<()> {
        let offsets = commits.take();
        if !offsets.is_empty() {
            self.run.transport.commit(&self.group, &offsets).await?;
        }
        Ok(())
    }

    /// The queues that this task reads; waits for topics that do not exist yet. `None` when stopped.
    async fn queues(&self) -> Result<Option<Vec<Queue>>> {
        self.run.transport.create_group(&self.group).await?;
        let mut own = Vec::new();
        for topic in &self.config.topics.0 {
            loop {
                let queues = self.run.transport.queues(topic).await?;
                if !queues.is_empty() {
                    let share = queues.into_iter().zip(0u32..);
                    own.extend(
                        share
                            .filter(|(_, i)| i % self.tasks == self.run.id.task)
                            .map(|(queue, _)| queue),
                    );
                    break;
                }
                let message = format!("topic {topic} does not exist yet; pending for it");
                let absent = Error::new(ErrorKind::Schema, message);
                self.run.set_state(TaskState::Retrying, Some(&absent));
                if !pause(TOPIC_PAUSE, &self.run.stop).await {
                    return Ok(None);
                }
            }
        }
        Ok(Some(own))
    }

    async fn readers(&self, queues: Vec<Queue>) -> Result<Vec<(Queue, Box<dyn Reader>)>> {
        let transport = &self.run.transport;
        let committed = transport.committed(&self.group, &queues).await?;
        let mut readers = Vec::new();
        let mut fresh = Vec::new();
        for (queue, committed) in queues.into_iter().zip(committed) {
            let offset = match (committed, self.config.from) {
                (Some(offset), _) => offset,
                (None, ConsumeFrom::First) => transport.bounds(&queue).await?.start,
                (None, ConsumeFrom::Last) => {
                    let end = transport.bounds(&queue).await?.end;
                    fresh.push((queue.clone(), end));
                    end
                }
            };
            let reader = transport.reader(&self.group, &queue, offset).await?;
            readers.push((queue, reader));
        }
        if !fresh.is_empty() {
            // G3: the start offset is committed; otherwise a restart before the first commit would
            // start later and skip the messages in between.
            transport.commit(&self.group, &fresh).await?;
        }
        Ok(readers)
    }
}

/// Offsets of written messages that are not committed yet.
#[derive(Default)]
struct Commits {
    offsets: BTreeMap<Queue, i64>,
    since: Option<Instant>,
    /// The first pending message of each queue: no offset goes beyond it (G1, G3).
    pending: BTreeMap<Queue, i64>,
    /// Committed offsets of queues with pending rows.
    committed: BTreeMap<Queue, i64>,
}

impl Commits {
    fn add(&mut self, offsets: Vec<(Queue, i64)>) {
        self.since.get_or_insert_with(Instant::now);
        self.offsets.extend(offsets);
    }

    /// The offsets to commit; those beyond a pending row stay for a later commit.
    fn take(&mut self) -> Vec<(Queue, i64)> {
        let mut due = Vec::with_capacity(self.offsets.len());
        let mut later = BTreeMap::new();
        for (queue, next) in std::mem::take(&mut self.offsets) {
            match self.pending.get(&queue) {
                Some(first) if *first < next => {
                    if self.committed.insert(queue.clone(), *first) != Some(*first) {
                        due.push((queue.clone(), *first));
                    }
                    later.insert(queue, next);
                }
                _ => {
                    self.committed.remove(&queue);
                    due.push((queue, next));
                }
            }
        }
        self.since = (!later.is_empty()).then(Instant::now);
        self.offsets = later;
        due
    }

    fn is_due(&self, interval: Duration) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= interval)
    }

    /// Waits until a commit is due; forever when there is nothing to commit.
    async fn due(&self, interval: Duration) {
        match self.since {
            Some(since) => tokio::time::sleep_until((since + interval).into()).await,
            None => std::future::pending().await,
        }
    }
}
