//! SQLite against real files: the suite of all dialects, and what is SQLite's own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assertion is how a test reports"
)]
mod cells;
mod codes;
mod conformance;
mod cursors;
mod database;
mod dates;
mod describing;
mod files;
mod options;
mod pages;
mod values;
