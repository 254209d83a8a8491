//! What connectors ask for: statements with bound values, and pages of a table by key.
use crate::table::{Column, Table};
use connect_api::{Kind, Value};
use std::{num::NonZeroU32, ops::Range, time::Duration};

/// A value to bind, with the kind of the column it is compared with or written to.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Value.
    pub value: Value,
    /// Kind of the column.
    pub kind: Kind,
}

/// SQL text and what is bound to its placeholders, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Text, made by a [`Syntax`](crate::Syntax).
    pub sql: String,
    /// Values.
    pub params: Vec<Param>,
}

/// One part of the key that pages are ordered by: a column, or the first that is not NULL of
/// several (`COALESCE`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPart {
    /// Indexes of columns of the table, at least one; of one kind.
    pub columns: Vec<usize>,
}

/// How well the values of a key part, as they are read and bound, distinguish the values of its
/// column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyValues {
    /// Values that the database distinguishes are different.
    Exact,
    /// Several forms of one value are one key, and are compared as one.
    Forms,
    /// Values are cut to a microsecond, and the database orders rows by what is finer. As the last
    /// part of a key such a value stands for the whole of its microsecond.
    Cut,
}

/// How far apart times lie that have so many digits after the second; zero for microseconds.
pub fn step_of_digits(digits: u32) -> Duration {
    match digits {
        0..=5 => Duration::from_micros(10u64.pow(6 - digits)),
        6 => Duration::ZERO,
        // What is cut to a microsecond, on either side.
        _ => Duration::from_micros(2),
    }
}

/// A page of a table: the rows after a key, in the order of the key.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// The table, or what [`describe_query`](crate::Connection::describe_query) says of `query`.
    pub table: &'a Table,
    /// Read from this query instead of the table; the user's own words.
    pub query: Option<&'a str>,
    /// Indexes of the columns to read, in order.
    pub columns: &'a [usize],
    /// What the rows are ordered by; empty for no order.
    pub key: &'a [KeyPart],
    /// Only rows whose key is greater than this, one value a part, or one for each of its first
    /// parts only; `None` from the start. Rows with NULL in a part of the key are left out in
    /// either case.
    pub after: Option<&'a [Value]>,
    /// Only rows whose first key part lies before the database's present time less this, and less
    /// what can still be written with the same value. For keys that begin with a timestamp.
    pub before_now: Option<Duration>,
    /// How far the clocks that wrote the first key part are ahead of UTC, in microseconds, where it
    /// has no time zone of its own; `None`: they are the database's.
    pub east: Option<i64>,
    /// Only rows the first parts of whose key are not greater than this.
    pub until: Option<&'a [Value]>,
    /// Only rows in these blocks of the table's file.
    pub blocks: Option<Range<u64>>,
    /// Only rows that meet this condition too; the user's own words.
    pub filter: Option<&'a str>,
    /// In descending order of the key: the last rows first.
    pub descending: bool,
    /// So many rows at most; `None` for all.
    pub limit: Option<NonZeroU32>,
}

impl<'a> Page<'a> {
    /// These columns of all rows, in no order.
    pub fn of(table: &'a Table, columns: &'a [usize]) -> Self {
        Self {
            table,
            query: None,
            columns,
            key: &[],
            after: None,
            before_now: None,
            east: None,
            until: None,
            blocks: None,
            filter: None,
            descending: false,
            limit: None,
        }
    }

    /// The column that stands for a key part: its first.
    pub fn key_column(&self, part: usize) -> &Column {
        &self.table.columns[self.key[part].columns[0]]
    }
}
