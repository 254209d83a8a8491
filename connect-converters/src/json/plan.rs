//! How bodies of one form are read: decided once per schema text, or per set of fields.
use super::cell_reader::{CellReader, Forms};
use super::row_reader::RowReader;
use super::schema_reader::Declared;
use crate::key::{KeyForms, KeyReader};
use connect_api::{
    Error, ErrorKind, Kind, NOT_NULL, Result, Schema, SchemaRef, Target, arrow::schema::Field,
};

/// What the settings say about reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// Whether fields named `schema` and `payload` may be columns of a plain body.
    pub(crate) own_fields: bool,
    /// How values of plain bodies are written.
    pub(crate) forms: Forms,
    /// How message keys are written.
    pub(crate) keys: KeyForms,
    pub(crate) ignore_unknown: bool,
    /// Plans to keep.
    pub(crate) plans: usize,
}

/// What bodies a plan reads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// With a schema, and with this text up to the payload where that comes last.
    Envelope(Option<Box<str>>),
    /// Without a schema, with fields for these columns of the target, ascending.
    Plain(Box<[usize]>),
}

/// How bodies of one shape are read.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) shape: Shape,
    pub(crate) schema: SchemaRef,
    pub(crate) rows: RowReader,
    /// Key columns that are not in the body, read from the message key.
    pub(crate) outside: Option<KeyReader>,
    /// All key columns, read from the key of a message without a body.
    pub(crate) key: KeyReader,
}

/// A field of the target that bodies can have.
pub(crate) struct PlainField<'a> {
    /// Its name in the body.
    pub(crate) name: &'a str,
    /// Its column in the target; `None` where it is left out.
    pub(crate) column: Option<usize>,
}

impl Plan {
    /// A plan for bodies with the schema `declared`, which begin with `opening` where the payload
    /// comes last.
    ///
    /// # Errors
    /// `Data`: two fields have one name.
    pub(crate) fn envelope(
        opening: Option<&str>,
        declared: Declared,
        topic: &str,
        target: &Target,
        reading: Reading,
    ) -> Result<Self> {
        let names = |name: &str| declared.fields.iter().any(|(f, ..)| f.name() == name);
        let key = key_names(target, names);
        let mut rows = RowReader::new(None, reading.ignore_unknown);
        let mut fields = Vec::with_capacity(declared.fields.len());
        for (i, (field, kind, forms)) in declared.fields.into_iter().enumerate() {
            let is_key = key.contains(&field.name().as_str());
            rows.add(
                field.name(),
                Some((i, CellReader::new(&kind, forms, is_key))),
            );
            fields.push(field.with_nullable(!is_key));
        }
        let name = declared.name.as_deref().unwrap_or(topic);
        let shape = Shape::Envelope(opening.map(Into::into));
        let plan = Self::new(shape, name, fields, &key, target, rows, reading.keys)?;
        Ok(match declared.version {
            Some(version) => Self {
                schema: plan.schema.with_version(version),
                ..plan
            },
            None => plan,
        })
    }

    /// A plan for bodies with `fields`, in that order, which are typed as the columns of `schema`,
    /// the target.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn plain(
        fields: &[PlainField<'_>],
        schema: &SchemaRef,
        target: &Target,
        reading: Reading,
    ) -> Result<Self> {
        let mut columns: Vec<usize> = fields.iter().filter_map(|f| f.column).collect();
        columns.sort_unstable();
        let key = key_names(target, |name| {
            columns.iter().any(|i| schema.field(*i).name() == name)
        });
        let mut rows = RowReader::new(Some(schema.clone()), reading.ignore_unknown);
        for field in fields {
            let column = field.column.and_then(|target| {
                let place = columns.binary_search(&target).ok()?;
                let is_key = key.contains(&field.name);
                Some((
                    place,
                    CellReader::new(&schema.kinds()[target], reading.forms, is_key),
                ))
            });
            rows.add(field.name, column);
        }
        let arrow = columns.iter().map(|i| {
            let field = schema.field(*i).clone();
            let is_key = key.contains(&field.name().as_str());
            field.with_nullable(!is_key)
        });
        let arrow = arrow.collect();
        let shape = Shape::Plain(columns.into());
        Self::new(
            shape,
            schema.name(),
            arrow,
            &key,
            target,
            rows,
            reading.keys,
        )
    }

    fn new(
        shape: Shape,
        name: &str,
        mut fields: Vec<Field>,
        key: &[&str],
        target: &Target,
        rows: RowReader,
        keys: KeyForms,
    ) -> Result<Self> {
        let in_body = fields.len();
        for name in key {
            if !fields.iter().any(|field| field.name() == name) {
                fields.push(key_field(name, target));
            }
        }
        let schema = Schema::new(name, fields, key).map_err(|e| {
            let message = e.to_string();
            Error::new(ErrorKind::Data, message).with_source(e)
        })?;
        let outside = schema.key().iter().any(|i| *i >= in_body);
        Ok(Self {
            shape,
            outside: outside.then(|| KeyReader::of_columns(&schema, keys, |i| i >= in_body)),
            key: KeyReader::of_columns(&schema, keys, |_| true),
            schema,
            rows,
        })
    }
}

/// The names of the key columns: those that the target names, or else those of its own key where
/// the body has them all.
fn key_names(target: &Target, in_body: impl Fn(&str) -> bool) -> Vec<&str> {
    if !target.key.is_empty() {
        return target.key.iter().map(String::as_str).collect();
    }
    let Some(schema) = &target.schema else {
        return Vec::new();
    };
    let names: Vec<&str> = schema
        .key()
        .iter()
        .map(|i| schema.field(*i).name().as_str())
        .collect();
    if names.iter().all(|name| in_body(name)) {
        names
    } else {
        Vec::new()
    }
}

/// A key column that no body has: as in the target, or text, which holds any key as it is.
fn key_field(name: &str, target: &Target) -> Field {
    let known = target.schema.as_ref().and_then(|schema| {
        let i = schema.index_of(name)?;
        Some(schema.field(i).clone().with_nullable(false))
    });
    known.unwrap_or_else(|| {
        let field = Kind::Text.field(name, false);
        field.with_metadata([(NOT_NULL.to_owned(), "true".to_owned())])
    })
}
