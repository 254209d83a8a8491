//! SQL text for the database behind the driver.
mod base;
mod clock;

use crate::{server::Profile, types::Declared};
use base::Base;
use connect_api::{Kind, Result, Schema, Value, arrow::schema::Field};
use dialect_core::{
    Column, KeyValues, Page, Pair, Statement, Syntax, Table, TableName, ValueOptions,
};
use std::{num::NonZeroU32, time::Duration};

/// What is known of a database's SQL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OdbcSyntax {
    pub(crate) profile: Profile,
    pub(crate) quote: char,
    /// In bytes; characters for MySQL.
    pub(crate) max_identifier: usize,
    pub(crate) values: ValueOptions,
}

impl OdbcSyntax {
    /// Before the first connection nothing is known: SQL-92 alone.
    pub(crate) fn unknown(profile: Option<Profile>, values: ValueOptions) -> Self {
        let profile = profile.unwrap_or(Profile::Generic);
        Self {
            profile,
            quote: if profile.is_mysql() { '`' } else { '"' },
            max_identifier: 128,
            values,
        }
    }

    /// What makes an INSERT of an upsert; `key` pairs come first.
    ///
    /// `guarded`: MySQL would change a row of another key, which has the same value of another
    /// unique key; it fails instead, by a subquery of two rows.
    pub(crate) fn on_conflict(
        &self,
        table: &Table,
        pairs: &[Pair],
        key: usize,
        guarded: bool,
    ) -> Result<String> {
        let names = self.names(table, pairs)?;
        if self.profile.is_mysql() {
            let mut set = Vec::with_capacity(names.len());
            if guarded {
                let same: Vec<_> = names[..key]
                    .iter()
                    .map(|name| format!("{name} <=> VALUES({name})"))
                    .collect();
                set.push(format!(
                    "{0} = IF({1}, {0}, (SELECT {0} UNION ALL SELECT {0}))",
                    names[0],
                    same.join(" AND ")
                ));
            }
            let value = |name: &String| format!("{name} = VALUES({name})");
            set.extend(names[key..].iter().map(value));
            // A row that is there and has nothing beside its key stays as it is.
            if set.is_empty() {
                set.push(format!("{0} = {0}", names[0]));
            }
            return Ok(format!(" ON DUPLICATE KEY UPDATE {}", set.join(", ")));
        }
        let target = names[..key].join(", ");
        if names.len() == key {
            return Ok(format!(" ON CONFLICT ({target}) DO NOTHING"));
        }
        let value = |name: &String| format!("{name} = excluded.{name}");
        let set: Vec<_> = names[key..].iter().map(value).collect();
        Ok(format!(
            " ON CONFLICT ({target}) DO UPDATE SET {}",
            set.join(", ")
        ))
    }

    /// What makes an INSERT pass over rows that some key keeps out.
    pub(crate) fn or_ignore(&self, table: &Table, pairs: &[Pair]) -> Result<String> {
        // INSERT IGNORE would also cut what is too long.
        if self.profile.is_mysql() {
            let names = self.names(table, pairs)?;
            return Ok(format!(" ON DUPLICATE KEY UPDATE {0} = {0}", names[0]));
        }
        Ok(" ON CONFLICT DO NOTHING".to_owned())
    }

    /// Counts the rows with these values: zero or one for a key.
    pub(crate) fn count_of(&self, table: &Table, key: &[Pair]) -> Result<String> {
        let names = self.names(table, key)?;
        let filter: Vec<_> = names
            .iter()
            .zip(key)
            .enumerate()
            .map(|(i, (name, pair))| {
                format!("{name} = {}", self.compared(i + 1, &table.columns[pair.to]))
            })
            .collect();
        Ok(format!(
            "SELECT COUNT(*) FROM {} WHERE {}",
            self.table(&table.name)?,
            filter.join(" AND ")
        ))
    }
}

/// PostgreSQL's name of a column's type without its length: a cast to a length would cut silently,
/// an assignment refuses.
fn postgres_cast(column: &Column) -> Option<String> {
    match column.kind.as_ref()? {
        Kind::Text => match Declared::parse(&column.vendor_type) {
            Some(declared) => match &*declared.name {
                "text" | "character varying" | "character" | "name" => None,
                "bit" => Some("bit varying".to_owned()),
                _ => Some(without_length(&declared)),
            },
            // An enumeration, a domain, an array: the server's own name of it, quoted by it.
            None => Some(column.vendor_type.clone()),
        },
        _ => match Declared::parse(&column.vendor_type) {
            Some(declared) => Some(without_length(&declared)),
            None => Some(column.vendor_type.clone()),
        },
    }
}

fn without_length(declared: &Declared) -> String {
    let plain = Declared {
        name: declared.name.clone(),
        numbers: Vec::new(),
    };
    match &*plain.name {
        "interval day to second" | "interval hour to second" => "interval".to_owned(),
        _ => plain.render(),
    }
}

impl Syntax for OdbcSyntax {
    fn quote_char(&self) -> char {
        self.quote
    }

    fn max_identifier_bytes(&self) -> usize {
        self.max_identifier
    }

    fn takes_length(&self, name: &str) -> bool {
        match self.profile {
            Profile::MySql { .. } | Profile::SqlServer => {
                name.chars().count() <= self.max_identifier
            }
            Profile::Postgres
            | Profile::Sqlite
            | Profile::Oracle
            | Profile::Db2
            | Profile::Generic => name.len() <= self.max_identifier,
        }
    }

    /// PostgreSQL's driver sends text: its type is declared to the server.
    fn placeholder(&self, _n: usize, column: &Column) -> String {
        let cast = match self.profile {
            Profile::Postgres => postgres_cast(column),
            // Else the digits of a number would be taken for its bytes.
            Profile::MySql { .. } if column.vendor_type.starts_with("bit(") => {
                Some("UNSIGNED".to_owned())
            }
            _ => None,
        };
        cast.map_or("?".to_owned(), |name| format!("CAST(? AS {name})"))
    }

    fn select_column(&self, column: &Column) -> Result<String> {
        let name = self.quote(&column.name)?;
        let vendor = column.vendor_type.to_ascii_lowercase();
        Ok(match (self.profile, &column.kind) {
            // What is a number to the driver would come in another form than the server's text.
            (Profile::Postgres, Some(Kind::Text)) if !is_text(&vendor) => as_text(&name),
            // The driver takes them apart and loses the years before the first.
            (
                Profile::Postgres,
                Some(Kind::Date | Kind::Time | Kind::Timestamp { .. } | Kind::Duration),
            ) => as_text(&name),
            // Every digit, where the driver would read 15.
            (Profile::Sqlite, Some(Kind::Float32 | Kind::Float64)) => format!(
                "CASE typeof({name}) WHEN 'real' THEN printf('%!.20g', {name}) ELSE {name} END"
            ),
            (Profile::Sqlite, Some(Kind::Bytes)) => name,
            // The driver looks at declared types; an expression has none.
            (Profile::Sqlite, _) => format!("CAST({name} AS TEXT)"),
            (Profile::MySql { .. }, _) if vendor.starts_with("bit") => {
                format!("CAST({name} AS UNSIGNED)")
            }
            (Profile::MySql { .. }, Some(Kind::Text)) if is_geometry(&vendor) => {
                format!("ST_AsText({name})")
            }
            (
                Profile::MySql { .. },
                Some(Kind::Date | Kind::Time | Kind::Timestamp { .. } | Kind::Duration),
            ) => format!("CAST({name} AS CHAR)"),
            _ => name,
        })
    }

    fn now(&self, column: &Column, delay: Duration) -> String {
        clock::now(self.profile, column, delay)
    }

    fn utc_now(&self, column: &Column, shift: i64) -> String {
        clock::utc_now(self.profile, column, shift)
    }

    fn step(&self, column: &Column) -> Duration {
        clock::step(self.profile, column)
    }

    fn key_values(&self, column: &Column) -> KeyValues {
        clock::key_values(self.profile, column)
    }

    fn select_present(&self, column: &Column, east: Option<i64>, back: Duration) -> Statement {
        let now = self.present(column, east, back);
        let now = match self.profile {
            Profile::MySql { .. } => format!("CAST({now} AS CHAR)"),
            _ => now,
        };
        let from = match self.profile {
            Profile::Oracle => " FROM dual",
            Profile::Db2 => " FROM sysibm.sysdummy1",
            _ => "",
        };
        Statement {
            sql: format!("SELECT {now}{from}"),
            params: Vec::new(),
        }
    }

    fn row_values(&self) -> bool {
        self.profile.has_upsert()
    }

    fn column_type(&self, field: &Field, in_key: bool) -> Result<String> {
        crate::ddl::column_type(self.profile, field, in_key, &self.values)
    }

    fn max_params(&self) -> usize {
        match self.profile {
            // Of 2,100, `sp_executesql` takes one for the statement and one for the declarations.
            Profile::SqlServer => 2_098,
            // From 7,498 on psqlodbc takes the server's answer for a broken connection.
            Profile::Postgres => 4_096,
            Profile::MySql { .. } | Profile::Sqlite => 32_766,
            Profile::Oracle | Profile::Db2 | Profile::Generic => 1_000,
        }
    }

    fn add_column(&self, table: &TableName, field: &Field) -> Result<String> {
        let keyword = match self.profile {
            Profile::SqlServer | Profile::Oracle => "ADD",
            _ => "ADD COLUMN",
        };
        Ok(format!(
            "ALTER TABLE {} {keyword} {} {}",
            self.table(table)?,
            self.quote(field.name())?,
            self.column_type(field, false)?
        ))
    }

    fn widen(&self, table: &TableName, column: &Column, field: &Field) -> Result<String> {
        crate::ddl::widen(self, self.profile, table, column, field)
    }

    fn literal(&self, value: &Value) -> Option<String> {
        crate::ddl::literal(self.profile, value)
    }

    fn quantiles(&self, page: &Page<'_>, parts: NonZeroU32) -> Result<Option<Statement>> {
        match self.profile {
            Profile::Generic => Ok(None),
            _ => Base(self).quantiles(page, parts),
        }
    }

    fn subquery_alias(&self) -> &'static str {
        match self.profile {
            Profile::Oracle => " ",
            _ => " AS ",
        }
    }

    fn limit(&self, rows: u32) -> String {
        match self.profile {
            Profile::Postgres | Profile::MySql { .. } | Profile::Sqlite => format!(" LIMIT {rows}"),
            Profile::SqlServer => format!(" OFFSET 0 ROWS FETCH NEXT {rows} ROWS ONLY"),
            Profile::Oracle | Profile::Db2 | Profile::Generic => {
                format!(" FETCH FIRST {rows} ROWS ONLY")
            }
        }
    }

    // Not every database has subqueries as columns.
    fn select_any(&self, _pages: &[Page<'_>]) -> Result<Option<Statement>> {
        Ok(None)
    }

    /// SQL Server limits ordered queries alone.
    fn select(&self, page: &Page<'_>) -> Result<Statement> {
        if self.profile == Profile::SqlServer && page.key.is_empty() && page.limit.is_some() {
            let limit = page.limit.map_or(0, NonZeroU32::get);
            let whole = Page {
                limit: None,
                ..page.clone()
            };
            let mut statement = Base(self).select(&whole)?;
            statement.sql = statement
                .sql
                .replacen("SELECT ", &format!("SELECT TOP ({limit}) "), 1);
            return Ok(statement);
        }
        Base(self).select(page)
    }

    fn row_list(&self) -> &'static str {
        match self.profile {
            Profile::Sqlite => "VALUES ",
            _ => "",
        }
    }

    fn create_table(&self, table: &TableName, schema: &Schema) -> Result<String> {
        let text = Base(self).create_table(table, schema)?;
        Ok(match self.profile {
            Profile::Postgres | Profile::MySql { .. } | Profile::Sqlite => text,
            // The others have no such clause: what exists already is reported by an error.
            _ => text.replacen("CREATE TABLE IF NOT EXISTS", "CREATE TABLE", 1),
        })
    }
}

/// A column of PostgreSQL as the server's text. A cast alone would have the column's name, and ORDER
/// BY take it for the column.
fn as_text(name: &str) -> String {
    format!("CAST({name} AS text) || ''")
}

fn is_text(vendor: &str) -> bool {
    ["text", "character", "name"]
        .iter()
        .any(|name| vendor.starts_with(name))
}

fn is_geometry(vendor: &str) -> bool {
    [
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multi",
        "geomcollection",
    ]
    .iter()
    .any(|name| vendor.starts_with(name))
}
