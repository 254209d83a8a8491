//! One session with a server.
use crate::{bind, catalog, cursor::PostgresCursor, plan::Stage, refusal, write::Writing};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef};
use dialect_core::{
    Access, Connection, Cursor, Page, Slice, Statement, Syntax, Table, TableName, TableType,
    WriteOp, WritePlan,
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::{collections::HashMap, num::NonZeroU32, ops::Range};

/// A session.
pub(crate) struct PostgresConnection {
    pub(crate) driver: PgConnection,
    /// A transaction was begun.
    open: bool,
    health: Health,
    /// The temporary tables of the session, by name.
    stages: HashMap<String, StageState>,
    /// A piece of `COPY` data.
    pub(crate) piece: Vec<u8>,
}

/// What went wrong before, and matters to what comes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Health {
    /// A statement of the open transaction was refused: `COMMIT` would undo it and say nothing.
    pub(crate) failed: bool,
    /// A prepared statement does not fit its table any more.
    pub(crate) stale: bool,
}

/// How a temporary table stands.
#[derive(Debug, Clone, Copy, Default)]
struct StageState {
    /// Made in the open transaction: gone if that is undone.
    fresh: bool,
    /// Used in the open transaction: must be emptied before it is used again.
    used: bool,
}

impl PostgresConnection {
    pub(crate) fn new(driver: PgConnection) -> Self {
        Self {
            driver,
            open: false,
            health: Health::default(),
            stages: HashMap::new(),
            piece: Vec::new(),
        }
    }

    /// Makes the temporary table, where the session has none.
    pub(crate) async fn make_stage(&mut self, stage: &Stage) -> Result<()> {
        if self.stages.contains_key(&stage.name) {
            return Ok(());
        }
        self.driver
            .execute(sqlx::raw_sql(AssertSqlSafe(stage.create.clone())))
            .await
            .map_err(|e| refusal::error("making a temporary table", e))?;
        let state = StageState {
            fresh: self.open,
            used: false,
        };
        self.stages.insert(stage.name.clone(), state);
        Ok(())
    }

    /// Empties the temporary table, where rows of the open transaction may be in it.
    pub(crate) async fn empty_stage(&mut self, stage: &Stage) -> Result<()> {
        let state = self.stages.entry(stage.name.clone()).or_default();
        if std::mem::replace(&mut state.used, true) {
            self.driver
                .execute(sqlx::raw_sql(AssertSqlSafe(stage.empty.clone())))
                .await
                .map_err(|e| refusal::error("emptying a temporary table", e))?;
        }
        Ok(())
    }

    pub(crate) async fn begin_if_none(&mut self) -> Result<()> {
        if self.open {
            Ok(())
        } else {
            self.begin().await
        }
    }

    async fn run(&mut self, sql: &'static str) -> Result<()> {
        let outcome = self.driver.execute(sqlx::raw_sql(sql)).await;
        outcome.map_err(|e| refusal::error(sql, e))?;
        Ok(())
    }

    /// The transaction is over.
    fn ended(&mut self, committed: bool) {
        (self.open, self.health.failed) = (false, false);
        self.stages.retain(|_, state| committed || !state.fresh);
        for state in self.stages.values_mut() {
            *state = StageState::default();
        }
    }

    /// Notes that the transaction is of no more use, if there is one.
    fn noted<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.health.failed |= outcome.is_err();
        outcome
    }

    async fn write_whole(&mut self, writing: &Writing<'_>, rows: Range<usize>) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        writing.check_keys(rows.clone())?;
        let outer = self.open;
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let outcome = self.write_rows(writing, rows).await;
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
}

#[async_trait]
impl Connection for PostgresConnection {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        let query = sqlx::query(catalog::TABLES).bind(schema);
        let rows = query.fetch_all(&mut self.driver).await;
        let tables = rows.and_then(|rows| rows.iter().map(catalog::listed).collect());
        let tables = tables.map_err(|e| refusal::error("listing tables", e));
        self.noted(tables)
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        let query = sqlx::query(catalog::COLUMNS)
            .bind(name.schema.as_deref())
            .bind(&name.name);
        let rows = query.fetch_all(&mut self.driver).await;
        let table = rows
            .and_then(|rows| catalog::table(&rows))
            .map_err(|e| refusal::error(&format!("describing table {name}"), e));
        self.noted(table)
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Slice>> {
        dialect_core::by_quantiles(self, syntax, page, parts).await
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        let privilege = match access {
            Access::Select => "SELECT",
            Access::Insert => "INSERT",
            Access::Update => "UPDATE",
            Access::Delete => "DELETE",
        };
        let query = sqlx::query_scalar::<_, bool>(catalog::ACCESS)
            .bind(table.name.schema.as_deref())
            .bind(&table.name.name)
            .bind(privilege);
        let allowed = query.fetch_optional(&mut self.driver).await.map_err(|e| {
            refusal::error(&format!("asking for privileges on table {}", table.name), e)
        });
        match self.noted(allowed)? {
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

    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>> {
        let arguments = bind::arguments(&statement.params)?;
        if std::mem::take(&mut self.health.stale) {
            let cleared = self.driver.clear_cached_statements().await;
            cleared.map_err(|e| refusal::error("forgetting prepared statements", e))?;
        }
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), arguments);
        let rows = self.driver.fetch_many(query);
        Ok(Box::new(PostgresCursor::new(
            rows,
            schema,
            &mut self.health,
        )?))
    }

    async fn execute(&mut self, sql: &str) -> Result<u64> {
        let outcome = self
            .driver
            .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await
            .map(|done| done.rows_affected())
            .map_err(|e| refusal::error("running a statement", e));
        self.noted(outcome)
    }

    async fn begin(&mut self) -> Result<()> {
        self.run("BEGIN").await?;
        (self.open, self.health.failed) = (true, false);
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        if self.open && self.health.failed {
            self.rollback().await?;
            return Err(Error::new(
                ErrorKind::Internal,
                "commit: a statement of the transaction failed before, so it was undone",
            ));
        }
        let outcome = self.run("COMMIT").await;
        self.ended(outcome.is_ok());
        outcome
    }

    async fn rollback(&mut self) -> Result<()> {
        if !self.open {
            return Ok(());
        }
        let outcome = self.run("ROLLBACK").await;
        self.ended(false);
        outcome
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
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
