//! TLS: brokers of Apache RocketMQ answer it as they come, with a certificate of their own.
use super::{BROKER, batch, bodies, fails, one_queue, plain, unique};
use acl::{Tls, Verification};
use connect_api::{ErrorKind, Result};
use connect_transport::{
    Transport,
    rocketmq::{RocketMq, RocketMqOptions},
};
use std::time::Duration;

fn options(verification: Verification) -> RocketMqOptions {
    let mut options = plain();
    options.tls = Tls {
        enabled: true,
        verification,
        ..Tls::default()
    };
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_move_over_tls() -> Result<()> {
    let _share = BROKER.read().await;
    let transport = RocketMq::connect(options(Verification::Off)).await?;
    let queue = one_queue(&transport, &unique("tls")).await?;
    let mut lane = transport.lane(&queue).await?;
    lane.send(&batch([&b"secret"[..]])?).await?;
    let mut reader = transport.reader(&unique("group"), &queue, 0).await?;
    assert_eq!(bodies(&mut reader, 1).await?, [b"secret"]);
    transport.close(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_nobody_is_refused() {
    let _share = BROKER.read().await;
    let options = options(Verification::Full);
    let error = fails(ErrorKind::Config, RocketMq::connect(options)).await;
    let text = error.report();
    assert!(text.contains(&plain().name_servers[0]), "{text}");
    assert!(text.contains("invalid peer certificate"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_file_that_is_missing_is_named() {
    let _share = BROKER.read().await;
    let mut options = options(Verification::Full);
    options.tls.ca_file = Some("/not/there.pem".into());
    let error = fails(ErrorKind::Config, RocketMq::connect(options)).await;
    assert!(
        error.report().contains("/not/there.pem"),
        "{}",
        error.report()
    );
}
