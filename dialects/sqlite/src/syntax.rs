//! SQLite's SQL text.
mod keys;

use crate::ddl::delete_capture;
use crate::{
    ddl,
    types::{ANY, AS_TEXT},
};
use connect_api::{Result, Value, arrow::schema::Field};
use dialect_core::{
    CaptureDdl, Column, DeleteCapture, KeyPart, KeyValues, Page, Pair, Param, Syntax, Table,
    TableName, TriggerList, ValueOptions, insert_or_excluded,
};
use rusqlite::limits::Limit;
use std::{sync::OnceLock, time::Duration};

/// A name that is known to be one, in quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// How many values a statement can bind, as the library says.
pub(crate) fn max_params() -> usize {
    static LIMIT: OnceLock<usize> = OnceLock::new();
    *LIMIT.get_or_init(|| {
        let limit = rusqlite::Connection::open_in_memory()
            .and_then(|library| library.limit(Limit::SQLITE_LIMIT_VARIABLE_NUMBER));
        // 999 is what every build of SQLite takes.
        usize::try_from(limit.unwrap_or(999)).unwrap_or(999)
    })
}

/// SQL text for SQLite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqliteSyntax {
    values: ValueOptions,
}

impl SqliteSyntax {
    pub(crate) fn new(values: ValueOptions) -> Self {
        Self { values }
    }

    /// An INSERT of so many rows that passes over those that some key keeps out. Not
    /// `INSERT OR IGNORE`, which passes over every other fault, too.
    pub(crate) fn insert_ignore(
        &self,
        table: &Table,
        pairs: &[Pair],
        rows: usize,
    ) -> Result<String> {
        let insert = self.insert(table, pairs, rows)?;
        Ok(format!("{insert} ON CONFLICT DO NOTHING"))
    }

    /// An INSERT of so many rows that updates the rows whose key is there; `key` pairs come
    /// first.
    pub(crate) fn upsert(
        &self,
        table: &Table,
        pairs: &[Pair],
        key: usize,
        rows: usize,
    ) -> Result<String> {
        let mut sql = insert_or_excluded(self, table, pairs, rows)?;
        let names = self.names(table, pairs)?;
        sql.push_str(&format!(" ON CONFLICT ({}) DO ", names[..key].join(", ")));
        if names.len() == key {
            sql.push_str("NOTHING");
            return Ok(sql);
        }
        let set: Vec<_> = names[key..]
            .iter()
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        sql.push_str(&format!("UPDATE SET {}", set.join(", ")));
        Ok(sql)
    }

    /// Keys of this column are compared as padded digits.
    pub(crate) fn pads(&self, column: &Column) -> bool {
        keys::pads(column)
    }
}

/// Cells of every storage class are read as text: numbers with a fraction and bytes as SQLite
/// writes them in SQL, so that not a bit is lost.
fn is_any(column: &Column) -> bool {
    // The rowid is an integer and nothing else.
    matches!(column.extension, Some(ANY | AS_TEXT)) && !column.auto_increment
}

impl Syntax for SqliteSyntax {
    /// Not `"`: SQLite takes a name in double quotes that it does not know for a text, and would
    /// read a column that was dropped as its own name.
    fn quote_char(&self) -> char {
        '`'
    }

    /// SQLite has no limit of its own below that of a statement; this keeps names sane.
    fn max_identifier_bytes(&self) -> usize {
        1_000
    }

    fn placeholder(&self, _n: usize, _column: &Column) -> String {
        "?".to_owned()
    }

    fn key_placeholder(&self, n: usize, column: &Column) -> String {
        keys::placeholder(n, column, self.values.sqlite_dates)
    }

    fn key_values(&self, column: &Column) -> KeyValues {
        keys::values(column, self.values.sqlite_dates)
    }

    fn select_column(&self, column: &Column) -> Result<String> {
        let name = self.quote(&column.name)?;
        Ok(if is_any(column) {
            keys::any(&name, &name)
        } else {
            name
        })
    }

    fn key_expression(&self, page: &Page<'_>, part: &KeyPart) -> Result<String> {
        let names = part
            .columns
            .iter()
            .map(|i| {
                let column = &page.table.columns[*i];
                let name = self.quote(&column.name)?;
                Ok(keys::expression(column, &name, self.values.sqlite_dates))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(match &names[..] {
            [name] => name.clone(),
            names => format!("COALESCE({})", names.join(", ")),
        })
    }

    fn lower_bound(&self, page: &Page<'_>, value: &Value) -> Option<(String, Param)> {
        let [only] = page.key.first()?.columns[..] else {
            return None;
        };
        let column = &page.table.columns[only];
        let name = self.quote(&column.name).ok()?;
        if keys::expression(column, &name, self.values.sqlite_dates) == name {
            return None;
        }
        let param = keys::bound(column, value, self.values.sqlite_dates)?;
        Some((format!("{name} >= ?"), param))
    }

    fn now(&self, column: &Column, delay: Duration) -> String {
        let shift = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
        keys::now(column, -shift, self.values.sqlite_dates)
    }

    // Its own functions write in UTC.
    fn utc_now(&self, column: &Column, shift: i64) -> String {
        keys::now(column, shift, self.values.sqlite_dates)
    }

    fn step(&self, column: &Column) -> Duration {
        keys::step(column, self.values.sqlite_dates)
    }

    /// The declared type says what the column holds, so that it is described as it was created, and
    /// its affinity keeps values as they are: `DECIMAL(12,2)` would make floats of decimals,
    /// `DECIMAL_TEXT(12,2)` is text to SQLite.
    fn column_type(&self, field: &Field, _in_key: bool) -> Result<String> {
        ddl::column_type(field, &self.values)
    }

    fn row_list(&self) -> &'static str {
        "VALUES "
    }

    fn max_params(&self) -> usize {
        max_params()
    }

    fn capture_deletes(&self, capture: &DeleteCapture<'_>) -> Result<Option<CaptureDdl>> {
        delete_capture::capture(self, capture).map(Some)
    }

    fn triggers(&self, table: &TableName) -> Result<Option<TriggerList>> {
        delete_capture::triggers(self, table).map(Some)
    }
}

#[cfg(test)]
mod tests;
