//! A network that swallows packets between us and the cluster.
use super::{BROKER, broker, environment, one_queue, plain, unique};
use connect_api::{Disposition, ErrorKind, Result};
use connect_transport::{Transport, rocketmq::RocketMq};
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Passes bytes on to a server, until it is told to swallow them.
struct Network {
    port: u16,
    swallows: Arc<AtomicBool>,
}

impl Network {
    /// `renames` puts one text for another of the same length into what the server says.
    fn before(server: String, renames: Option<(String, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let swallows = Arc::new(AtomicBool::new(false));
        let flag = swallows.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                let clone = |stream: &TcpStream| stream.try_clone().expect("a stream");
                let (up, down) = ((clone(&client), clone(&server)), (server, client));
                let (one, two, renames) = (flag.clone(), flag.clone(), renames.clone());
                thread::spawn(move || pass(up, &one, None));
                thread::spawn(move || pass(down, &two, renames));
            }
        });
        Self { port, swallows }
    }

    fn swallow(&self, swallows: bool) {
        self.swallows.store(swallows, Ordering::SeqCst);
    }
}

fn pass(
    (mut from, mut to): (TcpStream, TcpStream),
    swallows: &AtomicBool,
    renames: Option<(String, String)>,
) {
    let mut bytes = vec![0; 1 << 16];
    let mut lost = false;
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        // A connection that lost bytes stays dead, as one whose state a firewall dropped.
        lost |= swallows.load(Ordering::SeqCst);
        if lost {
            continue;
        }
        let mut said = bytes[..n].to_vec();
        if let Some((old, new)) = &renames {
            let places = 0..=n.saturating_sub(old.len());
            for at in places.filter(|at| bytes[*at..n].starts_with(old.as_bytes())) {
                said[at..at + old.len()].copy_from_slice(new.as_bytes());
            }
        }
        if to.write_all(&said).is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_for_the_cluster_end_when_the_network_swallows_packets() -> Result<()> {
    let _share = BROKER.read().await;
    let address = broker("CONNECT_ROCKETMQ_BROKER_PORT", "20911");
    let behind = Network::before(address.clone(), None);
    let seen = format!("127.0.0.1:{}", behind.port);
    assert_eq!(address.len(), seen.len(), "ports of five digits");
    let renames = Some((address, seen.clone()));
    let server = Network::before(environment("CONNECT_TEST_ROCKETMQ"), renames);
    let mut options = plain();
    options.name_servers = vec![format!("127.0.0.1:{}", server.port)];
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

    behind.swallow(true);
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
    server.swallow(true);
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

    // The old connections stay dead: others are made.
    behind.swallow(false);
    server.swallow(false);
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
