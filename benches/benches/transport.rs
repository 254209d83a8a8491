//! Messages into batches, out of pulls, and through the embedded transport: elements are messages.
use async_trait::async_trait;
use benches::{OrdersTopic, Workload};
use bytes::{BufMut as _, Bytes, BytesMut};
use connect_api::{Encoded, Error, ErrorKind, Records, Result, config::Settings};
use connect_transport::{
    Batch, CommonProperties, Frames, Lane, Outgoing, Page, Publisher, PublisherOptions, Queue,
    QueueType, Reader, Transport,
    embedded::{Embedded, EmbeddedOptions},
    parse_frames,
    rocketmq::decode_pull,
};
use criterion::{Criterion, Throughput};
use std::{hint::black_box, num::NonZeroU32, ops::Range, sync::Arc, time::Duration};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Messages of a page, as a source has them by default.
const PAGE: i64 = 5_000;
/// Messages of a batch, as a publisher has them by default.
const BATCH: i64 = 500;
/// Messages that a stock broker gives for one pull.
const PULL: i64 = 32;

fn main() -> Result<()> {
    let failed = |e| Error::new(ErrorKind::Internal, "cannot start").with_source(e);
    let runtime = Runtime::new().map_err(failed)?;
    let mut criterion = Criterion::default().configure_from_args();
    publish(&mut criterion, &runtime)?;
    pull(&mut criterion)?;
    embedded(&mut criterion, &runtime)?;
    criterion.final_summary();
    Ok(())
}

fn messages(ids: i64) -> Result<(Records, Encoded)> {
    let records = Workload::Orders.records("orders", 1..=ids, 0)?;
    let settings = Settings::from_iter([("schemas.enable", "false")]);
    let json = connect_converters::converter("json", &settings)?;
    let mut encoded = Encoded::default();
    json.encode(&records, &mut encoded.bodies)?;
    connect_converters::encode_keys(&records, &mut encoded.keys)?;
    Ok((records, encoded))
}

/// A page framed into the batches of eight queues by the hash of its keys, and handed to lanes
/// that do nothing with them.
fn publish(criterion: &mut Criterion, runtime: &Runtime) -> Result<()> {
    let (records, encoded) = messages(PAGE)?;
    let common = [("connect-ext-__source_table", "orders")];
    let page = Page::of(&records, &encoded).with_common(&common);
    let sink: Arc<dyn Transport> = Arc::new(Sink);
    let mut publisher = runtime.block_on(Publisher::open(
        &sink,
        "orders",
        PublisherOptions::default(),
        CancellationToken::new(),
    ))?;
    let mut group = criterion.benchmark_group("transport");
    group.throughput(Throughput::Elements(PAGE.unsigned_abs()));
    group.bench_function("publish page", |b| {
        b.iter(|| {
            runtime.block_on(async {
                publisher.send(black_box(page)).await?;
                publisher.flush().await
            })
        });
    });
    group.finish();
    Ok(())
}

/// The answer to a pull, decoded in place, with the properties that a sink looks at.
fn pull(criterion: &mut Criterion) -> Result<()> {
    let (_, encoded) = messages(PULL)?;
    let answer = answer(&batch(&encoded)?)?;
    let mut group = criterion.benchmark_group("transport");
    group.throughput(Throughput::Elements(PULL.unsigned_abs()));
    group.bench_function("decode pull", |b| {
        b.iter(|| {
            let pulled = decode_pull(black_box(answer.clone()), 0, PULL, PULL)?;
            let mut bytes = 0;
            for message in pulled.iter() {
                let picked = message.properties.pick(["KEYS", "connect.timestamp"]);
                bytes += message.body.len() + picked[0].map_or(0, <[u8]>::len);
            }
            Ok::<_, Error>(bytes)
        });
    });
    group.finish();
    Ok(())
}

/// Batches of 500 to and from one queue of the embedded transport, synced to the disk.
fn embedded(criterion: &mut Criterion, runtime: &Runtime) -> Result<()> {
    let (_, encoded) = messages(BATCH)?;
    let batch = batch(&encoded)?;
    let failed = |e| Error::new(ErrorKind::Internal, "cannot make a directory").with_source(e);
    let files = tempfile::tempdir().map_err(failed)?;
    let path = files.path().join("queues.redb");
    let options = EmbeddedOptions::default();
    let store = runtime.block_on(Embedded::open(path, options))?;
    runtime.block_on(store.create_topic("orders", OrdersTopic::QUEUES, QueueType::Simple))?;
    let queues = runtime.block_on(store.queues("orders"))?;
    let queue = queues
        .first()
        .ok_or_else(|| Error::new(ErrorKind::Schema, "the topic that was made has no queues"))?;
    let mut lane = runtime.block_on(store.lane(queue))?;
    let mut group = criterion.benchmark_group("transport");
    group.throughput(Throughput::Elements(BATCH.unsigned_abs()));
    group.bench_function("embedded send", |b| {
        b.iter(|| runtime.block_on(lane.send(black_box(&batch))));
    });
    let end = runtime.block_on(store.bounds(queue))?.end;
    let mut reader = runtime.block_on(store.reader("group", queue, 0))?;
    group.bench_function("embedded pull", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let pulled = reader.pull(Duration::from_secs(5)).await?;
                if pulled.next >= end {
                    reader.seek(0);
                }
                Ok::<_, Error>(pulled.len())
            })
        });
    });
    group.finish();
    runtime.block_on(store.close(Duration::from_secs(5)));
    Ok(())
}

fn batch(encoded: &Encoded) -> Result<Batch> {
    let common = CommonProperties::default();
    let mut frames = Frames::default();
    for row in 0..encoded.bodies.len() {
        let message = Outgoing {
            key: encoded.keys.get(row),
            body: encoded.bodies.get(row),
            ..Outgoing::default()
        };
        frames.push(&message, &common, usize::MAX)?;
    }
    Ok(frames.into_batch())
}

/// The messages of `batch` as a broker keeps and gives them.
fn answer(batch: &Batch) -> Result<Bytes> {
    /// All fields of a message beside body, topic and properties, with addresses of IPv4.
    const FIXED: usize = 91;
    let mut out = BytesMut::new();
    for (offset, frame) in (0_i64..).zip(parse_frames(&batch.frames)) {
        let frame = frame?;
        let body = &batch.frames[frame.body];
        let properties = &batch.frames[frame.properties];
        let topic = b"orders";
        let size = FIXED + body.len() + topic.len() + properties.len();
        out.put_u32(length(size));
        out.put_u32(0xdaa3_20a7);
        out.put_u32(0); // no checksum
        out.put_u32(0); // queue
        out.put_u32(0); // flag
        out.put_i64(offset);
        out.put_i64(offset * 512); // physical offset
        out.put_u32(0); // system flag
        out.put_i64(1_704_067_200_000); // born
        out.put_bytes(0, 8);
        out.put_i64(1_704_067_200_000); // stored
        out.put_bytes(0, 8);
        out.put_u32(0); // times reconsumed
        out.put_i64(0); // prepared transaction
        out.put_u32(length(body.len()));
        out.put_slice(body);
        out.put_u8(u8::try_from(topic.len()).unwrap_or(u8::MAX));
        out.put_slice(topic);
        out.put_u16(u16::try_from(properties.len()).unwrap_or(u16::MAX));
        out.put_slice(properties);
    }
    Ok(out.freeze())
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// A transport with one topic of eight queues that takes everything and keeps nothing.
#[derive(Debug)]
struct Sink;

fn only_takes<T>() -> Result<T> {
    let text = "this transport only takes batches";
    Err(Error::new(ErrorKind::Unsupported, text))
}

#[async_trait]
impl Lane for Sink {
    async fn send(&mut self, batch: &Batch) -> Result<i64> {
        black_box(&batch.frames);
        Ok(0)
    }
}

#[async_trait]
impl Transport for Sink {
    async fn queues(&self, topic: &str) -> Result<Vec<Queue>> {
        let queue = |id| Queue {
            topic: topic.into(),
            broker: "".into(),
            id,
        };
        Ok((0..OrdersTopic::QUEUES.get()).map(queue).collect())
    }

    async fn create_topic(
        &self,
        _topic: &str,
        _queues: NonZeroU32,
        _queue_type: QueueType,
    ) -> Result<()> {
        Ok(())
    }

    async fn create_group(&self, _group: &str) -> Result<()> {
        Ok(())
    }

    async fn lane(&self, _queue: &Queue) -> Result<Box<dyn Lane>> {
        Ok(Box::new(Self))
    }

    async fn reader(&self, _group: &str, _queue: &Queue, _at: i64) -> Result<Box<dyn Reader>> {
        only_takes()
    }

    async fn committed(&self, _group: &str, _queues: &[Queue]) -> Result<Vec<Option<i64>>> {
        only_takes()
    }

    async fn commit(&self, _group: &str, _offsets: &[(Queue, i64)]) -> Result<()> {
        only_takes()
    }

    async fn bounds(&self, _queue: &Queue) -> Result<Range<i64>> {
        only_takes()
    }

    async fn close(&self, _deadline: Duration) {}
}
