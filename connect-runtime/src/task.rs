//! What every running task has, whichever way it moves records.
use crate::{
    positions::PositionStore,
    references::References,
    retry::{Next, Retry, RetryPolicy, pause},
    status::{Counters, StatusBoard, TaskId, TaskState},
};
use connect_api::{
    Converter, DynConnector, Error, PartBoard, Result, TaskContext, config::Settings,
};
use connect_converters::KeyConverter;
use connect_transport::Transport;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// How long a task that has run waits for another password: those who replace it in the database and in
/// the file do so minutes apart.
const REPLACED_WITHIN: Duration = Duration::from_secs(600);
/// The pause between two looks at the files.
const LOOKED_AT: Duration = Duration::from_millis(500);

/// What a task knows of the credentials in its settings.
#[derive(Default)]
pub(crate) struct Credentials {
    /// The task has been running: they were right once.
    were_right: AtomicBool,
    /// The settings of the last attempt.
    tried: Mutex<Option<Settings>>,
}

/// A task with what it works on. Created anew for each start of the task.
#[derive(Clone)]
pub(crate) struct TaskRun {
    pub(crate) id: TaskId,
    pub(crate) connector: Arc<dyn DynConnector>,
    /// As they were planned, see [`settings_now`](Self::settings_now).
    pub(crate) settings: Settings,
    pub(crate) references: References,
    pub(crate) credentials: Arc<Credentials>,
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
            state: Some(self.positions.directory_of(&self.id.connector)),
        }
    }

    /// The settings with what their references stand for now: passwords are replaced while tasks run.
    pub(crate) fn settings_now(&self) -> Settings {
        let settings = self.references.renew(&self.settings);
        *self.tried() = Some(settings.clone());
        settings
    }

    fn tried(&self) -> MutexGuard<'_, Option<Settings>> {
        let tried = self.credentials.tried.lock();
        tried.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_state(&self, state: TaskState, error: Option<&Error>) {
        if state == TaskState::Running {
            self.credentials.were_right.store(true, Ordering::Relaxed);
        }
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
            Next::GiveUp if self.awaits_credentials(error) => {
                self.set_state(TaskState::Retrying, Some(error));
                self.await_credentials(error).await
            }
            Next::GiveUp => Err(Error::new(error.kind(), error.report())),
        }
    }

    /// The database refuses the credentials of a task that has run with them, and they stand in files:
    /// they are being replaced.
    fn awaits_credentials(&self, error: &Error) -> bool {
        error.is_login()
            && self.credentials.were_right.load(Ordering::Relaxed)
            && !self.references.are_fixed()
    }

    /// Waits until a file says something else than at the last attempt; `false` when asked to stop
    /// meanwhile. Nothing is tried before: accounts are locked after a number of wrong passwords.
    ///
    /// # Errors
    /// `error` itself, after [`REPLACED_WITHIN`].
    async fn await_credentials(&self, error: &Error) -> Result<bool> {
        tracing::warn!(
            connector = %self.id.connector, task = self.id.task, error = error.report(),
            "login refused; waiting for another user or password in the files that the settings refer to"
        );
        let until = Instant::now() + REPLACED_WITHIN;
        while self.tried().as_ref() == Some(&self.references.renew(&self.settings)) {
            if Instant::now() > until {
                return Err(Error::new(error.kind(), error.report()));
            }
            if !pause(LOOKED_AT, &self.stop).await {
                return Ok(false);
            }
        }
        Counters::add(&self.counters.retries, 1);
        // Not too fast, if the next is refused too.
        Ok(pause(LOOKED_AT, &self.stop).await)
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
