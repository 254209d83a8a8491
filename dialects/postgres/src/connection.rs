//! One session with a server.
use crate::{
    bind, catalog,
    cursor::PostgresCursor,
    decode::Beyond,
    described, pooler,
    query_columns::QueryColumns,
    refusal,
    stage::{Stages, begun},
    syntax::has_blocks,
    trial::privilege,
    write::Writing,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef};
use dialect_core::{
    Access, Connection, Cursor, Page, Slice, Statement, Syntax, Table, TableName, TableType,
    Unrepresentable, ValueOptions, Visibility, WriteOp, WritePlan,
};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _,
    Statement as _,
};
use std::{collections::HashSet, num::NonZeroU32, ops::Range, sync::Arc, time::Duration};

/// How long the rows that a dropped cursor left are read on and thrown away, before the
/// connection is given up.
const DRAIN: Duration = Duration::from_millis(100);

/// A session.
pub(crate) struct PostgresConnection {
    pub(crate) driver: PgConnection,
    values: ValueOptions,
    /// A transaction was begun.
    pub(crate) open: bool,
    pub(crate) health: Health,
    /// The temporary tables of the session.
    pub(crate) stages: Stages,
    /// A piece of `COPY` data.
    pub(crate) piece: Vec<u8>,
    /// What begins a transaction where a pooler stands before the server.
    pub(crate) pooled: Option<Arc<str>>,
    /// Numbers of types that the driver has been made to know, behind a pooler.
    pub(crate) known: HashSet<u32>,
}

/// What went wrong before, and matters to what comes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Health {
    /// A statement of the open transaction was refused: `COMMIT` would undo it and say nothing.
    pub(crate) failed: bool,
    /// A prepared statement does not fit its table any more.
    pub(crate) stale: bool,
    /// A cursor was dropped before its end: its rows are still on their way.
    pub(crate) abandoned: bool,
    /// There were too many of them.
    pub(crate) broken: bool,
    /// A cursor has a transaction of its own.
    pub(crate) reading: bool,
}

impl PostgresConnection {
    pub(crate) fn new(
        driver: PgConnection,
        values: ValueOptions,
        pooled: Option<Arc<str>>,
    ) -> Self {
        Self {
            driver,
            values,
            open: false,
            health: Health::default(),
            stages: Stages::new(pooled.is_some()),
            piece: Vec::new(),
            pooled,
            known: HashSet::new(),
        }
    }

    /// Gets rid of what a dropped cursor has left. The protocol cannot take a query back on its
    /// own connection, and a million rows are not worth reading to throw them away. The driver does
    /// not yield while rows are at hand: where none were when the cursor was dropped, because the
    /// server was still at work, and many follow, they are read after all.
    async fn settle(&mut self) -> Result<()> {
        if self.health.broken {
            return Err(given_up());
        }
        if std::mem::take(&mut self.health.abandoned) {
            self.drain().await?;
        }
        if std::mem::take(&mut self.health.reading) {
            self.end("ROLLBACK", false).await?;
        }
        Ok(())
    }

    async fn drain(&mut self) -> Result<()> {
        let drained = tokio::time::timeout(DRAIN, async {
            match self.driver.ping().await {
                // The query that nobody waited for has failed; the session has not.
                Err(sqlx::Error::Database(_)) => {
                    self.health.failed = true;
                    self.driver.ping().await
                }
                outcome => outcome,
            }
        });
        match drained.await {
            Ok(outcome) => outcome.map_err(|e| refusal::error("after a dropped cursor", e)),
            Err(_) => {
                self.health.broken = true;
                Err(given_up())
            }
        }
    }

    pub(crate) async fn begin_if_none(&mut self) -> Result<()> {
        if self.open {
            Ok(())
        } else {
            self.begin().await
        }
    }

    pub(crate) async fn run(&mut self, sql: &'static str) -> Result<()> {
        let outcome = self.driver.execute(sqlx::raw_sql(sql)).await;
        outcome.map_err(|e| refusal::error(sql, e))?;
        Ok(())
    }

    /// The transaction is over.
    pub(crate) fn ended(&mut self, committed: bool) {
        (self.open, self.health.failed) = (false, false);
        self.stages.end(committed);
    }

    /// Notes that the transaction is of no more use, if there is one.
    pub(crate) fn noted<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.health.failed |= outcome.is_err();
        outcome
    }

    async fn write_whole(&mut self, writing: &Writing<'_>, rows: Range<usize>) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        writing.check_keys(rows.clone())?;
        let outer = self.open;
        self.enter().await?;
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let outcome = match self.know_types(writing.detail()).await {
            Ok(()) => self.write_rows(writing, rows).await,
            Err(e) => Err(e),
        };
        // A row that is its key alone counts too where it is there already.
        let outcome = outcome.map(|changed| match writing.op() {
            WriteOp::Upsert => count,
            WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Update | WriteOp::Delete => changed,
        });
        if outer || !self.open {
            return outcome;
        }
        // The transaction is the write's own.
        match outcome {
            Ok(written) => self.commit().await.map(|()| written),
            Err(first) => match self.rollback().await {
                // Where the connection is gone the row is not to blame any more.
                Err(second) if first.kind() == ErrorKind::Data => Err(second),
                _ => Err(first),
            },
        }
    }

    async fn describe_found(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        let schemas: Vec<_> = names.iter().map(|name| name.schema.as_deref()).collect();
        let tables: Vec<_> = names.iter().map(|name| name.name.as_str()).collect();
        let query = sqlx::query_as::<_, (i64, String)>(catalog::DESCRIBE)
            .persistent(self.keeps_statements())
            .bind(schemas)
            .bind(tables);
        let found = query.fetch_all(&mut self.driver).await.map_err(|e| {
            let shown: Vec<_> = names.iter().map(TableName::to_string).collect();
            refusal::error(&format!("describing table {}", shown.join(", ")), e)
        })?;
        let mut described = vec![None; names.len()];
        for (place, json) in &found {
            let index = usize::try_from(place - 1).unwrap_or(usize::MAX);
            if let Some(table) = described.get_mut(index) {
                *table = Some(described::table(json, &self.values)?);
            }
        }
        Ok(described)
    }

    async fn describe_columns(&mut self, query: &str) -> Result<Table> {
        let what = "describing a query";
        let query = query.trim().trim_end_matches(';');
        let columns = if self.keeps_statements() {
            let sql = format!("SELECT * FROM ({query}\n) AS \"q\"");
            // What was prepared before may be of a table that has changed.
            let cleared = self.driver.clear_cached_statements().await;
            cleared.map_err(|e| refusal::error(what, e))?;
            let sql = AssertSqlSafe(sql).into_sql_str();
            let prepared = (&mut self.driver).prepare(sql).await;
            QueryColumns::of(prepared.map_err(|e| refusal::error(what, e))?.columns())?
        } else {
            // The driver prepares under a name; a row of NULLs tells as much.
            let sql = format!(
                "SELECT \"q\".* FROM (SELECT) AS \"one\" LEFT JOIN ({query}\n) AS \"q\" ON false"
            );
            let row = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            let row = row.fetch_one(&mut self.driver).await;
            QueryColumns::of(row.map_err(|e| refusal::error(what, e))?.columns())?
        };
        let types = sqlx::query_as::<_, (String, String)>(catalog::TYPES)
            .persistent(self.keeps_statements())
            .bind(&columns.types)
            .bind(&columns.relations)
            .bind(&columns.attributes)
            .fetch_all(&mut self.driver)
            .await
            .map_err(|e| refusal::error(what, e))?;
        let described = columns
            .names
            .iter()
            .zip(&types)
            .map(|(name, (vendor, json))| {
                described::query_column(name, vendor, json, &self.values)
            });
        Ok(Table {
            name: TableName::new("q"),
            columns: described.collect::<Result<_>>()?,
            vendor: described::VENDOR,
            table_type: TableType::View,
            ..Table::default()
        })
    }

    /// The blocks of the table's file in parts; `None` where it has no file of its own.
    async fn block_slices(
        &mut self,
        table: &Table,
        parts: NonZeroU32,
    ) -> Result<Option<Vec<Slice>>> {
        let own = self.enter().await?;
        let query = sqlx::query_scalar::<_, i64>(catalog::BLOCKS)
            .persistent(self.keeps_statements())
            .bind(table.name.schema.as_deref())
            .bind(&table.name.name);
        let found = query.fetch_optional(&mut self.driver).await.map_err(|e| {
            refusal::error(&format!("asking for the size of table {}", table.name), e)
        });
        let Some(blocks) = self.leave(own, found).await? else {
            return Ok(None);
        };
        let blocks = u64::try_from(blocks).unwrap_or(0);
        let parts = u64::from(parts.get()).min(blocks.max(1));
        let bound = |part: u64| match part {
            // Rows may come behind the present end.
            part if part == parts => u64::MAX,
            part => blocks * part / parts,
        };
        let slices = (0..parts).map(|part| Slice::Blocks(bound(part)..bound(part + 1)));
        Ok(Some(slices.collect()))
    }
}

fn given_up() -> Error {
    Error::new(
        ErrorKind::Connect,
        "a cursor was dropped with many rows unread; the connection was given up",
    )
}

#[async_trait]
impl Connection for PostgresConnection {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        self.settle().await?;
        let own = self.enter().await?;
        let query = sqlx::query_as::<_, (String, String, String)>(catalog::TABLES)
            .persistent(self.keeps_statements())
            .bind(schema);
        let rows = query.fetch_all(&mut self.driver).await;
        let rows = rows.map_err(|e| refusal::error("listing tables", e));
        let listed = self
            .leave(own, rows)
            .await?
            .into_iter()
            .map(|(schema, name, kind)| {
                let schema = Some(schema);
                (TableName { schema, name }, described::table_type(&kind))
            });
        Ok(listed.collect())
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        let found = self.describe_all(std::slice::from_ref(name)).await?;
        Ok(found.into_iter().next().flatten())
    }

    async fn describe_all(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        self.settle().await?;
        let own = self.enter().await?;
        let described = self.describe_found(names).await;
        self.leave(own, described).await
    }

    async fn describe_query(&mut self, query: &str) -> Result<Table> {
        self.settle().await?;
        let own = self.enter().await?;
        let described = self.describe_columns(query).await;
        let described = self.leave(own, described).await;
        match described {
            // The types are known now: see `pooler::is_gone`.
            Err(e) if own && e.code() == Some("26000") => {
                let own = self.enter().await?;
                let described = self.describe_columns(query).await;
                self.leave(own, described).await
            }
            described => described,
        }
    }

    async fn fingerprint(&mut self, name: &TableName) -> Result<Option<String>> {
        self.settle().await?;
        let own = self.enter().await?;
        let query = sqlx::query_scalar::<_, String>(catalog::FINGERPRINT)
            .persistent(self.keeps_statements())
            .bind(name.schema.as_deref())
            .bind(&name.name);
        let found = query
            .fetch_optional(&mut self.driver)
            .await
            .map_err(|e| refusal::error(&format!("asking whether table {name} has changed"), e));
        self.leave(own, found).await
    }

    async fn visibility(&mut self) -> Result<Option<Visibility>> {
        self.settle().await?;
        let own = self.enter().await?;
        let query =
            sqlx::query_as::<_, (i64, i64)>(catalog::SNAPSHOT).persistent(self.keeps_statements());
        let snapshot = query.fetch_one(&mut self.driver).await;
        let snapshot = snapshot.map_err(|e| refusal::error("asking for the snapshot", e));
        let (xmin, xmax) = self.leave(own, snapshot).await?;
        Ok(Some(Visibility::Snapshot {
            xmin: xmin.unsigned_abs(),
            xmax: xmax.unsigned_abs(),
        }))
    }

    async fn time_zone(&mut self) -> Result<Option<String>> {
        self.settle().await?;
        let refused = |e| refusal::error("asking for the time zone", e);
        let query = sqlx::query_as::<_, (Option<String>, bool, String, i64)>(catalog::TIME_ZONE);
        let found = query.fetch_one(&mut self.driver).await;
        let (own, files, logs, others) = self.noted(found.map_err(refused))?;
        if others > 0 {
            tracing::warn!(
                roles = others,
                "other roles begin sessions in other time zones: columns without a zone that they \
                 write need db.timezone"
            );
        }
        if own.is_some() {
            return Ok(own);
        }
        let mut written = None;
        if files {
            let query = sqlx::query_scalar::<_, String>(catalog::FILE_TIME_ZONE);
            let found = query.fetch_optional(&mut self.driver).await;
            written = self.noted(found.map_err(refused))?;
        }
        Ok(Some(written.unwrap_or(logs)))
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Slice>> {
        self.settle().await?;
        let by_blocks =
            page.key.is_empty() && page.query.is_none() && has_blocks(page.table.table_type);
        if by_blocks && let Some(slices) = self.block_slices(page.table, parts).await? {
            return Ok(slices);
        }
        dialect_core::by_quantiles(self, syntax, page, parts).await
    }

    async fn ping(&mut self) -> Result<()> {
        self.settle().await?;
        let outcome = self.driver.ping().await;
        outcome.map_err(|e| refusal::error("asking whether the server is there", e))
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        self.settle().await?;
        let privilege = privilege(access);
        let own = self.enter().await?;
        let query = sqlx::query_scalar::<_, bool>(catalog::ACCESS)
            .persistent(self.keeps_statements())
            .bind(table.name.schema.as_deref())
            .bind(&table.name.name)
            .bind(privilege);
        let allowed = query.fetch_optional(&mut self.driver).await.map_err(|e| {
            refusal::error(&format!("asking for privileges on table {}", table.name), e)
        });
        match self.leave(own, allowed).await? {
            Some(true) => Ok(()),
            Some(false) => Err(Error::new(
                ErrorKind::Auth,
                format!(
                    "table {}: the user may not {privilege}; ask for GRANT {privilege} ON {} and USAGE on its schema",
                    table.name, table.name
                ),
            )),
            None => Err(Error::new(
                ErrorKind::Schema,
                format!("table {}: there is none", table.name),
            )),
        }
    }

    async fn granted(&mut self, table: &Table, access: Access) -> Result<Vec<usize>> {
        self.settle().await?;
        let own = self.enter().await?;
        let granted = self.ask_granted(table, access).await;
        self.leave(own, granted).await
    }

    async fn try_out(&mut self, plan: &WritePlan) -> Result<()> {
        self.begin().await?;
        let tried = self.try_plan(plan).await;
        // Temporary tables of the session go with it.
        self.rollback().await?;
        tried
    }

    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>> {
        self.settle().await?;
        let arguments = bind::arguments(&statement.params)?;
        if std::mem::take(&mut self.health.stale) {
            let cleared = self.driver.clear_cached_statements().await;
            cleared.map_err(|e| refusal::error("forgetting prepared statements", e))?;
        }
        let beyond = match self.values.unrepresentable {
            Unrepresentable::Null => Beyond::Null,
            Unrepresentable::Error | Unrepresentable::Text => Beyond::Refused,
        };
        let own = self.enter().await?;
        let sql = statement.sql.as_str();
        let rows = match self.pooled.clone() {
            None => {
                let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
                self.driver.fetch_many(query)
            }
            Some(begin) => {
                if own {
                    // The transaction is the cursor's, which ends it behind the last row.
                    (self.open, self.health.reading) = (false, true);
                }
                let begin = own.then_some(begin);
                pooler::rows(&mut self.driver, sql, arguments, begin)
            }
        };
        let cursor = PostgresCursor::new(rows, schema, beyond, &mut self.health)?;
        Ok(Box::new(cursor))
    }

    async fn execute(&mut self, sql: &str) -> Result<u64> {
        self.settle().await?;
        let own = self.enter().await?;
        let outcome = self
            .driver
            .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await
            .map(|done| done.rows_affected())
            .map_err(|e| refusal::error("running a statement", e));
        self.leave(own, outcome).await
    }

    async fn begin(&mut self) -> Result<()> {
        self.settle().await?;
        self.begin_now().await
    }

    async fn commit(&mut self) -> Result<()> {
        self.settle().await?;
        if self.open && self.health.failed {
            self.rollback().await?;
            return Err(Error::new(
                ErrorKind::Internal,
                "commit: a statement of the transaction failed before, so it was undone",
            ));
        }
        self.end("COMMIT", true).await
    }

    async fn rollback(&mut self) -> Result<()> {
        self.settle().await?;
        if !self.open {
            return Ok(());
        }
        self.end("ROLLBACK", false).await
    }

    async fn savepoint(&mut self) -> Result<()> {
        self.settle().await?;
        begun(self.open)?;
        // One name, and one savepoint of it: an older one would only be hidden.
        let sql = if self.stages.mark() {
            "RELEASE SAVEPOINT connect; SAVEPOINT connect"
        } else {
            "SAVEPOINT connect"
        };
        let outcome = self.run(sql).await;
        self.noted(outcome)
    }

    async fn rollback_to_savepoint(&mut self) -> Result<()> {
        self.settle().await?;
        begun(self.open)?;
        self.run("ROLLBACK TO SAVEPOINT connect").await?;
        self.health.failed = false;
        self.stages.return_to_mark();
        Ok(())
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        self.settle().await?;
        plan.check_keys(records, rows.clone())?;
        let writing = Writing::new(plan, records)?;
        let outcome = self.write_whole(&writing, rows).await;
        self.noted(outcome)
    }

    async fn close(self: Box<Self>) -> Result<()> {
        let outcome = self.driver.close().await;
        outcome.map_err(|e| refusal::error("closing the connection", e))
    }
}
