//! Tables that are created and dropped while a task reads others.
use crate::{
    config::SourceConfig,
    discovery::{CatalogLookup, Wanted, shared_topic},
    table_settings::TableConfigs,
};
use connect_api::Result;
use dialect_core::{Connection, TableName};
use std::collections::{HashMap, HashSet};
use tokio::time::Instant;

/// What a task knows of the tables that it does not read.
#[derive(Default)]
pub(crate) struct TableMonitor {
    /// The time of the next look; `None` if the catalog is asked at the start only.
    pub(crate) next: Option<Instant>,
    /// Tables that were dropped: one that is created later is another table.
    dropped: HashSet<TableName>,
    /// Tables with the topic of another.
    refused: HashSet<TableName>,
}

/// Tables of this task that are not read yet.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) new: Vec<Wanted>,
    /// Tables with the topic of another table, and the message.
    pub(crate) refused: Vec<(TableName, String)>,
    /// Tables that patterns no longer match.
    pub(crate) dropped: Vec<TableName>,
}

impl TableMonitor {
    /// Sets the time of the next look.
    pub(crate) fn plan_next(&mut self, config: &SourceConfig) {
        let interval = config.table_poll_interval.0;
        self.next = config.watches_tables().then(|| Instant::now() + interval);
    }

    /// A look is due.
    pub(crate) fn is_due(&self) -> bool {
        self.next.is_some_and(|next| next <= Instant::now())
    }

    /// Looks again at once: a table that vanished may have another name now.
    pub(crate) fn hurry(&mut self) {
        self.next = self.next.map(|_| Instant::now());
    }

    /// A table was dropped while it was watched.
    pub(crate) fn note_dropped(&mut self, table: TableName) {
        self.dropped.insert(table);
    }

    /// A table of this name was dropped while it was watched; asked once the new one is opened.
    pub(crate) fn was_dropped(&self, table: &TableName) -> bool {
        self.dropped.contains(table)
    }

    /// Notes which tables have the topic of another; returns those that are no longer refused.
    pub(crate) fn refuse(&mut self, refused: &[(TableName, String)]) -> Vec<TableName> {
        let refused = refused.iter().map(|(name, _)| name.clone()).collect();
        let before = std::mem::replace(&mut self.refused, refused);
        before.difference(&self.refused).cloned().collect()
    }

    /// The table was refused by the last look, too.
    pub(crate) fn is_refused(&self, table: &TableName) -> bool {
        self.refused.contains(table)
    }

    /// The new table of that name is read.
    pub(crate) fn forget_dropped(&mut self, table: &TableName) {
        self.dropped.remove(table);
    }
}

/// The tables that were planned for a task, and those of them that no longer exist.
///
/// # Errors Errors of the catalog.
pub(crate) async fn tables_of_task(
    connection: &mut dyn Connection,
    config: &SourceConfig,
) -> Result<(Vec<Wanted>, Vec<TableName>)> {
    let (listed, _) = CatalogLookup::new(connection, config).wanted().await?;
    if !config.share.is_planned() {
        return Ok((listed, Vec::new()));
    }
    let exists: HashSet<&TableName> = listed.iter().map(|table| &table.name).collect();
    let own = config.share.own();
    let (own, gone): (Vec<_>, Vec<_>) = own.partition(|t| t.exact || exists.contains(&t.name));
    Ok((own, gone.into_iter().map(|table| table.name).collect()))
}

/// Compares what the catalog lists with the tables that the task reads, or failed to read.
///
/// # Errors Errors of the catalog.
pub(crate) async fn changes(
    connection: &mut dyn Connection,
    configs: &mut TableConfigs,
    known: &HashSet<&TableName>,
    exact: &HashSet<TableName>,
) -> Result<Changes> {
    let config = configs.base().clone();
    if !config.has_table_patterns() {
        return Ok(Changes::default());
    }
    let (listed, _) = CatalogLookup::new(connection, &config).wanted().await?;
    let patterns = listed.into_iter().filter(|table| !table.exact);
    let listed: HashSet<TableName> = patterns.map(|table| table.name).collect();
    Ok(compare(configs, &listed, known, exact))
}

fn compare(
    configs: &mut TableConfigs,
    listed: &HashSet<TableName>,
    known: &HashSet<&TableName>,
    exact: &HashSet<TableName>,
) -> Changes {
    let config = configs.base().clone();
    let planned = config.share.planned();
    let mut changes = Changes::default();
    let gone = known
        .iter()
        .filter(|name| !exact.contains(**name) && !listed.contains(**name));
    changes.dropped = gone.map(|name| TableName::clone(name)).collect();
    changes.dropped.sort_unstable();
    let mut new = Vec::new();
    for name in listed.iter().filter(|name| !known.contains(name)) {
        let is_own = match planned.get(name) {
            Some(own) => *own,
            None => config.share.owns_new(name, configs),
        };
        if is_own {
            new.push(name);
        }
    }
    if new.is_empty() {
        return changes;
    }
    new.sort_unstable();
    // Tables that are there, by topic: those that are read, and those that were planned.
    let mut by_topic: HashMap<String, (&TableName, bool)> = HashMap::new();
    let own = planned.keys().filter(|name| listed.contains(**name));
    let others = known.iter().filter(|name| !changes.dropped.contains(name));
    let there = own.chain(others).copied().chain(config.share.exact());
    for name in there.filter(|name| !new.contains(name)) {
        let (topic, shared) = configs.topic_of(name);
        by_topic.insert(topic, (name, shared));
    }
    for name in new {
        let (topic, shared) = configs.topic_of(name);
        match by_topic.get(&topic) {
            Some((other, others_too)) if !(shared && *others_too) => {
                let message = shared_topic(other, name, &topic);
                changes.refused.push((name.clone(), message));
            }
            _ => {
                by_topic.insert(topic, (name, shared));
                changes.new.push(Wanted {
                    name: name.clone(),
                    exact: false,
                });
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::{Config as _, Settings};

    fn name(text: &str) -> TableName {
        TableName::parse(text).unwrap()
    }

    #[test]
    fn new_and_dropped_tables_are_told_and_the_second_of_a_topic_is_refused() {
        let settings = Settings::from_iter([
            ("connection.url", "sqlite:x"),
            ("mode", "bulk"),
            ("topic.prefix", ""),
            ("table.whitelist", "*, x.orders"),
        ]);
        let config = SourceConfig::from_settings(&settings).unwrap();
        let listed = ["a.kept", "a.orders", "a.new", "b.new", "b.kept", "c.gone"];
        let listed: HashSet<_> = listed.map(name).into();
        let read = [
            name("a.kept"),
            name("x.orders"),
            name("a.dropped"),
            name("b.gone"),
        ];
        let exact = [name("x.orders")].into();
        let mut configs = TableConfigs::new(&config);
        let found = compare(&mut configs, &listed, &read.iter().collect(), &exact);
        assert_eq!(found.dropped, [name("a.dropped"), name("b.gone")]);
        let new: Vec<_> = found
            .new
            .iter()
            .map(|table| table.name.to_string())
            .collect();
        assert_eq!(
            new,
            ["a.new", "c.gone"],
            "the old table of that topic is gone"
        );
        let refused: Vec<_> = found
            .refused
            .iter()
            .map(|(name, _)| name.to_string())
            .collect();
        assert_eq!(refused, ["a.orders", "b.kept", "b.new"]);
        assert!(
            found.refused[2]
                .1
                .contains("tables a.new and b.new map to the same topic new")
        );
    }
}
