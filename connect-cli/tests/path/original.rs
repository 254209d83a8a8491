//! Files of the Java original, and what it sends, taken as they are.
use crate::{client::Database, setting, unique, with_servers};
use connect_api::{Encoded, config::Settings};
use connect_runtime::{ConnectorConfig, Registry, WorkerConfig};
use connect_transport::{
    Page, Publisher, PublisherOptions, QueueType, Transport,
    rocketmq::{RocketMq, RocketMqOptions},
};
use connector_jdbc_sink::JdbcSink;
use connector_jdbc_source::JdbcSource;
use std::{
    fs,
    num::NonZeroU32,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_secs(60);
const JSON: &str = "org.apache.rocketmq.connect.runtime.converter.record.json.JsonConverter";

/// A worker's properties as the original ships them, with every key that it has, and one that
/// was never any of its own.
const WORKER: &str = r#"
workerId=WORKER
storePathRootDir=STORE
## Http port for user to access REST API
httpPort=8082
# namesrvAddr=localhost:9876
aclEnable=false
accessKey=rocketmq
secretKey=12345678
autoCreateGroupEnable=false
autoCreateTopicEnable=true
clusterName="cluster1"
pluginPaths=/home/connect/plugins,target/sample.jar
connectClusterId=DefaultConnectCluster
keyConverter=org.apache.rocketmq.connect.runtime.converter.record.StringConverter
valueConverter=org.apache.rocketmq.connect.runtime.converter.record.StringConverter
maxMessageSize=0
operationTimeout=3000
clusterStoreTopic=connector-cluster-topic
allocTaskStrategy=org.apache.rocketmq.connect.runtime.service.strategy.DefaultAllocateConnAndTaskStrategy
configStoreTopic=connector-config-topic
configPersistInterval=20000
positionStoreTopic=connector-position-topic
positionPersistInterval=20000
offsetStoreTopic=connector-offset-topic
offsetPersistInterval=20000
connectStatusTopic=connector-status-topic
statePersistInterval=20000
rmqProducerGroup=connector-producer-group
rmqConsumerGroup=connector-consumer-group
adminExtGroup=connector-admin-group
rmqMaxRedeliveryTimes=0
rmqMessageConsumeTimeout=3000
rmqMaxConsumeThreadNums=32
rmqMinConsumeThreadNums=1
brokerSuspendMaxTimeMillis=300
maxStartTimeoutMills=180000
maxStopTimeoutMills=60000
offsetCommitTimeoutMsConfig=5000
offsetCommitIntervalMsConfig=1000
openLogMetricReporter=false
metricsConfigPath=/home/connect/metrics.conf
clusterManagementService=org.apache.rocketmq.connect.runtime.service.ClusterManagementServiceImpl
configManagementService=org.apache.rocketmq.connect.runtime.service.local.LocalConfigManagementServiceImpl
positionManagementService=org.apache.rocketmq.connect.runtime.service.local.LocalPositionManagementServiceImpl
stateManagementService=org.apache.rocketmq.connect.runtime.service.local.LocalStateManagementServiceImpl
"#;

/// What the program says and does with files of the original.
struct Files {
    dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Files {
    fn new(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store").display().to_string();
        let worker = WORKER.replace("WORKER", name).replace("STORE", &store);
        fs::write(dir.path().join("connect-distributed.conf"), worker).unwrap();
        Self { dir, child: None }
    }

    fn connector(&self, file: &str, settings: &serde_json::Value) {
        let text = serde_json::to_string_pretty(settings).unwrap();
        fs::write(self.dir.path().join(file), text).unwrap();
    }

    fn command(&self, verb: &str, connectors: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"));
        command
            .current_dir(self.dir.path())
            .args([verb, "connect-distributed.conf"])
            .args(connectors)
            .env("NAMESRV_ADDR", setting("CONNECT_TEST_ROCKETMQ"))
            .env_remove("RUST_LOG");
        command
    }

    fn check(&self, connectors: &[&str]) -> (i32, String) {
        let output = self.command("check", connectors).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    }

    fn start(&mut self, connectors: &[&str]) {
        let log = fs::File::create(self.dir.path().join("log")).unwrap();
        let child = self
            .command("run", connectors)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn wait(&self, mut done: impl FnMut() -> bool) {
        let until = Instant::now() + LIMIT;
        while !done() {
            assert!(
                Instant::now() < until,
                "not in time; the log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ended = child.kill();
            let _status = child.wait();
        }
    }
}

/// User, password and address of the MariaDB of the tests, as the original wants them.
fn mariadb() -> (String, String, String) {
    let url = setting("CONNECT_TEST_MYSQL_URL");
    let (user, rest) = url
        .strip_prefix("mysql://")
        .unwrap()
        .split_once(':')
        .unwrap();
    let (password, rest) = rest.split_once('@').unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    (user.to_owned(), password.to_owned(), address.to_owned())
}

#[test]
fn a_worker_and_connectors_of_the_original_move_rows_as_they_are() {
    let _servers = with_servers();
    let name = unique("original");
    let (user, password, address) = mariadb();
    let (from, to) = (format!("{name}_a"), format!("{name}_b"));
    for space in [&from, &to] {
        Database::MariaDb.make_space(space);
        Database::MariaDb.run(&format!(
            "CREATE TABLE {space}.{name} (id bigint PRIMARY KEY AUTO_INCREMENT, company varchar(20),
               entered datetime(6), day date, hours time, pay decimal(10,2), level smallint,
               rate float);"
        ));
    }
    Database::MariaDb.run(&format!(
        "INSERT INTO {from}.{name} (company, entered, day, hours, pay, level, rate) VALUES
           ('a', '2024-06-01 12:34:56.123456', '2024-06-01', '12:34:56', 99.90, 3, 0.1),
           (NULL, NULL, NULL, NULL, NULL, NULL, NULL),
           ('c', '1969-12-31 23:59:59.999999', '1582-10-04', '00:00:00', -0.01, -5, 1.5);
         CREATE TABLE {from}.{name}_other (id bigint PRIMARY KEY);
         INSERT INTO {from}.{name}_other VALUES (1), (2), (3), (4);"
    ));
    let mut files = Files::new(&name);
    files.connector(
        "mysql-jdbc-source.conf",
        &serde_json::json!({
            "connector.class": "org.apache.rocketmq.connect.jdbc.mysql.source.MysqlJdbcSourceConnector",
            "max.tasks": "1",
            "connect.topicname": name,
            "connection.url": format!("jdbc:mysql://{address}"),
            "connection.user": user,
            "connection.password": password,
            "table.whitelist": format!("{from}.{name}_other,{from}.{name}"),
            "mode": "incrementing",
            "incrementing.column.name": "id",
            "timestamp.initial": "-1",
            "dialect.name": "MySqlDatabaseDialect",
            "numeric.precision.mapping": "false",
            "numeric.mapping": "BEST_FIT",
            "quote.sql.identifiers": "ALWAYS",
            "catalog.pattern": "",
            "transforms": "",
            "ordering.msg.enable": "true",
            "poll.interval.ms": "200",
            "key.converter": JSON,
            "value.converter": JSON,
        }),
    );
    files.connector(
        "mysql-jdbc-sink.template",
        &serde_json::json!({
            "connector.class": "org.apache.rocketmq.connect.jdbc.mysql.sink.MysqlJdbcSinkConnector",
            "max.tasks": "2",
            "connect.topicnames": name,
            "connection.url": format!("jdbc:mysql://{address}/{to}"),
            "connection.user": user,
            "connection.password": password,
            "pk.fields": "id",
            "pk.mode": "record_value",
            "insert.mode": "UPSERT",
            "table.name.from.header": "true",
            "tables.whitelist": format!("{to}.{name}"),
            "table.types": "TABLE",
            "max.retries": "10",
            "retry.backoff.ms": "300",
            "errors.deadletterqueue.topic.name": format!("{name}-dlq"),
            "errors.deadletterqueue.read.queue.nums": "8",
            "errors.log.enable": "true",
            "errors.tolerance": "ALL",
            "key.converter": JSON,
            "key.converter.schemas.enable": "true",
            "value.converter": JSON,
        }),
    );
    let both = ["mysql-jdbc-source.conf", "mysql-jdbc-sink.template"];
    let (code, said) = files.check(&both);
    assert_eq!(code, 0, "{said}");
    for note in [
        "note: worker: `httpPort` has no effect here",
        "note: worker: `clusterManagementService` has no effect here",
        "note: mysql-jdbc-source: `timestamp.initial` has no effect in mode incrementing",
        "note: mysql-jdbc-source: `numeric.mapping` has no effect here",
        &format!(
            "note: mysql-jdbc-source: column `entered` of {name}: digits below a millisecond are \
             truncated"
        ),
        "note: mysql-jdbc-sink: `table.types` has no effect here",
        "note: mysql-jdbc-sink: `tables.whitelist`: rows of other tables are skipped",
        "ok: mysql-jdbc-source",
        "ok: mysql-jdbc-sink",
    ] {
        assert!(said.contains(note), "{note}: {said}");
    }
    assert!(!said.contains("column `day`"), "{said}");
    files.start(&both);
    let count = || Database::MariaDb.number(&format!("SELECT count(*) FROM {to}.{name};"));
    files.wait(|| count() == 3);
    let rows = |space: &str, entered: &str| {
        Database::MariaDb.run(&format!(
            "SELECT id, company, {entered}, day, hours, pay, level, rate FROM {space}.{name}
             ORDER BY id;"
        ))
    };
    // Cut to milliseconds, towards the past, and nothing else changed.
    let cut = "CAST(concat(date_format(entered, '%Y-%m-%d %H:%i:%s.'), \
               left(date_format(entered, '%f'), 3)) AS datetime(6))";
    assert_eq!(rows(&to, "entered"), rows(&from, cut));
    let log = files.log();
    let warnings = log
        .matches("digits below a millisecond are truncated")
        .count();
    assert_eq!(warnings, 1, "{log}");
    files.wait(|| files.log().contains(&format!("rows of table {name}_other")));
    for space in [&from, &to] {
        Database::MariaDb.drop_space(space);
    }
}

/// Sends these messages, each with its key, in order.
async fn send(topic: &str, messages: &[(String, String)]) {
    let servers = setting("CONNECT_TEST_ROCKETMQ");
    let options = RocketMqOptions {
        instance_name: unique("original_sender"),
        ..RocketMqOptions::new(&servers)
    };
    let transport: Arc<dyn Transport> = RocketMq::connect(options).await.unwrap();
    let queues = NonZeroU32::new(4).unwrap();
    transport
        .create_topic(topic, queues, QueueType::Simple)
        .await
        .unwrap();
    let options = PublisherOptions::default();
    let mut publisher = Publisher::open(&transport, topic, options, Default::default())
        .await
        .unwrap();
    let mut encoded = Encoded::default();
    for (key, body) in messages {
        encoded.keys.push(key.as_bytes());
        encoded.bodies.push(body.as_bytes());
    }
    publisher.send(Page::new(&encoded)).await.unwrap();
    publisher.flush().await.unwrap();
    transport.close(Duration::from_secs(5)).await;
}

#[test]
fn deletes_of_the_java_runtime_are_deletes_whatever_form_their_keys_have() {
    const ROWS: usize = 600;
    let _servers = with_servers();
    let name = unique("java_deletes");
    Database::Postgres.make_space(&name);
    let table = Database::Postgres.quoted(&name, "orders");
    Database::Postgres.run(&format!(
        "CREATE TABLE {table} (id bigint PRIMARY KEY, note text);"
    ));
    let schema = r#"{"type":"struct","fields":[{"field":"id","optional":true,"type":"int64"},{"field":"note","optional":true,"type":"string"}],"name":"orders","optional":true}"#;
    let key = |id: usize| match id % 4 {
        0 => id.to_string(),
        1 => format!(r#"{{"id":{id}}}"#),
        2 => format!(
            r#"{{"schema":{{"type":"struct","fields":[{{"field":"id","type":"int64"}}]}},"payload":{{"id":{id}}}}}"#
        ),
        _ => format!(r#"{{"schema":{{"type":"int64"}},"payload":{id}}}"#),
    };
    let row = |id: usize| {
        let payload = format!(r#"{{"id":{id},"note":"n"}}"#);
        (
            key(id),
            format!(r#"{{"schema":{schema},"payload":{payload}}}"#),
        )
    };
    let delete = |id: usize| {
        let body = match id % 3 {
            0 => format!(r#"{{"schema":{schema},"payload":null}}"#),
            1 => r#"{"schema":null,"payload":null}"#.to_owned(),
            _ => "null".to_owned(),
        };
        (key(id), body)
    };
    let mut messages: Vec<_> = (1..=ROWS + 10).map(row).collect();
    messages.extend((1..=ROWS).map(delete));
    messages.push((String::new(), "null".to_owned()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(send(&name, &messages));
    let mut files = Files::new(&name);
    files.connector(
        "sink.json",
        &serde_json::json!({
            "connector.class": "JdbcSinkConnector",
            "connect.topicnames": name,
            "connection.url": Database::Postgres.url(&name),
            "table.name.format": format!("{name}.orders"),
            "insert.mode": "upsert",
            "pk.mode": "record_key",
            "pk.fields": "id",
            "delete.enabled": "true",
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": format!("{name}_dlq"),
            "value.converter": JSON,
            "key.converter": JSON,
        }),
    );
    files.start(&["sink.json"]);
    let left = || Database::Postgres.run(&format!("SELECT count(*), min(id) FROM {table};"));
    files.wait(|| left().trim() == format!("10|{}", ROWS + 1));
    files.wait(|| {
        files
            .log()
            .contains("message sent to the dead letter queue")
    });
    let log = files.log();
    assert_eq!(
        log.matches("message sent to the dead letter queue").count(),
        1,
        "{log}"
    );
    assert!(log.contains("the message has no key"), "{log}");
    Database::Postgres.drop_space(&name);
}

fn validated(settings: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let registry = Registry::default()
        .with(JdbcSource::new(Arc::new(dialects::open)))
        .with(JdbcSink::new(Arc::new(dialects::open)));
    let worker = WorkerConfig::new([("transport", "embedded")]).unwrap();
    let settings = Settings::from_iter(settings.iter().copied());
    let config = ConnectorConfig::new("original", settings).map_err(|e| e.to_string())?;
    connect_runtime::validate_one(&registry, &worker, &config).map_err(|faults| faults.to_string())
}

const SOURCE: [(&str, &str); 4] = [
    ("connection.url", "jdbc:mysql://h/d"),
    ("mode", "bulk"),
    ("table.whitelist", "t"),
    ("connect.topicname", "t"),
];
const SINK: [(&str, &str); 2] = [
    ("connection.url", "jdbc:mysql://h/d"),
    ("connect.topicnames", "t"),
];

#[test]
fn every_class_name_of_the_original_is_a_connector() {
    let original = "org.apache.rocketmq.connect.jdbc";
    for place in ["source", "mysql.source", "connector"] {
        let class = format!("{original}.{place}.JdbcSourceConnector");
        let class = ("connector.class", class.as_str());
        validated(&[&SOURCE[..], &[class]].concat()).unwrap();
    }
    for place in ["sink", "mysql.sink", "connector"] {
        let class = format!("{original}.{place}.JdbcSinkConnector");
        let class = ("connector.class", class.as_str());
        validated(&[&SINK[..], &[class]].concat()).unwrap();
    }
    for class in [
        "MysqlJdbcSourceConnector",
        "JdbcSourceConnector",
        "jdbc-source",
    ] {
        validated(&[&SOURCE[..], &[("connector.class", class)]].concat()).unwrap();
    }
    for class in ["MysqlJdbcSinkConnector", "JdbcSinkConnector", "jdbc-sink"] {
        validated(&[&SINK[..], &[("connector.class", class)]].concat()).unwrap();
    }
}

#[test]
fn every_key_of_the_original_works_or_is_noted() {
    let source = |key, value| {
        validated(
            &[
                &SOURCE[..],
                &[("connector.class", "JdbcSourceConnector"), (key, value)],
            ]
            .concat(),
        )
    };
    let sink = |key, value| {
        validated(
            &[
                &SINK[..],
                &[("connector.class", "JdbcSinkConnector"), (key, value)],
            ]
            .concat(),
        )
    };
    for (key, value, noted) in [
        ("connector.direct.enable", "false", true),
        ("task.class", "x", true),
        ("task.id", "0", true),
        ("errors.log.enable", "true", true),
        ("errors.log.include.messages", "true", true),
        ("quote.sql.identifiers", "NEVER", true),
        ("numeric.precision.mapping", "true", true),
        ("numeric.mapping", "best_fit_eager_double", true),
        ("dialect.name", "", false),
        ("dialect.name", "MySqlDatabaseDialect", false),
        ("transforms", "", false),
        ("transforms.Replace.class", "x", true),
        ("key.converter", JSON, false),
        ("key.converter.schemas.enable", "false", false),
        (
            "key.converter",
            "org.apache.rocketmq.connect.runtime.converter.record.StringConverter",
            false,
        ),
    ] {
        for (of, notes) in [("source", source(key, value)), ("sink", sink(key, value))] {
            // Settings of a converter need the converter that has them.
            if key == "key.converter.schemas.enable" {
                continue;
            }
            let notes = notes.unwrap_or_else(|faults| panic!("{of} {key}={value}: {faults}"));
            assert_eq!(!notes.is_empty(), noted, "{of} {key}={value}: {notes:?}");
        }
    }
    for (key, value, noted) in [
        ("schema.pattern", "shop", false),
        ("catalog.pattern", "shop", false),
        ("timestamp.initial", "-1", true),
        ("timestamp.delay.interval.ms", "5", true),
        ("incrementing.column.name", "id", true),
        ("ordering.msg.enable", "true", true),
        ("tables", "t", true),
    ] {
        let notes = source(key, value).unwrap_or_else(|faults| panic!("{key}={value}: {faults}"));
        assert_eq!(!notes.is_empty(), noted, "{key}={value}: {notes:?}");
    }
    for (key, value, noted) in [
        ("table.types", "TABLE", true),
        ("tables.whitelist", "db1.table01,db1.table02", true),
        ("table.name.from.header", "true", false),
        ("table.name.format", "x", false),
        ("db.timezone", "UTC", false),
        ("auto.create", "true", false),
        ("fields.whitelist", "a,b", false),
        ("max.retries", "10", false),
        ("retry.backoff.ms", "3000", false),
        ("pk.fields", "id", true),
        ("errors.deadletterqueue.topic.name", "dlq", true),
        ("errors.deadletterqueue.read.queue.nums", "8", true),
    ] {
        let notes = sink(key, value).unwrap_or_else(|faults| panic!("{key}={value}: {faults}"));
        assert_eq!(!notes.is_empty(), noted, "{key}={value}: {notes:?}");
    }
}

#[test]
fn a_sink_of_the_original_gets_a_note_on_how_the_original_names_tables() {
    let class = "org.apache.rocketmq.connect.jdbc.mysql.sink.JdbcSinkConnector";
    // As it is shipped.
    let shipped = [
        ("max.tasks", "2"),
        ("connect.topicnames", "employee-test-topic-json-00002"),
        (
            "connection.url",
            "jdbc:mysql://localhost:3306/test_database_001",
        ),
        ("connection.user", "*****"),
        ("connection.password", "*****"),
        ("pk.fields", "id"),
        ("pk.mode", "record_value"),
        ("insert.mode", "UPSERT"),
        ("db.timezone", "UTC"),
        ("table.types", "TABLE"),
        ("errors.deadletterqueue.topic.name", "dlq-topic"),
        ("errors.log.enable", "true"),
        ("errors.tolerance", "ALL"),
        ("key.converter", JSON),
        ("value.converter", JSON),
    ];
    let notes = |more: &[(&'static str, &'static str)], class: &'static str| {
        let class = [("connector.class", class)];
        let notes = validated(&[&shipped[..], &class, more].concat());
        notes.unwrap_or_else(|faults| panic!("{faults}"))
    };
    let noted = |notes: &[String]| notes.iter().any(|n| n.contains("${schema.name}"));
    assert!(noted(&notes(&[], class)));
    assert!(!noted(&notes(&[("table.name.format", "${topic}")], class)));
    assert!(!noted(&notes(&[("table.name.from.header", "true")], class)));
    assert!(!noted(&notes(&[], "jdbc-sink")));
}

#[test]
fn unsupported_settings_that_would_change_rows_are_rejected() {
    let class = ("connector.class", "JdbcSourceConnector");
    let with = |more: &[(&'static str, &'static str)]| {
        validated(&[&SOURCE[..], &[class], more].concat()).unwrap_err()
    };
    let faults = with(&[
        ("transforms", "Replace"),
        (
            "transforms.Replace.class",
            "org.apache.rocketmq.connect.transforms.PatternRename$Value",
        ),
    ]);
    assert!(
        faults.starts_with("`transforms`: this version has no transforms"),
        "{faults}"
    );
    assert_eq!(faults.lines().count(), 1, "{faults}");
    let faults = with(&[("dialect.name", "PostgreSqlDatabaseDialect")]);
    assert!(
        faults.contains("is postgres, and `connection.url` is of mysql"),
        "{faults}"
    );
    let faults = with(&[(
        "value.converter",
        "org.apache.rocketmq.schema.avro.AvroConverter",
    )]);
    assert!(faults.contains("there is no converter"), "{faults}");
    let faults = with(&[("key.converter", "bytes")]);
    assert!(faults.contains("key.converter: "), "{faults}");
}

#[test]
fn the_name_servers_of_the_environment_are_for_files_that_name_none() {
    let dir = tempfile::tempdir().unwrap();
    let run = |worker: &str, variable: Option<&str>| {
        fs::write(dir.path().join("worker.conf"), worker).unwrap();
        fs::write(dir.path().join("c.conf"), "{\"connector.class\":\"none\"}").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"));
        command
            .args(["check", "worker.conf", "c.conf"])
            .current_dir(dir.path() as &Path)
            .env_remove("NAMESRV_ADDR");
        if let Some(value) = variable {
            command.env("NAMESRV_ADDR", value);
        }
        let output = command.output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let missing = run("workerId=w\n", None);
    assert!(missing.contains("`namesrvAddr`: is required"), "{missing}");
    let given = run("workerId=w\n", Some("127.0.0.1:1"));
    assert!(given.contains("127.0.0.1:1"), "{given}");
    let own = run("namesrvAddr=127.0.0.1:2\n", Some("127.0.0.1:1"));
    assert!(
        own.contains("127.0.0.1:2") && !own.contains("127.0.0.1:1"),
        "{own}"
    );
}
