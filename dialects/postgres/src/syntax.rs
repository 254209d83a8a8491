//! SQL text of PostgreSQL.
use crate::ddl::delete_capture;
use crate::{
    ddl,
    types::{name::Vendor, oid},
};
use connect_api::{Kind, Result, Value, arrow::schema::Field};
use dialect_core::{
    CaptureDdl, Column, DeleteCapture, KeyPart, Page, Statement, Syntax, TableName, TableType,
    TriggerList, checksum, step_of_digits,
};
use std::{num::NonZeroU32, ops::Range, time::Duration};

/// How many values a statement can bind: the protocol counts them in 16 bits.
pub(crate) const MAX_PARAMS: usize = 65_535;
/// Bytes of an identifier that are kept (`NAMEDATALEN - 1`).
const MAX_IDENTIFIER_BYTES: usize = 63;
/// The first day that is known, in days since 1970-01-01: 4714-11-24 BC.
const FIRST_DAY: i64 = -2_440_588;
const DAY_MICROS: i64 = 86_400_000_000;

/// SQL text of PostgreSQL 12 and later.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostgresSyntax;

impl Syntax for PostgresSyntax {
    fn select_catalog(&self) -> Option<&'static str> {
        Some("SELECT current_database()::text")
    }

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

    /// After `-infinity` stands 4714-11-24 BC.
    fn before_first(&self, column: &Column) -> Option<Value> {
        match column.kind {
            Some(Kind::Timestamp { .. }) => Some(Value::Timestamp(FIRST_DAY * DAY_MICROS)),
            Some(Kind::Date) => i32::try_from(FIRST_DAY).ok().map(Value::Date),
            _ => None,
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

    fn column_type(&self, field: &Field, _in_key: bool) -> Result<String> {
        ddl::column_type(field)
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
        let joined = ddl::widened(table, column, field)?;
        Ok(format!(
            "ALTER TABLE {} ALTER COLUMN {} TYPE {}",
            self.table(table)?,
            self.quote(&column.name)?,
            joined
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

    fn one(&self) -> &'static str {
        "1::bigint"
    }

    fn quantiles(&self, page: &Page<'_>, parts: NonZeroU32) -> Result<Option<Statement>> {
        let (key, conditions, params) = dialect_core::keyed_rows(self, page)?;
        let from = match page.query {
            Some(query) => {
                let query = query.trim().trim_end_matches(';');
                format!("({query}\n) AS {}", self.quote("q")?)
            }
            None => self.table(&page.table.name)?,
        };
        let found = self.select_column(&Column {
            name: "k".to_owned(),
            ..page.key_column(0).clone()
        })?;
        // The last key of each part: where the number of the part changes to the next row.
        Ok(Some(Statement {
            sql: format!(
                "SELECT {found} FROM (SELECT k, part, LEAD(part) OVER (ORDER BY k, part) AS following \
                 FROM (SELECT {key} AS k, NTILE({parts}) OVER (ORDER BY {key}) AS part FROM {from} \
                 WHERE {conditions}) AS a) AS b WHERE following <> part ORDER BY b.k"
            ),
            params,
        }))
    }

    fn select_checksum(&self, columns: &[&Column]) -> Option<String> {
        let text = |column: &&Column| {
            let name = self.quote(&column.name).ok()?;
            let kind = column
                .kind
                .as_ref()
                .filter(|_| self.select_column(column).is_ok_and(|read| read == name))?;
            let text = format!("{name}::text");
            // Blanks at the end of `character` are lost in its text.
            let same = match kind {
                Kind::Text => !column.vendor_type.starts_with("char"),
                kind => checksum::is_number_or_uuid(kind),
            };
            same.then(|| format!("octet_length({text}) || ':' || {text}"))
        };
        let text = columns.iter().map(text).collect::<Option<Vec<_>>>()?;
        let digits = format!("'x' || substr(md5({}), 1, 15)", text.join(" || "));
        Some(format!(
            "count(*), coalesce(sum(({digits})::bit(60)::bigint), 0)::text"
        ))
    }

    fn capture_deletes(&self, capture: &DeleteCapture<'_>) -> Result<Option<CaptureDdl>> {
        delete_capture::capture(self, capture).map(Some)
    }

    fn triggers(&self, table: &TableName) -> Result<Option<TriggerList>> {
        delete_capture::triggers(self, table).map(Some)
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

#[cfg(test)]
mod tests;
