//! What is asked of a connection, by the session's parts.
use crate::{
    bind::Bound,
    cursor::MySqlCursor,
    describe::{self, activity, identity, privileges, query, time_zone, visibility},
    error_codes::{encode_error, error},
    plan::{Detail, stage::FEWEST_ROWS},
    session::{Session, sql},
};
use async_trait::async_trait;
use connect_api::{Records, Result, SchemaRef};
use dialect_core::{
    Access, Activity, Connection, Cursor, Identity, Page, Replica, Route, Split, Statement, Syntax,
    Table, TableName, TableType, ValueError, Visibility, WritePlan, split_by_quantiles,
};
use sqlx::{Arguments as _, Connection as _, mysql::MySqlArguments};
use std::{num::NonZeroU32, ops::Range};

#[async_trait]
impl Connection for Session {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        describe::tables(self.ready()?, schema).await
    }

    async fn tables_of_all_schemas(&mut self) -> Result<Vec<(TableName, TableType)>> {
        describe::tables_of_all_schemas(self.ready()?).await
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        let mut tables = self.describe_all(std::slice::from_ref(name)).await?;
        Ok(tables.pop().flatten())
    }

    async fn describe_all(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        self.ready()?;
        describe::describe(&mut self.driver, &self.server, names, &self.values).await
    }

    async fn describe_query(&mut self, query: &str) -> Result<Table> {
        self.ready()?;
        query::describe(&mut self.driver, &self.server, query, &self.values).await
    }

    async fn fingerprint(&mut self, name: &TableName) -> Result<Option<String>> {
        self.ready()?;
        describe::fingerprint(&mut self.driver, &self.server, name).await
    }

    async fn fingerprints(&mut self, names: &[TableName]) -> Result<Vec<Option<String>>> {
        self.ready()?;
        describe::fingerprints(&mut self.driver, &self.server, names).await
    }

    async fn identities(&mut self, names: &[TableName]) -> Result<Vec<Option<Identity>>> {
        self.ready()?;
        identity::identities(&mut self.driver, &self.server, names).await
    }

    async fn query_fingerprint(&mut self, query: &str) -> Result<String> {
        query::fingerprint(self.ready()?, query).await
    }

    async fn visibility(&mut self) -> Result<Option<Visibility>> {
        self.ready()?;
        visibility::visibility(&mut self.driver, &self.server).await
    }

    async fn visibility_limits(&mut self, columns: &[(&Table, usize)]) -> Result<Vec<Vec<String>>> {
        self.ready()?;
        visibility::limits(&mut self.driver, &self.server, columns).await
    }

    async fn replica(&mut self) -> Result<Option<Replica>> {
        self.ready()?;
        visibility::replica(&mut self.driver, &self.server).await
    }

    async fn time_zone(&mut self) -> Result<Option<String>> {
        time_zone::time_zone(self.ready()?).await
    }

    fn session(&self) -> Option<&str> {
        self.server.session.as_deref()
    }

    async fn activity(&mut self, session: &str) -> Result<Activity> {
        activity::activity(self.ready()?, session).await
    }

    async fn end_session(&mut self, session: &str) -> Result<()> {
        activity::end(self.ready()?, session).await
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Split>> {
        if self.server.window_functions() {
            return split_by_quantiles(self, syntax, page, parts).await;
        }
        Ok(vec![Split::Key {
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

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        privileges::check(self.ready()?, table, access).await
    }

    async fn check_access_all(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Result<()>>> {
        privileges::check_all(self.ready()?, tables, access).await
    }

    async fn granted_all(
        &mut self,
        tables: &[&Table],
        access: Access,
    ) -> Result<Vec<Result<Vec<usize>>>> {
        privileges::granted_all(self.ready()?, tables, access).await
    }

    async fn granted(&mut self, table: &Table, access: Access) -> Result<Vec<usize>> {
        privileges::granted(self.ready()?, table, access).await
    }

    async fn try_out(&mut self, plan: &WritePlan) -> Result<()> {
        self.try_plan(plan).await
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
                .map_err(|e| match e.downcast::<ValueError>() {
                    Ok(error) => error.at(schema.name(), "of the key"),
                    Err(e) => encode_error("bind a value of the key", e),
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
        let detail: &Detail = plan.detail_as()?;
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
                // What broke the write may have broken the connection; the first error is returned.
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
