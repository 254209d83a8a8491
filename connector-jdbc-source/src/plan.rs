//! The tables of a connector, split among its tasks.
use crate::{config::SourceConfig, selection::Selection};
use dialect_core::TableName;
use std::num::NonZeroU32;

/// Splits the tables into at most `max` tasks: contiguous groups, in the order given, whose sizes
/// differ by one at most; the first groups are the larger.
pub(crate) fn split(
    config: &SourceConfig,
    tables: &[TableName],
    max: NonZeroU32,
) -> Vec<SourceConfig> {
    let max = usize::try_from(max.get()).unwrap_or(usize::MAX);
    let tasks = max.min(tables.len());
    let mut rest = tables;
    (0..tasks)
        .map(|task| {
            let left = tasks - task;
            let (own, others) = rest.split_at(rest.len().div_ceil(left));
            rest = others;
            SourceConfig {
                tables: Selection::exactly(own.iter().cloned()),
                excluded: Selection::default(),
                ..config.clone()
            }
        })
        .collect()
}
