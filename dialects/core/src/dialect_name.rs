//! The database that `dialect.name` says the URL is of.
use connect_api::config::Faults;

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

/// Adds a fault where `name` (a database, or a dialect's class as `MySqlDatabaseDialect`) is not
/// that of `url`. The URL is not shown: it may hold a secret.
pub(crate) fn check(name: &str, url: &str, faults: &mut Faults) {
    const KEY: &str = "dialect.name";
    let lower = name.to_ascii_lowercase();
    let short = lower.strip_suffix("databasedialect").unwrap_or(&lower);
    if matches!(short, "" | "generic") {
        return;
    }
    let Some(meant) = database(short) else {
        let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
        faults.at(
            KEY,
            format!("`{name}` is no dialect; there are {}", names.join(", ")),
        );
        return;
    };
    let url = url.strip_prefix("jdbc:").unwrap_or(url);
    let scheme = url.split(':').next().unwrap_or_default();
    // A scheme that no dialect has is told where the URL is opened.
    if let Some(is) = database(&scheme.to_ascii_lowercase())
        && is != meant
    {
        faults.at(KEY, format!("is {meant}, and `connection.url` is of {is}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_other_than_that_of_the_url_is_a_fault_that_hides_the_url() {
        let of = |name: &str, url: &str| {
            let mut faults = Faults::default();
            check(name, url, &mut faults);
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
        let told = of("PostgreSqlDatabaseDialect", url);
        assert_eq!(
            told,
            "`dialect.name`: is postgres, and `connection.url` is of mysql"
        );
        assert!(
            of("oracle", url).contains("is no dialect"),
            "{}",
            of("oracle", url)
        );
    }
}
