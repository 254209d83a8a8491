//! Queries with names: `queries.<id>.<key>`.
use crate::{
    config::{OptionalName, SourceConfig},
    read_plan::QUERY,
    table_settings::{COMMON_KEYS, by_name, check_values, named, overlaid},
};
use connect_api::config::{Config as _, Faults, Prefixed, Settings};
use std::{num::NonZeroU32, sync::Arc};

/// The statement of a query.
const SQL: &str = "sql";

/// The settings of the queries, by id.
#[derive(Debug, Clone, Default)]
pub struct Queries(Vec<(String, Settings)>);

impl Queries {
    /// There are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Some have a value of a key.
    pub(crate) fn any_has(&self, key: &str) -> bool {
        let mut queries = self.0.iter();
        queries.any(|(_, settings)| settings.get(key).is_some())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    /// Every `step`-th of the queries, from `first`.
    fn share(&self, first: usize, step: usize) -> Self {
        Self(self.0.iter().skip(first).step_by(step).cloned().collect())
    }
}

impl Prefixed for Queries {
    const TYPE: &'static str = "settings";

    fn parse(settings: &Settings) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut queries = Vec::new();
        let keys = [&[SQL][..], &COMMON_KEYS].concat();
        for (id, settings) in by_name(settings, &keys, &mut faults) {
            match settings.get(SQL).map(str::trim) {
                None | Some("") => faults.at(format!("{id}.{SQL}"), "is required"),
                Some(_) => {}
            }
            let mut others = settings.clone();
            others.remove(SQL);
            check_values(&id, &others, &mut faults);
            queries.push((id, settings));
        }
        if faults.is_empty() {
            Ok(Self(queries))
        } else {
            Err(faults)
        }
    }

    fn show(&self) -> Settings {
        let pairs = self.0.iter().flat_map(|(id, settings)| named(id, settings));
        pairs.collect()
    }
}

impl SourceConfig {
    /// The settings in force for each query, by id; those that cannot be combined are added to the
    /// faults.
    pub(crate) fn of_queries(&self, faults: &mut Faults) -> Vec<(String, Arc<SourceConfig>)> {
        if self.query.0.is_some() {
            return vec![(QUERY.to_owned(), Arc::new(self.clone()))];
        }
        let mut configs = Vec::with_capacity(self.queries.len());
        for (id, settings) in &self.queries.0 {
            let mut own = settings.clone();
            let sql = own.remove(SQL).unwrap_or_default();
            let mut all = overlaid(self, [&own]);
            all.set("query", sql);
            if let (None, Some(OptionalName(prefix))) =
                (own.get("topic.prefix"), &self.topic_prefix)
                && own.get("connect.topicname").is_none()
                && own.get("topic.name.format").is_none()
            {
                let prefix = prefix.as_deref().unwrap_or_default();
                all.set("topic.prefix", format!("{prefix}{id}"));
            }
            for key in ["topic.name.format", "message.tag"] {
                if let Some(text) = all.get(key).map(|text| text.replace("${table}", id)) {
                    if text.contains("${") {
                        let why = "a query has no schema and no catalog; set it for this query";
                        faults.at(format!("queries.{id}.{key}"), why);
                    }
                    all.set(key, text);
                }
            }
            match SourceConfig::from_settings(&all) {
                Ok(config) => configs.push((id.clone(), Arc::new(config))),
                Err(found) => at_query(id, &found, faults),
            }
        }
        configs
    }
}

/// Adds the faults of a query.
pub(crate) fn at_query(id: &str, found: &Faults, faults: &mut Faults) {
    for fault in found.iter() {
        let key = fault.key.as_deref().filter(|key| *key != QUERY);
        let key = key.unwrap_or(SQL);
        faults.at(format!("queries.{id}.{key}"), &fault.message);
    }
}

/// Spreads the queries over at most `max` tasks, of which `tasks` read tables.
pub(crate) fn spread(
    config: &SourceConfig,
    mut tasks: Vec<SourceConfig>,
    max: NonZeroU32,
) -> Vec<SourceConfig> {
    let max = usize::try_from(max.get()).unwrap_or(usize::MAX);
    let free = max.saturating_sub(tasks.len());
    let of_queries = || SourceConfig {
        tables: Default::default(),
        excluded: Default::default(),
        included: Default::default(),
        excluded_patterns: Default::default(),
        ..config.clone()
    };
    let more = free.min(config.queries.len());
    tasks.extend((0..more).map(|_| of_queries()));
    // Tasks without tables take queries first.
    let count = tasks.len();
    for (place, task) in tasks.iter_mut().rev().enumerate() {
        task.queries = config.queries.share(place, count);
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &[(&str, &str)]) -> Result<SourceConfig, Faults> {
        let base = [
            ("connection.url", "sqlite:x"),
            ("mode", "bulk"),
            ("topic.prefix", "shop-"),
        ];
        SourceConfig::from_settings(&base.iter().chain(more).copied().collect())
    }

    #[test]
    fn each_query_has_its_own_mode_and_topic() {
        let config = config(&[
            ("queries.daily.sql", "SELECT 1 AS a"),
            ("queries.new.sql", "SELECT 2 AS b"),
            ("queries.new.mode", "incrementing"),
            ("queries.new.incrementing.column.name", "b"),
            ("queries.new.connect.topicname", "news"),
        ])
        .unwrap();
        let config = SourceConfig::from_settings(&config.to_settings()).unwrap();
        let mut faults = Faults::default();
        let queries = config.of_queries(&mut faults);
        let seen: Vec<_> = queries
            .iter()
            .map(|(id, config)| {
                let sql = config.query.0.as_deref().unwrap();
                (
                    &**id,
                    sql,
                    config.topic_of_query(),
                    config.uses_incrementing(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("daily", "SELECT 1 AS a", "shop-daily".to_owned(), false),
                ("new", "SELECT 2 AS b", "news".to_owned(), true),
            ]
        );
    }

    #[test]
    fn faults_of_a_query_name_it() {
        let keys = |more: &[(&str, &str)]| {
            let faults = config(more).unwrap_err();
            let keys = faults.iter().filter_map(|fault| fault.key.clone());
            keys.collect::<Vec<_>>()
        };
        assert_eq!(
            keys(&[("queries.daily.mode", "bulk")]),
            ["queries.daily.sql"]
        );
        let sql = ("queries.daily.sql", "SELECT 1 AS a");
        assert_eq!(
            keys(&[sql, ("queries.daily.mode", "incrementing")]),
            ["queries.daily.incrementing.column.name"]
        );
        assert_eq!(
            keys(&[sql, ("queries.daily.table.whitelist", "t")]),
            ["queries.daily.table.whitelist"]
        );
        assert_eq!(keys(&[sql, ("query", "SELECT 2 AS b")]), ["query"]);
    }

    #[test]
    fn queries_are_spread_over_the_tasks_that_have_no_tables_first() {
        let ids = ["a", "b", "c"].map(|id| format!("queries.{id}.sql"));
        let pairs: Vec<_> = ids.iter().map(|id| (&**id, "SELECT 1 AS a")).collect();
        let config = config(&pairs).unwrap();
        let of = |tables: usize, max| {
            let tasks = vec![config.clone(); tables];
            let tasks = spread(&config, tasks, NonZeroU32::new(max).unwrap());
            let ids = |task: &SourceConfig| task.queries.0.iter().map(|(id, _)| &**id).collect();
            tasks.iter().map(ids).collect::<Vec<String>>()
        };
        assert_eq!(of(0, 2), ["b", "ac"]);
        assert_eq!(of(1, 1), ["abc"]);
        assert_eq!(of(2, 3), ["c", "b", "a"]);
        assert_eq!(of(2, 9), ["", "", "c", "b", "a"]);
    }
}
