//! Timeouts with a liveness probe.
//!
//! A network that drops packets gives a driver no error, and neither does a query that runs for
//! minutes. When a call takes longer than half of the connect timeout, a second connection probes whether
//! the server is reachable, and still works on the call: a firewall that has forgotten a connection lets
//! new ones through. The call ends with a timeout when it is not, and at the latest after the read
//! timeout. The session that was lost is ended by the next connection, where the server allows that.
use crate::{
    connection::{Access, Activity, Connection, Cursor},
    datetime_precision::DatetimePrecision,
    dialect::{Capabilities, Dialect},
    identity::Identity,
    options::OpenOptions,
    plan::{WritePlan, WriteRequest},
    query::{Page, Statement},
    split::Split,
    syntax::Syntax,
    table::{Column, Table, TableName, TableType},
    visibility::{Replica, Visibility},
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Kind, Records, Result, SchemaRef, arrow::array::RecordBatch};
use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU32,
    ops::Range,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// Pause after a failed probe, before the next one.
const PAUSE: Duration = Duration::from_secs(1);
/// Probes in a row that must fail: the server may be restarting during one.
const FAILED_PROBES: u32 = 2;
/// A session that has been idle for so long will not answer a call any more: nothing that is done here
/// between two requests of a call takes that time.
const IDLE: Duration = Duration::from_secs(3);
/// So many lost sessions within [`MISTRUST`] are no lost sessions: something between here and the server
/// passes requests on to other sessions, and their activity says nothing.
const MAX_LOST: usize = 3;
/// See [`MAX_LOST`].
const MISTRUST: Duration = Duration::from_secs(300);
/// Sessions that are lost within this time have one cause.
const SAME_TIME: Duration = Duration::from_secs(10);
/// Longest time for ending lost sessions: the server does so by itself, later.
const ENDING: Duration = Duration::from_secs(2);

/// A dialect whose calls time out when a liveness probe fails. Forwards every method of [`Dialect`],
/// [`Connection`] and [`Cursor`].
#[derive(Debug)]
pub struct ProbedDialect {
    peer: Arc<Peer>,
}

/// The database and the timeouts of its connections.
#[derive(Debug)]
struct Peer {
    dialect: Arc<dyn Dialect>,
    connect_timeout: Duration,
    read_timeout: Duration,
    lost: Arc<Mutex<LostSessions>>,
}

/// The lost sessions of each address: a task that starts again opens the database again.
static LOST: LazyLock<Mutex<HashMap<String, Arc<Mutex<LostSessions>>>>> =
    LazyLock::new(Default::default);

/// Sessions that were abandoned after a timeout.
#[derive(Debug, Default)]
struct LostSessions {
    /// Those that may still be there.
    open: Vec<String>,
    /// When calls ended because the server no longer worked on them; several at about the same time are
    /// one.
    times: VecDeque<Instant>,
}

impl LostSessions {
    fn note(&mut self) {
        if self.times.back().is_none_or(|at| at.elapsed() > SAME_TIME) {
            self.times.push_back(Instant::now());
        }
    }
}

/// What a probe has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Liveness {
    /// The server does not respond.
    Unreachable,
    /// It responds.
    Alive,
    /// It responds, and does not work on the call.
    Lost,
}

impl ProbedDialect {
    /// Wraps `dialect`, which was opened with `options`.
    pub fn new(dialect: Arc<dyn Dialect>, options: &OpenOptions) -> Self {
        let mut all = LOST.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = all.entry(dialect.address().to_owned()).or_default().clone();
        drop(all);
        Self {
            peer: Arc::new(Peer {
                dialect,
                connect_timeout: options.connect_timeout,
                read_timeout: options.read_timeout,
                lost,
            }),
        }
    }
}

#[async_trait]
impl Dialect for ProbedDialect {
    fn name(&self) -> &'static str {
        self.peer.dialect.name()
    }

    fn address(&self) -> &str {
        self.peer.dialect.address()
    }

    fn syntax(&self) -> &dyn Syntax {
        self.peer.dialect.syntax()
    }

    fn capabilities(&self) -> Capabilities {
        self.peer.dialect.capabilities()
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        self.peer.dialect.plan_write(request)
    }

    fn takes(&self, kind: &Kind, column: &Column) -> bool {
        self.peer.dialect.takes(kind, column)
    }

    fn datetime_precision(&self, column: &Column) -> DatetimePrecision {
        self.peer.dialect.datetime_precision(column)
    }

    fn already_exists(&self, error: &Error) -> bool {
        self.peer.dialect.already_exists(error)
    }

    fn named(&self, application: &str) -> Option<Arc<dyn Dialect>> {
        let Peer {
            ref dialect,
            connect_timeout,
            read_timeout,
            ref lost,
        } = *self.peer;
        let peer = Peer {
            dialect: dialect.named(application)?,
            connect_timeout,
            read_timeout,
            lost: lost.clone(),
        };
        let peer = Arc::new(peer);
        Some(Arc::new(Self { peer }))
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let connection = self.peer.connect().await.map_err(|e| match e.kind() {
            ErrorKind::Auth => e.of_login(),
            _ => e,
        })?;
        let mut connection = ProbedConnection {
            connection,
            peer: self.peer.clone(),
            timed_out: false,
        };
        self.peer.end_lost_sessions(&mut connection).await;
        Ok(Box::new(connection))
    }
}

impl Peer {
    /// Connects, with a timeout a little above the dialect's own. Hosts are tried in order, each with
    /// the whole connect timeout.
    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let hosts = self.dialect.address().matches(',').count() + 1;
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        let limit = self.connect_timeout.saturating_mul(hosts) + PAUSE;
        match timeout(limit, self.dialect.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(self.timed_out("connecting", limit)),
        }
    }

    fn timed_out(&self, what: &str, waited: Duration) -> Error {
        let address = self.dialect.address();
        let seconds = waited.as_secs_f32();
        Error::new(
            ErrorKind::Timeout,
            format!("{what}: no response from {address} within {seconds:.0} s"),
        )
    }

    /// Whether the server responds to a second connection, even with an error, and works on a call of
    /// `session`.
    async fn probe(&self, session: Option<&str>) -> Liveness {
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::Connect | ErrorKind::Timeout => Liveness::Unreachable,
                    _ => Liveness::Alive,
                };
            }
        };
        let mut liveness = Liveness::Alive;
        if let Some(session) = session.filter(|_| self.trusts_activity()) {
            let asked = timeout(self.connect_timeout, connection.activity(session)).await;
            liveness = match asked {
                Ok(Ok(Activity::Gone)) => Liveness::Lost,
                Ok(Ok(Activity::Idle(time))) if time >= IDLE => Liveness::Lost,
                Ok(Ok(Activity::Idle(_) | Activity::Working | Activity::Unknown)) => {
                    Liveness::Alive
                }
                Ok(Err(_)) | Err(_) => Liveness::Alive,
            };
        }
        // It responded; the result of closing does not matter.
        timeout(self.connect_timeout, connection.close()).await.ok();
        liveness
    }

    fn lost(&self) -> MutexGuard<'_, LostSessions> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trusts_activity(&self) -> bool {
        let mut lost = self.lost();
        while lost.times.front().is_some_and(|at| at.elapsed() > MISTRUST) {
            lost.times.pop_front();
        }
        lost.times.len() < MAX_LOST
    }

    /// Ends sessions that were abandoned. That the server finds out by itself can take hours, and until
    /// then they count against its limit of connections.
    async fn end_lost_sessions(&self, connection: &mut ProbedConnection) {
        let open = std::mem::take(&mut self.lost().open);
        if open.is_empty() {
            return;
        }
        let ending = async {
            for session in &open {
                if let Err(error) = connection.connection.end_session(session).await {
                    let error = error.report();
                    tracing::debug!(error, "a lost session is not ended");
                }
            }
        };
        // The answers of a connection that is left in the middle would be taken for others.
        connection.timed_out |= timeout(ENDING, ending).await.is_err();
    }

    /// Waits for `call` of `session`, probing the server while it takes long.
    async fn probe_while<T>(
        &self,
        what: &str,
        session: Option<&str>,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        tokio::pin!(call);
        let began = Instant::now();
        let mut probe_after = self.connect_timeout / 2;
        let mut failed = 0;
        loop {
            let left = self.read_timeout.saturating_sub(began.elapsed());
            if let Ok(answer) = timeout(probe_after.min(left), &mut call).await {
                return answer;
            }
            let waited = began.elapsed();
            if waited >= self.read_timeout {
                let error = self.timed_out(what, waited);
                return Err(error.context("connection.read.timeout.ms"));
            }
            let address = self.dialect.address();
            tracing::debug!(
                address,
                what,
                ?waited,
                "no response yet, probing the server"
            );
            let liveness = tokio::select! {
                biased;
                answer = &mut call => return answer,
                liveness = self.probe(session) => liveness,
            };
            let problem = match liveness {
                Liveness::Alive => {
                    failed = 0;
                    probe_after = self.connect_timeout;
                    continue;
                }
                Liveness::Unreachable => "the server is unreachable",
                Liveness::Lost => "the server does not work on it any more",
            };
            failed += 1;
            if failed >= FAILED_PROBES {
                if liveness == Liveness::Lost {
                    self.lost().note();
                }
                let error = self.timed_out(what, began.elapsed());
                return Err(error.context(problem));
            }
            tracing::warn!(
                address,
                what,
                ?waited,
                problem,
                "no response; probing again"
            );
            tokio::select! {
                biased;
                answer = &mut call => return answer,
                () = sleep(PAUSE) => probe_after = PAUSE,
            }
        }
    }
}

struct ProbedConnection {
    connection: Box<dyn Connection>,
    peer: Arc<Peer>,
    /// A call timed out: its response may still arrive and would be taken for that of a later call.
    timed_out: bool,
}

impl ProbedConnection {
    fn check_usable(&self) -> Result<()> {
        if !self.timed_out {
            return Ok(());
        }
        let address = self.peer.dialect.address();
        Err(Error::new(
            ErrorKind::Connect,
            format!("the connection to {address} was abandoned after a timeout"),
        ))
    }

    /// Marks the connection as unusable after a timeout.
    fn note_timeout<T>(&mut self, answer: Result<T>) -> Result<T> {
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Timeout
        {
            self.abandon();
        }
        answer
    }

    fn abandon(&mut self) {
        self.timed_out = true;
        if let Some(session) = self.connection.session() {
            self.peer.lost().open.push(session.to_owned());
        }
    }
}

/// Calls the inner connection with timeout and probe.
macro_rules! probed {
    ($self:ident, $what:expr, $call:ident($($argument:expr),*)) => {{
        $self.check_usable()?;
        let session = $self.connection.session().map(str::to_owned);
        let call = $self.connection.$call($($argument),*);
        let answer = $self.peer.probe_while($what, session.as_deref(), call).await;
        $self.note_timeout(answer)
    }};
}

#[async_trait]
impl Connection for ProbedConnection {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        probed!(self, "listing tables", tables(schema))
    }

    async fn tables_of_all_schemas(&mut self) -> Result<Vec<(TableName, TableType)>> {
        probed!(self, "listing tables", tables_of_all_schemas())
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        let what = format!("describing {name}");
        probed!(self, &what, describe(name))
    }

    async fn describe_all(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        probed!(self, "describing tables", describe_all(names))
    }

    async fn row_estimates(&mut self, names: &[TableName]) -> Result<Vec<Option<u64>>> {
        probed!(self, "estimating rows", row_estimates(names))
    }

    async fn describe_query(&mut self, query: &str) -> Result<Table> {
        probed!(self, "describing the query", describe_query(query))
    }

    async fn fingerprint(&mut self, name: &TableName) -> Result<Option<String>> {
        let what = format!("fingerprint of {name}");
        probed!(self, &what, fingerprint(name))
    }

    async fn fingerprints(&mut self, names: &[TableName]) -> Result<Vec<Option<String>>> {
        probed!(self, "fingerprints of tables", fingerprints(names))
    }

    async fn identities(&mut self, names: &[TableName]) -> Result<Vec<Option<Identity>>> {
        probed!(self, "identities of tables", identities(names))
    }

    async fn query_fingerprint(&mut self, query: &str) -> Result<String> {
        probed!(self, "fingerprint of the query", query_fingerprint(query))
    }

    async fn visibility(&mut self) -> Result<Option<Visibility>> {
        probed!(self, "asking which rows are final", visibility())
    }

    async fn visibility_limits(&mut self, columns: &[(&Table, usize)]) -> Result<Vec<Vec<String>>> {
        let what = "asking about the order of commits";
        probed!(self, what, visibility_limits(columns))
    }

    async fn replica(&mut self) -> Result<Option<Replica>> {
        probed!(self, "asking whether the server is a replica", replica())
    }

    async fn time_zone(&mut self) -> Result<Option<String>> {
        probed!(self, "asking for the time zone", time_zone())
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Split>> {
        probed!(self, "splitting a table", split(syntax, page, parts))
    }

    fn session(&self) -> Option<&str> {
        self.connection.session()
    }

    async fn activity(&mut self, session: &str) -> Result<Activity> {
        probed!(self, "asking what a session does", activity(session))
    }

    async fn end_session(&mut self, session: &str) -> Result<()> {
        probed!(self, "ending a session", end_session(session))
    }

    async fn ping(&mut self) -> Result<()> {
        probed!(self, "ping", ping())
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        probed!(self, "checking privileges", check_access(table, access))
    }

    async fn granted(&mut self, table: &Table, access: Access) -> Result<Vec<usize>> {
        probed!(self, "checking privileges", granted(table, access))
    }

    async fn check_access_all(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Result<()>>> {
        probed!(
            self,
            "checking privileges",
            check_access_all(tables, access)
        )
    }

    async fn granted_all(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Result<Vec<usize>>>> {
        probed!(self, "checking privileges", granted_all(tables, access))
    }

    async fn try_out(&mut self, plan: &WritePlan) -> Result<()> {
        probed!(self, "dry run of a write", try_out(plan))
    }

    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>> {
        self.check_usable()?;
        let Self {
            connection,
            peer,
            timed_out,
        } = self;
        let session = connection.session().map(str::to_owned);
        let call = connection.query(statement, schema);
        match peer.probe_while("a query", session.as_deref(), call).await {
            Ok(cursor) => Ok(Box::new(ProbedCursor {
                cursor,
                peer,
                session,
                timed_out,
            })),
            Err(error) => {
                if error.kind() == ErrorKind::Timeout {
                    *timed_out = true;
                    peer.lost().open.extend(session);
                }
                Err(error)
            }
        }
    }

    async fn execute(&mut self, sql: &str) -> Result<u64> {
        probed!(self, "a statement", execute(sql))
    }

    async fn begin(&mut self) -> Result<()> {
        probed!(self, "begin", begin())
    }

    async fn commit(&mut self) -> Result<()> {
        probed!(self, "commit", commit())
    }

    async fn rollback(&mut self) -> Result<()> {
        probed!(self, "rollback", rollback())
    }

    async fn savepoint(&mut self) -> Result<()> {
        probed!(self, "savepoint", savepoint())
    }

    async fn rollback_to_savepoint(&mut self) -> Result<()> {
        probed!(self, "rollback to savepoint", rollback_to_savepoint())
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        probed!(self, "writing rows", write(plan, records, rows))
    }

    async fn close(self: Box<Self>) -> Result<()> {
        let Self {
            connection,
            peer,
            timed_out,
        } = *self;
        if timed_out {
            return Ok(());
        }
        match timeout(peer.connect_timeout, connection.close()).await {
            Ok(closed) => closed,
            Err(_) => Err(peer.timed_out("closing", peer.connect_timeout)),
        }
    }
}

struct ProbedCursor<'a> {
    cursor: Box<dyn Cursor + 'a>,
    peer: &'a Peer,
    session: Option<String>,
    timed_out: &'a mut bool,
}

#[async_trait]
impl Cursor for ProbedCursor<'_> {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        let next = self.cursor.next(max_rows, max_bytes);
        let session = self.session.as_deref();
        let answer = self
            .peer
            .probe_while("rows of a query", session, next)
            .await;
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Timeout
        {
            *self.timed_out = true;
            self.peer.lost().open.extend(self.session.take());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    /// A method with a default that is not forwarded would use the default instead of the dialect's.
    #[test]
    fn every_method_of_a_dialect_and_its_connections_is_forwarded() {
        let methods = |text: &'static str| {
            text.lines()
                .filter_map(|line| line.strip_prefix("    "))
                .filter_map(|line| {
                    let line = line.strip_prefix("async ").unwrap_or(line);
                    line.strip_prefix("fn ")?.split(['(', '<']).next()
                })
        };
        let forwarded: Vec<_> = methods(include_str!("liveness.rs")).collect();
        for text in [include_str!("connection.rs"), include_str!("dialect.rs")] {
            for method in methods(text) {
                assert!(forwarded.contains(&method), "{method} is not forwarded");
            }
        }
    }
}
