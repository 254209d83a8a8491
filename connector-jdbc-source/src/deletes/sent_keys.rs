//! Keys of rows as they are sent, and how they are read from a table.
use crate::{
    config::SourceConfig,
    deletes::{DeletedKeys, known_keys::Key},
    read_plan::ReadPlan,
    scalar::query_row,
    table::select,
};
use arrow_row::{RowConverter, SortField};
use connect_api::{
    Error, ErrorKind, Kind, Records, Result, Schema, Value,
    arrow::{
        array::{ArrayRef, RecordBatch},
        select::concat::concat_batches,
    },
};
use dialect_core::{Connection, Dialect, Page, Statement, Syntax, checksum};
use sha2::{Digest as _, Sha256};
use std::num::NonZeroU32;

/// Keys of a chunk, where the settings do not say.
const CHUNK: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999);

/// The keys of one table.
pub(crate) struct SentKeys {
    keys: DeletedKeys,
    converter: RowConverter,
}

impl SentKeys {
    /// Of the table of `plan`.
    ///
    /// # Errors
    /// `Schema`, `Unsupported`: the key columns cannot be read by themselves, or cannot be compared.
    pub(crate) fn of(plan: &ReadPlan, syntax: &dyn Syntax) -> Result<Self> {
        let keys = DeletedKeys::of(plan, syntax)?;
        Ok(Self {
            converter: converter(&keys)?,
            keys,
        })
    }

    /// The name of the table.
    pub(crate) fn name(&self) -> &(dyn std::fmt::Display + Send + Sync) {
        self.keys.plan.name()
    }

    /// The keys of rows of the key columns, as they are sent.
    ///
    /// # Errors
    /// As [`ReadPlan::outgoing`].
    pub(crate) fn as_sent(&self, rows: Records) -> Result<Vec<Key>> {
        self.bytes(&self.keys.plan.outgoing(rows)?)
    }

    /// What bytes of keys are of: columns, types and masks.
    pub(crate) fn identity(&self) -> String {
        let schema = self.keys.plan.outgoing_schema();
        let columns: Vec<_> = schema
            .columns()
            .fields()
            .iter()
            .zip(schema.kinds())
            .collect();
        let columns = columns
            .iter()
            .map(|(field, kind)| format!("{} {kind:?}", field.name()));
        let columns: Vec<_> = columns.collect();
        format!(
            "{} {}",
            columns.join(", "),
            self.keys.plan.config.masks_of_keys()
        )
    }

    /// Reads the next keys after those that were read, as the table has them.
    pub(crate) async fn read(
        &self,
        after: Option<&[Value]>,
        until: Option<&[Value]>,
        config: &SourceConfig,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<(Option<Records>, Option<Vec<Value>>)> {
        let plan = &self.keys.plan;
        let limit = Some(config.deletes_chunk());
        let page = self.page(after, until, config);
        let statement = select(dialect, &Page { limit, ..page }, &plan.config)?;
        let mut cursor = connection.query(&statement, &plan.schema).await?;
        let (mut all, most) = (Vec::new(), most(config));
        while let Some(batch) = cursor.next(most, usize::MAX).await? {
            all.push(batch);
        }
        let batch = concat_batches(plan.schema.columns(), &all);
        let batch = batch.map_err(|e| {
            Error::new(ErrorKind::Internal, format!("{}: keys", plan.name())).with_source(e)
        })?;
        if batch.num_rows() == 0 {
            return Ok((None, None));
        }
        let records = Records::new(plan.topic.clone(), plan.schema.clone(), batch)?;
        let last = plan.page_key(&plan.columns, &records.row(records.len() - 1));
        match last {
            Some(last) => Ok((Some(records), Some(last))),
            None => {
                let message = format!("{}: a key that is NULL", plan.name());
                Err(Error::new(ErrorKind::Data, message))
            }
        }
    }

    fn page<'a>(
        &'a self,
        after: Option<&'a [Value]>,
        until: Option<&'a [Value]>,
        config: &'a SourceConfig,
    ) -> Page<'a> {
        Page {
            until,
            filter: config.filter.0.as_deref(),
            ..self.keys.plan.next_page(after, None)
        }
    }

    /// The number of keys in a range, and their checksum; `None` if the database has none.
    pub(crate) async fn sums(
        &self,
        after: Option<&[Value]>,
        until: Option<&[Value]>,
        config: &SourceConfig,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Option<(u64, u128)>> {
        let Some(list) = self.checksum_list(dialect) else {
            return Ok(None);
        };
        let page = dialect.syntax().select(&self.page(after, until, config))?;
        let statement = Statement {
            sql: format!("SELECT {list} FROM ({}) k", page.sql),
            params: page.params,
        };
        let columns = [Kind::Int64.field("n", true), Kind::Text.field("sum", true)];
        let schema = Schema::new("checksum", columns, &[])?;
        let row = query_row(connection, &statement, &schema).await?;
        let values = row.map(|row| (row.row(0).get(0).to_value(), row.row(0).get(1).to_value()));
        Ok(values.and_then(|(rows, sum)| match (rows, sum) {
            (Value::Int(rows), Value::Text(sum)) => {
                Some((u64::try_from(rows).ok()?, sum.parse().ok()?))
            }
            _ => None,
        }))
    }

    fn checksum_list(&self, dialect: &dyn Dialect) -> Option<String> {
        let plan = &self.keys.plan;
        // The user's words need not be allowed in a subquery.
        if plan.config.query_suffix.0.is_some() {
            return None;
        }
        let columns: Vec<_> = plan.table.columns.iter().collect();
        dialect.syntax().select_checksum(&columns)
    }

    /// The checksum of these keys, as the database would give it.
    pub(crate) fn checksum(
        &self,
        records: Option<&Records>,
        dialect: &dyn Dialect,
    ) -> Option<u128> {
        self.checksum_list(dialect)?;
        let Some(records) = records else {
            return Some(0);
        };
        let columns = 0..self.keys.plan.columns.len();
        let mut rows = records.rows();
        rows.try_fold(0, |sum, row| {
            let key = columns.clone().map(|i| row.get(i));
            Some(sum + u128::from(checksum::of_key(key)?))
        })
    }

    /// The keys of rows as they are sent.
    pub(crate) fn bytes(&self, records: &Records) -> Result<Vec<Key>> {
        let names = self.keys.plan.outgoing_schema();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in names.columns().fields() {
            let index = records.schema().index_of(field.name());
            let column = index.map(|i| records.batch().column(i).clone());
            columns.push(column.ok_or_else(|| self.unexpected("a key column is missing"))?);
        }
        let rows = self.converter.convert_columns(&columns);
        let rows = rows.map_err(|e| self.unexpected("key columns").with_source(e))?;
        Ok(rows.iter().map(|row| row.as_ref().into()).collect())
    }

    pub(crate) fn deletes(&self, keys: &[Key]) -> Result<Records> {
        let parser = self.converter.parser();
        let rows = keys.iter().map(|key| parser.parse(key));
        let columns = self.converter.convert_rows(rows);
        let columns = columns.map_err(|e| self.unexpected("known keys").with_source(e))?;
        let schema = self.keys.plan.outgoing_schema().columns().clone();
        let batch = RecordBatch::try_new(schema, columns);
        let batch = batch.map_err(|e| self.unexpected("known keys").with_source(e))?;
        self.keys.deletes_of_sent(batch)
    }

    fn unexpected(&self, what: &str) -> Error {
        let message = format!("{}: {what}", self.keys.plan.name());
        Error::new(ErrorKind::Internal, message)
    }
}

fn converter(keys: &DeletedKeys) -> Result<RowConverter> {
    let fields = keys.plan.outgoing_schema().columns().fields().iter();
    let fields = fields.map(|field| SortField::new(field.data_type().clone()));
    RowConverter::new(fields.collect()).map_err(|e| {
        let message = format!(
            "{}: keys of these types cannot be compared",
            keys.plan.name()
        );
        Error::new(ErrorKind::Unsupported, message).with_source(e)
    })
}

pub(crate) fn most(config: &SourceConfig) -> usize {
    usize::try_from(config.deletes_chunk().get()).unwrap_or(usize::MAX)
}

impl SourceConfig {
    fn deletes_chunk(&self) -> NonZeroU32 {
        self.deletes_chunk.unwrap_or(CHUNK)
    }

    /// What hashed keys depend on beside the key; not the salt itself.
    fn masks_of_keys(&self) -> String {
        let salt = self.salt.as_ref().map(|salt| salt.expose());
        let Some(salt) = salt.filter(|_| !self.hashed.is_empty()) else {
            return String::new();
        };
        let hash = Sha256::digest(format!("keys of sent rows: {salt}"));
        let digits = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
        let hashed: Vec<_> = self.hashed.patterns().map(|of| of.text.as_str()).collect();
        format!(
            "hashed {}: {}",
            hashed.join(", "),
            digits.collect::<String>()
        )
    }
}
