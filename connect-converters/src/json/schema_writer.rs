//! Writes the schema of a message, as the Java JsonConverter does.
use super::TimePrecision;
use super::connect_schema::*;
use super::text::write_string;
use connect_api::{Error, ErrorKind, Kind, LOGICAL_NAME, Result, Schema, arrow::schema::DataType};

/// Type word, logical name and parameters of a kind; `None` where the format has none.
type Described = (
    &'static str,
    Option<&'static str>,
    Vec<(&'static str, String)>,
);

fn describe(kind: &Kind, precision: TimePrecision) -> Option<Described> {
    let plain = |word| (word, None, Vec::new());
    let logical = |word, name| (word, Some(name), Vec::new());
    let unsigned = |word, bits: &str| (word, None, vec![(UNSIGNED, bits.to_owned())]);
    let micros = precision == TimePrecision::Adaptive;
    Some(match kind {
        Kind::Bool => plain("boolean"),
        Kind::Int8 => plain("int8"),
        Kind::Int16 => plain("int16"),
        Kind::Int32 => plain("int32"),
        Kind::Int64 => plain("int64"),
        Kind::UInt8 => unsigned("int16", "8"),
        Kind::UInt16 => unsigned("int32", "16"),
        Kind::UInt32 => unsigned("int64", "32"),
        Kind::UInt64 => (
            "bytes",
            Some(DECIMAL),
            vec![
                (SCALE, "0".to_owned()),
                (PRECISION, "20".to_owned()),
                (UNSIGNED, "64".to_owned()),
            ],
        ),
        Kind::Float32 => plain("float"),
        Kind::Float64 => plain("double"),
        Kind::Decimal { precision, scale } => (
            "bytes",
            Some(DECIMAL),
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
        Kind::Date => logical("int32", DATE),
        Kind::Time if micros => logical("int64", MICRO_TIME),
        Kind::Time => logical("int32", TIME),
        Kind::Timestamp { utc } => (
            "int64",
            Some(if micros { MICRO_TIMESTAMP } else { TIMESTAMP }),
            if *utc {
                Vec::new()
            } else {
                vec![(LOCAL, "true".to_owned())]
            },
        ),
        Kind::WideDecimal { .. }
        | Kind::TimeNanos
        | Kind::Duration
        | Kind::OffsetTimestamp
        | Kind::List(_)
        | Kind::Other(_) => return None,
    })
}

/// The error for a column of a kind that JSON bodies do not carry.
pub(crate) fn unsupported(column: &str, data_type: &DataType) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("column `{column}`: JSON does not carry Arrow type {data_type}"),
    )
}

/// Writes `schema` as the Java JsonConverter does: what stands after `"schema":`.
///
/// # Errors
/// `Unsupported`: a column of a kind that has no Connect type.
pub(crate) fn write(out: &mut Vec<u8>, schema: &Schema, precision: TimePrecision) -> Result<()> {
    out.extend_from_slice(br#"{"type":"struct","fields":["#);
    for (i, (kind, field)) in schema
        .kinds()
        .iter()
        .zip(schema.columns().fields())
        .enumerate()
    {
        let (word, name, mut parameters) = describe(kind, precision)
            .ok_or_else(|| unsupported(field.name(), field.data_type()))?;
        let metadata = |key: &str| field.metadata().get(key);
        for key in CARRIED {
            parameters.extend(metadata(key).map(|value| (key, value.clone())));
        }
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(br#"{"type":"#);
        write_string(out, word);
        out.extend_from_slice(if field.is_nullable() {
            br#","optional":true"#.as_slice()
        } else {
            br#","optional":false"#
        });
        if let Some(name) = name {
            out.extend_from_slice(br#","name":"#);
            write_string(out, name);
            out.extend_from_slice(br#","version":1"#);
        } else if let Some(name) = metadata(LOGICAL_NAME) {
            out.extend_from_slice(br#","name":"#);
            write_string(out, name);
        }
        for (j, (key, value)) in parameters.iter().enumerate() {
            out.extend_from_slice(if j == 0 {
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
        out.extend_from_slice(br#","field":"#);
        write_string(out, field.name());
        out.push(b'}');
    }
    out.extend_from_slice(br#"],"optional":false,"name":"#);
    write_string(out, schema.name());
    if let Some(version) = schema.version() {
        out.extend_from_slice(br#","version":"#);
        out.extend_from_slice(version.to_string().as_bytes());
    }
    out.push(b'}');
    Ok(())
}
