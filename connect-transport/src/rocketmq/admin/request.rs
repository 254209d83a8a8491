//! Requests that administer, by their codes and fields (`RequestCode.java`).
use crate::rocketmq::request::Request;

/// Topic whose settings a broker copies where it creates topics automatically.
const TEMPLATE_TOPIC: &str = "TBW102";

/// The settings to create or change a topic with at one broker.
pub(super) struct TopicForm<'a> {
    pub(super) read_queues: u32,
    pub(super) write_queues: u32,
    /// Bits: 4 read, 2 write, 1 inherit.
    pub(super) permission: u32,
    pub(super) ordered: bool,
    pub(super) system_flag: i32,
    /// `+name=value`, separated by commas; attributes that are not named stay as they are.
    pub(super) attributes: &'a str,
}

impl Request {
    /// The broker's counters (`GET_BROKER_RUNTIME_INFO`).
    pub(super) fn broker_state() -> Self {
        Self::new(28)
    }

    /// The names of all topics (`GET_ALL_TOPIC_LIST_FROM_NAMESERVER`), of a name server.
    pub(super) fn topics() -> Self {
        Self::new(206)
    }

    /// The queues of a topic: their bounds, and when the last message came
    /// (`GET_TOPIC_STATS_INFO`).
    pub(super) fn topic_queues(topic: &str) -> Self {
        Self::new(202).with_topic(topic)
    }

    /// The groups that read a topic (`QUERY_TOPIC_CONSUME_BY_WHO`).
    pub(super) fn groups_of(topic: &str) -> Self {
        Self::new(300).with_topic(topic)
    }

    /// Creates or changes a topic (`UPDATE_AND_CREATE_TOPIC`).
    pub(super) fn write_topic(topic: &str, form: &TopicForm<'_>) -> Self {
        Self::new(17)
            .with_topic(topic)
            .with("defaultTopic", TEMPLATE_TOPIC)
            .with_number("readQueueNums", form.read_queues)
            .with_number("writeQueueNums", form.write_queues)
            .with_number("perm", form.permission)
            .with("topicFilterType", "SINGLE_TAG")
            .with_number("topicSysFlag", form.system_flag)
            .with("order", if form.ordered { "true" } else { "false" })
            .with("attributes", form.attributes)
    }

    /// Deletes a topic and its messages (`DELETE_TOPIC_IN_BROKER`).
    pub(super) fn delete_topic(topic: &str) -> Self {
        Self::new(215).with_topic(topic)
    }

    /// Takes a topic out of the routes (`DELETE_TOPIC_IN_NAMESRV`), of a name server.
    pub(super) fn delete_route(topic: &str) -> Self {
        Self::new(216).with_topic(topic)
    }

    /// The settings of all groups, from number `first` on (`GET_ALL_SUBSCRIPTIONGROUP_CONFIG`);
    /// `version` is what the first answer said.
    pub(super) fn all_groups(first: usize, version: Option<&str>) -> Self {
        let request = Self::new(201).with_number("groupSeq", first);
        match version {
            Some(version) => request.with("dataVersion", version),
            None => request,
        }
    }

    /// Creates or changes a group (`UPDATE_AND_CREATE_SUBSCRIPTIONGROUP`).
    pub(super) fn write_group(settings: String) -> Self {
        Self::new(200).with_body(settings)
    }

    /// Deletes a group and its offsets (`DELETE_SUBSCRIPTIONGROUP`).
    pub(super) fn delete_group(group: &str) -> Self {
        Self::new(207)
            .with("groupName", group)
            .with("cleanOffset", "true")
    }

    /// Who consumes as a group (`GET_CONSUMER_CONNECTION_LIST`).
    pub(super) fn connections(group: &str) -> Self {
        Self::new(203).with("consumerGroup", group)
    }

    /// What a member of a group says of itself (`GET_CONSUMER_RUNNING_INFO`), by its broker.
    pub(super) fn running_info(group: &str, client: &str) -> Self {
        Self::new(307)
            .with("consumerGroup", group)
            .with("clientId", client)
            .with("jstackEnable", "false")
    }

    /// The topics in which a group has offsets (`QUERY_TOPICS_BY_CONSUMER`).
    pub(super) fn topics_of(group: &str) -> Self {
        Self::new(343).with("group", group)
    }

    /// The offset of the first message of a queue that was stored at `millis` or later
    /// (`SEARCH_OFFSET_BY_TIMESTAMP`).
    pub(super) fn offset_at(topic: &str, queue: u32, millis: i64) -> Self {
        Self::new(29)
            .with_topic(topic)
            .with_number("queueId", queue)
            .with_number("timestamp", millis)
            .with("boundaryType", "LOWER")
    }

    /// Sets the offset of a group in a queue, also while it is read
    /// (`INVOKE_BROKER_TO_RESET_OFFSET`).
    pub(super) fn reset(group: &str, topic: &str, queue: u32, offset: i64) -> Self {
        Self::new(222)
            .with("group", group)
            .with_topic(topic)
            .with_number("queueId", queue)
            .with_number("offset", offset)
            .with_number("timestamp", -1)
            .with("isForce", "true")
    }

    /// Messages by a word of their key (`QUERY_MESSAGE`).
    pub(super) fn by_key(topic: &str, key: &str, most: u32, from: i64, to: i64) -> Self {
        Self::new(12)
            .with_topic(topic)
            .with("key", key)
            .with_number("maxNum", most)
            .with_number("beginTimestamp", from)
            .with_number("endTimestamp", to)
    }

    /// The message of an id that its producer gave it (`QUERY_MESSAGE`).
    pub(super) fn by_id(topic: &str, id: &str) -> Self {
        Self::by_key(topic, id, 32, 0, i64::MAX).with("_UNIQUE_KEY_QUERY", "true")
    }

    /// The message at a place of the broker's log (`VIEW_MESSAGE_BY_ID`).
    pub(super) fn at_place(topic: &str, place: i64) -> Self {
        Self::new(33).with_topic(topic).with_number("offset", place)
    }

    /// All users (`AUTH_LIST_USER`).
    pub(super) fn users() -> Self {
        Self::new(3005)
    }

    /// Creates a user (`AUTH_CREATE_USER`).
    pub(super) fn create_user(name: &str, user: String) -> Self {
        Self::new(3001).with("username", name).with_body(user)
    }

    /// Changes a user (`AUTH_UPDATE_USER`).
    pub(super) fn change_user(name: &str, user: String) -> Self {
        Self::new(3002).with("username", name).with_body(user)
    }

    /// Deletes a user (`AUTH_DELETE_USER`).
    pub(super) fn delete_user(name: &str) -> Self {
        Self::new(3003).with("username", name)
    }

    /// All policies of subjects and resources whose names hold these words (`AUTH_LIST_ACL`).
    pub(super) fn policies(subject: &str, resource: &str) -> Self {
        Self::new(3010)
            .with("subjectFilter", subject)
            .with("resourceFilter", resource)
    }

    /// Adds policies of a subject, or changes those of the same resources (`AUTH_CREATE_ACL`).
    pub(super) fn grant(subject: &str, acl: String) -> Self {
        Self::new(3006).with("subject", subject).with_body(acl)
    }

    /// Deletes the policies of a subject: those on one resource, or all (`AUTH_DELETE_ACL`).
    pub(super) fn revoke(subject: &str, resource: Option<&str>) -> Self {
        let request = Self::new(3008).with("subject", subject);
        match resource {
            Some(resource) => request
                .with("policyType", "Custom")
                .with("resource", resource),
            None => request,
        }
    }
}
