//! Messages that do not fit, on real servers: each is named, and nothing stops at it for ever.
use crate::{
    bad_input::{Scene, make_topic},
    client::Database,
    program::task,
    setting, unique, with_servers,
};
use connect_api::Encoded;
use connect_transport::{
    Page, Publisher, PublisherOptions, Transport,
    rocketmq::{RocketMq, RocketMqOptions},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

const LIMIT: Duration = Duration::from_secs(60);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(future)
}

async fn cluster() -> Arc<dyn Transport> {
    let options = RocketMqOptions::new(&setting("CONNECT_TEST_ROCKETMQ"));
    RocketMq::connect(options).await.unwrap()
}

/// Sends messages in this order, as large as the broker takes them.
fn publish<B: AsRef<[u8]>>(topic: &str, messages: &[(&str, B)]) {
    block_on(async {
        let transport = cluster().await;
        let options = PublisherOptions {
            max_message_bytes: 8 << 20,
            ..PublisherOptions::default()
        };
        let publisher = Publisher::open(&transport, topic, options, Default::default()).await;
        let mut publisher = publisher.unwrap();
        for (key, body) in messages {
            let mut encoded = Encoded::default();
            encoded.keys.push(key.as_bytes());
            encoded.bodies.push(body.as_ref());
            publisher.send(Page::new(&encoded)).await.unwrap();
        }
        publisher.close(LIMIT).await.unwrap();
        transport.close(Duration::from_secs(5)).await;
    });
}

type DeadLetter = (Vec<u8>, BTreeMap<String, String>);

/// All messages of a dead letter queue.
fn letters(topic: &str) -> Vec<DeadLetter> {
    block_on(async {
        let transport = cluster().await;
        let mut letters = Vec::new();
        for queue in transport.queues(topic).await.unwrap() {
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
    })
}

fn count(scene: &Scene) -> u64 {
    let table = Database::Postgres.quoted(&scene.name, "copy");
    Database::Postgres.number(&format!("SELECT count(*) FROM {table};"))
}

fn tolerant(dead: &str) -> [(&str, &str); 3] {
    [
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", dead),
        ("errors.deadletterqueue.context.properties.enable", "true"),
    ]
}

#[test]
fn all_before_the_first_bad_message_is_written_and_committed_also_after_restarts() {
    let _servers = with_servers();
    for bad in ["<order/>", "{\"id\":500,\"note\":\"too long for it\"}"] {
        let mut scene = Scene::new("stands_at");
        scene.sql("CREATE TABLE copy (id bigint PRIMARY KEY, note varchar(5));");
        make_topic(&scene.name);
        let messages: Vec<(&str, String)> = (0..1000)
            .map(|id| match id {
                500 => ("", bad.to_owned()),
                _ => ("", format!("{{\"id\":{id},\"note\":\"a\"}}")),
            })
            .collect();
        publish(&scene.name, &messages);
        let table = format!("{}.copy", scene.name);
        let url = Database::Postgres.url(&scene.name);
        let name = scene.name.clone();
        // Inserts: what was committed must not come again.
        let insert = [
            ("connector.class", "jdbc-sink"),
            ("connection.url", &*url),
            ("connect.topicnames", &*name),
            ("table.name.format", &*table),
            ("consumer.batch.max.rows", "200"),
        ];
        for _restart in 0..3 {
            scene.program.connector("sink", &insert);
            let (kind, message) = scene.failure("sink");
            assert_eq!(kind, "data", "{message}");
            assert!(message.contains("message 500 of queue"), "{message}");
            assert!(message.contains(&scene.name), "{message}");
            assert_eq!(count(&scene), 500);
            scene.program.forget_connectors();
        }
        let dead = unique("dead");
        let all: Vec<_> = insert.into_iter().chain(tolerant(&dead)).collect();
        scene.program.connector("sink", &all);
        scene.program.start();
        scene.program.wait_until(LIMIT, || {
            Database::Postgres.number(&format!("SELECT count(*) FROM {table};")) == 999
        });
        let (code, document) = scene.program.stop();
        assert_eq!(code, 0);
        assert_eq!(task(&document, "sink")["dead_letters"], 1, "{document:#}");
    }
}

/// The body of a message with a schema.
fn envelope(fields: &[(&str, &str)], payload: &str) -> String {
    let field =
        |(name, word): &(&str, &str)| format!("{{\"field\":\"{name}\",\"optional\":true,{word}}}");
    let fields: Vec<String> = fields.iter().map(field).collect();
    format!(
        "{{\"schema\":{{\"type\":\"struct\",\"fields\":[{}]}},\"payload\":{payload}}}",
        fields.join(",")
    )
}

#[test]
fn incompatible_messages_go_to_the_dead_letter_queue_and_the_others_are_written() {
    let _servers = with_servers();
    let mut scene = Scene::new("incompatible");
    scene.sql("CREATE TABLE copy (id bigint PRIMARY KEY, note text NOT NULL, n integer);");
    make_topic(&scene.name);
    let good = |id: i64| format!("{{\"id\":{id},\"note\":\"a\"}}").into_bytes();
    let (int, text) = ("\"type\":\"int64\"", "\"type\":\"string\"");
    let nested = "\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"bytes\"}}";
    let incompatible: Vec<Vec<u8>> = vec![
        b"{\"a\":\"no id\"}".to_vec(),
        b"{\"id\":101}".to_vec(),
        envelope(
            &[("number", int), ("note", text)],
            "{\"number\":1,\"note\":\"x\"}",
        )
        .into(),
        envelope(
            &[("id", int), ("note", text), ("n", text)],
            "{\"id\":1,\"note\":\"x\",\"n\":\"x\"}",
        )
        .into(),
        envelope(
            &[("id", int), ("note", text), ("extra", int)],
            "{\"id\":1,\"note\":\"x\",\"extra\":1}",
        )
        .into(),
        envelope(
            &[("id", int), ("note", text), ("n", nested)],
            "{\"id\":1,\"note\":\"x\",\"n\":[]}",
        )
        .into(),
        b"{\"id\":107,\"note\":null}".to_vec(),
        vec![b'x'; 4_063_233],
        // As much as a batch of one takes; the embedded store has 4,194,304 in a test of its own.
        vec![b'y'; 4_193_900],
        format!("{{\"id\":1,\"{}\":1}}", "n".repeat(40_000)).into_bytes(),
    ];
    let mut messages: Vec<(&str, Vec<u8>)> = Vec::new();
    for (id, sent) in (0..).zip(&incompatible) {
        messages.push(("", good(id)));
        messages.push(("", sent.clone()));
    }
    publish(&scene.name, &messages);
    let dead = unique("dead");
    let by_value = [("pk.mode", "record_value")];
    let url = Database::Postgres.url(&scene.name);
    let (table, name) = (format!("{}.copy", scene.name), scene.name.clone());
    let settings = [
        ("connector.class", "jdbc-sink"),
        ("connection.url", &*url),
        ("connect.topicnames", &*name),
        ("table.name.format", &*table),
        ("insert.mode", "upsert"),
        ("pk.fields", "id"),
    ];
    let settings = settings.into_iter().chain(by_value).chain(tolerant(&dead));
    let settings: Vec<_> = settings.collect();
    scene.program.connector("sink", &settings);
    scene.program.start();
    let log = scene.program.log();
    scene.program.wait_for_log(
        &log,
        "message sent to the dead letter queue",
        incompatible.len(),
        LIMIT,
    );
    let (code, document) = scene.program.stop();
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(task(&document, "sink")["dead_letters"], incompatible.len());
    assert_eq!(count(&scene), incompatible.len() as u64);
    let mut whole: BTreeMap<usize, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for (body, properties) in letters(&dead) {
        assert_eq!(properties["__connect.errors.topic"], scene.name);
        let offset: usize = properties["__connect.errors.offset"].parse().unwrap();
        let part = properties.get("__connect.errors.body.part").cloned();
        whole
            .entry(offset)
            .or_default()
            .insert(part.unwrap_or_default(), body);
        let said = scene.program.log_text();
        assert!(
            said.contains(&format!("message {offset} of queue")),
            "{offset}"
        );
    }
    let found: Vec<(usize, Vec<u8>)> = whole
        .into_iter()
        .map(|(offset, parts)| (offset, parts.into_values().flatten().collect()))
        .collect();
    assert_eq!(found.len(), incompatible.len());
    for ((offset, body), (index, sent)) in found.iter().zip(incompatible.iter().enumerate()) {
        assert_eq!(*offset, 2 * index + 1);
        assert!(body == sent, "the body of {offset}");
    }
    // Nothing of it comes again.
    scene.program.forget_connectors();
    scene.program.connector("sink", &settings);
    publish(&scene.name, &[("", good(1000))]);
    scene.program.start();
    scene.program.wait_until(LIMIT, || {
        let sql = format!("SELECT count(*) FROM {table} WHERE id = 1000;");
        Database::Postgres.number(&sql) == 1
    });
    let (_, document) = scene.program.stop();
    assert_eq!(task(&document, "sink")["dead_letters"], 0, "{document:#}");
}

#[test]
fn a_missing_table_does_not_send_messages_to_the_dead_letter_queue() {
    let _servers = with_servers();
    let mut scene = Scene::new("forgot");
    make_topic(&scene.name);
    publish(&scene.name, &vec![("1", "{\"id\":1}"); 50]);
    let dead = unique("dead");
    scene.sink("copy", &tolerant(&dead));
    let (kind, message) = scene.failure("sink");
    assert_eq!(kind, "schema", "{message}");
    assert!(message.contains("auto.create"), "{message}");
    assert!(
        !scene
            .program
            .log_text()
            .contains("message sent to the dead letter queue")
    );
}

/// The date cannot be read, and the long text is more than the broker takes.
#[test]
fn rows_of_a_source_that_cannot_be_read_or_sent_go_to_the_dead_letter_queue_and_the_others_arrive()
{
    let _servers = with_servers();
    let mut scene = Scene::new("source_rows");
    scene.sql(
        "CREATE TABLE orders (id bigint PRIMARY KEY, day date, note text);
         INSERT INTO orders SELECT i, CASE WHEN i IN (1, 70, 71) THEN 'infinity'::date ELSE '2020-02-02' END,
           CASE WHEN i = 50 THEN repeat('planted', 700000) ELSE 'short' END FROM generate_series(1, 100) i;
         CREATE TABLE copy (id bigint PRIMARY KEY, day date, note text);",
    );
    let (dead, grows) = (unique("dead"), ("incrementing.column.name", "id"));
    scene.source("orders", &[grows]);
    let (kind, message) = scene.failure("source");
    assert_eq!(kind, "data", "{message}");
    for part in ["orders", "`day`", "its key is `id`", "errors.tolerance=all"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    scene.program.forget_connectors();
    let dead_letters = ("errors.deadletterqueue.topic.name", dead.as_str());
    scene.source(
        "orders",
        &[grows, ("errors.tolerance", "all"), dead_letters],
    );
    scene.sink("copy", &[]);
    scene.program.start();
    let table = Database::Postgres.quoted(&scene.name, "copy");
    let rows = format!("SELECT count(*) FROM {table};");
    scene
        .program
        .wait_until(LIMIT, || Database::Postgres.number(&rows) == 96);
    let log = scene.program.log();
    scene
        .program
        .wait_for_log(&log, "rows sent to the dead letter queue", 2, LIMIT);
    let (code, document) = scene.program.stop();
    assert_eq!(code, 0);
    assert_eq!(task(&document, "source")["dead_letters"], 4, "{document:#}");
    assert!(!scene.program.log_text().contains("planted"));
    let mut reasons: Vec<_> = letters(&dead)
        .into_iter()
        .map(|(body, properties)| {
            let reason = properties["__connect.errors.exception.message"].clone();
            (String::from_utf8(body).unwrap(), reason)
        })
        .collect();
    reasons.sort();
    let bodies: Vec<_> = reasons.iter().map(|(body, _)| body.as_str()).collect();
    assert_eq!(
        bodies,
        ["{\"id\":1}", "{\"id\":50}", "{\"id\":70}", "{\"id\":71}"]
    );
    // 4,194,304 bytes as the broker reports, less what properties may take.
    assert!(reasons[1].1.contains("4063232"), "{}", reasons[1].1);
    assert!(reasons[2].1.contains("`day`"), "{}", reasons[2].1);
}

#[test]
fn nan_and_the_infinities_of_floats_arrive_as_the_setting_says() {
    let _servers = with_servers();
    for (settings, arrives) in [
        (
            &[("values.unrepresentable", "text")][..],
            "-1.5,-1.5;NaN,NaN;Infinity,Infinity;-Infinity,-Infinity",
        ),
        // The converter's own goes before the connector's.
        (
            &[
                ("values.unrepresentable", "text"),
                ("value.converter.values.unrepresentable", "null"),
            ],
            "-1.5,-1.5;,;,;,",
        ),
    ] {
        let mut scene = Scene::new("no_numbers");
        scene.sql(
            "CREATE TABLE ratios (id bigint PRIMARY KEY, d float8, s float4);
             INSERT INTO ratios SELECT i, v::float8, v::float4
               FROM unnest('{-1.5,NaN,Infinity,-Infinity}'::text[]) WITH ORDINALITY AS t (v, i);
             CREATE TABLE copy (LIKE ratios INCLUDING ALL);",
        );
        let grows = [("incrementing.column.name", "id")];
        scene.source("ratios", &[&grows, settings].concat());
        scene.sink("copy", &[]);
        scene.program.start();
        let table = Database::Postgres.quoted(&scene.name, "copy");
        let rows = format!("SELECT count(*) FROM {table};");
        scene
            .program
            .wait_until(LIMIT, || Database::Postgres.number(&rows) == 4);
        assert_eq!(scene.program.stop().0, 0);
        let all = format!(
            "SELECT string_agg(concat_ws(',', coalesce(d::text, ''), coalesce(s::text, '')), \
             ';' ORDER BY id) FROM {table};"
        );
        assert_eq!(Database::Postgres.run(&all).trim(), arrives, "{settings:?}");
    }
}
