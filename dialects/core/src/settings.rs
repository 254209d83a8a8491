//! The settings that all who open a database have in common.
use crate::{
    connect_retry::ConnectRetry,
    dialect_name::DialectName,
    options::{
        Binary16, Bit1, CompositeMapping, FineDigits, HstoreMapping, IntervalMapping, JsonNumbers,
        NumericMapping, OpenOptions, OtherKeys, PointMapping, Pooler, RangeMapping, SqliteDates,
        SqliteTyping, TimeMapping, TinyInt1, TlsMode, TlsOptions, UnknownTypes, Unrepresentable,
        ValueOptions, ZeroDates,
    },
};
use connect_api::{
    config::{Faults, Millis, Secret, Setting},
    settings,
};
use std::{num::NonZeroU32, time::Duration};

settings! {
    /// Which database, and how often it is tried.
    pub struct ConnectionConfig {
        /// URL of the database, e.g. `postgres://host:5432/db`, `mysql://host/db`, `sqlite:file`;
        /// `jdbc:` may stand in front. Several hosts, separated by commas, are tried in order.
        "connection.url": url: Secret, required, High;
        /// User; goes before the one in the URL.
        "connection.user": user: String, optional, High;
        /// Password; goes before the one in the URL.
        "connection.password": password: Secret, optional, High;
        /// How often a connection is tried before the task fails or is started again.
        "connection.attempts": attempts: NonZeroU32, default "3", Low;
        /// Pause between two attempts at a connection.
        "connection.backoff.ms": backoff: Millis, default "1000", Low;
        /// The database that the URL must be of: `postgres`, `mysql`, `sqlite`, `sqlserver`,
        /// `odbc`, or the name of a dialect of the Java original. Left out: whichever it is of.
        "dialect.name": dialect: DialectName, default "", Low;
    }
    check ConnectionConfig::check_dialect
}

settings! {
    /// How a database is spoken to, and how its values are carried. What a database cannot heed
    /// is a fault where it is opened.
    pub struct SessionConfig {
        /// Longest wait for a connection.
        "connection.timeout.ms": connect_timeout: Millis, default "10000", Medium;
        /// Longest wait for one answer of the database: the first rows of a query, the next ones, the
        /// end of a write. An answer that takes longer than `connection.timeout.ms` makes the worker
        /// ask over a second connection whether the server can still be reached: where it cannot, the
        /// wait ends, and the task retries.
        "connection.read.timeout.ms": read_timeout: Millis, default "1800000", Medium;
        /// Longest time that one statement may take; left out, no limit is set.
        "statement.timeout.ms": statement_timeout: Millis, optional, Medium;
        /// The database ends a session that was idle for so long; left out, its own limit holds.
        "connection.idle.timeout.ms": idle_timeout: Millis, optional, Low;
        /// Idle time after which TCP asks whether the other side still lives.
        "connection.keep.alive.ms": keep_alive: Millis, optional, Low;
        /// TLS: `disable`, `prefer` (where the server has it), `require` (whoever the server is),
        /// `verify-ca` (a server whose certificate a trusted authority has signed), `verify-full`
        /// (the same, and for this host). Left out: as the URL says.
        "tls.mode": tls_mode: TlsMode, optional, Medium;
        /// PEM file of the authorities that may sign the server's certificate.
        "tls.ca": tls_ca: String, optional, Medium;
        /// PEM file of the client's certificate.
        "tls.certificate": tls_certificate: String, optional, Low;
        /// PEM file of the key of the client's certificate.
        "tls.key": tls_key: String, optional, Low;
        /// Settings of the session, `name=value`, separated by semicolons or commas; what follows
        /// a comma and is no `name=value` is part of the value before:
        /// `search_path=shop,public;work_mem=64MB`. For SQLite they are pragmas.
        "connection.session": session: SessionSettings, default "", Low;
        /// A pooler such as PgBouncer before PostgreSQL that gives each transaction another session:
        /// `detect` asks as a session begins, `transaction` says that there is one, `none` that
        /// there is none. Behind one nothing is left in a session between two transactions:
        /// statements are not kept prepared, and settings are made anew in each transaction.
        "connection.pooler": pooler: Pooler, default "detect", Low;
        /// How a `numeric` without a declared precision is carried: `text` with every digit, or
        /// `decimal(p,s)`, where a value with more digits is an error of its row.
        "numeric.mapping": numeric_mapping: NumericMapping, default "text", Medium;
        /// A value that its column's kind cannot carry (an infinite date, NaN in a decimal): an
        /// `error` of its row, `null`, or `text`: columns of types that have such values are then
        /// carried as text.
        "values.unrepresentable": unrepresentable: Unrepresentable, default "error", Medium;
        /// A column of a type that is not known: `text` carries it as the database's text, `fail`
        /// refuses its table.
        "unknown.types": unknown_types: UnknownTypes, default "text", Low;
        /// MySQL's dates that are none, such as `0000-00-00`: an `error` of the row, `null`, or
        /// `text`: columns of dates are then carried as text.
        "zero.dates": zero_dates: ZeroDates, default "error", Low;
        /// How MySQL's `tinyint(1)` is carried: `bool`, where a value other than 0 and 1 is an
        /// error of its row, or `int8`.
        "tinyint1": tinyint1: TinyInt1, default "bool", Low;
        /// How MySQL's `time`, which reaches beyond a day and below zero, is carried: `duration`,
        /// or `time`, where a value that is no time of day is an error of its row.
        "time.mapping": time_mapping: TimeMapping, default "duration", Low;
        /// How MySQL's `binary(16)` is carried: `bytes` or `uuid`.
        "binary16": binary16: Binary16, default "bytes", Low;
        /// How PostgreSQL's `bit(1)` is carried: `text`, as longer ones are, or `bool`.
        "bit1": bit1: Bit1, default "text", Low;
        /// Digits finer than a microsecond, which SQL Server has, and SQLite's ISO texts may have: an
        /// `error` of the row, `truncate`, or `text`: columns of types that have such digits are then
        /// carried as text. A position is coarser than what is cut: rows of its microsecond are read
        /// once all the same.
        "fine.digits": fine_digits: FineDigits, default "error", Low;
        /// How PostgreSQL's `point` is carried: `text`, or a `struct` of the floats `x` and `y`.
        "point.mapping": point_mapping: PointMapping, default "text", Low;
        /// How PostgreSQL's ranges are carried: `text`, or a `struct` of `lower` and `upper`, NULL
        /// where there is no bound, and the booleans `lower_inc`, `upper_inc` and `empty`.
        "range.mapping": range_mapping: RangeMapping, default "text", Low;
        /// How PostgreSQL's composite types are carried: `json` text, or a `struct` of their
        /// fields, where none of these has fields of its own.
        "composite.mapping": composite_mapping: CompositeMapping, default "json", Low;
        /// How PostgreSQL's `hstore` is carried: `json` text, or a `map` of texts.
        "hstore.mapping": hstore_mapping: HstoreMapping, default "json", Low;
        /// How PostgreSQL's `interval` is carried: `text` of ISO 8601, or Arrow's months, days and
        /// nanoseconds (`arrow`), which reach 292 years of hours: `values.unrepresentable` says
        /// what becomes of more.
        "interval.mapping": interval_mapping: IntervalMapping, default "text", Low;
        /// A number in JSON that MySQL's `json`, which has floats of 64 bits, would round: an `error`
        /// of its row, `text`: it is written as a string of its digits, or `round`.
        "json.numbers": json_numbers: JsonNumbers, default "error", Low;
        /// How SQLite columns declared DATE, TIME, DATETIME or TIMESTAMP are carried: `text` as it
        /// stands in them, or as dates and times that stand there as ISO 8601 text (`iso`), as
        /// seconds since 1970-01-01 (`unix`) or as Julian days (`julian`).
        "sqlite.dates": sqlite_dates: SqliteDates, default "text", Low;
        /// A SQLite cell that is not of its column's declared type: an error of its row
        /// (`strict`), or all columns are carried as `text`.
        "sqlite.typing": sqlite_typing: SqliteTyping, default "strict", Low;
    }
    check SessionConfig::check_together
}

impl ConnectionConfig {
    fn check_dialect(&self, faults: &mut Faults) {
        self.dialect.check(self.url.expose(), faults);
    }
}

/// Names and values of session settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionSettings(pub Vec<(String, String)>);

impl Setting for SessionSettings {
    const TYPE: &'static str = "list of name=value";

    fn parse(text: &str) -> Result<Self, String> {
        let mut settings: Vec<(String, String)> = Vec::new();
        for (i, group) in text.split(';').enumerate() {
            let mut open = false;
            for part in group.split(',') {
                match part
                    .split_once('=')
                    .filter(|(name, _)| is_name(name.trim()))
                {
                    Some((name, value)) => {
                        settings.push((name.trim().to_owned(), value.trim().to_owned()));
                        open = true;
                    }
                    None if open => {
                        if let Some((_, value)) = settings.last_mut() {
                            value.push(',');
                            value.push_str(part.trim());
                        }
                    }
                    None if part.trim().is_empty() => {}
                    // It may hold a secret: its place is told.
                    None => return Err(format!("setting {} is no `name=value`", i + 1)),
                }
            }
        }
        Ok(Self(settings))
    }

    fn show(&self) -> String {
        let pair = |(name, value): &(String, String)| format!("{name}={value}");
        self.0.iter().map(pair).collect::<Vec<_>>().join(";")
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.@$".contains(c);
    !text.is_empty() && text.chars().all(allowed)
}

impl ConnectionConfig {
    /// How often a connection is tried.
    pub fn connect_retry(&self) -> ConnectRetry {
        ConnectRetry {
            attempts: self.attempts,
            backoff: self.backoff.0,
        }
    }

    /// How the database is opened; the session may write.
    pub fn open_options(&self, session: &SessionConfig) -> OpenOptions {
        OpenOptions {
            user: self.user.clone(),
            password: self.password.clone(),
            ..session.open_options()
        }
    }
}

impl SessionConfig {
    fn check_together(&self, faults: &mut Faults) {
        let limits = [
            ("connection.timeout.ms", Some(self.connect_timeout)),
            ("connection.read.timeout.ms", Some(self.read_timeout)),
            ("statement.timeout.ms", self.statement_timeout),
            ("connection.idle.timeout.ms", self.idle_timeout),
            ("connection.keep.alive.ms", self.keep_alive),
        ];
        for (key, limit) in limits {
            if limit.is_some_and(|limit| limit.0.is_zero()) {
                faults.at(key, "must be more than 0; leave it out for the default");
            }
        }
        let unused = self.tls_mode == Some(TlsMode::Disable);
        let files = [
            ("tls.ca", &self.tls_ca),
            ("tls.certificate", &self.tls_certificate),
            ("tls.key", &self.tls_key),
        ];
        for (key, file) in files {
            if unused && file.is_some() {
                faults.at(key, "has no effect with tls.mode=disable; leave it out");
            }
        }
        match (&self.tls_certificate, &self.tls_key) {
            (Some(_), None) => faults.at("tls.key", "is needed by tls.certificate"),
            (None, Some(_)) => faults.at("tls.certificate", "is needed by tls.key"),
            _ => {}
        }
    }

    fn open_options(&self) -> OpenOptions {
        let time = |limit: Option<Millis>| limit.map(|limit| -> Duration { limit.0 });
        OpenOptions {
            user: None,
            password: None,
            connect_timeout: self.connect_timeout.0,
            read_timeout: self.read_timeout.0,
            statement_timeout: time(self.statement_timeout),
            idle_timeout: time(self.idle_timeout),
            keep_alive: time(self.keep_alive),
            tls: TlsOptions {
                mode: self.tls_mode,
                ca: self.tls_ca.as_ref().map(Into::into),
                certificate: self.tls_certificate.as_ref().map(Into::into),
                key: self.tls_key.as_ref().map(Into::into),
            },
            session: self.session.0.clone(),
            read_only: false,
            pooler: self.pooler,
            other_keys: OtherKeys::Refuse,
            values: ValueOptions {
                numeric_mapping: self.numeric_mapping,
                unrepresentable: self.unrepresentable,
                unknown_types: self.unknown_types,
                zero_dates: self.zero_dates,
                tinyint1: self.tinyint1,
                time_mapping: self.time_mapping,
                binary16: self.binary16,
                bit1: self.bit1,
                fine_digits: self.fine_digits,
                point_mapping: self.point_mapping,
                range_mapping: self.range_mapping,
                composite_mapping: self.composite_mapping,
                hstore_mapping: self.hstore_mapping,
                interval_mapping: self.interval_mapping,
                json_numbers: self.json_numbers,
                sqlite_dates: self.sqlite_dates,
                sqlite_typing: self.sqlite_typing,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::{Config as _, Settings};

    fn session(pairs: &[(&str, &str)]) -> Result<SessionConfig, Faults> {
        SessionConfig::from_settings(&Settings::from_iter(pairs.iter().copied()))
    }

    #[test]
    fn without_settings_databases_are_opened_as_by_default() {
        let options = session(&[]).unwrap().open_options();
        assert_eq!(
            format!("{options:?}"),
            format!("{:?}", OpenOptions::default())
        );
    }

    #[test]
    fn every_key_reaches_the_options() {
        let pairs = [
            ("connection.timeout.ms", "1"),
            ("connection.read.timeout.ms", "5"),
            ("statement.timeout.ms", "2"),
            ("connection.idle.timeout.ms", "3"),
            ("connection.keep.alive.ms", "4"),
            ("tls.mode", "verify-full"),
            ("tls.ca", "ca.pem"),
            ("tls.certificate", "own.pem"),
            ("tls.key", "key.pem"),
            ("connection.session", "a=1,b=x"),
            ("connection.pooler", "transaction"),
            ("numeric.mapping", "decimal(40,2)"),
            ("values.unrepresentable", "null"),
            ("unknown.types", "fail"),
            ("zero.dates", "text"),
            ("tinyint1", "int8"),
            ("time.mapping", "time"),
            ("binary16", "uuid"),
            ("bit1", "bool"),
            ("fine.digits", "text"),
            ("point.mapping", "struct"),
            ("range.mapping", "struct"),
            ("composite.mapping", "struct"),
            ("hstore.mapping", "map"),
            ("interval.mapping", "arrow"),
            ("json.numbers", "round"),
            ("sqlite.dates", "julian"),
            ("sqlite.typing", "text"),
        ];
        let declared = &SessionConfig::definition().keys;
        assert_eq!(declared.len(), pairs.len(), "every key is tested here");
        let config = session(&pairs).unwrap();
        let written = config.to_settings();
        let options = config.open_options();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(Some(options.connect_timeout), ms(1));
        assert_eq!(Some(options.read_timeout), ms(5));
        assert_eq!(
            (
                options.statement_timeout,
                options.idle_timeout,
                options.keep_alive
            ),
            (ms(2), ms(3), ms(4))
        );
        let tls = TlsOptions {
            mode: Some(TlsMode::VerifyFull),
            ca: Some("ca.pem".into()),
            certificate: Some("own.pem".into()),
            key: Some("key.pem".into()),
        };
        assert_eq!(options.tls, tls);
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(options.session, [own("a", "1"), own("b", "x")]);
        assert_eq!(options.pooler, Pooler::Transaction);
        let values = ValueOptions {
            numeric_mapping: NumericMapping::Decimal {
                precision: 40,
                scale: 2,
            },
            unrepresentable: Unrepresentable::Null,
            unknown_types: UnknownTypes::Fail,
            zero_dates: ZeroDates::Text,
            tinyint1: TinyInt1::Number,
            time_mapping: TimeMapping::Time,
            binary16: Binary16::Uuid,
            bit1: Bit1::Bool,
            fine_digits: FineDigits::Text,
            point_mapping: PointMapping::Struct,
            range_mapping: RangeMapping::Struct,
            composite_mapping: CompositeMapping::Struct,
            hstore_mapping: HstoreMapping::Map,
            interval_mapping: IntervalMapping::Arrow,
            json_numbers: JsonNumbers::Round,
            sqlite_dates: SqliteDates::Julian,
            sqlite_typing: SqliteTyping::Text,
        };
        assert_eq!(options.values, values);
        let again = SessionConfig::from_settings(&written).unwrap();
        assert_eq!(again.open_options().values, values);
    }

    #[test]
    fn session_settings_keep_the_commas_of_their_values() {
        let parsed = |text: &str| SessionSettings::parse(text).map(|s| s.0);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(parsed(" ; "), Ok(vec![]));
        let all = vec![pair("search_path", "shop,public"), pair("work_mem", "64MB")];
        assert_eq!(
            parsed("search_path=shop, public, work_mem = 64MB"),
            Ok(all.clone())
        );
        assert_eq!(
            parsed("search_path=shop,public; work_mem=64MB;"),
            Ok(all.clone())
        );
        assert_eq!(parsed(&SessionSettings(all.clone()).show()), Ok(all));
        assert_eq!(parsed("a=b=c"), Ok(vec![pair("a", "b=c")]));
        let error = parsed("a=1; hunter2").unwrap_err();
        assert_eq!(error, "setting 2 is no `name=value`");
    }

    #[test]
    fn what_does_not_go_together_is_told_at_once() {
        let faults = session(&[
            ("connection.timeout.ms", "0"),
            ("statement.timeout.ms", "0"),
            ("tls.mode", "disable"),
            ("tls.ca", "ca.pem"),
            ("tls.key", "key.pem"),
        ])
        .unwrap_err();
        let keys: Vec<_> = faults.iter().filter_map(|f| f.key.as_deref()).collect();
        assert_eq!(
            keys,
            [
                "connection.timeout.ms",
                "statement.timeout.ms",
                "tls.ca",
                "tls.key",
                "tls.certificate"
            ]
        );
        let faults = session(&[("tls.mod", "require"), ("numeric.mapping", "best_fit")]);
        let faults = faults.unwrap_err().to_string();
        assert!(faults.contains("did you mean `tls.mode`?"), "{faults}");
        assert!(faults.contains("`best_fit` gives up digits"), "{faults}");
        let none = session(&[("numeric.mapping", "none")]).unwrap();
        assert_eq!(none.numeric_mapping, NumericMapping::Text);
    }
}
