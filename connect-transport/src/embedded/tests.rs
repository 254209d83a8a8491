//! What the contract of transports does not ask: the file, the kill, what is let go of.
use super::*;
use crate::{Batch, CommonProperties, Frames, Outgoing, QueueType};
use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Instant,
};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(30);
const TOPIC: &str = "orders";
const QUEUES: NonZeroU32 = NonZeroU32::new(4).unwrap();
/// Messages of a batch of the child that is killed.
const EACH: i64 = 50;
/// Names the store to the child that is killed.
const CHILD: &str = "CONNECT_TEST_EMBEDDED_CHILD";

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn open(dir: &TempDir, options: EmbeddedOptions) -> Result<Embedded> {
    Embedded::open(dir.path().join("messages"), options).await
}

async fn queues(store: &Embedded) -> Result<Vec<Queue>> {
    store.create_topic(TOPIC, QUEUES, QueueType::Simple).await?;
    store.queues(TOPIC).await
}

/// A batch whose bodies are the numbers in `range`.
fn numbers(range: Range<i64>) -> Result<Batch> {
    let mut frames = Frames::default();
    for number in range {
        let body = number.to_string();
        let message = Outgoing {
            body: body.as_bytes(),
            ..Outgoing::default()
        };
        frames.push(&message, &CommonProperties::default(), 100)?;
    }
    Ok(frames.into_batch())
}

fn said<T>(result: Result<T>) -> (ErrorKind, String) {
    match result {
        Ok(_) => panic!("an error was expected"),
        Err(error) => (error.kind(), error.to_string()),
    }
}

/// Offset and body of the messages from `offset` on.
async fn read(store: &Embedded, queue: &Queue, offset: i64) -> Result<Vec<(i64, i64)>> {
    let end = store.bounds(queue).await?.end;
    let mut reader = store.reader("g", queue, offset).await?;
    let mut all = Vec::new();
    while all.last().is_none_or(|(last, _)| last + 1 < end) {
        let pulled = reader.pull(DEADLINE).await?;
        assert!(!pulled.is_empty(), "no message within {DEADLINE:?}");
        let body = |bytes| std::str::from_utf8(bytes).unwrap().parse().unwrap();
        all.extend(pulled.iter().map(|m| (m.offset, body(m.body))));
    }
    Ok(all)
}

/// Runs in a process of its own, until that is killed; nothing where it is not asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_writes_until_it_is_killed() -> Result<()> {
    let Ok(path) = env::var(CHILD) else {
        return Ok(());
    };
    let store = Embedded::open(path, EmbeddedOptions::default()).await?;
    let mut writing = tokio::task::JoinSet::new();
    for queue in queues(&store).await? {
        let mut lane = store.lane(&queue).await?;
        let mut next = store.bounds(&queue).await?.end;
        writing.spawn(async move {
            loop {
                let first = lane.send(&numbers(next..next + EACH)?).await?;
                assert_eq!(first, next);
                next += EACH;
                println!("\nacknowledged {} {next}", queue.id);
            }
        });
    }
    writing.join_next().await.unwrap().unwrap()
}

fn child(dir: &TempDir) -> Child {
    let exe = env::current_exe().unwrap();
    let name = "embedded::tests::child_writes_until_it_is_killed";
    let mut command = Command::new(exe);
    command.args([name, "--exact", "--nocapture"]);
    command.env(CHILD, dir.path().join("messages"));
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_kill_is_there_in_order_and_once() -> Result<()> {
    let dir = directory();
    let mut acknowledged = [0_i64; 4];
    for round in 1..=4 {
        let mut child = child(&dir);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut reports = 0;
        for line in lines.map_while(std::io::Result::ok) {
            let Some(rest) = line.strip_prefix("acknowledged ") else {
                continue;
            };
            let (queue, next) = rest.split_once(' ').unwrap();
            acknowledged[queue.parse::<usize>().unwrap()] = next.parse().unwrap();
            reports += 1;
            if reports == 1 {
                let (kind, text) = said(open(&dir, EmbeddedOptions::default()).await);
                let owner = format!("is open in process {} (", child.id());
                assert_eq!(kind, ErrorKind::Config);
                assert!(
                    !cfg!(target_os = "linux") || text.contains(&owner),
                    "{text}"
                );
            }
            if reports == 60 * round {
                // SIGKILL; what it had still printed is read to the end.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(reports >= 60 * round, "the child ended by itself");
        let started = Instant::now();
        let store = open(&dir, EmbeddedOptions::default()).await?;
        let took = started.elapsed();
        assert!(
            took < Duration::from_millis(500),
            "opening took {took:?} after a kill"
        );
        for queue in queues(&store).await? {
            let bounds = store.bounds(&queue).await?;
            let least = acknowledged[queue.id as usize];
            assert!(
                bounds.start == 0 && bounds.end >= least,
                "{bounds:?}, {least} acknowledged"
            );
            let expected: Vec<_> = bounds.map(|n| (n, n)).collect();
            assert_eq!(
                read(&store, &queue, 0).await?,
                expected,
                "round {round}, {queue}"
            );
        }
        store.close(DEADLINE).await;
    }
    assert!(acknowledged.iter().all(|n| *n > 0), "{acknowledged:?}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_named_with_the_reason() -> Result<()> {
    let dir = directory();
    let store = open(&dir, EmbeddedOptions::default()).await?;
    let twice = said(open(&dir, EmbeddedOptions::default()).await);
    let shown = dir.path().join("messages");
    let owner = if cfg!(target_os = "linux") {
        "this process"
    } else {
        "another process"
    };
    let text = format!(
        "store {} is open in {owner}; stop that one, or name another file",
        shown.display()
    );
    assert_eq!(twice, (ErrorKind::Config, text));
    store.close(DEADLINE).await;

    let other = dir.path().join("notes.txt");
    std::fs::write(
        &other,
        "not a store, and longer than the head of one".repeat(100),
    )
    .unwrap();
    for path in [
        other,
        dir.path().join("missing/messages"),
        dir.path().to_owned(),
    ] {
        let refused = Embedded::open(&path, EmbeddedOptions::default()).await;
        let text = format!("store {} cannot be opened", path.display());
        assert_eq!(said(refused), (ErrorKind::Config, text));
    }
    Ok(())
}

#[tokio::test]
async fn close_lets_the_file_go_and_ends_lanes_and_readers() -> Result<()> {
    let dir = directory();
    let store = open(&dir, EmbeddedOptions::default()).await?;
    let queue = &queues(&store).await?[0];
    let mut lane = store.lane(queue).await?;
    let mut reader = store.reader("g", queue, 0).await?;
    lane.send(&numbers(0..3)?).await?;
    assert_eq!(reader.pull(DEADLINE).await?.len(), 3);
    let polling = tokio::spawn(async move { reader.pull(4 * DEADLINE).await });
    tokio::task::yield_now().await;
    store.close(DEADLINE).await;
    let text = format!("store {} is closed", dir.path().join("messages").display());
    let stopped = (ErrorKind::Stopped, text);
    assert_eq!(said(polling.await.unwrap()), stopped);
    assert_eq!(said(lane.send(&numbers(3..4)?).await), stopped);
    assert_eq!(
        said(store.committed("g", std::slice::from_ref(queue)).await),
        stopped
    );
    let again = open(&dir, EmbeddedOptions::default()).await?;
    assert_eq!(read(&again, queue, 0).await?, [(0, 0), (1, 1), (2, 2)]);
    again.close(DEADLINE).await;
    Ok(())
}

#[tokio::test]
async fn a_batch_that_cannot_be_walked_is_refused() -> Result<()> {
    let dir = directory();
    let store = open(&dir, EmbeddedOptions::default()).await?;
    let queue = &queues(&store).await?[1];
    let mut lane = store.lane(queue).await?;
    let good = numbers(0..3)?;
    let cut = Batch {
        frames: good.frames.slice(..good.frames.len() - 1),
        messages: 3,
    };
    let miscounted = Batch {
        messages: 4,
        ..good
    };
    for batch in [cut, miscounted, Batch::default()] {
        let (kind, text) = said(lane.send(&batch).await);
        assert!(
            kind == ErrorKind::Data && text.starts_with(&format!("queue {queue}: batch")),
            "{text}"
        );
    }
    assert_eq!(store.bounds(queue).await?, 0..0);
    let missing = Queue {
        id: 4,
        ..queue.clone()
    };
    let (kind, text) = said(store.lane(&missing).await);
    assert_eq!(
        (kind, &*text),
        (ErrorKind::Schema, "topic `orders` has no queue 4, it has 4")
    );
    Ok(())
}

fn small(unread: Unread) -> EmbeddedOptions {
    EmbeddedOptions {
        max_queue_bytes: 10_000,
        unread,
        ..EmbeddedOptions::default()
    }
}

/// Sends batches of ten messages, about 800 bytes each, up to number `end`.
async fn fill(store: &Embedded, queue: &Queue, end: i64) -> Result<()> {
    let mut lane = store.lane(queue).await?;
    for start in (store.bounds(queue).await?.end..end).step_by(10) {
        lane.send(&numbers(start..start + 10)?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_oldest_batches_go_when_a_queue_holds_too_much() -> Result<()> {
    let dir = directory();
    let store = open(&dir, small(Unread::Keep)).await?;
    let queue = &queues(&store).await?[2];
    fill(&store, queue, 1_000).await?;
    let bounds = store.bounds(queue).await?;
    assert!(
        bounds.end == 1_000 && (800..950).contains(&bounds.start),
        "{bounds:?}"
    );
    // Who begins too early begins at the oldest.
    let expected: Vec<_> = bounds.map(|n| (n, n)).collect();
    assert_eq!(read(&store, queue, 5).await?, expected);
    // A reader that falls behind what goes away does the same.
    let mut reader = store.reader("g", queue, 995).await?;
    fill(&store, queue, 3_000).await?;
    reader.pull(DEADLINE).await?;
    fill(&store, queue, 6_000).await?;
    let mut seen = 995;
    while seen < 5_999 {
        for message in reader.pull(DEADLINE).await?.iter() {
            assert!(message.offset > seen || seen == 995);
            assert_eq!(message.body, message.offset.to_string().into_bytes());
            seen = message.offset;
        }
    }
    store.close(DEADLINE).await;
    Ok(())
}

#[tokio::test]
async fn unread_messages_are_kept_unless_retention_drops_them() -> Result<()> {
    for (unread, first) in [(Unread::Keep, 300..301), (Unread::Trim, 800..950)] {
        let dir = directory();
        let store = open(&dir, small(unread)).await?;
        let queue = &queues(&store).await?[3];
        store.commit("slow", &[(queue.clone(), 0)]).await?;
        store.commit("quick", &[(queue.clone(), 900)]).await?;
        fill(&store, queue, 990).await?;
        // 305 lies inside of a batch, which stays whole.
        store.commit("slow", &[(queue.clone(), 305)]).await?;
        fill(&store, queue, 1_000).await?;
        let bounds = store.bounds(queue).await?;
        assert!(
            bounds.end == 1_000 && first.contains(&bounds.start),
            "{unread:?}: {bounds:?}"
        );
        store.close(DEADLINE).await;
    }
    Ok(())
}

#[tokio::test]
async fn batches_go_when_they_are_too_old_and_offsets_go_on() -> Result<()> {
    let dir = directory();
    let store = open(&dir, EmbeddedOptions::default()).await?;
    let queue = queues(&store).await?.remove(0);
    fill(&store, &queue, 2_000).await?;
    store.close(DEADLINE).await;
    let options = EmbeddedOptions {
        max_age: Duration::ZERO,
        ..EmbeddedOptions::default()
    };
    let path = dir.path().join("messages");
    // Ages are looked at once a minute; here, at once.
    tokio::task::spawn_blocking(move || {
        let store = Arc::new(Store::open(&path, &options)?);
        let started = Instant::now();
        let full = |q: &Arc<directory::QueueEntry>| q.extent().first < q.extent().next;
        while store.directory.entries().iter().any(full) {
            assert!(started.elapsed() < DEADLINE);
            writer::trim_by_age(&store, &options)?;
        }
        store.close();
        Ok::<_, Error>(())
    })
    .await
    .unwrap()?;
    let store = open(&dir, EmbeddedOptions::default()).await?;
    assert_eq!(store.bounds(&queue).await?, 2_000..2_000);
    fill(&store, &queue, 2_010).await?;
    let expected: Vec<_> = (2_000..2_010).map(|n| (n, n)).collect();
    assert_eq!(read(&store, &queue, 0).await?, expected);
    Ok(())
}
