//! A connection: the driver's, told how to behave.
use crate::{
    catalog,
    cursor::MySqlCursor,
    describe::query,
    encode::cell::Bound,
    error_codes::{at_rows, error, own, statement_error},
    options::Settings,
    plan::{
        Detail,
        stage::{FEWEST_ROWS, Stage},
    },
    server::Server,
    syntax::MySqlSyntax,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef};
use dialect_core::{
    Access, Connection, Cursor, Host, Misfit, Page, Route, Slice, Statement, Syntax, Table,
    TableName, TableType, ValueOptions, Visibility, WriteOp, WritePlan, by_quantiles,
};
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    SqlSafeStr as _, SqlStr,
    mysql::{MySqlArguments, MySqlConnection},
};
use std::{num::NonZeroU32, ops::Range};

/// A connection to a MySQL or MariaDB server.
pub(crate) struct MySqlConnect {
    driver: MySqlConnection,
    server: Server,
    values: ValueOptions,
    in_transaction: bool,
    /// A cursor has left rows on the wire.
    left: bool,
    /// The server does not let this user make temporary tables.
    no_stage: bool,
}

/// The one place where text becomes SQL: it comes from [`MySqlSyntax`], which quotes every name,
/// and values are bound.
fn sql(text: &str) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}

impl MySqlConnect {
    /// Connects; `address` and the user are for messages.
    pub(crate) async fn open(settings: &Settings, host: &Host, address: &str) -> Result<Self> {
        settings.check_files()?;
        let user = settings.driver.get_username();
        let what = format!("connect to {address} as user `{user}`");
        let connect = async {
            let mut driver = settings
                .of(host)
                .connect()
                .await
                .map_err(|e| error(&what, e))?;
            let server = ask(&mut driver).await.map_err(|e| error(&what, e))?;
            for statement in settings.session(&server)? {
                driver
                    .execute(sqlx::raw_sql(sql(&statement.sql)))
                    .await
                    .map_err(|e| error(format_args!("{what}: {}", statement.what), e))?;
            }
            Ok::<_, Error>((driver, server))
        };
        let (driver, server) = tokio::time::timeout(settings.connect_timeout, connect)
            .await
            .map_err(|e| {
                let seconds = settings.connect_timeout.as_secs_f32();
                let message = format!("{what}: no answer in {seconds} s");
                Error::new(ErrorKind::Timeout, message).with_source(e)
            })??;
        tracing::debug!(address, %server, "connected");
        Ok(Self {
            driver,
            server,
            values: settings.values,
            in_transaction: false,
            left: false,
            no_stage: false,
        })
    }

    /// The server behind it.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The driver, unless rows of an earlier reading are on the wire.
    fn ready(&mut self) -> Result<&mut MySqlConnection> {
        if self.left {
            return Err(Error::new(
                ErrorKind::Connect,
                "a query was left in the middle, and its other rows are still coming: connect anew",
            ));
        }
        Ok(&mut self.driver)
    }

    /// Runs a statement of no results as text, not prepared.
    async fn run(&mut self, text: &str) -> Result<u64> {
        let done = self
            .ready()?
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
        let numbers = self
            .server
            .rounds_json()
            .then_some(self.values.json_numbers);
        let values = |rows: &Range<usize>| detail.arguments(plan, records, rows.clone(), numbers);
        let mut next = match rest.next() {
            Some(rows) => Some((rows, values(rows)?)),
            None => None,
        };
        self.ready()?;
        while let Some((rows, arguments)) = next {
            let text = detail.text(plan, rows.len(), &self.server)?;
            let query = sqlx::query_with(AssertSqlSafe(text), arguments);
            // The values of the next statement are encoded while the server works on this one.
            let encode = async {
                rest.next().map(|rows| {
                    let arguments = values(rows)?;
                    Ok::<_, Error>((rows, arguments))
                })
            };
            let (done, encoded) = tokio::join!(self.driver.execute(query), encode);
            let done = done.map_err(|e| at_rows(verb(plan), rows, plan, e))?;
            // An upsert counts 2 for a row that it changes, and 1 for one that it passes over.
            written += match plan.op {
                WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert => rows.len() as u64,
                WriteOp::Update | WriteOp::Delete => done.rows_affected(),
            };
            next = encoded.transpose()?;
        }
        Ok(written)
    }

    /// Makes the temporary table; `false` where the server does not let this user make one.
    async fn make_stage(&mut self, plan: &WritePlan, stage: &Stage) -> Result<bool> {
        let made = async {
            self.run(&stage.clear).await?;
            self.run(&stage.create).await
        };
        let Err(e) = made.await else {
            return Ok(true);
        };
        // No privilege; or tracked transactions, on servers that do not make tables in them.
        if e.kind() == ErrorKind::Auth || matches!(e.code(), Some("1785" | "1786" | "1787")) {
            tracing::warn!(
                table = %plan.table.name,
                error = e.report(),
                "updates go row by row, as no temporary table can be made"
            );
            self.no_stage = true;
            return Ok(false);
        }
        Err(e)
    }

    /// Updates by way of a temporary table; `None` where the server does not let this user make
    /// one: nothing is done then.
    async fn write_staged(
        &mut self,
        plan: &WritePlan,
        stage: &Stage,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<Option<u64>> {
        let statements = Detail::of(&stage.fill)?.statements(
            &stage.fill,
            records,
            rows.clone(),
            &self.server,
        )?;
        if !self.make_stage(plan, stage).await? {
            return Ok(None);
        }
        self.write_statements(&stage.fill, records, &statements)
            .await
            .map_err(|e| e.context(verb(plan)))?;
        let updated = self
            .driver
            .execute(sqlx::raw_sql(sql(&stage.update)))
            .await
            .map_err(|e| at_rows(verb(plan), &rows, plan, e))?
            .rows_affected();
        self.run(&stage.drop).await?;
        Ok(Some(updated))
    }
}

/// What the server says of itself, and of what the connection is to it.
async fn ask(driver: &mut MySqlConnection) -> Result<Server, sqlx::Error> {
    let row = driver
        .fetch_one(sqlx::raw_sql(
            "SELECT VERSION(), @@max_allowed_packet, @@lower_case_table_names, DATABASE()",
        ))
        .await?;
    let text = |i: usize| -> Result<Option<String>, sqlx::Error> {
        let bytes: Option<&[u8]> = row.try_get_unchecked(i)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    };
    let number = |i: usize| Ok::<_, sqlx::Error>(text(i)?.and_then(|n| n.parse::<u64>().ok()));
    let mut server = Server::new(&text(0)?.unwrap_or_default(), number(1)?.unwrap_or(1 << 20));
    server.names_in_any_case = number(2)?.unwrap_or(0) != 0;
    server.database = text(3)?;
    Ok(server)
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
        catalog::tables(self.ready()?, schema).await
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        let mut tables = self.describe_all(std::slice::from_ref(name)).await?;
        Ok(tables.pop().flatten())
    }

    async fn describe_all(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        self.ready()?;
        catalog::describe(&mut self.driver, &self.server, names, &self.values).await
    }

    async fn describe_query(&mut self, query: &str) -> Result<Table> {
        self.ready()?;
        query::describe(&mut self.driver, &self.server, query, &self.values).await
    }

    async fn fingerprint(&mut self, name: &TableName) -> Result<Option<String>> {
        self.ready()?;
        catalog::fingerprint(&mut self.driver, &self.server, name).await
    }

    async fn query_fingerprint(&mut self, query: &str) -> Result<String> {
        query::fingerprint(self.ready()?, query).await
    }

    async fn visibility(&mut self) -> Result<Option<Visibility>> {
        query::visibility(self.ready()?).await
    }

    async fn time_zone(&mut self) -> Result<Option<String>> {
        query::time_zone(self.ready()?).await
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Slice>> {
        if self.server.window_functions() {
            return by_quantiles(self, syntax, page, parts).await;
        }
        Ok(vec![Slice::Key {
            after: None,
            until: None,
        }])
    }

    async fn ping(&mut self) -> Result<()> {
        self.ready()?
            .ping()
            .await
            .map_err(|e| error("ask whether the server is there", e))
    }

    // Servers check privileges when a statement is prepared, so it is not run.
    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        let text = access_sql(table, access)?;
        self.ready()?
            .prepare(sql(&text))
            .await
            .map_err(|e| statement_error(format_args!("access to table {}", table.name), e))?;
        Ok(())
    }

    // The catalogue hides the columns with which the user may do nothing.
    async fn granted(&mut self, table: &Table, access: Access) -> Result<Vec<usize>> {
        self.ready()?;
        if access == Access::Select {
            let name = MySqlSyntax::default().table(&table.name)?;
            let all = format!("SELECT * FROM {name} LIMIT 0");
            let prepared = self.driver.prepare(sql(&all)).await;
            prepared.map_err(|e| {
                let shown: Vec<_> = table
                    .columns
                    .iter()
                    .map(|c| format!("`{}`", c.name))
                    .collect();
                let what = format!(
                    "table {} has columns beside {} that the user may not read",
                    table.name,
                    shown.join(", ")
                );
                statement_error(what, e)
            })?;
            return Ok((0..table.columns.len()).collect());
        }
        catalog::granted(&mut self.driver, table, access).await
    }

    async fn try_out(&mut self, plan: &WritePlan) -> Result<()> {
        self.ready()?;
        let detail = Detail::of(plan)?;
        let text = detail.text(plan, 1, &self.server)?;
        let prepared = self.driver.prepare(sql(&text)).await;
        prepared.map_err(|e| statement_error(verb(plan), e))?;
        if let Some(stage) = detail.stage.as_ref().filter(|_| plan.route == Route::Stage)
            && self.make_stage(plan, stage).await?
        {
            self.run(&stage.drop).await?;
        }
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
        self.ready()?;
        let query = sqlx::query_with(sql(&statement.sql), arguments);
        let rows = query.fetch(&mut self.driver);
        let cursor = MySqlCursor::new(rows, schema, &self.values, &mut self.left)?;
        Ok(Box::new(cursor))
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

    async fn savepoint(&mut self) -> Result<()> {
        self.run("SAVEPOINT rocketmq_connect").await.map(|_| ())
    }

    async fn rollback_to_savepoint(&mut self) -> Result<()> {
        self.run("ROLLBACK TO SAVEPOINT rocketmq_connect")
            .await
            .map(|_| ())
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        plan.check_keys(records, rows.clone())?;
        let detail = Detail::of(plan)?;
        if let Some(stage) = detail
            .stage
            .as_ref()
            .filter(|_| plan.route == Route::Stage && rows.len() >= FEWEST_ROWS && !self.no_stage)
            && let Some(updated) = self
                .write_staged(plan, stage, records, rows.clone())
                .await?
        {
            return Ok(updated);
        }
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
    let syntax = MySqlSyntax::default();
    let name = syntax.table(&table.name)?;
    let columns = || table.columns.iter().filter(|c| !c.generated);
    let first = |columns: &mut dyn Iterator<Item = &str>| match columns.next() {
        Some(column) => syntax.quote(column),
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
        // A condition would need SELECT too, which an upsert does not.
        Access::Update => format!("UPDATE {name} SET {value} = ? LIMIT 0"),
        Access::Delete => format!("DELETE FROM {name} WHERE {key} = ?"),
    })
}
