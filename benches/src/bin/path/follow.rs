//! A table of PostgreSQL that is written to while it is read: how long a row takes from its
//! transaction to the broker, and what the reads cost the database.
use crate::{
    outcome::{Outcome, ensure_rows},
    worker::Worker,
};
use benches::{
    OrdersTopic,
    usage::{Usage, machine_busy},
};
use connect_api::{Error, ErrorKind, Result};
use connect_transport::{Transport, rocketmq::RocketMq};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const WRITERS: u64 = 8;
const ROWS_PER_TRANSACTION: u8 = 5;
/// Between two transactions of a writer: 5,000 rows a second of all writers together.
const PACE: Duration = Duration::from_millis(8);
/// How long rows may take, and the worker to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is measured.
pub(crate) struct Follow<'a> {
    pub(crate) name: &'a str,
    pub(crate) url: &'a str,
    pub(crate) table: &'a str,
    pub(crate) topic: &'a OrdersTopic,
    pub(crate) transport: Arc<RocketMq>,
    pub(crate) rows: u64,
}

fn fault(what: &str) -> impl Fn(sqlx::Error) -> Error {
    move |e| Error::new(ErrorKind::Internal, what.to_owned()).with_source(e)
}

impl Follow<'_> {
    /// Starts the worker with `run`, then the writers; waits until all rows have arrived.
    ///
    /// # Errors
    /// As servers say; `Internal`: rows did not arrive.
    pub(crate) async fn measure(&self, run: impl FnOnce() -> Result<Worker>) -> Result<Outcome> {
        let mut admin = self.connect().await?;
        let create = format!(
            "CREATE TABLE {} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text, \
             at bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint)",
            self.table
        );
        execute(&mut admin, &create).await?;
        let mut worker = run()?;
        // The first row shows that it follows the table.
        let insert = format!("INSERT INTO {} (note) VALUES ('first')", self.table);
        execute(&mut admin, &insert).await?;
        self.arrived(&mut worker, 1).await?;
        let (busy, started) = (machine_busy()?, Instant::now());
        let (cpu, reads) = (
            worker.usage()?.cpu,
            self.cpu_of_reads(&mut admin, &[]).await?,
        );
        let each = self.rows / WRITERS / u64::from(ROWS_PER_TRANSACTION);
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            writers.spawn(write(self.url.to_owned(), self.table.to_owned(), each));
        }
        let mut written = (Duration::ZERO, Vec::new());
        while let Some(writer) = writers.join_next().await {
            let writer = writer
                .map_err(|e| Error::new(ErrorKind::Internal, "a writer crashed").with_source(e))?;
            let (spent, connection, pid) = writer?;
            written.0 += spent;
            written.1.push((connection, pid));
        }
        let pids: Vec<i32> = written.1.iter().map(|(_, pid)| *pid).collect();
        let rows = each * WRITERS * u64::from(ROWS_PER_TRANSACTION);
        self.arrived(&mut worker, rows + 1).await?;
        let elapsed = started.elapsed();
        let reads = self
            .cpu_of_reads(&mut admin, &pids)
            .await?
            .saturating_sub(reads);
        let usage = worker.usage()?;
        let busy = machine_busy()?.saturating_sub(busy);
        worker.stop()?.close().ok();
        let mut lags = self.lags().await?;
        ensure_rows("the topic", lags.len() as u64, rows + 1)?;
        lags.sort_unstable();
        let at = |part: usize| lags[(lags.len() - 1) * part / 1_000];
        eprintln!(
            "{}: lag p50 {} ms, p99 {} ms, p99.9 {} ms, most {} ms; CPU of the database: reads \
             {:.2} s, writers {:.2} s",
            self.name,
            at(500),
            at(990),
            at(999),
            at(1_000),
            reads.as_secs_f64(),
            written.0.as_secs_f64()
        );
        execute(&mut admin, &format!("DROP TABLE {}", self.table)).await?;
        let spent = usage.cpu.saturating_sub(cpu);
        Ok(Outcome::new(self.name, rows, elapsed).with_usage(spent, usage.peak_kib, busy))
    }

    async fn connect(&self) -> Result<PgConnection> {
        PgConnection::connect(self.url)
            .await
            .map_err(fault("connect to PostgreSQL"))
    }

    async fn arrived(&self, worker: &mut Worker, rows: u64) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while self.topic.count().await.unwrap_or(0) < rows {
            worker.check()?;
            if Instant::now() > until {
                return Err(worker.fault("rows do not arrive"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// CPU time of the database's other sessions, those of writers left out.
    async fn cpu_of_reads(&self, admin: &mut PgConnection, writers: &[i32]) -> Result<Duration> {
        let sessions = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND \
                        datname = current_database() AND pid <> pg_backend_pid()";
        let pids: Vec<i32> = sqlx::query_scalar(sessions)
            .fetch_all(admin)
            .await
            .map_err(fault("ask for sessions"))?;
        let others = pids.iter().filter(|pid| !writers.contains(pid));
        // One that has just ended has no more to say.
        Ok(others.filter_map(|pid| cpu_of(*pid)).sum())
    }

    /// From the clock of each row to the broker's, in milliseconds.
    async fn lags(&self) -> Result<Vec<i64>> {
        let mut lags = Vec::new();
        for queue in self.transport.queues(self.topic.name()).await? {
            let end = self.transport.bounds(&queue).await?.end;
            let mut reader = self.transport.reader("bench-follow", &queue, 0).await?;
            let mut next = 0;
            while next < end {
                let pulled = reader.pull(PATIENCE).await?;
                for message in pulled.iter() {
                    next = message.offset + 1;
                    let row: Value = serde_json::from_slice(message.body).map_err(|e| {
                        Error::new(ErrorKind::Internal, "a body that is no JSON").with_source(e)
                    })?;
                    lags.push(message.stored - row["at"].as_i64().unwrap_or(0));
                }
                if pulled.is_empty() {
                    break;
                }
            }
        }
        Ok(lags)
    }
}

fn cpu_of(pid: i32) -> Option<Duration> {
    let pid = u32::try_from(pid).ok()?;
    Usage::of(pid).ok().map(|usage| usage.cpu)
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<()> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    let done = query.execute(connection).await;
    done.map(|_| ()).map_err(fault("run SQL"))
}

/// Commits transactions at an even pace; gives the CPU time of its session, which stays open.
async fn write(
    url: String,
    table: String,
    transactions: u64,
) -> Result<(Duration, PgConnection, i32)> {
    let connected = PgConnection::connect(&url).await;
    let mut connection = connected.map_err(fault("connect to PostgreSQL"))?;
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut connection)
        .await
        .map_err(fault("ask for the session"))?;
    let rows = vec!["('a row of a hot table')"; usize::from(ROWS_PER_TRANSACTION)].join(", ");
    let insert = format!("INSERT INTO {table} (note) VALUES {rows}");
    let mut ticks = tokio::time::interval(PACE);
    for _ in 0..transactions {
        ticks.tick().await;
        execute(&mut connection, &insert).await?;
    }
    Ok((cpu_of(pid).unwrap_or_default(), connection, pid))
}
