//! SQL text of PostgreSQL.
use crate::{
    declared::{self, Type},
    described::VENDOR as POSTGRES,
    oid,
    vendor::Vendor,
    widen,
};
use connect_api::{
    Error, ErrorKind, Kind, LENGTH, Result, VENDOR, VENDOR_TYPE, arrow::schema::Field,
};
use dialect_core::{
    Column, KeyPart, Page, Statement, Syntax, TableName, TableType, ValueOptions, step_of_digits,
};
use std::{num::NonZeroU32, ops::Range, time::Duration};

/// How many values a statement can bind: the protocol counts them in 16 bits.
pub(crate) const MAX_PARAMS: usize = 65_535;
/// Bytes of an identifier that are kept (`NAMEDATALEN - 1`).
const MAX_IDENTIFIER_BYTES: usize = 63;
/// Longest length of a `varchar`.
const MAX_LENGTH: u32 = 10_485_760;
/// Most digits of a `numeric` that has a length.
const MAX_PRECISION: i16 = 1_000;

/// SQL text of PostgreSQL 12 and later.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostgresSyntax;

impl Syntax for PostgresSyntax {
    fn max_identifier_bytes(&self) -> usize {
        MAX_IDENTIFIER_BYTES
    }

    /// The value is cast, never the column: an index over the column serves.
    fn placeholder(&self, n: usize, column: &Column) -> String {
        format!("${n}::{}", value_type(column))
    }

    /// The server's text or JSON where its binary form is not read; lists of domains as lists of
    /// what these are.
    fn select_column(&self, column: &Column) -> Result<String> {
        let name = self.quote(&column.name)?;
        if let (Some(Kind::List(_)), None, Some(base)) =
            (&column.kind, column.extension, &column.base_type)
        {
            // The wire has the number of the domain, which says nothing of its values.
            return Ok(format!("{name}::{base}"));
        }
        Ok(match (&column.kind, column.extension) {
            (Some(Kind::Text), Some(_)) => format!("{name}::text"),
            (Some(Kind::List(_)), Some(_)) => format!("{name}::text[]"),
            (Some(Kind::Json), Some(_)) => format!("pg_catalog.to_json({name}) AS {name}"),
            _ => name,
        })
    }

    /// Under the table's name where the plain one would mean the text that is read: rows are in
    /// the order of the column itself.
    fn key_expression(&self, page: &Page<'_>, part: &KeyPart) -> Result<String> {
        let qualified = |i: &usize| {
            let column = &page.table.columns[*i];
            let name = self.quote(&column.name)?;
            if self.select_column(column)? == name {
                return Ok(name);
            }
            let table = match page.query {
                Some(_) => self.quote("q")?,
                None => self.quote(&page.table.name.name)?,
            };
            Ok(format!("{table}.{name}"))
        };
        let names: Vec<_> = part.columns.iter().map(qualified).collect::<Result<_>>()?;
        Ok(match names.as_slice() {
            [name] => name.clone(),
            names => format!("COALESCE({})", names.join(", ")),
        })
    }

    /// In UTC, the zone of our sessions, where nothing else is known of the clock.
    fn now(&self, column: &Column, delay: Duration) -> String {
        let back = match delay.as_micros() {
            0 => String::new(),
            micros => format!(" - interval '{micros} microseconds'"),
        };
        match column.kind {
            Some(Kind::Timestamp { utc: false }) => format!("(localtimestamp{back})"),
            Some(Kind::Date) => format!("(current_timestamp{back})::date"),
            _ => format!("(current_timestamp{back})"),
        }
    }

    fn utc_now(&self, column: &Column, shift: i64) -> String {
        let now =
            format!("(current_timestamp AT TIME ZONE 'UTC' + interval '{shift} microseconds')");
        match column.kind {
            Some(Kind::Date) => format!("{now}::date"),
            _ => now,
        }
    }

    /// Values are rounded: one may lie half a step before the present or after it.
    fn step(&self, column: &Column) -> Duration {
        let declared = column.base_type.as_deref().unwrap_or(&column.vendor_type);
        let digits = Vendor::parse(declared).and_then(|of| match of.arguments.as_slice() {
            [digits] => u32::try_from(*digits).ok(),
            _ => None,
        });
        match column.kind {
            Some(Kind::Timestamp { .. }) => step_of_digits(digits.unwrap_or(6)),
            Some(Kind::Date) => Duration::from_hours(24),
            _ => Duration::ZERO,
        }
    }

    fn max_params(&self) -> usize {
        MAX_PARAMS
    }

    /// A type of PostgreSQL's own is made again as it was; one that is made by users (an enum, a
    /// domain) is not, and its column becomes one of its kind.
    fn column_type(&self, field: &Field, _in_key: bool) -> Result<String> {
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
            // Types that users made may not be there: their values are kept as JSON.
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
                return Ok(format!("{}[]", self.column_type(&field, false)?));
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

    fn add_column(&self, table: &TableName, field: &Field) -> Result<String> {
        Ok(self.add_columns(table, &[field])?.concat())
    }

    /// One statement; columns that are there are left as they are.
    fn add_columns(&self, table: &TableName, fields: &[&Field]) -> Result<Vec<String>> {
        let added = |field: &&Field| {
            let (name, of) = (self.quote(field.name())?, self.column_type(field, false)?);
            Ok(format!("ADD COLUMN IF NOT EXISTS {name} {of}"))
        };
        let added: Vec<_> = fields.iter().map(added).collect::<Result<_>>()?;
        if added.is_empty() {
            return Ok(Vec::new());
        }
        let table = self.table(table)?;
        Ok(vec![format!("ALTER TABLE {table} {}", added.join(", "))])
    }

    fn widen(&self, table: &TableName, column: &Column, field: &Field) -> Result<String> {
        let wanted = self.column_type(field, false)?;
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
        Ok(format!(
            "ALTER TABLE {} ALTER COLUMN {} TYPE {}",
            self.table(table)?,
            self.quote(&column.name)?,
            joined.text()
        ))
    }

    /// Servers from 14 on read no other block; those before read all and pass over the rest.
    fn in_blocks(&self, blocks: &Range<u64>) -> Option<String> {
        // Blocks are counted in 32 bits.
        const END: u64 = u32::MAX as u64;
        let from = format!("ctid >= '({},0)'::tid", blocks.start.min(END));
        Some(if blocks.end > END {
            from
        } else {
            format!("{from} AND ctid < '({},0)'::tid", blocks.end)
        })
    }

    fn quantiles(&self, page: &Page<'_>, parts: NonZeroU32) -> Result<Option<Statement>> {
        let Some(first) = page.key.first() else {
            return Ok(None);
        };
        let key = self.key_expression(page, first)?;
        let from = match page.query {
            Some(query) => {
                let query = query.trim().trim_end_matches(';');
                format!("({query}\n) AS {}", self.quote("q")?)
            }
            None => self.table(&page.table.name)?,
        };
        let filter = page
            .filter
            .map_or(String::new(), |filter| format!(" AND ({filter}\n)"));
        let found = self.select_column(&Column {
            name: "k".to_owned(),
            ..page.key_column(0).clone()
        })?;
        // The last key of each part: where the number of the part changes to the next row.
        Ok(Some(Statement {
            sql: format!(
                "SELECT {found} FROM (SELECT k, part, LEAD(part) OVER (ORDER BY k, part) AS following \
                 FROM (SELECT {key} AS k, NTILE({parts}) OVER (ORDER BY {key}) AS part FROM {from} \
                 WHERE {key} IS NOT NULL{filter}) AS a) AS b WHERE following <> part ORDER BY b.k"
            ),
            params: Vec::new(),
        }))
    }
}

/// Tables of this type have blocks of their own to be read by.
pub(crate) fn has_blocks(table: TableType) -> bool {
    matches!(table, TableType::Table | TableType::MaterializedView)
}

/// The type that a value of `column` is cast to: its type without length, precision and scale,
/// which would round and cut.
pub(crate) fn value_type(column: &Column) -> String {
    match Vendor::parse(&column.vendor_type) {
        Some(vendor) => match (vendor.oid, &column.kind) {
            // There is no cast from the types that these are bound as.
            (oid::CHAR, Some(Kind::Int8)) => "integer::\"char\"".to_owned(),
            (oid::BIT, Some(Kind::Bool)) => "integer::bit(1)".to_owned(),
            (oid::XID8, _) => "text::xid8".to_owned(),
            _ => vendor.uncut(),
        },
        None => column.vendor_type.clone(),
    }
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
    let (declared, _) = declared::declared(&of, &ValueOptions::default());
    let same = match (kind, vendor.oid) {
        (kind, _) if declared.as_ref() == Some(kind) => true,
        // Read otherwise because somebody asked for that.
        (Kind::BigDecimal, oid::NUMERIC) => true,
        (Kind::Decimal { .. } | Kind::WideDecimal { .. }, oid::NUMERIC) => {
            vendor.arguments.is_empty()
        }
        (Kind::Bool, oid::BIT) => vendor.typmod() == 1,
        (Kind::Interval, oid::INTERVAL) => !vendor.array,
        (Kind::Struct(_), oid::POINT) => !vendor.array && *kind == declared::point(),
        (Kind::Struct(fields), oid) if !vendor.array => {
            let of = oid::range(oid).map(|(.., bound)| bound);
            of.is_some() && declared::bound(fields).and_then(oid::of_kind) == of
        }
        (Kind::List(element), oid::INTERVAL) => vendor.array && **element == Kind::Interval,
        _ => false,
    };
    same.then_some(vendor)
}

#[cfg(test)]
mod tests;
