//! Rows of a source that its converter or the transport refuses.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]
use async_trait::async_trait;
use connect_api::{
    ConnectRecord, Connector, Direction, Kind, Offset, Polled, Position, Records, Result, Schema,
    SourceTask, TaskContext, TaskKind, Value, config::Settings,
};
use connect_runtime::{
    ConnectorConfig, Registry, StatusBoard, TaskState, TaskStatus, Worker, WorkerConfig,
};
use connect_transport::{
    Transport,
    embedded::{Embedded, EmbeddedOptions},
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

connect_api::settings! {
    /// The source of the test has no settings.
    struct MixedConfig {
        /// Not used.
        "nothing": nothing: String, optional, Low;
    }
}

/// Ten rows, once: 3 is not a number, 7 is too long.
struct Mixed {
    done: bool,
}

impl Connector for Mixed {
    type Config = MixedConfig;
    const NAME: &'static str = "mixed";
    const DIRECTION: Direction = Direction::Source;

    fn task(&self, _: MixedConfig) -> Result<TaskKind> {
        Ok(TaskKind::Source(Box::new(Mixed { done: false })))
    }
}

#[async_trait]
impl SourceTask for Mixed {
    async fn start(&mut self, _: TaskContext) -> Result<()> {
        Ok(())
    }

    async fn poll(&mut self) -> Result<Polled> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(Polled::Idle(Duration::from_millis(5)));
        }
        let fields = [
            Kind::Int64.field("id", false),
            Kind::Float64.field("x", true),
            Kind::Text.field("text", true),
        ];
        let schema = Schema::new("numbers", fields, &["id"])?;
        let rows = (0..10).map(|id| {
            let x = if id == 3 { f64::NAN } else { 0.5 };
            let text = "planted".repeat(if id == 7 { 1_000 } else { 1 });
            ConnectRecord {
                values: vec![Value::Int(id), Value::Float(x), text.into()],
                ..Default::default()
            }
        });
        let records = Records::from_rows("rows".into(), schema, rows)?;
        let offset: Offset = [("row".into(), 10.into())].into();
        let partition = Arc::default();
        Ok(Polled::Records(
            records.with_position(Position { partition, offset }),
        ))
    }
}

struct Bench {
    dir: TempDir,
    transport: Arc<dyn Transport>,
    worker: Worker,
}

async fn start(more: &[(&str, &str)]) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let opened = Embedded::open(dir.path().join("queues"), EmbeddedOptions::default()).await;
    let transport: Arc<dyn Transport> = Arc::new(opened.unwrap());
    let store = dir.path().join("store").display().to_string();
    let config = WorkerConfig::new([
        ("transport", "embedded"),
        ("storePathRootDir", &*store),
        ("offsetCommitIntervalMsConfig", "1"),
    ]);
    let registry = Registry::default().with(Mixed { done: false });
    let mut worker = Worker::open(config.unwrap(), registry, transport.clone()).unwrap();
    let mut settings = Settings::from_iter([
        ("connector.class", "mixed"),
        ("topic.queue.nums", "1"),
        ("producer.max.message.bytes", "2000"),
    ]);
    more.iter()
        .for_each(|(key, value)| settings.set(*key, *value));
    worker
        .start(ConnectorConfig::new("mixed", settings).unwrap())
        .unwrap();
    Bench {
        dir,
        transport,
        worker,
    }
}

async fn wait(board: &StatusBoard, done: impl Fn(&TaskStatus) -> bool) -> TaskStatus {
    let waiting = async {
        loop {
            if let Some(task) = board.tasks().into_iter().find(&done) {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.unwrap_or_else(|_| panic!("not in time: {:#?}", board.tasks()))
}

/// Key, body and the reason of each message of a topic.
async fn messages(transport: &dyn Transport, topic: &str) -> Vec<(String, String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut all = Vec::new();
    for queue in transport.queues(topic).await.unwrap() {
        let end = transport.bounds(&queue).await.unwrap().end;
        let mut reader = transport.reader("test", &queue, 0).await.unwrap();
        let mut seen = 0;
        while seen < end {
            let pulled = reader.pull(Duration::from_secs(5)).await.unwrap();
            for message in pulled.iter() {
                let property = |name: &str| text(message.properties.get(name).unwrap_or_default());
                let reason = property("__connect.errors.exception.message");
                all.push((property("KEYS"), text(message.body), reason));
                seen += 1;
            }
        }
    }
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_rows_go_to_the_dead_letter_queue_with_key_and_reason_and_the_others_are_sent() {
    let bench = start(&[
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", "dead"),
    ])
    .await;
    let status = wait(bench.worker.status(), |t| {
        t.dead_letters == 2 && t.records == 8
    })
    .await;
    assert_eq!(status.state, TaskState::Running);
    let keys: Vec<_> = messages(bench.transport.as_ref(), "rows").await;
    let keys: Vec<_> = keys.iter().map(|m| m.0.as_str()).collect();
    assert_eq!(keys, ["0", "1", "2", "4", "5", "6", "8", "9"]);
    // The position is stored once the letters are acknowledged.
    let stored = bench.dir.path().join("store/positions.json");
    let stored = || std::fs::read_to_string(&stored).unwrap_or_default();
    wait(bench.worker.status(), |_| stored().contains("row")).await;
    let letters = messages(bench.transport.as_ref(), "dead").await;
    let [nan, long] = letters.as_slice() else {
        panic!("{letters:?}");
    };
    assert_eq!((&*nan.0, &*nan.1), ("3", "{\"id\":3}"));
    assert!(nan.2.contains("column `x`"), "{}", nan.2);
    assert_eq!((&*long.0, &*long.1), ("7", "{\"id\":7}"));
    assert!(long.2.contains("2000"), "{}", long.2);
    assert!(!format!("{letters:?}").contains("planted"));
    bench.worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tolerance_the_row_is_reported_with_advice_and_no_position_is_stored() {
    let bench = start(&[]).await;
    let status = wait(bench.worker.status(), |t| t.state == TaskState::Failed).await;
    let message = status.cause.unwrap().message;
    assert!(
        message.contains("column `x`") && message.contains("row 3"),
        "{message}"
    );
    assert!(message.contains("its key is `id`"), "{message}");
    assert!(message.contains("errors.tolerance=all"), "{message}");
    assert!(!message.contains("planted"), "{message}");
    bench.worker.stop().await.unwrap();
    let stored = bench.dir.path().join("store/positions.json");
    let stored = std::fs::read_to_string(stored).unwrap_or_default();
    assert!(!stored.contains("row"), "{stored}");
}
