//! The unique keys of a table.
use crate::table::Table;
use connect_api::{Error, ErrorKind, Result};

fn same(a: &[String], b: &[String]) -> bool {
    let holds = |all: &[String], one: &String| all.iter().any(|n| n.eq_ignore_ascii_case(one));
    !a.is_empty() && a.iter().all(|n| holds(b, n)) && b.iter().all(|n| holds(a, n))
}

impl Table {
    fn keys(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.primary_key).chain(&self.unique_keys)
    }

    /// There is at most one row with the same values of these columns, and no other column is
    /// needed for that.
    pub fn has_key(&self, columns: &[String]) -> bool {
        self.keys().any(|key| same(key, columns))
    }

    /// The unique keys but that of these columns, as people read them: the columns of each, or the
    /// name of an index that is not over columns.
    pub fn other_keys(&self, columns: &[String]) -> Vec<String> {
        let whole = self
            .keys()
            .filter(|key| !key.is_empty() && !same(key, columns))
            .map(|key| key.join(", "));
        whole.chain(self.partial_keys.iter().cloned()).collect()
    }

    /// For databases whose upsert is decided by every unique key of the table: there is one over
    /// the columns `key`.
    ///
    /// # Errors
    /// `Schema`: there is none; every row would be a new one.
    pub fn check_upsert_key(&self, key: &[String]) -> Result<()> {
        if !self.table_type.is_table() || self.has_key(key) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Schema,
            format!(
                "table {}: rows cannot be upserted by {}, as it has no primary or unique key over these columns: every row would be a new one",
                self.name,
                key.join(", ")
            ),
        ))
    }

    /// An upsert by the columns `key` could meet a row of another key, where every unique key of
    /// the table decides it. Of a view that is not known.
    pub fn has_other_keys(&self, key: &[String]) -> bool {
        !self.table_type.is_table() || !self.other_keys(key).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TableType;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn keys_are_recognized_in_any_order_and_case() {
        let mut table = Table {
            primary_key: names(&["a", "b"]),
            unique_keys: vec![names(&["c"])],
            ..Table::default()
        };
        assert!(table.has_key(&names(&["B", "a"])) && table.has_key(&names(&["c"])));
        assert!(!table.has_key(&names(&["a"])) && !table.has_key(&[]));
        assert!(table.check_upsert_key(&names(&["a"])).is_err());
        assert_eq!(table.other_keys(&names(&["b", "a"])), ["c"]);
        assert_eq!(table.other_keys(&names(&["c"])), ["a, b"]);
        assert!(table.has_other_keys(&names(&["c"])));
        table.unique_keys.clear();
        assert!(!table.has_other_keys(&names(&["a", "b"])));
        table.partial_keys = names(&["beginning"]);
        assert_eq!(table.other_keys(&names(&["a", "b"])), ["beginning"]);
        assert!(table.has_other_keys(&names(&["a", "b"])));
        table.table_type = TableType::View;
        assert!(table.check_upsert_key(&names(&["a"])).is_ok());
    }
}
