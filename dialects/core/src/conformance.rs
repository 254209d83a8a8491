//! The suite that every dialect runs against its real database: what is described, written and
//! read, by every route, and what is refused.
//!
//! A dialect's `tests/integration/conformance.rs` gives a [`Fixture`] and calls
//! [`conformance_tests!`](crate::conformance_tests), which makes a test of each topic. The topics
//! make their own tables, named after [`Fixture::unique`] and the topic, and run side by side.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assertion is how a test reports"
)]
mod aliases;
mod breaking;
mod changes;
mod declared;
mod describing;
mod hazards;
mod ignoring;
mod keys;
mod left_out;
mod limits;
mod names;
mod pages;
mod passage;
mod references;
mod refusals;
mod rejecting;
mod sameness;
mod sample;
mod slices;
mod transactions;
mod values;
mod workbench;
mod writes;

pub use aliases::names_of_our_own_are_only_names;
pub use breaking::{lost_connections_are_told, readings_can_be_left_in_the_middle};
pub use changes::{
    changes_of_two_sessions_at_once_are_made_once, defaults_are_made_as_given,
    fingerprints_tell_changes_of_columns, widened_columns_hold_more,
};
pub use declared::every_declared_type_comes_and_goes;
pub use ignoring::inserts_pass_over_keys_that_are_there;
pub use left_out::columns_left_out_get_their_default_by_every_route;
pub use limits::rows_beyond_every_limit_of_a_statement_arrive;
pub use passage::{Arrived, Passage, passages};
pub use references::{queries_are_described_and_read, tables_tell_defaults_and_references};
pub use rejecting::every_route_rejects_the_same_rows;
pub use sample::Sample;
pub use slices::{
    pages_hold_what_lies_in_their_range, slices_hold_every_row_once,
    what_is_not_yet_visible_is_told,
};

pub use describing::{created_tables_are_described_as_made, tables_are_described};
pub use hazards::{KINDS, hazards};
pub use keys::pages_by_every_kind_of_key_hold_every_row_once;
pub use names::hostile_names_are_only_names;
pub use pages::{
    pages_by_two_columns_hold_every_row_once, pages_hold_what_lies_before_now,
    pages_take_the_first_key_that_is_not_null,
};
pub use refusals::{
    missing_tables_and_wrong_passwords_are_told, refused_rows_name_table_and_column,
    types_that_are_not_carried_are_named,
};
pub use transactions::{failed_writes_leave_nothing, rollback_undoes, savepoints_undo_a_part};
pub use values::{every_value_is_read_back_by_every_route, values_that_cannot_be_held_are_refused};
pub use writes::{
    deletes_take_keys_of_many_columns, many_rows_arrive_by_every_route,
    updates_pass_over_rows_that_are_not_there, upserts_leave_other_columns_alone,
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
    /// [`create_table`](crate::Syntax::create_table) made for a kind of [`KINDS`].
    pub created: fn(&Kind) -> Kind,
    /// Whether a column made for the kind can hold the value. What it cannot hold must be
    /// refused.
    pub holds: fn(&Kind, &Value) -> bool,
    /// What a value of a kind of [`KINDS`] is read back as from a column that was made for it:
    /// itself, unless the column is of another kind.
    pub comes_back: fn(&Kind, Value) -> Value,
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
    pub counted_id: &'static str,
    /// The same database with a password that is wrong: the password, and the dialect. `None`
    /// where a database has no passwords.
    pub wrong_password: Option<(&'static str, Arc<dyn Dialect>)>,
    /// What is to live as long as the fixture, such as a directory.
    pub guard: Option<Box<dyn Any + Send + Sync>>,
}

impl Fixture {
    /// A database with its table of types and nothing else of what the suite must know: enough for
    /// [`passages`].
    pub fn bare(dialect: Arc<dyn Dialect>, unique: String, samples: Vec<Sample>) -> Self {
        Self {
            dialect,
            unique,
            samples,
            created: Kind::clone,
            holds: |_, _| true,
            comes_back: |_, value| value,
            strict: None,
            session: None,
            widens: None,
            short_text: None,
            small_number: None,
            counted_id: "",
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

/// Makes a `#[tokio::test]` of each topic; given the path of an `async fn() -> Fixture`.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:path) => {
        $crate::conformance_tests! {
            $fixture =>
            tables_are_described
            created_tables_are_described_as_made
            every_value_is_read_back_by_every_route
            values_that_cannot_be_held_are_refused
            many_rows_arrive_by_every_route
            columns_left_out_get_their_default_by_every_route
            upserts_leave_other_columns_alone
            updates_pass_over_rows_that_are_not_there
            deletes_take_keys_of_many_columns
            pages_by_two_columns_hold_every_row_once
            pages_by_every_kind_of_key_hold_every_row_once
            pages_take_the_first_key_that_is_not_null
            pages_hold_what_lies_before_now
            hostile_names_are_only_names
            names_of_our_own_are_only_names
            types_that_are_not_carried_are_named
            refused_rows_name_table_and_column
            missing_tables_and_wrong_passwords_are_told
            rollback_undoes
            failed_writes_leave_nothing
            savepoints_undo_a_part
            every_declared_type_comes_and_goes
            inserts_pass_over_keys_that_are_there
            every_route_rejects_the_same_rows
            rows_beyond_every_limit_of_a_statement_arrive
            tables_tell_defaults_and_references
            queries_are_described_and_read
            pages_hold_what_lies_in_their_range
            slices_hold_every_row_once
            what_is_not_yet_visible_is_told
            changes_of_two_sessions_at_once_are_made_once
            defaults_are_made_as_given
            fingerprints_tell_changes_of_columns
            widened_columns_hold_more
            readings_can_be_left_in_the_middle
            lost_connections_are_told
        }
    };
    ($fixture:path => $($topic:ident)+) => { $(
        #[tokio::test]
        async fn $topic() {
            $crate::conformance::$topic(&$fixture().await).await;
        }
    )+ };
}
