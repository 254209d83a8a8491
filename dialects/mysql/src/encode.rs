//! Cells of Arrow columns, as values of the binary protocol.
//!
//! An encoder is chosen per pair of columns when the write is planned. Where the server would
//! change a value without a word (places of a decimal, fractions of a second, trailing blanks,
//! zeros behind short bytes, years of two digits) the encoder refuses it.
pub(crate) mod cell;
pub(crate) mod json_numbers;
pub(crate) mod wire;
use crate::types::{grammar::Declared, is_geometry, stored};
use connect_api::Kind;
use dialect_core::Column;
use sqlx::{
    MySql, Type,
    mysql::MySqlTypeInfo,
    types::{
        Decimal,
        chrono::{NaiveDate, NaiveDateTime, NaiveTime},
    },
};

/// How the cells of a column of records go into a column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Booleans and integers in their own width; the server checks the range.
    Integer,
    /// The same, but 0 and 1 alone.
    ZeroOrOne,
    /// The same, for a column of type YEAR.
    Year,
    /// The same, for a column of bits: not negative.
    Bits,
    Float32,
    Float64,
    /// Floats of 64 bits that are floats of 32 bits.
    Narrow,
    /// Decimals, and text that is one, as text of at most so many places.
    Decimal {
        precision: u8,
        scale: i8,
    },
    /// The same for more than 38 digits.
    WideDecimal {
        precision: u8,
        scale: i8,
    },
    /// Decimals as text of all their places.
    DecimalText,
    /// Text of at most so many characters. `padded`: the server does not keep blanks at its end.
    Text {
        characters: u32,
        padded: bool,
    },
    /// Text of a date or time, with at most so many places of a second.
    Dated {
        places: u32,
    },
    /// Lists, structs and maps as JSON, intervals as ISO 8601, of at most so many characters.
    Parts {
        characters: u32,
    },
    /// Lists of 32-bit floats, none of them NULL, as their bytes.
    Vector,
    /// Bytes of any length; the server checks it.
    Bytes,
    /// Bytes of this length.
    Exactly {
        bytes: u32,
    },
    /// Geometries as WKB or EWKB.
    Geometry,
    /// 16 bytes.
    Uuid,
    /// UUIDs in their text form.
    UuidText,
    Date,
    /// Times of day whose microseconds are multiples of `step`.
    Time {
        step: i64,
    },
    /// Spans of time whose microseconds are multiples of `step`.
    Span {
        step: i64,
    },
    Timestamp {
        step: i64,
    },
}

/// How one column is written.
#[derive(Debug, Clone)]
pub(crate) struct Encoder {
    pub(crate) form: Form,
    /// The type that is declared to the server for the value.
    pub(crate) wire: MySqlTypeInfo,
    pub(crate) nullable: bool,
    /// The column is JSON.
    pub(crate) json: bool,
}

impl Encoder {
    /// The encoder of cells of `kind` into `column`; `None` where some values would be changed,
    /// or refused whatever they are. A column of the key never takes NULL.
    pub(crate) fn new(kind: &Kind, column: &Column, in_key: bool) -> Option<Self> {
        let form = form(kind, column)?;
        Some(Self {
            form,
            wire: wire(form, kind),
            nullable: column.nullable && !in_key,
            json: column.kind == Some(Kind::Json),
        })
    }
}

/// Digits after the second of a time in the column.
pub(crate) fn places(column: &Column) -> u32 {
    let of = Declared::parse(&column.vendor_type);
    of.first().unwrap_or(0).min(6)
}

fn form(kind: &Kind, column: &Column) -> Option<Form> {
    let of = Declared::parse(&column.vendor_type);
    let base = of.base.as_str();
    let places = places(column);
    let step = 10_i64.pow(6 - places);
    let (to, read_as_text) = stored(column)?;
    if *kind == Kind::Text && read_as_text {
        let dated = matches!(base, "date" | "time" | "datetime" | "timestamp");
        return Some(match dated {
            true => Form::Dated { places },
            false => UNBOUNDED,
        });
    }
    let small = matches!(kind, Kind::Int8 | Kind::Int16 | Kind::UInt8 | Kind::UInt16);
    let integer = small
        || matches!(
            kind,
            Kind::Int32 | Kind::UInt32 | Kind::Int64 | Kind::UInt64
        );
    // An integer column that takes any integer of its range.
    let plain = base != "year" && base != "bit" && is_integer(&to);
    let fits = |characters: u32| column.length.is_none_or(|l| l >= characters);
    let text = Form::Text {
        characters: column.length.unwrap_or(u32::MAX),
        padded: base == "char",
    };
    Some(match (kind, &to) {
        (Kind::Bool, Kind::Bool) => Form::Integer,
        (_, Kind::Bool) if integer => Form::ZeroOrOne,
        (_, Kind::Int16) if base == "year" && integer => Form::Year,
        (_, Kind::UInt64) if base == "bit" && (integer || *kind == Kind::Bool) => Form::Bits,
        (_, _) if plain && (integer || *kind == Kind::Bool) => Form::Integer,
        // A number of no places, as text: read into the column's integer, range checked.
        (Kind::Decimal { scale: ..=0, .. }, _) if plain => Form::DecimalText,
        (Kind::BigDecimal, _) if plain => Form::Decimal {
            precision: 38,
            scale: 0,
        },
        (_, Kind::Decimal { .. } | Kind::WideDecimal { .. }) if integer => Form::Integer,
        (_, Kind::Float32) if small => Form::Integer,
        (Kind::Int32 | Kind::UInt32, Kind::Float64) => Form::Integer,
        (_, Kind::Float64) if small => Form::Integer,
        (Kind::Float32, Kind::Float32 | Kind::Float64) => Form::Float32,
        (Kind::Float64, Kind::Float64) => Form::Float64,
        (Kind::Float64, Kind::Float32) => Form::Narrow,
        (Kind::Decimal { .. } | Kind::BigDecimal, Kind::Decimal { precision, scale }) => {
            Form::Decimal {
                precision: *precision,
                scale: *scale,
            }
        }
        (
            Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal,
            Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale },
        ) => Form::WideDecimal {
            precision: *precision,
            scale: *scale,
        },
        (Kind::Decimal { .. }, Kind::Text) if fits(41) => Form::DecimalText,
        (Kind::WideDecimal { .. }, Kind::Text) if fits(80) => Form::DecimalText,
        (Kind::Text | Kind::BigDecimal | Kind::Json, Kind::Text) => text,
        (Kind::Text | Kind::Json, Kind::Json) => text,
        (Kind::List(_) | Kind::Struct(_) | Kind::Map(_), Kind::Json) => Form::Parts {
            characters: u32::MAX,
        },
        (Kind::List(_) | Kind::Struct(_) | Kind::Map(_) | Kind::Interval, Kind::Text) => {
            Form::Parts {
                characters: column.length.unwrap_or(u32::MAX),
            }
        }
        (Kind::List(element), Kind::List(_)) if **element == Kind::Float32 => Form::Vector,
        (Kind::Text, Kind::Uuid) if base == "uuid" => text,
        (Kind::Bytes, Kind::Bytes) if is_geometry(base) => Form::Geometry,
        (Kind::Bytes, Kind::Bytes) => match column.length {
            Some(bytes) if base == "binary" => Form::Exactly { bytes },
            _ => Form::Bytes,
        },
        (Kind::Uuid, Kind::Uuid) if base == "uuid" => Form::UuidText,
        (Kind::Uuid, Kind::Uuid) => Form::Uuid,
        (Kind::Bytes, Kind::Uuid) if base == "binary" => Form::Exactly { bytes: 16 },
        (Kind::Uuid, Kind::Bytes) if !is_geometry(base) => match column.length {
            Some(16..) | None if base != "binary" || column.length == Some(16) => Form::Uuid,
            _ => return None,
        },
        (Kind::Uuid, Kind::Text) if fits(36) => Form::UuidText,
        (Kind::Date, Kind::Date) => Form::Date,
        (Kind::Time | Kind::TimeNanos, Kind::Time | Kind::Duration) => Form::Time { step },
        (Kind::Duration, Kind::Time | Kind::Duration) => Form::Span { step },
        // The session's time zone is UTC: a local time is stored and read as it is.
        (Kind::Timestamp { .. } | Kind::OffsetTimestamp, Kind::Timestamp { .. }) => {
            Form::Timestamp { step }
        }
        _ => return None,
    })
}

const UNBOUNDED: Form = Form::Text {
    characters: u32::MAX,
    padded: false,
};

fn is_integer(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Int8
            | Kind::Int16
            | Kind::Int32
            | Kind::Int64
            | Kind::UInt8
            | Kind::UInt16
            | Kind::UInt32
            | Kind::UInt64
    )
}

fn wire(form: Form, kind: &Kind) -> MySqlTypeInfo {
    match form {
        Form::Integer | Form::ZeroOrOne | Form::Year | Form::Bits => match kind {
            Kind::UInt8 => <u8 as Type<MySql>>::type_info(),
            Kind::Int16 => <i16 as Type<MySql>>::type_info(),
            Kind::UInt16 => <u16 as Type<MySql>>::type_info(),
            Kind::Int32 => <i32 as Type<MySql>>::type_info(),
            Kind::UInt32 => <u32 as Type<MySql>>::type_info(),
            Kind::Int64 => <i64 as Type<MySql>>::type_info(),
            Kind::UInt64 => <u64 as Type<MySql>>::type_info(),
            _ => <i8 as Type<MySql>>::type_info(),
        },
        Form::Float32 | Form::Narrow => <f32 as Type<MySql>>::type_info(),
        Form::Float64 => <f64 as Type<MySql>>::type_info(),
        Form::Decimal { .. } | Form::WideDecimal { .. } => <Decimal as Type<MySql>>::type_info(),
        Form::Text { .. }
        | Form::Dated { .. }
        | Form::Parts { .. }
        | Form::DecimalText
        | Form::UuidText => <str as Type<MySql>>::type_info(),
        Form::Bytes | Form::Exactly { .. } | Form::Uuid | Form::Geometry | Form::Vector => {
            <[u8] as Type<MySql>>::type_info()
        }
        Form::Date => <NaiveDate as Type<MySql>>::type_info(),
        Form::Time { .. } | Form::Span { .. } => <NaiveTime as Type<MySql>>::type_info(),
        Form::Timestamp { .. } => <NaiveDateTime as Type<MySql>>::type_info(),
    }
}
