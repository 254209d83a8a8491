//! Records to message bodies and back, and their keys to text and back.
//!
//! [`converter`] creates a [`Converter`](connect_api::Converter) by name: `json` (a
//! [`JsonConverter`]: a row a message, with or without the Connect schema around it, as the Java
//! runtimes read and write it), `string` and `bytes` (a [`SingleConverter`]: one column is the
//! body). [`KeyConverter`] and [`KeyReader`] are the keys of messages. `docs/json.md` has the form
//! of bodies and keys.
//!
//! ```
//! use connect_api::{ConnectRecord, Encoded, Kind, MessageRef, Records, Schema, config::Settings};
//!
//! # fn main() -> connect_api::Result<()> {
//! let schema = Schema::new(
//!     "orders",
//!     [Kind::Int64.field("id", false), Kind::Text.field("status", true)],
//!     &["id"],
//! )?;
//! let rows = [ConnectRecord { values: vec![7.into(), "new".into()], ..Default::default() }];
//! let records = Records::from_rows("orders".into(), schema, rows)?;
//!
//! let settings = Settings::from_iter([("schemas.enable", "true")]);
//! let json = connect_converters::converter("json", &settings)?;
//! let mut messages = Encoded::default();
//! connect_converters::encode_keys(&records, &mut messages.keys)?;
//! json.encode(&records, &mut messages.bodies)?;
//! assert_eq!(messages.keys.get(0), b"7");
//! assert!(messages.bodies.get(0).ends_with(br#""payload":{"id":7,"status":"new"}}"#));
//!
//! let mut decoder = json.decoder("orders".into(), Default::default())?;
//! let body = messages.bodies.get(0);
//! decoder.push(MessageRef { key: b"7", body, time: None })?;
//! let back = decoder.take()?.map(|records| records.row(0).to_record());
//! assert_eq!(back, Some(records.row(0).to_record()));
//! # Ok(())
//! # }
//! ```
mod calendar;
mod json;
mod key;
mod registry;
mod single;

pub use json::{
    DecimalFormat, Interop, JsonConverter, JsonSettings, NoNumbers, PrecisionLoss, TimePrecision,
    UnknownFields,
};
pub use key::{KeyConverter, KeyReader, encode_keys, encode_template};
pub use registry::{converter, converter_with_keys, definition};
pub use single::{SingleConverter, SingleSettings, VALUE};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
