//! The text of statements that create tables and write rows.
use crate::{
    plan::Pair,
    syntax::Syntax,
    table::{Column, Table, TableName},
};
use connect_api::{DEFAULT, Kind, Result, Schema, Value, arrow::schema::Field};

/// What [`Syntax::create_table`] does where a dialect does not replace it.
///
/// # Errors
/// As [`Syntax::create_table`].
pub fn create_table<S: Syntax + ?Sized>(
    syntax: &S,
    table: &TableName,
    schema: &Schema,
) -> Result<String> {
    Ok(format!(
        "CREATE TABLE IF NOT EXISTS {} ({})",
        syntax.table(table)?,
        table_elements(syntax, schema, "")?
    ))
}

/// The column definitions and the primary key of a `CREATE TABLE` statement; `nullable` goes behind a
/// column that is not `NOT NULL`.
///
/// # Errors
/// As [`Syntax::create_table`].
pub fn table_elements<S: Syntax + ?Sized>(
    syntax: &S,
    schema: &Schema,
    nullable: &str,
) -> Result<String> {
    let mut lines = Vec::new();
    for (i, field) in schema.columns().fields().iter().enumerate() {
        let in_key = schema.key().contains(&i);
        let not_null = in_key || field.metadata().contains_key(connect_api::NOT_NULL);
        lines.push(format!(
            "{} {}{}{}",
            syntax.quote(field.name())?,
            syntax.column_type(field, in_key)?,
            default_clause(syntax, field),
            if not_null { " NOT NULL" } else { nullable }
        ));
    }
    if !schema.key().is_empty() {
        let key = schema
            .key()
            .iter()
            .map(|i| syntax.quote(schema.field(*i).name()))
            .collect::<Result<Vec<_>>>()?;
        lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    Ok(lines.join(", "))
}

/// The DEFAULT clause that a field's metadata asks for, with a blank before it; values without a
/// plain literal have none.
pub fn default_clause<S: Syntax + ?Sized>(syntax: &S, field: &Field) -> String {
    let metadata = field.metadata().get(DEFAULT);
    let value = metadata.and_then(|json| match (Kind::of(field), json.as_str()) {
        (Kind::Bool, "true") => Some(Value::Bool(true)),
        (Kind::Bool, "false") => Some(Value::Bool(false)),
        (Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64, number) => {
            number.parse().ok().map(Value::Int)
        }
        (Kind::Text, json) => serde_json::from_str(json).ok().map(Value::Text),
        _ => None,
    });
    value
        .and_then(|value| syntax.literal(&value))
        .map_or(String::new(), |literal| format!(" DEFAULT {literal}"))
}

/// See [`Syntax::literal`].
pub(crate) fn literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::Bool(true) => "TRUE".to_owned(),
        Value::Bool(false) => "FALSE".to_owned(),
        Value::Int(v) => v.to_string(),
        Value::UInt(v) => v.to_string(),
        Value::Decimal(v, scale) => connect_api::decimal_text(*v, *scale),
        Value::Text(v) if !v.contains('\0') => format!("'{}'", v.replace('\'', "''")),
        _ => return None,
    })
}

/// See [`Syntax::insert`].
pub(crate) fn insert<S: Syntax + ?Sized>(
    syntax: &S,
    table: &Table,
    pairs: &[Pair],
    rows: usize,
) -> Result<String> {
    insert_into(syntax, &syntax.table(&table.name)?, table, pairs, rows)
}

/// An INSERT of so many rows that a clause follows in which `excluded` is the row that was kept
/// out.
///
/// # Errors
/// As [`Syntax::quote`].
pub fn insert_or_excluded<S: Syntax + ?Sized>(
    syntax: &S,
    table: &Table,
    pairs: &[Pair],
    rows: usize,
) -> Result<String> {
    let target = beside_excluded(syntax, &table.name)?;
    insert_into(syntax, &target, table, pairs, rows)
}

/// A table's quoted name, and another name for it where its own is `excluded`: beside it that word
/// would mean the row that is there, and an upsert would set each column to itself.
///
/// # Errors
/// As [`Syntax::quote`].
pub fn beside_excluded<S: Syntax + ?Sized>(syntax: &S, table: &TableName) -> Result<String> {
    let quoted = syntax.table(table)?;
    Ok(match table.name.eq_ignore_ascii_case("excluded") {
        true => format!("{quoted} AS written"),
        false => quoted,
    })
}

fn insert_into<S: Syntax + ?Sized>(
    syntax: &S,
    target: &str,
    table: &Table,
    pairs: &[Pair],
    rows: usize,
) -> Result<String> {
    let names = syntax.names(table, pairs)?.join(", ");
    let mut sql = format!("INSERT INTO {target} ({names}) VALUES ");
    syntax.push_rows(table, pairs, rows, &mut sql);
    Ok(sql)
}

/// See [`Syntax::update`].
pub(crate) fn update<S: Syntax + ?Sized>(
    syntax: &S,
    table: &Table,
    pairs: &[Pair],
    key: usize,
) -> Result<String> {
    let names = syntax.names(table, pairs)?;
    let set: Vec<_> = (key..pairs.len())
        .map(|i| {
            let place = syntax.placeholder(i - key + 1, &table.columns[pairs[i].to]);
            format!("{} = {place}", names[i])
        })
        .collect();
    let filter: Vec<_> = (0..key)
        .map(|i| {
            let n = pairs.len() - key + i + 1;
            let place = syntax.compared(n, &table.columns[pairs[i].to]);
            format!("{} = {place}", names[i])
        })
        .collect();
    let (set, filter) = (set.join(", "), filter.join(" AND "));
    Ok(format!(
        "UPDATE {} SET {set} WHERE {filter}",
        syntax.table(&table.name)?
    ))
}

/// See [`Syntax::delete`].
pub(crate) fn delete<S: Syntax + ?Sized>(
    syntax: &S,
    table: &Table,
    key: &[Pair],
    rows: usize,
) -> Result<String> {
    let names = syntax.names(table, key)?;
    let mut sql = format!("DELETE FROM {} WHERE ", syntax.table(&table.name)?);
    if let ([name], 1) = (&names[..], rows) {
        let place = syntax.compared(1, &table.columns[key[0].to]);
        sql.push_str(&format!("{name} = {place}"));
    } else if let [name] = &names[..] {
        let places: Vec<_> = (1..=rows)
            .map(|n| syntax.compared(n, &table.columns[key[0].to]))
            .collect();
        sql.push_str(&format!("{name} IN ({})", places.join(", ")));
    } else {
        sql.push_str(&format!("({}) IN ({}", names.join(", "), syntax.row_list()));
        push_lists(table, key, rows, &mut sql, |n, c| syntax.compared(n, c));
        sql.push(')');
    }
    Ok(sql)
}

/// See [`Syntax::push_rows`].
pub(crate) fn push_rows<S: Syntax + ?Sized>(
    syntax: &S,
    table: &Table,
    pairs: &[Pair],
    rows: usize,
    sql: &mut String,
) {
    push_lists(table, pairs, rows, sql, |n, c| syntax.placeholder(n, c));
}

/// Appends `(?, ?), …`, each placeholder as `place` says.
fn push_lists(
    table: &Table,
    pairs: &[Pair],
    rows: usize,
    sql: &mut String,
    place: impl Fn(usize, &Column) -> String,
) {
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for (i, pair) in pairs.iter().enumerate() {
            if i > 0 {
                sql.push_str(", ");
            }
            let n = row * pairs.len() + i + 1;
            sql.push_str(&place(n, &table.columns[pair.to]));
        }
        sql.push(')');
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Pair, Syntax as _, TableName,
        syntax::tests::{Plain, table},
    };
    use connect_api::{Kind, NOT_NULL, Schema};

    const PLAIN: Plain = Plain { row_values: true };

    #[test]
    fn rows_are_inserted_in_the_order_of_the_pairs() {
        let pairs = [Pair { from: 0, to: 2 }, Pair { from: 1, to: 0 }];
        assert_eq!(
            PLAIN.insert(&table(&["a", "b", "c"]), &pairs, 2).unwrap(),
            "INSERT INTO \"s\".\"t\" (\"c\", \"a\") VALUES ($1, $2), ($3, $4)"
        );
    }

    #[test]
    fn an_update_binds_its_key_last() {
        let pairs = [0, 1, 2].map(|to| Pair { from: to, to });
        assert_eq!(
            PLAIN.update(&table(&["a", "b", "c"]), &pairs, 2).unwrap(),
            "UPDATE \"s\".\"t\" SET \"c\" = $1 WHERE \"a\" = $2 AND \"b\" = $3"
        );
    }

    #[test]
    fn deletes_name_one_key_or_many() {
        let table = table(&["a", "b"]);
        let key = [0, 1].map(|to| Pair { from: to, to });
        for (pairs, rows, filter) in [
            (&key[..1], 1, "\"a\" = $1"),
            (&key[..1], 3, "\"a\" IN ($1, $2, $3)"),
            (&key[..], 1, "(\"a\", \"b\") IN (($1, $2))"),
            (&key[..], 2, "(\"a\", \"b\") IN (($1, $2), ($3, $4))"),
        ] {
            assert_eq!(
                PLAIN.delete(&table, pairs, rows).unwrap(),
                format!("DELETE FROM \"s\".\"t\" WHERE {filter}")
            );
        }
    }

    #[test]
    fn tables_are_created_with_the_key_in_its_order() {
        let needed = Kind::Bool.field("needed", true);
        let metadata: std::collections::HashMap<_, _> =
            [(NOT_NULL.to_owned(), "true".to_owned())].into();
        let fields = [
            Kind::Int64.field("b", false),
            Kind::Text.field("a", false),
            Kind::Text.field("v", true),
            needed.with_metadata(metadata),
        ];
        let name = TableName::new("x");
        let schema = Schema::new("s", fields.clone(), &["a", "b"]).unwrap();
        assert_eq!(
            PLAIN.create_table(&name, &schema).unwrap(),
            "CREATE TABLE IF NOT EXISTS \"x\" (\"b\" Int64 key NOT NULL, \"a\" Text key NOT NULL, \
             \"v\" Text, \"needed\" Bool NOT NULL, PRIMARY KEY (\"a\", \"b\"))"
        );
        let keyless = Schema::new("s", fields, &[]).unwrap();
        assert!(
            !PLAIN
                .create_table(&name, &keyless)
                .unwrap()
                .contains("KEY (")
        );
        assert_eq!(
            PLAIN.add_column(&name, keyless.field(2)).unwrap(),
            "ALTER TABLE \"x\" ADD COLUMN \"v\" Text"
        );
    }
}
