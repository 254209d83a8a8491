//! Writes the schema of a message, as the Java JsonConverter does.
use super::Interop;
use super::connect_schema::*;
use super::text::write_string;
use connect_api::{
    DEFAULT, Error, ErrorKind, Kind, LOGICAL_NAME, Result, Schema, VENDOR, VENDOR_TYPE,
    arrow::schema::{DataType, Field},
};
use serde_json::value::RawValue;

/// Type word, logical name and parameters of a kind; `None` where the format has none.
type Described = (
    &'static str,
    Option<&'static str>,
    Vec<(&'static str, String)>,
);

fn describe(kind: &Kind, types: Types) -> Option<Described> {
    let plain = |word| (word, None, Vec::new());
    let logical = |word, name| (word, Some(name), Vec::new());
    let unsigned = |word, bits: &str| (word, None, vec![(UNSIGNED, bits.to_owned())]);
    let micros = types.micros;
    // The Java sinks bind no 16 bits, and its converter reads no floats of 32.
    let java = types.interop == Interop::Java;
    Some(match kind {
        Kind::Bool => plain("boolean"),
        Kind::Int8 => plain("int8"),
        Kind::Int16 if java => ("int32", None, vec![(BITS, "16".to_owned())]),
        Kind::Int16 => plain("int16"),
        Kind::Int32 => plain("int32"),
        Kind::Int64 => plain("int64"),
        Kind::UInt8 => unsigned(if java { "int32" } else { "int16" }, "8"),
        Kind::UInt16 => unsigned("int32", "16"),
        Kind::UInt32 => unsigned("int64", "32"),
        Kind::UInt64 => (
            "bytes",
            Some(types.decimal()),
            vec![
                (SCALE, "0".to_owned()),
                (PRECISION, "20".to_owned()),
                (UNSIGNED, "64".to_owned()),
            ],
        ),
        Kind::Float32 if java => ("double", None, vec![(BITS, "32".to_owned())]),
        Kind::Float32 => plain("float"),
        Kind::Float64 => plain("double"),
        Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => (
            "bytes",
            Some(types.decimal()),
            vec![
                (SCALE, scale.to_string()),
                (PRECISION, precision.to_string()),
            ],
        ),
        Kind::BigDecimal => logical("string", BIG_DECIMAL),
        Kind::Text => plain("string"),
        Kind::Json => logical("string", JSON),
        Kind::Bytes => plain("bytes"),
        Kind::Uuid => logical("string", UUID),
        Kind::Date => logical("int32", types.date()),
        Kind::Time if micros => logical("int64", MICRO_TIME),
        Kind::Time => logical("int32", types.time()),
        Kind::Timestamp { utc } => (
            "int64",
            Some(if micros {
                MICRO_TIMESTAMP
            } else {
                types.timestamp()
            }),
            if *utc {
                Vec::new()
            } else {
                vec![(LOCAL, "true".to_owned())]
            },
        ),
        Kind::TimeNanos if micros => logical("int64", NANO_TIME),
        Kind::TimeNanos => logical("int32", types.time()),
        Kind::Duration if micros => logical("int64", MICRO_DURATION),
        Kind::Duration => logical("int32", types.time()),
        Kind::OffsetTimestamp => logical("string", ZONED_TIMESTAMP),
        Kind::Interval => logical("string", INTERVAL),
        Kind::List(_) => plain("array"),
        Kind::Struct(_) => plain("struct"),
        Kind::Map(_) => plain("map"),
        Kind::Other(_) => return None,
    })
}

/// The error for a column of a kind that JSON bodies do not support.
pub(crate) fn unsupported(column: &str, data_type: &DataType) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("column `{column}`: JSON does not support Arrow type {data_type}"),
    )
}

/// Writes `schema` as the Java JsonConverter does: what stands after `"schema":`; `optional` where
/// the payload may be NULL.
///
/// # Errors
/// `Unsupported`: a column of a kind that has no Connect type. `Schema`: a default that is not
/// JSON.
pub(crate) fn write(
    out: &mut Vec<u8>,
    schema: &Schema,
    optional: bool,
    types: Types,
) -> Result<()> {
    let vendor = vendor_of(schema);
    out.extend_from_slice(br#"{"type":"struct","fields":["#);
    let columns = schema.kinds().iter().zip(schema.columns().fields());
    for (i, (kind, field)) in columns.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let described =
            describe(kind, types).ok_or_else(|| unsupported(field.name(), field.data_type()))?;
        let metadata = |key: &str| field.metadata().get(key);
        let mut own: Vec<(&str, String)> = Vec::new();
        if vendor.is_none() {
            own.extend(metadata(VENDOR).map(|value| (VENDOR, value.clone())));
        }
        for key in METADATA {
            own.extend(metadata(key).map(|value| (key, value.clone())));
        }
        if let Some(extension) = extension_of(kind, field) {
            own.push((EXTENSION, extension.to_owned()));
        }
        let name = metadata(LOGICAL_NAME).map(String::as_str);
        write_type(out, kind, described, own, name, field.is_nullable(), types)
            .ok_or_else(|| unsupported(field.name(), field.data_type()))?;
        // The Java converters put the default in the place of every NULL.
        if let Some(default) = metadata(DEFAULT)
            && types.interop == Interop::None
        {
            write_default(out, default).map_err(|e| {
                let message = format!("column `{}`: its default is not JSON", field.name());
                Error::new(ErrorKind::Schema, message).with_source(e)
            })?;
        }
        out.extend_from_slice(br#","field":"#);
        write_string(out, field.name());
        out.push(b'}');
    }
    out.extend_from_slice(match optional {
        true => br#"],"optional":true,"name":"#.as_slice(),
        false => br#"],"optional":false,"name":"#,
    });
    write_string(out, schema.name());
    if let Some(version) = schema.version() {
        out.extend_from_slice(br#","version":"#);
        out.extend_from_slice(version.to_string().as_bytes());
    }
    if let Some(vendor) = vendor {
        write_parameters(out, &[(VENDOR, vendor.to_owned())]);
    }
    out.push(b'}');
    Ok(())
}

/// The vendor of all columns that have a vendor's type, which then stands in the schema once.
fn vendor_of(schema: &Schema) -> Option<&str> {
    let mut vendor = None;
    for field in schema.columns().fields() {
        let said = |key| field.metadata().get(key);
        match (said(VENDOR_TYPE), said(VENDOR)) {
            (None, None) => {}
            (Some(_), Some(of)) if vendor.is_none_or(|vendor| vendor == of) => vendor = Some(of),
            _ => return None,
        }
    }
    vendor.map(String::as_str)
}

/// The extension of a field where it does not follow from the kind.
fn extension_of<'a>(kind: &Kind, field: &'a Field) -> Option<&'a str> {
    let plain = kind.clone().field("", true);
    let extension = field.extension_type_name()?;
    (plain.extension_type_name() != Some(extension)).then_some(extension)
}

/// Writes the beginning of a type's object, up to where its name in a struct comes; `None` for a
/// part that has no Connect type.
fn write_type(
    out: &mut Vec<u8>,
    kind: &Kind,
    (word, logical, mut parameters): Described,
    own: Vec<(&'static str, String)>,
    other_name: Option<&str>,
    optional: bool,
    types: Types,
) -> Option<()> {
    out.extend_from_slice(br#"{"type":"#);
    write_string(out, word);
    let part = |out: &mut Vec<u8>, kind: &Kind| {
        let described = describe(kind, types)?;
        write_type(out, kind, described, Vec::new(), None, true, types)
    };
    match kind {
        Kind::List(element) => {
            out.extend_from_slice(br#","items":"#);
            part(out, element)?;
            out.push(b'}');
        }
        Kind::Struct(fields) => {
            out.extend_from_slice(br#","fields":["#);
            for (i, (name, kind)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                part(out, kind)?;
                out.extend_from_slice(br#","field":"#);
                write_string(out, name);
                out.push(b'}');
            }
            out.push(b']');
        }
        Kind::Map(value) => {
            out.extend_from_slice(
                br#","keys":{"type":"string","optional":false},"values":"#.as_slice(),
            );
            part(out, value)?;
            out.push(b'}');
        }
        _ => {}
    }
    out.extend_from_slice(if optional {
        br#","optional":true"#.as_slice()
    } else {
        br#","optional":false"#
    });
    if let Some(name) = logical {
        out.extend_from_slice(br#","name":"#);
        write_string(out, name);
        out.extend_from_slice(br#","version":1"#);
    } else if let Some(name) = other_name {
        out.extend_from_slice(br#","name":"#);
        write_string(out, name);
    }
    parameters.extend(own);
    write_parameters(out, &parameters);
    Some(())
}

fn write_parameters(out: &mut Vec<u8>, parameters: &[(&str, String)]) {
    for (i, (key, value)) in parameters.iter().enumerate() {
        out.extend_from_slice(if i == 0 {
            br#","parameters":{"#.as_slice()
        } else {
            b","
        });
        write_string(out, key);
        out.push(b':');
        write_string(out, value);
    }
    if !parameters.is_empty() {
        out.push(b'}');
    }
}

fn write_default(out: &mut Vec<u8>, json: &str) -> serde_json::Result<()> {
    let checked: &RawValue = serde_json::from_str(json)?;
    out.extend_from_slice(br#","default":"#);
    out.extend_from_slice(checked.get().as_bytes());
    Ok(())
}
