//! A network that drops packets between us and the cluster.
use super::{BROKER, broker, environment, one_queue, plain, unique};
use connect_api::{Disposition, ErrorKind, Result};
use connect_transport::{Transport, rocketmq::RocketMq};
use std::time::{Duration, Instant};
use test_support::Network;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_for_the_cluster_end_when_the_network_drops_packets() -> Result<()> {
    let _share = BROKER.read().await;
    let address = broker("CONNECT_ROCKETMQ_BROKER_PORT", "20911");
    let behind = Network::before(address.clone());
    let seen = format!("127.0.0.1:{}", behind.port());
    assert_eq!(address.len(), seen.len(), "ports of five digits");
    let renames = Some((address, seen.clone()));
    let server = Network::renaming(environment("CONNECT_TEST_ROCKETMQ"), renames);
    let mut options = plain();
    options.name_servers = vec![format!("127.0.0.1:{}", server.port())];
    options.connect_timeout = Duration::from_secs(1);
    options.request_timeout = Duration::from_secs(1);
    options.send_timeout = Duration::from_secs(1);
    options.poll_timeout = Duration::from_millis(100);
    let transport = RocketMq::connect(options.clone()).await?;
    let queue = one_queue(&transport, &unique("silent")).await?;
    let group = unique("group");
    transport.create_group(&group).await?;
    let offsets = [(queue.clone(), 0)];
    transport.commit(&group, &offsets).await?;

    behind.drop_packets(true);
    let began = Instant::now();
    let error = transport.commit(&group, &offsets).await.expect_err("lost");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    let text = error.report();
    assert!(text.contains(&group) && text.contains(&seen), "{text}");
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    server.drop_packets(true);
    for error in [
        transport.queues(&queue.topic).await.expect_err("lost"),
        RocketMq::connect(options).await.expect_err("lost"),
    ] {
        assert_eq!(
            error.kind().disposition(),
            Disposition::Retry,
            "{}",
            error.report()
        );
    }
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );

    // The old connections stay dead: others are opened.
    behind.drop_packets(false);
    server.drop_packets(false);
    let began = Instant::now();
    while let Err(error) = transport.commit(&group, &offsets).await {
        assert_eq!(
            error.kind().disposition(),
            Disposition::Retry,
            "{}",
            error.report()
        );
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "{}",
            error.report()
        );
    }
    assert_eq!(transport.queues(&queue.topic).await?.len(), 1);
    transport.close(Duration::from_secs(5)).await;
    let direct = RocketMq::connect(plain()).await?;
    assert_eq!(direct.committed(&group, &[queue]).await?, [Some(0)]);
    Ok(())
}
