//! The text of catalogue queries, and what their rows say of tables.
use crate::types::{Declared, NO_TYPE, VENDOR};
use dialect_core::{Column, ForeignKey, Table, TableName, TableType, ValueOptions};
use rusqlite::Row;

/// The schema of the file itself.
pub(crate) const MAIN: &str = "main";

pub(crate) const LIST: &str = "SELECT name, type FROM pragma_table_list \
    WHERE schema = ?1 COLLATE NOCASE AND type <> 'shadow' \
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

/// The tables of a set, which comes as JSON: an array of pairs, schema and name, found in any case. Each is
/// looked up by its name: the list of all tables is as long as they are many.
pub(crate) const SET: &str = "WITH wanted AS (SELECT w.key AS n, l.schema, l.name, l.type, l.wr, l.strict \
    FROM json_each(?1) w JOIN pragma_table_list(w.value ->> 1) l \
    ON l.schema = w.value ->> 0 COLLATE NOCASE \
    WHERE l.type <> 'shadow' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\') ";
/// Whether ANALYZE was run in a schema.
pub(crate) const IS_ANALYZED: &str =
    "SELECT 1 FROM pragma_table_list('sqlite_stat1') WHERE schema = ?1";
/// Hidden: 1 for hidden columns of virtual tables, 2 and 3 for generated ones.
pub(crate) const COLUMNS: &str = "SELECT t.n, t.schema, t.name, t.type, t.wr, t.strict, c.name, c.type, \
    c.\"notnull\", c.dflt_value, c.pk, c.hidden \
    FROM wanted t JOIN pragma_table_xinfo(t.name, t.schema) c \
    WHERE c.hidden <> 1 ORDER BY t.n, c.cid";
/// Indexes that hold for every row; `pk` for a primary key that is not the rowid.
pub(crate) const KEYS: &str = "SELECT t.n, l.name, l.origin, i.name, i.coll, l.\"unique\", i.\"desc\" \
    FROM wanted t \
    JOIN pragma_index_list(t.name, t.schema) l JOIN pragma_index_xinfo(l.name, t.schema) i \
    WHERE NOT l.partial AND i.key ORDER BY t.n, l.seq, i.seqno";
/// A reference that names no columns is to the primary key, which stands in its place.
pub(crate) const REFERENCES: &str = "SELECT t.n, f.id, f.\"table\", f.\"from\", COALESCE(f.\"to\", \
    (SELECT p.name FROM pragma_table_xinfo(f.\"table\", t.schema) p WHERE p.pk = f.seq + 1)) \
    FROM wanted t JOIN pragma_foreign_key_list(t.name, t.schema) f ORDER BY t.n, f.id DESC, f.seq";

pub(crate) fn table_type(text: &str) -> TableType {
    match text {
        "view" => TableType::View,
        _ => TableType::Table,
    }
}

/// A column of an index.
pub(crate) struct IndexColumn {
    /// `None` for an expression, and where the order is not that of the column.
    name: Option<String>,
    descending: bool,
}

/// A table on its way.
pub(crate) struct Found {
    pub(crate) table: Table,
    pub(crate) schema: String,
    pub(crate) without_rowid: bool,
    /// The primary key has an index: it is not the rowid.
    pub(crate) indexed_key: bool,
    /// Columns of the primary key, each with its place in it.
    pub(crate) key: Vec<(i64, String)>,
    /// Unique indexes by name, each with its columns; an expression has no name.
    pub(crate) unique: Vec<(String, Vec<Option<String>>)>,
    /// All indexes by name.
    pub(crate) indexes: Vec<(String, Vec<IndexColumn>)>,
}

impl Found {
    pub(crate) fn table(mut self) -> Table {
        self.key.sort_unstable();
        self.table.primary_key = self.key.into_iter().map(|(_, name)| name).collect();
        // `INTEGER PRIMARY KEY` is the rowid itself: it needs no index, is never NULL, and counts
        // up.
        if let ([key], false, false) = (
            &self.table.primary_key[..],
            self.without_rowid,
            self.indexed_key,
        ) {
            for column in self.table.columns.iter_mut().filter(|c| c.name == *key) {
                column.nullable = false;
                column.has_default = true;
                column.auto_increment = true;
            }
        }
        let mut indexes: Vec<Vec<String>> = Vec::new();
        for (_, columns) in self.indexes {
            let first = columns.first().is_some_and(|column| column.descending);
            let in_order = |column: &IndexColumn| column.descending == first;
            let columns = columns.into_iter().take_while(in_order);
            indexes.push(columns.map_while(|column| column.name).collect());
        }
        let by_rowid = !(self.without_rowid || self.indexed_key);
        indexes
            .extend(Some(self.table.primary_key.clone()).filter(|key| by_rowid && key.len() == 1));
        self.table.indexes = Some(indexes);
        self.table.unique_keys = self
            .unique
            .into_iter()
            .filter_map(|(_, columns)| columns.into_iter().collect())
            .collect();
        self.table
    }
}

pub(crate) fn place(row: &Row<'_>) -> Result<usize, rusqlite::Error> {
    row.get::<_, i64>(0)
        .map(|n| usize::try_from(n).unwrap_or(usize::MAX))
}

pub(crate) fn begun(row: &Row<'_>, name: &TableName) -> Result<Found, rusqlite::Error> {
    let found: String = row.get(3)?;
    Ok(Found {
        table: Table {
            name: TableName {
                schema: name.schema.clone(),
                name: row.get(2)?,
            },
            table_type: table_type(&found),
            vendor: VENDOR,
            ..Table::default()
        },
        schema: row.get(1)?,
        without_rowid: row.get(4)?,
        indexed_key: false,
        key: Vec::new(),
        unique: Vec::new(),
        indexes: Vec::new(),
    })
}

pub(crate) fn add_column(
    values: &ValueOptions,
    row: &Row<'_>,
    found: &mut Found,
) -> Result<(), rusqlite::Error> {
    let declared: String = row.get(7)?;
    let (strict, pk): (bool, i64) = (row.get(5)?, row.get(10)?);
    // SQLite itself keeps other types out of these.
    let certain = strict || (pk > 0 && declared.eq_ignore_ascii_case("INTEGER"));
    let default: Option<String> = row.get(9)?;
    let column = Column {
        name: row.get(6)?,
        nullable: row.get::<_, i64>(8)? == 0,
        has_default: default
            .as_ref()
            .is_some_and(|text| !text.eq_ignore_ascii_case("null")),
        default,
        generated: row.get::<_, i64>(11)? > 1,
        ..column(values, &declared, certain)
    };
    if pk > 0 {
        found.key.push((pk, column.name.clone()));
    }
    found.table.columns.push(column);
    Ok(())
}

/// A column of a declared type, which may be empty.
pub(crate) fn column(values: &ValueOptions, declared_type: &str, certain: bool) -> Column {
    let declared = Declared::parse(declared_type);
    let described = declared.described(values, certain);
    Column {
        kind: described.kind,
        extension: described.extension,
        length: declared.length(),
        nullable: true,
        vendor_type: if declared_type.is_empty() {
            NO_TYPE.to_owned()
        } else {
            declared_type.to_owned()
        },
        ..Column::default()
    }
}

pub(crate) fn add_key(row: &Row<'_>, found: &mut Found) -> Result<(), rusqlite::Error> {
    let origin: String = row.get(2)?;
    let (named, collation): (Option<String>, String) = (row.get(3)?, row.get(4)?);
    let index: String = row.get(1)?;
    let in_order = collation.eq_ignore_ascii_case("BINARY");
    let column = IndexColumn {
        name: named.clone().filter(|_| in_order),
        descending: row.get(6)?,
    };
    match found.indexes.last_mut().filter(|(last, _)| *last == index) {
        Some((_, columns)) => columns.push(column),
        None => found.indexes.push((index.clone(), vec![column])),
    }
    if !row.get::<_, bool>(5)? {
        return Ok(());
    }
    let equates = match collation.to_ascii_uppercase().as_str() {
        "BINARY" => None,
        "NOCASE" => Some(format!("case of ASCII letters ({collation})")),
        "RTRIM" => Some(format!("blanks at the end ({collation})")),
        _ => Some(format!(
            "what its collation does not distinguish ({collation})"
        )),
    };
    if let (Some(equates), Some(name)) = (equates, &named) {
        let columns = found.table.columns.iter_mut();
        for column in columns.filter(|c| c.name == *name) {
            column.equates = Some(equates.clone());
        }
    }
    if origin == "pk" {
        found.indexed_key = true;
        return Ok(());
    }
    match found.unique.last_mut().filter(|(last, _)| *last == index) {
        Some((_, columns)) => columns.push(named),
        None => found.unique.push((index, vec![named])),
    }
    Ok(())
}

pub(crate) fn add_reference(
    row: &Row<'_>,
    found: &mut Found,
    new: bool,
) -> Result<(), rusqlite::Error> {
    if new {
        found.table.foreign_keys.push(ForeignKey {
            columns: Vec::new(),
            table: TableName {
                schema: found.table.name.schema.clone(),
                name: row.get(2)?,
            },
            referred: Vec::new(),
        });
    }
    if let Some(reference) = found.table.foreign_keys.last_mut() {
        reference.columns.push(row.get(3)?);
        // A reference to a table that is not there yet, whose key nobody knows.
        reference.referred.extend(row.get::<_, Option<String>>(4)?);
    }
    Ok(())
}
