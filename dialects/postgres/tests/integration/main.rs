//! The dialect against a real server: what is common to all dialects, and what PostgreSQL has of
//! its own.
#![expect(
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]
mod aliases;
mod composite_types;
mod conformance;
mod cursor;
mod describe;
mod error_codes;
mod options;
mod place;
mod pooler;
mod privileges;
mod schema_changes;
mod session;
mod tls;
mod types;
mod upsert;
mod write;
