//! The command line.
use benches::{Brand, Driver, Task, Workload};
use clap::{Parser, Subcommand, ValueEnum};
use std::num::NonZeroU32;

/// Arguments.
#[derive(Debug, Parser)]
#[command(
    name = "scripts/bench",
    about = "Dialects against the raw drivers, as Markdown"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Reading and writing, against the raw driver doing the same bytes and one row at a time
    Dialects {
        /// Databases; all where none is named
        databases: Vec<Name>,
        #[command(flatten)]
        options: Options,
    },
    /// Memory that grows while many rows, and large ones, are read
    Memory {
        /// Databases; all where none is named
        databases: Vec<Name>,
        #[command(flatten)]
        options: MemoryOptions,
    },
    /// One figure of `memory`, in this very process
    #[command(hide = true)]
    MemoryOf(MemoryOf),
}

/// How dialects are measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Runs of each, one after the other in turn; the median counts
    #[arg(long, default_value = "5", value_name = "N")]
    pub(crate) repeat: NonZeroU32,
    /// Rows of the workload `orders`; the others have a fifth
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(i64).range(1_000..=10_000_000))]
    pub(crate) rows: i64,
    /// Only this task and workload, e.g. `read orders`, for profilers
    #[arg(long, value_name = "TASK WORKLOAD")]
    pub(crate) only: Option<String>,
}

impl Options {
    /// The task is to be measured on the workload.
    pub(crate) fn takes(&self, task: Task, workload: Workload) -> bool {
        let name = format!("{} {}", task.name(), workload.name());
        self.only.as_ref().is_none_or(|only| *only == name)
    }
}

/// How much is read.
#[derive(Debug, clap::Args)]
pub(crate) struct MemoryOptions {
    /// Narrow rows
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) rows: u64,
    /// Rows of 1 MiB
    #[arg(long, default_value_t = 10_000)]
    pub(crate) large_rows: u64,
}

/// One figure.
#[derive(Debug, clap::Args)]
pub(crate) struct MemoryOf {
    pub(crate) database: Name,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// A database, or some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    Postgres,
    #[value(alias = "mysql")]
    Mariadb,
    Sqlite,
    /// By the ODBC drivers
    Odbc,
    OdbcPostgres,
    OdbcMariadb,
    OdbcSqlite,
}

impl Name {
    pub(crate) fn brands(self) -> &'static [Brand] {
        use Driver::{Mariadb, Postgres, Sqlite};
        match self {
            Self::Postgres => &[Brand::Postgres],
            Self::Mariadb => &[Brand::Mariadb],
            Self::Sqlite => &[Brand::Sqlite],
            Self::Odbc => &[
                Brand::Odbc(Postgres),
                Brand::Odbc(Mariadb),
                Brand::Odbc(Sqlite),
            ],
            Self::OdbcPostgres => &[Brand::Odbc(Postgres)],
            Self::OdbcMariadb => &[Brand::Odbc(Mariadb)],
            Self::OdbcSqlite => &[Brand::Odbc(Sqlite)],
        }
    }
}
