//! Deleted rows, captured by triggers: their keys are written to a table of changes.
use crate::{
    query::Statement,
    syntax::Syntax,
    table::{Table, TableName},
};
use connect_api::Result;

/// The name of the table of changes is that of the table, and this.
const SUFFIX: &str = "_connect_deletes";

/// Which keys of which table are captured.
#[derive(Debug)]
pub struct DeleteCapture<'a> {
    /// The table.
    pub table: &'a Table,
    /// Its key columns, by index.
    pub key: &'a [usize],
    /// The table of changes: a number of its own, a time, and the key columns.
    pub changes: TableName,
}

/// The statements of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureDdl {
    /// Create the table of changes.
    pub table: Vec<String>,
    /// Create the triggers.
    pub triggers: Vec<String>,
    /// The names of the triggers.
    pub names: Vec<String>,
    /// Deletes changes of more than a week ago, for the user to run now and then.
    pub purge: String,
}

/// A statement that lists the names of the triggers of a table: rows of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerList {
    /// The statement.
    pub statement: Statement,
    /// Triggers may exist that the user does not see.
    pub may_hide: bool,
}

impl<'a> DeleteCapture<'a> {
    /// The column with the number of a change.
    pub const ID: &'static str = "connect_id";
    /// The column with its time.
    pub const TIME: &'static str = "connect_time";

    /// The capture of the keys of `table`.
    pub fn new(table: &'a Table, key: &'a [usize]) -> Self {
        Self {
            table,
            key,
            changes: TableName {
                schema: table.name.schema.clone(),
                name: format!("{}{SUFFIX}", table.name.name),
            },
        }
    }

    /// A table of this name holds changes.
    pub fn is_changes(name: &TableName) -> bool {
        name.name.ends_with(SUFFIX)
    }

    /// The key columns, quoted, each with `before`.
    ///
    /// # Errors
    /// As [`Syntax::quote`].
    pub fn key_list<S: Syntax + ?Sized>(&self, syntax: &S, before: &str) -> Result<String> {
        Ok(self.quoted_key(syntax, before)?.join(", "))
    }

    /// The same, one by one.
    ///
    /// # Errors
    /// As [`Syntax::quote`].
    pub fn quoted_key<S: Syntax + ?Sized>(&self, syntax: &S, before: &str) -> Result<Vec<String>> {
        let names = self.key.iter().map(|i| &self.table.columns[*i].name);
        names
            .map(|name| Ok(format!("{before}{}", syntax.quote(name)?)))
            .collect()
    }

    /// The condition that a row of the table has the key of one of the changes with a number from
    /// `first` to `last`.
    ///
    /// # Errors
    /// As [`Syntax::quote`].
    pub fn condition<S: Syntax + ?Sized>(
        &self,
        syntax: &S,
        first: i64,
        last: i64,
    ) -> Result<String> {
        let (table, changes) = (
            syntax.table(&self.table.name)?,
            syntax.table(&self.changes)?,
        );
        let (id, keys) = (syntax.quote(Self::ID)?, self.quoted_key(syntax, "")?);
        let range = |of: &str| format!("{of}{id} >= {first} AND {of}{id} <= {last}");
        Ok(match keys.as_slice() {
            [key] => format!("{key} IN (SELECT {key} FROM {changes} WHERE {})", range("")),
            keys if syntax.row_values() => {
                let list = keys.join(", ");
                format!(
                    "({list}) IN (SELECT {list} FROM {changes} WHERE {})",
                    range("")
                )
            }
            keys => {
                let equal = keys.iter().map(|key| format!("c.{key} = {table}.{key}"));
                let equal: Vec<_> = equal.collect();
                format!(
                    "EXISTS (SELECT 1 FROM {changes} c WHERE {} AND {})",
                    equal.join(" AND "),
                    range("c.")
                )
            }
        })
    }

    /// See [`CaptureDdl::purge`]; `week`: the time a week ago, as the database computes it.
    ///
    /// # Errors
    /// As [`Syntax::quote`].
    pub fn purge<S: Syntax + ?Sized>(&self, syntax: &S, week: &str) -> Result<String> {
        Ok(format!(
            "DELETE FROM {} WHERE {} < {week}",
            syntax.table(&self.changes)?,
            syntax.quote(Self::TIME)?
        ))
    }
}
