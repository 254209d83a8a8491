//! The way to the thread that a connection lives on.
use crate::{options::Settings, plan::server::Server, session::Session};
use connect_api::{Error, ErrorKind, Result};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock, mpsc},
};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// Jobs go to the thread one after the other; it ends with its handle.
pub(crate) struct Handle {
    jobs: mpsc::Sender<Job>,
    address: Arc<Settings>,
}

impl Handle {
    /// Starts a thread and connects there.
    pub(crate) async fn open(
        settings: Arc<Settings>,
        known: Arc<OnceLock<Server>>,
    ) -> Result<(Self, Server)> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (opened, outcome) = oneshot::channel();
        let own = settings.clone();
        std::thread::Builder::new()
            .name("odbc".to_owned())
            .spawn(move || live(own, &known, &inbox, opened))
            .map_err(|e| Error::new(ErrorKind::Busy, "starting a thread").with_source(e))?;
        let handle = Self {
            jobs,
            address: settings.clone(),
        };
        let outcome = tokio::time::timeout(settings.connect_timeout, outcome).await;
        let server = outcome
            .map_err(|e| {
                let seconds = settings.connect_timeout.as_secs_f32();
                let message = format!(
                    "connect to {}: no response within {seconds} s",
                    settings.shown
                );
                Error::new(ErrorKind::Timeout, message).with_source(e)
            })?
            .map_err(|_gone| handle.gone())??;
        Ok((handle, server))
    }

    /// Sends a job, whose answer comes by a channel of its own.
    pub(crate) fn send(&self, job: impl FnOnce(&mut Session) + Send + 'static) -> Result<()> {
        self.jobs.send(Box::new(job)).map_err(|_gone| self.gone())
    }

    /// Does it there.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.send(move |session| {
            // Nobody waits any more where the caller was dropped.
            drop(answer.send(job(session)));
        })?;
        answered.await.map_err(|_gone| self.gone())?
    }

    /// The thread is gone: its driver has panicked, or odbc-api for it.
    pub(crate) fn gone(&self) -> Error {
        Error::new(
            ErrorKind::Connect,
            format!(
                "{}: the driver has given up the connection",
                self.address.shown
            ),
        )
    }
}

fn live(
    settings: Arc<Settings>,
    known: &OnceLock<Server>,
    inbox: &mpsc::Receiver<Job>,
    opened: oneshot::Sender<Result<Server>>,
) {
    // odbc-api panics where a driver breaks its word, above all when something is closed: that ends
    // the connection and nothing else.
    let lived = catch_unwind(AssertUnwindSafe(|| {
        let mut session = match Session::open(settings, known) {
            Ok(session) => session,
            Err(e) => {
                drop(opened.send(Err(e)));
                return;
            }
        };
        if opened.send(Ok(session.server)).is_err() {
            return;
        }
        while let Ok(job) = inbox.recv() {
            job(&mut session);
        }
        if let Err(e) = session.rollback() {
            tracing::debug!(error = e.report(), "rollback at the end of a connection");
        }
    }));
    if lived.is_err() {
        tracing::debug!("the driver of a connection panicked");
    }
}
