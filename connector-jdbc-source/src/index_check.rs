//! Whether an index serves the pages of a table.
use crate::read_plan::ReadPlan;
use connect_api::Result;
use dialect_core::{Syntax, TableType};

/// Tables with fewer rows are read whole in no time.
const MANY_ROWS: u64 = 10_000;
/// Names of indexes are not longer in any database.
const MAX_NAME: usize = 60;

/// How an index serves a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Serves {
    /// Rows are found by none of its parts.
    Not,
    /// Rows are found by its first part; those of equal values of it are sorted with each page.
    FirstPart,
    /// Rows are found, and are in order.
    Whole,
}

/// How the indexes of a table serve a key; `columns` are its columns.
fn serve(plan: &ReadPlan, columns: &[&str]) -> Option<Serves> {
    let table = &plan.table;
    let indexes = table.indexes.as_ref()?;
    let is_unique = |index: &[String]| {
        let mut keys = table.unique_keys.iter().chain([&table.primary_key]);
        keys.any(|key| key.len() == index.len() && key.iter().all(|name| index.contains(name)))
    };
    let of_index = |index: &Vec<String>| {
        // Rows of an index are in the order of the primary key where its own columns are equal.
        let whole = index.iter().chain(match table.vendor {
            "mysql" | "mariadb" => table.primary_key.as_slice(),
            _ => &[],
        });
        let same = whole
            .zip(columns)
            .take_while(|(name, column)| name == *column);
        match same.count() {
            0 => Serves::Not,
            count if count == columns.len() => Serves::Whole,
            count if count >= index.len() && is_unique(index) => Serves::Whole,
            _ => Serves::FirstPart,
        }
    };
    Some(indexes.iter().map(of_index).max().unwrap_or(Serves::Not))
}

/// A table with many rows that has no index for its pages, with the statement that makes one.
///
/// # Errors
/// As [`Syntax::quote`].
pub(crate) fn missing_index(syntax: &dyn Syntax, plan: &ReadPlan) -> Result<Option<String>> {
    let table = &plan.table;
    let is_table = matches!(table.table_type, TableType::Table | TableType::Partitioned);
    let Some(rows) = table.row_estimate.filter(|rows| *rows >= MANY_ROWS) else {
        return Ok(None);
    };
    // An index of an expression is not looked for.
    let mut names: Vec<&str> = Vec::new();
    for part in &plan.key {
        match part.columns.as_slice() {
            [column] => names.push(&table.columns[*column].name),
            _ => return Ok(None),
        }
    }
    let first = names.first().filter(|_| is_table && plan.query.is_none());
    let Some(first) = first else {
        return Ok(None);
    };
    let problem = match serve(plan, &names) {
        None | Some(Serves::Whole) => return Ok(None),
        Some(Serves::FirstPart) => format!(
            "no index on `{}`: each poll sorts the rows of equal `{first}`",
            names.join("`, `")
        ),
        Some(Serves::Not) => format!("no index on `{first}`: each poll reads all of them"),
    };
    let name: String = format!("{}_{}", table.name.name, names.join("_"))
        .chars()
        .take(MAX_NAME)
        .collect();
    let quoted = names.iter().map(|name| syntax.quote(name));
    let quoted: Vec<_> = quoted.collect::<Result<_>>()?;
    Ok(Some(format!(
        "table {} has about {rows} rows and {problem}; create one: CREATE INDEX {} ON {} ({})",
        table.name,
        syntax.quote(&name)?,
        syntax.table(&table.name)?,
        quoted.join(", ")
    )))
}
