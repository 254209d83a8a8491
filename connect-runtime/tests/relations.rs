//! Rows that refer to others, and rows of several tables in one topic.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]
use async_trait::async_trait;
use connect_api::{
    Connector, Direction, Error, ErrorKind, Headers, Kind, Op, Origin, Origins, PutOutcome,
    Records, Rejected, Result, Schema, SchemaRef, SinkTask, Target, TaskContext, TaskKind,
    ValueRef, config::Settings,
};
use connect_runtime::{
    ConnectorConfig, Registry, StatusBoard, TaskState, TaskStatus, Worker, WorkerConfig,
};
use connect_transport::{
    OP, Page, Publisher, PublisherOptions, QueueType, SOURCE_SCHEMA, SOURCE_TABLE, Transport,
    embedded::{Embedded, EmbeddedOptions},
};
use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;

fn schema() -> SchemaRef {
    let fields = [
        Kind::Int64.field("id", false),
        Kind::Int64.field("parent", true),
        Kind::Int64.field("version", true),
    ];
    Schema::new("family", fields, &["id"]).unwrap()
}

connect_api::settings! {
    /// Settings of the family.
    struct FamilyConfig {
        /// Nothing.
        "note": note: String, optional, Low;
    }
}

/// Parent and version by id.
type Rows = BTreeMap<i64, (Option<i64>, Option<i64>)>;

/// A table whose rows refer to others of it. It takes rows of the source table alone that came
/// first.
#[derive(Clone, Default)]
struct Family {
    rows: Arc<Mutex<Rows>>,
    owner: Arc<Mutex<Option<Origin>>>,
}

impl Connector for Family {
    type Config = FamilyConfig;
    const NAME: &'static str = "family";
    const DIRECTION: Direction = Direction::Sink;

    fn task(&self, _: FamilyConfig) -> Result<TaskKind> {
        Ok(TaskKind::Sink(Box::new(self.clone())))
    }
}

#[async_trait]
impl SinkTask for Family {
    async fn start(&mut self, _: TaskContext) -> Result<()> {
        Ok(())
    }

    async fn target(&mut self, _: &str) -> Result<Target> {
        Ok(Target {
            schema: Some(schema()),
            key: vec!["id".to_owned()],
            origins: Origins::Compared,
            skipped: None,
        })
    }

    async fn target_of(&mut self, topic: &str, origin: &Origin) -> Result<Target> {
        {
            let mut owner = self.owner.lock().unwrap();
            let owner = owner.get_or_insert_with(|| origin.clone());
            if !owner.agrees(origin) {
                return Err(Error::new(ErrorKind::Data, format!("no rows of {origin}")));
            }
        }
        self.target(topic).await
    }

    async fn put(&mut self, records: &Records) -> Result<PutOutcome> {
        let mut outcome = PutOutcome::default();
        let mut rows = self.rows.lock().unwrap();
        for (index, row) in records.rows().enumerate() {
            let int = |i| match row.get(i) {
                ValueRef::Int(value) => Some(value),
                _ => None,
            };
            let (id, parent) = (int(0).unwrap(), int(1));
            // The last row of a key decides.
            if (index + 1..records.len()).any(|i| records.row(i).get(0) == row.get(0)) {
                outcome.written += 1;
                continue;
            }
            let refused = match records.ops().get(index) {
                Op::Delete => rows.values().any(|(parent, _)| *parent == Some(id)),
                _ => parent.is_some_and(|parent| !rows.contains_key(&parent)),
            };
            if refused {
                let error = Error::new(ErrorKind::Data, "a foreign key").of_reference();
                outcome.rejected.push(Rejected { row: index, error });
                continue;
            }
            match records.ops().get(index) {
                Op::Delete => drop(rows.remove(&id)),
                _ => drop(rows.insert(id, (parent, int(2)))),
            }
            outcome.written += 1;
        }
        Ok(outcome)
    }

    fn keys(&self, records: &Records) -> Result<Option<Vec<Box<[u8]>>>> {
        let key = |row: connect_api::Row<'_>| format!("{:?}", row.get(0)).into_bytes().into();
        Ok(Some(records.rows().map(key).collect()))
    }
}

struct Bench {
    dir: TempDir,
    family: Family,
}

impl Bench {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            family: Family::default(),
        }
    }

    async fn transport(&self) -> Arc<dyn Transport> {
        let path = self.dir.path().join("queues");
        Arc::new(
            Embedded::open(path, EmbeddedOptions::default())
                .await
                .unwrap(),
        )
    }

    async fn send(&self, queues: u32, messages: &[Message]) {
        let transport = self.transport().await;
        send(&transport, queues, messages).await;
        transport.close(Duration::from_secs(5)).await;
    }

    async fn worker(&self) -> Worker {
        self.worker_over(self.transport().await)
    }

    fn worker_over(&self, transport: Arc<dyn Transport>) -> Worker {
        let dir = self.dir.path().join("store").display().to_string();
        let config = WorkerConfig::new([
            ("transport", "embedded"),
            ("storePathRootDir", &dir),
            ("offsetCommitIntervalMsConfig", "20"),
        ]);
        let registry = Registry::default()
            .with(self.family.clone())
            .with(connector_jdbc_sink::JdbcSink::new(Arc::new(dialects::open)));
        Worker::open(config.unwrap(), registry, transport).unwrap()
    }

    fn rows(&self) -> Rows {
        self.family.rows.lock().unwrap().clone()
    }
}

#[derive(Clone, Default)]
struct Message {
    id: i64,
    parent: Option<i64>,
    version: i64,
    delete: bool,
    /// Schema and name of the table.
    origin: Option<(&'static str, &'static str)>,
}

fn row(id: i64, parent: Option<i64>, version: i64) -> Message {
    Message {
        id,
        parent,
        version,
        ..Message::default()
    }
}

fn delete(id: i64) -> Message {
    Message {
        id,
        delete: true,
        ..Message::default()
    }
}

async fn send(transport: &Arc<dyn Transport>, queues: u32, messages: &[Message]) {
    let queues = NonZeroU32::new(queues).unwrap();
    transport
        .create_topic("t", queues, QueueType::Simple)
        .await
        .unwrap();
    let options = PublisherOptions::default();
    let publisher = Publisher::open(transport, "t", options, Default::default()).await;
    let mut publisher = publisher.unwrap();
    let mut encoded = connect_api::Encoded::default();
    let mut headers: Vec<Option<Headers>> = Vec::new();
    for message in messages {
        let Message {
            id,
            parent,
            version,
            ..
        } = message;
        let parent = parent.map_or("null".to_owned(), |parent| parent.to_string());
        encoded.keys.push(id.to_string().as_bytes());
        let body = format!("{{\"id\":{id},\"parent\":{parent},\"version\":{version}}}");
        let body = if message.delete { "" } else { &body };
        encoded.bodies.push(body.as_bytes());
        let mut of_row: Vec<(Box<str>, Box<str>)> = Vec::new();
        if message.delete {
            of_row.push((OP.into(), "d".into()));
        }
        if let Some((schema, table)) = message.origin {
            of_row.push((SOURCE_SCHEMA.into(), schema.into()));
            of_row.push((SOURCE_TABLE.into(), table.into()));
        }
        headers.push(Some(of_row.into()));
    }
    let page = Page::new(&encoded).with_headers(&headers);
    publisher.send(page).await.unwrap();
    publisher.close(Duration::from_secs(10)).await.unwrap();
}

const TOLERANT: [(&str, &str); 2] = [
    ("errors.tolerance", "all"),
    ("errors.deadletterqueue.topic.name", "dead"),
];

fn sink(more: &[(&str, &str)]) -> ConnectorConfig {
    let mut settings = vec![
        ("connector.class", "family"),
        ("connect.topicnames", "t"),
        ("consumer.batch.max.rows", "64"),
        ("errors.retry.delay.max.ms", "5"),
    ];
    settings.extend(more);
    ConnectorConfig::new("sink", Settings::from_iter(settings)).unwrap()
}

async fn wait(board: &StatusBoard, done: impl Fn(&[TaskStatus]) -> bool) -> Vec<TaskStatus> {
    let mut last = Vec::new();
    let waiting = async {
        loop {
            last = board.tasks();
            if done(&last) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(120), waiting).await;
    assert!(ended.is_ok(), "not in time: {last:#?}");
    last
}

fn records(tasks: &[TaskStatus]) -> u64 {
    tasks.iter().map(|t| t.records).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_refer_to_rows_of_other_queues_all_arrive() {
    for more in [&TOLERANT[..], &[]] {
        let bench = Bench::new();
        // Half of the rows refer to one that comes later, by far.
        let rows: Vec<Message> = (0..2_000)
            .map(|id| match id % 4 {
                0 => row(id, (id > 0).then(|| id - 1), 0),
                1 => row(id, None, 0),
                2 => row(id, (id + 900 < 2_000).then_some(id + 900), 0),
                _ => row(id, Some((id * 7 + 2) % 2_000 / 4 * 4 + 1), 0),
            })
            .collect();
        bench.send(8, &rows).await;
        let mut worker = bench.worker().await;
        worker.start(sink(more)).unwrap();
        let done = |t: &[TaskStatus]| records(t) == 2_000;
        let tasks = wait(worker.status(), done).await;
        assert_eq!(tasks[0].dead_letters, 0);
        worker.stop().await.unwrap();
        assert_eq!(bench.rows().len(), 2_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_parent_never_arrives_is_rejected_after_the_timeout() {
    let orphan = [row(1, Some(99), 0), row(2, None, 0), row(3, Some(2), 0)];
    let time = ("errors.reference.timeout.ms", "200");
    let bench = Bench::new();
    bench.send(1, &orphan).await;
    let mut worker = bench.worker().await;
    worker
        .start(sink(&[TOLERANT[0], TOLERANT[1], time]))
        .unwrap();
    let done = |t: &[TaskStatus]| t[0].dead_letters == 1 && t[0].records == 2;
    wait(worker.status(), done).await;
    worker.stop().await.unwrap();
    assert_eq!(bench.rows().keys().collect::<Vec<_>>(), [&2, &3]);

    let bench = Bench::new();
    bench.send(1, &orphan).await;
    let mut worker = bench.worker().await;
    worker.start(sink(&[time])).unwrap();
    let failed = |t: &[TaskStatus]| t[0].state == TaskState::Failed;
    let tasks = wait(worker.status(), failed).await;
    let cause = tasks[0].cause.clone().unwrap();
    assert!(
        cause.message.starts_with("message 0 of queue t:0: "),
        "{}",
        cause.message
    );
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_row_is_delivered_again_after_a_restart() {
    let bench = Bench::new();
    bench.send(1, &[row(1, Some(9), 0), row(2, None, 0)]).await;
    let mut worker = bench.worker().await;
    worker.start(sink(&TOLERANT)).unwrap();
    wait(worker.status(), |t| t[0].records == 1).await;
    worker.stop().await.unwrap();
    assert_eq!(bench.rows().len(), 1);
    bench.send(1, &[row(9, None, 0)]).await;
    let mut worker = bench.worker().await;
    worker.start(sink(&TOLERANT)).unwrap();
    wait(worker.status(), |_| bench.rows().len() == 3).await;
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn later_rows_of_a_key_wait_for_the_waiting_one() {
    let bench = Bench::new();
    let transport = bench.transport().await;
    send(&transport, 1, &[row(1, Some(9), 1), row(2, None, 1)]).await;
    let mut worker = bench.worker_over(transport.clone());
    worker.start(sink(&TOLERANT)).unwrap();
    wait(worker.status(), |_| bench.rows().len() == 1).await;
    // It could be written, and would be overwritten by the one that waits.
    send(
        &transport,
        1,
        &[
            row(1, None, 2),
            row(3, Some(9), 1),
            delete(3),
            row(4, None, 1),
        ],
    )
    .await;
    wait(worker.status(), |_| bench.rows().contains_key(&4)).await;
    send(&transport, 1, &[row(9, None, 1)]).await;
    wait(worker.status(), |t| records(t) == 7).await;
    let rows = bench.rows();
    assert_eq!(rows[&1], (None, Some(2)));
    assert_eq!(rows.keys().collect::<Vec<_>>(), [&1, &2, &4, &9]);
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_of_parents_wait_for_those_of_their_children() {
    let bench = Bench::new();
    let rows: Vec<Message> = (0..50)
        .map(|id| row(id, (id > 0).then(|| id - 1), 0))
        .collect();
    let deletes: Vec<Message> = (0..50).map(delete).collect();
    bench.send(1, &[rows, deletes].concat()).await;
    let mut worker = bench.worker().await;
    worker.start(sink(&TOLERANT)).unwrap();
    let tasks = wait(worker.status(), |t| records(t) == 100).await;
    assert_eq!(tasks[0].dead_letters, 0);
    assert!(bench.rows().is_empty());
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_table_in_the_topic_are_rejected_by_name_also_after_a_restart() {
    let bench = Bench::new();
    let of = |table, id| Message {
        origin: Some(table),
        ..row(id, None, 0)
    };
    let (mine, other, elsewhere) = (("a", "mine"), ("a", "other"), ("b", "mine"));
    let unknown = row(4, None, 0);
    bench
        .send(
            1,
            &[
                of(mine, 1),
                of(other, 2),
                of(elsewhere, 3),
                unknown,
                of(mine, 5),
                of(other, 1),
            ],
        )
        .await;
    let mut worker = bench.worker().await;
    worker.start(sink(&TOLERANT)).unwrap();
    let done = |t: &[TaskStatus]| t[0].dead_letters == 3 && t[0].records == 3;
    wait(worker.status(), done).await;
    worker.stop().await.unwrap();
    assert_eq!(bench.rows().keys().collect::<Vec<_>>(), [&1, &4, &5]);
    // A new process knows nothing but what is stored.
    *bench.family.owner.lock().unwrap() = None;
    bench.send(1, &[of(other, 6), of(mine, 7)]).await;
    let mut worker = bench.worker().await;
    worker.start(sink(&TOLERANT)).unwrap();
    let done = |t: &[TaskStatus]| t[0].dead_letters == 1 && t[0].records == 1;
    wait(worker.status(), done).await;
    worker.stop().await.unwrap();
    assert_eq!(bench.rows().keys().collect::<Vec<_>>(), [&1, &4, &5, &7]);
}

/// URLs of the databases that rows go to.
fn databases(dir: &TempDir) -> [String; 3] {
    let server = |name: &str| {
        std::env::var(name).unwrap_or_else(|_| {
            panic!("{name} is not set: run `eval \"$(scripts/services env)\"` first")
        })
    };
    [
        server("CONNECT_TEST_POSTGRES_URL"),
        server("CONNECT_TEST_MYSQL_URL"),
        format!(
            "sqlite:{}?mode=rwc&foreign_keys=true",
            dir.path().join("family.db").display()
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_refers_to_itself_arrives_whole_over_eight_queues() {
    let bench = Bench::new();
    for url in databases(&bench.dir) {
        let bench = Bench::new();
        // Chains of fifty, trees, and rows that come before what they refer to.
        let rows: Vec<Message> = (0..2_000)
            .map(|id| match id % 3 {
                _ if id % 50 == 0 => row(id, None, 0),
                0 => row(id, Some(id / 2), 0),
                1 => row(id, Some(id - 1), 0),
                _ => row(id, Some((id / 50 * 50 + 700) % 2_000), 0),
            })
            .collect();
        let table = format!("family_{}_{}", std::process::id(), url.len());
        let dialect = dialects::open(&url, &dialects::OpenOptions::default()).unwrap();
        let mut connection = dialect.connect().await.unwrap();
        let make = format!(
            "CREATE TABLE {table} (id bigint PRIMARY KEY, parent bigint, version bigint, \
             FOREIGN KEY (parent) REFERENCES {table} (id))"
        );
        connection.execute(&make).await.unwrap();
        bench.send(8, &rows).await;
        let mut worker = bench.worker().await;
        let settings = [
            ("connector.class", "jdbc-sink"),
            ("connection.url", url.as_str()),
            ("table.name.format", &table),
            ("insert.mode", "upsert"),
            ("pk.mode", "record_key"),
            ("consumer.batch.max.rows", "100"),
            TOLERANT[0],
            TOLERANT[1],
            ("connect.topicnames", "t"),
        ];
        let sink = ConnectorConfig::new("sink", Settings::from_iter(settings)).unwrap();
        worker.start(sink).unwrap();
        let done = |t: &[TaskStatus]| records(t) + t[0].dead_letters == 2_000;
        let tasks = wait(worker.status(), done).await;
        assert_eq!(tasks[0].dead_letters, 0, "{}", dialect.name());
        worker.stop().await.unwrap();
        let gone = format!("DELETE FROM {table} WHERE parent IS NOT NULL OR parent IS NULL");
        let unlinked = format!("UPDATE {table} SET parent = NULL");
        assert_eq!(connection.execute(&unlinked).await.unwrap(), 2_000);
        assert_eq!(connection.execute(&gone).await.unwrap(), 2_000);
        connection
            .execute(&format!("DROP TABLE {table}"))
            .await
            .unwrap();
        connection.close().await.unwrap();
    }
}
