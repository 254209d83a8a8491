//! What every transport keeps to, as a test that runs on a real one.
//!
//! ```no_run
//! # async fn test(transport: std::sync::Arc<dyn connect_transport::Transport>)
//! # -> connect_api::Result<()> {
//! connect_transport::contract::transport_contract(transport, "run-4711").await
//! # }
//! ```
//! The functions panic where the transport breaks the contract, and give back its errors. Each
//! creates topics and groups whose names begin with `unique`; they may run side by side.
mod everyday;
mod members;
mod messages;
mod offsets;
mod publishing;

use crate::{Batch, CommonProperties, Frames, Outgoing, Queue, QueueType, Reader, Transport};
use connect_api::Result;
pub use everyday::{
    a_second_consumer_of_a_group_takes_over, what_is_consumed_and_committed_does_not_come_again,
};
pub use members::a_queue_has_one_member_of_a_group;
pub use messages::{
    a_long_poll_wakes, messages_come_back_as_they_were, nothing_new_is_an_empty_pull,
    topics_are_created_once,
};
pub use offsets::{
    bounds_follow_the_messages, groups_keep_their_own_offsets, readers_start_at_the_given_offset,
    what_is_dropped_is_not_lost,
};
pub use publishing::{pages_arrive_in_order_of_their_keys, unknown_topics_are_named};
use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

/// A test of each function of the contract. `$open` is an asynchronous function without arguments
/// that gives the transport, as `Arc<dyn Transport>`, and something to keep while the test runs;
/// `$unique` gives names that no other test has.
#[macro_export]
macro_rules! keeps_the_transport_contract {
    ($open:path, $unique:path) => {
        $crate::keeps_the_transport_contract!($open, $unique:
            topics_are_created_once messages_come_back_as_they_were nothing_new_is_an_empty_pull
            a_long_poll_wakes readers_start_at_the_given_offset what_is_dropped_is_not_lost
            bounds_follow_the_messages groups_keep_their_own_offsets unknown_topics_are_named
            pages_arrive_in_order_of_their_keys a_queue_has_one_member_of_a_group
            what_is_consumed_and_committed_does_not_come_again
            a_second_consumer_of_a_group_takes_over);
    };
    ($open:path, $unique:path: $($name:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() -> Result<(), connect_api::Error> {
            let (transport, _keep) = $open().await?;
            $crate::contract::$name(&transport, &$unique()).await?;
            transport.close(std::time::Duration::from_secs(10)).await;
            Ok(())
        }
    )*};
}

/// What must happen happens within this time.
const DEADLINE: Duration = Duration::from_secs(30);
/// One pull's wait.
const WAIT: Duration = Duration::from_secs(1);

/// All of the contract, one function after another.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn transport_contract(transport: Arc<dyn Transport>, unique: &str) -> Result<()> {
    let t = &transport;
    topics_are_created_once(t, unique).await?;
    messages_come_back_as_they_were(t, unique).await?;
    nothing_new_is_an_empty_pull(t, unique).await?;
    a_long_poll_wakes(t, unique).await?;
    readers_start_at_the_given_offset(t, unique).await?;
    what_is_dropped_is_not_lost(t, unique).await?;
    bounds_follow_the_messages(t, unique).await?;
    groups_keep_their_own_offsets(t, unique).await?;
    unknown_topics_are_named(t, unique).await?;
    pages_arrive_in_order_of_their_keys(t, unique).await?;
    a_queue_has_one_member_of_a_group(t, unique).await?;
    what_is_consumed_and_committed_does_not_come_again(t, unique).await?;
    a_second_consumer_of_a_group_takes_over(t, unique).await
}

/// A message that came.
#[derive(Debug, Clone, PartialEq)]
struct Came {
    offset: i64,
    body: Vec<u8>,
    /// `KEYS`, empty where there is none.
    key: String,
    /// The properties whose names begin with `connect`.
    connect: Vec<(String, String)>,
}

/// Creates a topic, and returns its queues.
async fn topic(transport: &Arc<dyn Transport>, name: &str, queues: u32) -> Result<Vec<Queue>> {
    let count = NonZeroU32::new(queues).unwrap_or(NonZeroU32::MIN);
    transport
        .create_topic(name, count, QueueType::Simple)
        .await?;
    let created = transport.queues(name).await?;
    assert_eq!(created.len(), queues as usize, "queues of topic {name}");
    Ok(created)
}

/// Frames of messages with these keys and bodies.
fn batch<'a>(messages: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Batch> {
    let mut frames = Frames::default();
    for (key, body) in messages {
        let message = Outgoing {
            key: key.as_bytes(),
            body,
            ..Outgoing::default()
        };
        frames.push(&message, &CommonProperties::default(), 2 << 20)?;
    }
    Ok(frames.into_batch())
}

/// A batch whose bodies are the numbers in `range`.
fn numbers(range: std::ops::Range<i64>) -> Result<Batch> {
    let bodies: Vec<_> = range.map(|n| n.to_string()).collect();
    batch(bodies.iter().map(|b| ("", b.as_bytes())))
}

/// Pulls until so many messages have come; fails when they do not come in time, when an offset is
/// missing or doubled, and when there are too many.
async fn pull(reader: &mut Box<dyn Reader>, count: usize) -> Result<Vec<Came>> {
    let started = Instant::now();
    let mut came: Vec<Came> = Vec::new();
    while came.len() < count {
        let (have, waited) = (came.len(), started.elapsed());
        assert!(
            waited < DEADLINE,
            "{have} of {count} messages came in {waited:?}"
        );
        let pulled = reader.pull(WAIT).await?;
        came.extend(pulled.iter().map(|m| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let connect = m
                .properties
                .iter()
                .filter(|(n, _)| n.starts_with(b"connect"));
            Came {
                offset: m.offset,
                body: m.body.to_vec(),
                key: m.properties.get(crate::KEYS).map(text).unwrap_or_default(),
                connect: connect.map(|(n, v)| (text(n), text(v))).collect(),
            }
        }));
        if let Some(last) = came.last() {
            assert_eq!(pulled.next, last.offset + 1, "next offset after a pull");
        }
    }
    assert_eq!(came.len(), count, "more messages than were sent");
    for pair in came.windows(2) {
        assert_eq!(
            pair[0].offset + 1,
            pair[1].offset,
            "offsets follow one another"
        );
    }
    Ok(came)
}

/// The bodies as numbers.
fn as_numbers(came: &[Came]) -> Vec<i64> {
    let number = |c: &Came| String::from_utf8_lossy(&c.body).parse().unwrap_or(i64::MIN);
    came.iter().map(number).collect()
}
