//! The limit: drivers alone, without columns, plans or types of ours.
//!
//! What is written was read from a table before as the driver represents it, so the bytes are those
//! of our own writes, and nobody of ours encodes them.
mod mariadb;
mod postgres;
mod sqlite;

use crate::{
    contest::{Run, Task},
    database::{Brand, Database},
};
use connect_api::{Error, ErrorKind, Result};

/// What to write.
pub(crate) struct Job {
    pub(crate) task: Task,
    /// The table to write to, quoted.
    pub(crate) table: String,
    /// The table whose rows are written, quoted.
    pub(crate) from: String,
    /// All columns, quoted, the key first.
    pub(crate) columns: Vec<String>,
    /// The rows with ids from 1 to this.
    pub(crate) rows: i64,
    /// Rows of a transaction.
    pub(crate) batch: i64,
    /// One statement a row.
    pub(crate) one_row: bool,
}

impl Job {
    /// Batches as first and last id.
    fn batches(&self) -> impl Iterator<Item = (i64, i64)> {
        let (rows, batch) = (self.rows, self.batch.max(1));
        let firsts = (0..rows).step_by(usize::try_from(batch).unwrap_or(1));
        firsts.map(move |start| (start + 1, (start + batch).min(rows)))
    }

    /// `SELECT` of the rows of a batch.
    fn select(&self, (first, last): (i64, i64)) -> String {
        let (columns, from, id) = (self.columns.join(", "), &self.from, &self.columns[0]);
        format!("SELECT {columns} FROM {from} WHERE {id} BETWEEN {first} AND {last} ORDER BY {id}")
    }

    /// `INSERT` with this many rows of `?`.
    fn insert(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
        format!(
            "INSERT INTO {} ({}) VALUES {}",
            self.table,
            self.columns.join(", "),
            vec![row; rows].join(", ")
        )
    }

    /// `c = f(c), …` of the columns beside the key.
    fn sets(&self, value: impl Fn(&str) -> String) -> String {
        let set = |column: &String| format!("{column} = {}", value(column));
        let sets: Vec<_> = self.columns[1..].iter().map(set).collect();
        sets.join(", ")
    }

    /// What makes an insert an upsert, where it is one, as PostgreSQL and SQLite have it.
    fn on_conflict(&self) -> String {
        if self.task != Task::Upsert {
            return String::new();
        }
        let sets = self.sets(|column| format!("EXCLUDED.{column}"));
        format!(" ON CONFLICT ({}) DO UPDATE SET {sets}", self.columns[0])
    }
}

/// There is a raw driver for this.
pub(crate) fn has(brand: Brand) -> bool {
    !matches!(brand, Brand::Odbc(_))
}

/// What [`has`] says no to.
fn without() -> Error {
    crate::internal("ODBC is measured by its own routes alone".to_owned())
}

/// Fetches all rows of `sql`.
pub(crate) async fn read(database: &Database, sql: &str) -> Result<Box<dyn Run>> {
    let (url, sql) = (database.url(), sql.to_owned());
    Ok(match database.brand() {
        Brand::Postgres => Box::new(postgres::Read::new(url, sql).await?),
        Brand::Mariadb => Box::new(mariadb::Read::new(url, sql).await?),
        Brand::Sqlite => Box::new(sqlite::Read::new(url, sql)?),
        Brand::Odbc(_) => return Err(without()),
    })
}

/// Makes ready for a job.
pub(crate) async fn write(database: &Database, job: &Job) -> Result<Box<dyn Run>> {
    let url = database.url();
    Ok(match database.brand() {
        Brand::Postgres if job.one_row => Box::new(postgres::OneRow::new(url, job).await?),
        Brand::Postgres => Box::new(postgres::Copy::new(url, job).await?),
        Brand::Mariadb => Box::new(mariadb::Write::new(url, job).await?),
        Brand::Sqlite => Box::new(sqlite::Write::new(url, job)?),
        Brand::Odbc(_) => return Err(without()),
    })
}

/// An error of a driver.
fn raw(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "the raw driver").with_source(error)
}
