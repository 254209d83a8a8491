//! Rows on their way into a table, by each route.
mod dry_run;
mod update_first;
use crate::{
    bind::Raw,
    encode::{Writer, writer},
    error_codes,
    plan::{Detail, statements::Values},
    session::Session,
    syntax::MAX_PARAMS,
};
use connect_api::{Error, ErrorKind, Records, Result};
use dialect_core::{Route, WriteOp, WritePlan, chunks};
use sqlx::{
    AssertSqlSafe, PgConnection,
    postgres::{PgArguments, PgCopyIn},
};
use std::{collections::HashSet, ops::Range, sync::Arc};

/// Size of a piece of `COPY` data: larger ones gain nothing, smaller ones cost system calls.
const PIECE_BYTES: usize = 256 * 1024;
/// Least size of the data of a `COPY` into the table: arrays are faster below.
const LOAD_BYTES: usize = 128 * 1024;
/// Most rows that are merged by arrays, however few columns they have.
const MERGED_ROWS: usize = 8_192;
/// Most cells of rows that are inserted by arrays: what an array costs the server goes by its
/// elements, what a temporary table costs by its bytes. 5,000 rows took 0.94 times its CPU with 3
/// columns of 1 KiB, 1.14 times with ten.
const MERGED_CELLS: usize = 32_768;
/// Least rows of a batch that is tried by `UPDATE`: below, the server may read a table of some
/// 100,000 rows whole to join them.
const REPLACED_ROWS: usize = 8_192;
/// Rows of a statement by `Values`: an upsert of more takes longer a row.
const VALUES_ROWS: usize = 1_024;
/// Rows of a statement whose values are bound one by one.
const LISTS_ROWS: usize = 256;
/// Bytes after which a statement by `Values` takes no more rows.
const VALUES_BYTES: usize = 8 * 1024 * 1024;

/// A `COPY` of no rows.
pub(crate) fn no_rows() -> Vec<u8> {
    [HEADER, TRAILER.as_slice()].concat()
}

/// How the binary format begins: its mark, no flags, no header extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// How it ends.
const TRAILER: [u8; 2] = (-1i16).to_be_bytes();
/// A row that the server refuses, whatever the table.
const REFUSED_ROW: [u8; 2] = (-2i16).to_be_bytes();

impl Session {
    /// Writes the rows in the open transaction, or in one of the write's own: whole or not at all.
    pub(crate) async fn write_whole(
        &mut self,
        writing: &Writing<'_>,
        rows: Range<usize>,
    ) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        writing.check_keys(rows.clone())?;
        let outer = self.open;
        self.enter().await?;
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let outcome = match self.know_types(writing.detail()).await {
            Ok(()) => self.write_rows(writing, rows).await,
            Err(e) => Err(e),
        };
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
            Ok(written) => self.commit_now().await.map(|()| written),
            Err(first) => match self.rollback_now().await {
                // Where the connection is gone the row is not to blame any more.
                Err(second) if first.kind() == ErrorKind::Data => Err(second),
                _ => Err(first),
            },
        }
    }

    /// Writes by the plan's route; begins a transaction where there is none and several
    /// statements are needed.
    pub(crate) async fn write_rows(
        &mut self,
        writing: &Writing<'_>,
        rows: Range<usize>,
    ) -> Result<u64> {
        let detail = writing.detail;
        match writing.plan.route {
            Route::Values => return self.write_values(writing, rows, VALUES_ROWS).await,
            Route::Rows => return self.write_values(writing, rows, 1).await,
            Route::Stage if !detail.forced && !writing.is_staged(rows.len()) => {
                return self.write_values(writing, rows, VALUES_ROWS).await;
            }
            Route::Load | Route::Stage => {}
        }
        // A fault in the first piece is found before the server is asked for anything.
        let mut next = rows.start;
        self.piece.clear();
        self.piece.extend_from_slice(HEADER);
        writing.fill(&mut next, rows.end, &mut self.piece)?;
        // The driver sends the end of a COPY by itself and leaves TCP's delays on, so the server
        // may hear of it 40 ms late where the data before it are few.
        if next == rows.end && self.piece.len() < LOAD_BYTES && !detail.forced {
            return self.write_values(writing, rows, VALUES_ROWS).await;
        }
        let left = next..rows.end;
        if writing.plan.route == Route::Load {
            return self.copy(&detail.load, writing, left).await;
        }
        if !self.may_stage(&writing.plan.table.name).await? {
            return self.write_values(writing, rows, VALUES_ROWS).await;
        }
        self.make_stage(&detail.stage).await?;
        self.begin_if_none().await?;
        self.empty_stage(&detail.stage).await?;
        self.copy(&detail.stage.copy, writing, left).await?;
        let large = rows.len() > REPLACED_ROWS || detail.forced;
        match &detail.stage.replace {
            Some(replace) if large && replace.is_next() => {
                self.replace(replace, writing, rows).await
            }
            _ => self.merge(&detail.stage.merge, writing).await,
        }
    }

    /// Runs a statement that takes the rows of the temporary table.
    pub(crate) async fn merge(&mut self, sql: &Arc<str>, writing: &Writing<'_>) -> Result<u64> {
        // A statement without parameters keeps the plan it was prepared with; a join's is only good
        // for tables of the sizes they had.
        let joins = !Arc::ptr_eq(sql, &writing.detail.stage.merge)
            || matches!(writing.op(), WriteOp::Update | WriteOp::Delete);
        let merge = sqlx::query(AssertSqlSafe(sql.clone()));
        let merge = merge.persistent(!joins && self.keeps_statements());
        let merged = merge.execute(&mut self.driver).await;
        Ok(merged
            .map_err(|e| writing.refused_values(e))?
            .rows_affected())
    }

    /// Sends the first piece, and then the rows that are left.
    async fn copy(
        &mut self,
        sql: &str,
        writing: &Writing<'_>,
        mut left: Range<usize>,
    ) -> Result<u64> {
        let refused = |e| writing.refused(e);
        let mut copy = self.driver.copy_in_raw(sql).await.map_err(refused)?;
        loop {
            copy.send(self.piece.as_slice()).await.map_err(refused)?;
            if left.is_empty() {
                return copy.finish().await.map_err(refused);
            }
            self.piece.clear();
            if let Err(fault) = writing.fill(&mut left.start, left.end, &mut self.piece) {
                return Err(abandon(copy, writing, fault).await);
            }
        }
    }

    async fn write_values(
        &mut self,
        writing: &Writing<'_>,
        rows: Range<usize>,
        max: usize,
    ) -> Result<u64> {
        if let Values::Lists { types, .. } = &writing.detail.values {
            let most = (MAX_PARAMS / types.len().max(1)).clamp(1, LISTS_ROWS);
            return self.write_lists(writing, rows, max.min(most)).await;
        }
        let sql = writing.detail.values.statement(0);
        let (mut next, mut written) = (rows.start, 0);
        while next < rows.end {
            let arguments = writing.arrays(&mut next, rows.end, max)?;
            if next < rows.end {
                self.begin_if_none().await?;
            }
            let query = sqlx::query_with(AssertSqlSafe(sql.clone()), arguments)
                .persistent(self.keeps_statements());
            let outcome = query.execute(&mut self.driver).await;
            written += outcome
                .map_err(|e| writing.refused_values(e))?
                .rows_affected();
        }
        Ok(written)
    }

    async fn write_lists(
        &mut self,
        writing: &Writing<'_>,
        rows: Range<usize>,
        max: usize,
    ) -> Result<u64> {
        let (end, mut written) = (rows.end, 0);
        for chunk in chunks(rows, max) {
            let arguments = writing.cells_of(chunk.clone())?;
            if chunk.end < end {
                self.begin_if_none().await?;
            }
            let sql = writing.detail.values.statement(chunk.len());
            let query =
                sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(self.keeps_statements());
            let outcome = query.execute(&mut self.driver).await;
            written += outcome
                .map_err(|e| writing.refused_values(e))?
                .rows_affected();
        }
        Ok(written)
    }
}

/// The rows of a write: what each column's cells are written by.
pub(crate) struct Writing<'a> {
    plan: &'a WritePlan,
    detail: &'a Detail,
    writers: Vec<Writer<'a>>,
}

impl<'a> Writing<'a> {
    /// # Errors
    /// `Internal`: plan and records are not of each other.
    pub(crate) fn new(plan: &'a WritePlan, records: &'a Records) -> Result<Self> {
        let stranger = || {
            Error::new(
                ErrorKind::Internal,
                format!(
                    "writing table {}: the records are of another schema than planned for",
                    plan.table.name
                ),
            )
        };
        let detail: &Detail = plan.detail_as()?;
        let writers = plan
            .cells(records)?
            .into_iter()
            .zip(&detail.targets)
            .map(|(cells, target)| writer(cells, target))
            .collect::<Option<_>>()
            .ok_or_else(stranger)?;
        Ok(Self {
            plan,
            detail,
            writers,
        })
    }

    pub(crate) fn detail(&self) -> &'a Detail {
        self.detail
    }

    pub(crate) fn op(&self) -> WriteOp {
        self.plan.op
    }

    /// So many rows go faster by a temporary table than by arrays.
    fn is_staged(&self, rows: usize) -> bool {
        let most = match self.plan.op {
            WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert => {
                (MERGED_CELLS / self.writers.len().max(1)).min(MERGED_ROWS)
            }
            // A join of few rows with a table may read all of the table.
            WriteOp::Update | WriteOp::Delete => MERGED_ROWS,
        };
        rows > most
    }

    /// `UPDATE … FROM` takes any of several rows with one key, so they are refused here; `INSERT`
    /// refuses them by itself.
    ///
    /// # Errors
    /// `Data`: two rows have the same key.
    pub(crate) fn check_keys(&self, rows: Range<usize>) -> Result<()> {
        match self.plan.op {
            WriteOp::Update => self.check_distinct(rows),
            WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert | WriteOp::Delete => Ok(()),
        }
    }

    /// # Errors
    /// `Data`: two rows have the same key.
    pub(crate) fn check_distinct(&self, rows: Range<usize>) -> Result<()> {
        let mut keys = Vec::new();
        let mut ends = Vec::with_capacity(rows.len());
        for row in rows {
            self.cells(row, 0..self.plan.key, &mut keys)?;
            ends.push(keys.len());
        }
        let mut seen = HashSet::with_capacity(ends.len());
        let mut start = 0;
        for end in ends {
            if !seen.insert(&keys[start..end]) {
                return Err(Error::new(
                    ErrorKind::Data,
                    format!(
                        "writing table {}: two rows of the batch have the same key; reduce the batch to one row a key",
                        self.plan.table.name
                    ),
                ));
            }
            start = end;
        }
        Ok(())
    }

    /// Appends some cells of a row.
    fn cells(&self, row: usize, columns: Range<usize>, out: &mut Vec<u8>) -> Result<()> {
        for i in columns {
            self.cell(row, i, out)?;
        }
        Ok(())
    }

    #[inline]
    fn cell(&self, row: usize, i: usize, out: &mut Vec<u8>) -> Result<()> {
        self.writers[i](row, out).map_err(|error| {
            let column = &self.plan.table.columns[self.plan.pairs[i].to];
            error.at(&self.plan.table.name, &column.name)
        })
    }

    /// Appends rows in the format of `COPY` from `next` on, until a piece is full.
    fn fill(&self, next: &mut usize, end: usize, piece: &mut Vec<u8>) -> Result<()> {
        let columns = u16::try_from(self.writers.len()).unwrap_or(u16::MAX);
        while *next < end && piece.len() < PIECE_BYTES {
            piece.extend_from_slice(&columns.to_be_bytes());
            self.cells(*next, 0..self.writers.len(), piece)?;
            *next += 1;
        }
        if *next == end {
            piece.extend_from_slice(&TRAILER);
        }
        Ok(())
    }

    /// Rows from `next` on as an array a column, at most `max` of them.
    fn arrays(&self, next: &mut usize, end: usize, max: usize) -> Result<PgArguments> {
        let start = *next;
        let mut arrays: Vec<_> = self.detail.targets.iter().map(|t| array(t.oid())).collect();
        let mut bytes = 0;
        while *next < end && *next - start < max && bytes < VALUES_BYTES {
            for (i, array) in arrays.iter_mut().enumerate() {
                let before = array.len();
                self.cell(*next, i, array)?;
                bytes += array.len() - before;
            }
            *next += 1;
        }
        let rows = u32::try_from(*next - start).unwrap_or(u32::MAX);
        let mut arguments = PgArguments::default();
        for (array, target) in arrays.iter_mut().zip(&self.detail.targets) {
            array[ARRAY_ROWS].copy_from_slice(&rows.to_be_bytes());
            Raw::new(target.array_oid(), Some(array)).add_to(&mut arguments)?;
        }
        Ok(arguments)
    }

    /// Each cell of some rows as a value.
    fn cells_of(&self, rows: Range<usize>) -> Result<PgArguments> {
        let mut arguments = PgArguments::default();
        let mut cell = Vec::new();
        for row in rows {
            for (i, target) in self.detail.targets.iter().enumerate() {
                cell.clear();
                self.cell(row, i, &mut cell)?;
                // The length goes before the value; that of NULL is -1.
                let value = (cell.first() != Some(&0xff))
                    .then(|| cell.get(4..))
                    .flatten();
                Raw::new(target.oid(), value).add_to(&mut arguments)?;
            }
        }
        Ok(arguments)
    }

    /// The refusal of a statement with arrays, which names no column where a value cannot be read.
    fn refused_values(&self, cause: sqlx::Error) -> Error {
        let columns: Vec<_> = match error_codes::parameter(&cause) {
            Some(n) => match &self.detail.values {
                Values::Arrays(_) => n.checked_sub(1).into_iter().collect(),
                Values::Lists { types, .. } => n
                    .checked_sub(1)
                    .map(|i| i % types.len().max(1))
                    .into_iter()
                    .collect(),
            },
            None if error_codes::is_unreadable(&cause) => self.detail.cast.clone(),
            None => Vec::new(),
        };
        let pairs = columns.iter().filter_map(|i| self.plan.pairs.get(*i));
        let names: Vec<_> = pairs
            .map(|pair| format!("`{}`", self.plan.table.columns[pair.to].name))
            .collect();
        let error = self.refused(cause);
        if names.is_empty() {
            return error;
        }
        error.context(format_args!("column {}", names.join(" or ")))
    }

    pub(crate) fn refused(&self, cause: sqlx::Error) -> Error {
        error_codes::error(&format!("writing table {}", self.plan.table.name), cause)
    }
}

/// Where an array says how many elements it has.
const ARRAY_ROWS: Range<usize> = 12..16;

/// The head of an array of one dimension from 1 on.
fn array(element: u32) -> Vec<u8> {
    let mut head = Vec::with_capacity(1024);
    for word in [1, 1, element, 0, 1] {
        head.extend_from_slice(&word.to_be_bytes());
    }
    head
}

/// Ends a `COPY` so that nothing is written. The driver's own `abort` leaves an answer unread,
/// and the connection of no use, where the server has refused a row before.
async fn abandon(
    mut copy: PgCopyIn<&mut PgConnection>,
    writing: &Writing<'_>,
    fault: Error,
) -> Error {
    if let Err(e) = copy.send(REFUSED_ROW.as_slice()).await {
        return writing.refused(e);
    }
    match copy.finish().await {
        Err(sqlx::Error::Database(_)) => fault,
        Err(e) => writing.refused(e),
        Ok(_) => Error::new(ErrorKind::Internal, "the server took half a batch").with_source(fault),
    }
}
