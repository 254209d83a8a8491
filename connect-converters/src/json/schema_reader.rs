//! Reads the schema of a message.
use super::cell_reader::{DecimalText, Forms, Unit};
use super::connect_schema::*;
use connect_api::{
    DEFAULT, Error, ErrorKind, Kind, LOGICAL_NAME, NOT_NULL, Result, VENDOR, VENDOR_TYPE,
    arrow::schema::{Field, extension::EXTENSION_TYPE_NAME_KEY},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A schema as it stands in a message.
#[derive(Debug, Deserialize)]
struct Node {
    #[serde(rename = "type")]
    word: String,
    #[serde(default)]
    optional: bool,
    name: Option<String>,
    version: Option<serde_json::Number>,
    parameters: Option<BTreeMap<String, serde_json::Value>>,
    default: Option<Box<RawValue>>,
    field: Option<String>,
    fields: Option<Vec<Node>>,
    items: Option<Box<Node>>,
    keys: Option<Box<Node>>,
    values: Option<Box<Node>>,
}

/// The schema of a message, in our terms.
#[derive(Debug)]
pub(crate) struct Declared {
    /// Name of the struct.
    pub(crate) name: Option<String>,
    /// Its version.
    pub(crate) version: Option<u32>,
    /// Its fields, all nullable.
    pub(crate) fields: Vec<(Field, Kind, Forms)>,
}

fn data(message: String) -> Error {
    Error::new(ErrorKind::Data, message)
}

/// Reads the schema of a message.
///
/// # Errors
/// `Data`: it is not the schema of a row. `Unsupported`: a column is of a type that is not
/// supported.
pub(crate) fn read(text: &str) -> Result<Declared> {
    let node: Node = serde_json::from_str(text)
        .map_err(|e| data("`schema` is not a Connect schema".to_owned()).with_source(e))?;
    if node.word != "struct" {
        return Err(data(format!(
            "`schema` is of type `{}`: a row needs a `struct`",
            node.word
        )));
    }
    let vendor = node.parameter(VENDOR);
    let fields = node.fields.unwrap_or_default();
    if fields.is_empty() {
        return Err(data("`schema` has no fields".to_owned()));
    }
    Ok(Declared {
        name: node.name,
        version: node
            .version
            .and_then(|v| v.as_u64())
            .and_then(|v| v.try_into().ok()),
        fields: fields
            .iter()
            .map(|node| node.column(vendor.as_deref()))
            .collect::<Result<_>>()?,
    })
}

/// The schema of a message key: how its values are written.
#[derive(Debug)]
pub(crate) enum DeclaredKey {
    /// A value that stands alone.
    Single(Forms),
    /// An object with these fields.
    Struct(Vec<(String, Forms)>),
}

impl DeclaredKey {
    /// How the value of the field `name` is written, where the schema says it.
    pub(crate) fn forms(&self, name: &str) -> Option<Forms> {
        match self {
            Self::Single(forms) => Some(*forms),
            Self::Struct(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, f)| *f),
        }
    }
}

/// Reads the schema of a message key.
///
/// # Errors
/// `Data`, `Unsupported`: it is none that a key can have.
pub(crate) fn read_key(text: &str) -> Result<DeclaredKey> {
    let node: Node = serde_json::from_str(text)
        .map_err(|e| data("`schema` is not a Connect schema".to_owned()).with_source(e))?;
    let forms = |node: &Node| {
        node.kind().map(|(_, unit, _)| Forms {
            unit,
            decimal: DecimalText::Base64,
        })
    };
    if node.word != "struct" {
        return forms(&node).map(DeclaredKey::Single);
    }
    let fields = node.fields.unwrap_or_default().into_iter().map(|node| {
        let name = node.field.clone().unwrap_or_default();
        let forms =
            forms(&node).map_err(|e| e.context(format_args!("field `{name}` of its schema")))?;
        Ok((name, forms))
    });
    fields.collect::<Result<_>>().map(DeclaredKey::Struct)
}

impl Node {
    fn parameter(&self, key: &str) -> Option<String> {
        match self.parameters.as_ref()?.get(key)? {
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// The column of this field; `vendor` is that of all columns that name none.
    fn column(&self, vendor: Option<&str>) -> Result<(Field, Kind, Forms)> {
        let name = self
            .field
            .as_deref()
            .ok_or_else(|| data("a field of `schema` has no name".to_owned()))?;
        let (kind, unit, known) = self
            .kind()
            .map_err(|e| e.context(format_args!("column `{name}`")))?;
        let field = kind.clone().field(name, true);
        let mut metadata = field.metadata().clone();
        for key in METADATA {
            metadata.extend(self.parameter(key).map(|value| (key.to_owned(), value)));
        }
        if metadata.contains_key(VENDOR_TYPE) {
            let vendor = self.parameter(VENDOR).or(vendor.map(str::to_owned));
            metadata.extend(vendor.map(|vendor| (VENDOR.to_owned(), vendor)));
        }
        if let Some(default) = &self.default {
            metadata.insert(DEFAULT.to_owned(), default.get().to_owned());
        }
        if !self.optional {
            metadata.insert(NOT_NULL.to_owned(), "true".to_owned());
        }
        if let (false, Some(name)) = (known, &self.name) {
            metadata.insert(LOGICAL_NAME.to_owned(), name.clone());
        }
        let forms = Forms {
            unit,
            decimal: DecimalText::Base64,
        };
        let field = field.with_metadata(metadata);
        Ok((self.with_extension(field, &kind), kind, forms))
    }

    /// The field with the extension that the message names, unless it would be of another kind.
    fn with_extension(&self, field: Field, kind: &Kind) -> Field {
        let Some(extension) = self.parameter(EXTENSION) else {
            return field;
        };
        let mut metadata = field.metadata().clone();
        metadata.insert(EXTENSION_TYPE_NAME_KEY.to_owned(), extension);
        let extended = field.clone().with_metadata(metadata);
        if Kind::of(&extended) == *kind {
            extended
        } else {
            field
        }
    }

    /// The kind, what numbers of it count, and whether the logical name is one that we know.
    fn kind(&self) -> Result<(Kind, Unit, bool)> {
        if let Some(logical) = self.logical()? {
            return Ok((logical.0, logical.1, true));
        }
        if let Some((kind, unit)) = self.parts()? {
            return Ok((kind, unit, false));
        }
        if let Some(items) = self.scalar_items() {
            let (element, unit, _) = items.kind().map_err(|e| e.context("its items"))?;
            return Ok((Kind::List(Box::new(element)), unit, false));
        }
        let unsigned = self.parameter(UNSIGNED);
        let kind = match (self.word.as_str(), unsigned.as_deref()) {
            ("boolean", _) => Kind::Bool,
            ("int32", None) if self.parameter(BITS).as_deref() == Some("16") => Kind::Int16,
            ("double", _) if self.parameter(BITS).as_deref() == Some("32") => Kind::Float32,
            ("int16" | "int32", Some("8")) => Kind::UInt8,
            ("int32", Some("16")) => Kind::UInt16,
            ("int64", Some("32")) => Kind::UInt32,
            ("int8", _) => Kind::Int8,
            ("int16", _) => Kind::Int16,
            ("int32", _) => Kind::Int32,
            ("int64", _) => Kind::Int64,
            ("float" | "float32", _) => Kind::Float32,
            ("double" | "float64", _) => Kind::Float64,
            ("string", _) => Kind::Text,
            ("bytes", _) => Kind::Bytes,
            ("array" | "map" | "struct", _) if self.is_plain_json() => Kind::Json,
            ("array" | "map" | "struct", _) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "type `{}` holds bytes or logical types, which are not supported there",
                        self.word
                    ),
                ));
            }
            (word, _) => return Err(data(format!("type `{word}` is none of a Connect schema"))),
        };
        Ok((kind, Unit::Micros, false))
    }

    /// The kind by the logical name; `None` where it is not known, or not of this type.
    fn logical(&self) -> Result<Option<(Kind, Unit)>> {
        let Some(name) = &self.name else {
            return Ok(None);
        };
        let java = [
            "io.openmessaging.connector.api.data.logical.",
            "org.apache.kafka.connect.data.",
        ];
        let short = java
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name);
        let timestamp = Kind::Timestamp {
            utc: self.parameter(LOCAL).as_deref() != Some("true"),
        };
        Ok(Some(match (self.word.as_str(), short) {
            ("bytes", "Decimal") => (self.decimal()?, Unit::Micros),
            ("int32", "Date" | "io.debezium.time.Date") => (Kind::Date, Unit::Micros),
            ("int32", "Time" | "io.debezium.time.Time") => (Kind::Time, Unit::Millis),
            ("int64", "Timestamp" | "io.debezium.time.Timestamp") => (timestamp, Unit::Millis),
            ("int64", MICRO_TIME) => (Kind::Time, Unit::Micros),
            ("int64", MICRO_TIMESTAMP) => (timestamp, Unit::Micros),
            ("int64", NANO_TIME) => (Kind::TimeNanos, Unit::Nanos),
            ("int64", MICRO_DURATION) => (Kind::Duration, Unit::Micros),
            ("int64", "io.debezium.time.NanoTimestamp") => (timestamp, Unit::Nanos),
            ("string", ZONED_TIMESTAMP) => (Kind::OffsetTimestamp, Unit::Micros),
            ("string", INTERVAL) => (Kind::Interval, Unit::Micros),
            ("string", JSON) => (Kind::Json, Unit::Micros),
            ("string", UUID) => (Kind::Uuid, Unit::Micros),
            ("string", BIG_DECIMAL) => (Kind::BigDecimal, Unit::Micros),
            _ => return Ok(None),
        }))
    }

    fn decimal(&self) -> Result<Kind> {
        let number = |key: &str| match self.parameter(key) {
            None => Ok(None),
            Some(text) => text.parse::<i16>().map(Some).map_err(|e| {
                data(format!("parameter `{key}` is not a small number")).with_source(e)
            }),
        };
        let scale = number(SCALE)?.ok_or_else(|| data("a Decimal has no `scale`".to_owned()))?;
        let precision = number(PRECISION)?;
        if self.parameter(UNSIGNED).as_deref() == Some("64") && scale == 0 {
            return Ok(Kind::UInt64);
        }
        // What the schema does not say is taken as wide as it can be; values are checked.
        let precision = u8::try_from(precision.unwrap_or(38).max(scale).max(1));
        match (precision, i8::try_from(scale)) {
            (Ok(precision @ ..=38), Ok(scale)) => Ok(Kind::Decimal { precision, scale }),
            (Ok(precision @ ..=76), Ok(scale)) => Ok(Kind::WideDecimal { precision, scale }),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "a Decimal of more than 76 digits is not supported".to_owned(),
            )),
        }
    }

    /// The kind of a struct or a map whose parts have one value each, or lists of such; `None` of
    /// another type.
    fn parts(&self) -> Result<Option<(Kind, Unit)>> {
        let nested = |node: &Self| {
            matches!(node.word.as_str(), "struct" | "map")
                || (node.word == "array" && node.scalar_items().is_none())
        };
        match (self.word.as_str(), &self.fields, &self.keys, &self.values) {
            ("struct", Some(fields), ..) if !fields.is_empty() && !fields.iter().any(nested) => {
                let (mut parts, mut of_times) = (Vec::with_capacity(fields.len()), None);
                for node in fields {
                    let name = node
                        .field
                        .as_deref()
                        .ok_or_else(|| data("a field of the struct has no name".to_owned()))?;
                    let (kind, unit, _) = node
                        .kind()
                        .map_err(|e| e.context(format_args!("field `{name}`")))?;
                    // Nanoseconds are read alike by both.
                    let unit = match unit {
                        Unit::Nanos if kind == Kind::TimeNanos => Unit::Micros,
                        unit => unit,
                    };
                    if counts_time(&kind) && *of_times.get_or_insert(unit) != unit {
                        return Err(Error::new(
                            ErrorKind::Unsupported,
                            "times of different units in one struct are not supported",
                        ));
                    }
                    parts.push((name.into(), kind));
                }
                let unit = of_times.unwrap_or(Unit::Micros);
                Ok(Some((Kind::Struct(parts), unit)))
            }
            ("map", _, Some(keys), Some(values))
                if keys.word == "string"
                    && keys.name.is_none()
                    && values.word != "array"
                    && !nested(values) =>
            {
                let (value, unit, _) = values.kind().map_err(|e| e.context("its values"))?;
                Ok(Some((Kind::Map(Box::new(value)), unit)))
            }
            _ => Ok(None),
        }
    }

    /// The items of an array that are no arrays, maps or structs themselves.
    fn scalar_items(&self) -> Option<&Self> {
        let items = self.items.as_deref().filter(|_| self.word == "array")?;
        let scalar = !matches!(items.word.as_str(), "array" | "map" | "struct");
        scalar.then_some(items)
    }

    /// Whether the JSON text of a value says all that it is.
    fn is_plain_json(&self) -> bool {
        let nested = [&self.items, &self.keys, &self.values];
        self.word != "bytes"
            && (self.name.is_none() || self.word == "struct")
            && nested
                .into_iter()
                .flatten()
                .all(|node| node.is_plain_json())
            && self.fields.iter().flatten().all(Self::is_plain_json)
    }
}

/// Whether numbers of this kind count a unit of time that the schema names.
fn counts_time(kind: &Kind) -> bool {
    match kind {
        Kind::List(element) => counts_time(element),
        kind => matches!(
            kind,
            Kind::Time | Kind::TimeNanos | Kind::Duration | Kind::Timestamp { .. }
        ),
    }
}
