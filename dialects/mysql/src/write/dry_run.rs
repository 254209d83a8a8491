//! What a check tries of a write, without writing.
use crate::{
    error_codes::statement_error,
    plan::Detail,
    session::{Session, sql},
};
use connect_api::Result;
use dialect_core::{Route, WritePlan};
use sqlx::Executor as _;

impl Session {
    /// Prepares the statements of a plan, and creates its staging table.
    pub(crate) async fn try_plan(&mut self, plan: &WritePlan) -> Result<()> {
        self.ready()?;
        let detail: &Detail = plan.detail_as()?;
        let text = detail.text(plan, 1, &self.server)?;
        let prepared = self.driver.prepare(sql(&text)).await;
        prepared.map_err(|e| statement_error(plan.action(), e))?;
        if let Some(stage) = detail.stage.as_ref().filter(|_| plan.route == Route::Stage)
            && self.create_staging_table(plan, stage).await?
        {
            self.run(&stage.drop).await?;
        }
        Ok(())
    }
}
