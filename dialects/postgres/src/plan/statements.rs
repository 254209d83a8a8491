//! The text of statements that take many rows at once.
use crate::{
    encode::target::Target,
    syntax::value_type,
    types::{self, name::Vendor, oid},
};
use dialect_core::{Column, UserForm, WriteOp};
use std::sync::Arc;

/// A write as text, but for where its rows come from.
pub(crate) struct Merge<'a> {
    pub(crate) op: WriteOp,
    /// Quoted.
    pub(crate) table: String,
    /// The same where `EXCLUDED` stands beside it.
    pub(crate) inserted: String,
    /// Quoted; those of the key first.
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<&'a Column>,
    pub(crate) targets: &'a [Target],
    pub(crate) key: usize,
}

impl Merge<'_> {
    /// The statement that takes the rows of a relation, aliased as `r`, whose columns have the
    /// names of the table's.
    pub(crate) fn statement(&self, rows: &str) -> String {
        let Self {
            table,
            inserted,
            names,
            ..
        } = self;
        let matched = self.matched();
        match self.op {
            WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert => {
                let values: Vec<_> = (0..names.len()).map(|i| self.value(i)).collect();
                let identity = match self.columns.iter().any(|c| c.auto_increment) {
                    true => " OVERRIDING SYSTEM VALUE",
                    false => "",
                };
                format!(
                    "INSERT INTO {inserted} ({}){identity} SELECT {} FROM {rows}{}",
                    names.join(", "),
                    values.join(", "),
                    self.conflict(),
                )
            }
            WriteOp::Update => {
                let sets = self.sets();
                format!("UPDATE {table} AS t SET {sets} FROM {rows} WHERE {matched}")
            }
            WriteOp::Delete => format!("DELETE FROM {table} AS t USING {rows} WHERE {matched}"),
        }
    }

    /// The value of a column in the relation `r`.
    fn value(&self, i: usize) -> String {
        let value = format!("r.{}", self.names[i]);
        cast(self.columns[i], &self.targets[i]).apply(&value)
    }

    /// The row `t` of the table has the key of `r`.
    pub(crate) fn matched(&self) -> String {
        let matched: Vec<_> = (0..self.key)
            .map(|i| format!("t.{} = {}", self.names[i], self.value(i)))
            .collect();
        matched.join(" AND ")
    }

    /// The columns beside the key as those of `r`.
    pub(crate) fn sets(&self) -> String {
        let sets: Vec<_> = (self.key..self.names.len())
            .map(|i| format!("{} = {}", self.names[i], self.value(i)))
            .collect();
        sets.join(", ")
    }

    fn conflict(&self) -> String {
        match self.op {
            WriteOp::InsertIgnore => return " ON CONFLICT DO NOTHING".to_owned(),
            WriteOp::Upsert => {}
            WriteOp::Insert | WriteOp::Update | WriteOp::Delete => return String::new(),
        }
        let keys = self.names[..self.key].join(", ");
        let sets: Vec<_> = self.names[self.key..]
            .iter()
            .map(|name| format!("{name} = EXCLUDED.{name}"))
            .collect();
        if sets.is_empty() {
            return format!(" ON CONFLICT ({keys}) DO NOTHING");
        }
        format!(" ON CONFLICT ({keys}) DO UPDATE SET {}", sets.join(", "))
    }

    /// `COPY` into the table.
    pub(crate) fn load(&self) -> Arc<str> {
        copy(&self.table, &self.names)
    }

    /// Rows in the statement itself.
    pub(crate) fn values(&self) -> Values {
        let names = self.names.join(", ");
        let types: Vec<_> = self.targets.iter().map(Target::name).collect();
        // `UNNEST` takes arrays of arrays apart to the last element, and composites to the fields.
        if self.targets.iter().any(Target::is_unnested_whole) {
            let statement = self.statement(&format!("(VALUES \0) AS r({names})"));
            let (head, tail) = statement.split_once('\0').unwrap_or((&statement, ""));
            return Values::Lists {
                head: head.to_owned(),
                types,
                tail: tail.to_owned(),
            };
        }
        let arrays: Vec<_> = types
            .iter()
            .enumerate()
            .map(|(i, name)| format!("${}::{name}[]", i + 1))
            .collect();
        let rows = format!("UNNEST({}) AS r({names})", arrays.join(", "));
        Values::Arrays(self.statement(&rows).into())
    }
}

/// A statement that has its rows in it.
#[derive(Debug)]
pub(crate) enum Values {
    /// Each column is an array.
    Arrays(Arc<str>),
    /// Each cell is a value.
    Lists {
        head: String,
        types: Vec<String>,
        tail: String,
    },
}

impl Values {
    /// The statement with so many rows in it.
    pub(crate) fn statement(&self, rows: usize) -> Arc<str> {
        match self {
            Self::Arrays(sql) => sql.clone(),
            Self::Lists { head, types, tail } => {
                let mut sql = head.clone();
                for row in 0..rows {
                    sql.push_str(if row == 0 { "(" } else { ", (" });
                    for (i, name) in types.iter().enumerate() {
                        let comma = if i == 0 { "" } else { ", " };
                        let n = row * types.len() + i + 1;
                        sql.push_str(&format!("{comma}${n}::{name}"));
                    }
                    sql.push(')');
                }
                sql.push_str(tail);
                sql.into()
            }
        }
    }
}

pub(crate) fn copy(table: &str, names: &[String]) -> Arc<str> {
    format!(
        "COPY {table} ({}) FROM STDIN (FORMAT binary)",
        names.join(", ")
    )
    .into()
}

/// How a gathered value becomes one of the column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cast {
    None,
    To(String),
    /// JSON into a composite type.
    Composite(String),
    /// JSON into an array of a composite type.
    Composites(String),
    /// JSON into an `hstore`.
    Hstore(String),
}

impl Cast {
    /// The server reads a text as another type, and may not be able to.
    pub(crate) fn reads_text(&self) -> bool {
        match self {
            Self::None => false,
            Self::To(name) => name != "bpchar",
            Self::Composite(_) | Self::Composites(_) | Self::Hstore(_) => true,
        }
    }

    fn apply(&self, value: &str) -> String {
        let record =
            |name: &str, value: &str| format!("json_populate_record(NULL::{name}, {value})");
        match self {
            Self::None => value.to_owned(),
            Self::To(name) => format!("{value}::{name}"),
            Self::Composite(name) => record(name, value),
            Self::Composites(name) => {
                let record = record(name, "e.v");
                format!(
                    "CASE WHEN {value} IS NULL THEN NULL ELSE ARRAY(SELECT CASE json_typeof(e.v) \
                     WHEN 'null' THEN NULL ELSE {record} END FROM json_array_elements({value}) AS e (v)) END"
                )
            }
            Self::Hstore(name) => {
                let quoted = |part: &str| {
                    format!(
                        r#"'"' || replace(replace({part}, E'\\', E'\\\\'), '"', E'\\"') || '"'"#
                    )
                };
                format!(
                    "CASE WHEN {value} IS NULL THEN NULL ELSE COALESCE((SELECT string_agg({} || '=>' \
                     || COALESCE({}, 'NULL'), ',') FROM json_each_text({value}) AS e (k, v)), '')::{name} END",
                    quoted("e.k"),
                    quoted("e.v")
                )
            }
        }
    }
}

/// Its values are read as JSON, which the server makes, or by their parts, and are written as JSON
/// where these do not fit.
fn is_made_of_json(column: &Column) -> bool {
    let form = column.user_type.as_ref().map(|user| user.form);
    matches!(form, Some(UserForm::Composite | UserForm::Map))
        || column.extension == Some(types::AS_JSON)
}

/// The way from the type that values of `column` are met with to the column's own.
pub(crate) fn cast(column: &Column, target: &Target) -> Cast {
    let vendor = Vendor::parse(&column.vendor_type);
    let oid = vendor.as_ref().map_or(0, |vendor| vendor.oid);
    let same = match target {
        Target::Text(_) => matches!(oid, oid::TEXT | oid::VARCHAR),
        Target::Json if is_made_of_json(column) => {
            let name = column.vendor_type.clone();
            return match name.strip_suffix("[]") {
                Some(element) => Cast::Composites(element.to_owned()),
                None if name.trim_end_matches('"').ends_with("hstore") => Cast::Hstore(name),
                None => Cast::Composite(name),
            };
        }
        Target::Json | Target::Jsonb | Target::Oid => oid == target.oid(),
        Target::Array(_) => target.is_exact(column),
        Target::Bytea => column.extension.is_none(),
        Target::Bit => return Cast::To("bit(1)".to_owned()),
        _ => true,
    };
    match (same, vendor) {
        (true, _) => Cast::None,
        (false, Some(vendor)) => Cast::To(vendor.uncut()),
        (false, None) => Cast::To(value_type(column)),
    }
}
