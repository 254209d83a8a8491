//! PostgreSQL by sqlx alone: `COPY` of prepared buffers, and prepared statements.
use super::{Job, raw};
use crate::contest::{Run, Task};
use async_trait::async_trait;
use connect_api::Result;
use futures_util::TryStreamExt as _;
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, Either, Encode,
    Executor as _, PgConnection, Postgres, SqlSafeStr as _, Statement as _, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgConnectOptions, PgTypeInfo},
};
use std::{str::FromStr as _, sync::Arc};

/// Size of a piece of `COPY` data: larger ones gain nothing.
const PIECE_BYTES: usize = 256 * 1024;
/// The head of the binary format: its mark, flags, and the length of an extension.
const HEAD_BYTES: usize = 19;

async fn connect(url: &str) -> Result<PgConnection> {
    let options = PgConnectOptions::from_str(url).map_err(raw)?;
    options
        .disable_statement_logging()
        .connect()
        .await
        .map_err(raw)
}

/// Rows fetched and dropped.
pub(super) struct Read {
    connection: PgConnection,
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

/// The rows of a batch in the format of `COPY`, whole.
async fn copy_out(connection: &mut PgConnection, job: &Job, ids: (i64, i64)) -> Result<Vec<u8>> {
    let sql = format!("COPY ({}) TO STDOUT (FORMAT binary)", job.select(ids));
    let mut stream = connection.copy_out_raw(&sql).await.map_err(raw)?;
    let mut file = Vec::new();
    while let Some(piece) = stream.try_next().await.map_err(raw)? {
        file.extend_from_slice(&piece);
    }
    Ok(file)
}

/// `COPY` into the table, or into a temporary one that is merged then.
pub(super) struct Copy {
    connection: PgConnection,
    copy: String,
    merge: Option<Arc<str>>,
    files: Vec<Vec<u8>>,
    rows: u64,
}

impl Copy {
    pub(super) async fn new(url: &str, job: &Job) -> Result<Self> {
        let mut connection = connect(url).await?;
        let mut files = Vec::new();
        for ids in job.batches() {
            files.push(copy_out(&mut connection, job, ids).await?);
        }
        let (table, columns) = (&job.table, job.columns.join(", "));
        let (mut into, mut merge) = (table.clone(), None);
        if job.task == Task::Upsert {
            into = "pg_temp.raw_stage".to_owned();
            let create = format!(
                "CREATE TEMPORARY TABLE raw_stage ON COMMIT DELETE ROWS AS SELECT {columns} FROM {table} LIMIT 0"
            );
            connection
                .execute(AssertSqlSafe(create))
                .await
                .map_err(raw)?;
            let conflict = job.on_conflict();
            merge = Some(
                format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {into}{conflict}")
                    .into(),
            );
        }
        Ok(Self {
            connection,
            copy: format!("COPY {into} ({columns}) FROM STDIN (FORMAT binary)"),
            merge,
            files,
            rows: job.rows.unsigned_abs(),
        })
    }
}

#[async_trait]
impl Run for Copy {
    async fn run(&mut self) -> Result<u64> {
        for file in &self.files {
            let mut transaction = self.connection.begin().await.map_err(raw)?;
            let mut copy = transaction.copy_in_raw(&self.copy).await.map_err(raw)?;
            for piece in file.chunks(PIECE_BYTES) {
                copy.send(piece).await.map_err(raw)?;
            }
            copy.finish().await.map_err(raw)?;
            if let Some(merge) = &self.merge {
                let merge = sqlx::query(AssertSqlSafe(merge.clone()));
                merge.execute(&mut *transaction).await.map_err(raw)?;
            }
            transaction.commit().await.map_err(raw)?;
        }
        Ok(self.rows)
    }
}

/// A prepared statement a row.
pub(super) struct OneRow {
    connection: PgConnection,
    sql: Arc<str>,
    batches: Vec<Vec<PgArguments>>,
}

impl OneRow {
    pub(super) async fn new(url: &str, job: &Job) -> Result<Self> {
        let mut connection = connect(url).await?;
        let holders: Vec<_> = (1..=job.columns.len()).map(|n| format!("${n}")).collect();
        let sql: Arc<str> = format!(
            "INSERT INTO {} ({}) VALUES ({}){}",
            job.table,
            job.columns.join(", "),
            holders.join(", "),
            job.on_conflict()
        )
        .into();
        let text = AssertSqlSafe(sql.clone()).into_sql_str();
        let statement = connection.prepare(text).await.map_err(raw)?;
        let types = match statement.parameters() {
            Some(Either::Left(types)) => types.to_vec(),
            _ => return Err(crate::internal("the parameters have no types".to_owned())),
        };
        let mut batches = Vec::new();
        for ids in job.batches() {
            let file = copy_out(&mut connection, job, ids).await?;
            let rows = arguments(&file, &types);
            let cut = || crate::internal("COPY gave what is no binary file".to_owned());
            batches.push(rows.ok_or_else(cut)?);
        }
        Ok(Self {
            connection,
            sql,
            batches,
        })
    }
}

#[async_trait]
impl Run for OneRow {
    async fn run(&mut self) -> Result<u64> {
        let mut rows = 0;
        for batch in &self.batches {
            let mut transaction = self.connection.begin().await.map_err(raw)?;
            for row in batch {
                let query = sqlx::query_with(AssertSqlSafe(self.sql.clone()), row.clone());
                let done = query.execute(&mut *transaction).await.map_err(raw)?;
                rows += done.rows_affected();
            }
            transaction.commit().await.map_err(raw)?;
        }
        Ok(rows)
    }
}

/// A value as `COPY` has it, which is also how it is bound.
struct Cell<'a> {
    of: PgTypeInfo,
    bytes: Option<&'a [u8]>,
}

impl Type<Postgres> for Cell<'_> {
    fn type_info() -> PgTypeInfo {
        <[u8] as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Cell<'_> {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Some(bytes) = self.bytes else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.of.clone())
    }
}

/// The rows of a binary file as arguments; `None` where it is cut off.
fn arguments(file: &[u8], types: &[PgTypeInfo]) -> Option<Vec<PgArguments>> {
    let mut rest = file.get(HEAD_BYTES..)?;
    let mut rows = Vec::new();
    loop {
        let count = i16::from_be_bytes(take(&mut rest, 2)?.try_into().ok()?);
        if count < 0 {
            return Some(rows);
        }
        let mut row = PgArguments::default();
        for of in types {
            let length = i32::from_be_bytes(take(&mut rest, 4)?.try_into().ok()?);
            let bytes = match usize::try_from(length) {
                Ok(length) => Some(take(&mut rest, length)?),
                Err(_) => None,
            };
            let of = of.clone();
            row.add(Cell { of, bytes }).ok()?;
        }
        rows.push(row);
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}
