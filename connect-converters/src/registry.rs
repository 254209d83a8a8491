//! Converters by name.
use crate::key::{KeyConverter, KeyForms, Texts, structured::StructuredKeys};
use crate::{
    json::{Interop, JsonConverter, JsonSettings},
    single::{SingleConverter, SingleSettings},
};
use connect_api::{
    Converter, Error, ErrorKind, Result,
    config::{Config, Definition, Settings, nearest},
};
use std::sync::Arc;

#[derive(Clone, Copy)]
enum Format {
    /// JSON, by default for the converter of this side.
    Json(Interop),
    String,
    Bytes,
    /// Message keys alone.
    Text,
}

/// Our names, and the classes that the Java runtimes have for the same.
const NAMES: [(&str, Format); 10] = [
    ("json", Format::Json(Interop::None)),
    ("string", Format::String),
    ("bytes", Format::Bytes),
    ("text", Format::Text),
    (
        "org.apache.rocketmq.connect.runtime.converter.record.json.JsonConverter",
        Format::Json(Interop::Java),
    ),
    (
        "org.apache.kafka.connect.json.JsonConverter",
        Format::Json(Interop::Kafka),
    ),
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

fn format(name: &str) -> Option<Format> {
    let known = NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    known.map(|(_, format)| *format)
}

fn unknown(what: &str, name: &str, there_are: &str) -> Error {
    let hint = nearest(name, NAMES.iter().map(|(n, _)| *n))
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default();
    Error::new(
        ErrorKind::Config,
        format!("there is no {what} `{name}`: there are {there_are}{hint}"),
    )
}

fn no_converter(name: &str) -> Error {
    unknown("converter", name, "json, string, bytes")
}

/// Settings of the JSON converter; it is for the side that its name says, unless they do.
fn json_settings(interop: Interop, settings: &Settings) -> Result<JsonSettings> {
    let mut read = JsonSettings::from_settings(settings)?;
    if settings.get("interop").is_none() {
        read.interop = interop;
    }
    Ok(read)
}

/// The converter `name`: `json`, `string`, `bytes`, or the class of a Java runtime that is one of
/// these. `settings` are its own, without the prefix `value.converter.`.
///
/// # Errors
/// `Config`: there is no such converter, or all that is wrong with the settings.
pub fn converter(name: &str, settings: &Settings) -> Result<Arc<dyn Converter>> {
    of_keys(name, settings, KeyForms::default())
}

/// The same, with messages whose keys are as `keys` has them.
///
/// # Errors
/// As [`converter`].
pub fn converter_with_keys(
    name: &str,
    settings: &Settings,
    keys: &KeyConverter,
) -> Result<Arc<dyn Converter>> {
    of_keys(name, settings, keys.forms())
}

fn of_keys(name: &str, settings: &Settings, keys: KeyForms) -> Result<Arc<dyn Converter>> {
    Ok(match format(name).ok_or_else(|| no_converter(name))? {
        Format::Json(interop) => {
            let settings = json_settings(interop, settings)?;
            Arc::new(JsonConverter::new(settings).with_keys(keys))
        }
        Format::String => {
            SingleSettings::from_settings(settings)?;
            Arc::new(SingleConverter::string().with_keys(keys))
        }
        Format::Bytes => {
            SingleSettings::from_settings(settings)?;
            Arc::new(SingleConverter::bytes().with_keys(keys))
        }
        Format::Text => return Err(no_converter(name)),
    })
}

/// The converter of keys `name`.
///
/// # Errors
/// `Config`: there is no such one, or all that is wrong with the settings.
pub(crate) fn key_converter(name: &str, settings: &Settings) -> Result<KeyConverter> {
    Ok(match format(name) {
        Some(Format::Json(interop)) => {
            KeyConverter::structured(StructuredKeys::new(json_settings(interop, settings)?))
        }
        Some(Format::String) => {
            SingleSettings::from_settings(settings)?;
            KeyConverter::text(Texts::Plain)
        }
        Some(Format::Text) => {
            SingleSettings::from_settings(settings)?;
            KeyConverter::text(Texts::Quoted)
        }
        Some(Format::Bytes) => {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "`{name}` writes bytes, and the key of a RocketMQ message is text: there are \
                     text, json, string"
                ),
            ));
        }
        None => return Err(unknown("converter of keys", name, "text, json, string")),
    })
}

/// The settings that the converter `name` has.
///
/// # Errors
/// `Config`: there is no such converter.
pub fn definition(name: &str) -> Result<&'static Definition> {
    Ok(match format(name).ok_or_else(|| no_converter(name))? {
        Format::Json(_) => JsonSettings::definition(),
        Format::String | Format::Bytes | Format::Text => SingleSettings::definition(),
    })
}
