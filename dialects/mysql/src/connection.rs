//! A connection: the driver's, told how to behave.
use crate::{
    catalog,
    cell::Bound,
    cursor::MySqlCursor,
    plan::Detail,
    refusal::{error, own, statement_error},
    server::Server,
    settings::Settings,
    syntax::MySqlSyntax,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef};
use dialect_core::{
    Access, Connection, Cursor, Host, Misfit, Page, Slice, Statement, Syntax, Table, TableName,
    TableType, WriteOp, WritePlan, by_quantiles,
};
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    SqlSafeStr as _, SqlStr,
    mysql::{MySqlArguments, MySqlConnection},
};
use std::{num::NonZeroU32, ops::Range};

/// What every session is set to, beside what the driver sets (`time_zone = '+00:00'`, character
/// set utf8mb4).
///
/// - The modes are all set, none is left to the server: nothing is cut or replaced silently
///   (`STRICT_…`), a 0 in an AUTO_INCREMENT column stays a 0, `"` quotes text, `||` is OR.
/// - A read that waits for its sink is not broken off after a minute.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,\
    NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,\
    NO_ENGINE_SUBSTITUTION', net_write_timeout = 3600";

/// A connection to a MySQL or MariaDB server.
pub(crate) struct MySqlConnect {
    driver: MySqlConnection,
    server: Server,
    tinyint1_is_bool: bool,
    in_transaction: bool,
}

/// The one place where text becomes SQL: it comes from [`MySqlSyntax`], which quotes every name,
/// and values are bound.
fn sql(text: &str) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}

impl MySqlConnect {
    /// Connects; `address` and the user are for messages.
    pub(crate) async fn open(settings: &Settings, host: &Host, address: &str) -> Result<Self> {
        let user = settings.driver.get_username();
        let what = format!("connect to {address} as user `{user}`");
        let connect = async {
            let mut driver = settings.of(host).connect().await?;
            driver.execute(sqlx::raw_sql(SESSION)).await?;
            let row = driver
                .fetch_one(sqlx::raw_sql("SELECT VERSION(), @@max_allowed_packet"))
                .await?;
            let text = |i: usize| -> Result<String, sqlx::Error> {
                let bytes: &[u8] = row.try_get_unchecked(i)?;
                Ok(String::from_utf8_lossy(bytes).into_owned())
            };
            let packet = text(1)?.parse().unwrap_or(1 << 20);
            Ok::<_, sqlx::Error>((driver, Server::new(&text(0)?, packet)))
        };
        let (driver, server) = tokio::time::timeout(settings.connect_timeout, connect)
            .await
            .map_err(|e| {
                let seconds = settings.connect_timeout.as_secs_f32();
                let message = format!("{what}: no answer in {seconds} s");
                Error::new(ErrorKind::Timeout, message).with_source(e)
            })?
            .map_err(|e| error(&what, e))?;
        tracing::debug!(address, %server, "connected");
        Ok(Self {
            driver,
            server,
            tinyint1_is_bool: settings.tinyint1_is_bool,
            in_transaction: false,
        })
    }

    /// Runs a statement of no results as text, not prepared.
    async fn run(&mut self, text: &str) -> Result<u64> {
        let done = self
            .driver
            .execute(sqlx::raw_sql(sql(text)))
            .await
            .map_err(|e| statement_error(shortened(text), e))?;
        Ok(done.rows_affected())
    }

    async fn write_statements(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        statements: &[Range<usize>],
    ) -> Result<u64> {
        let detail = Detail::of(plan)?;
        let mut written = 0;
        let mut rest = statements.iter();
        let mut next = match rest.next() {
            Some(rows) => Some((rows, detail.arguments(plan, records, rows.clone())?)),
            None => None,
        };
        while let Some((rows, arguments)) = next {
            let text = detail.text(plan, rows.len(), &self.server)?;
            let query = sqlx::query_with(AssertSqlSafe(text), arguments);
            // The values of the next statement are encoded while the server works on this one.
            let encode = async {
                rest.next().map(|rows| {
                    let arguments = detail.arguments(plan, records, rows.clone())?;
                    Ok::<_, Error>((rows, arguments))
                })
            };
            let (done, encoded) = tokio::join!(self.driver.execute(query), encode);
            let done = done.map_err(|e| error(verb(plan), e))?;
            // An upsert counts 2 for a row that it changes.
            written += match plan.op {
                WriteOp::Insert | WriteOp::Upsert => rows.len() as u64,
                WriteOp::InsertIgnore | WriteOp::Update | WriteOp::Delete => done.rows_affected(),
            };
            next = encoded.transpose()?;
        }
        Ok(written)
    }
}

/// What a write does, for messages.
fn verb(plan: &WritePlan) -> String {
    let verb = match plan.op {
        WriteOp::Insert | WriteOp::InsertIgnore => "insert into",
        WriteOp::Upsert => "upsert into",
        WriteOp::Update => "update",
        WriteOp::Delete => "delete from",
    };
    format!("{verb} table {}", plan.table.name)
}

/// The beginning of a statement, for messages.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[async_trait]
impl Connection for MySqlConnect {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        catalog::tables(&mut self.driver, schema).await
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        catalog::describe(&mut self.driver, &self.server, name, self.tinyint1_is_bool).await
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Slice>> {
        by_quantiles(self, syntax, page, parts).await
    }

    // Servers check privileges when a statement is prepared, so it is not run.
    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        let text = access_sql(table, access)?;
        self.driver
            .prepare(sql(&text))
            .await
            .map_err(|e| error(format_args!("access to table {}", table.name), e))?;
        Ok(())
    }

    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>> {
        let mut arguments = MySqlArguments::default();
        for param in &statement.params {
            arguments
                .add(Bound(param))
                .map_err(|e| match e.downcast::<Misfit>() {
                    Ok(misfit) => misfit.at(schema.name(), "of the key"),
                    Err(e) => own("bind a value of the key", e),
                })?;
        }
        let query = sqlx::query_with(sql(&statement.sql), arguments);
        let rows = query.fetch(&mut self.driver);
        Ok(Box::new(MySqlCursor::new(rows, schema)?))
    }

    async fn execute(&mut self, sql: &str) -> Result<u64> {
        self.run(sql).await
    }

    async fn begin(&mut self) -> Result<()> {
        self.run("START TRANSACTION").await?;
        self.in_transaction = true;
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        self.in_transaction = false;
        self.run("COMMIT").await.map(|_| ())
    }

    async fn rollback(&mut self) -> Result<()> {
        self.in_transaction = false;
        self.run("ROLLBACK").await.map(|_| ())
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        let detail = Detail::of(plan)?;
        let statements = detail.statements(plan, records, rows, &self.server)?;
        if self.in_transaction || statements.len() < 2 {
            return self.write_statements(plan, records, &statements).await;
        }
        // Whole or not at all.
        self.begin().await?;
        match self.write_statements(plan, records, &statements).await {
            Ok(written) => {
                self.commit().await?;
                Ok(written)
            }
            Err(e) => {
                // What broke the write may have broken the connection; the first error is told.
                if let Err(second) = self.rollback().await {
                    tracing::debug!(error = second.report(), "rollback after a failed write");
                }
                Err(e)
            }
        }
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.driver
            .close()
            .await
            .map_err(|e| error("close the connection", e))
    }
}

/// A statement that needs the privilege, never run.
fn access_sql(table: &Table, access: Access) -> Result<String> {
    let name = MySqlSyntax.table(&table.name)?;
    let columns = || table.columns.iter().filter(|c| !c.generated);
    let first = |columns: &mut dyn Iterator<Item = &str>| match columns.next() {
        Some(column) => MySqlSyntax.quote(column),
        None => Err(Error::new(
            ErrorKind::Schema,
            format!("table {}: it has no column that can be written", table.name),
        )),
    };
    let key = first(
        &mut table
            .primary_key
            .iter()
            .map(String::as_str)
            .chain(columns().map(|c| c.name.as_str())),
    )?;
    let value = first(
        &mut columns()
            .map(|c| c.name.as_str())
            .filter(|c| !table.primary_key.iter().any(|k| k == c))
            .chain(columns().map(|c| c.name.as_str())),
    )?;
    Ok(match access {
        Access::Select => format!("SELECT {key} FROM {name} LIMIT 0"),
        Access::Insert => format!("INSERT INTO {name} ({value}) VALUES (?)"),
        Access::Update => format!("UPDATE {name} SET {value} = ? WHERE {key} = ?"),
        Access::Delete => format!("DELETE FROM {name} WHERE {key} = ?"),
    })
}
