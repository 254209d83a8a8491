//! The server behind a connection: which of the family it is, and its version.
use std::{fmt, time::Duration};

/// MariaDB's collation that distinguishes all texts.
pub(crate) const MARIADB_EXACT: &str = "utf8mb4_nopad_bin";
/// The collation of MySQL's that does.
pub(crate) const MYSQL_EXACT: &str = "utf8mb4_0900_bin";

/// Which of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    MySql,
    MariaDb,
}

/// The server, as it reported itself when the connection was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) family: Family,
    pub(crate) version: (u16, u16, u16),
    /// The largest statement with its values that the server takes.
    pub(crate) max_packet_bytes: usize,
    /// Names of tables that differ in case alone are one.
    pub(crate) names_in_any_case: bool,
    /// The connection's own database.
    pub(crate) database: Option<String>,
    /// Host, port and the user that the connection is of.
    pub(crate) identity: String,
    /// It is read-only, as replicas are.
    pub(crate) replica: bool,
    /// The number of the connection, and where it comes from.
    pub(crate) session: Option<String>,
}

impl Server {
    /// Reads `SELECT VERSION()`: `8.0.36-0ubuntu`, `10.11.6-MariaDB-0+deb12u1`,
    /// `8.0.11-TiDB-v7.5.0`. What is not a number counts as 0: an old server.
    pub(crate) fn new(version: &str, max_packet_bytes: u64) -> Self {
        let mariadb = version.to_ascii_lowercase().contains("mariadb");
        let mut numbers = version
            .split(|c: char| !c.is_ascii_digit())
            .map(|n| n.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Self {
            family: if mariadb {
                Family::MariaDb
            } else {
                Family::MySql
            },
            version: (next(), next(), next()),
            max_packet_bytes: usize::try_from(max_packet_bytes).unwrap_or(usize::MAX),
            names_in_any_case: false,
            database: None,
            identity: String::new(),
            replica: false,
            session: None,
        }
    }

    /// `INSERT … VALUES … AS new ON DUPLICATE KEY UPDATE c = new.c` is understood; else it is
    /// `VALUES(c)`, which MySQL calls deprecated since it has the alias.
    pub(crate) fn row_alias(&self) -> bool {
        self.family == Family::MySql && self.version >= (8, 0, 19)
    }

    /// The collation that distinguishes most texts: older servers pad all of theirs with blanks.
    pub(crate) fn key_collation(&self) -> &'static str {
        match self.family {
            Family::MariaDb if self.version >= (10, 2, 2) => MARIADB_EXACT,
            Family::MySql if self.version >= (8, 0, 17) => MYSQL_EXACT,
            Family::MariaDb | Family::MySql => "utf8mb4_bin",
        }
    }

    /// The catalogue reports a default as an expression, and a default of NULL as `NULL`.
    pub(crate) fn reports_default_expressions(&self) -> bool {
        self.family == Family::MariaDb && self.version >= (10, 2, 7)
    }

    /// The catalogue reports which table a CHECK belongs to. MariaDB marks JSON by one.
    pub(crate) fn reports_checks(&self) -> bool {
        self.family == Family::MariaDb
            && (self.version >= (10, 3, 10) || ((10, 2, 22)..(10, 3, 0)).contains(&self.version))
    }

    /// JSON is a type of its own, whose numbers are integers and floats of 64 bits; MariaDB keeps
    /// its text.
    pub(crate) fn rounds_json(&self) -> bool {
        self.family == Family::MySql
    }

    /// Host and port.
    pub(crate) fn place(&self) -> &str {
        let user = self.identity.rsplit_once(' ');
        user.map_or(&self.identity, |(place, _)| place)
    }

    /// The table of the catalogue that lists those of InnoDB.
    pub(crate) fn innodb_tables(&self) -> &'static str {
        match self.family {
            Family::MySql if self.version >= (8, 0, 3) => "INNODB_TABLES",
            Family::MySql | Family::MariaDb => "INNODB_SYS_TABLES",
        }
    }

    /// The statement that shows which servers it follows.
    pub(crate) fn replica_status(&self) -> &'static str {
        match self.family {
            Family::MySql if self.version >= (8, 0, 22) => "SHOW REPLICA STATUS",
            Family::MySql => "SHOW SLAVE STATUS",
            Family::MariaDb => "SHOW ALL SLAVES STATUS",
        }
    }

    /// `NTILE(…) OVER (…)` is understood.
    pub(crate) fn window_functions(&self) -> bool {
        self.version
            >= match self.family {
                Family::MySql => (8, 0, 2),
                Family::MariaDb => (10, 2, 2),
            }
    }

    /// What limits the time of a statement in a session: SQL text. `None` where nothing does.
    /// MariaDB counts seconds and means every statement, MySQL milliseconds and SELECT alone.
    pub(crate) fn statement_timeout(&self, timeout: Duration) -> Option<String> {
        match self.family {
            Family::MariaDb if self.version >= (10, 1, 1) => {
                Some(format!("max_statement_time = {}", timeout.as_secs_f64()))
            }
            Family::MySql if self.version >= (5, 7, 8) => Some(format!(
                "max_execution_time = {}",
                timeout.as_millis().max(1)
            )),
            _ => None,
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.family {
            Family::MySql => "MySQL",
            Family::MariaDb => "MariaDB",
        };
        let (major, minor, patch) = self.version;
        write!(f, "{name} {major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_and_its_features_follow_from_the_version() {
        for (text, shown, alias) in [
            ("5.7.44-log", "MySQL 5.7.44", false),
            ("8.0.18", "MySQL 8.0.18", false),
            ("8.0.19", "MySQL 8.0.19", true),
            ("9.1.0", "MySQL 9.1.0", true),
            ("8.0.11-TiDB-v7.5.0", "MySQL 8.0.11", false),
            ("10.11.6-MariaDB-0+deb12u1", "MariaDB 10.11.6", false),
            ("11.4.2-MariaDB", "MariaDB 11.4.2", false),
            ("strange", "MySQL 0.0.0", false),
        ] {
            let server = Server::new(text, 1 << 24);
            assert_eq!(server.to_string(), shown);
            assert_eq!(server.row_alias(), alias, "{text}");
        }
    }

    #[test]
    fn supported_features_follow_from_the_version() {
        let half = Duration::from_millis(500);
        for (text, defaults, checks, windows, timeout) in [
            ("5.6.51", false, false, false, None),
            (
                "5.7.44",
                false,
                false,
                false,
                Some("max_execution_time = 500"),
            ),
            (
                "8.0.36",
                false,
                false,
                true,
                Some("max_execution_time = 500"),
            ),
            (
                "8.4.3",
                false,
                false,
                true,
                Some("max_execution_time = 500"),
            ),
            (
                "9.1.0",
                false,
                false,
                true,
                Some("max_execution_time = 500"),
            ),
            ("5.5.68-MariaDB", false, false, false, None),
            (
                "10.1.48-MariaDB",
                false,
                false,
                false,
                Some("max_statement_time = 0.5"),
            ),
            (
                "10.2.44-MariaDB",
                true,
                true,
                true,
                Some("max_statement_time = 0.5"),
            ),
            (
                "10.3.2-MariaDB",
                true,
                false,
                true,
                Some("max_statement_time = 0.5"),
            ),
            (
                "10.11.6-MariaDB",
                true,
                true,
                true,
                Some("max_statement_time = 0.5"),
            ),
            (
                "11.8.1-MariaDB",
                true,
                true,
                true,
                Some("max_statement_time = 0.5"),
            ),
        ] {
            let server = Server::new(text, 1 << 24);
            assert_eq!(server.reports_default_expressions(), defaults, "{text}");
            assert_eq!(server.reports_checks(), checks, "{text}");
            assert_eq!(server.window_functions(), windows, "{text}");
            assert_eq!(server.statement_timeout(half).as_deref(), timeout, "{text}");
        }
    }
}
