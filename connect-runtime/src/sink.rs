//! The sink loop: pull, convert, gather, put, commit.
use crate::{
    connector_config::ConsumeFrom,
    dead_letter::DeadLetters,
    intake::{Batch, Intake},
    membership::Membership,
    refused::Misfits,
    retry::pause,
    sink_run::SinkRun,
    status::TaskState,
    waiting::Waiting,
};
use connect_api::{Error, ErrorKind, Result, SinkTask, TaskKind};
use connect_transport::{Queue, Reader};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Pause between two looks for a topic that is not there yet.
const TOPIC_PAUSE: Duration = Duration::from_millis(500);

impl SinkRun {
    /// Runs until asked to stop.
    ///
    /// # Errors
    /// The fault that ends the task.
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
            let moved = self.run.counters.records();
            // A session ends as if asked to stop when the task has other queues.
            let mut session = self.clone();
            session.run.stop = self.run.stop.child_token();
            let Err(error) = session.session(membership).await else {
                if session.run.stop.is_cancelled() && !self.run.stop.is_cancelled() {
                    continue;
                }
                return Ok(());
            };
            if self.run.counters.records() > moved {
                retry = None;
            }
            if !self.run.retry_after(&mut retry, &error).await? {
                return Ok(());
            }
        }
    }

    /// From start to the first fault.
    async fn session(&self, membership: &mut Option<Membership>) -> Result<()> {
        let TaskKind::Sink(mut sink) = self.run.connector.task(&self.run.settings)? else {
            return Err(Error::new(ErrorKind::Internal, "not a sink task"));
        };
        let moved = match sink.start(self.run.context()).await {
            Ok(()) => self.serve(sink.as_mut(), membership).await,
            Err(e) => Err(e),
        };
        self.run.log_stop(sink.stop().await);
        moved
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
                // What is being written ends and is committed before the queues are let go.
                self.run.stop.cancel();
                reading.await
            }
        }
    }

    /// Reads `queues`, which are this task's alone, until asked to stop.
    async fn read(&self, sink: &mut dyn SinkTask, queues: Vec<Queue>) -> Result<()> {
        let readers = self.readers(queues).await?;
        let mut intake = Intake::open(readers, &self.config, &self.run.stop);
        self.recall(sink).await?;
        self.decide(sink, &mut intake).await?;
        let dead_letters = match &self.config.dead_letter_topic {
            Some(topic) => Some(DeadLetters::open(&self.run, &self.config, topic).await?),
            None => None,
        };
        self.run.set_state(TaskState::Running, None);
        let mut commits = Commits::default();
        let moved = self
            .pump(sink, &mut intake, dead_letters, &mut commits)
            .await;
        // What was written is committed also after a fault: less comes twice.
        let committed = self.commit(&mut commits).await;
        moved.and(committed)
    }

    /// Moves batches until asked to stop; the next is gathered while one is written.
    async fn pump(
        &self,
        sink: &mut dyn SinkTask,
        intake: &mut Intake,
        mut dead_letters: Option<DeadLetters>,
        commits: &mut Commits,
    ) -> Result<()> {
        let mut ready: Option<Result<Batch>> = None;
        let mut misfits = Misfits::new(self.config.misfits_max);
        let mut waiting = Waiting::new(self.config.reference_timeout.0);
        loop {
            commits.held = waiting.lowest();
            if waiting.is_full() {
                if !pause(waiting.pause(), &self.run.stop).await {
                    return Ok(());
                }
                let tried = self.try_waiting(sink, &mut waiting, dead_letters.as_mut());
                if let Some(error) = tried.await? {
                    return Err(error);
                }
                continue;
            }
            let batch = match ready.take() {
                Some(batch) => batch?,
                None => tokio::select! {
                    () = self.run.stop.cancelled() => return Ok(()),
                    batch = intake.next() => batch?,
                    () = commits.due(self.run.commit_interval) => {
                        self.commit(commits).await?;
                        continue;
                    }
                    () = tokio::time::sleep(waiting.pause()), if !waiting.is_empty() => {
                        let tried = self.try_waiting(sink, &mut waiting, dead_letters.as_mut());
                        if let Some(error) = tried.await? {
                            return Err(error);
                        }
                        continue;
                    }
                },
            };
            let halted = {
                let writing = self.write(
                    sink,
                    &batch,
                    dead_letters.as_mut(),
                    &mut misfits,
                    &mut waiting,
                );
                tokio::pin!(writing);
                loop {
                    tokio::select! {
                        biased;
                        written = &mut writing => break written?,
                        batch = intake.next(), if ready.is_none() => ready = Some(batch),
                    }
                }
            };
            if let Some(halt) = halted {
                commits.held = waiting.lowest();
                commits.add(halt.offsets);
                return Err(halt.error);
            }
            // G1: offsets move only after the database committed.
            commits.held = waiting.lowest();
            commits.add(batch.offsets);
            if batch.undecided {
                self.decide(sink, intake).await?;
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

    /// The queues that this task reads; waits for topics that are not there yet. `None` when
    /// asked to stop.
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
                let message = format!("topic {topic} does not exist yet; waiting for it");
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
            // G3: where the group began is kept; else a restart before the first commit would
            // begin later, and what came between would be skipped.
            transport.commit(&self.group, &fresh).await?;
        }
        Ok(readers)
    }
}

/// Offsets of messages that are written, until they are committed.
#[derive(Default)]
struct Commits {
    offsets: BTreeMap<Queue, i64>,
    since: Option<Instant>,
    /// Of each queue the first message that waits: no offset goes beyond it (G1, G3).
    held: BTreeMap<Queue, i64>,
    /// What was committed of queues that are held back.
    committed: BTreeMap<Queue, i64>,
}

impl Commits {
    fn add(&mut self, offsets: Vec<(Queue, i64)>) {
        self.since.get_or_insert_with(Instant::now);
        self.offsets.extend(offsets);
    }

    /// The offsets to commit. Those that are held back stay for the next time.
    fn take(&mut self) -> Vec<(Queue, i64)> {
        let mut due = Vec::with_capacity(self.offsets.len());
        let mut later = BTreeMap::new();
        for (queue, next) in std::mem::take(&mut self.offsets) {
            match self.held.get(&queue) {
                Some(held) if *held < next => {
                    if self.committed.insert(queue.clone(), *held) != Some(*held) {
                        due.push((queue.clone(), *held));
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

    /// Comes when a commit is due; never where there is nothing to commit.
    async fn due(&self, interval: Duration) {
        match self.since {
            Some(since) => tokio::time::sleep_until((since + interval).into()).await,
            None => std::future::pending().await,
        }
    }
}
