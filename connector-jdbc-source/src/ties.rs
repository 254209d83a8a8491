//! Runs of rows with equal keys. Where nothing says that keys tell rows apart, a page that is not the
//! last ends between two runs: what its limit cut off would be passed over else (G3).
use crate::{read_plan::ReadPlan, unique_key::compares_as_database};
use connect_api::{Records, Row, Value};
use dialect_core::Page;

/// Two values of one key part are of one run. An instant is one whatever its offset.
fn is_tie(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::OffsetTimestamp(one, _), Value::OffsetTimestamp(other, _)) => one == other,
        (one, other) => one == other,
    }
}

impl ReadPlan {
    /// The rows of a run that ends with the key `until`, and those between `after` and it.
    pub(crate) fn ties_page<'a>(
        &'a self,
        after: Option<&'a [Value]>,
        until: &'a [Value],
    ) -> Page<'a> {
        Page {
            until: Some(until),
            // What stood before the end of the run is final.
            before_now: None,
            ..self.next_page(after, None)
        }
    }

    /// How many rows of a page stand before its last run, which may go on after the page; `None`
    /// where the database alone knows.
    pub(crate) fn rows_before_last_tie(&self, records: &Records) -> Option<usize> {
        let parts = 0..self.key.len();
        if !parts
            .clone()
            .all(|part| compares_as_database(self.key_kind(part)))
        {
            return None;
        }
        let last = self.last_key(records)?;
        let of_last_run = |row: &Row<'_>| {
            let mut parts = self.key.iter().zip(&last);
            parts.all(|(part, value)| {
                let of_row = Self::key_value(row, part);
                of_row.is_some_and(|of_row| is_tie(&of_row, value))
            })
        };
        let rows = (0..records.len()).rev();
        let run = rows.take_while(|row| of_last_run(&records.row(*row)));
        Some(records.len() - run.count())
    }
}
