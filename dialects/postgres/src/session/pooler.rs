//! Sessions behind a pooler that gives each transaction whichever of the server's is free, as
//! PgBouncer does in transaction mode: nothing is left in one that the next transaction would miss
//! or another client find. Statements are not kept prepared, settings are set in each transaction,
//! temporary tables live in one.
use crate::{
    bind::Raw,
    error_codes,
    options::Settings,
    plan::{Detail, statements::Values},
    session::{RowStream, Session},
    syntax::PostgresSyntax,
};
use connect_api::{ErrorKind, Result, Value};
use dialect_core::{Pooler, Syntax as _};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Either, Executor as _, PgConnection, Row as _,
    postgres::{PgArguments, PgConnectOptions, PgQueryResult, PgRow},
};
use std::{sync::Arc, task::Poll};
use tokio::sync::mpsc;

/// A setting that the server takes from whoever speaks to it directly; poolers refuse it, or keep
/// it to themselves.
const DIRECT: &str = "rocketmq_connect.direct";

/// How PgBouncer and its like refuse what a session is asked for with.
const REFUSED_PARAMETER: &str = "08P01";

/// Rows on their way from the query to the cursor.
const ROWS: usize = 256;

/// Opens a session; the text that begins each of its transactions where a pooler stands before the
/// server.
///
/// # Errors
/// As the driver reports them.
pub(crate) async fn open(
    settings: &Settings,
    driver: &PgConnectOptions,
    what: &str,
) -> Result<(PgConnection, Option<Arc<str>>)> {
    let connect = async |driver: &PgConnectOptions| {
        let session = driver.connect().await;
        session.map_err(|e| error_codes::error(what, e))
    };
    match settings.pooler {
        Pooler::None => return Ok((connect(driver).await?, None)),
        Pooler::Transaction => return Ok((connect(driver).await?, Some(begin(settings)))),
        Pooler::Detect => {}
    }
    let asking = driver.clone().options([(DIRECT, "on")]);
    let mut session = match connect(&asking).await {
        Err(e) if e.code() == Some(REFUSED_PARAMETER) => {
            return Ok((connect(driver).await?, Some(begin(settings))));
        }
        session => session?,
    };
    let asked = format!("SELECT pg_catalog.current_setting('{DIRECT}', true)");
    let row = session.fetch_one(sqlx::raw_sql(AssertSqlSafe(asked))).await;
    let row = row.map_err(|e| error_codes::error(what, e))?;
    let direct: Option<&str> = row
        .try_get_unchecked(0)
        .map_err(|e| error_codes::error(what, e))?;
    Ok(match direct {
        Some("on") => (session, None),
        _ => (session, Some(begin(settings))),
    })
}

/// What is set in each transaction. What is about the server's session stays as it is: that is not
/// ours.
fn begin(settings: &Settings) -> Arc<str> {
    let kept = ["idle_session_timeout", "tcp_keepalives_idle"];
    let ours = settings.session.iter();
    let ours = ours.filter(|(name, _)| !kept.contains(name));
    let ours = ours.map(|(name, value)| match *name {
        // The default is that of the next transactions.
        "default_transaction_read_only" => ("transaction_read_only", value.as_str()),
        name => (name, value.as_str()),
    });
    let wanted = settings.wanted.iter();
    let wanted = wanted.map(|(name, value)| (name.as_str(), value.as_str()));
    let mut sql = "BEGIN; SELECT ".to_owned();
    for (i, (name, value)) in ours.chain(wanted).enumerate() {
        if i > 0 {
            sql.push_str(", ");
        }
        sql.push_str(&set_local(name, value));
    }
    sql.into()
}

/// Sets a parameter for one transaction.
pub(crate) fn set_local(name: &str, value: &str) -> String {
    let literal = |text: &str| {
        let literal = PostgresSyntax.literal(&Value::Text(text.into()));
        literal.unwrap_or_else(|| "''".to_owned())
    };
    format!(
        "pg_catalog.set_config({}, {}, true)",
        literal(name),
        literal(value)
    )
}

impl Session {
    /// Statements are kept prepared.
    pub(crate) fn keeps_statements(&self) -> bool {
        self.pooled.is_none()
    }

    /// Begins a transaction for one call where a pooler would give each statement another session;
    /// whether it did.
    pub(crate) async fn enter(&mut self) -> Result<bool> {
        if self.pooled.is_none() || self.open {
            return Ok(false);
        }
        self.begin_now().await?;
        Ok(true)
    }

    /// Ends the call's own transaction, if it is one.
    pub(crate) async fn leave<T>(&mut self, own: bool, outcome: Result<T>) -> Result<T> {
        if !own {
            return self.noted(outcome);
        }
        match outcome {
            Ok(done) => self.end("COMMIT", true).await.map(|()| done),
            Err(first) => match self.end("ROLLBACK", false).await {
                // What broke the call has broken the connection.
                Err(second) if second.kind() == ErrorKind::Connect => Err(second),
                _ => Err(first),
            },
        }
    }

    pub(crate) async fn begin_now(&mut self) -> Result<()> {
        let begun = match self.pooled.clone() {
            None => self.run("BEGIN").await,
            Some(sql) => {
                let begun = self.driver.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
                begun
                    .map(|_| ())
                    .map_err(|e| error_codes::error("beginning a transaction", e))
            }
        };
        if let Err(e) = begun {
            if self.pooled.is_some() && e.kind() != ErrorKind::Connect {
                self.run("ROLLBACK").await?;
            }
            return Err(e);
        }
        (self.open, self.health.failed) = (true, false);
        Ok(())
    }

    /// Has the driver ask for the types of a plan's values that it does not know, which it would do
    /// when it is too late: see [`is_gone`].
    pub(crate) async fn know_types(&mut self, detail: &Detail) -> Result<()> {
        if self.pooled.is_none() {
            return Ok(());
        }
        let oids = detail.targets.iter().map(|target| match detail.values {
            Values::Arrays(_) => target.array_oid(),
            Values::Lists { .. } => target.oid(),
        });
        let mut new: Vec<u32> = oids.filter(|oid| !self.known.contains(oid)).collect();
        new.sort_unstable();
        new.dedup();
        if new.is_empty() {
            return Ok(());
        }
        let mut arguments = PgArguments::default();
        for oid in &new {
            Raw::new(*oid, None).add_to(&mut arguments)?;
        }
        let nulls: Vec<_> = (1..=new.len()).map(|n| format!("${n} IS NULL")).collect();
        let sql = format!("SELECT 1 WHERE {}", nulls.join(" AND "));
        self.run("SAVEPOINT connect_types").await?;
        let asked = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false);
        match asked.execute(&mut self.driver).await {
            Err(e) if !is_gone(&e) => return Err(error_codes::error("asking for types", e)),
            _ => {}
        }
        self.run("ROLLBACK TO SAVEPOINT connect_types; RELEASE SAVEPOINT connect_types")
            .await?;
        self.known.extend(new);
        Ok(())
    }

    /// Ends the transaction.
    pub(crate) async fn end(&mut self, sql: &'static str, committed: bool) -> Result<()> {
        let outcome = self.run(sql).await;
        self.ended(committed && outcome.is_ok());
        outcome
    }
}

/// The statement without a name is gone: the driver asks for types that it does not know between
/// preparing and running it, and knows them from then on.
pub(crate) fn is_gone(cause: &sqlx::Error) -> bool {
    let code = cause.as_database_error().and_then(|e| e.code());
    code.as_deref() == Some("26000")
}

/// The rows of a query, and the end of its transaction behind the last where it has one of its own:
/// `begin` is what begins that.
pub(crate) fn rows<'a>(
    driver: &'a mut PgConnection,
    sql: &'a str,
    arguments: PgArguments,
    begin: Option<Arc<str>>,
) -> RowStream<'a> {
    let (sender, mut receiver) = mpsc::channel(ROWS);
    let mut reading = async move {
        if let Err(e) = read(driver, sql, arguments, begin, &sender).await {
            // Nobody hears of it who does not listen any more.
            let _unheard = sender.send(Err(e)).await;
        }
    }
    .boxed();
    let mut read = false;
    stream::poll_fn(move |cx| {
        loop {
            if let Poll::Ready(row) = receiver.poll_recv(cx) {
                return Poll::Ready(row);
            }
            if read || reading.as_mut().poll(cx).is_pending() {
                // Rows may have come while it was polled.
                return receiver.poll_recv(cx);
            }
            read = true;
        }
    })
    .boxed()
}

type Row = sqlx::Result<Either<PgQueryResult, PgRow>>;

async fn read(
    driver: &mut PgConnection,
    sql: &str,
    arguments: PgArguments,
    begin: Option<Arc<str>>,
    sender: &mpsc::Sender<Row>,
) -> sqlx::Result<()> {
    if begin.is_none() {
        run(driver, "SAVEPOINT connect_read").await?;
    }
    let again = arguments.clone();
    match read_once(driver, sql, arguments, sender).await {
        Err(e) if is_gone(&e) => {
            match &begin {
                Some(begin) => {
                    run(driver, "ROLLBACK").await?;
                    run(driver, begin).await?;
                }
                None => run(driver, "ROLLBACK TO SAVEPOINT connect_read").await?,
            }
            read_once(driver, sql, again, sender).await?;
        }
        first => first?,
    }
    let end = match begin {
        Some(_) => "COMMIT",
        None => "RELEASE SAVEPOINT connect_read",
    };
    run(driver, end).await
}

async fn run(driver: &mut PgConnection, sql: &str) -> sqlx::Result<()> {
    driver.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

async fn read_once(
    driver: &mut PgConnection,
    sql: &str,
    arguments: PgArguments,
    sender: &mpsc::Sender<Row>,
) -> sqlx::Result<()> {
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false);
    let mut rows = driver.fetch_many(query);
    while let Some(row) = rows.try_next().await? {
        if sender.send(Ok(row)).await.is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialect_core::{Address, OpenOptions};
    use std::time::Duration;

    #[test]
    fn each_transaction_sets_what_a_session_would_have_set() {
        let options = OpenOptions {
            statement_timeout: Some(Duration::from_millis(1_500)),
            idle_timeout: Some(Duration::from_secs(60)),
            keep_alive: Some(Duration::from_secs(30)),
            read_only: true,
            session: vec![("search_path".to_owned(), "it's,public".to_owned())],
            ..OpenOptions::default()
        };
        let address = Address::parse("postgres://u@h/d", &options).unwrap();
        let settings = Settings::read(&address, &options).unwrap();
        let set =
            |name: &str, value: &str| format!("pg_catalog.set_config('{name}', '{value}', true)");
        let expected = [
            set("intervalstyle", "iso_8601"),
            set("extra_float_digits", "2"),
            set("statement_timeout", "1500ms"),
            set("idle_in_transaction_session_timeout", "60000ms"),
            set("transaction_read_only", "on"),
            set("search_path", "it''s,public"),
        ];
        assert_eq!(
            &*begin(&settings),
            format!("BEGIN; SELECT {}", expected.join(", "))
        );
    }
}
