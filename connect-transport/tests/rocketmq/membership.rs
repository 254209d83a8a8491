//! Groups with their members, as RocketMQ's tools and other members see them.
use super::{
    DEADLINE, batch, broker, connect, environment, mqadmin, one_queue, plain, super_user, unique,
};
use connect_api::Result;
use connect_transport::{
    Claim, Joining, Member, Queue, Transport,
    rocketmq::{RocketMq, RocketMqOptions},
};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

fn joining(group: &str, topic: &str, owner: &str) -> Joining {
    Joining {
        group: group.into(),
        topics: vec![topic.into()],
        owner: owner.into(),
        name: "connector orders, task 0".into(),
    }
}

/// Runs the tool until its output holds all of `wanted`: brokers register a new topic at the name servers
/// on their own time.
fn shows(arguments: &[&str], wanted: &[&str]) -> String {
    let until = Instant::now() + DEADLINE;
    loop {
        let text = mqadmin(arguments);
        if wanted.iter().all(|part| text.contains(part)) {
            return text;
        }
        assert!(
            Instant::now() < until,
            "no {wanted:?} in {arguments:?}: {text}"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

async fn is_seen_by_tools(options: RocketMqOptions, acl: &[&str]) -> Result<()> {
    let server = options.name_servers.join(";");
    let name_server = ["-n", &server];
    let with = |arguments: &[&'static str], more: &[&str]| -> Vec<String> {
        let all = acl.iter().chain(arguments).chain(more).chain(&name_server);
        all.map(|part| (*part).to_owned()).collect()
    };
    let shows = |arguments: Vec<String>, wanted: &[&str]| {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        shows(&arguments, wanted)
    };
    let transport = RocketMq::connect(options).await?;
    let queue = one_queue(&transport, &unique("seen")).await?;
    let topic = &*queue.topic;
    let mut lane = transport.lane(&queue).await?;
    lane.send(&batch([&b"1"[..], b"2", b"3"])?).await?;
    let group = unique("connect-seen");
    transport.create_group(&group).await?;
    let mut member = transport.join(joining(&group, topic, &group)).await?;
    let queues = [queue.clone()];
    assert_eq!(member.claim(&queues).await?.held, queues);
    transport.commit(&group, &[(queue.clone(), 1)]).await?;

    let client = format!("@{}#connect-", std::process::id());
    shows(
        with(&["consumerConnection", "-g"], &[&group]),
        &[&client, "RUST", topic],
    );
    shows(
        with(&["consumerProgress", "-g"], &[&group]),
        &[topic, "Consume Diff Total: 2"],
    );
    shows(with(&["consumerProgress"], &[]), &[&group]);
    // What a member reports of itself: the broker asks it.
    let connections = shows(with(&["consumerConnection", "-g"], &[&group]), &[&client]);
    let id = connections
        .split_whitespace()
        .find(|word| word.contains(&client));
    let id = id.expect("the client's name").to_owned();
    shows(
        with(&["consumerStatus", "-g"], &[&group, "-i", &id]),
        &["PROP_CLIENT_VERSION", "rocketmq-connect", topic],
    );

    member.leave().await?;
    shows(
        with(&["consumerConnection", "-g"], &[&group]),
        &["not online"],
    );
    transport.close(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_show_a_group_with_its_lag_its_members_and_what_they_read() -> Result<()> {
    let _share = super::BROKER.read().await;
    is_seen_by_tools(plain(), &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_show_a_group_at_a_broker_with_access_control() -> Result<()> {
    let mut options = RocketMqOptions::new(&environment("CONNECT_TEST_ROCKETMQ_ACL"));
    options.credentials = Some(super_user());
    is_seen_by_tools(options, &["--acl"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_stands_by_until_the_first_leaves() -> Result<()> {
    let (first, _share) = connect().await?;
    let second = RocketMq::connect(plain()).await?;
    let queue = one_queue(&first, &unique("standby")).await?;
    let (group, queues) = (unique("group"), [queue.clone()]);
    first.create_group(&group).await?;
    let mut one = first.join(joining(&group, &queue.topic, "one")).await?;
    let mut two = second.join(joining(&group, &queue.topic, "two")).await?;
    assert_eq!(one.claim(&queues).await?.held, queues);
    let claim = two.claim(&queues).await?;
    assert!(claim.held.is_empty());
    let [peer] = &claim.others[..] else {
        panic!("{:?}", claim.others);
    };
    assert!(
        peer.heeds_claims && peer.name.contains("#connect-"),
        "{peer:?}"
    );
    // Killed: its connections close, and the claims are left.
    first.close(Duration::from_secs(5)).await;
    drop((one, first));
    let claim = two.claim(&queues).await?;
    assert!(claim.held.is_empty(), "what is left of a dead member holds");
    let again = RocketMq::connect(plain()).await?;
    let mut one = again.join(joining(&group, &queue.topic, "one")).await?;
    assert_eq!(
        one.claim(&queues).await?.held,
        queues,
        "its own after a restart"
    );
    one.leave().await?;
    assert_eq!(two.claim(&queues).await?.held, queues);
    two.leave().await
}

/// Makes itself known as another kind of client does; a member as long as it lives.
fn stranger(group: &str, topic: &str) -> TcpStream {
    let address = broker("CONNECT_ROCKETMQ_BROKER_PORT", "20911");
    let mut stream = TcpStream::connect(address).expect("the broker");
    let body = format!(
        r#"{{"clientID":"10.1.2.3@77#8123","consumerDataSet":[{{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"{group}","messageModel":"CLUSTERING","subscriptionDataSet":[{{"subString":"*","topic":"{topic}","subVersion":1,"expressionType":"TAG"}}],"unitMode":false}}],"producerDataSet":[]}}"#
    );
    let head = r#"{"code":34,"flag":0,"language":"JAVA","opaque":1,"serializeTypeCurrentRPC":"JSON","version":477}"#;
    let mut frame = Vec::new();
    let length = |n: usize| u32::try_from(n).expect("a short frame").to_be_bytes();
    frame.extend(length(4 + head.len() + body.len()));
    frame.extend(length(head.len()));
    frame.extend(head.as_bytes());
    frame.extend(body.as_bytes());
    stream.write_all(&frame).expect("sent");
    stream.read_exact(&mut [0; 4]).expect("answered");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_heeds_no_claims_is_named_and_hinders() -> Result<()> {
    let (transport, _share) = connect().await?;
    let queue = one_queue(&transport, &unique("stranger")).await?;
    let (group, queues) = (unique("group"), [queue.clone()]);
    transport.create_group(&group).await?;
    let stranger = stranger(&group, &queue.topic);
    let mut member = transport.join(joining(&group, &queue.topic, "o")).await?;
    let claim = member.claim(&queues).await?;
    assert!(claim.held.is_empty());
    let [peer] = &claim.others[..] else {
        panic!("{:?}", claim.others);
    };
    assert_eq!(
        (&*peer.name, peer.heeds_claims),
        ("10.1.2.3@77#8123", false)
    );
    drop(stranger);
    let claim = holds(&mut member, &queues).await?;
    assert!(claim.others.is_empty());
    member.leave().await
}

/// Claims until it holds `queues`.
async fn holds(member: &mut Box<dyn Member>, queues: &[Queue]) -> Result<Claim> {
    let until = Instant::now() + DEADLINE;
    loop {
        let claim = member.claim(queues).await?;
        if claim.held == queues {
            return Ok(claim);
        }
        assert!(Instant::now() < until, "{claim:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_by_the_tool_is_heeded_while_the_group_reads() -> Result<()> {
    let (transport, _share) = connect().await?;
    let queue = one_queue(&transport, &unique("reset")).await?;
    let mut lane = transport.lane(&queue).await?;
    lane.send(&batch([&b"1"[..], b"2", b"3"])?).await?;
    let (group, topic) = (unique("group"), &*queue.topic);
    transport.create_group(&group).await?;
    let mut member = transport.join(joining(&group, topic, &group)).await?;
    member.claim(std::slice::from_ref(&queue)).await?;
    let mut reader = transport.reader(&group, &queue, 0).await?;
    assert_eq!(super::bodies(&mut reader, 3).await?, [b"1", b"2", b"3"]);
    transport.commit(&group, &[(queue.clone(), 3)]).await?;
    let server = environment("CONNECT_TEST_ROCKETMQ");
    let said = mqadmin(&[
        "resetOffsetByTime",
        "-g",
        &group,
        "-t",
        topic,
        "-s",
        "0",
        "-f",
        "true",
        "-n",
        &server,
    ]);
    assert!(said.contains(topic), "{said}");
    assert_eq!(super::bodies(&mut reader, 3).await?, [b"1", b"2", b"3"]);
    let queues = [queue];
    transport.commit(&group, &[(queues[0].clone(), 2)]).await?;
    assert_eq!(transport.committed(&group, &queues).await?, [Some(2)]);
    member.leave().await
}
