//! Connections that end their waits by our own clock.
//!
//! A network that swallows packets says nothing: a driver would wait for ever. A long query says
//! nothing either, for minutes. So, when an answer is long in coming, the server is asked over a
//! second connection whether it can be reached; the wait ends where it cannot, and at the latest
//! after the read timeout.
use crate::{
    connection::{Access, Connection, Cursor},
    dialect::{Capabilities, Dialect},
    grain::Grain,
    options::OpenOptions,
    plan::{WritePlan, WriteRequest},
    query::{Page, Statement},
    slice::{Slice, Visibility},
    syntax::Syntax,
    table::{Column, Table, TableName, TableType},
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

/// Pause after the server could not be reached, before it is tried once more.
const PAUSE: Duration = Duration::from_secs(1);
/// Tries in a row that must fail: one may meet a server that is just starting.
const TRIES: u32 = 2;
/// Longest time between two questions whether the server can be reached.
const MAX_PATIENCE: Duration = Duration::from_secs(60);

/// A dialect whose connections end their waits by our own clock. What is added to [`Dialect`],
/// [`Connection`] and [`Cursor`] is passed on here.
#[derive(Debug)]
pub struct Watched {
    peer: Arc<Peer>,
}

/// The database, as one asks whether it is there.
#[derive(Debug)]
struct Peer {
    dialect: Arc<dyn Dialect>,
    connect_timeout: Duration,
    read_timeout: Duration,
}

impl Watched {
    /// Watches the connections of `dialect`, which was opened with `options`.
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
impl Dialect for Watched {
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

    fn grain(&self, column: &Column) -> Grain {
        self.peer.dialect.grain(column)
    }

    fn is_already_there(&self, error: &Error) -> bool {
        self.peer.dialect.is_already_there(error)
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let connection = self.peer.connect().await?;
        Ok(Box::new(WatchedConnection {
            connection,
            peer: self.peer.clone(),
            silent: false,
        }))
    }
}

impl Peer {
    /// Connects, within the time that the dialect has for it and a little more: hosts are tried
    /// one after the other, and each has the time to itself.
    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let hosts = self.dialect.address().matches(',').count() + 1;
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        let limit = self.connect_timeout.saturating_mul(hosts) + PAUSE;
        match timeout(limit, self.dialect.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(self.silent("connecting", limit)),
        }
    }

    fn silent(&self, what: &str, waited: Duration) -> Error {
        let address = self.dialect.address();
        let seconds = waited.as_secs_f32();
        Error::new(
            ErrorKind::Timeout,
            format!("{what}: no answer of {address} in {seconds:.0} s"),
        )
    }

    /// Whether the server answers a second connection, whatever it says.
    async fn is_there(&self) -> bool {
        match self.connect().await {
            Ok(connection) => {
                // It answered: how the connection ends is of no account.
                timeout(self.connect_timeout, connection.close()).await.ok();
                true
            }
            Err(error) => !matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout),
        }
    }

    /// Waits for `call`.
    async fn watch<T>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        tokio::pin!(call);
        let began = Instant::now();
        let mut patience = self.connect_timeout;
        let mut failed = 0;
        loop {
            let left = self.read_timeout.saturating_sub(began.elapsed());
            if let Ok(answer) = timeout(patience.min(left), &mut call).await {
                return answer;
            }
            let waited = began.elapsed();
            if waited >= self.read_timeout {
                let error = self.silent(what, waited);
                return Err(error.context("connection.read.timeout.ms"));
            }
            let address = self.dialect.address();
            tracing::debug!(
                address,
                what,
                ?waited,
                "no answer yet; is the server there?"
            );
            let there = tokio::select! {
                biased;
                answer = &mut call => return answer,
                there = self.is_there() => there,
            };
            if there {
                failed = 0;
                patience = (patience * 2).min(MAX_PATIENCE);
                continue;
            }
            failed += 1;
            if failed >= TRIES {
                let error = self.silent(what, began.elapsed());
                return Err(error.context("the server can no longer be reached"));
            }
            tracing::warn!(
                address,
                what,
                ?waited,
                "no answer, and the server cannot be reached"
            );
            tokio::select! {
                biased;
                answer = &mut call => return answer,
                () = sleep(PAUSE) => patience = PAUSE,
            }
        }
    }
}

struct WatchedConnection {
    connection: Box<dyn Connection>,
    peer: Arc<Peer>,
    /// A wait was given up: an answer may still come, and would be taken for another's.
    silent: bool,
}

impl WatchedConnection {
    fn given_up(&self) -> Result<()> {
        if !self.silent {
            return Ok(());
        }
        let address = self.peer.dialect.address();
        Err(Error::new(
            ErrorKind::Connect,
            format!("the connection to {address} was given up after a wait without answer"),
        ))
    }

    /// Remembers a wait that was given up.
    fn heed<T>(&mut self, answer: Result<T>) -> Result<T> {
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Timeout
        {
            self.silent = true;
        }
        answer
    }
}

/// Calls the connection underneath, watched.
macro_rules! watched {
    ($self:ident, $what:expr, $call:ident($($argument:expr),*)) => {{
        $self.given_up()?;
        let answer = $self.peer.watch($what, $self.connection.$call($($argument),*)).await;
        $self.heed(answer)
    }};
}

#[async_trait]
impl Connection for WatchedConnection {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        watched!(self, "listing tables", tables(schema))
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        let what = format!("describing {name}");
        watched!(self, &what, describe(name))
    }

    async fn describe_all(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        watched!(self, "describing tables", describe_all(names))
    }

    async fn describe_query(&mut self, query: &str) -> Result<Table> {
        watched!(self, "describing the query", describe_query(query))
    }

    async fn fingerprint(&mut self, name: &TableName) -> Result<Option<String>> {
        let what = format!("looking at the columns of {name}");
        watched!(self, &what, fingerprint(name))
    }

    async fn query_fingerprint(&mut self, query: &str) -> Result<String> {
        watched!(
            self,
            "looking at the query's columns",
            query_fingerprint(query)
        )
    }

    async fn visibility(&mut self) -> Result<Option<Visibility>> {
        watched!(self, "asking which rows are final", visibility())
    }

    async fn time_zone(&mut self) -> Result<Option<String>> {
        watched!(self, "asking for the time zone", time_zone())
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Slice>> {
        watched!(self, "splitting a table", split(syntax, page, parts))
    }

    async fn ping(&mut self) -> Result<()> {
        watched!(self, "ping", ping())
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        watched!(self, "checking privileges", check_access(table, access))
    }

    async fn granted(&mut self, table: &Table, access: Access) -> Result<Vec<usize>> {
        watched!(self, "asking for privileges", granted(table, access))
    }

    async fn try_out(&mut self, plan: &WritePlan) -> Result<()> {
        watched!(self, "trying a write out", try_out(plan))
    }

    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>> {
        self.given_up()?;
        let Self {
            connection,
            peer,
            silent,
        } = self;
        match peer
            .watch("a query", connection.query(statement, schema))
            .await
        {
            Ok(cursor) => Ok(Box::new(WatchedCursor {
                cursor,
                peer,
                silent,
            })),
            Err(error) => {
                *silent |= error.kind() == ErrorKind::Timeout;
                Err(error)
            }
        }
    }

    async fn execute(&mut self, sql: &str) -> Result<u64> {
        watched!(self, "a statement", execute(sql))
    }

    async fn begin(&mut self) -> Result<()> {
        watched!(self, "begin", begin())
    }

    async fn commit(&mut self) -> Result<()> {
        watched!(self, "commit", commit())
    }

    async fn rollback(&mut self) -> Result<()> {
        watched!(self, "rollback", rollback())
    }

    async fn savepoint(&mut self) -> Result<()> {
        watched!(self, "savepoint", savepoint())
    }

    async fn rollback_to_savepoint(&mut self) -> Result<()> {
        watched!(self, "rollback to savepoint", rollback_to_savepoint())
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        watched!(self, "writing rows", write(plan, records, rows))
    }

    async fn close(self: Box<Self>) -> Result<()> {
        let Self {
            connection,
            peer,
            silent,
        } = *self;
        if silent {
            return Ok(());
        }
        match timeout(peer.connect_timeout, connection.close()).await {
            Ok(closed) => closed,
            Err(_) => Err(peer.silent("closing", peer.connect_timeout)),
        }
    }
}

struct WatchedCursor<'a> {
    cursor: Box<dyn Cursor + 'a>,
    peer: &'a Peer,
    silent: &'a mut bool,
}

#[async_trait]
impl Cursor for WatchedCursor<'_> {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        let next = self.cursor.next(max_rows, max_bytes);
        let answer = self.peer.watch("rows of a query", next).await;
        if let Err(error) = &answer {
            *self.silent |= error.kind() == ErrorKind::Timeout;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    /// A method with a default that is not passed on would be answered by the default, whatever the
    /// dialect says.
    #[test]
    fn every_method_of_a_dialect_and_its_connections_is_passed_on() {
        let methods = |text: &'static str| {
            text.lines()
                .filter_map(|line| line.strip_prefix("    "))
                .filter_map(|line| {
                    let line = line.strip_prefix("async ").unwrap_or(line);
                    line.strip_prefix("fn ")?.split(['(', '<']).next()
                })
        };
        let passed: Vec<_> = methods(include_str!("watched.rs")).collect();
        for text in [include_str!("connection.rs"), include_str!("dialect.rs")] {
            for method in methods(text) {
                assert!(passed.contains(&method), "{method} is not passed on");
            }
        }
    }
}
