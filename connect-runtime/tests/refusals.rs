//! Messages that cannot be written: the task ends at the first, or sets them aside.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]
use async_trait::async_trait;
use connect_api::{
    Connector, Direction, Encoded, Error, ErrorKind, Kind, PutOutcome, Records, Rejected, Result,
    Schema, SinkTask, Target, TaskContext, TaskKind, ValueRef, config::Settings,
};
use connect_runtime::{ConnectorConfig, Registry, TaskState, TaskStatus, Worker, WorkerConfig};
use connect_transport::{
    Page, Publisher, PublisherOptions, QueueType, Transport,
    embedded::{Embedded, EmbeddedOptions},
};
use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;

connect_api::settings! {
    /// The sink of the test has no settings.
    struct TableConfig {}
}

/// A table of numbers: it refuses negative ones, and takes no column `extra`.
#[derive(Clone, Default)]
struct Numbers {
    rows: Arc<Mutex<Vec<i64>>>,
}

impl Connector for Numbers {
    type Config = TableConfig;
    const NAME: &'static str = "numbers";
    const DIRECTION: Direction = Direction::Sink;

    fn task(&self, _: TableConfig) -> Result<TaskKind> {
        Ok(TaskKind::Sink(Box::new(self.clone())))
    }
}

#[async_trait]
impl SinkTask for Numbers {
    async fn start(&mut self, _: TaskContext) -> Result<()> {
        Ok(())
    }

    async fn target(&mut self, _: &str) -> Result<Target> {
        let fields = ["id", "extra"].map(|name| Kind::Int64.field(name, true));
        Ok(Target {
            schema: Some(Schema::new("numbers", fields, &[])?),
            key: Vec::new(),
            ..Target::default()
        })
    }

    async fn put(&mut self, records: &Records) -> Result<PutOutcome> {
        let mut outcome = PutOutcome::default();
        let incompatible = records.schema().index_of("extra").is_some();
        for (row, values) in records.rows().enumerate() {
            let error = match values.get(0) {
                _ if incompatible => {
                    Error::new(ErrorKind::Schema, "the table has no column `extra`")
                }
                ValueRef::Int(id) if id >= 0 => {
                    self.rows.lock().unwrap().push(id);
                    outcome.written += 1;
                    continue;
                }
                _ => Error::new(ErrorKind::Data, "column `id`: negative"),
            };
            outcome.rejected.push(Rejected { row, error });
        }
        Ok(outcome)
    }

    async fn put_until_refused(&mut self, records: &Records) -> Result<PutOutcome> {
        let mut written = self.rows.lock().unwrap().len();
        let mut outcome = self.put(records).await?;
        if let Some(first) = outcome.rejected.first() {
            written += first.row;
            self.rows.lock().unwrap().truncate(written);
            outcome.written = first.row;
            outcome.rejected.truncate(1);
        }
        Ok(outcome)
    }
}

/// A worker over queues of its own.
struct Bench {
    dir: TempDir,
    sink: Numbers,
}

impl Bench {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            sink: Numbers::default(),
        }
    }

    async fn transport(&self) -> Arc<dyn Transport> {
        let path = self.dir.path().join("queues");
        let options = EmbeddedOptions::default();
        Arc::new(Embedded::open(path, options).await.unwrap())
    }

    /// Sends bodies to a topic of one queue.
    async fn send<B: AsRef<[u8]>>(&self, topic: &str, bodies: &[B]) {
        let transport = self.transport().await;
        let created = transport
            .create_topic(topic, NonZeroU32::MIN, QueueType::Simple)
            .await;
        created.unwrap();
        let options = PublisherOptions {
            max_message_bytes: 8 << 20,
            ..PublisherOptions::default()
        };
        let stop = Default::default();
        let publisher = Publisher::open(&transport, topic, options, stop).await;
        let mut publisher = publisher.unwrap();
        let mut encoded = Encoded::default();
        for body in bodies {
            encoded.keys.push(b"");
            encoded.bodies.push(body.as_ref());
        }
        publisher.send(Page::new(&encoded)).await.unwrap();
        publisher.close(Duration::from_secs(10)).await.unwrap();
        transport.close(Duration::from_secs(5)).await;
    }

    /// Runs the sink until the task is as `done` wants it, and gives its status.
    async fn run(&self, more: &[(&str, &str)], done: impl Fn(&TaskStatus) -> bool) -> TaskStatus {
        let dir = self.dir.path().join("store").display().to_string();
        let config = WorkerConfig::new([("transport", "embedded"), ("storePathRootDir", &dir)]);
        let registry = Registry::default().with(self.sink.clone());
        let transport = self.transport().await;
        let mut worker = Worker::open(config.unwrap(), registry, transport).unwrap();
        let mut settings = vec![
            ("connector.class", "numbers"),
            ("connect.topicnames", "t"),
            ("consumer.batch.max.rows", "200"),
        ];
        settings.retain(|(key, _)| !more.iter().any(|(k, _)| k == key));
        settings.extend(more);
        let settings = Settings::from_iter(settings);
        worker
            .start(ConnectorConfig::new("sink", settings).unwrap())
            .unwrap();
        let board = worker.status().clone();
        let waiting = async {
            loop {
                let task = board.tasks().remove(0);
                if done(&task) {
                    return task;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let task = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        let task = task.unwrap_or_else(|_| panic!("not in time: {:#?}", board.tasks()));
        worker.stop().await.unwrap();
        task
    }

    async fn fail(&self, more: &[(&str, &str)]) -> String {
        let failed = |task: &TaskStatus| task.state == TaskState::Failed;
        self.run(more, failed).await.cause.unwrap().message
    }

    fn rows(&self) -> Vec<i64> {
        let mut rows = self.sink.rows.lock().unwrap().clone();
        rows.sort_unstable();
        rows
    }

    /// Bodies and properties of all dead letters, by queue and offset.
    async fn letters(&self) -> Vec<(Vec<u8>, BTreeMap<String, String>)> {
        let transport = self.transport().await;
        let mut letters = Vec::new();
        for queue in transport.queues("dead").await.unwrap() {
            let end = transport.bounds(&queue).await.unwrap().end;
            let mut reader = transport.reader("test", &queue, 0).await.unwrap();
            let mut next = 0;
            while next < end {
                let pulled = reader.pull(Duration::from_secs(10)).await.unwrap();
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                for message in pulled.iter() {
                    let properties = message.properties.iter();
                    let properties = properties.map(|(name, value)| (text(name), text(value)));
                    letters.push((message.body.to_vec(), properties.collect()));
                }
                next = pulled.next;
            }
        }
        transport.close(Duration::from_secs(5)).await;
        letters
    }
}

const TOLERANT: [(&str, &str); 4] = [
    ("errors.tolerance", "all"),
    ("errors.deadletterqueue.topic.name", "dead"),
    ("errors.deadletterqueue.write.queue.nums", "1"),
    ("errors.deadletterqueue.context.properties.enable", "true"),
];

fn good(ids: std::ops::Range<i64>) -> Vec<String> {
    ids.map(|id| format!("{{\"id\":{id}}}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_before_an_unreadable_message_is_written_and_the_task_fails_there() {
    let bench = Bench::new();
    let mut bodies = good(0..1000);
    bodies[500] = "<order/>".to_owned();
    bench.send("t", &bodies).await;
    for _restart in 0..3 {
        let message = bench.fail(&[]).await;
        assert!(
            message.starts_with("message 500 of queue t:0: "),
            "{message}"
        );
        assert_eq!(bench.rows(), (0..500).collect::<Vec<_>>());
    }
    // What stands behind it comes once it is tolerated.
    let done = |task: &TaskStatus| task.records == 499 && task.dead_letters == 1;
    bench.run(&TOLERANT, done).await;
    let expected: Vec<_> = (0..1000).filter(|id| *id != 500).collect();
    assert_eq!(bench.rows(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_before_a_rejected_row_is_written_and_the_task_fails_there() {
    for bad in ["{\"id\":-1}", "{\"id\":1,\"extra\":2}"] {
        let bench = Bench::new();
        let mut bodies = good(0..1000);
        bodies[500] = bad.to_owned();
        bench.send("t", &bodies).await;
        for _restart in 0..3 {
            let message = bench.fail(&[]).await;
            assert!(
                message.starts_with("message 500 of queue t:0: "),
                "{message}"
            );
            assert_eq!(bench.rows(), (0..500).collect::<Vec<_>>(), "{bad}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_queue_and_topic_is_committed_up_to_its_last_written_message() {
    for bad in ["{\"id\":-1}", "{\"id\":1,\"extra\":2}", "<order/>"] {
        let bench = Bench::new();
        let mut bodies = good(0..300);
        bodies[100] = bad.to_owned();
        bench.send("t", &bodies).await;
        bench.send("u", &good(1000..1300)).await;
        let topics = [("connect.topicnames", "t;u")];
        let message = bench.fail(&topics).await;
        assert!(
            message.starts_with("message 100 of queue t:0: "),
            "{message}"
        );
        let all: Vec<_> = topics.iter().chain(&TOLERANT).copied().collect();
        let rows = bench.rows();
        assert!(rows.starts_with(&(0..100).collect::<Vec<_>>()), "{bad}");
        // No row comes twice, and none is left out: what was written is committed.
        let left = 599 - rows.len() as u64;
        let done = |task: &TaskStatus| task.records == left && task.dead_letters == 1;
        bench.run(&all, done).await;
        let expected = (0..300).filter(|id| *id != 100).chain(1000..1300);
        assert_eq!(bench.rows(), expected.collect::<Vec<_>>(), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_an_incompatible_schema_go_to_the_dead_letter_queue_with_queue_and_offset() {
    let bench = Bench::new();
    let mut bodies = good(0..20);
    for (offset, bad) in [
        (3, "{\"id\":3,\"extra\":1}"),
        (4, "{\"id\":4,\"extra\":1}"),
        (9, "{\"a\":\"no id\"}"),
        (19, "{\"extra\":1}"),
    ] {
        bodies[offset] = bad.to_owned();
    }
    bench.send("t", &bodies).await;
    let done = |task: &TaskStatus| task.records == 16 && task.dead_letters == 4;
    bench.run(&TOLERANT, done).await;
    let letters = bench.letters().await;
    let mut offsets: Vec<u32> = letters
        .iter()
        .map(|(_, p)| p["__connect.errors.offset"].parse().unwrap())
        .collect();
    offsets.sort_unstable();
    assert_eq!(offsets, [3, 4, 9, 19]);
    for (body, properties) in &letters {
        assert_eq!(properties["__connect.errors.topic"], "t");
        assert_eq!(properties["__connect.errors.partition"], "0");
        assert_eq!(properties["__connect.errors.class.name"], "data");
        let offset: usize = properties["__connect.errors.offset"].parse().unwrap();
        assert_eq!(body, bodies[offset].as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_fails_without_dead_letters_if_no_message_fits_the_table() {
    let bench = Bench::new();
    let incompatible = "{\"id\":1,\"extra\":1}";
    bench.send("t", &good(0..10)).await;
    bench.send("t", &vec![incompatible; 150]).await;
    let limit = ("errors.tolerance.mismatches.max", "99");
    let settings: Vec<_> = TOLERANT.iter().chain([&limit]).copied().collect();
    // Those that fit are written; the later ones of the same batch go to the dead letter queue.
    let failed = |task: &TaskStatus| task.dead_letters == 150;
    bench.run(&settings, failed).await;
    bench.send("t", &vec![incompatible; 100]).await;
    for _restart in 0..2 {
        let message = bench.fail(&settings).await;
        assert!(
            message.contains("more than 99 consecutive messages"),
            "{message}"
        );
        assert!(message.contains("message 259 of queue t:0"), "{message}");
        assert!(message.contains("`extra`"), "{message}");
    }
    assert_eq!(bench.letters().await.len(), 150);
    let without_limit = ("errors.tolerance.mismatches.max", "0");
    let settings: Vec<_> = TOLERANT.iter().chain([&without_limit]).copied().collect();
    bench.run(&settings, |task| task.dead_letters == 100).await;
    assert_eq!(bench.rows(), (0..10).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_that_are_too_large_are_split_and_long_reasons_are_truncated() {
    let bench = Bench::new();
    let sizes = [4_063_232, 4_063_233, 4_194_304];
    let mut bodies: Vec<Vec<u8>> = sizes.iter().map(|n| vec![b'x'; *n]).collect();
    bodies[2].reverse();
    bodies[2][0] = b'y';
    let name = "名".repeat(40_000);
    bodies.push(format!("{{\"id\":1,\"{name}\":2}}").into_bytes());
    bodies.push(b"{\"id\":7}".to_vec());
    for body in &bodies {
        bench.send("t", &[body]).await;
    }
    let done = |task: &TaskStatus| task.records == 1 && task.dead_letters == 4;
    bench.run(&TOLERANT, done).await;
    let mut whole: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let letters = bench.letters().await;
    assert_eq!(letters.len(), 6);
    for (body, properties) in &letters {
        let offset = properties["__connect.errors.offset"].clone();
        let part = properties.get("__connect.errors.body.part");
        let in_parts = offset == "1" || offset == "2";
        assert_eq!(part.is_some(), in_parts, "{properties:?}");
        assert!(properties["__connect.errors.exception.message"].len() < 1100);
        whole.entry(offset).or_default().extend(body);
    }
    for (offset, body) in &bodies[..4].iter().enumerate().collect::<Vec<_>>() {
        assert!(whole[&offset.to_string()] == **body, "offset {offset}");
    }
}
