//! SQL text of MySQL and MariaDB.
use crate::ddl::delete_capture;
use crate::{
    ddl::{self, row_size, widen},
    server::{Family, MARIADB_EXACT, MYSQL_EXACT, Server},
    types::{
        grammar::{Declared, quoted},
        stored,
    },
};
use connect_api::{Kind, Result, Schema, Value, arrow::schema::Field};
use dialect_core::{
    CaptureDdl, Column, DeleteCapture, KeyPart, KeyValues, Page, Pair, Statement, Syntax, Table,
    TableName, TriggerList, checksum, step_of_digits,
};
use std::{
    num::NonZeroU32,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// 0001-01-01, in days since 1970-01-01.
const YEAR_ONE: i64 = -719_162;
const DAY_MICROS: i64 = 86_400_000_000;

/// SQL text that all supported servers understand; where they differ, by what is known of the
/// server: its URL, and once connected the server itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct MySqlSyntax {
    /// The URL says that it is MariaDB.
    pub(crate) mariadb: bool,
    /// The first server that was connected to.
    pub(crate) server: Arc<OnceLock<Server>>,
}

impl MySqlSyntax {
    /// MariaDB's own words are understood.
    fn is_mariadb(&self) -> bool {
        self.server
            .get()
            .map_or(self.mariadb, |server| server.family == Family::MariaDb)
    }

    /// The collation of texts in keys that are created: one that distinguishes all texts, where the
    /// server has it.
    fn key_collation(&self) -> &'static str {
        match (self.server.get(), self.mariadb) {
            (Some(server), _) => server.key_collation(),
            (None, true) => MARIADB_EXACT,
            (None, false) => MYSQL_EXACT,
        }
    }
}

/// Its values are numbers to the server, and have texts.
fn is_counted(column: &Column) -> bool {
    let mut types = ["enum(", "set("].iter();
    types.any(|of| column.vendor_type.starts_with(of))
}

impl Syntax for MySqlSyntax {
    fn quote_char(&self) -> char {
        '`'
    }

    fn max_identifier_bytes(&self) -> usize {
        64
    }

    fn refused_name(&self, name: &str) -> Option<&'static str> {
        let beyond = name.chars().any(|c| c > '\u{ffff}');
        beyond.then_some(
            "holds a character beyond U+FFFF (such as an emoji), which the server takes in no name",
        )
    }

    // 64 characters, of whatever width.
    fn takes_length(&self, name: &str) -> bool {
        name.chars().count() <= self.max_identifier_bytes()
    }

    fn placeholder(&self, _n: usize, _column: &Column) -> String {
        "?".to_owned()
    }

    // MySQL 5.6 compares bound times as whole seconds in expressions and lists, and would miss
    // rows; those that are cast are compared as they are. An index serves either.
    fn compared(&self, n: usize, column: &Column) -> String {
        match column.kind {
            Some(Kind::Timestamp { .. }) => "CAST(? AS DATETIME(6))".to_owned(),
            Some(Kind::Time | Kind::Duration) => "CAST(? AS TIME(6))".to_owned(),
            _ => self.placeholder(n, column),
        }
    }

    fn key_placeholder(&self, n: usize, column: &Column) -> String {
        self.compared(n, column)
    }

    // The texts of an enumeration are compared by the collation of the session, which is another.
    fn key_values(&self, column: &Column) -> KeyValues {
        if is_counted(column) {
            KeyValues::Forms
        } else {
            KeyValues::Exact
        }
    }

    // After the zero date stands the first day of the year 1, the first that is bound; other dates that are none stand among
    // those that are.
    fn before_first(&self, column: &Column) -> Option<Value> {
        match column.kind {
            Some(Kind::Timestamp { .. }) => Some(Value::Timestamp(YEAR_ONE * DAY_MICROS)),
            Some(Kind::Date) => i32::try_from(YEAR_ONE).ok().map(Value::Date),
            _ => None,
        }
    }

    // What has no kind of its own is read as the server's text of it; vectors, whose type the
    // driver does not know, as their bytes.
    fn select_column(&self, column: &Column) -> Result<String> {
        let name = self.quote(&column.name)?;
        Ok(match (&column.kind, stored(column)) {
            (Some(Kind::Text), Some((_, true))) => format!("CAST({name} AS CHAR)"),
            (Some(Kind::List(_)), _) => format!("CAST({name} AS BINARY)"),
            _ => name,
        })
    }

    // A timestamp is compared in the session's time zone, which is UTC. A datetime has none: it
    // is the server's local time when the application wrote NOW().
    fn now(&self, column: &Column, delay: Duration) -> String {
        let utc = match delay.as_micros() {
            0 => "UTC_TIMESTAMP(6)".to_owned(),
            micros => format!("(UTC_TIMESTAMP(6) - INTERVAL {micros} MICROSECOND)"),
        };
        if column.kind == Some(Kind::Timestamp { utc: true }) {
            return utc;
        }
        let local = format!("CONVERT_TZ({utc}, '+00:00', @@global.time_zone)");
        match column.kind {
            Some(Kind::Date) => format!("DATE({local})"),
            _ => local,
        }
    }

    fn utc_now(&self, column: &Column, shift: i64) -> String {
        let now = format!("(UTC_TIMESTAMP(6) + INTERVAL {shift} MICROSECOND)");
        match column.kind {
            Some(Kind::Date) => format!("DATE({now})"),
            _ => now,
        }
    }

    // MySQL rounds, MariaDB cuts.
    fn step(&self, column: &Column) -> Duration {
        let digits = Declared::parse(&column.vendor_type).first();
        match column.kind {
            Some(Kind::Timestamp { .. } | Kind::Time | Kind::Duration) => {
                step_of_digits(digits.unwrap_or(0))
            }
            Some(Kind::Date) => Duration::from_hours(24),
            _ => Duration::ZERO,
        }
    }

    // Row values are compared right, but by reading the whole table.
    fn row_values(&self) -> bool {
        false
    }

    fn max_params(&self) -> usize {
        usize::from(u16::MAX)
    }

    // ENUM and SET are ordered by their number and compared by their text: a page would miss
    // rows. As text they are ordered as they are compared.
    fn key_expression(&self, page: &Page<'_>, part: &KeyPart) -> Result<String> {
        let names = part
            .columns
            .iter()
            .map(|i| {
                let column = &page.table.columns[*i];
                let name = self.quote(&column.name)?;
                Ok(if is_counted(column) {
                    format!("CAST({name} AS CHAR)")
                } else {
                    name
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(match names.as_slice() {
            [name] => name.clone(),
            names => format!("COALESCE({})", names.join(", ")),
        })
    }

    fn quantiles(&self, page: &Page<'_>, parts: NonZeroU32) -> Result<Option<Statement>> {
        match self.server.get() {
            Some(server) if !server.window_functions() => Ok(None),
            _ => Plain(self).quantiles(page, parts),
        }
    }

    fn column_type(&self, field: &Field, in_key: bool) -> Result<String> {
        let key = in_key.then(|| self.key_collation());
        let column_type = ddl::column_type(field, key, self.is_mariadb())?;
        Ok(match column_type.mark {
            Some(mark) => format!("{} COMMENT '{mark}'", column_type.sql),
            None => column_type.sql,
        })
    }

    // A backslash is one.
    fn literal(&self, value: &Value) -> Option<String> {
        match value {
            Value::Text(text) if !text.contains('\0') => Some(quoted(text)),
            Value::Text(_) => None,
            other => Plain(self).literal(other),
        }
    }

    fn create_table(&self, table: &TableName, schema: &Schema) -> Result<String> {
        let fields: Vec<_> = schema
            .columns()
            .fields()
            .iter()
            .map(AsRef::as_ref)
            .collect();
        let in_key = |i: usize| schema.key().contains(&i);
        let fields = row_size::fitted(&fields, in_key, 0, self.is_mariadb())?;
        let key: Vec<_> = schema
            .key()
            .iter()
            .map(|i| schema.field(*i).name())
            .collect();
        let key: Vec<&str> = key.into_iter().map(String::as_str).collect();
        let schema = Schema::new(schema.name(), fields, &key)?;
        dialect_core::create_table(self, table, &schema)
    }

    fn add_columns_beside(&self, table: &Table, fields: &[&Field]) -> Result<Vec<String>> {
        let taken = table
            .columns
            .iter()
            .map(|c| row_size::bytes(&c.vendor_type));
        let fields = row_size::fitted(fields, |_| false, taken.sum(), self.is_mariadb())?;
        self.add_columns(&table.name, &fields.iter().collect::<Vec<_>>())
    }

    // MariaDB leaves out the columns that are there; MySQL fails, and none is added.
    fn add_columns(&self, table: &TableName, fields: &[&Field]) -> Result<Vec<String>> {
        let there = if self.is_mariadb() {
            "IF NOT EXISTS "
        } else {
            ""
        };
        let columns = fields
            .iter()
            .map(|field| {
                Ok(format!(
                    "ADD COLUMN {there}{} {}",
                    self.quote(field.name())?,
                    self.column_type(field, false)?
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![format!(
            "ALTER TABLE {} {}",
            self.table(table)?,
            columns.join(", ")
        )])
    }

    fn widen(&self, table: &TableName, column: &Column, field: &Field) -> Result<String> {
        let definition = widen::widened(table, column, field, self.is_mariadb())?;
        Ok(format!(
            "ALTER TABLE {} MODIFY COLUMN {} {definition}",
            self.table(table)?,
            self.quote(&column.name)?
        ))
    }

    // A list of row values is compared by reading the whole table, on MariaDB: an index serves
    // alternatives.
    fn delete(&self, table: &Table, key: &[Pair], rows: usize) -> Result<String> {
        let names = self.names(table, key)?;
        if names.len() < 2 {
            return Plain(self).delete(table, key, rows);
        }
        let one: Vec<_> = names
            .iter()
            .zip(key)
            .map(|(name, pair)| {
                let place = self.compared(0, &table.columns[pair.to]);
                format!("{name} = {place}")
            })
            .collect();
        let one = format!("({})", one.join(" AND "));
        Ok(format!(
            "DELETE FROM {} WHERE {}",
            self.table(&table.name)?,
            vec![one; rows].join(" OR ")
        ))
    }

    fn select_checksum(&self, columns: &[&Column]) -> Option<String> {
        let text = |column: &&Column| {
            let name = self.quote(&column.name).ok()?;
            let is_plain = self.select_column(column).is_ok_and(|read| read == name);
            let text = match column.kind.as_ref().filter(|_| is_plain)? {
                Kind::Text => format!("CONVERT({name} USING utf8mb4)"),
                kind if checksum::is_number_or_uuid(kind) => format!("CAST({name} AS CHAR)"),
                _ => return None,
            };
            Some(format!("LENGTH({text}), ':', {text}"))
        };
        let text = columns.iter().map(text).collect::<Option<Vec<_>>>()?;
        let digits = format!("SUBSTR(MD5(CONCAT({})), 1, 15)", text.join(", "));
        let sum = format!("SUM(CAST(CONV({digits}, 16, 10) AS UNSIGNED))");
        Some(format!("COUNT(*), CAST(COALESCE({sum}, 0) AS CHAR)"))
    }

    fn capture_deletes(&self, capture: &DeleteCapture<'_>) -> Result<Option<CaptureDdl>> {
        delete_capture::capture(self, capture).map(Some)
    }

    fn triggers(&self, table: &TableName) -> Result<Option<TriggerList>> {
        Ok(Some(delete_capture::triggers(table)))
    }
}

/// The same without what is replaced above: what stands in the trait.
struct Plain<'a>(&'a MySqlSyntax);

impl Syntax for Plain<'_> {
    fn quote_char(&self) -> char {
        self.0.quote_char()
    }

    fn max_identifier_bytes(&self) -> usize {
        self.0.max_identifier_bytes()
    }

    fn refused_name(&self, name: &str) -> Option<&'static str> {
        self.0.refused_name(name)
    }

    fn takes_length(&self, name: &str) -> bool {
        self.0.takes_length(name)
    }

    fn placeholder(&self, n: usize, column: &Column) -> String {
        self.0.placeholder(n, column)
    }

    fn compared(&self, n: usize, column: &Column) -> String {
        self.0.compared(n, column)
    }

    fn now(&self, column: &Column, delay: Duration) -> String {
        self.0.now(column, delay)
    }

    fn utc_now(&self, column: &Column, shift: i64) -> String {
        self.0.utc_now(column, shift)
    }

    fn step(&self, column: &Column) -> Duration {
        self.0.step(column)
    }

    fn key_values(&self, column: &Column) -> KeyValues {
        self.0.key_values(column)
    }

    fn key_expression(&self, page: &Page<'_>, part: &KeyPart) -> Result<String> {
        self.0.key_expression(page, part)
    }

    fn column_type(&self, field: &Field, in_key: bool) -> Result<String> {
        self.0.column_type(field, in_key)
    }

    fn max_params(&self) -> usize {
        self.0.max_params()
    }
}

#[cfg(test)]
mod tests;
