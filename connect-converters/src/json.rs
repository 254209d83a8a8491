//! JSON bodies, plain or with the Connect schema around them.
pub(crate) mod body;
pub(crate) mod cell_reader;
pub(crate) mod cell_writer;
mod connect_schema;
pub(crate) mod cursor;
mod decoder;
mod encoder;
pub(crate) mod fault;
mod losses;
mod number;
mod parts_reader;
mod plan;
mod plans;
pub(crate) mod row_reader;
mod scalar;
pub(crate) mod schema_reader;
mod schema_writer;
pub(crate) mod text;

use crate::key::KeyForms;
use cell_reader::{DecimalText, Forms, Unit};
use cell_writer::{Below, DecimalStyle, NoNumber, Style, TimeStyle};
use connect_api::{Blobs, Converter, Decoder, Records, Result, Schema, Target};
use connect_schema::Types;
use decoder::JsonDecoder;
use encoder::Openings;
use plan::Reading;
use std::{
    collections::BTreeSet,
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
};

connect_api::choice! {
    /// How decimals are written.
    pub enum DecimalFormat {
        /// As base64 of the unscaled value.
        Base64 = "BASE64",
        /// As a JSON number.
        Numeric = "NUMERIC",
    }
}

connect_api::choice! {
    /// How times and timestamps are written.
    pub enum TimePrecision {
        /// In microseconds.
        Adaptive = "adaptive",
        /// In milliseconds, as Connect's own types have it.
        Connect = "connect",
    }
}

connect_api::choice! {
    /// What to do with digits below a millisecond where times are written in milliseconds.
    pub enum PrecisionLoss {
        /// The row is refused.
        Error = "error",
        /// They are cut.
        Truncate = "truncate",
    }
}

connect_api::choice! {
    /// Whose converter is on the other side of the topic.
    pub enum Interop {
        /// This one.
        None = "none",
        /// The JsonConverter of RocketMQ Connect in Java.
        Java = "java",
        /// The JsonConverter of Kafka Connect.
        Kafka = "kafka",
    }
}

connect_api::choice! {
    /// What to do with NaN and the infinities of floats, which JSON has no numbers for.
    pub enum NoNumbers {
        /// The row is refused.
        Error = "error",
        /// NULL is written for them.
        Null = "null",
        /// The strings `NaN`, `Infinity` and `-Infinity` are.
        Text = "text",
    }
}

connect_api::choice! {
    /// What to do with a field that is not known.
    pub enum UnknownFields {
        /// The message is refused.
        Error = "error",
        /// The field is left out.
        Ignore = "ignore",
    }
}

connect_api::settings! {
    /// Settings of the JSON converter.
    pub struct JsonSettings {
        /// Converter on the other side of the topic: `java` for the JsonConverter of the Java
        /// original, `kafka` for that of Kafka Connect. Types and times are then those that it
        /// reads and writes, deletes have a body, and column defaults are omitted. If the converter
        /// is given by its Java class, the default is the corresponding value.
        "interop": interop: Interop, default "none", High;
        /// Include the schema in every message. Messages with and without a schema are read in
        /// either case.
        "schemas.enable": schemas_enable: bool, default "true", High;
        /// Format of decimals: `BASE64` of the unscaled value, the default of the Java converters,
        /// or `NUMERIC`. Numbers are read in either case; strings in messages without a schema are
        /// read in this format.
        "decimal.format": decimal_format: DecimalFormat, default "BASE64", Medium;
        /// Precision of times and timestamps: `adaptive` for microseconds, `connect` for
        /// milliseconds, as in Connect's own types; a negative time or one of 24 hours and more is
        /// then rejected. Messages without a schema are read in this format. Default: `adaptive`,
        /// or `connect` with `interop`.
        "time.precision.mode": time_precision: TimePrecision, optional, Medium;
        /// Handling of digits below a millisecond when times are written in milliseconds: `error`
        /// rejects the row, `truncate` truncates them and logs it once per column. Default:
        /// `error`, or `truncate` with `interop`.
        "time.precision.loss": precision_loss: PrecisionLoss, optional, Medium;
        /// Handling of NaN and infinite floats, which JSON cannot represent as numbers: `error`
        /// rejects the row, `null` replaces them, `text` writes the strings `NaN`, `Infinity` and
        /// `-Infinity`, which are always accepted when floats are read. In a key column, `null`
        /// rejects the row. Default in `value.converter.*`: the connector's own
        /// `values.unrepresentable`.
        "values.unrepresentable": no_numbers: NoNumbers, default "error", Medium;
        /// Handling of fields of a message that neither its schema nor the target table has:
        /// `error` rejects the message, `ignore` skips the fields.
        "unknown.fields": unknown_fields: UnknownFields, default "error", Low;
        /// Number of cached schema texts for reading and for writing.
        "schemas.cache.size": schemas_cache_size: NonZero<usize>, default "1000", Low;
    }
}

impl JsonSettings {
    fn has_interop(&self) -> bool {
        self.interop != Interop::None
    }

    fn precision(&self) -> TimePrecision {
        self.time_precision.unwrap_or(if self.has_interop() {
            TimePrecision::Connect
        } else {
            TimePrecision::Adaptive
        })
    }

    fn loss(&self) -> PrecisionLoss {
        self.precision_loss.unwrap_or(if self.has_interop() {
            PrecisionLoss::Truncate
        } else {
            PrecisionLoss::Error
        })
    }

    /// How values are read where no schema says it.
    pub(crate) fn forms(&self) -> Forms {
        Forms {
            unit: match self.precision() {
                TimePrecision::Adaptive => Unit::Micros,
                TimePrecision::Connect => Unit::Millis,
            },
            decimal: match self.decimal_format {
                DecimalFormat::Base64 => DecimalText::Base64,
                DecimalFormat::Numeric => DecimalText::Digits,
            },
        }
    }
}

/// Records to JSON bodies and back, one row a message.
#[derive(Debug)]
pub struct JsonConverter {
    settings: JsonSettings,
    openings: Openings,
    style: Style,
    keys: KeyForms,
    /// Columns, with their tables, whose digits were cut: each is logged once.
    cut: Mutex<BTreeSet<String>>,
}

impl JsonConverter {
    /// A converter with these settings.
    pub fn new(settings: JsonSettings) -> Self {
        Self::under(settings, "value.converter")
    }

    /// A converter with settings that stand under `prefix`.
    pub(crate) fn under(settings: JsonSettings, prefix: &'static str) -> Self {
        let types = Types {
            micros: settings.precision() == TimePrecision::Adaptive,
            interop: settings.interop,
        };
        let style = Style {
            time: match (settings.precision(), settings.loss()) {
                (TimePrecision::Adaptive, _) => TimeStyle::Micros,
                (TimePrecision::Connect, PrecisionLoss::Error) => TimeStyle::Millis(Below::Refused),
                (TimePrecision::Connect, PrecisionLoss::Truncate) => TimeStyle::Millis(Below::Cut),
            },
            decimal: match (settings.decimal_format, settings.interop) {
                (DecimalFormat::Base64, _) => DecimalStyle::Base64,
                (DecimalFormat::Numeric, Interop::Java) => DecimalStyle::PointNumber,
                (DecimalFormat::Numeric, Interop::None | Interop::Kafka) => DecimalStyle::Number,
            },
            no_number: match settings.no_numbers {
                NoNumbers::Error => NoNumber::Refused,
                NoNumbers::Null => NoNumber::Null,
                NoNumbers::Text => NoNumber::Text,
            },
            quoted: true,
            prefix,
        };
        Self {
            openings: Openings::new(types, settings.schemas_enable, settings.schemas_cache_size),
            settings,
            style,
            keys: KeyForms::default(),
            cut: Mutex::default(),
        }
    }

    /// The same, with keys that are read in these forms.
    #[must_use]
    pub(crate) fn with_keys(self, keys: KeyForms) -> Self {
        Self { keys, ..self }
    }

    #[cold]
    fn log_cut(&self, schema: &Schema, columns: &[usize]) {
        // The set is whole between any two calls, so a panic elsewhere does not spoil it.
        let mut logged = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        for i in columns {
            let (table, column) = (schema.name(), schema.field(*i).name());
            if logged.insert(format!("{table}\0{column}")) {
                tracing::warn!(
                    table,
                    column,
                    "digits below a millisecond are truncated: {}.time.precision.loss=truncate",
                    self.style.prefix
                );
            }
        }
    }
}

impl Converter for JsonConverter {
    fn encode(&self, records: &Records, bodies: &mut Blobs) -> Result<()> {
        let openings = self.openings.of(records.schema())?;
        let before = bodies.len();
        let cut = encoder::encode(records, &openings, self.style, bodies)
            .inspect_err(|_| bodies.truncate(before))?;
        if !cut.is_empty() {
            self.log_cut(records.schema(), &cut);
        }
        Ok(())
    }

    fn decoder(&self, topic: Arc<str>, target: Target) -> Result<Box<dyn Decoder>> {
        let settings = &self.settings;
        let reading = Reading {
            own_fields: !settings.schemas_enable,
            forms: settings.forms(),
            keys: self.keys,
            ignore_unknown: settings.unknown_fields == UnknownFields::Ignore,
            plans: settings.schemas_cache_size.get(),
        };
        Ok(Box::new(JsonDecoder::new(topic, target, reading)))
    }

    fn notes(&self, schema: &Schema) -> Vec<String> {
        losses::notes(&self.settings, self.style, schema)
    }
}
