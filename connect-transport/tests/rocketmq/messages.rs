//! Messages, queues and groups as the broker has them.
use super::{
    DEADLINE, batch, bodies, connect, environment, fails, mqadmin, one_queue, plain, services,
    unique,
};
use connect_api::{ErrorKind, Result};
use connect_transport::{
    QueueType, Transport,
    rocketmq::{RocketMq, RocketMqOptions},
};
use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

const WAIT: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_stored_and_pulled() -> Result<()> {
    let (transport, _share) = connect().await?;
    let topic = unique("batch");
    let queue = one_queue(&transport, &topic).await?;
    let mut lane = transport.lane(&queue).await?;
    let sent: Vec<_> = (0..1000).map(|n| format!("message {n}")).collect();
    for (first, half) in [(0, &sent[..500]), (500, &sent[500..])] {
        let batch = batch(half.iter().map(|s| s.as_bytes()))?;
        assert_eq!(lane.send(&batch).await?, first);
    }

    let mut reader = transport.reader(&unique("group"), &queue, 0).await?;
    let came = bodies(&mut reader, 1000).await?;
    assert!(came.iter().zip(&sent).all(|(a, b)| a == b.as_bytes()));
    let empty = reader.pull(Duration::from_millis(50)).await?;
    assert_eq!((empty.len(), empty.next, empty.end), (0, 1000, 1000));
    assert_eq!(transport.bounds(&queue).await?, 0..1000);
    transport.close(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_has_as_many_queues_as_were_asked_for() -> Result<()> {
    let (transport, _share) = connect().await?;
    let topic = unique("queues");
    assert!(transport.queues(&topic).await?.is_empty());
    let three = NonZeroU32::new(3).expect("three");
    transport
        .create_topic(&topic, three, QueueType::Simple)
        .await?;
    transport
        .create_topic(&topic, NonZeroU32::MIN, QueueType::Simple)
        .await?;
    let ids: Vec<_> = transport
        .queues(&topic)
        .await?
        .iter()
        .map(|q| q.id)
        .collect();
    assert_eq!(ids, [0, 1, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_move_forwards_and_backwards() -> Result<()> {
    let (transport, _share) = connect().await?;
    let queue = one_queue(&transport, &unique("commits")).await?;
    let group = unique("group");
    let queues = [queue.clone()];
    assert_eq!(transport.committed(&group, &queues).await?, [None]);
    for offset in [7, 70, 3] {
        transport.commit(&group, &[(queue.clone(), offset)]).await?;
        // Another connection: what is stored at the broker.
        let other = RocketMq::connect(plain()).await?;
        assert_eq!(other.committed(&group, &queues).await?, [Some(offset)]);
    }
    transport.create_group(&group).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_java_tools_are_read() -> Result<()> {
    let (transport, _share) = connect().await?;
    let topic = unique("java");
    let queue = one_queue(&transport, &topic).await?;
    // Above 4 KiB the Java producer compresses.
    let long = ["compressible"; 1000].join(" ");
    for body in ["short", &long] {
        services(&[
            "mqadmin",
            "sendMessage",
            "-n",
            &plain().name_servers[0],
            "-t",
            &topic,
            "-p",
            body,
            "-k",
            "k1",
            "-c",
            "tag",
        ]);
    }
    let mut reader = transport.reader(&unique("group"), &queue, 0).await?;
    let mut read = Vec::new();
    while read.len() < 2 {
        let pulled = reader.pull(WAIT).await?;
        for message in pulled.iter() {
            assert_eq!(message.properties.get("KEYS"), Some(&b"k1"[..]));
            assert_eq!(message.properties.get("TAGS"), Some(&b"tag"[..]));
            assert!(message.born > 1_700_000_000_000 && message.stored >= message.born);
            read.push(String::from_utf8_lossy(message.body).into_owned());
        }
        assert!(pulled.is_empty() || pulled.total_bytes() < 20_000);
    }
    assert!(read == ["short", &long], "{} bytes", read[1].len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_the_broker_finds_too_large_is_data() -> Result<()> {
    let (transport, _share) = connect().await?;
    let queue = one_queue(&transport, &unique("large")).await?;
    let mut lane = transport.lane(&queue).await?;
    for megabytes in [5, 16] {
        let body = vec![b'x'; megabytes << 20];
        let batch = batch([&body[..]])?;
        let error = fails(ErrorKind::Data, lane.send(&batch)).await;
        assert!(error.to_string().contains(&queue.to_string()), "{error}");
    }
    assert_eq!(lane.send(&batch([&b"small"[..]])?).await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_not_there_is_named() -> Result<()> {
    let (transport, _share) = connect().await?;
    let topic = unique("missing");
    let mut queue = one_queue(&transport, &topic).await?;
    queue.id = 9;
    let mut lane = transport.lane(&queue).await?;
    let error = fails(ErrorKind::Schema, lane.send(&batch([&b"x"[..]])?)).await;
    assert!(error.to_string().contains(&format!("{topic}@")), "{error}");
    let mut reader = transport.reader(&unique("group"), &queue, 0).await?;
    fails(ErrorKind::Schema, reader.pull(WAIT)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_keep_what_comes_while_nobody_waits() -> Result<()> {
    let (transport, _share) = connect().await?;
    let queue = one_queue(&transport, &unique("idle")).await?;
    let mut lane = transport.lane(&queue).await?;
    let mut reader = transport.reader(&unique("group"), &queue, 0).await?;
    // The request stays in flight although its caller has gone.
    assert!(reader.pull(Duration::ZERO).await?.is_empty());
    lane.send(&batch([&b"late"[..]])?).await?;
    assert_eq!(bodies(&mut reader, 1).await?, [b"late"]);
    reader.seek(0);
    assert_eq!(bodies(&mut reader, 1).await?, [b"late"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_outside_of_the_queue_begins_at_the_oldest_message() -> Result<()> {
    let (transport, _share) = connect().await?;
    let queue = one_queue(&transport, &unique("outside")).await?;
    transport
        .lane(&queue)
        .await?
        .send(&batch([&b"first"[..]])?)
        .await?;
    for offset in [-5, 1000] {
        let mut reader = transport.reader(&unique("group"), &queue, offset).await?;
        assert_eq!(bodies(&mut reader, 1).await?, [b"first"]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_server_that_is_away_is_named_in_time() {
    for address in ["127.0.0.1:1", "192.0.2.1:9876"] {
        let mut options = RocketMqOptions::new(address);
        options.connect_timeout = Duration::from_millis(500);
        let began = Instant::now();
        let error = fails(ErrorKind::Connect, RocketMq::connect(options)).await;
        assert!(error.to_string().contains(address), "{error}");
        assert!(
            began.elapsed() < Duration::from_secs(4),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_name_server_is_asked_when_the_first_is_away() -> Result<()> {
    let (_, _share) = connect().await?;
    let mut options = plain();
    options.name_servers.insert(0, "127.0.0.1:1".into());
    let transport = RocketMq::connect(options).await?;
    one_queue(&transport, &unique("second")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_is_quick_and_ends_lanes_and_readers() -> Result<()> {
    let (transport, _share) = connect().await?;
    let queue = one_queue(&transport, &unique("close")).await?;
    let mut lane = transport.lane(&queue).await?;
    lane.send(&batch([&b"x"[..]])?).await?;
    let mut reader = transport.reader(&unique("group"), &queue, 0).await?;
    bodies(&mut reader, 1).await?;
    // A long poll is in flight now.
    let began = Instant::now();
    transport.close(Duration::from_secs(5)).await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    fails(ErrorKind::Stopped, lane.send(&batch([&b"y"[..]])?)).await;
    fails(ErrorKind::Stopped, reader.pull(WAIT)).await;
    fails(ErrorKind::Stopped, transport.queues("any")).await;

    drop((lane, reader));
    let tasks = || Handle::current().metrics().num_alive_tasks();
    while tasks() > 0 {
        assert!(began.elapsed() < DEADLINE, "{} tasks are left", tasks());
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_runtime_of_one_thread_will_do() -> Result<()> {
    let (transport, _share) = connect().await?;
    let queue = one_queue(&transport, &unique("single")).await?;
    transport
        .lane(&queue)
        .await?
        .send(&batch([&b"x"[..]])?)
        .await?;
    let mut reader = transport.reader(&unique("group"), &queue, 0).await?;
    assert_eq!(bodies(&mut reader, 1).await?, [b"x"]);
    transport.close(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_whose_names_rocketmq_refuses_are_read_by_either_name() -> Result<()> {
    let (transport, _share) = connect().await?;
    for name in [unique("my.table"), unique("订单")] {
        let queue = one_queue(&transport, &name).await?;
        assert_eq!(&*queue.topic, name);
        let written = transport.topic_name(&name)?.into_owned();
        assert_ne!(written, name);
        let mut lane = transport.lane(&queue).await?;
        lane.send(&batch([&b"one"[..]])?).await?;
        // A sink that names the topic as tools show it reads the same, and knows the table by it.
        assert_eq!(
            transport.queues(&written).await?,
            std::slice::from_ref(&queue)
        );
        let mut reader = transport.reader(&unique("group"), &queue, 0).await?;
        assert_eq!(bodies(&mut reader, 1).await?, [b"one"]);
        let server = environment("CONNECT_TEST_ROCKETMQ");
        let listed = mqadmin(&["topicRoute", "-t", &written, "-n", &server]);
        assert!(listed.contains("queueDatas"), "{listed}");
    }
    // Brokers would take rows in these, and tables would meet in that.
    for name in ["TBW102", "rmq_sys_x", "my%2Etable"] {
        fails(
            ErrorKind::Config,
            transport.create_topic(name, NonZeroU32::MIN, QueueType::Simple),
        )
        .await;
    }
    Ok(())
}
