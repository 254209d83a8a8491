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
        /// New rows only; a row whose key is there is an error of that row.
        Insert = "insert",
        /// New rows only; a row that some key of the table keeps out is passed over.
        InsertIgnore = "insert_ignore",
        /// New rows, or new values for those that are there.
        Upsert = "upsert",
        /// New values for rows that are there; others are passed over.
        Update = "update",
    }
}

connect_api::choice! {
    /// Where the key columns come from.
    pub enum KeyMode {
        /// There are none.
        None = "none",
        /// From the message key.
        RecordKey = "record_key",
        /// From the message body.
        RecordValue = "record_value",
    }
}

connect_api::choice! {
    /// What becomes of a value that is finer than its column.
    pub enum Narrow {
        /// It is an error of its row.
        Error = "error",
        /// The column takes the nearest value that it has.
        Round = "round",
        /// The digits that the column does not have are cut off.
        Truncate = "truncate",
    }
}

settings! {
    /// Settings of the JDBC sink: records to tables.
    pub struct SinkConfig {
        include connection: ConnectionConfig;
        /// The table that rows go to: `table` or `schema.table`, with `${topic}` for the topic,
        /// `${source.table}` and `${source.schema}` for the table that the row was read from and its
        /// schema or database, as its message says it, and `${schema.name}` for the name of the
        /// schema in its body. A row whose message does not say what is needed is refused.
        "table.name.format": table_format: String, default "${topic}", Medium;
        /// The table has the name of the table that the row was read from: as
        /// `table.name.format=${source.table}`, which is not heeded then.
        "table.name.from.header": from_header: bool, default "false", Medium;
        /// Write rows of several source tables into one table. Otherwise a table takes rows of the
        /// source table alone whose rows came first; those of others are refused. Which one came
        /// first in a topic is kept with the worker's positions.
        "table.merge": merge: bool, default "false", Low;
        /// The tables that rows are written to, as `table`, which is that of this name in any
        /// schema, or `schema.table`, separated by commas; `*` stands for any characters of a
        /// table's name. Rows of others are left out: they are
        /// counted, and the log names each table once. A table is listed by its name at the
        /// target or, without `table.merge`, by that of the table that the row was read from, as
        /// its message says it. Left out: all.
        "tables.whitelist": listed: Selection, default "", Medium;
        /// Topics to read, separated by semicolons or commas: the runtime reads them, and `check`
        /// looks at their tables.
        "connect.topicnames": topics: List, default "", High;
        /// `insert`: new rows; a row whose key is there already is refused, so that a batch that
        /// is written again after a crash is refused too, or doubled where the table has no unique
        /// key. `insert_ignore`: new rows; a row that some key of the table keeps out, the primary
        /// key or any other unique one, is passed over, so that what comes again changes nothing. `upsert`: new rows, or new values where the key is there; what comes again changes
        /// nothing. `update`: new values for rows that are there.
        "insert.mode": insert_mode: InsertMode, default "insert", High;
        /// Where the key columns come from: `none`, `record_key` (the message key) or
        /// `record_value` (the body).
        "pk.mode": key_mode: KeyMode, default "none", High;
        /// What becomes of an upserted row that has, in another unique key of the table, the value
        /// of a row with another key. `refuse`: it is refused, and no row but that of its key is
        /// changed, as in every database but MySQL and MariaDB. `update`: MySQL and MariaDB change
        /// the row that is there, whatever its key.
        "upsert.other.keys": other_keys: OtherKeys, default "refuse", Low;
        /// Names of the key columns. Left out: the primary key of the table.
        "pk.fields": key_fields: List, default "", Medium;
        /// Columns to write beside the key columns. Left out: all that the records have.
        "fields.whitelist": fields: List, default "", Medium;
        /// The most rows that are handed to the database at once. A batch of the runtime is one
        /// transaction, whatever its size.
        "batch.size": batch_size: NonZeroUsize, default "5000", Medium;
        /// A value that is finer than its column: a decimal with more places, a time with more digits
        /// of a second, a double in a column of 32-bit floats or of decimals. `error`: it is refused
        /// by name. `round`: the nearest value that the column has; half away from zero, times to the
        /// later one. `truncate`: digits are cut off. Values of the key, values that are out of the
        /// column's range and texts that are too long are refused always.
        "values.narrow": narrow: Narrow, default "error", Medium;
        /// Delete rows whose message has no body; needs `pk.mode=record_key`.
        "delete.enabled": delete: bool, default "false", Medium;
        /// The time zone whose clocks are shown by columns of timestamps that have none, such as
        /// `Asia/Shanghai`, `UTC` or `+08:00`: instants are written into them as these clocks show
        /// them, and so is what comes without a schema. Of an hour that the clocks show twice, when
        /// they are put back, both are written alike. Times that are said to be of no zone
        /// (`connect.local`) are written as they stand. Left out: instants are written as clocks in
        /// UTC show them.
        "db.timezone": timezone: Zone, optional, Medium;
        /// Create a table that is not there.
        "auto.create": auto_create: bool, default "false", Medium;
        /// Add columns that the records have and the table lacks; they can be NULL.
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
                    "insert.mode={} needs key columns: set record_key or record_value",
                    self.insert_mode.show()
                ),
            );
        }
        if self.delete && self.key_mode != KeyMode::RecordKey {
            faults.at(
                "delete.enabled",
                "needs pk.mode=record_key: a message without a body has its key alone",
            );
        }
        if self.other_keys == OtherKeys::Update && self.insert_mode != InsertMode::Upsert {
            faults.at(
                "upsert.other.keys",
                "has no effect without insert.mode=upsert",
            );
        }
    }

    /// Settings that have no effect beside the others, which the Java original takes without a
    /// word, and what becomes of rows that are not written.
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

    /// The tables that are known before a topic is met, each once.
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

    /// What is done with rows that are not deletes.
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
    fn settings_that_do_not_go_together_are_all_told() {
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
