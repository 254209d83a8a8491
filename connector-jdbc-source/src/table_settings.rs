//! Settings of single tables: `tables.<pattern>.<key>`.
use crate::{config::SourceConfig, topics::Named};
use connect_api::config::{
    Config as _, Faults, Group as _, Prefixed, Reader, Setting as _, Settings, nearest,
};
use dialect_core::{Entry, Selection, TableName};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// The keys that tables and queries can have.
pub(crate) const COMMON_KEYS: [&str; 29] = [
    "mode",
    "incrementing.column.name",
    "incrementing.initial",
    "timestamp.column.name",
    "timestamp.initial",
    "timestamp.delay.interval.ms",
    "gap.safe",
    "gap.window.ms",
    "query.suffix",
    "column.include.list",
    "column.exclude.list",
    "column.rename",
    "column.mask.hash",
    "column.mask.constant",
    "column.mask.truncate",
    "column.mask.null",
    "where",
    "message.key.columns",
    "message.key.template",
    "topic.prefix",
    "connect.topicname",
    "topic.name.format",
    "message.tag",
    "message.properties",
    "poll.interval.ms",
    "batch.max.rows",
    "batch.max.bytes",
    "offset.suffix",
    "delete.column.name",
];

/// The keys that only tables can have.
const TABLE_KEYS: [&str; 8] = [
    "snapshot.mode",
    "snapshot.max.threads",
    "snapshot.parallel.min.rows",
    "validate.non.null",
    "poll.interval.min.ms",
    "deletes.mode",
    "deletes.diff.interval.ms",
    "deletes.diff.chunk.rows",
];

/// Keys of which one takes the place of the others.
const ALTERNATIVES: [&[&str]; 2] = [
    &[
        "topic.prefix",
        "connect.topicname",
        "topic.name.format",
        "topic.map",
    ],
    &["column.include.list", "column.exclude.list"],
];

/// Lists that are added to those of the connector, so that no column is sent unmasked because a table
/// has a list of its own.
const ADDED: [&str; 6] = [
    "column.exclude.list",
    "column.rename",
    "column.mask.hash",
    "column.mask.constant",
    "column.mask.truncate",
    "column.mask.null",
];

/// The settings of tables, the most specific last.
#[derive(Debug, Clone, Default)]
pub struct TableSettings(Vec<Scope>);

/// The settings of the tables of a pattern.
#[derive(Debug, Clone)]
struct Scope {
    pattern: String,
    tables: Selection,
    settings: Settings,
}

impl TableSettings {
    /// Some tables have this value of a key.
    pub(crate) fn any(&self, key: &str, value: &str) -> bool {
        self.0
            .iter()
            .any(|scope| scope.settings.get(key) == Some(value))
    }

    /// Some tables have a value of a key.
    pub(crate) fn any_has(&self, key: &str) -> bool {
        let mut scopes = self.0.iter();
        scopes.any(|scope| scope.settings.get(key).is_some())
    }

    /// There are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Prefixed for TableSettings {
    const TYPE: &'static str = "settings";

    fn parse(settings: &Settings) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut scopes = Vec::new();
        let keys = [&COMMON_KEYS[..], &TABLE_KEYS].concat();
        for (pattern, settings) in by_name(settings, &keys, &mut faults) {
            check_values(&pattern, &settings, &mut faults);
            match Selection::parse(&pattern) {
                Ok(tables) => scopes.push(Scope {
                    pattern,
                    tables,
                    settings,
                }),
                Err(why) => faults.at(&pattern, why),
            }
        }
        // An exact name is more specific than a pattern, and a longer one than a shorter one.
        scopes.sort_by_key(|scope| {
            let exact = scope.tables.entries().iter().all(Entry::is_exact);
            (exact, scope.pattern.len())
        });
        if faults.is_empty() {
            Ok(Self(scopes))
        } else {
            Err(faults)
        }
    }

    fn show(&self) -> Settings {
        let named = |scope: &Scope| named(&scope.pattern, &scope.settings);
        self.0.iter().flat_map(named).collect()
    }
}

/// Settings as `<name>.<key>`.
pub(crate) fn named(name: &str, settings: &Settings) -> Vec<(String, String)> {
    let pairs = settings.iter();
    pairs
        .map(|(key, value)| (format!("{name}.{key}"), value.to_owned()))
        .collect()
}

/// Splits `<name>.<key>` at the longest of these keys.
pub(crate) fn by_name(
    settings: &Settings,
    keys: &[&str],
    faults: &mut Faults,
) -> BTreeMap<String, Settings> {
    let mut found: BTreeMap<String, Settings> = BTreeMap::new();
    for (given, value) in settings.iter() {
        let split = |key: &&str| {
            let name = given.strip_suffix(*key)?.strip_suffix('.')?;
            (!name.is_empty()).then(|| (name.to_owned(), (*key).to_owned()))
        };
        match keys
            .iter()
            .filter_map(split)
            .max_by_key(|(_, key)| key.len())
        {
            Some((name, key)) => found.entry(name).or_default().set(key, value),
            None => faults.at(given, unknown(given, keys)),
        }
    }
    found
}

/// The message for a key that ends with none of `keys`.
fn unknown(given: &str, keys: &[&str]) -> String {
    let ends = || given.match_indices('.').map(|(at, _)| &given[at + 1..]);
    let declared = |end: &&str| SourceConfig::definition().key(end).is_some();
    if let Some(end) = ends().find(declared) {
        return format!("`{end}` is a setting of the whole connector; set it there");
    }
    match ends().find_map(|end| nearest(end, keys.iter().copied())) {
        Some(near) => format!("unknown key; did you mean `{near}`?"),
        None => format!("ends with none of the keys {}", keys.join(", ")),
    }
}

/// Checks the values of settings, each by itself.
pub(crate) fn check_values(name: &str, settings: &Settings, faults: &mut Faults) {
    let mut reader = Reader::new(SourceConfig::definition(), settings);
    // Other keys are missing: what counts are the faults.
    drop(SourceConfig::read(&mut reader));
    for fault in reader.finish().iter() {
        if let Some(key) = fault.key.as_deref().filter(|k| settings.get(k).is_some()) {
            faults.at(format!("{name}.{key}"), &fault.message);
        }
    }
}

/// The settings of the connector with those of `layers` over them; settings of single tables and
/// queries, and what selects tables, are left out.
pub(crate) fn overlaid<'a>(
    base: &SourceConfig,
    layers: impl IntoIterator<Item = &'a Settings>,
) -> Settings {
    let mut settings: Settings = base
        .to_settings()
        .iter()
        .filter(|(key, _)| !(key.starts_with("tables.") || key.starts_with("queries.")))
        .collect();
    for key in [
        "table.whitelist",
        "table.blacklist",
        "table.include.list",
        "table.exclude.list",
        "task.tables",
        "query",
    ] {
        settings.remove(key);
    }
    for layer in layers {
        for keys in ALTERNATIVES {
            let is_set = |key: &&&str| layer.get(key).is_some();
            if let Some(own) = keys.iter().find(is_set) {
                let others = keys.iter().filter(|key| *key != own);
                others.for_each(|key| drop(settings.remove(key)));
            }
        }
        for (key, value) in layer.iter() {
            let before = settings.get(key).filter(|list| !list.is_empty());
            let before = before.filter(|_| ADDED.contains(&key));
            let value = before.map_or(value.to_owned(), |list| format!("{list},{value}"));
            settings.set(key, value);
        }
    }
    settings
}

/// The settings in force for each table. Tables with the same settings share them.
pub(crate) struct TableConfigs {
    base: Arc<SourceConfig>,
    by_scopes: HashMap<Vec<usize>, Result<Arc<SourceConfig>, Faults>>,
    used: BTreeSet<usize>,
}

impl TableConfigs {
    pub(crate) fn new(base: &SourceConfig) -> Self {
        Self {
            base: Arc::new(base.clone()),
            by_scopes: HashMap::new(),
            used: BTreeSet::new(),
        }
    }

    /// Those of the connector.
    pub(crate) fn base(&self) -> &Arc<SourceConfig> {
        &self.base
    }

    /// The topic of a table, and whether other tables may have it too.
    pub(crate) fn topic_of(&mut self, table: &TableName) -> (String, bool) {
        let config = self.of(table).unwrap_or_else(|_| self.base.clone());
        // Tables of one connection have the same catalog.
        let named = Named {
            catalog: Some(""),
            schema: table.schema.as_deref(),
            table: &table.name,
        };
        match config.topic_of_table(&named) {
            Ok(topic) => (topic.name, topic.is_shared),
            Err(_) => (table.to_string(), false),
        }
    }

    /// The settings in force for `table`.
    ///
    /// # Errors
    /// Settings that cannot be combined.
    pub(crate) fn of(&mut self, table: &TableName) -> Result<Arc<SourceConfig>, Faults> {
        let all = &self.base.table_settings.0;
        // What a table needs is not checked for all of them where queries have settings of their own.
        if all.is_empty() && self.base.queries.is_empty() {
            return Ok(self.base.clone());
        }
        let holds = |i: &usize| all[*i].tables.holds(table);
        let scopes: Vec<usize> = (0..all.len()).filter(holds).collect();
        self.used.extend(&scopes);
        let config = self.by_scopes.entry(scopes).or_insert_with_key(|scopes| {
            let layers = scopes.iter().map(|i| &all[*i].settings);
            let mut settings = overlaid(&self.base, layers);
            settings.set("table.whitelist", "*");
            SourceConfig::from_settings(&settings).map(Arc::new)
        });
        config.clone().map_err(|faults| {
            let mut of_table = Faults::default();
            for fault in faults.iter() {
                let key = fault.key.clone().unwrap_or_default();
                of_table.at(key, format!("table {table}: {}", fault.message));
            }
            of_table
        })
    }

    /// Patterns that none of the tables had.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &str> {
        let scopes = self.base.table_settings.0.iter().enumerate();
        let unused = scopes.filter(|(i, _)| !self.used.contains(i));
        unused.map(|(_, scope)| scope.pattern.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::Named;

    const BASE: [(&str, &str); 4] = [
        ("connection.url", "sqlite:x"),
        ("table.whitelist", "*"),
        ("mode", "incrementing"),
        ("topic.prefix", "shop-"),
    ];

    fn config(more: &[(&str, &str)]) -> Result<SourceConfig, Faults> {
        SourceConfig::from_settings(&BASE.iter().chain(more).copied().collect())
    }

    fn of(config: &SourceConfig, table: &str) -> Result<Arc<SourceConfig>, Faults> {
        TableConfigs::new(config).of(&TableName::parse(table).unwrap())
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let base = config(&[
            ("tables.*.poll.interval.ms", "1"),
            ("tables.orders.poll.interval.ms", "4"),
            ("tables.order*.poll.interval.ms", "3"),
            ("tables.o*.poll.interval.ms", "2"),
            ("tables.o*.batch.max.rows", "7"),
            ("tables.shop.orders.delete.column.name", "gone"),
        ])
        .unwrap();
        let again = SourceConfig::from_settings(&base.to_settings()).unwrap();
        for base in [base, again] {
            for (table, millis, rows) in [
                ("items", 1, 5_000),
                ("offers", 2, 7),
                ("order_items", 3, 7),
                ("public.orders", 4, 7),
            ] {
                let config = of(&base, table).unwrap();
                assert_eq!(config.poll_interval.0.as_millis(), millis, "{table}");
                assert_eq!(config.max_rows.get(), rows, "{table}");
                assert_eq!(config.delete_column.0, None, "{table}");
            }
            let config = of(&base, "shop.orders").unwrap();
            assert_eq!(config.poll_interval.0.as_millis(), 4);
            assert_eq!(config.delete_column.0.as_deref(), Some("gone"));
        }
    }

    #[test]
    fn one_topic_of_a_table_takes_the_place_of_the_prefix() {
        let base = config(&[("tables.orders.connect.topicname", "all")]).unwrap();
        for (table, expected) in [("orders", "all"), ("items", "shop-items")] {
            let named = Named {
                catalog: None,
                schema: None,
                table,
            };
            let config = of(&base, table).unwrap();
            let topic = config.topic_of_table(&named).map(|topic| topic.name);
            assert_eq!(topic.unwrap(), expected);
        }
    }

    #[test]
    fn masks_and_excluded_columns_of_a_table_are_added_to_those_of_the_connector() {
        let base = config(&[
            ("column.mask.null", "a"),
            ("column.exclude.list", "x"),
            ("tables.order*.column.mask.null", "b"),
            ("tables.orders.column.mask.null", "c"),
            ("tables.orders.column.include.list", "d"),
            ("tables.items.column.exclude.list", "y"),
        ])
        .unwrap();
        for (table, masked, included, excluded) in [
            ("orders", "a,b,c", "d", ""),
            ("order_items", "a,b", "", "x"),
            ("items", "a", "", "x,y"),
        ] {
            let config = of(&base, table).unwrap();
            assert_eq!(config.nulled.show(), masked, "{table}");
            assert_eq!(config.columns.show(), included, "{table}");
            assert_eq!(config.excluded_columns.show(), excluded, "{table}");
        }
    }

    #[test]
    fn a_key_that_a_table_cannot_have_is_named_with_advice() {
        for (key, advice) in [
            ("tables.public.orders.mod", "did you mean `mode`?"),
            (
                "tables.orders.batch.max.row",
                "did you mean `batch.max.rows`?",
            ),
            (
                "tables.orders.connection.url",
                "`connection.url` is a setting of the whole connector",
            ),
            ("tables.orders.color", "ends with none of the keys mode, "),
            ("tables.orders.batch.max.rows", "`x` is not a number"),
            ("tables.a.b.c.mode", "more parts"),
        ] {
            let faults = config(&[(key, "x")]).unwrap_err().to_string();
            let named = key.rsplit_once('.').unwrap().0;
            assert!(faults.starts_with(&format!("`{named}")), "{faults}");
            assert!(faults.contains(advice), "{faults}");
        }
    }

    #[test]
    fn settings_are_checked_together_per_table() {
        let base = config(&[
            ("mode", "timestamp"),
            ("tables.orders.timestamp.column.name", "at"),
        ])
        .unwrap();
        assert!(of(&base, "orders").is_ok());
        let faults = of(&base, "items").unwrap_err().to_string();
        assert_eq!(
            faults,
            "`timestamp.column.name`: table items: is required in mode timestamp"
        );
        // Those of queries say nothing of tables.
        let base = config(&[
            ("mode", "timestamp"),
            ("queries.daily.sql", "SELECT 1 AS a"),
            ("queries.daily.mode", "bulk"),
        ]);
        let faults = of(&base.unwrap(), "items").unwrap_err().to_string();
        assert!(
            faults.contains("table items: is required in mode"),
            "{faults}"
        );
    }

    #[test]
    fn a_mode_is_required_of_each_table_that_has_none() {
        let without_mode = |more: &[(&str, &str)]| {
            let base = BASE.iter().filter(|(key, _)| *key != "mode");
            SourceConfig::from_settings(&base.chain(more).copied().collect())
        };
        let base = without_mode(&[("tables.order*.mode", "bulk")]).unwrap();
        let base = SourceConfig::from_settings(&base.to_settings()).unwrap();
        assert!(of(&base, "orders").unwrap().mode == Some(crate::Mode::Bulk));
        let why = "is required for every table and query: one of bulk, incrementing, timestamp, \
                   timestamp+incrementing";
        for table in ["items", "shop.items"] {
            let faults = of(&base, table).unwrap_err().to_string();
            assert_eq!(faults, format!("`mode`: table {table}: {why}"));
        }
        for nobody_has_one in [&[][..], &[("tables.orders.batch.max.rows", "7")]] {
            let faults = without_mode(nobody_has_one).unwrap_err().to_string();
            assert_eq!(faults, format!("`mode`: {why}"));
        }
        let query = [
            ("queries.daily.sql", "SELECT 1 AS a"),
            ("queries.daily.mode", "bulk"),
        ];
        let base = without_mode(&query).unwrap();
        let faults = of(&base, "items").unwrap_err().to_string();
        assert_eq!(faults, format!("`mode`: table items: {why}"));
        let another = ("queries.new.sql", "SELECT 2 AS b");
        let faults = without_mode(&[query[0], query[1], another]).unwrap_err();
        assert_eq!(faults.to_string(), format!("`queries.new.mode`: {why}"));
    }

    #[test]
    fn patterns_without_tables_are_known() {
        let base = config(&[("tables.a*.mode", "bulk"), ("tables.b*.mode", "bulk")]).unwrap();
        let mut configs = TableConfigs::new(&base);
        let config = configs.of(&TableName::new("a1")).unwrap();
        assert!(Arc::ptr_eq(
            &config,
            &configs.of(&TableName::new("a2")).unwrap()
        ));
        assert_eq!(configs.unused().collect::<Vec<_>>(), ["b*"]);
    }
}
