//! Options of a connection, and the mapping of values where there is a choice.
use connect_api::config::{Secret, Setting};
use std::{fmt, path::PathBuf, time::Duration};

connect_api::choice! {
    /// Whether TLS is used, and how the server is verified.
    pub enum TlsMode {
        /// Plain text.
        Disable = "disable",
        /// TLS where the server supports it, without verification; plain text otherwise.
        Prefer = "prefer",
        /// TLS, without verification of the server.
        Require = "require",
        /// TLS with a server whose certificate a trusted authority has signed.
        VerifyCa = "verify-ca",
        /// The same, and the certificate is that of the host.
        VerifyFull = "verify-full",
    }
}

connect_api::choice! {
    /// Whether connected through a connection pooler that gives each transaction whichever of the
    /// server's sessions is free.
    pub enum Pooler {
        /// The session is asked for one as it begins.
        Detect = "detect",
        /// There is none, or one that keeps sessions apart.
        None = "none",
        /// There is one: nothing is left in a session between transactions.
        Transaction = "transaction",
    }
}

connect_api::choice! {
    /// Handling of a value that its column's kind cannot represent: an infinite date, a NaN in a
    /// decimal, a list of lists.
    pub enum Unrepresentable {
        /// An error of its row.
        Error = "error",
        /// NULL.
        Null = "null",
        /// The columns of types that have such values are read as text.
        Text = "text",
    }
}

connect_api::choice! {
    /// Handling of a number in JSON that MySQL's `json` would round to a float of 64 bits.
    pub enum JsonNumbers {
        /// An error of its row.
        Error = "error",
        /// It is written as a JSON string of its digits.
        Text = "text",
        /// The server rounds it.
        Round = "round",
    }
}

connect_api::choice! {
    /// Handling of a column whose type is not known.
    pub enum UnknownTypes {
        /// It is read as the database's text.
        Text = "text",
        /// Its table cannot be read whole.
        Fail = "fail",
    }
}

connect_api::choice! {
    /// Handling of MySQL's invalid dates, such as `0000-00-00`.
    pub enum ZeroDates {
        /// An error of the row.
        Error = "error",
        /// NULL.
        Null = "null",
        /// Columns of dates are read as text.
        Text = "text",
    }
}

connect_api::choice! {
    /// Mapping of MySQL's `tinyint(1)`.
    pub enum TinyInt1 {
        /// As a boolean; a value other than 0 and 1 is an error of its row.
        Bool = "bool",
        /// As a number.
        Number = "int8",
    }
}

connect_api::choice! {
    /// Mapping of MySQL's TIME, which can be negative or longer than a day.
    pub enum TimeMapping {
        /// As a span of time.
        Duration = "duration",
        /// As a time of day; a value that is not a time of day is an error of its row.
        Time = "time",
    }
}

connect_api::choice! {
    /// Mapping of MySQL's `binary(16)`.
    pub enum Binary16 {
        /// As bytes.
        Bytes = "bytes",
        /// As a UUID.
        Uuid = "uuid",
    }
}

connect_api::choice! {
    /// Mapping of PostgreSQL's `bit(1)`.
    pub enum Bit1 {
        /// As the text `0` or `1`, like longer bit strings.
        Text = "text",
        /// As a boolean.
        Bool = "bool",
    }
}

connect_api::choice! {
    /// Handling of digits below a microsecond, which SQL Server's `datetime2(7)` has.
    pub enum FineDigits {
        /// An error of the row.
        Error = "error",
        /// They are truncated.
        Truncate = "truncate",
        /// The columns of types that have such digits are read as text.
        Text = "text",
    }
}

connect_api::choice! {
    /// Mapping of PostgreSQL's `point`.
    pub enum PointMapping {
        /// As the server's text.
        Text = "text",
        /// As a struct of two floats, `x` and `y`.
        Struct = "struct",
    }
}

connect_api::choice! {
    /// Mapping of PostgreSQL's ranges; multiranges are always text.
    pub enum RangeMapping {
        /// As the server's text.
        Text = "text",
        /// As a struct of `lower` and `upper`, NULL where there is no bound, and the booleans
        /// `lower_inc`, `upper_inc` and `empty`.
        Struct = "struct",
    }
}

connect_api::choice! {
    /// Mapping of PostgreSQL's composite types.
    pub enum CompositeMapping {
        /// As JSON text.
        Json = "json",
        /// As a struct of their fields, where each is of one value or a list of such; else as JSON
        /// text.
        Struct = "struct",
    }
}

connect_api::choice! {
    /// Mapping of PostgreSQL's `hstore`.
    pub enum HstoreMapping {
        /// As JSON text.
        Json = "json",
        /// As a map of texts.
        Map = "map",
    }
}

connect_api::choice! {
    /// Mapping of PostgreSQL's `interval`.
    pub enum IntervalMapping {
        /// As text of ISO 8601.
        Text = "text",
        /// As months, days and nanoseconds; a time part of 292 years and more is
        /// [unrepresentable](Unrepresentable).
        Arrow = "arrow",
    }
}

connect_api::choice! {
    /// Mapping of SQLite columns declared DATE, TIME, DATETIME or TIMESTAMP.
    pub enum SqliteDates {
        /// As the stored text.
        Text = "text",
        /// As dates and times, read from ISO 8601 text; any other text is an error.
        Iso = "iso",
        /// As dates and times, stored as seconds since 1970-01-01.
        Unix = "unix",
        /// As dates and times, stored as Julian days.
        Julian = "julian",
    }
}

connect_api::choice! {
    /// Handling of a SQLite value that is not of its column's declared type.
    pub enum SqliteTyping {
        /// It is an error of its row.
        Strict = "strict",
        /// All columns are read as text.
        Text = "text",
    }
}

connect_api::choice! {
    /// Handling of a row to upsert that has, in another unique key, the values of an existing row
    /// with another key. Only MySQL and MariaDB offer a choice; all others reject it.
    pub enum OtherKeys {
        /// It is rejected; only the row of its key is changed.
        Refuse = "refuse",
        /// The existing row is changed, whatever its key.
        Update = "update",
    }
}

/// Mapping of a `numeric` without precision, which may have any number of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NumericMapping {
    /// As text, with every digit.
    #[default]
    Text,
    /// As a decimal of so many digits, so many of them after the point; a value that does not fit
    /// is an error of its row.
    Decimal {
        /// Digits, 1 to 76.
        precision: u8,
        /// Of them after the point.
        scale: i8,
    },
}

impl Setting for NumericMapping {
    const TYPE: &'static str = "text or decimal(p,s)";

    fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || "expected `text`, or `decimal(p,s)` with 1 <= p <= 76, 0 <= s <= p".to_owned();
        let text = text.trim().to_ascii_lowercase();
        // `none` is how JDBC connectors say that no digit is to be lost.
        if text == "text" || text == "none" {
            return Ok(Self::Text);
        }
        if ["precision_only", "best_fit", "best_fit_eager_double"].contains(&text.as_str()) {
            return Err(format!(
                "`{text}` gives up digits or types: a numeric of declared precision is always \
                 an exact decimal here; for others, {}",
                wrong()
            ));
        }
        let inner = text
            .strip_prefix("decimal(")
            .and_then(|t| t.strip_suffix(')'));
        let (precision, scale) = inner.and_then(|t| t.split_once(',')).ok_or_else(wrong)?;
        let precision = precision.trim().parse::<u8>().ok();
        let scale = scale.trim().parse::<i8>().ok();
        match (precision, scale) {
            (Some(precision @ 1..=76), Some(scale @ 0..)) if scale.unsigned_abs() <= precision => {
                Ok(Self::Decimal { precision, scale })
            }
            _ => Err(wrong()),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for NumericMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
        }
    }
}

/// Mapping of values where there is a choice; each applies to the databases that its type
/// names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueOptions {
    /// See [`NumericMapping`].
    pub numeric_mapping: NumericMapping,
    /// See [`Unrepresentable`].
    pub unrepresentable: Unrepresentable,
    /// See [`UnknownTypes`].
    pub unknown_types: UnknownTypes,
    /// See [`ZeroDates`].
    pub zero_dates: ZeroDates,
    /// See [`TinyInt1`].
    pub tinyint1: TinyInt1,
    /// See [`TimeMapping`].
    pub time_mapping: TimeMapping,
    /// See [`Binary16`].
    pub binary16: Binary16,
    /// See [`Bit1`].
    pub bit1: Bit1,
    /// See [`FineDigits`].
    pub fine_digits: FineDigits,
    /// See [`PointMapping`].
    pub point_mapping: PointMapping,
    /// See [`RangeMapping`].
    pub range_mapping: RangeMapping,
    /// See [`CompositeMapping`].
    pub composite_mapping: CompositeMapping,
    /// See [`HstoreMapping`].
    pub hstore_mapping: HstoreMapping,
    /// See [`IntervalMapping`].
    pub interval_mapping: IntervalMapping,
    /// See [`JsonNumbers`].
    pub json_numbers: JsonNumbers,
    /// See [`SqliteDates`].
    pub sqlite_dates: SqliteDates,
    /// See [`SqliteTyping`].
    pub sqlite_typing: SqliteTyping,
}

impl Default for ValueOptions {
    fn default() -> Self {
        Self {
            numeric_mapping: NumericMapping::Text,
            unrepresentable: Unrepresentable::Error,
            unknown_types: UnknownTypes::Text,
            zero_dates: ZeroDates::Error,
            tinyint1: TinyInt1::Bool,
            time_mapping: TimeMapping::Duration,
            binary16: Binary16::Bytes,
            bit1: Bit1::Text,
            fine_digits: FineDigits::Error,
            point_mapping: PointMapping::Text,
            range_mapping: RangeMapping::Text,
            composite_mapping: CompositeMapping::Json,
            hstore_mapping: HstoreMapping::Json,
            interval_mapping: IntervalMapping::Text,
            json_numbers: JsonNumbers::Error,
            sqlite_dates: SqliteDates::Text,
            sqlite_typing: SqliteTyping::Strict,
        }
    }
}

/// TLS; what is left out is taken from the URL, and else from the dialect's own defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// See [`TlsMode`].
    pub mode: Option<TlsMode>,
    /// PEM file of the authorities that may sign the server's certificate.
    pub ca: Option<PathBuf>,
    /// PEM file of the client's certificate.
    pub certificate: Option<PathBuf>,
    /// PEM file of the client's private key.
    pub key: Option<PathBuf>,
}

/// How to open a database, beside its URL. These options take precedence over the URL's parameters.
///
/// An option that the database does not support is an error of kind `Unsupported` when it is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// User; takes precedence over the URL's.
    pub user: Option<String>,
    /// Password; takes precedence over the URL's.
    pub password: Option<Secret>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for one answer, while the server can be reached.
    pub read_timeout: Duration,
    /// Longest time that one statement may take.
    pub statement_timeout: Option<Duration>,
    /// Longest wait for a lock that another session holds on a table; the error is of kind `Conflict`.
    /// Databases without such a limit wait.
    pub lock_timeout: Option<Duration>,
    /// The server ends a session that was idle for so long, inside a transaction or outside.
    pub idle_timeout: Option<Duration>,
    /// Idle time after which TCP asks whether the other side still lives.
    pub keep_alive: Option<Duration>,
    /// TLS.
    pub tls: TlsOptions,
    /// Settings of the session, each a name and a value as `SET` takes it (a PRAGMA for SQLite).
    pub session: Vec<(String, String)>,
    /// The session may not write.
    pub read_only: bool,
    /// What stands between the connection and the server.
    pub pooler: Pooler,
    /// Mapping of values.
    pub values: ValueOptions,
    /// See [`OtherKeys`].
    pub other_keys: OtherKeys,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            user: None,
            password: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(1800),
            statement_timeout: None,
            lock_timeout: None,
            idle_timeout: None,
            keep_alive: None,
            tls: TlsOptions::default(),
            session: Vec::new(),
            read_only: false,
            pooler: Pooler::Detect,
            values: ValueOptions::default(),
            other_keys: OtherKeys::Refuse,
        }
    }
}
