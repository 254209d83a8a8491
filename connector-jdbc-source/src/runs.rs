//! Runs of rows with equal keys. Where nothing says that keys tell rows apart, a page that is not the
//! last ends between two runs: what its limit cut off would be passed over else (G3).
use crate::reading::Reading;
use connect_api::{Kind, Records, Row, Value};
use dialect_core::{KeyPart, KeyValues, Page, Syntax, Table};

/// No two rows have one key: its columns hold a primary or a unique key.
pub(crate) fn tells_apart(
    table: &Table,
    query: bool,
    key: &[KeyPart],
    syntax: &dyn Syntax,
) -> bool {
    if query || table.inherited {
        return false;
    }
    // The first that is not NULL of several columns says nothing of either.
    let alone: Vec<usize> = key
        .iter()
        .filter_map(|part| match part.columns.as_slice() {
            [column] => Some(*column),
            _ => None,
        })
        .filter(|column| syntax.key_values(&table.columns[*column]) == KeyValues::Exact)
        .collect();
    let index = |name: &String| table.columns.iter().position(|c| c.name == *name);
    let covered = |name: &String| index(name).is_some_and(|column| alone.contains(&column));
    let holds = |columns: &&Vec<String>| !columns.is_empty() && columns.iter().all(covered);
    // An index may compare text otherwise than its column does.
    let plain = |columns: &&Vec<String>| {
        let mut columns = columns.iter().filter_map(index);
        columns.all(|i| table.columns[i].kind.as_ref().is_some_and(is_compared_here))
    };
    holds(&&table.primary_key) || table.unique_keys.iter().filter(plain).any(|k| holds(&k))
}

/// Values of this kind that are equal to the database are equal here: text is compared there by a
/// collation, and numbers of any length come with the digits that were written.
fn is_compared_here(kind: &Kind) -> bool {
    match kind {
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => true,
        Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64 => true,
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::Uuid => true,
        Kind::Date | Kind::Time | Kind::TimeNanos | Kind::Duration => true,
        Kind::Timestamp { .. } | Kind::OffsetTimestamp => true,
        Kind::Text | Kind::Bytes | Kind::BigDecimal => false,
        Kind::Bool | Kind::Float32 | Kind::Float64 | Kind::Json => false,
        Kind::Interval | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => false,
        Kind::Other(_) => false,
    }
}

/// Two values of one key part are of one run. An instant is one whatever its offset.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::OffsetTimestamp(one, _), Value::OffsetTimestamp(other, _)) => one == other,
        (one, other) => one == other,
    }
}

impl Reading {
    /// The rows of a run that ends with the key `until`, and those between `after` and it.
    pub(crate) fn run<'a>(&'a self, after: Option<&'a [Value]>, until: &'a [Value]) -> Page<'a> {
        Page {
            until: Some(until),
            // What stood before the end of the run is final.
            before_now: None,
            ..self.next_page(after, None)
        }
    }

    /// How many rows of a page stand before its last run, which may go on after the page; `None`
    /// where the database alone knows.
    pub(crate) fn rows_before_last_run(&self, records: &Records) -> Option<usize> {
        let parts = 0..self.key.len();
        if !parts
            .clone()
            .all(|part| is_compared_here(self.key_kind(part)))
        {
            return None;
        }
        let last = self.last_key(records)?;
        let of_last_run = |row: &Row<'_>| {
            let mut parts = self.key.iter().zip(&last);
            parts.all(|(part, value)| {
                let of_row = Self::key_value(row, part);
                of_row.is_some_and(|of_row| same(&of_row, value))
            })
        };
        let rows = (0..records.len()).rev();
        let run = rows.take_while(|row| of_last_run(&records.row(*row)));
        Some(records.len() - run.count())
    }
}
