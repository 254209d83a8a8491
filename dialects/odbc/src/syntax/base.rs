//! The words of a database in the sentences that all databases share.
use crate::syntax::OdbcSyntax;
use connect_api::{Result, Value, arrow::schema::Field};
use dialect_core::{Column, KeyValues, Syntax};
use std::time::Duration;

/// An [`OdbcSyntax`] with the statements as the trait makes them.
pub(super) struct Base<'a>(pub(super) &'a OdbcSyntax);

impl Syntax for Base<'_> {
    fn quote_char(&self) -> char {
        self.0.quote_char()
    }

    fn max_identifier_bytes(&self) -> usize {
        self.0.max_identifier_bytes()
    }

    fn takes_length(&self, name: &str) -> bool {
        self.0.takes_length(name)
    }

    fn placeholder(&self, n: usize, column: &Column) -> String {
        self.0.placeholder(n, column)
    }

    fn select_column(&self, column: &Column) -> Result<String> {
        self.0.select_column(column)
    }

    fn now(&self, column: &Column, delay: Duration) -> String {
        self.0.now(column, delay)
    }

    fn utc_now(&self, column: &Column, shift: i64) -> String {
        self.0.utc_now(column, shift)
    }

    fn step(&self, column: &Column) -> Duration {
        self.0.step(column)
    }

    fn key_values(&self, column: &Column) -> KeyValues {
        self.0.key_values(column)
    }

    fn row_values(&self) -> bool {
        self.0.row_values()
    }

    fn column_type(&self, field: &Field, in_key: bool) -> Result<String> {
        self.0.column_type(field, in_key)
    }

    fn max_params(&self) -> usize {
        self.0.max_params()
    }

    fn literal(&self, value: &Value) -> Option<String> {
        self.0.literal(value)
    }

    fn subquery_alias(&self) -> &'static str {
        self.0.subquery_alias()
    }

    fn limit(&self, rows: u32) -> String {
        self.0.limit(rows)
    }
}
