//! A table of orders in any database.
use crate::workload::Workload;
use connect_api::{Error, ErrorKind, Kind, Records, Result, Schema, SchemaRef, Value, ValueRef};
use dialects::{
    Connection, Dialect, KeyPart, Page, Route, Statement, Table, TableName, WriteOp, WritePlan,
    WriteRequest,
};
use std::{num::NonZeroU32, ops::RangeInclusive, sync::Arc};

/// Rows of one transaction while a table is filled.
const CHUNK: i64 = 20_000;
/// Longest page, as the source has it by default.
const PAGE_BYTES: usize = 8 << 20;

/// A table of orders with `id` as its primary key, and a connection to it.
pub struct OrdersTable {
    dialect: Arc<dyn Dialect>,
    connection: Box<dyn Connection>,
    table: Table,
    schema: SchemaRef,
}

impl OrdersTable {
    /// Makes the table, empty, in the place of one that has this name.
    ///
    /// # Errors
    /// As the database says.
    pub async fn create(dialect: Arc<dyn Dialect>, name: &str) -> Result<Self> {
        let schema = Workload::Orders.schema()?;
        let name = TableName::new(name);
        let mut connection = dialect.connect().await?;
        make(connection.as_mut(), dialect.as_ref(), &name).await?;
        let described = connection.describe(&name).await?;
        let table = described.ok_or_else(|| {
            let text = format!("table {name} is missing, though it was created");
            Error::new(ErrorKind::Schema, text)
        })?;
        Ok(Self {
            dialect,
            connection,
            table,
            schema,
        })
    }

    /// The table as the database describes it.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Decides how orders are written; `route` instead of the fastest one.
    ///
    /// # Errors
    /// `Unsupported`: the database has no such route.
    pub fn plan(&self, op: WriteOp, route: Option<Route>) -> Result<WritePlan> {
        self.dialect.plan_write(&WriteRequest {
            table: &self.table,
            schema: &self.schema,
            op,
            key: &["id".to_owned()],
            columns: None,
            route,
        })
    }

    /// Writes the records in one transaction, as a sink does.
    ///
    /// # Errors
    /// As the database says.
    pub async fn write(&mut self, plan: &WritePlan, records: &Records) -> Result<()> {
        self.connection.begin().await?;
        let all = 0..records.len();
        self.connection.write(plan, records, all).await?;
        self.connection.commit().await
    }

    /// Fills the table with the orders of these ids, the fastest way.
    ///
    /// # Errors
    /// As the database says.
    pub async fn load(&mut self, ids: RangeInclusive<i64>) -> Result<()> {
        let plan = self.plan(WriteOp::Insert, None)?;
        let mut start = *ids.start();
        while start <= *ids.end() {
            let end = (start + CHUNK - 1).min(*ids.end());
            let records = Workload::Orders.records("orders", start..=end, 0)?;
            self.write(&plan, &records).await?;
            start = end + 1;
        }
        Ok(())
    }

    /// Reads all rows into columns, page by page in the order of the key, as a source does; the
    /// number of rows.
    ///
    /// # Errors
    /// As the database says.
    pub async fn read(&mut self, page_rows: NonZeroU32) -> Result<usize> {
        let columns: Vec<usize> = (0..self.table.columns.len()).collect();
        let schema = self.table.schema(&columns, &["id"])?;
        let key = self.table.index_of("id").unwrap_or_default();
        let most = usize::try_from(page_rows.get()).unwrap_or(usize::MAX);
        let mut after: Option<Vec<Value>> = None;
        let mut rows = 0;
        loop {
            let statement = self.dialect.syntax().select(&Page {
                key: &[KeyPart { columns: vec![key] }],
                after: after.as_deref(),
                limit: Some(page_rows),
                ..Page::of(&self.table, &columns)
            })?;
            let mut cursor = self.connection.query(&statement, &schema).await?;
            let Some(batch) = cursor.next(most, PAGE_BYTES).await? else {
                return Ok(rows);
            };
            drop(cursor);
            let Some(last) = batch.num_rows().checked_sub(1) else {
                return Ok(rows);
            };
            rows += batch.num_rows();
            let records = Records::new("orders".into(), schema.clone(), batch)?;
            after = Some(vec![records.row(last).get(key).to_value()]);
        }
    }

    /// The number of rows, counted.
    ///
    /// # Errors
    /// As the database says.
    pub async fn count(&mut self) -> Result<u64> {
        self.number("COUNT(*)").await
    }

    /// The highest id, which costs the database next to nothing; 0 for none.
    ///
    /// # Errors
    /// As the database says.
    pub async fn highest(&mut self) -> Result<u64> {
        let id = self.dialect.syntax().quote("id")?;
        self.number(&format!("MAX({id})")).await
    }

    async fn number(&mut self, expression: &str) -> Result<u64> {
        let table = self.dialect.syntax().table(&self.table.name)?;
        let statement = Statement {
            sql: format!("SELECT {expression} FROM {table}"),
            params: Vec::new(),
        };
        let schema = Schema::new("number", [Kind::Int64.field("number", true)], &[])?;
        let mut cursor = self.connection.query(&statement, &schema).await?;
        let Some(batch) = cursor.next(1, usize::MAX).await? else {
            return Ok(0);
        };
        let records = Records::new("number".into(), schema.clone(), batch)?;
        Ok(match records.rows().next().map(|row| row.get(0)) {
            Some(ValueRef::Int(number)) => u64::try_from(number).unwrap_or(0),
            _ => 0,
        })
    }

    /// Removes all rows, by re-creating the table.
    ///
    /// # Errors
    /// As the database says.
    pub async fn clear(&mut self) -> Result<()> {
        make(
            self.connection.as_mut(),
            self.dialect.as_ref(),
            &self.table.name,
        )
        .await
    }

    /// Lets PostgreSQL do now what it would do in the background while it is measured.
    ///
    /// # Errors
    /// As the database says.
    pub async fn settle(&mut self) -> Result<()> {
        if self.dialect.name() == "PostgreSQL" {
            let table = self.dialect.syntax().table(&self.table.name)?;
            self.connection
                .execute(&format!("VACUUM (ANALYZE) {table}"))
                .await?;
        }
        Ok(())
    }

    /// Drops the table.
    ///
    /// # Errors
    /// As the database says.
    pub async fn drop(mut self) -> Result<()> {
        let table = self.dialect.syntax().table(&self.table.name)?;
        self.connection
            .execute(&format!("DROP TABLE {table}"))
            .await?;
        self.connection.close().await
    }
}

/// Makes the table, empty, in the place of one that has this name.
async fn make(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    name: &TableName,
) -> Result<()> {
    let syntax = dialect.syntax();
    let drop = format!("DROP TABLE IF EXISTS {}", syntax.table(name)?);
    connection.execute(&drop).await?;
    let create = syntax.create_table(name, &*Workload::Orders.schema()?)?;
    connection.execute(&create).await?;
    Ok(())
}
