//! The suite that every dialect runs against its real database: what is described, written and
//! read, by every route, and what is rejected.
//!
//! A dialect's `tests/integration/conformance.rs` gives a [`Fixture`] and calls
//! [`conformance_tests!`](crate::conformance_tests), which defines a test for each topic. The topics
//! create their own tables, named after [`Fixture::unique`] and the topic, and run side by side.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assertion is how a test reports"
)]
pub(crate) mod catalog;
pub(crate) mod checksums;
pub(crate) mod compare;
pub(crate) mod declared_types;
pub(crate) mod describe;
pub(crate) mod edge_values;
pub(crate) mod errors;
pub(crate) mod harness;
pub(crate) mod insert_ignore;
pub(crate) mod interruption;
mod keys;
mod limits;
pub(crate) mod name_collisions;
mod names;
pub(crate) mod omitted_columns;
mod pages;
pub(crate) mod rejected_rows;
pub(crate) mod round_trip;
mod sample;
pub(crate) mod schema_changes;
pub(crate) mod splits;
mod transactions;
pub(crate) mod type_mapping;
mod writes;

pub use catalog::{queries_are_described_and_read, tables_report_defaults_and_foreign_keys};
pub use checksums::checksums_are_those_of_the_database;
pub use declared_types::every_declared_type_round_trips;
pub use insert_ignore::insert_ignore_skips_existing_keys;
pub use interruption::{cursors_can_be_dropped_before_the_end, lost_connections_are_reported};
pub use limits::writes_beyond_statement_limits_arrive;
pub use name_collisions::user_names_may_equal_internal_aliases;
pub use omitted_columns::omitted_columns_get_their_default_by_every_route;
pub use rejected_rows::every_route_rejects_the_same_rows;
pub use sample::Sample;
pub use schema_changes::{
    concurrent_schema_changes_are_applied_once, defaults_are_created_as_given,
    fingerprints_change_with_columns, widened_columns_hold_more,
};
pub use splits::{
    pages_respect_their_bounds, splits_hold_every_row_once,
    visibility_stops_before_open_transactions,
};
pub use type_mapping::{Outcome, TypeMapping, map_types};

pub use describe::{created_tables_match_their_schema, tables_are_described};
pub use edge_values::{KINDS, edge_values};
pub use errors::{
    missing_tables_and_wrong_passwords_are_reported, rejected_rows_name_table_and_column,
    unsupported_types_are_named,
};
pub use keys::pages_by_every_kind_of_key_hold_every_row_once;
pub use names::names_with_special_characters_are_quoted;
pub use pages::{
    pages_by_two_columns_hold_every_row_once, pages_end_before_the_present,
    pages_use_the_first_key_that_is_not_null,
};
pub use round_trip::{
    every_value_is_read_back_by_every_route, unrepresentable_values_are_rejected,
};
pub use transactions::{
    failed_writes_are_atomic, rollback_to_savepoint_undoes_later_writes, rollback_undoes_writes,
};
pub use writes::{
    deletes_use_composite_keys, many_rows_arrive_by_every_route, updates_skip_missing_rows,
    upserts_keep_other_columns,
};

use crate::dialect::Dialect;
use connect_api::{Kind, Value};
use std::{any::Any, fmt, sync::Arc};

/// What the suite must know of a database. The DDL that it writes itself takes `bigint`,
/// `varchar(n)`, `DEFAULT`, `UNIQUE`, `GENERATED ALWAYS AS (…) STORED` for granted.
pub struct Fixture {
    /// The database.
    pub dialect: Arc<dyn Dialect>,
    /// A part of table names, a letter first, that no other run uses: processes of other tests may
    /// work on the same server.
    pub unique: String,
    /// Column types as written in DDL, the kind that they are described as, and values of each:
    /// every row of the dialect's table of types. The dialect's crate has them behind its own
    /// feature `conformance`, as `pub fn samples() -> Vec<Sample>`, for tests of several dialects.
    pub samples: Vec<Sample>,
    /// The kind that a column is described as which
    /// [`create_table`](crate::Syntax::create_table) created for a kind of [`KINDS`].
    pub created: fn(&Kind) -> Kind,
    /// Whether a column created for the kind can hold the value. What it cannot hold must be
    /// refused.
    pub holds: fn(&Kind, &Value) -> bool,
    /// What a value of a kind of [`KINDS`] is read back as from a column that was created for it:
    /// itself, unless the column is of another kind.
    pub read_back: fn(&Kind, Value) -> Value,
    /// The database opened with [`UnknownTypes::Fail`](crate::UnknownTypes), and a type in DDL that
    /// is not known. `None` where every type is.
    pub strict: Option<(Arc<dyn Dialect>, &'static str)>,
    /// How a session of the database is ended from another. `None` where there are no sessions.
    pub session: Option<Session>,
    /// A type in DDL, and a kind that a column of it can be widened to hold. `None` where columns
    /// cannot be widened.
    pub widens: Option<(&'static str, Kind)>,
    /// A type in DDL for text of at most five characters; `None` where the database does not
    /// limit text.
    pub short_text: Option<&'static str>,
    /// A type in DDL for whole numbers that a million does not fit, and which takes records of
    /// 64-bit integers; `None` where there is none.
    pub small_number: Option<&'static str>,
    /// The DDL of a column `id` that counts itself up and is the primary key.
    pub auto_increment_id: &'static str,
    /// The same database with a password that is wrong: the password, and the dialect. `None`
    /// where a database has no passwords.
    pub wrong_password: Option<(&'static str, Arc<dyn Dialect>)>,
    /// What is to live as long as the fixture, such as a directory.
    pub guard: Option<Box<dyn Any + Send + Sync>>,
}

impl Fixture {
    /// A database with its table of types and nothing else of what the suite must know: enough for
    /// [`map_types`].
    pub fn bare(dialect: Arc<dyn Dialect>, unique: String, samples: Vec<Sample>) -> Self {
        Self {
            dialect,
            unique,
            samples,
            created: Kind::clone,
            holds: |_, _| true,
            read_back: |_, value| value,
            strict: None,
            session: None,
            widens: None,
            short_text: None,
            small_number: None,
            auto_increment_id: "",
            wrong_password: None,
            guard: None,
        }
    }
}

/// How a session is named and ended.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    /// A query that gives the session's own number as text, one row of one column.
    pub id: &'static str,
    /// The statement that ends the session of that number.
    pub kill: fn(&str) -> String,
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("dialect", &self.dialect)
            .field("unique", &self.unique)
            .finish_non_exhaustive()
    }
}

/// Defines a `#[tokio::test]` for each test of the suite; takes the path of an
/// `async fn() -> Fixture`.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:path) => {
        $crate::conformance_tests! { @tests $fixture => tables_are_described }
        $crate::for_each_conformance_test! { [$crate::conformance_tests] @tests $fixture => }
    };
    (@tests $fixture:path => $($test:ident)+) => { $(
        #[tokio::test]
        async fn $test() {
            $crate::conformance::$test(&$fixture().await).await;
        }
    )+ };
}

/// Calls a macro with the given tokens and the names of all tests but `tables_are_described`, whose
/// DDL not every database accepts.
#[macro_export]
macro_rules! for_each_conformance_test {
    ([$($callback:tt)+] $($tokens:tt)*) => {
        $($callback)+! {
            $($tokens)*
            created_tables_match_their_schema
            every_value_is_read_back_by_every_route
            unrepresentable_values_are_rejected
            many_rows_arrive_by_every_route
            omitted_columns_get_their_default_by_every_route
            upserts_keep_other_columns
            updates_skip_missing_rows
            deletes_use_composite_keys
            pages_by_two_columns_hold_every_row_once
            pages_by_every_kind_of_key_hold_every_row_once
            pages_use_the_first_key_that_is_not_null
            pages_end_before_the_present
            names_with_special_characters_are_quoted
            user_names_may_equal_internal_aliases
            unsupported_types_are_named
            rejected_rows_name_table_and_column
            missing_tables_and_wrong_passwords_are_reported
            rollback_undoes_writes
            failed_writes_are_atomic
            rollback_to_savepoint_undoes_later_writes
            every_declared_type_round_trips
            insert_ignore_skips_existing_keys
            every_route_rejects_the_same_rows
            writes_beyond_statement_limits_arrive
            tables_report_defaults_and_foreign_keys
            queries_are_described_and_read
            pages_respect_their_bounds
            splits_hold_every_row_once
            checksums_are_those_of_the_database
            visibility_stops_before_open_transactions
            concurrent_schema_changes_are_applied_once
            defaults_are_created_as_given
            fingerprints_change_with_columns
            widened_columns_hold_more
            cursors_can_be_dropped_before_the_end
            lost_connections_are_reported
        }
    };
}
