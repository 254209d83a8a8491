//! The publisher over the transport.
use super::{Came, DEADLINE, pull, topic};
use crate::{EVENT_TIME, OP, Page, Publisher, PublisherOptions, Transport};
use connect_api::{Encoded, ErrorKind, Op, Ops, Result};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

const MESSAGES: usize = 10_000;
const PAGE: usize = 400;
const KEYS: usize = 997;

/// A topic that is not there is an error of kind `Schema` that names it.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn unknown_topics_are_named(t: &Arc<dyn Transport>, unique: &str) -> Result<()> {
    let name = format!("{unique}-never-created");
    let stop = CancellationToken::new();
    let opened = Publisher::open(t, &name, PublisherOptions::default(), stop).await;
    let refused = opened.err().map(|e| (e.kind(), e.to_string()));
    let named = |(kind, text): &(_, String)| *kind == ErrorKind::Schema && text.contains(&name);
    assert!(refused.as_ref().is_some_and(named), "{refused:?}");
    Ok(())
}

/// Ten thousand messages over four queues arrive once, each key's in one queue and in order, with
/// key, body, op, event time and common properties as they were.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn pages_arrive_in_order_of_their_keys(
    t: &Arc<dyn Transport>,
    unique: &str,
) -> Result<()> {
    let name = format!("{unique}-pages");
    let queues = topic(t, &name, 4).await?;
    let stop = CancellationToken::new();
    let mut publisher = Publisher::open(t, &name, PublisherOptions::default(), stop).await?;
    let common = [("connect-ext-table", "orders")];
    let mut encoded = Encoded::default();
    for start in (0..MESSAGES).step_by(PAGE) {
        let rows = start..start + PAGE;
        encoded.clear();
        for row in rows.clone() {
            encoded.keys.push((row % KEYS).to_string().as_bytes());
            let body = if row % 10 == 0 {
                String::new()
            } else {
                row.to_string()
            };
            encoded.bodies.push(body.as_bytes());
        }
        let deleted = |row| {
            if row % 10 == 0 {
                Op::Delete
            } else {
                Op::Update
            }
        };
        let ops = Ops::from_rows(rows.clone().map(deleted).collect());
        let times: Vec<_> = rows.map(|row| row as i64).collect();
        let page = Page::new(&encoded)
            .with_common(&common)
            .with_ops(&ops)
            .with_times(&times);
        publisher.send(page).await?;
    }
    publisher.flush().await?;
    assert_eq!(publisher.acknowledged()?, (MESSAGES / PAGE) as u64);
    publisher.close(DEADLINE).await?;

    let group = format!("{unique}-pages");
    t.create_group(&group).await?;
    let mut reads = Vec::new();
    for queue in &queues {
        // Acknowledged but not yet in the broker's index: the first pull waits for it.
        let mut reader = t.reader(&group, queue, 0).await?;
        reads.push(async move {
            let mut count = 0;
            let started = std::time::Instant::now();
            let mut rest = reader.pull(DEADLINE).await?;
            while !rest.is_empty() {
                count += rest.len();
                assert!(
                    started.elapsed() < 2 * DEADLINE,
                    "still reading after {count}"
                );
                rest = reader.pull(super::WAIT).await?;
            }
            reader.seek(0);
            pull(&mut reader, count).await
        });
    }
    let came = futures_util::future::try_join_all(reads).await?;
    check(&came);
    Ok(())
}

fn check(queues: &[Vec<Came>]) {
    let mut seen = HashSet::new();
    let mut last = HashMap::new();
    for (queue, messages) in queues.iter().enumerate() {
        assert!(
            messages.len() > MESSAGES / 8,
            "queue {queue} got {}",
            messages.len()
        );
        for message in messages {
            let property = |name| {
                let found = message.connect.iter().find(|(n, _)| n == name);
                found.map_or("", |(_, value)| value)
            };
            let row: usize = property(EVENT_TIME).parse().unwrap_or(usize::MAX);
            let deleted = row.is_multiple_of(10);
            let body = if deleted {
                String::new()
            } else {
                row.to_string()
            };
            assert_eq!(message.key, (row % KEYS).to_string());
            assert_eq!(message.body, body.into_bytes());
            assert_eq!(property("connect-ext-table"), "orders");
            assert_eq!(property(OP), if deleted { "d" } else { "u" });
            assert!(seen.insert(row), "row {row} came twice");
            if let Some((at, before)) = last.insert(row % KEYS, (queue, row)) {
                assert!(at == queue && before < row, "row {row} came after {before}");
            }
        }
    }
    assert_eq!(seen.len(), MESSAGES);
}
