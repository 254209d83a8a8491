//! Topics, and messages out and in.
use super::{DEADLINE, WAIT, as_numbers, batch, numbers, pull, topic};
use crate::{QueueType, Transport};
use connect_api::Result;
use std::{
    num::NonZeroU32,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

/// A missing topic has no queues; created twice it exists once, and its queues have one order.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn topics_are_created_once(t: &Arc<dyn Transport>, unique: &str) -> Result<()> {
    let name = format!("{unique}-created-once");
    assert_eq!(t.queues(&name).await?, [], "queues of a missing topic");
    let queues = topic(t, &name, 4).await?;
    assert!(queues.iter().all(|q| *q.topic == *name));
    let mut sorted = queues.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 4, "each queue stands once");
    t.create_topic(&name, NonZeroU32::MIN.saturating_add(3), QueueType::Simple)
        .await?;
    assert_eq!(
        t.queues(&name).await?,
        queues,
        "queues after making the topic again"
    );
    Ok(())
}

/// Batches of 1 and 500, an empty body and one of 1 MiB come back as they were, in order, at the
/// offsets that the lane gave.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn messages_come_back_as_they_were(t: &Arc<dyn Transport>, unique: &str) -> Result<()> {
    let queues = topic(t, &format!("{unique}-as-they-were"), 1).await?;
    let group = format!("{unique}-as-they-were");
    t.create_group(&group).await?;
    let mut lane = t.lane(&queues[0]).await?;
    let long: Vec<u8> = (0..1 << 20)
        .map(|i: u32| i.to_le_bytes()[i as usize % 4])
        .collect();
    let texts: Vec<_> = (0..500)
        .map(|i| (format!("k{}", i % 7), format!("body {i}")))
        .collect();
    let many: Vec<_> = texts.iter().map(|(k, b)| (&**k, b.as_bytes())).collect();
    let all: [&[(&str, &[u8])]; 5] = [
        &[("one", b"alone")],
        &many,
        &[("gone", b"")],
        &[("long", &long)],
        &[("ключ 🗝", &[0, 1, 2, 255]), ("", b"no key")],
    ];
    let mut next = None;
    for messages in all {
        let first = lane.send(&batch(messages.iter().copied())?).await?;
        assert_eq!(next.unwrap_or(first), first, "offset of the batch");
        next = Some(first + i64::try_from(messages.len()).unwrap_or(i64::MAX));
    }
    let mut reader = t.reader(&group, &queues[0], 0).await?;
    let came = pull(&mut reader, 505).await?;
    assert_eq!(came[0].offset, 0);
    for (came, (key, body)) in came.iter().zip(all.concat()) {
        assert_eq!(
            (&*came.key, &*came.body == body),
            (key, true),
            "offset {}",
            came.offset
        );
    }
    Ok(())
}

/// At the end of a queue a pull waits as long as asked, and returns nothing.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn nothing_new_is_an_empty_pull(t: &Arc<dyn Transport>, unique: &str) -> Result<()> {
    let queues = topic(t, &format!("{unique}-nothing-new"), 1).await?;
    let group = format!("{unique}-nothing-new");
    t.create_group(&group).await?;
    t.lane(&queues[0]).await?.send(&numbers(0..3)?).await?;
    let mut reader = t.reader(&group, &queues[0], 0).await?;
    pull(&mut reader, 3).await?;
    let (started, wait) = (Instant::now(), Duration::from_millis(400));
    let pulled = reader.pull(wait).await?;
    let waited = started.elapsed();
    assert!(pulled.is_empty() && pulled.next == 3, "{pulled:?}");
    assert!(
        waited >= wait - Duration::from_millis(20),
        "a pull at the end took {waited:?}"
    );
    assert!(
        waited < wait + DEADLINE / 2,
        "a pull at the end took {waited:?}"
    );
    Ok(())
}

/// A pull that waits gets a message when it comes, long before its time is over.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn a_long_poll_wakes(t: &Arc<dyn Transport>, unique: &str) -> Result<()> {
    let queues = topic(t, &format!("{unique}-wakes"), 1).await?;
    let group = format!("{unique}-wakes");
    t.create_group(&group).await?;
    let mut lane = t.lane(&queues[0]).await?;
    lane.send(&numbers(0..1)?).await?;
    let mut reader = t.reader(&group, &queues[0], 0).await?;
    assert_eq!(as_numbers(&pull(&mut reader, 1).await?), [0]);
    for number in 1..4 {
        let pulled = {
            let mut polling = pin!(reader.pull(4 * DEADLINE));
            let early = futures_util::poll!(polling.as_mut());
            assert!(early.is_pending(), "a pull before the message was sent");
            lane.send(&numbers(number..number + 1)?).await?;
            let sent = Instant::now();
            let pulled = polling.await?;
            let took = sent.elapsed();
            assert!(took < 5 * WAIT, "the pull was woken after {took:?}");
            pulled
        };
        let bodies: Vec<_> = pulled.iter().map(|m| m.body.to_vec()).collect();
        assert_eq!(bodies, [number.to_string().into_bytes()]);
    }
    Ok(())
}
