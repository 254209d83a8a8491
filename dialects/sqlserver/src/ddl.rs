//! Tables and columns that are created: their types and defaults.
pub(crate) mod delete_capture;
pub(crate) mod widen;

use crate::{
    literal,
    types::{Arguments, Base, Declared, VENDOR_NAME},
};
use connect_api::{
    Error, ErrorKind, Kind, LENGTH, Result, Schema, VENDOR, VENDOR_TYPE, arrow::schema::Field,
};
use dialect_core::{Syntax, TableName, ValueOptions, table_elements};

/// The longest text in a key: a primary key takes 900 bytes, a character two.
const KEY_CHARACTERS: u32 = 450;
/// The longest bytes in a key.
const KEY_BYTES: u32 = 900;

/// The collation of texts in keys that are created, so that they are distinguished as they are
/// elsewhere; blanks at the end are none to this database in any collation.
const KEY_COLLATION: &str = "Latin1_General_100_BIN2";

/// The type of a column that is created for `field`.
pub(crate) fn column_type(field: &Field, in_key: bool) -> Result<String> {
    let column_type = uncollated(field, in_key)?;
    let text = ["nvarchar", "varchar", "nchar", "char"]
        .iter()
        .any(|base| column_type.starts_with(base));
    if in_key && text && !column_type.contains(" COLLATE ") {
        return Ok(format!("{column_type} COLLATE {KEY_COLLATION}"));
    }
    Ok(column_type)
}

fn uncollated(field: &Field, in_key: bool) -> Result<String> {
    let metadata = field.metadata();
    let kind = Kind::of(field);
    let own = metadata
        .get(VENDOR_TYPE)
        .filter(|_| metadata.get(VENDOR).map(String::as_str) == Some(VENDOR_NAME))
        .and_then(|text| same_vendor(text, &kind, in_key));
    if let Some(own) = own {
        return Ok(own);
    }
    let length = metadata
        .get(LENGTH)
        .and_then(|l| l.parse::<u32>().ok())
        .filter(|l| *l > 0);
    Ok(match &kind {
        Kind::Bool => "bit".to_owned(),
        Kind::Int8 | Kind::Int16 => "smallint".to_owned(),
        Kind::Int32 | Kind::UInt16 => "int".to_owned(),
        Kind::Int64 | Kind::UInt32 => "bigint".to_owned(),
        Kind::UInt8 => "tinyint".to_owned(),
        Kind::UInt64 => "decimal(20)".to_owned(),
        Kind::Float32 => "real".to_owned(),
        Kind::Float64 => "float(53)".to_owned(),
        Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => {
            decimal(*precision, *scale)
        }
        Kind::BigDecimal if in_key => format!("varchar({KEY_BYTES})"),
        Kind::BigDecimal => "varchar(max)".to_owned(),
        Kind::Text => match length {
            Some(n) if n <= if in_key { KEY_CHARACTERS } else { 4_000 } => format!("nvarchar({n})"),
            _ if in_key => format!("nvarchar({KEY_CHARACTERS})"),
            _ => "nvarchar(max)".to_owned(),
        },
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) if in_key => {
            format!("nvarchar({KEY_CHARACTERS})")
        }
        Kind::Json | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => "nvarchar(max)".to_owned(),
        Kind::Interval => "varchar(64)".to_owned(),
        Kind::Bytes if field.extension_type_name() == Some("geoarrow.wkb") && !in_key => {
            "geometry".to_owned()
        }
        Kind::Bytes => match length {
            Some(n) if n <= if in_key { KEY_BYTES } else { 8_000 } => format!("varbinary({n})"),
            _ if in_key => format!("varbinary({KEY_BYTES})"),
            _ => "varbinary(max)".to_owned(),
        },
        Kind::Uuid => "uniqueidentifier".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Time => "time(6)".to_owned(),
        Kind::TimeNanos => "time(7)".to_owned(),
        Kind::Duration => "bigint".to_owned(),
        Kind::Timestamp { utc: false } => "datetime2(6)".to_owned(),
        Kind::Timestamp { utc: true } | Kind::OffsetTimestamp => "datetimeoffset(6)".to_owned(),
        Kind::Other(data_type) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "column `{}`: no column type of SQL Server is known for Arrow type {data_type}",
                    field.name()
                ),
            ));
        }
    })
}

/// Decimals of up to 38 digits; the others are text.
fn decimal(precision: u8, scale: i8) -> String {
    let whole = u32::from(precision) + u32::from((-scale).max(0).unsigned_abs());
    match u8::try_from(scale) {
        Ok(scale) if precision <= 38 && scale > 0 => format!("decimal({precision},{scale})"),
        _ if whole <= 38 => format!("decimal({whole})"),
        // A sign, a point, and a zero before it.
        _ => format!("varchar({})", whole + 3),
    }
}

/// The column's own type, where the text, which may come from anywhere, is a type of this database
/// that holds values of the kind. It is parsed and written again.
fn same_vendor(text: &str, kind: &Kind, in_key: bool) -> Option<String> {
    let declared = Declared::parse(text)?;
    let indexed = declared.index_bytes().is_some_and(|bytes| bytes <= 900);
    // Versions of rows are the database's own; the type in a variant would be lost.
    if matches!(
        declared.base,
        Base::Other | Base::RowVersion | Base::Variant
    ) || (in_key && (!indexed || declared.base == Base::Xml))
    {
        return None;
    }
    let sizes = match (declared.base, declared.arguments) {
        (Base::Char | Base::VarChar | Base::Binary | Base::VarBinary, Arguments::One(n)) => {
            (1..=8_000).contains(&n)
        }
        (Base::NChar | Base::NVarChar, Arguments::One(n)) => (1..=4_000).contains(&n),
        (Base::VarChar | Base::NVarChar | Base::VarBinary, Arguments::Max) => true,
        (Base::Decimal | Base::Numeric, Arguments::One(p)) => (1..=38).contains(&p),
        (Base::Decimal | Base::Numeric, Arguments::Two(p, s)) => (1..=38).contains(&p) && s <= p,
        (Base::Float, Arguments::One(n)) => (25..=53).contains(&n),
        (Base::Time | Base::DateTime2 | Base::DateTimeOffset, Arguments::One(n)) => n <= 7,
        (Base::Vector, Arguments::One(n)) => (1..=3_996).contains(&n),
        // Of one character or byte, were it left like this.
        (
            Base::Vector
            | Base::Char
            | Base::VarChar
            | Base::NChar
            | Base::NVarChar
            | Base::Binary
            | Base::VarBinary,
            _,
        ) => false,
        (_, Arguments::None) => true,
        _ => false,
    };
    let same = declared.kind(&ValueOptions::default()).as_ref() == Some(kind);
    (sizes && same).then(|| declared.to_string())
}

/// `CREATE TABLE`, unless the table is there.
pub(crate) fn create_table(
    syntax: &dyn Syntax,
    table: &TableName,
    schema: &Schema,
) -> Result<String> {
    let name = syntax.table(table)?;
    Ok(format!(
        "IF OBJECT_ID({}) IS NULL CREATE TABLE {name} ({})",
        literal::text(&name),
        table_elements(syntax, schema, " NULL")?
    ))
}
