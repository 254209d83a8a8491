//! Administration, against brokers without and with access control.
use super::{
    acl_broker, batch, connect, environment, fails, mqadmin, one_queue, plain, super_user, unique,
};
use acl::Credentials;
use connect_api::{ErrorKind, Result};
use connect_transport::{
    CommonProperties, Frames, Joining, Outgoing, Queue, QueueType, Transport,
    rocketmq::{
        RocketMq, RocketMqOptions,
        admin::{
            Admin, Effect, MessageType, NewUser, Origin, Permission, Policy, ResetTo, TopicChange,
            TopicSettings, UserKind,
        },
    },
};
use std::{
    num::NonZeroU32,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const SECRET: &str = "planted-secret";

fn settings(queues: u32) -> TopicSettings {
    TopicSettings {
        queues: NonZeroU32::new(queues).expect("some queues"),
        permission: Permission::READ_WRITE,
        message_type: MessageType::Normal,
        queue_type: QueueType::Simple,
    }
}

fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(now.as_millis()).expect("before the year 292,000,000")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_created_listed_changed_and_deleted() -> Result<()> {
    let (transport, _share) = connect().await?;
    let admin = Admin::connect(plain()).await?;
    let name = unique("admin");
    let error = fails(ErrorKind::Schema, admin.topic(&name)).await;
    assert!(error.to_string().contains(&name), "{error}");
    admin.create_topic(&name, &settings(4)).await?;
    let error = fails(ErrorKind::Config, admin.create_topic(&name, &settings(4))).await;
    assert!(error.to_string().contains("one already"), "{error}");

    let listed = admin.topics().await?;
    let found = |name: &str| listed.iter().find(|topic| topic.name == name).unwrap();
    let of_test = found(&name);
    assert_eq!((of_test.read_queues, of_test.write_queues), (4, 4));
    assert_eq!(of_test.origin, Origin::User);
    assert_eq!(of_test.permission, Permission::READ_WRITE);
    assert_eq!(found("TBW102").origin, Origin::System);
    assert_eq!(found("DefaultCluster").origin, Origin::System);

    let queue = &transport.queues(&name).await?[3];
    let mut lane = transport.lane(queue).await?;
    lane.send(&batch([&b"one"[..], b"two"])?).await?;
    // Queues 2 and 3 would be read no more: two messages.
    assert_eq!(
        admin
            .left_behind(&name, NonZeroU32::new(2).unwrap())
            .await?,
        2
    );
    assert_eq!(
        admin
            .left_behind(&name, NonZeroU32::new(4).unwrap())
            .await?,
        0
    );
    let change = TopicChange {
        write_queues: NonZeroU32::new(2),
        permission: Some("r".parse().unwrap()),
        ..TopicChange::default()
    };
    admin.change_topic(&name, &change).await?;
    let topic = admin.topic(&name).await?;
    let [at] = &topic.brokers[..] else {
        panic!("{topic:?}")
    };
    assert_eq!((at.read_queues, at.write_queues), (4, 2));
    assert_eq!(at.permission.to_string(), "r");
    assert_eq!(at.attributes["message.type"], "NORMAL", "{at:?}");
    let ends: Vec<_> = topic
        .queues
        .iter()
        .map(|q| (q.queue, q.min, q.max))
        .collect();
    assert_eq!(ends, [(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 2)]);
    assert!(topic.queues[3].last_stored.is_some() && topic.queues[0].last_stored.is_none());

    admin.delete_topic(&name).await?;
    fails(ErrorKind::Schema, admin.topic(&name)).await;
    let error = fails(ErrorKind::Config, admin.delete_topic("TBW102")).await;
    assert!(error.to_string().contains("RocketMQ's own"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_shows_its_members_and_lag_and_its_offsets_are_set() -> Result<()> {
    let (transport, _share) = connect().await?;
    let admin = Admin::connect(plain()).await?;
    let queue = one_queue(&transport, &unique("admin")).await?;
    let topic = &*queue.topic;
    let mut lane = transport.lane(&queue).await?;
    lane.send(&batch([&b"1"[..], b"2", b"3"])?).await?;
    let group = unique("admin-group");
    // Asking must not make it, though this broker makes groups by itself.
    fails(ErrorKind::Schema, admin.group(&group)).await;
    assert!(
        admin
            .groups()
            .await?
            .iter()
            .all(|known| known.name != group)
    );
    admin.create_group(&group, Some(3)).await?;
    fails(ErrorKind::Config, admin.create_group(&group, None)).await;
    let listed = admin.groups().await?;
    let of_test = listed.iter().find(|known| known.name == group).unwrap();
    assert!(of_test.enabled && !of_test.system && of_test.retries == 3);
    assert!(
        listed
            .iter()
            .any(|known| known.name == "TOOLS_CONSUMER" && known.system)
    );

    transport.commit(&group, &[(queue.clone(), 1)]).await?;
    let shown = admin.group(&group).await?;
    assert_eq!(shown.lag, 2);
    assert!(shown.members.is_empty());
    assert_eq!(shown.queues[0].committed, Some(1));
    let set = |to| {
        let (admin, group) = (&admin, &group);
        async move {
            let plan = admin.plan_reset(group, topic, &[], to).await?;
            admin.reset(group, &plan).await?;
            Ok::<_, connect_api::Error>((plan[0].distance(), plan[0].to))
        }
    };
    let committed = async || {
        let offsets = transport
            .committed(&group, std::slice::from_ref(&queue))
            .await;
        offsets.map(|offsets| offsets[0])
    };
    for (to, moved, offset) in [
        (ResetTo::Earliest, -1, 0),
        (ResetTo::Latest, 3, 3),
        (ResetTo::Offset(2), -1, 2),
        (ResetTo::Time(0), -2, 0),
        // Nothing was stored as late as that: behind the last message.
        (ResetTo::Time(now() + 3_600_000), 3, 3),
    ] {
        assert_eq!(set(to).await?, (Some(moved), offset), "{to:?}");
        assert_eq!(committed().await?, Some(offset), "{to:?}");
    }
    let error = fails(ErrorKind::Config, set(ResetTo::Offset(4))).await;
    assert!(
        error.to_string().contains("has offsets 0 to 3, not 4"),
        "{error}"
    );
    let plan = admin.plan_reset(&group, topic, &[7], ResetTo::Latest);
    let error = fails(ErrorKind::Schema, plan).await;
    assert!(error.to_string().contains("no queue 7"), "{error}");

    let mut member = transport
        .join(Joining {
            group: group.as_str().into(),
            topics: vec![topic.into()],
            owner: group.as_str().into(),
            name: "test".into(),
        })
        .await?;
    member.claim(std::slice::from_ref(&queue)).await?;
    let shown = admin.group(&group).await?;
    let [seen] = &shown.members[..] else {
        panic!("{shown:?}")
    };
    assert_eq!(
        shown.queues[0].member.as_ref(),
        Some(&seen.client),
        "{shown:?}"
    );
    assert_eq!(shown.subscriptions[topic], "*");
    let error = fails(ErrorKind::Config, admin.delete_group(&group)).await;
    assert!(error.to_string().contains("stop it first"), "{error}");
    // Under a member the broker hands the new offset to its next pull.
    assert_eq!(set(ResetTo::Offset(1)).await?, (Some(-2), 1));
    assert_eq!(committed().await?, Some(1));
    let server = environment("CONNECT_TEST_ROCKETMQ");
    let text = mqadmin(&["consumerProgress", "-n", &server, "-g", &group]);
    assert!(text.contains("Diff Total: 2"), "{text}");
    assert_eq!(admin.group(&group).await?.lag, 2);
    member.leave().await?;
    admin.delete_group(&group).await?;
    fails(ErrorKind::Schema, admin.group(&group)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_found_by_key_by_id_and_by_time() -> Result<()> {
    let (transport, _share) = connect().await?;
    let admin = Admin::connect(plain()).await?;
    let topic = unique("admin");
    admin.create_topic(&topic, &settings(2)).await?;
    let queues = transport.queues(&topic).await?;
    let before = now();
    send(&transport, &queues[0], &["a", "b c"]).await?;
    send(&transport, &queues[1], &["a"]).await?;
    let until = std::time::Instant::now() + super::DEADLINE;
    let all = 0..=i64::MAX;
    // Brokers index messages on their own time.
    let by_a = loop {
        let found = admin.messages_by_key(&topic, "a", all.clone(), 20).await?;
        if found.found.len() == 2 || std::time::Instant::now() > until {
            break found;
        }
    };
    assert!(!by_a.more);
    let bodies: Vec<_> = by_a.found.iter().map(|f| (f.queue, &f.body[..])).collect();
    assert_eq!(bodies, [(0, &b"body of a"[..]), (1, b"body of a")]);
    for (key, count) in [("b c", 1), ("b", 1), ("c", 1), ("x", 0)] {
        let found = admin.messages_by_key(&topic, key, all.clone(), 20).await?;
        assert_eq!(found.found.len(), count, "{key}");
    }
    let found = admin
        .messages_by_key(&topic, "a", 0..=before - 60_000, 20)
        .await?;
    assert!(found.found.is_empty());
    assert!(
        admin
            .messages_by_key(&topic, "a", all.clone(), 1)
            .await?
            .more
    );

    let first = &by_a.found[0];
    let id = first.id.as_deref().unwrap();
    let found = admin.messages_by_id(&topic, id).await?;
    assert_eq!((found.len(), found[0].offset, found[0].queue), (1, 0, 0));
    assert!(
        admin
            .messages_by_id(&topic, &"0".repeat(32))
            .await?
            .is_empty()
    );
    fails(ErrorKind::Config, admin.messages_by_id(&topic, "7")).await;
    // The broker's own id, as mqadmin takes it.
    let server = environment("CONNECT_TEST_ROCKETMQ");
    let text = mqadmin(&["queryMsgByUniqueKey", "-n", &server, "-t", &topic, "-i", id]);
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{text}")).trim()
    };
    let host: std::net::SocketAddrV4 = field("Store Host:").parse().unwrap();
    let place: u64 = field("CommitLog Offset:").parse().unwrap();
    let (ip, port) = (u32::from(*host.ip()), host.port());
    let of_broker = format!("{ip:08X}{port:08X}{place:016X}");
    let found = admin.messages_by_id(&topic, &of_broker).await?;
    assert_eq!(
        (found.len(), &found[0].body[..]),
        (1, &b"body of a"[..]),
        "{text}"
    );

    for (queues, limit, expected, more) in [
        (&[][..], 20, 3, false),
        (&[0], 20, 2, false),
        (&[], 2, 2, true),
        (&[1], 1, 1, false),
    ] {
        let found = admin
            .messages_by_time(&topic, queues, before - 1..=now(), limit)
            .await?;
        assert_eq!(
            (found.found.len(), found.more),
            (expected, more),
            "{queues:?} {limit}"
        );
    }
    let later = now() + 1;
    let found = admin
        .messages_by_time(&topic, &[], later..=i64::MAX, 20)
        .await?;
    assert!(found.found.is_empty());
    fails(
        ErrorKind::Schema,
        admin.messages_by_time(&topic, &[9], all, 20),
    )
    .await;
    assert!(
        !format!("{by_a:?}").contains("body"),
        "rows are not in logs"
    );
    Ok(())
}

/// Sends a message of each key.
async fn send(transport: &RocketMq, queue: &Queue, keys: &[&str]) -> Result<()> {
    let mut frames = Frames::default();
    for key in keys {
        let body = format!("body of {key}");
        let message = Outgoing {
            key: key.as_bytes(),
            body: body.as_bytes(),
            ..Outgoing::default()
        };
        frames.push(&message, &CommonProperties::default(), super::MAX_BODY)?;
    }
    let batch = frames.into_batch();
    transport.lane(queue).await?.send(&batch).await?;
    Ok(())
}

async fn acl(credentials: Option<Credentials>) -> Result<Admin> {
    let mut options = RocketMqOptions::new(&environment("CONNECT_TEST_ROCKETMQ_ACL"));
    options.credentials = credentials;
    Admin::connect(options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_and_policies_are_created_listed_changed_and_deleted() -> Result<()> {
    let admin = acl(Some(super_user())).await?;
    let (name, topic) = (unique("user"), unique("admin"));
    admin.create_topic(&topic, &settings(1)).await?;
    fails(
        ErrorKind::Config,
        admin.create_user(&name, &NewUser::default()),
    )
    .await;
    let user = NewUser {
        password: Some(SECRET.to_owned()),
        ..NewUser::default()
    };
    admin.create_user(&name, &user).await?;
    let users = admin.users().await?;
    let of_test = users.iter().find(|user| user.name == name).unwrap();
    assert!(of_test.enabled && of_test.kind == UserKind::Normal);
    let supers = users.iter().find(|user| user.name == "superuser").unwrap();
    assert_eq!(supers.kind, UserKind::Super);
    assert!(!format!("{users:?}{user:?}").contains(SECRET));

    let subject = format!("User:{name}");
    let resource = format!("Topic:{topic}");
    let mut policy = Policy {
        subject: subject.clone(),
        resource: resource.clone(),
        actions: vec!["Pub".into(), "Sub".into()],
        source_ips: vec!["127.0.0.1".into()],
        effect: Effect::Allow,
        brokers: Vec::new(),
    };
    let theirs = async || {
        acl(Some(Credentials::new(name.as_str(), SECRET)))
            .await?
            .topic(&topic)
            .await
    };
    let error = fails(ErrorKind::Auth, theirs()).await;
    assert!(error.to_string().contains(&acl_broker()), "{error}");
    admin.grant(&policy).await?;
    policy.actions = vec!["All".into()];
    admin.grant(&policy).await?;
    let listed = admin.policies(&subject, "").await?;
    policy.brokers = listed[0].brokers.clone();
    assert_eq!(listed, [policy]);
    assert_eq!(theirs().await?.queues.len(), 1);

    let off = NewUser {
        enabled: Some(false),
        ..NewUser::default()
    };
    admin.change_user(&name, &off).await?;
    let users = admin.users().await?;
    assert!(users.iter().any(|user| user.name == name && !user.enabled));
    admin.revoke(&subject, Some(&resource)).await?;
    assert!(admin.policies(&subject, "").await?.is_empty());
    fails(ErrorKind::Schema, admin.revoke(&subject, None)).await;
    admin.delete_user(&name).await?;
    fails(ErrorKind::Schema, admin.delete_user(&name)).await;
    admin.delete_topic(&topic).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_requests_are_reported_with_the_brokers_message() -> Result<()> {
    let wrong = Credentials::new("superuser", SECRET);
    for (credentials, said) in [
        (Some(wrong), "check signature failed"),
        (None, "username cannot be null"),
    ] {
        let admin = acl(credentials).await?;
        let auth = ErrorKind::Auth;
        for error in [
            fails(auth, admin.users()).await,
            fails(auth, admin.groups()).await,
            fails(auth, admin.create_topic(&unique("refused"), &settings(1))).await,
        ] {
            let text = error.report();
            assert!(
                text.contains(said) && text.contains(&acl_broker()),
                "{text}"
            );
            assert!(!text.contains(SECRET), "{text}");
        }
        // A broker that does not answer is listed with the error.
        let brokers = admin.brokers().await?;
        let fault = brokers[0].fault.as_deref().unwrap();
        assert!(
            brokers[0].state.is_none() && fault.contains(said),
            "{fault}"
        );
    }
    let admin = Admin::connect(plain()).await?;
    let brokers = admin.brokers().await?;
    let state = brokers[0].state.as_ref().unwrap();
    assert!(
        state.version.starts_with("V5") && state.started.is_some(),
        "{state:?}"
    );
    let error = fails(ErrorKind::Unsupported, admin.users()).await;
    assert!(
        error.to_string().contains("authenticationEnabled"),
        "{error}"
    );
    admin.close(Duration::from_secs(2)).await;
    Ok(())
}

/// A broker indexes a batch that is kept whole, and none of the messages in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_in_batches_are_found_by_key_and_by_id() -> Result<()> {
    let (transport, _share) = connect().await?;
    let admin = Admin::connect(plain()).await?;
    let topic = unique("found-in-batches");
    let whole = TopicSettings {
        queue_type: QueueType::Batch,
        ..settings(2)
    };
    admin.create_topic(&topic, &whole).await?;
    let attributes = &admin.topic(&topic).await?.brokers[0].attributes;
    assert_eq!(
        attributes.get("queue.type").map(String::as_str),
        Some("BatchCQ")
    );
    for queue in transport.queues(&topic).await? {
        let mut frames = Frames::default();
        for n in 0..5 {
            let key = format!("k{}", n % 2);
            let body = format!("body {n} of queue {}", queue.id);
            let message = Outgoing {
                key: key.as_bytes(),
                body: body.as_bytes(),
                ..Outgoing::default()
            };
            frames.push(&message, &CommonProperties::default(), 1 << 20)?;
        }
        transport
            .lane(&queue)
            .await?
            .send(&frames.into_batch())
            .await?;
    }
    let all = 0..=i64::MAX;
    let found = admin.messages_by_key(&topic, "k1", all.clone(), 10).await?;
    let places: Vec<_> = found.found.iter().map(|f| (f.queue, f.offset)).collect();
    assert_eq!(
        (places, found.more),
        (vec![(0, 1), (0, 3), (1, 1), (1, 3)], false)
    );
    let newest = admin.messages_by_key(&topic, "k1", all, 1).await?;
    let places: Vec<_> = newest.found.iter().map(|f| (f.queue, f.offset)).collect();
    assert_eq!((places, newest.more), (vec![(0, 3), (1, 3)], true));
    let id = found.found[3].id.as_deref().expect("an id");
    let by_id = admin.messages_by_id(&topic, id).await?;
    assert_eq!(by_id.len(), 1);
    assert_eq!(by_id[0].body, b"body 3 of queue 1");
    Ok(())
}
