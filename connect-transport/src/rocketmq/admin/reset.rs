//! Offsets of groups, set elsewhere.
use super::{Admin, GroupQueue};
use crate::{
    Queue, Transport as _,
    rocketmq::{options::check_name, request::Request},
};
use connect_api::{Error, ErrorKind, Result};
use serde::Serialize;
use std::collections::BTreeSet;

/// Where a group is to read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetTo {
    /// At the oldest message of each queue.
    Earliest,
    /// Behind the newest message of each queue.
    Latest,
    /// At the first message of each queue that was stored then or later, in milliseconds since
    /// 1970-01-01.
    Time(i64),
    /// At this offset of each queue.
    Offset(i64),
}

/// What a reset does to one queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueReset {
    /// The queue.
    #[serde(serialize_with = "as_text")]
    pub queue: Queue,
    /// Offset that the group has now; `None` where it has none.
    pub from: Option<i64>,
    /// Offset that it gets.
    pub to: i64,
}

fn as_text<S: serde::Serializer>(queue: &Queue, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(queue)
}

impl QueueReset {
    /// Messages that are passed over, or that come again where it is negative; `None` where the
    /// group has no offset.
    pub fn distance(&self) -> Option<i64> {
        self.from.map(|from| self.to - from)
    }
}

impl Admin {
    /// What a reset would do: nothing is changed. Queues of `topic` alone, all or those with these
    /// numbers.
    ///
    /// # Errors
    /// `Schema`: there is no such topic, group or queue. `Config`: the offset is outside of a queue.
    pub async fn plan_reset(
        &self,
        group: &str,
        topic: &str,
        queues: &[u32],
        to: ResetTo,
    ) -> Result<Vec<QueueReset>> {
        check_name("group", group)?;
        let subject = format!("offsets of group {group:?} in topic {topic:?}");
        let known = self.groups().await?;
        let missing = |what: &str| Error::new(ErrorKind::Schema, format!("{subject}: {what}"));
        if !known.iter().any(|known| known.name == group) {
            return Err(missing("no broker knows the group"));
        }
        let of_topic = self.queues_of(group, topic, &BTreeSet::new()).await?;
        if of_topic.is_empty() {
            return Err(missing("no name server knows the topic"));
        }
        if let Some(unknown) = queues
            .iter()
            .find(|id| of_topic.iter().all(|q| q.queue != **id))
        {
            return Err(missing(&format!("there is no queue {unknown}")));
        }
        let chosen = |q: &GroupQueue| queues.is_empty() || queues.contains(&q.queue);
        let mut plan = Vec::new();
        for at in of_topic.into_iter().filter(chosen) {
            let queue = Queue {
                topic: topic.into(),
                broker: at.broker.as_str().into(),
                id: at.queue,
            };
            let to = match to {
                ResetTo::Earliest => at.min,
                ResetTo::Latest => at.max,
                ResetTo::Time(millis) => self.offset_at(&queue, millis).await?,
                ResetTo::Offset(offset) if (at.min..=at.max).contains(&offset) => offset,
                ResetTo::Offset(offset) => {
                    return Err(Error::new(
                        ErrorKind::Config,
                        format!(
                            "{subject}: {queue} has offsets {} to {}, not {offset}",
                            at.min, at.max
                        ),
                    ));
                }
            };
            let from = at.committed;
            plan.push(QueueReset { queue, from, to });
        }
        Ok(plan)
    }

    /// Does what [`plan_reset`](Self::plan_reset) said, and makes sure of it. Members that read the
    /// queues continue from there.
    ///
    /// # Errors
    /// `Unsupported`: the group has members, and a broker cannot reset offsets under them.
    /// `Conflict`: an offset was changed by somebody else meanwhile.
    pub async fn reset(&self, group: &str, plan: &[QueueReset]) -> Result<()> {
        let online = !self.online(group).await?.0.is_empty();
        for reset in plan {
            let subject = format!("offset of group {group:?} in {}", reset.queue);
            let link = self.cluster.routes.broker_of(&reset.queue).await?;
            if online && !self.resets_by_itself(link.address()).await? {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "{subject}: the group has members, and the broker at {} has not set \
                         useServerSideResetOffset; set it there, or stop the members",
                        link.address()
                    ),
                ));
            }
            if online {
                let queue = &reset.queue;
                let request = Request::reset(group, &queue.topic, queue.id, reset.to);
                link.call(&subject, request, self.cluster.timeout()).await?;
            } else {
                let offset = (reset.queue.clone(), reset.to);
                self.cluster.commit(group, &[offset]).await?;
                let queue = std::slice::from_ref(&reset.queue);
                let now = self.cluster.committed(group, queue).await?;
                if now.first().copied().flatten() != Some(reset.to) {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        format!("{subject}: somebody else changed it meanwhile; try again"),
                    ));
                }
            }
        }
        Ok(())
    }

    async fn resets_by_itself(&self, address: &str) -> Result<bool> {
        let subject = "settings of the broker";
        let (_, answer) = self
            .call(address, &subject, Request::broker_config())
            .await?;
        let body = answer.into_body();
        let settings = String::from_utf8_lossy(&body);
        Ok(settings
            .lines()
            .any(|line| line.trim() == "useServerSideResetOffset=true"))
    }

    /// The offset of the first message of a queue that was stored at `millis` or later; that of
    /// the next message where there is none.
    pub(super) async fn offset_at(&self, queue: &Queue, millis: i64) -> Result<i64> {
        let request = Request::offset_at(&queue.topic, queue.id, millis);
        self.cluster.offset(queue, request).await
    }
}
