//! SQL text of MySQL and MariaDB.
use connect_api::{Error, ErrorKind, Kind, LENGTH, Result, VENDOR_TYPE, arrow::schema::Field};
use dialect_core::{Column, KeyPart, Page, Pair, Syntax, Table};
use std::time::Duration;

/// The longest `varchar` and `varbinary` that columns are made with: rows hold 65,535 bytes, and
/// a character takes four.
const MAX_INLINE: u32 = 16_383;

/// Length of text and bytes in a key: the index takes 3,072 bytes, a character four of them.
const KEY_LENGTH: u32 = 255;

/// The comment on a `tinyint(1)` made for booleans, by which it is read as one again.
pub(crate) const BOOLEAN: &str = "boolean";
/// The comment on a `binary(16)` made for UUIDs, by which it is read as one again.
pub(crate) const UUID: &str = "uuid";
/// The comment on a `datetime` made for instants, by which it is read as one again; a
/// `timestamp` ends in 2038.
pub(crate) const UTC: &str = "UTC";

/// SQL text that all supported servers understand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MySqlSyntax;

impl Syntax for MySqlSyntax {
    fn quote_char(&self) -> char {
        '`'
    }

    fn max_identifier_bytes(&self) -> usize {
        64
    }

    // 64 characters, of whatever width.
    fn takes_length(&self, name: &str) -> bool {
        name.chars().count() <= self.max_identifier_bytes()
    }

    fn placeholder(&self, _n: usize, _column: &Column) -> String {
        "?".to_owned()
    }

    // MySQL 5.6 compares bound times as whole seconds in expressions and lists, and would miss
    // rows; those that are cast are compared as they are. An index serves either.
    fn compared(&self, n: usize, column: &Column) -> String {
        match column.kind {
            Some(Kind::Timestamp { .. }) => "CAST(? AS DATETIME(6))".to_owned(),
            Some(Kind::Time) => "CAST(? AS TIME(6))".to_owned(),
            _ => self.placeholder(n, column),
        }
    }

    fn key_placeholder(&self, n: usize, column: &Column) -> String {
        self.compared(n, column)
    }

    // A timestamp is compared in the session's time zone, which is UTC. A datetime has none: it
    // is what the server's clock on the wall showed when the application wrote NOW().
    fn now(&self, column: &Column, delay: Duration) -> String {
        let utc = match delay.as_micros() {
            0 => "UTC_TIMESTAMP(6)".to_owned(),
            micros => format!("(UTC_TIMESTAMP(6) - INTERVAL {micros} MICROSECOND)"),
        };
        if column.kind == Some(Kind::Timestamp { utc: true }) {
            return utc;
        }
        let local = format!("CONVERT_TZ({utc}, '+00:00', @@global.time_zone)");
        match column.kind {
            Some(Kind::Date) => format!("DATE({local})"),
            _ => local,
        }
    }

    // Row values are compared right, but by reading the whole table.
    fn row_values(&self) -> bool {
        false
    }

    fn max_params(&self) -> usize {
        usize::from(u16::MAX)
    }

    // ENUM and SET are ordered by their number and compared by their text: a page would miss
    // rows. As text they are ordered as they are compared.
    fn key_expression(&self, page: &Page<'_>, part: &KeyPart) -> Result<String> {
        let names = part
            .columns
            .iter()
            .map(|i| {
                let column = &page.table.columns[*i];
                let name = self.quote(&column.name)?;
                let by_number = ["enum(", "set("]
                    .iter()
                    .any(|t| column.vendor_type.starts_with(t));
                Ok(if by_number {
                    format!("CAST({name} AS CHAR)")
                } else {
                    name
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(match names.as_slice() {
            [name] => name.clone(),
            names => format!("COALESCE({})", names.join(", ")),
        })
    }

    fn column_type(&self, field: &Field, in_key: bool) -> Result<String> {
        let length = field
            .metadata()
            .get(LENGTH)
            .and_then(|l| l.parse::<u32>().ok())
            .filter(|l| *l > 0);
        let kind = Kind::of(field);
        if let Some(same) = field
            .metadata()
            .get(VENDOR_TYPE)
            .and_then(|t| same_vendor(t, &kind))
        {
            return Ok(same);
        }
        // Two keys that differ only in case or accents are two keys elsewhere.
        let collation = if in_key { " COLLATE utf8mb4_bin" } else { "" };
        let varchar = |n: u32| format!("varchar({n}) CHARACTER SET utf8mb4{collation}");
        Ok(match kind {
            Kind::Bool => format!("tinyint(1) COMMENT '{BOOLEAN}'"),
            Kind::Int8 => "tinyint".to_owned(),
            Kind::Int16 => "smallint".to_owned(),
            Kind::Int32 => "int".to_owned(),
            Kind::Int64 => "bigint".to_owned(),
            Kind::UInt8 => "tinyint unsigned".to_owned(),
            Kind::UInt16 => "smallint unsigned".to_owned(),
            Kind::UInt32 => "int unsigned".to_owned(),
            Kind::UInt64 => "bigint unsigned".to_owned(),
            Kind::Float32 => "float".to_owned(),
            Kind::Float64 => "double".to_owned(),
            Kind::Decimal { precision, scale } if scale <= 0 => {
                format!(
                    "decimal({})",
                    u32::from(precision) + u32::from(scale.unsigned_abs())
                )
            }
            Kind::Decimal { precision, scale } if scale <= 30 => {
                format!("decimal({precision},{scale})")
            }
            Kind::Text | Kind::BigDecimal | Kind::Decimal { .. } if in_key => {
                varchar(length.unwrap_or(KEY_LENGTH))
            }
            Kind::Text => match length {
                Some(n) if n <= MAX_INLINE => varchar(n),
                _ => "longtext CHARACTER SET utf8mb4".to_owned(),
            },
            Kind::BigDecimal | Kind::Decimal { .. } => "longtext CHARACTER SET utf8mb4".to_owned(),
            Kind::Json => "json".to_owned(),
            Kind::Bytes => match length {
                Some(n) if n <= MAX_INLINE => format!("varbinary({n})"),
                _ if in_key => format!("varbinary({KEY_LENGTH})"),
                _ => "longblob".to_owned(),
            },
            Kind::Uuid => format!("binary(16) COMMENT '{UUID}'"),
            Kind::Date => "date".to_owned(),
            Kind::Time => "time(6)".to_owned(),
            Kind::Timestamp { utc: false } => "datetime(6)".to_owned(),
            Kind::Timestamp { utc: true } => format!("datetime(6) COMMENT '{UTC}'"),
            Kind::WideDecimal { .. } | Kind::List(_) | Kind::OffsetTimestamp => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("column `{}`: no column type is known", field.name()),
                ));
            }
            Kind::TimeNanos | Kind::Duration => "time(6)".to_owned(),
            Kind::Other(data_type) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "column `{}`: no column type of MySQL is known for Arrow type {data_type}",
                        field.name()
                    ),
                ));
            }
        })
    }
}

/// The column's own type, where it is one of ours that holds fewer values than the one made for
/// its kind; the text is made anew, as it comes from outside. Names that other databases use
/// for other types (`text`, `time`, `bit`, `timestamp`) are left out.
fn same_vendor(vendor_type: &str, kind: &Kind) -> Option<String> {
    let (name, number) = match vendor_type.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')')?.parse::<u8>().ok()?)),
        None => (vendor_type, None),
    };
    match (name, number, kind) {
        ("mediumint", _, Kind::Int32) => Some("mediumint".to_owned()),
        ("mediumint unsigned", None, Kind::UInt32) => Some("mediumint unsigned".to_owned()),
        ("year", _, Kind::Int16) => Some("year".to_owned()),
        ("datetime", None, Kind::Timestamp { utc: false }) => Some("datetime".to_owned()),
        ("datetime", Some(n @ 0..=6), Kind::Timestamp { utc: false }) => {
            Some(format!("datetime({n})"))
        }
        _ => None,
    }
}

/// What stands after the rows of an INSERT to make it an upsert. `row_alias`: see
/// [`Server::row_alias`](crate::server::Server::row_alias).
///
/// # Errors
/// As [`Syntax::quote`].
pub(crate) fn on_duplicate_key(
    table: &Table,
    pairs: &[Pair],
    key: usize,
    row_alias: bool,
) -> Result<String> {
    let names = MySqlSyntax.names(table, pairs)?;
    // The alias must not be the name of the table.
    let alias = if table.name.name.eq_ignore_ascii_case("new") {
        "new_row"
    } else {
        "new"
    };
    let mut set: Vec<_> = names
        .iter()
        .skip(key)
        .map(|name| {
            if row_alias {
                format!("{name} = {alias}.{name}")
            } else {
                format!("{name} = VALUES({name})")
            }
        })
        .collect();
    if let (true, Some(name)) = (set.is_empty(), names.first()) {
        // A row of nothing but its key stays as it is. INSERT IGNORE would hide other faults.
        set.push(format!(
            "{name} = {}.{name}",
            MySqlSyntax.table(&table.name)?
        ));
    }
    let alias = if row_alias {
        format!(" AS {alias}")
    } else {
        String::new()
    };
    Ok(format!(
        "{alias} ON DUPLICATE KEY UPDATE {}",
        set.join(", ")
    ))
}

#[cfg(test)]
mod tests;
