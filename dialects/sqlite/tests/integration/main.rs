//! SQLite against real files: the suite of all dialects, and what is SQLite's own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assertion is how a test reports"
)]
mod conformance;
mod cursor;
mod dates;
mod decode;
mod describe;
mod error_codes;
mod files;
mod options;
mod pages;
mod place;
mod values;
