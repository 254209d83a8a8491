//! The positions of a table, as they are stored.
use super::{End, TableState};
use crate::{
    position::{self, SnapshotOffset},
    snapshot::{progress::Load, range::Range},
};
use connect_api::{Offset, Position, Records, Result, Value, arrow::array::RecordBatch};

impl TableState {
    /// Empty records that store the beginning as the position: the table no longer exists, and one that
    /// takes its name is read from its first row.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn reset_position(&self) -> Result<Records> {
        let marks = SnapshotOffset {
            rows: Some(0),
            signal: self.signal,
            ..SnapshotOffset::default()
        };
        let offset = marks.put_into(Offset::new(), &self.plan);
        Ok(self.no_records()?.with_position(self.position(offset)))
    }

    /// The initial position is stored before the first row.
    pub(crate) fn store_start(&mut self) {
        self.start_unsaved = true;
    }

    /// Empty records with the initial position; returned once, if it must be stored.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn initial_position(&mut self) -> Result<Option<Records>> {
        if !std::mem::take(&mut self.start_unsaved) {
            return Ok(None);
        }
        let key = self.after.as_deref().unwrap_or_default();
        self.empty_records_after(key).map(Some)
    }

    /// Empty records with the position after `key`.
    pub(crate) fn empty_records_after(&self, key: &[Value]) -> Result<Records> {
        let offset = self.stored_offset(key);
        Ok(self.no_records()?.with_position(self.position(offset)))
    }

    fn no_records(&self) -> Result<Records> {
        let schema = self.plan.outgoing_schema();
        let none = RecordBatch::new_empty(schema.columns().clone());
        Records::new(self.topic.clone(), schema.clone(), none)
    }

    /// Empty records with the position, if the table is to be read again and no row was since.
    pub(super) fn position_of_restart(&mut self) -> Result<Option<Records>> {
        if self.after.is_some() || !self.unsaved {
            return Ok(None);
        }
        self.unsaved_position()
    }

    /// Empty records with the position, if it has changed without new rows.
    pub(super) fn unsaved_position(&mut self) -> Result<Option<Records>> {
        let late = self.late.as_mut();
        let of_late = late.is_some_and(|late| std::mem::take(&mut late.unsaved));
        if !(std::mem::take(&mut self.unsaved) || of_late) {
            return Ok(None);
        }
        let after = self.after.clone().unwrap_or_default();
        self.empty_records_after(&after).map(Some)
    }

    /// The offset to store with rows up to `key`: that of complete rows (G5).
    pub(crate) fn stored_offset(&self, key: &[Value]) -> Offset {
        let offset = match &self.late {
            Some(late) => late
                .complete
                .as_deref()
                .map_or_else(Offset::new, |complete| {
                    position::offset(&self.plan, complete)
                }),
            None => position::offset(&self.plan, key),
        };
        self.with_marks(offset, Vec::new())
    }

    /// An offset with what is known of the snapshot.
    pub(crate) fn with_marks(&self, offset: Offset, ranges: Vec<Range>) -> Offset {
        let marks = SnapshotOffset {
            rows: self.load.as_ref().map(Load::rows),
            ranges,
            finished: self.end == End::Unsaved,
            signal: self.signal,
            table: self.identity.clone(),
        };
        marks.put_into(offset, &self.plan)
    }

    pub(crate) fn position(&self, offset: Offset) -> Position {
        Position {
            partition: self.partition.clone(),
            offset,
        }
    }
}
