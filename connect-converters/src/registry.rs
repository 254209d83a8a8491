//! Converters by name.
use crate::{JsonConverter, JsonSettings, SingleConverter, single::SingleSettings};
use connect_api::{
    Converter, Error, ErrorKind, Result,
    config::{Config, Definition, Settings, nearest},
};
use std::sync::Arc;

#[derive(Clone, Copy)]
enum Format {
    Json,
    String,
    Bytes,
}

/// Our names, and the classes that the Java runtimes have for the same.
const NAMES: [(&str, Format); 9] = [
    ("json", Format::Json),
    ("string", Format::String),
    ("bytes", Format::Bytes),
    (
        "org.apache.rocketmq.connect.runtime.converter.record.json.JsonConverter",
        Format::Json,
    ),
    ("org.apache.kafka.connect.json.JsonConverter", Format::Json),
    (
        "org.apache.rocketmq.connect.runtime.converter.record.StringConverter",
        Format::String,
    ),
    (
        "org.apache.kafka.connect.storage.StringConverter",
        Format::String,
    ),
    (
        "org.apache.rocketmq.connect.runtime.converter.record.ByteArrayConverter",
        Format::Bytes,
    ),
    (
        "org.apache.kafka.connect.converters.ByteArrayConverter",
        Format::Bytes,
    ),
];

fn format(name: &str) -> Result<Format> {
    let known = NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    known.map(|(_, format)| *format).ok_or_else(|| {
        let hint = nearest(name, NAMES.iter().map(|(n, _)| *n))
            .map(|name| format!("; did you mean `{name}`?"))
            .unwrap_or_default();
        Error::new(
            ErrorKind::Config,
            format!("there is no converter `{name}`: there are json, string, bytes{hint}"),
        )
    })
}

/// The converter `name`: `json`, `string`, `bytes`, or the class of a Java runtime that is one of
/// these. `settings` are its own, without the prefix `value.converter.`.
///
/// # Errors
/// `Config`: there is no such converter, or all that is wrong with the settings.
pub fn converter(name: &str, settings: &Settings) -> Result<Arc<dyn Converter>> {
    Ok(match format(name)? {
        Format::Json => Arc::new(JsonConverter::new(JsonSettings::from_settings(settings)?)),
        Format::String => {
            SingleSettings::from_settings(settings)?;
            Arc::new(SingleConverter::string())
        }
        Format::Bytes => {
            SingleSettings::from_settings(settings)?;
            Arc::new(SingleConverter::bytes())
        }
    })
}

/// The settings that the converter `name` has.
///
/// # Errors
/// `Config`: there is no such converter.
pub fn definition(name: &str) -> Result<&'static Definition> {
    Ok(match format(name)? {
        Format::Json => JsonSettings::definition(),
        Format::String | Format::Bytes => SingleSettings::definition(),
    })
}
