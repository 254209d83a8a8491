//! Tables as the database describes them.
use connect_api::{
    ENUM, Error, ErrorKind, Kind, LENGTH, NOT_NULL, Result, Schema, SchemaRef, VENDOR, VENDOR_TYPE,
    arrow::schema::{Field, extension::EXTENSION_TYPE_NAME_KEY},
};
use std::fmt;

/// Name of a table, in the case the database keeps it in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// Schema (PostgreSQL, SQL Server) or database (MySQL); `None` for the connection's own.
    pub schema: Option<String>,
    /// Name.
    pub name: String,
}

impl TableName {
    /// A table of the connection's own schema.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            schema: None,
            name: name.into(),
        }
    }

    /// Reads `table` or `schema.table`; a part in double quotes or backticks may hold dots, and
    /// its quote doubled.
    ///
    /// # Errors
    /// `Config`: an empty part, an open quote, or more than two parts.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(
                ErrorKind::Config,
                format!("`{text}` is not the name of a table: {why}"),
            )
        };
        let mut parts = vec![String::new()];
        let mut chars = text.trim().chars().peekable();
        let (mut quote, mut closed) = (None, false);
        while let Some(c) = chars.next() {
            let part = parts.last_mut().ok_or_else(|| wrong("it is empty"))?;
            match quote {
                Some(q) if c == q && chars.peek() == Some(&q) => {
                    chars.next();
                    part.push(q);
                }
                Some(q) if c == q => (quote, closed) = (None, true),
                None if c == '.' => {
                    parts.push(String::new());
                    closed = false;
                }
                None if closed => return Err(wrong("something follows a closing quote")),
                None if part.is_empty() && (c == '"' || c == '`') => quote = Some(c),
                _ => part.push(c),
            }
        }
        if quote.is_some() {
            return Err(wrong("a quote is not closed"));
        }
        if parts.iter().any(String::is_empty) {
            return Err(wrong("a part is empty"));
        }
        let name = parts.pop().ok_or_else(|| wrong("it is empty"))?;
        let schema = parts.pop();
        if !parts.is_empty() {
            return Err(wrong("it has more parts than schema and table"));
        }
        Ok(Self { schema, name })
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

/// The kind of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in SQL")]
pub enum TableType {
    Table,
    /// A table that is split into others by the database; read and written as one.
    Partitioned,
    View,
    MaterializedView,
    /// A table of another database, seen through this one.
    Foreign,
}

impl TableType {
    /// Rows can be written to it.
    pub fn is_table(self) -> bool {
        match self {
            Self::Table | Self::Partitioned | Self::Foreign => true,
            Self::View | Self::MaterializedView => false,
        }
    }
}

/// One column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// Name, in the case the database keeps it in.
    pub name: String,
    /// The kind of its values; `None` for a type that is not supported, or that the user asked to
    /// reject.
    pub kind: Option<Kind>,
    /// The type as the database names it, e.g. `numeric(12,2)`.
    pub vendor_type: String,
    /// The type under a domain, as the database names it, e.g. `numeric(12,2)`; `None` for others.
    pub base_type: Option<String>,
    /// The Arrow extension that describes its values beyond their kind, e.g. `geoarrow.wkb`.
    pub extension: Option<&'static str>,
    /// Declared length of text and bytes, in characters or bytes.
    pub length: Option<u32>,
    /// The values that an enumeration or set allows, in order; empty for other types.
    pub values: Vec<String>,
    /// The definition of a type that has parts, or whose number differs between databases of the
    /// same kind; `None` for others.
    pub user_type: Option<Box<UserType>>,
    /// NULL is allowed.
    pub nullable: bool,
    /// The database fills it by itself where it is left out: a default, an identity.
    pub has_default: bool,
    /// The default as an SQL expression, where the database reports it.
    pub default: Option<String>,
    /// The database counts it up: identity, serial, AUTO_INCREMENT.
    pub auto_increment: bool,
    /// It is computed by the database and cannot be written.
    pub generated: bool,
    /// The database alone gives its value (GENERATED ALWAYS AS IDENTITY, IDENTITY): writing it takes
    /// another form of INSERT.
    pub identity_always: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Differences between texts that the database ignores where it compares them, and the collation
    /// or type: `case, blanks at the end (utf8mb4_general_ci)`. `None` where it distinguishes all
    /// values, and where nothing is known.
    pub equates: Option<String>,
}

/// The structure of the values of a user-defined type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserForm {
    /// One value.
    Scalar,
    /// A value of each part.
    Composite,
    /// What lies between two values of the one part.
    Range,
    /// Texts, each with a text or NULL.
    Map,
}

/// A user-defined type: its number on the wire, and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserType {
    /// The structure of its values.
    pub form: UserForm,
    /// The number of the type in its database.
    pub id: u32,
    /// The number of the type of its arrays.
    pub array_id: u32,
    /// The fields of a composite type, in order; of a range one, the type of its bounds.
    pub parts: Vec<Column>,
}

/// A reference from some columns of a table to a key of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// Names of the columns, in the key's order.
    pub columns: Vec<String>,
    /// The table that they refer to.
    pub table: TableName,
    /// Names of the columns there, in the same order.
    pub referred: Vec<String>,
}

/// A table with its columns, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Name, the schema filled in where the database has schemas.
    pub name: TableName,
    /// Table or view.
    pub table_type: TableType,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Names of the primary key's columns, in the key's order; empty where there is none.
    pub primary_key: Vec<String>,
    /// The other unique keys that hold for every row, each with the names of its columns; keys
    /// over expressions and partial ones are left out.
    pub unique_keys: Vec<Vec<String>>,
    /// Names of unique indexes over expressions or the beginnings of values, where the database's
    /// upsert takes them into account.
    pub partial_keys: Vec<String>,
    /// The columns of each index in order that has all rows, as far as their order serves: up to an
    /// expression, the beginning of a value, or a column in the other direction. `None` where the
    /// catalogue is not asked.
    pub indexes: Option<Vec<Vec<String>>>,
    /// References to other tables.
    pub foreign_keys: Vec<ForeignKey>,
    /// Rows of other tables are read with its own, and its keys do not hold across them.
    pub inherited: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// How many rows it has by the database's statistics, where it has any.
    pub row_estimate: Option<u64>,
    /// How many bytes a row takes on average by the database's statistics, where it has any.
    pub row_bytes: Option<u64>,
    /// What no other table has that takes its name later, where the catalogue has such a number.
    pub identity: Option<String>,
    /// The kind of database whose vendor types the columns have, as a URL names it.
    pub vendor: &'static str,
}

/// A table without columns and of no database, to be filled in.
impl Default for Table {
    fn default() -> Self {
        Self {
            name: TableName::new(""),
            table_type: TableType::Table,
            columns: Vec::new(),
            primary_key: Vec::new(),
            unique_keys: Vec::new(),
            partial_keys: Vec::new(),
            indexes: None,
            foreign_keys: Vec::new(),
            inherited: false,
            comment: None,
            row_estimate: None,
            row_bytes: None,
            identity: None,
            vendor: "",
        }
    }
}

impl Table {
    /// Index of the column `name`: the very name, else the only one that differs in case alone.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|c| c.name == name);
        exact.or_else(|| {
            let mut like = self
                .columns
                .iter()
                .enumerate()
                .filter(|(_, c)| c.name.eq_ignore_ascii_case(name));
            let first = like.next()?;
            like.next().is_none().then_some(first.0)
        })
    }

    /// The column `name`.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.index_of(name).map(|i| &self.columns[i])
    }

    /// Whether an index that has all rows begins with this column, so that its greatest values are
    /// found without reading the whole table; `None` where that is not known.
    pub fn has_index(&self, column: usize) -> Option<bool> {
        let name = &self.columns.get(column)?.name;
        let indexes = self.indexes.as_ref()?;
        Some(indexes.iter().any(|index| index.first() == Some(name)))
    }

    /// The schema of rows read from the `columns` of the table (by index, in that order), with
    /// `key` as the key.
    ///
    /// # Errors
    /// `Unsupported`: columns whose types are not supported; all of them are named. `Schema`: a
    /// key column is not among the columns.
    pub fn schema(&self, columns: &[usize], key: &[&str]) -> Result<SchemaRef> {
        let chosen = || columns.iter().map(|i| &self.columns[*i]);
        let strange: Vec<_> = chosen()
            .filter(|c| c.kind.is_none())
            .map(|c| format!("`{}` ({})", c.name, c.vendor_type))
            .collect();
        if !strange.is_empty() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "table {}: unsupported type of column {}",
                    self.name,
                    strange.join(", ")
                ),
            ));
        }
        let fields = chosen().filter_map(|c| c.field(key.contains(&c.name.as_str()), self.vendor));
        Schema::new(&self.name.name, fields, key)
    }
}

impl Column {
    /// The Arrow field; `None` for a type that is not supported. Fields outside the key are
    /// nullable, the declared NOT NULL stays as metadata: a delete contains only its key.
    pub fn field(&self, in_key: bool, vendor: &str) -> Option<Field> {
        let mut field = self
            .kind
            .clone()?
            .field(&self.name, self.nullable || !in_key);
        let mut metadata = field.metadata().clone();
        metadata.insert(VENDOR_TYPE.to_owned(), self.vendor_type.clone());
        if !vendor.is_empty() {
            metadata.insert(VENDOR.to_owned(), vendor.to_owned());
        }
        if let Some(extension) = self.extension {
            metadata.insert(EXTENSION_TYPE_NAME_KEY.to_owned(), extension.to_owned());
        }
        if !self.values.is_empty() {
            let escaped = |value: &String| value.replace('\\', "\\\\").replace(',', "\\,");
            let values: Vec<_> = self.values.iter().map(escaped).collect();
            metadata.insert(ENUM.to_owned(), values.join(","));
        }
        if let Some(length) = self.length {
            metadata.insert(LENGTH.to_owned(), length.to_string());
        }
        if !self.nullable {
            metadata.insert(NOT_NULL.to_owned(), "true".to_owned());
        }
        field.set_metadata(metadata);
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tables_are_read_with_and_without_quotes() {
        for (text, schema, name) in [
            ("orders", None, "orders"),
            (" sales.orders ", Some("sales"), "orders"),
            ("\"sales.eu\".\"or\"\"ders\"", Some("sales.eu"), "or\"ders"),
            ("`a.b`", None, "a.b"),
            ("`a``b`.c", Some("a`b"), "c"),
            ("with blank", None, "with blank"),
            ("a\"b", None, "a\"b"),
        ] {
            let parsed = TableName::parse(text).unwrap();
            assert_eq!(
                (parsed.schema.as_deref(), parsed.name.as_str()),
                (schema, name),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_name_of_a_table_is_refused() {
        for (text, why) in [
            ("", "a part is empty"),
            ("a.", "a part is empty"),
            (".a", "a part is empty"),
            ("\"\"", "a part is empty"),
            ("\"a", "a quote is not closed"),
            ("\"a\"b", "something follows a closing quote"),
            ("a.b.c", "more parts"),
        ] {
            let error = TableName::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
    }

    fn column(name: &str, kind: Option<Kind>) -> Column {
        Column {
            name: name.to_owned(),
            kind,
            vendor_type: "vendor(1)".to_owned(),
            length: Some(9),
            ..Column::default()
        }
    }

    fn table(columns: Vec<Column>) -> Table {
        Table {
            name: TableName::new("t"),
            columns,
            ..Table::default()
        }
    }

    #[test]
    fn columns_are_found_by_their_very_name_before_another_case() {
        let named = |name| column(name, Some(Kind::Text));
        let table = table(vec![named("id"), named("Id"), named("Name")]);
        assert_eq!(table.index_of("Id"), Some(1));
        assert_eq!(table.index_of("ID"), None, "two differ in case alone");
        assert_eq!(table.index_of("NAME"), Some(2));
        assert!(table.column("nome").is_none());
    }

    #[test]
    fn fields_keep_what_arrow_has_no_place_for() {
        let table = table(vec![
            column("id", Some(Kind::Int64)),
            column("v", Some(Kind::Text)),
        ]);
        let schema = table.schema(&[1, 0], &["id"]).unwrap();
        assert_eq!((schema.name(), schema.key()), ("t", &[1][..]));
        let field = schema.field(0);
        assert!(field.is_nullable(), "a delete has its key alone");
        assert!(!schema.field(1).is_nullable());
        for (key, value) in [
            (NOT_NULL, "true"),
            (LENGTH, "9"),
            (VENDOR_TYPE, "vendor(1)"),
        ] {
            assert_eq!(field.metadata().get(key).map(String::as_str), Some(value));
        }
    }

    #[test]
    fn all_columns_of_unsupported_types_are_named() {
        let columns = vec![
            column("a", None),
            column("b", Some(Kind::Text)),
            column("c", None),
        ];
        let error = table(columns).schema(&[0, 1, 2], &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error
                .to_string()
                .contains("`a` (vendor(1)), `c` (vendor(1))"),
            "{error}"
        );
    }
}
