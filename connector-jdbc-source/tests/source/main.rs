//! The source on real databases.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]

mod bulk;
mod changes_midway;
mod columns;
mod comparison;
mod deletes;
mod harness;
mod idle;
mod late_rows;
mod modes;
mod outages;
mod privileges;
mod query;
mod schema_changes;
mod servers;
mod snapshot;
mod startup;
mod sub_microsecond;
mod table_settings;
mod tables;
mod ties;
mod time_zones;
mod unreadable;
mod validation;
