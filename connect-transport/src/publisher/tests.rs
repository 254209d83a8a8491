//! Failures that a real server does not show on demand; the contract tests run on real ones.
use super::*;
use crate::{Batch, Lane, Queue, QueueType, Reader, parse_frames};
use async_trait::async_trait;
use connect_api::Encoded;
use futures_util::FutureExt as _;
use std::{collections::HashMap, num::NonZeroU32, ops::Range, sync::Mutex};
use tokio::sync::Semaphore;

/// What a lane does with its n-th send, from 0: an error, before or after the batch is kept.
type Plan = fn(queue: u32, nth: usize) -> Option<(ErrorKind, bool)>;

/// Keeps what is sent; each send of a queue needs a permit of its gate.
#[derive(Debug)]
struct Broker {
    plan: Plan,
    gates: Vec<Semaphore>,
    kept: Mutex<Vec<(u32, Batch)>>,
}

#[derive(Debug)]
struct Faulty(Arc<Broker>);

struct FaultyLane {
    broker: Arc<Broker>,
    queue: u32,
    sends: usize,
}

#[async_trait]
impl Lane for FaultyLane {
    async fn send(&mut self, batch: &Batch) -> Result<i64> {
        let gate = self.broker.gates[self.queue as usize].acquire().await;
        gate.map_err(|e| Error::new(ErrorKind::Internal, "gate").with_source(e))?
            .forget();
        let fault = (self.broker.plan)(self.queue, self.sends);
        self.sends += 1;
        if fault.is_none_or(|(_, kept)| kept) {
            let mut kept = self.broker.kept.lock().unwrap();
            kept.push((self.queue, batch.clone()));
        }
        fault.map_or(Ok(0), |(kind, _)| Err(Error::new(kind, "planned")))
    }
}

#[async_trait]
impl Transport for Faulty {
    async fn queues(&self, topic: &str) -> Result<Vec<Queue>> {
        let queue = |id| Queue {
            topic: topic.into(),
            broker: "".into(),
            id,
        };
        Ok((0..).map(queue).take(self.0.gates.len()).collect())
    }

    async fn lane(&self, queue: &Queue) -> Result<Box<dyn Lane>> {
        Ok(Box::new(FaultyLane {
            broker: self.0.clone(),
            queue: queue.id,
            sends: 0,
        }))
    }

    async fn create_topic(&self, _: &str, _: NonZeroU32, _: QueueType) -> Result<()> {
        unreachable!("publishers create no topic")
    }
    async fn create_group(&self, _: &str) -> Result<()> {
        unreachable!("publishers have no group")
    }
    async fn reader(&self, _: &str, _: &Queue, _: i64) -> Result<Box<dyn Reader>> {
        unreachable!("publishers do not read")
    }
    async fn committed(&self, _: &str, _: &[Queue]) -> Result<Vec<Option<i64>>> {
        unreachable!("publishers have no group")
    }
    async fn commit(&self, _: &str, _: &[(Queue, i64)]) -> Result<()> {
        unreachable!("publishers have no group")
    }
    async fn bounds(&self, _: &Queue) -> Result<Range<i64>> {
        unreachable!("publishers do not read")
    }
    async fn close(&self, _: Duration) {}
}

const OPEN: usize = Semaphore::MAX_PERMITS;

async fn publisher(
    queues: usize,
    permits: usize,
    plan: Plan,
    options: PublisherOptions,
) -> Result<(Arc<Broker>, Publisher, CancellationToken)> {
    let broker = Arc::new(Broker {
        plan,
        gates: (0..queues).map(|_| Semaphore::new(permits)).collect(),
        kept: Mutex::default(),
    });
    let transport: Arc<dyn Transport> = Arc::new(Faulty(broker.clone()));
    let stop = CancellationToken::new();
    let publisher = Publisher::open(&transport, "orders", options, stop.clone()).await?;
    Ok((broker, publisher, stop))
}

fn quick() -> PublisherOptions {
    PublisherOptions {
        retry_delay: Duration::from_micros(10),
        max_retry_delay: Duration::from_micros(50),
        ..PublisherOptions::default()
    }
}

/// Bodies are the numbers in `rows`; keys are `number % keys`, or none.
fn encoded(rows: Range<usize>, keys: Option<usize>) -> Encoded {
    let mut encoded = Encoded::default();
    for row in rows {
        let key = keys.map_or_else(String::new, |keys| (row % keys).to_string());
        encoded.keys.push(key.as_bytes());
        encoded.bodies.push(row.to_string().as_bytes());
    }
    encoded
}

/// Key and number of the messages that a broker kept, by queue.
fn kept(broker: &Broker) -> HashMap<u32, Vec<(String, usize)>> {
    let mut all = HashMap::<_, Vec<_>>::new();
    for (queue, batch) in broker.kept.lock().unwrap().iter() {
        let frames = &batch.frames;
        let found = parse_frames(frames).map(|frame| {
            let frame = frame.unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let key = frame
                .properties(frames)
                .get("KEYS")
                .map_or_else(String::new, text);
            (key, text(&frames[frame.body]).parse().unwrap())
        });
        let before = all.entry(*queue).or_default();
        before.extend(found);
        assert!(batch.messages > 0, "an empty batch was sent");
    }
    all
}

fn said<T>(result: Result<T>) -> Option<(ErrorKind, String)> {
    result.err().map(|e| (e.kind(), e.to_string()))
}

#[tokio::test]
async fn the_order_of_a_key_is_kept_while_batches_are_sent_again() -> Result<()> {
    let plan: Plan = |_, nth| (nth % 3 != 2).then_some((ErrorKind::Connect, false));
    let (broker, mut publisher, _) = publisher(4, OPEN, plan, quick()).await?;
    for page in 0..40 {
        publisher
            .send(Page::new(&encoded(page * 100..(page + 1) * 100, Some(17))))
            .await?;
        tokio::task::yield_now().await;
    }
    publisher.flush().await?;
    assert_eq!(publisher.acknowledged()?, 40);
    let mut last = HashMap::new();
    let mut count = 0;
    for (queue, messages) in kept(&broker) {
        for (key, number) in messages {
            count += 1;
            if let Some((before_queue, before)) = last.insert(key, (queue, number)) {
                assert!(before_queue == queue && before < number);
            }
        }
    }
    assert_eq!((count, last.len()), (4_000, 17));
    Ok(())
}

/// G2: the key that is shown does not choose the queue while rows have a key of their own.
#[tokio::test]
async fn keys_for_lookup_are_sent_and_own_keys_choose_the_queue() -> Result<()> {
    let (broker, mut publisher, _) = publisher(4, OPEN, |_, _| None, quick()).await?;
    let mut page = encoded(0..100, Some(7));
    // One for all rows of one key in turns; each fifth has none.
    for row in 0..100 {
        let key = if row % 5 == 0 {
            String::new()
        } else {
            format!("look-{}", row % 3)
        };
        page.lookup_keys.push(key.as_bytes());
    }
    publisher.send(Page::new(&page)).await?;
    let mut keyless = encoded(100..160, None);
    for row in 100..160 {
        keyless.lookup_keys.push((row % 3).to_string().as_bytes());
    }
    publisher.send(Page::new(&keyless)).await?;
    publisher.flush().await?;
    let mut queues = HashMap::new();
    let mut count = 0;
    for (queue, messages) in kept(&broker) {
        for (key, number) in messages {
            count += 1;
            let (expected, own) = match number {
                0..100 if number % 5 == 0 => {
                    ((number % 7).to_string(), format!("own {}", number % 7))
                }
                0..100 => (
                    format!("look-{}", number % 3),
                    format!("own {}", number % 7),
                ),
                _ => ((number % 3).to_string(), format!("shown {}", number % 3)),
            };
            assert_eq!(key, expected, "{number}");
            let known = *queues.entry(own).or_insert(queue);
            assert_eq!(known, queue, "{number}");
        }
    }
    assert_eq!((count, queues.len()), (160, 10));
    let mut wrong = encoded(0..2, None);
    wrong.lookup_keys.push(b"one");
    let error = publisher.send(Page::new(&wrong)).await.unwrap_err();
    assert!(error.to_string().contains("lookup keys differ"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_batch_that_was_kept_though_it_failed_comes_again_before_the_next() -> Result<()> {
    let plan: Plan = |_, nth| (nth == 0).then_some((ErrorKind::Timeout, true));
    let (broker, mut publisher, _) = publisher(1, 0, plan, quick()).await?;
    publisher.send(Page::new(&encoded(0..2, None))).await?;
    broker.gates[0].add_permits(1);
    while !kept(&broker).contains_key(&0) {
        tokio::task::yield_now().await;
    }
    publisher.send(Page::new(&encoded(2..4, None))).await?;
    broker.gates[0].add_permits(2);
    publisher.flush().await?;
    let numbers: Vec<_> = kept(&broker)[&0].iter().map(|(_, n)| *n).collect();
    assert_eq!(numbers, [0, 1, 0, 1, 2, 3]);
    Ok(())
}

#[tokio::test]
async fn a_page_is_acknowledged_only_with_all_pages_before_it() -> Result<()> {
    let (broker, mut publisher, _) = publisher(2, 0, |_, _| None, quick()).await?;
    // Pages without keys go to queue 0, 1, 0.
    for page in 0..3 {
        assert_eq!(
            publisher
                .send(Page::new(&encoded(page..page + 1, None)))
                .await?,
            page as u64 + 1
        );
    }
    broker.gates[1].add_permits(1);
    while broker.gates[1].available_permits() > 0 || kept(&broker).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(publisher.acknowledged()?, 0);
    assert!(publisher.wait(1).now_or_never().is_none());
    // Queue 0 sends its first page alone or both together, as it was woken.
    broker.gates[0].add_permits(2);
    publisher.wait(3).await?;
    assert_eq!(publisher.acknowledged()?, 3);
    assert_eq!(kept(&broker)[&1], [(String::new(), 1)]);
    publisher.close(Duration::from_secs(5)).await
}

#[tokio::test]
async fn a_permanent_error_is_returned_once_and_ends_the_publisher() -> Result<()> {
    let plan: Plan = |_, nth| (nth == 1).then_some((ErrorKind::Auth, false));
    let (_broker, mut publisher, _) = publisher(1, OPEN, plan, quick()).await?;
    publisher.send(Page::new(&encoded(0..1, None))).await?;
    publisher.flush().await?;
    publisher.send(Page::new(&encoded(1..2, None))).await?;
    assert_eq!(
        said(publisher.flush().await),
        Some((ErrorKind::Auth, "planned".into()))
    );
    let again = "topic `orders`: sending has failed before: planned".to_owned();
    assert_eq!(
        said(publisher.acknowledged()),
        Some((ErrorKind::Auth, again.clone()))
    );
    let page = encoded(2..3, None);
    assert_eq!(
        said(publisher.send(Page::new(&page)).await),
        Some((ErrorKind::Auth, again))
    );
    assert_eq!(publisher.stored(), 1);
    Ok(())
}

#[tokio::test]
async fn sending_again_ends_with_the_retry_timeout() -> Result<()> {
    let options = PublisherOptions {
        retry_timeout: Some(Duration::from_millis(5)),
        ..quick()
    };
    let plan: Plan = |_, _| Some((ErrorKind::Busy, false));
    let (broker, mut publisher, _) = publisher(1, OPEN, plan, options).await?;
    publisher.send(Page::new(&encoded(0..1, None))).await?;
    let queue = &Faulty(broker).queues("orders").await?[0];
    let expected = format!("queue {queue}: gave up after 0 s: planned");
    assert_eq!(
        said(publisher.flush().await),
        Some((ErrorKind::Busy, expected))
    );
    Ok(())
}

#[tokio::test]
async fn send_waits_while_too_much_is_not_acknowledged_and_may_be_dropped() -> Result<()> {
    let options = PublisherOptions {
        max_in_flight_bytes: 1_000,
        ..quick()
    };
    let (broker, mut publisher, stop) = publisher(1, 0, |_, _| None, options).await?;
    let page = encoded(0..20, None);
    publisher.send(Page::new(&page)).await?;
    for _ in 0..3 {
        assert!(publisher.send(Page::new(&page)).now_or_never().is_none());
    }
    broker.gates[0].add_permits(1);
    assert_eq!(publisher.send(Page::new(&page)).await?, 2);
    stop.cancel();
    let stopped = "topic `orders`: asked to stop".to_owned();
    assert_eq!(
        said(publisher.send(Page::new(&page)).await),
        Some((ErrorKind::Stopped, stopped))
    );
    let late = publisher.close(Duration::from_millis(1)).await;
    assert!(said(late).is_some_and(|(kind, _)| kind == ErrorKind::Timeout));
    assert_eq!((publisher.stored(), kept(&broker)[&0].len()), (1, 20));
    Ok(())
}

#[tokio::test]
async fn batches_hold_so_many_messages_and_bytes_and_go_round_without_keys() -> Result<()> {
    let options = PublisherOptions {
        batch_bytes: 4_000,
        ..quick()
    };
    let (broker, mut publisher, _) = publisher(3, OPEN, |_, _| None, options).await?;
    publisher.send(Page::new(&encoded(0..150, None))).await?;
    let mut long = Encoded::default();
    for length in [10, 5_000, 10] {
        long.bodies.push(&b"1".repeat(length));
    }
    publisher.flush().await?;
    assert_eq!(kept(&broker).len(), 3);
    broker.kept.lock().unwrap().clear();
    publisher.send(Page::new(&long)).await?;
    publisher.flush().await?;
    let batches = broker.kept.lock().unwrap();
    assert!(batches.iter().all(|(_, b)| b.messages == 1), "{batches:?}");
    Ok(())
}

#[tokio::test]
async fn a_page_with_an_invalid_message_is_rejected_as_a_whole() -> Result<()> {
    let options = PublisherOptions {
        max_message_bytes: 50,
        batch_messages: std::num::NonZeroUsize::new(2).unwrap(),
        ..quick()
    };
    let (broker, mut publisher, _) = publisher(2, 0, |_, _| None, options).await?;
    publisher.send(Page::new(&encoded(0..7, Some(3)))).await?;
    let mut bad = encoded(100..120, Some(3));
    bad.keys.push(b"a\x01");
    bad.bodies.push(b"");
    bad.keys.push(b"");
    bad.bodies.push(&[b'1'; 51]);
    let expected = "topic `orders`: row 20: property \"KEYS\" holds a byte 1 or 2, which separate \
                    properties of a message";
    assert_eq!(
        said(publisher.send(Page::new(&bad)).await),
        Some((ErrorKind::Data, expected.to_owned()))
    );
    publisher.send(Page::new(&encoded(7..20, Some(3)))).await?;
    let mut rejected = Vec::new();
    let ticket = publisher.send_valid(Page::new(&bad), &mut rejected).await?;
    assert_eq!(ticket, 3);
    let rejected: Vec<_> = rejected
        .iter()
        .map(|r| (r.row, r.error.to_string()))
        .collect();
    let long = "topic `orders`: row 21: body has 51 bytes, at most 50 can be sent";
    assert_eq!(rejected, [(20, expected.to_owned()), (21, long.to_owned())]);
    for gate in &broker.gates {
        gate.add_permits(1_000);
    }
    publisher.flush().await?;
    let mut numbers: Vec<_> = kept(&broker)
        .into_values()
        .flatten()
        .map(|(_, n)| n)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).chain(100..120).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn an_unknown_topic_and_uneven_pages_are_named() -> Result<()> {
    let none: Arc<dyn Transport> = Arc::new(Faulty(Arc::new(Broker {
        plan: |_, _| None,
        gates: Vec::new(),
        kept: Mutex::default(),
    })));
    let opened = Publisher::open(&none, "gone", quick(), CancellationToken::new()).await;
    assert!(said(opened).is_some_and(|(k, t)| k == ErrorKind::Schema && t.contains("`gone`")));
    let (_broker, mut publisher, _) = publisher(1, OPEN, |_, _| None, quick()).await?;
    let page = encoded(0..2, None);
    let uneven = publisher.send(Page::new(&page).with_times(&[1])).await;
    let text = "topic `orders`: page of 2 bodies: times differ in number".to_owned();
    assert_eq!(said(uneven), Some((ErrorKind::Internal, text)));
    Ok(())
}
