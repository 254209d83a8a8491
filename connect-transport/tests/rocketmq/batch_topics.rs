//! Topics that keep batches whole, with RocketMQ's own Java client at the other end.
use super::{DEADLINE, connect, environment, mqadmin, plain, unique};
use connect_api::{Error, Result};
use connect_transport::{
    Batch, CommonProperties, Frames, KEYS, Outgoing, Queue, QueueType, Transport,
    rocketmq::RocketMq,
};
use std::{num::NonZeroU32, process::Command, time::Duration, time::Instant};

/// A message as both sides show it: queue, offset, key, tag, property `n`, body.
type Shown = (u32, i64, String, String, String, String);

/// Runs the Java client and gives the lines that it prints.
async fn java(arguments: &[&str]) -> Result<Vec<String>> {
    let client = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/rocketmq/java/Client.java"
    );
    let mut command = Command::new(environment("CONNECT_TEST_SERVICES"));
    command.args(["java", client]).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output
        .expect("the client runs")
        .expect("scripts/services runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "java {arguments:?}: {errors}");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(lines
        .lines()
        .filter(|line| !line.is_empty())
        .map(Into::into)
        .collect())
}

/// The messages that a consumer of the Java client is given, in order of queues and offsets.
async fn java_consumes(how: &str, topic: &str, count: usize) -> Result<Vec<Shown>> {
    let (servers, group) = (environment("CONNECT_TEST_ROCKETMQ"), unique("java"));
    let lines = java(&[how, &servers, topic, &group, &count.to_string()]).await?;
    let shown = lines.iter().map(|line| {
        let parts: Vec<_> = line.split('\t').collect();
        let [queue, offset, _, key, tag, n, body] = parts[..] else {
            panic!("a line of seven parts: {line:?}");
        };
        let number = |text: &str| text.parse().expect("a number");
        (
            u32::try_from(number(queue)).expect("a queue"),
            number(offset),
            key.to_owned(),
            tag.to_owned(),
            n.to_owned(),
            body.to_owned(),
        )
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort();
    Ok(shown)
}

/// All messages of a topic as the transport reads them.
async fn read(transport: &RocketMq, topic: &str) -> Result<Vec<Shown>> {
    let mut shown = Vec::new();
    for queue in transport.queues(topic).await? {
        shown.extend(read_from(transport, &queue, 0).await?);
    }
    Ok(shown)
}

async fn read_from(transport: &RocketMq, queue: &Queue, offset: i64) -> Result<Vec<Shown>> {
    let end = transport.bounds(queue).await?.end;
    let mut reader = transport.reader(&unique("group"), queue, offset).await?;
    let (mut shown, mut next) = (Vec::new(), offset);
    let deadline = Instant::now() + DEADLINE;
    while next < end {
        assert!(Instant::now() < deadline, "{queue}: {next} of {end}");
        let pulled = reader.pull(Duration::from_secs(1)).await?;
        next = pulled.next;
        shown.extend(pulled.iter().map(|message| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let [key, tag, n] = message.properties.pick([KEYS, "TAGS", "n"]);
            let shown = |value: Option<&[u8]>| value.map_or_else(|| "null".to_owned(), text);
            let body = text(message.body);
            (
                queue.id,
                message.offset,
                shown(key),
                shown(tag),
                shown(n),
                body,
            )
        }));
    }
    Ok(shown)
}

fn message(n: usize) -> (String, String, String, String) {
    let body = format!("body {n} {}", "ü".repeat(n % 10));
    (format!("k{n}"), format!("t{}", n % 3), n.to_string(), body)
}

/// Messages with these numbers, as the Java client makes them.
fn batch(numbers: std::ops::Range<usize>) -> Result<Batch> {
    let mut frames = Frames::default();
    for number in numbers {
        let (key, tag, n, body) = message(number);
        let headers = [("TAGS".into(), tag.into()), ("n".into(), n.into())];
        let message = Outgoing {
            key: key.as_bytes(),
            body: body.as_bytes(),
            headers: &headers,
            ..Outgoing::default()
        };
        frames.push(&message, &CommonProperties::default(), 1 << 20)?;
    }
    Ok(frames.into_batch())
}

async fn batch_topic(transport: &RocketMq, queues: u32) -> Result<String> {
    let topic = unique("whole");
    let queues = NonZeroU32::new(queues).expect("a number of queues");
    transport
        .create_topic(&topic, queues, QueueType::Batch)
        .await?;
    Ok(topic)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_javas_producer_batches_is_read_message_by_message() -> Result<()> {
    let (transport, _share) = connect().await?;
    let topic = batch_topic(&transport, 1).await?;
    let servers = environment("CONNECT_TEST_ROCKETMQ");
    let mut sent = Vec::new();
    for (how, count) in [("batch", 20), ("single", 3), ("auto", 40), ("batch", 5)] {
        java(&["produce", &servers, &topic, how, &count.to_string()]).await?;
        sent.extend((0..count).map(|n| {
            let (key, tag, n, body) = message(n);
            // One batch has one tag.
            let tag = if how == "auto" { "t0".to_owned() } else { tag };
            (key, tag, n, body)
        }));
    }
    let read = read(&transport, &topic).await?;
    let offsets: Vec<_> = read.iter().map(|m| m.1).collect();
    assert_eq!(offsets, (0..68).collect::<Vec<_>>());
    let mut came: Vec<_> = read
        .iter()
        .cloned()
        .map(|(_, _, k, t, n, b)| (k, t, n, b))
        .collect();
    // The client gathers what several of its threads send: in whichever order.
    came[23..63].sort();
    sent[23..63].sort();
    assert_eq!(came, sent);
    assert_eq!(java_consumes("push", &topic, 68).await?, read);
    // A pull that begins inside of a batch.
    let queue = &transport.queues(&topic).await?[0];
    for offset in [1, 19, 20, 64, 67] {
        let from = read_from(&transport, queue, offset).await?;
        let skipped = usize::try_from(offset).expect("an offset");
        assert_eq!(from, read[skipped..]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_kept_whole_and_javas_consumers_read_each_message() -> Result<()> {
    let (transport, _share) = connect().await?;
    let topic = batch_topic(&transport, 2).await?;
    let mut sent = Vec::new();
    for queue in transport.queues(&topic).await? {
        let mut lane = transport.lane(&queue).await?;
        let mut first = 0;
        for count in [1, 500, 3] {
            let end = first + count;
            let offset = lane.send(&batch(first..end)?).await?;
            assert_eq!(usize::try_from(offset).ok(), Some(first));
            first = end;
        }
        sent.extend((0..first).map(|number| {
            let (key, tag, n, body) = message(number);
            let offset = i64::try_from(number).expect("an offset");
            (queue.id, offset, key, tag, n, body)
        }));
    }
    assert_eq!(read(&transport, &topic).await?, sent);
    assert_eq!(java_consumes("push", &topic, sent.len()).await?, sent);
    assert_eq!(java_consumes("pull", &topic, sent.len()).await?, sent);
    // One entry in the broker's log, wherever in the batch is asked.
    let server = environment("CONNECT_TEST_ROCKETMQ");
    let found = mqadmin(&[
        "queryMsgByOffset",
        "-n",
        &server,
        "-t",
        &topic,
        "-b",
        "rocketmq",
        "-i",
        "0",
        "-o",
        "300",
    ]);
    assert!(found.contains("System Flag:         192"), "{found}");
    assert!(found.contains("Queue Offset:        1\n"), "{found}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_retries_gets_one_message_and_not_its_batch() -> Result<()> {
    let (transport, _share) = connect().await?;
    let topic = batch_topic(&transport, 1).await?;
    let queue = &transport.queues(&topic).await?[0];
    transport.lane(queue).await?.send(&batch(0..5)?).await?;
    let (servers, group) = (environment("CONNECT_TEST_ROCKETMQ"), unique("java"));
    let lines = java(&["retry", &servers, &topic, &group, "5"]).await?;
    let mut keys: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let mut parts = line.split('\t').skip(2);
            Some((parts.next()?, parts.next()?))
        })
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            ("0", "k0"),
            ("0", "k2"),
            ("0", "k3"),
            ("0", "k4"),
            ("1", "k1")
        ]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_there_keeps_its_type() -> Result<()> {
    let (transport, _share) = connect().await?;
    assert_eq!(transport.queue_type(&unique("missing")).await?, None);
    transport.check_queue_type(QueueType::Batch).await?;
    for (first, second) in [
        (QueueType::Simple, QueueType::Batch),
        (QueueType::Batch, QueueType::Simple),
    ] {
        let topic = unique("type");
        for queue_type in [first, second] {
            transport
                .create_topic(&topic, NonZeroU32::MIN, queue_type)
                .await?;
            assert_eq!(transport.queue_type(&topic).await?, Some(first));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_deleted_and_re_created_is_written_to_by_its_new_type() -> Result<()> {
    let (transport, _share) = connect().await?;
    let topic = batch_topic(&transport, 1).await?;
    let queue = &transport.queues(&topic).await?[0];
    let mut lane = transport.lane(queue).await?;
    lane.send(&batch(0..5)?).await?;
    let server = environment("CONNECT_TEST_ROCKETMQ");
    mqadmin(&[
        "deleteTopic",
        "-n",
        &server,
        "-c",
        "DefaultCluster",
        "-t",
        &topic,
    ]);
    let again = RocketMq::connect(plain()).await?;
    let deadline = Instant::now() + DEADLINE;
    while !again.queues(&topic).await?.is_empty() {
        assert!(Instant::now() < deadline, "the topic is deleted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    again
        .create_topic(&topic, NonZeroU32::MIN, QueueType::Simple)
        .await?;
    let mut first = 0;
    for _ in 0..2 {
        let sent: Result<i64, Error> = lane.send(&batch(first..first + 5)?).await;
        assert_eq!(usize::try_from(sent?).ok(), Some(first));
        first += 5;
    }
    let read = read(&again, &topic).await?;
    let bodies: Vec<_> = read.into_iter().map(|m| m.5).collect();
    assert_eq!(bodies, (0..10).map(|n| message(n).3).collect::<Vec<_>>());
    Ok(())
}
