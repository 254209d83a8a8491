//! Reading and writing by a dialect, as connectors do.
use crate::contest::Run;
use async_trait::async_trait;
use connect_api::{Records, Result, SchemaRef};
use dialects::{Connection, Statement, WritePlan};

/// Rows that a cursor is asked for at once, as sources have it by default.
const PAGE_ROWS: usize = 5_000;
/// Bytes of them, as sources have it by default.
const PAGE_BYTES: usize = 8 << 20;

/// Reads all rows of a statement into columns.
pub(crate) struct Read {
    pub(crate) connection: Box<dyn Connection>,
    pub(crate) statement: Statement,
    pub(crate) schema: SchemaRef,
}

#[async_trait]
impl Run for Read {
    async fn run(&mut self) -> Result<u64> {
        let query = self.connection.query(&self.statement, &self.schema);
        let mut cursor = query.await?;
        let mut rows = 0;
        while let Some(batch) = cursor.next(PAGE_ROWS, PAGE_BYTES).await? {
            rows += batch.num_rows() as u64;
        }
        Ok(rows)
    }
}

/// Writes batches, a transaction each.
pub(crate) struct Write {
    pub(crate) connection: Box<dyn Connection>,
    pub(crate) plan: WritePlan,
    pub(crate) batches: Vec<Records>,
}

#[async_trait]
impl Run for Write {
    async fn run(&mut self) -> Result<u64> {
        let mut rows = 0;
        for batch in &self.batches {
            self.connection.begin().await?;
            let all = 0..batch.len();
            self.connection.write(&self.plan, batch, all).await?;
            self.connection.commit().await?;
            rows += batch.len() as u64;
        }
        Ok(rows)
    }
}
