//! The suite that every dialect runs against its real database: what is described, written and
//! read, by every route, and what is refused.
//!
//! A dialect's `tests/conformance.rs` gives a [`Fixture`] and calls
//! [`conformance_tests!`](crate::conformance_tests), which makes a test of each topic. The topics
//! make their own tables, named after [`Fixture::unique`] and the topic, and run side by side.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assertion is how a test reports"
)]
mod describing;
mod hazards;
mod keys;
mod names;
mod pages;
mod refusals;
mod sameness;
mod transactions;
mod values;
mod workbench;
mod writes;

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
pub use transactions::{failed_writes_leave_nothing, rollback_undoes};
pub use values::{every_value_is_read_back_by_every_route, values_that_cannot_be_held_are_refused};
pub use writes::{
    deletes_take_keys_of_many_columns, many_rows_arrive_by_every_route,
    updates_pass_over_rows_that_are_not_there, upserts_leave_other_columns_alone,
};

use crate::Dialect;
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
    /// Column types as written in DDL, and the kind that they are described as.
    pub types: Vec<(&'static str, Kind)>,
    /// The kind that a column is described as which
    /// [`create_table`](crate::Syntax::create_table) made for a kind of [`KINDS`].
    pub created: fn(&Kind) -> Kind,
    /// Whether a column made for the kind can hold the value. What it cannot hold must be
    /// refused.
    pub holds: fn(&Kind, &Value) -> bool,
    /// A type in DDL that is not carried.
    pub strange_type: &'static str,
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
            upserts_leave_other_columns_alone
            updates_pass_over_rows_that_are_not_there
            deletes_take_keys_of_many_columns
            pages_by_two_columns_hold_every_row_once
            pages_by_every_kind_of_key_hold_every_row_once
            pages_take_the_first_key_that_is_not_null
            pages_hold_what_lies_before_now
            hostile_names_are_only_names
            types_that_are_not_carried_are_named
            refused_rows_name_table_and_column
            missing_tables_and_wrong_passwords_are_told
            rollback_undoes
            failed_writes_leave_nothing
        }
    };
    ($fixture:path => $($topic:ident)+) => { $(
        #[tokio::test]
        async fn $topic() {
            $crate::conformance::$topic(&$fixture().await).await;
        }
    )+ };
}
