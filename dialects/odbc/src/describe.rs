//! Tables as the catalogues describe them: those of the databases that are known, ODBC's functions for
//! the others. Psqlodbc's functions know no domains and call every enumeration text, sqliteodbc's
//! know neither generated columns nor their defaults.
mod mysql;
mod postgres;
pub(crate) mod query;
mod sqlite;
mod standard;

pub(crate) use query::describe_query;

use crate::{server::Profile, session::Session};
use connect_api::Result;
use dialect_core::{Table, TableName, TableType};

/// Tables and views of a schema, by name.
pub(crate) fn tables(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let mut tables = match session.server.syntax.profile {
        Profile::Postgres => postgres::tables(session, schema),
        Profile::MySql { .. } => mysql::tables(session, schema),
        Profile::Sqlite => sqlite::tables(session, schema),
        Profile::SqlServer | Profile::Oracle | Profile::Db2 | Profile::Generic => {
            standard::tables(session, schema)
        }
    }?;
    tables.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tables)
}

/// A table with its columns and keys; `None` where there is none of this name.
pub(crate) fn describe(session: &mut Session, name: &TableName) -> Result<Option<Table>> {
    match session.server.syntax.profile {
        Profile::Postgres => postgres::describe(session, name),
        Profile::MySql { .. } => mysql::describe(session, name),
        Profile::Sqlite => sqlite::describe(session, name),
        Profile::SqlServer | Profile::Oracle | Profile::Db2 | Profile::Generic => {
            standard::describe(session, name)
        }
    }
}

/// A row of a catalogue.
struct Row(Vec<Option<String>>);

impl Row {
    fn text(&mut self, column: usize) -> String {
        self.option(column).unwrap_or_default()
    }

    fn option(&mut self, column: usize) -> Option<String> {
        self.0.get_mut(column).and_then(Option::take)
    }

    fn is(&self, column: usize, value: &str) -> bool {
        self.0.get(column).and_then(Option::as_deref) == Some(value)
    }
}

fn rows(session: &mut Session, sql: &str, params: &[&str]) -> Result<Vec<Row>> {
    Ok(session.texts(sql, params)?.into_iter().map(Row).collect())
}

/// Members of keys, each with the name of its key: those of one key follow each other.
fn grouped<T>(members: impl IntoIterator<Item = (String, T)>) -> Vec<(String, Vec<T>)> {
    let mut groups: Vec<(String, Vec<T>)> = Vec::new();
    for (key, member) in members {
        match groups.last_mut().filter(|(last, _)| *last == key) {
            Some((_, members)) => members.push(member),
            None => groups.push((key, vec![member])),
        }
    }
    groups
}
