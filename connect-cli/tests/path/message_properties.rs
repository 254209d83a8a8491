//! What messages say of their rows beside values, read back from Apache RocketMQ.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use serde_json::Value;
use std::{collections::BTreeMap, process::Command, time::Duration};

const LIMIT: Duration = Duration::from_secs(60);
const ROWS: u64 = 12;
/// 2020-01-02T03:04:05.678Z, and a day later.
const INSERTED: &str = "1577934245678";
const DELETED: &str = "1578020645678";

/// A message of a topic.
pub(crate) struct Message {
    queue: u64,
    offset: i64,
    pub(crate) body: String,
    properties: BTreeMap<String, String>,
}

/// What `messages find` prints.
pub(crate) fn find(topic: &str, by: &[&str]) -> Vec<Message> {
    let output = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"))
        .args([
            "messages", "find", topic, "--limit", "1000", "--body", "--json",
        ])
        .args(by)
        .env("NAMESRV_ADDR", setting("CONNECT_TEST_ROCKETMQ"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("no name server knows it") {
        // Its first row was not sent yet.
        return Vec::new();
    }
    assert!(output.status.success(), "{topic}: {error}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let messages = document["messages"].as_array().unwrap().iter();
    let message = |message: &Value| Message {
        queue: message["queue"].as_u64().unwrap(),
        offset: message["offset"].as_i64().unwrap(),
        body: message["body"].as_str().unwrap().to_owned(),
        properties: serde_json::from_value(message["properties"].clone()).unwrap(),
    };
    messages.map(message).collect()
}

impl Message {
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    pub(crate) fn key(&self) -> &str {
        self.property("KEYS").unwrap()
    }
}

/// A table whose rows have come and are marked as deleted, and a query over it.
struct Scene {
    database: Database,
    space: String,
    /// As PostgreSQL and MariaDB call it.
    database_name: String,
}

impl Scene {
    fn new(database: Database) -> Self {
        let space = unique("said");
        database.make_space(&space);
        let orders = database.quoted(&space, "orders");
        let (time, copies) = match database {
            Database::Postgres => ("timestamptz", "generate_series(1, 12) AS s(seq)"),
            Database::MariaDb => ("timestamp(3)", "seq_1_to_12"),
        };
        let space_of_session = match database {
            Database::Postgres => String::new(),
            Database::MariaDb => format!("USE {space};"),
        };
        database.run(&format!(
            "{space_of_session} CREATE TABLE {orders} (id int PRIMARY KEY, customer int NOT NULL, at {time} NOT NULL, \
             gone boolean NOT NULL);
             INSERT INTO {orders} SELECT seq, 700 + seq % 3, '2020-01-02 03:04:05.678', false \
             FROM {copies};"
        ));
        let url = setting("CONNECT_TEST_POSTGRES_URL");
        let database_name = match database {
            Database::Postgres => {
                let name = url.rsplit_once('/').unwrap().1;
                name.split('?').next().unwrap().to_owned()
            }
            Database::MariaDb => space.clone(),
        };
        Self {
            database,
            space,
            database_name,
        }
    }

    fn connect(&self, program: &mut Program, name: &str) {
        let orders = self.database.quoted(&self.space, "orders");
        let (prefix, copy) = (format!("{}-", self.space), format!("{}-orders", self.space));
        let paid = format!("SELECT id, at, gone FROM {orders} WHERE customer <> 702");
        program.connector(
            &format!("{name}-source"),
            &[
                ("connector.class", "jdbc-source"),
                ("connection.url", &self.database.url(&self.space)),
                (
                    "table.whitelist",
                    &self.database.table(&self.space, "orders"),
                ),
                ("tables.orders.mode", "timestamp"),
                ("tables.orders.message.tag", "${schema}"),
                (
                    "tables.orders.message.key.template",
                    "order-${id} customer-${customer}",
                ),
                ("queries.paid.sql", &paid),
                ("queries.paid.mode", "timestamp+incrementing"),
                ("queries.paid.incrementing.column.name", "id"),
                ("queries.paid.message.tag", "of-${table}"),
                ("queries.paid.message.key.template", "$$${id}"),
                ("timestamp.column.name", "at"),
                ("delete.column.name", "gone"),
                ("message.properties", "database, schema.version, position"),
                ("topic.prefix", &prefix),
                ("topic.queue.nums", "4"),
                ("poll.interval.ms", "50"),
                ("gap.safe", "false"),
            ],
        );
        program.connector(
            &format!("{name}-sink"),
            &[
                ("connector.class", "jdbc-sink"),
                ("connection.url", &self.database.url(&self.space)),
                ("connect.topicnames", &copy),
                (
                    "table.name.format",
                    &self.database.table(&self.space, "copies"),
                ),
                ("insert.mode", "upsert"),
                ("pk.mode", "record_key"),
                ("pk.fields", "id"),
                ("delete.enabled", "true"),
                ("auto.create", "true"),
            ],
        );
    }

    fn is_copied(&self, rows: u64) -> bool {
        let there = format!(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{}' \
             AND table_name = 'copies';",
            self.space
        );
        let copies = self.database.quoted(&self.space, "copies");
        let count = format!("SELECT count(*) FROM {copies};");
        self.database.number(&there) == 1 && self.database.number(&count) == rows
    }

    /// The messages of a topic by the number of their row, in order; there are `expected` in all.
    fn messages(&self, topic: &str, expected: usize) -> BTreeMap<String, Vec<Message>> {
        let found = find(topic, &["--from", "1h"]);
        assert_eq!(found.len(), expected, "{topic}");
        let mut by_row: BTreeMap<String, Vec<Message>> = BTreeMap::new();
        for message in found {
            let number = match message.property("connect-ext-op") {
                Some("d") => message.key().to_owned(),
                _ => {
                    let start = message.body.rfind(r#""id":"#).unwrap() + 5;
                    let digits = message.body[start..].split(|c: char| !c.is_ascii_digit());
                    digits.take(1).collect()
                }
            };
            by_row.entry(number).or_default().push(message);
        }
        for messages in by_row.values_mut() {
            messages.sort_by_key(|message| message.offset);
            // G2: an insert and its delete have different keys, and one queue.
            let [insert, delete] = messages.as_slice() else {
                panic!("{topic}: {} messages of a row", messages.len());
            };
            assert_eq!(insert.queue, delete.queue, "{topic}");
            assert_eq!(insert.property("connect-ext-op"), Some("r"));
            assert_eq!(delete.property("connect-ext-op"), Some("d"));
            assert_eq!(insert.property("connect.timestamp"), Some(INSERTED));
            assert_eq!(delete.property("connect.timestamp"), Some(DELETED));
        }
        by_row
    }

    /// Compares what all messages of a topic say, and gives their schema version.
    fn compare(
        &self,
        messages: &BTreeMap<String, Vec<Message>>,
        tag: &str,
        table: (Option<&str>, &str),
    ) -> String {
        let mut versions: Vec<&str> = Vec::new();
        for message in messages.values().flatten() {
            assert_eq!(message.property("TAGS"), Some(tag));
            assert_eq!(
                message.property("connect-ext-__source_catalog"),
                (tag == self.space || self.database == Database::Postgres)
                    .then_some(self.database_name.as_str())
            );
            assert_eq!(message.property("connect-ext-__source_db"), table.0);
            assert_eq!(
                message.property("connect-ext-__source_table"),
                Some(table.1)
            );
            versions.extend(message.property("connect-ext-__schema_version"));
            let position = message.property("connect-ext-__source_position").unwrap();
            let position: Value = serde_json::from_str(position).unwrap();
            // All rows have one time, so a page ends with it.
            let millis: i64 = message
                .property("connect.timestamp")
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(
                position["timestamp"]["Timestamp"],
                millis * 1_000,
                "{position}"
            );
        }
        let all = messages.values().flatten().count();
        assert_eq!(versions.len(), all);
        versions.dedup();
        let [version] = versions[..] else {
            panic!("{versions:?}");
        };
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(
            version.len() == 16 && version.chars().all(is_hex),
            "{version}"
        );
        version.to_owned()
    }

    fn examine(&self, program: &mut Program) {
        let topic = format!("{}-orders", self.space);
        let messages = self.messages(&topic, 24);
        for (number, of_row) in &messages {
            let id: u64 = number.parse().unwrap();
            let customer = 700 + id % 3;
            assert_eq!(of_row[0].key(), format!("order-{id} customer-{customer}"));
            assert_eq!(of_row[1].key(), number);
        }
        let table = (Some(self.space.as_str()), "orders");
        let of_table = self.compare(&messages, &self.space, table);

        let of_query = format!("{}-paid", self.space);
        let messages = self.messages(&of_query, 16);
        for (number, of_row) in &messages {
            assert_eq!(of_row[0].key(), format!("${number}"));
            assert_eq!(of_row[1].key(), number);
        }
        let other = self.compare(&messages, "of-paid", (None, of_query.as_str()));
        assert_ne!(of_table, other);

        // The broker finds rows by each part of a key; it makes its index a little later.
        program.wait_until(LIMIT, || {
            find(&topic, &["--key", "customer-702"]).len() == 4
                && find(&topic, &["--key", "order-7"]).len() == 1
                && find(&of_query, &["--key", "$7"]).len() == 1
        });
    }
}

#[test]
fn messages_say_where_their_rows_come_from_and_are_found_by_keys_of_a_template() {
    let _servers = with_servers();
    let mut program = Program::new(&[
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
        ("workerId", &unique("said")),
    ]);
    let scenes = [Database::Postgres, Database::MariaDb].map(Scene::new);
    for (scene, name) in scenes.iter().zip(["postgres", "mariadb"]) {
        scene.connect(&mut program, name);
    }
    program.start();
    program.wait_until(LIMIT, || scenes.iter().all(|scene| scene.is_copied(ROWS)));
    for scene in &scenes {
        let orders = scene.database.quoted(&scene.space, "orders");
        scene.database.run(&format!(
            "UPDATE {orders} SET gone = true, at = '2020-01-03 03:04:05.678';"
        ));
    }
    program.wait_until(LIMIT, || scenes.iter().all(|scene| scene.is_copied(0)));
    // Queries are read beside tables: all messages are there when the worker has stopped.
    for scene in &scenes {
        let topic = format!("{}-paid", scene.space);
        program.wait_until(LIMIT, || find(&topic, &["--from", "1h"]).len() == 16);
        scene.examine(&mut program);
    }
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document:#}");
    for scene in &scenes {
        scene.database.drop_space(&scene.space);
    }
}
