//! The RocketMQ transport against real brokers. `eval "$(scripts/services env)"` names them.
#![expect(clippy::expect_used, reason = "a test ends with a panic")]
mod access;
#[cfg(feature = "admin")]
mod admin;
mod batch_topics;
mod contract;
mod everyday;
mod membership;
mod messages;
mod outage;
mod protection;
mod silence;

use acl::Credentials;
use connect_api::{Error, ErrorKind, Result};
use connect_transport::{
    Batch, CommonProperties, Frames, Outgoing, Queue, QueueType, Reader, Transport,
    rocketmq::{RocketMq, RocketMqOptions},
};
use std::{
    future::Future,
    num::NonZeroU32,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{RwLock, RwLockReadGuard};

/// What must happen happens within this time.
const DEADLINE: Duration = Duration::from_secs(30);
/// Longest body that tests send.
const MAX_BODY: usize = 16 << 20;

/// The test that kills the broker has it alone; all others share it.
static BROKER: RwLock<()> = RwLock::const_new(());

/// A setting of the environment.
fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set; run: scripts/services up && eval \"$(scripts/services env)\"")
    })
}

/// A name that no other test or run has.
fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{count}", now.unwrap_or_default().as_micros())
}

fn plain() -> RocketMqOptions {
    RocketMqOptions::new(&environment("CONNECT_TEST_ROCKETMQ"))
}

/// A connection to the broker without access control, and the right to share it.
async fn connect() -> Result<(Arc<RocketMq>, RwLockReadGuard<'static, ()>)> {
    let share = BROKER.read().await;
    Ok((RocketMq::connect(plain()).await?, share))
}

/// Runs `scripts/services` with `arguments`.
fn services(arguments: &[&str]) {
    let output = Command::new(environment("CONNECT_TEST_SERVICES"))
        .args(arguments)
        .output()
        .expect("scripts/services runs");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "services {arguments:?}: {text}");
}

/// Where the broker of that setting of `scripts/services` listens.
fn broker(port: &str, default: &str) -> String {
    let port = std::env::var(port).unwrap_or_else(|_| default.to_owned());
    format!("127.0.0.1:{port}")
}

/// The broker with access control.
fn acl_broker() -> String {
    broker("CONNECT_ROCKETMQ_ACL_BROKER_PORT", "21011")
}

/// What RocketMQ's admin tool prints.
fn mqadmin(arguments: &[&str]) -> String {
    let output = Command::new(environment("CONNECT_TEST_SERVICES"))
        .arg("mqadmin")
        .args(arguments)
        .output()
        .expect("scripts/services runs");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Whoever may do all at the broker with access control.
fn super_user() -> Credentials {
    let admin = environment("CONNECT_TEST_ROCKETMQ_ACL_ADMIN");
    let (user, secret) = admin.split_once(':').expect("USER:SECRET");
    Credentials::new(user, secret)
}

/// Makes a topic of one queue.
async fn one_queue(transport: &RocketMq, topic: &str) -> Result<Queue> {
    transport
        .create_topic(topic, NonZeroU32::MIN, QueueType::Simple)
        .await?;
    let mut queues = transport.queues(topic).await?;
    assert_eq!(queues.len(), 1, "queues of {topic}");
    Ok(queues.remove(0))
}

/// A batch of messages without properties of their own.
fn batch<'a>(bodies: impl IntoIterator<Item = &'a [u8]>) -> Result<Batch> {
    let mut frames = Frames::default();
    for body in bodies {
        let message = Outgoing {
            body,
            ..Outgoing::default()
        };
        frames.push(&message, &CommonProperties::default(), MAX_BODY)?;
    }
    Ok(frames.into_batch())
}

/// Bodies of the next `count` messages.
async fn bodies(reader: &mut Box<dyn Reader>, count: usize) -> Result<Vec<Vec<u8>>> {
    let mut bodies = Vec::new();
    let end = Instant::now() + DEADLINE;
    while bodies.len() < count {
        assert!(Instant::now() < end, "{} of {count} messages", bodies.len());
        let pulled = reader.pull(Duration::from_secs(1)).await?;
        bodies.extend(pulled.iter().map(|message| message.body.to_vec()));
    }
    assert_eq!(bodies.len(), count);
    Ok(bodies)
}

/// The error of what must fail, within seconds and of this kind.
async fn fails<T>(kind: ErrorKind, call: impl Future<Output = Result<T>>) -> Error {
    let result = tokio::time::timeout(Duration::from_secs(10), call).await;
    match result.expect("an answer within ten seconds") {
        Ok(_) => panic!("succeeded instead of failing with {kind:?}"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{}", error.report());
            error
        }
    }
}
