//! The sink task: one transaction per batch.
use crate::{
    config::{KeyMode, SinkConfig},
    local_time, reduce,
    table_owner::{Claim, Ownership, TableOwners},
    target::Target,
    write_records::{OnRejection, RecordWriter, reject_all},
};
use async_trait::async_trait;
use connect_api::{
    Error, ErrorKind, Op, Origin, PutOutcome, Records, Result, SinkTask, TaskContext,
};
use dialect_core::{Connection, Dialect, TableName};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// Writes the rows of its topics.
pub(crate) struct Task {
    dialect: Arc<dyn Dialect>,
    config: SinkConfig,
    ownership: Ownership,
    stop: CancellationToken,
    /// Taken while it is in use: a dropped future leaves no half-used connection behind.
    connection: Option<Box<dyn Connection>>,
    targets: HashMap<TableName, Target>,
    /// Tables whose notes were logged.
    noted: HashSet<TableName>,
    /// Tables whose rows are skipped, once logged.
    skipped_tables: HashSet<TableName>,
}

impl Task {
    pub(crate) fn new(
        dialect: Arc<dyn Dialect>,
        config: SinkConfig,
        owners: Arc<TableOwners>,
    ) -> Self {
        Self {
            ownership: Ownership::new(owners, dialect.address(), config.merge),
            dialect,
            config,
            stop: CancellationToken::new(),
            connection: None,
            targets: HashMap::new(),
            noted: HashSet::new(),
            skipped_tables: HashSet::new(),
        }
    }

    async fn connection(&mut self) -> Result<Box<dyn Connection>> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let connecting = self
            .config
            .connection
            .connect_retry()
            .connect(self.dialect.as_ref());
        match self.stop.run_until_cancelled(connecting).await {
            Some(connected) => connected,
            None => Err(Error::new(ErrorKind::Stopped, "stopped while connecting")),
        }
    }

    /// Keeps the connection if it is still usable after `outcome`.
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

    /// The target of a topic whose table is not known yet.
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

    /// The target of rows that `tables.whitelist` skips.
    fn skipped(&self, what: &str) -> connect_api::Target {
        connect_api::Target {
            skipped: Some(self.config.skip_message(what).into()),
            ..self.unknown()
        }
    }

    /// As [`describe_target`](Self::describe_target), with a connection of the task.
    async fn connect_and_describe(
        &mut self,
        topic: &str,
        name: TableName,
    ) -> Result<connect_api::Target> {
        let mut connection = self.connection().await?;
        let outcome = self.describe_target(connection.as_mut(), topic, name).await;
        self.keep(connection, &outcome).await;
        outcome
    }

    /// Describes and checks the table of `topic` before its first row.
    async fn describe_target(
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
        log_notes(
            &mut self.noted,
            &target,
            &self.config,
            self.dialect.as_ref(),
        );
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

    /// The table of the records.
    ///
    /// # Errors
    /// As [`SinkConfig::table_of`].
    fn table_for(&self, records: &Records) -> Result<TableName> {
        let origin = records.origin().map(AsRef::as_ref);
        let schema = records.schema().name();
        self.config.table_of(records.topic(), origin, Some(schema))
    }

    fn claim(&self, records: &Records) -> Result<Claim> {
        self.ownership.claim(self.table_for(records)?, records)
    }

    /// The table filter skips these records. The log says so once for each table.
    ///
    /// # Errors
    /// As [`SinkConfig::table_of`], except for records that do not name their table.
    fn skips(&mut self, records: &Records) -> Result<bool> {
        let table = match self.table_for(records) {
            Ok(table) => table,
            Err(e) if e.kind() == ErrorKind::Data => return Ok(false),
            Err(e) => return Err(e),
        };
        let origin = records.origin().map(AsRef::as_ref);
        if self.config.includes_table(&table, origin) {
            return Ok(false);
        }
        if !self.skipped_tables.contains(&table) {
            let message = self.config.skip_message(&format!("table {table}"));
            tracing::warn!(topic = %records.topic(), "{message}");
            self.skipped_tables.insert(table);
        }
        Ok(true)
    }

    async fn put_with(
        &mut self,
        records: &Records,
        on_rejection: OnRejection,
    ) -> Result<PutOutcome> {
        if records.is_empty() {
            return Ok(PutOutcome::default());
        }
        if self.skips(records)? {
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
                    ErrorKind::Data => Ok(reject_all(records, &e)),
                    _ => Err(e),
                };
            }
        };
        let table = claim.table.clone();
        let outcome = self
            .write(connection.as_mut(), table, records, on_rejection)
            .await;
        self.ownership.settle(claim, &outcome);
        self.keep(connection, &outcome).await;
        outcome
    }

    async fn write(
        &mut self,
        connection: &mut dyn Connection,
        name: TableName,
        records: &Records,
        on_rejection: OnRejection,
    ) -> Result<PutOutcome> {
        if !self.targets.contains_key(&name) {
            let target = Target::describe(connection, name.clone()).await?;
            self.targets.insert(name.clone(), target);
        }
        let Self {
            dialect,
            config,
            targets,
            noted,
            ..
        } = self;
        let Some(target) = targets.get_mut(&name) else {
            return Err(Error::new(ErrorKind::Internal, "no target table"));
        };
        let dialect = dialect.as_ref();
        if target.table.is_none() {
            // It may have been created since.
            target.describe_again(connection).await?;
        }
        let shown = match (&config.timezone, &target.table) {
            (Some(zone), Some(table)) => local_time::to_local_time(records, table, zone)?,
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
        let write = RecordWriter {
            dialect,
            config,
            records,
            on_rejection,
        };
        if !only_deletes {
            if !target.is_known(schema)
                && target.check_changes(dialect, config, schema).is_err()
                && let Err(why) = {
                    target.describe_again(connection).await?;
                    target.check_changes(dialect, config, schema)
                }
            {
                return write.reject_mismatch(target, connection, &why).await;
            }
            if target.table.is_none() && config.auto_create {
                target.create(connection, dialect, config, schema).await?;
            }
            log_notes(noted, target, config, dialect);
            if config.auto_evolve && !target.is_known(schema) {
                target.evolve(connection, dialect, config, schema).await?;
            }
        }
        write.run(target, connection).await
    }
}

/// Logs the notes about the table, once.
fn log_notes(
    noted: &mut HashSet<TableName>,
    target: &Target,
    config: &SinkConfig,
    dialect: &dyn Dialect,
) {
    if target.table.is_some() && !noted.contains(&target.name) {
        noted.insert(target.name.clone());
        for note in target.notes(config, dialect) {
            tracing::warn!("{note}");
        }
    }
}

#[async_trait]
impl SinkTask for Task {
    async fn start(&mut self, cx: TaskContext) -> Result<()> {
        if let Some(named) = self.dialect.named(&cx.application()) {
            self.dialect = named;
        }
        self.stop = cx.stop;
        self.ownership.set_connector(cx.connector);
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
        if !self.config.includes_table(&name, None) {
            return Ok(self.skipped(&format!("table {name}")));
        }
        self.connect_and_describe(topic, name).await
    }

    async fn target_of(&mut self, topic: &str, origin: &Origin) -> Result<connect_api::Target> {
        if self.config.is_by_schema() {
            return Ok(self.unknown());
        }
        let name = self.config.table_of(topic, Some(origin), None)?;
        if !self.config.includes_table(&name, Some(origin)) {
            return Ok(self.skipped(&format!("table {name} (source table {origin})")));
        }
        self.ownership.check(&name, origin)?;
        self.connect_and_describe(topic, name).await
    }

    async fn put(&mut self, records: &Records) -> Result<PutOutcome> {
        self.put_with(records, OnRejection::Continue).await
    }

    async fn put_until_refused(&mut self, records: &Records) -> Result<PutOutcome> {
        self.put_with(records, OnRejection::Stop).await
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
