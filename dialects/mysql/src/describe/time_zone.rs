//! The time zone of the server.
use crate::{
    catalog::{self, rows::optional},
    error_codes::statement_error as error,
};
use connect_api::Result;
use sqlx::{Executor as _, MySqlConnection};

/// The zone of sessions that set none: the server's own by its name or offset; that of its system
/// where it is the same all the year. `None` where it is not: the server alone knows it then.
pub(crate) async fn time_zone(driver: &mut MySqlConnection) -> Result<Option<String>> {
    let what = "ask for the time zone";
    let row = driver.fetch_one(sqlx::raw_sql(catalog::TIME_ZONE)).await;
    let row = row.map_err(|e| error(what, e))?;
    optional(&row, 0).map_err(|e| error(what, e))
}
