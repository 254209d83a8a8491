//! What a query gives, by SQLDescribeCol.
use crate::{server::Profile, session::Session, types::standard};
use connect_api::{Error, ErrorKind, Kind, Result};
use dialect_core::{Column, Table, TableName, ValueOptions};
use odbc_api::{
    ColumnDescription, DataType, Error as OdbcError, Nullability, ResultSetMetadata as _,
};

/// The columns of a query, which is prepared and not run.
///
/// # Errors
/// `Schema`: it is none, or its columns have no names of their own.
pub(crate) fn describe_query(session: &mut Session, query: &str) -> Result<Table> {
    session.check()?;
    let query = query.trim().trim_end_matches(';');
    let found = columns(session, query).map_err(|e| {
        let error = session.fault("query", &e);
        match error.kind() {
            ErrorKind::Connect | ErrorKind::Auth | ErrorKind::Timeout | ErrorKind::Busy => error,
            _ => Error::new(ErrorKind::Schema, "query").with_source(error),
        }
    })?;
    let wrong = |why: String| Error::new(ErrorKind::Schema, format!("query: {why}"));
    if found.is_empty() {
        return Err(wrong("gives no columns".to_owned()));
    }
    for (i, column) in found.iter().enumerate() {
        if column.name.is_empty() {
            return Err(wrong(format!("column {} has no name", i + 1)));
        }
        if found[..i].iter().any(|other| other.name == column.name) {
            return Err(wrong(format!("two columns are named `{}`", column.name)));
        }
    }
    Ok(Table {
        name: TableName::new("q"),
        columns: found,
        vendor: session.server.syntax.profile.vendor(),
        ..Table::default()
    })
}

fn columns(session: &Session, query: &str) -> Result<Vec<Column>, OdbcError> {
    let (profile, values) = (session.server.syntax.profile, session.settings.values);
    let mut prepared = session.connection.prepare(query)?;
    let count = u16::try_from(prepared.num_result_cols()?).unwrap_or_default();
    let mut columns = Vec::with_capacity(count.into());
    for number in 1..=count {
        let mut described = ColumnDescription::default();
        prepared.describe_col(number, &mut described)?;
        columns.push(column(&described, profile, &values));
    }
    Ok(columns)
}

fn column(described: &ColumnDescription, profile: Profile, values: &ValueOptions) -> Column {
    let data_type = described.data_type;
    let size = data_type
        .column_size()
        .map_or(0, std::num::NonZeroUsize::get);
    let digits = data_type.decimal_digits();
    let kind = standard(data_type.data_type().0, size, digits, "", profile, values);
    let kind = match (profile, kind) {
        // Instants look like wall clocks here, and numbers without bounds like small ones.
        (Profile::Sqlite, Some(Kind::Date | Kind::Time | Kind::Timestamp { .. })) => {
            Some(Kind::Text)
        }
        (Profile::Postgres, Some(Kind::Decimal { .. } | Kind::WideDecimal { .. })) => {
            Some(Kind::BigDecimal)
        }
        (_, kind) => kind,
    };
    Column {
        name: described.name_to_string().unwrap_or_default(),
        vendor_type: named(data_type).to_owned(),
        kind,
        nullable: described.nullability != Nullability::NoNulls || profile == Profile::Sqlite,
        ..Column::default()
    }
}

/// The standard's name of a type.
fn named(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Unknown | DataType::Other { .. } => "other",
        DataType::Char { .. } => "char",
        DataType::WChar { .. } => "nchar",
        DataType::Numeric { .. } => "numeric",
        DataType::Decimal { .. } => "decimal",
        DataType::Integer => "integer",
        DataType::SmallInt => "smallint",
        DataType::Float { .. } => "float",
        DataType::Real => "real",
        DataType::Double => "double precision",
        DataType::Varchar { .. } => "varchar",
        DataType::WVarchar { .. } => "nvarchar",
        DataType::LongVarchar { .. } => "long varchar",
        DataType::WLongVarchar { .. } => "long nvarchar",
        DataType::LongVarbinary { .. } => "long varbinary",
        DataType::Date => "date",
        DataType::Time { .. } => "time",
        DataType::Timestamp { .. } => "timestamp",
        DataType::BigInt => "bigint",
        DataType::TinyInt => "tinyint",
        DataType::Bit => "bit",
        DataType::Varbinary { .. } => "varbinary",
        DataType::Binary { .. } => "binary",
    }
}
