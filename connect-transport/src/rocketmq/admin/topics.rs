//! Topics: list, show, create, change, delete.
use super::{Admin, answers, request::TopicForm};
use crate::{
    QueueType, Transport as _,
    rocketmq::{
        CONCURRENCY,
        error_codes::code,
        queue_type,
        request::Request,
        route::{READABLE, WRITABLE, master},
        shares, topic,
    },
};
use connect_api::{Error, ErrorKind, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rocketmq_protocol::protocol::route::topic_route_data::TopicRouteData;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    num::NonZeroU32,
    str::FromStr,
    sync::Arc,
};

/// Whose a topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// People's and programs'.
    User,
    /// A consumer group's: its retry topic and its dead letter queue.
    Group,
    /// RocketMQ's own.
    System,
}

/// What may be done with the queues of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// Messages may be read.
    pub read: bool,
    /// Messages may be written.
    pub write: bool,
}

impl Permission {
    /// Both.
    pub const READ_WRITE: Self = Self {
        read: true,
        write: true,
    };

    fn of(bits: u32) -> Self {
        Self {
            read: bits & READABLE != 0,
            write: bits & WRITABLE != 0,
        }
    }

    fn bits(self) -> u32 {
        u32::from(self.read) * READABLE + u32::from(self.write) * WRITABLE
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match (self.read, self.write) {
            (true, true) => "rw",
            (true, false) => "r",
            (false, true) => "w",
            (false, false) => "none",
        })
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (read, write) = match text {
            "rw" => (true, true),
            "r" => (true, false),
            "w" => (false, true),
            "none" => (false, false),
            _ => return Err("use rw, r, w or none".to_owned()),
        };
        Ok(Self { read, write })
    }
}

/// The type of messages that a topic accepts; brokers check it where that is enabled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MessageType {
    /// Any, without more.
    #[default]
    Normal,
    /// In order by their group.
    Fifo,
    /// To be delivered later.
    Delay,
    /// Of transactions.
    Transaction,
}

impl MessageType {
    const fn attribute(self) -> &'static str {
        match self {
            Self::Normal => "+message.type=NORMAL",
            Self::Fifo => "+message.type=FIFO",
            Self::Delay => "+message.type=DELAY",
            Self::Transaction => "+message.type=TRANSACTION",
        }
    }
}

/// A topic in a list.
#[derive(Debug, Clone, Serialize)]
pub struct TopicSummary {
    /// Its name, as RocketMQ has it.
    pub name: String,
    /// Whose it is.
    pub origin: Origin,
    /// The brokers it is at; none where they are all away.
    pub brokers: Vec<String>,
    /// Queues that are read, at all brokers.
    pub read_queues: u32,
    /// Queues that are written to, at all brokers.
    pub write_queues: u32,
    /// What may be done at one broker at least.
    pub permission: Permission,
}

/// A topic.
#[derive(Debug, Clone, Serialize)]
pub struct Topic {
    /// Its name, as RocketMQ has it.
    pub name: String,
    /// How it is set up at each broker.
    pub brokers: Vec<TopicAtBroker>,
    /// Its queues.
    pub queues: Vec<TopicQueue>,
    /// The groups that read it, or have offsets in it.
    pub groups: Vec<String>,
}

/// How a topic is set up at one broker.
#[derive(Debug, Clone, Serialize)]
pub struct TopicAtBroker {
    /// The broker.
    pub broker: String,
    /// Queues that are read.
    pub read_queues: u32,
    /// Queues that are written to.
    pub write_queues: u32,
    /// What may be done.
    pub permission: Permission,
    /// Whether it is marked as ordered.
    pub ordered: bool,
    /// Attributes, such as the type of its messages.
    pub attributes: BTreeMap<String, String>,
}

/// One queue of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicQueue {
    /// The broker.
    pub broker: String,
    /// Number of the queue at the broker.
    pub queue: u32,
    /// Offset of the oldest message.
    pub min: i64,
    /// Offset that the next message gets.
    pub max: i64,
    /// When the last message was stored, milliseconds since 1970-01-01.
    pub last_stored: Option<i64>,
}

/// Settings of a topic to create.
#[derive(Debug, Clone)]
pub struct TopicSettings {
    /// Queues, at all brokers together.
    pub queues: NonZeroU32,
    /// What may be done.
    pub permission: Permission,
    /// The type of its messages.
    pub message_type: MessageType,
    /// How it keeps batches.
    pub queue_type: QueueType,
}

/// What is changed of a topic; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct TopicChange {
    /// Queues that are read, at all its brokers together.
    pub read_queues: Option<NonZeroU32>,
    /// Queues that are written to, at all its brokers together.
    pub write_queues: Option<NonZeroU32>,
    /// What may be done.
    pub permission: Option<Permission>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    topic_list: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    read_queue_nums: u32,
    write_queue_nums: u32,
    perm: u32,
    #[serde(default)]
    order: bool,
    #[serde(default)]
    topic_sys_flag: i32,
    #[serde(default)]
    attributes: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounds {
    min_offset: i64,
    max_offset: i64,
    last_update_timestamp: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Groups {
    group_list: BTreeSet<String>,
}

/// Bit of a permission: automatically created topics inherit their settings.
const INHERIT: u32 = 1;

impl Admin {
    /// All topics that the name servers know, by name.
    ///
    /// # Errors
    /// As the name servers say.
    pub async fn topics(&self) -> Result<Vec<TopicSummary>> {
        let what = "topics";
        let routes = &self.cluster.routes;
        let (_, members) = routes.members().await?;
        let own = |name: &str| {
            topic::is_systems(name)
                || members.iter().any(|member| {
                    let cluster = member.cluster();
                    name == cluster
                        || name == member.broker_name().as_str()
                        || name.strip_suffix("_REPLY_TOPIC") == Some(cluster)
                })
        };
        let (link, answer) = routes.ask(what, Request::topics).await?;
        if answer.code != code::SUCCESS {
            return Err(link.refused(&what, &answer));
        }
        let names: Names = answers::read(&what, &link, answer)?;
        let found = names.topic_list.iter().map(|name| async move {
            let route = routes.route(name).await?;
            Ok((name, route))
        });
        let found = found.collect::<Vec<_>>();
        stream::iter(found)
            .buffered(CONCURRENCY)
            .map_ok(|(name, route)| summary(name, own(name), route))
            .try_collect()
            .await
    }

    /// One topic: its brokers, its queues, its groups.
    ///
    /// # Errors
    /// `Schema`: there is no such topic. Else as the brokers say.
    pub async fn topic(&self, name: &str) -> Result<Topic> {
        let subject = format!("topic {name:?}");
        let mut topic = Topic {
            name: topic::written(name).into_owned(),
            brokers: Vec::new(),
            queues: Vec::new(),
            groups: Vec::new(),
        };
        let mut groups = BTreeSet::new();
        for (broker, address) in self.brokers_of(name).await? {
            let settings = self.settings_at(&address, name).await?;
            topic.brokers.push(TopicAtBroker {
                broker: broker.to_string(),
                read_queues: settings.read_queue_nums,
                write_queues: settings.write_queue_nums,
                permission: Permission::of(settings.perm),
                ordered: settings.order,
                attributes: settings.attributes.unwrap_or_default(),
            });
            let request = Request::topic_queues(name);
            let (link, answer) = self.call(&address, &subject, request).await?;
            let queues: Vec<(_, Bounds)> =
                answers::by_queue(&subject, &link, answer, "offsetTable")?;
            topic.queues.extend(queues.into_iter().map(|(key, bounds)| {
                let stored = bounds.last_update_timestamp;
                TopicQueue {
                    broker: key.broker_name,
                    queue: key.queue_id,
                    min: bounds.min_offset.max(0),
                    max: bounds.max_offset,
                    last_stored: (stored > 0).then_some(stored),
                }
            }));
            let request = Request::groups_of(name);
            let (link, answer) = self.call(&address, &subject, request).await?;
            let of_broker: Groups = answers::read(&subject, &link, answer)?;
            groups.extend(of_broker.group_list);
        }
        topic
            .queues
            .sort_by(|a, b| (&a.broker, a.queue).cmp(&(&b.broker, b.queue)));
        topic.groups = groups.into_iter().collect();
        Ok(topic)
    }

    /// Creates a topic, and waits until the name servers know it.
    ///
    /// # Errors
    /// `Config`: there can be no such topic, or there is one. Else as the brokers say.
    pub async fn create_topic(&self, name: &str, settings: &TopicSettings) -> Result<()> {
        topic::new_name(name)?;
        if self.cluster.routes.route(name).await?.is_some() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("topic {name:?}: there is one already; change it, or give another name"),
            ));
        }
        self.cluster.check_queue_type(settings.queue_type).await?;
        let subject = format!("topic {name:?}, to be created");
        let masters = self.masters().await?;
        let mut attributes = settings.message_type.attribute().to_owned();
        if let Some(attribute) = queue_type::attribute(settings.queue_type) {
            attributes = format!("{attributes},{attribute}");
        }
        for (share, address) in shares(settings.queues, masters.len()).zip(masters.values()) {
            if share > 0 {
                let form = TopicForm {
                    read_queues: share,
                    write_queues: share,
                    permission: settings.permission.bits(),
                    ordered: false,
                    system_flag: 0,
                    attributes: &attributes,
                };
                self.call(address, &subject, Request::write_topic(name, &form))
                    .await?;
            }
        }
        if settings.permission == Permission::of(0) {
            return Ok(());
        }
        self.cluster.wait_for_route(name, settings.queues).await
    }

    /// Messages that would not be read any more with so many queues: those in the queues behind.
    ///
    /// # Errors
    /// As [`topic`](Self::topic).
    pub async fn left_behind(&self, name: &str, read_queues: NonZeroU32) -> Result<i64> {
        let topic = self.topic(name).await?;
        let brokers = topic.brokers.iter().map(|at| at.broker.as_str());
        let kept: BTreeMap<_, _> = brokers
            .zip(shares(read_queues, topic.brokers.len()))
            .collect();
        let behind = topic.queues.iter().filter(|queue| {
            let kept = kept.get(queue.broker.as_str());
            kept.is_some_and(|kept| queue.queue >= *kept)
        });
        Ok(behind.map(|queue| queue.max - queue.min).sum())
    }

    /// Changes a topic; what `change` does not name stays as it is.
    ///
    /// # Errors
    /// `Schema`: there is no such topic. `Config`: there are fewer queues than brokers.
    pub async fn change_topic(&self, name: &str, change: &TopicChange) -> Result<()> {
        let subject = format!("topic {name:?}, to be changed");
        let brokers = self.brokers_of(name).await?;
        let share = |queues: Option<NonZeroU32>| -> Result<Vec<Option<u32>>> {
            let Some(queues) = queues else {
                return Ok(vec![None; brokers.len()]);
            };
            if (queues.get() as usize) < brokers.len() {
                let text = format!(
                    "topic {name:?}: is at {} brokers, and each has one queue at least; give so \
                     many",
                    brokers.len()
                );
                return Err(Error::new(ErrorKind::Config, text));
            }
            Ok(shares(queues, brokers.len()).map(Some).collect())
        };
        let (reads, writes) = (share(change.read_queues)?, share(change.write_queues)?);
        for (turn, address) in brokers.values().enumerate() {
            let now = self.settings_at(address, name).await?;
            let permission = change.permission.map(Permission::bits);
            let form = TopicForm {
                read_queues: reads[turn].unwrap_or(now.read_queue_nums),
                write_queues: writes[turn].unwrap_or(now.write_queue_nums),
                permission: permission.map_or(now.perm, |bits| bits | now.perm & INHERIT),
                ordered: now.order,
                system_flag: now.topic_sys_flag,
                attributes: "",
            };
            self.call(address, &subject, Request::write_topic(name, &form))
                .await?;
        }
        Ok(())
    }

    /// Deletes a topic with its messages, at all brokers and name servers.
    ///
    /// # Errors
    /// `Schema`: there is no such topic. `Config`: it is RocketMQ's own.
    pub async fn delete_topic(&self, name: &str) -> Result<()> {
        if topic::is_systems(name) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("topic {name:?}: is one of RocketMQ's own; it is not deleted"),
            ));
        }
        let subject = format!("topic {name:?}, to be deleted");
        for address in self.brokers_of(name).await?.values() {
            self.call(address, &subject, Request::delete_topic(name))
                .await?;
        }
        for server in &self.cluster.routes.name_servers {
            self.call(server, &subject, Request::delete_route(name))
                .await?;
        }
        Ok(())
    }

    /// The masters that a topic is at.
    pub(super) async fn brokers_of(&self, name: &str) -> Result<BTreeMap<Arc<str>, Arc<str>>> {
        let route = self.cluster.routes.route(name).await?;
        let route = route.ok_or_else(|| {
            Error::new(
                ErrorKind::Schema,
                format!("topic {name:?}: no name server knows it, or its brokers are all away"),
            )
        })?;
        Ok(route.broker_datas.iter().filter_map(master).collect())
    }

    async fn settings_at(&self, address: &str, name: &str) -> Result<Settings> {
        let subject = format!("settings of topic {name:?}");
        let (link, answer) = self
            .call(address, &subject, Request::topic_settings(name))
            .await?;
        answers::read(&subject, &link, answer)
    }
}

fn summary(name: &str, own: bool, route: Option<TopicRouteData>) -> TopicSummary {
    let queues = route.iter().flat_map(|route| &route.queue_datas);
    let bits = queues.clone().fold(0, |bits, at| bits | at.perm);
    let of_group = ["%RETRY%", "%DLQ%"].iter().any(|p| name.starts_with(p));
    let mut brokers: Vec<_> = queues
        .clone()
        .map(|at| at.broker_name.to_string())
        .collect();
    brokers.sort_unstable();
    TopicSummary {
        name: name.to_owned(),
        origin: match (own, of_group) {
            (true, _) => Origin::System,
            (false, true) => Origin::Group,
            (false, false) => Origin::User,
        },
        brokers,
        read_queues: queues.clone().map(|at| at.read_queue_nums).sum(),
        write_queues: queues.map(|at| at.write_queue_nums).sum(),
        permission: Permission::of(bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_written_as_they_are_read() {
        for (text, bits) in [("rw", 6), ("r", 4), ("w", 2), ("none", 0)] {
            let permission: Permission = text.parse().unwrap();
            assert_eq!(permission.to_string(), text);
            assert_eq!(permission.bits(), bits);
            assert_eq!(Permission::of(bits | INHERIT), permission);
        }
        assert_eq!(
            "x".parse::<Permission>().unwrap_err(),
            "use rw, r, w or none"
        );
    }
}
