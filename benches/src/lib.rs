//! What the benches have in common: workloads, their tables, topics, and what a process uses.
//!
//! `cargo bench -p benches` measures the parts with criterion (`benches/codec.rs`,
//! `benches/transport.rs`, `benches/dialects.rs`); `scripts/bench` runs the program `path`, which
//! runs the worker `rocketmq-connect` as users do and counts the rows where they arrive;
//! `scripts/bench dialects` and `scripts/bench memory` run the program `ratios`, which lets the
//! dialects compete with the raw drivers. All work on the same rows: [`Workload::records`] of a
//! table that [`OrdersTable`] makes in any database, and the other [`Workload`]s.
//!
//! ```
//! # fn main() -> connect_api::Result<()> {
//! let rows = benches::Workload::Orders.records("orders", 1..=1_000, 0)?;
//! assert_eq!(rows.len(), 1_000);
//! assert_eq!(rows.schema().columns().fields().len(), 10);
//! # Ok(())
//! # }
//! ```
mod arena;
mod contest;
mod database;
mod long_text;
mod noise;
mod orders;
mod ours;
mod raw;
mod table;
mod topic;
pub mod usage;
mod wide;
mod workload;

pub use arena::Arena;
pub use contest::{Contender, Task, Way};
pub use database::{Brand, Database, Driver};
pub use table::OrdersTable;
pub use topic::OrdersTopic;
pub use workload::Workload;

use connect_api::{Error, ErrorKind};

/// What must not be.
fn internal(text: String) -> Error {
    Error::new(ErrorKind::Internal, text)
}
