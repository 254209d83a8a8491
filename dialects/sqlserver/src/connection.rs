//! What is asked of a connection, by the session's parts.
use crate::{
    bind,
    cursor::SqlServerCursor,
    describe,
    error_codes::error,
    session::{Fault, Session, settle, unheard},
    types::declared,
    write::Writing,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef};
use dialect_core::{
    Access, Connection, Cursor, Page, Split, Statement, Syntax, Table, TableName, TableType,
    Visibility, WriteOp, WritePlan, split_by_quantiles, statement_excerpt,
};
use std::{num::NonZeroU32, ops::Range};
use tiberius::{ColumnData, Query};

/// The one savepoint.
const SAVEPOINT: &str = "connect_savepoint";

/// A statement whose changed rows are counted. Others must stand alone in a batch of their own, as
/// they make what is gone at the end of any other scope.
fn is_counted(sql: &str) -> bool {
    let first = sql.split_whitespace().next().unwrap_or_default();
    ["INSERT", "UPDATE", "DELETE", "MERGE"]
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word))
}

#[async_trait]
impl Connection for Session {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        describe::tables(self, schema).await
    }

    async fn tables_of_all_schemas(&mut self) -> Result<Vec<(TableName, TableType)>> {
        describe::tables_of_all_schemas(self).await
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        let tables = self.describe_all(std::slice::from_ref(name)).await?;
        Ok(tables.into_iter().next().flatten())
    }

    async fn describe_all(&mut self, names: &[TableName]) -> Result<Vec<Option<Table>>> {
        let values = self.values;
        describe::describe(self, names, &values).await
    }

    async fn describe_query(&mut self, query: &str) -> Result<Table> {
        let values = self.values;
        describe::query::describe(self, query, &values).await
    }

    // G5: versions from this one on may still be those of open transactions.
    async fn visibility(&mut self) -> Result<Option<Visibility>> {
        let what = "ask for the oldest row version that may change";
        let rows = self
            .rows(what, "SELECT MIN_ACTIVE_ROWVERSION()", Vec::new())
            .await?;
        let version = rows.first().and_then(|row| row.get_column_data(0).ok());
        let Some(ColumnData::Binary(Some(bytes))) = version else {
            return Ok(None);
        };
        let version: [u8; 8] = bytes.as_ref().try_into().map_err(|e| {
            Error::new(ErrorKind::Internal, format!("{what}: not 8 bytes")).with_source(e)
        })?;
        Ok(Some(Visibility::RowVersion(version)))
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Split>> {
        // The bounds would be read as another type than the rows.
        if !page.key.is_empty() && declared(page.key_column(0)).is_cast() {
            return Ok(vec![Split::Key {
                after: None,
                until: None,
            }]);
        }
        split_by_quantiles(self, syntax, page, parts).await
    }

    async fn ping(&mut self) -> Result<()> {
        self.batch("ask the server", "SELECT 1").await
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        describe::privileges::check_access(self, table, access).await
    }

    async fn try_out(&mut self, plan: &WritePlan) -> Result<()> {
        self.try_plan(plan).await
    }

    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>> {
        let mut query = Query::new(statement.sql.as_str());
        for param in &statement.params {
            let data = bind::compared(param).map_err(|e| e.at(schema.name(), "of the key"))?;
            query.bind(data);
        }
        let values = self.values;
        let (client, busy) = self.client()?;
        *busy = true;
        let rows = settle(busy, unheard(query.query(client)).await)
            .map_err(|e| error(format_args!("read `{}`", schema.name()), e))?;
        let cursor = SqlServerCursor::new(rows.into_row_stream(), busy, schema, values)?;
        Ok(Box::new(cursor))
    }

    async fn execute(&mut self, sql: &str) -> Result<u64> {
        let what = statement_excerpt(sql, 80);
        self.check_writable(&what)?;
        if !is_counted(sql) {
            return self.batch(what, sql).await.map(|()| 0);
        }
        let done = self.execute_bound(sql, Vec::new()).await;
        done.map_err(|fault| match fault {
            Fault::Own(error) => error,
            Fault::Driver(cause) => error(what, cause),
        })
    }

    async fn begin(&mut self) -> Result<()> {
        self.control("BEGIN TRANSACTION").await?;
        self.in_transaction = true;
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        self.in_transaction = false;
        self.control("COMMIT TRANSACTION").await
    }

    // Some errors end the transaction by themselves.
    async fn rollback(&mut self) -> Result<()> {
        self.in_transaction = false;
        self.control("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
            .await
    }

    async fn savepoint(&mut self) -> Result<()> {
        self.control(&format!("SAVE TRANSACTION {SAVEPOINT}")).await
    }

    async fn rollback_to_savepoint(&mut self) -> Result<()> {
        // Going back to it takes it away.
        self.control(&format!(
            "ROLLBACK TRANSACTION {SAVEPOINT}; SAVE TRANSACTION {SAVEPOINT}"
        ))
        .await
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        self.check_writable("write")?;
        plan.check_keys(records, rows.clone())?;
        if rows.is_empty() {
            return Ok(0);
        }
        let count = rows.len() as u64;
        let writing = Writing::new(plan, records)?;
        let own = !self.in_transaction && writing.is_many(rows.len());
        if own {
            self.begin().await?;
        }
        let written = Box::pin(self.write_whole(&writing, rows)).await;
        let written = match written {
            Ok(written) if own => self.commit().await.map(|()| written),
            // Whole or not at all.
            Err(e) if own => {
                // What broke the write may have broken the connection; the first error is returned.
                if let Err(second) = self.rollback().await {
                    tracing::debug!(error = second.report(), "rollback after a failed write");
                }
                Err(e)
            }
            written => written,
        }?;
        // Both statements of an upsert count, and triggers.
        Ok(match plan.op {
            WriteOp::Insert | WriteOp::Upsert => count,
            WriteOp::InsertIgnore | WriteOp::Update | WriteOp::Delete => written,
        })
    }

    async fn close(self: Box<Self>) -> Result<()> {
        let closed = self.client.close().await;
        closed.map_err(|e| error("close the connection", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_make_things_stand_alone() {
        for (sql, counted) in [
            ("INSERT INTO t VALUES (1)", true),
            (" update t SET a = 1", true),
            ("CREATE VIEW v AS SELECT 1 AS a", false),
            ("CREATE TABLE #t (a int)", false),
            ("SET LANGUAGE us_english", false),
            (
                "IF OBJECT_ID(N'[t]') IS NULL CREATE TABLE [t] (a int)",
                false,
            ),
        ] {
            assert_eq!(is_counted(sql), counted, "{sql}");
        }
    }
}
