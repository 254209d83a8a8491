//! The database that `dialect.name` says the URL is of.
use connect_api::config::{Faults, Setting};

/// Databases, by what URLs and the names of Java's dialects call them.
const NAMES: [(&str, &[&str]); 5] = [
    ("postgres", &["postgres", "postgresql"]),
    ("mysql", &["mysql", "mariadb"]),
    ("sqlite", &["sqlite"]),
    ("sqlserver", &["sqlserver", "mssql"]),
    ("odbc", &["odbc"]),
];

fn database(name: &str) -> Option<&'static str> {
    let of = NAMES.iter().find(|(_, names)| names.contains(&name));
    of.map(|(database, _)| *database)
}

/// The database that `dialect.name` names: itself, or a dialect's class as `MySqlDatabaseDialect`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DialectName {
    given: String,
    database: Option<&'static str>,
}

impl Setting for DialectName {
    const TYPE: &'static str = "name of a dialect";

    fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let short = lower.strip_suffix("databasedialect").unwrap_or(&lower);
        let database = database(short);
        if database.is_none() && !matches!(short, "" | "generic") {
            let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "`{text}` is no dialect; there are {}",
                names.join(", ")
            ));
        }
        Ok(Self {
            given: text.to_owned(),
            database,
        })
    }

    fn show(&self) -> String {
        self.given.clone()
    }
}

impl DialectName {
    /// Adds a fault where it is not that of `url`, which is not shown: it may hold a secret.
    pub(crate) fn check(&self, url: &str, faults: &mut Faults) {
        let url = url.strip_prefix("jdbc:").unwrap_or(url);
        let scheme = url.split(':').next().unwrap_or_default();
        // A scheme that no dialect has is reported when the URL is opened.
        if let Some(meant) = self.database
            && let Some(is) = database(&scheme.to_ascii_lowercase())
            && is != meant
        {
            faults.at(
                "dialect.name",
                format!("is {meant}, and `connection.url` is of {is}"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_other_than_that_of_the_url_is_a_fault_that_hides_the_url() {
        let of = |name: &str, url: &str| {
            let mut faults = Faults::default();
            DialectName::parse(name).unwrap().check(url, &mut faults);
            faults.to_string()
        };
        let url = "jdbc:mysql://u:planted@h/d";
        for name in [
            "",
            "MySqlDatabaseDialect",
            "mariadb",
            "GenericDatabaseDialect",
        ] {
            assert_eq!(of(name, url), "", "{name}");
        }
        let fault = of("PostgreSqlDatabaseDialect", url);
        assert_eq!(
            fault,
            "`dialect.name`: is postgres, and `connection.url` is of mysql"
        );
        let refused = DialectName::parse("oracle").unwrap_err();
        assert!(refused.contains("is no dialect"), "{refused}");
    }
}
