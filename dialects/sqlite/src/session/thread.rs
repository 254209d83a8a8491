//! The thread that works on a database file: SQLite has no waiting that others could use.
use crate::{
    error_codes::refusal,
    options::Settings,
    session::{Session, Stop},
};
use connect_api::{Error, ErrorKind, Result};
use std::{
    sync::{Arc, mpsc},
    thread,
};
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce(&mut Session) + Send>;

enum Command {
    Run(u64, Work),
    Close(u64, oneshot::Sender<Result<()>>),
}

/// The owner's end. Dropped, it ends what the thread is doing, and the thread: an open transaction
/// is undone.
pub(crate) struct Thread {
    commands: mpsc::Sender<Command>,
    stop: Arc<Stop>,
}

impl Thread {
    /// Starts a thread and opens the file on it.
    pub(crate) async fn open(settings: Arc<Settings>, address: &str) -> Result<Self> {
        let (opened, open) = oneshot::channel();
        let (commands, inbox) = mpsc::channel();
        let shown = address.to_owned();
        thread::Builder::new()
            .name("sqlite".to_owned())
            .spawn(move || match opening(settings, &shown) {
                Ok(session) => {
                    let stop = session.stop.clone();
                    if opened.send(Ok(stop)).is_ok() {
                        work(session, &inbox);
                    }
                }
                // Nobody may wait any more.
                Err(e) => drop(opened.send(Err(e))),
            })
            .map_err(|e| {
                Error::new(ErrorKind::Busy, format!("{address}: no thread")).with_source(e)
            })?;
        let stop = open.await.map_err(|_gone| ended())??;
        Ok(Self { commands, stop })
    }

    /// Runs `work` on the thread. A future that is dropped ends it as soon as that can be.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let (reply, answer) = oneshot::channel();
        self.send(Box::new(move |session| {
            // Nobody may wait any more.
            drop(reply.send(work(session)));
        }))?;
        let waiting = Waiting(Some(&self.stop));
        let done = answer.await;
        waiting.over();
        done.map_err(|_gone| ended())?
    }

    /// Hands over work without waiting for its end.
    pub(crate) fn send(&self, work: Work) -> Result<()> {
        self.commands
            .send(Command::Run(self.stop.issue(), work))
            .map_err(|_gone| ended())
    }

    /// Ends what the thread is doing, from outside.
    pub(crate) fn stop(&self) -> Arc<Stop> {
        self.stop.clone()
    }

    /// Closes the file and ends the thread.
    pub(crate) async fn close(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(Command::Close(self.stop.issue(), reply))
            .map_err(|_gone| ended())?;
        answer.await.map_err(|_gone| ended())?
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop.now();
    }
}

/// Somebody waits for the command that runs.
struct Waiting<'a>(Option<&'a Stop>);

impl Waiting<'_> {
    fn over(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(stop) = self.0 {
            stop.now();
        }
    }
}

/// The thread is gone, as after a panic.
pub(crate) fn ended() -> Error {
    Error::new(ErrorKind::Connect, "the thread of the database has ended")
}

fn opening(settings: Arc<Settings>, address: &str) -> Result<Session> {
    let wrong = |e: &rusqlite::Error| {
        let error = refusal(format_args!("{address}: opening"), e);
        match error.kind() {
            // Another held the file for all the time that a connection may take.
            ErrorKind::Busy => Error::new(ErrorKind::Timeout, error.report()),
            _ => error,
        }
    };
    if settings.needs_file() && !settings.path.try_exists().unwrap_or(true) {
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "{address}: there is no such file; `?mode=rwc` at the end of the URL makes one"
            ),
        ));
    }
    let session = Session::open(settings).map_err(|e| wrong(&e))?;
    let unknown = session.unknown_pragmas().map_err(|e| wrong(&e))?;
    if unknown.is_empty() {
        return Ok(session);
    }
    Err(Error::new(
        ErrorKind::Config,
        format!(
            "{address}: SQLite has no PRAGMA of the name {}",
            unknown.join(", ")
        ),
    ))
}

fn work(mut session: Session, inbox: &mpsc::Receiver<Command>) {
    while let Ok(command) = inbox.recv() {
        match command {
            Command::Run(number, work) => {
                session.stop.begin(number);
                work(&mut session);
            }
            Command::Close(number, reply) => {
                session.stop.begin(number);
                let closed = session.driver.close();
                // Nobody may wait any more.
                drop(reply.send(closed.map_err(|(_, e)| refusal("close", &e))));
                return;
            }
        }
    }
}
