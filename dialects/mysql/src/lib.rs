//! MySQL (5.7 to 9) and MariaDB: tables to Arrow columns and back.
//!
//! [`open`] takes a URL (`mysql://user@host:3306/db`, `mariadb://…`,
//! `jdbc:mysql://host/db?user=…`) and gives a [`Dialect`]. Rows are read by prepared statements
//! straight from the binary protocol, and written by statements of up to 512 rows.
//!
//! Every session has the time zone +00:00, the character set utf8mb4 and strict modes: what does
//! not fit is refused and never cut. A `datetime` is carried as a wall clock, a `timestamp` as an
//! instant, a `time` as a span. Comments tell columns made here for kinds that have no type of their
//! own: `boolean` on tinyint(1), `uuid` on binary(16), `UTC` on datetime, `time of day` on time.
//! Geometries are carried as WKB, and as EWKB where they have an SRID; a type that is not known as
//! the server's text.
//!
//! - An insert that passes over keys that are there is `ON DUPLICATE KEY UPDATE` of nothing, as
//!   `INSERT IGNORE` would hide other faults; triggers of updates see such rows. Any unique key of
//!   the table decides.
//! - Updates go by way of a temporary table, or row by row where the user may not make one.
//! - [`Visibility`](dialect_core::Visibility) is what `INNODB_TRX` shows, to the second; without the
//!   privilege PROCESS it is not told. A transaction is seen from its first statement on InnoDB on.
//! - The types of a query are those of a temporary table of none of its rows; where none can be made
//!   decimals are carried as text.
//! - A cursor that is dropped before its last row costs the connection.
//!
//! ```no_run
//! use connect_api::Result;
//! use dialect_core::{OpenOptions, TableName};
//!
//! # async fn example() -> Result<()> {
//! let options = OpenOptions::default();
//! let dialect = dialect_mysql::open("mysql://ann@localhost/shop?sslMode=required", &options)?;
//! let mut connection = dialect.connect().await?;
//! let orders = connection.describe(&TableName::new("orders")).await?;
//! println!("{orders:?}");
//! connection.close().await
//! # }
//! ```
mod catalog;
#[cfg(feature = "conformance")]
pub mod conformance;
mod connection;
mod cursor;
mod ddl;
mod decode;
mod describe;
mod encode;
mod error_codes;
mod options;
mod plan;
mod server;
mod syntax;
mod types;

use crate::{connection::MySqlConnect, options::Settings, syntax::MySqlSyntax};
#[cfg(feature = "fuzzing")]
pub use decode::fuzzing;

use async_trait::async_trait;
use connect_api::{Error, ErrorKind, Kind, Result};
use dialect_core::{
    Address, Capabilities, Column, Connection, Dialect, Grain, Host, OpenOptions, Syntax,
    VisibleBy, WritePlan, WriteRequest,
};
use std::{fmt, sync::Arc};

/// The schemes of its URLs.
pub const SCHEMES: &[&str] = &["mysql", "mariadb"];

/// The dialect for a URL; no I/O is done. The port is 3306 where none is given.
///
/// Parameters: `ssl-mode` or `sslMode` (`disable`, `preferred` if not given, `required`,
/// `verify-ca`, `verify-identity`), `useSSL`, `requireSSL`, `verifyServerCertificate`, `ssl-ca` or
/// `serverSslCert`, `ssl-cert`, `ssl-key` (files in PEM form), `socket` (path), `connectTimeout`
/// (milliseconds), `maxStatementTime` (seconds), `readOnly`, `sessionVariables` (`a=1,b=2`),
/// `tinyInt1isBit`, `zeroDateTimeBehavior` (`exception`, `convertToNull`). Others that the Java
/// drivers have are taken without effect, and a warning says why: `serverTimezone`,
/// `characterEncoding`, `useUnicode`, `rewriteBatchedStatements`, `useServerPrepStmts`,
/// `cachePrepStmts`, `useCursorFetch`, `yearIsDateType`, `socketTimeout`, `tcpKeepAlive`,
/// `allowPublicKeyRetrieval`.
///
/// Of the options, the statement timeout is `max_statement_time` on MariaDB and on MySQL
/// `max_execution_time`, which limits SELECT alone; the idle timeout is `wait_timeout`, in whole
/// seconds. Settings of the session may be any variables but those on which it depends that values
/// arrive as they were (`sql_mode`, `time_zone`, character sets).
///
/// # Errors
/// `Config`: the URL cannot be read, no user is given, or a parameter is not known.
/// `Unsupported`: keep-alive, as the driver gives no way to its socket.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Dialect>> {
    let mut address = Address::parse(url, options)?;
    if address.hosts.is_empty() {
        address.hosts.push(Host {
            name: "localhost".to_owned(),
            port: None,
        });
    }
    let settings = Settings::read(&address, options)?;
    let syntax = MySqlSyntax {
        mariadb: address.scheme == "mariadb",
        ..MySqlSyntax::default()
    };
    Ok(Arc::new(MySql {
        address,
        settings,
        syntax,
    }))
}

struct MySql {
    address: Address,
    settings: Settings,
    syntax: MySqlSyntax,
}

// Not derived: the driver's settings hold the password.
impl fmt::Debug for MySql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MySql").field(&self.address).finish()
    }
}

#[async_trait]
impl Dialect for MySql {
    fn name(&self) -> &'static str {
        "MySQL"
    }

    fn address(&self) -> &str {
        self.address.shown()
    }

    fn syntax(&self) -> &dyn Syntax {
        &self.syntax
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            upsert: true,
            upsert_by_any_key: true,
            folds_columns: true,
            transactional_ddl: false,
            concurrent_writers: true,
            savepoints: true,
            widen: true,
            blocks: false,
            visibility: VisibleBy::OldestTransaction,
        }
    }

    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan> {
        plan::plan_write(request, self.settings.other_keys)
    }

    fn takes(&self, kind: &Kind, column: &Column) -> bool {
        encode::Encoder::new(kind, column, false).is_some()
    }

    fn grain(&self, column: &Column) -> Grain {
        Grain::digits(encode::places(column))
    }

    fn is_already_there(&self, error: &Error) -> bool {
        // A table, a column.
        matches!(error.code(), Some("1050" | "1060"))
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        dialect_core::choose_cryptography();
        let shown = self.address.shown();
        let connect = async |host: &_| MySqlConnect::open(&self.settings, host, shown).await;
        let connection = self.address.first(connect).await?;
        self.syntax
            .server
            .get_or_init(|| connection.server().clone());
        Ok(Box::new(connection))
    }
}

/// What the errors of the servers mean, by their number.
const KINDS: &[(ErrorKind, &[u16])] = &[
    // Shutdown, killed connections, broken packets; a host that is blocked, a server that has
    // become a replica.
    (
        ErrorKind::Connect,
        &[
            1053, 1077, 1078, 1079, 1080, 1081, 1129, 1152, 1156, 1157, 1158, 1159, 1160, 1161,
            1184, 1290, 1836, 1927, 3169, 4031,
        ],
    ),
    // The server's own limits of time.
    (ErrorKind::Timeout, &[1969, 3024]),
    // Connections, memory, disk, statements, locks; a cluster that is not ready; interrupted.
    (
        ErrorKind::Busy,
        &[
            1021, 1037, 1038, 1040, 1041, 1047, 1114, 1135, 1203, 1206, 1226, 1317, 1461, 1637,
        ],
    ),
    // Deadlocks, waits for locks that took too long, snapshots that are too old.
    (ErrorKind::Conflict, &[1020, 1205, 1213, 1614, 3058, 3572]),
    // Variables of a session that are not there, or not to be set so.
    (ErrorKind::Config, &[1193, 1228, 1229, 1231, 1232, 1238]),
    // Writes of a session that is to read only; tables made in tracked transactions.
    (ErrorKind::Unsupported, &[1785, 1786, 1787, 1792]),
    (
        ErrorKind::Auth,
        &[
            1044, 1045, 1095, 1130, 1131, 1132, 1133, 1142, 1143, 1227, 1251, 1370, 1410, 1524,
            1698, 1820, 1862, 3118, 3159, 3955, 4151,
        ],
    ),
    // Duplicates, NULLs, ranges, lengths, foreign keys, checks, triggers, partitions, JSON.
    (
        ErrorKind::Data,
        &[
            1022, 1048, 1062, 1153, 1162, 1169, 1216, 1217, 1263, 1264, 1265, 1292, 1300, 1301,
            1365, 1366, 1367, 1406, 1411, 1416, 1425, 1441, 1451, 1452, 1526, 1586, 1644, 1690,
            1748, 1859, 3140, 3141, 3143, 3144, 3145, 3146, 3147, 3148, 3149, 3150, 3151, 3152,
            3153, 3154, 3156, 3157, 3158, 3819, 3854, 3988,
        ],
    ),
    // Databases, tables, columns, keys and engines that are not there or not so; syntax.
    (
        ErrorKind::Schema,
        &[
            1007, 1008, 1009, 1036, 1046, 1049, 1050, 1051, 1052, 1054, 1058, 1059, 1060, 1061,
            1063, 1064, 1067, 1068, 1069, 1070, 1071, 1072, 1073, 1074, 1075, 1091, 1094, 1101,
            1103, 1109, 1110, 1113, 1115, 1117, 1118, 1136, 1146, 1166, 1170, 1176, 1215, 1235,
            1267, 1273, 1286, 1288, 1305, 1347, 1348, 1356, 1364, 1470, 1471, 1709, 1822, 1824,
            1906, 1932, 3105, 4161,
        ],
    ),
];

/// What an error of the server means: by its number, else by the class of its SQLSTATE.
pub(crate) fn kind_of(number: u16, state: Option<&str>) -> ErrorKind {
    if let Some((kind, _)) = KINDS.iter().find(|(_, numbers)| numbers.contains(&number)) {
        return *kind;
    }
    match state.and_then(|s| s.get(..2)) {
        Some("08") => ErrorKind::Connect,
        Some("22" | "23") => ErrorKind::Data,
        Some("28") => ErrorKind::Auth,
        Some("40") => ErrorKind::Conflict,
        Some("42") => ErrorKind::Schema,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_kind() {
        let mut all: Vec<_> = KINDS.iter().flat_map(|(_, n)| n.iter()).collect();
        all.sort();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn numbers_go_before_the_class_of_the_state() {
        assert_eq!(kind_of(1062, Some("23000")), ErrorKind::Data);
        // A lock wait has the state of a general error.
        assert_eq!(kind_of(1205, Some("HY000")), ErrorKind::Conflict);
        // MariaDB's failed CHECK is another thing in MySQL, told by the state.
        assert_eq!(kind_of(4025, Some("23000")), ErrorKind::Data);
        assert_eq!(kind_of(4025, Some("HY000")), ErrorKind::Internal);
        assert_eq!(kind_of(9999, None), ErrorKind::Internal);
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = "jdbc:mysql://db/shop?user=ann&password=planted-secret";
        let dialect = open(url, &OpenOptions::default()).unwrap();
        let shown = format!("{dialect:?} {}", dialect.address());
        assert!(shown.contains("mysql://db/shop"), "{shown}");
        assert!(!shown.contains("planted-secret"), "{shown}");
    }
}
