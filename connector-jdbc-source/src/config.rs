//! Settings of the source.
use crate::{
    column_list::{ColumnLengths, ColumnList, ColumnNames, ColumnTexts},
    deletes::Deletes,
    key_template::ColumnTemplate,
    queries::Queries,
    table_patterns::TablePatterns,
    table_settings::TableSettings,
    table_types::TableTypes,
    task_share::TaskShare,
    topics::{ExtraProperties, Template, TopicMap},
};
use connect_api::{
    config::{Faults, List, Millis, Secret, Setting},
    settings,
};
use dialect_core::{
    ConnectionConfig, Entry, OpenOptions, Selection, SessionConfig, TableName, Zone, is_pattern,
};
use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

/// Longer than most transactions.
const GAP_WINDOW: Duration = Duration::from_secs(10);

connect_api::choice! {
    /// How tables are read.
    pub enum Mode {
        /// Whole tables, repeatedly.
        Bulk = "bulk",
        /// New rows, by a strictly increasing column.
        Incrementing = "incrementing",
        /// New and changed rows, by the time of their last change.
        Timestamp = "timestamp",
        /// New and changed rows, by time and, for equal times, by a strictly increasing column.
        TimestampIncrementing = "timestamp+incrementing",
    }
}

connect_api::choice! {
    /// What is read of a table without a stored position.
    pub enum SnapshotMode {
        /// Its existing rows, and then new ones.
        Initial = "initial",
        /// New rows only.
        Never = "never",
        /// Its existing rows only.
        Only = "only",
        /// As `initial`; a stored position that does not match is given up.
        WhenNeeded = "when_needed",
    }
}

/// An optional name; empty means none.
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
        /// `bulk`: reads whole tables at each poll interval. `incrementing`: reads new rows, by a
        /// strictly increasing column. `timestamp`: reads new and changed rows, by the time of
        /// their last change. `timestamp+incrementing`: combines both, for tables where many rows
        /// have equal timestamps. Required, unless every table and query has its own.
        "mode": mode: Mode, optional, High;
        /// The strictly increasing column of the two incrementing modes. Empty: the auto-increment
        /// column of each table.
        "incrementing.column.name": incrementing: OptionalName, default "", Medium;
        /// Where mode `incrementing` starts if a table has no stored position: after this number. Not
        /// set: at the first row.
        "incrementing.initial": incrementing_initial: i64, optional, Low;
        /// The columns with the time of a row's last change; the first that is not NULL is used.
        /// Required in the two timestamp modes. In every mode they set the event time of the
        /// records.
        "timestamp.column.name": timestamps: List, default "", Medium;
        /// Where the timestamp modes start if a table has no stored position: milliseconds since
        /// 1970-01-01 (may be negative), or -1 for the database's current time. Not set: at the
        /// first row.
        "timestamp.initial": timestamp_initial: i64, optional, Low;
        /// Rows are read only once their timestamp is this old, so that rows of transactions that
        /// commit late are not missed.
        "timestamp.delay.interval.ms": timestamp_delay: Millis, default "0", Medium;
        /// Delivers rows of transactions that commit late: rows that were read are checked for others
        /// between them until every transaction has ended that could add one. Until then the stored
        /// position is held back, and a restart sends them again. PostgreSQL, MySQL (with the privilege
        /// PROCESS) and SQL Server (for a `rowversion` column) report running transactions; for other
        /// databases and columns, see `gap.window.ms`. If `false`, such rows are missed. No effect in
        /// bulk mode, and on databases with one writer at a time, such as SQLite.
        "gap.safe": gap_safe: bool, default "true", Medium;
        /// How long rows are at least checked for late ones. Numbers and timestamps that are taken
        /// outside of the transaction that writes them need it. Not set: 0 where the database reports
        /// running transactions, else 10000; longer transactions are missed there.
        "gap.window.ms": gap_window: Millis, optional, Low;
        /// What is read of a table that has no stored position. `initial`: its existing rows, and then
        /// new ones. `never`: rows that are written from the start of the task on; rows of
        /// transactions that are open at that time may be left out. `only`: its existing rows; the
        /// task ends after them, and reads nothing when it is started again. `when_needed`: as
        /// `initial`, and a table whose stored position does not match the mode or its columns is
        /// read from the beginning again, which is logged; otherwise that is an error.
        "snapshot.mode": snapshot_mode: SnapshotMode, default "initial", Medium;
        /// The number of connections over which a large table is read until the end is reached, each
        /// reading a range of its keys. Not for a `query`, and not for tables where several rows may
        /// have one message key, whose order would change.
        "snapshot.max.threads": snapshot_threads: NonZeroU32, default "2", Medium;
        /// A table is large if its end is not reached after this number of rows.
        "snapshot.parallel.min.rows": snapshot_rows: NonZeroU32, default "100000", Low;
        /// A table in which rows can be inserted to ask for something while the task runs, in the form
        /// of Debezium's signalling table: `id` (an auto-increment number and the primary key), `type`
        /// and `data` (text). The type `execute-snapshot` reads tables again from their beginning,
        /// while others go on; its data is `{"data-collections": ["schema.table"]}`. The table is
        /// read every `poll.interval.ms`.
        "signal.data.collection": signal_table: Selection, default "", Low;
        /// The time zone of timestamp columns without time zone, such as `Asia/Shanghai`, `UTC` or
        /// `+08:00`. If set, their values are sent as instants, and the timestamp modes compare
        /// them with the current time in this zone. A local time that does not exist, because
        /// clocks were set forward, is an error of its row. For an ambiguous local time, in the
        /// hour that occurs twice when clocks are set back, the later instant is sent, and rows of
        /// that hour are read after it is over. Not set: values are sent without conversion, and
        /// the current time is taken in the database's time zone, if the database reports it.
        /// Dates, times of day and lists are never converted.
        "db.timezone": timezone: Zone, optional, Medium;
        /// Fails if the incrementing column, or every timestamp column, of a table is nullable. If
        /// `false`, rows with NULL there are skipped, and their number is logged. A `query` is
        /// always read like this.
        "validate.non.null": validate_non_null: bool, default "true", Low;
        /// The tables to read: `table` or `schema.table`, separated by commas. `*` and `%` match any
        /// characters, in names of tables and of schemas. Names with dots, commas, asterisks or percent
        /// signs need double quotes. Set this or `query`.
        "table.whitelist": tables: Selection, default "", High;
        /// The schema of tables in `table.whitelist` that name none, or a pattern of schemas, in which `*`
        /// and `%` match any characters: tables of each of them are read. Tables of one name in several
        /// schemas need topics of their own, see `topic.name.format`. Not set: the current schema of
        /// the session.
        "schema.pattern": schema: OptionalName, default "", Low;
        /// The same, for databases whose schemas are called catalogs, such as MySQL. Set only one
        /// of the two.
        "catalog.pattern": catalog: OptionalName, default "", Low;
        /// The tables to exclude, in the same syntax.
        "table.blacklist": excluded: Selection, default "", Low;
        /// The table types to read: TABLE (includes partitioned tables), VIEW, PARTITIONED TABLE,
        /// MATERIALIZED VIEW, FOREIGN TABLE; separated by commas.
        "table.types": table_types: TableTypes, default "TABLE", Low;
        /// The tables to read, as regular expressions separated by commas, instead of
        /// `table.whitelist`. Each matches the whole of `schema.table`, or `database.table` where
        /// schemas are databases; tables of all schemas are looked at.
        "table.include.list": included: TablePatterns, default "", Medium;
        /// The tables to exclude, in the same syntax.
        "table.exclude.list": excluded_patterns: TablePatterns, default "", Low;
        /// How often the catalog is asked for tables that were created, dropped or renamed, while the
        /// others are read. A new table that a pattern matches is read from its first row. Tables that
        /// failed are tried again at the latest after this time. 0: tables are looked for at the start
        /// only, and a pattern that matches none is an error.
        "table.poll.interval.ms": table_poll_interval: Millis, default "60000", Medium;
        /// Set by the connector for its tasks: which tables each of them reads. Not for
        /// configurations.
        "task.tables": share: TaskShare, default "", Low;
        /// A SELECT statement to read instead of tables, in one task. It is used as a subquery, so
        /// it may have conditions, groups and joins of its own; every column needs a name. Several
        /// of its rows may have the same number or timestamp.
        "query": query: OptionalName, default "", Medium;
        /// Text appended to every statement, after its conditions, order and limit, such as `FOR
        /// SHARE` or `OPTION (MAXDOP 1)`.
        "query.suffix": query_suffix: OptionalName, default "", Low;
        /// The columns to read and send, separated by commas; not set: all. `column` is a column of any
        /// table, `table.column` or `schema.table.column` of one; `*` matches any characters. Tables
        /// that none of the entries means keep all columns. Columns of the message key must be sent.
        "column.include.list": columns: ColumnList, default "", Medium;
        /// The columns to leave out, in the same syntax. They are not read from the database, except
        /// for columns of the mode and of keys, which are read and not sent. Columns that are added to
        /// a table later are left out if they match.
        "column.exclude.list": excluded_columns: ColumnList, default "", Medium;
        /// New names of columns, `column:name`, separated by commas. All other settings use the names
        /// of the database.
        "column.rename": renamed: ColumnNames, default "", Low;
        /// Columns whose values are replaced by their HMAC-SHA256 with `column.mask.hash.salt`, in
        /// hexadecimal digits: equal values stay equal, in all tables. For texts, bytes, integers and
        /// UUIDs. NULL stays NULL.
        "column.mask.hash": hashed: ColumnList, default "", Low;
        /// The secret of `column.mask.hash`. Without it, hashes of short values could be guessed.
        "column.mask.hash.salt": salt: Secret, optional, Low;
        /// Columns whose values are replaced by a constant, `column:text`, separated by commas. For texts,
        /// integers and booleans. NULL is replaced too.
        "column.mask.constant": constants: ColumnTexts, default "", Low;
        /// Columns of texts and bytes of which a number of characters or bytes is sent,
        /// `column:length`, separated by commas.
        "column.mask.truncate": truncated: ColumnLengths, default "", Low;
        /// Columns whose values are replaced by NULL.
        "column.mask.null": nulled: ColumnList, default "", Low;
        /// A condition in SQL: only rows that meet it are read. A row that is changed so that it no
        /// longer meets it is not seen any more.
        "where": filter: OptionalName, default "", Medium;
        /// The columns of the message key, separated by commas, for tables, views and queries. Not set:
        /// the primary key, or without one the incrementing column. Rows with the same key keep their
        /// order.
        "message.key.columns": message_key: List, default "", Medium;
        /// What messages have as their key, by which they are looked up: a text with `${column}` for
        /// values of columns, and `$$` for a dollar sign. Names with `}` need double quotes. RocketMQ
        /// takes a key with blanks for several keys. Queues and order still follow the columns of the
        /// message key, and deletes have those as their key, which sinks read. NULL in one of the
        /// columns is an error of the row.
        "message.key.template": key_template: ColumnTemplate, default "", Low;
        /// Settings of single tables: `tables.<table>.<key>`, or a table `[tables."<table>"]` in
        /// TOML, where `<table>` is written as in `table.whitelist`. If a table matches several, all
        /// apply, the most specific last: an exact name after a pattern, a longer one after a
        /// shorter one. Keys: see docs/jdbc-source.md.
        "tables.*": table_settings: TableSettings, prefix, Medium;
        /// Queries to read instead of, or in addition to, tables, each with its own id, mode,
        /// position and topic: `queries.<id>.sql`, or a table `[queries.<id>]` in TOML. The default
        /// topic is `topic.prefix` and the id. Each is read by one task. Keys: see
        /// docs/jdbc-source.md.
        "queries.*": queries: Queries, prefix, Medium;
        /// The prefix of topic names: the rows of a table go to the topic named by the prefix and
        /// the table. With `query`, this is the topic name. Set this or `connect.topicname`.
        "topic.prefix": topic_prefix: OptionalName, optional, High;
        /// One topic for the rows of all tables. Set this or `topic.prefix`.
        "connect.topicname": topic: String, optional, High;
        /// The topic of each table: a text with `${catalog}`, `${schema}` and `${table}`. `${catalog}` is
        /// the database of the session in PostgreSQL and SQL Server, and the same as `${schema}` in
        /// MySQL. For queries, `${table}` is the id.
        "topic.name.format": topic_format: Template, default "", Medium;
        /// Topics of some tables, `pattern -> topic`, separated by commas: the first regular expression
        /// that matches all of `schema.table`, or of `table`, gives the topic, which may contain its
        /// groups (`$1`, `$name`) and the placeholders of `topic.name.format`. A topic without these is
        /// one for all tables that match. Other tables have the topic that the other settings say.
        "topic.map": topic_map: TopicMap, default "", Low;
        /// The tag of messages, by which consumers filter: a text with the placeholders of
        /// `topic.name.format`.
        "message.tag": tag: Template, default "", Low;
        /// Properties that messages have in addition to operation, event time, source schema and source
        /// table: `database` (connect-ext-__source_catalog), `schema.version`
        /// (connect-ext-__schema_version, the same for rows of the same columns) and `position`
        /// (connect-ext-__source_position, the stored position after the page, as JSON).
        "message.properties": extra_properties: ExtraProperties, default "", Low;
        /// The pause between two polls of a table that had no new rows; in bulk mode, from the end
        /// of one read to the start of the next.
        "poll.interval.ms": poll_interval: Millis, default "5000", Medium;
        /// The pause after a poll that found rows, where it is shorter than `poll.interval.ms`: it is
        /// doubled with each poll that finds none, up to `poll.interval.ms`. Rows that follow
        /// others are sent sooner, at the cost of more statements on tables that change often. Not
        /// set: `poll.interval.ms`. No effect in bulk mode.
        "poll.interval.min.ms": least_poll_interval: Millis, optional, Low;
        /// The maximum number of rows per page.
        "batch.max.rows": max_rows: NonZeroU32, default "5000", Medium;
        /// The maximum number of bytes per page; a single row may be larger.
        "batch.max.bytes": max_bytes: NonZeroUsize, default "8388608", Low;
        /// Part of the name under which positions are stored: a new suffix reads from the beginning
        /// again. If only `query` changes, reading continues at the stored position.
        "offset.suffix": offset_suffix: OptionalName, default "", Low;
        /// A soft-delete column: a boolean or number that is true or not zero, or a date or time
        /// that is not NULL, marks a deleted row. Such rows are sent as deletes, with their key
        /// only.
        "delete.column.name": delete_column: OptionalName, default "", Low;
        /// How deleted rows are found. `none`: not at all. `mark`: by `delete.column.name`. `trigger`:
        /// by triggers that write the keys of deleted rows to a table of changes, which the connector
        /// reads; `rocketmq-connect ddl` prints the statements that create them. `diff`: by comparing
        /// the keys of each table with those that were sent, every `deletes.diff.interval.ms`. Rows that
        /// `delete.column.name` marks are sent as deletes too. Not set: `mark` if
        /// `delete.column.name` is set, otherwise `none`.
        "deletes.mode": deletes_mode: Deletes, optional, Medium;
        /// How often the keys of a table are compared, with `deletes.mode` = `diff`: from the begin of
        /// one comparison to that of the next. Not set: 3600000, an hour.
        "deletes.diff.interval.ms": deletes_interval: Millis, optional, Low;
        /// How many keys are compared at a time, by one statement. Not set: 10000.
        "deletes.diff.chunk.rows": deletes_chunk: NonZeroU32, optional, Low;
        /// Opens read-only sessions, whatever privileges the user has.
        "connection.read.only": read_only: bool, default "false", Low;
        /// How long a statement waits for a table that another session has locked, by ALTER TABLE or
        /// LOCK TABLE for example. After that, the table is tried again later, and other tables of the
        /// task are read meanwhile. MySQL and MariaDB count in seconds. 0: as long as the lock is held.
        /// No effect for SQLite, which locks the whole file, Oracle and Db2.
        "lock.timeout.ms": lock_timeout: Millis, default "3000", Low;
        then include session: SessionConfig;
    }
    check SourceConfig::check_together
}

impl SourceConfig {
    fn check_together(&self, faults: &mut Faults) {
        let named = [
            self.topic_prefix.is_some(),
            self.topic.is_some(),
            self.topic_format.0.is_some(),
        ];
        match named.iter().filter(|is_set| **is_set).count() {
            0 => faults.at(
                "topic.prefix",
                "required unless `connect.topicname` or `topic.name.format` is set",
            ),
            1 => {}
            _ => faults.at(
                "topic.prefix",
                "set only one of this, `connect.topicname` and `topic.name.format`",
            ),
        }
        match &self.query.0 {
            None if !self.selects_tables() && self.queries.is_empty() => faults.at(
                "table.whitelist",
                "no table is set; set tables, or a `query`",
            ),
            None => {
                self.of_queries(faults);
            }
            Some(_) if !self.queries.is_empty() => faults.at(
                "query",
                "set this or `queries.*`, not both; a query with the id `query` continues at its position",
            ),
            Some(_) => self.check_query(faults),
        }
        if self.schema.0.is_some() && self.catalog.0.is_some() && self.schema != self.catalog {
            faults.at(
                "catalog.pattern",
                "differs from `schema.pattern`; set only one of the two",
            );
        }
        for (key, OptionalName(sql)) in [
            ("query", &self.query),
            ("where", &self.filter),
            ("query.suffix", &self.query_suffix),
        ] {
            // Only values of the settings are filled in, and nothing later.
            if sql.as_ref().is_some_and(|sql| sql.contains("${")) {
                faults.at(key, "contains `${`: nothing is filled in in SQL");
            }
        }
        if !(self.columns.is_empty() || self.excluded_columns.is_empty()) {
            faults.at(
                "column.exclude.list",
                "set this or `column.include.list`, not both",
            );
        }
        if !self.hashed.is_empty() && self.salt.as_ref().is_none_or(|s| s.expose().is_empty()) {
            faults.at(
                "column.mask.hash.salt",
                "is required by `column.mask.hash`; set it to a long random text, such as \
                 `${file:path}`",
            );
        }
        match self.signal_table.entries() {
            [] => {}
            [table] if table.is_exact() => {
                if table.name.schema.is_none() && self.schema_pattern().is_some() {
                    let message = "needs its schema, since `schema.pattern` is that of several";
                    faults.at("signal.data.collection", message);
                }
            }
            _ => faults.at("signal.data.collection", "must be the name of one table"),
        }
        if !(self.tables.is_empty() || self.included.is_empty()) {
            let message = "has no effect beside `table.whitelist`; set only one of the two";
            faults.at("table.include.list", message);
        }
        self.check_deletes(faults);
        if self.least_poll_interval() > self.poll_interval.0 {
            faults.at("poll.interval.min.ms", "is greater than `poll.interval.ms`");
        }
        // Checked for each of them.
        let own = !(self.table_settings.is_empty() && self.queries.is_empty());
        let some = self.table_settings.any_has("mode") || self.queries.any_has("mode");
        if self.mode.is_none() && !(own && some) {
            let choices = Mode::CHOICES.join(", ");
            faults.at(
                "mode",
                format!("is required for every table and query: one of {choices}"),
            );
        }
        if self.snapshot_mode == SnapshotMode::Never {
            if self.mode == Some(Mode::Bulk) {
                faults.at(
                    "snapshot.mode",
                    "`never` leaves nothing to read in mode bulk",
                );
            }
            if self.timestamp_initial.is_some() {
                faults.at(
                    "timestamp.initial",
                    "has no effect with `snapshot.mode=never`; set only one of the two",
                );
            }
        }
        if self.uses_timestamps() && self.timestamps.0.is_empty() && !own {
            faults.at(
                "timestamp.column.name",
                format!("is required in mode {}", self.mode_name()),
            );
        }
    }

    /// Settings without effect in this mode. The Java original accepts them silently.
    pub(crate) fn ineffective(&self) -> Vec<String> {
        if !(self.table_settings.is_empty() && self.queries.is_empty()) {
            // They may have an effect there.
            return Vec::new();
        }
        let (of_times, grows) = (self.uses_timestamps(), self.uses_incrementing());
        let initial = !of_times && self.timestamp_initial.is_some();
        let delayed = !of_times && !self.timestamp_delay.0.is_zero();
        let incrementing = !grows && self.incrementing.0.is_some();
        let number = self.mode != Some(Mode::Incrementing) && self.incrementing_initial.is_some();
        let window = self.mode == Some(Mode::Bulk) && self.gap_window.is_some();
        let least = self.mode == Some(Mode::Bulk) && self.least_poll_interval.is_some();
        let diff = !self.compares_keys();
        let other = |set: bool, key: &str| {
            (set && diff).then(|| format!("`{key}` has no effect without `deletes.mode=diff`"))
        };
        let of_deletes = [
            other(self.deletes_interval.is_some(), "deletes.diff.interval.ms"),
            other(self.deletes_chunk.is_some(), "deletes.diff.chunk.rows"),
        ];
        let mode = self.mode_name();
        [
            (initial, "timestamp.initial"),
            (delayed, "timestamp.delay.interval.ms"),
            (incrementing, "incrementing.column.name"),
            (number, "incrementing.initial"),
            (window, "gap.window.ms"),
            (least, "poll.interval.min.ms"),
        ]
        .into_iter()
        .filter(|(ineffective, _)| *ineffective)
        .map(|(_, key)| format!("`{key}` has no effect in mode {mode}"))
        .chain(of_deletes.into_iter().flatten())
        .collect()
    }

    /// The warning that rows of transactions that commit late are missed, for databases with
    /// concurrent writers.
    pub(crate) fn late_commit_warning(&self) -> Option<String> {
        let what = match (self.uses_timestamps(), self.uses_incrementing()) {
            (true, _) => "a later timestamp",
            (false, true) => "a higher value",
            (false, false) => return None,
        };
        (!self.gap_safe).then(|| {
            format!(
                "rows that commit after a row with {what} was read are missed; set `gap.safe=true`"
            )
        })
    }

    /// The minimum age of complete rows where the database does not report running transactions.
    pub(crate) fn gap_window(&self) -> Duration {
        self.gap_window.map_or(GAP_WINDOW, |window| window.0)
    }

    /// How deleted rows are found.
    pub(crate) fn deletes(&self) -> Deletes {
        match (self.deletes_mode, &self.delete_column.0) {
            (Some(mode), _) => mode,
            (None, Some(_)) => Deletes::Mark,
            (None, None) => Deletes::None,
        }
    }

    fn check_deletes(&self, faults: &mut Faults) {
        let fault = match (self.deletes(), &self.delete_column.0) {
            (Deletes::Mark, None) => "`mark` needs `delete.column.name`",
            (Deletes::None, Some(_)) => {
                "`none` contradicts `delete.column.name`; remove one of the two"
            }
            (Deletes::Trigger, _) if self.query.0.is_some() => {
                "`trigger` has no effect with `query`: list the table in `table.whitelist`, or remove it"
            }
            (Deletes::Diff, _) if self.query.0.is_some() => {
                "`diff` has no effect with `query`: list the table in `table.whitelist`, or remove it"
            }
            (Deletes::Diff, _) if self.snapshot_mode == SnapshotMode::Only => {
                "`diff` has no effect with `snapshot.mode=only`, which ends behind the existing rows"
            }
            (Deletes::None | Deletes::Mark | Deletes::Trigger | Deletes::Diff, _) => return,
        };
        faults.at("deletes.mode", fault);
    }

    /// The settings that only the keys of rows are read with.
    pub(crate) fn of_keys(&self) -> Self {
        Self {
            mode: Some(Mode::Bulk),
            timestamps: List(Vec::new()),
            timestamp_initial: None,
            incrementing_initial: None,
            delete_column: OptionalName(None),
            deletes_mode: None,
            filter: OptionalName(None),
            key_template: ColumnTemplate::default(),
            ..self.clone()
        }
    }

    /// The pause after a poll that found rows.
    pub(crate) fn least_poll_interval(&self) -> Duration {
        let set = self.least_poll_interval;
        let set = set.filter(|_| self.mode != Some(Mode::Bulk));
        set.map_or(self.poll_interval.0, |least| least.0)
    }

    /// Checks settings that cannot be combined with `query`.
    fn check_query(&self, faults: &mut Faults) {
        for (key, is_empty) in [
            ("table.whitelist", self.tables.is_empty()),
            ("table.blacklist", self.excluded.is_empty()),
            ("table.include.list", self.included.is_empty()),
            ("table.exclude.list", self.excluded_patterns.is_empty()),
        ] {
            if !is_empty {
                faults.at(key, "has no effect with `query`; set only one of the two");
            }
        }
        if matches!(self.topic_prefix, Some(OptionalName(None))) {
            faults.at(
                "topic.prefix",
                "must not be empty with `query`, where it is the topic name",
            );
        }
        if self.uses_incrementing() && self.incrementing.0.is_none() {
            faults.at(
                "incrementing.column.name",
                "required with `query`, whose auto-increment column is not known",
            );
        }
    }

    /// Tables are read, and not only queries.
    pub(crate) fn selects_tables(&self) -> bool {
        !(self.tables.is_empty() && self.included.is_empty())
    }

    /// Tables are matched by patterns.
    pub(crate) fn has_table_patterns(&self) -> bool {
        let schema = self.schema_or_pattern();
        let is_pattern = |entry: &Entry| !entry.in_schema(schema).is_exact();
        !self.included.is_empty() || self.tables.entries().iter().any(is_pattern)
    }

    /// The table is not to be read.
    pub(crate) fn excludes(&self, table: &TableName) -> bool {
        self.excluded.holds(table) || self.excluded_patterns.matches(table)
    }

    /// The catalog is asked for new tables while others are read.
    pub(crate) fn watches_tables(&self) -> bool {
        self.selects_tables() && !self.table_poll_interval.0.is_zero()
    }

    /// The schema of tables without one, if one is configured.
    pub(crate) fn default_schema(&self) -> Option<&str> {
        self.schema_or_pattern().filter(|name| !is_pattern(name))
    }

    /// The pattern of the schemas of tables without one, if one is configured.
    pub(crate) fn schema_pattern(&self) -> Option<&str> {
        self.schema_or_pattern().filter(|name| is_pattern(name))
    }

    /// One of the two.
    pub(crate) fn schema_or_pattern(&self) -> Option<&str> {
        self.schema.0.as_deref().or(self.catalog.0.as_deref())
    }

    /// The mode, for messages; of a table or query, which have one.
    fn mode_name(&self) -> String {
        self.mode.map(|mode| mode.show()).unwrap_or_default()
    }

    /// Pages are ordered by time.
    pub(crate) fn uses_timestamps(&self) -> bool {
        match self.mode {
            Some(Mode::Timestamp | Mode::TimestampIncrementing) => true,
            Some(Mode::Bulk | Mode::Incrementing) | None => false,
        }
    }

    /// Pages are ordered by the incrementing column.
    pub(crate) fn uses_incrementing(&self) -> bool {
        match self.mode {
            Some(Mode::Incrementing | Mode::TimestampIncrementing) => true,
            Some(Mode::Bulk | Mode::Timestamp) | None => false,
        }
    }

    pub(crate) fn open_options(&self) -> OpenOptions {
        OpenOptions {
            read_only: self.read_only,
            lock_timeout: Some(self.lock_timeout.0).filter(|time| !time.is_zero()),
            ..self.connection.open_options(&self.session)
        }
    }

    /// The topic of the rows of the query.
    pub(crate) fn topic_of_query(&self) -> String {
        let prefix = self.topic_prefix.as_ref().and_then(|name| name.0.clone());
        let topic = self.topic.clone();
        // As in the Java original, the prefix is the whole name.
        let topic = topic.or(prefix).or_else(|| self.topic_format.0.clone());
        topic.unwrap_or_default()
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

    fn fault_keys(pairs: &[(&str, &str)]) -> Vec<String> {
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
            ("lock.timeout.ms", "9"),
            ("tls.mode", "verify-ca"),
            ("sqlite.dates", "unix"),
        ])
        .unwrap();
        let options = config.open_options();
        assert!(options.read_only);
        assert_eq!(options.user.as_deref(), Some("ada"));
        assert_eq!(options.session.len(), 1);
        assert_eq!(options.statement_timeout.map(|t| t.as_millis()), Some(7));
        assert_eq!(options.lock_timeout.map(|t| t.as_millis()), Some(9));
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
        assert_eq!(
            ineffective(&[table, ("mode", "bulk"), ("gap.window.ms", "5")]),
            ["`gap.window.ms` has no effect in mode bulk"]
        );
    }

    #[test]
    fn a_mode_that_misses_late_commits_warns() {
        let of = |pairs: &[(&str, &str)]| {
            let table = [("table.whitelist", "t")];
            config(&[&table, pairs].concat())
                .unwrap()
                .late_commit_warning()
        };
        let time = ("timestamp.column.name", "at");
        let naive = ("gap.safe", "false");
        for mode in ["incrementing", "timestamp", "timestamp+incrementing"] {
            let note = of(&[("mode", mode), time, naive]).unwrap();
            assert!(note.contains("`gap.safe=true`"), "{note}");
            assert_eq!(of(&[("mode", mode), time]), None);
        }
        assert_eq!(of(&[("mode", "bulk"), naive]), None);
    }

    #[test]
    fn a_schema_for_tables_without_one_is_a_name_or_a_pattern_of_several() {
        let given = [("table.whitelist", "t"), ("mode", "bulk")];
        let with = |more: &[(&'static str, &'static str)]| [&given, more].concat();
        let config = config(&with(&[("catalog.pattern", "shop")])).unwrap();
        assert_eq!(config.default_schema(), Some("shop"));
        assert!(!config.has_table_patterns());
        for pattern in ["sh%", "*"] {
            let config = super::SourceConfig::from_settings(&Settings::from_iter([
                ("connection.url", "sqlite:x"),
                ("topic.prefix", ""),
                ("mode", "bulk"),
                ("table.whitelist", "t"),
                ("schema.pattern", pattern),
            ]));
            let config = config.unwrap();
            assert_eq!(config.default_schema(), None);
            assert_eq!(config.schema_pattern(), Some(pattern));
            assert!(config.has_table_patterns());
        }
        let signals = [("schema.pattern", "sh%"), ("signal.data.collection", "s")];
        assert_eq!(fault_keys(&with(&signals)), ["signal.data.collection"]);
        let two = [("schema.pattern", "a"), ("catalog.pattern", "b")];
        assert_eq!(fault_keys(&with(&two)), ["catalog.pattern"]);
    }

    #[test]
    fn a_query_is_read_instead_of_tables() {
        let query = ("query", "SELECT 1 AS a");
        let (bulk, list) = (("mode", "bulk"), ("table.include.list", r"shop\..*"));
        assert!(super::SourceConfig::has_table_patterns(
            &config(&[bulk, list]).unwrap()
        ));
        assert_eq!(fault_keys(&[query, bulk, list]), ["table.include.list"]);
        let two = [bulk, list, ("table.whitelist", "t")];
        assert_eq!(fault_keys(&two), ["table.include.list"]);
        let config = config(&[query, ("mode", "bulk")]).unwrap();
        assert_eq!(config.topic_of_query(), "shop-");
        assert_eq!(fault_keys(&[("mode", "bulk")]), ["table.whitelist"]);
        assert_eq!(
            fault_keys(&[
                query,
                ("mode", "timestamp"),
                ("timestamp.column.name", "t"),
                ("table.whitelist", "t"),
                ("topic.prefix", ""),
            ]),
            ["table.whitelist", "topic.prefix"]
        );
        assert_eq!(
            fault_keys(&[query, ("mode", "incrementing")]),
            ["incrementing.column.name"]
        );
    }
}
