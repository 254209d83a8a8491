//! Writes tried out before their first row: each statement is explained, which asks for its
//! privileges and runs nothing, and the transaction is undone.
use crate::{
    bind::Raw,
    error_codes,
    plan::{Detail, statements::Values},
    session::Session,
    write::no_rows,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Route, WriteOp, WritePlan};
use sqlx::{AssertSqlSafe, postgres::PgArguments};

impl Session {
    /// Tries the statements of a plan's routes; in a transaction that is undone.
    pub(crate) async fn try_plan(&mut self, plan: &WritePlan) -> Result<()> {
        let detail: &Detail = plan.detail_as()?;
        let refused = |e| {
            needs(
                plan,
                error_codes::error(&format!("table {}", plan.table.name), e),
            )
        };
        self.know_types(detail).await?;
        let mut arguments = PgArguments::default();
        for target in &detail.targets {
            let oid = match detail.values {
                Values::Arrays(_) => target.array_oid(),
                Values::Lists { .. } => target.oid(),
            };
            Raw::new(oid, None).add_to(&mut arguments)?;
        }
        let explained = format!("EXPLAIN {}", detail.values.statement(1));
        sqlx::query_with(AssertSqlSafe(explained), arguments)
            .persistent(false)
            .fetch_all(&mut self.driver)
            .await
            .map_err(refused)?;
        match plan.route {
            Route::Values | Route::Rows => return Ok(()),
            Route::Load => {
                let mut copy = self
                    .driver
                    .copy_in_raw(&detail.load)
                    .await
                    .map_err(refused)?;
                copy.send(no_rows().as_slice()).await.map_err(refused)?;
                copy.finish().await.map_err(refused)?;
                return Ok(());
            }
            Route::Stage => {}
        }
        if !self.may_stage(&plan.table.name).await? {
            return Ok(());
        }
        self.make_stage(&detail.stage).await?;
        let explained = format!("EXPLAIN {}", detail.stage.merge);
        sqlx::query(AssertSqlSafe(explained))
            .persistent(false)
            .fetch_all(&mut self.driver)
            .await
            .map_err(refused)?;
        Ok(())
    }
}

/// Says which privileges a write needs that the server refuses for the want of one.
fn needs(plan: &WritePlan, error: Error) -> Error {
    if error.kind() != ErrorKind::Auth {
        return error;
    }
    let needed = match plan.op {
        WriteOp::Insert | WriteOp::InsertIgnore => "INSERT",
        WriteOp::Upsert => "INSERT, UPDATE and SELECT",
        WriteOp::Update => "UPDATE and SELECT",
        WriteOp::Delete => "DELETE, and SELECT on the key columns",
    };
    error.context(format_args!(
        "the write needs {needed} on the columns that it has"
    ))
}
