//! Deletes that are found by comparing the keys of a table with those that are known at the
//! destination.
//!
//! A comparison reads the keys of a table in chunks, in their order, between the polls of the table. A
//! key that was known and is not in its chunk any more is sent as a delete. Nothing is missed, by these
//! rules:
//! - The keys of rows are noted, on disk, before the rows are sent: a row that is sent and deleted
//!   between two comparisons is known to the second.
//! - What a chunk has led to is stored once its deletes are in the broker and their position is stored
//!   (G1); after a crash before that, the chunk is compared again.
//! - All that was sent of a key before was read before its chunk, and all that is sent after is read
//!   after it (G2): chunks are read in the turns of the table, while no other statement reads it.
use crate::{
    config::SourceConfig,
    deletes::{
        compared_table,
        known_keys::{Found, Key, KnownKeys, Opened},
        sent_keys::{SentKeys, most},
        walk::{Range, Walk, now},
    },
    position,
    read_plan::ReadPlan,
};
use connect_api::{
    Error, ErrorKind, Offset, Partition, Polled, Position, Records, Result, SchemaRef, TaskContext,
    Value, config::Faults,
};
use dialect_core::{Connection, Dialect, Syntax};
use sha2::{Digest as _, Sha256};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// What partitions of comparisons have beside those of their tables.
const DELETES: &str = "deletes";
/// How long chunks are compared before the table is polled again.
const TURN: Duration = Duration::from_millis(100);
/// Parts that wait for their deletes to be in the broker.
const WAITING: usize = 16;
/// The pause before it is looked again whether they are.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The comparison of one table.
pub(crate) struct Comparison {
    pub(crate) keys: SentKeys,
    /// The schema of the table that they are of.
    schema: SchemaRef,
    /// Taken while it is in use, on another thread.
    known: Option<KnownKeys>,
    partition: Arc<Partition>,
    /// What is to be stored, in order, once deletes up to its number are in the broker; 0 for none of
    /// its own.
    waiting: VecDeque<(u64, Vec<Found>)>,
    /// The number of the last deletes that were sent.
    sent: u64,
    walk: Option<Walk>,
    /// When the next step is to be taken.
    pub(crate) next: Instant,
    /// Rows that are noted, and were not returned yet.
    pub(crate) unreturned: Option<Polled>,
}

/// What a step has led to.
enum Step {
    Deletes(Records),
    /// A chunk without deletes.
    Chunk,
    /// The next step has to wait.
    Wait,
    Finished,
}

impl Comparison {
    /// Begins to compare the table of `plan`, as the settings have it.
    ///
    /// # Errors `Config`: the task has no directory, or the settings do not allow it; `Busy`: another task
    /// compares the table; `Internal`: the known keys cannot be read.
    pub(crate) async fn open(
        plan: &ReadPlan,
        syntax: &dyn Syntax,
        cx: &TaskContext,
    ) -> Result<Self> {
        let mut faults = Faults::default();
        compared_table::check(plan, syntax, &mut faults);
        if !faults.is_empty() {
            return Err(Error::new(ErrorKind::Config, faults.to_string()));
        }
        let keys = SentKeys::of(plan, syntax)?;
        let mut partition = position::partition(plan);
        partition.insert(DELETES.into(), "diff".into());
        let Some(directory) = &cx.state else {
            let message = "`deletes.mode=diff` keeps the keys of rows in files, and this task was given no \
                           directory (`TaskContext::state`)";
            return Err(Error::new(ErrorKind::Config, message));
        };
        let path = file(directory, &partition);
        let of = keys.identity();
        let stored = cx.stored(&partition).await?;
        let (known, opened) = blocking(move || KnownKeys::open(&path, &of)).await??;
        let table = &plan.table.name;
        match opened {
            Opened::Replaced => warn_of_other_keys(plan),
            Opened::New if stored.is_some() => tracing::warn!(
                table = %table,
                "deletes.mode=diff: the file with the keys of sent rows is gone: they are collected anew, and \
                 rows that were deleted since the last comparison are not found"
            ),
            Opened::New | Opened::Known => {}
        }
        let mut comparison = Self {
            keys,
            schema: plan.schema.clone(),
            known: Some(known),
            partition: Arc::new(partition),
            waiting: VecDeque::new(),
            sent: 0,
            walk: None,
            next: Instant::now(),
            unreturned: None,
        };
        comparison.plan_next(&plan.config)?;
        Ok(comparison)
    }

    fn known(&self) -> Result<&KnownKeys> {
        self.known.as_ref().ok_or_else(|| self.interrupted())
    }

    pub(crate) fn interrupted(&self) -> Error {
        let name = self.keys.name();
        let message = format!("{name}: comparing its keys was interrupted");
        Error::new(ErrorKind::Busy, message)
    }

    /// Reads or writes what is known, on a thread that may wait for the disk.
    pub(crate) async fn with_known<R: Send + 'static>(
        &mut self,
        f: impl FnOnce(&mut KnownKeys) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let Some(mut known) = self.known.take() else {
            return Err(self.interrupted());
        };
        let done = blocking(move || {
            let result = f(&mut known);
            (known, result)
        });
        let (known, result) = done.await?;
        self.known = Some(known);
        result
    }

    /// Sets when the next comparison begins, or goes on.
    fn plan_next(&mut self, config: &SourceConfig) -> Result<()> {
        let state = &self.known()?.state;
        let wait = match state.begun {
            0 => Duration::ZERO,
            _ if state.running => Duration::ZERO,
            _ => {
                let interval = config.deletes_interval();
                let since = now().saturating_sub(state.at);
                let since = Duration::from_millis(since.try_into().unwrap_or_default());
                interval.saturating_sub(since)
            }
        };
        self.next = Instant::now() + wait;
        Ok(())
    }

    /// The columns of the table may have changed.
    pub(crate) async fn renew(&mut self, plan: &ReadPlan, syntax: &dyn Syntax) -> Result<()> {
        if Arc::ptr_eq(&self.schema, &plan.schema) {
            return Ok(());
        }
        let keys = SentKeys::of(plan, syntax)?;
        let of = keys.identity();
        let known = self.known()?;
        if !known.is_of(&of) {
            let path = known.path.clone();
            warn_of_other_keys(plan);
            (self.known, self.walk) = (None, None);
            self.waiting.clear();
            let (known, _) = blocking(move || KnownKeys::open(&path, &of)).await??;
            self.known = Some(known);
            self.plan_next(&plan.config)?;
        }
        self.keys = keys;
        self.schema = plan.schema.clone();
        Ok(())
    }

    /// A step of a comparison can be taken.
    pub(crate) fn is_due(&self) -> bool {
        self.next <= Instant::now()
    }

    /// The next deletes; `None` if there are none for now.
    pub(crate) async fn next(
        &mut self,
        plan: &ReadPlan,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Option<Records>> {
        if !self.is_due() {
            return Ok(None);
        }
        self.renew(plan, dialect.syntax()).await?;
        let config = plan.config.as_ref();
        let until = Instant::now() + TURN;
        while Instant::now() >= self.next {
            match self.step(config, connection, dialect).await? {
                Step::Deletes(records) => return Ok(Some(records)),
                Step::Chunk if Instant::now() < until => {}
                Step::Chunk => break,
                Step::Wait => self.next = Instant::now() + LOOK_AGAIN,
                Step::Finished => self.plan_next(config)?,
            }
        }
        Ok(None)
    }

    async fn step(
        &mut self,
        config: &SourceConfig,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Step> {
        if self.waiting.len() >= WAITING {
            return Ok(Step::Wait);
        }
        let mut walk = match self.walk.take() {
            Some(walk) => walk,
            None => {
                self.waiting.clear();
                self.with_known(Walk::begin).await?
            }
        };
        // A chunk that failed is read again, by a comparison that goes on from what is stored.
        let step = match walk.is_read {
            false => self.compare(&mut walk, config, connection, dialect).await,
            true if !self.waiting.is_empty() => Ok(Step::Wait),
            true => self.settle(&mut walk, config).await,
        }?;
        if !matches!(step, Step::Finished) {
            self.walk = Some(walk);
        }
        Ok(step)
    }

    /// Compares the next chunk.
    async fn compare(
        &mut self,
        walk: &mut Walk,
        config: &SourceConfig,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Step> {
        let mut range = match walk.range.take() {
            Some(range) => range,
            None => {
                let number = walk.next;
                let old = self.known()?.old_chunk(number)?;
                if let Some((number, chunk)) = old {
                    let until = chunk.until.clone();
                    let sums = match chunk.checksum {
                        Some(sum) => self
                            .keys
                            .sums(
                                walk.after.as_deref(),
                                until.as_deref(),
                                config,
                                connection,
                                dialect,
                            )
                            .await?
                            .map(|found| (found, (chunk.rows, sum))),
                        None => None,
                    };
                    if sums.is_some_and(|(found, known)| found == known) {
                        walk.rows += chunk.rows;
                        walk.next = number + 1;
                        walk.is_read = until.is_none();
                        walk.after = until;
                        let part = Found::Same { of: number, chunk };
                        self.push(0, vec![part], walk.settles).await?;
                        return Ok(Step::Chunk);
                    }
                }
                self.with_known(move |known| Range::of(known, number))
                    .await?
            }
        };
        let (records, last) = self
            .keys
            .read(
                walk.after.as_deref(),
                range.until.as_deref(),
                config,
                connection,
                dialect,
            )
            .await?;
        let is_full = records
            .as_ref()
            .is_some_and(|records| records.len() >= most(config));
        let sum = self.keys.checksum(records.as_ref(), dialect);
        let keys = match &records {
            Some(records) => self.keys.as_sent(records.clone())?,
            None => Vec::new(),
        };
        walk.rows += keys.len() as u64;
        walk.read += keys.len() as u64;
        for key in &keys {
            range.missing.remove(key);
        }
        let ends = !is_full;
        let until = match ends {
            true => range.until.clone(),
            false => last,
        };
        walk.after = until.clone().or(walk.after.take());
        let mut parts = Vec::new();
        // A range without keys becomes a part of the next one.
        if !keys.is_empty() || until.is_none() {
            parts.push(Found::Keys {
                of: range.of,
                until: until.clone(),
                ends,
                checksum: sum,
                keys,
            });
        }
        if !ends {
            walk.range = Some(range);
            self.push(0, parts, walk.settles).await?;
            return Ok(Step::Chunk);
        }
        walk.next = range.of + 1;
        walk.is_read = until.is_none();
        let gone: Vec<Key> = range.missing.into_iter().collect();
        self.send(walk, gone, parts).await
    }

    /// Sends what is left of the keys that were sent before the comparison: they are in no chunk.
    async fn settle(&mut self, walk: &mut Walk, config: &SourceConfig) -> Result<Step> {
        let most = most(config);
        let gone = self
            .with_known(move |known| known.sent_before(most))
            .await?;
        if !gone.is_empty() {
            return self.send(walk, gone, Vec::new()).await;
        }
        self.with_known(KnownKeys::finish).await?;
        tracing::info!(
            table = %self.keys.name(), rows = walk.rows, keys_read = walk.read, deletes = walk.deletes,
            seconds = walk.started.elapsed().as_secs_f64(),
            "the keys of the table were compared"
        );
        Ok(Step::Finished)
    }

    /// Sends deletes of these keys; `parts` are stored once they are in the broker.
    async fn send(
        &mut self,
        walk: &mut Walk,
        gone: Vec<Key>,
        mut parts: Vec<Found>,
    ) -> Result<Step> {
        if gone.is_empty() {
            self.push(0, parts, walk.settles).await?;
            return Ok(Step::Chunk);
        }
        walk.deletes += gone.len() as u64;
        self.sent += 1;
        let records = self.keys.deletes(&gone)?;
        let offset = [
            ("comparison".into(), Value::UInt(self.known()?.state.begun)),
            ("part".into(), Value::UInt(self.sent)),
        ];
        let position = Position {
            partition: self.partition.clone(),
            offset: Offset::from(offset),
        };
        parts.push(Found::Gone(gone));
        // What was deleted has been sent by the end of the comparison.
        walk.settles = true;
        self.push(self.sent, parts, true).await?;
        Ok(Step::Deletes(records.with_position(position)))
    }

    /// Stores parts after those that wait.
    async fn push(&mut self, number: u64, parts: Vec<Found>, settles: bool) -> Result<()> {
        if parts.is_empty() {
            return Ok(());
        }
        if number > 0 || !self.waiting.is_empty() {
            self.waiting.push_back((number, parts));
            return Ok(());
        }
        self.with_known(move |known| known.store(parts, settles))
            .await
    }

    /// Deletes up to this position are in the broker, and the position is stored.
    pub(crate) async fn commit(&mut self, position: &Position) -> Result<()> {
        let Some(Value::UInt(part)) = position.offset.get("part") else {
            return Ok(());
        };
        let mut parts = Vec::new();
        while let Some((number, _)) = self.waiting.front() {
            if *number > *part {
                break;
            }
            parts.extend(
                self.waiting
                    .pop_front()
                    .map(|(_, parts)| parts)
                    .unwrap_or_default(),
            );
        }
        if parts.is_empty() {
            return Ok(());
        }
        self.next = Instant::now();
        self.with_known(move |known| known.store(parts, true)).await
    }

    /// The position is that of some comparison.
    pub(crate) fn is_of_any(position: &Position) -> bool {
        position.partition.contains_key(DELETES)
    }

    /// The position is one of its own.
    pub(crate) fn is_of(&self, position: &Position) -> bool {
        position.partition == self.partition
    }
}

fn warn_of_other_keys(plan: &ReadPlan) {
    tracing::warn!(
        table = %plan.name(),
        "deletes.mode=diff: the key, its types or its masks have changed: the keys of sent rows are \
         collected anew, and rows that were deleted since the last comparison are not found"
    );
}

async fn blocking<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> Result<R> {
    let done = tokio::task::spawn_blocking(f).await;
    done.map_err(|e| Error::new(ErrorKind::Internal, "keys of sent rows").with_source(e))
}

/// The file of a table, by its partition.
fn file(directory: &Path, partition: &Partition) -> PathBuf {
    let text = serde_json::to_vec(partition).unwrap_or_default();
    let hash = Sha256::digest(text);
    let digits: String = hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    directory.join(format!("deletes-{digits}.redb"))
}
