//! The queues that are assigned to a consumer.
use super::{no_topic, passes};
use crate::{CLAIM_TIME, Claim, Joining, Member, Peer, Queue, Transport};
use connect_api::{Error, ErrorKind, Result};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

/// Time between two renewals of claims: a fraction of what they last.
const RENEWAL: Duration = Duration::from_secs(5);
/// Time between two claims while another member holds some of the queues.
const CLAIM_RETRY: Duration = Duration::from_secs(2);
/// Claims that could not be renewed for so long are taken as lost.
const VALIDITY: Duration = Duration::from_secs(CLAIM_TIME.as_secs() / 2);
/// Time between two refreshes of the topic's queues, as in RocketMQ's clients.
const REFRESH: Duration = Duration::from_secs(30);

/// A queue that is assigned to this consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AssignedQueue {
    pub(super) queue: Queue,
    /// Number of the claim that gained it: a queue that was lost and gained again has another.
    pub(super) generation: u64,
    /// It was added to the topic after the consumer had started.
    pub(super) added: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) assigned: Vec<AssignedQueue>,
    pub(super) others: Vec<Peer>,
    /// Why nothing is assigned, where waiting does not help.
    pub(super) fault: Option<Arc<Error>>,
}

/// An assignment whose claims are renewed in the background until it is dropped.
pub(super) struct Assignment {
    state: watch::Receiver<State>,
    renewal: JoinHandle<Result<()>>,
    /// Stops the renewal, which then leaves the group.
    leave: DropGuard,
}

impl Assignment {
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
        let (states, state) = watch::channel(State::default());
        let mut renewal = Renewal {
            member: transport.join(joining.clone()).await?,
            transport,
            joining,
            first: queues.clone(),
            queues,
            states,
            claims: 0,
            renewed: Instant::now(),
            leave: leave.clone(),
        };
        let claim = renewal.member.claim(&renewal.queues).await?;
        renewal.publish(Ok(claim));
        Ok(Self {
            state,
            renewal: tokio::spawn(renewal.run()),
            leave: leave.drop_guard(),
        })
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// The same; [`changed`](Self::changed) then waits for the next one.
    pub(super) fn state_seen(&mut self) -> State {
        self.state.borrow_and_update().clone()
    }

    pub(super) async fn changed(&mut self) {
        if self.state.changed().await.is_err() {
            // The renewal lives as long as this.
            std::future::pending().await
        }
    }

    /// Gives the queues up and leaves the group.
    pub(super) async fn leave(self) -> Result<()> {
        drop(self.leave);
        self.renewal.await.unwrap_or_else(|e| {
            let why = "the consumer's member of the group has ended by itself";
            Err(Error::new(ErrorKind::Internal, why).with_source(e))
        })
    }
}

struct Renewal {
    transport: Arc<dyn Transport>,
    member: Box<dyn Member>,
    joining: Joining,
    /// The queues of the topic when the consumer started.
    first: Vec<Queue>,
    queues: Vec<Queue>,
    states: watch::Sender<State>,
    claims: u64,
    renewed: Instant,
    leave: CancellationToken,
}

impl Renewal {
    async fn run(mut self) -> Result<()> {
        let leave = self.leave.clone();
        let mut refreshed = Instant::now();
        loop {
            let all = self.states.borrow().assigned.len() == self.queues.len();
            let pause = if all { RENEWAL } else { CLAIM_RETRY };
            let paused = leave.run_until_cancelled(tokio::time::sleep(pause));
            if paused.await.is_none() {
                return self.member.leave().await;
            }
            if refreshed.elapsed() >= REFRESH {
                refreshed = Instant::now();
                self.refresh().await;
            }
            let claim = self.member.claim(&self.queues).await;
            self.publish(claim);
        }
    }

    async fn refresh(&mut self) {
        for topic in &self.joining.topics {
            match self.transport.queues(topic).await {
                Ok(queues) => self.queues = queues,
                Err(error) => {
                    let error = error.report();
                    warn!(
                        topic = &**topic,
                        error, "the queues of the topic could not be refreshed"
                    );
                }
            }
        }
    }

    fn publish(&mut self, claim: Result<Claim>) {
        self.claims += 1;
        let before = self.states.borrow().clone();
        let state = match claim {
            Ok(Claim { held, others }) => {
                self.renewed = Instant::now();
                let assigned: Vec<_> = held
                    .into_iter()
                    .map(|queue| self.assigned(&before, queue))
                    .collect();
                let fault = assigned.is_empty().then(|| self.fault(&others)).flatten();
                State {
                    assigned,
                    others,
                    fault: fault.map(Arc::new),
                }
            }
            // Earlier claims stay valid for a while.
            Err(error) if passes(&error) && self.renewed.elapsed() < VALIDITY => {
                let group = &*self.joining.group;
                warn!(
                    group,
                    error = error.report(),
                    "claims could not be renewed yet"
                );
                return;
            }
            Err(error) => State {
                assigned: Vec::new(),
                others: before.others.clone(),
                fault: Some(Arc::new(error)),
            },
        };
        if self.claims == 1 || before.others != state.others || before.assigned != state.assigned {
            self.log(&state);
        }
        self.states.send_if_modified(|current| {
            let same = current.assigned == state.assigned
                && current.others == state.others
                && current.fault.is_none()
                && state.fault.is_none();
            *current = state;
            !same
        });
    }

    fn assigned(&self, before: &State, queue: Queue) -> AssignedQueue {
        match before.assigned.iter().find(|known| known.queue == queue) {
            Some(known) => known.clone(),
            None => AssignedQueue {
                generation: self.claims,
                added: !self.first.contains(&queue),
                queue,
            },
        }
    }

    /// Why nothing is assigned, where waiting does not help.
    fn fault(&self, others: &[Peer]) -> Option<Error> {
        let Joining { group, topics, .. } = &self.joining;
        if self.queues.is_empty() {
            return topics.first().map(|topic| no_topic(topic));
        }
        let stranger = others.iter().find(|peer| !peer.heeds_claims)?;
        let why = format!(
            "group {group}: {} is a consumer of this group too, of another kind, and would read the \
             same messages; stop it, or use another group",
            stranger.name
        );
        Some(Error::new(ErrorKind::Conflict, why))
    }

    fn log(&self, state: &State) {
        let group = &*self.joining.group;
        let names: Vec<_> = state.others.iter().map(|peer| &*peer.name).collect();
        let members = names.join(", ");
        let queues = state.assigned.len();
        if queues > 0 {
            info!(group, queues, others = members, "queues assigned");
        } else if !members.is_empty() {
            info!(
                group,
                members, "standing by: another member holds the queues"
            );
        } else {
            let seconds = CLAIM_TIME.as_secs();
            info!(
                group,
                seconds, "waiting for the claims of a lost member to expire"
            );
        }
    }
}
