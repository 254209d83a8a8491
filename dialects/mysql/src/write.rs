//! A plan's rows on their way into the table: by statements, or by way of a staging table.
mod dry_run;

use crate::{
    error_codes::error,
    plan::{Detail, stage::Stage, upsert::REFUSED},
    session::{Session, sql},
};
use connect_api::{Error, ErrorKind, Records, Result};
use dialect_core::{WriteOp, WritePlan};
use sqlx::{AssertSqlSafe, Executor as _};
use std::{fmt, ops::Range};

impl Session {
    pub(crate) async fn write_statements(
        &mut self,
        plan: &WritePlan,
        records: &Records,
        statements: &[Range<usize>],
    ) -> Result<u64> {
        let detail: &Detail = plan.detail_as()?;
        let mut written = 0;
        let mut rest = statements.iter();
        let numbers = self
            .server
            .rounds_json()
            .then_some(self.values.json_numbers);
        let values = |rows: &Range<usize>| detail.arguments(plan, records, rows.clone(), numbers);
        let mut next = match rest.next() {
            Some(rows) => Some((rows, values(rows)?)),
            None => None,
        };
        self.ready()?;
        while let Some((rows, arguments)) = next {
            let text = detail.text(plan, rows.len(), &self.server)?;
            let query = sqlx::query_with(AssertSqlSafe(text), arguments);
            // The values of the next statement are encoded while the server works on this one.
            let encode = async {
                rest.next().map(|rows| {
                    let arguments = values(rows)?;
                    Ok::<_, Error>((rows, arguments))
                })
            };
            let (done, encoded) = tokio::join!(self.driver.execute(query), encode);
            let done = done.map_err(|e| at_rows(plan.action(), rows, plan, e))?;
            // An upsert counts 2 for a row that it changes, and 1 for one that it passes over.
            written += match plan.op {
                WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert => rows.len() as u64,
                WriteOp::Update | WriteOp::Delete => done.rows_affected(),
            };
            next = encoded.transpose()?;
        }
        Ok(written)
    }

    /// Creates the staging table; `false` where the server does not let this user create one.
    pub(crate) async fn create_staging_table(
        &mut self,
        plan: &WritePlan,
        stage: &Stage,
    ) -> Result<bool> {
        let create = async {
            self.run(&stage.clear).await?;
            self.run(&stage.create).await
        };
        let Err(e) = create.await else {
            return Ok(true);
        };
        // No privilege; or tracked transactions, on servers that do not create tables in them.
        if e.kind() == ErrorKind::Auth || matches!(e.code(), Some("1785" | "1786" | "1787")) {
            tracing::warn!(
                table = %plan.table.name,
                error = e.report(),
                "updates are executed row by row, because no temporary table can be created"
            );
            self.no_stage = true;
            return Ok(false);
        }
        Err(e)
    }

    /// Updates by way of a temporary table; `None` where the server does not let this user create
    /// one: nothing is done then.
    pub(crate) async fn write_staged(
        &mut self,
        plan: &WritePlan,
        stage: &Stage,
        records: &Records,
        rows: Range<usize>,
    ) -> Result<Option<u64>> {
        let statements = stage.fill.detail_as::<Detail>()?.statements(
            &stage.fill,
            records,
            rows.clone(),
            &self.server,
        )?;
        if !self.create_staging_table(plan, stage).await? {
            return Ok(None);
        }
        self.write_statements(&stage.fill, records, &statements)
            .await
            .map_err(|e| e.context(plan.action()))?;
        let updated = self
            .driver
            .execute(sqlx::raw_sql(sql(&stage.update)))
            .await
            .map_err(|e| at_rows(plan.action(), &rows, plan, e))?
            .rows_affected();
        self.run(&stage.drop).await?;
        Ok(Some(updated))
    }
}

/// The error for `cause`, which some rows of a write met: the very row where the server counts it,
/// else the rows of the statement.
fn at_rows(
    what: impl fmt::Display,
    rows: &Range<usize>,
    plan: &WritePlan,
    cause: sqlx::Error,
) -> Error {
    let refused = cause.as_database_error().map(|e| e.message());
    let place = match refused.and_then(|message| row(message, rows)) {
        Some(row) => format!("row {row}"),
        None if rows.len() == 1 => format!("row {}", rows.start),
        None => format!("rows {} to {}", rows.start, rows.end - 1),
    };
    // The server does not name the column of a geometry that is none; there may be but one.
    let geometries: Vec<_> = plan
        .pairs
        .iter()
        .map(|pair| &plan.table.columns[pair.to])
        .filter(|column| column.extension.is_some())
        .collect();
    let error = error(format_args!("{what}, {place}"), cause);
    match (error.code(), geometries.as_slice()) {
        // The upsert's own words; see `Guard`.
        (Some(code), _) if plan.op == WriteOp::Upsert && code == REFUSED => Error::new(
            ErrorKind::Data,
            format!(
                "{what}, {place}: a row with another key has the same value of another unique key ({}) and is left as it is",
                plan.table.other_keys(&plan.key_names()).join("; ")
            ),
        )
        .with_code(REFUSED),
        (Some("1416" | "3037" | "3055"), [column]) => {
            error.context(format_args!("column `{}`", column.name))
        }
        _ => error,
    }
}

/// The row that the server counts, from 1, in a statement of these rows.
fn row(message: &str, rows: &Range<usize>) -> Option<usize> {
    let (_, number) = message.rsplit_once(" at row ")?;
    let counted: usize = number.trim_end_matches(['.', '\'']).parse().ok()?;
    let row = rows.start.checked_add(counted.checked_sub(1)?)?;
    rows.contains(&row).then_some(row)
}
