//! Consumer groups: list, show with members and lag, create, delete.
use super::{Admin, answers};
use crate::{
    Queue, Transport as _,
    rocketmq::{
        CONCURRENCY, error_codes::code, groups::quoted, options::check_name, request::Request,
    },
};
use connect_api::{Error, ErrorKind, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Code of an answer about a group that has no member (`CONSUMER_NOT_ONLINE`).
const NOT_ONLINE: i32 = 206;
/// Groups that belong to RocketMQ (`MixAll.java`), beside those that begin with `CID_RMQ_SYS_`.
const SYSTEM: [&str; 10] = [
    "CID_ONSAPI_OWNER",
    "CID_ONSAPI_PERMISSION",
    "CID_ONSAPI_PULL",
    "CID_ONS-HTTP-PROXY",
    "DEFAULT_CONSUMER",
    "FILTERSRV_CONSUMER",
    "SCHEDULE_CONSUMER",
    "SELF_TEST_C_GROUP",
    "TOOLS_CONSUMER",
    "__MONITOR_CONSUMER",
];

/// A consumer group in a list.
#[derive(Debug, Clone, Serialize)]
pub struct GroupSummary {
    /// Its name.
    pub name: String,
    /// Whether it is RocketMQ's own.
    pub system: bool,
    /// The brokers it is at.
    pub brokers: Vec<String>,
    /// Whether it may consume, at all of them.
    pub enabled: bool,
    /// How often a message is retried.
    pub retries: i64,
}

/// A consumer group.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Who consumes as this group now.
    pub members: Vec<GroupMember>,
    /// The topics that its members subscribe, each with what is taken of it.
    pub subscriptions: BTreeMap<String, String>,
    /// All queues of the topics that it subscribes or has offsets in; not of its own topic of
    /// messages to be retried.
    pub queues: Vec<GroupQueue>,
    /// Messages in all these queues that it has not read.
    pub lag: i64,
}

/// A member of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GroupMember {
    /// The name that it gave itself.
    pub client: String,
    /// Where it is.
    pub address: String,
    /// What it is written in.
    pub language: String,
    /// Whether it pulls, or is pushed to, as it says.
    pub consumes: String,
    /// Whether each message is for one member, or for all.
    pub model: String,
}

/// How far a group is in one queue.
#[derive(Debug, Clone, Serialize)]
pub struct GroupQueue {
    /// The topic.
    pub topic: String,
    /// The broker.
    pub broker: String,
    /// Number of the queue at the broker.
    pub queue: u32,
    /// Offset of the oldest message.
    pub min: i64,
    /// Offset that the next message gets.
    pub max: i64,
    /// Offset of the message that the group reads next; `None` where it has committed none.
    pub committed: Option<i64>,
    /// Messages that are there and that it has not read.
    pub lag: i64,
    /// The member that reads the queue, as it says.
    pub member: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupTable<'a> {
    #[serde(borrow)]
    data_version: Option<&'a RawValue>,
    subscription_group_table: BTreeMap<String, Settings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    consume_enable: bool,
    retry_max_times: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connections {
    connection_set: Vec<Connection>,
    #[serde(default)]
    consume_type: Option<String>,
    #[serde(default)]
    message_model: Option<String>,
    #[serde(default)]
    subscription_table: HashMap<String, Subscription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    client_id: String,
    client_addr: String,
    #[serde(default)]
    language: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    #[serde(default)]
    sub_string: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Topics {
    topic_list: BTreeSet<String>,
}

/// What a member says of a queue; nothing of it is shown.
#[derive(Deserialize)]
struct Held {}

/// Members, and what they subscribe.
type Online = (BTreeSet<GroupMember>, BTreeMap<String, String>);

impl Admin {
    /// All consumer groups, by name.
    ///
    /// # Errors
    /// As the brokers say.
    pub async fn groups(&self) -> Result<Vec<GroupSummary>> {
        let mut groups = BTreeMap::<String, GroupSummary>::new();
        for (broker, address) in self.masters().await? {
            for (name, settings) in self.groups_at(&address).await? {
                let group = groups.entry(name).or_insert_with_key(|name| GroupSummary {
                    name: name.clone(),
                    system: is_systems(name),
                    brokers: Vec::new(),
                    enabled: true,
                    retries: settings.retry_max_times,
                });
                group.brokers.push(broker.to_string());
                group.enabled &= settings.consume_enable;
            }
        }
        Ok(groups.into_values().collect())
    }

    /// The groups of a broker: large numbers of them come in several answers.
    async fn groups_at(&self, address: &str) -> Result<BTreeMap<String, Settings>> {
        let subject = "groups";
        let mut found = BTreeMap::new();
        let mut version: Option<String> = None;
        let mut first = 0;
        loop {
            let request = Request::all_groups(first, version.as_deref());
            let (link, answer) = self.call(address, &subject, request).await?;
            let total = answer.number("totalGroupNum").unwrap_or(0);
            let body = answer.into_body();
            let table: GroupTable<'_> = answers::parse(&subject, &link, &body)?;
            let came = table.subscription_group_table.len();
            first += came;
            found.extend(table.subscription_group_table);
            // Groups that are created meanwhile change the version: the broker begins again then.
            if came == 0 || i64::try_from(found.len()).is_ok_and(|n| n >= total) {
                return Ok(found);
            }
            version = table.data_version.map(|version| version.get().to_owned());
        }
    }

    /// One group: its members, and how far it is in each queue.
    ///
    /// # Errors
    /// `Schema`: there is no such group. Else as the brokers say.
    pub async fn group(&self, name: &str) -> Result<Group> {
        check_name("group", name)?;
        let subject = format!("group {name:?}");
        // Asking for one group would create it, where a broker creates groups automatically.
        let known = self.groups().await?;
        if !known.iter().any(|group| group.name == name) {
            return Err(Error::new(
                ErrorKind::Schema,
                format!("{subject}: no broker knows it"),
            ));
        }
        let (members, subscriptions) = self.online(name).await?;
        let mut topics: BTreeSet<String> = subscriptions.keys().cloned().collect();
        for address in self.masters().await?.values() {
            let request = Request::topics_of(name);
            let (link, answer) = self.call(address, &subject, request).await?;
            let of_broker: Topics = answers::read(&subject, &link, answer)?;
            topics.extend(of_broker.topic_list);
        }
        let retry = format!("%RETRY%{name}");
        topics.retain(|topic| *topic != retry);
        let mut queues = Vec::new();
        for topic in &topics {
            queues.extend(self.queues_of(name, topic, &members).await?);
        }
        Ok(Group {
            name: name.to_owned(),
            members: members.into_iter().collect(),
            subscriptions,
            lag: queues.iter().map(|queue| queue.lag).sum(),
            queues,
        })
    }

    /// How far a group is in the queues of a topic.
    pub(super) async fn queues_of(
        &self,
        group: &str,
        topic: &str,
        members: &BTreeSet<GroupMember>,
    ) -> Result<Vec<GroupQueue>> {
        let queues = self.cluster.queues(topic).await?;
        let committed = self.cluster.committed(group, &queues).await?;
        let bounds = queues.iter().map(|queue| self.cluster.bounds(queue));
        let bounds: Vec<_> = stream::iter(bounds.collect::<Vec<_>>())
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        let held = self.held(group, members, &queues).await;
        let of_queues = queues.iter().zip(committed).zip(bounds);
        let of_queues = of_queues.map(|((queue, committed), bounds)| GroupQueue {
            topic: topic.to_owned(),
            broker: queue.broker.to_string(),
            queue: queue.id,
            min: bounds.start,
            max: bounds.end,
            committed,
            // What is no longer there is no longer to be read.
            lag: bounds.end - committed.unwrap_or(0).max(bounds.start).min(bounds.end),
            member: held.get(&(queue.broker.to_string(), queue.id)).cloned(),
        });
        Ok(of_queues.collect())
    }

    /// Which member says that it reads a queue. A member that does not answer says nothing.
    async fn held(
        &self,
        group: &str,
        members: &BTreeSet<GroupMember>,
        queues: &[Queue],
    ) -> HashMap<(String, u32), String> {
        let mut held = HashMap::new();
        let Some(queue) = queues.first() else {
            return held;
        };
        let written = crate::rocketmq::topic::written(&queue.topic);
        for member in members {
            let subject = format!("member {:?} of group {group:?}", member.client);
            let request = Request::running_info(group, &member.client);
            let Ok(link) = self.cluster.routes.broker_of(queue).await else {
                continue;
            };
            let answer = link.call(&subject, request, self.cluster.timeout()).await;
            let says = answer
                .and_then(|answer| answers::by_queue::<Held>(&subject, &link, answer, "mqTable"));
            match says {
                Ok(says) => {
                    let of_topic = says.into_iter().filter(|(key, _)| key.topic == written);
                    held.extend(of_topic.map(|(key, Held {})| {
                        ((key.broker_name, key.queue_id), member.client.clone())
                    }));
                }
                Err(error) => {
                    tracing::debug!(error = error.report(), "its queues are not known");
                }
            }
        }
        held
    }

    /// Who consumes as a group now, and what it subscribes.
    pub(super) async fn online(&self, name: &str) -> Result<Online> {
        let subject = format!("members of group {name:?}");
        let mut members = BTreeSet::new();
        let mut subscriptions = BTreeMap::new();
        for address in self.masters().await?.values() {
            let (link, answer) = self
                .ask(address, &subject, Request::connections(name))
                .await?;
            match answer.code {
                code::SUCCESS => {}
                NOT_ONLINE => continue,
                _ => return Err(link.refused(&subject, &answer)),
            }
            let connections: Connections = answers::read(&subject, &link, answer)?;
            members.extend(
                connections
                    .connection_set
                    .into_iter()
                    .map(|connection| GroupMember {
                        client: connection.client_id,
                        address: connection.client_addr,
                        language: connection.language.unwrap_or_default(),
                        consumes: connections.consume_type.clone().unwrap_or_default(),
                        model: connections.message_model.clone().unwrap_or_default(),
                    }),
            );
            subscriptions.extend(connections.subscription_table.into_iter().map(
                |(topic, taken)| {
                    let taken = taken.sub_string.unwrap_or_default();
                    (topic, taken)
                },
            ));
        }
        subscriptions.remove(&format!("%RETRY%{name}"));
        Ok((members, subscriptions))
    }

    /// Creates a group with the brokers' defaults, which retries messages at most `retries` times.
    ///
    /// # Errors
    /// `Config`: there can be no such group, or there is one. Else as the brokers say.
    pub async fn create_group(&self, name: &str, retries: Option<u32>) -> Result<()> {
        check_name("group", name)?;
        let known = self.groups().await?;
        if known.iter().any(|group| group.name == name) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("group {name:?}: there is one already"),
            ));
        }
        let subject = format!("group {name:?}, to be created");
        let retries = retries.map(|retries| format!(",\"retryMaxTimes\":{retries}"));
        let settings = format!(
            "{{\"groupName\":{}{}}}",
            quoted(name),
            retries.unwrap_or_default()
        );
        for address in self.masters().await?.values() {
            self.call(address, &subject, Request::write_group(settings.clone()))
                .await?;
        }
        Ok(())
    }

    /// Deletes a group and its offsets. Its retry topic and its dead letter queue are kept.
    ///
    /// # Errors
    /// `Schema`: there is no such group. `Config`: it is RocketMQ's own, or somebody consumes as it.
    pub async fn delete_group(&self, name: &str) -> Result<()> {
        check_name("group", name)?;
        let subject = format!("group {name:?}, to be deleted");
        let refused = |kind, why: &str| Err(Error::new(kind, format!("{subject}: {why}")));
        if is_systems(name) {
            return refused(ErrorKind::Config, "is one of RocketMQ's own");
        }
        let known = self.groups().await?;
        if !known.iter().any(|group| group.name == name) {
            return refused(ErrorKind::Schema, "no broker knows it");
        }
        let (members, _) = self.online(name).await?;
        if let Some(member) = members.first() {
            let why = format!(
                "{} consumes as it, and would re-create it; stop it first",
                member.client
            );
            return refused(ErrorKind::Config, &why);
        }
        for address in self.masters().await?.values() {
            self.call(address, &subject, Request::delete_group(name))
                .await?;
        }
        Ok(())
    }
}

fn is_systems(group: &str) -> bool {
    SYSTEM.contains(&group) || group.starts_with("CID_RMQ_SYS_")
}
