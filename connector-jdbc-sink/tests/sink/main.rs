//! The sink on real databases.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]

mod harness;
mod keys;
mod local_time;
mod narrowing;
mod privileges;
mod rejections;
mod routing;
mod self_references;
mod servers;
mod tables;
mod writes;
