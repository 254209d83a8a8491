//! What the benches have in common: the workload, its tables, its topics, and what a process uses.
//!
//! `cargo bench -p benches` measures the parts with criterion (`benches/codec.rs`,
//! `benches/transport.rs`, `benches/dialects.rs`); `scripts/bench` runs the program `path`, which
//! runs the worker `rocketmq-connect` as users do and counts the rows where they arrive. Both work
//! on the same rows: [`orders::records`] of a table that [`OrdersTable`] makes in any database.
//!
//! ```
//! # fn main() -> connect_api::Result<()> {
//! let rows = benches::orders::records("orders", 1..=1_000, 0)?;
//! assert_eq!(rows.len(), 1_000);
//! assert_eq!(rows.schema().columns().fields().len(), 10);
//! # Ok(())
//! # }
//! ```
pub mod orders;
mod table;
mod topic;
pub mod usage;

pub use table::OrdersTable;
pub use topic::OrdersTopic;
