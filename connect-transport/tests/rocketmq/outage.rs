//! A broker that crashes.
use super::{BROKER, DEADLINE, batch, bodies, fails, one_queue, plain, services, unique};
use connect_api::{Disposition, Error, ErrorKind, Result};
use connect_transport::{Lane, Transport, rocketmq::RocketMq};
use std::time::{Duration, Instant};

/// Starts what a test leaves down, so that one that fails half-way is one failure.
struct Restart;

impl Drop for Restart {
    fn drop(&mut self) {
        if std::thread::panicking() {
            services(&["start", "rocketmq"]);
        }
    }
}

const PAUSE: Duration = Duration::from_millis(200);

fn passes(error: &Error) -> bool {
    error.kind().disposition() == Disposition::Retry
}

/// Sends until the batch is acknowledged; how long it took.
async fn send(lane: &mut Box<dyn Lane>, body: &str) -> Duration {
    let batch = batch([body.as_bytes()]).expect("a batch");
    let began = Instant::now();
    while let Err(error) = lane.send(&batch).await {
        assert!(passes(&error), "{}", error.report());
        assert!(began.elapsed() < DEADLINE, "{}", error.report());
        tokio::time::sleep(PAUSE).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_and_readers_go_on_after_the_broker_crashed() -> Result<()> {
    let _alone = BROKER.write().await;
    let transport = RocketMq::connect(plain()).await?;
    let queue = one_queue(&transport, &unique("outage")).await?;
    let mut lane = transport.lane(&queue).await?;
    let group = unique("group");
    let mut reader = transport.reader(&group, &queue, 0).await?;
    send(&mut lane, "before").await;
    assert_eq!(bodies(&mut reader, 1).await?, [b"before"]);

    let _restart = Restart;
    services(&["kill", "rocketmq"]);
    let mut failed = 0;
    let gone = batch([&b"gone"[..]])?;
    // More failures in a row than the client's own breaker allows.
    while failed < 8 {
        let error = lane.send(&gone).await.expect_err("the broker is away");
        assert!(passes(&error), "{}", error.report());
        failed += 1;
    }
    let error = reader.pull(DEADLINE).await.expect_err("the broker is away");
    assert!(passes(&error), "{}", error.report());
    let error = transport.queues(&queue.topic).await.expect_err("away");
    assert!(passes(&error), "{}", error.report());

    services(&["start", "rocketmq"]);
    let took = send(&mut lane, "after").await;
    assert!(took < Duration::from_secs(5), "the lane took {took:?}");
    let began = Instant::now();
    let read = loop {
        match reader.pull(Duration::from_secs(1)).await {
            Ok(pulled) if pulled.is_empty() => {}
            Ok(pulled) => break pulled.iter().map(|m| m.body.to_vec()).collect::<Vec<_>>(),
            Err(error) => {
                assert!(passes(&error), "{}", error.report());
                tokio::time::sleep(PAUSE).await;
            }
        }
        assert!(began.elapsed() < DEADLINE);
    };
    assert_eq!(read, [b"after"]);
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    transport.commit(&group, &[(queue, 2)]).await?;
    transport.close(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_and_readers_go_on_while_the_name_server_is_away() -> Result<()> {
    let _alone = BROKER.write().await;
    let transport = RocketMq::connect(plain()).await?;
    let queue = one_queue(&transport, &unique("unnamed")).await?;
    let mut lane = transport.lane(&queue).await?;
    let mut reader = transport.reader(&unique("group"), &queue, 0).await?;
    let _restart = Restart;
    services(&["kill", "rocketmq-namesrv"]);

    lane.send(&batch([&b"one"[..]])?).await?;
    assert_eq!(bodies(&mut reader, 1).await?, [b"one"]);
    let mut other = transport.lane(&queue).await?;
    other.send(&batch([&b"two"[..]])?).await?;
    assert_eq!(transport.bounds(&queue).await?, 0..2);
    fails(ErrorKind::Connect, RocketMq::connect(plain())).await;
    fails(ErrorKind::Connect, transport.queues(&queue.topic)).await;

    services(&["start", "rocketmq"]);
    assert_eq!(transport.queues(&queue.topic).await?, [queue]);
    transport.close(Duration::from_secs(5)).await;
    Ok(())
}
