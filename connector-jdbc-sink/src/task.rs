//! The task: one transaction a batch.
use crate::{
    batch::{self, Write},
    config::{KeyMode, SinkConfig},
    origin::{Owners, all_refused},
    records_write::{RecordsWrite, Refusals},
    reduce::{self, Refusal, Step, Steps},
    target::Target,
    walls,
};
use async_trait::async_trait;
use connect_api::{
    Error, ErrorKind, Op, Origin, PutOutcome, Records, Rejected, Result, SinkTask, TaskContext,
};
use dialect_core::{Connection, Dialect, TableName, WriteOp};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// Writes the rows of its topics.
pub(crate) struct Task {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) config: SinkConfig,
    pub(crate) owners: Arc<Owners>,
    /// Name of the connector.
    pub(crate) connector: Arc<str>,
    stop: CancellationToken,
    /// Taken out while it works: a dropped future leaves no half-used connection behind.
    connection: Option<Box<dyn Connection>>,
    targets: HashMap<TableName, Target>,
    /// Tables whose notes are in the log.
    told: HashSet<TableName>,
    /// Tables whose rows are left out, as is said in the log.
    pub(crate) left_out: HashSet<TableName>,
}

impl Task {
    pub(crate) fn new(dialect: Arc<dyn Dialect>, config: SinkConfig, owners: Arc<Owners>) -> Self {
        Self {
            dialect,
            config,
            owners,
            connector: "".into(),
            stop: CancellationToken::new(),
            connection: None,
            targets: HashMap::new(),
            told: HashSet::new(),
            left_out: HashSet::new(),
        }
    }

    async fn connection(&mut self) -> Result<Box<dyn Connection>> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let connecting = self
            .config
            .connection
            .attempts()
            .connect(self.dialect.as_ref());
        match self.stop.run_until_cancelled(connecting).await {
            Some(connected) => connected,
            None => Err(Error::new(ErrorKind::Stopped, "stopped while connecting")),
        }
    }

    /// Keeps a connection that can still be used after `outcome`.
    async fn keep<T>(&mut self, mut connection: Box<dyn Connection>, outcome: &Result<T>) {
        let usable = match outcome {
            Ok(_) => true,
            Err(e) if matches!(e.kind(), ErrorKind::Connect | ErrorKind::Timeout) => false,
            Err(_) => connection.rollback().await.is_ok(),
        };
        if usable {
            self.connection = Some(connection);
        }
    }

    /// What is known of the rows of a topic where their table is not known yet.
    fn unknown(&self) -> connect_api::Target {
        connect_api::Target {
            schema: None,
            key: match self.config.key_mode {
                KeyMode::RecordKey => self.config.key_fields.0.clone(),
                KeyMode::None | KeyMode::RecordValue => Vec::new(),
            },
            origins: self.config.origins(),
            skipped: None,
        }
    }

    /// What is said of rows that `tables.whitelist` leaves out.
    fn skipped(&self, what: &str) -> connect_api::Target {
        connect_api::Target {
            skipped: Some(self.config.left_out(what).into()),
            ..self.unknown()
        }
    }

    /// As [`look`](Self::look), with a connection.
    async fn look_at(&mut self, topic: &str, name: TableName) -> Result<connect_api::Target> {
        let mut connection = self.connection().await?;
        let outcome = self.look(connection.as_mut(), topic, name).await;
        self.keep(connection, &outcome).await;
        outcome
    }

    /// What is known of the table of rows of `topic` before the first of them.
    async fn look(
        &mut self,
        connection: &mut dyn Connection,
        topic: &str,
        name: TableName,
    ) -> Result<connect_api::Target> {
        let target = Target::describe(connection, name).await?;
        let mut faults = target.faults(&self.config, self.dialect.as_ref());
        target
            .check_access(&self.config, self.dialect.as_ref(), connection, &mut faults)
            .await?;
        if !faults.is_empty() {
            let message = format!("topic {topic}: {faults}");
            return Err(Error::new(ErrorKind::Schema, message));
        }
        tell(&mut self.told, &target, &self.config, self.dialect.as_ref());
        let key = target.key(&self.config)?;
        let schema = target.columns(&self.config, &key)?;
        self.targets.insert(target.name.clone(), target);
        Ok(connect_api::Target {
            origins: self.config.origins(),
            skipped: None,
            schema,
            key: match self.config.key_mode {
                KeyMode::RecordKey => key,
                KeyMode::None | KeyMode::RecordValue => Vec::new(),
            },
        })
    }

    async fn put_with(&mut self, records: &Records, refusals: Refusals) -> Result<PutOutcome> {
        if records.is_empty() {
            return Ok(PutOutcome::default());
        }
        if self.leaves_out(records)? {
            return Ok(PutOutcome {
                skipped: records.len(),
                ..PutOutcome::default()
            });
        }
        let mut connection = self.connection().await?;
        let claim = match self.claim(records) {
            Ok(claim) => claim,
            Err(e) => {
                self.connection = Some(connection);
                return match e.kind() {
                    ErrorKind::Data => Ok(all_refused(records, &e)),
                    _ => Err(e),
                };
            }
        };
        let table = claim.table.clone();
        let outcome = self
            .write(connection.as_mut(), table, records, refusals)
            .await;
        self.settle(claim, &outcome);
        self.keep(connection, &outcome).await;
        outcome
    }

    async fn write(
        &mut self,
        connection: &mut dyn Connection,
        name: TableName,
        records: &Records,
        refusals: Refusals,
    ) -> Result<PutOutcome> {
        if !self.targets.contains_key(&name) {
            let target = Target::describe(connection, name.clone()).await?;
            self.targets.insert(name.clone(), target);
        }
        let Self {
            dialect,
            config,
            targets,
            told,
            ..
        } = self;
        let Some(target) = targets.get_mut(&name) else {
            return Err(Error::new(ErrorKind::Internal, "rows without a table"));
        };
        let dialect = dialect.as_ref();
        if target.table.is_none() {
            // Another task, or a person, may have made it since.
            target.describe_again(connection).await?;
        }
        let shown = match (&config.timezone, &target.table) {
            (Some(zone), Some(table)) => walls::of(records, table, zone)?,
            _ => None,
        };
        let records = shown.as_ref().unwrap_or(records);
        let schema = records.schema();
        let only_deletes = records.ops().uniform() == Some(Op::Delete);
        if target.table.is_none() && only_deletes && config.delete {
            return Ok(PutOutcome {
                written: records.len(),
                ..PutOutcome::default()
            });
        }
        let write = RecordsWrite {
            dialect,
            config,
            records,
            refusals,
        };
        if !only_deletes {
            if !target.knows(schema)
                && target.check_changes(dialect, config, schema).is_err()
                && let Err(why) = {
                    target.describe_again(connection).await?;
                    target.check_changes(dialect, config, schema)
                }
            {
                return write.misfit(target, connection, &why).await;
            }
            if target.table.is_none() && config.auto_create {
                target.create(connection, dialect, config, schema).await?;
            }
            tell(told, target, config, dialect);
            if config.auto_evolve && !target.knows(schema) {
                target.evolve(connection, dialect, config, schema).await?;
            }
        }
        write.run(target, connection).await
    }
}

/// Puts into the log what is worth knowing of the table, once.
fn tell(
    told: &mut HashSet<TableName>,
    target: &Target,
    config: &SinkConfig,
    dialect: &dyn Dialect,
) {
    if target.table.is_some() && !told.contains(&target.name) {
        told.insert(target.name.clone());
        for note in target.notes(config, dialect) {
            tracing::warn!("{note}");
        }
    }
}

/// Writes the records to the table as it was described, each value in a form that its column takes;
/// rows that it refuses are handed back, all others are written.
pub(crate) async fn attempt(
    target: &mut Target,
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    config: &SinkConfig,
    records: &Records,
) -> Result<PutOutcome> {
    let Some(fit) = target.fit(dialect, config, records.schema())? else {
        return write_fitted(target, connection, dialect, config, records).await;
    };
    let fitted = fit.apply(records)?;
    let mut outcome = match fitted.records.is_empty() {
        true => PutOutcome::default(),
        false => write_fitted(target, connection, dialect, config, &fitted.records).await?,
    };
    if let Some(origin) = fitted.origin {
        for refused in &mut outcome.rejected {
            refused.row = origin[refused.row] as usize;
        }
        outcome.rejected.extend(fitted.rejected);
        outcome.rejected.sort_unstable_by_key(|r| r.row);
    }
    Ok(outcome)
}

/// Writes records whose columns are as the table takes them.
async fn write_fitted(
    target: &mut Target,
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    config: &SinkConfig,
    records: &Records,
) -> Result<PutOutcome> {
    let (op, schema) = (config.write_op(), records.schema());
    if records.ops().uniform() != Some(Op::Delete) {
        // Planned first: it tells all columns that are missing.
        target.plan(dialect, config, schema, op)?;
    }
    let key = target.key_in(config, schema)?;
    let Steps { steps, refused } = reduce::steps(records, &key, op, config.delete)?;
    let mut rejected: Vec<Rejected> = refused
        .into_iter()
        .map(|(row, refusal)| Rejected {
            row,
            error: refuse(refusal, target, records),
        })
        .collect();
    let writes = plan(target, dialect, config, records, steps)?;
    let mut newly = batch::write(connection, &writes, config.batch_size).await?;
    let reduced = matches!(op, WriteOp::Upsert | WriteOp::Update);
    // Where the last row of a key is refused, the one before it counts.
    while !newly.is_empty() && reduced {
        let last: Vec<usize> = newly.iter().map(|r| r.row).collect();
        rejected.append(&mut newly);
        rejected.sort_unstable_by_key(|r| r.row);
        let out: Vec<usize> = rejected.iter().map(|r| r.row).collect();
        let steps = reduce::steps_before(records, &key, op, &last, &out)?;
        let writes = plan(target, dialect, config, records, steps)?;
        newly = batch::write_in_pieces(connection, &writes, config.batch_size).await?;
    }
    rejected.append(&mut newly);
    rejected.sort_unstable_by_key(|r| r.row);
    Ok(PutOutcome {
        written: records.len() - rejected.len(),
        rejected,
        ..PutOutcome::default()
    })
}

pub(crate) fn refuse(refusal: Refusal, target: &Target, records: &Records) -> Error {
    let why = match refusal {
        Refusal::NullKey(column) => {
            format!(
                "key column `{}` is NULL",
                records.schema().field(column).name()
            )
        }
        Refusal::Delete => format!(
            "a delete (tombstone) of topic {}: set delete.enabled=true, with pk.mode=record_key, \
             to delete rows",
            records.topic()
        ),
    };
    Error::new(ErrorKind::Data, format!("table {}: {why}", target.name))
}

/// The rows of each step with the way they are written.
pub(crate) fn plan(
    target: &mut Target,
    dialect: &dyn Dialect,
    config: &SinkConfig,
    records: &Records,
    steps: Vec<Step>,
) -> Result<Vec<Write>> {
    let write = |step: Step| {
        let plan = target.plan(dialect, config, records.schema(), step.op)?;
        Write::new(plan, records, step.rows)
    };
    steps.into_iter().map(write).collect()
}

#[async_trait]
impl SinkTask for Task {
    async fn start(&mut self, cx: TaskContext) -> Result<()> {
        self.stop = cx.stop;
        self.connector = cx.connector;
        self.targets.clear();
        let connection = self.connection().await?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn target(&mut self, topic: &str) -> Result<connect_api::Target> {
        if !self.config.is_by_topic() {
            return Ok(self.unknown());
        }
        let name = self.config.table_of(topic, None, None)?;
        if !self.config.is_listed(&name, None) {
            return Ok(self.skipped(&format!("table {name}")));
        }
        self.look_at(topic, name).await
    }

    async fn target_of(&mut self, topic: &str, origin: &Origin) -> Result<connect_api::Target> {
        if self.config.is_by_schema() {
            return Ok(self.unknown());
        }
        let name = self.config.table_of(topic, Some(origin), None)?;
        if !self.config.is_listed(&name, Some(origin)) {
            return Ok(self.skipped(&format!("table {name} (source table {origin})")));
        }
        self.agree(&name, origin)?;
        self.look_at(topic, name).await
    }

    async fn put(&mut self, records: &Records) -> Result<PutOutcome> {
        self.put_with(records, Refusals::HandedBack).await
    }

    async fn put_until_refused(&mut self, records: &Records) -> Result<PutOutcome> {
        self.put_with(records, Refusals::End).await
    }

    fn keys(&self, records: &Records) -> Result<Option<Vec<Box<[u8]>>>> {
        let name = self.table_for(records)?;
        match self.targets.get(&name) {
            Some(target) => {
                let key = target.key_in(&self.config, records.schema())?;
                reduce::key_bytes(records, &key)
            }
            None => Ok(None),
        }
    }

    async fn stop(&mut self) -> Result<()> {
        match self.connection.take() {
            Some(connection) => connection.close().await,
            None => Ok(()),
        }
    }
}
