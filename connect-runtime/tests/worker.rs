//! A worker with connectors of the test over the embedded transport.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]
use async_trait::async_trait;
use connect_api::{
    Connector, Direction, Error, ErrorKind, Kind, MessageProperties, Offset, Polled, Position,
    PutOutcome, Records, Rejected, Result, Schema, SchemaRef, SinkTask, SourceTask, Target,
    TaskContext, TaskKind, Value, ValueRef, config::Settings,
};
use connect_runtime::{
    ConnectorConfig, Registry, StatusBoard, TaskState, TaskStatus, Worker, WorkerConfig,
};
use connect_transport::{
    Page, Publisher, PublisherOptions, QueueType, SCHEMA_VERSION, SOURCE_DATABASE, SOURCE_POSITION,
    TAGS, Transport,
    embedded::{Embedded, EmbeddedOptions},
};
use std::{
    num::{NonZeroU32, NonZeroU64},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

fn schema() -> SchemaRef {
    let fields = [
        Kind::Int64.field("id", false),
        Kind::Text.field("text", true),
    ];
    Schema::new("numbers", fields, &["id"]).unwrap()
}

connect_api::settings! {
    /// Settings of the source of numbers.
    struct NumbersConfig {
        /// Where the rows go.
        "topic": topic: String, required, High;
        /// How many rows there are.
        "count": count: NonZeroU64, required, High;
        /// Rows that share an id.
        "versions": versions: NonZeroU64, default "1", Low;
    }
}

/// Rows numbered from 0, a hundred at a time.
struct Numbers;

impl Connector for Numbers {
    type Config = NumbersConfig;
    const NAME: &'static str = "numbers";
    const DIRECTION: Direction = Direction::Source;

    fn task(&self, config: NumbersConfig) -> Result<TaskKind> {
        Ok(TaskKind::Source(Box::new(NumbersTask { config, next: 0 })))
    }
}

struct NumbersTask {
    config: NumbersConfig,
    next: i64,
}

#[async_trait]
impl SourceTask for NumbersTask {
    async fn start(&mut self, cx: TaskContext) -> Result<()> {
        let stored = cx.positions.read(&[Default::default()]).await?.remove(0);
        if let Some(Value::Int(next)) = stored.and_then(|mut offset| offset.remove("next")) {
            self.next = next;
        }
        Ok(())
    }

    async fn poll(&mut self) -> Result<Polled> {
        let count = i64::try_from(self.config.count.get()).unwrap();
        let versions = i64::try_from(self.config.versions.get()).unwrap();
        let rows: Vec<_> = (self.next..count.min(self.next + 100))
            .map(|i| connect_api::ConnectRecord {
                values: vec![(i / versions).into(), format!("row {i}").into()],
                ..Default::default()
            })
            .collect();
        if rows.is_empty() {
            return Ok(Polled::Idle(Duration::from_millis(10)));
        }
        self.next += i64::try_from(rows.len()).unwrap();
        let offset: Offset = [("next".into(), self.next.into())].into();
        let partition = Arc::default();
        let records = Records::from_rows(self.config.topic.as_str().into(), schema(), rows)?;
        let properties = MessageProperties {
            tag: Some("numbers".into()),
            database: Some("shop".into()),
            schema_version: Some("a1".into()),
            key: None,
            with_position: true,
        };
        Ok(Polled::Records(
            records
                .with_properties(Arc::new(properties))
                .with_position(Position { partition, offset }),
        ))
    }
}

connect_api::settings! {
    /// The sink of the test has no settings.
    struct CollectConfig {
        /// Not used.
        "nothing": nothing: String, optional, Low;
    }
}

type Rows = Arc<Mutex<Vec<(i64, Option<String>)>>>;

/// Keeps the rows it is given, and fails as configured.
#[derive(Clone, Default)]
struct Collect {
    rows: Rows,
    /// So many puts fail, with this kind.
    failures: Arc<AtomicUsize>,
    kind: Option<ErrorKind>,
    /// Rows with this id are refused.
    refused: Option<i64>,
}

impl Connector for Collect {
    type Config = CollectConfig;
    const NAME: &'static str = "collect";
    const DIRECTION: Direction = Direction::Sink;

    fn task(&self, _: CollectConfig) -> Result<TaskKind> {
        Ok(TaskKind::Sink(Box::new(self.clone())))
    }
}

#[async_trait]
impl SinkTask for Collect {
    async fn start(&mut self, _: TaskContext) -> Result<()> {
        Ok(())
    }

    async fn target(&mut self, _: &str) -> Result<Target> {
        Ok(Target {
            schema: Some(schema()),
            key: vec!["id".to_owned()],
            ..Target::default()
        })
    }

    async fn put(&mut self, records: &Records) -> Result<PutOutcome> {
        let less = |n: usize| n.checked_sub(1);
        let failing = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if let (Ok(_), Some(kind)) = (failing, self.kind) {
            return Err(Error::new(kind, "the sink is configured to fail"));
        }
        let mut outcome = PutOutcome::default();
        for (index, row) in records.rows().enumerate() {
            let (ValueRef::Int(id), text) = (row.get(0), row.get(1)) else {
                panic!("no id");
            };
            if self.refused == Some(id) {
                let error = Error::new(ErrorKind::Data, "column `id`: refused");
                outcome.rejected.push(Rejected { row: index, error });
                continue;
            }
            let text = match text {
                ValueRef::Text(text) => Some(text.to_owned()),
                _ => None,
            };
            self.rows.lock().unwrap().push((id, text));
            outcome.written += 1;
        }
        Ok(outcome)
    }
}

struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    async fn transport(&self) -> Arc<dyn Transport> {
        let path = self.path().join("queues");
        Arc::new(
            Embedded::open(path, EmbeddedOptions::default())
                .await
                .unwrap(),
        )
    }

    async fn worker(&self, sink: &Collect) -> Worker {
        let dir = self.path().join("store").display().to_string();
        let config = WorkerConfig::new([
            ("transport", "embedded"),
            ("storePathRootDir", &dir),
            ("offsetCommitIntervalMsConfig", "20"),
        ]);
        let registry = Registry::default().with(Numbers).with(sink.clone());
        Worker::open(config.unwrap(), registry, self.transport().await).unwrap()
    }
}

fn source(count: u64) -> ConnectorConfig {
    let count = count.to_string();
    connector(
        "source",
        &[
            ("connector.class", "numbers"),
            ("topic", "t"),
            ("count", &count),
        ],
    )
}

fn sink(more: &[(&str, &str)]) -> ConnectorConfig {
    let mut settings = vec![
        ("connector.class", "collect"),
        ("connect.topicnames", "t"),
        ("consumer.batch.max.rows", "64"),
        ("errors.retry.delay.max.ms", "5"),
    ];
    settings.extend(more);
    connector("sink", &settings)
}

fn connector(name: &str, settings: &[(&str, &str)]) -> ConnectorConfig {
    ConnectorConfig::new(name, Settings::from_iter(settings.iter().copied())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_have_the_properties_of_their_page() {
    let bench = Bench::new();
    let mut worker = bench.worker(&Collect::default()).await;
    worker.start(source(3)).unwrap();
    let done = |tasks: &[TaskStatus]| tasks.iter().all(|task| task.records == 3);
    wait(worker.status(), done).await;
    worker.stop().await.unwrap();
    let transport = bench.transport().await;
    let mut messages = 0;
    for queue in transport.queues("t").await.unwrap() {
        let mut reader = transport.reader("test", &queue, 0).await.unwrap();
        let pulled = reader.pull(Duration::from_millis(1)).await.unwrap();
        for message in pulled.iter() {
            for (name, value) in [
                (TAGS, "numbers"),
                (SOURCE_DATABASE, "shop"),
                (SCHEMA_VERSION, "a1"),
                (SOURCE_POSITION, r#"{"next":{"Int":3}}"#),
            ] {
                let found = message.properties.get(name).unwrap_or_default();
                assert_eq!(String::from_utf8_lossy(found), value, "{name}");
            }
            messages += 1;
        }
    }
    assert_eq!(messages, 3);
}

/// Waits until the tasks are as `done` wants them; fails after a while, with what they are.
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
    let ended = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(ended.is_ok(), "not in time: {last:#?}");
    last
}

fn written(tasks: &[TaskStatus], name: &str) -> u64 {
    let of = tasks.iter().filter(|t| &*t.id.connector == name);
    of.map(|t| t.records).sum()
}

fn ids(rows: &Rows) -> Vec<i64> {
    let mut ids: Vec<_> = rows.lock().unwrap().iter().map(|r| r.0).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_key_arrive_in_order_and_none_is_missing() {
    let bench = Bench::new();
    let collect = Collect::default();
    let mut worker = bench.worker(&collect).await;
    let versions = [
        ("connector.class", "numbers"),
        ("topic", "t"),
        ("count", "3000"),
        ("versions", "10"),
    ];
    worker.start(connector("source", &versions)).unwrap();
    worker.start(sink(&[("max.tasks", "3")])).unwrap();
    wait(worker.status(), |t| written(t, "sink") == 3000).await;
    worker.stop().await.unwrap();
    let rows = collect.rows.lock().unwrap().clone();
    for id in 0..300 {
        let texts: Vec<_> = rows
            .iter()
            .filter(|r| r.0 == id)
            .map(|r| r.1.clone())
            .collect();
        let expected: Vec<_> = (id * 10..id * 10 + 10)
            .map(|i| Some(format!("row {i}")))
            .collect();
        assert_eq!(texts, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_worker_resumes_where_it_was() {
    let bench = Bench::new();
    let collect = Collect::default();
    for count in [1000, 2500] {
        let mut worker = bench.worker(&collect).await;
        worker.start(source(count)).unwrap();
        worker.start(sink(&[])).unwrap();
        wait(worker.status(), |_| {
            collect.rows.lock().unwrap().len() as u64 >= count
        })
        .await;
        let board = worker.status().clone();
        worker.stop().await.unwrap();
        assert!(board.tasks().iter().all(|t| t.state == TaskState::Stopped));
    }
    assert_eq!(ids(&collect.rows), (0..2500).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn transient_errors_are_retried_and_no_row_is_lost() {
    for kind in [ErrorKind::Connect, ErrorKind::Busy, ErrorKind::Conflict] {
        let bench = Bench::new();
        let collect = Collect {
            failures: Arc::new(AtomicUsize::new(5)),
            kind: Some(kind),
            ..Collect::default()
        };
        let mut worker = bench.worker(&collect).await;
        worker.start(source(500)).unwrap();
        worker.start(sink(&[])).unwrap();
        let tasks = wait(worker.status(), |t| written(t, "sink") >= 500).await;
        worker.stop().await.unwrap();
        let mut seen = ids(&collect.rows);
        seen.dedup();
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
        let sink = tasks.iter().find(|t| &*t.id.connector == "sink").unwrap();
        assert_eq!(sink.retries, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_reports_its_cause_and_the_others_continue() {
    let bench = Bench::new();
    let collect = Collect {
        failures: Arc::new(AtomicUsize::new(1)),
        kind: Some(ErrorKind::Auth),
        ..Collect::default()
    };
    let mut worker = bench.worker(&collect).await;
    worker.start(source(500)).unwrap();
    worker.start(sink(&[])).unwrap();
    let failed = |t: &[TaskStatus]| t.iter().any(|t| t.state == TaskState::Failed);
    let tasks = wait(worker.status(), |t| {
        failed(t) && written(t, "source") == 500
    })
    .await;
    let cause = tasks.iter().find_map(|t| t.cause.clone()).unwrap();
    assert_eq!(
        (cause.kind, &*cause.message),
        (ErrorKind::Auth, "the sink is configured to fail")
    );
    assert!(tasks.iter().any(|t| t.state == TaskState::Running));
    worker.stop().await.unwrap();

    // Nothing was passed over: the next worker writes all of it.
    let mut worker = bench.worker(&collect).await;
    worker.start(sink(&[])).unwrap();
    wait(worker.status(), |t| written(t, "sink") == 500).await;
    worker.stop().await.unwrap();
    assert_eq!(ids(&collect.rows), (0..500).collect::<Vec<_>>());
}

async fn send(transport: &Arc<dyn Transport>, topic: &str, messages: &[(&str, &str)]) {
    transport
        .create_topic(topic, NonZeroU32::MIN, QueueType::Simple)
        .await
        .unwrap();
    let mut publisher = Publisher::open(
        transport,
        topic,
        PublisherOptions::default(),
        Default::default(),
    )
    .await
    .unwrap();
    let mut encoded = connect_api::Encoded::default();
    for (key, body) in messages {
        encoded.keys.push(key.as_bytes());
        encoded.bodies.push(body.as_bytes());
    }
    publisher.send(Page::new(&encoded)).await.unwrap();
    publisher.close(Duration::from_secs(10)).await.unwrap();
}

const GOOD: (&str, &str) = ("1", r#"{"id":1,"text":"a"}"#);
const BAD: (&str, &str) = ("2", "<order/>");

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_json_fails_the_task_and_stays() {
    let bench = Bench::new();
    let collect = Collect::default();
    let transport = bench.transport().await;
    send(&transport, "t", &[GOOD, BAD]).await;
    transport.close(Duration::from_secs(5)).await;
    drop(transport);
    let mut worker = bench.worker(&collect).await;
    worker.start(sink(&[])).unwrap();
    let failed = |t: &[TaskStatus]| t.iter().all(|t| t.state == TaskState::Failed);
    let tasks = wait(worker.status(), failed).await;
    let cause = tasks[0].cause.clone().unwrap();
    assert_eq!(cause.kind, ErrorKind::Data);
    assert!(
        cause.message.starts_with("message 1 of queue t:0: "),
        "{}",
        cause.message
    );
    assert!(cause.message.contains("is not JSON"), "{}", cause.message);
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_cannot_be_written_go_to_the_dead_letter_queue_unchanged() {
    let bench = Bench::new();
    let collect = Collect {
        refused: Some(3),
        ..Collect::default()
    };
    let transport = bench.transport().await;
    let refused = ("3", r#"{"id":3,"text":null}"#);
    send(
        &transport,
        "t",
        &[GOOD, BAD, refused, ("4", r#"{"id":4,"text":"d"}"#)],
    )
    .await;
    transport.close(Duration::from_secs(5)).await;
    drop(transport);
    let mut worker = bench.worker(&collect).await;
    let tolerant = [
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", "dead"),
        ("errors.deadletterqueue.write.queue.nums", "1"),
        ("errors.deadletterqueue.context.properties.enable", "true"),
    ];
    worker.start(sink(&tolerant)).unwrap();
    let done = |t: &[TaskStatus]| t.iter().all(|t| t.dead_letters == 2 && t.records == 2);
    wait(worker.status(), done).await;
    worker.stop().await.unwrap();
    assert_eq!(ids(&collect.rows), [1, 4]);

    let transport = bench.transport().await;
    let queue = transport.queues("dead").await.unwrap().remove(0);
    let mut reader = transport.reader("test", &queue, 0).await.unwrap();
    let mut letters = Vec::new();
    while letters.len() < 2 {
        let pulled = reader.pull(Duration::from_secs(10)).await.unwrap();
        assert!(!pulled.is_empty(), "no dead letter came");
        for message in pulled.iter() {
            let text = |name| {
                let value = message.properties.get(name).unwrap_or_default();
                String::from_utf8_lossy(value).into_owned()
            };
            let body = String::from_utf8_lossy(message.body).into_owned();
            letters.push((text("KEYS"), body, text("__connect.errors.offset")));
        }
    }
    letters.sort();
    let expected = |(key, body): (&str, &str), offset: &str| {
        (key.to_owned(), body.to_owned(), offset.to_owned())
    };
    assert_eq!(letters, [expected(BAD, "1"), expected(refused, "2")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_invalid_settings_are_reported_at_once_with_suggestions() {
    let bench = Bench::new();
    let mut worker = bench.worker(&Collect::default()).await;
    let wrong = sink(&[("consumer.linger", "5"), ("consume.from.where", "nowhere")]);
    let e = worker.start(wrong).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config);
    let text = e.to_string();
    assert!(text.starts_with("connector sink: "), "{text}");
    assert!(
        text.contains("`consumer.linger`: unknown key; did you mean `consumer.linger.ms`?"),
        "{text}"
    );
    assert!(
        text.contains("`consume.from.where`: `nowhere` is none of"),
        "{text}"
    );
    let e = worker
        .start(connector("x", &[("connector.class", "collekt")]))
        .unwrap_err();
    assert!(e.to_string().contains("there are numbers, collect"), "{e}");
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_starts_at_the_configured_offset_and_each_group_reads_all() {
    let bench = Bench::new();
    let transport = bench.transport().await;
    send(&transport, "t", &[GOOD]).await;
    transport.close(Duration::from_secs(5)).await;
    drop(transport);
    let (first, last) = (Collect::default(), Collect::default());
    for (collect, group, from) in [
        (&first, "a", "CONSUME_FROM_FIRST_OFFSET"),
        (&last, "b", "CONSUME_FROM_LAST_OFFSET"),
    ] {
        let more = [("task.group.id", group), ("consume.from.where", from)];
        let mut worker = bench.worker(collect).await;
        worker.start(sink(&more)).unwrap();
        let running = |t: &[TaskStatus]| t.iter().all(|t| t.state == TaskState::Running);
        wait(worker.status(), running).await;
        worker.stop().await.unwrap();
        // What comes while nobody reads is not passed over: where the group began is stored.
        let transport = bench.transport().await;
        send(&transport, "t", &[("7", r#"{"id":7,"text":"late"}"#)]).await;
        transport.close(Duration::from_secs(5)).await;
        drop(transport);
        let mut worker = bench.worker(collect).await;
        worker.start(sink(&more)).unwrap();
        wait(worker.status(), |_| ids(&collect.rows).contains(&7)).await;
        worker.stop().await.unwrap();
    }
    assert_eq!(ids(&first.rows), [1, 7]);
    assert_eq!(ids(&last.rows), [7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_created_with_the_configured_number_of_queues() {
    let bench = Bench::new();
    let mut worker = bench.worker(&Collect::default()).await;
    let settings = [
        ("connector.class", "numbers"),
        ("topic", "t"),
        ("count", "10"),
        ("topic.queue.nums", "3"),
        // One page at a time is on its way, and all of them arrive.
        ("producer.in.flight.bytes", "1"),
    ];
    worker.start(connector("source", &settings)).unwrap();
    wait(worker.status(), |t| written(t, "source") == 10).await;
    worker.stop().await.unwrap();
    assert_eq!(bench.transport().await.queues("t").await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_fails_after_the_retry_timeout() {
    for (timeout, tries) in [("0", 0), ("60", 1)] {
        let bench = Bench::new();
        let collect = Collect {
            failures: Arc::new(AtomicUsize::new(usize::MAX)),
            kind: Some(ErrorKind::Connect),
            ..Collect::default()
        };
        let mut worker = bench.worker(&collect).await;
        worker.start(source(10)).unwrap();
        worker
            .start(sink(&[("errors.retry.timeout", timeout)]))
            .unwrap();
        let failed = |t: &[TaskStatus]| t.iter().any(|t| t.state == TaskState::Failed);
        let tasks = wait(worker.status(), failed).await;
        let sink = tasks.iter().find(|t| t.state == TaskState::Failed).unwrap();
        assert!(sink.retries >= tries, "{sink:#?}");
        assert_eq!(sink.cause.clone().unwrap().kind, ErrorKind::Connect);
        worker.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_end_by_rows_by_bytes_and_by_linger() {
    let cases = [
        ("consumer.batch.max.rows", "10", 10),
        // A body of this test takes 24 bytes or more.
        ("consumer.batch.max.bytes", "48", 50),
        ("consumer.linger.ms", "0", 1),
    ];
    for (key, value, batches) in cases {
        let bench = Bench::new();
        let collect = Collect::default();
        let mut worker = bench.worker(&collect).await;
        worker.start(source(100)).unwrap();
        wait(worker.status(), |t| written(t, "source") == 100).await;
        let settings = [
            ("connector.class", "collect"),
            ("connect.topicnames", "t"),
            (key, value),
        ];
        worker.start(connector("sink", &settings)).unwrap();
        let tasks = wait(worker.status(), |t| written(t, "sink") == 100).await;
        worker.stop().await.unwrap();
        let sink = tasks.iter().find(|t| &*t.id.connector == "sink").unwrap();
        assert!(sink.batches >= batches, "{key}: {sink:#?}");
        assert_eq!(ids(&collect.rows), (0..100).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_must_stop_ends_tasks_that_hang() {
    let bench = Bench::new();
    let dir = bench.path().join("store").display().to_string();
    let config = WorkerConfig::new([
        ("transport", "embedded"),
        ("storePathRootDir", &dir),
        ("maxStopTimeoutMills", "200"),
    ]);
    let registry = Registry::default().with(Hanging);
    let mut worker = Worker::open(config.unwrap(), registry, bench.transport().await).unwrap();
    worker
        .start(connector("hang", &[("connector.class", "hanging")]))
        .unwrap();
    let running = |t: &[TaskStatus]| t.iter().all(|t| t.state == TaskState::Running);
    wait(worker.status(), running).await;
    let e = worker.stop().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Timeout, "{e}");
}

/// A source that says where it begins, and has no rows.
struct Marker;

impl Connector for Marker {
    type Config = CollectConfig;
    const NAME: &'static str = "marker";
    const DIRECTION: Direction = Direction::Source;

    fn task(&self, _: CollectConfig) -> Result<TaskKind> {
        Ok(TaskKind::Source(Box::new(Marker)))
    }
}

#[async_trait]
impl SourceTask for Marker {
    async fn start(&mut self, _: TaskContext) -> Result<()> {
        Ok(())
    }

    async fn poll(&mut self) -> Result<Polled> {
        let records = Records::from_rows("t".into(), schema(), [])?;
        let offset: Offset = [("begin".into(), 5.into())].into();
        let partition = Arc::default();
        let polled = records.with_position(Position { partition, offset });
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Polled::Records(polled))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_without_rows_is_stored() {
    let bench = Bench::new();
    let dir = bench.path().join("store");
    let config = WorkerConfig::new([
        ("transport", "embedded"),
        ("storePathRootDir", &*dir.display().to_string()),
        ("offsetCommitIntervalMsConfig", "1"),
    ]);
    let registry = Registry::default().with(Marker);
    let mut worker = Worker::open(config.unwrap(), registry, bench.transport().await).unwrap();
    worker
        .start(connector("marker", &[("connector.class", "marker")]))
        .unwrap();
    let stored = || std::fs::read_to_string(dir.join("positions.json")).unwrap_or_default();
    wait(worker.status(), |_| stored().contains("begin")).await;
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_sent_while_positions_cannot_be_stored_and_positions_are_stored_later() {
    let bench = Bench::new();
    let store = bench.path().join("store");
    let in_the_way = store.join("positions.json.new");
    let mut worker = bench.worker(&Collect::default()).await;
    std::fs::create_dir_all(&in_the_way).unwrap();
    worker.start(source(500)).unwrap();
    let tasks = wait(worker.status(), |t| {
        written(t, "source") == 500 && t[0].cause.is_some()
    })
    .await;
    assert_eq!(tasks[0].state, TaskState::Running);
    let cause = tasks[0].cause.clone().unwrap();
    assert!(cause.message.contains("cannot be written"), "{cause:?}");
    let stored = || std::fs::read_to_string(store.join("positions.json")).unwrap_or_default();
    assert_eq!(stored(), "");
    std::fs::remove_dir(&in_the_way).unwrap();
    let last = |_: &[TaskStatus]| stored().contains("500");
    let tasks = wait(worker.status(), |t| last(t) && t[0].cause.is_none()).await;
    assert_eq!(tasks[0].state, TaskState::Running);
    worker.stop().await.unwrap();
}

/// A source whose `stop` never ends.
struct Hanging;

impl Connector for Hanging {
    type Config = CollectConfig;
    const NAME: &'static str = "hanging";
    const DIRECTION: Direction = Direction::Source;

    fn task(&self, _: CollectConfig) -> Result<TaskKind> {
        Ok(TaskKind::Source(Box::new(Hanging)))
    }
}

#[async_trait]
impl SourceTask for Hanging {
    async fn start(&mut self, _: TaskContext) -> Result<()> {
        Ok(())
    }

    async fn poll(&mut self) -> Result<Polled> {
        Ok(Polled::Idle(Duration::from_secs(1)))
    }

    async fn stop(&mut self) -> Result<()> {
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_uses_a_directory_at_a_time() {
    let bench = Bench::new();
    let first = bench.worker(&Collect::default()).await;
    let dir = bench.path().join("store").display().to_string();
    let config = WorkerConfig::new([("transport", "embedded"), ("storePathRootDir", &dir)]);
    let other = Embedded::open(bench.path().join("other"), EmbeddedOptions::default()).await;
    let second = Worker::open(
        config.unwrap(),
        Registry::default(),
        Arc::new(other.unwrap()),
    );
    let e = second.err().unwrap();
    assert!(e.to_string().contains("another worker uses it"), "{e}");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn of_two_sinks_with_one_group_the_second_stands_by_and_takes_over() {
    let place = Bench::new();
    let collect = Collect::default();
    let mut worker = place.worker(&collect).await;
    worker.start(source(500)).unwrap();
    let group = ("task.group.id", "shared");
    worker.start(sink(&[group])).unwrap();
    let board = worker.status().clone();
    wait(&board, |tasks| written(tasks, "sink") == 500).await;
    let topics = ("connect.topicnames", "t");
    let class = ("connector.class", "collect");
    worker
        .start(connector("other", &[class, topics, group]))
        .unwrap();
    let tasks = wait(&board, |tasks| {
        tasks.iter().any(|t| {
            &*t.id.connector == "other" && t.state == TaskState::Retrying && t.cause.is_some()
        })
    })
    .await;
    let other = tasks.iter().find(|t| &*t.id.connector == "other").unwrap();
    let cause = &other.cause.as_ref().unwrap().message;
    assert!(cause.contains("connector sink, task 0"), "{cause}");
    assert!(cause.contains("stands by"), "{cause}");
    worker.stop().await.unwrap();
    assert_eq!(
        ids(&collect.rows),
        (0..500).collect::<Vec<_>>(),
        "each row once"
    );
}
