//! The interface of a database dialect: describe tables, read pages of them into Arrow columns,
//! write columns by the fastest way the database has.
//!
//! A [`Dialect`] is one database, opened by URL without I/O; its [`Syntax`] makes SQL text, its
//! [`plan_write`](Dialect::plan_write) decides once how records go in, and a [`Connection`] does
//! the work. Dialects live in a crate each and share one layout, which
//! docs/write-a-dialect.md describes. Users take the facade crate `dialects`, connectors are given an [`DialectProvider`].
//!
//! A dialect is built from these parts: [`Address`] takes its URL apart, [`BatchBuilder`] grows
//! the pages it reads, [`Cells`] are the columns it writes, [`civil`] and [`parse_decimal`] read
//! the text of dates and numbers exactly, and the feature `conformance` has the suite it must
//! pass.
//!
//! ```
//! use dialect_core::{Address, OpenOptions, TableName};
//!
//! # fn main() -> connect_api::Result<()> {
//! let url = "jdbc:postgresql://ada:secret@db.example:5432/shop";
//! let address = Address::parse(url, &OpenOptions::default())?;
//! assert_eq!(address.shown(), "postgresql://db.example:5432/shop");
//!
//! let table = TableName::parse("sales.\"order.lines\"")?;
//! assert_eq!((table.schema.as_deref(), &*table.name), (Some("sales"), "order.lines"));
//! # Ok(())
//! # }
//! ```
mod address;
mod batch;
mod bisect;
mod cells;
pub mod checksum;
mod chunk;
pub mod civil;
mod collation;
#[cfg(feature = "conformance")]
pub mod conformance;
mod connect_retry;
mod connection;
#[cfg(feature = "rustls")]
mod cryptography;
mod datetime_precision;
mod decimal;
mod delete_capture;
mod dialect;
mod dialect_name;
mod dialect_provider;
mod evolve;
mod excerpt;
mod fractional_seconds;
mod hosts;
mod identity;
mod json_text;
mod liveness;
mod options;
mod paging;
mod plan;
mod query;
mod result_columns;
mod selection;
mod settings;
mod split;
mod syntax;
mod table;
mod unique;
mod value_error;
mod visibility;
mod writing;
mod zone;

pub use address::{Address, Host};
pub use batch::BatchBuilder;
pub use bisect::{pieces, write_or_reject};
pub use cells::Cells;
pub use chunk::chunks;
pub use collation::equates;
pub use connect_retry::ConnectRetry;
pub use connection::{Access, Activity, Connection, Cursor, denied};
#[cfg(feature = "rustls")]
pub use cryptography::choose_cryptography;
pub use datetime_precision::DatetimePrecision;
pub use decimal::{is_decimal, parse_decimal, write_decimal};
pub use delete_capture::{CaptureDdl, DeleteCapture, TriggerList};
pub use dialect::{Capabilities, Dialect, VisibleBy};
pub use dialect_name::DialectName;
pub use dialect_provider::DialectProvider;
pub use evolve::Change;
pub use excerpt::statement_excerpt;
pub use fractional_seconds::{SUBMICROSECOND, parse_fractional_seconds};
pub use hosts::{ServerRole, TargetSession};
pub use identity::{Identity, IdentityChanges};
pub use json_text::{json_scalar, write_offset_timestamp, write_parts};
pub use liveness::ProbedDialect;
pub use options::{
    Binary16, Bit1, CompositeMapping, FineDigits, HstoreMapping, IntervalMapping, JsonNumbers,
    NumericMapping, OpenOptions, OtherKeys, PointMapping, Pooler, RangeMapping, SqliteDates,
    SqliteTyping, TimeMapping, TinyInt1, TlsMode, TlsOptions, UnknownTypes, Unrepresentable,
    ValueOptions, ZeroDates,
};
pub use paging::keyed_rows;
pub use plan::{Pair, Route, WriteOp, WritePlan, WriteRequest};
pub use query::{KeyPart, KeyValues, Page, Param, Statement, step_of_digits};
pub use result_columns::check_column_count;
pub use selection::{Entry, Selection, is_pattern, list_entries, matches_pattern, split_unquoted};
pub use settings::{ConnectionConfig, SessionConfig, SessionSettings};
pub use split::{Split, split_by_quantiles};
pub use syntax::Syntax;
pub use table::{Column, ForeignKey, Table, TableName, TableType, UserForm, UserType};
pub use value_error::ValueError;
pub use visibility::{Replica, RunningTransactions, Transaction, Visibility};
pub use writing::{
    beside_excluded, create_table, default_clause, insert_or_excluded, table_elements,
};
pub use zone::{Repeated, Shows, Zone, instants, shown};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
