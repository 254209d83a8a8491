//! Changing tables while others may be changing them too.
use crate::{
    connection::Connection,
    dialect::Dialect,
    table::{Column, Table, TableName},
};
use connect_api::{Error, ErrorKind, Result, Schema, arrow::schema::Field};

/// A change of a table's form.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Create the table for records of this schema, its key as the primary key.
    Create {
        /// The new table.
        table: &'a TableName,
        /// The records that it is for.
        schema: &'a Schema,
    },
    /// Add columns, which may be NULL.
    AddColumns {
        /// The table as it is.
        table: &'a Table,
        /// A field a column.
        fields: &'a [&'a Field],
    },
    /// Give a column a type that holds the values of `field` too.
    Widen {
        /// The table.
        table: &'a TableName,
        /// The column as it is.
        column: &'a Column,
        /// What it is to hold.
        field: &'a Field,
    },
}

impl Change<'_> {
    fn table(&self) -> &TableName {
        match self {
            Self::Create { table, .. } | Self::Widen { table, .. } => table,
            Self::AddColumns { table, .. } => &table.name,
        }
    }

    /// The statements of the change: what a dry run shows.
    ///
    /// # Errors
    /// Those of [`Syntax::create_table`](crate::Syntax::create_table),
    /// [`add_columns_beside`](crate::Syntax::add_columns_beside) and [`widen`](crate::Syntax::widen).
    pub fn statements(&self, dialect: &dyn Dialect) -> Result<Vec<String>> {
        let syntax = dialect.syntax();
        match self {
            Self::Create { table, schema } => Ok(vec![syntax.create_table(table, schema)?]),
            Self::AddColumns { table, fields } => syntax.add_columns_beside(table, fields),
            Self::Widen {
                table,
                column,
                field,
            } => Ok(vec![syntax.widen(table, column, field)?]),
        }
    }

    /// Applies the change, and describes the table as it is then. Where another session has applied
    /// a table or column in the meantime, that is taken as it is: compare what comes back.
    ///
    /// # Errors
    /// As [`statements`](Self::statements), and those of the statements. `Schema`: the table is
    /// not there afterwards.
    pub async fn apply(
        &self,
        dialect: &dyn Dialect,
        connection: &mut dyn Connection,
    ) -> Result<Table> {
        for sql in self.statements(dialect)? {
            match connection.execute(&sql).await {
                Err(e) if !dialect.already_exists(&e) => {
                    return Err(e.context(format_args!("table `{}`", self.table())));
                }
                _ => {}
            }
        }
        connection.describe(self.table()).await?.ok_or_else(|| {
            Error::new(
                ErrorKind::Schema,
                format!("table `{}` is not there after it was changed", self.table()),
            )
        })
    }
}
