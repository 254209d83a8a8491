//! SQL text of PostgreSQL.
use connect_api::{Error, ErrorKind, Kind, LENGTH, Result, VENDOR_TYPE, arrow::schema::Field};
use dialect_core::{Column, Syntax};
use std::time::Duration;

/// How many values a statement can bind: the protocol counts them in 16 bits.
const MAX_PARAMS: usize = 65_535;
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

    /// In UTC, the zone of our sessions.
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

    fn max_params(&self) -> usize {
        MAX_PARAMS
    }

    fn column_type(&self, field: &Field, _in_key: bool) -> Result<String> {
        let kind = Kind::of(field);
        let vendor = field.metadata().get(VENDOR_TYPE);
        if let Some(vendor) = vendor.filter(|v| own_type(v, &kind)) {
            return Ok(vendor.clone());
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
            Kind::Decimal { precision, scale } if scale < 0 => {
                // Scales below zero are known since PostgreSQL 15 only.
                let digits = (i16::from(precision) - i16::from(scale)).min(MAX_PRECISION);
                return Ok(format!("numeric({digits})"));
            }
            Kind::Decimal { precision, scale } => {
                return Ok(format!("numeric({precision},{scale})"));
            }
            Kind::BigDecimal => "numeric",
            Kind::Text => match length {
                Some(length @ 1..=MAX_LENGTH) => return Ok(format!("character varying({length})")),
                _ => "text",
            },
            Kind::Json => "jsonb",
            Kind::Bytes => "bytea",
            Kind::Uuid => "uuid",
            Kind::Date => "date",
            Kind::Time => "time without time zone",
            Kind::Timestamp { utc: false } => "timestamp without time zone",
            Kind::Timestamp { utc: true } => "timestamp with time zone",
            Kind::WideDecimal { precision, scale } => {
                return Ok(format!("numeric({precision},{scale})"));
            }
            Kind::TimeNanos => "time without time zone",
            Kind::Duration => "interval",
            Kind::OffsetTimestamp => "timestamp with time zone",
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
}

/// The type that a value of `column` is cast to: its type without length, precision and scale,
/// which would round and cut.
pub(crate) fn value_type(column: &Column) -> String {
    let (name, rest) = match column.vendor_type.split_once('(') {
        Some((name, rest)) => (name, rest),
        None => (column.vendor_type.as_str(), ""),
    };
    match name.trim_end() {
        // `character` alone would mean one of them.
        "character" => "bpchar".to_owned(),
        "character varying" | "numeric" => name.to_owned(),
        "time" | "timestamp" => {
            let zone = rest.split_once(')').map_or("", |(_, zone)| zone);
            format!("{name}{zone}")
        }
        _ => column.vendor_type.clone(),
    }
}

/// `vendor` is the name of a type of PostgreSQL that says more of `kind` than the kind itself.
fn own_type(vendor: &str, kind: &Kind) -> bool {
    let (head, tail) = vendor.split_once('(').unwrap_or((vendor, ""));
    let (arguments, tail) = tail.split_once(')').unwrap_or(("", ""));
    if !arguments
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b',' | b'-'))
    {
        return false;
    }
    match (head, tail) {
        ("character" | "character varying", "") => *kind == Kind::Text,
        ("json", "") => *kind == Kind::Json,
        ("time", " without time zone") => *kind == Kind::Time,
        ("timestamp", " without time zone") => *kind == (Kind::Timestamp { utc: false }),
        ("timestamp", " with time zone") => *kind == (Kind::Timestamp { utc: true }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::Value;
    use dialect_core::{KeyPart, Page, Table, TableName, TableType};

    fn column(name: &str, kind: Kind, vendor_type: &str) -> Column {
        Column {
            name: name.to_owned(),
            kind: Some(kind),
            vendor_type: vendor_type.to_owned(),
            length: None,
            nullable: false,
            has_default: false,
            auto_increment: false,
            generated: false,
            ..Column::default()
        }
    }

    #[test]
    fn a_page_casts_its_values_and_no_column() {
        let table = Table {
            name: TableName::parse("shop.\"Or\"\"ders\"").unwrap(),
            table_type: TableType::Table,
            columns: vec![
                column(
                    "changed",
                    Kind::Timestamp { utc: true },
                    "timestamp(3) with time zone",
                ),
                column("id", Kind::Int64, "bigint"),
                column("code", Kind::Text, "character(4)"),
            ],
            primary_key: vec!["id".to_owned()],
            unique_keys: Vec::new(),
            ..Table::default()
        };
        let key = [0, 2].map(|i| KeyPart { columns: vec![i] });
        let page = Page {
            key: &key,
            after: Some(&[Value::Timestamp(0), "a".into()]),
            before_now: Some(Duration::from_millis(1_500)),
            limit: std::num::NonZeroU32::new(10),
            ..Page::of(&table, &[1, 2])
        };
        assert_eq!(
            PostgresSyntax.select(&page).unwrap().sql,
            "SELECT \"id\", \"code\" FROM \"shop\".\"Or\"\"ders\" \
             WHERE (\"changed\", \"code\") > ($1::timestamp with time zone, $2::bpchar) \
             AND \"changed\" < (current_timestamp - interval '1500000 microseconds') \
             ORDER BY \"changed\", \"code\" LIMIT 10"
        );
    }

    #[test]
    fn values_are_cast_to_types_that_neither_cut_nor_round() {
        for (vendor, expected) in [
            ("character varying(16)", "character varying"),
            ("character(4)", "bpchar"),
            ("bpchar", "bpchar"),
            ("numeric(12,2)", "numeric"),
            ("time(3) without time zone", "time without time zone"),
            ("timestamp without time zone", "timestamp without time zone"),
            ("bigint", "bigint"),
            ("\"Mood (old)\"", "\"Mood (old)\""),
            ("shop.mood", "shop.mood"),
        ] {
            assert_eq!(value_type(&column("c", Kind::Text, vendor)), expected);
        }
    }

    #[test]
    fn the_present_time_has_the_type_of_its_column() {
        let now = |kind| PostgresSyntax.now(&column("c", kind, ""), Duration::ZERO);
        assert_eq!(now(Kind::Timestamp { utc: true }), "(current_timestamp)");
        assert_eq!(now(Kind::Timestamp { utc: false }), "(localtimestamp)");
        assert_eq!(now(Kind::Date), "(current_timestamp)::date");
    }

    #[test]
    fn a_column_is_made_as_the_source_had_it_or_by_its_kind() {
        let decimal = |precision, scale| Kind::Decimal { precision, scale };
        for (kind, vendor, length, expected) in [
            (Kind::Int8, "tinyint", None, "smallint"),
            (Kind::UInt32, "int unsigned", None, "bigint"),
            (Kind::UInt64, "bigint unsigned", None, "numeric(20)"),
            (decimal(12, 2), "", None, "numeric(12,2)"),
            (decimal(5, -2), "", None, "numeric(7)"),
            (Kind::BigDecimal, "", None, "numeric"),
            (Kind::Text, "", None, "text"),
            (Kind::Text, "varchar(9)", Some(9), "character varying(9)"),
            (Kind::Text, "character(9)", Some(9), "character(9)"),
            (Kind::Text, "longtext", Some(u32::MAX), "text"),
            (Kind::Text, "character(9); DROP TABLE t", None, "text"),
            (Kind::Json, "", None, "jsonb"),
            (Kind::Json, "json", None, "json"),
            (Kind::Bytes, "bytea", None, "bytea"),
            (Kind::Time, "time(3)", None, "time without time zone"),
            (
                Kind::Timestamp { utc: true },
                "timestamp(3) with time zone",
                None,
                "timestamp(3) with time zone",
            ),
            (
                Kind::Timestamp { utc: false },
                "timestamp(3) with time zone",
                None,
                "timestamp without time zone",
            ),
        ] {
            let field = kind.clone().field("c", true);
            let mut metadata = field.metadata().clone();
            metadata.insert(VENDOR_TYPE.to_owned(), vendor.to_owned());
            metadata.extend(length.map(|l: u32| (LENGTH.to_owned(), l.to_string())));
            let field = field.with_metadata(metadata);
            let made = PostgresSyntax.column_type(&field, true).unwrap();
            assert_eq!(made, expected, "{kind:?} {vendor}");
        }
    }
}
