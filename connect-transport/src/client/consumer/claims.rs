//! The queues that a consumer has for itself.
use super::{no_topic, passes};
use crate::{CLAIM_TIME, Claim, Joining, Member, Peer, Queue, Transport};
use connect_api::{Error, ErrorKind, Result};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

/// Time between two renewals of claims: a fraction of what they last.
const RENEWAL: Duration = Duration::from_secs(5);
/// Time between two looks for queues that another member has.
const LOOK: Duration = Duration::from_secs(2);
/// Claims that could not be renewed for so long are no longer relied on.
const RELIANCE: Duration = Duration::from_secs(CLAIM_TIME.as_secs() / 2);
/// Time between two looks for queues that were added to the topic, as RocketMQ's clients do.
const REFRESH: Duration = Duration::from_secs(30);

/// A queue that this consumer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) queue: Queue,
    /// Number of the claim in which it was gained: one that was lost and gained again is another.
    pub(super) gained: u64,
    /// It was added to the topic after the consumer had come.
    pub(super) added: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    pub(super) held: Vec<Held>,
    pub(super) others: Vec<Peer>,
    /// Why nothing is held, where that does not pass by itself.
    pub(super) fault: Option<Arc<Error>>,
}

/// Claims that are renewed in the background until this is dropped.
pub(super) struct Claims {
    standing: watch::Receiver<Standing>,
    keeper: JoinHandle<Result<()>>,
    /// Ends the keeper, which leaves the group.
    leave: DropGuard,
}

impl Claims {
    /// Joins the group and claims `queues`, all of the topic.
    ///
    /// # Errors
    /// As the transport says.
    pub(super) async fn open(
        transport: Arc<dyn Transport>,
        joining: Joining,
        queues: Vec<Queue>,
    ) -> Result<Self> {
        let leave = CancellationToken::new();
        let (told, standing) = watch::channel(Standing::default());
        let mut keeper = Keeper {
            member: transport.join(joining.clone()).await?,
            transport,
            joining,
            first: queues.clone(),
            queues,
            told,
            claims: 0,
            renewed: Instant::now(),
            leave: leave.clone(),
        };
        let claim = keeper.member.claim(&keeper.queues).await?;
        keeper.tell(Ok(claim));
        Ok(Self {
            standing,
            keeper: tokio::spawn(keeper.keep()),
            leave: leave.drop_guard(),
        })
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// The same; [`changed`](Self::changed) waits for another one.
    pub(super) fn standing_seen(&mut self) -> Standing {
        self.standing.borrow_and_update().clone()
    }

    pub(super) async fn changed(&mut self) {
        if self.standing.changed().await.is_err() {
            // The keeper lives as long as this.
            std::future::pending().await
        }
    }

    /// Gives the queues up and leaves the group.
    pub(super) async fn leave(self) -> Result<()> {
        drop(self.leave);
        self.keeper.await.unwrap_or_else(|e| {
            let why = "the consumer's member of the group has ended by itself";
            Err(Error::new(ErrorKind::Internal, why).with_source(e))
        })
    }
}

struct Keeper {
    transport: Arc<dyn Transport>,
    member: Box<dyn Member>,
    joining: Joining,
    /// The queues that were there when the consumer came.
    first: Vec<Queue>,
    queues: Vec<Queue>,
    told: watch::Sender<Standing>,
    claims: u64,
    renewed: Instant,
    leave: CancellationToken,
}

impl Keeper {
    async fn keep(mut self) -> Result<()> {
        let leave = self.leave.clone();
        let mut refreshed = Instant::now();
        loop {
            let all = self.told.borrow().held.len() == self.queues.len();
            let pause = if all { RENEWAL } else { LOOK };
            let paused = leave.run_until_cancelled(tokio::time::sleep(pause));
            if paused.await.is_none() {
                return self.member.leave().await;
            }
            if refreshed.elapsed() >= REFRESH {
                refreshed = Instant::now();
                self.refresh().await;
            }
            let claim = self.member.claim(&self.queues).await;
            self.tell(claim);
        }
    }

    async fn refresh(&mut self) {
        for topic in &self.joining.topics {
            match self.transport.queues(topic).await {
                Ok(queues) => self.queues = queues,
                Err(error) => {
                    let error = error.report();
                    warn!(topic = &**topic, error, "queues of the topic are not known");
                }
            }
        }
    }

    fn tell(&mut self, claim: Result<Claim>) {
        self.claims += 1;
        let before = self.told.borrow().clone();
        let standing = match claim {
            Ok(Claim { held, others }) => {
                self.renewed = Instant::now();
                let held: Vec<_> = held
                    .into_iter()
                    .map(|queue| self.held(&before, queue))
                    .collect();
                let fault = held.is_empty().then(|| self.fault(&others)).flatten();
                Standing {
                    held,
                    others,
                    fault: fault.map(Arc::new),
                }
            }
            // What was claimed is relied on for a while.
            Err(error) if passes(&error) && self.renewed.elapsed() < RELIANCE => {
                let group = &*self.joining.group;
                warn!(group, error = error.report(), "claims are not renewed yet");
                return;
            }
            Err(error) => Standing {
                held: Vec::new(),
                others: before.others.clone(),
                fault: Some(Arc::new(error)),
            },
        };
        if self.claims == 1 || before.others != standing.others || before.held != standing.held {
            self.say(&standing);
        }
        self.told.send_if_modified(|told| {
            let same = told.held == standing.held
                && told.others == standing.others
                && told.fault.is_none()
                && standing.fault.is_none();
            *told = standing;
            !same
        });
    }

    fn held(&self, before: &Standing, queue: Queue) -> Held {
        match before.held.iter().find(|held| held.queue == queue) {
            Some(held) => held.clone(),
            None => Held {
                gained: self.claims,
                added: !self.first.contains(&queue),
                queue,
            },
        }
    }

    /// Why nothing is held, where waiting is not the way out.
    fn fault(&self, others: &[Peer]) -> Option<Error> {
        let Joining { group, topics, .. } = &self.joining;
        if self.queues.is_empty() {
            return topics.first().map(|topic| no_topic(topic));
        }
        let stranger = others.iter().find(|peer| !peer.heeds_claims)?;
        let why = format!(
            "group {group}: {} is a consumer of this group too, of another kind, and would read the \
             same messages; stop it, or take a group of its own",
            stranger.name
        );
        Some(Error::new(ErrorKind::Conflict, why))
    }

    fn say(&self, standing: &Standing) {
        let group = &*self.joining.group;
        let names: Vec<_> = standing.others.iter().map(|peer| &*peer.name).collect();
        let members = names.join(", ");
        let queues = standing.held.len();
        if queues > 0 {
            info!(group, queues, others = members, "consumes");
        } else if !members.is_empty() {
            info!(group, members, "stands by: another member has the queues");
        } else {
            let seconds = CLAIM_TIME.as_secs();
            info!(
                group,
                seconds, "waits for the queues of a member that is gone"
            );
        }
    }
}
