//! What is read and written: rows that are made from their ids, the same on every machine.
use crate::{long_text, orders, wide};
use connect_api::{ColumnBuilder, Op, Records, RecordsBuilder, Result, SchemaRef};
use std::ops::RangeInclusive;

/// A table's columns and its rows; `id`, a 64-bit integer from 1 on, is the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Ten columns of mixed types, some 120 bytes a row.
    Orders,
    /// Forty columns of mixed types, some 400 bytes a row.
    Wide,
    /// Three columns, one of them a text of 1 KiB.
    Text,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Wide, Self::Text];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Wide => "wide",
            Self::Text => "text",
        }
    }

    /// The columns, with `id` as the key.
    ///
    /// # Errors
    /// None in truth: the schema is a constant.
    pub fn schema(self) -> Result<SchemaRef> {
        match self {
            Self::Orders => orders::schema(),
            Self::Wide => wide::schema(),
            Self::Text => long_text::schema(),
        }
    }

    /// The rows with these ids, in this order; the same every time. Another `revision` changes
    /// some columns of each.
    ///
    /// # Errors
    /// None in truth: the rows fit their schema.
    pub fn records(self, topic: &str, ids: RangeInclusive<i64>, revision: i64) -> Result<Records> {
        let append: fn(&mut [ColumnBuilder], i64, i64, &mut String) = match self {
            Self::Orders => orders::append,
            Self::Wide => wide::append,
            Self::Text => long_text::append,
        };
        let mut builder = RecordsBuilder::new(self.schema()?, 0)?;
        let mut scratch = String::new();
        for id in ids {
            append(builder.columns(), id, revision, &mut scratch);
            builder.keep(Op::Read, None, None)?;
        }
        builder.finish(topic.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::arrow::array::{Array as _, cast::AsArray as _};

    #[test]
    fn rows_are_the_same_whatever_the_range_they_are_made_in() {
        for workload in Workload::ALL {
            let whole = workload.records("rows", 1..=300, 0).unwrap();
            let part = workload.records("rows", 101..=200, 0).unwrap();
            assert_eq!(whole.slice(100..200).batch(), part.batch());
            let changed = workload.records("rows", 101..=200, 1).unwrap();
            assert_ne!(changed.batch(), part.batch());
            assert_eq!(changed.batch().column(0), part.batch().column(0));
        }
    }

    #[test]
    fn workloads_have_the_columns_and_sizes_that_they_are_named_for() {
        let wide = Workload::Wide.records("rows", 1..=100, 0).unwrap();
        assert_eq!(wide.batch().num_columns(), 40);
        let text = Workload::Text.records("rows", 1..=100, 0).unwrap();
        let texts = text.batch().column(2).as_string::<i32>();
        assert!(texts.iter().flatten().all(|t| t.len() == 1_024));
        assert_eq!(texts.null_count(), 0);
    }
}
