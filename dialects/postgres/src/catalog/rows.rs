//! Tables as the catalogue describes them.
use crate::types::{self, Type, oid};
use connect_api::{Error, ErrorKind, Result};
use dialect_core::{
    Column, ForeignKey, Table, TableName, TableType, UserForm, UserType, ValueOptions,
};
use serde::{Deserialize, de::DeserializeOwned};

/// What [`DESCRIBE`](crate::catalog::DESCRIBE) says of a table.
#[derive(Deserialize)]
struct Described {
    schema: String,
    name: String,
    kind: String,
    columns: Option<Vec<DescribedColumn>>,
    comment: Option<String>,
    inherited: bool,
    rows: Option<u64>,
    row_bytes: Option<u64>,
    oid: i64,
    keys: Option<Vec<Key>>,
    /// The columns of each index; without a name where its order no longer serves.
    indexes: Option<Vec<Vec<Option<String>>>>,
    references: Option<Vec<Reference>>,
}

#[derive(Deserialize)]
struct DescribedColumn {
    name: String,
    vendor_type: String,
    r#type: DescribedType,
    nullable: bool,
    default: Option<String>,
    identity: String,
    generated: bool,
    /// Its collation, where that takes different texts for equal.
    #[serde(default)]
    loose: Option<String>,
    comment: Option<String>,
}

#[derive(Deserialize)]
struct DescribedType {
    oid: u32,
    full_name: String,
    name: String,
    class: char,
    typmod: i32,
    dimensions: u32,
    /// OID of the type of its arrays.
    array: u32,
    /// The fields of a composite type, the bound of a range.
    parts: Option<Vec<DescribedPart>>,
    labels: Option<Vec<String>>,
    money_scale: Option<i8>,
}

#[derive(Deserialize)]
struct DescribedPart {
    name: String,
    /// OID, of the array where it is one.
    id: u32,
    vendor_type: String,
    r#type: DescribedType,
}

#[derive(Deserialize)]
struct Key {
    primary: bool,
    columns: Vec<String>,
}

#[derive(Deserialize)]
struct Reference {
    schema: String,
    table: String,
    columns: Vec<String>,
    referred: Vec<String>,
}

/// Reads a row of [`DESCRIBE`](crate::catalog::DESCRIBE).
pub(crate) fn table(json: &str, options: &ValueOptions) -> Result<Table> {
    let found: Described = parse(json)?;
    let mut table = Table {
        name: TableName {
            schema: Some(found.schema),
            name: found.name,
        },
        table_type: table_type(&found.kind),
        comment: found.comment,
        row_estimate: found.rows,
        row_bytes: found.row_bytes,
        identity: Some(found.oid.to_string()),
        inherited: found.inherited,
        vendor: types::VENDOR,
        ..Table::default()
    };
    for column in found.columns.unwrap_or_default() {
        table.columns.push(described(column, options));
    }
    for key in found.keys.unwrap_or_default() {
        if key.primary {
            table.primary_key = key.columns;
        } else {
            table.unique_keys.push(key.columns);
        }
    }
    let indexes = found.indexes.unwrap_or_default().into_iter();
    let in_order =
        |columns: Vec<Option<String>>| columns.into_iter().map_while(|name| name).collect();
    table.indexes = Some(indexes.map(in_order).collect());
    for reference in found.references.unwrap_or_default() {
        table.foreign_keys.push(ForeignKey {
            columns: reference.columns,
            table: TableName {
                schema: Some(reference.schema),
                name: reference.table,
            },
            referred: reference.referred,
        });
    }
    Ok(table)
}

/// A column of a query: its name, and a row of [`TYPES`](crate::catalog::TYPES).
pub(crate) fn query_column(
    name: &str,
    vendor_type: &str,
    json: &str,
    options: &ValueOptions,
) -> Result<Column> {
    let column = DescribedColumn {
        name: name.to_owned(),
        vendor_type: vendor_type.to_owned(),
        r#type: parse(json)?,
        nullable: true,
        default: None,
        identity: String::new(),
        generated: false,
        loose: None,
        comment: None,
    };
    Ok(described(column, options))
}

fn described(column: DescribedColumn, options: &ValueOptions) -> Column {
    let found = &column.r#type;
    let user_type = user_type(found, options);
    let of = Type {
        parts: user_type.as_ref().map_or(&[], |user| &user.parts),
        ..of(found)
    };
    let (kind, extension) = types::declared(&of, options);
    let length = types::length(&of);
    let counted = column
        .default
        .as_ref()
        .is_some_and(|d| d.starts_with("nextval("));
    let identity = !column.identity.is_empty();
    let array = if found.dimensions > 0 { "[]" } else { "" };
    let base = format!("{}{array}", found.full_name);
    let equates = match (found.name.as_str(), &column.loose) {
        ("citext", _) => Some("case (citext)".to_owned()),
        ("bpchar", None) => Some("blanks at the end (character)".to_owned()),
        (_, Some(collation)) => Some(format!(
            "what its collation does not distinguish ({collation})"
        )),
        _ => None,
    };
    Column {
        equates,
        name: column.name,
        kind,
        base_type: Some(base).filter(|base| *base != column.vendor_type),
        vendor_type: column.vendor_type,
        extension,
        length,
        values: column.r#type.labels.unwrap_or_default(),
        user_type: user_type.map(Box::new),
        nullable: column.nullable,
        has_default: identity || column.default.is_some(),
        default: column.default,
        auto_increment: identity || counted,
        generated: column.generated,
        identity_always: column.identity == "a",
        comment: column.comment,
    }
}

fn of(found: &DescribedType) -> Type<'_> {
    Type {
        oid: found.oid,
        name: &found.name,
        class: found.class,
        typmod: found.typmod,
        dimensions: found.dimensions,
        money_scale: found.money_scale.unwrap_or(2),
        parts: &[],
    }
}

/// What a value that has parts is made of; arrays of such have none.
fn user_type(found: &DescribedType, options: &ValueOptions) -> Option<UserType> {
    let form = match (found.class, found.name.as_str()) {
        _ if found.dimensions > 0 => return None,
        ('c', _) => UserForm::Composite,
        ('r', _) if found.oid >= oid::FIRST_USER => UserForm::Range,
        ('b', "hstore") => UserForm::Map,
        _ => return None,
    };
    let part = |part: &DescribedPart| Column {
        name: part.name.clone(),
        kind: types::part(&of(&part.r#type), options),
        vendor_type: part.vendor_type.clone(),
        user_type: Some(Box::new(UserType {
            form: UserForm::Scalar,
            id: part.id,
            array_id: part.r#type.array,
            parts: Vec::new(),
        })),
        nullable: true,
        ..Column::default()
    };
    Some(UserType {
        form,
        id: found.oid,
        array_id: found.array,
        parts: found.parts.iter().flatten().map(part).collect(),
    })
}

/// By `pg_class.relkind`.
pub(crate) fn table_type(kind: &str) -> TableType {
    match kind {
        "p" => TableType::Partitioned,
        "v" => TableType::View,
        "m" => TableType::MaterializedView,
        "f" => TableType::Foreign,
        _ => TableType::Table,
    }
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            "the catalogue's answer is not understood",
        )
        .with_source(e)
    })
}
