//! SQL text of a dialect: pure, so that it is tested as text.
use crate::{Column, KeyPart, Page, Pair, Param, Statement, Table, TableName};
use connect_api::{Error, ErrorKind, Kind, Result, Schema, Value, arrow::schema::Field};
use std::time::Duration;

/// The text of a dialect's statements. What is common to most databases stands here; a dialect
/// replaces what differs.
pub trait Syntax: Send + Sync {
    /// The character around identifiers; inside it is doubled.
    fn quote_char(&self) -> char {
        '"'
    }

    /// The longest identifier, in bytes.
    fn max_identifier_bytes(&self) -> usize;

    /// The one function that identifiers pass (G8 has values, this has names).
    ///
    /// # Errors
    /// `Schema`: an empty name, a NUL in it, or one longer than the database takes: it would be
    /// cut, and another table or column met.
    fn quote(&self, name: &str) -> Result<String> {
        let wrong = |why: &str| {
            Error::new(
                ErrorKind::Schema,
                format!("identifier {:?} {why}", name.escape_debug().to_string()),
            )
        };
        if name.is_empty() {
            return Err(wrong("is empty"));
        }
        if name.contains('\0') {
            return Err(wrong("holds a NUL"));
        }
        if name.len() > self.max_identifier_bytes() {
            return Err(wrong(&format!(
                "is longer than the {} bytes that the database takes",
                self.max_identifier_bytes()
            )));
        }
        let q = self.quote_char();
        let mut quoted = String::with_capacity(name.len() + 2);
        quoted.push(q);
        for c in name.chars() {
            if c == q {
                quoted.push(q);
            }
            quoted.push(c);
        }
        quoted.push(q);
        Ok(quoted)
    }

    /// A table's quoted name.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn table(&self, table: &TableName) -> Result<String> {
        let name = self.quote(&table.name)?;
        match &table.schema {
            Some(schema) => Ok(format!("{}.{name}", self.quote(schema)?)),
            None => Ok(name),
        }
    }

    /// The placeholder of bound value `n`, from 1, that meets `column`.
    fn placeholder(&self, n: usize, column: &Column) -> String;

    /// The placeholder of bound value `n` that is compared with the
    /// [`key_expression`](Self::key_expression) of `column`.
    fn key_placeholder(&self, n: usize, column: &Column) -> String {
        self.placeholder(n, column)
    }

    /// A condition that every row after `value` in the first part of the key meets, with what is
    /// bound in it: where no index serves the key's expression, one may serve this.
    fn lower_bound(&self, _page: &Page<'_>, _value: &Value) -> Option<(String, Param)> {
        None
    }

    /// How a column is read in a SELECT; its quoted name, or a cast of it.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn select_column(&self, column: &Column) -> Result<String> {
        self.quote(&column.name)
    }

    /// The database's present time less `delay`, of the type of `column`.
    fn now(&self, column: &Column, delay: Duration) -> String;

    /// `(a, b) > (?, ?)` is understood, and served by an index.
    fn row_values(&self) -> bool {
        true
    }

    /// The type of a column made for `field`, e.g. `numeric(12,2)`. `in_key`: it is part of the
    /// primary key, which some databases cannot have over unbounded text.
    ///
    /// # Errors
    /// `Unsupported`: no type of the database holds every value of the field; it is named.
    fn column_type(&self, field: &Field, in_key: bool) -> Result<String>;

    /// How many values a statement can bind.
    fn max_params(&self) -> usize;

    /// Reads a page; the columns in the order of `page.columns`.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn select(&self, page: &Page<'_>) -> Result<Statement> {
        let mut params = Vec::new();
        let columns = page
            .columns
            .iter()
            .map(|i| self.select_column(&page.table.columns[*i]))
            .collect::<Result<Vec<_>>>()?;
        let mut sql = format!(
            "SELECT {} FROM {}",
            columns.join(", "),
            self.table(&page.table.name)?
        );
        let keys = page
            .key
            .iter()
            .map(|part| self.key_expression(page, part))
            .collect::<Result<Vec<_>>>()?;
        let mut conditions = Vec::new();
        if let Some(after) = page.after.filter(|after| !after.is_empty()) {
            let bound = &keys[..after.len().min(keys.len())];
            if let Some((condition, param)) = self.lower_bound(page, &after[0]) {
                conditions.push(condition);
                params.push(param);
            }
            conditions.push(self.after(page, bound, after, &mut params));
        }
        // Rows without a key have no place in the order of pages.
        for (part, key) in page.key.iter().zip(&keys) {
            if part.columns.iter().all(|i| page.table.columns[*i].nullable) {
                conditions.push(format!("{key} IS NOT NULL"));
            }
        }
        if let (Some(delay), Some(first)) = (page.before_now, keys.first()) {
            conditions.push(format!("{first} < {}", self.now(page.key_column(0), delay)));
        }
        if !conditions.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&conditions.join(" AND "));
        }
        if !keys.is_empty() {
            sql.push_str(" ORDER BY ");
            sql.push_str(&keys.join(", "));
        }
        if let Some(limit) = page.limit {
            sql.push_str(&self.limit(limit.get()));
        }
        Ok(Statement { sql, params })
    }

    /// Reads the database's present time, of the type of `column`: one row of one column.
    fn select_now(&self, column: &Column) -> Statement {
        Statement {
            sql: format!("SELECT {}", self.now(column, Duration::ZERO)),
            params: Vec::new(),
        }
    }

    /// Counts the rows with NULL in some part of `page.key`, which no page holds: one row of one
    /// 64-bit integer.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn count_without_key(&self, page: &Page<'_>) -> Result<Statement> {
        let nulls = page
            .key
            .iter()
            .map(|part| Ok(format!("{} IS NULL", self.key_expression(page, part)?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(Statement {
            sql: format!(
                "SELECT COUNT(*) FROM {} WHERE {}",
                self.table(&page.table.name)?,
                nulls.join(" OR ")
            ),
            params: Vec::new(),
        })
    }

    /// Adds a column for `field`, which may be NULL, to a table.
    ///
    /// # Errors
    /// As [`quote`](Self::quote) and [`column_type`](Self::column_type).
    fn add_column(&self, table: &TableName, field: &Field) -> Result<String> {
        Ok(format!(
            "ALTER TABLE {} ADD COLUMN {} {}",
            self.table(table)?,
            self.quote(field.name())?,
            self.column_type(field, false)?
        ))
    }

    /// The clause that limits rows, with a blank before it.
    fn limit(&self, rows: u32) -> String {
        format!(" LIMIT {rows}")
    }

    /// A key part as an expression.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn key_expression(&self, page: &Page<'_>, part: &KeyPart) -> Result<String> {
        let names = part
            .columns
            .iter()
            .map(|i| self.quote(&page.table.columns[*i].name))
            .collect::<Result<Vec<_>>>()?;
        Ok(match names.as_slice() {
            [name] => name.clone(),
            names => format!("COALESCE({})", names.join(", ")),
        })
    }

    /// The condition that the key is greater than `after`.
    fn after(
        &self,
        page: &Page<'_>,
        keys: &[String],
        after: &[Value],
        params: &mut Vec<Param>,
    ) -> String {
        let mut bind = |i: usize| {
            let column = page.key_column(i);
            params.push(Param {
                value: after[i].clone(),
                kind: column.kind.clone().unwrap_or(Kind::Text),
            });
            self.key_placeholder(params.len(), column)
        };
        if let [key] = keys {
            return format!("{key} > {}", bind(0));
        }
        if self.row_values() {
            let places: Vec<_> = (0..keys.len()).map(&mut bind).collect();
            return format!("({}) > ({})", keys.join(", "), places.join(", "));
        }
        // (a > ?) OR (a = ? AND b > ?) OR …, with `a >= ?` in front so that an index serves.
        let mut alternatives = Vec::new();
        let bound = format!("{} >= {}", keys[0], bind(0));
        for last in 0..keys.len() {
            let mut terms: Vec<_> = (0..last)
                .map(|i| format!("{} = {}", keys[i], bind(i)))
                .collect();
            terms.push(format!("{} > {}", keys[last], bind(last)));
            alternatives.push(format!("({})", terms.join(" AND ")));
        }
        format!("{bound} AND ({})", alternatives.join(" OR "))
    }

    /// `INSERT INTO t (a, b) VALUES (?, ?), …` for so many rows; values are bound row by row, in
    /// the order of the pairs.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn insert(&self, table: &Table, pairs: &[Pair], rows: usize) -> Result<String> {
        let names = self.names(table, pairs)?.join(", ");
        let mut sql = format!("INSERT INTO {} ({names}) VALUES ", self.table(&table.name)?);
        self.push_rows(table, pairs, rows, &mut sql);
        Ok(sql)
    }

    /// `UPDATE t SET c = ? WHERE a = ?` for one row; the values beside the key are bound first,
    /// then the `key` first pairs. At least one pair is not of the key.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn update(&self, table: &Table, pairs: &[Pair], key: usize) -> Result<String> {
        let names = self.names(table, pairs)?;
        let set: Vec<_> = (key..pairs.len())
            .map(|i| {
                let place = self.placeholder(i - key + 1, &table.columns[pairs[i].to]);
                format!("{} = {place}", names[i])
            })
            .collect();
        let filter: Vec<_> = (0..key)
            .map(|i| {
                let n = pairs.len() - key + i + 1;
                let place = self.placeholder(n, &table.columns[pairs[i].to]);
                format!("{} = {place}", names[i])
            })
            .collect();
        let (set, filter) = (set.join(", "), filter.join(" AND "));
        Ok(format!(
            "UPDATE {} SET {set} WHERE {filter}",
            self.table(&table.name)?
        ))
    }

    /// `DELETE FROM t WHERE (a, b) IN ((?, ?), …)` for so many keys, bound key by key.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn delete(&self, table: &Table, key: &[Pair], rows: usize) -> Result<String> {
        let names = self.names(table, key)?;
        let mut sql = format!("DELETE FROM {} WHERE ", self.table(&table.name)?);
        if let ([name], 1) = (&names[..], rows) {
            let place = self.placeholder(1, &table.columns[key[0].to]);
            sql.push_str(&format!("{name} = {place}"));
        } else if let [name] = &names[..] {
            let places: Vec<_> = (1..=rows)
                .map(|n| self.placeholder(n, &table.columns[key[0].to]))
                .collect();
            sql.push_str(&format!("{name} IN ({})", places.join(", ")));
        } else {
            sql.push_str(&format!("({}) IN ({}", names.join(", "), self.row_list()));
            self.push_rows(table, key, rows, &mut sql);
            sql.push(')');
        }
        Ok(sql)
    }

    /// What stands before a list of rows after `IN (`: some databases want `VALUES `.
    fn row_list(&self) -> &'static str {
        ""
    }

    /// The quoted names of the columns that `pairs` go to.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn names(&self, table: &Table, pairs: &[Pair]) -> Result<Vec<String>> {
        pairs
            .iter()
            .map(|pair| self.quote(&table.columns[pair.to].name))
            .collect()
    }

    /// Appends `(?, ?), …`, so many rows of placeholders for `pairs`, counted from 1.
    fn push_rows(&self, table: &Table, pairs: &[Pair], rows: usize, sql: &mut String) {
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for (i, pair) in pairs.iter().enumerate() {
                if i > 0 {
                    sql.push_str(", ");
                }
                let n = row * pairs.len() + i + 1;
                sql.push_str(&self.placeholder(n, &table.columns[pair.to]));
            }
            sql.push(')');
        }
    }

    /// Makes a table for records of `schema`, if there is none of this name, with the schema's
    /// key as the primary key.
    ///
    /// # Errors
    /// As [`quote`](Self::quote) and [`column_type`](Self::column_type).
    fn create_table(&self, table: &TableName, schema: &Schema) -> Result<String> {
        let mut lines = Vec::new();
        for (i, field) in schema.columns().fields().iter().enumerate() {
            let in_key = schema.key().contains(&i);
            let not_null = in_key || field.metadata().contains_key(connect_api::NOT_NULL);
            lines.push(format!(
                "{} {}{}",
                self.quote(field.name())?,
                self.column_type(field, in_key)?,
                if not_null { " NOT NULL" } else { "" }
            ));
        }
        if !schema.key().is_empty() {
            let key = schema
                .key()
                .iter()
                .map(|i| self.quote(schema.field(*i).name()))
                .collect::<Result<Vec<_>>>()?;
            lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        Ok(format!(
            "CREATE TABLE IF NOT EXISTS {} ({})",
            self.table(table)?,
            lines.join(", ")
        ))
    }
}
