//! Settings of the source.
use crate::table_types::TableTypes;
use connect_api::{
    config::{Faults, List, Millis, Setting},
    settings,
};
use dialect_core::{ConnectionConfig, OpenOptions, Selection, SessionConfig, Zone};
use std::num::{NonZeroU32, NonZeroUsize};

connect_api::choice! {
    /// How tables are read.
    pub enum Mode {
        /// Each table whole, again and again.
        Bulk = "bulk",
        /// New rows, by a column that grows.
        Incrementing = "incrementing",
        /// New and changed rows, by the time of their last change.
        Timestamp = "timestamp",
        /// New and changed rows, by time and, within one time, by a column that grows.
        TimestampIncrementing = "timestamp+incrementing",
    }
}

/// A name that may be empty, which stands for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalName(pub Option<String>);

impl Setting for OptionalName {
    const TYPE: &'static str = "text";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self((!text.is_empty()).then(|| text.to_owned())))
    }

    fn show(&self) -> String {
        self.0.clone().unwrap_or_default()
    }
}

settings! {
    /// Settings of the JDBC source: tables to records.
    pub struct SourceConfig {
        include connection: ConnectionConfig;
        /// `bulk`: every table whole, at each poll interval. `incrementing`: new rows, by a column
        /// that only grows. `timestamp`: new and changed rows, by the time of their last change.
        /// `timestamp+incrementing`: both, for tables where many rows share one time.
        "mode": mode: Mode, required, High;
        /// The column that only grows, in the two incrementing modes. Left empty: the column of
        /// each table that the database counts up.
        "incrementing.column.name": incrementing: OptionalName, default "", Medium;
        /// The columns that hold the time of a row's last change; the first that is not NULL
        /// counts. Needed in the two timestamp modes. In every mode it is the rows' event time.
        "timestamp.column.name": timestamps: List, default "", Medium;
        /// Where the timestamp modes begin in a table that was not read before: milliseconds since
        /// 1970-01-01 (may be negative), or -1 for the database's present time. Left out: with the
        /// first row.
        "timestamp.initial": timestamp_initial: i64, optional, Low;
        /// Rows are read only once their time lies so far back, so that transactions that commit
        /// late are not overtaken.
        "timestamp.delay.interval.ms": timestamp_delay: Millis, default "0", Medium;
        /// The time zone whose clocks wrote the columns of timestamps that have none, such as
        /// `Asia/Shanghai`, `UTC` or `+08:00`. Their values are sent as instants then, and the
        /// timestamp modes take the present time by these clocks. A time that the clocks never
        /// showed, when they are put forward, is an error of its row; of an hour that they show
        /// twice, when they are put back, the later is sent, and rows wait until it is over. Left
        /// out: values are sent as they stand, and the present time is that of the database's own
        /// zone, where it tells one. Dates, times of day and lists are sent as they stand.
        "db.timezone": timezone: Zone, optional, Medium;
        /// Refuse tables whose incrementing column, or all of whose timestamp columns, can be NULL.
        /// With `false` such tables are read without the rows that hold NULL there; how many they
        /// are is logged. A `query` is always read so.
        "validate.non.null": validate_non_null: bool, default "true", Low;
        /// The tables: `table` or `schema.table`, separated by commas. `*` in the name of a table
        /// stands for any characters. A name with dots, commas or stars goes into double quotes.
        /// Give this or `query`.
        "table.whitelist": tables: Selection, default "", High;
        /// Schema of the tables in `table.whitelist` that name none; where it is left out, the
        /// one that the session has. A name, not a pattern.
        "schema.pattern": schema: OptionalName, default "", Low;
        /// The same, for databases whose schemas are called catalogs, as MySQL's are. Give one of
        /// the two.
        "catalog.pattern": catalog: OptionalName, default "", Low;
        /// Tables to leave out, written in the same way.
        "table.blacklist": excluded: Selection, default "", Low;
        /// What may be read: TABLE (partitioned ones included), VIEW, PARTITIONED TABLE,
        /// MATERIALIZED VIEW, FOREIGN TABLE; several separated by commas.
        "table.types": table_types: TableTypes, default "TABLE", Low;
        /// Read what this SELECT gives instead of tables, by one task. It stands as a subquery, so
        /// it may have conditions, groups and joins of its own; every column needs a name.
        /// Its rows may share a number or a time: a page ends where the next one begins.
        "query": query: OptionalName, default "", Medium;
        /// Text that every query ends with, after its conditions, order and limit, such as
        /// `FOR SHARE` or `OPTION (MAXDOP 1)`.
        "query.suffix": query_suffix: OptionalName, default "", Low;
        /// The rows of a table go to the topic of this name and the table's after it; those of
        /// `query` to the topic of this very name. Give this or `connect.topicname`.
        "topic.prefix": topic_prefix: OptionalName, optional, High;
        /// The one topic for the rows of all tables. Give this or `topic.prefix`.
        "connect.topicname": topic: String, optional, High;
        /// Pause between two looks at a table that had nothing new; in bulk mode, from the end of
        /// one reading to the start of the next.
        "poll.interval.ms": poll_interval: Millis, default "5000", Medium;
        /// The most rows that are read at once.
        "batch.max.rows": max_rows: NonZeroU32, default "5000", Medium;
        /// The most bytes that are read at once; one row is read however large it is.
        "batch.max.bytes": max_bytes: NonZeroUsize, default "8388608", Low;
        /// Part of the name under which positions are stored: another suffix reads from the
        /// beginning again. A changed `query` goes on where the one before it stood.
        "offset.suffix": offset_suffix: OptionalName, default "", Low;
        /// A column that marks deleted rows (a boolean or number that is true or not zero, a date
        /// or time that is not NULL): such rows are sent as deletes, with their key alone.
        "delete.column.name": delete_column: OptionalName, default "", Low;
        /// The session may not write, whatever its user is allowed.
        "connection.read.only": read_only: bool, default "false", Low;
        then include session: SessionConfig;
    }
    check SourceConfig::check_together
}

impl SourceConfig {
    fn check_together(&self, faults: &mut Faults) {
        match (&self.topic_prefix, &self.topic) {
            (None, None) => faults.at(
                "topic.prefix",
                "set it, or `connect.topicname`: the rows need a topic",
            ),
            (Some(_), Some(_)) => {
                faults.at("topic.prefix", "give this or `connect.topicname`, not both")
            }
            _ => {}
        }
        match &self.query.0 {
            None if self.tables.is_empty() => {
                faults.at("table.whitelist", "names no table; give some, or a `query`")
            }
            None => {}
            Some(_) => self.check_query(faults),
        }
        for (key, OptionalName(pattern)) in [
            ("schema.pattern", &self.schema),
            ("catalog.pattern", &self.catalog),
        ] {
            if pattern.as_ref().is_some_and(|p| p.contains('%')) {
                faults.at(
                    key,
                    "is the name of a schema, not a pattern; name tables of several schemas in \
                     `table.whitelist`, as schema.table",
                );
            }
        }
        if self.schema.0.is_some() && self.catalog.0.is_some() && self.schema != self.catalog {
            faults.at(
                "catalog.pattern",
                "names another schema than `schema.pattern`; give one of the two",
            );
        }
        let mode = self.mode.show();
        if self.uses_timestamps() && self.timestamps.0.is_empty() {
            faults.at(
                "timestamp.column.name",
                format!("is required in mode {mode}"),
            );
        }
    }

    /// Settings that have no effect beside the others: the Java original takes them without a
    /// word.
    pub(crate) fn ineffective(&self) -> Vec<String> {
        let (of_times, grows) = (self.uses_timestamps(), self.uses_incrementing());
        let initial = !of_times && self.timestamp_initial.is_some();
        let delayed = !of_times && !self.timestamp_delay.0.is_zero();
        let incrementing = !grows && self.incrementing.0.is_some();
        let mode = self.mode.show();
        [
            (initial, "timestamp.initial"),
            (delayed, "timestamp.delay.interval.ms"),
            (incrementing, "incrementing.column.name"),
        ]
        .into_iter()
        .filter(|(ineffective, _)| *ineffective)
        .map(|(_, key)| format!("`{key}` has no effect in mode {mode}"))
        .collect()
    }

    /// What becomes of rows of transactions that commit late, where several can write at once.
    pub(crate) fn late_commit_warning(&self) -> Option<String> {
        if self.uses_timestamps() {
            let advice =
                "`timestamp.delay.interval.ms`, as long as the longest transaction, keeps them";
            return self.timestamp_delay.0.is_zero().then(|| {
                format!("a row that commits after one with a later time was read is passed over; {advice}")
            });
        }
        let advice =
            "`mode`=`timestamp+incrementing` with `timestamp.delay.interval.ms` keeps them";
        self.uses_incrementing().then(|| {
            format!(
                "a row that commits after one with a higher value was read is passed over; {advice}"
            )
        })
    }

    /// What does not go together with `query`.
    fn check_query(&self, faults: &mut Faults) {
        for (key, tables) in [
            ("table.whitelist", &self.tables),
            ("table.blacklist", &self.excluded),
        ] {
            if !tables.is_empty() {
                faults.at(key, "has no effect with `query`; give one of the two");
            }
        }
        if matches!(self.topic_prefix, Some(OptionalName(None))) {
            faults.at(
                "topic.prefix",
                "is the name of the topic with `query`, and is empty",
            );
        }
        if self.uses_incrementing() && self.incrementing.0.is_none() {
            faults.at(
                "incrementing.column.name",
                "is required with `query`: it does not tell which column the database counts up",
            );
        }
    }

    /// The schema of tables that name none, where the settings say it.
    pub(crate) fn default_schema(&self) -> Option<&str> {
        self.schema.0.as_deref().or(self.catalog.0.as_deref())
    }

    /// Pages are ordered by time.
    pub(crate) fn uses_timestamps(&self) -> bool {
        match self.mode {
            Mode::Timestamp | Mode::TimestampIncrementing => true,
            Mode::Bulk | Mode::Incrementing => false,
        }
    }

    /// Pages are ordered by a column that grows.
    pub(crate) fn uses_incrementing(&self) -> bool {
        match self.mode {
            Mode::Incrementing | Mode::TimestampIncrementing => true,
            Mode::Bulk | Mode::Timestamp => false,
        }
    }

    pub(crate) fn open_options(&self) -> OpenOptions {
        OpenOptions {
            read_only: self.read_only,
            ..self.connection.open_options(&self.session)
        }
    }

    /// The topic of a table's rows.
    pub(crate) fn topic_of(&self, table: &str) -> String {
        match (&self.topic, &self.topic_prefix) {
            (Some(topic), _) => topic.clone(),
            // As in the original, it is the whole name.
            (None, Some(OptionalName(Some(topic)))) if self.query.0.is_some() => topic.clone(),
            (None, Some(OptionalName(Some(prefix)))) => format!("{prefix}{table}"),
            (None, _) => table.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::{Config as _, Settings};
    use dialect_core::{SqliteDates, TlsMode};

    fn config(pairs: &[(&str, &str)]) -> Result<SourceConfig, Faults> {
        let mut settings =
            Settings::from_iter([("connection.url", "sqlite:x"), ("topic.prefix", "shop-")]);
        pairs.iter().for_each(|(k, v)| settings.set(*k, *v));
        SourceConfig::from_settings(&settings)
    }

    fn told(pairs: &[(&str, &str)]) -> Vec<String> {
        let faults = config(pairs).unwrap_err();
        let keys: Vec<_> = faults.iter().filter_map(|f| f.key.clone()).collect();
        keys
    }

    #[test]
    fn options_of_the_session_reach_the_database() {
        let config = config(&[
            ("mode", "bulk"),
            ("table.whitelist", "t"),
            ("connection.user", "ada"),
            ("connection.read.only", "true"),
            ("connection.session", "work_mem=64MB"),
            ("statement.timeout.ms", "7"),
            ("tls.mode", "verify-ca"),
            ("sqlite.dates", "unix"),
        ])
        .unwrap();
        let options = config.open_options();
        assert!(options.read_only);
        assert_eq!(options.user.as_deref(), Some("ada"));
        assert_eq!(options.session.len(), 1);
        assert_eq!(options.statement_timeout.map(|t| t.as_millis()), Some(7));
        assert_eq!(options.tls.mode, Some(TlsMode::VerifyCa));
        assert_eq!(options.values.sqlite_dates, SqliteDates::Unix);
        let again = SourceConfig::from_settings(&config.to_settings()).unwrap();
        assert_eq!(
            format!("{:?}", again.open_options()),
            format!("{options:?}")
        );
    }

    #[test]
    fn settings_without_effect_in_the_mode_are_noted() {
        let table = ("table.whitelist", "t");
        let ineffective = |pairs: &[(&str, &str)]| config(pairs).unwrap().ineffective();
        assert_eq!(
            ineffective(&[
                table,
                ("mode", "incrementing"),
                ("timestamp.initial", "-1"),
                ("timestamp.delay.interval.ms", "5"),
                ("incrementing.column.name", "id"),
            ]),
            [
                "`timestamp.initial` has no effect in mode incrementing",
                "`timestamp.delay.interval.ms` has no effect in mode incrementing"
            ]
        );
        let column = ("incrementing.column.name", "id");
        assert_eq!(
            ineffective(&[table, ("mode", "bulk"), column]),
            ["`incrementing.column.name` has no effect in mode bulk"]
        );
    }

    #[test]
    fn a_mode_that_passes_over_late_commits_says_so() {
        let of = |pairs: &[(&str, &str)]| {
            let table = [("table.whitelist", "t")];
            config(&[&table, pairs].concat())
                .unwrap()
                .late_commit_warning()
        };
        let time = ("timestamp.column.name", "at");
        let delay = ("timestamp.delay.interval.ms", "5000");
        let advised =
            |note: Option<String>| note.unwrap().contains("`timestamp.delay.interval.ms`");
        assert!(advised(of(&[("mode", "incrementing")])));
        for mode in ["timestamp", "timestamp+incrementing"] {
            assert!(advised(of(&[("mode", mode), time])), "{mode}");
            assert_eq!(of(&[("mode", mode), time, delay]), None);
        }
        assert_eq!(of(&[("mode", "bulk")]), None);
    }

    #[test]
    fn a_schema_for_tables_without_one_is_a_name() {
        let given = [("table.whitelist", "t"), ("mode", "bulk")];
        let with = |more: &[(&'static str, &'static str)]| [&given, more].concat();
        let config = config(&with(&[("catalog.pattern", "shop")])).unwrap();
        assert_eq!(config.default_schema(), Some("shop"));
        assert_eq!(
            told(&with(&[("schema.pattern", "sh%")])),
            ["schema.pattern"]
        );
        let two = [("schema.pattern", "a"), ("catalog.pattern", "b")];
        assert_eq!(told(&with(&two)), ["catalog.pattern"]);
    }

    #[test]
    fn a_query_is_read_instead_of_tables() {
        let query = ("query", "SELECT 1 AS a");
        let config = config(&[query, ("mode", "bulk")]).unwrap();
        assert_eq!(config.topic_of("whatever"), "shop-");
        assert_eq!(told(&[("mode", "bulk")]), ["table.whitelist"]);
        assert_eq!(
            told(&[
                query,
                ("mode", "timestamp"),
                ("timestamp.column.name", "t"),
                ("table.whitelist", "t"),
                ("topic.prefix", ""),
            ]),
            ["table.whitelist", "topic.prefix"]
        );
        assert_eq!(
            told(&[query, ("mode", "incrementing")]),
            ["incrementing.column.name"]
        );
    }
}
