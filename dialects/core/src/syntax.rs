//! SQL text of a dialect: pure, so that it is tested as text.
use crate::{
    delete_capture::{CaptureDdl, DeleteCapture, TriggerList},
    paging,
    plan::Pair,
    query::{KeyPart, KeyValues, Page, Param, Statement},
    table::{Column, Table, TableName},
    writing,
};
use connect_api::{Error, ErrorKind, Kind, Result, Schema, Value, arrow::schema::Field};
use std::{num::NonZeroU32, ops::Range, time::Duration};

/// The text of a dialect's statements. What is common to most databases stands here; a dialect
/// replaces what differs.
pub trait Syntax: Send + Sync {
    /// The character that ends identifiers; inside it is doubled.
    fn quote_char(&self) -> char {
        '"'
    }

    /// The character that begins identifiers.
    fn opening_quote(&self) -> char {
        self.quote_char()
    }

    /// The longest identifier, in bytes.
    fn max_identifier_bytes(&self) -> usize;

    /// Whether the database takes a name for its length; most count bytes.
    fn takes_length(&self, name: &str) -> bool {
        name.len() <= self.max_identifier_bytes()
    }

    /// What the length of a name is counted in.
    fn length_unit(&self) -> &'static str {
        "bytes"
    }

    /// Why the database takes no such name, where that is not its length.
    fn refused_name(&self, _name: &str) -> Option<&'static str> {
        None
    }

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
        if let Some(why) = self.refused_name(name) {
            return Err(wrong(why));
        }
        if !self.takes_length(name) {
            return Err(wrong(&format!(
                "is longer than the {} {} that the database takes",
                self.max_identifier_bytes(),
                self.length_unit()
            )));
        }
        let q = self.quote_char();
        let mut quoted = String::with_capacity(name.len() + 2);
        quoted.push(self.opening_quote());
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

    /// The placeholder of bound value `n` that is compared with `column` itself.
    fn compared(&self, n: usize, column: &Column) -> String {
        self.placeholder(n, column)
    }

    /// The placeholder of bound value `n` that is compared with the
    /// [`key_expression`](Self::key_expression) of `column`.
    fn key_placeholder(&self, n: usize, column: &Column) -> String {
        self.placeholder(n, column)
    }

    /// What is bound where the key's part in `column` is compared with `value`: where the column
    /// counts time more coarsely, what divides its rows as `value` does.
    fn bound_key(&self, _column: &Column, value: &Value) -> Value {
        value.clone()
    }

    /// How well keys distinguish the values of `column`.
    fn key_values(&self, _column: &Column) -> KeyValues {
        KeyValues::Exact
    }

    /// Where the database has values of `column` that stand before all others and are none of its
    /// kind, PostgreSQL's `-infinity` say: the first value of the kind, at or before which they
    /// stand.
    fn before_first(&self, _column: &Column) -> Option<Value> {
        None
    }

    /// A placeholder names its value, so that one that is bound once may stand in several places.
    fn named_placeholders(&self) -> bool {
        false
    }

    /// The count of rows, in 64 bits.
    fn count(&self) -> &'static str {
        "COUNT(*)"
    }

    /// The number 1, in 64 bits.
    fn one(&self) -> &'static str {
        "1"
    }

    /// A condition that every row after `value` in the first part of the key meets, with what is
    /// bound in it as the statement's first value: where no index serves the key's expression, one
    /// may serve this.
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

    /// The statement that gives the name of the session's database, where schemas are parts of it.
    fn select_catalog(&self) -> Option<&'static str> {
        None
    }

    /// The database's present time less `delay`, of the type of `column`. For a column without a
    /// time zone: by the clock that the database's own functions write it by.
    fn now(&self, column: &Column, delay: Duration) -> String;

    /// The present time in UTC, moved by so many microseconds, of the type of `column`, which has
    /// no time zone.
    fn utc_now(&self, column: &Column, shift: i64) -> String;

    /// The present time less `back`, of the type of `column`. `east`: where the column has no zone,
    /// the clocks that wrote it are ahead of UTC by so many microseconds.
    fn present(&self, column: &Column, east: Option<i64>, back: Duration) -> String {
        match (east, &column.kind) {
            (Some(east), Some(Kind::Timestamp { utc: false })) => {
                let back = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
                self.utc_now(column, east.saturating_sub(back))
            }
            _ => self.now(column, back),
        }
    }

    /// How far two times may lie apart that `column` holds as one value: what is written within it
    /// can still have the same. Zero for microseconds.
    fn step(&self, _column: &Column) -> Duration {
        Duration::ZERO
    }

    /// `(a, b) > (?, ?)` is understood, and served by an index.
    fn row_values(&self) -> bool {
        true
    }

    /// The type of a column created for `field`, e.g. `numeric(12,2)`. `in_key`: it is part of the
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
        paging::select(self, page)
    }

    /// Asks which of some pages have a row: one row, with a column of 64 bits a page that is 1 where
    /// it has, else NULL. `None` where that cannot be asked in one statement.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn select_any(&self, pages: &[Page<'_>]) -> Result<Option<Statement>> {
        paging::select_any(self, pages).map(Some)
    }

    /// What stands between SELECT and FROM to ask for the number of rows of `columns`, of 64 bits, and for
    /// their [`checksum`](crate::checksum), as text; `None` where the database cannot compute it for
    /// columns of these types.
    fn select_checksum(&self, _columns: &[&Column]) -> Option<String> {
        None
    }

    /// The statements that capture deleted rows of a table by triggers; `None` where there are none.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn capture_deletes(&self, _capture: &DeleteCapture<'_>) -> Result<Option<CaptureDdl>> {
        Ok(None)
    }

    /// Lists the triggers of a table that are enabled; `None` where that is not asked.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn triggers(&self, _table: &TableName) -> Result<Option<TriggerList>> {
        Ok(None)
    }

    /// Reads the database's present time, of the type of `column`: one row of one column.
    fn select_now(&self, column: &Column) -> Statement {
        self.select_present(column, None, Duration::ZERO)
    }

    /// The same, as [`present`](Self::present) has it.
    fn select_present(&self, column: &Column, east: Option<i64>, back: Duration) -> Statement {
        Statement {
            sql: format!("SELECT {}", self.present(column, east, back)),
            params: Vec::new(),
        }
    }

    /// Counts the rows with NULL in some part of `page.key`, which no page holds: one row of one
    /// 64-bit integer.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn count_without_key(&self, page: &Page<'_>) -> Result<Statement> {
        paging::count_without_key(self, page)
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

    /// The statements that add columns for `fields`, which may be NULL, to a table: one where the
    /// database takes several at once.
    ///
    /// # Errors
    /// As [`add_column`](Self::add_column).
    fn add_columns(&self, table: &TableName, fields: &[&Field]) -> Result<Vec<String>> {
        fields.iter().map(|f| self.add_column(table, f)).collect()
    }

    /// The same, where it matters to the new columns which the table has already.
    ///
    /// # Errors
    /// As [`add_column`](Self::add_column).
    fn add_columns_beside(&self, table: &Table, fields: &[&Field]) -> Result<Vec<String>> {
        self.add_columns(&table.name, fields)
    }

    /// The statement that widens `column`, so that it holds every value of `field` beside those
    /// that it holds.
    ///
    /// # Errors
    /// As [`column_type`](Self::column_type); `Unsupported`: the database cannot change the type of
    /// a column, or the new type would not hold what the old one does.
    fn widen(&self, table: &TableName, column: &Column, _field: &Field) -> Result<String> {
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "column `{}` of table `{table}`: the type of a column cannot be changed here",
                column.name
            ),
        ))
    }

    /// A value as a literal for a DEFAULT clause; `None` for kinds without a plain one.
    fn literal(&self, value: &Value) -> Option<String> {
        writing::literal(value)
    }

    /// The condition that a row lies in these blocks of the table's file, where there are any.
    fn in_blocks(&self, _blocks: &Range<u64>) -> Option<String> {
        None
    }

    /// Reads the keys at which a table falls into `parts` parts of about the same number of rows:
    /// at most `parts - 1` rows of one column, the first part of `page.key`, in order. `None` where
    /// the database has no window functions.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn quantiles(&self, page: &Page<'_>, parts: NonZeroU32) -> Result<Option<Statement>> {
        paging::quantiles(self, page, parts).map(Some)
    }

    /// What stands between a subquery and its name.
    fn subquery_alias(&self) -> &'static str {
        " AS "
    }

    /// The clause that limits rows, with a blank before it.
    fn limit(&self, rows: u32) -> String {
        format!(" LIMIT {rows}")
    }

    /// The clause that limits rows where it stands after SELECT, with a blank before it.
    fn limit_first(&self, _rows: u32) -> String {
        String::new()
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
        paging::after(self, page, keys, after, params)
    }

    /// The condition that the first parts of the key are not greater than `until`.
    fn until(
        &self,
        page: &Page<'_>,
        keys: &[String],
        until: &[Value],
        params: &mut Vec<Param>,
    ) -> String {
        paging::until(self, page, keys, until, params)
    }

    /// `INSERT INTO t (a, b) VALUES (?, ?), …` for so many rows; values are bound row by row, in
    /// the order of the pairs.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn insert(&self, table: &Table, pairs: &[Pair], rows: usize) -> Result<String> {
        writing::insert(self, table, pairs, rows)
    }

    /// `UPDATE t SET c = ? WHERE a = ?` for one row; the values beside the key are bound first,
    /// then the `key` first pairs. At least one pair is not of the key.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn update(&self, table: &Table, pairs: &[Pair], key: usize) -> Result<String> {
        writing::update(self, table, pairs, key)
    }

    /// `DELETE FROM t WHERE (a, b) IN ((?, ?), …)` for so many keys, bound key by key.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn delete(&self, table: &Table, key: &[Pair], rows: usize) -> Result<String> {
        writing::delete(self, table, key, rows)
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
        writing::push_rows(self, table, pairs, rows, sql);
    }

    /// Creates a table for records of `schema`, if there is none of this name, with the schema's
    /// key as the primary key.
    ///
    /// # Errors
    /// As [`quote`](Self::quote) and [`column_type`](Self::column_type).
    fn create_table(&self, table: &TableName, schema: &Schema) -> Result<String> {
        writing::create_table(self, table, schema)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::query::KeyPart;

    /// Nothing but what all databases share, with numbered placeholders.
    pub(crate) struct Plain {
        pub(crate) row_values: bool,
    }

    impl Syntax for Plain {
        fn max_identifier_bytes(&self) -> usize {
            20
        }

        fn placeholder(&self, n: usize, _column: &Column) -> String {
            format!("${n}")
        }

        fn now(&self, _column: &Column, delay: Duration) -> String {
            format!("now({})", delay.as_secs())
        }

        fn utc_now(&self, _column: &Column, shift: i64) -> String {
            format!("utc({shift})")
        }

        fn step(&self, column: &Column) -> Duration {
            if column.vendor_type == "seconds" {
                Duration::from_secs(1)
            } else {
                Duration::ZERO
            }
        }

        fn row_values(&self) -> bool {
            self.row_values
        }

        fn column_type(&self, field: &Field, in_key: bool) -> Result<String> {
            Ok(format!(
                "{:?}{}",
                Kind::of(field),
                if in_key { " key" } else { "" }
            ))
        }

        fn max_params(&self) -> usize {
            100
        }
    }

    /// A table `s.t` of whole numbers; a name with `?` behind it may be NULL.
    pub(crate) fn table(columns: &[&str]) -> Table {
        let column = |name: &&str| Column {
            name: name.trim_end_matches('?').to_owned(),
            kind: Some(Kind::Int64),
            vendor_type: "bigint".to_owned(),
            nullable: name.ends_with('?'),
            ..Column::default()
        };
        Table {
            name: TableName {
                schema: Some("s".to_owned()),
                name: "t".to_owned(),
            },
            columns: columns.iter().map(column).collect(),
            ..Table::default()
        }
    }

    pub(crate) fn key(parts: &[&[usize]]) -> Vec<KeyPart> {
        let part = |columns: &&[usize]| KeyPart {
            columns: columns.to_vec(),
        };
        parts.iter().map(part).collect()
    }

    #[test]
    fn identifiers_end_only_where_they_end() {
        let syntax = Plain { row_values: true };
        for (name, quoted) in [
            ("plain", "\"plain\""),
            ("a\"; DROP TABLE t --", "\"a\"\"; DROP TABLE t --\""),
            ("\"\"", "\"\"\"\"\"\""),
            ("dot.ted `x` [y]", "\"dot.ted `x` [y]\""),
        ] {
            assert_eq!(syntax.quote(name).unwrap(), quoted);
        }
        let name = TableName {
            schema: Some("a\"b".to_owned()),
            name: "c.d".to_owned(),
        };
        assert_eq!(syntax.table(&name).unwrap(), "\"a\"\"b\".\"c.d\"");
    }

    #[test]
    fn identifiers_that_would_be_cut_are_refused() {
        let syntax = Plain { row_values: true };
        for (name, why) in [
            ("", "is empty"),
            ("a\0b", "holds a NUL"),
            ("éééééééééée", "longer than the 20 bytes"),
        ] {
            let error = syntax.quote(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Schema);
            assert!(error.to_string().contains(why), "{error}");
        }
        assert!(syntax.quote("éééééééééé").is_ok());
    }
}
