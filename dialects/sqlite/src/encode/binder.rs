//! Values bound to a statement one after another.
use crate::types::dates::Number;
use dialect_core::ValueError;
use rusqlite::{
    Statement, ToSql,
    types::{ToSqlOutput, ValueRef},
};

const NAN: ValueError = ValueError("is NaN, which SQLite stores as NULL");
/// Why a cell was not bound.
pub(crate) enum Unbound {
    /// The column does not hold it.
    ValueError(ValueError),
    /// SQLite refuses it.
    Refused(Box<rusqlite::Error>),
}

impl From<ValueError> for Unbound {
    fn from(error: ValueError) -> Self {
        Self::ValueError(error)
    }
}

/// A value that lies where it is bound from.
struct Bound<'v>(ValueRef<'v>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

/// Binds one value after another to a statement.
pub(crate) struct Binder<'s, 'c> {
    statement: &'s mut Statement<'c>,
    bound: usize,
}

impl<'s, 'c> Binder<'s, 'c> {
    pub(crate) fn new(statement: &'s mut Statement<'c>) -> Self {
        Self {
            statement,
            bound: 0,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, value: ValueRef<'_>) -> Result<(), Unbound> {
        self.bound += 1;
        self.statement
            .raw_bind_parameter(self.bound, Bound(value))
            .map_err(|e| Unbound::Refused(Box::new(e)))
    }

    pub(crate) fn int(&mut self, value: i64) -> Result<(), Unbound> {
        self.push(ValueRef::Integer(value))
    }

    pub(crate) fn real(&mut self, value: f64) -> Result<(), Unbound> {
        if value.is_nan() {
            return Err(NAN.into());
        }
        self.push(ValueRef::Real(value))
    }

    pub(crate) fn text(&mut self, value: &str) -> Result<(), Unbound> {
        self.push(ValueRef::Text(value.as_bytes()))
    }

    pub(crate) fn number(&mut self, value: Number) -> Result<(), Unbound> {
        match value {
            Number::Int(v) => self.int(v),
            Number::Real(v) => self.real(v),
        }
    }
}
