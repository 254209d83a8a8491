//! The dialect against the three drivers of the distribution: the suite of all dialects, and what
//! only this one has.
#![expect(
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]
mod mariadb;
mod place;
mod postgres;
mod session;
mod sqlite;
