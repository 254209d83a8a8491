//! The dialect against a real server: what is common to all dialects, and what PostgreSQL has of
//! its own.
#![expect(
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]
mod aliases;
mod changes;
mod conformance;
mod options;
mod parts;
mod pooler;
mod privileges;
mod reads;
mod refusals;
mod server;
mod sessions;
mod tables;
mod tls;
mod types;
mod upserts;
mod writes;
