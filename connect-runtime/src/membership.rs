//! A sink task's membership in its consumer group: the queues that are assigned to it.
//!
//! Every sink task is a member of its group, which tools show, and claims its queues. While another
//! member holds them, in this worker or in another one, the task stands by, and takes over when
//! they are released; so a sink that runs twice does not write twice.
use crate::{status::TaskState, task::TaskRun};
use connect_api::{Error, ErrorKind, Result};
use connect_transport::{CLAIM_TIME, Claim, Joining, Member, Peer, Queue};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Time between two renewals of claims: a fraction of what they last.
const RENEWAL: Duration = Duration::from_secs(5);
/// Time between two claims while another member holds some of the queues.
const CLAIM_RETRY: Duration = Duration::from_secs(2);
/// Claims that could not be renewed for so long are taken as lost; they expire at
/// [`CLAIM_TIME`], and a write in progress must have ended by then.
const VALIDITY: Duration = Duration::from_secs(CLAIM_TIME.as_secs() / 2);

/// The queues asked for, and the last response.
#[derive(Clone, Default)]
struct Assignment {
    /// The queues that were asked for.
    wanted: Arc<[Queue]>,
    claim: Claim,
    /// Why they could not be claimed.
    fault: Option<Arc<Error>>,
}

/// A member whose claims are renewed until it is dropped.
pub(crate) struct Membership {
    group: Arc<str>,
    wanted: watch::Sender<Arc<[Queue]>>,
    assignment: watch::Receiver<Assignment>,
    renewal: JoinHandle<()>,
    /// Stops the renewal, which then leaves the group.
    leave: DropGuard,
}

impl Membership {
    /// Joins the group of a task; nothing is claimed yet.
    ///
    /// # Errors
    /// As the transport says.
    pub(crate) async fn join(run: &TaskRun, group: &str, topics: &[String]) -> Result<Self> {
        let group: Arc<str> = group.into();
        let joining = Joining {
            group: group.clone(),
            topics: topics.iter().map(|topic| topic.as_str().into()).collect(),
            owner: run.owner.clone(),
            name: format!("connector {}, task {}", run.id.connector, run.id.task).into(),
        };
        let member = run.transport.join(joining).await?;
        let leave = CancellationToken::new();
        let (wanted, asked) = watch::channel(Arc::default());
        let (responses, assignment) = watch::channel(Assignment::default());
        let renewal = Renewal {
            member,
            group: group.clone(),
            asked,
            responses,
            leave: leave.clone(),
        };
        Ok(Self {
            group,
            wanted,
            assignment,
            renewal: tokio::spawn(renewal.run()),
            leave: leave.drop_guard(),
        })
    }

    /// Claims `queues`, and waits until some of them are this task's. `None` when asked to stop.
    ///
    /// # Errors
    /// As the transport says.
    pub(crate) async fn take(
        &mut self,
        run: &TaskRun,
        queues: Vec<Queue>,
    ) -> Result<Option<Vec<Queue>>> {
        let queues: Arc<[Queue]> = queues.into();
        self.assignment.mark_unchanged();
        self.wanted.send_replace(queues.clone());
        let mut said = String::new();
        while !queues.is_empty() {
            tokio::select! {
                () = run.stop.cancelled() => return Ok(None),
                changed = self.assignment.changed() => if changed.is_err() {
                    return Err(Error::new(ErrorKind::Internal, "the member of the group is gone"));
                },
            }
            let assignment = self.assignment.borrow_and_update().clone();
            if assignment.wanted != queues {
                continue;
            }
            if let Some(fault) = assignment.fault {
                return Err(Error::new(fault.kind(), fault.report()));
            }
            let Claim { held, others } = assignment.claim;
            if !held.is_empty() {
                return Ok(Some(held));
            }
            let waiting = stands_by(&self.group, &queues, &others);
            run.set_state(TaskState::Retrying, Some(&waiting));
            let text = waiting.to_string();
            if text != said {
                tracing::warn!(
                    connector = %run.id.connector, task = run.id.task, reason = text, "stands by"
                );
                said = text;
            }
        }
        Ok(Some(Vec::new()))
    }

    /// Completes when the assigned queues are no longer `held`.
    pub(crate) async fn changed(&mut self, held: &[Queue]) {
        let other = |assignment: &Assignment| assignment.claim.held != held;
        if !held.is_empty() && self.assignment.wait_for(other).await.is_ok() {
            return;
        }
        std::future::pending().await
    }

    /// Releases the queues and leaves the group. All that was read must be committed.
    pub(crate) async fn leave(self) {
        drop(self.leave);
        if self.renewal.await.is_err() {
            tracing::warn!(
                group = &*self.group,
                "the group member stopped unexpectedly"
            );
        }
    }
}

/// Why none of `queues` is assigned to this task.
fn stands_by(group: &str, queues: &[Queue], others: &[Peer]) -> Error {
    let topics: BTreeSet<_> = queues.iter().map(|queue| &*queue.topic).collect();
    let topics = topics.into_iter().collect::<Vec<_>>().join(", ");
    let names = |heed: bool| {
        let names = others.iter().filter(|peer| peer.heeds_claims == heed);
        names.map(|peer| &*peer.name).collect::<Vec<_>>().join(", ")
    };
    let (strangers, members) = (names(false), names(true));
    let text = if !strangers.is_empty() {
        format!(
            "group {group}: {strangers} is a consumer of this group too, but not a worker of this \
             program: each message of {topics} would be read by both. This task waits until it is \
             gone; stop it, or give the sink a group of its own with task.group.id"
        )
    } else if members.is_empty() {
        format!(
            "group {group}: the queues of {topics} are still claimed by a lost member, for up to {} s \
             from its last heartbeat. This task waits for them",
            CLAIM_TIME.as_secs()
        )
    } else {
        format!(
            "group {group}: the queues of {topics} are read by another member; there are: \
             {members}. This task stands by and takes over when that one stops; a sink that is to \
             read the same messages once more needs a group of its own, task.group.id"
        )
    };
    Error::new(ErrorKind::Conflict, text)
}

/// Renews the claims of a member.
struct Renewal {
    member: Box<dyn Member>,
    group: Arc<str>,
    asked: watch::Receiver<Arc<[Queue]>>,
    responses: watch::Sender<Assignment>,
    leave: CancellationToken,
}

impl Renewal {
    async fn run(mut self) {
        let mut renewed = Instant::now();
        let mut known = Vec::new();
        loop {
            let wanted = self.asked.borrow_and_update().clone();
            let mut pause = RENEWAL;
            if !wanted.is_empty() {
                let claimed = self.member.claim(&wanted).await;
                if claimed.is_ok() {
                    renewed = Instant::now();
                }
                let assignment = self.assignment(wanted.clone(), claimed, renewed);
                if assignment.claim.held.len() < wanted.len() {
                    pause = CLAIM_RETRY;
                }
                if assignment.fault.is_none() && assignment.claim.others != known {
                    known.clone_from(&assignment.claim.others);
                    self.log_others(&assignment.claim);
                }
                self.responses.send_replace(assignment);
            }
            tokio::select! {
                () = self.leave.cancelled() => break,
                asked = self.asked.changed() => if asked.is_err() { break },
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Err(error) = self.member.leave().await {
            tracing::warn!(
                group = &*self.group,
                error = error.report(),
                "leaving the group"
            );
        }
    }

    fn assignment(
        &self,
        wanted: Arc<[Queue]>,
        claimed: Result<Claim>,
        renewed: Instant,
    ) -> Assignment {
        match claimed {
            Ok(claim) => Assignment {
                wanted,
                claim,
                fault: None,
            },
            Err(error) => {
                // Earlier claims stay valid for a while.
                let mut claim = self.responses.borrow().claim.clone();
                if renewed.elapsed() > VALIDITY {
                    claim.held.clear();
                }
                claim.held.retain(|queue| wanted.contains(queue));
                let fault = claim.held.is_empty().then(|| Arc::new(error));
                Assignment {
                    wanted,
                    claim,
                    fault,
                }
            }
        }
    }

    /// Logs the other members of the group when they have changed while this member reads.
    fn log_others(&self, claim: &Claim) {
        if claim.held.is_empty() {
            return;
        }
        for peer in &claim.others {
            if peer.heeds_claims {
                tracing::info!(
                    group = &*self.group,
                    member = &*peer.name,
                    "another member is on standby"
                );
            } else {
                tracing::warn!(
                    group = &*self.group,
                    member = &*peer.name,
                    "another consumer has joined this sink's group and may read the same messages; \
                     stop it, or give the sink a group of its own with task.group.id"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str, heeds_claims: bool) -> Peer {
        let name = name.into();
        Peer { name, heeds_claims }
    }

    #[test]
    fn blocking_members_are_named() {
        let queue = Queue {
            topic: "t".into(),
            broker: "b".into(),
            id: 0,
        };
        let text =
            |others: &[Peer]| stands_by("g", std::slice::from_ref(&queue), others).to_string();
        let other = text(&[peer("10.0.0.1@7#connect-w-1", true)]);
        assert!(
            other.contains("10.0.0.1@7#connect-w-1") && other.contains("stands by"),
            "{other}"
        );
        let stranger = text(&[peer("10.0.0.2@8#99", false), peer("x", true)]);
        assert!(
            stranger.contains("10.0.0.2@8#99") && stranger.contains("task.group.id"),
            "{stranger}"
        );
        let gone = text(&[]);
        assert!(gone.contains("up to 60 s"), "{gone}");
    }
}
