//! Describes a query: the server describes the columns of its first result.
use crate::{
    catalog::{
        self,
        rows::{Described, optional, string},
    },
    describe::text,
    session::Session,
    types::VENDOR_NAME,
};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{Column, Table, TableName, ValueOptions};

/// What a query gives, as a table named `q`.
pub(crate) async fn describe(
    session: &mut Session,
    query: &str,
    values: &ValueOptions,
) -> Result<Table> {
    let what = "describe the query";
    let rows = session
        .rows(what, catalog::QUERY, vec![text(query)])
        .await?;
    let wrong = |why: String| Error::new(ErrorKind::Schema, format!("{what}: {why}"));
    let mut columns: Vec<Column> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        if let Some(number) = optional(row, 8) {
            return Err(
                wrong(format!("{} (error {number} of the server)", string(row, 9)))
                    .with_code(number.to_string()),
            );
        }
        let name = string(row, 0);
        if name.is_empty() {
            return Err(wrong(format!("column {} has no name", i + 1)));
        }
        if columns.iter().any(|c| c.name == name) {
            return Err(wrong(format!("two columns have the name `{name}`")));
        }
        columns.push(Described::of_query(row).column(values));
    }
    if columns.is_empty() {
        return Err(wrong("it gives no columns".to_owned()));
    }
    Ok(Table {
        name: TableName::new("q"),
        columns,
        vendor: VENDOR_NAME,
        ..Table::default()
    })
}
