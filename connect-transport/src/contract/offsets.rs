//! Where readers begin, and what groups remember.
use super::{DEADLINE, as_numbers, numbers, pull, topic};
use crate::{Queue, Transport};
use connect_api::Result;
use std::{sync::Arc, time::Duration, time::Instant};

/// A reader begins at its offset, also inside of a batch, and after a seek; an offset out of
/// bounds begins at the oldest message.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn readers_start_at_the_given_offset(t: &Arc<dyn Transport>, unique: &str) -> Result<()> {
    let queues = topic(t, &format!("{unique}-begin"), 1).await?;
    let group = format!("{unique}-begin");
    t.create_group(&group).await?;
    let mut lane = t.lane(&queues[0]).await?;
    for start in [0, 10, 20] {
        lane.send(&numbers(start..start + 10)?).await?;
    }
    let all: Vec<i64> = (0..30).collect();
    for (offset, first) in [(0, 0), (7, 7), (10, 10), (29, 29), (-5, 0), (1_000_000, 0)] {
        let mut reader = t.reader(&group, &queues[0], offset).await?;
        let came = pull(&mut reader, 30 - first).await?;
        assert_eq!(as_numbers(&came), all[first..], "from offset {offset}");
        assert_eq!(came[0].offset, all[first]);
        for (seek, first) in [(13, 13), (3, 3), (28, 28), (i64::MAX, 0)] {
            reader.seek(seek);
            let came = pull(&mut reader, 30 - first).await?;
            assert_eq!(as_numbers(&came), all[first..], "after seeking {seek}");
        }
    }
    Ok(())
}

/// A pull that is dropped, and a reader that is dropped, lose nothing.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn what_is_dropped_is_not_lost(t: &Arc<dyn Transport>, unique: &str) -> Result<()> {
    let queues = topic(t, &format!("{unique}-dropped"), 1).await?;
    let group = format!("{unique}-dropped");
    t.create_group(&group).await?;
    let mut lane = t.lane(&queues[0]).await?;
    let mut reader = t.reader(&group, &queues[0], 0).await?;
    for start in [0, 100] {
        lane.send(&numbers(start..start + 100)?).await?;
        for micros in [0, 10, 100, 1_000] {
            // Dropped at the first await, or in the middle of the request.
            let cut = Duration::from_micros(micros);
            if let Ok(pulled) = tokio::time::timeout(cut, reader.pull(DEADLINE)).await {
                reader.seek(pulled?.next.min(start));
            }
        }
        let came = pull(&mut reader, 100).await?;
        assert_eq!(as_numbers(&came), (start..start + 100).collect::<Vec<_>>());
    }
    drop(reader);
    let mut again = t.reader(&group, &queues[0], 0).await?;
    assert_eq!(
        as_numbers(&pull(&mut again, 200).await?),
        (0..200).collect::<Vec<_>>()
    );
    Ok(())
}

/// Bounds begin empty and grow with each batch.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn bounds_follow_the_messages(t: &Arc<dyn Transport>, unique: &str) -> Result<()> {
    let queues = topic(t, &format!("{unique}-bounds"), 2).await?;
    assert_eq!(t.bounds(&queues[0]).await?, 0..0);
    let mut lane = t.lane(&queues[0]).await?;
    for (count, end) in [(5, 5), (1, 6), (500, 506)] {
        lane.send(&numbers(0..count)?).await?;
        // A broker's index of the queue follows within milliseconds.
        let started = Instant::now();
        while t.bounds(&queues[0]).await? != (0..end) {
            let bounds = t.bounds(&queues[0]).await?;
            assert!(
                started.elapsed() < DEADLINE,
                "bounds stay at {bounds:?}, not 0..{end}"
            );
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(t.bounds(&queues[1]).await?, 0..0, "of the other queue");
    Ok(())
}

/// A group that has committed nothing has no offset; what one commits, forwards or backwards,
/// stands for itself, by queue.
///
/// # Errors
/// What the transport fails with.
///
/// # Panics
/// Where the transport breaks the contract.
pub async fn groups_keep_their_own_offsets(t: &Arc<dyn Transport>, unique: &str) -> Result<()> {
    let queues = topic(t, &format!("{unique}-groups"), 2).await?;
    for queue in &queues {
        t.lane(queue).await?.send(&numbers(0..10)?).await?;
    }
    let groups = ["a", "b"].map(|g| format!("{unique}-groups-{g}"));
    for group in &groups {
        t.create_group(group).await?;
        t.create_group(group).await?;
        assert_eq!(t.committed(group, &queues).await?, [None, None]);
    }
    let at = |queue: usize, offset| (Queue::clone(&queues[queue]), offset);
    for offset in [5, 9, 3, 0] {
        t.commit(&groups[0], &[at(0, offset), at(1, 10 - offset)])
            .await?;
        let committed = t.committed(&groups[0], &queues).await?;
        assert_eq!(committed, [Some(offset), Some(10 - offset)]);
    }
    assert_eq!(t.committed(&groups[1], &queues).await?, [None, None]);
    t.commit(&groups[1], &[at(1, 4)]).await?;
    assert_eq!(t.committed(&groups[1], &queues).await?, [None, Some(4)]);
    assert_eq!(t.committed(&groups[0], &queues).await?, [Some(0), Some(10)]);
    // Each group reads all messages.
    for group in &groups {
        let mut reader = t.reader(group, &queues[0], 0).await?;
        assert_eq!(pull(&mut reader, 10).await?.len(), 10);
    }
    Ok(())
}
