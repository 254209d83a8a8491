//! Which columns of a table are read and sent.
use crate::{
    column_list::{ColumnList, ColumnPattern},
    config::SourceConfig,
};
use connect_api::config::{Faults, nearest};
use dialect_core::Table;
use std::collections::{BTreeMap, BTreeSet};

const INCLUDE: &str = "column.include.list";
const EXCLUDE: &str = "column.exclude.list";

fn any(list: &ColumnList, table: &Table) -> BTreeSet<usize> {
    list.patterns()
        .flat_map(|pattern| pattern.columns(table))
        .collect()
}

/// The columns that are sent, by index.
pub(crate) fn sent(table: &Table, config: &SourceConfig) -> Vec<usize> {
    let chosen = config
        .columns
        .patterns()
        .any(|pattern| pattern.is_of(&table.name));
    let included = any(&config.columns, table);
    let excluded = any(&config.excluded_columns, table);
    let is_sent =
        |index: &usize| (!chosen || included.contains(index)) && !excluded.contains(index);
    (0..table.columns.len()).filter(is_sent).collect()
}

/// The columns of the message key, in its order; missing ones are added to the faults.
pub(crate) fn message_key(
    table: &Table,
    config: &SourceConfig,
    faults: &mut Faults,
) -> Option<Vec<usize>> {
    const KEY: &str = "message.key.columns";
    let names = &config.message_key.0;
    let mut found = Vec::new();
    for name in names {
        match table.index_of(name) {
            Some(index) => found.push(index),
            None => {
                let columns = table.columns.iter().map(|column| column.name.as_str());
                let hint = nearest(name, columns)
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                let table = &table.name;
                faults.at(
                    KEY,
                    format!("table {table}: column `{name}` does not exist{hint}"),
                );
            }
        }
    }
    (!names.is_empty()).then_some(found)
}

/// The table without the columns that are neither sent nor needed to read it: they are not read.
pub(crate) fn without_unread(mut table: Table, config: &SourceConfig) -> Table {
    if config.columns.is_empty() && config.excluded_columns.is_empty() {
        return table;
    }
    let names = config.timestamps.0.iter();
    let names = names
        .chain(&config.incrementing.0)
        .chain(&config.delete_column.0)
        .chain(&config.message_key.0)
        .chain(config.key_template.columns())
        .chain(&table.primary_key);
    let mut read: BTreeSet<usize> = names.filter_map(|name| table.index_of(name)).collect();
    read.extend(sent(&table, config));
    if config.uses_incrementing() && config.incrementing.0.is_none() {
        read.extend(
            table
                .columns
                .iter()
                .position(|column| column.auto_increment),
        );
    }
    let mut index = 0;
    table.columns.retain(|_| {
        index += 1;
        read.contains(&(index - 1))
    });
    table
}

/// Names of columns in the settings that no table has.
#[derive(Debug, Default)]
pub(crate) struct UnknownColumns {
    found: BTreeSet<(&'static str, String)>,
    /// With a similar name.
    unknown: BTreeMap<(&'static str, String), Option<String>>,
}

impl UnknownColumns {
    /// Looks for the columns of the settings in a table.
    pub(crate) fn look(&mut self, table: &Table, config: &SourceConfig) {
        let mut look = |key, pattern: &ColumnPattern| {
            let id = (key, pattern.text.clone());
            if !pattern.columns(table).is_empty() {
                self.found.insert(id);
            } else if pattern.is_of(&table.name) || !self.unknown.contains_key(&id) {
                let columns = table.columns.iter().map(|column| column.name.as_str());
                let near = nearest(pattern.column(), columns).map(str::to_owned);
                let known = self.unknown.entry(id).or_default();
                *known = known.take().or(near);
            }
        };
        let lists = [
            (INCLUDE, &config.columns),
            (EXCLUDE, &config.excluded_columns),
            ("column.mask.hash", &config.hashed),
            ("column.mask.null", &config.nulled),
        ];
        for (key, list) in lists {
            list.patterns().for_each(|pattern| look(key, pattern));
        }
        for (pattern, _) in config.renamed.entries() {
            look("column.rename", pattern);
        }
        for (pattern, _) in config.constants.entries() {
            look("column.mask.constant", pattern);
        }
        for (pattern, _) in config.truncated.entries() {
            look("column.mask.truncate", pattern);
        }
    }

    /// A note for each.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        let unknown = self
            .unknown
            .iter()
            .filter(|(id, _)| !self.found.contains(id));
        unknown.map(|((key, text), near)| {
            let hint = near
                .as_ref()
                .map(|near| format!("; did you mean `{near}`?"));
            let hint = hint.unwrap_or_default();
            format!("`{key}`: no table has the column `{text}`{hint}")
        })
    }
}
