//! The requests that are sent, by their codes and fields (`RequestCode.java`, `…RequestHeader`).
use super::{
    groups::{queue_key, quoted},
    queue_type, topic,
};
use crate::{Queue, QueueType};
use bytes::Bytes;
use cheetah_string::CheetahString;
use rocketmq_protocol::{
    RemotingCommand,
    protocol::remoting_command_defaults::{RemotingCommandDefaults, RemotingCommandFactory},
};

/// Topic whose settings a broker copies where it creates topics automatically.
const TEMPLATE_TOPIC: &str = "TBW102";
/// Reading and writing.
const READ_WRITE: u32 = 4 | 2;
/// Wait for messages, and: the subscription is in this request.
const WAIT: u32 = 2 | 4;

/// A request: its code, fields and body.
pub(super) struct Request {
    command: RemotingCommand,
}

impl Request {
    pub(super) fn new(code: i32) -> Self {
        let factory = RemotingCommandFactory::new(RemotingCommandDefaults::default());
        Self {
            command: factory.create_remoting_command(code),
        }
    }

    pub(super) fn with(mut self, field: &'static str, value: impl Into<CheetahString>) -> Self {
        self.command
            .add_ext_field(CheetahString::from_static_str(field), value);
        self
    }

    pub(super) fn with_topic(self, topic: &str) -> Self {
        self.with("topic", CheetahString::from_slice(&topic::written(topic)))
    }

    pub(super) fn with_number(self, field: &'static str, value: impl itoa::Integer) -> Self {
        let mut digits = itoa::Buffer::new();
        self.with(field, CheetahString::from_slice(digits.format(value)))
    }

    pub(super) fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.command.set_body_mut_ref(body);
        self
    }

    pub(super) fn into_command(self) -> RemotingCommand {
        self.command
    }

    /// The brokers and queues of a topic (`GET_ROUTEINFO_BY_TOPIC`), of a name server.
    pub(super) fn route(topic: &str) -> Self {
        Self::new(105)
            .with_topic(topic)
            .with("acceptStandardJsonOnly", "true")
    }

    /// All brokers (`GET_BROKER_CLUSTER_INFO`), of a name server.
    pub(super) fn cluster() -> Self {
        Self::new(106)
    }

    /// The broker's settings (`GET_BROKER_CONFIG`), as lines of `name=value`.
    pub(super) fn broker_config() -> Self {
        Self::new(26)
    }

    /// A heartbeat of a client, and what it consumes (`HEART_BEAT`).
    pub(super) fn heartbeat(body: String) -> Self {
        Self::new(34).with_body(body)
    }

    /// A heartbeat of a client that neither produces nor consumes.
    pub(super) fn idle_heartbeat(client_id: &str) -> Self {
        let client_id = quoted(client_id);
        Self::heartbeat(format!(
            r#"{{"clientID":{client_id},"consumerDataSet":[],"producerDataSet":[]}}"#
        ))
    }

    /// A client leaves a group (`UNREGISTER_CLIENT`).
    pub(super) fn unregister(client_id: &str, group: &str) -> Self {
        Self::new(35)
            .with("clientID", client_id)
            .with("consumerGroup", group)
    }

    /// The members of a group (`GET_CONSUMER_LIST_BY_GROUP`).
    pub(super) fn members(group: &str) -> Self {
        Self::new(38).with("consumerGroup", group)
    }

    /// Claims queues for a group's member (`LOCK_BATCH_MQ`).
    pub(super) fn lock(group: &str, owner: &str, queues: &[&Queue]) -> Self {
        Self::new(41).with_body(locks(group, owner, queues))
    }

    /// Gives up queues (`UNLOCK_BATCH_MQ`).
    pub(super) fn unlock(group: &str, owner: &str, queues: &[&Queue]) -> Self {
        Self::new(42).with_body(locks(group, owner, queues))
    }

    /// The settings of a topic (`GET_TOPIC_CONFIG`).
    pub(super) fn topic_settings(topic: &str) -> Self {
        Self::new(351).with_topic(topic).with("lo", "false")
    }

    /// Creates a topic (`UPDATE_AND_CREATE_TOPIC`).
    pub(super) fn create_topic(topic: &str, queues: u32, queue_type: QueueType) -> Self {
        let request = Self::new(17)
            .with_topic(topic)
            .with("defaultTopic", TEMPLATE_TOPIC)
            .with_number("readQueueNums", queues)
            .with_number("writeQueueNums", queues)
            .with_number("perm", READ_WRITE)
            .with("topicFilterType", "SINGLE_TAG")
            .with_number("topicSysFlag", 0)
            .with("order", "false");
        match queue_type::attribute(queue_type) {
            None => request,
            Some(attribute) => request.with("attributes", attribute),
        }
    }

    /// The settings of a consumer group (`GET_SUBSCRIPTIONGROUP_CONFIG`).
    pub(super) fn group(group: &str) -> Self {
        Self::new(352).with("group", group)
    }

    /// Creates a consumer group with the broker's defaults (`UPDATE_AND_CREATE_SUBSCRIPTIONGROUP`);
    /// the name has been checked: it needs no escape.
    pub(super) fn create_group(group: &str) -> Self {
        Self::new(200).with_body(format!(r#"{{"groupName":"{group}"}}"#))
    }

    /// The offset that a group has committed (`QUERY_CONSUMER_OFFSET`).
    pub(super) fn committed(group: &str, topic: &str, queue: u32) -> Self {
        Self::new(14)
            .with("consumerGroup", group)
            .with_topic(topic)
            .with_number("queueId", queue)
            // Else the answer for a group that committed nothing is 0.
            .with("setZeroIfNotFound", "false")
    }

    /// Commits an offset of a group (`UPDATE_CONSUMER_OFFSET`).
    pub(super) fn commit(group: &str, topic: &str, queue: u32, offset: i64) -> Self {
        Self::new(15)
            .with("consumerGroup", group)
            .with_topic(topic)
            .with_number("queueId", queue)
            .with_number("commitOffset", offset)
    }

    /// The offset that the next message gets (`GET_MAX_OFFSET`).
    pub(super) fn max_offset(topic: &str, queue: u32) -> Self {
        Self::new(30)
            .with_topic(topic)
            .with_number("queueId", queue)
    }

    /// The oldest offset (`GET_MIN_OFFSET`).
    pub(super) fn min_offset(topic: &str, queue: u32) -> Self {
        Self::new(31)
            .with_topic(topic)
            .with_number("queueId", queue)
    }

    /// Stores a batch (`SEND_BATCH_MESSAGE`, header V2) with `properties` of its own. A topic of
    /// type `BatchCQ` keeps a batch whole that has a `UNIQ_KEY`; others give each of its messages
    /// what properties it has.
    pub(super) fn send(
        producer_group: &CheetahString,
        topic: &CheetahString,
        queue: u32,
        now_millis: u128,
        properties: CheetahString,
        frames: Bytes,
    ) -> Self {
        Self::new(320)
            .with("a", producer_group.clone())
            .with("b", topic.clone())
            .with("c", TEMPLATE_TOPIC)
            .with_number("d", 4)
            .with_number("e", queue)
            .with_number("f", 0)
            .with_number("g", now_millis)
            .with_number("h", 0)
            .with("i", properties)
            .with_number("j", 0)
            .with("k", "false")
            .with("m", "true")
            .with_body(frames)
    }

    /// Messages of a queue, from an offset on (`PULL_MESSAGE`); the broker waits `wait_millis`
    /// for some where there are none.
    pub(super) fn pull(
        group: &CheetahString,
        topic: &CheetahString,
        queue: u32,
        offset: i64,
        messages: u32,
        wait_millis: u128,
    ) -> Self {
        Self::new(11)
            .with("consumerGroup", group.clone())
            .with("topic", topic.clone())
            .with_number("queueId", queue)
            .with_number("queueOffset", offset)
            .with_number("maxMsgNums", messages)
            .with_number("sysFlag", WAIT)
            .with_number("commitOffset", 0)
            .with_number("suspendTimeoutMillis", wait_millis)
            .with("subscription", "*")
            .with_number("subVersion", 0)
            .with("expressionType", "TAG")
    }
}

/// The body of requests that lock and unlock queues.
fn locks(group: &str, owner: &str, queues: &[&Queue]) -> String {
    let queues: Vec<_> = queues.iter().map(|queue| queue_key(queue)).collect();
    format!(
        r#"{{"clientId":{},"consumerGroup":{},"mqSet":[{}],"onlyThisBroker":false}}"#,
        quoted(owner),
        quoted(group),
        queues.join(",")
    )
}
