//! Producers and consumers over the transport.
use super::{DEADLINE, WAIT};
use crate::{Client, Consumer, ConsumerOptions, NewMessage, ReceivedMessage, Start, Transport};
use connect_api::{ErrorKind, Result};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

const MESSAGES: usize = 1_000;
const KEYS: usize = 7;

/// Polls until so many messages were handed out.
async fn consume(consumer: &mut Consumer, count: usize) -> Result<Vec<ReceivedMessage>> {
    let started = Instant::now();
    let mut messages = Vec::new();
    while messages.len() < count {
        let (have, waited) = (messages.len(), started.elapsed());
        assert!(
            waited < DEADLINE,
            "{have} of {count} messages came in {waited:?}"
        );
        messages.extend(consumer.poll(WAIT).await?);
    }
    assert_eq!(messages.len(), count, "too many messages came");
    Ok(messages)
}

fn bodies(messages: &[ReceivedMessage]) -> Vec<&str> {
    let mut bodies: Vec<_> = messages.iter().flat_map(ReceivedMessage::text).collect();
    bodies.sort_unstable();
    bodies
}

/// What a producer sends comes as it was, each key's messages in order; what a consumer has committed
/// does not come again, and what it has not does.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn what_is_consumed_and_committed_does_not_come_again(
    t: &Arc<dyn Transport>,
    unique: &str,
) -> Result<()> {
    let (topic, group) = (format!("{unique}-everyday"), format!("{unique}-everyday"));
    let client = Client::new(t.clone());
    let missing = client.consumer(&group, &topic).await.map_err(|e| e.kind());
    assert_eq!(missing.err(), Some(ErrorKind::Schema), "topic is not there");
    client.create_topic(&topic, 4).await?;
    let producer = client.producer(&topic).await?;
    let messages = (0..MESSAGES).map(|n| {
        NewMessage::new(n.to_string())
            .key(format!("key {}", n % KEYS))
            .tag("even and odd")
            .property("city", "Zürich")
    });
    producer.send_all(messages).await?;
    producer.send(NewMessage::new("").key("gone")).await?;

    let mut consumer = client.consumer(&group, &topic).await?;
    let came = consume(&mut consumer, MESSAGES + 1).await?;
    let mut last = HashMap::new();
    for message in came.iter().filter(|message| !message.body().is_empty()) {
        assert_eq!(message.topic(), topic);
        assert_eq!(message.tag(), Some(&b"even and odd"[..]));
        assert_eq!(message.property("city"), Some("Zürich".as_bytes()));
        let number: usize = message.text()?.parse().unwrap_or(MESSAGES);
        let key = format!("key {}", number % KEYS);
        assert_eq!(message.key(), Some(key.as_bytes()));
        // G2: in one queue, in order.
        let before = last.insert(key, (message.queue().clone(), message.offset(), number));
        if let Some((queue, offset, earlier)) = before {
            assert_eq!(&queue, message.queue(), "queues of one key");
            assert!(offset < message.offset() && earlier < number, "order");
        }
    }
    assert_eq!(last.len(), KEYS);
    let tombstones = came.iter().filter(|message| message.body().is_empty());
    let tombstones: Vec<_> = tombstones.map(ReceivedMessage::key).collect();
    assert_eq!(tombstones, [Some(&b"gone"[..])]);

    consumer.commit().await?;
    producer.send(NewMessage::new("not committed")).await?;
    let came = consume(&mut consumer, 1).await?;
    assert_eq!(bodies(&came), ["not committed"]);
    consumer.close().await?;

    let mut again = client.consumer(&group, &topic).await?;
    let came = consume(&mut again, 1).await?;
    assert_eq!(bodies(&came), ["not committed"], "after a restart");
    again.commit().await?;
    again.close().await
}

/// Of two consumers of a group one reads, the other takes over when it is closed. A group that begins
/// with the latest message has all that were sent after its first consumer came.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn a_second_consumer_of_a_group_takes_over(
    t: &Arc<dyn Transport>,
    unique: &str,
) -> Result<()> {
    let (topic, group) = (format!("{unique}-takeover"), format!("{unique}-takeover"));
    let client = Client::new(t.clone());
    client.create_topic(&topic, 2).await?;
    let producer = client.producer(&topic).await?;
    producer.send(NewMessage::new("before")).await?;
    let options = ConsumerOptions {
        start: Start::Latest,
        ..ConsumerOptions::default()
    };
    let open = || client.consumer_with(&group, &topic, options.clone());
    let mut first = open().await?;
    assert_eq!(first.queues().len(), 2, "the first has all queues");
    let nothing = first.poll(Duration::from_millis(200)).await?;
    assert!(nothing.is_empty(), "{nothing:?}");
    let mut second = open().await?;
    assert_eq!(second.queues(), [], "the second stands by");
    producer
        .send_all(["a", "b", "c"].map(NewMessage::new))
        .await?;
    let mut came = vec![first.recv().await?];
    first.commit().await?;
    let nothing = second.poll(Duration::from_millis(200)).await?;
    assert!(nothing.is_empty(), "{nothing:?}");
    first.close().await?;
    // Only what was handed out is committed.
    came.extend(consume(&mut second, 2).await?);
    assert_eq!(bodies(&came), ["a", "b", "c"]);
    second.commit().await?;
    second.close().await
}
