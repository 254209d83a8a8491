//! Settings of single tables, and several queries.
use crate::harness::*;
use connect_api::{Partition, Records};
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

const TABLES: [&str; 6] = [
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, gone BOOLEAN NOT NULL)",
    "CREATE TABLE states (code TEXT NOT NULL PRIMARY KEY, id BIGINT NOT NULL)",
    "CREATE TABLE events (at TIMESTAMP NOT NULL, id BIGINT NOT NULL)",
    "INSERT INTO orders VALUES (1, 0), (2, 1), (3, 0)",
    "INSERT INTO states VALUES ('b', 11), ('a', 12)",
    "INSERT INTO events VALUES ('2020-01-01 00:00:00', 21), ('2021-01-01 00:00:00', 22)",
];

/// The values of `id` by topic.
fn by_topic(pages: &[Records]) -> BTreeMap<String, Vec<i64>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for page in pages {
        let ids = numbers(std::slice::from_ref(page), "id");
        found
            .entry(page.topic().to_string())
            .or_default()
            .extend(ids);
    }
    found
}

fn expected(topics: &[(&str, &[i64])]) -> BTreeMap<String, Vec<i64>> {
    let topics = topics.iter();
    topics
        .map(|(topic, ids)| ((*topic).to_owned(), ids.to_vec()))
        .collect()
}

#[tokio::test]
async fn each_table_is_read_by_its_own_settings() {
    let database = Database::sqlite(&TABLES).await;
    let settings = database.settings(&[
        ("table.whitelist", "orders, states, events"),
        ("mode", "incrementing"),
        ("topic.prefix", "shop-"),
        ("tables.orders.delete.column.name", "gone"),
        ("tables.s*.mode", "bulk"),
        ("tables.s*.poll.interval.ms", "3600000"),
        ("tables.states.connect.topicname", "codes"),
        ("tables.events.mode", "timestamp"),
        ("tables.events.timestamp.column.name", "at"),
        ("tables.events.timestamp.initial", "1600000000000"),
        ("sqlite.dates", "iso"),
    ]);
    let store = Arc::default();
    let mut run = Run::start(&settings, &store).await;
    let pages = run.drain().await;
    let topics = [
        ("codes", &[12, 11][..]),
        ("shop-events", &[22]),
        ("shop-orders", &[1, 2, 3]),
    ];
    assert_eq!(by_topic(&pages), expected(&topics));
    let deletes =
        |page: &&Records| ops(std::slice::from_ref(*page)).contains(&connect_api::Op::Delete);
    let with: Vec<_> = pages
        .iter()
        .filter(deletes)
        .map(|page| &**page.topic())
        .collect();
    assert_eq!(with, ["shop-orders"]);
    run.stop().await;
    // A table is read again by its own suffix; positions of the others stay.
    let mut settings = settings;
    settings.set("tables.orders.offset.suffix", "again");
    let mut run = Run::start(&settings, &store).await;
    let again = by_topic(&run.drain().await);
    assert_eq!(
        again,
        expected(&[("codes", &[12, 11]), ("shop-orders", &[1, 2, 3])])
    );
    run.stop().await;
}

#[tokio::test]
async fn a_pattern_that_matches_no_table_is_noted_and_faults_name_the_table() {
    let database = Database::sqlite(&TABLES).await;
    let mut settings = database.settings(&[
        ("table.whitelist", "orders, states"),
        ("mode", "incrementing"),
        ("tables.order_*.mode", "bulk"),
    ]);
    let mut faults = connector().check(&settings).await;
    assert_eq!(
        faults.to_string(),
        "`incrementing.column.name`: table states: no auto-increment column found; set the \
         name of the column"
    );
    assert_eq!(
        faults.take_notes(),
        ["`tables.order_*.*` has no effect: no table matches it"]
    );
    settings.set("tables.states.mode", "timestamp");
    let faults = connector().check(&settings).await;
    assert_eq!(
        faults.to_string(),
        "`timestamp.column.name`: table states: is required in mode timestamp"
    );
}

#[tokio::test]
async fn queries_have_their_own_modes_positions_and_topics() {
    let database = Database::sqlite(&TABLES).await;
    let settings = database.settings(&[
        ("table.whitelist", "states"),
        ("mode", "bulk"),
        ("topic.prefix", "shop-"),
        ("poll.interval.ms", "3600000"),
        ("queries.new.sql", "SELECT id FROM orders"),
        ("queries.new.mode", "incrementing"),
        ("queries.new.incrementing.column.name", "id"),
        ("queries.new.poll.interval.ms", "0"),
        ("queries.recent.sql", "SELECT at AS seen, id FROM events"),
        ("queries.recent.mode", "timestamp"),
        ("queries.recent.timestamp.column.name", "seen"),
        ("queries.recent.connect.topicname", "news"),
        ("sqlite.dates", "iso"),
    ]);
    let store = Arc::default();
    let mut run = Run::start(&settings, &store).await;
    let topics = [
        ("news", &[21, 22][..]),
        ("shop-new", &[1, 2, 3]),
        ("shop-states", &[12, 11]),
    ];
    assert_eq!(by_topic(&run.drain().await), expected(&topics));
    run.stop().await;
    let mut partitions: Vec<_> = store
        .all()
        .into_iter()
        .map(|(partition, _)| partition)
        .collect();
    partitions.sort_by_key(|partition| format!("{partition:?}"));
    let partition = |key: &str, name: &str| Partition::from([(key.into(), name.into())]);
    assert_eq!(
        partitions,
        [
            partition("query", "new"),
            partition("query", "recent"),
            partition("table", "states"),
        ]
    );
    database.execute("INSERT INTO orders VALUES (7, 0)").await;
    let mut run = Run::start(&settings, &store).await;
    let topics = [("shop-new", &[7][..]), ("shop-states", &[12, 11])];
    assert_eq!(by_topic(&run.drain().await), expected(&topics));
    run.stop().await;
    let three = NonZeroU32::new(3).unwrap();
    let tasks = connector().plan(&settings, three).await.unwrap();
    let reads = |key: &str| {
        let with = tasks
            .iter()
            .filter(|task| task.get(key).is_some_and(|text| !text.is_empty()));
        with.count()
    };
    assert_eq!(tasks.len(), 3);
    for key in ["table.whitelist", "queries.new.sql", "queries.recent.sql"] {
        assert_eq!(reads(key), 1, "{key}");
    }
}

#[tokio::test]
async fn topics_tags_and_properties_follow_the_parts_of_a_tables_name() {
    let database = Database::server("CONNECT_TEST_POSTGRES_URL");
    let name = unique("named");
    for sql in [
        format!("CREATE SCHEMA {name}"),
        format!("CREATE TABLE {name}.orders_1 (id int PRIMARY KEY)"),
        format!("CREATE TABLE {name}.orders_2 (id int PRIMARY KEY)"),
        format!("CREATE TABLE {name}.items (id int PRIMARY KEY)"),
        format!("INSERT INTO {name}.orders_1 VALUES (1)"),
        format!("INSERT INTO {name}.orders_2 VALUES (2)"),
        format!("INSERT INTO {name}.items VALUES (3)"),
    ] {
        database.execute(&sql).await;
    }
    let mut settings = database.settings(&[
        ("table.whitelist", &format!("{name}.*")),
        ("mode", "bulk"),
        ("topic.name.format", "${catalog}-${schema}-${table}"),
        ("topic.map", "orders_[0-9]{1,3} -> orders"),
        ("message.tag", "${table}"),
        ("message.properties", "database, schema.version, position"),
        ("queries.count.sql", "SELECT 1 AS id"),
        ("queries.count.topic.name.format", "q-${table}"),
        ("queries.count.message.tag", "q"),
        ("poll.interval.ms", "3600000"),
    ]);
    settings.remove("topic.prefix");
    let mut run = Run::start(&settings, &Arc::default()).await;
    let pages = run.drain().await;
    let catalog = database.url.rsplit('/').next().unwrap();
    let catalog = catalog.split('?').next().unwrap();
    let items = format!("{catalog}-{name}-items");
    let topics = [(&*items, &[3][..]), ("orders", &[1, 2]), ("q-count", &[1])];
    assert_eq!(by_topic(&pages), expected(&topics));
    for page in &pages {
        let properties = page.properties().unwrap();
        let table = page.origin().map_or("q", |origin| &origin.table);
        assert_eq!(properties.tag.as_deref(), Some(table));
        assert_eq!(properties.database.as_deref(), Some(catalog));
        assert!(properties.with_position);
    }
    let version = |page: &Records| page.properties().unwrap().schema_version.clone();
    assert!(version(&pages[0]).is_some_and(|version| version.len() == 16));
    assert_eq!(version(&pages[0]), version(&pages[1]), "the same columns");
    run.stop().await;
    settings.remove("topic.map");
    settings.set("topic.name.format", "all");
    let refused = refusal(&settings).await;
    assert!(refused.contains("map to the same topic all"), "{refused}");
    database
        .execute(&format!("DROP SCHEMA {name} CASCADE"))
        .await;
}

#[tokio::test]
async fn two_queries_or_tables_share_a_topic_only_where_both_say_so() {
    let database = Database::sqlite(&TABLES).await;
    let mut settings = database.settings(&[
        ("table.whitelist", "orders, states"),
        ("mode", "bulk"),
        ("tables.orders.connect.topicname", "states"),
    ]);
    let refused = refusal(&settings).await;
    assert!(
        refused.contains("map to the same topic states"),
        "{refused}"
    );
    settings.set("tables.states.connect.topicname", "states");
    let mut run = Run::start(&settings, &Arc::default()).await;
    let first = run.page().await.unwrap();
    let second = run.page().await.unwrap();
    assert_eq!(first.topic(), second.topic());
    assert_ne!(first.schema().name(), second.schema().name());
    run.stop().await;
}
