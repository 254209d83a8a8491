//! Rows on their way into a table, by each route.
pub(crate) mod bulk;
mod dry_run;
use crate::{
    bind,
    encode::cell::Source,
    error_codes::{error, is_denied, is_duplicate},
    plan::{Detail, statements::staged_name},
    session::{Fault, Session},
};
use connect_api::{Error, Records, Result};
use dialect_core::{Route, ValueError, WriteOp, WritePlan, chunks};
use std::ops::Range;
use tiberius::{ColumnData, SqlBulkCopyOptions};

/// A write that is going on.
pub(crate) struct Writing<'a> {
    pub(crate) plan: &'a WritePlan,
    pub(crate) detail: &'a Detail,
    sources: Vec<Source<'a>>,
}

impl<'a> Writing<'a> {
    pub(crate) fn new(plan: &'a WritePlan, records: &'a Records) -> Result<Self> {
        let detail: &Detail = plan.detail_as()?;
        let cells = plan.cells(records)?;
        Ok(Self {
            plan,
            detail,
            sources: detail
                .encoders
                .iter()
                .zip(cells)
                .map(|(encoder, cells)| Source::new(encoder, cells))
                .collect(),
        })
    }

    fn value_error(&self, i: usize, error: ValueError) -> Error {
        let column = &self.plan.table.columns[self.plan.pairs[i].to];
        error.at(&self.plan.table.name, &column.name)
    }

    /// Finds a cell that does not fit before the server is asked for anything: a bulk load cannot
    /// be given up.
    fn check(&self, rows: &Range<usize>) -> Result<()> {
        for row in rows.clone() {
            for (i, source) in self.sources.iter().enumerate() {
                source.data(row).map_err(|e| self.value_error(i, e))?;
            }
        }
        Ok(())
    }

    fn is_long(&self, row: usize) -> bool {
        self.sources.iter().any(|source| source.is_long(row))
    }

    fn params(&self, rows: Range<usize>) -> Result<Vec<ColumnData<'a>>> {
        let mut params = Vec::with_capacity(rows.len() * self.sources.len());
        for row in rows {
            for (i, source) in self.sources.iter().enumerate() {
                let data = source.data(row).map_err(|e| self.value_error(i, e))?;
                params.push(bind::bound(data));
            }
        }
        Ok(params)
    }

    /// Rows in pieces of a statement each; a long row alone, as all values of a statement are held
    /// at once.
    fn pieces(&self, rows: Range<usize>, full: usize) -> Vec<Range<usize>> {
        let mut pieces = Vec::new();
        for chunk in chunks(rows, full) {
            if chunk.clone().any(|row| self.is_long(row)) {
                pieces.extend(chunk.map(|row| row..row + 1));
            } else {
                pieces.push(chunk);
            }
        }
        pieces
    }

    fn refused(&self, fault: Fault) -> Error {
        match fault {
            Fault::Own(error) => error,
            Fault::Driver(cause) => error(self.plan.action(), cause),
        }
    }

    /// Whether so many rows take more than one statement that changes the table.
    pub(crate) fn is_many(&self, rows: usize) -> bool {
        match self.detail.route(self.plan.route, rows) {
            Route::Load => true,
            Route::Stage => true,
            Route::Values => rows > 1,
            Route::Rows => rows > 1 || self.plan.op == WriteOp::Upsert,
        }
    }
}

impl Session {
    /// Writes inside a transaction that is open, where several statements are needed; an identity
    /// column takes values meanwhile, where the plan writes one.
    pub(crate) async fn write_whole(
        &mut self,
        writing: &Writing<'_>,
        rows: Range<usize>,
    ) -> Result<u64> {
        let Some(table) = &writing.detail.identity else {
            return self.write_rows(writing, rows).await;
        };
        self.control(&format!("SET IDENTITY_INSERT {table} ON"))
            .await?;
        let written = self.write_rows(writing, rows).await;
        // Only one table of a session can have it on.
        let off = self
            .control(&format!("SET IDENTITY_INSERT {table} OFF"))
            .await;
        let written = written?;
        off.map(|()| written)
    }

    async fn write_rows(&mut self, writing: &Writing<'_>, rows: Range<usize>) -> Result<u64> {
        writing.check(&rows)?;
        let detail = writing.detail;
        let keyed = detail.merge.is_keyed();
        match detail.route(writing.plan.route, rows.len()) {
            Route::Load => self.load(writing, rows).await,
            Route::Stage => self.stage(writing, rows, true).await,
            Route::Values if keyed && rows.len() > 1 => self.stage(writing, rows, false).await,
            Route::Values => self.values(writing, rows, detail.full_rows).await,
            Route::Rows => self.values(writing, rows, 1).await,
        }
    }

    /// Straight into the table.
    async fn load(&mut self, writing: &Writing<'_>, rows: Range<usize>) -> Result<u64> {
        let detail = writing.detail;
        let Some(load) = &detail.load else {
            return self.values(writing, rows, detail.full_rows).await;
        };
        let columns: Vec<_> = load.columns.iter().map(String::as_str).collect();
        let options = bulk::into_table(detail.identity.is_some());
        let place = (load.table.as_str(), &columns[..]);
        let mut written = match self.bulk(writing, &rows, place, options).await {
            // Nothing was sent, and a temporary table is the user's own.
            Err(e) if is_denied(&e) && !detail.forced => {
                load.deny();
                return self.stage(writing, rows, true).await;
            }
            loaded => loaded?,
        };
        for row in rows.filter(|row| writing.is_long(*row)) {
            written += self.values(writing, row..row + 1, 1).await?;
        }
        Ok(written)
    }

    /// Loads the rows that are not too long for it.
    async fn bulk(
        &mut self,
        writing: &Writing<'_>,
        rows: &Range<usize>,
        place: (&str, &[&str]),
        options: SqlBulkCopyOptions,
    ) -> Result<u64> {
        let short: Vec<_> = rows.clone().filter(|row| !writing.is_long(*row)).collect();
        if short.is_empty() {
            return Ok(0);
        }
        let value_error = |i, e| writing.value_error(i, e);
        self.bulk_load(place, options, &writing.sources, &short, value_error)
            .await
            .map_err(|e| writing.refused(e))
    }

    /// By a temporary table, which is loaded in bulk or filled by bound rows.
    async fn stage(
        &mut self,
        writing: &Writing<'_>,
        rows: Range<usize>,
        in_bulk: bool,
    ) -> Result<u64> {
        let detail = writing.detail;
        let what = format!("stage rows of table {}", writing.plan.table.name);
        self.batch(&what, &detail.merge.prepare).await?;
        match self.fill(writing, rows.clone(), in_bulk).await {
            Ok(()) => {}
            // Two rows of one key: each has its own turn, in their order (G2).
            Err(e) if is_duplicate(&e) => return self.values(writing, rows, 1).await,
            Err(e) => return Err(e),
        }
        match self.change(writing, &detail.staged_sql, Vec::new()).await {
            // Two rows that keep each other out, or another session was faster.
            Err(e) if writing.plan.op == WriteOp::InsertIgnore && is_duplicate(&e) => {
                self.values(writing, rows, 1).await
            }
            done => done,
        }
    }

    async fn fill(
        &mut self,
        writing: &Writing<'_>,
        rows: Range<usize>,
        in_bulk: bool,
    ) -> Result<()> {
        let detail = writing.detail;
        let mut left = vec![rows.clone()];
        if in_bulk {
            let names: Vec<_> = (0..writing.sources.len()).map(staged_name).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let place = (detail.merge.stage.as_str(), &names[..]);
            let options = SqlBulkCopyOptions::empty();
            self.bulk(writing, &rows, place, options).await?;
            left = rows
                .filter(|row| writing.is_long(*row))
                .map(|row| row..row + 1)
                .collect();
        }
        for rows in left {
            for piece in writing.pieces(rows, detail.full_rows) {
                let sql = detail.fill_sql(piece.len());
                let params = writing.params(piece)?;
                self.change(writing, &sql, params).await?;
            }
        }
        Ok(())
    }

    /// By statements that bind so many rows each.
    async fn values(
        &mut self,
        writing: &Writing<'_>,
        rows: Range<usize>,
        full: usize,
    ) -> Result<u64> {
        let ignore = writing.plan.op == WriteOp::InsertIgnore;
        let mut written = 0;
        for piece in writing.pieces(rows, full) {
            let sql = writing.detail.values_sql(piece.len());
            let params = writing.params(piece.clone())?;
            let done = self.change(writing, &sql, params).await;
            written += match done {
                Err(e) if ignore && is_duplicate(&e) => self.passing_over(writing, piece).await?,
                done => done?,
            };
        }
        Ok(written)
    }

    /// Row by row; one that a key of the table keeps out is passed over.
    async fn passing_over(&mut self, writing: &Writing<'_>, rows: Range<usize>) -> Result<u64> {
        let sql = writing.detail.values_sql(1);
        let mut written = 0;
        for row in rows {
            let params = writing.params(row..row + 1)?;
            match self.change(writing, &sql, params).await {
                Err(e) if is_duplicate(&e) => {}
                done => written += done?,
            }
        }
        Ok(written)
    }

    async fn change(
        &mut self,
        writing: &Writing<'_>,
        sql: &str,
        params: Vec<ColumnData<'_>>,
    ) -> Result<u64> {
        let done = self.execute_bound(sql, params).await;
        done.map_err(|e| writing.refused(e))
    }
}
