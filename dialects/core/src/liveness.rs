//! Timeouts with a liveness probe.
//!
//! A network that drops packets gives a driver no error, and neither does a query that runs for
//! minutes. When a call takes longer than the connect timeout, a second connection probes whether the
//! server is reachable. The call ends with a timeout when it is not, and at the latest after the read
//! timeout.
use crate::{
    connection::{Access, Connection, Cursor},
    datetime_precision::DatetimePrecision,
    dialect::{Capabilities, Dialect},
    options::OpenOptions,
    plan::{WritePlan, WriteRequest},
    query::{Page, Statement},
    split::Split,
    syntax::Syntax,
    table::{Column, Table, TableName, TableType},
    visibility::Visibility,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Kind, Records, Result, SchemaRef, arrow::array::RecordBatch};
use std::{
    num::NonZeroU32,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// Pause after a failed probe, before the next one.
const PAUSE: Duration = Duration::from_secs(1);
/// Probes in a row that must fail: the server may be restarting during one.
const FAILED_PROBES: u32 = 2;
/// Longest interval between two probes.
const MAX_PROBE_INTERVAL: Duration = Duration::from_secs(60);

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
}

impl ProbedDialect {
    /// Wraps `dialect`, which was opened with `options`.
    pub fn new(dialect: Arc<dyn Dialect>, options: &OpenOptions) -> Self {
        Self {
            peer: Arc::new(Peer {
                dialect,
                connect_timeout: options.connect_timeout,
                read_timeout: options.read_timeout,
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

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let connection = self.peer.connect().await?;
        Ok(Box::new(ProbedConnection {
            connection,
            peer: self.peer.clone(),
            timed_out: false,
        }))
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

    /// Whether the server responds to a second connection, even with an error.
    async fn is_alive(&self) -> bool {
        match self.connect().await {
            Ok(connection) => {
                // It responded; the result of closing does not matter.
                timeout(self.connect_timeout, connection.close()).await.ok();
                true
            }
            Err(error) => !matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout),
        }
    }

    /// Waits for `call`, probing the server while it takes long.
    async fn probe_while<T>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        tokio::pin!(call);
        let began = Instant::now();
        let mut probe_after = self.connect_timeout;
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
            let alive = tokio::select! {
                biased;
                answer = &mut call => return answer,
                alive = self.is_alive() => alive,
            };
            if alive {
                failed = 0;
                probe_after = (probe_after * 2).min(MAX_PROBE_INTERVAL);
                continue;
            }
            failed += 1;
            if failed >= FAILED_PROBES {
                let error = self.timed_out(what, began.elapsed());
                return Err(error.context("the server is unreachable"));
            }
            tracing::warn!(
                address,
                what,
                ?waited,
                "no response, and the server is unreachable; probing again"
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
            self.timed_out = true;
        }
        answer
    }
}

/// Calls the inner connection with timeout and probe.
macro_rules! probed {
    ($self:ident, $what:expr, $call:ident($($argument:expr),*)) => {{
        $self.check_usable()?;
        let answer = $self.peer.probe_while($what, $self.connection.$call($($argument),*)).await;
        $self.note_timeout(answer)
    }};
}

#[async_trait]
impl Connection for ProbedConnection {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        probed!(self, "listing tables", tables(schema))
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

    async fn query_fingerprint(&mut self, query: &str) -> Result<String> {
        probed!(self, "fingerprint of the query", query_fingerprint(query))
    }

    async fn visibility(&mut self) -> Result<Option<Visibility>> {
        probed!(self, "asking which rows are final", visibility())
    }

    async fn visibility_limits(&mut self, table: &Table, column: usize) -> Result<Vec<String>> {
        let what = "asking about the order of commits";
        probed!(self, what, visibility_limits(table, column))
    }

    async fn has_index(&mut self, table: &Table, column: usize) -> Result<Option<bool>> {
        probed!(self, "asking for indexes", has_index(table, column))
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

    async fn ping(&mut self) -> Result<()> {
        probed!(self, "ping", ping())
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        probed!(self, "checking privileges", check_access(table, access))
    }

    async fn granted(&mut self, table: &Table, access: Access) -> Result<Vec<usize>> {
        probed!(self, "checking privileges", granted(table, access))
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
        match peer
            .probe_while("a query", connection.query(statement, schema))
            .await
        {
            Ok(cursor) => Ok(Box::new(ProbedCursor {
                cursor,
                peer,
                timed_out,
            })),
            Err(error) => {
                *timed_out |= error.kind() == ErrorKind::Timeout;
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
    timed_out: &'a mut bool,
}

#[async_trait]
impl Cursor for ProbedCursor<'_> {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        let next = self.cursor.next(max_rows, max_bytes);
        let answer = self.peer.probe_while("rows of a query", next).await;
        if let Err(error) = &answer {
            *self.timed_out |= error.kind() == ErrorKind::Timeout;
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
