//! Connections that break, or fall silent, and databases that are reached another way.
use crate::harness::*;
use connect_api::{Disposition, ErrorKind, Polled, Value, config::Settings};
use std::{
    collections::BTreeSet,
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use test_support::Network;

/// The longest time from the return of a database to the next row.
const RESUMES: Duration = Duration::from_secs(10);
const ROWS: i64 = 2_000;

/// A server behind a proxy, and a table with rows from 1 on.
struct Server {
    /// The direct way to it.
    database: Database,
    /// Its URL with the address of the proxy.
    url: String,
    network: Network,
    table: String,
    /// The sessions of the test in the server's list of sessions.
    sessions: String,
}

impl Server {
    /// PostgreSQL, or a pooler before it, whose URL is in the environment variable `way`.
    async fn postgres(way: &str) -> Self {
        let database = Database::server("CONNECT_TEST_POSTGRES_URL");
        let (table, name) = (unique("outage"), unique("program"));
        for sql in [
            format!("CREATE TABLE {table} (id bigint PRIMARY KEY, note text)"),
            format!(
                "INSERT INTO {table} SELECT i, repeat('x', 100) FROM generate_series(1, {ROWS}) i"
            ),
        ] {
            database.execute(&sql).await;
        }
        let (network, url) = through_proxy(&Database::server(way).url);
        Self {
            url: format!("{url}?application_name={name}"),
            database,
            network,
            table,
            sessions: format!("pg_stat_activity WHERE application_name = '{name}'"),
        }
    }

    async fn pooler() -> Self {
        let mut server = Self::postgres("CONNECT_TEST_PGBOUNCER_URL").await;
        // The pooler keeps sessions open for others.
        server.sessions.push_str(" AND state <> 'idle'");
        server
    }

    async fn mariadb() -> Self {
        let database = Database::server("CONNECT_TEST_MYSQL_URL");
        let (table, name) = (unique("outage"), unique("user"));
        for sql in [
            format!("CREATE TABLE {table} (id bigint PRIMARY KEY, note text)"),
            format!("INSERT INTO {table} SELECT seq, repeat('x', 100) FROM seq_1_to_{ROWS}"),
            format!("CREATE USER {name} IDENTIFIED BY 'planted'"),
            format!("GRANT SELECT ON {table} TO {name}"),
            format!("GRANT PROCESS ON *.* TO {name}"),
        ] {
            database.execute(&sql).await;
        }
        let (network, url) = through_proxy(&database.url);
        let (_, place) = url.split_once('@').unwrap();
        Self {
            url: format!("mysql://{name}:planted@{place}"),
            database,
            network,
            table,
            sessions: format!("information_schema.PROCESSLIST WHERE USER = '{name}'"),
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = self.database.settings(&[
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("connection.attempts", "1"),
            ("batch.max.rows", "100"),
        ]);
        settings.set("connection.url", self.url.as_str());
        settings.set("table.whitelist", self.table.as_str());
        settings
    }

    /// The number of its sessions that the server has.
    async fn count_sessions(&self) -> i64 {
        let (view, sessions) = (unique("sessions"), &self.sessions);
        let create = format!("CREATE VIEW {view} AS SELECT 1 AS id, count(*) AS n FROM {sessions}");
        self.database.execute(&create).await;
        let count = self.database.values(&view).await.remove(0);
        self.database.execute(&format!("DROP VIEW {view}")).await;
        match count {
            (_, Value::Int(n)) => n,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the server has so many of them: it notices the end of a connection a little later.
    async fn wait_for_sessions(&self, expected: i64) {
        let until = Instant::now() + DEADLINE;
        loop {
            let sessions = self.count_sessions().await;
            if sessions == expected {
                return;
            }
            assert!(
                Instant::now() < until,
                "{sessions} sessions: {}",
                self.sessions
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn insert(&self, id: i64) {
        let insert = format!("INSERT INTO {} VALUES ({id}, 'new')", self.table);
        self.database.execute(&insert).await;
    }

    async fn drop(&self) {
        self.database
            .execute(&format!("DROP TABLE {}", self.table))
            .await;
    }
}

fn through_proxy(url: &str) -> (Network, String) {
    let address = url.split_once('@').unwrap().1.split('/').next().unwrap();
    let network = Network::before(address);
    let url = url.replace(address, &format!("127.0.0.1:{}", network.port()));
    (network, url)
}

/// Reads from the stored positions until there are no new rows, or the first error, which is one that the
/// runtime retries.
async fn read(settings: &Settings, store: &Arc<Store>, ids: &mut BTreeSet<i64>) -> bool {
    let retried = |error: connect_api::Error| {
        let report = error.report();
        assert_eq!(error.kind().disposition(), Disposition::Retry, "{report}");
        false
    };
    let mut run = match Run::try_start(settings, store).await {
        Ok(run) => run,
        Err(error) => return retried(error),
    };
    let complete = loop {
        match run.poll().await {
            Ok(Polled::Records(records)) => {
                store.keep(&records);
                ids.extend(numbers(&[records], "id"));
            }
            Ok(Polled::Idle(_)) => break true,
            Ok(Polled::Refused { .. } | Polled::Finished) => panic!("neither can be"),
            Err(error) => break retried(error),
        }
    };
    run.stop().await;
    complete
}

/// Cuts connections while they are opened, while tables are described, and in the middle of pages.
async fn survives_cuts(server: Server, restarts: u64) {
    let settings = server.settings();
    let (store, mut ids) = (Arc::default(), BTreeSet::new());
    let mut cut = 0;
    for restart in 0..restarts {
        // Most are cut early, which takes less time.
        let most = if restart % 4 == 0 { 24_000 } else { 4_000 };
        server.network.cut_after(500 + restart * 977 % most);
        cut += u64::from(!read(&settings, &store, &mut ids).await);
    }
    assert!(cut > restarts / 2, "{cut} connections were cut");
    server.network.cut_after(0);
    assert!(read(&settings, &store, &mut ids).await);
    assert!(ids.iter().copied().eq(1..=ROWS), "{} rows", ids.len());
    server.wait_for_sessions(0).await;
    server.drop().await;
}

#[tokio::test]
async fn a_hundred_cut_connections_lose_no_row_and_leave_no_session() {
    let (postgres, pooler, mariadb) = (
        Server::postgres("CONNECT_TEST_POSTGRES_URL").await,
        Server::pooler().await,
        Server::mariadb().await,
    );
    tokio::join!(
        survives_cuts(postgres, 100),
        survives_cuts(pooler, 20),
        survives_cuts(mariadb, 20)
    );
}

/// A firewall forgets the connection: the server is reachable, and never hears of the call.
async fn survives_silence(server: Server) {
    let mut settings = server.settings();
    settings.set("connection.timeout.ms", "4000");
    let (store, mut ids) = (Arc::default(), BTreeSet::new());
    let mut run = Run::start(&settings, &store).await;
    run.drain().await;
    server.insert(ROWS + 1).await;
    server.network.drop_packets(true);
    let silent = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.network.drop_packets(false);
        Instant::now()
    };
    let (polled, back) = tokio::join!(run.poll(), silent);
    let error = polled.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.report());
    run.stop().await;
    assert!(read(&settings, &store, &mut ids).await);
    assert!(ids.contains(&(ROWS + 1)));
    assert!(back.elapsed() < RESUMES * 2, "{:?}", back.elapsed());
    server.wait_for_sessions(0).await;
    server.drop().await;
}

#[tokio::test]
async fn a_connection_that_a_firewall_has_forgotten_is_replaced_within_seconds() {
    let (postgres, mariadb) = (
        Server::postgres("CONNECT_TEST_POSTGRES_URL").await,
        Server::mariadb().await,
    );
    tokio::join!(survives_silence(postgres), survives_silence(mariadb));
}

/// The first of two hosts goes away.
async fn survives_failover(server: Server) {
    let address = format!("127.0.0.1:{}", server.network.port());
    let place = server.database.url.split_once('@').unwrap().1;
    let other = Network::before(place.split('/').next().unwrap());
    let both = format!("{address},127.0.0.1:{}", other.port());
    let mut settings = server.settings();
    settings.set("connection.url", server.url.replace(&address, &both));
    let (store, mut ids) = (Arc::default(), BTreeSet::new());
    let mut run = Run::start(&settings, &store).await;
    run.drain().await;
    server.insert(ROWS + 1).await;
    server.network.refuse(true);
    assert_eq!(run.poll().await.unwrap_err().kind(), ErrorKind::Connect);
    run.stop().await;
    assert!(read(&settings, &store, &mut ids).await);
    assert!(ids.contains(&(ROWS + 1)));
    server.drop().await;
}

#[tokio::test]
async fn the_next_host_is_connected_to_when_the_first_is_gone() {
    survives_failover(Server::postgres("CONNECT_TEST_POSTGRES_URL").await).await;
    survives_failover(Server::mariadb().await).await;
}

/// What a task has read that begins again after errors, as the runtime has it.
#[derive(Default)]
struct Follower {
    ids: Mutex<BTreeSet<i64>>,
    errors: AtomicU64,
}

impl Follower {
    /// Reads for ever. Errors that pass are followed by pauses of 300 ms to 5 s, which is the default.
    async fn follow(&self, settings: &Settings) {
        let planned = connector().plan(settings, NonZeroU32::MIN).await.unwrap();
        let store = Arc::default();
        let mut pause = FIRST_PAUSE;
        loop {
            let before = self.rows();
            let error = self.read(&planned[0], &store).await;
            let report = error.report();
            assert_eq!(error.kind().disposition(), Disposition::Retry, "{report}");
            if self.rows() > before {
                pause = FIRST_PAUSE;
            }
            self.errors.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    async fn read(&self, planned: &Settings, store: &Arc<Store>) -> connect_api::Error {
        let mut run = match Run::try_start_planned(planned, store).await {
            Ok(run) => run,
            Err(error) => return error,
        };
        let error = loop {
            match run.poll().await {
                Ok(Polled::Records(records)) => {
                    store.keep(&records);
                    let ids = numbers(&[records], "id");
                    self.ids.lock().unwrap().extend(ids);
                }
                Ok(Polled::Idle(pause)) => tokio::time::sleep(pause).await,
                Ok(Polled::Refused { .. } | Polled::Finished) => panic!("neither can be"),
                Err(error) => break error,
            }
        };
        run.stop().await;
        error
    }

    fn rows(&self) -> usize {
        self.ids.lock().unwrap().len()
    }

    fn has_all_up_to(&self, last: i64) -> bool {
        self.ids.lock().unwrap().iter().copied().eq(1..=last)
    }

    async fn wait(&self, what: &str, limit: Duration, done: impl Fn(&Self) -> bool) {
        let until = Instant::now() + limit;
        while !done(self) {
            let (rows, errors) = (self.rows(), self.errors.load(Ordering::SeqCst));
            assert!(
                Instant::now() < until,
                "{what}: {rows} rows, {errors} errors"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn wait_for_errors(&self, what: &str, errors: u64) {
        let failed = |own: &Self| own.errors.load(Ordering::SeqCst) >= errors;
        self.wait(what, DEADLINE, failed).await;
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a database is away.
#[derive(Debug, Clone, Copy)]
enum Outage {
    /// It takes no connections, until so many tries have failed.
    Down(u64),
    /// Each connection is cut in the middle of a page, until so many were.
    Cuts(u64),
    /// Connections are taken, and nothing is answered.
    Hangs(Duration),
    /// The first of two hosts is gone for good.
    Failover,
}

/// Rows that are written while the database is away arrive soon after it is back.
async fn resumes(server: Server, outage: Outage) {
    let mut settings = server.database.settings(&[
        ("mode", "incrementing"),
        ("incrementing.column.name", "id"),
        ("poll.interval.ms", "50"),
        ("batch.max.rows", "100"),
    ]);
    let mut url = server.url.clone();
    let address = format!("127.0.0.1:{}", server.network.port());
    let place = server.database.url.split_once('@').unwrap().1;
    let other = Network::before(place.split('/').next().unwrap());
    match outage {
        Outage::Down(_) | Outage::Hangs(_) => {}
        Outage::Cuts(_) => server.network.cut_after(30_000),
        Outage::Failover => {
            let both = format!("{address},127.0.0.1:{}", other.port());
            url = url.replace(&address, &both);
        }
    }
    settings.set("connection.url", url);
    settings.set("table.whitelist", server.table.as_str());
    let what = format!(
        "{outage:?} {}",
        settings.get("connection.url").unwrap_or_default()
    );
    let follower = Follower::default();
    let script = async {
        let all = |own: &Follower| own.has_all_up_to(ROWS);
        match outage {
            Outage::Cuts(errors) => follower.wait_for_errors(&what, errors).await,
            _ => follower.wait(&what, DEADLINE, all).await,
        }
        let back = match outage {
            Outage::Down(errors) => {
                server.network.refuse(true);
                server.insert(ROWS + 1).await;
                follower.wait_for_errors(&what, errors).await;
                server.network.refuse(false);
                Instant::now()
            }
            Outage::Cuts(_) => {
                server.insert(ROWS + 1).await;
                server.network.cut_after(0);
                Instant::now()
            }
            Outage::Hangs(time) => {
                server.network.drop_packets(true);
                server.insert(ROWS + 1).await;
                tokio::time::sleep(time).await;
                server.network.drop_packets(false);
                Instant::now()
            }
            Outage::Failover => {
                server.insert(ROWS + 1).await;
                server.network.refuse(true);
                Instant::now()
            }
        };
        let all = |own: &Follower| own.has_all_up_to(ROWS + 1);
        follower.wait(&what, RESUMES, all).await;
        println!("{what}: read on after {:?}", back.elapsed());
    };
    tokio::select! {
        () = script => {}
        () = follower.follow(&settings) => {}
    }
    server.drop().await;
}

#[tokio::test]
async fn rows_arrive_within_ten_seconds_of_the_return_of_their_database() {
    let mut outages = tokio::task::JoinSet::new();
    for outage in [
        Outage::Down(3),
        Outage::Cuts(3),
        Outage::Hangs(Duration::from_secs(1)),
        // A second connection is being opened meanwhile, to see whether the server is there.
        Outage::Hangs(Duration::from_secs(6)),
        Outage::Failover,
    ] {
        let postgres = Server::postgres("CONNECT_TEST_POSTGRES_URL").await;
        outages.spawn(resumes(postgres, outage));
        outages.spawn(resumes(Server::mariadb().await, outage));
    }
    while let Some(resumed) = outages.join_next().await {
        resumed.unwrap();
    }
}

#[tokio::test]
async fn a_host_is_chosen_by_its_role() {
    for server in [
        Server::postgres("CONNECT_TEST_POSTGRES_URL").await,
        Server::mariadb().await,
    ] {
        let separator = if server.url.contains('?') { '&' } else { '?' };
        for (target, accepted) in [
            ("primary", true),
            ("prefer-standby", true),
            ("standby", false),
        ] {
            let mut settings = server.settings();
            let url = format!("{}{separator}target_session_attrs={target}", server.url);
            settings.set("connection.url", url);
            if accepted {
                assert!(read(&settings, &Arc::default(), &mut BTreeSet::new()).await);
                continue;
            }
            let report = refusal(&settings).await;
            assert!(report.contains("a standby is wanted"), "{report}");
        }
        server.drop().await;
    }
}

#[tokio::test]
async fn sessions_bear_the_names_of_connector_and_task() {
    let server = Server::postgres("CONNECT_TEST_POSTGRES_URL").await;
    let mut settings = server.settings();
    settings.set("connection.url", server.database.url.as_str());
    let run = Run::start(&settings, &Arc::default()).await;
    let named = Server {
        sessions: "pg_stat_activity WHERE application_name = 'rocketmq-connect test-0'".to_owned(),
        ..server
    };
    assert!(named.count_sessions().await >= 1);
    run.stop().await;
    named.drop().await;
}

#[tokio::test]
async fn a_statement_timeout_is_a_transient_error() {
    let server = Server::postgres("CONNECT_TEST_POSTGRES_URL").await;
    let mut settings = server.settings();
    settings.set("statement.timeout.ms", "50");
    settings.set("table.whitelist", "");
    settings.set("topic.prefix", server.table.as_str());
    settings.set(
        "query",
        format!(
            "SELECT id, pg_sleep(1)::text AS slept FROM {}",
            server.table
        ),
    );
    let mut run = Run::start(&settings, &Arc::default()).await;
    assert_eq!(run.poll().await.unwrap_err().kind(), ErrorKind::Timeout);
    run.stop().await;
    server.drop().await;
}
