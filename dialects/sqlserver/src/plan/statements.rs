//! The text of writes: rows of a relation on their way into a table. There is no MERGE: not every
//! server has it, and it is not safe from other sessions by itself.
use crate::{
    literal,
    syntax::SqlServerSyntax,
    types::{Declared, declared},
};
use connect_api::Result;
use dialect_core::{Column, Pair, Syntax as _, Table, WriteOp};
use std::{
    fmt::Write as _,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// A column that is written.
#[derive(Debug)]
struct Written {
    /// Its quoted name.
    name: String,
    declared: Declared,
    nullable: bool,
}

/// A write as text, but for where its rows come from.
#[derive(Debug)]
pub(crate) struct Merge {
    op: WriteOp,
    table: String,
    columns: Vec<Written>,
    key: usize,
    /// The unique keys of the table that the records have every column of, by place in `columns`.
    unique: Vec<Vec<usize>>,
    /// The name of the temporary table that rows are staged in.
    pub(crate) stage: String,
    /// It is created, or emptied.
    pub(crate) prepare: String,
}

/// The name of a staged column. Names of the table's may be such as a bulk load does not take.
pub(crate) fn staged_name(i: usize) -> String {
    format!("c{i}")
}

impl Merge {
    pub(crate) fn new(table: &Table, pairs: &[Pair], key: usize, op: WriteOp) -> Result<Self> {
        let columns = pairs
            .iter()
            .map(|pair| {
                let column: &Column = &table.columns[pair.to];
                Ok(Written {
                    name: SqlServerSyntax.quote(&column.name)?,
                    declared: declared(column),
                    nullable: column.nullable,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let place = |name: &String| {
            let to = table.index_of(name);
            pairs.iter().position(|pair| Some(pair.to) == to)
        };
        let unique = std::iter::once(&table.primary_key)
            .chain(&table.unique_keys)
            .filter(|names| !names.is_empty())
            .filter_map(|names| names.iter().map(place).collect())
            .collect();
        let mut merge = Self {
            op,
            table: SqlServerSyntax.table(&table.name)?,
            columns,
            key,
            unique,
            stage: String::new(),
            prepare: String::new(),
        };
        let definition = merge.definition();
        // Plans over the same columns share a table, and a session's tables stay few.
        let mut hasher = DefaultHasher::new();
        definition.hash(&mut hasher);
        merge.stage = format!("#connect_stage_{:016x}", hasher.finish());
        let stage = &merge.stage;
        merge.prepare = format!(
            "IF OBJECT_ID({}) IS NULL CREATE TABLE {stage} ({definition}) ELSE TRUNCATE TABLE {stage}",
            literal::text(&format!("tempdb..{stage}"))
        );
        Ok(merge)
    }

    fn definition(&self) -> String {
        let keyed = self.stage_key();
        let mut lines: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, column)| {
                format!(
                    "{} {}{} {}",
                    staged_name(i),
                    column.declared.staged(),
                    column.declared.staged_collation(),
                    if keyed && i < self.key {
                        "NOT NULL"
                    } else {
                        "NULL"
                    }
                )
            })
            .collect();
        if keyed {
            let key: Vec<_> = (0..self.key).map(staged_name).collect();
            lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        lines.join(", ")
    }

    /// The staged rows have the key as theirs, so that a join serves it, and two rows of one key
    /// are found: they go in one by one then, in their order.
    fn stage_key(&self) -> bool {
        let bytes = self.columns[..self.key]
            .iter()
            .map(|column| column.declared.index_bytes())
            .sum::<Option<u32>>();
        self.is_keyed() && bytes.is_some_and(|bytes| bytes <= 900)
    }

    /// Two rows of one key are two changes of one row.
    pub(crate) fn is_keyed(&self) -> bool {
        matches!(self.op, WriteOp::Upsert | WriteOp::Update)
    }

    /// Whether rows of one key may be in one statement: where they are not found, each row has
    /// its own.
    pub(crate) fn many_at_once(&self) -> bool {
        !self.is_keyed() || self.stage_key()
    }

    /// The statement that takes the rows of the temporary table.
    pub(crate) fn staged_sql(&self) -> String {
        self.taking(&format!("{} AS s", self.stage))
    }

    /// The statement that takes so many bound rows.
    pub(crate) fn values_sql(&self, rows: usize) -> String {
        let names: Vec<_> = (0..self.columns.len()).map(staged_name).collect();
        let mut relation = "(VALUES ".to_owned();
        self.push_rows(rows, &mut relation);
        relation.push_str(&format!(") AS s ({})", names.join(", ")));
        self.taking(&relation)
    }

    /// The statement that puts so many bound rows into the temporary table.
    pub(crate) fn fill_sql(&self, rows: usize) -> String {
        let names: Vec<_> = (0..self.columns.len()).map(staged_name).collect();
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", self.stage, names.join(", "));
        self.push_rows(rows, &mut sql);
        sql
    }

    fn push_rows(&self, rows: usize, sql: &mut String) {
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for (i, column) in self.columns.iter().enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                let bound = column.declared.bound(row * self.columns.len() + i + 1);
                // Writing to a string cannot fail.
                let _written = write!(sql, "{comma}{bound}");
            }
            sql.push(')');
        }
    }

    fn taking(&self, rows: &str) -> String {
        let table = &self.table;
        let matched = self.matched(&(0..self.key).collect::<Vec<_>>());
        match self.op {
            WriteOp::Insert => self.insert(rows, &[]),
            WriteOp::InsertIgnore => self.insert(rows, &self.unique),
            WriteOp::Upsert => {
                let key: Vec<_> = (0..self.key).collect();
                let insert = self.insert(rows, &[key]);
                if self.key == self.columns.len() {
                    return insert;
                }
                // The ranges stay locked until the transaction ends: no other session adds a row
                // between the two.
                format!(
                    "UPDATE t SET {} FROM {table} AS t WITH (UPDLOCK, HOLDLOCK) INNER JOIN {rows} ON {matched}; {insert}",
                    self.sets()
                )
            }
            WriteOp::Update => format!(
                "UPDATE t SET {} FROM {table} AS t INNER JOIN {rows} ON {matched}",
                self.sets()
            ),
            WriteOp::Delete => {
                format!("DELETE t FROM {table} AS t INNER JOIN {rows} ON {matched}")
            }
        }
    }

    /// INSERT of the rows that none of these keys keep out.
    fn insert(&self, rows: &str, keys: &[Vec<usize>]) -> String {
        let table = &self.table;
        let names: Vec<_> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let values: Vec<_> = (0..self.columns.len()).map(|i| self.value(i)).collect();
        let absent: Vec<_> = keys
            .iter()
            .map(|key| {
                format!(
                    "NOT EXISTS (SELECT 1 FROM {table} AS t WITH (UPDLOCK, HOLDLOCK) WHERE {})",
                    self.matched(key)
                )
            })
            .collect();
        let filter = if absent.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", absent.join(" AND "))
        };
        format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {rows}{filter}",
            names.join(", "),
            values.join(", ")
        )
    }

    fn value(&self, i: usize) -> String {
        self.columns[i]
            .declared
            .arriving(&format!("s.{}", staged_name(i)))
    }

    fn sets(&self) -> String {
        let sets: Vec<_> = (self.key..self.columns.len())
            .map(|i| format!("{} = {}", self.columns[i].name, self.value(i)))
            .collect();
        sets.join(", ")
    }

    /// The row of the table has these columns' values. A unique key takes one NULL.
    fn matched(&self, columns: &[usize]) -> String {
        let terms: Vec<_> = columns
            .iter()
            .map(|i| {
                let (column, value) = (&self.columns[*i], self.value(*i));
                let equal = format!("t.{} = {value}", column.name);
                if column.nullable && self.op == WriteOp::InsertIgnore {
                    format!(
                        "({equal} OR (t.{} IS NULL AND {value} IS NULL))",
                        column.name
                    )
                } else {
                    equal
                }
            })
            .collect();
        terms.join(" AND ")
    }
}
