//! The consumer groups that this process is a member of, as brokers and tools see them.
use super::topic;
use crate::Queue;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// The prefix of the part of a client's name after its process: it distinguishes members that
/// honor claims from others.
const MARK: &str = "connect-";

/// All groups of this process.
#[derive(Debug)]
pub(super) struct Groups {
    client_id: Box<str>,
    /// Milliseconds of the clock when this client was created.
    since: u128,
    joined: Mutex<BTreeMap<Arc<str>, Group>>,
}

#[derive(Debug, Default)]
struct Group {
    /// Each topic with the number of members that read it.
    topics: BTreeMap<Arc<str>, usize>,
    members: usize,
    /// Queues that are held, with the offset last committed.
    held: BTreeMap<Queue, i64>,
}

impl Groups {
    /// No group yet. Names the client as RocketMQ's own do: `address@process#…`.
    pub(super) fn new(address: IpAddr, instance_name: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let process = std::process::id();
        Self {
            client_id: format!(
                "{address}@{process}#{MARK}{instance_name}-{:x}",
                now.as_micros()
            )
            .into(),
            since: now.as_millis(),
            joined: Mutex::default(),
        }
    }

    /// The name of this client.
    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether the member of this name reads queues only while it holds claims on them.
    pub(super) fn heeds_claims(client_id: &str) -> bool {
        let instance = client_id.split_once('#').map(|(_, instance)| instance);
        instance.is_some_and(|instance| instance.starts_with(MARK))
    }

    fn joined(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Group>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more member of `group`.
    pub(super) fn join(&self, group: &Arc<str>, topics: &[Arc<str>]) {
        let mut joined = self.joined();
        let group = joined.entry(group.clone()).or_default();
        group.members += 1;
        for topic in topics {
            *group.topics.entry(topic.clone()).or_default() += 1;
        }
    }

    /// One member less; `true` if it was the last one.
    pub(super) fn part(&self, group: &Arc<str>, topics: &[Arc<str>], held: &[Queue]) -> bool {
        let mut joined = self.joined();
        let Some(found) = joined.get_mut(group) else {
            return false;
        };
        found.members = found.members.saturating_sub(1);
        if found.members == 0 {
            joined.remove(group);
            return true;
        }
        for topic in topics {
            if let Some(readers) = found.topics.get_mut(topic) {
                *readers -= 1;
            }
        }
        found.topics.retain(|_, readers| *readers > 0);
        found.held.retain(|queue, _| !held.contains(queue));
        false
    }

    /// A member of `group` holds `now` in place of `before`.
    pub(super) fn hold(&self, group: &str, before: &[Queue], now: &[Queue]) {
        if let Some(group) = self.joined().get_mut(group) {
            group
                .held
                .retain(|queue, _| !before.contains(queue) || now.contains(queue));
            for queue in now {
                group.held.entry(queue.clone()).or_insert(-1);
            }
        }
    }

    /// The group has committed these offsets.
    pub(super) fn committed(&self, group: &str, offsets: &[(Queue, i64)]) {
        if let Some(group) = self.joined().get_mut(group) {
            for (queue, offset) in offsets {
                if let Some(committed) = group.held.get_mut(queue) {
                    *committed = *offset;
                }
            }
        }
    }

    /// The body of a heartbeat for one group (`HeartbeatData`).
    pub(super) fn heartbeat(&self, group: &str) -> String {
        format!(
            r#"{{"clientID":{},"consumerDataSet":[{{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","consumeType":"CONSUME_ACTIVELY","groupName":{},"messageModel":"CLUSTERING","subscriptionDataSet":{},"unitMode":false}}],"producerDataSet":[]}}"#,
            quoted(&self.client_id),
            quoted(group),
            self.subscriptions(group),
        )
    }

    fn subscriptions(&self, group: &str) -> String {
        let joined = self.joined();
        let topics = joined.get(group).map(|group| group.topics.keys());
        let subscriptions = topics.into_iter().flatten().map(|topic| {
            format!(
                r#"{{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"*","subVersion":{},"tagsSet":[],"topic":{}}}"#,
                self.since,
                quoted(&topic::written(topic))
            )
        });
        let subscriptions: Vec<_> = subscriptions.collect();
        format!("[{}]", subscriptions.join(","))
    }

    /// What tools ask a member about itself (`ConsumerRunningInfo`); `None` where this client is
    /// no member of the group.
    pub(super) fn running_info(&self, group: &str) -> Option<String> {
        let subscriptions = self.subscriptions(group);
        let joined = self.joined();
        let mut queues = String::new();
        for (queue, committed) in &joined.get(group)?.held {
            let separator = if queues.is_empty() { "" } else { "," };
            // Infallible: writes into a String.
            write!(
                queues,
                r#"{separator}{}:{{"commitOffset":{committed},"cachedMsgCount":0,"cachedMsgSizeInMiB":0,"cachedMsgMinOffset":0,"cachedMsgMaxOffset":0,"transactionMsgCount":0,"transactionMsgMinOffset":0,"transactionMsgMaxOffset":0,"locked":true,"tryUnlockTimes":0,"droped":false,"lastLockTimestamp":0,"lastPullTimestamp":0,"lastConsumeTimestamp":0}}"#,
                queue_key(queue)
            )
            .ok();
        }
        Some(format!(
            r#"{{"properties":{{"PROP_CONSUME_TYPE":"CONSUME_ACTIVELY","PROP_CLIENT_VERSION":"rocketmq-connect {}","PROP_CONSUMER_START_TIMESTAMP":"{}","PROP_CONSUMEORDERLY":"true","PROP_NAMESERVER_ADDR":"","PROP_THREADPOOL_CORE_SIZE":"0"}},"subscriptionSet":{subscriptions},"mqTable":{{{queues}}},"mqPopTable":{{}},"statusTable":{{}},"userConsumerInfo":{{}}}}"#,
            env!("CARGO_PKG_VERSION"),
            self.since,
        ))
    }

    /// The offsets that a member has committed in a topic (`GetConsumerStatusBody`).
    pub(super) fn status(&self, group: &str, topic: &str) -> String {
        let joined = self.joined();
        let held = joined.get(group).map(|group| group.held.iter());
        let offsets: Vec<_> = held
            .into_iter()
            .flatten()
            .filter(|(queue, _)| topic::written(&queue.topic) == topic)
            .map(|(queue, committed)| format!("{}:{committed}", queue_key(queue)))
            .collect();
        format!(
            r#"{{"consumerTable":{{}},"messageQueueTable":{{{}}}}}"#,
            offsets.join(",")
        )
    }
}

/// A queue as Java's runtime writes it (`MessageQueue`).
pub(super) fn queue_key(queue: &Queue) -> String {
    format!(
        r#"{{"brokerName":{},"queueId":{},"topic":{}}}"#,
        quoted(&queue.broker),
        queue.id,
        quoted(&topic::written(&queue.topic))
    )
}

/// A text of JSON.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => {
                // Infallible: writes into a String.
                write!(quoted, "\\u{:04x}", u32::from(c)).ok();
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn clients_are_named_as_those_of_rocketmq_and_known_for_ours() {
        let groups = Groups::new(Ipv4Addr::LOCALHOST.into(), "worker-1");
        let id = groups.client_id();
        let process = std::process::id();
        assert!(
            id.starts_with(&format!("127.0.0.1@{process}#connect-worker-1-")),
            "{id}"
        );
        assert!(Groups::heeds_claims(id));
        for other in ["10.0.0.1@77#8123456", "10.0.0.1@DEFAULT", "", "connect-x"] {
            assert!(!Groups::heeds_claims(other), "{other}");
        }
    }

    #[test]
    fn a_group_reads_the_topics_of_all_its_members() {
        let groups = Groups::new(Ipv4Addr::LOCALHOST.into(), "w");
        let (group, a, b): (Arc<str>, Arc<str>, Arc<str>) = ("g".into(), "a".into(), "b".into());
        groups.join(&group, std::slice::from_ref(&a));
        groups.join(&group, &[a.clone(), b.clone()]);
        let text = groups.heartbeat("g");
        assert!(text.contains(r#""topic":"a""#) && text.contains(r#""topic":"b""#));
        assert!(!groups.part(&group, &[a.clone(), b], &[]));
        let text = groups.heartbeat("g");
        assert!(text.contains(r#""topic":"a""#) && !text.contains(r#""topic":"b""#));
        assert!(groups.part(&group, &[a], &[]));
        assert!(groups.running_info("g").is_none());
    }

    #[test]
    fn names_stand_in_json_whatever_is_in_them() {
        assert_eq!(quoted("a\"b\\c\n"), r#""a\"b\\c\u000a""#);
    }
}
