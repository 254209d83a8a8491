//! What every running task has, whichever way it moves records.
use crate::{
    positions::PositionStore,
    retry::{Next, Retry, RetryPolicy, pause},
    status::{Counters, StatusBoard, TaskId, TaskState},
};
use connect_api::{
    Converter, DynConnector, Error, PartBoard, Result, TaskContext, config::Settings,
};
use connect_converters::KeyConverter;
use connect_transport::Transport;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// A task with what it works on. Created anew for each start of the task.
#[derive(Clone)]
pub(crate) struct TaskRun {
    pub(crate) id: TaskId,
    pub(crate) connector: Arc<dyn DynConnector>,
    pub(crate) settings: Settings,
    pub(crate) converter: Arc<dyn Converter>,
    pub(crate) keys: KeyConverter,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) positions: Arc<PositionStore>,
    /// Whom the queues belong to that this worker's sinks claim.
    pub(crate) owner: Arc<str>,
    pub(crate) policy: RetryPolicy,
    pub(crate) commit_interval: Duration,
    /// How long a task that ends waits for what is on its way.
    pub(crate) drain: Duration,
    pub(crate) board: Arc<StatusBoard>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) parts: PartBoard,
    pub(crate) stop: CancellationToken,
}

impl TaskRun {
    pub(crate) fn context(&self) -> TaskContext {
        TaskContext {
            connector: self.id.connector.clone(),
            task: self.id.task,
            positions: self.positions.reader(self.id.connector.clone()),
            stop: self.stop.clone(),
            parts: self.parts.clone(),
        }
    }

    pub(crate) fn set_state(&self, state: TaskState, error: Option<&Error>) {
        self.board.set(&self.id, state, error);
    }

    /// Waits after `error` as the policy says; `false` when asked to stop meanwhile.
    ///
    /// # Errors
    /// `error` itself, where it is not to be retried.
    pub(crate) async fn retry_after(
        &self,
        retry: &mut Option<Retry>,
        error: &Error,
    ) -> Result<bool> {
        if self.stop.is_cancelled() {
            return Ok(false);
        }
        match retry.get_or_insert_with(|| self.policy.begin()).next(error) {
            Next::After(delay) => {
                Counters::add(&self.counters.retries, 1);
                self.set_state(TaskState::Retrying, Some(error));
                tracing::warn!(
                    connector = %self.id.connector, task = self.id.task, delay_ms = delay.as_millis(),
                    error = error.report(), "transient error, retrying"
                );
                Ok(pause(delay, &self.stop).await)
            }
            Next::GiveUp => Err(Error::new(error.kind(), error.report())),
        }
    }

    pub(crate) fn log_stop(&self, stopped: Result<()>) {
        if let Err(error) = stopped {
            tracing::warn!(
                connector = %self.id.connector, task = self.id.task,
                error = error.report(), "stopping the task"
            );
        }
    }
}
