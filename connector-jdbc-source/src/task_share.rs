//! How the tables of a connector are shared among its tasks.
use crate::{config::SourceConfig, discovery::Wanted, queries, table_settings::TableConfigs};
use connect_api::config::Setting;
use dialect_core::TableName;
use std::{collections::HashMap, num::NonZeroU32};

/// A table costs queries even if it has no rows: as much as so many rows.
const ROWS_OF_A_TABLE: u64 = 1_000;

/// Which tables a task reads, and which are read by the others; the value of `task.tables`. A table
/// that appears later goes to the task that its name stands for, so that tasks agree without asking
/// each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskShare {
    /// The number of the task, from 0.
    task: u32,
    /// The number of tasks.
    tasks: u32,
    /// The tables that were there when the tasks were planned.
    tables: Vec<Shared>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shared {
    name: TableName,
    task: u32,
    /// The settings name it, not a pattern.
    exact: bool,
}

/// A single task, for which no tables were planned.
impl Default for TaskShare {
    fn default() -> Self {
        Self {
            task: 0,
            tasks: 1,
            tables: Vec::new(),
        }
    }
}

impl TaskShare {
    /// It was planned.
    pub(crate) fn is_planned(&self) -> bool {
        *self != Self::default()
    }

    /// The planned tables that a name stands for: all that are named exactly, of any task.
    pub(crate) fn exact(&self) -> impl Iterator<Item = &TableName> {
        let exact = self.tables.iter().filter(|table| table.exact);
        exact.map(|table| &table.name)
    }

    /// The planned tables of this task.
    pub(crate) fn own(&self) -> impl Iterator<Item = Wanted> {
        let own = self.tables.iter().filter(|table| table.task == self.task);
        own.map(|table| Wanted {
            name: table.name.clone(),
            exact: table.exact,
        })
    }

    /// The planned tables, with whether they are this task's.
    pub(crate) fn planned(&self) -> HashMap<&TableName, bool> {
        let tables = self.tables.iter();
        let own = |task: u32| task == self.task;
        tables.map(|table| (&table.name, own(table.task))).collect()
    }

    /// A table that was not planned is this task's.
    pub(crate) fn owns_new(&self, table: &TableName, configs: &mut TableConfigs) -> bool {
        // Tables with the same topic go to the same task, which refuses the second of them.
        let text = match configs.topic_of(table) {
            (_, true) => table.to_string(),
            (topic, false) => topic,
        };
        fnv1a(text.as_bytes()) % u64::from(self.tasks.max(1)) == u64::from(self.task)
    }
}

/// The hash FNV-1a, which is the same in all versions.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The text of a share.
type Text = (u32, u32, Vec<(Option<String>, String, u32, bool)>);

impl Setting for TaskShare {
    const TYPE: &'static str = "text";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let parsed: Result<Text, _> = serde_json::from_str(text);
        let (task, tasks, tables) = parsed
            .map_err(|e| format!("the connector sets it for its tasks; leave it out ({e})"))?;
        let tables = tables
            .into_iter()
            .map(|(schema, name, task, exact)| Shared {
                name: TableName { schema, name },
                task,
                exact,
            });
        Ok(Self {
            task,
            tasks,
            tables: tables.collect(),
        })
    }

    fn show(&self) -> String {
        if !self.is_planned() {
            return String::new();
        }
        let tables = self.tables.iter().map(|table| {
            let TableName { schema, name } = &table.name;
            serde_json::json!([schema, name, table.task, table.exact])
        });
        let tables: Vec<_> = tables.collect();
        serde_json::json!([self.task, self.tasks, tables]).to_string()
    }
}

/// A table to share.
pub(crate) struct Load {
    pub(crate) table: Wanted,
    pub(crate) rows: Option<u64>,
}

/// Shares the tables among at most `max` tasks: those with the most rows first, each to the task
/// with the fewest rows. Without tables, a single task waits for them. A query is one task.
pub(crate) fn split(
    config: &SourceConfig,
    tables: Vec<Load>,
    max: NonZeroU32,
) -> Vec<SourceConfig> {
    if config.query.0.is_some() {
        return vec![config.clone()];
    }
    let count = u32::try_from(tables.len()).unwrap_or(u32::MAX);
    let least = u32::from(config.selects_tables());
    let tasks = max.get().min(count).max(least);
    let mut rows = vec![0_u64; tasks as usize];
    let mut order: Vec<usize> = (0..tables.len()).collect();
    // The sort is stable: tables of the same size stay in the order of the settings.
    order.sort_by_key(|i| std::cmp::Reverse(tables[*i].rows.unwrap_or_default()));
    let mut task_of = vec![0_u32; tables.len()];
    for table in order {
        let lightest = (0..tasks).min_by_key(|task| rows[*task as usize]);
        let task = lightest.unwrap_or_default();
        task_of[table] = task;
        let more = tables[table].rows.unwrap_or_default();
        let sum = &mut rows[task as usize];
        *sum = sum.saturating_add(more.saturating_add(ROWS_OF_A_TABLE));
    }
    let shared = tables.into_iter().zip(task_of).map(|(load, task)| Shared {
        name: load.table.name,
        task,
        exact: load.table.exact,
    });
    let shared: Vec<_> = shared.collect();
    let of = |task| SourceConfig {
        share: TaskShare {
            task,
            tasks,
            tables: shared.clone(),
        },
        ..config.clone()
    };
    queries::spread(config, (0..tasks).map(of).collect(), max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::{Config as _, Settings};

    fn config() -> SourceConfig {
        let settings = Settings::from_iter([
            ("connection.url", "sqlite:x"),
            ("mode", "bulk"),
            ("topic.prefix", ""),
            ("table.whitelist", "*"),
        ]);
        SourceConfig::from_settings(&settings).unwrap()
    }

    fn tasks(rows: &[Option<u64>], max: u32) -> Vec<String> {
        let load = |(i, rows): (usize, &Option<u64>)| Load {
            table: Wanted {
                name: TableName::new(format!("t{i}")),
                exact: i == 0,
            },
            rows: *rows,
        };
        let tables = rows.iter().enumerate().map(load).collect();
        let tasks = split(&config(), tables, NonZeroU32::new(max).unwrap());
        let names = |task: &SourceConfig| {
            let again = SourceConfig::from_settings(&task.to_settings()).unwrap();
            assert_eq!(again.share, task.share);
            let names: Vec<_> = task.share.own().map(|t| t.name.to_string()).collect();
            names.join(",")
        };
        tasks.iter().map(names).collect()
    }

    #[test]
    fn the_heaviest_tables_are_spread_first() {
        let rows = [10, 5_000_000, 20, 3_000_000, 2_500_000].map(Some);
        assert_eq!(tasks(&rows, 2), ["t0,t1,t2", "t3,t4"]);
        assert_eq!(tasks(&rows, 3), ["t1", "t3", "t0,t2,t4"]);
        assert_eq!(tasks(&rows, 9).len(), 5);
    }

    #[test]
    fn tables_of_unknown_size_are_spread_by_number() {
        assert_eq!(tasks(&[None; 5], 2), ["t0,t2,t4", "t1,t3"]);
        assert_eq!(tasks(&[], 4), [""]);
    }

    #[test]
    fn a_new_table_belongs_to_one_task_and_tables_of_one_topic_to_the_same() {
        let config = config();
        let owners = |name: TableName| {
            let share = |task| TaskShare {
                task,
                tasks: 7,
                tables: Vec::new(),
            };
            let mut configs = TableConfigs::new(&config);
            let owners: Vec<u32> = (0..7)
                .filter(|task| share(*task).owns_new(&name, &mut configs))
                .collect();
            assert_eq!(owners.len(), 1, "{name}");
            owners[0]
        };
        let mut all: Vec<_> = (0..50)
            .map(|i| owners(TableName::new(format!("t{i}"))))
            .collect();
        let of = |schema: &str| TableName {
            schema: Some(schema.to_owned()),
            name: "orders".to_owned(),
        };
        assert_eq!(owners(of("a")), owners(of("b")));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 7);
    }
}
