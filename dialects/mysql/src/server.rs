//! The server behind a connection: which of the family it is, and its version.
use std::fmt;

/// Which of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    MySql,
    MariaDb,
}

/// The server, as it told of itself when the connection was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) family: Family,
    pub(crate) version: (u16, u16, u16),
    /// The largest statement with its values that the server takes.
    pub(crate) max_packet_bytes: usize,
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
        }
    }

    /// `INSERT … VALUES … AS new ON DUPLICATE KEY UPDATE c = new.c` is understood; else it is
    /// `VALUES(c)`, which MySQL calls deprecated since it has the alias.
    pub(crate) fn row_alias(&self) -> bool {
        self.family == Family::MySql && self.version >= (8, 0, 19)
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
    fn versions_tell_the_family_and_what_it_understands() {
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
}
