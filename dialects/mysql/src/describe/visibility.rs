//! Which rows may still be those of open transactions.
//!
//! InnoDB shows a copy of the list of its transactions, which it renews only where nobody has read it
//! for 100 ms (MySQL Reference Manual, "Persistence and Consistency of InnoDB Transaction and Locking
//! Information"): who reads it more often sees the same copy for ever. So the process reads it seldom,
//! for all connections to a server, and only takes a copy that shows the query that asks for it.
use crate::{
    catalog::{
        self,
        rows::{optional, text},
    },
    describe::engines,
    error_codes::statement_error as error,
    server::Server,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Replica, RunningTransactions, Table, Transaction, Visibility};
use sqlx::{AssertSqlSafe, Column as _, Executor as _, MySqlConnection, Row as _};
use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// From here on, numbers of MySQL stand for transactions that have changed nothing.
const NO_CHANGES: u64 = 1 << 48;
/// The pause between two reads, so that other readers find one too; after a copy that was not renewed,
/// twice as long, up to the second.
const PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// Some ten seconds.
const MAX_READS: u32 = 10;

/// The last list of a server.
#[derive(Default)]
struct Shared {
    list: Option<RunningTransactions>,
    /// When it was read last, whatever was shown.
    read: Option<Instant>,
    pause: Duration,
}

/// Of each server and user.
static SERVERS: LazyLock<std::sync::Mutex<HashMap<String, Arc<Mutex<Shared>>>>> =
    LazyLock::new(Default::default);
/// Makes queries differ from each other.
static QUERIES: AtomicU64 = AtomicU64::new(0);

/// The running transactions of InnoDB; `None` where the user may not see them, and on replicas, where
/// those of the primary are missing.
pub(crate) async fn visibility(
    driver: &mut MySqlConnection,
    server: &Server,
) -> Result<Option<Visibility>> {
    if server.replica {
        return Ok(None);
    }
    let shared = {
        let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        servers.entry(server.identity.clone()).or_default().clone()
    };
    let mut shared = shared.lock().await;
    for _ in 0..MAX_READS {
        let wait = match shared.read {
            Some(read) => shared.pause.saturating_sub(read.elapsed()),
            None => Duration::ZERO,
        };
        if let Some(list) = shared.list.as_ref().filter(|_| !wait.is_zero()) {
            return Ok(Some(Visibility::Transactions(list.clone())));
        }
        tokio::time::sleep(wait).await;
        let Some((list, is_new)) = read(driver).await? else {
            return Ok(None);
        };
        shared.read = Some(Instant::now());
        shared.pause = match is_new {
            true => PAUSE,
            false => (shared.pause * 2).clamp(PAUSE, MAX_PAUSE),
        };
        if is_new {
            shared.list = Some(list);
        }
    }
    tracing::warn!(
        "the server does not renew INNODB_TRX, because others read it all the time, or a proxy changes \
         the query that asks for it"
    );
    Ok(None)
}

/// What the list does not cover of rows of each of these tables.
pub(crate) async fn limits(
    driver: &mut MySqlConnection,
    server: &Server,
    columns: &[(&Table, usize)],
) -> Result<Vec<Vec<String>>> {
    // Other engines without transactions show each row at once.
    let covered = ["InnoDB", "MyISAM", "Aria", "MEMORY", "CSV", "ARCHIVE"];
    let is_other = |engine: &String| !covered.iter().any(|c| c.eq_ignore_ascii_case(engine));
    let names: Vec<_> = columns
        .iter()
        .map(|(table, _)| table.name.clone())
        .collect();
    let engines = engines(driver, server, &names).await?.into_iter();
    let limits = engines.map(|engine| {
        let limit = engine.filter(is_other).map(|engine| {
            format!("the transactions of its engine {engine} are not among those that InnoDB shows")
        });
        Vec::from_iter(limit)
    });
    Ok(limits.collect())
}

/// Whether the server follows the changes of another, and how far it is behind; `None` where the user may
/// not see that of a server that can be written to.
pub(crate) async fn replica(
    driver: &mut MySqlConnection,
    server: &Server,
) -> Result<Option<Replica>> {
    let what = "ask whether the server is a replica";
    let rows = driver
        .fetch_all(sqlx::raw_sql(server.replica_status()))
        .await;
    let rows = match rows.map_err(|e| error(what, e)) {
        Ok(rows) => rows,
        Err(e) => match e.kind() {
            ErrorKind::Auth | ErrorKind::Schema | ErrorKind::Unsupported => Vec::new(),
            _ => return Err(e),
        },
    };
    if rows.is_empty() && !server.replica {
        return Ok(None);
    }
    // One row for each server that it follows.
    let mut lag = None;
    for row in &rows {
        for name in ["Seconds_Behind_Source", "Seconds_Behind_Master"] {
            let index = row
                .columns()
                .iter()
                .position(|column| column.name() == name);
            let Some(index) = index else {
                continue;
            };
            let seconds = optional(row, index).map_err(|e| error(what, e))?;
            lag = lag.max(seconds.and_then(|seconds| seconds.parse().ok()));
        }
    }
    Ok(Some(Replica {
        lag: lag.map(Duration::from_secs),
    }))
}

/// The list that the server shows, and whether it is new.
async fn read(driver: &mut MySqlConnection) -> Result<Option<(RunningTransactions, bool)>> {
    let what = "ask for running transactions";
    let asked = Instant::now();
    let number = QUERIES.fetch_add(1, Ordering::Relaxed);
    let mark = format!("/* {}.{number} */", std::process::id());
    let query = format!("SELECT {mark} {}", catalog::RUNNING_TRANSACTIONS);
    // In a transaction, so that this session is in the list.
    driver
        .execute(sqlx::raw_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT"))
        .await
        .map_err(|e| error(what, e))?;
    let rows = driver.fetch_all(sqlx::raw_sql(AssertSqlSafe(query))).await;
    let ended = driver.execute(sqlx::raw_sql("COMMIT")).await;
    let rows = match rows {
        Ok(rows) => rows,
        Err(e) => {
            let e = error(what, e);
            // Servers that only speak MySQL's protocol may have no such table.
            return match e.kind() {
                ErrorKind::Auth | ErrorKind::Schema | ErrorKind::Unsupported => Ok(None),
                _ => Err(e),
            };
        }
    };
    ended.map_err(|e| error(what, e))?;
    let (mut open, mut is_new) = (Vec::new(), false);
    for row in &rows {
        if let Some(own) = optional(row, 3).map_err(|e| error(what, e))? {
            is_new |= own.contains(&mark);
            continue;
        }
        let number = |column| -> Result<u64> {
            let text = text(row, column).map_err(|e| error(what, e))?;
            let parsed = text.parse::<u64>();
            parsed.map_err(|e| Error::new(ErrorKind::Internal, what).with_source(e))
        };
        open.push(Transaction {
            session: number(0)?,
            began: number(1)?,
            number: Some(number(2)?).filter(|number| (1..NO_CHANGES).contains(number)),
        });
    }
    let list = RunningTransactions {
        open,
        prepared: Vec::new(),
        asked,
    };
    Ok(Some((list, is_new)))
}
