//! Producers and consumers of a local store; the contract of transports has what is common to all.
use super::*;
use crate::MAX_MESSAGE_BYTES;
use futures_util::{StreamExt as _, TryStreamExt as _, future::join_all};
use std::path::Path;

async fn open(dir: &Path) -> Result<Client> {
    let address = format!("embedded:{}", dir.join("messages").display());
    Client::connect(&address).await
}

#[tokio::test]
async fn a_store_is_opened_by_its_address_and_again_once_it_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    let client = open(dir.path()).await.unwrap();
    client.create_topic("t", 1).await.unwrap();
    let producer = client.producer("t").await.unwrap();
    producer.send(NewMessage::new("kept")).await.unwrap();
    client.close().await;
    let error = producer.send(NewMessage::new("late")).await.unwrap_err();
    assert!(error.to_string().contains('t'), "{error}");
    let client = open(dir.path()).await.unwrap();
    let mut consumer = client.consumer("g", "t").await.unwrap();
    let message = consumer.recv().await.unwrap();
    assert_eq!(message.text().unwrap(), "kept");
    assert_eq!(message.into_body(), "kept");
    client.close().await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_named_and_the_producer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let client = open(dir.path()).await.unwrap();
    let error = client.producer("t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    let error = client.create_topic("t", 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    client.create_topic("t", 2).await.unwrap();
    let producer = client.producer("t").await.unwrap();
    for (message, why) in [
        (NewMessage::new(vec![0; MAX_MESSAGE_BYTES + 1]), "body has"),
        (
            NewMessage::new("").property("p", "a\u{1}b"),
            "property \"p\"",
        ),
        (NewMessage::new("").property("DELAY", "3"), "\"DELAY\""),
    ] {
        let messages = [NewMessage::new("sound"), message];
        let error = producer.send_all(messages).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        let text = error.to_string();
        assert!(
            text.starts_with("topic `t`: row 1: ") && text.contains(why),
            "{text}"
        );
    }
    producer.send_all([]).await.unwrap();
    producer.send(NewMessage::new("sound")).await.unwrap();
    let mut consumer = client.consumer("g", "t").await.unwrap();
    assert_eq!(consumer.recv().await.unwrap().body(), b"sound");
    let none = consumer.poll(Duration::ZERO).await.unwrap();
    assert!(none.is_empty(), "{none:?}");
    client.close().await;
}

#[tokio::test]
async fn many_tasks_share_a_producer_and_a_stream_gives_every_queue_its_turn() {
    let dir = tempfile::tempdir().unwrap();
    let client = open(dir.path()).await.unwrap();
    client.create_topic("t", 3).await.unwrap();
    let producer = client.producer("t").await.unwrap();
    let sends = (0..300).map(|n| {
        let producer = producer.clone();
        async move {
            let message = NewMessage::new(n.to_string()).key((n % 20).to_string());
            producer.send(message).await
        }
    });
    for sent in join_all(sends).await {
        sent.unwrap();
    }
    let mut consumer = client.consumer("g", "t").await.unwrap();
    let messages: Vec<_> = consumer.stream().take(300).try_collect().await.unwrap();
    let mut last = std::collections::HashMap::new();
    for message in &messages {
        let number: i32 = message.text().unwrap().parse().unwrap();
        let before = last.insert(message.key().unwrap(), number);
        assert!(before.is_none_or(|before| before < number), "G2");
    }
    assert_eq!(last.len(), 20);
    consumer.commit().await.unwrap();
    // The rest of a queue's messages is not handed out by looking at another queue.
    producer
        .send_all(["a", "b"].map(|body| NewMessage::new(body).key("k")))
        .await
        .unwrap();
    assert_eq!(consumer.recv().await.unwrap().body(), b"a");
    consumer.commit().await.unwrap();
    let rest = consumer.poll(Duration::ZERO).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].body(), b"b");
    drop(consumer);
    client.close().await;
}

#[tokio::test]
async fn what_is_printed_shows_no_data() {
    let dir = tempfile::tempdir().unwrap();
    let client = open(dir.path()).await.unwrap();
    client.create_topic("t", 1).await.unwrap();
    let producer = client.producer("t").await.unwrap();
    let message = NewMessage::new("s3cret").key("s3cret").tag("s3cret");
    producer.send(message).await.unwrap();
    let mut consumer = client.consumer("g", "t").await.unwrap();
    let message = consumer.recv().await.unwrap();
    let shown = format!("{message:?} {consumer:?} {producer:?} {client:?}");
    assert!(
        !shown.contains("s3cret") && shown.contains("t:0"),
        "{shown}"
    );
    let options = ConnectOptions::default().credentials("me", "s3cret");
    assert!(!format!("{options:?}").contains("s3cret"));
    client.close().await;
}
