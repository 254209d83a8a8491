//! Reads one queue in order.
use super::{
    RocketMqOptions,
    error_codes::code,
    link::{Answer, Link},
    pull,
    request::Request,
    route::Routes,
    topic,
};
use crate::{Pulled, Queue, Reader};
use async_trait::async_trait;
use bytes::Bytes;
use cheetah_string::CheetahString;
use connect_api::{Error, ErrorKind, Result};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

/// Pause before the next request when an empty answer came at once: the broker does not hold
/// pulls open, or has not indexed a message yet.
const PAUSE: Duration = Duration::from_millis(20);
/// Messages to ask for before it is known how long they are.
const FIRST_MESSAGES: u32 = 1024;
/// The broker looks at the pulls that it holds open every five seconds
/// (`PullRequestHoldService`): an answer comes so much later than was asked for.
const HOLD_STEP: Duration = Duration::from_secs(5);

/// Pulls from one queue; the next request is on its way while the last answer is worked on.
pub(super) struct QueueReader {
    routes: Arc<Routes>,
    pulls: Arc<Pulls>,
    /// `None` after the connection failed: the broker may have moved.
    link: Option<Arc<Link>>,
    /// Where the next messages begin.
    offset: i64,
    /// The end of the queue, as last seen.
    end: i64,
    /// How many messages to ask for.
    messages: u32,
    in_flight: Option<AbortOnDropHandle<Result<Outcome>>>,
}

/// What all requests of a reader have in common.
struct Pulls {
    group: CheetahString,
    topic: CheetahString,
    queue: Queue,
    most_messages: u32,
    bytes: usize,
    wait: Duration,
    timeout: Duration,
}

impl fmt::Display for Pulls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group {:?} on {}", self.group.as_str(), self.queue)
    }
}

/// What an answer says.
enum Outcome {
    Found(Pulled),
    /// Nothing at the offset asked for; where to go on, and the end of the queue.
    Nothing {
        next: i64,
        end: i64,
        at_once: bool,
    },
    /// The offset is outside of the queue.
    Moved {
        next: i64,
        min: i64,
        max: i64,
    },
}

impl Pulls {
    /// How many messages of such a length are as many bytes as a pull is to bring.
    fn as_many_as_fit(&self, pulled: &Pulled) -> u32 {
        let fit = self.bytes.saturating_mul(pulled.len()) / pulled.total_bytes().max(1);
        u32::try_from(fit)
            .unwrap_or(u32::MAX)
            .clamp(1, self.most_messages)
    }

    /// One request.
    async fn pull(
        &self,
        link: &Link,
        offset: i64,
        messages: u32,
        pause: Duration,
    ) -> Result<Outcome> {
        if !pause.is_zero() {
            sleep(pause).await;
        }
        let asked = Instant::now();
        let request = Request::pull(
            &self.group,
            &self.topic,
            self.queue.id,
            offset,
            messages,
            self.wait.as_millis(),
        );
        let limit = self.wait + HOLD_STEP + self.timeout;
        let answer = link.ask(self, request, limit).await?;
        let number = |answer: &Answer, field| {
            answer.number(field).filter(|n| *n >= 0).ok_or_else(|| {
                Error::new(
                    ErrorKind::Internal,
                    format!("{self}: an answer of {} has no {field}", link.address()),
                )
            })
        };
        match answer.code {
            code::SUCCESS => {
                let next = number(&answer, "nextBeginOffset")?;
                let end = number(&answer, "maxOffset")?;
                // By copy: the buffer that it was received in is up to twice as large, and batches keep it.
                let body = Bytes::copy_from_slice(&answer.into_body());
                let pulled = pull::decode(body, offset, next, end).map_err(|e| {
                    e.context(format_args!(
                        "{self}, at {}, offset {offset}",
                        link.address()
                    ))
                })?;
                if pulled.is_empty() {
                    let at_once = true;
                    return Ok(Outcome::Nothing { next, end, at_once });
                }
                Ok(Outcome::Found(pulled))
            }
            code::PULL_NOT_FOUND | code::PULL_RETRY_IMMEDIATELY => Ok(Outcome::Nothing {
                next: number(&answer, "nextBeginOffset")?,
                end: number(&answer, "maxOffset")?,
                at_once: asked.elapsed() < self.wait / 2,
            }),
            code::PULL_OFFSET_MOVED => Ok(Outcome::Moved {
                next: number(&answer, "nextBeginOffset")?,
                // Before its first message, a queue of batches says that it begins at -1.
                min: answer.number("minOffset").unwrap_or(0).max(0),
                max: number(&answer, "maxOffset")?,
            }),
            _ => Err(link.refused(self, &answer)),
        }
    }
}

impl QueueReader {
    pub(super) fn new(
        routes: Arc<Routes>,
        link: Arc<Link>,
        group: &str,
        queue: &Queue,
        offset: i64,
        options: &RocketMqOptions,
    ) -> Self {
        Self {
            routes,
            pulls: Arc::new(Pulls {
                group: CheetahString::from_slice(group),
                topic: CheetahString::from_slice(&topic::written(&queue.topic)),
                queue: queue.clone(),
                most_messages: options.pull_messages.get(),
                bytes: options.pull_bytes.get(),
                wait: options.poll_timeout,
                timeout: options.request_timeout,
            }),
            link: Some(link),
            offset: offset.max(0),
            end: 0,
            messages: options.pull_messages.get().min(FIRST_MESSAGES),
            in_flight: None,
        }
    }

    /// Puts the next request on its way.
    fn request(&mut self, link: Arc<Link>, pause: Duration) {
        let (pulls, offset, messages) = (Arc::clone(&self.pulls), self.offset, self.messages);
        self.link = Some(Arc::clone(&link));
        let pull = async move { pulls.pull(&link, offset, messages, pause).await };
        self.in_flight = Some(AbortOnDropHandle::new(tokio::spawn(pull)));
    }

    /// Where to go when the queue does not have the offset: nothing is skipped that is there.
    fn relocate(&self, next: i64, min: i64, max: i64) -> i64 {
        let Self { pulls, offset, .. } = self;
        let (group, queue) = (pulls.group.as_str(), &pulls.queue);
        let from = *offset;
        if from < min && from == 0 {
            info!(group, %queue, from, to = min, "the queue begins later: older messages expired");
            min
        } else if from < min {
            let lost = min - from;
            warn!(group, %queue, from, to = min, lost, "messages expired before they were read");
            min
        } else if from > max {
            warn!(
                group, %queue, from, to = min, end = max,
                "the queue ends before the position: the broker lost messages or the topic was \
                 re-created; reading all that is there"
            );
            min
        } else {
            if next > from {
                let lost = next - from;
                warn!(group, %queue, from, to = next, lost, "the broker has no messages there");
            }
            next
        }
    }
}

#[async_trait]
impl Reader for QueueReader {
    async fn pull(&mut self, wait: Duration) -> Result<Pulled> {
        let deadline = Instant::now() + wait;
        loop {
            let Some(in_flight) = &mut self.in_flight else {
                let link = match self.link.take() {
                    Some(link) => link,
                    None => self.routes.broker_of(&self.pulls.queue).await?,
                };
                self.request(link, Duration::ZERO);
                continue;
            };
            let Ok(outcome) = timeout_at(deadline, in_flight).await else {
                return Ok(Pulled {
                    next: self.offset,
                    end: self.end,
                    ..Pulled::default()
                });
            };
            self.in_flight = None;
            let outcome = outcome.unwrap_or_else(|stopped| {
                let text = format!("{}: the pull was stopped", self.pulls);
                Err(Error::new(ErrorKind::Stopped, text).with_source(stopped))
            });
            let mut pause = Duration::ZERO;
            let mut found = None;
            match outcome {
                Ok(Outcome::Found(pulled)) => {
                    (self.offset, self.end) = (pulled.next, pulled.end);
                    self.messages = self.pulls.as_many_as_fit(&pulled);
                    found = Some(pulled);
                }
                Ok(Outcome::Nothing { next, end, at_once }) => {
                    self.end = end;
                    if next > self.offset {
                        self.offset = self.relocate(next, 0, i64::MAX);
                    }
                    if at_once {
                        pause = PAUSE;
                    }
                }
                Ok(Outcome::Moved { next, min, max }) => {
                    let to = self.relocate(next, min, max);
                    if to == self.offset {
                        pause = PAUSE;
                    }
                    (self.offset, self.end) = (to, max);
                }
                Err(error) => {
                    if matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout) {
                        self.routes.doubt(&self.pulls.queue.broker);
                        self.link = None;
                    }
                    return Err(error);
                }
            }
            if let Some(link) = self.link.clone() {
                self.request(link, pause);
            }
            if let Some(pulled) = found {
                return Ok(pulled);
            }
        }
    }

    fn seek(&mut self, offset: i64) {
        self.offset = offset.max(0);
        self.in_flight = None;
    }
}
