//! Tables as SQLite's pragmas describe them.
use crate::describe::{grouped, postgres::references, rows};
use crate::{
    server::Profile,
    session::Session,
    types::{Declared, sqlite, unknown},
};
use connect_api::Result;
use dialect_core::{Column, Table, TableName, TableType};

const LIST: &str = "SELECT name, type, wr FROM pragma_table_list \
    WHERE schema = ? COLLATE NOCASE AND type <> 'shadow' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
const COLUMNS: &str = "SELECT name, type, \"notnull\", dflt_value, pk, hidden \
    FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1 ORDER BY cid";
/// Indexes that hold for every row; `pk` for a primary key that is not the rowid.
const INDEXES: &str = "SELECT l.name, l.origin, i.name, i.coll \
    FROM pragma_index_list(?, ?) l, pragma_index_xinfo(l.name) i \
    WHERE l.\"unique\" AND NOT l.partial AND i.key ORDER BY l.seq, i.seqno";
const REFERENCES: &str = "SELECT id, \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?, ?) \
    ORDER BY id DESC, seq";
const MAIN: &str = "main";

fn table_type(text: &str) -> TableType {
    match text {
        "view" => TableType::View,
        _ => TableType::Table,
    }
}

pub(super) fn tables(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let found = rows(session, LIST, &[schema.unwrap_or(MAIN)])?;
    Ok(found
        .into_iter()
        .map(|mut row| {
            let name = TableName {
                schema: schema.map(str::to_owned),
                name: row.text(0),
            };
            (name, table_type(&row.text(1)))
        })
        .collect())
}

pub(super) fn describe(session: &mut Session, name: &TableName) -> Result<Option<Table>> {
    let schema = name.schema.as_deref().unwrap_or(MAIN);
    let sql = format!("{LIST} AND name = ? COLLATE NOCASE");
    let mut found = rows(session, &sql, &[schema, &name.name])?;
    let Some(found) = found.first_mut() else {
        return Ok(None);
    };
    let (own, kind, without_rowid) = (found.text(0), found.text(1), found.is(2, "1"));
    let at = [&*own, schema];
    let values = session.settings.values;
    let mut primary_key = Vec::new();
    let mut columns = Vec::new();
    for mut row in rows(session, COLUMNS, &at)? {
        let vendor_type = row.text(1);
        let declared = Declared::parse(&vendor_type);
        let kind = declared.as_ref().and_then(|d| sqlite(d, &values));
        let default = row
            .option(3)
            .filter(|text| !text.eq_ignore_ascii_case("null"));
        let name = row.text(0);
        if let Ok(place @ 1..) = row.text(4).parse::<u32>() {
            primary_key.push((place, name.clone()));
        }
        let is_text = kind == Some(connect_api::Kind::Text);
        columns.push(Column {
            name,
            kind: kind.or_else(|| unknown(&values)),
            length: declared.filter(|_| is_text).and_then(|d| d.length()),
            nullable: row.is(2, "0"),
            has_default: default.is_some(),
            default,
            generated: row.is(5, "2") || row.is(5, "3"),
            vendor_type: if vendor_type.is_empty() {
                "without a type".to_owned()
            } else {
                vendor_type
            },
            ..Column::default()
        });
    }
    primary_key.sort_unstable();
    let primary_key: Vec<_> = primary_key.into_iter().map(|(_, name)| name).collect();
    let indexes = rows(session, INDEXES, &at)?;
    for row in indexes.iter().filter(|row| !row.is(3, "BINARY")) {
        let loose = columns.iter_mut().filter(|c| row.is(2, &c.name));
        for column in loose {
            column.equates = row.0[3].clone().map(|collation| match collation.as_str() {
                "NOCASE" => format!("case of ASCII letters ({collation})"),
                "RTRIM" => format!("blanks at the end ({collation})"),
                _ => format!("what its collation does not distinguish ({collation})"),
            });
        }
    }
    let has_index = indexes.iter().any(|row| row.is(1, "pk"));
    // An expression has no name.
    let members = indexes
        .into_iter()
        .filter(|row| !row.is(1, "pk"))
        .map(|mut row| (row.text(0), row.option(2)));
    let unique_keys = grouped(members)
        .into_iter()
        .filter_map(|(_, columns)| columns.into_iter().collect());
    let unique_keys = unique_keys.collect();
    // `INTEGER PRIMARY KEY` is the rowid itself: it needs no index, is never NULL, and counts up.
    if let ([key], false, false) = (&primary_key[..], without_rowid, has_index) {
        for column in columns.iter_mut().filter(|c| c.name == *key) {
            column.nullable = false;
            column.has_default = true;
            column.auto_increment = true;
        }
    }
    let members = rows(session, REFERENCES, &at)?.into_iter().map(|mut row| {
        let to = TableName {
            schema: name.schema.clone(),
            name: row.text(2),
        };
        (row.text(0), (row.text(1), to, row.text(3)))
    });
    Ok(Some(Table {
        foreign_keys: references(grouped(members)),
        name: TableName {
            schema: name.schema.clone(),
            name: own,
        },
        table_type: table_type(&kind),
        columns,
        primary_key,
        unique_keys,
        vendor: Profile::Sqlite.vendor(),
        ..Table::default()
    }))
}
