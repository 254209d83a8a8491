//! Upserts whose rows are mostly there: `UPDATE` first, and `ON CONFLICT` for the rest alone.
//!
//! `ON CONFLICT DO UPDATE` looks each key up and locks the row that it finds, a record of the log
//! each, before it updates it. A join finds all rows at once, and no lock goes before the update; in a
//! table that is not much larger than the batch that is faster.
use crate::{plan::statements::Merge, syntax::PostgresSyntax};
use connect_api::Value;
use dialect_core::{Syntax as _, Table, TableType, WriteOp};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// Batches that go straight to `ON CONFLICT` after one of which few rows were there.
const STRAIGHT_BATCHES: u32 = 16;

/// Largest table that is updated first, in sizes of the batch. A join reads it whole: with ten
/// times the rows of the batch that took 1.4 times as long as `ON CONFLICT`, with as many 0.6 to 0.9.
const LARGEST: u32 = 3;

/// The statements, and what the last batch was like.
#[derive(Debug)]
pub(crate) struct Replace {
    /// Changes the rows that are there; their number.
    pub(crate) update: Arc<str>,
    /// Takes the rows that `update` has not changed.
    pub(crate) rest: Arc<str>,
    /// Batches yet to go straight to `ON CONFLICT`.
    straight: AtomicU32,
}

impl Replace {
    /// `None` where `UPDATE` could take a row that `INSERT` refuses, or leave another one behind:
    /// `INSERT` looks at columns that the rows do not have too, and at the table alone, without
    /// those that inherit from it; only of a unique key there is one row at most.
    pub(crate) fn new(merge: &Merge<'_>, table: &Table, stage: &str) -> Option<Self> {
        let written = merge.columns.len();
        let writable = table.columns.iter().filter(|c| !c.generated).count();
        let whole = table.table_type == TableType::Table && written == writable;
        let changes = merge.op == WriteOp::Upsert && merge.key < written;
        if !whole || !changes || !is_unique(merge, table) {
            return None;
        }
        let (name, matched) = (&merge.table, merge.matched());
        let relation = PostgresSyntax.literal(&Value::Text(name.as_str().into()))?;
        // Triggers before INSERT, and policies on it, must see each row; `rest` reads xmin, which
        // grants on columns alone do not cover: nothing is updated then, nor in a large table.
        let update = format!(
            "UPDATE ONLY {name} AS t SET {} FROM {stage} AS r WHERE {matched} AND (SELECT NOT \
             c.relrowsecurity AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT EXISTS \
             (SELECT 1 FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = c.oid AND NOT \
             g.tgisinternal AND g.tgtype & 7 = 7) FROM pg_catalog.pg_class AS c WHERE c.oid = \
             {relation}::pg_catalog.regclass AND pg_catalog.pg_relation_size(c.oid) <= {LARGEST} * pg_catalog.pg_relation_size('{stage}'::pg_catalog.regclass))",
            merge.sets()
        );
        // G3: a row that another session has added since `update` must not pass for one of ours.
        // What `update` has changed was written by the transaction that filled the stage, a
        // savepoint's own one included.
        let rest = merge.statement(&format!(
            "{stage} AS r WHERE NOT EXISTS (SELECT 1 FROM ONLY {name} AS t WHERE {matched} AND \
             t.xmin = r.xmin)"
        ));
        Some(Self {
            update: update.into(),
            rest: rest.into(),
            straight: AtomicU32::new(0),
        })
    }

    /// The next batch is to be tried by `update`. Sessions that share a plan may each take a turn
    /// of another; that matters to nothing but speed.
    pub(crate) fn is_next(&self) -> bool {
        let left = self.straight.load(Ordering::Relaxed);
        self.straight
            .store(left.saturating_sub(1), Ordering::Relaxed);
        left == 0
    }

    /// So many rows of a batch were there. Where a good part was new, `update` costs more than it
    /// saves.
    pub(crate) fn note(&self, there: u64, rows: u64) {
        if there < rows / 4 * 3 {
            self.straight.store(STRAIGHT_BATCHES, Ordering::Relaxed);
        }
    }
}

fn is_unique(merge: &Merge<'_>, table: &Table) -> bool {
    let key = &merge.columns[..merge.key];
    let is_key = |names: &Vec<String>| {
        names.len() == key.len() && key.iter().all(|column| names.contains(&column.name))
    };
    is_key(&table.primary_key) || table.unique_keys.iter().any(is_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace() -> Replace {
        Replace {
            update: "".into(),
            rest: "".into(),
            straight: AtomicU32::new(0),
        }
    }

    #[test]
    fn batches_of_new_rows_go_straight_and_are_tried_again_now_and_then() {
        let replace = replace();
        assert!(replace.is_next());
        replace.note(75, 100);
        assert!(replace.is_next());
        replace.note(74, 100);
        let tried = (0..40).filter(|_| {
            let next = replace.is_next();
            if next {
                replace.note(0, 100);
            }
            next
        });
        assert_eq!(tried.count(), 2);
    }
}
