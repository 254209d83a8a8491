//! SQLite's SQL text.
use crate::declared::Declared;
use connect_api::{Error, ErrorKind, Kind, Result, Value, arrow::schema::Field};
use dialect_core::{Column, KeyPart, Page, Pair, Param, Syntax, Table, civil};
use std::time::Duration;

/// SQLite's own limit for the bundled build (`SQLITE_MAX_VARIABLE_NUMBER`).
const MAX_PARAMS: usize = 32_766;

/// SQL text for SQLite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqliteSyntax;

impl SqliteSyntax {
    /// An INSERT of so many rows that updates the rows whose key is there; `key` pairs come
    /// first.
    pub(crate) fn upsert(
        &self,
        table: &Table,
        pairs: &[Pair],
        key: usize,
        rows: usize,
    ) -> Result<String> {
        let mut sql = self.insert(table, pairs, rows)?;
        let names = self.names(table, pairs)?;
        sql.push_str(&format!(" ON CONFLICT ({}) DO ", names[..key].join(", ")));
        if names.len() == key {
            sql.push_str("NOTHING");
            return Ok(sql);
        }
        let set: Vec<_> = names[key..]
            .iter()
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        sql.push_str(&format!("UPDATE SET {}", set.join(", ")));
        Ok(sql)
    }
}

/// A timestamp, date or time in whatever ISO form it stands in, as text of the one form that is
/// written and bound, so that text order is the order of time.
fn canonical(column: &Column, name: &str) -> String {
    let declared = Declared::parse(&column.vendor_type);
    match &column.kind {
        Some(Kind::Timestamp { utc }) if declared.has_free_dates() => {
            let plain = format!("replace(replace(rtrim({name}, 'Zz'), '+00:00', ''), 'T', ' ')");
            let whole = format!(
                "substr({plain} || substr(' 00:00:00.000000', length({plain}) - 9), 1, 26)"
            );
            if *utc {
                format!("{whole} || 'Z'")
            } else {
                whole
            }
        }
        Some(Kind::Time) if declared.has_free_dates() => {
            format!("substr({name} || substr(':00.000000', length({name}) - 4), 1, 15)")
        }
        Some(Kind::Uuid) if declared.is_mixed_uuid() => format!(
            "CASE typeof({name}) WHEN 'blob' THEN lower(hex({name})) ELSE lower(replace({name}, '-', '')) END"
        ),
        _ => name.to_owned(),
    }
}

impl Syntax for SqliteSyntax {
    /// Not `"`: SQLite takes a name in double quotes that it does not know for a text, and would
    /// read a column that was dropped as its own name.
    fn quote_char(&self) -> char {
        '`'
    }

    /// SQLite has no limit of its own below that of a statement; this keeps names sane.
    fn max_identifier_bytes(&self) -> usize {
        1_000
    }

    fn placeholder(&self, _n: usize, _column: &Column) -> String {
        "?".to_owned()
    }

    fn key_placeholder(&self, n: usize, column: &Column) -> String {
        let place = self.placeholder(n, column);
        match column.kind {
            Some(Kind::Uuid) if Declared::parse(&column.vendor_type).is_mixed_uuid() => {
                format!("lower(hex({place}))")
            }
            _ => place,
        }
    }

    fn key_expression(&self, page: &Page<'_>, part: &KeyPart) -> Result<String> {
        let names = part
            .columns
            .iter()
            .map(|i| {
                let column = &page.table.columns[*i];
                Ok(canonical(column, &self.quote(&column.name)?))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(match &names[..] {
            [name] => name.clone(),
            names => format!("COALESCE({})", names.join(", ")),
        })
    }

    /// No index serves the canonical form of a timestamp, but its day begins the text in every
    /// form, and that an index serves.
    fn lower_bound(&self, page: &Page<'_>, value: &Value) -> Option<(String, Param)> {
        let [only] = page.key.first()?.columns[..] else {
            return None;
        };
        let column = &page.table.columns[only];
        let name = self.quote(&column.name).ok()?;
        let Value::Timestamp(micros) = value else {
            return None;
        };
        if canonical(column, &name) == name {
            return None;
        }
        let mut day = String::new();
        let days = micros.div_euclid(civil::DAY_MICROS);
        civil::write_date(i32::try_from(days).ok()?, &mut day);
        let param = Param {
            value: Value::Text(day.into()),
            kind: Kind::Text,
        };
        Some((format!("{name} >= ?"), param))
    }

    /// Of a column of text: as SQLite's own functions write it, in UTC, to the millisecond.
    fn now(&self, column: &Column, delay: Duration) -> String {
        let delay = format!(
            "'now', '-{}.{:03} seconds'",
            delay.as_secs(),
            delay.subsec_millis()
        );
        match &column.kind {
            Some(Kind::Date) => format!("date({delay})"),
            Some(Kind::Time) => format!("strftime('%H:%M:%f', {delay}) || '000'"),
            Some(Kind::Timestamp { utc: false }) => {
                format!("strftime('%Y-%m-%d %H:%M:%f', {delay}) || '000'")
            }
            Some(Kind::Timestamp { utc: true }) => {
                format!("strftime('%Y-%m-%d %H:%M:%f', {delay}) || '000Z'")
            }
            _ => format!("strftime('%Y-%m-%d %H:%M:%f', {delay})"),
        }
    }

    /// The declared type says what the column holds, so that it is described as it was made, and
    /// its affinity keeps values as they are: `DECIMAL(12,2)` would make floats of decimals,
    /// `DECIMAL_TEXT(12,2)` is text to SQLite.
    fn column_type(&self, field: &Field, _in_key: bool) -> Result<String> {
        let length = || field.metadata().get(connect_api::LENGTH);
        Ok(match Kind::of(field) {
            Kind::Bool => "BOOLEAN".to_owned(),
            Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => "INTEGER".to_owned(),
            Kind::UInt8 | Kind::UInt16 | Kind::UInt32 => "INTEGER".to_owned(),
            Kind::UInt64 => "DECIMAL_TEXT(20,0)".to_owned(),
            Kind::Float32 | Kind::Float64 => "REAL".to_owned(),
            Kind::Decimal {
                precision,
                scale: scale @ 0..,
            } => format!("DECIMAL_TEXT({precision},{scale})"),
            Kind::Decimal { .. } | Kind::BigDecimal => "DECIMAL_TEXT".to_owned(),
            Kind::Text => match length() {
                Some(length) => format!("VARCHAR({length})"),
                None => "TEXT".to_owned(),
            },
            Kind::Json => "JSON_TEXT".to_owned(),
            Kind::Bytes => "BLOB".to_owned(),
            Kind::Uuid => "UUID_BLOB".to_owned(),
            Kind::Date => "DATE_TEXT".to_owned(),
            Kind::Time => "TIME_TEXT".to_owned(),
            Kind::Timestamp { utc: false } => "TIMESTAMP_TEXT".to_owned(),
            Kind::Timestamp { utc: true } => "TIMESTAMPTZ_TEXT".to_owned(),
            kind @ (Kind::WideDecimal { .. }
            | Kind::TimeNanos
            | Kind::Duration
            | Kind::OffsetTimestamp
            | Kind::List(_)
            | Kind::Other(_)) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "column `{}`: no type of SQLite for {kind:?} yet",
                        field.name()
                    ),
                ));
            }
        })
    }

    fn row_list(&self) -> &'static str {
        "VALUES "
    }

    fn max_params(&self) -> usize {
        MAX_PARAMS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::Schema;
    use dialect_core::{Statement, TableName, TableType};
    use std::num::NonZeroU32;

    fn table(columns: &[(&str, &str, Kind)]) -> Table {
        let column = |(name, declared, kind): &(&str, &str, Kind)| Column {
            name: (*name).to_owned(),
            kind: Some(kind.clone()),
            vendor_type: (*declared).to_owned(),
            length: None,
            nullable: false,
            has_default: false,
            auto_increment: false,
            generated: false,
            ..Column::default()
        };
        Table {
            name: TableName::new("t"),
            table_type: TableType::Table,
            columns: columns.iter().map(column).collect(),
            primary_key: Vec::new(),
            unique_keys: Vec::new(),
            ..Table::default()
        }
    }

    fn after(table: &Table, after: &[Value]) -> Statement {
        let key: Vec<_> = (0..after.len())
            .map(|i| KeyPart { columns: vec![i] })
            .collect();
        let page = Page {
            key: &key,
            after: Some(after),
            before_now: Some(Duration::from_millis(1_500)),
            limit: NonZeroU32::new(9),
            ..Page::of(table, &[0])
        };
        SqliteSyntax.select(&page).unwrap()
    }

    #[test]
    fn timestamps_that_we_wrote_are_compared_as_they_stand() {
        let utc = Kind::Timestamp { utc: true };
        let table = table(&[
            ("ts", "TIMESTAMPTZ_TEXT", utc),
            ("id", "INTEGER", Kind::Int64),
        ]);
        assert_eq!(
            after(&table, &[Value::Timestamp(0), Value::Int(1)]).sql,
            "SELECT `ts` FROM `t` WHERE (`ts`, `id`) > (?, ?) AND `ts` < \
             strftime('%Y-%m-%d %H:%M:%f', 'now', '-1.500 seconds') || '000Z' \
             ORDER BY `ts`, `id` LIMIT 9"
        );
    }

    #[test]
    fn timestamps_in_free_form_are_bounded_by_their_day_for_an_index() {
        let table = table(&[("ts", "DATETIME", Kind::Timestamp { utc: false })]);
        let statement = after(&table, &[Value::Timestamp(86_400_000_000)]);
        assert!(
            statement
                .sql
                .starts_with("SELECT `ts` FROM `t` WHERE `ts` >= ? AND substr(replace("),
            "{}",
            statement.sql
        );
        let values: Vec<_> = statement.params.into_iter().map(|p| p.value).collect();
        assert_eq!(
            values,
            ["1970-01-02".into(), Value::Timestamp(86_400_000_000)]
        );
    }

    #[test]
    fn upserts_name_the_columns_beside_the_key() {
        let table = table(&[("a", "INT", Kind::Int64), ("b", "INT", Kind::Int64)]);
        let pairs = [Pair { from: 0, to: 0 }, Pair { from: 1, to: 1 }];
        assert_eq!(
            SqliteSyntax.upsert(&table, &pairs, 1, 2).unwrap(),
            "INSERT INTO `t` (`a`, `b`) VALUES (?, ?), (?, ?) ON CONFLICT (`a`) DO UPDATE SET `b` = excluded.`b`"
        );
        assert_eq!(
            SqliteSyntax.upsert(&table, &pairs, 2, 1).unwrap(),
            "INSERT INTO `t` (`a`, `b`) VALUES (?, ?) ON CONFLICT (`a`, `b`) DO NOTHING"
        );
        assert_eq!(
            SqliteSyntax.delete(&table, &pairs, 2).unwrap(),
            "DELETE FROM `t` WHERE (`a`, `b`) IN (VALUES (?, ?), (?, ?))"
        );
    }

    #[test]
    fn tables_are_made_with_types_that_keep_values() {
        let fields = [
            Kind::Int64.field("id", false),
            Kind::Decimal {
                precision: 12,
                scale: 2,
            }
            .field("amount", true),
            Kind::Timestamp { utc: true }.field("at", true),
            Kind::Uuid.field("u", true),
        ];
        let schema = Schema::new("t", fields, &["id"]).unwrap();
        assert_eq!(
            SqliteSyntax
                .create_table(&TableName::new("a`b"), &schema)
                .unwrap(),
            "CREATE TABLE IF NOT EXISTS `a``b` (`id` INTEGER NOT NULL, `amount` DECIMAL_TEXT(12,2), \
             `at` TIMESTAMPTZ_TEXT, `u` UUID_BLOB, PRIMARY KEY (`id`))"
        );
    }
}
