//! Ties: rows with equal keys, as in SQL's `FETCH FIRST ... WITH TIES`. If the key is not known to
//! be unique, a page that is not the last ends between two groups of ties; otherwise rows behind
//! its limit would be skipped (G3).
use crate::{read_plan::ReadPlan, unique_key::compares_as_database};
use connect_api::{Records, Row, Value};
use dialect_core::Page;

/// Two values of a key part are equal. Instants are compared without their offset.
fn is_tie(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::OffsetTimestamp(one, _), Value::OffsetTimestamp(other, _)) => one == other,
        (one, other) => one == other,
    }
}

impl ReadPlan {
    /// The rows after the key `after`, up to and including the ties of the key `until`.
    pub(crate) fn ties_page<'a>(
        &'a self,
        after: Option<&'a [Value]>,
        until: &'a [Value],
    ) -> Page<'a> {
        Page {
            until: Some(until),
            // The rows were below the watermark when the ties were found.
            before_now: None,
            ..self.next_page(after, None)
        }
    }

    /// The number of rows of a page before its last ties, which may continue after the page; `None`
    /// if only the database can compare the keys.
    pub(crate) fn rows_before_last_tie(&self, records: &Records) -> Option<usize> {
        let parts = 0..self.key.len();
        if !parts
            .clone()
            .all(|part| compares_as_database(self.key_kind(part)))
        {
            return None;
        }
        let last = self.last_key(records)?;
        let is_last_tie = |row: &Row<'_>| {
            let mut parts = self.key.iter().zip(&last);
            parts.all(|(part, value)| {
                let of_row = Self::key_value(row, part);
                of_row.is_some_and(|of_row| is_tie(&of_row, value))
            })
        };
        let rows = (0..records.len()).rev();
        let ties = rows.take_while(|row| is_last_tie(&records.row(*row)));
        Some(records.len() - ties.count())
    }
}
