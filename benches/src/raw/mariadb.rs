//! MariaDB by sqlx alone: prepared statements of many rows, with constants.
use super::{Job, raw};
use crate::contest::{Run, Task};
use async_trait::async_trait;
use connect_api::Result;
use futures_util::TryStreamExt as _;
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Encode,
    MySql, MySqlConnection, Row as _, Type, TypeInfo as _,
    encode::IsNull,
    error::BoxDynError,
    mysql::{MySqlArguments, MySqlConnectOptions, MySqlRow, MySqlTypeInfo},
};
use std::{str::FromStr as _, sync::Arc};

/// Rows of a statement: on the plateau of the fastest sizes.
const STATEMENT_ROWS: usize = 512;
/// Values that a statement can bind.
const MAX_PARAMS: usize = 65_535;

async fn connect(url: &str) -> Result<MySqlConnection> {
    let options = MySqlConnectOptions::from_str(url).map_err(raw)?;
    options
        .disable_statement_logging()
        .connect()
        .await
        .map_err(raw)
}

/// Rows fetched and dropped.
pub(super) struct Read {
    connection: MySqlConnection,
    sql: Arc<str>,
}

impl Read {
    pub(super) async fn new(url: &str, sql: String) -> Result<Self> {
        let (connection, sql) = (connect(url).await?, sql.into());
        Ok(Self { connection, sql })
    }
}

#[async_trait]
impl Run for Read {
    async fn run(&mut self) -> Result<u64> {
        let query = sqlx::query(AssertSqlSafe(self.sql.clone()));
        let mut rows = query.fetch(&mut self.connection);
        let mut count = 0;
        while rows.try_next().await.map_err(raw)?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// A statement and what it is given.
struct Bound {
    sql: Arc<str>,
    arguments: MySqlArguments,
}

/// Prepared statements of many rows, or of one.
pub(super) struct Write {
    connection: MySqlConnection,
    /// Statements of a transaction.
    batches: Vec<Vec<Bound>>,
    rows: u64,
}

impl Write {
    pub(super) async fn new(url: &str, job: &Job) -> Result<Self> {
        let mut connection = connect(url).await?;
        let most = STATEMENT_ROWS.min(MAX_PARAMS / job.columns.len());
        let most = if job.one_row { 1 } else { most };
        let conflict = match job.task {
            Task::Upsert => {
                let sets = job.sets(|column| format!("VALUES({column})"));
                format!(" ON DUPLICATE KEY UPDATE {sets}")
            }
            Task::Read | Task::Insert => String::new(),
        };
        let full: Arc<str> = format!("{}{conflict}", job.insert(most)).into();
        let mut batches = Vec::new();
        for ids in job.batches() {
            let select = sqlx::query(AssertSqlSafe(job.select(ids)));
            let rows = select.fetch_all(&mut connection).await.map_err(raw)?;
            let mut statements = Vec::new();
            for chunk in rows.chunks(most) {
                let sql = match chunk.len() {
                    length if length == most => full.clone(),
                    length => format!("{}{conflict}", job.insert(length)).into(),
                };
                let arguments = arguments(chunk)?;
                statements.push(Bound { sql, arguments });
            }
            batches.push(statements);
        }
        Ok(Self {
            connection,
            batches,
            rows: job.rows.unsigned_abs(),
        })
    }
}

#[async_trait]
impl Run for Write {
    async fn run(&mut self) -> Result<u64> {
        for batch in &self.batches {
            let mut transaction = self.connection.begin().await.map_err(raw)?;
            for Bound { sql, arguments } in batch {
                let query = sqlx::query_with(AssertSqlSafe(sql.clone()), arguments.clone());
                query.execute(&mut *transaction).await.map_err(raw)?;
            }
            transaction.commit().await.map_err(raw)?;
        }
        Ok(self.rows)
    }
}

/// A value as it was read, which but for its length is also how it is bound.
struct Cell<'a> {
    of: MySqlTypeInfo,
    bytes: Option<&'a [u8]>,
}

impl Type<MySql> for Cell<'_> {
    fn type_info() -> MySqlTypeInfo {
        <[u8] as Type<MySql>>::type_info()
    }
}

impl Encode<'_, MySql> for Cell<'_> {
    fn encode_by_ref(&self, out: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        let Some(bytes) = self.bytes else {
            return Ok(IsNull::Yes);
        };
        match self.of.name() {
            // Numbers have their type's length; times have it in front of them already.
            "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "FLOAT"
            | "DOUBLE" | "YEAR" | "DATE" | "TIME" | "DATETIME" | "TIMESTAMP" => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            _ => <&[u8] as Encode<MySql>>::encode_by_ref(&bytes, out),
        }
    }

    fn produces(&self) -> Option<MySqlTypeInfo> {
        Some(self.of.clone())
    }
}

fn arguments(rows: &[MySqlRow]) -> Result<MySqlArguments> {
    let mut arguments = MySqlArguments::default();
    for row in rows {
        for column in row.columns() {
            let value = row.try_get_unchecked::<Option<&[u8]>, _>(column.ordinal());
            let (of, bytes) = (column.type_info().clone(), value.map_err(raw)?);
            let bound = arguments.add(Cell { of, bytes });
            bound.map_err(|e| crate::internal(format!("a value cannot be bound: {e}")))?;
        }
    }
    Ok(arguments)
}
