//! The dialect against a real server: the suite of all dialects, and what only this one has.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assertion is how a test reports"
)]
mod conformance;
mod ddl;
mod describe;
mod encode;
mod error_codes;
mod place;
mod policies;
mod privileges;
mod schema_changes;
mod session;
mod tls;
mod types;
mod update;
mod write;
