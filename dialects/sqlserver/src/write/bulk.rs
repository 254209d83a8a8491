//! Rows by the bulk load of TDS.
use crate::{
    encode::cell::Source,
    session::{Fault, Session, settle, unheard},
};
use connect_api::Error;
use tiberius::{SqlBulkCopyOption, SqlBulkCopyOptions, TokenRow};

/// What a bulk load into a table does as any INSERT does: constraints are checked, triggers fire, and
/// a NULL is a NULL even where the column has a default.
pub(crate) fn into_table(identity: bool) -> SqlBulkCopyOptions {
    let options = SqlBulkCopyOption::CheckConstraints
        | SqlBulkCopyOption::FireTriggers
        | SqlBulkCopyOption::KeepNulls;
    if identity {
        options | SqlBulkCopyOption::KeepIdentity
    } else {
        options
    }
}

impl Session {
    /// Loads `rows`, whose cells have been found to fit their columns.
    pub(crate) async fn bulk_load(
        &mut self,
        (table, columns): (&str, &[&str]),
        options: SqlBulkCopyOptions,
        sources: &[Source<'_>],
        rows: &[usize],
        value_error: impl Fn(usize, dialect_core::ValueError) -> Error,
    ) -> Result<u64, Fault> {
        let (client, busy) = self.client().map_err(Fault::Own)?;
        *busy = true;
        let loading = async {
            let begun = client
                .bulk_insert_with_options(table, columns, options, &[])
                .await;
            let mut load = match begun {
                Ok(load) => load,
                Err(e) => return settle(busy, Err(e)).map_err(Fault::Driver),
            };
            for row in rows {
                let mut cells = TokenRow::with_capacity(sources.len());
                for (i, source) in sources.iter().enumerate() {
                    // The server waits for the rest: the session is lost, but not the reason.
                    cells.push(
                        source
                            .data(*row)
                            .map_err(|e| Fault::Own(value_error(i, e)))?,
                    );
                }
                load.send(cells).await.map_err(Fault::Driver)?;
            }
            let done = load.finalize().await;
            settle(busy, done)
                .map(tiberius::ExecuteResult::total)
                .map_err(Fault::Driver)
        };
        unheard(loading).await
    }
}
