//! Whether an index serves the pages of a table.
use crate::read_plan::ReadPlan;
use connect_api::Result;
use dialect_core::{Connection, Syntax, TableType};

/// Tables with fewer rows are read whole in no time.
const MANY_ROWS: u64 = 10_000;
/// Names of indexes are not longer in any database.
const MAX_NAME: usize = 60;

/// A table with many rows that has no index for its pages, with the statement that makes one.
///
/// # Errors
/// As [`Connection::has_index`] and [`Syntax::quote`].
pub(crate) async fn missing_index(
    connection: &mut dyn Connection,
    syntax: &dyn Syntax,
    plan: &ReadPlan,
) -> Result<Option<String>> {
    let table = &plan.table;
    let is_table = matches!(table.table_type, TableType::Table | TableType::Partitioned);
    let Some(rows) = table.row_estimate.filter(|rows| *rows >= MANY_ROWS) else {
        return Ok(None);
    };
    // An index of an expression is not looked for.
    let mut columns = Vec::new();
    for part in &plan.key {
        match part.columns.as_slice() {
            [column] => columns.push(*column),
            _ => return Ok(None),
        }
    }
    let first = columns.first().filter(|_| is_table && plan.query.is_none());
    let Some(first) = first else {
        return Ok(None);
    };
    if connection.has_index(table, *first).await? != Some(false) {
        return Ok(None);
    }
    let names: Vec<_> = columns
        .iter()
        .map(|i| table.columns[*i].name.as_str())
        .collect();
    let name: String = format!("{}_{}", table.name.name, names.join("_"))
        .chars()
        .take(MAX_NAME)
        .collect();
    let quoted = names.iter().map(|name| syntax.quote(name));
    let quoted: Vec<_> = quoted.collect::<Result<_>>()?;
    Ok(Some(format!(
        "table {} has about {rows} rows and no index on `{}`: each poll reads all of them; create \
         one: CREATE INDEX {} ON {} ({})",
        table.name,
        names[0],
        syntax.quote(&name)?,
        syntax.table(&table.name)?,
        quoted.join(", ")
    )))
}
