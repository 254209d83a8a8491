//! What is asked of a connection, by the session's parts.
use crate::{
    bind, catalog,
    catalog::rows,
    cursor::PostgresCursor,
    decode::Beyond,
    describe::visibility,
    error_codes,
    session::{Session, pooler, stage::begun},
    syntax::has_blocks,
    write::Writing,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef};
use dialect_core::{
    Access, Activity, Connection, Cursor, Identity, IdentityChanges, Page, Replica, Split,
    Statement, Syntax, Table, TableName, TableType, Unrepresentable, Visibility, WritePlan,
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use std::{
    num::NonZeroU32,
    ops::Range,
    time::{Duration, Instant},
};

#[async_trait]
impl Connection for Session {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        self.settle().await?;
        let own = self.enter().await?;
        let query = sqlx::query_as::<_, (String, String, String)>(catalog::TABLES)
            .persistent(self.keeps_statements())
            .bind(schema);
        let rows = query.fetch_all(&mut self.driver).await;
        let rows = rows.map_err(|e| error_codes::error("listing tables", e));
        let listed = self
            .leave(own, rows)
            .await?
            .into_iter()
            .map(|(schema, name, kind)| {
                let schema = Some(schema);
                (TableName { schema, name }, rows::table_type(&kind))
            });
        Ok(listed.collect())
    }

    async fn tables_of_all_schemas(&mut self) -> Result<Vec<(TableName, TableType)>> {
        self.settle().await?;
        let own = self.enter().await?;
        let query = sqlx::query_as::<_, (String, String, String)>(catalog::TABLES_OF_ALL_SCHEMAS)
            .persistent(self.keeps_statements());
        let rows = query.fetch_all(&mut self.driver).await;
        let rows = rows.map_err(|e| error_codes::error("listing tables", e));
        let rows = self.leave(own, rows).await?.into_iter();
        let listed = rows.map(|(schema, name, kind)| {
            let schema = Some(schema);
            (TableName { schema, name }, rows::table_type(&kind))
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

    async fn row_estimates(&mut self, names: &[TableName]) -> Result<Vec<Option<u64>>> {
        self.settle().await?;
        let own = self.enter().await?;
        let estimated = self.estimate_rows(names).await;
        self.leave(own, estimated).await
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
        let found = query.fetch_optional(&mut self.driver).await.map_err(|e| {
            error_codes::error(&format!("asking whether table {name} has changed"), e)
        });
        self.leave(own, found).await
    }

    async fn fingerprints(&mut self, names: &[TableName]) -> Result<Vec<Option<String>>> {
        self.settle().await?;
        let own = self.enter().await?;
        let found = self.ask_fingerprints(names).await;
        self.leave(own, found).await
    }

    async fn identities(&mut self, names: &[TableName]) -> Result<Vec<Option<Identity>>> {
        // They begin with the number of the table.
        let fingerprints = self.fingerprints(names).await?.into_iter();
        let identity = |fingerprint: String| Identity {
            text: fingerprint.split(' ').take(1).collect(),
            changes: IdentityChanges::WithTable,
        };
        Ok(fingerprints.map(|found| found.map(identity)).collect())
    }

    async fn visibility(&mut self) -> Result<Option<Visibility>> {
        self.settle().await?;
        let own = self.enter().await?;
        let what = "asking for running transactions";
        let asked = Instant::now();
        let query = sqlx::query_as::<_, visibility::Lock>(catalog::RUNNING_TRANSACTIONS)
            .persistent(self.keeps_statements());
        let locks = query.fetch_all(&mut self.driver).await;
        let locks = locks.map_err(|e| error_codes::error(what, e));
        let locks = self.leave(own, locks).await?;
        if visibility::is_of_standby(&locks) {
            return Ok(None);
        }
        let running = visibility::running(locks, asked).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                format!("{what}: the number of a transaction has an unknown form"),
            )
        })?;
        Ok(Some(Visibility::Transactions(running)))
    }

    async fn visibility_limits(&mut self, columns: &[(&Table, usize)]) -> Result<Vec<Vec<String>>> {
        self.settle().await?;
        let own = self.enter().await?;
        let blocks = self.ask_sequence_blocks(columns).await;
        let blocks = self.leave(own, blocks).await?.into_iter().zip(columns);
        let limits = blocks.map(|(block, (table, column))| {
            let block = block.filter(|block| *block > 1).map(|block| {
                format!(
                    "the sequence of `{}` hands out {block} numbers at once to a session (CACHE \
                     {block}), which can use them long after greater ones",
                    table.columns[*column].name
                )
            });
            Vec::from_iter(block)
        });
        Ok(limits.collect())
    }

    async fn replica(&mut self) -> Result<Option<Replica>> {
        self.settle().await?;
        let own = self.enter().await?;
        let found = self.ask_replica().await;
        self.leave(own, found).await
    }

    async fn time_zone(&mut self) -> Result<Option<String>> {
        self.settle().await?;
        let refused = |e| error_codes::error("asking for the time zone", e);
        let query = sqlx::query_as::<_, (Option<String>, bool, String, i64)>(catalog::TIME_ZONE);
        let found = query.fetch_one(&mut self.driver).await;
        let (own, files, logs, others) = self.noted(found.map_err(refused))?;
        if others > 0 {
            tracing::warn!(
                roles = others,
                "other roles use other time zones: columns without a time zone that they \
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

    fn session(&self) -> Option<&str> {
        self.id.as_deref()
    }

    async fn activity(&mut self, session: &str) -> Result<Activity> {
        self.settle().await?;
        let own = self.enter().await?;
        let query = sqlx::query_as::<_, (bool, Option<f64>)>(catalog::ACTIVITY)
            .persistent(false)
            .bind(session);
        let found = query.fetch_optional(&mut self.driver).await;
        let found = found.map_err(|e| error_codes::error("asking what a session does", e));
        Ok(match self.leave(own, found).await? {
            None => Activity::Gone,
            Some((true, _)) => Activity::Working,
            Some((false, idle)) => idle
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map_or(Activity::Unknown, Activity::Idle),
        })
    }

    async fn end_session(&mut self, session: &str) -> Result<()> {
        self.settle().await?;
        let own = self.enter().await?;
        let query = sqlx::query(catalog::END_SESSION)
            .persistent(false)
            .bind(session);
        let ended = query.execute(&mut self.driver).await;
        let ended = ended.map_err(|e| error_codes::error("ending a lost session", e));
        self.leave(own, ended).await.map(|_| ())
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Split>> {
        self.settle().await?;
        let by_blocks =
            page.key.is_empty() && page.query.is_none() && has_blocks(page.table.table_type);
        if by_blocks && let Some(splits) = self.block_splits(page.table, parts).await? {
            return Ok(splits);
        }
        dialect_core::split_by_quantiles(self, syntax, page, parts).await
    }

    async fn ping(&mut self) -> Result<()> {
        self.settle().await?;
        let outcome = self.driver.ping().await;
        outcome.map_err(|e| error_codes::error("asking whether the server is there", e))
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        let allowed = self.check_access_all(&[table], access).await?;
        allowed.into_iter().collect()
    }

    async fn check_access_all(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Result<()>>> {
        self.settle().await?;
        let own = self.enter().await?;
        let allowed = self.ask_access(tables, access).await;
        self.leave(own, allowed).await
    }

    async fn granted(&mut self, table: &Table, access: Access) -> Result<Vec<usize>> {
        let granted = self.granted_all(&[table], access).await?;
        let all: Result<Vec<_>> = granted.into_iter().collect();
        Ok(all?.concat())
    }

    async fn granted_all(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Result<Vec<usize>>>> {
        self.settle().await?;
        let own = self.enter().await?;
        let granted = self.ask_granted(tables, access).await;
        let granted = self.leave(own, granted).await?;
        Ok(granted.into_iter().map(Ok).collect())
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
            cleared.map_err(|e| error_codes::error("forgetting prepared statements", e))?;
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
            .map_err(|e| error_codes::error("running a statement", e));
        self.leave(own, outcome).await
    }

    async fn begin(&mut self) -> Result<()> {
        self.settle().await?;
        self.begin_now().await
    }

    async fn commit(&mut self) -> Result<()> {
        self.settle().await?;
        self.commit_now().await
    }

    async fn rollback(&mut self) -> Result<()> {
        self.settle().await?;
        self.rollback_now().await
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
        outcome.map_err(|e| error_codes::error("closing the connection", e))
    }
}
