//! SQLite against real files: the suite of all dialects, and what is SQLite's own.
mod cells;
mod conformance;
mod database;
mod files;
mod pages;
