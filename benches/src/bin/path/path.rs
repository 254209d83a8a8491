//! Whole paths: the worker from one end to the other.
use crate::{
    args::Args,
    follow::Follow,
    outcome::{Outcome, ensure_rows},
    progress::{Arrival, Destination},
    servers::{self, Database},
    worker::{Connector, Program, Worker},
};
use benches::{OrdersTable, OrdersTopic, usage::machine_busy};
use connect_api::{Error, ErrorKind, Result, config::Settings};
use connect_transport::{
    QueueType, Transport,
    embedded::{Embedded, EmbeddedOptions},
    rocketmq::RocketMq,
};
use std::{env, process, sync::Arc, time::Duration};

/// Topics and tables are called so and by the process and a number.
const PREFIX: &str = "bench";
/// How long the transport may take to close.
const CLOSE: Duration = Duration::from_secs(5);
/// The topic over the embedded transport.
const TOPIC: &str = "orders";

/// Messages with or without their schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Plain,
    Envelope,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Insert,
    Upsert,
}

/// What a path goes from and to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PathKind {
    /// From a database to RocketMQ.
    Source(Database, Format, QueueType),
    /// From RocketMQ to a database.
    Sink(Database, Mode, Format, QueueType),
    /// From PostgreSQL to the embedded transport.
    Embedded,
    /// From SQLite over the embedded transport to SQLite, in one worker.
    Through,
    /// One row from SQLite to the embedded transport.
    Start,
}

impl Format {
    fn schemas(self) -> &'static str {
        match self {
            Self::Plain => "false",
            Self::Envelope => "true",
        }
    }
}

/// Runs paths. Tables and topics that several paths read are made once.
pub(crate) struct Paths {
    program: Program,
    rows: i64,
    expected: u64,
    more_source: Vec<(String, String)>,
    more_sink: Vec<(String, String)>,
    made: usize,
    cluster: Option<Arc<RocketMq>>,
    sources: Vec<(Database, String, OrdersTable)>,
    filled: Vec<((Format, QueueType), String)>,
    topics: Vec<String>,
}

impl Paths {
    pub(crate) fn new(args: &Args) -> Result<Self> {
        Ok(Self {
            program: Program::new(args)?,
            rows: args.rows,
            expected: args.rows.unsigned_abs(),
            more_source: args.source.clone(),
            more_sink: args.sink.clone(),
            made: 0,
            cluster: None,
            sources: Vec::new(),
            filled: Vec::new(),
            topics: Vec::new(),
        })
    }

    /// Runs a path once.
    ///
    /// # Errors
    /// As servers say; `Internal`: the worker failed, or rows did not arrive.
    pub(crate) async fn run(&mut self, name: &str, kind: PathKind) -> Result<Outcome> {
        let outcome = match kind {
            PathKind::Source(from, format, queue_type) => {
                self.source(name, from, format, queue_type).await
            }
            PathKind::Sink(to, mode, format, queue_type) => {
                self.sink(name, to, mode, (format, queue_type)).await
            }
            PathKind::Embedded => self.embedded(name).await,
            PathKind::Through => self.through(name, self.rows).await,
            PathKind::Start => self.start(name).await,
        };
        outcome.map_err(|e| e.context(name))
    }

    /// Reads a table while it is written to.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn follow(&mut self, name: &str) -> Result<Outcome> {
        let table = self.name();
        let topic = self.topic(QueueType::Simple).await?;
        let url = Database::Postgres.url()?;
        let connector = self.source_settings(&url, &table, topic.name(), Format::Plain);
        let connector = with(&[("poll.interval.ms", "50")], &connector);
        let worker = over_rocketmq()?;
        let settings: Vec<_> = worker.iter().map(|(k, v)| (*k, &**v)).collect();
        let follow = Follow {
            name,
            url: &url,
            table: &table,
            topic: &topic,
            transport: self.cluster().await?,
            rows: self.expected,
        };
        let run = || self.program.run(&settings, &[("follow", connector)]);
        follow.measure(run).await.map_err(|e| e.context(name))
    }

    fn name(&mut self) -> String {
        self.made += 1;
        format!("{PREFIX}_{}_{}", process::id(), self.made)
    }

    async fn cluster(&mut self) -> Result<Arc<RocketMq>> {
        if let Some(cluster) = &self.cluster {
            return Ok(cluster.clone());
        }
        let cluster = servers::rocketmq().await?;
        self.cluster = Some(cluster.clone());
        Ok(cluster)
    }

    /// A topic of RocketMQ that is deleted at the end.
    async fn topic(&mut self, queue_type: QueueType) -> Result<OrdersTopic> {
        let name = self.name();
        self.topics.push(name.clone());
        let topic = OrdersTopic::new(self.cluster().await?, &name);
        Ok(topic.with_queue_type(queue_type))
    }

    /// The name of a table that has all rows.
    async fn full_table(&mut self, database: Database) -> Result<String> {
        if let Some((_, name, _)) = self.sources.iter().find(|(of, ..)| *of == database) {
            return Ok(name.clone());
        }
        let name = self.name();
        let mut table = OrdersTable::create(database.dialect()?, &name).await?;
        table.load(1..=self.rows).await?;
        table.settle().await?;
        self.sources.push((database, name.clone(), table));
        Ok(name)
    }

    /// The name of a topic of RocketMQ that has all rows.
    async fn full_topic(&mut self, of: (Format, QueueType)) -> Result<String> {
        if let Some((_, name)) = self.filled.iter().find(|(other, _)| *other == of) {
            return Ok(name.clone());
        }
        let (format, queue_type) = of;
        let topic = self.topic(queue_type).await?;
        let settings = Settings::from_iter([("schemas.enable", format.schemas())]);
        let converter = connect_converters::converter("json", &settings)?;
        topic.fill(converter.as_ref(), self.rows).await?;
        self.filled.push((of, topic.name().to_owned()));
        Ok(topic.name().to_owned())
    }

    async fn source(
        &mut self,
        name: &str,
        from: Database,
        format: Format,
        queue_type: QueueType,
    ) -> Result<Outcome> {
        let table = self.full_table(from).await?;
        let topic = self.topic(queue_type).await?;
        let mut connector = self.source_settings(&from.url()?, &table, topic.name(), format);
        if queue_type == QueueType::Batch {
            connector.push(("topic.queue.type".to_owned(), queue_type.to_string()));
        }
        let worker = over_rocketmq()?;
        let settings: Vec<_> = worker.iter().map(|(k, v)| (*k, &**v)).collect();
        self.measure(
            name,
            &settings,
            vec![("source", connector)],
            Destination::Topic(&topic),
        )
        .await
    }

    async fn sink(
        &mut self,
        name: &str,
        to: Database,
        mode: Mode,
        of: (Format, QueueType),
    ) -> Result<Outcome> {
        let (format, topic) = (of.0, self.full_topic(of).await?);
        let table_name = self.name();
        let mut table = OrdersTable::create(to.dialect()?, &table_name).await?;
        let connector = self.sink_settings(&to.url()?, &topic, &table_name, mode, format);
        let worker = over_rocketmq()?;
        let settings: Vec<_> = worker.iter().map(|(k, v)| (*k, &**v)).collect();
        let arrives = Destination::Table(&mut table);
        let outcome = self
            .measure(name, &settings, vec![(&table_name, connector)], arrives)
            .await;
        let dropped = table.drop().await;
        let outcome = outcome?;
        dropped.map(|()| outcome)
    }

    async fn embedded(&mut self, name: &str) -> Result<Outcome> {
        let table = self.full_table(Database::Postgres).await?;
        let url = Database::Postgres.url()?;
        let connector = self.source_settings(&url, &table, TOPIC, Format::Plain);
        self.measure_embedded(name, connector, self.expected, "50")
            .await
    }

    /// Into the embedded transport, known by the stored position and counted at the end.
    async fn measure_embedded(
        &mut self,
        name: &str,
        connector: Connector,
        expected: u64,
        commit_interval_ms: &str,
    ) -> Result<Outcome> {
        let settings = [
            ("transport", "embedded"),
            ("offsetCommitIntervalMsConfig", commit_interval_ms),
        ];
        let mut worker = self.program.run(&settings, &[("source", connector)])?;
        let busy = machine_busy()?;
        let position = worker.store().join("positions.json");
        let arrival = Destination::Position(position)
            .wait(&mut worker, expected)
            .await?;
        let outcome = outcome(name, &worker, expected, arrival, busy)?;
        let store = worker.store();
        let files = worker.stop()?;
        let queues = Embedded::open(store.join("queues.redb"), EmbeddedOptions::default()).await?;
        let queues = Arc::new(queues);
        let there = OrdersTopic::new(queues.clone(), TOPIC).count().await?;
        queues.close(CLOSE).await;
        files.close().ok();
        ensure_rows("the embedded topic", there, expected)?;
        Ok(outcome)
    }

    async fn through(&mut self, name: &str, rows: i64) -> Result<Outcome> {
        let files = tempfile::TempDir::with_prefix("bench-sqlite-").map_err(no_directory)?;
        let (from, to) = (files.path().join("from.db"), files.path().join("to.db"));
        let mut table = OrdersTable::create(servers::sqlite(&from)?, "orders").await?;
        table.load(1..=rows).await?;
        let mut target = OrdersTable::create(servers::sqlite(&to)?, "orders").await?;
        let connectors = vec![
            (
                "source",
                self.source_settings(&servers::sqlite_url(&from), "orders", TOPIC, Format::Plain),
            ),
            (
                "sink",
                self.sink_settings(
                    &servers::sqlite_url(&to),
                    TOPIC,
                    "orders",
                    Mode::Upsert,
                    Format::Plain,
                ),
            ),
        ];
        let settings = [("transport", "embedded")];
        let arrives = Destination::Table(&mut target);
        self.measure(name, &settings, connectors, arrives).await
    }

    async fn start(&mut self, name: &str) -> Result<Outcome> {
        let files = tempfile::TempDir::with_prefix("bench-sqlite-").map_err(no_directory)?;
        let from = files.path().join("from.db");
        let mut table = OrdersTable::create(servers::sqlite(&from)?, "orders").await?;
        table.load(1..=1).await?;
        let url = servers::sqlite_url(&from);
        let connector = self.source_settings(&url, "orders", TOPIC, Format::Plain);
        self.measure_embedded(name, connector, 1, "1").await
    }

    /// Runs the worker until all rows have arrived, and asks it to stop.
    async fn measure(
        &self,
        name: &str,
        settings: &[(&str, &str)],
        connectors: Vec<(&str, Connector)>,
        mut arrives: Destination<'_>,
    ) -> Result<Outcome> {
        let over_rocketmq = settings.contains(&("transport", "rocketmq"));
        let broker_cpu = || servers::broker_cpu().filter(|_| over_rocketmq);
        let (busy, broker) = (machine_busy()?, broker_cpu());
        let mut worker = self.program.run(settings, &connectors)?;
        let arrival = arrives.wait(&mut worker, self.expected).await?;
        let outcome =
            outcome(name, &worker, self.expected, arrival, busy)?.with_broker(broker, broker_cpu());
        worker.stop()?.close().ok();
        Ok(outcome)
    }

    fn source_settings(&self, url: &str, table: &str, topic: &str, format: Format) -> Connector {
        let settings = [
            ("connector.class", "jdbc-source"),
            ("connection.url", url),
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("table.whitelist", table),
            ("connect.topicname", topic),
            ("value.converter", "json"),
            ("value.converter.schemas.enable", format.schemas()),
        ];
        with(&settings, &self.more_source)
    }

    fn sink_settings(
        &self,
        url: &str,
        topic: &str,
        table: &str,
        mode: Mode,
        format: Format,
    ) -> Connector {
        let (insert_mode, key_mode) = match mode {
            Mode::Insert => ("insert", "none"),
            Mode::Upsert => ("upsert", "record_key"),
        };
        let settings = [
            ("connector.class", "jdbc-sink"),
            ("connection.url", url),
            ("connect.topicnames", topic),
            ("table.name.format", table),
            ("insert.mode", insert_mode),
            ("pk.mode", key_mode),
            ("value.converter", "json"),
            ("value.converter.schemas.enable", format.schemas()),
        ];
        with(&settings, &self.more_sink)
    }

    /// Drops what was made.
    ///
    /// # Errors
    /// As servers say: the first failure, after all was tried.
    pub(crate) async fn clean(self) -> Result<()> {
        let mut cleaned = Ok(());
        for (_, _, table) in self.sources {
            cleaned = cleaned.and(table.drop().await);
        }
        if let Some(cluster) = &self.cluster {
            cluster.close(CLOSE).await;
        }
        for topic in &self.topics {
            cleaned = cleaned.and(delete_topic(topic));
        }
        cleaned
    }
}

fn no_directory(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, "cannot make a directory").with_source(error)
}

fn over_rocketmq() -> Result<[(&'static str, String); 2]> {
    Ok([
        ("transport", "rocketmq".to_owned()),
        ("namesrvAddr", servers::name_server()?),
    ])
}

fn with(settings: &[(&str, &str)], more: &[(String, String)]) -> Connector {
    let mut all: Connector = settings
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    all.retain(|(key, _)| more.iter().all(|(k, _)| k != key));
    all.extend_from_slice(more);
    all
}

fn outcome(
    name: &str,
    worker: &Worker,
    rows: u64,
    arrival: Arrival,
    busy: Duration,
) -> Result<Outcome> {
    // What it used while the last rows were counted is little, and counts too.
    let usage = worker.usage()?;
    let busy = machine_busy()?.saturating_sub(busy);
    let mut outcome =
        Outcome::new(name, rows, arrival.last).with_usage(usage.cpu, usage.peak_kib, busy);
    outcome.first_row_seconds = Some(arrival.first.as_secs_f64());
    Ok(outcome)
}

/// Deletes a topic by RocketMQ's own tool.
fn delete_topic(topic: &str) -> Result<()> {
    let services = env::var("CONNECT_TEST_SERVICES").unwrap_or_else(|_| "scripts/services".into());
    let name_server = servers::name_server()?;
    let arguments = ["mqadmin", "deleteTopic", "-n", &name_server];
    let mut command = process::Command::new(services);
    command.args(arguments);
    command.args(["-c", "DefaultCluster", "-t", topic]);
    let fault = |text: String| Error::new(ErrorKind::Internal, format!("delete {topic}: {text}"));
    let ran = command
        .output()
        .map_err(|e| fault("mqadmin does not run".to_owned()).with_source(e))?;
    if ran.status.success() {
        return Ok(());
    }
    Err(fault(String::from_utf8_lossy(&ran.stderr).into_owned()))
}
