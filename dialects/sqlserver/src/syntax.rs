//! T-SQL, as SQL Server 2016 and later understand it.

use crate::ddl::delete_capture;
use crate::{
    ddl::{self, widen},
    types::{
        Base, Declared,
        civil_time::{datetime_floor, minute_floor},
        declared,
    },
};
use connect_api::{Error, ErrorKind, Kind, Result, Schema, Value, arrow::schema::Field};
use dialect_core::{
    CaptureDdl, Column, DeleteCapture, KeyValues, Syntax, TableName, TriggerList, step_of_digits,
};
use std::time::Duration;

/// T-SQL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqlServerSyntax;

/// A time moved by so many microseconds. A number of DATEADD is of 32 bits: microseconds alone would
/// reach half an hour.
fn moved(time: &str, shift: i64) -> String {
    let mut moved = time.to_owned();
    let sign = if shift < 0 { "-" } else { "" };
    let micros = shift.unsigned_abs();
    for (unit, number) in [
        ("microsecond", micros % 1_000_000),
        ("second", (micros / 1_000_000).min(2_147_483_647)),
    ] {
        if number > 0 {
            moved = format!("DATEADD({unit}, {sign}{number}, {moved})");
        }
    }
    moved
}

/// A time cast to a type: seven digits would be more than are represented.
fn of_type(declared: &Declared, time: String) -> String {
    match declared.base {
        Base::Date | Base::DateTime | Base::SmallDateTime => {
            format!("CAST({time} AS {declared})")
        }
        Base::DateTimeOffset => format!("CAST({time} AS datetimeoffset(6))"),
        _ => format!("CAST({time} AS datetime2(6))"),
    }
}

impl Syntax for SqlServerSyntax {
    fn select_catalog(&self) -> Option<&'static str> {
        Some("SELECT DB_NAME()")
    }

    fn quote_char(&self) -> char {
        ']'
    }

    fn opening_quote(&self) -> char {
        '['
    }

    fn max_identifier_bytes(&self) -> usize {
        128
    }

    // 128 units of UTF-16.
    fn takes_length(&self, name: &str) -> bool {
        name.encode_utf16().count() <= self.max_identifier_bytes()
    }

    fn length_unit(&self) -> &'static str {
        "UTF-16 units"
    }

    fn placeholder(&self, n: usize, column: &Column) -> String {
        let declared = declared(column);
        declared.arriving(&declared.bound(n))
    }

    fn select_column(&self, column: &Column) -> Result<String> {
        let as_text = column.kind == Some(Kind::Text);
        Ok(declared(column).read(&self.quote(&column.name)?, &column.vendor_type, as_text))
    }

    // A datetimeoffset is an instant; the other types hold the server's local time.
    fn now(&self, column: &Column, delay: Duration) -> String {
        let declared = declared(column);
        let now = match declared.base {
            Base::DateTimeOffset => "SYSDATETIMEOFFSET()",
            _ => "SYSDATETIME()",
        };
        let back = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
        of_type(&declared, moved(now, -back))
    }

    fn utc_now(&self, column: &Column, shift: i64) -> String {
        of_type(&declared(column), moved("SYSUTCDATETIME()", shift))
    }

    // A `datetime` counts in thirds of ten milliseconds, rounded.
    fn step(&self, column: &Column) -> Duration {
        let declared = declared(column);
        match declared.base {
            Base::DateTime2 | Base::DateTimeOffset | Base::Time => {
                step_of_digits(declared.digits().into())
            }
            Base::DateTime => Duration::from_micros(3_334),
            Base::SmallDateTime => Duration::from_secs(60),
            Base::Date => Duration::from_hours(24),
            _ => Duration::ZERO,
        }
    }

    // Rows are ordered by the seventh digit too, which is not represented.
    fn key_values(&self, column: &Column) -> KeyValues {
        let instant = matches!(
            column.kind,
            Some(Kind::Timestamp { .. } | Kind::OffsetTimestamp)
        );
        if declared(column).is_fine() && instant {
            KeyValues::Cut
        } else {
            KeyValues::Exact
        }
    }

    fn row_values(&self) -> bool {
        false
    }

    fn column_type(&self, field: &Field, in_key: bool) -> Result<String> {
        ddl::column_type(field, in_key)
    }

    // Of 2,100, `sp_executesql` takes one for the statement and one for the declarations.
    fn max_params(&self) -> usize {
        2_098
    }

    // COUNT is of 32 bits.
    fn count(&self) -> &'static str {
        "COUNT_BIG(*)"
    }

    // A `datetime` counts thirds of ten milliseconds: the last of them that is not after the value
    // divides the rows as the value does.
    fn bound_key(&self, column: &Column, value: &Value) -> Value {
        match (declared(column).base, value) {
            (Base::DateTime, Value::Timestamp(micros)) => Value::Timestamp(datetime_floor(*micros)),
            (Base::SmallDateTime, Value::Timestamp(micros)) => {
                Value::Timestamp(minute_floor(*micros))
            }
            (_, value) => value.clone(),
        }
    }

    fn named_placeholders(&self) -> bool {
        true
    }

    fn add_column(&self, table: &TableName, field: &Field) -> Result<String> {
        let added = self.add_columns(table, &[field])?;
        Ok(added.into_iter().next().unwrap_or_default())
    }

    fn add_columns(&self, table: &TableName, fields: &[&Field]) -> Result<Vec<String>> {
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let columns = fields
            .iter()
            .map(|field| {
                let (name, column_type) =
                    (self.quote(field.name())?, self.column_type(field, false)?);
                Ok(format!("{name} {column_type} NULL"))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(vec![format!(
            "ALTER TABLE {} ADD {}",
            self.table(table)?,
            columns.join(", ")
        )])
    }

    fn widen(&self, table: &TableName, column: &Column, field: &Field) -> Result<String> {
        let Some(wider) = widen::wider(column, field)? else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "column `{}` of table `{table}` is {}, and no wider type holds its values and {:?} too",
                    column.name,
                    column.vendor_type,
                    Kind::of(field)
                ),
            ));
        };
        Ok(format!(
            "ALTER TABLE {} ALTER COLUMN {} {wider} {}",
            self.table(table)?,
            self.quote(&column.name)?,
            if column.nullable { "NULL" } else { "NOT NULL" }
        ))
    }

    fn literal(&self, value: &Value) -> Option<String> {
        Some(match value {
            Value::Bool(v) => u8::from(*v).to_string(),
            Value::Int(v) => v.to_string(),
            Value::UInt(v) => v.to_string(),
            Value::Decimal(v, scale) => connect_api::decimal_text(*v, *scale),
            Value::Text(v) if !v.contains('\0') => crate::literal::text(v),
            _ => return None,
        })
    }

    fn limit(&self, _rows: u32) -> String {
        String::new()
    }

    fn limit_first(&self, rows: u32) -> String {
        format!(" TOP ({rows})")
    }

    // Two sessions may pass the check at once: the slower one gets the error that the table exists.
    fn create_table(&self, table: &TableName, schema: &Schema) -> Result<String> {
        ddl::create_table(self, table, schema)
    }

    fn capture_deletes(&self, capture: &DeleteCapture<'_>) -> Result<Option<CaptureDdl>> {
        delete_capture::capture(self, capture).map(Some)
    }

    fn triggers(&self, table: &TableName) -> Result<Option<TriggerList>> {
        delete_capture::triggers(self, table).map(Some)
    }
}

#[cfg(test)]
mod tests;
