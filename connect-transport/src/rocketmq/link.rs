//! Connections to name servers and brokers.
use super::{
    RocketMqOptions,
    client::{Client, Clients},
    error_codes::{self, Asked, code},
    groups::Groups,
    request::Request,
};
use bytes::Bytes;
use cheetah_string::CheetahString;
use connect_api::{Error, ErrorKind, Result};
use futures_util::future::join_all;
use rocketmq_protocol::RemotingCommand;
use rocketmq_runtime::ShutdownDeadline;
use rocketmq_transport::api::OutboundRequestOutcome;
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

/// The client answers "not available" for 30 seconds, without trying, after five failures in a
/// row; before that it is exchanged for a new one.
const MAX_FAILURES: u32 = 4;

/// All connections of a transport; one per address, for any number of requests.
pub(super) struct Links {
    clients: Arc<Clients>,
    user: Option<Box<str>>,
    groups: Arc<Groups>,
    open: Mutex<HashMap<Box<str>, Arc<Link>>>,
    closed: Arc<AtomicBool>,
}

impl Links {
    /// No connection yet. The tasks of connections run in the runtime this is called from.
    ///
    /// # Errors
    /// `Config`: a file of the TLS settings cannot be read. `Internal`: there is no Tokio
    /// runtime.
    pub(super) fn new(options: &RocketMqOptions, groups: Arc<Groups>) -> Result<Self> {
        let credentials = options.credentials.as_ref();
        Ok(Self {
            clients: Arc::new(Clients::new(options, Arc::clone(&groups))?),
            user: credentials.map(|c| c.access_key().into()),
            groups,
            open: Mutex::default(),
            closed: Arc::default(),
        })
    }

    /// The connection to `address`, opened when the first request is sent.
    pub(super) fn to(&self, address: &str) -> Result<Arc<Link>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        let mut open = lock(&self.open);
        if let Some(link) = open.get(address) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(Link {
            address: CheetahString::from_slice(address),
            user: self.user.clone(),
            groups: Arc::clone(&self.groups),
            client: Mutex::new(self.clients.create()?),
            clients: Arc::clone(&self.clients),
            failures: AtomicU32::new(0),
            authenticated: AtomicBool::new(false),
            closed: Arc::clone(&self.closed),
        });
        open.insert(address.into(), Arc::clone(&link));
        Ok(link)
    }

    /// Ends all connections and their tasks, within `deadline`.
    pub(super) async fn close(&self, deadline: Duration) {
        self.closed.store(true, Ordering::Release);
        let deadline = ShutdownDeadline::after(deadline);
        let links: Vec<_> = lock(&self.open).drain().map(|(_, link)| link).collect();
        let clients = links.iter().map(|link| lock(&link.client).clone());
        join_all(clients.map(|client| async move { client.shutdown_graceful(deadline).await }))
            .await;
        self.clients.context.shutdown_tasks_until(deadline).await;
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for link in lock(&self.open).values() {
            lock(&link.client).shutdown_now();
        }
        self.clients.context.shutdown_tasks_now();
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = lock(&self.open);
        f.debug_struct("Links")
            .field("addresses", &open.keys())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A poisoned lock is taken: what these guard is replaced whole, never left half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed() -> Error {
    Error::new(ErrorKind::Stopped, "RocketMQ: the transport is closed")
}

/// The connection to one address; reopened automatically when it broke.
pub(super) struct Link {
    address: CheetahString,
    user: Option<Box<str>>,
    groups: Arc<Groups>,
    client: Mutex<Arc<Client>>,
    clients: Arc<Clients>,
    /// Requests without an answer, since one was answered.
    failures: AtomicU32,
    authenticated: AtomicBool,
    closed: Arc<AtomicBool>,
}

/// An answer, whatever its code.
pub(super) struct Answer {
    pub(super) code: i32,
    command: RemotingCommand,
}

impl Answer {
    /// A number among the answer's fields.
    pub(super) fn number(&self, field: &str) -> Option<i64> {
        self.command.ext_fields()?.get(field)?.parse().ok()
    }

    /// Whether the answer has this field.
    pub(super) fn has(&self, field: &str) -> bool {
        let fields = self.command.ext_fields();
        fields.is_some_and(|fields| fields.contains_key(field))
    }

    pub(super) fn remark(&self) -> &str {
        self.command.remark().map_or("", |remark| remark.as_str())
    }

    pub(super) fn into_body(mut self) -> Bytes {
        self.command.take_body().unwrap_or_default()
    }
}

impl Link {
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    fn asked<'a>(&'a self, subject: &'a (dyn fmt::Display + Sync)) -> Asked<'a> {
        Asked {
            subject,
            address: &self.address,
            user: self.user.as_deref(),
        }
    }

    /// Sends `request` and waits for the answer, whatever its code.
    ///
    /// # Errors
    /// `Connect`, `Timeout`, `Busy`; `Config` where TLS does not verify; `Stopped` after the
    /// transport was closed.
    pub(super) async fn ask(
        &self,
        subject: &(dyn fmt::Display + Sync),
        request: Request,
        timeout: Duration,
    ) -> Result<Answer> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        let client = lock(&self.client).clone();
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        // The client's future has 15 KB; callers keep several of ours.
        let request = request.into_command();
        let outcome = Box::pin(client.invoke_request(Some(&self.address), request, millis)).await;
        let error = match outcome {
            Ok(OutboundRequestOutcome::Response(command)) => {
                self.failures.store(0, Ordering::Relaxed);
                let code = command.code();
                return Ok(Answer { code, command });
            }
            Ok(OutboundRequestOutcome::Rejected(rejection)) => {
                error_codes::rejected(&self.asked(subject), &rejection, timeout)
            }
            Ok(OutboundRequestOutcome::Contract(_)) => Error::new(
                ErrorKind::Internal,
                format!("{}: the request has no address", self.asked(subject)),
            ),
            Err(error) => error_codes::failed(&self.asked(subject), &error, timeout),
        };
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        // A connection that went dead without a word times out, and would for ever.
        if matches!(
            error.kind(),
            ErrorKind::Connect | ErrorKind::Config | ErrorKind::Timeout
        ) {
            self.count_failure(&client)?;
        }
        Err(error)
    }

    /// As [`ask`](Self::ask), where only success is an answer.
    pub(super) async fn call(
        &self,
        subject: &(dyn fmt::Display + Sync),
        request: Request,
        timeout: Duration,
    ) -> Result<Answer> {
        let answer = self.ask(subject, request, timeout).await?;
        match answer.code {
            code::SUCCESS => Ok(answer),
            _ => Err(self.refused(subject, &answer)),
        }
    }

    /// The error of an answer that is a refusal.
    pub(super) fn refused(&self, subject: &(dyn fmt::Display + Sync), answer: &Answer) -> Error {
        error_codes::refused(&self.asked(subject), answer.code, answer.remark())
    }

    /// Checks that the broker accepts these credentials, or the lack of them; asks once.
    ///
    /// A heartbeat without producers and consumers is authenticated, needs no permission
    /// and leaves nothing behind.
    pub(super) async fn authenticate(
        &self,
        subject: &(dyn fmt::Display + Sync),
        timeout: Duration,
    ) -> Result<()> {
        if self.authenticated.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.call(
            subject,
            Request::idle_heartbeat(self.groups.client_id()),
            timeout,
        )
        .await?;
        self.authenticated.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Counts a request without an answer, and changes to a new client before the old one stops
    /// trying. What still waits at the old one fails and is not counted again.
    fn count_failure(&self, failed: &Arc<Client>) -> Result<()> {
        let mut client = lock(&self.client);
        if !Arc::ptr_eq(&client, failed)
            || self.failures.fetch_add(1, Ordering::Relaxed) + 1 < MAX_FAILURES
        {
            return Ok(());
        }
        let old = std::mem::replace(&mut *client, self.clients.create()?);
        old.shutdown_now();
        self.failures.store(0, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    /// Clients are exchanged under requests that still wait at them: their errors must be ones
    /// that are retried, or a broker that restarts fails tasks for good.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn only_a_closed_transport_says_that_it_stopped() {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let groups = Arc::new(Groups::new(Ipv4Addr::LOCALHOST.into(), "test"));
        let links = Arc::new(Links::new(&RocketMqOptions::new(&address), groups).unwrap());
        for _ in 0..20 {
            let asked = (0..32).map(|_| {
                let link = links.to(&address).unwrap();
                tokio::spawn(async move {
                    link.ask(&"a test", Request::route("t"), Duration::from_secs(2))
                        .await
                        .err()
                })
            });
            for answer in join_all(asked).await {
                let error = answer.unwrap().unwrap();
                assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
            }
        }
        let link = links.to(&address).unwrap();
        links.close(Duration::from_secs(1)).await;
        let error = link
            .ask(&"a test", Request::route("t"), Duration::from_secs(2))
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Stopped);
    }
}
