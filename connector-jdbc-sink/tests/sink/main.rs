//! The sink on real databases.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]

mod families;
mod harness;
mod keys;
mod narrowing;
mod privileges;
mod refusals;
mod servers;
mod tables;
mod writes;
mod zones;
