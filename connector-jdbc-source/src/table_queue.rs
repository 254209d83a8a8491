//! The tables of a task, in the order in which they are polled.
use crate::table::{End, TableState};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// Tables that are read no more stand behind all others.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3_600);

/// When a table is due, and its turn among those that are due at the same time.
pub(crate) type Turn = (Instant, u64);

/// Tables by the time of their next poll: a table with many rows takes turns with the others.
#[derive(Default)]
pub(crate) struct TableQueue {
    tables: BTreeMap<Turn, Box<TableState>>,
    next: u64,
}

impl TableQueue {
    /// The number of tables that are read.
    pub(crate) fn open(&self) -> usize {
        let open = self.iter().filter(|table| table.end != End::Reached);
        open.count()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &TableState> {
        self.tables.values().map(AsRef::as_ref)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut TableState> {
        self.tables.values_mut().map(AsMut::as_mut)
    }

    /// Puts tables forward that are to be polled earlier than when they got their turn.
    pub(crate) fn reorder(&mut self) {
        let earlier = self.tables.iter().filter(|((due, _), table)| {
            table.end != End::Reached && table.next_poll < *due && *due > Instant::now()
        });
        let earlier: Vec<Turn> = earlier.map(|(turn, _)| *turn).collect();
        earlier.into_iter().for_each(|turn| self.requeue(turn));
    }

    pub(crate) fn push(&mut self, table: Box<TableState>) {
        let now = Instant::now();
        let due = match table.end {
            End::Reached => now + NEVER,
            End::Never | End::Snapshot | End::Unsaved => table.next_poll.max(now),
        };
        self.tables.insert((due, self.next), table);
        self.next += 1;
    }

    /// The number of the next turn: tables that were polled have it, or a later one.
    pub(crate) fn round(&self) -> u64 {
        self.next
    }

    /// The first table that is due and had no turn since `round` began.
    pub(crate) fn due(&self, now: Instant, round: u64) -> Option<Turn> {
        let due = self.tables.keys().take_while(|(due, _)| *due <= now);
        due.copied().find(|(_, turn)| *turn < round)
    }

    /// The time at which the first table is due; `None` if all were read.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let ((due, _), table) = self.tables.first_key_value()?;
        (table.end != End::Reached).then_some(*due)
    }

    pub(crate) fn get_mut(&mut self, turn: Turn) -> Option<&mut TableState> {
        self.tables.get_mut(&turn).map(AsMut::as_mut)
    }

    /// Ends a table's turn.
    pub(crate) fn requeue(&mut self, turn: Turn) {
        if let Some(table) = self.tables.remove(&turn) {
            self.push(table);
        }
    }

    /// Puts tables back that are to be polled later than when they got their turn, in their order.
    pub(crate) fn put_back(&mut self) {
        let tables = self.tables.iter();
        let later = tables.filter(|((due, _), table)| table.next_poll > *due);
        let later: Vec<Turn> = later.map(|(turn, _)| *turn).collect();
        later.into_iter().for_each(|turn| self.requeue(turn));
    }

    pub(crate) fn remove(&mut self, turn: Turn) -> Option<Box<TableState>> {
        self.tables.remove(&turn)
    }

    /// The first table of which this is true.
    pub(crate) fn find(&self, is: impl Fn(&TableState) -> bool) -> Option<Turn> {
        let mut tables = self.tables.iter();
        let found = tables.find(|(_, table)| is(table));
        found.map(|(turn, _)| *turn)
    }

    /// All tables, in any order.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Box<TableState>> {
        std::mem::take(&mut self.tables).into_values()
    }
}
