//! PostgreSQL's catalogue.
use crate::describe::{Row, grouped, rows};
use crate::{
    server::Profile,
    session::Session,
    types::{Declared, postgres, unknown},
};
use connect_api::{Kind, Result};
use dialect_core::{Column, ForeignKey, Table, TableName, TableType};

const LIST: &str = "SELECT n.nspname, c.relname, c.relkind FROM pg_class c \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = COALESCE(CAST(NULLIF(?, '') AS name), current_schema()) \
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";
/// Without a schema: the table that a statement would find.
const COLUMNS: &str = "SELECT CAST(c.oid AS text), n.nspname, c.relname, c.relkind, \
    obj_description(c.oid, 'pg_class'), CAST(CAST(c.reltuples AS bigint) AS text), \
    a.attname, format_type(a.atttypid, a.atttypmod), t.typtype, \
    CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END, \
    CASE WHEN a.attnotnull OR t.typnotnull THEN '1' ELSE '0' END, \
    pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, \
    col_description(c.oid, a.attnum), \
    (SELECT string_agg(replace(replace(e.enumlabel, '~', '~0'), ',', '~1'), ',' ORDER BY e.enumsortorder) \
     FROM pg_enum e WHERE e.enumtypid = t.oid), \
    CASE WHEN t.typelem <> 0 AND t.typlen = -1 AND t.typcategory = 'A' THEN '1' ELSE '0' END \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_type t ON t.oid = a.atttypid \
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
    WHERE c.relname = CAST(? AS name) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
    AND CASE WHEN CAST(? AS text) = '' THEN pg_table_is_visible(c.oid) \
        ELSE n.nspname = CAST(? AS name) END ORDER BY a.attnum";
const KEYS: &str = "SELECT CAST(i.indexrelid AS text), CASE WHEN i.indisprimary THEN '1' ELSE '0' END, a.attname \
    FROM pg_index i CROSS JOIN LATERAL unnest(CAST(i.indkey AS smallint[])) WITH ORDINALITY k(n, place) \
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n \
    WHERE i.indrelid = CAST(? AS oid) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL \
    AND i.indisvalid AND k.place <= i.indnkeyatts ORDER BY i.indisprimary DESC, i.indexrelid, k.place";
const REFERENCES: &str = "SELECT CAST(x.oid AS text), a.attname, fn.nspname, fc.relname, fa.attname \
    FROM pg_constraint x CROSS JOIN LATERAL unnest(x.conkey, x.confkey) WITH ORDINALITY k(c, f, place) \
    JOIN pg_attribute a ON a.attrelid = x.conrelid AND a.attnum = k.c \
    JOIN pg_attribute fa ON fa.attrelid = x.confrelid AND fa.attnum = k.f \
    JOIN pg_class fc ON fc.oid = x.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace \
    WHERE x.conrelid = CAST(? AS oid) AND x.contype = 'f' ORDER BY x.oid, k.place";

fn table_type(relkind: &str) -> TableType {
    match relkind {
        "p" => TableType::Partitioned,
        "v" => TableType::View,
        "m" => TableType::MaterializedView,
        "f" => TableType::Foreign,
        _ => TableType::Table,
    }
}

pub(super) fn tables(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Vec<(TableName, TableType)>> {
    let found = rows(session, LIST, &[schema.unwrap_or_default()])?;
    Ok(found
        .into_iter()
        .map(|mut row| {
            let name = TableName {
                schema: row.option(0),
                name: row.text(1),
            };
            (name, table_type(&row.text(2)))
        })
        .collect())
}

pub(super) fn describe(session: &mut Session, name: &TableName) -> Result<Option<Table>> {
    let schema = name.schema.as_deref().unwrap_or_default();
    let mut found = rows(session, COLUMNS, &[&name.name, schema, schema])?;
    let Some(first) = found.first_mut() else {
        return Ok(None);
    };
    let oid = first.text(0);
    let mut table = Table {
        name: TableName {
            schema: first.option(1),
            name: first.text(2),
        },
        table_type: table_type(&first.text(3)),
        comment: first.option(4),
        row_estimate: first.text(5).parse().ok(),
        identity: Some(oid.clone()),
        vendor: Profile::Postgres.vendor(),
        ..Table::default()
    };
    let columns = found.into_iter().filter(|row| row.0[6].is_some());
    table.columns = columns.map(|row| column(session, row)).collect();
    let keys = rows(session, KEYS, &[&oid])?;
    let (primary, unique): (Vec<_>, Vec<_>) = keys.into_iter().partition(|row| row.is(1, "1"));
    table.primary_key = primary.into_iter().map(|mut row| row.text(2)).collect();
    let members = unique.into_iter().map(|mut row| (row.text(0), row.text(2)));
    table.unique_keys = grouped(members).into_iter().map(|(_, key)| key).collect();
    let members = rows(session, REFERENCES, &[&oid])?
        .into_iter()
        .map(|mut row| {
            let to = TableName {
                schema: row.option(2),
                name: row.text(3),
            };
            (row.text(0), (row.text(1), to, row.text(4)))
        });
    table.foreign_keys = references(grouped(members));
    Ok(Some(table))
}

/// A member of a foreign key: column, table, column there.
type Member = (String, TableName, String);

/// Foreign keys from their members.
pub(super) fn references(groups: Vec<(String, Vec<Member>)>) -> Vec<ForeignKey> {
    let key = |(_, members): (String, Vec<Member>)| {
        let table = members.first().map(|(_, table, _)| table.clone())?;
        let (columns, referred) = members.into_iter().map(|(c, _, r)| (c, r)).unzip();
        Some(ForeignKey {
            columns,
            table,
            referred,
        })
    };
    groups.into_iter().filter_map(key).collect()
}

fn column(session: &Session, mut row: Row) -> Column {
    let values = &session.settings.values;
    let vendor_type = row.text(7);
    let base = row.option(9).unwrap_or_else(|| vendor_type.clone());
    let declared = Declared::parse(&base);
    let is_enum = row.is(8, "e");
    let is_array = row.is(16, "1");
    let kind = if is_enum || is_array {
        Some(Kind::Text)
    } else {
        let known = declared.as_ref().and_then(|d| postgres(d, values));
        known.or_else(|| unknown(values))
    };
    let (identity, generated) = (row.text(12), row.text(13));
    // The expression of a generated column stands where defaults do, and is none.
    let default = row.option(11).filter(|_| generated.trim().is_empty());
    let counts = default
        .as_deref()
        .is_some_and(|d| d.starts_with("nextval("));
    let is_text = matches!(kind, Some(Kind::Text)) && base.starts_with("character");
    Column {
        name: row.text(6),
        kind,
        length: declared.filter(|_| is_text).and_then(|d| d.length()),
        values: row.option(15).map_or(Vec::new(), |labels| {
            let label = |l: &str| l.replace("~1", ",").replace("~0", "~");
            labels.split(',').map(label).collect()
        }),
        nullable: row.is(10, "0"),
        has_default: default.is_some() || !identity.trim().is_empty(),
        auto_increment: counts || !identity.trim().is_empty(),
        generated: !generated.trim().is_empty(),
        user_type: None,
        identity_always: identity == "a",
        default,
        comment: row.option(14),
        base_type: None,
        equates: match base.split('(').next().unwrap_or_default() {
            "citext" => Some("case (citext)".to_owned()),
            "character" => Some("blanks at the end (character)".to_owned()),
            _ => None,
        },
        vendor_type,
        extension: None,
    }
}
