//! Splits the tables of a connector among its tasks.
use crate::{config::SourceConfig, queries};
use dialect_core::{Selection, TableName};
use std::num::NonZeroU32;

/// Splits the tables into at most `max` tasks: contiguous groups, in the order given, whose sizes
/// differ by one at most; the first groups are the larger. A query is one task.
pub(crate) fn split(
    config: &SourceConfig,
    tables: &[TableName],
    max: NonZeroU32,
) -> Vec<SourceConfig> {
    if config.query.0.is_some() {
        return vec![config.clone()];
    }
    let most = usize::try_from(max.get()).unwrap_or(usize::MAX);
    let tasks = most.min(tables.len());
    let mut rest = tables;
    let tasks = (0..tasks)
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
        .collect();
    queries::spread(config, tasks, max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::{Config as _, Setting as _, Settings};

    #[test]
    fn groups_are_contiguous_and_differ_by_one_at_most() {
        let settings = Settings::from_iter([
            ("connection.url", "sqlite:x"),
            ("mode", "bulk"),
            ("topic.prefix", ""),
            ("table.whitelist", "*"),
            ("table.blacklist", "z"),
        ]);
        let config = SourceConfig::from_settings(&settings).unwrap();
        let tables: Vec<_> = ["a", "b", "c", "d", "e.f", "g,h"]
            .map(TableName::new)
            .into();
        let of = |max| {
            let tasks = split(&config, &tables[..5], NonZeroU32::new(max).unwrap());
            assert!(tasks.iter().all(|task| task.excluded.is_empty()));
            tasks.iter().map(|t| t.tables.show()).collect::<Vec<_>>()
        };
        assert_eq!(of(2), ["a,b,c", "d,\"e.f\""]);
        assert_eq!(of(3), ["a,b", "c,d", "\"e.f\""]);
        assert_eq!(of(9).len(), 5);
    }
}
