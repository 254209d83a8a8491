//! Declared types and values of them, as each driver shows them; for tests of several dialects.
mod mariadb;
mod postgres;
mod sqlite;

use dialect_core::conformance::Sample;

/// Of PostgreSQL behind psqlodbcw.
pub fn postgres() -> Vec<Sample> {
    postgres::samples()
}

/// Of MariaDB behind its own driver.
pub fn mariadb() -> Vec<Sample> {
    mariadb::samples()
}

/// Of SQLite behind sqliteodbc.
pub fn sqlite() -> Vec<Sample> {
    sqlite::samples()
}
