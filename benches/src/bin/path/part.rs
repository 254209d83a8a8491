//! The bare parts, each in a process of its own, so that its memory and CPU time are its own.
use crate::{
    outcome::Outcome,
    servers::{self, Database},
};
use benches::{
    OrdersTable, OrdersTopic, Workload,
    usage::{Usage, machine_busy},
};
use clap::ValueEnum;
use connect_api::{
    Blobs, Converter, Encoded, Error, ErrorKind, MessageRef, Pushed, Result, Target,
    config::Settings,
};
use connect_transport::{
    Page, QueueType, Transport,
    embedded::{Embedded, EmbeddedOptions},
};
use dialects::{Dialect, WriteOp};
use std::{
    env,
    num::NonZeroU32,
    process::{self, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Rows of a page and of a batch, as connectors have them by default.
const PAGE: i64 = 5_000;
const PAGE_ROWS: NonZeroU32 = NonZeroU32::new(5_000).unwrap();
/// How long a reader waits for messages that are all there.
const WAIT: Duration = Duration::from_secs(5);
/// Between two looks for messages that are stored.
const LOOK: Duration = Duration::from_millis(20);
/// How long a transport may take to close.
const CLOSE: Duration = Duration::from_secs(5);

/// A part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Codec,
    Rocketmq,
    RocketmqBatch,
    Embedded,
    Postgres,
    Mariadb,
    Sqlite,
}

/// Measures `part` in a process of its own.
///
/// # Errors
/// `Internal`: that process fails; its words are on standard error.
pub(crate) fn in_a_child(part: Part, rows: i64) -> Result<Vec<Outcome>> {
    let fault = |text: &str| Error::new(ErrorKind::Internal, format!("{part:?} alone: {text}"));
    let program = env::current_exe().map_err(|e| fault("no program").with_source(e))?;
    let name = part.to_possible_value().ok_or_else(|| fault("no name"))?;
    let ran = Command::new(program)
        .args(["--part", name.get_name(), "--rows", &rows.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| fault("does not start").with_source(e))?;
    if !ran.status.success() {
        return Err(fault("failed"));
    }
    let lines = String::from_utf8_lossy(&ran.stdout);
    lines
        .lines()
        .map(|line| {
            serde_json::from_str(line).map_err(|e| fault("printed no outcome").with_source(e))
        })
        .collect()
}

/// A measurement that runs.
struct Clock {
    at: Instant,
    cpu: Duration,
    busy: Duration,
    broker: Option<Duration>,
}

impl Clock {
    fn start() -> Result<Self> {
        Usage::reset_own_peak();
        Ok(Self {
            broker: servers::broker_cpu(),
            busy: machine_busy()?,
            cpu: Usage::own()?.cpu,
            at: Instant::now(),
        })
    }

    fn stop(self, name: &str, rows: i64) -> Result<Outcome> {
        let elapsed = self.at.elapsed();
        let usage = Usage::own()?;
        let busy = machine_busy()?.saturating_sub(self.busy);
        let broker = self.broker.filter(|_| name.contains("rocketmq"));
        let outcome = Outcome::new(name, rows.unsigned_abs(), elapsed)
            .with_broker(broker, servers::broker_cpu());
        Ok(outcome.with_usage(usage.cpu.saturating_sub(self.cpu), usage.peak_kib, busy))
    }
}

impl Part {
    /// Measures the part in this process.
    ///
    /// # Errors
    /// As servers say.
    pub(crate) async fn measure(self, rows: i64) -> Result<Vec<Outcome>> {
        match self {
            Self::Codec => codec(rows),
            Self::Rocketmq => {
                let cluster = servers::rocketmq().await?;
                transport("part-rocketmq", cluster, QueueType::Simple, rows).await
            }
            Self::RocketmqBatch => {
                let cluster = servers::rocketmq().await?;
                transport("part-rocketmq-batch", cluster, QueueType::Batch, rows).await
            }
            Self::Embedded => {
                let files = tempfile::tempdir().map_err(no_directory)?;
                let path = files.path().join("queues.redb");
                let store = Embedded::open(path, EmbeddedOptions::default()).await?;
                transport("part-embedded", Arc::new(store), QueueType::Simple, rows).await
            }
            Self::Postgres => dialect("part-postgres", Database::Postgres.dialect()?, rows).await,
            Self::Mariadb => dialect("part-mariadb", Database::Mariadb.dialect()?, rows).await,
            Self::Sqlite => {
                let files = tempfile::tempdir().map_err(no_directory)?;
                let file = files.path().join("orders.db");
                dialect("part-sqlite", servers::sqlite(&file)?, rows).await
            }
        }
    }
}

fn no_directory(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, "cannot make a directory").with_source(error)
}

fn json(schemas: &str) -> Result<Arc<dyn Converter>> {
    let settings = Settings::from_iter([("schemas.enable", schemas)]);
    connect_converters::converter("json", &settings)
}

/// The first page's rows, written and read again and again.
fn codec(rows: i64) -> Result<Vec<Outcome>> {
    let records = Workload::Orders.records("orders", 1..=PAGE, 0)?;
    let pages = (rows / PAGE).max(1);
    let mut outcomes = Vec::new();
    for (schemas, encode, decode) in [
        ("false", "part-codec-encode", "part-codec-decode"),
        (
            "true",
            "part-codec-encode-schema",
            "part-codec-decode-schema",
        ),
    ] {
        let converter = json(schemas)?;
        let mut bodies = Blobs::default();
        let clock = Clock::start()?;
        for _ in 0..pages {
            bodies.clear();
            converter.encode(&records, &mut bodies)?;
        }
        outcomes.push(clock.stop(encode, pages * PAGE)?);
        let target = Target {
            schema: Some(records.schema().clone()),
            key: Vec::new(),
            ..Target::default()
        };
        let mut decoder = converter.decoder("orders".into(), target)?;
        let clock = Clock::start()?;
        for _ in 0..pages {
            for i in 0..bodies.len() {
                let body = bodies.get(i);
                let message = MessageRef {
                    body,
                    ..MessageRef::default()
                };
                if decoder.push(message)? == Pushed::TakeFirst {
                    let text = "bodies of one schema are of two";
                    return Err(Error::new(ErrorKind::Internal, text));
                }
            }
            decoder.take()?;
        }
        outcomes.push(clock.stop(decode, pages * PAGE)?);
    }
    Ok(outcomes)
}

/// The first page's messages, sent again and again, then pulled.
async fn transport(
    name: &str,
    transport: Arc<dyn Transport>,
    queue_type: QueueType,
    rows: i64,
) -> Result<Vec<Outcome>> {
    let topic = format!("bench_part_{}", process::id());
    let records = Workload::Orders.records(&topic, 1..=PAGE, 0)?;
    let mut encoded = Encoded::default();
    json("false")?.encode(&records, &mut encoded.bodies)?;
    connect_converters::encode_keys(&records, &mut encoded.keys)?;
    let pages = (rows / PAGE).max(1);
    let rows = pages * PAGE;
    transport
        .create_topic(&topic, OrdersTopic::QUEUES, queue_type)
        .await?;
    let orders = OrdersTopic::new(transport.clone(), &topic);
    let mut publisher = orders.publisher().await?;
    let clock = Clock::start()?;
    for _ in 0..pages {
        publisher.send(Page::of(&records, &encoded)).await?;
    }
    publisher.flush().await?;
    let sent = clock.stop(&format!("{name}-send"), rows)?;
    publisher.close(CLOSE).await?;

    // A broker puts messages into their queues a moment after it has stored them.
    while orders.count().await? < rows.unsigned_abs() {
        tokio::time::sleep(LOOK).await;
    }
    let group = format!("{topic}_group");
    transport.create_group(&group).await?;
    let mut readers = JoinSet::new();
    let clock = Clock::start()?;
    for queue in transport.queues(&topic).await? {
        let end = transport.bounds(&queue).await?.end;
        let mut reader = transport.reader(&group, &queue, 0).await?;
        readers.spawn(async move {
            let mut messages = 0_usize;
            let mut next = 0;
            while next < end {
                let pulled = reader.pull(WAIT).await?;
                messages += pulled.len();
                next = pulled.next;
            }
            Ok::<_, Error>(messages)
        });
    }
    let mut messages = 0;
    while let Some(read) = readers.join_next().await {
        let stopped = |e| Error::new(ErrorKind::Internal, "a reader broke off").with_source(e);
        messages += read.map_err(stopped)??;
    }
    let pulled = clock.stop(&format!("{name}-pull"), rows)?;
    transport.close(CLOSE).await;
    let expected = rows.unsigned_abs();
    crate::outcome::ensure_rows("the topic", messages as u64, expected)?;
    Ok(vec![sent, pulled])
}

/// Batches of a table written and read, as connectors do by default.
async fn dialect(name: &str, dialect: Arc<dyn Dialect>, rows: i64) -> Result<Vec<Outcome>> {
    let table_name = format!("bench_part_{}", process::id());
    let mut table = OrdersTable::create(dialect, &table_name).await?;
    let mut outcomes = Vec::new();
    let writes = [
        ("upsert", WriteOp::Upsert, 0),
        ("upsert-existing", WriteOp::Upsert, 1),
        ("insert", WriteOp::Insert, 0),
    ];
    for (what, op, revision) in writes {
        if what == "insert" {
            table.clear().await?;
        }
        let plan = table.plan(op, None)?;
        let mut spent: Option<Outcome> = None;
        let mut start = 1;
        while start <= rows {
            let end = (start + PAGE - 1).min(rows);
            // The rows are made outside of what is measured.
            let records = Workload::Orders.records("orders", start..=end, revision)?;
            let clock = Clock::start()?;
            table.write(&plan, &records).await?;
            let piece = clock.stop(&format!("{name}-{what}"), end - start + 1)?;
            match &mut spent {
                Some(spent) => spent.add(&piece),
                None => spent = Some(piece),
            }
            start = end + 1;
        }
        outcomes.extend(spent);
    }
    table.settle().await?;
    let clock = Clock::start()?;
    let read = table.read(PAGE_ROWS).await?;
    outcomes.push(clock.stop(&format!("{name}-read"), rows)?);
    let expected = rows.unsigned_abs();
    crate::outcome::ensure_rows("the table", read as u64, expected)?;
    let count = table.count().await?;
    crate::outcome::ensure_rows("the table", count, expected)?;
    table.drop().await?;
    Ok(outcomes)
}
