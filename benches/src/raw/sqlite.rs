//! SQLite by rusqlite alone: rows stepped over, prepared statements of many rows.
use super::{Job, raw};
use crate::contest::Run;
use async_trait::async_trait;
use connect_api::Result;
use rusqlite::{Connection, params_from_iter, types::Value};

/// Rows of a statement.
const STATEMENT_ROWS: usize = 50;
/// Statements that stay prepared.
const CACHE: usize = 16;

/// The file of a URL of ours, with the settings of the dialect.
fn open(url: &str) -> Result<Connection> {
    let path = url.trim_start_matches("sqlite:");
    let path = path.split('?').next().unwrap_or(path);
    let connection = Connection::open(path).map_err(raw)?;
    connection.set_prepared_statement_cache_capacity(CACHE);
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;";
    connection.execute_batch(settings).map_err(raw)?;
    Ok(connection)
}

/// Rows stepped over.
pub(super) struct Read {
    connection: Connection,
    sql: String,
}

impl Read {
    pub(super) fn new(url: &str, sql: String) -> Result<Self> {
        let connection = open(url)?;
        Ok(Self { connection, sql })
    }
}

#[async_trait]
impl Run for Read {
    async fn run(&mut self) -> Result<u64> {
        let mut statement = self.connection.prepare_cached(&self.sql).map_err(raw)?;
        let mut rows = statement.raw_query();
        let mut count = 0;
        while rows.next().map_err(raw)?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// Prepared statements of many rows, or of one.
pub(super) struct Write {
    connection: Connection,
    /// The values of each transaction, row by row.
    batches: Vec<Vec<Value>>,
    columns: usize,
    most: usize,
    /// Statements by their number of rows, from 0 on.
    sql: Vec<String>,
}

impl Write {
    pub(super) fn new(url: &str, job: &Job) -> Result<Self> {
        let connection = open(url)?;
        let columns = job.columns.len();
        let most = if job.one_row { 1 } else { STATEMENT_ROWS };
        let mut batches = Vec::new();
        for ids in job.batches() {
            let mut statement = connection.prepare(&job.select(ids)).map_err(raw)?;
            let mut rows = statement.raw_query();
            let mut values = Vec::new();
            while let Some(row) = rows.next().map_err(raw)? {
                for i in 0..columns {
                    values.push(row.get::<_, Value>(i).map_err(raw)?);
                }
            }
            batches.push(values);
        }
        let conflict = job.on_conflict();
        let sql = (0..=most)
            .map(|rows| job.insert(rows) + &conflict)
            .collect();
        Ok(Self {
            connection,
            batches,
            columns,
            most,
            sql,
        })
    }
}

#[async_trait]
impl Run for Write {
    async fn run(&mut self) -> Result<u64> {
        let mut written = 0;
        for values in &self.batches {
            let transaction = self.connection.transaction().map_err(raw)?;
            for chunk in values.chunks(self.most * self.columns) {
                let sql = &self.sql[chunk.len() / self.columns];
                let mut statement = transaction.prepare_cached(sql).map_err(raw)?;
                written += statement.execute(params_from_iter(chunk)).map_err(raw)?;
            }
            transaction.commit().map_err(raw)?;
        }
        Ok(written as u64)
    }
}
