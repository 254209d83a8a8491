//! A connection to a SQLite file.
use crate::{
    catalog,
    codec::{Decoder, bind},
    plan::Detail,
    refusal::refusal,
    settings::Settings,
    syntax::SqliteSyntax,
};
use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Records, Result, SchemaRef, arrow::array::RecordBatch};
use dialect_core::{
    Access, BatchBuilder, Connection, Cursor, Page, Slice, Statement, Syntax, Table, TableName,
    TableType, WriteOp, WritePlan, by_quantiles, chunks,
};
use futures_util::{StreamExt as _, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, Row as _, SqlSafeStr as _, SqlStr,
    SqliteConnection as Driver,
    sqlite::{SqliteArguments, SqliteRow},
};
use std::{num::NonZeroU32, ops::Range, sync::Arc};

/// The one place where text becomes SQL: it comes from [`SqliteSyntax`], or from the caller of
/// [`Connection::execute`], who answers for it.
fn sql(text: impl Into<Arc<str>>) -> SqlStr {
    AssertSqlSafe(text.into()).into_sql_str()
}

pub(crate) struct SqliteConnection {
    driver: Driver,
    settings: Arc<Settings>,
    in_transaction: bool,
}

impl SqliteConnection {
    pub(crate) fn new(driver: Driver, settings: Arc<Settings>) -> Self {
        Self {
            driver,
            settings,
            in_transaction: false,
        }
    }

    async fn run(&mut self, text: &str) -> Result<u64, sqlx::Error> {
        let done = self.driver.execute(sqlx::raw_sql(sql(text))).await?;
        Ok(done.rows_affected())
    }

    /// Writes the rows statement by statement.
    async fn write_chunks(
        &mut self,
        plan: &WritePlan,
        detail: &Detail,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        let cells = plan.cells(records)?;
        // An update binds its key last.
        let first = if plan.op == WriteOp::Update {
            plan.key
        } else {
            0
        };
        let order: Vec<_> = (first..cells.len()).chain(0..first).collect();
        let mut scratch = String::new();
        let mut written = 0;
        for chunk in chunks(rows, detail.full()) {
            let mut arguments = SqliteArguments::default();
            sqlx::Arguments::reserve(&mut arguments, chunk.len() * cells.len(), 0);
            for row in chunk.clone() {
                for &i in &order {
                    detail.encoders[i]
                        .bind(&cells[i], row, &mut arguments, &mut scratch)
                        .map_err(|misfit| {
                            let column = &plan.table.columns[plan.pairs[i].to].name;
                            misfit.at(&plan.table.name, column)
                        })?;
                }
            }
            let statement = sql(detail.statement(chunk.len())?);
            let done = sqlx::query_with(statement, arguments)
                .execute(&mut self.driver)
                .await
                .map_err(|e| refusal(format_args!("table {}", plan.table.name), e))?;
            written += match plan.op {
                WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert => chunk.len() as u64,
                WriteOp::Update | WriteOp::Delete => done.rows_affected(),
            };
        }
        Ok(written)
    }
}

#[async_trait]
impl Connection for SqliteConnection {
    async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<(TableName, TableType)>> {
        catalog::tables(&mut self.driver, schema).await
    }

    async fn describe(&mut self, name: &TableName) -> Result<Option<Table>> {
        catalog::describe(&mut self.driver, &self.settings, name).await
    }

    async fn check_access(&mut self, table: &Table, access: Access) -> Result<()> {
        let name = SqliteSyntax.table(&table.name)?;
        let column = table.columns.iter().find(|c| !c.generated);
        let column = column.map_or(Ok("rowid".to_owned()), |c| SqliteSyntax.quote(&c.name))?;
        // Run on no row at all: a table that is not there, a view, and a file that cannot be
        // written are refused all the same.
        let statement = match access {
            Access::Select => format!("SELECT 1 FROM {name} WHERE 0"),
            Access::Insert => {
                format!("INSERT INTO {name} ({column}) SELECT {column} FROM {name} WHERE 0")
            }
            Access::Update => format!("UPDATE {name} SET {column} = {column} WHERE 0"),
            Access::Delete => format!("DELETE FROM {name} WHERE 0"),
        };
        let done = self.run(&statement).await;
        match done.map_err(|e| refusal(format_args!("{access:?} on table {}", table.name), e)) {
            // Another writes: so can we, later.
            Err(e) if e.kind() == ErrorKind::Busy => Ok(()),
            done => done.map(|_| ()),
        }
    }

    async fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        schema: &'a SchemaRef,
    ) -> Result<Box<dyn Cursor + 'a>> {
        let mut arguments = SqliteArguments::default();
        for param in &statement.params {
            bind(param, &mut arguments).map_err(|misfit| {
                let table = schema.name();
                Error::new(
                    ErrorKind::Data,
                    format!("query on table `{table}`: a bound value that {misfit}"),
                )
            })?;
        }
        let builder = BatchBuilder::new(schema)?;
        Ok(Box::new(SqliteCursor {
            rows: sqlx::query_with(sql(&*statement.sql), arguments).fetch(&mut self.driver),
            decoders: schema.kinds().iter().cloned().map(Decoder).collect(),
            builder,
            scratch: String::new(),
        }))
    }

    async fn split(
        &mut self,
        syntax: &dyn Syntax,
        page: &Page<'_>,
        parts: NonZeroU32,
    ) -> Result<Vec<Slice>> {
        by_quantiles(self, syntax, page, parts).await
    }

    async fn execute(&mut self, sql: &str) -> Result<u64> {
        self.run(sql).await.map_err(|e| refusal("statement", e))
    }

    async fn begin(&mut self) -> Result<()> {
        // A transaction that first reads and then wants to write can be refused for good;
        // IMMEDIATE waits for its turn at the start.
        let text = if self.settings.is_read_only() {
            "BEGIN"
        } else {
            "BEGIN IMMEDIATE"
        };
        self.run(text).await.map_err(|e| refusal("begin", e))?;
        self.in_transaction = true;
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        // G1: `synchronous` is FULL, so that `Ok` means on the disk.
        self.run("COMMIT").await.map_err(|e| refusal("commit", e))?;
        self.in_transaction = false;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.in_transaction) {
            return Ok(());
        }
        match self.run("ROLLBACK").await {
            Ok(_) => Ok(()),
            // A full disk, for one, has undone it already.
            Err(e) if e.to_string().contains("no transaction is active") => Ok(()),
            Err(e) => Err(refusal("rollback", e)),
        }
    }

    async fn write(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<u64> {
        let Some(detail) = plan.detail.downcast_ref::<Detail>() else {
            return Err(Error::new(
                ErrorKind::Internal,
                "the plan is of another dialect",
            ));
        };
        plan.check_keys(records, rows.clone())?;
        // One statement is whole or not at all by itself; several need a transaction.
        if self.in_transaction || chunks(rows.clone(), detail.full()).nth(1).is_none() {
            return self.write_chunks(plan, detail, records, rows).await;
        }
        self.begin().await?;
        let written = match self.write_chunks(plan, detail, records, rows).await {
            Ok(written) => self.commit().await.map(|()| written),
            Err(e) => Err(e),
        };
        if written.is_err() {
            self.rollback().await?;
        }
        written
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.driver.close().await.map_err(|e| refusal("close", e))
    }
}

struct SqliteCursor<'a> {
    rows: BoxStream<'a, Result<SqliteRow, sqlx::Error>>,
    decoders: Vec<Decoder>,
    builder: BatchBuilder,
    /// Numbers on their way to text, and from it.
    scratch: String,
}

impl SqliteCursor<'_> {
    fn append(&mut self, row: &SqliteRow) -> Result<()> {
        if row.len() != self.decoders.len() {
            return Err(Error::new(
                ErrorKind::Internal,
                format!(
                    "a query gives {} columns for {} of its schema",
                    row.len(),
                    self.decoders.len()
                ),
            ));
        }
        let schema = self.builder.schema().clone();
        let mut text_bytes = 0;
        let columns = self.builder.columns();
        for (i, (decoder, column)) in self.decoders.iter().zip(columns).enumerate() {
            let value = row
                .try_get_raw(i)
                .map_err(|e| refusal("reading a row", e))?;
            text_bytes += decoder
                .append(value, column, &mut self.scratch)
                .map_err(|misfit| misfit.at(schema.name(), schema.field(i).name()))?;
        }
        self.builder.end_row(text_bytes);
        Ok(())
    }
}

#[async_trait]
impl Cursor for SqliteCursor<'_> {
    async fn next(&mut self, max_rows: usize, max_bytes: usize) -> Result<Option<RecordBatch>> {
        while !self.builder.is_full(max_rows, max_bytes) {
            match self.rows.next().await {
                Some(row) => {
                    let row = row.map_err(|e| {
                        refusal(
                            format_args!("reading table {}", self.builder.schema().name()),
                            e,
                        )
                    })?;
                    self.append(&row)?;
                }
                None => break,
            }
        }
        self.builder.finish()
    }
}
