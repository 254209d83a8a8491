//! Types of columns that are created, and of columns that are altered to hold more.
pub(crate) mod delete_capture;
mod widen;

use crate::types::{self, Type, VENDOR as POSTGRES, name::Vendor, oid};
use connect_api::{
    Error, ErrorKind, Kind, LENGTH, Result, VENDOR, VENDOR_TYPE, arrow::schema::Field,
};
use dialect_core::{Column, TableName, ValueOptions};

/// Longest length of a `varchar`.
const MAX_LENGTH: u32 = 10_485_760;
/// Most digits of a `numeric` that has a length.
const MAX_PRECISION: i16 = 1_000;

/// A type of PostgreSQL's own is re-created as it was; a user-defined one (an enum, a
/// domain) is not, and its column becomes one of its kind.
pub(crate) fn column_type(field: &Field) -> Result<String> {
    let kind = Kind::of(field);
    if let Some(vendor) = recreated(field, &kind) {
        return Ok(vendor.text());
    }
    let length = field.metadata().get(LENGTH).and_then(|l| l.parse().ok());
    Ok(match kind {
        Kind::Bool => "boolean",
        Kind::Int8 | Kind::Int16 | Kind::UInt8 => "smallint",
        Kind::Int32 | Kind::UInt16 => "integer",
        Kind::Int64 | Kind::UInt32 => "bigint",
        Kind::UInt64 => "numeric(20)",
        Kind::Float32 => "real",
        Kind::Float64 => "double precision",
        Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => {
            // Scales below zero are known since PostgreSQL 15 only.
            if scale < 0 {
                let digits = (i16::from(precision) - i16::from(scale)).min(MAX_PRECISION);
                return Ok(format!("numeric({digits})"));
            }
            return Ok(format!("numeric({precision},{scale})"));
        }
        Kind::BigDecimal => "numeric",
        Kind::Text => match length {
            Some(length @ 1..=MAX_LENGTH) => return Ok(format!("character varying({length})")),
            _ => "text",
        },
        // User-defined types may be missing: their values are kept as JSON.
        Kind::Json | Kind::Struct(_) | Kind::Map(_) => "jsonb",
        Kind::Bytes => "bytea",
        Kind::Uuid => "uuid",
        Kind::Date => "date",
        Kind::Time | Kind::TimeNanos => "time without time zone",
        Kind::Duration | Kind::Interval => "interval",
        Kind::Timestamp { utc: false } => "timestamp without time zone",
        Kind::Timestamp { utc: true } | Kind::OffsetTimestamp => "timestamp with time zone",
        Kind::List(element) => {
            let field = Kind::clone(&element).field(field.name(), true);
            return Ok(format!("{}[]", column_type(&field)?));
        }
        Kind::Other(data_type) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "column `{}`: PostgreSQL has no type here for Arrow type {data_type}",
                    field.name()
                ),
            ));
        }
    }
    .to_owned())
}

/// The type of `column` once it holds what it holds and what a new column for `field` would.
///
/// # Errors
/// `Unsupported`: there is none.
pub(crate) fn widened(table: &TableName, column: &Column, field: &Field) -> Result<String> {
    let wanted = column_type(field)?;
    let joined = Vendor::parse(&column.vendor_type)
        .zip(Vendor::parse(&wanted))
        .and_then(|(old, new)| widen::join(&old, &new));
    let joined = joined.ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "column `{}` of table `{table}`: no type holds the values of both {} and {wanted}",
                column.name, column.vendor_type
            ),
        )
    })?;
    Ok(joined.text())
}

/// The type that the field had in PostgreSQL, where a new column can have it and its values are
/// still the same.
fn recreated(field: &Field, kind: &Kind) -> Option<Vendor> {
    let metadata = field.metadata();
    if metadata.get(VENDOR).is_none_or(|vendor| vendor != POSTGRES) {
        return None;
    }
    let vendor = Vendor::parse(metadata.get(VENDOR_TYPE)?)?;
    // Numbers of things of the other database, and what cuts or cannot be written.
    let foreign = oid::UNSIGNED.contains(&vendor.oid) && vendor.oid != oid::OID;
    // Scales beyond the digits are known since PostgreSQL 15 only.
    let strange = match (vendor.oid, vendor.arguments.as_slice()) {
        (oid::NUMERIC, [precision, scale]) => *scale < 0 || scale > precision,
        _ => false,
    };
    if foreign || strange || vendor.oid == oid::NAME {
        return None;
    }
    let of = Type {
        typmod: vendor.typmod(),
        dimensions: u32::from(vendor.array),
        money_scale: match kind {
            Kind::Decimal { scale, .. } => *scale,
            _ => 2,
        },
        ..Type::plain(vendor.oid)
    };
    let (declared, _) = types::declared(&of, &ValueOptions::default());
    let same = match (kind, vendor.oid) {
        (kind, _) if declared.as_ref() == Some(kind) => true,
        // Read otherwise because somebody asked for that.
        (Kind::BigDecimal, oid::NUMERIC) => true,
        (Kind::Decimal { .. } | Kind::WideDecimal { .. }, oid::NUMERIC) => {
            vendor.arguments.is_empty()
        }
        (Kind::Bool, oid::BIT) => vendor.typmod() == 1,
        (Kind::Interval, oid::INTERVAL) => !vendor.array,
        (Kind::Struct(_), oid::POINT) => !vendor.array && *kind == types::point(),
        (Kind::Struct(fields), oid) if !vendor.array => {
            let of = oid::range(oid).map(|(.., bound)| bound);
            of.is_some() && types::bound(fields).and_then(oid::of_kind) == of
        }
        (Kind::List(element), oid::INTERVAL) => vendor.array && **element == Kind::Interval,
        _ => false,
    };
    same.then_some(vendor)
}
