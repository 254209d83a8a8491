//! The interface of a database dialect: describe tables, read pages of them into Arrow columns,
//! write columns by the fastest way the database has.
//!
//! A [`Dialect`] is one database, opened by URL without I/O; its [`Syntax`] makes SQL text, its
//! [`plan_write`](Dialect::plan_write) decides once how records go in, and a [`Connection`] does
//! the work. Dialects live in a crate each and share the form: `lib.rs`, `syntax.rs`, `codec.rs`,
//! `connection.rs`. Users take the facade crate `dialects`.
mod address;
mod attempts;
mod batch;
mod cells;
mod chunk;
pub mod civil;
#[cfg(feature = "conformance")]
pub mod conformance;
mod connection;
mod decimal;
mod dialect;
mod misfit;
mod opener;
mod paging;
mod plan;
mod query;
mod syntax;
mod table;
mod writing;

pub use address::{Address, OpenOptions, SqliteDates};
pub use attempts::Attempts;
pub use batch::BatchBuilder;
pub use cells::Cells;
pub use chunk::chunks;
pub use connection::{Access, Connection, Cursor};
pub use decimal::{is_decimal, parse_decimal, write_decimal};
pub use dialect::{Capabilities, Dialect};
pub use misfit::Misfit;
pub use opener::Opener;
pub use plan::{Pair, Route, WriteOp, WritePlan, WriteRequest};
pub use query::{KeyPart, Page, Param, Statement};
pub use syntax::Syntax;
pub use table::{Column, Table, TableName, TableType};
