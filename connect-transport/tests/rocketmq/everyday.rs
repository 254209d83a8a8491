//! A client by address, as programs use it that embed the crate.
use super::{environment, fails, mqadmin, unique};
use connect_api::{ErrorKind, Result};
use connect_transport::{Client, ConnectOptions, NewMessage};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_keys_sends_and_consumes_at_a_broker_with_access_control() -> Result<()> {
    let address = format!("rocketmq://{}", environment("CONNECT_TEST_ROCKETMQ_ACL"));
    let admin = environment("CONNECT_TEST_ROCKETMQ_ACL_ADMIN");
    let (user, secret) = admin.split_once(':').unwrap_or_default();
    let options = ConnectOptions::default().credentials(user, secret);
    let client = Client::connect_with(&address, options).await?;
    let name = unique("everyday");
    client.create_topic(&name, 2).await?;
    let producer = client.producer(&name).await?;
    producer
        .send(NewMessage::new("hello").key("k").tag("t"))
        .await?;
    let mut consumer = client.consumer(&name, &name).await?;
    let message = consumer.recv().await?;
    assert_eq!(message.text()?, "hello");
    assert_eq!(message.tag(), Some(&b"t"[..]));
    consumer.commit().await?;
    consumer.close().await?;

    let options = ConnectOptions::default().credentials(user, "planted-secret");
    let stranger = Client::connect_with(&address, options).await?;
    let error = fails(ErrorKind::Auth, stranger.producer(&name)).await;
    assert!(!error.report().contains("planted-secret"), "{error}");
    fails(ErrorKind::Auth, stranger.consumer(&name, &name)).await;
    stranger.close().await;
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rocketmqs_tools_find_a_message_by_its_key_and_tag() -> Result<()> {
    let share = super::BROKER.read().await;
    let servers = environment("CONNECT_TEST_ROCKETMQ");
    let client = Client::connect(&servers).await?;
    let name = unique("everyday");
    client.create_topic(&name, 1).await?;
    let producer = client.producer(&name).await?;
    let message = NewMessage::new("hello").key("found-by").tag("tagged");
    producer.send(message.property("colour", "red")).await?;
    let mut consumer = client.consumer(&name, &name).await?;
    let message = consumer.recv().await?;
    let queue = message.queue();
    let (broker, id) = (&*queue.broker, queue.id.to_string());
    let offset = message.offset().to_string();
    let shown = mqadmin(&[
        "queryMsgByOffset",
        "-n",
        &servers,
        "-t",
        &name,
        "-b",
        broker,
        "-i",
        &id,
        "-o",
        &offset,
    ]);
    for part in ["found-by", "tagged", "colour=red"] {
        assert!(shown.contains(part), "no {part} in: {shown}");
    }
    consumer.commit().await?;
    consumer.close().await?;
    let mut again = client.consumer(&name, &name).await?;
    let none = again.poll(Duration::ZERO).await?;
    assert!(none.is_empty(), "committed messages came again");
    again.close().await?;
    client.close().await;
    drop(share);
    Ok(())
}
