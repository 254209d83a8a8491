//! What another session does.
use crate::{error_codes::statement_error as error, session::sql};
use connect_api::Result;
use dialect_core::Activity;
use sqlx::{Executor as _, MySqlConnection, Row as _};
use std::time::Duration;

/// The number of a session that has both this number and this origin.
const FOUND: &str = "FROM information_schema.PROCESSLIST WHERE CONCAT_WS(' ', ID, HOST) = ?";

/// What session `session` does, which is one of [`Server::session`](crate::server::Server::session).
pub(crate) async fn activity(driver: &mut MySqlConnection, session: &str) -> Result<Activity> {
    let asked = format!("SELECT CAST(COMMAND AS CHAR), CAST(TIME AS SIGNED) {FOUND}");
    let row = sqlx::query(sql(&asked))
        .bind(session)
        .persistent(false)
        .fetch_optional(driver)
        .await;
    let what = "asking what a session does";
    let Some(row) = row.map_err(|e| error(what, e))? else {
        return Ok(Activity::Gone);
    };
    let command: &str = row.try_get_unchecked(0).map_err(|e| error(what, e))?;
    let seconds: Option<i64> = row.try_get_unchecked(1).map_err(|e| error(what, e))?;
    if command != "Sleep" {
        return Ok(Activity::Working);
    }
    let seconds = u64::try_from(seconds.unwrap_or(0)).unwrap_or(0);
    Ok(Activity::Idle(Duration::from_secs(seconds)))
}

/// Ends session `session`.
pub(crate) async fn end(driver: &mut MySqlConnection, session: &str) -> Result<()> {
    let what = "ending a lost session";
    let asked = format!("SELECT CAST(ID AS SIGNED) {FOUND}");
    let found = sqlx::query_scalar::<_, i64>(sql(&asked))
        .bind(session)
        .persistent(false)
        .fetch_optional(&mut *driver)
        .await;
    if let Some(number) = found.map_err(|e| error(what, e))? {
        let kill = driver.execute(sqlx::raw_sql(sql(&format!("KILL {number}"))));
        kill.await.map_err(|e| error(what, e))?;
    }
    Ok(())
}
