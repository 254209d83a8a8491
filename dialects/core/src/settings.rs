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
        /// the prefix `jdbc:` is accepted. Several hosts, separated by commas, are tried in order;
        /// the parameter `target_session_attrs` selects among them by role.
        "connection.url": url: Secret, required, High;
        /// User; takes precedence over the URL.
        "connection.user": user: String, optional, High;
        /// Password; takes precedence over the URL.
        "connection.password": password: Secret, optional, High;
        /// Number of attempts to connect before the task fails or is retried.
        "connection.attempts": attempts: NonZeroU32, default "3", Low;
        /// Delay between two attempts to connect.
        "connection.backoff.ms": backoff: Millis, default "1000", Low;
        /// Expected database of the URL: `postgres`, `mysql`, `sqlite`, `sqlserver`, `odbc`, or a
        /// dialect name of the Java original. Default: any.
        "dialect.name": dialect: DialectName, default "", Low;
    }
    check ConnectionConfig::check_dialect
}

settings! {
    /// Connection options and the mapping of values. An option that a database does not support
    /// is an error when it is opened.
    pub struct SessionConfig {
        /// Timeout for establishing a connection.
        "connection.timeout.ms": connect_timeout: Millis, default "10000", Medium;
        /// Timeout of a single response of the database: the first rows of a query, the next rows,
        /// the result of a write. If a response takes longer than half of `connection.timeout.ms`, a
        /// second connection probes whether the server is reachable and still works on it; if not,
        /// the call ends with a timeout and the task retries.
        "connection.read.timeout.ms": read_timeout: Millis, default "1800000", Medium;
        /// Timeout of a statement, enforced by the database. Default: no limit.
        "statement.timeout.ms": statement_timeout: Millis, optional, Medium;
        /// Time after which the database ends an idle session. Default: the limit of the database.
        "connection.idle.timeout.ms": idle_timeout: Millis, optional, Low;
        /// Idle time after which TCP keepalive probes are sent.
        "connection.keep.alive.ms": keep_alive: Millis, optional, Low;
        /// TLS: `disable`, `prefer` (if the server supports it), `require` (without verification of
        /// the server), `verify-ca` (verify that a trusted authority signed the certificate),
        /// `verify-full` (verify the host name too). Default: as given by the URL.
        "tls.mode": tls_mode: TlsMode, optional, Medium;
        /// PEM file of the certificate authorities for the server's certificate.
        "tls.ca": tls_ca: String, optional, Medium;
        /// PEM file of the client certificate.
        "tls.certificate": tls_certificate: String, optional, Low;
        /// PEM file of the client certificate's private key.
        "tls.key": tls_key: String, optional, Low;
        /// Session variables, `name=value`, separated by semicolons or commas; text after a comma
        /// without `=` belongs to the value before it: `search_path=shop,public;work_mem=64MB`.
        /// Pragmas for SQLite.
        "connection.session": session: SessionSettings, default "", Low;
        /// Transaction pooling, by PgBouncer for example, in front of PostgreSQL: `detect` probes
        /// for it when a session starts, `transaction` assumes it, `none` assumes none. With
        /// transaction pooling no state is kept in a session between transactions: statements are
        /// not kept prepared, and session variables are set again in each transaction.
        "connection.pooler": pooler: Pooler, default "detect", Low;
        /// Mapping of `numeric` without a declared precision: `text` with all digits, or
        /// `decimal(p,s)`; a value with more digits is then an error of its row.
        "numeric.mapping": numeric_mapping: NumericMapping, default "text", Medium;
        /// Handling of a value that the type of its column cannot represent (an infinite date, NaN
        /// in a decimal): `error` rejects the row, `null` replaces it, `text` maps columns of such
        /// types to text.
        "values.unrepresentable": unrepresentable: Unrepresentable, default "error", Medium;
        /// Handling of columns of an unknown type: `text` reads them as text, `fail` rejects the
        /// table.
        "unknown.types": unknown_types: UnknownTypes, default "text", Low;
        /// Handling of MySQL's zero dates, such as `0000-00-00`: `error` rejects the row, `null`
        /// replaces them, `text` maps date columns to text.
        "zero.dates": zero_dates: ZeroDates, default "error", Low;
        /// Mapping of MySQL's `tinyint(1)`: `bool`, where a value other than 0 and 1 is an error of
        /// its row, or `int8`.
        "tinyint1": tinyint1: TinyInt1, default "bool", Low;
        /// Mapping of MySQL's `time`, which can be negative or longer than a day: `duration`, or
        /// `time`, where a value that is not a time of day is an error of its row.
        "time.mapping": time_mapping: TimeMapping, default "duration", Low;
        /// Mapping of MySQL's `binary(16)`: `bytes` or `uuid`.
        "binary16": binary16: Binary16, default "bytes", Low;
        /// Mapping of PostgreSQL's `bit(1)`: `text`, like longer bit strings, or `bool`.
        "bit1": bit1: Bit1, default "text", Low;
        /// Handling of fractional seconds below a microsecond, in SQL Server and in ISO texts of
        /// SQLite: `error` rejects the row, `truncate` truncates them, `text` maps columns of such
        /// types to text. A position has microsecond precision; rows within the same microsecond
        /// are still read once.
        "fine.digits": fine_digits: FineDigits, default "error", Low;
        /// Mapping of PostgreSQL's `point`: `text`, or a `struct` of the floats `x` and `y`.
        "point.mapping": point_mapping: PointMapping, default "text", Low;
        /// Mapping of PostgreSQL's range types: `text`, or a `struct` of `lower` and `upper` (NULL
        /// if unbounded) and the booleans `lower_inc`, `upper_inc` and `empty`.
        "range.mapping": range_mapping: RangeMapping, default "text", Low;
        /// Mapping of PostgreSQL's composite types: `json` text, or a `struct` of their fields if
        /// none of these is composite itself.
        "composite.mapping": composite_mapping: CompositeMapping, default "json", Low;
        /// Mapping of PostgreSQL's `hstore`: `json` text, or a `map` of texts.
        "hstore.mapping": hstore_mapping: HstoreMapping, default "json", Low;
        /// Mapping of PostgreSQL's `interval`: ISO 8601 `text`, or Arrow's months, days and
        /// nanoseconds (`arrow`). The time part of the latter is limited to 292 years;
        /// `values.unrepresentable` applies beyond that.
        "interval.mapping": interval_mapping: IntervalMapping, default "text", Low;
        /// Handling of numbers that MySQL's `json`, with 64-bit floats, would round: `error`
        /// rejects the row, `text` writes a string of the digits, `round` accepts the rounding.
        "json.numbers": json_numbers: JsonNumbers, default "error", Low;
        /// Mapping of SQLite columns declared as DATE, TIME, DATETIME or TIMESTAMP: `text` as
        /// stored, or dates and times stored as ISO 8601 text (`iso`), seconds since 1970-01-01
        /// (`unix`) or Julian days (`julian`).
        "sqlite.dates": sqlite_dates: SqliteDates, default "text", Low;
        /// Handling of SQLite values that are not of the declared type of their column: `strict`
        /// rejects the row, `text` reads all columns as text.
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
                    // It may hold a secret: only its position is reported.
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
    /// Number of attempts to connect, and the delay between them.
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
            lock_timeout: None,
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
    fn all_contradicting_settings_are_reported_at_once() {
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
