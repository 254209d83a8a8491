//! The source on real databases.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]

mod bulk;
mod changes;
mod clocks;
mod faults;
mod fine;
mod harness;
mod modes;
mod privileges;
mod query;
mod runs;
mod servers;
mod unreadable;
