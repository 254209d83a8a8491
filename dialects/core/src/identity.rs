//! What tells a table from another that takes its name later.

/// What a table is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// A number, behind what it is a number of where there are several such. It holds no blanks itself.
    pub text: String,
    /// What another number means.
    pub changes: IdentityChanges,
}

/// When the identity of a name changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityChanges {
    /// Another table has the name now.
    WithTable,
    /// The same, or the table was altered, and written anew for that.
    WithRebuild,
    /// Something was created, altered or dropped in the database.
    WithDatabase,
}

impl Identity {
    /// The identity was `before`, and is another of the same sort now.
    pub fn has_changed_since(&self, before: &str) -> bool {
        let scope = |text: &str| text.rsplit_once(' ').map(|(scope, _)| scope.to_owned());
        scope(before) == scope(&self.text) && before != self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_different_servers_are_not_compared() {
        let identity = |text: &str| Identity {
            text: text.to_owned(),
            changes: IdentityChanges::WithRebuild,
        };
        assert!(identity("17").has_changed_since("16"));
        assert!(!identity("17").has_changed_since("17"));
        let now = identity("db1 3306 table 17");
        assert!(now.has_changed_since("db1 3306 table 16"));
        for other in ["db2 3306 table 16", "db1 3306 created 5", "16", ""] {
            assert!(!now.has_changed_since(other), "{other}");
        }
    }
}
