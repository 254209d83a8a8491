//! A broker with access control.
use super::{
    acl_broker, batch, bodies, environment, fails, one_queue, services, super_user, unique,
};
use acl::{Credentials, SignatureAlgorithm};
use connect_api::{Error, ErrorKind, Result};
use connect_transport::{
    Queue, QueueType, Transport,
    rocketmq::{RocketMq, RocketMqOptions},
};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

const WAIT: Duration = Duration::from_secs(1);
const SECRET: &str = "planted-secret";

async fn connect(credentials: Option<Credentials>) -> Result<Arc<RocketMq>> {
    let mut options = RocketMqOptions::new(&environment("CONNECT_TEST_ROCKETMQ_ACL"));
    options.credentials = credentials;
    RocketMq::connect(options).await
}

/// A topic of one queue and a group, created by the super user.
async fn topic_and_group() -> Result<(Queue, String)> {
    let transport = connect(Some(super_user())).await?;
    let queue = one_queue(&transport, &unique("acl")).await?;
    let group = unique("group");
    transport.create_group(&group).await?;
    transport.close(Duration::from_secs(5)).await;
    Ok((queue, group))
}

/// Says what was refused, at which address, in the broker's words, and shows no secret.
fn assert_names(error: &Error, subject: &str, said: &str) {
    let text = error.report();
    assert!(text.contains(subject), "no {subject:?} in: {text}");
    assert!(text.contains(&acl_broker()), "no address in: {text}");
    assert!(text.contains(said), "no {said:?} in: {text}");
    assert!(!text.contains(SECRET) && !format!("{error:?}").contains(SECRET));
    assert_eq!(error.code(), Some("16"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_key_moves_messages_and_offsets() -> Result<()> {
    let (queue, group) = topic_and_group().await?;
    let transport = connect(Some(super_user())).await?;
    let mut lane = transport.lane(&queue).await?;
    lane.send(&batch([&b"one"[..], b"two"])?).await?;
    let mut reader = transport.reader(&group, &queue, 0).await?;
    assert_eq!(bodies(&mut reader, 2).await?, [b"one", b"two"]);
    transport.commit(&group, &[(queue.clone(), 2)]).await?;
    let queues = [queue.clone()];
    assert_eq!(transport.committed(&group, &queues).await?, [Some(2)]);
    assert_eq!(transport.bounds(&queue).await?, 0..2);
    // This broker makes no group by itself: the commit does.
    let fresh = unique("fresh");
    transport.commit(&fresh, &[(queue, 1)]).await?;
    assert_eq!(transport.committed(&fresh, &queues).await?, [Some(1)]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_are_named_by_every_call() -> Result<()> {
    let (queue, group) = topic_and_group().await?;
    let sha256 = super_user().with_algorithm(SignatureAlgorithm::HmacSha256);
    for (credentials, said) in [
        (
            Some(Credentials::new("superuser", SECRET)),
            "check signature failed",
        ),
        (Some(Credentials::new("nobody", SECRET)), "User:nobody"),
        (Some(sha256), "check signature failed"),
        (None, "username cannot be null"),
    ] {
        let user = credentials
            .as_ref()
            .map_or("aclEnable", |c| c.access_key())
            .to_owned();
        let transport = connect(credentials).await?;
        let topic = &*queue.topic;
        let missing = unique("missing");
        let offsets = [(queue.clone(), 1)];
        let queues = [queue.clone()];
        let auth = ErrorKind::Auth;
        for (subject, error) in [
            (topic, fails(auth, transport.queues(topic)).await),
            (&missing, fails(auth, transport.queues(&missing)).await),
            (
                topic,
                fails(
                    auth,
                    transport.create_topic(topic, NonZeroU32::MIN, QueueType::Simple),
                )
                .await,
            ),
            (
                &missing,
                fails(
                    auth,
                    transport.create_topic(&missing, NonZeroU32::MIN, QueueType::Simple),
                )
                .await,
            ),
            (&group, fails(auth, transport.create_group(&group)).await),
            (topic, fails(auth, transport.lane(&queue)).await),
            (
                topic,
                fails(auth, transport.reader(&group, &queue, 0)).await,
            ),
            (
                &group,
                fails(auth, transport.reader(&group, &queue, 0)).await,
            ),
            (
                &group,
                fails(auth, transport.commit(&group, &offsets)).await,
            ),
            (
                &group,
                fails(auth, transport.committed(&group, &queues)).await,
            ),
            (topic, fails(auth, transport.bounds(&queue)).await),
        ] {
            assert_names(&error, subject, said);
            assert_names(&error, &user, said);
        }
        transport.close(Duration::from_secs(5)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_moves_messages_of_permitted_topics_and_groups_only() -> Result<()> {
    let (allowed, group) = topic_and_group().await?;
    let (forbidden, other_group) = topic_and_group().await?;
    let user = unique("user");
    let broker = &acl_broker();
    let subject = format!("User:{user}");
    services(&[
        "mqadmin",
        "--acl",
        "createUser",
        "-b",
        broker,
        "-u",
        &user,
        "-p",
        SECRET,
    ]);
    let permit = |resource: String, actions: &str| {
        services(&[
            "mqadmin",
            "--acl",
            "createAcl",
            "-b",
            broker,
            "-s",
            &subject,
            "-r",
            &resource,
            "-a",
            actions,
            "-d",
            "Allow",
        ]);
    };
    let batched = unique("acl-batches");
    let admin = connect(Some(super_user())).await?;
    admin
        .create_topic(&batched, NonZeroU32::MIN, QueueType::Batch)
        .await?;
    permit(
        format!("Topic:{},Topic:{batched},Group:{group}", allowed.topic),
        "Pub,Sub",
    );

    let transport = connect(Some(Credentials::new(user.as_str(), SECRET))).await?;
    // What a source and a sink do.
    let queues = transport.queues(&allowed.topic).await?;
    assert_eq!(queues, std::slice::from_ref(&allowed));
    transport
        .create_topic(&allowed.topic, NonZeroU32::MIN, QueueType::Simple)
        .await?;
    let mut lane = transport.lane(&allowed).await?;
    lane.send(&batch([&b"one"[..]])?).await?;
    let mut reader = transport.reader(&group, &allowed, 0).await?;
    assert_eq!(bodies(&mut reader, 1).await?, [b"one"]);
    transport.commit(&group, &[(allowed.clone(), 1)]).await?;
    assert_eq!(transport.committed(&group, &queues).await?, [Some(1)]);
    // Without the permission to read a topic's settings its messages are stored one by one.
    assert_eq!(transport.queue_type(&batched).await?, None);
    assert_eq!(admin.queue_type(&batched).await?, Some(QueueType::Batch));
    let queue = &transport.queues(&batched).await?[0];
    let mut lane = transport.lane(queue).await?;
    assert_eq!(lane.send(&batch([&b"one"[..], b"two"])?).await?, 0);
    assert_eq!(lane.send(&batch([&b"three"[..]])?).await?, 2);
    let mut reader = transport.reader(&group, queue, 0).await?;
    assert_eq!(
        bodies(&mut reader, 3).await?,
        [&b"one"[..], b"two", b"three"]
    );

    let auth = ErrorKind::Auth;
    let refused = batch([&b"x"[..]])?;
    let mut lane = transport.lane(&forbidden).await?;
    let error = fails(auth, lane.send(&refused)).await;
    assert_names(&error, &forbidden.topic, "no permission");
    let mut reader = transport.reader(&group, &forbidden, 0).await?;
    let error = fails(auth, reader.pull(WAIT)).await;
    assert_names(&error, &forbidden.topic, "no permission");
    let mut reader = transport.reader(&other_group, &allowed, 0).await?;
    let error = fails(auth, reader.pull(WAIT)).await;
    assert_names(&error, &other_group, "no permission");
    let commit = [(allowed.clone(), 1)];
    let error = fails(auth, transport.commit(&other_group, &commit)).await;
    assert_names(&error, &other_group, "no permission");
    let missing = unique("missing");
    let error = fails(
        auth,
        transport.create_topic(&missing, NonZeroU32::MIN, QueueType::Simple),
    )
    .await;
    assert_names(&error, &missing, "no permission");
    // Nobody but the user's administrator can create the group; whoever may read assumes that it exists.
    transport.create_group(&group).await?;
    Ok(())
}
