//! Where the servers are.
use benches::usage::Usage;
use connect_api::{Error, ErrorKind, Result};
use connect_transport::rocketmq::{RocketMq, RocketMqOptions};
use dialects::{Dialect, OpenOptions};
use std::{env, fs, path::Path, sync::Arc, time::Duration};

/// A database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Postgres,
    Mariadb,
}

impl Database {
    /// Its URL.
    ///
    /// # Errors
    /// `Config`: the environment does not say.
    pub(crate) fn url(self) -> Result<String> {
        address(match self {
            Self::Postgres => "CONNECT_TEST_POSTGRES_URL",
            Self::Mariadb => "CONNECT_TEST_MYSQL_URL",
        })
    }

    pub(crate) fn dialect(self) -> Result<Arc<dyn Dialect>> {
        dialects::open(&self.url()?, &OpenOptions::default())
    }
}

/// The URL of the SQLite database in `file`, which is made where it is not there.
pub(crate) fn sqlite_url(file: &Path) -> String {
    format!("sqlite:{}?mode=rwc", file.display())
}

/// The SQLite database in `file`.
///
/// # Errors
/// `Config`: the file's name has no place in a URL.
pub(crate) fn sqlite(file: &Path) -> Result<Arc<dyn Dialect>> {
    dialects::open(&sqlite_url(file), &OpenOptions::default())
}

/// The name server of RocketMQ.
///
/// # Errors
/// `Config`: the environment does not say.
pub(crate) fn name_server() -> Result<String> {
    address("CONNECT_TEST_ROCKETMQ")
}

/// The RocketMQ cluster.
///
/// # Errors
/// `Config`: the environment does not say where. Else as [`RocketMq::connect`].
pub(crate) async fn rocketmq() -> Result<Arc<RocketMq>> {
    RocketMq::connect(RocketMqOptions::new(&name_server()?)).await
}

/// CPU time of the broker since it began; `None` where the environment does not say which process
/// it is.
pub(crate) fn broker_cpu() -> Option<Duration> {
    let file = env::var_os("CONNECT_TEST_ROCKETMQ_PID_FILE")?;
    let pid = fs::read_to_string(file).ok()?;
    let pid = pid.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Usage::of(pid).ok()?.cpu)
}

fn address(variable: &str) -> Result<String> {
    env::var(variable).map_err(|e| {
        let text = format!(
            "{variable} is not set; run scripts/bench, or: eval \"$(scripts/services env)\""
        );
        Error::new(ErrorKind::Config, text).with_source(e)
    })
}
