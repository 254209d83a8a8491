//! Messages per second and per CPU-second of this process, out and in, against a real broker.
//!
//! `rocketmq_throughput NAME_SERVER [MESSAGES]`; the broker makes the topic.
use connect_api::{Error, ErrorKind, Result};
use connect_transport::{
    CommonProperties, Frames, Outgoing, Queue, QueueType, Transport,
    rocketmq::{RocketMq, RocketMqOptions},
};
use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const QUEUES: NonZeroU32 = NonZeroU32::new(8).unwrap();
const LANES: usize = 4;
const BATCH: usize = 500;
const BODY: [u8; 300] = [b'x'; 300];

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name_server = arguments.next().unwrap_or_else(|| "127.0.0.1:9876".into());
    let messages = arguments.next().and_then(|n| n.parse().ok());
    let messages = messages.unwrap_or(1_000_000);
    let cluster: Arc<dyn Transport> = RocketMq::connect(RocketMqOptions::new(&name_server)).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let topic = format!("throughput-{}", now.unwrap_or_default().as_millis());
    cluster
        .create_topic(&topic, QUEUES, QueueType::Simple)
        .await?;
    let queues = cluster.queues(&topic).await?;

    let each = messages / queues.len() / BATCH * BATCH;
    let share = queues.len().div_ceil(LANES);
    let tasks = queues
        .chunks(share)
        .map(|queues| send(Arc::clone(&cluster), queues.to_vec(), each));
    measure("out", each * queues.len(), tasks.collect()).await?;
    let tasks = queues
        .iter()
        .map(|queue| read(Arc::clone(&cluster), queue.clone(), each));
    measure("in", each * queues.len(), tasks.collect()).await?;
    cluster.close(Duration::from_secs(5)).await;
    Ok(())
}

async fn send(cluster: Arc<dyn Transport>, queues: Vec<Queue>, each: usize) -> Result<()> {
    let common = CommonProperties::default();
    let mut lanes = Vec::new();
    for queue in &queues {
        lanes.push(cluster.lane(queue).await?);
    }
    for sent in (0..each).step_by(BATCH) {
        for lane in &mut lanes {
            let mut frames = Frames::default();
            for n in sent..sent + BATCH {
                let message = Outgoing {
                    key: &n.to_be_bytes().map(|b| b'0' + b % 10),
                    body: &BODY,
                    ..Outgoing::default()
                };
                frames.push(&message, &common, BODY.len())?;
            }
            lane.send(&frames.into_batch()).await?;
        }
    }
    Ok(())
}

async fn read(cluster: Arc<dyn Transport>, queue: Queue, each: usize) -> Result<()> {
    let mut reader = cluster.reader("throughput", &queue, 0).await?;
    let mut count = 0;
    while count < each {
        let pulled = reader.pull(Duration::from_secs(5)).await?;
        count += pulled.iter().filter(|m| m.body.len() == BODY.len()).count();
    }
    Ok(())
}

async fn measure<F>(what: &str, messages: usize, tasks: Vec<F>) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    for task in tasks {
        task.await
            .map_err(|e| Error::new(ErrorKind::Internal, "a task ended").with_source(e))??;
    }
    let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let messages = messages as f64;
    println!(
        "{what}: {messages} messages, {:.0} k/s, {:.2} M per CPU-second, {} MB resident at most",
        messages / took / 1e3,
        messages / cpu / 1e6,
        peak_megabytes()
    );
    Ok(())
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets; clock ticks of 10 ms.
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let ticks = |n: usize| fields.get(n).and_then(|t| t.parse::<f64>().ok());
    (ticks(12).unwrap_or_default() + ticks(13).unwrap_or_default()) / 100.0
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
    kilobytes.unwrap_or(0_u64) / 1024
}
