//! What the schema of a message says: the words that writing and reading share.
use connect_api::{ENUM, LENGTH, NOT_NULL, VENDOR_TYPE};

pub(crate) const DECIMAL: &str = "io.openmessaging.connector.api.data.logical.Decimal";
pub(crate) const DATE: &str = "io.openmessaging.connector.api.data.logical.Date";
pub(crate) const TIME: &str = "io.openmessaging.connector.api.data.logical.Time";
pub(crate) const TIMESTAMP: &str = "io.openmessaging.connector.api.data.logical.Timestamp";
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
/// A wall clock reading rather than an instant.
pub(crate) const LOCAL: &str = "connect.local";
/// Field metadata that travels as parameters of the same name.
pub(crate) const CARRIED: [&str; 4] = [VENDOR_TYPE, LENGTH, ENUM, NOT_NULL];
/// An Arrow extension that tells more of a column than its type does, such as `geoarrow.wkb`.
pub(crate) const EXTENSION: &str = "connect.extension";
