//! Kinds of databases behind ODBC drivers: what is different in their SQL.

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Postgres,
    /// `mariadb`: MariaDB and not MySQL.
    MySql {
        mariadb: bool,
    },
    Sqlite,
    SqlServer,
    Oracle,
    Db2,
    /// Nothing but what SQL-92 has.
    Generic,
}

impl Profile {
    /// Whose vendor types the columns have: a type of one database is none of another, though both
    /// have ODBC drivers.
    pub(crate) const fn vendor(self) -> &'static str {
        match self {
            Self::Postgres => "odbc:postgres",
            Self::MySql { .. } => "odbc:mysql",
            Self::Sqlite => "odbc:sqlite",
            Self::SqlServer => "odbc:sqlserver",
            Self::Oracle => "odbc:oracle",
            Self::Db2 => "odbc:db2",
            Self::Generic => "odbc",
        }
    }

    /// Their names in a connection string.
    pub(crate) const ALL: &[(&'static str, Self)] = &[
        ("postgres", Self::Postgres),
        ("mysql", Self::MySql { mariadb: false }),
        ("mariadb", Self::MySql { mariadb: true }),
        ("sqlite", Self::Sqlite),
        ("sqlserver", Self::SqlServer),
        ("oracle", Self::Oracle),
        ("db2", Self::Db2),
        ("generic", Self::Generic),
    ];

    /// By the name that the driver gives its database (SQL_DBMS_NAME).
    pub(crate) fn of(dbms: &str) -> Self {
        let dbms = dbms.to_ascii_lowercase();
        let is = |part: &str| dbms.contains(part);
        if is("postgres") {
            Self::Postgres
        } else if is("mariadb") {
            Self::MySql { mariadb: true }
        } else if is("mysql") {
            Self::MySql { mariadb: false }
        } else if is("sqlite") {
            Self::Sqlite
        } else if is("sql server") {
            Self::SqlServer
        } else if is("oracle") {
            Self::Oracle
        } else if is("db2") {
            Self::Db2
        } else {
            Self::Generic
        }
    }

    pub(crate) fn is_mysql(self) -> bool {
        matches!(self, Self::MySql { .. })
    }

    /// One statement inserts or updates.
    pub(crate) fn has_upsert(self) -> bool {
        matches!(self, Self::Postgres | Self::MySql { .. } | Self::Sqlite)
    }

    /// `SAVEPOINT name` and `ROLLBACK TO SAVEPOINT name` are understood.
    pub(crate) fn has_savepoints(self) -> bool {
        matches!(self, Self::Postgres | Self::MySql { .. } | Self::Sqlite)
    }

    /// Whether cells come as text, exactly as the database puts them, where a driver would make
    /// something else of them on the way: sqliteodbc reads floats to 15 digits and any text in a
    /// column of numbers as 0.
    pub(crate) fn reads_text(self) -> bool {
        self == Self::Sqlite
    }

    /// Declared lengths of text hold for every cell.
    pub(crate) fn keeps_lengths(self) -> bool {
        self != Self::Sqlite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_known_by_the_names_of_their_drivers() {
        for (name, profile) in [
            ("PostgreSQL", Profile::Postgres),
            ("MariaDB", Profile::MySql { mariadb: true }),
            ("MySQL", Profile::MySql { mariadb: false }),
            ("SQLite", Profile::Sqlite),
            ("Microsoft SQL Server", Profile::SqlServer),
            ("Oracle", Profile::Oracle),
            ("DB2/LINUXX8664", Profile::Db2),
            ("Apache Hive", Profile::Generic),
        ] {
            assert_eq!(Profile::of(name), profile, "{name}");
        }
    }
}
