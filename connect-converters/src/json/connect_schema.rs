//! What the schema of a message says: the words that writing and reading share.
use super::Interop;
use connect_api::{ENUM, LENGTH, NOT_NULL, VENDOR_TYPE};

/// What the types in a schema are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Types {
    /// Times count microseconds rather than milliseconds.
    pub(crate) micros: bool,
    pub(crate) interop: Interop,
}

impl Types {
    fn named(self, openmessaging: &'static str, kafka: &'static str) -> &'static str {
        match self.interop {
            Interop::None | Interop::Java => openmessaging,
            Interop::Kafka => kafka,
        }
    }

    pub(crate) fn decimal(self) -> &'static str {
        self.named(
            "io.openmessaging.connector.api.data.logical.Decimal",
            "org.apache.kafka.connect.data.Decimal",
        )
    }

    pub(crate) fn date(self) -> &'static str {
        self.named(
            "io.openmessaging.connector.api.data.logical.Date",
            "org.apache.kafka.connect.data.Date",
        )
    }

    pub(crate) fn time(self) -> &'static str {
        self.named(
            "io.openmessaging.connector.api.data.logical.Time",
            "org.apache.kafka.connect.data.Time",
        )
    }

    pub(crate) fn timestamp(self) -> &'static str {
        self.named(
            "io.openmessaging.connector.api.data.logical.Timestamp",
            "org.apache.kafka.connect.data.Timestamp",
        )
    }
}

pub(crate) const MICRO_TIME: &str = "io.debezium.time.MicroTime";
pub(crate) const NANO_TIME: &str = "io.debezium.time.NanoTime";
pub(crate) const MICRO_DURATION: &str = "io.debezium.time.MicroDuration";
pub(crate) const INTERVAL: &str = "io.debezium.time.Interval";
pub(crate) const ZONED_TIMESTAMP: &str = "io.debezium.time.ZonedTimestamp";
pub(crate) const MICRO_TIMESTAMP: &str = "io.debezium.time.MicroTimestamp";
pub(crate) const JSON: &str = "io.debezium.data.Json";
pub(crate) const UUID: &str = "io.debezium.data.Uuid";
pub(crate) const BIG_DECIMAL: &str = "connect.decimal";

pub(crate) const SCALE: &str = "scale";
pub(crate) const PRECISION: &str = "connect.decimal.precision";
pub(crate) const UNSIGNED: &str = "connect.unsigned";
/// Bits of a number that is written as a wider type.
pub(crate) const BITS: &str = "connect.bits";
/// A local time rather than an instant.
pub(crate) const LOCAL: &str = "connect.local";
/// Field metadata that is written as parameters of the same name.
pub(crate) const METADATA: [&str; 4] = [VENDOR_TYPE, LENGTH, ENUM, NOT_NULL];
/// An Arrow extension that describes a column beyond its type, such as `geoarrow.wkb`.
pub(crate) const EXTENSION: &str = "connect.extension";
