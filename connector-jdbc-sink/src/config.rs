//! Settings of the sink.
use connect_api::{
    config::{Faults, List, Setting as _},
    settings,
};
use dialect_core::{
    ConnectionConfig, OpenOptions, OtherKeys, Selection, SessionConfig, TableName, WriteOp, Zone,
};
use std::num::NonZeroUsize;

connect_api::choice! {
    /// How rows are written.
    pub enum InsertMode {
        /// Inserts; a row whose key exists is rejected.
        Insert = "insert",
        /// Inserts; a row that conflicts with a unique key is skipped.
        InsertIgnore = "insert_ignore",
        /// Inserts, or updates if the key exists.
        Upsert = "upsert",
        /// Updates; rows that do not exist are skipped.
        Update = "update",
    }
}

connect_api::choice! {
    /// Where the key columns come from.
    pub enum KeyMode {
        /// No key columns.
        None = "none",
        /// From the message key.
        RecordKey = "record_key",
        /// From the message body.
        RecordValue = "record_value",
    }
}

connect_api::choice! {
    /// What happens to a value with more precision than its column.
    pub enum Narrow {
        /// The row is rejected.
        Error = "error",
        /// The nearest value of the column's type is written.
        Round = "round",
        /// Extra digits are cut off.
        Truncate = "truncate",
    }
}

settings! {
    /// Settings of the JDBC sink: records to tables.
    pub struct SinkConfig {
        include connection: ConnectionConfig;
        /// The name of the target table: `table` or `schema.table`. Placeholders: `${topic}` (the
        /// topic), `${source.table}` and `${source.schema}` (the table that the row was read from
        /// and its schema or database, from the message), `${schema.name}` (the name of the schema
        /// in the message body). A row whose message lacks a value is rejected.
        "table.name.format": table_format: String, default "${topic}", Medium;
        /// Writes to the table with the name of the source table, as
        /// `table.name.format=${source.table}`; `table.name.format` is then ignored.
        "table.name.from.header": from_header: bool, default "false", Medium;
        /// Writes rows of several source tables into one table. Otherwise a table takes only the
        /// rows of the source table whose rows came first; rows of others are rejected. The first
        /// source table of a topic is stored with the worker's positions.
        "table.merge": merge: bool, default "false", Low;
        /// The tables to write, separated by commas: `table` (in any schema) or `schema.table`; `*`
        /// in a table name matches any characters. Rows of other tables are skipped and counted,
        /// and the log names each table once. A table is matched by its target name or, without
        /// `table.merge`, by the name of the source table in the message. Not set: all tables.
        "tables.whitelist": listed: Selection, default "", Medium;
        /// The topics to read, separated by semicolons or commas; `check` checks their tables.
        "connect.topicnames": topics: List, default "", High;
        /// `insert`: inserts rows; a row whose key exists is rejected. A batch that is delivered
        /// again after a crash is rejected, or duplicated if the table has no unique key.
        /// `insert_ignore`: inserts rows and skips those that conflict with a primary or unique key
        /// (idempotent). `upsert`: inserts rows, or updates those whose key exists (idempotent).
        /// `update`: updates rows whose key exists and skips others.
        "insert.mode": insert_mode: InsertMode, default "insert", High;
        /// Where the key columns come from: `none`, `record_key` (the message key) or
        /// `record_value` (the message body).
        "pk.mode": key_mode: KeyMode, default "none", High;
        /// What happens if an upsert conflicts, on another unique key of the table, with a row of a
        /// different key. `refuse`: the row is rejected, and only the row of its own key is
        /// changed, as in every database but MySQL and MariaDB. `update`: MySQL and MariaDB update
        /// the conflicting row, whatever its key.
        "upsert.other.keys": other_keys: OtherKeys, default "refuse", Low;
        /// The names of the key columns. Not set: the primary key of the table.
        "pk.fields": key_fields: List, default "", Medium;
        /// The columns to write in addition to the key columns. Not set: all columns of the
        /// records.
        "fields.whitelist": fields: List, default "", Medium;
        /// The maximum number of rows per write to the database. A batch of the runtime is one
        /// transaction, whatever its size.
        "batch.size": batch_size: NonZeroUsize, default "5000", Medium;
        /// What happens to a value with more precision than its column: a decimal with more places,
        /// a time with more fractional digits of a second, a double in a column of 32-bit floats or
        /// of decimals. `error`: the row is rejected. `round`: writes the nearest value; halves are
        /// rounded away from zero, times to the later one. `truncate`: cuts off the extra digits.
        /// Values of the key, values out of range and text that is too long are always rejected.
        "values.narrow": narrow: Narrow, default "error", Medium;
        /// Deletes rows for messages without a body (tombstones); requires `pk.mode=record_key`.
        "delete.enabled": delete: bool, default "false", Medium;
        /// The time zone of timestamp columns without time zone, such as `Asia/Shanghai`, `UTC` or
        /// `+08:00`. Instants, and values without a schema, are written there as local times of
        /// this zone. In the hour that occurs twice when clocks are set back, two instants become
        /// the same local time. Values declared as local times (`connect.local`) are written
        /// without conversion. Not set: instants are written in UTC.
        "db.timezone": timezone: Zone, optional, Medium;
        /// Creates missing tables.
        "auto.create": auto_create: bool, default "false", Medium;
        /// Adds columns that the records have and the table lacks; the new columns are nullable.
        "auto.evolve": auto_evolve: bool, default "false", Medium;
        then include session: SessionConfig;
    }
    check SinkConfig::check_together
}

impl SinkConfig {
    fn check_together(&self, faults: &mut Faults) {
        if let Err(why) = self.check_format() {
            faults.at("table.name.format", why);
        }
        let keyed = self.key_mode != KeyMode::None;
        let by_key = matches!(self.insert_mode, InsertMode::Upsert | InsertMode::Update);
        if by_key && !keyed {
            faults.at(
                "pk.mode",
                format!(
                    "insert.mode={} requires key columns; set record_key or record_value",
                    self.insert_mode.show()
                ),
            );
        }
        if self.delete && self.key_mode != KeyMode::RecordKey {
            faults.at(
                "delete.enabled",
                "requires pk.mode=record_key: a tombstone has only its key",
            );
        }
        if self.other_keys == OtherKeys::Update && self.insert_mode != InsertMode::Upsert {
            faults.at(
                "upsert.other.keys",
                "has no effect without insert.mode=upsert",
            );
        }
    }

    /// Settings without effect, which the Java original accepts silently, and the note about
    /// skipped rows.
    pub(crate) fn ineffective(&self) -> Vec<String> {
        let unused = self.key_mode == KeyMode::None && !self.key_fields.0.is_empty();
        let note = "`pk.fields` has no effect with pk.mode=none; set record_key or record_value";
        let mut notes: Vec<_> = unused.then(|| note.to_owned()).into_iter().collect();
        notes.extend(self.table_filter_note());
        notes
    }

    pub(crate) fn open_options(&self) -> OpenOptions {
        OpenOptions {
            other_keys: self.other_keys,
            ..self.connection.open_options(&self.session)
        }
    }

    /// The tables that are known from the settings, each once.
    ///
    /// # Errors
    /// As [`table_of`](Self::table_of).
    pub(crate) fn known_tables(&self) -> connect_api::Result<Vec<TableName>> {
        let mut tables = Vec::new();
        if self.is_one_table() {
            tables.push(self.table_of("", None, None)?);
            return Ok(tables);
        }
        for topic in self.topics.0.iter().filter(|_| self.is_by_topic()) {
            let table = self.table_of(topic, None, None)?;
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        Ok(tables)
    }

    /// The write operation of rows that are not deletes.
    pub(crate) fn write_op(&self) -> WriteOp {
        match self.insert_mode {
            InsertMode::Insert => WriteOp::Insert,
            InsertMode::InsertIgnore => WriteOp::InsertIgnore,
            InsertMode::Upsert => WriteOp::Upsert,
            InsertMode::Update => WriteOp::Update,
        }
    }

    /// The column is written, or is part of the key.
    pub(crate) fn writes(&self, column: &str, key: &[String]) -> bool {
        let listed = |names: &[String]| names.iter().any(|n| n.eq_ignore_ascii_case(column));
        self.fields.0.is_empty() || listed(&self.fields.0) || listed(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::{
        ErrorKind, Origin, Origins,
        config::{Config as _, Settings},
    };

    fn config(pairs: &[(&str, &str)]) -> Result<SinkConfig, Faults> {
        let mut settings = Settings::from_iter([("connection.url", "sqlite:x")]);
        pairs.iter().for_each(|(k, v)| settings.set(*k, *v));
        SinkConfig::from_settings(&settings)
    }

    #[test]
    fn all_conflicting_settings_are_reported() {
        let faults = config(&[
            ("insert.mode", "upsert"),
            ("delete.enabled", "true"),
            ("pk.fields", "id"),
            ("table.name.format", "a.b.${topic}"),
        ])
        .unwrap_err();
        let keys: Vec<_> = faults.iter().filter_map(|f| f.key.as_deref()).collect();
        assert_eq!(keys, ["table.name.format", "pk.mode", "delete.enabled"]);
        let ineffective = config(&[("pk.fields", "id")]).unwrap().ineffective();
        assert!(
            ineffective[0].contains("`pk.fields` has no effect"),
            "{ineffective:?}"
        );
        let faults = config(&[("pk.mode", "kafka"), ("insert.mod", "insert")]).unwrap_err();
        assert!(
            faults.to_string().contains("did you mean `insert.mode`"),
            "{faults}"
        );
        assert!(
            faults.to_string().contains("record_key, record_value"),
            "{faults}"
        );
    }

    #[test]
    fn the_format_makes_the_table_of_a_topic() {
        let of = |format| config(&[("table.name.format", format)]).unwrap();
        let table = of("shop.copy_${topic}").table_of("orders", None, None);
        assert_eq!(table.unwrap().to_string(), "shop.copy_orders");
        let table = of("${topic}").table_of("a.b", None, None);
        assert_eq!(table.unwrap().schema.as_deref(), Some("a"));
        assert!(of("${topic}").table_of("a.b.c", None, None).is_err());
        let unknown = config(&[("table.name.format", "${table}")]).unwrap_err();
        assert!(unknown.to_string().contains("only `${topic}`"), "{unknown}");
    }

    #[test]
    fn the_format_makes_the_table_of_a_source_table_and_of_a_schema() {
        let of = |pairs: &[(&str, &str)]| config(pairs).unwrap();
        let origin = Origin {
            schema: Some("eu".into()),
            table: "or.\"ders".into(),
        };
        let routed = of(&[(
            "table.name.format",
            "x_${source.schema}.${topic}_${source.table}",
        )]);
        let table = routed.table_of("t", Some(&origin), None).unwrap();
        assert_eq!(
            (table.schema.as_deref(), table.name.as_str()),
            (Some("x_eu"), "t_or.\"ders")
        );
        let unknown = routed.table_of("t", None, Some("s")).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::Data);
        assert!(
            unknown.to_string().contains("connect-ext-__source_table"),
            "{unknown}"
        );
        let named = of(&[("table.name.format", "${schema.name}")]);
        let table = named.table_of("t", None, Some("a.b")).unwrap();
        assert_eq!(table, TableName::new("a.b"));
        assert!(named.table_of("t", Some(&origin), Some("")).is_err());
        let header = of(&[
            ("table.name.from.header", "true"),
            ("table.name.format", "y"),
        ]);
        let table = header.table_of("t", Some(&origin), None).unwrap();
        assert_eq!(table, TableName::new("or.\"ders"));
        for (config, origins) in [
            (&routed, Origins::Routed),
            (&header, Origins::Routed),
            (&named, Origins::Compared),
            (&of(&[]), Origins::Compared),
            (&of(&[("table.merge", "true")]), Origins::Ignored),
        ] {
            assert_eq!(config.origins(), origins);
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let config = config(&[
            ("connection.password", "planted"),
            ("connection.url", "x://u:planted@h/d"),
        ]);
        let shown = format!("{:?}", config.unwrap());
        assert!(!shown.contains("planted"), "{shown}");
    }
}
