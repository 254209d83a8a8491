//! What a column means, and the Arrow type that holds it.
use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit, extension::EXTENSION_TYPE_NAME_KEY};
use std::{collections::HashMap, sync::Arc};

/// Field metadata: the kind of database whose [`VENDOR_TYPE`] it is, as a URL names it:
/// `postgres`, `mysql`, `sqlite`, `sqlserver`, or `odbc:` and that of the database behind it.
pub const VENDOR: &str = "connect.vendor";

/// Field metadata: the type as the database names it, e.g. `numeric(30,4)`.
pub const VENDOR_TYPE: &str = "connect.vendor.type";
/// Field metadata: the declared length of a text or bytes column, in characters or bytes.
pub const LENGTH: &str = "connect.length";
/// Field metadata: the logical type name of a Connect schema that this program does not know.
pub const LOGICAL_NAME: &str = "connect.name";
/// Field metadata: the values an enumeration allows, separated by commas, each with its backslashes
/// and commas escaped by a backslash.
pub const ENUM: &str = "connect.enum";
/// Field metadata: the value of a column that is left out, as JSON text.
pub const DEFAULT: &str = "connect.default";
/// Field metadata, `true`: the database refuses NULL here. Fields outside the key are nullable in
/// Arrow all the same, since a delete contains only its key.
pub const NOT_NULL: &str = "connect.not_null";
/// The zone of every instant: kernels refuse names without a time-zone database.
pub const UTC: &str = "+00:00";

/// What a column means, and so the Arrow type that holds it. Other Arrow types pass through the
/// API as [`Kind::Other`]: columnar code sees them, rows cannot be built of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in SQL")]
pub enum Kind {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float32,
    Float64,
    /// At most 38 digits, exact.
    Decimal {
        precision: u8,
        scale: i8,
    },
    /// 39 to 76 digits, exact. In rows: text, plain digits.
    WideDecimal {
        precision: u8,
        scale: i8,
    },
    /// Any number of digits, NaN and infinities: canonical text.
    BigDecimal,
    Text,
    /// JSON text, as the system gave it.
    Json,
    Bytes,
    /// 16 bytes in the order of the text form.
    Uuid,
    /// Days since 1970-01-01.
    Date,
    /// Microseconds since midnight.
    Time,
    /// Nanoseconds since midnight.
    TimeNanos,
    /// A span of time in microseconds, which may be negative.
    Duration,
    /// Microseconds since 1970-01-01: an instant (`utc`), or a local time.
    Timestamp {
        utc: bool,
    },
    /// An instant, microseconds since 1970-01-01 UTC, and the minutes that the wall clock of its
    /// place lies before it: the canonical extension `arrow.timestamp_with_offset`.
    OffsetTimestamp,
    /// Months, days and nanoseconds, each with a sign of its own: none is a number of the other.
    Interval,
    /// Any number of values of one kind of those above, each of which may be NULL.
    List(Box<Kind>),
    /// Fields, each of a name and of a kind of those above, and each of which may be NULL.
    Struct(Vec<(Box<str>, Kind)>),
    /// Texts, each with a value of one kind of those above `List`, which may be NULL.
    Map(Box<Kind>),
    Other(DataType),
}

impl Kind {
    /// The Arrow type.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::UInt8 => DataType::UInt8,
            Self::UInt16 => DataType::UInt16,
            Self::UInt32 => DataType::UInt32,
            Self::UInt64 => DataType::UInt64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale),
            Self::WideDecimal { precision, scale } => DataType::Decimal256(*precision, *scale),
            Self::Text | Self::Json | Self::BigDecimal => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Uuid => DataType::FixedSizeBinary(16),
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::TimeNanos => DataType::Time64(TimeUnit::Nanosecond),
            Self::Duration => DataType::Duration(TimeUnit::Microsecond),
            Self::Timestamp { utc } => {
                DataType::Timestamp(TimeUnit::Microsecond, utc.then(|| UTC.into()))
            }
            Self::OffsetTimestamp => {
                let instant = DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
                let fields = vec![
                    Field::new("timestamp", instant, false),
                    Field::new("offset_minutes", DataType::Int16, false),
                ];
                DataType::Struct(fields.into())
            }
            Self::List(element) => {
                DataType::List(Arc::new(Self::clone(element).field("item", true)))
            }
            Self::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Struct(fields) => DataType::Struct(
                fields
                    .iter()
                    .map(|(name, kind)| kind.clone().field(name, true))
                    .collect(),
            ),
            Self::Map(value) => {
                let fields = vec![
                    Self::Text.field("key", false),
                    Self::clone(value).field("value", true),
                ];
                let entries = Field::new("entries", DataType::Struct(fields.into()), false);
                DataType::Map(Arc::new(entries), false)
            }
            Self::Other(data_type) => data_type.clone(),
        }
    }

    /// A scalar: what lists, structs and maps consist of.
    pub fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Self::List(_) | Self::Struct(_) | Self::Map(_) | Self::Other(_)
        )
    }

    /// The Arrow extension name that distinguishes kinds of one Arrow type.
    fn extension(&self) -> Option<&'static str> {
        match self {
            Self::Json => Some("arrow.json"),
            Self::Uuid => Some("arrow.uuid"),
            Self::BigDecimal => Some("connect.decimal"),
            Self::OffsetTimestamp => Some("arrow.timestamp_with_offset"),
            _ => None,
        }
    }

    /// A field of this kind.
    pub fn field(self, name: &str, nullable: bool) -> Field {
        let metadata: HashMap<_, _> = self
            .extension()
            .map(|e| (EXTENSION_TYPE_NAME_KEY.to_owned(), e.to_owned()))
            .into_iter()
            .collect();
        Field::new(name, self.data_type(), nullable).with_metadata(metadata)
    }

    /// The kind of a field.
    pub fn of(field: &Field) -> Self {
        match (field.data_type(), field.extension_type_name()) {
            (DataType::Boolean, _) => Self::Bool,
            (DataType::Int8, _) => Self::Int8,
            (DataType::Int16, _) => Self::Int16,
            (DataType::Int32, _) => Self::Int32,
            (DataType::Int64, _) => Self::Int64,
            (DataType::UInt8, _) => Self::UInt8,
            (DataType::UInt16, _) => Self::UInt16,
            (DataType::UInt32, _) => Self::UInt32,
            (DataType::UInt64, _) => Self::UInt64,
            (DataType::Float32, _) => Self::Float32,
            (DataType::Float64, _) => Self::Float64,
            (DataType::Decimal128(precision, scale), _) => Self::Decimal {
                precision: *precision,
                scale: *scale,
            },
            (DataType::Decimal256(precision, scale), _) => Self::WideDecimal {
                precision: *precision,
                scale: *scale,
            },
            (DataType::Utf8, Some("arrow.json")) => Self::Json,
            (DataType::Utf8, Some("connect.decimal")) => Self::BigDecimal,
            (DataType::Utf8, _) => Self::Text,
            (DataType::Binary, _) => Self::Bytes,
            (DataType::FixedSizeBinary(16), Some("arrow.uuid")) => Self::Uuid,
            (DataType::Date32, _) => Self::Date,
            (DataType::Time64(TimeUnit::Microsecond), _) => Self::Time,
            (DataType::Time64(TimeUnit::Nanosecond), _) => Self::TimeNanos,
            (DataType::Duration(TimeUnit::Microsecond), _) => Self::Duration,
            (DataType::Timestamp(TimeUnit::Microsecond, None), _) => Self::Timestamp { utc: false },
            (DataType::Timestamp(TimeUnit::Microsecond, Some(zone)), _) if &**zone == UTC => {
                Self::Timestamp { utc: true }
            }
            (other @ DataType::Struct(_), Some("arrow.timestamp_with_offset"))
                if *other == Self::OffsetTimestamp.data_type() =>
            {
                Self::OffsetTimestamp
            }
            (DataType::Interval(IntervalUnit::MonthDayNano), _) => Self::Interval,
            (other @ DataType::List(item), _) => match Self::of(item) {
                element if element.is_scalar() => Self::List(Box::new(element)),
                _ => Self::Other(other.clone()),
            },
            (other @ DataType::Struct(fields), _) => {
                let fields = fields.iter().map(|field| {
                    let kind = Self::of(field);
                    let fits = kind.is_scalar() || matches!(kind, Self::List(_));
                    fits.then(|| (field.name().as_str().into(), kind))
                });
                match fields.collect() {
                    Some(fields) => Self::Struct(fields),
                    None => Self::Other(other.clone()),
                }
            }
            (other @ DataType::Map(entries, _), _) => match entries.data_type() {
                DataType::Struct(fields) => match fields.as_ref() {
                    [key, value] if Self::of(key) == Self::Text && Self::of(value).is_scalar() => {
                        Self::Map(Box::new(Self::of(value)))
                    }
                    _ => Self::Other(other.clone()),
                },
                _ => Self::Other(other.clone()),
            },
            (other, _) => Self::Other(other.clone()),
        }
    }
}
