//! T-SQL, as SQL Server 2016 and later understand it.
use crate::{
    declared::{Arguments, Base, Declared},
    keyset, made,
};
use connect_api::{Error, ErrorKind, Kind, Result, Schema, Value, arrow::schema::Field};
use dialect_core::{Column, Page, Param, Statement, Syntax, TableName};
use std::time::Duration;

/// T-SQL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqlServerSyntax;

/// The type of a column, as the catalogue told it.
pub(crate) fn declared(column: &Column) -> Declared {
    Declared::parse(&column.vendor_type).unwrap_or(Declared {
        base: Base::Other,
        arguments: Arguments::None,
        collation: None,
    })
}

/// Text as a literal of Unicode.
pub(crate) fn literal(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

impl Syntax for SqlServerSyntax {
    // `[` begins a name and is not doubled in it; `]` ends one and is.
    fn quote_char(&self) -> char {
        ']'
    }

    fn max_identifier_bytes(&self) -> usize {
        128
    }

    // 128 units of UTF-16.
    fn takes_length(&self, name: &str) -> bool {
        name.encode_utf16().count() <= self.max_identifier_bytes()
    }

    fn quote(&self, name: &str) -> Result<String> {
        let wrong = |why: &str| {
            Error::new(
                ErrorKind::Schema,
                format!("identifier {:?} {why}", name.escape_debug().to_string()),
            )
        };
        if name.is_empty() {
            return Err(wrong("is empty"));
        }
        // The driver refuses control characters in the names of a bulk load; the server takes
        // them all but NUL.
        if name.contains('\0') {
            return Err(wrong("holds a NUL"));
        }
        if !self.takes_length(name) {
            return Err(wrong(
                "is longer than the 128 UTF-16 units that the database takes",
            ));
        }
        Ok(format!("[{}]", name.replace(']', "]]")))
    }

    fn placeholder(&self, n: usize, column: &Column) -> String {
        let declared = declared(column);
        declared.arriving(&declared.bound(n))
    }

    fn select_column(&self, column: &Column) -> Result<String> {
        let as_text = column.kind == Some(Kind::Text);
        Ok(declared(column).read(&self.quote(&column.name)?, &column.vendor_type, as_text))
    }

    // A datetimeoffset is an instant; the other types show the server's clock on the wall.
    fn now(&self, column: &Column, delay: Duration) -> String {
        let declared = declared(column);
        let mut now = match declared.base {
            Base::DateTimeOffset => "SYSDATETIMEOFFSET()",
            _ => "SYSDATETIME()",
        }
        .to_owned();
        // A number of DATEADD is of 32 bits: microseconds alone would reach half an hour.
        for (unit, number) in [
            ("microsecond", u64::from(delay.subsec_micros())),
            ("second", delay.as_secs().min(2_147_483_647)),
        ] {
            if number > 0 {
                now = format!("DATEADD({unit}, -{number}, {now})");
            }
        }
        match declared.base {
            Base::Date | Base::DateTime | Base::SmallDateTime => {
                format!("CAST({now} AS {declared})")
            }
            // Seven digits would be more than are carried.
            Base::DateTimeOffset => format!("CAST({now} AS datetimeoffset(6))"),
            _ => format!("CAST({now} AS datetime2(6))"),
        }
    }

    fn row_values(&self) -> bool {
        false
    }

    fn column_type(&self, field: &Field, in_key: bool) -> Result<String> {
        made::column_type(field, in_key)
    }

    fn max_params(&self) -> usize {
        2_100
    }

    // COUNT is of 32 bits.
    fn count_without_key(&self, page: &Page<'_>) -> Result<Statement> {
        keyset::count_without_key(page)
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
                let (name, made) = (self.quote(field.name())?, self.column_type(field, false)?);
                Ok(format!("{name} {made} NULL"))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(vec![format!(
            "ALTER TABLE {} ADD {}",
            self.table(table)?,
            columns.join(", ")
        )])
    }

    fn widen(&self, table: &TableName, column: &Column, field: &Field) -> Result<String> {
        let Some(wider) = made::wider(column, field)? else {
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
            Value::Text(v) if !v.contains('\0') => literal(v),
            _ => return None,
        })
    }

    fn limit(&self, _rows: u32) -> String {
        String::new()
    }

    fn limit_first(&self, rows: u32) -> String {
        format!(" TOP ({rows})")
    }

    fn after(
        &self,
        page: &Page<'_>,
        keys: &[String],
        after: &[Value],
        params: &mut Vec<Param>,
    ) -> String {
        keyset::after(page, keys, after, params)
    }

    fn until(
        &self,
        page: &Page<'_>,
        keys: &[String],
        until: &[Value],
        params: &mut Vec<Param>,
    ) -> String {
        keyset::until(page, keys, until, params)
    }

    // Two sessions may pass the check at once: the slower one is told that the table is there.
    fn create_table(&self, table: &TableName, schema: &Schema) -> Result<String> {
        made::create_table(table, schema)
    }
}

#[cfg(test)]
mod tests;
