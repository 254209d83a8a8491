//! Messages: by key, by id, by time.
use super::{
    Admin, TOOLS_GROUP,
    found::{self, Found},
};
use crate::{
    Message, Queue, QueueType, Transport as _,
    rocketmq::{error_codes::code, request::Request},
};
use connect_api::{Error, ErrorKind, Result};
use std::{
    collections::VecDeque,
    ops::{ControlFlow, RangeInclusive},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// Brokers give no more messages of a key at once (`maxMsgsNumBatch`).
const MOST_OF_KEY: u32 = 64;

/// When messages were stored: from and to, milliseconds since 1970-01-01.
pub type TimeRange = RangeInclusive<i64>;

/// Messages that were found.
#[derive(Debug, Clone)]
pub struct Messages {
    /// The messages, the oldest first.
    pub found: Vec<Found>,
    /// There may be more than were asked for, or than brokers give at once.
    pub more: bool,
}

impl Messages {
    /// Puts them in order; keeps the `most` oldest or, where all were newest first, newest ones.
    fn ordered(mut self) -> Self {
        self.found.sort_by(|a, b| {
            (a.stored, &a.broker, a.queue, a.offset).cmp(&(b.stored, &b.broker, b.queue, b.offset))
        });
        self
    }
}

impl Admin {
    /// Messages of a topic with a key, stored within `time`; the newest `most` of each broker. Where
    /// a topic keeps batches whole, the broker has no index of the messages in them: all that were
    /// stored within `time` are read.
    ///
    /// # Errors
    /// `Schema`: there is no such topic. Else as the brokers say.
    pub async fn messages_by_key(
        &self,
        topic: &str,
        key: &str,
        time: TimeRange,
        most: u32,
    ) -> Result<Messages> {
        // Brokers index each word of the keys.
        let word = key.split(' ').find(|word| !word.is_empty());
        let word = word.ok_or_else(|| Error::new(ErrorKind::Config, "a key is not empty"))?;
        if self.keeps_batches(topic).await? {
            let all = |found: &Found| found.has_key(key);
            return self.newest_of_all(topic, time, most as usize, all).await;
        }
        let asked = most.min(MOST_OF_KEY);
        let (from, to) = time.into_inner();
        let request = || Request::by_key(topic, word, asked, from, to);
        let mut messages = self.by_index(topic, request, asked).await?;
        messages.found.retain(|found| found.has_key(key));
        Ok(messages.ordered())
    }

    /// Messages of a topic by their id: the one that the producer gave, or that of a broker. Where a
    /// topic keeps batches whole, all of it is read.
    ///
    /// # Errors
    /// `Schema`: there is no such topic. `Config`: it is no id.
    pub async fn messages_by_id(&self, topic: &str, id: &str) -> Result<Vec<Found>> {
        let place = found::place_of(id)?;
        if self.keeps_batches(topic).await? {
            let is_it = |found: &Found| found.id.as_deref() == Some(id);
            let all = self.newest_of_all(topic, 0..=i64::MAX, usize::MAX, is_it);
            return all.await.map(|messages| messages.found);
        }
        let request = || Request::by_id(topic, id);
        let mut messages = self.by_index(topic, request, MOST_OF_KEY).await?;
        messages
            .found
            .retain(|found| found.id.as_deref() == Some(id));
        if !messages.found.is_empty() {
            return Ok(messages.ordered().found);
        }
        // Only who is of this cluster is asked: an id is a stranger's word.
        let masters = self.brokers_of(topic).await?;
        let at = place.and_then(|(address, place)| {
            let address = address.to_string();
            let broker = masters.iter().find(|(_, at)| ***at == *address);
            broker.map(|(name, at)| (name, at, place))
        });
        let Some((broker, address, place)) = at else {
            return Ok(Vec::new());
        };
        let subject = format!("message {id} of topic {topic:?}");
        let request = Request::at_place(topic, place);
        let (link, answer) = self.ask(address, &subject, request).await?;
        match answer.code {
            code::SUCCESS => found::decode(&topic.into(), broker, &answer.into_body())
                .map_err(|error| error.context(subject)),
            // What a broker says of a place without a message.
            code::SYSTEM_ERROR if answer.remark().contains("can not find") => Ok(Vec::new()),
            _ => Err(link.refused(&subject, &answer)),
        }
    }

    /// Whether the broker indexes batches and not the messages in them.
    async fn keeps_batches(&self, topic: &str) -> Result<bool> {
        Ok(self.cluster.queue_type(topic).await? == Some(QueueType::Batch))
    }

    /// The newest `most` messages that are `wanted` of each queue, of all that were stored within
    /// `time`.
    async fn newest_of_all(
        &self,
        topic: &str,
        time: TimeRange,
        most: usize,
        wanted: impl Fn(&Found) -> bool,
    ) -> Result<Messages> {
        let mut messages = Messages {
            found: Vec::new(),
            more: false,
        };
        for queue in self.cluster.queues(topic).await? {
            let mut of_queue = VecDeque::new();
            self.read_queue(&queue, &time, |message| {
                let found = Found::new(&queue, message);
                if wanted(&found) {
                    of_queue.push_back(found);
                    if of_queue.len() > most {
                        of_queue.pop_front();
                        messages.more = true;
                    }
                }
                ControlFlow::Continue(())
            })
            .await?;
            messages.found.extend(of_queue);
        }
        Ok(messages.ordered())
    }

    async fn by_index(
        &self,
        topic: &str,
        request: impl Fn() -> Request,
        asked: u32,
    ) -> Result<Messages> {
        let name: Arc<str> = topic.into();
        let subject = format!("messages of topic {topic:?}");
        let mut messages = Messages {
            found: Vec::new(),
            more: false,
        };
        for (broker, address) in self.brokers_of(topic).await? {
            let (link, answer) = self.ask(&address, &subject, request()).await?;
            match answer.code {
                code::SUCCESS => {}
                code::QUERY_NOT_FOUND => continue,
                _ => return Err(link.refused(&subject, &answer)),
            }
            let found = found::decode(&name, &broker, &answer.into_body())
                .map_err(|error| error.context(&subject))?;
            messages.more |= found.len() >= asked as usize;
            messages.found.extend(found);
        }
        Ok(messages)
    }

    /// The oldest `most` messages of a topic that were stored within `time`, read as
    /// [`TOOLS_GROUP`], of all queues or of those with these numbers. Nothing is committed.
    ///
    /// # Errors
    /// `Schema`: there is no such topic or queue. Else as the brokers say.
    pub async fn messages_by_time(
        &self,
        topic: &str,
        queues: &[u32],
        time: TimeRange,
        most: usize,
    ) -> Result<Messages> {
        let all = self.cluster.queues(topic).await?;
        let missing =
            |what: String| Error::new(ErrorKind::Schema, format!("topic {topic:?}: {what}"));
        if all.is_empty() {
            return Err(missing("no name server knows it".to_owned()));
        }
        if let Some(unknown) = queues.iter().find(|id| all.iter().all(|q| q.id != **id)) {
            return Err(missing(format!("there is no queue {unknown}")));
        }
        let mut messages = Messages {
            found: Vec::new(),
            more: false,
        };
        for queue in &all {
            if queues.is_empty() || queues.contains(&queue.id) {
                let mut left = most;
                self.read_queue(queue, &time, |message| {
                    if left == 0 {
                        messages.more = true;
                        return ControlFlow::Break(());
                    }
                    left -= 1;
                    messages.found.push(Found::new(queue, message));
                    ControlFlow::Continue(())
                })
                .await?;
            }
        }
        messages = messages.ordered();
        messages.more |= messages.found.len() > most;
        messages.found.truncate(most);
        Ok(messages)
    }

    /// Shows the messages of a queue that were stored within `time`, the oldest first.
    async fn read_queue(
        &self,
        queue: &Queue,
        time: &TimeRange,
        mut visit: impl FnMut(&Message<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        let first = self.offset_at(queue, *time.start()).await?;
        let bounds = self.cluster.bounds(queue).await?;
        let mut next = first.max(bounds.start);
        if next >= bounds.end {
            return Ok(());
        }
        let mut reader = self.cluster.reader(TOOLS_GROUP, queue, next).await?;
        let limit = Duration::from_secs(30);
        let mut deadline = Instant::now() + limit;
        while next < bounds.end {
            let pulled = reader.pull(self.cluster.timeout()).await?;
            for message in pulled.iter() {
                if message.stored < *time.start() {
                    continue;
                }
                if message.stored > *time.end() || message.offset >= bounds.end {
                    return Ok(());
                }
                if visit(&message).is_break() {
                    return Ok(());
                }
            }
            if pulled.next > next {
                next = pulled.next;
                deadline = Instant::now() + limit;
            } else if Instant::now() >= deadline {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!("{queue}: no message came within {limit:?}, from offset {next} on"),
                ));
            }
        }
        Ok(())
    }
}
