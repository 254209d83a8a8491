//! What the system catalogue says about tables.
use crate::oid;
use connect_api::Kind;
use dialect_core::{Column, Table, TableName, TableType};
use sqlx::{Row as _, postgres::PgRow};

/// Tables, views and foreign tables of schema `$1`, or of the session's own.
pub(crate) const TABLES: &str = "\
SELECT n.nspname::text, c.relname::text, c.relkind IN ('v', 'm') \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = COALESCE($1, current_schema()) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
AND NOT c.relispartition \
ORDER BY c.relname COLLATE \"C\"";

/// The columns of table `$2` in schema `$1`, or of the first such table on the search path, one a
/// row; a row of NULLs for a table without columns. Domains are followed to their base type.
pub(crate) const COLUMNS: &str = "\
WITH RECURSIVE found AS ( \
  SELECT c.oid, c.relname, c.relkind, n.nspname \
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
  WHERE c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
  AND CASE WHEN $1 IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $1 END \
), attribute AS ( \
  SELECT a.* FROM found JOIN pg_catalog.pg_attribute a ON a.attrelid = found.oid \
  WHERE a.attnum > 0 AND NOT a.attisdropped \
), base AS ( \
  SELECT a.attnum, t.oid, t.typname, t.typtype, a.atttypmod AS typmod, t.typbasetype, \
         t.typtypmod, t.typnotnull, t.typdefault IS NOT NULL AS has_default, 0 AS depth \
  FROM attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
  UNION ALL \
  SELECT base.attnum, t.oid, t.typname, t.typtype, base.typtypmod, t.typbasetype, \
         t.typtypmod, base.typnotnull OR t.typnotnull, \
         base.has_default OR t.typdefault IS NOT NULL, base.depth + 1 \
  FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd' \
) \
SELECT found.nspname::text, found.relname::text, found.relkind IN ('v', 'm'), \
  a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), \
  base.oid, base.typname::text, base.typtype = 'e', base.typmod, \
  a.attnotnull OR base.typnotnull, \
  base.has_default OR a.attidentity <> '' OR (a.atthasdef AND a.attgenerated = ''), \
  a.attidentity <> '' OR COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), \
  a.attgenerated <> '', \
  (SELECT string_agg(concat_ws(' ', i.indisprimary::int, i.indexrelid, k.place), ',') \
   FROM pg_catalog.pg_index i \
   CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) \
   WHERE i.indrelid = found.oid AND k.attnum = a.attnum AND k.place <= i.indnkeyatts \
   AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL \
   AND (i.indimmediate OR i.indisprimary)) \
FROM found LEFT JOIN attribute a ON true \
LEFT JOIN base ON base.attnum = a.attnum AND base.typtype <> 'd' \
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
ORDER BY a.attnum";

/// May a role (the session's) do `$3` with table `$2` of schema `$1`? NULL where there is none.
/// A privilege over some columns is enough: others are refused when they are met.
pub(crate) const ACCESS: &str = "\
SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND ( \
  pg_catalog.has_table_privilege(c.oid, $3) \
  OR $3 <> 'DELETE' AND pg_catalog.has_any_column_privilege(c.oid, \
     CASE WHEN $3 = 'DELETE' THEN 'SELECT' ELSE $3 END)) \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE c.relname = $2 \
AND CASE WHEN $1 IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $1 END";

/// A row of [`TABLES`].
pub(crate) fn listed(row: &PgRow) -> sqlx::Result<(TableName, TableType)> {
    let name = TableName {
        schema: Some(row.try_get(0)?),
        name: row.try_get(1)?,
    };
    Ok((name, table_type(row.try_get(2)?)))
}

fn table_type(view: bool) -> TableType {
    if view {
        TableType::View
    } else {
        TableType::Table
    }
}

/// The rows of [`COLUMNS`].
pub(crate) fn table(rows: &[PgRow]) -> sqlx::Result<Option<Table>> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let (name, table_type) = listed(first)?;
    let mut columns = Vec::with_capacity(rows.len());
    let mut keys = Vec::new();
    for row in rows {
        if let Some(name) = row.try_get::<Option<&str>, _>(3)? {
            for place in row.try_get::<Option<&str>, _>(13)?.unwrap_or("").split(',') {
                keys.extend(KeyPlace::parse(place, name));
            }
            columns.push(column(name, row)?);
        }
    }
    keys.sort();
    let mut primary_key = Vec::new();
    let mut unique_keys = Vec::new();
    for key in keys.chunk_by(|a, b| a.index == b.index) {
        let names = key.iter().map(|place| place.column.to_owned()).collect();
        if key[0].secondary {
            unique_keys.push(names);
        } else {
            primary_key = names;
        }
    }
    Ok(Some(Table {
        name,
        table_type,
        columns,
        primary_key,
        unique_keys,
        ..Table::default()
    }))
}

/// A column's place in a unique index.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct KeyPlace<'a> {
    /// The index is not the primary key's.
    secondary: bool,
    index: u32,
    place: u16,
    column: &'a str,
}

impl<'a> KeyPlace<'a> {
    /// Reads `primary index place`, in numbers.
    fn parse(text: &str, column: &'a str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            secondary: words.next()? == "0",
            index: words.next()?.parse().ok()?,
            place: words.next()?.parse().ok()?,
            column,
        })
    }
}

fn column(name: &str, row: &PgRow) -> sqlx::Result<Column> {
    let oid = row.try_get::<sqlx::postgres::types::Oid, _>(5)?.0;
    let typmod: i32 = row.try_get(8)?;
    Ok(Column {
        name: name.to_owned(),
        kind: kind(oid, row.try_get(6)?, row.try_get(7)?, typmod),
        vendor_type: row.try_get(4)?,
        length: length(oid, typmod),
        nullable: !row.try_get::<bool, _>(9)?,
        has_default: row.try_get(10)?,
        auto_increment: row.try_get(11)?,
        generated: row.try_get(12)?,
        ..Column::default()
    })
}

/// Length of `character(n)` and `character varying(n)`.
fn length(oid: u32, typmod: i32) -> Option<u32> {
    match oid {
        oid::BPCHAR | oid::VARCHAR => u32::try_from(typmod.checked_sub(4)?).ok(),
        _ => None,
    }
}

/// The kind of a type, by its OID, or its name where it is not built in.
fn kind(oid: u32, name: &str, is_enum: bool, typmod: i32) -> Option<Kind> {
    Some(match oid {
        oid::BOOL => Kind::Bool,
        oid::INT2 => Kind::Int16,
        oid::INT4 => Kind::Int32,
        oid::INT8 => Kind::Int64,
        oid::FLOAT4 => Kind::Float32,
        oid::FLOAT8 => Kind::Float64,
        oid::NUMERIC => return numeric(typmod),
        oid::JSON | oid::JSONB => Kind::Json,
        oid::BYTEA => Kind::Bytes,
        oid::UUID => Kind::Uuid,
        oid::DATE => Kind::Date,
        oid::TIME => Kind::Time,
        oid::TIMESTAMP => Kind::Timestamp { utc: false },
        oid::TIMESTAMPTZ => Kind::Timestamp { utc: true },
        oid if oid::UNSIGNED.contains(&oid) => Kind::UInt32,
        oid if oid::TEXTS.contains(&oid) => Kind::Text,
        oid if oid >= oid::FIRST_USER && (is_enum || name == "citext") => Kind::Text,
        _ => return None,
    })
}

/// The kind of a `numeric` by its precision and scale; more than 38 digits are not carried yet.
fn numeric(typmod: i32) -> Option<Kind> {
    let Some(typmod) = typmod.checked_sub(4).filter(|t| *t >= 0) else {
        return Some(Kind::BigDecimal);
    };
    let precision = i16::try_from(typmod >> 16).ok()?;
    // Eleven bits with a sign.
    let scale = i16::try_from((typmod & 0x7ff) ^ 0x400).ok()? - 0x400;
    Some(Kind::Decimal {
        // Arrow wants room for every decimal place: 0.00001 is numeric(2,5) too.
        precision: u8::try_from(precision.max(scale))
            .ok()
            .filter(|p| *p <= 38)?,
        scale: i8::try_from(scale).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typmod(precision: i32, scale: i32) -> i32 {
        ((precision << 16) | (scale & 0x7ff)) + 4
    }

    #[test]
    fn numerics_have_their_precision_and_scale() {
        let decimal = |precision, scale| Some(Kind::Decimal { precision, scale });
        assert_eq!(numeric(-1), Some(Kind::BigDecimal));
        assert_eq!(numeric(typmod(12, 2)), decimal(12, 2));
        assert_eq!(numeric(typmod(38, 38)), decimal(38, 38));
        assert_eq!(numeric(typmod(2, 5)), decimal(5, 5));
        assert_eq!(numeric(typmod(3, -2)), decimal(3, -2));
        assert_eq!(numeric(typmod(39, 0)), None);
        assert_eq!(numeric(typmod(1000, 1000)), None);
        assert_eq!(numeric(typmod(5, -200)), None);
    }

    #[test]
    fn types_without_a_kind_are_left_to_be_named() {
        assert_eq!(kind(790, "money", false, -1), None);
        assert_eq!(kind(1007, "_int4", false, -1), None);
        assert_eq!(kind(16_400, "mood", true, -1), Some(Kind::Text));
        assert_eq!(kind(16_401, "hstore", false, -1), None);
        assert_eq!(kind(16_402, "citext", false, -1), Some(Kind::Text));
        assert_eq!(
            kind(oid::REGCLASS, "regclass", false, -1),
            Some(Kind::UInt32)
        );
    }
}
