//! Writes tried out before their first row: the statement that takes staged rows is run on none, as
//! the server looks at privileges when it runs one, in a transaction that is undone. Triggers of
//! the table are fired by it as by any other statement, and undone with it.
use crate::{plan::Detail, session::Session};
use connect_api::Result;
use dialect_core::{Connection as _, WritePlan};

impl Session {
    /// Tries the statements of a plan.
    ///
    /// # Errors
    /// `Auth`, `Schema`: the write would fail, whatever its rows are.
    pub(crate) async fn try_plan(&mut self, plan: &WritePlan) -> Result<()> {
        self.check_writable("try a write out")?;
        let detail = plan.detail_as::<Detail>()?;
        self.begin().await?;
        let tried = self.try_statements(plan, detail).await;
        match (tried, self.rollback().await) {
            // What broke the trial may have broken the connection; the first error is returned.
            (Err(e), _) => Err(e),
            (Ok(()), undone) => undone,
        }
    }

    async fn try_statements(&mut self, plan: &WritePlan, detail: &Detail) -> Result<()> {
        let what = plan.action();
        self.batch(&what, &detail.merge.prepare).await?;
        let Some(table) = &detail.identity else {
            return self.batch(&what, &detail.staged_sql).await;
        };
        let on = format!("SET IDENTITY_INSERT {table} ON");
        self.batch(&what, &on).await?;
        let tried = self.batch(&what, &detail.staged_sql).await;
        // It is no part of the transaction.
        let off = format!("SET IDENTITY_INSERT {table} OFF");
        let off = self.batch(&what, &off).await;
        tried.and(off)
    }
}
