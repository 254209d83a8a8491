//! Tables as the catalogue describes them: several in one exchange.
pub(crate) mod privileges;
pub(crate) mod query;

use crate::{
    catalog::{
        self,
        rows::{Found, number, string, table_type},
    },
    session::Session,
    syntax::SqlServerSyntax,
};
use connect_api::Result;
use dialect_core::{Syntax as _, Table, TableName, TableType, ValueOptions};
use std::borrow::Cow;
use tiberius::ColumnData;

/// Tables that are described in one exchange: each is a bound value.
const MOST_AT_ONCE: usize = 1_000;

fn text(text: &str) -> ColumnData<'_> {
    ColumnData::String(Some(Cow::Borrowed(text)))
}

/// Tables and views of `schema`, else of the user's own, by name.
pub(crate) async fn tables(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let schema = schema.map_or(ColumnData::String(None), text);
    list(session, &catalog::tables_sql(), vec![schema]).await
}

/// The same of all schemas.
pub(crate) async fn tables_of_all_schemas(
    session: &mut Session,
) -> Result<Vec<(TableName, TableType)>> {
    list(session, &catalog::tables_of_all_schemas_sql(), Vec::new()).await
}

async fn list(
    session: &mut Session,
    sql: &str,
    params: Vec<ColumnData<'_>>,
) -> Result<Vec<(TableName, TableType)>> {
    let rows = session.rows("list the tables", sql, params).await?;
    let mut tables: Vec<_> = rows
        .iter()
        .map(|row| {
            let name = TableName {
                schema: Some(string(row, 0)),
                name: string(row, 1),
            };
            (name, table_type(&string(row, 2)))
        })
        .collect();
    tables.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tables)
}

/// Several tables, in the order of `names`; `None` where there is none.
pub(crate) async fn describe(
    session: &mut Session,
    names: &[TableName],
    values: &ValueOptions,
) -> Result<Vec<Option<Table>>> {
    let mut tables = Vec::with_capacity(names.len());
    for names in names.chunks(MOST_AT_ONCE) {
        let quoted = names
            .iter()
            .map(|name| SqlServerSyntax.table(name))
            .collect::<Result<Vec<_>>>()?;
        let params = quoted.iter().map(|name| text(name)).collect();
        let what = match names {
            [name] => format!("describe table {name}"),
            names => format!("describe {} tables", names.len()),
        };
        let rows = session
            .rows(what, &catalog::describe_sql(names.len()), params)
            .await?;
        let mut found: Vec<_> = names.iter().map(|_| Found::default()).collect();
        for row in &rows {
            let place = usize::try_from(number(row, 1)).ok();
            if let Some(found) = place.and_then(|i| found.get_mut(i)) {
                found.read(row);
            }
        }
        tables.extend(found.into_iter().map(|found| found.table(values)));
    }
    Ok(tables)
}
