//! The table filter, `tables.whitelist`: rows of other tables are skipped.
use crate::config::SinkConfig;
use connect_api::Origin;
use dialect_core::{Selection, TableName};

/// The setting.
const KEY: &str = "tables.whitelist";

/// The table is listed; a table without a schema matches any schema.
fn names(listed: &Selection, schema: Option<&str>, table: &str) -> bool {
    listed.entries().iter().any(|entry| {
        let same = match (entry.name.schema.as_deref(), schema) {
            (Some(listed), Some(schema)) => listed == schema,
            (None, _) | (_, None) => true,
        };
        same && entry.matches(table)
    })
}

impl SinkConfig {
    /// `tables.whitelist` includes `table`, or the source table `origin`.
    pub(crate) fn includes_table(&self, table: &TableName, origin: Option<&Origin>) -> bool {
        // Merged tables have no single source table.
        let origin = origin.filter(|_| !self.merge);
        self.listed.is_empty()
            || names(&self.listed, table.schema.as_deref(), &table.name)
            || origin.is_some_and(|o| names(&self.listed, o.schema.as_deref(), &o.table))
    }

    /// The note that some rows are not written.
    pub(crate) fn table_filter_note(&self) -> Option<String> {
        let noted = format!(
            "`{KEY}`: rows of other tables are skipped and counted; the log names each table \
             once"
        );
        (!self.listed.is_empty()).then_some(noted)
    }

    /// The message for skipped rows.
    pub(crate) fn skip_message(&self, what: &str) -> String {
        format!("rows of {what} are skipped and counted: it is not in {KEY}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::{Config as _, Settings};

    fn config(more: &[(&str, &str)]) -> SinkConfig {
        let mut settings = Settings::from_iter([("connection.url", "sqlite:x")]);
        more.iter().for_each(|(k, v)| settings.set(*k, *v));
        SinkConfig::from_settings(&settings).unwrap()
    }

    #[test]
    fn tables_match_by_their_own_name_or_that_of_their_source_table() {
        let origin = |schema: Option<&str>, table: &str| Origin {
            schema: schema.map(Into::into),
            table: table.into(),
        };
        let of = |list: &str| config(&[(KEY, list)]);
        let (orders, in_shop) = (
            TableName::new("orders"),
            TableName::parse("shop.orders").unwrap(),
        );
        for (list, table, from, listed) in [
            ("", &orders, None, true),
            ("orders", &orders, None, true),
            ("orders", &in_shop, None, true),
            ("shop.orders, x", &orders, None, true),
            ("shop.orders", &in_shop, None, true),
            ("other.orders", &in_shop, None, false),
            // Catalogues alone do not count, and neither does the case of letters.
            ("shop.items", &in_shop, None, false),
            ("Orders", &orders, None, false),
            ("old", &orders, Some(origin(Some("shop"), "old")), true),
            ("shop.old", &orders, Some(origin(Some("shop"), "old")), true),
            ("x.old", &orders, Some(origin(Some("shop"), "old")), false),
            ("\"a.b\"", &TableName::new("a.b"), None, true),
            ("ord*", &in_shop, None, true),
        ] {
            let config = of(list);
            assert_eq!(
                config.includes_table(table, from.as_ref()),
                listed,
                "{list} {table}"
            );
        }
        let merged = config(&[(KEY, "old"), ("table.merge", "true")]);
        assert!(!merged.includes_table(&orders, Some(&origin(None, "old"))));
    }
}
