//! What connectors, converters and the runtime agree on.
//!
//! Rows travel as [`Records`]: Arrow columns of one topic and one [`Schema`], with an [`Op`] a
//! row, event times, message properties and the source's [`Position`] after the last row. A
//! A [`Connector`] creates [`SourceTask`]s or [`SinkTask`]s; its settings are declared once with
//! [`settings!`]; what goes wrong is an [`Error`] whose [`ErrorKind`] decides what happens next.
//!
//! ```
//! use connect_api::{ConnectRecord, Kind, Records, Schema};
//!
//! # fn main() -> connect_api::Result<()> {
//! let schema = Schema::new(
//!     "line",
//!     [Kind::Int64.field("offset", false), Kind::Text.field("text", true)],
//!     &["offset"],
//! )?;
//! let rows = [ConnectRecord { values: vec![0.into(), "hello".into()], ..Default::default() }];
//! let records = Records::from_rows("lines".into(), schema, rows)?;
//! assert_eq!(records.row(0).by_name("text"), Some(connect_api::ValueRef::Text("hello")));
//! # Ok(())
//! # }
//! ```
mod adopt;
mod builder;
mod cell;
pub mod civil;
mod column;
pub mod config;
mod connector;
mod convert;
pub mod decimal;
mod error;
pub mod interval;
mod key_template;
mod kind;
mod message_properties;
mod nested;
mod op;
mod origin;
mod part;
mod position;
mod records;
mod row;
mod schema;
mod structured;
mod task;
mod text;
pub mod uuid;
mod value;

pub use builder::RecordsBuilder;
pub use column::{ColumnBuilder, max_unscaled};
pub use connector::{Connector, Direction, DynConnector, Survey, TaskKind};
pub use convert::{Blobs, Converter, Decoder, Encoded, MessageRef, Pushed};
pub use decimal::parse_wide_decimal;
pub use error::{Disposition, Error, ErrorKind, Result};
pub use key_template::{KeyTemplate, KeyTemplatePart};
pub use kind::{DEFAULT, ENUM, Kind, LENGTH, LOGICAL_NAME, NOT_NULL, UTC, VENDOR, VENDOR_TYPE};
pub use message_properties::MessageProperties;
pub use nested::{ListBuilder, ListRef, OffsetTimestampBuilder};
pub use op::{Op, Ops};
pub use origin::{Origin, Origins};
pub use part::{Part, PartBoard, PartState, Progress};
pub use position::{Offset, Partition, Position};
pub use records::Records;
pub use row::{ConnectRecord, Headers, Row};
pub use schema::{Schema, SchemaRef};
pub use structured::{MapBuilder, MapRef, StructBuilder, StructRef};
pub use task::Polled;
pub use task::{PositionReader, PutOutcome, Rejected, SinkTask, SourceTask, Target, TaskContext};
pub use text::TextSink;
pub use value::{Value, ValueRef, decimal_text, wide_decimal_text};

// What implementations of the traits need.
pub use async_trait::async_trait;
pub use tokio_util::sync::CancellationToken;

/// The Arrow of this API: depend on these, so that one version is in the build.
pub mod arrow {
    pub use {
        arrow_array as array, arrow_buffer as buffer, arrow_data as data, arrow_schema as schema,
        arrow_select as select,
    };
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
