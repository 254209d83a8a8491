//! The source loop: poll, convert, publish, store positions.
use crate::{
    connector_config::{SourceCommon, Tolerance},
    message_limit::MessageLimit,
    row_limit,
    source_dead_letter::{self, SourceDeadLetters},
    status::{Counters, TaskState},
    task::TaskRun,
};
use connect_api::{
    Encoded, Error, ErrorKind, Polled, Position, Records, Rejected, Result, SourceTask, TaskKind,
};
use connect_transport::{
    Page, Publisher, PublisherOptions, QueueType, SCHEMA_VERSION, SOURCE_DATABASE, SOURCE_POSITION,
    SOURCE_SCHEMA, SOURCE_TABLE, TAGS,
};
use std::{
    collections::VecDeque,
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// What a source task runs with, beside what every task has.
pub(crate) struct SourceRun {
    pub(crate) run: TaskRun,
    pub(crate) config: SourceCommon,
}

/// First backoff after positions could not be stored.
const MIN_STORE_BACKOFF: Duration = Duration::from_secs(1);
/// Longest backoff: short enough to notice soon that the disk has space again.
const MAX_STORE_BACKOFF: Duration = Duration::from_secs(30);

/// Why storing positions failed.
enum StoreError {
    /// They cannot be written.
    Positions(Error),
    /// They can, but the task cannot continue.
    Other(Error),
}

/// How polling ended without a fault.
enum End {
    Stopped,
    Finished,
}

impl SourceRun {
    /// Runs until stopped, or until everything is read.
    ///
    /// # Errors
    /// The error at which the task fails.
    pub(crate) async fn run(&self) -> Result<TaskState> {
        let mut retry = None;
        loop {
            let before = self.run.counters.records();
            let error = match self.session().await {
                Ok(End::Finished) => return Ok(TaskState::Finished),
                Ok(End::Stopped) => return Ok(TaskState::Stopped),
                Err(error) => error,
            };
            if self.run.counters.records() > before {
                retry = None;
            }
            if !self.run.retry_after(&mut retry, &error).await? {
                return Ok(TaskState::Stopped);
            }
        }
    }

    /// From the start to the first error.
    async fn session(&self) -> Result<End> {
        let TaskKind::Source(mut source) = self.run.connector.task(&self.run.settings_now())?
        else {
            return Err(Error::new(ErrorKind::Internal, "not a source task"));
        };
        let mut flow = Flow::new(self);
        let ended = match source.start(self.run.context()).await {
            Ok(()) => {
                self.run.set_state(TaskState::Running, None);
                flow.pump(source.as_mut()).await
            }
            Err(error) => Err(error),
        };
        // Acknowledged positions are stored after an error too: fewer rows are sent twice.
        let drained = flow.drain(source.as_mut()).await;
        self.run.log_stop(source.stop().await);
        match ended {
            Ok(end) => drained.map(|()| end),
            Err(error) if error.kind() == ErrorKind::Stopped => drained.map(|()| End::Stopped),
            Err(error) => Err(error),
        }
    }
}

/// Rows cannot be sent: the task goes on without the table that they are of, or ends before them (G3).
async fn set_aside(task: &mut dyn SourceTask, records: &Records, error: Error) -> Result<()> {
    match error.kind() {
        ErrorKind::Data => task.undeliverable(records, error).await,
        _ => Err(error),
    }
}

/// A page in flight to the broker.
struct InFlight {
    publisher: usize,
    ticket: u64,
    rows: usize,
    position: Option<Position>,
}

/// Pages in flight, in the order they were polled.
struct Flow<'a> {
    source: &'a SourceRun,
    publishers: Vec<Publisher>,
    in_flight: VecDeque<InFlight>,
    /// Acknowledged positions that are not stored yet, the last of each partition.
    settled: Vec<Position>,
    stored_at: Instant,
    /// Backoff before positions are stored again, after a failure.
    store_backoff: Option<Duration>,
    encoded: Encoded,
    /// The broker's message size limit, once it is known.
    limit: Option<MessageLimit>,
    /// Dead letters, once there are any.
    dead_letters: Option<SourceDeadLetters>,
}

impl<'a> Flow<'a> {
    fn new(source: &'a SourceRun) -> Self {
        Self {
            source,
            publishers: Vec::new(),
            in_flight: VecDeque::new(),
            settled: Vec::new(),
            stored_at: Instant::now(),
            store_backoff: None,
            encoded: Encoded::default(),
            limit: None,
            dead_letters: None,
        }
    }

    async fn pump(&mut self, task: &mut dyn SourceTask) -> Result<End> {
        let stop = &self.source.run.stop;
        loop {
            self.settle()?;
            self.store_if_due(task).await?;
            let polled = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                polled = task.poll() => polled?,
            };
            match polled {
                Polled::Records(records) if records.is_empty() => self.advance(&records),
                Polled::Records(records) => {
                    if let Err(error) = self.publish(&records).await {
                        set_aside(task, &records, error).await?;
                    }
                }
                Polled::Refused { keys, error } => {
                    if let Err(error) = self.refuse(&keys, error).await {
                        set_aside(task, &keys, error).await?;
                    }
                }
                Polled::Idle(pause) => self.idle(task, pause).await?,
                Polled::Finished => {
                    for publisher in &self.publishers {
                        publisher.flush().await?;
                    }
                    return Ok(End::Finished);
                }
            }
        }
    }

    /// Takes the position of a batch without rows: it counts once the pages before it are acknowledged.
    fn advance(&mut self, records: &Records) {
        let Some(position) = records.position().cloned() else {
            return;
        };
        let of_partition = |page: &&mut InFlight| {
            let before = page.position.as_ref();
            before.is_some_and(|before| before.partition == position.partition)
        };
        match self.in_flight.iter_mut().rev().find(of_partition) {
            Some(page) => page.position = Some(position),
            None => self.settled_at(position),
        }
    }

    fn settled_at(&mut self, position: Position) {
        self.settled.retain(|p| p.partition != position.partition);
        self.settled.push(position);
    }

    /// Converts the rows and passes them to the topic's publisher, which applies backpressure. Rows that
    /// cannot be converted go to the dead letter queue, where errors are tolerated.
    async fn publish(&mut self, records: &Records) -> Result<()> {
        let queues = self.source.config.queues;
        let known = self.publishers.len();
        let publisher = self.publisher(records.topic(), queues).await?;
        if let Some(limit) = self.limit.filter(|_| publisher >= known) {
            for note in row_limit::notes(records.schema(), limit) {
                tracing::warn!("{note}");
            }
        }
        let tolerant = self.source.config.tolerance == Tolerance::All;
        match self.encode(records) {
            Ok(()) if !tolerant => {
                let ticket = self.send(publisher, records, None).await;
                let ticket = ticket.map_err(|e| source_dead_letter::with_advice(e, records))?;
                self.sent(
                    publisher,
                    ticket,
                    records.len(),
                    records.position().cloned(),
                );
                Ok(())
            }
            Ok(()) => self.send_valid(publisher, records, Vec::new()).await,
            Err(e) if e.kind() != ErrorKind::Data => Err(e),
            Err(e) if !tolerant => Err(source_dead_letter::with_advice(e, records)),
            Err(first) => {
                let rejected = source_dead_letter::find_rejected(&self.source.run, records, first)?;
                self.send_valid(publisher, records, rejected).await
            }
        }
    }

    /// Sends the rows that are not `rejected`; those, and the ones that the publisher rejects, go to the
    /// dead letter queue.
    async fn send_valid(
        &mut self,
        publisher: usize,
        records: &Records,
        mut rejected: Vec<Rejected>,
    ) -> Result<()> {
        let mut refused = Vec::new();
        if rejected.is_empty() {
            // They are encoded already.
            let ticket = self.send(publisher, records, Some(&mut refused)).await?;
            let position = records.position().cloned().filter(|_| refused.is_empty());
            self.sent(publisher, ticket, records.len() - refused.len(), position);
            rejected = refused;
        } else {
            let kept = source_dead_letter::accepted_rows(records.len(), &rejected);
            let rest = records.take(&kept)?;
            if !rest.is_empty() {
                self.encode(&rest)?;
                let ticket = self.send(publisher, &rest, Some(&mut refused)).await?;
                self.sent(publisher, ticket, rest.len() - refused.len(), None);
            }
            let place = |row: usize| kept.get(row).map_or(row, |row| *row as usize);
            rejected.extend(refused.into_iter().map(|one| Rejected {
                row: place(one.row),
                ..one
            }));
            rejected.sort_by_key(|one| one.row);
        }
        if rejected.is_empty() {
            return Ok(());
        }
        self.send_to_dead_letters(records, &rejected).await
    }

    /// Sends rows that the task could not read to the dead letter queue, or fails before them (G3).
    async fn refuse(&mut self, keys: &Records, error: Error) -> Result<()> {
        match self.source.config.tolerance {
            Tolerance::None => Err(source_dead_letter::with_advice(error, keys)),
            Tolerance::All => {
                let rejected = source_dead_letter::reject_all(keys, &error);
                self.send_to_dead_letters(keys, &rejected).await
            }
        }
    }

    /// Sends the keys of rows, with the reasons, to the dead-letter topic. The position of the
    /// records counts once the dead letters are acknowledged (G3).
    async fn send_to_dead_letters(
        &mut self,
        records: &Records,
        rejected: &[Rejected],
    ) -> Result<()> {
        let config = &self.source.config;
        let (Some(topic), queues) = (config.dead_letter_topic.clone(), config.dead_letter_queues)
        else {
            return Err(Error::new(ErrorKind::Internal, "no dead-letter topic"));
        };
        let context = |e: Error| e.context("dead letters");
        if *topic == **records.topic() {
            let message = format!(
                "`errors.deadletterqueue.topic.name`: rows go to `{topic}` themselves; name another"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        let publisher = self.publisher(&topic, queues).await.map_err(context)?;
        let letters = match &mut self.dead_letters {
            Some(letters) => letters,
            none => none.insert(SourceDeadLetters::new(&self.source.run.id)?),
        };
        letters.write(records, rejected)?;
        let sent = self.publishers[publisher].send(letters.page()).await;
        let ticket = sent.map_err(context)?;
        self.sent(publisher, ticket, 0, records.position().cloned());
        let run = &self.source.run;
        Counters::add(&run.counters.dead_letters, rejected.len());
        tracing::warn!(
            connector = %run.id.connector, task = run.id.task, table = records.schema().name(),
            rows = rejected.len(), topic,
            error = rejected.first().map(|one| one.error.report()),
            "rows sent to the dead letter queue"
        );
        Ok(())
    }

    /// Writes keys and bodies.
    fn encode(&mut self, records: &Records) -> Result<()> {
        self.encoded.clear();
        source_dead_letter::encode(&self.source.run, records, &mut self.encoded)
    }

    /// Sends what was encoded; its ticket.
    async fn send(
        &mut self,
        publisher: usize,
        records: &Records,
        refused: Option<&mut Vec<Rejected>>,
    ) -> Result<u64> {
        let origin = records.origin();
        let schema = origin.and_then(|origin| origin.schema.as_deref());
        let table = origin.map_or(records.schema().name(), |origin| &*origin.table);
        let mut common = vec![(SOURCE_TABLE, table)];
        common.extend(schema.map(|schema| (SOURCE_SCHEMA, schema)));
        let position;
        if let Some(properties) = records.properties() {
            common.extend(properties.tag.as_deref().map(|text| (TAGS, text)));
            common.extend(
                properties
                    .database
                    .as_deref()
                    .map(|text| (SOURCE_DATABASE, text)),
            );
            common.extend(
                properties
                    .schema_version
                    .as_deref()
                    .map(|text| (SCHEMA_VERSION, text)),
            );
            if let Some(at) = records.position().filter(|_| properties.with_position) {
                position = serde_json::to_string(&at.offset).map_err(|e| {
                    Error::new(ErrorKind::Internal, "a position has no text form").with_source(e)
                })?;
                common.push((SOURCE_POSITION, &position));
            }
        }
        let page = Page::of(records, &self.encoded).with_common(&common);
        let publisher = &mut self.publishers[publisher];
        match refused {
            Some(refused) => publisher.send_valid(page, refused).await,
            None => publisher.send(page).await,
        }
    }

    fn sent(&mut self, publisher: usize, ticket: u64, rows: usize, position: Option<Position>) {
        self.in_flight.push_back(InFlight {
            publisher,
            ticket,
            rows,
            position,
        });
    }

    async fn publisher(&mut self, topic: &str, queues: NonZeroU32) -> Result<usize> {
        if let Some(known) = self.publishers.iter().position(|p| &**p.topic() == topic) {
            return Ok(known);
        }
        let run = &self.source.run;
        let wanted = self.source.config.queue_type;
        run.transport.create_topic(topic, queues, wanted).await?;
        if wanted == QueueType::Batch
            && run.transport.queue_type(topic).await? == Some(QueueType::Simple)
        {
            tracing::warn!(
                topic,
                "the topic exists and stores every message by itself; topic.queue.type=batch has an \
                 effect on topics that are created: delete the topic, or set simple"
            );
        }
        let limit = match self.limit {
            Some(limit) => limit,
            None => {
                let asked = self.source.config.max_message_bytes;
                MessageLimit::ask(run.transport.as_ref(), asked).await?
            }
        };
        self.limit = Some(limit);
        let options = PublisherOptions {
            max_in_flight_bytes: self.source.config.in_flight_bytes.get(),
            max_message_bytes: limit.bytes(),
            retry_timeout: run.policy.timeout,
            ..PublisherOptions::default()
        };
        let publisher = Publisher::open(&run.transport, topic, options, run.stop.clone()).await?;
        self.publishers.push(publisher);
        Ok(self.publishers.len() - 1)
    }

    /// Waits as long as the task asks, and stores acknowledged positions meanwhile.
    async fn idle(&mut self, task: &mut dyn SourceTask, pause: Duration) -> Result<()> {
        let run = &self.source.run;
        let until = Instant::now() + pause;
        while Instant::now() < until && !run.stop.is_cancelled() {
            self.settle()?;
            let store_at = self.stored_at + self.store_pause();
            let wake = match (self.in_flight.is_empty(), self.settled.is_empty()) {
                (true, true) => until,
                (true, false) => until.min(store_at),
                (false, _) => until.min(store_at.max(Instant::now() + Duration::from_millis(5))),
            };
            tokio::select! {
                () = run.stop.cancelled() => {}
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.settle()?;
            self.store_if_due(task).await?;
        }
        Ok(())
    }

    /// Removes acknowledged pages, up to the first that is not acknowledged (G1).
    fn settle(&mut self) -> Result<()> {
        // A failed publisher fails the task even while no page of it is in flight.
        for publisher in &self.publishers {
            publisher.acknowledged()?;
        }
        self.take_stored();
        Ok(())
    }

    fn take_stored(&mut self) {
        while let Some(front) = self.in_flight.front() {
            if self.publishers[front.publisher].stored() < front.ticket {
                break;
            }
            let counters = &self.source.run.counters;
            Counters::add(&counters.records, front.rows);
            Counters::add(&counters.batches, 1);
            if let Some(position) = self.in_flight.pop_front().and_then(|page| page.position) {
                self.settled_at(position);
            }
        }
    }

    fn store_pause(&self) -> Duration {
        self.store_backoff
            .unwrap_or(self.source.run.commit_interval)
    }

    /// Stores positions periodically. When that fails (a full disk, say) the task continues, since no
    /// row is lost (G1): only more rows are read again after a crash. Retries with exponential backoff.
    async fn store_if_due(&mut self, task: &mut dyn SourceTask) -> Result<()> {
        if self.stored_at.elapsed() < self.store_pause() {
            return Ok(());
        }
        let run = &self.source.run;
        let again = self.store_backoff;
        match (self.store(task).await, again) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                self.store_backoff = None;
                run.set_state(TaskState::Running, None);
                tracing::info!(
                    connector = %run.id.connector, task = run.id.task, "storing positions succeeded again"
                );
            }
            (Err(StoreError::Positions(error)), _) => {
                let pause = again.map_or(MIN_STORE_BACKOFF, |pause| pause * 2);
                let pause = pause.min(MAX_STORE_BACKOFF).max(run.commit_interval);
                self.store_backoff = Some(pause);
                Counters::add(&run.counters.retries, 1);
                run.set_state(TaskState::Running, Some(&error));
                tracing::warn!(
                    connector = %run.id.connector, task = run.id.task,
                    delay_ms = pause.as_millis(), error = error.report(),
                    "cannot store positions, retrying; rows read since the last stored position would be \
                     read again after a crash"
                );
            }
            (Err(StoreError::Other(error)), _) => return Err(error),
        }
        Ok(())
    }

    /// Stores the acknowledged positions, then notifies the task.
    async fn store(&mut self, task: &mut dyn SourceTask) -> Result<(), StoreError> {
        self.stored_at = Instant::now();
        if self.settled.is_empty() {
            return Ok(());
        }
        let run = &self.source.run;
        // G1: the broker has acknowledged every message before these positions.
        for position in &self.settled {
            let set = run.positions.set(&run.id.connector, position);
            set.map_err(StoreError::Other)?;
        }
        let stored = run.positions.flush().await;
        stored.map_err(StoreError::Positions)?;
        for position in std::mem::take(&mut self.settled) {
            task.commit(&position).await.map_err(StoreError::Other)?;
        }
        Ok(())
    }

    /// Waits for pages in flight, up to the drain timeout, and stores positions.
    async fn drain(&mut self, task: &mut dyn SourceTask) -> Result<()> {
        let deadline = Instant::now() + self.source.run.drain;
        let mut closed = Ok(());
        for publisher in &mut self.publishers {
            let left = deadline.saturating_duration_since(Instant::now());
            closed = closed.and(publisher.close(left).await);
        }
        self.take_stored();
        match self.store(task).await {
            Ok(()) => closed,
            Err(StoreError::Positions(error) | StoreError::Other(error)) => Err(error),
        }
    }
}
