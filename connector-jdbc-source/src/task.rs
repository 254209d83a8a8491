//! The source task: polls its tables in turns.
use crate::{
    config::SourceConfig,
    deletes::comparison::Comparison,
    discovery::{Discovery, Wanted},
    failed_tables::{FailedTables, concerns_table_alone},
    idle::IdleTables,
    opening::{Begin, Opening},
    read_plan::ReadPlan,
    reader::Reader,
    replaced,
    signals::Signals,
    table::TableState,
    table_monitor::{self, Changes, TableMonitor},
    table_queue::{TableQueue, Turn},
    table_settings::TableConfigs,
};
use async_trait::async_trait;
use connect_api::{
    Error, ErrorKind, Part, Polled, Position, Records, Result, SourceTask, TaskContext,
};
use dialect_core::{Connection, Dialect, TableName};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Reads the tables of one task.
pub(crate) struct Task {
    config: SourceConfig,
    reader: Reader,
    tables: TableQueue,
    failed: FailedTables,
    monitor: TableMonitor,
    /// The settings in force for each table.
    configs: TableConfigs,
    /// Tables that the settings name exactly.
    exact: HashSet<TableName>,
    idle: IdleTables,
    signals: Option<Signals>,
    /// Positions to store before more rows are read.
    unsaved: VecDeque<Records>,
    started: Option<Started>,
}

/// What a started task opens tables with.
struct Started {
    cx: TaskContext,
    opening: Opening,
}

impl Task {
    pub(crate) fn new(dialect: Arc<dyn Dialect>, config: SourceConfig) -> Self {
        Self {
            configs: TableConfigs::new(&config),
            config,
            reader: Reader::new(dialect, CancellationToken::new()),
            tables: TableQueue::default(),
            failed: FailedTables::default(),
            monitor: TableMonitor::default(),
            exact: HashSet::new(),
            idle: IdleTables::default(),
            signals: None,
            unsaved: VecDeque::new(),
            started: None,
        }
    }

    /// Describes the tables and restores their positions.
    ///
    /// # Errors Errors of the database; of tables if none can be read.
    async fn open_all(&mut self, connection: &mut dyn Connection) -> Result<()> {
        let dialect = self.reader.dialect.clone();
        let resume = |_: &TableName| Begin::Resume;
        let (wanted, gone) = table_monitor::tables_of_task(connection, &self.config).await?;
        for name in gone {
            tracing::warn!(table = %name, "the table no longer exists");
            self.monitor.note_dropped(name);
        }
        let mut errors = self.describe_and_open(&wanted, &resume, connection).await?;
        let mut discovery = Discovery::default();
        let of_queries = discovery.add_queries(connection, dialect.syntax(), &self.config);
        of_queries.await?;
        let queries = discovery.into_plans()?;
        let of_queries = self.open(queries, &resume, connection).await?;
        if let Some(error) = of_queries.into_iter().next() {
            return Err(error);
        }
        let others = self.config.share.is_planned() && !self.tables.is_empty();
        if others || errors.is_empty() {
            return Ok(());
        }
        // There is nothing else to read.
        let first = errors.swap_remove(0);
        let more: Vec<_> = errors.iter().map(Error::report).collect();
        Err(match more.is_empty() {
            true => first,
            false => Error::new(
                first.kind(),
                format!("{}\n{}", first.report(), more.join("\n")),
            ),
        })
    }

    /// Describes tables and opens them. Those that cannot be read are set aside, and their errors are
    /// returned.
    ///
    /// # Errors Errors that do not concern a single table.
    async fn describe_and_open(
        &mut self,
        wanted: &[Wanted],
        begin: &(dyn Fn(&TableName) -> Begin + Sync),
        connection: &mut dyn Connection,
    ) -> Result<Vec<Error>> {
        let dialect = self.reader.dialect.clone();
        let of_tables = Discovery::to_read(connection, dialect.syntax(), &mut self.configs, wanted);
        let found = of_tables.await?;
        self.exact.extend(found.exact);
        let mut errors = Vec::new();
        for (name, faults) in found.refused {
            let error = Error::new(ErrorKind::Schema, faults.to_string());
            self.set_aside(&name, &error, begin(&name), None);
            errors.push(error);
        }
        for (Wanted { name, exact }, error) in found.locked {
            if exact {
                self.exact.insert(name.clone());
            }
            self.set_aside(&name, &error, begin(&name), None);
            errors.push(error);
        }
        for name in found.missing {
            self.unsaved.extend(self.failed.missing(&name));
            if self.exact.contains(&name) || wanted.iter().any(|t| t.exact && t.name == name) {
                let error = table_is_missing(&name);
                self.exact.insert(name.clone());
                self.set_aside(&name, &error, Begin::Again, None);
                errors.push(error);
            } else {
                self.note_dropped(name);
            }
        }
        errors.extend(self.open(found.plans, begin, connection).await?);
        Ok(errors)
    }

    /// Opens tables; the errors of those that were set aside.
    ///
    /// # Errors Errors that do not concern a single table.
    async fn open(
        &mut self,
        plans: Vec<ReadPlan>,
        begin: &(dyn Fn(&TableName) -> Begin + Sync),
        connection: &mut dyn Connection,
    ) -> Result<Vec<Error>> {
        let dialect = self.reader.dialect.clone();
        let Some(Started { cx, opening }) = &mut self.started else {
            return Err(Error::new(ErrorKind::Internal, "the task was not started"));
        };
        let opened = opening.open(plans, begin, connection, dialect.as_ref(), &self.config, cx);
        let opened = opened.await?;
        let mut errors = Vec::new();
        for (name, table) in opened {
            let begin = begin(&name);
            match table {
                Ok(table) => {
                    self.monitor.forget_dropped(&name);
                    if self.failed.resume(&name, Instant::now()) {
                        tracing::info!(table = %name, "the table is read again");
                    } else if begin != Begin::Resume {
                        tracing::info!(table = %name, "a new table is read from its first row");
                    }
                    self.tables.push(table);
                }
                Err(error) => {
                    self.set_aside(&name, &error, begin, None);
                    errors.push(error);
                }
            }
        }
        Ok(errors)
    }

    /// Reports that a table is not read for now.
    fn set_aside(&mut self, name: &TableName, error: &Error, begin: Begin, reset: Option<Records>) {
        let (report, interval) = (error.report(), self.config.table_poll_interval.0);
        let now = Instant::now();
        let is_news = self
            .failed
            .add(name, report.clone(), begin, reset, interval, now);
        let Some(Started { cx, .. }) = &self.started else {
            return;
        };
        cx.parts.set(&name.to_string(), Part::failed(error));
        if is_news {
            tracing::error!(
                connector = %cx.connector, task = cx.task, table = %name, error = report,
                "the table is not read until this is mended, and is tried again by itself; the other \
                 tables are read"
            );
        }
    }

    /// Stops reading a table because of its own error, while others are read.
    ///
    /// # Errors The error, if the task has to end with it.
    async fn fail_table(&mut self, turn: Turn, error: Error) -> Result<()> {
        let table = self
            .tables
            .get_mut(turn)
            .filter(|table| table.plan.query.is_none());
        let Some(table) = table else {
            return Err(error);
        };
        let name = table.plan.table.name.clone();
        let reset = table.reset_position()?;
        let plan = table.plan.clone();
        let (mut missing, mut replaced) = (false, false);
        if error.kind() == ErrorKind::Schema {
            let mut connection = self.reader.connection(&self.config).await?;
            let described = connection.describe(&name).await;
            self.reader.put_back(connection);
            if let Ok(table) = described {
                missing = table.is_none();
                replaced = table.is_some_and(|table| plan.is_of_another_table(&table));
            }
        }
        if missing && self.config.watches_tables() && !self.exact.contains(&name) {
            self.close(turn).await;
            self.unsaved.push_back(reset);
            self.note_dropped(name);
            self.monitor.hurry();
            return Ok(());
        }
        if self.tables.open() == 1 && !replaced {
            return Err(error);
        }
        self.close(turn).await;
        if missing || replaced {
            self.unsaved.push_back(reset);
            self.set_aside(&name, &error, Begin::Again, None);
        } else {
            self.set_aside(&name, &error, Begin::Resume, Some(reset));
        }
        Ok(())
    }

    async fn close(&mut self, turn: Turn) {
        if let Some(table) = self.tables.remove(turn) {
            table.close().await;
        }
    }

    /// A table that a pattern matched no longer exists.
    fn note_dropped(&mut self, name: TableName) {
        tracing::warn!(
            table = %name,
            "the table was dropped or renamed, and is no longer read; a table that is created with \
             this name is read from its first row"
        );
        self.failed.forget(&name);
        if let Some(Started { cx, .. }) = &self.started {
            cx.parts.remove(&name.to_string());
        }
        self.monitor.note_dropped(name);
    }

    /// Looks for tables that were created, dropped, or replaced by others of their name.
    ///
    /// # Errors Errors that concern the connection.
    async fn look_for_tables(&mut self) -> Result<()> {
        let mut connection = self.reader.connection(&self.config).await?;
        let own = self.tables.iter().filter(|t| t.plan.query.is_none());
        let own = own.map(|table| &table.plan.table.name);
        let known: HashSet<&TableName> = own.chain(self.failed.names()).collect();
        let found =
            table_monitor::changes(connection.as_mut(), &mut self.configs, &known, &self.exact);
        let changes = match found.await {
            Err(error) if concerns_table_alone(&error) => {
                tracing::warn!(
                    error = error.report(),
                    "the list of tables cannot be read for now"
                );
                Changes::default()
            }
            changes => changes?,
        };
        for name in changes.dropped {
            self.unsaved.extend(self.failed.missing(&name));
            if let Some(turn) = self.tables.find(|table| table.plan.table.name == name) {
                if let Some(table) = self.tables.get_mut(turn) {
                    self.unsaved.push_back(table.reset_position()?);
                }
                self.close(turn).await;
            }
            self.note_dropped(name);
        }
        self.refuse_shared_topics(changes.refused);
        if !changes.new.is_empty() {
            let again = changes.new.iter().map(|table| table.name.clone());
            let again = again.filter(|name| self.monitor.was_dropped(name));
            let again: HashSet<TableName> = again.collect();
            let begin = |name: &TableName| match again.contains(name) {
                true => Begin::Again,
                false => Begin::New,
            };
            self.describe_and_open(&changes.new, &begin, connection.as_mut())
                .await?;
        }
        let replaced = self.look_for_replaced(connection.as_mut()).await;
        self.reader.put_back(connection);
        for (name, error) in replaced? {
            if let Some(turn) = self.tables.find(|table| table.plan.table.name == name) {
                self.fail_table(turn, error).await?;
            }
        }
        self.monitor.plan_next(&self.config);
        Ok(())
    }

    /// Looks for tables that were made again; those that cannot be read any more, each with the error.
    ///
    /// # Errors Errors that concern the connection.
    async fn look_for_replaced(
        &mut self,
        connection: &mut dyn Connection,
    ) -> Result<Vec<(TableName, Error)>> {
        let dialect = self.reader.dialect.clone();
        let names = self.tables.iter().filter(|table| table.plan.has_identity());
        let names: Vec<_> = names.map(|table| table.plan.table.name.clone()).collect();
        let identities = replaced::identities(connection, &names).await?;
        let mut failed = Vec::new();
        for table in self
            .tables
            .iter_mut()
            .filter(|table| table.plan.has_identity())
        {
            let name = &table.plan.table.name;
            let Some(identity) = identities.get(name) else {
                continue;
            };
            let name = name.clone();
            let checked = table.check_identity(identity, connection, dialect.as_ref());
            match checked.await {
                Err(error) if concerns_table_alone(&error) => failed.push((name, error)),
                checked => drop(checked?),
            }
        }
        self.tables.reorder();
        Ok(failed)
    }

    /// Reports tables that are not read because their topic is that of another table.
    fn refuse_shared_topics(&mut self, refused: Vec<(TableName, String)>) {
        let Some(Started { cx, .. }) = &self.started else {
            return;
        };
        for (name, message) in &refused {
            if !self.monitor.is_refused(name) {
                let error = Error::new(ErrorKind::Config, message.clone());
                cx.parts.set(&name.to_string(), Part::failed(&error));
                tracing::error!(table = %name, error = error.report(), "a new table is not read");
            }
        }
        for name in self.monitor.refuse(&refused) {
            cx.parts.remove(&name.to_string());
        }
    }

    /// Tries tables that failed again.
    ///
    /// # Errors Errors that concern the connection.
    async fn retry_failed(&mut self, due: Vec<TableName>) -> Result<()> {
        let mut connection = self.reader.connection(&self.config).await?;
        let begins = due
            .iter()
            .map(|name| (name.clone(), self.failed.begin(name)));
        let begins: HashMap<TableName, Begin> = begins.collect();
        let wanted = due.into_iter().map(|name| Wanted {
            exact: self.exact.contains(&name),
            name,
        });
        let wanted: Vec<_> = wanted.collect();
        let begin = |name: &TableName| begins.get(name).copied().unwrap_or(Begin::Resume);
        self.describe_and_open(&wanted, &begin, connection.as_mut())
            .await?;
        self.reader.put_back(connection);
        Ok(())
    }

    /// Follows new signals, if it is time to look for them.
    async fn poll_signals(&mut self) -> Result<()> {
        let due = |signals: &&mut Signals| signals.next_poll <= Instant::now();
        let Some(signals) = self.signals.as_mut().filter(due) else {
            return Ok(());
        };
        let mut connection = self.reader.connection(&self.config).await?;
        let mut tables: Vec<_> = self.tables.iter_mut().collect();
        let (dialect, tables) = (self.reader.dialect.as_ref(), tables.as_mut_slice());
        signals.poll(connection.as_mut(), dialect, tables).await?;
        // An error in the middle of a result can make the connection unusable.
        if !signals.is_lost() || connection.ping().await.is_ok() {
            self.reader.put_back(connection);
        }
        self.tables.reorder();
        Ok(())
    }

    /// The next records of a table, or rows that cannot be read; `None` if there are no new rows.
    async fn read(&mut self, turn: Turn) -> Result<Option<Polled>> {
        match self.tables.get_mut(turn) {
            Some(table) => self.reader.read(table).await,
            None => Ok(None),
        }
    }
}

fn table_is_missing(name: &TableName) -> Error {
    Error::new(
        ErrorKind::Schema,
        format!(
            "table {name} no longer exists; create it again, or remove it from table.whitelist"
        ),
    )
}

#[async_trait]
impl SourceTask for Task {
    async fn start(&mut self, cx: TaskContext) -> Result<()> {
        let dialect = self.reader.dialect.clone();
        let dialect = dialect.named(&cx.application()).unwrap_or(dialect);
        self.reader = Reader::new(dialect, cx.stop.clone());
        let mut connection = self.reader.connection(&self.config).await?;
        self.started = Some(Started {
            cx,
            opening: Opening::default(),
        });
        self.open_all(connection.as_mut()).await?;
        let dialect = self.reader.dialect.clone();
        let mut tables: Vec<_> = self.tables.iter_mut().collect();
        let (config, tables) = (&self.config, tables.as_mut_slice());
        let signals = Signals::open(connection.as_mut(), dialect.as_ref(), config, tables);
        self.signals = signals.await?;
        self.reader.put_back(connection);
        self.monitor.plan_next(&self.config);
        if self.config.share.is_planned() {
            // Tables may have been created since.
            self.monitor.hurry();
        }
        Ok(())
    }

    async fn poll(&mut self) -> Result<Polled> {
        self.poll_signals().await?;
        if self.monitor.is_due() {
            self.look_for_tables().await?;
        }
        let (tables, reader) = (&mut self.tables, &mut self.reader);
        self.idle.pass_over(tables, reader, &self.config).await?;
        let now = Instant::now();
        let again = self.failed.due(now);
        if !again.is_empty() {
            self.retry_failed(again).await?;
        }
        if let Some(records) = self.unsaved.pop_front() {
            return Ok(Polled::Records(records));
        }
        let round = self.tables.round();
        while let Some(turn) = self.tables.due(now, round) {
            match self.read(turn).await {
                Ok(polled) => {
                    self.tables.requeue(turn);
                    if let Some(polled) = polled {
                        return Ok(polled);
                    }
                }
                // Without a connection, no table can be read.
                Err(error) if concerns_table_alone(&error) && self.reader.is_connected() => {
                    self.fail_table(turn, error).await?;
                    if let Some(records) = self.unsaved.pop_front() {
                        return Ok(Polled::Records(records));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let (next, retry) = (self.tables.next_due(), self.failed.next_due());
        let all_read = !self.tables.is_empty() && next.is_none() && retry.is_none();
        let signals = self.signals.as_ref().map(|signals| signals.next_poll);
        let others = [retry, self.monitor.next, signals].into_iter();
        let due = next
            .into_iter()
            .chain(others.flatten().filter(|_| !all_read));
        Ok(match due.min() {
            Some(due) => Polled::Idle(due.saturating_duration_since(Instant::now())),
            None => Polled::Finished,
        })
    }

    async fn commit(&mut self, position: &Position) -> Result<()> {
        // One for each page of each table: nearly all are of rows.
        if !Comparison::is_of_any(position) {
            return Ok(());
        }
        let mut comparisons = self
            .tables
            .iter_mut()
            .filter_map(|table| table.comparison.as_mut());
        match comparisons.find(|comparison| comparison.is_of(position)) {
            Some(comparison) => comparison.commit(position).await,
            None => Ok(()),
        }
    }

    async fn undeliverable(&mut self, records: &Records, error: Error) -> Result<()> {
        let (origin, position) = (records.origin(), records.position());
        let is_of = |table: &TableState| {
            position.is_some_and(|position| position.partition == table.partition)
                || origin.is_some() && table.plan.origin.as_ref() == origin
        };
        match self.tables.find(is_of) {
            Some(turn) if concerns_table_alone(&error) => self.fail_table(turn, error).await,
            _ => Err(error),
        }
    }

    async fn stop(&mut self) -> Result<()> {
        for table in self.tables.drain() {
            table.close().await;
        }
        self.reader.close().await
    }
}
