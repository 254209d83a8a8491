//! Which rows may still be those of open transactions.
use crate::{
    catalog::{self, rows::text},
    error_codes::statement_error as error,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::Visibility;
use sqlx::{Executor as _, MySqlConnection};

/// When the oldest running transaction of InnoDB began; `None` where the user may not see that.
///
/// The server writes the seconds by its own clock on the wall, and renews what it shows ten times
/// a second at most: a second is taken off what may not be shown yet.
pub(crate) async fn visibility(driver: &mut MySqlConnection) -> Result<Option<Visibility>> {
    let what = "ask for the oldest transaction";
    let row = match driver
        .fetch_one(sqlx::raw_sql(catalog::OLDEST_TRANSACTION))
        .await
    {
        Ok(row) => row,
        Err(e) => {
            let e = error(what, e);
            if e.kind() != ErrorKind::Auth {
                return Err(e);
            }
            tracing::warn!(
                error = e.report(),
                "running transactions are not visible without the PROCESS privilege"
            );
            return Ok(None);
        }
    };
    let began = text(&row, 0).map_err(|e| error(what, e))?;
    match began.parse() {
        Ok(began) => Ok(Some(Visibility::OldestTransaction { began })),
        Err(e) => Err(Error::new(ErrorKind::Internal, what).with_source(e)),
    }
}
