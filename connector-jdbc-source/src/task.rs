//! The source task: polls its tables round-robin.
use crate::{
    config::SourceConfig,
    discovery::Discovery,
    position,
    read_plan::ReadPlan,
    reader::Reader,
    recheck,
    signals::Signals,
    table::{End, TableState},
    watermark,
};
use async_trait::async_trait;
use connect_api::{Polled, Result, SourceTask, TaskContext};
use dialect_core::{Connection, Dialect};
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Reads the tables of one task.
pub(crate) struct Task {
    config: SourceConfig,
    reader: Reader,
    tables: Vec<TableState>,
    /// The first table of the next poll.
    turn: usize,
    signals: Option<Signals>,
}

impl Task {
    pub(crate) fn new(dialect: Arc<dyn Dialect>, config: SourceConfig) -> Self {
        Self {
            config,
            reader: Reader::new(dialect, CancellationToken::new()),
            tables: Vec::new(),
            turn: 0,
            signals: None,
        }
    }

    /// Describes the tables and restores their positions.
    async fn resume(
        &mut self,
        connection: &mut dyn Connection,
        cx: &TaskContext,
    ) -> Result<Vec<TableState>> {
        let discovery =
            Discovery::run(connection, self.reader.dialect.syntax(), &self.config).await?;
        let plans = discovery.into_plans()?;
        let partitions: Vec<_> = plans.iter().map(position::partition).collect();
        let stored = cx.positions.read(&partitions).await?;
        let (dialect, config) = (self.reader.dialect.as_ref(), &self.config);
        let mut tables = Vec::with_capacity(plans.len());
        let mut time_zone = None;
        if plans.iter().any(ReadPlan::needs_time_zone) {
            time_zone = watermark::database_time_zone(connection, config.timezone.as_ref()).await?;
        }
        let complete_by = recheck::complete_by(connection, dialect, config, &plans).await?;
        for ((mut plan, partition), stored) in plans.into_iter().zip(partitions).zip(stored) {
            if let Some(zone) = time_zone.clone().filter(|_| plan.needs_time_zone()) {
                plan.set_time_zone(zone);
            }
            let parts = &cx.parts;
            let resuming = TableState::resume(plan, partition, stored, connection, dialect, parts);
            let mut table = resuming.await?;
            let (syntax, plan) = (dialect.syntax(), &table.plan);
            for note in recheck::notes(connection, syntax, plan, complete_by).await? {
                tracing::warn!("{note}");
            }
            if let Some(by) = complete_by.filter(|_| table.plan.looks_for_late_rows()) {
                table.look_for_late_rows(by)?;
            }
            tables.push(table);
        }
        Ok(tables)
    }

    /// Follows new signals, if it is time to look for them.
    async fn poll_signals(&mut self) -> Result<()> {
        let due = |signals: &&mut Signals| signals.next_poll <= Instant::now();
        let Some(signals) = self.signals.as_mut().filter(due) else {
            return Ok(());
        };
        let mut connection = self.reader.connection(&self.config).await?;
        let (dialect, tables) = (self.reader.dialect.as_ref(), self.tables.as_mut_slice());
        signals.poll(connection.as_mut(), dialect, tables).await?;
        self.reader.put_back(connection);
        Ok(())
    }

    /// The next records of table `index`, or rows that cannot be read; `None` if there are no new
    /// rows.
    async fn read(&mut self, index: usize) -> Result<Option<Polled>> {
        let table = &mut self.tables[index];
        if let Some(initial_position) = table.initial_position()? {
            return Ok(Some(Polled::Records(initial_position)));
        }
        self.reader.read(table).await
    }
}

#[async_trait]
impl SourceTask for Task {
    async fn start(&mut self, cx: TaskContext) -> Result<()> {
        let dialect = self.reader.dialect.clone();
        let dialect = dialect.named(&cx.application()).unwrap_or(dialect);
        self.reader = Reader::new(dialect, cx.stop.clone());
        let mut connection = self.reader.connection(&self.config).await?;
        self.tables = self.resume(connection.as_mut(), &cx).await?;
        self.turn = 0;
        let (dialect, tables) = (self.reader.dialect.clone(), self.tables.as_mut_slice());
        let signals = Signals::open(connection.as_mut(), dialect.as_ref(), &self.config, tables);
        self.signals = signals.await?;
        self.reader.put_back(connection);
        Ok(())
    }

    async fn poll(&mut self) -> Result<Polled> {
        self.poll_signals().await?;
        for step in 0..self.tables.len() {
            let index = (self.turn + step) % self.tables.len();
            let table = &self.tables[index];
            if table.end == End::Reached || table.next_poll > Instant::now() {
                continue;
            }
            if let Some(polled) = self.read(index).await? {
                self.turn = (index + 1) % self.tables.len();
                return Ok(polled);
            }
        }
        let open = self.tables.iter().filter(|table| table.end != End::Reached);
        let next = open.map(|table| table.next_poll).min();
        let signals = self.signals.as_ref().map(|signals| signals.next_poll);
        let next = next.map(|next| signals.map_or(next, |signals| next.min(signals)));
        Ok(match next {
            Some(due) => Polled::Idle(due.saturating_duration_since(Instant::now())),
            None => Polled::Finished,
        })
    }

    async fn stop(&mut self) -> Result<()> {
        for table in self.tables.drain(..) {
            table.close().await;
        }
        self.reader.close().await
    }
}
