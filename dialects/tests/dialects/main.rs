//! All dialects behind one door: what becomes of their types in each other, and their secrets.
#![expect(
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]
mod database;
mod page;
mod secrets;
mod silent;
mod type_mappings;
