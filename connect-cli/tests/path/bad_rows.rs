//! Rows that cannot be sent: their table waits, or they go to the dead letter queue, and others go on.
use crate::{
    client::Database,
    message_properties::find,
    program::{Program, task},
    setting, unique, with_servers,
};
use std::{collections::BTreeSet, time::Duration};

const LIMIT: Duration = Duration::from_secs(90);
const NOT_READ: &str = "the table is not read until this is mended";

struct Scene {
    space: String,
    program: Program,
}

impl Scene {
    /// Rows 1 to 100 of three tables: in one of them, row 50 has no JSON; in another, it is too large.
    fn new(name: &str, more: &[(&str, &str)]) -> Self {
        let space = unique(name);
        Database::Postgres.make_space(&space);
        Database::Postgres.run(&format!(
            "SET search_path = {space};
             CREATE TABLE strange (id bigint PRIMARY KEY, v float8);
             CREATE TABLE large (id bigint PRIMARY KEY, v text);
             CREATE TABLE fine (id bigint PRIMARY KEY, v text);
             INSERT INTO strange SELECT i, CASE i WHEN 50 THEN 'NaN'::float8 ELSE i END
                 FROM generate_series(1, 100) i;
             INSERT INTO large SELECT i, repeat('planted', CASE i WHEN 50 THEN 20000 ELSE 2 END)
                 FROM generate_series(1, 100) i;
             INSERT INTO fine SELECT i, 'fine' FROM generate_series(1, 100) i;"
        ));
        let mut program = Program::new(&[
            ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
            ("workerId", &space),
            ("offsetCommitIntervalMsConfig", "50"),
        ]);
        let (tables, prefix) = (format!("{space}.*"), format!("{space}-"));
        let mut settings = vec![
            ("connector.class", "jdbc-source"),
            ("connection.url", ""),
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("table.whitelist", &tables),
            ("topic.prefix", &prefix),
            ("topic.queue.nums", "2"),
            ("poll.interval.ms", "50"),
            ("batch.max.rows", "20"),
            ("producer.max.message.bytes", "100000"),
            ("value.converter", "json"),
            ("value.converter.schemas.enable", "false"),
        ];
        let url = Database::Postgres.url(&space);
        settings[1].1 = &url;
        settings.extend(more);
        program.connector("source", &settings);
        Self { space, program }
    }

    fn run(&self, sql: &str) {
        Database::Postgres.run(&format!("SET search_path = {};\n{sql}", self.space));
    }

    fn wait_for(&mut self, table: &str, expected: &BTreeSet<i64>) {
        let topic = format!("{}-{table}", self.space);
        let mut last = BTreeSet::new();
        self.program.wait_until(LIMIT, || {
            last = ids(&topic);
            assert!(last.is_subset(expected), "{topic}: {last:?}");
            last == *expected
        });
    }

    fn end(mut self) -> serde_json::Value {
        let (code, document) = self.program.stop();
        assert_eq!(code, 0, "{document:#}");
        let shown = format!("{document}{}", self.program.log_text());
        assert!(!shown.contains("planted"), "a value is shown: {shown}");
        Database::Postgres.drop_space(&self.space);
        document
    }
}

/// The numbers of the rows in a topic.
fn ids(topic: &str) -> BTreeSet<i64> {
    let id = |body: &str| {
        let row: serde_json::Value = serde_json::from_str(body).unwrap();
        row["id"].as_i64().unwrap()
    };
    let found = find(topic, &["--from", "1h"]);
    found.iter().map(|message| id(&message.body)).collect()
}

fn without_50(last: i64) -> BTreeSet<i64> {
    (1..=last).filter(|id| *id != 50).collect()
}

/// G3: nothing behind the row is sent before it is, and the other tables go on.
#[test]
fn a_row_that_cannot_be_sent_stops_its_table_alone_until_it_is_mended() {
    let _servers = with_servers();
    let mut scene = Scene::new("aside", &[]);
    let before: BTreeSet<i64> = (1..=40).collect();
    scene.program.start();
    scene.wait_for("fine", &(1..=100).collect());
    let log = scene.program.log();
    scene.program.wait_for_log(&log, NOT_READ, 2, LIMIT);
    for table in ["strange", "large"] {
        scene.run(&format!("INSERT INTO {table} VALUES (101, '1');"));
        scene.wait_for(table, &before);
    }
    scene.run("INSERT INTO fine VALUES (101, 'later');");
    scene.wait_for("fine", &(1..=101).collect());
    // Said once each, with the table, the key and what to do; and tried again meanwhile.
    let text = scene.program.log_text();
    let said: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(NOT_READ))
        .collect();
    assert_eq!(said.len(), 2, "{text}");
    for (table, why) in [
        ("strange", "no NaN"),
        ("large", "at most 100000 can be sent"),
    ] {
        let line = said.iter().find(|line| line.contains(table)).unwrap();
        for words in [why, "its key is `id`", "errors.tolerance=all", &scene.space] {
            assert!(line.contains(words), "{words}: {line}");
        }
    }
    // The state of one table, and then of the other, is that of its own row.
    scene.run("UPDATE strange SET v = 50 WHERE id = 50;");
    scene.wait_for("strange", &(1..=101).collect());
    scene.wait_for("large", &before);
    scene.run("UPDATE large SET v = 'planted' WHERE id = 50;");
    scene.wait_for("large", &(1..=101).collect());
    let document = scene.end();
    let task = task(&document, "source");
    assert_eq!(task["dead_letters"], 0, "{document:#}");
    let tables = task["parts"].as_object().unwrap();
    assert_eq!(tables.len(), 3, "{document:#}");
    for (table, part) in tables {
        assert_eq!(part["state"], "FOLLOWING", "{table}: {document:#}");
    }
}

#[test]
fn the_status_names_a_table_that_waits_for_a_row_to_be_mended() {
    let _servers = with_servers();
    let mut scene = Scene::new("waits", &[("table.blacklist", "large")]);
    scene.program.start();
    scene.wait_for("fine", &(1..=100).collect());
    let log = scene.program.log();
    scene.program.wait_for_log(&log, NOT_READ, 1, LIMIT);
    let space = scene.space.clone();
    let document = scene.end();
    let part = &task(&document, "source")["parts"][format!("{space}.strange")];
    assert_eq!(part["state"], "FAILED", "{document:#}");
    assert_eq!(part["kind"], "data", "{document:#}");
    let error = part["error"].as_str().unwrap();
    assert!(error.contains("errors.tolerance=all"), "{error}");
}

#[test]
fn rows_that_cannot_be_sent_go_to_the_dead_letter_queue_and_their_tables_go_on() {
    let _servers = with_servers();
    let dead = unique("dead");
    let mut scene = Scene::new(
        "letters",
        &[
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &dead),
        ],
    );
    scene.program.start();
    scene.wait_for("fine", &(1..=100).collect());
    for table in ["strange", "large"] {
        scene.wait_for(table, &without_50(100));
        scene.run(&format!("INSERT INTO {table} VALUES (101, '1');"));
        scene.wait_for(table, &without_50(101));
    }
    let mut letters = Vec::new();
    scene.program.wait_until(LIMIT, || {
        letters = find(&dead, &["--from", "1h"]);
        letters.len() >= 2
    });
    let mut tables = BTreeSet::new();
    for letter in &letters {
        assert_eq!(letter.body, r#"{"id":50}"#);
        assert_eq!(letter.key(), "50");
        tables.extend(letter.property("__connect.errors.source.table"));
    }
    assert!(tables.into_iter().eq(["large", "strange"]));
    let log = scene.program.log_text();
    assert!(!log.contains(NOT_READ), "{log}");
    let document = scene.end();
    assert_eq!(task(&document, "source")["dead_letters"], 2, "{document:#}");
}
