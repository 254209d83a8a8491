//! A dialect: what a kind of database can do, and the way to it.
use crate::{
    connection::Connection,
    datetime_precision::DatetimePrecision,
    plan::{WritePlan, WriteRequest},
    syntax::Syntax,
    table::Column,
};
use async_trait::async_trait;
use connect_api::{Error, Kind, Result};
use std::{fmt, sync::Arc};

/// What a database can do. Connectors ask this, never for a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Rows can be inserted or, where the key is there, updated, by one statement.
    pub upsert: bool,
    /// DDL is undone with its transaction.
    pub transactional_ddl: bool,
    /// Several connections can write at once.
    pub concurrent_writers: bool,
    /// An upsert is decided by every unique key of the table, not by the given one alone.
    pub upsert_by_any_key: bool,
    /// Names of columns that differ in case alone are one.
    pub folds_columns: bool,
    /// A transaction has savepoints.
    pub savepoints: bool,
    /// The type of a column can be changed, see [`Syntax::widen`].
    pub widen: bool,
    /// A table can be read by blocks of its file, see [`Page::blocks`](crate::Page::blocks).
    pub blocks: bool,
    /// What [`Connection::visibility`] reports.
    pub visibility: VisibleBy,
}

/// How a database reports up to where no transaction can still add rows before those that are visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VisibleBy {
    /// It does not report it.
    #[default]
    Nothing,
    /// [`Visibility::Transactions`](crate::Visibility::Transactions).
    Transactions,
    /// [`Visibility::RowVersion`](crate::Visibility::RowVersion).
    RowVersion,
}

/// One database, by its URL. Opening it does no I/O; [`connect`](Self::connect) does.
#[async_trait]
pub trait Dialect: fmt::Debug + Send + Sync {
    /// Name, for people.
    fn name(&self) -> &'static str;

    /// Where it goes, without user and password, for messages.
    fn address(&self) -> &str;

    /// SQL text.
    fn syntax(&self) -> &dyn Syntax;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Decides how records are written: columns paired, encoders chosen, SQL generated. Once per
    /// table and schema.
    ///
    /// # Errors
    /// `Schema`: as [`WriteRequest::pair`], or a column of the records that does not fit its
    /// column of the table by type; `Unsupported`: a write that the database does not offer.
    /// All columns at fault are named.
    fn plan_write(&self, request: &WriteRequest<'_>) -> Result<WritePlan>;

    /// Whether values of `kind` go into `column` as they are, or are refused one by one where they do
    /// not fit: what [`plan_write`](Self::plan_write) asks of each column.
    fn takes(&self, kind: &Kind, column: &Column) -> bool;

    /// How fine the times are that `column` holds.
    fn datetime_precision(&self, column: &Column) -> DatetimePrecision;

    /// The error says that what was to be created, a table or a column, is there already: another
    /// session was faster.
    fn already_exists(&self, _error: &Error) -> bool {
        false
    }

    /// The same database for a program of this name, which its list of sessions shows; `None` where that
    /// cannot be said, or the URL says it.
    fn named(&self, _application: &str) -> Option<Arc<dyn Dialect>> {
        None
    }

    /// Connects.
    ///
    /// # Errors
    /// `Auth`, `Connect`, `Timeout`; the message names the address and the user.
    async fn connect(&self) -> Result<Box<dyn Connection>>;
}
