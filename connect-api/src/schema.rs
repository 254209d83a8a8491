//! Schemas: an Arrow schema with a name, a version and key fields; shared by every row of a batch.
use crate::{
    error::{Error, ErrorKind, Result},
    kind::Kind,
};
use arrow_schema::Field;
use std::sync::Arc;

/// A schema shared by reference count; the same schema is the same pointer.
pub type SchemaRef = Arc<Schema>;

/// Name, version, key and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    name: Box<str>,
    version: Option<u32>,
    key: Vec<usize>,
    kinds: Vec<Kind>,
    columns: arrow_schema::SchemaRef,
}

impl Schema {
    /// A schema of `fields`, of which `key` names the key, in order.
    ///
    /// # Errors
    /// `Schema`: a key field is not among the fields, or two fields have one name.
    pub fn new(
        name: &str,
        fields: impl IntoIterator<Item = Field>,
        key: &[&str],
    ) -> Result<SchemaRef> {
        let columns = arrow_schema::Schema::new(fields.into_iter().collect::<Vec<_>>());
        let mut names: Vec<&str> = columns.fields().iter().map(|f| f.name().as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::new(
                ErrorKind::Schema,
                format!("schema `{name}` has two columns named `{}`", pair[0]),
            ));
        }
        let key = key
            .iter()
            .map(|k| {
                columns.index_of(k).map_err(|e| {
                    Error::new(
                        ErrorKind::Schema,
                        format!("key column `{k}` is not in schema `{name}`"),
                    )
                    .with_source(e)
                })
            })
            .collect::<Result<_>>()?;
        let kinds = columns.fields().iter().map(|f| Kind::of(f)).collect();
        Ok(Arc::new(Self {
            name: name.into(),
            version: None,
            key,
            kinds,
            columns: Arc::new(columns),
        }))
    }

    /// The same with a version.
    #[must_use]
    pub fn with_version(self: Arc<Self>, version: u32) -> SchemaRef {
        Arc::new(Self {
            version: Some(version),
            ..Arc::unwrap_or_clone(self)
        })
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version, where a registry gives one.
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// Indexes of the key columns; empty when there is no key.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// The kinds of the columns, in order.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Field of column `i`.
    pub fn field(&self, i: usize) -> &Field {
        self.columns.field(i)
    }

    /// Index of the column `name`.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns
            .fields()
            .iter()
            .position(|field| field.name() == name)
    }

    /// The Arrow schema.
    pub fn columns(&self) -> &arrow_schema::SchemaRef {
        &self.columns
    }
}
