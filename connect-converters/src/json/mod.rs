//! JSON bodies, plain or with the Connect schema around them.
mod body;
pub(crate) mod cell_reader;
pub(crate) mod cell_writer;
mod connect_schema;
pub(crate) mod cursor;
mod decoder;
mod encoder;
pub(crate) mod fault;
mod number;
mod parts_reader;
mod plan;
mod plans;
pub(crate) mod row_reader;
mod scalar;
mod schema_reader;
mod schema_writer;
pub(crate) mod text;

use cell_reader::{DecimalText, Forms, Unit};
use cell_writer::{DecimalStyle, Style, TimeStyle};
use connect_api::{Blobs, Converter, Decoder, Records, Result, Target};
use decoder::JsonDecoder;
use encoder::Openings;
use plans::Reading;
use std::{num::NonZero, sync::Arc};

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
        /// Write the schema into every message. What is read may have it or not, either way.
        "schemas.enable": schemas_enable: bool, default "true", High;
        /// How decimals are written: `BASE64` of the unscaled value, as the Java converters do by
        /// default, or `NUMERIC`. Numbers are read either way; strings in bodies without a schema
        /// are read as this says.
        "decimal.format": decimal_format: DecimalFormat, default "BASE64", Medium;
        /// `adaptive` writes times and timestamps in microseconds, `connect` in milliseconds; a
        /// value that would lose its microseconds is then refused. Bodies without a schema are
        /// read as this says.
        "time.precision.mode": time_precision: TimePrecision, default "adaptive", Medium;
        /// Fields of a message that neither its schema nor the target table has: `error` refuses
        /// the message, `ignore` leaves them out.
        "unknown.fields": unknown_fields: UnknownFields, default "error", Low;
        /// Schemas to keep the text of, both ways; with more, all are worked out again.
        "schemas.cache.size": schemas_cache_size: NonZero<usize>, default "1000", Low;
    }
}

/// Records to JSON bodies and back, one row a message.
#[derive(Debug)]
pub struct JsonConverter {
    settings: JsonSettings,
    openings: Openings,
}

impl JsonConverter {
    /// A converter with these settings.
    pub fn new(settings: JsonSettings) -> Self {
        let openings = Openings::new(
            settings.schemas_enable,
            settings.time_precision,
            settings.schemas_cache_size,
        );
        Self { settings, openings }
    }
}

impl Converter for JsonConverter {
    fn encode(&self, records: &Records, bodies: &mut Blobs) -> Result<()> {
        let style = Style {
            time: match self.settings.time_precision {
                TimePrecision::Adaptive => TimeStyle::Micros,
                TimePrecision::Connect => TimeStyle::Millis,
            },
            decimal: match self.settings.decimal_format {
                DecimalFormat::Base64 => DecimalStyle::Base64,
                DecimalFormat::Numeric => DecimalStyle::Number,
            },
            quoted: true,
        };
        let openings = self.openings.of(records.schema())?;
        let before = bodies.len();
        encoder::encode(records, &openings, style, bodies).inspect_err(|_| bodies.truncate(before))
    }

    fn decoder(&self, topic: Arc<str>, target: Target) -> Result<Box<dyn Decoder>> {
        let settings = &self.settings;
        let reading = Reading {
            own_fields: !settings.schemas_enable,
            forms: Forms {
                unit: match settings.time_precision {
                    TimePrecision::Adaptive => Unit::Micros,
                    TimePrecision::Connect => Unit::Millis,
                },
                decimal: match settings.decimal_format {
                    DecimalFormat::Base64 => DecimalText::Base64,
                    DecimalFormat::Numeric => DecimalText::Digits,
                },
            },
            ignore_unknown: settings.unknown_fields == UnknownFields::Ignore,
            plans: settings.schemas_cache_size.get(),
        };
        Ok(Box::new(JsonDecoder::new(topic, target, reading)))
    }
}
